"""Histories: kept for half a year without an address, counted for everybody once, taken back whole."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from lucine.safe import Database, connect, migrate
from lucine.watch import histories
from lucine.watch.histories import KEPT_SECONDS, signs_of
from lucine.watch.risk import LEVELS, Signs

NOW = 1_780_000_000.0  # a Thursday, 20:26:40 in UTC
HOME = signs_of(NOW, address="90.0.0.1", browser="Firefox sur Windows", client="c", method="phone", known=False)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    await asyncio.to_thread(migrate, database_url, ["safe", "watch"])
    database = connect(database_url)
    await database.open()
    yield database
    await database.close()


async def remember(db: Database, at: float, session: str, holder: str = "ana", signs: Signs = HOME) -> None:
    async with db.transaction() as act:
        await histories.remember_sign_in(act, at, session=session, holder=holder, signs=signs)


async def traits(db: Database) -> dict[str, int]:
    return {row["trait"]: row["sign_ins"] for row in await db.all("SELECT * FROM watch_traits") if row["sign_ins"]}


async def count_all(db: Database) -> None:
    while await histories.count_sign_ins(db, NOW + 2 * 86400):
        pass


def counted(*many: Signs) -> dict[str, int]:
    counts = Counter[str]()
    for signs in many:
        counts.update(["", *(f"{level} {getattr(signs, level)}" for level in LEVELS)])
    return dict(counts)


def test_what_a_sign_in_shows() -> None:
    assert (HOME.prefix, HOME.network, HOME.country) == ("90.0.0.0/24", "Orange", "France")
    assert (HOME.system, HOME.hour, HOME.band) == ("Windows", 3 * 24 + 20, "week 5")
    unread = signs_of(NOW, address="?", browser="navigateur inconnu", client="c", method="phone", known=False)
    assert (unread.prefix, unread.system) == ("", "navigateur inconnu")


async def test_no_address_is_kept(db: Database) -> None:
    await remember(db, NOW, "s1")
    (row,) = await db.all("SELECT * FROM watch_histories")
    assert "90.0.0.1" not in str(dict(row))


async def test_each_sign_in_counts_once_whatever_the_number_of_batches(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(histories, "BATCH", 3)
    others = [replace(HOME, prefix=f"90.0.{number}.0/24") for number in range(7)]
    for number, signs in enumerate(others):
        await remember(db, NOW + number, f"s{number}", signs=signs)
    await asyncio.gather(count_all(db), count_all(db))
    assert await traits(db) == counted(*others)
    await count_all(db)
    assert await traits(db) == counted(*others)


async def test_what_was_not_her_is_taken_back_whether_counted_or_not(db: Database) -> None:
    await remember(db, NOW, "good")
    await remember(db, NOW, "bad")
    await remember(db, NOW + 60, "bad", signs=replace(HOME, client="other"))
    await count_all(db)
    await remember(db, NOW + 90, "bad")
    async with db.transaction() as act:
        await histories.forget_sign_ins(act, session="bad")
    assert await traits(db) == counted(HOME)
    assert len(await db.all("SELECT session FROM watch_histories")) == 1
    await count_all(db)
    assert await traits(db) == counted(HOME)


async def test_half_a_year_later_it_is_gone_from_both(db: Database) -> None:
    await remember(db, NOW, "old")
    await remember(db, NOW + 86400, "young")
    await count_all(db)
    while await histories.forget_old_sign_ins(db, NOW + KEPT_SECONDS + 1):
        pass
    assert await traits(db) == counted(HOME)
    assert [row["session"] for row in await db.all("SELECT session FROM watch_histories")] == ["young"]
    assert not await db.all("SELECT trait FROM watch_traits WHERE sign_ins <= 0")


async def test_only_her_own_last_half_year_is_compared(db: Database) -> None:
    async def judged(at: float) -> tuple[str, ...]:
        return (await histories.judge_sign_in(db, at, holder="ana", signs=replace(HOME, prefix="9.9.9.0/24"))).reasons

    await remember(db, NOW, "bea", holder="bea")
    assert await judged(NOW + 1) == ("first",)
    await remember(db, NOW, "ana")
    assert await judged(NOW + 1) == ("prefix",)
    assert await judged(NOW + KEPT_SECONDS + 1) == ("first",)
