"""Who has completed a sign-in at which service of late: whoever names the others is naming strangers to it."""

from collections.abc import Iterable

from lucine.safe import Reader, Transaction, among

from .events import KEPT_SECONDS

DAY_SECONDS = 86400


async def users_among(db: Reader, now: float, numbers: Iterable[bytes]) -> set[tuple[bytes, str]]:
    """Which of these numbers have completed a sign-in within KEPT_SECONDS, each with the client."""
    which, values = among(numbers)
    rows = await db.all(
        f"SELECT number, client FROM watch_users WHERE number IN {which} AND seen_at > :old",
        old=now - KEPT_SECONDS, **values,
    )  # fmt: skip
    return {(bytes(row["number"]), row["client"]) for row in rows}


async def keep_user(db: Transaction, now: float, *, number: bytes, client: str) -> None:
    """She has completed one now."""
    await db.run(
        "INSERT INTO watch_users (number, client, seen_at) VALUES (:number, :client, :now)"
        " ON CONFLICT (number, client) DO UPDATE SET seen_at = excluded.seen_at",
        number=number, client=client, now=now,
    )  # fmt: skip


async def times_today(db: Reader, now: float, *, holder: str) -> int:
    """How many of her sign-ins from unknown browsers were completed in the last 24 hours."""
    row = await db.one(
        "SELECT COUNT(*) AS times FROM watch_events WHERE holder = :holder AND over_at > :since AND known = 0"
        " AND outcome = 'completed'",
        holder=holder, since=now - DAY_SECONDS,
    )  # fmt: skip
    return int(row["times"]) if row else 0
