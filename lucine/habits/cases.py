"""An incident with what the register knows of her: what is due, and what the papers are made of."""

from lucine.directory import find_professional
from lucine.phone.holders import find_holder
from lucine.safe import Keys, Reader

from .containment import Act, Done, did
from .dossier import Case
from .duties import Duty, duties_for, told_by_answers
from .groups import groups_of
from .incidents import Incident
from .letterhead import professional_of
from .timeline import Entry, timeline_of
from .zones import zone_of

# What closes an access; the other acts keep one from being opened.
CLOSING: tuple[Act, ...] = (
    "disown_sign_in", "end_sessions", "freeze_phone", "freeze_new_keys", "freeze_computers", "forget_computers",
)  # fmt: skip


async def zone_of_holder(db: Reader, holder: str) -> str:
    """Where her clocks are: that of her practice's department."""
    found = await find_professional(db, (await find_holder(db, holder)).national_id)
    return zone_of(groups_of(found)["department"])


async def duties_of(db: Reader, incident: Incident) -> list[Duty]:
    """Most urgent first."""
    zone = await zone_of_holder(db, incident.holder)
    return duties_for(incident.path, incident.facts, incident.opened_at, zone)


def done_of(incident: Incident) -> set[str]:
    """The duties that she ticked, or of which her answers say that they are done."""
    return {*incident.tasks, *told_by_answers(incident.facts)}


async def case_of(db: Reader, now: float, keys: Keys, incident: Incident) -> tuple[Case, list[Entry]]:
    """All that a paper may say, and the timeline that it was made from."""
    holder = await find_holder(db, incident.holder)
    registered = await find_professional(db, holder.national_id)
    zone = zone_of(groups_of(registered)["department"])
    timeline = await timeline_of(db, keys, incident)
    case = Case(
        path=incident.path, facts=incident.facts, opened_at=incident.opened_at, now=now, zone=zone,
        professional=professional_of(holder, registered),
        timeline=[(entry.at, _said(entry)) for entry in timeline],
        done=[words % {"count": count} for words, count in did(_happened(incident.done))],
        closed=any(done.count for done in incident.done if done.act in CLOSING),
        duties=duties_for(incident.path, incident.facts, incident.opened_at, zone),
    )  # fmt: skip
    return case, timeline


def _said(entry: Entry) -> str:
    return entry.note or (f"{entry.words} : {entry.detail}" if entry.detail else entry.words)


def _happened(done: list[Done]) -> list[Done]:
    """A paper says nothing of an act that found nothing to stop; her page may reassure her with it."""
    return [one for one in done if one.count or one.act in ("hold_enrolments", "keep_evidence")]
