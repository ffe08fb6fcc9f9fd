"""Histories: what each completed sign-in showed, for six months, so that an odd one can be told.

No address: its /24 or /48 and the name of its network. Written with the session it is about; counted for
everybody's habits later, off the hot path:

    new (counted_at IS NULL) --(chore)--> counted --(half a year, or "not me")--> gone, and counted no more
"""

import time
from collections import Counter
from collections.abc import Iterable

from lucine.safe import Database, Reader, Row, Transaction, among

from .place import place_of, prefix_of
from .risk import LEVELS, Judged, Signs, World, judge

KEPT_SECONDS = 180 * 86400
PAST_MAX = 100
BATCH = 500
COLUMNS = "prefix, network, country, browser, system, client, hour, method, known"
EVERYBODY = ""  # the trait that every sign-in has


def signs_of(
    now: float, *, address: str, browser: str, client: str, method: str, known: bool
) -> Signs:  # fmt: skip
    """What a sign-in shows. ``browser``: as ``browser_name`` calls it, such as ``Firefox sur Windows``."""
    place, when = place_of(address), time.gmtime(now)
    return Signs(
        prefix=prefix_of(address), network=place.network, country=place.country, browser=browser,
        system=browser.rpartition(" sur ")[2], client=client, hour=when.tm_wday * 24 + when.tm_hour, method=method,
        known=known,
    )  # fmt: skip


def _signs(row: Row) -> Signs:
    values = dict(row)
    values.pop("counted_at", None)
    return Signs(**{**values, "known": bool(values["known"])})


async def is_hers(db: Reader, *, holder: str, browser: str | None, key: str | None) -> bool:
    """Whether the browser that proved itself, or the key that it signed with, is one that she kept."""
    return bool(browser or key) and await db.one(
        "SELECT id FROM watch_browsers WHERE holder = :holder AND forgotten_at IS NULL"
        " AND (id = CAST(:browser AS TEXT) OR public_key = CAST(:key AS TEXT)) LIMIT 1",
        holder=holder, browser=browser, key=key,
    ) is not None  # fmt: skip


async def judge_sign_in(db: Reader, now: float, *, holder: str, signs: Signs) -> Judged:
    """How odd this sign-in is for her. At most two reads, none for what a key has proved."""
    if signs.proved:
        return judge(signs, [], World(0, {}))
    rows = await db.all(
        f"SELECT {COLUMNS} FROM watch_histories WHERE holder = :holder AND at > :since ORDER BY at DESC LIMIT :most",
        holder=holder, since=now - KEPT_SECONDS, most=PAST_MAX,
    )  # fmt: skip
    past = [_signs(row) for row in rows]
    return judge(signs, past, await _world(db, signs) if past else World(0, {}))


async def _world(db: Reader, signs: Signs) -> World:
    traits = {_trait(level, getattr(signs, level)): (level, getattr(signs, level)) for level in LEVELS}
    which, values = among([EVERYBODY, *traits])
    rows = await db.all(f"SELECT trait, sign_ins FROM watch_traits WHERE trait IN {which}", **values)
    seen = {row["trait"]: row["sign_ins"] for row in rows}
    return World(seen.pop(EVERYBODY, 0), {traits[trait]: count for trait, count in seen.items()})


def _trait(level: str, value: str) -> str:
    return f"{level} {value}"


async def remember_sign_in(db: Transaction, now: float, *, session: str, holder: str, signs: Signs) -> None:
    """Keep what a completed sign-in showed. Who signs in again in her session has several in it."""
    values = {name: getattr(signs, name) for name in COLUMNS.split(", ")}
    await db.run(
        f"INSERT INTO watch_histories (session, holder, at, {COLUMNS}) VALUES (:session, :holder, :now, :prefix,"
        " :network, :country, :browser, :system, :client, :hour, :method, :known) ON CONFLICT (session, at) DO NOTHING",
        session=session, holder=holder, now=now, **{**values, "known": int(signs.known)},
    )  # fmt: skip


async def forget_sign_ins(db: Transaction, *, session: str) -> None:
    """It was not her: nothing is learnt from it, and what was learnt is taken back."""
    rows = await db.all(
        f"DELETE FROM watch_histories WHERE session = :session RETURNING counted_at, {COLUMNS}", session=session
    )
    await _count(db, (row for row in rows if row["counted_at"] is not None), -1)


async def _count(db: Transaction, rows: Iterable[Row], times: int) -> None:
    counts = Counter[str]()
    for row in rows:
        signs = _signs(row)
        counts.update([EVERYBODY, *(_trait(level, getattr(signs, level)) for level in LEVELS)])
    await db.many(
        "INSERT INTO watch_traits (trait, sign_ins) VALUES (:trait, :more)"
        " ON CONFLICT (trait) DO UPDATE SET sign_ins = watch_traits.sign_ins + excluded.sign_ins",
        # In one order everywhere: on PostgreSQL two processes must not wait for each other's rows.
        [{"trait": trait, "more": times * many} for trait, many in sorted(counts.items())],
    )


async def count_sign_ins(db: Database, now: float) -> bool:
    """Add new sign-ins to everybody's habits. Whether more may be left."""
    async with db.transaction() as act:
        rows = await act.all(
            "UPDATE watch_histories SET counted_at = :now WHERE (session, at) IN"
            " (SELECT session, at FROM watch_histories WHERE counted_at IS NULL AND at <= :now ORDER BY at"
            f" LIMIT :batch) AND counted_at IS NULL RETURNING {COLUMNS}",
            now=now, batch=BATCH,
        )  # fmt: skip
        await _count(act, rows, 1)
    return len(rows) == BATCH


async def forget_old_sign_ins(db: Database, now: float) -> bool:
    """Sign-ins go after half a year, from everybody's habits too. Whether more are left."""
    async with db.transaction() as act:
        rows = await act.all(
            "DELETE FROM watch_histories WHERE (session, at) IN"
            f" (SELECT session, at FROM watch_histories WHERE at < :old LIMIT :batch) RETURNING counted_at, {COLUMNS}",
            old=now - KEPT_SECONDS, batch=BATCH,
        )  # fmt: skip
        await _count(act, (row for row in rows if row["counted_at"] is not None), -1)
        await act.run("DELETE FROM watch_traits WHERE sign_ins <= 0")
    return len(rows) == BATCH
