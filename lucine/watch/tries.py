"""Tries: somebody named a number from a place that its holder does not know. Nothing rang.

One counter for each number, hour, client and channel: half a million tries of one number are still a few rows.
"""

from collections import Counter
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from lucine.safe import Database, Keys, Reader, Transaction, sweep

from .events import HOUR_SECONDS, number_digest

MONTH_SECONDS = 30 * 86400
DAYS = 30
PARIS = ZoneInfo("Europe/Paris")


class Day(msgspec.Struct, frozen=True):
    """A day in Paris, and how often a number was tried in it."""

    date: date
    tries: int


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What was tried of a number: DAYS days, oldest first, today last; how often through each client."""

    days: list[Day]
    clients: dict[str, int]
    last_at: float | None


async def note_try(
    db: Transaction, now: float, keys: Keys, *, number: str, client: str, channel: str, prefix: str
) -> None:
    """Count a try. The number is kept as a keyed digest: known and unknown numbers look alike.

    It is written at the end of the transaction: on PostgreSQL, tries of the same number wait there for each other.
    """
    values = {
        "number": number_digest(keys, number), "hour": int(now // HOUR_SECONDS), "client": client,
        "channel": channel, "now": now, "prefix": prefix,
    }  # fmt: skip

    async def count(last: Transaction) -> None:
        await last.run(
            "INSERT INTO watch_tries (number, hour, client, channel, tries, last_at, prefix)"
            " VALUES (:number, :hour, :client, :channel, 1, :now, :prefix)"
            " ON CONFLICT (number, hour, client, channel) DO UPDATE"
            " SET tries = watch_tries.tries + 1, last_at = excluded.last_at, prefix = excluded.prefix",
            **values,
        )

    db.at_end(count)


async def tries_of(db: Reader, now: float, keys: Keys, number: str) -> tuple[int, float | None]:
    """How often her number was tried in 30 days, to the hour, and when last."""
    row = await db.one(
        "SELECT SUM(tries) AS tries, MAX(last_at) AS last FROM watch_tries WHERE number = :number AND hour >= :since",
        number=number_digest(keys, number), since=_oldest_hour(now),
    )  # fmt: skip
    return (int(row["tries"] or 0), row["last"]) if row else (0, None)


async def tries_by_day(db: Reader, now: float, keys: Keys, number: str) -> Tried:
    """The same, day by day and client by client."""
    rows = await db.all(
        "SELECT hour, client, SUM(tries) AS tries, MAX(last_at) AS last FROM watch_tries"
        " WHERE number = :number AND hour >= :since GROUP BY hour, client",
        number=number_digest(keys, number), since=_oldest_hour(now),
    )  # fmt: skip
    today = _day_of(now)
    dates = [today - timedelta(days=ago) for ago in reversed(range(DAYS))]
    days, clients, last = Counter[date](), Counter[str](), None
    for row in rows:
        day = _day_of(row["hour"] * HOUR_SECONDS)
        if day >= dates[0]:
            days[day] += int(row["tries"])
            clients[row["client"]] += int(row["tries"])
            last = max(last or 0.0, row["last"])
    return Tried(days=[Day(day, days[day]) for day in dates], clients=dict(clients), last_at=last)


def _day_of(at: float) -> date:
    return datetime.fromtimestamp(at, PARIS).date()


async def forget_old_tries(db: Database, now: float) -> bool:
    """Tries are kept for 30 days. Whether more are left to forget."""
    return await sweep(db, "watch_tries", "number, hour, client, channel", "hour < :since", since=_oldest_hour(now))


def _oldest_hour(now: float) -> int:
    return int((now - MONTH_SECONDS) // HOUR_SECONDS)
