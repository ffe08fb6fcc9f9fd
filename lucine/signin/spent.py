"""Things that may be used once and come with their own name: assertion and DPoP `jti`s."""

from lucine.safe import Keys, Transaction, tokens


async def spend(db: Transaction, keys: Keys, what: str, *, expires_at: float) -> bool:
    """Whether this is the first use; known to every process."""
    done = await db.run(
        "INSERT INTO signin_spent (what, expires_at) VALUES (:what, :expires) ON CONFLICT (what) DO NOTHING",
        what=tokens.encode(keys.mac("spent", what.encode())), expires=expires_at,
    )  # fmt: skip
    return done == 1


async def forget_spent(db: Transaction, now: float) -> None:
    """What has expired would be refused for its age."""
    await db.run("DELETE FROM signin_spent WHERE expires_at < :before", before=now - 60)
