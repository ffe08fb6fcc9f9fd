"""Tries of a number: half a million of them are a few rows, and known and unknown numbers look alike."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from lucine.safe import Database, Keys, connect, migrate
from lucine.watch.tries import forget_old_tries, note_try, tries_of

KEYS = Keys(bytes(range(32)))
DAY = 86400.0
NOW = 20_000 * DAY


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    await asyncio.to_thread(migrate, database_url, ["safe", "watch"])
    database = connect(database_url)
    await database.open()
    yield database
    await database.close()


async def note(db: Database, at: float, number: str = "8997", client: str = "c", channel: str = "page") -> None:
    async with db.transaction() as act:
        await note_try(act, at, KEYS, number=number, client=client, channel=channel, prefix="192.0.2.0/24")


async def rows(db: Database) -> int:
    row = await db.one("SELECT COUNT(*) AS rows FROM watch_tries")
    assert row
    return int(row["rows"])


async def test_tries_of_an_hour_are_one_counter(db: Database) -> None:
    assert await tries_of(db, NOW, KEYS, "8997") == (0, None)
    for second in range(20):
        await note(db, NOW + second)
    assert await rows(db) == 1
    await note(db, NOW + 30, client="other")
    await note(db, NOW + 40, channel="ciba")
    await note(db, NOW + 3600)
    await note(db, NOW + 50, number="unknown")
    assert await rows(db) == 5
    assert await tries_of(db, NOW + 3600, KEYS, "8997") == (23, NOW + 3600)
    assert await tries_of(db, NOW + 3600, KEYS, "unknown") == (1, NOW + 50)


async def test_tries_made_together_are_all_counted(db: Database) -> None:
    await asyncio.gather(*(note(db, NOW) for _ in range(30)))
    assert await tries_of(db, NOW, KEYS, "8997") == (30, NOW)


async def test_tries_count_for_thirty_days_and_are_then_forgotten(db: Database) -> None:
    await note(db, NOW)
    await note(db, NOW + DAY)
    later = NOW + 30 * DAY + 3600
    assert await tries_of(db, later, KEYS, "8997") == (1, NOW + DAY)
    assert not await forget_old_tries(db, later)
    assert await rows(db) == 1


async def test_a_try_that_is_undone_is_not_counted(db: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with db.transaction() as act:
            await note_try(act, NOW, KEYS, number="8997", client="c", channel="page", prefix="")
            raise ZeroDivisionError
    assert await rows(db) == 0


async def test_the_number_itself_is_not_kept(db: Database) -> None:
    await note(db, NOW, number="899700999917")
    (row,) = await db.all("SELECT * FROM watch_tries")
    assert "99700999917" not in str(dict(row))
