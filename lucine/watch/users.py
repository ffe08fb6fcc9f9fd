"""Who has completed a sign-in at which service of late: whoever names the others is naming strangers to it."""

from collections.abc import Iterable

from lucine.safe import Reader, Transaction, among

from .events import DAY_SECONDS, KEPT_SECONDS


async def users_among(db: Reader, now: float, numbers: Iterable[bytes]) -> set[tuple[bytes, str]]:
    """Which of these numbers have completed a sign-in within KEPT_SECONDS, each with the client."""
    which, values = among(numbers)
    rows = await db.all(
        f"SELECT number, client FROM watch_users WHERE number IN {which} AND seen_at > :old",
        old=now - KEPT_SECONDS, **values,
    )  # fmt: skip
    return {(bytes(row["number"]), row["client"]) for row in rows}


async def keep_users(db: Transaction, now: float, came: set[tuple[bytes, str]]) -> None:
    """These numbers have completed a sign-in now, each at a client."""
    await db.many(
        "INSERT INTO watch_users (number, client, seen_at) VALUES (:number, :client, :now)"
        " ON CONFLICT (number, client) DO UPDATE SET seen_at = excluded.seen_at",
        # In one order everywhere: on PostgreSQL two processes must not wait for each other's rows.
        [{"number": number, "client": client, "now": now} for number, client in sorted(came)],
    )


async def times_today(db: Reader, now: float, *, holder: str) -> int:
    """How many of her sign-ins from unknown browsers were completed in the last 24 hours."""
    row = await db.one(
        "SELECT COUNT(*) AS times FROM watch_events WHERE holder = :holder AND over_at > :since AND known = 0"
        " AND outcome = 'completed'",
        holder=holder, since=now - DAY_SECONDS,
    )  # fmt: skip
    return int(row["times"]) if row else 0
