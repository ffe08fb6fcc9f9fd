"""Things that may be used once and come with their own name: assertion and DPoP `jti`s."""

from lucine.safe import Database, Keys, Reader, Transaction, sweep, tokens


async def spend(db: Transaction, keys: Keys, what: str, *, expires_at: float) -> bool:
    """Whether this is the first use; known to every process."""
    done = await db.run(
        "INSERT INTO signin_spent (what, expires_at) VALUES (:what, :expires) ON CONFLICT (what) DO NOTHING",
        what=tokens.encode(keys.mac("spent", what.encode())), expires=expires_at,
    )  # fmt: skip
    return done == 1


async def is_spent(db: Reader, keys: Keys, what: str) -> bool:
    """Whether it was used."""
    name = tokens.encode(keys.mac("spent", what.encode()))
    return await db.one("SELECT what FROM signin_spent WHERE what = :what", what=name) is not None


async def forget_spent(db: Database, now: float) -> bool:
    """What has expired would be refused for its age. Whether more is left."""
    return await sweep(db, "signin_spent", "what", "expires_at < :before", before=now - 60)
