"""What the sign-in does by itself: forget what is over."""

from lucine.safe import sweep
from lucine.web import House

from .sessions import KEPT_SECONDS
from .spent import forget_spent
from .starts import KEPT_SECONDS as STARTS_KEPT_SECONDS


async def clean_signin(house: House, now: float) -> bool:
    """Chore: requests go soon after they are over, codes a day later, sessions and grants after half a year."""
    db, day, old = house.db, now - 86400, now - KEPT_SECONDS
    unfinished = now - house.settings.long_start_seconds - STARTS_KEPT_SECONDS
    more = [
        await forget_spent(db, now),
        await sweep(db, "signin_pushed", "digest", "expires_at < :hour", hour=now - 3600),
        # Before its ask goes, which the phone room keeps for an hour.
        await sweep(db, "signin_ciba", "digest", "expires_at < :half AND noted_at IS NOT NULL", half=now - 1800),
        # A replayed code or refresh token must still be recognised while its tokens could live.
        await sweep(db, "signin_codes", "digest", "expires_at < :day", day=day),
        await sweep(db, "signin_refresh", "digest", "expires_at < :day", day=day),
        # Nothing goes before the watch was told of it. Anybody may open starts. What rang or became a session says
        # which browser it was, should she disown it.
        await sweep(db, "signin_starts", "id", "session IS NULL AND opened_at < :unfinished AND browser IS NULL"
                    " AND noted_at IS NOT NULL", unfinished=unfinished),
        await sweep(db, "signin_starts", "id", "session IS NULL AND opened_at < :day AND noted_at IS NOT NULL",
                    day=day),
        await sweep(db, "signin_starts", "id", "session IS NOT NULL AND opened_at < :old", old=old),
        await sweep(db, "signin_deliveries", "id", "done_at < :day", day=day),
        await sweep(db, "signin_signals", "id", "done_at < :day", day=day),
        await sweep(db, "signin_grants", "id",
                    "session IN (SELECT id FROM signin_sessions WHERE ended_at < :old)", old=old),
    ]  # fmt: skip
    if not more[-1]:  # the sessions say which grants are old
        more.append(await sweep(db, "signin_sessions", "id", "ended_at < :old", old=old))
    return any(more)
