"""What the room forgets by itself."""

from lucine.safe import sweep
from lucine.web import House

from .assessment import forget_old_scores

# A closed incident may be asked for until an offence can no longer be prosecuted (Code de procédure pénale, art. 8).
INCIDENT_KEPT_SECONDS = 6 * 365.25 * 86400


async def clean_habits(house: House, now: float) -> bool:
    """Chore: old scores, and incidents that were closed six years ago, with their notes and tasks."""
    old = "closed_at IS NOT NULL AND closed_at < :old"
    gone = f"incident IN (SELECT id FROM habits_incidents WHERE {old})"
    values = {"old": now - INCIDENT_KEPT_SECONDS}
    more = [
        await forget_old_scores(house, now),
        await sweep(house.db, "habits_notes", "id", gone, **values),
        await sweep(house.db, "habits_evidence", "id", gone, **values),
        await sweep(house.db, "habits_tasks", "incident, task", gone, **values),
    ]
    if any(more):
        return True
    return await sweep(house.db, "habits_incidents", "id", old, **values)
