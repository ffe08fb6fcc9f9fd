"""Reminders: a message to her before a deadline passes, and one when it has. Nobody else is ever written to."""

from lucine.phone.notices import tell_holder
from lucine.safe import Keys, Reader, Transaction
from lucine.web import House

from .cases import duties_of
from .incidents import Incident, find_incident

BEFORE_SECONDS = (24 * 3600, 6 * 3600, 0)
BATCH = 20


def next_reminder(dues: list[float], now: float) -> float | None:
    """The first moment after ``now`` at which one of these deadlines is worth a word; None if there is none left."""
    return min((due - before for due in dues for before in BEFORE_SECONDS if due - before > now), default=None)


async def plan_reminders(db: Transaction, now: float, keys: Keys, *, incident: str, holder: str) -> None:
    """After every change of what is due."""
    found = await find_incident(db, keys, holder=holder, incident=incident)
    await db.run(
        "UPDATE habits_incidents SET remind_at = :at WHERE id = :id AND closed_at IS NULL",
        at=next_reminder(await _dues(db, found), now), id=incident,
    )  # fmt: skip


async def _dues(db: Reader, incident: Incident) -> list[float]:
    duties = await duties_of(db, incident)
    return [duty.due_at for duty in duties if duty.due_at is not None and duty.id not in incident.tasks]


async def remind_of_deadlines(house: House, now: float) -> bool:
    """Chore: write to who has a deadline near. Each reminder is planned anew in the transaction that queues it."""
    rows = await house.db.all(
        "SELECT id, holder, remind_at FROM habits_incidents WHERE remind_at <= :now ORDER BY remind_at LIMIT :batch",
        now=now, batch=BATCH,
    )  # fmt: skip
    for row in rows:
        async with house.db.transaction() as db:
            await _remind(db, now, house, row["id"], row["holder"], row["remind_at"])
    if rows:
        house.bell.ring("notices")
    return bool(rows)


async def _remind(db: Transaction, now: float, house: House, which: str, holder: str, planned: float) -> None:
    incident = await find_incident(db, house.keys, holder=holder, incident=which)
    dues = await _dues(db, incident)
    if not await db.run(
        "UPDATE habits_incidents SET remind_at = :at WHERE id = :id AND remind_at = :planned AND closed_at IS NULL",
        at=next_reminder(dues, now), id=which, planned=planned,
    ):  # fmt: skip
        return  # another process was here first, or she has changed something
    near = [due for due in dues if due - max(BEFORE_SECONDS) <= now]
    if near:
        await tell_holder(
            db, now, house.keys, holder=holder, what="deadline", due_at=min(near), over=min(near) <= now,
            link=f"{house.settings.origin}/incident",
        )  # fmt: skip
