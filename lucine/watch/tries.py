"""Tries: somebody named a number from a place that its holder does not know. Nothing rang.

One counter for each number, hour, client and channel: half a million tries of one number are still a few rows.
"""

from lucine.safe import Database, Keys, Reader, Transaction, sweep

MONTH_SECONDS = 30 * 86400
HOUR_SECONDS = 3600


async def note_try(
    db: Transaction, now: float, keys: Keys, *, number: str, client: str, channel: str, prefix: str
) -> None:
    """Count a try. The number is kept as a keyed digest: known and unknown numbers look alike.

    It is written at the end of the transaction: on PostgreSQL, tries of the same number wait there for each other.
    """
    values = {
        "number": keys.mac("number", number.encode()), "hour": int(now // HOUR_SECONDS), "client": client,
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
        number=keys.mac("number", number.encode()), since=_oldest_hour(now),
    )  # fmt: skip
    return (int(row["tries"] or 0), row["last"]) if row else (0, None)


async def forget_old_tries(db: Database, now: float) -> bool:
    """Tries are kept for 30 days. Whether more are left to forget."""
    return await sweep(db, "watch_tries", "number, hour, client, channel", "hour < :since", since=_oldest_hour(now))


def _oldest_hour(now: float) -> int:
    return int((now - MONTH_SECONDS) // HOUR_SECONDS)
