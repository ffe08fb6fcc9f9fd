"""What the sign-in does by itself: forget what is over."""

from lucine.web import House

from .sessions import KEPT_SECONDS
from .spent import forget_spent
from .starts import KEPT_SECONDS as STARTS_KEPT_SECONDS


async def clean_signin(house: House, now: float) -> bool:
    """Chore: codes and requests go when they are over, sessions and grants after half a year."""
    async with house.db.transaction() as db:
        await forget_spent(db, now)
        # A replayed code or refresh token must still be recognised while its tokens could live.
        day = now - 86400
        for table in ("signin_codes", "signin_pushed", "signin_ciba", "signin_refresh"):
            await db.run(f"DELETE FROM {table} WHERE expires_at < :day", day=day)
        # What became a session says which browser it was, should she disown it months later.
        await db.run("DELETE FROM signin_starts WHERE opened_at < :day AND (session IS NULL OR opened_at < :old)",
                     day=now - STARTS_KEPT_SECONDS, old=now - KEPT_SECONDS)  # fmt: skip
        await db.run("DELETE FROM signin_deliveries WHERE done_at < :day", day=day)
        await db.run("DELETE FROM signin_grants WHERE session IN (SELECT id FROM signin_sessions"
                     " WHERE ended_at < :old)", old=now - KEPT_SECONDS)  # fmt: skip
        await db.run("DELETE FROM signin_sessions WHERE ended_at < :old", old=now - KEPT_SECONDS)
    return False
