"""Which clock runs from when, and until when. Pure: moments are seconds since 1970 (UTC).

A period of hours is so many hours that pass: nights, week-ends and holidays count, and no end is ever moved. Where she
does not know when a clock started, the earliest moment that she may have known is taken.
"""

import re
from pathlib import Path

import msgspec

from .facts import Facts, said
from .zones import end_of_day

HOUR_SECONDS = 3600


class Deadline(msgspec.Struct, frozen=True, kw_only=True):
    """A clock. ``assumed``: she has not said when it started."""

    starts_at: float
    due_at: float
    assumed: bool = False


class _Limit(msgspec.Struct, frozen=True):
    id: str
    limit: str


def _read_hours() -> dict[str, int]:
    source = (Path(__file__).parent / "data" / "deadlines.json").read_bytes()
    limits: list[_Limit] = msgspec.convert(msgspec.json.decode(source)["deadlines"], list[_Limit])
    found = {each.id: re.match(r"PT(\d+)H\b", each.limit) for each in limits}
    return {name: int(hours[1]) for name, hours in found.items() if hours}


HOURS = _read_hours()
"""For each clock of ``data/deadlines.json`` that counts hours, how many."""


def after_hours(clock: str, starts_at: float) -> float:
    """When the hours of a clock have passed."""
    return starts_at + HOURS[clock] * HOUR_SECONDS


def earliest(facts: Facts, opened_at: float) -> float:
    """The earliest moment at which she may have known: the first that she learned or did anything of it, at the latest
    when she opened the incident. When it began says nothing of when she knew.
    """
    dated = (facts.known_at, facts.aware_at, facts.processor_at, facts.assessed_at, facts.notified_at)
    return min([opened_at, *(moment for moment in map(said, dated) if moment is not None)])


def awareness(facts: Facts, opened_at: float) -> tuple[float, bool]:
    """When she became aware that data are touched, or was told by her processor, and whether that is assumed."""
    told = [moment for moment in map(said, (facts.aware_at, facts.processor_at)) if moment is not None]
    return (min(told), False) if told else (earliest(facts, opened_at), True)


def cnil(facts: Facts, opened_at: float) -> Deadline:
    """The notification of a breach: 72 hours from awareness (GDPR 33(1)). Later it is still due, with reasons."""
    starts_at, assumed = awareness(facts, opened_at)
    return Deadline(starts_at=starts_at, due_at=after_hours("cnil-breach", starts_at), assumed=assumed)


def sent_at(facts: Facts) -> float | None:
    """When she sent CNIL the first notification, as far as she says: a date without "it was sent" is none."""
    return said(facts.notified_at) if facts.notified in ("initial", "complete") else None


def cnil_followup(facts: Facts, opened_at: float) -> Deadline | None:
    """The rest of the notification, if possible within 72 hours of the first one (GDPR 33(4)). None before, or if that
    was complete.
    """
    if facts.notified != "initial":
        return None
    first = sent_at(facts)
    starts_at = awareness(facts, opened_at)[0] if first is None else first
    due_at = after_hours("cnil-breach-followup", starts_at)
    return Deadline(starts_at=starts_at, due_at=due_at, assumed=first is None)


def complaint(facts: Facts, opened_at: float) -> Deadline | None:
    """What the insurer's payment depends on: 72 hours from knowing of the attack (Code des assurances L12-10-1).

    None if it was no attack, or if she is not insured. The clock is not that of CNIL: each has its own start.
    """
    if "no" in (facts.attack, facts.insured):
        return None
    known = said(facts.known_at)
    starts_at = earliest(facts, opened_at) if known is None else known
    return Deadline(
        starts_at=starts_at, due_at=after_hours("complaint-for-insurance", starts_at), assumed=known is None
    )


def register(facts: Facts, opened_at: float, zone: str) -> Deadline:
    """Her own register (GDPR 33(5)) sets no hour: the same day is advised, on her clocks. The day is that on which she
    became aware, or turned to Lucine if that was later: advice that comes has no deadline behind it.
    """
    starts_at = max(awareness(facts, opened_at)[0], opened_at)
    return Deadline(starts_at=starts_at, due_at=end_of_day(starts_at, zone))


def patients(facts: Facts, opened_at: float) -> Deadline | None:
    """Telling the people whose risk is high, without undue delay once that is known (GDPR 34(1)): due at once.

    None while the risk is not known to be high, or where data that nobody can read, or a risk that is gone, spare it
    (34(3)).
    """
    if facts.high_risk != "yes" or facts.spared in ("unreadable", "removed"):
        return None
    assessed = said(facts.assessed_at)
    starts_at = awareness(facts, opened_at)[0] if assessed is None else assessed
    return Deadline(starts_at=starts_at, due_at=starts_at, assumed=assessed is None)


def is_late(facts: Facts, opened_at: float, now: float) -> bool:
    """Is, or was, the notification sent after its 72 hours? Then it needs its reasons."""
    sent = sent_at(facts)
    return (now if sent is None else sent) > cnil(facts, opened_at).due_at
