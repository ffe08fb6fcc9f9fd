"""Reminders: a message to her before a deadline passes, and one when it has. Nobody else is ever written to."""

import structlog

from lucine.phone.notices import tell_holder
from lucine.safe import Keys, Reader, Transaction
from lucine.web import House

from .cases import done_of, duties_of, zone_of_holder
from .incidents import Incident, find_incident
from .zones import PARIS, PLACES

log = structlog.get_logger()

BEFORE_SECONDS = (24 * 3600, 6 * 3600, 0)
LATE_SECONDS = 3600  # a chore that comes later than this speaks of what is next, not of what it missed
BATCH = 20
AGAIN_SECONDS = 86400


def next_reminder(dues: list[float], now: float) -> float | None:
    """The first moment after ``now`` at which one of these deadlines is worth a word; None if there is none left."""
    return min((due - before for due in dues for before in BEFORE_SECONDS if due - before > now), default=None)


def spoken_of(dues: list[float], planned: float, now: float) -> float | None:
    """The deadline that a reminder is about: the one for which this moment was planned. After a pause of the chores,
    the next one that is near, or else the last that passed. None if nothing is near.
    """
    meant = [due for due in dues if due - planned in BEFORE_SECONDS]
    if meant and now < planned + LATE_SECONDS:
        return min(meant)
    ahead = [due for due in dues if now < due <= now + max(BEFORE_SECONDS)]
    passed = [due for due in dues if planned - max(BEFORE_SECONDS) <= due <= now]
    return min(ahead) if ahead else max(passed, default=None)


async def plan_reminders(db: Transaction, now: float, keys: Keys, *, incident: str, holder: str) -> None:
    """After every change of what is due."""
    found = await find_incident(db, keys, holder=holder, incident=incident)
    await db.run(
        "UPDATE habits_incidents SET remind_at = :at WHERE id = :id AND closed_at IS NULL",
        at=next_reminder(await _dues(db, found), now), id=incident,
    )  # fmt: skip


async def _dues(db: Reader, incident: Incident) -> list[float]:
    return [
        duty.due_at
        for duty in await duties_of(db, incident)
        if duty.due_at is not None and duty.legal and duty.id not in done_of(incident)
    ]


async def remind_of_deadlines(house: House, now: float) -> bool:
    """Chore: write to who has a deadline near. Each reminder is planned anew in the transaction that queues it."""
    rows = await house.db.all(
        "SELECT id, holder, remind_at FROM habits_incidents WHERE remind_at <= :now ORDER BY remind_at LIMIT :batch",
        now=now, batch=BATCH,
    )  # fmt: skip
    for row in rows:
        try:
            async with house.db.transaction() as db:
                await _remind(db, now, house, row["id"], row["holder"], row["remind_at"])
        except Exception as error:
            # One incident that cannot be read must not keep everybody else's deadlines silent.
            log.error("reminder_failed", incident=row["id"], error=type(error).__name__, exc_info=True)
            async with house.db.transaction() as db:
                await db.run("UPDATE habits_incidents SET remind_at = :later WHERE id = :id AND remind_at <= :now",
                             later=now + AGAIN_SECONDS, id=row["id"], now=now)  # fmt: skip
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
    due = spoken_of(dues, planned, now)
    if due is not None:
        zone = await zone_of_holder(db, holder)
        await tell_holder(
            db, now, house.keys, holder=holder, what="deadline", due_at=due, over=due <= now, zone=zone,
            place="" if zone == PARIS else PLACES[zone], link=f"{house.settings.origin}/incident",
        )  # fmt: skip
