"""Tries: somebody named a number from a place that its holder does not know. Nothing rang."""

from lucine.safe import Keys, Reader, Transaction, tokens

MONTH_SECONDS = 30 * 86400


async def note_try(
    db: Transaction, now: float, keys: Keys, *, number: str, client: str, channel: str, prefix: str
) -> None:
    """Keep a try. The number is kept as a keyed digest: known and unknown numbers look alike."""
    await db.run(
        "INSERT INTO watch_tries (id, number, client, channel, prefix, at)"
        " VALUES (:id, :number, :client, :channel, :prefix, :at)",
        id=tokens.new_secret(128), number=keys.mac("number", number.encode()), client=client, channel=channel,
        prefix=prefix, at=now,
    )  # fmt: skip


async def tries_of(db: Reader, now: float, keys: Keys, number: str) -> tuple[int, float | None]:
    """How often her number was tried in 30 days, and when last."""
    row = await db.one(
        "SELECT COUNT(*) AS tries, MAX(at) AS last FROM watch_tries WHERE number = :number AND at > :since",
        number=keys.mac("number", number.encode()), since=now - MONTH_SECONDS,
    )  # fmt: skip
    return (row["tries"], row["last"]) if row else (0, None)


async def forget_old_tries(db: Transaction, now: float) -> int:
    """Tries are kept for 30 days."""
    return await db.run("DELETE FROM watch_tries WHERE at < :before", before=now - MONTH_SECONDS)
