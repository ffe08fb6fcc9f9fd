"""What the care wing forgets, now and then: never while somebody waits."""

from lucine.web import House

from .sessions import forget_old_sessions
from .starts import forget_old_starts


async def clean_reception(house: House, now: float) -> bool:
    """Starts, sessions and marks that are over."""
    more = [await forget_old_starts(house.db, now), await forget_old_sessions(house.db, now, house.settings)]
    return any(more)
