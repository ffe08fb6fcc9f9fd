"""Monthly digests: who wants one, and for whom the last one is of a month that is over. Off until she says so."""

from datetime import datetime

from lucine.safe import Reader, Transaction

from .chores import PARIS


def month_of(now: float) -> str:
    """The month in Paris, such as '2026-11': it sorts as time passes."""
    return datetime.fromtimestamp(now, PARIS).strftime("%Y-%m")


async def want_digest(db: Transaction, now: float, *, holder: str, wanted: bool) -> None:
    """From next month on, or no more."""
    await db.run(
        "UPDATE phone_holders SET digest_month = :month WHERE id = :id AND (:month = '' OR digest_month = '')",
        month=month_of(now) if wanted else "", id=holder,
    )  # fmt: skip


async def wants_digest(db: Reader, holder: str) -> bool:
    return await db.one("SELECT id FROM phone_holders WHERE id = :id AND digest_month <> ''", id=holder) is not None


async def take_due_digests(db: Transaction, now: float, limit: int) -> list[str]:
    """Holders who now get theirs, each once in a month. Queue them in this transaction."""
    rows = await db.all(
        "UPDATE phone_holders SET digest_month = :month WHERE id IN (SELECT id FROM phone_holders"
        " WHERE digest_month <> '' AND digest_month < :month LIMIT :limit) AND digest_month < :month RETURNING id",
        month=month_of(now), limit=limit,
    )  # fmt: skip
    return [row["id"] for row in rows]
