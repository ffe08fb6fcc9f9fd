"""What an alarm is answered with, at once and by itself. Each answer is a measure: in the ledger, and taken back at will.

The rule is pure, and more evidence never gives a milder answer. None of the answers locks a person out or
convicts an address; none rests on one report. What an officer has taken back stays back while the alarm lasts.
"""

import msgspec

from lucine.safe import Keys, Reader, Transaction
from lucine.watch.alarms import EVERY_CLIENT, Alarm
from lucine.watch.events import hourly
from lucine.watch.measures import Kind, Measure, measures_of, take_measure
from lucine.watch.views import people_named
from lucine.web.pages import text
from lucine.web.settings import Settings

from .clients import Client, find_client
from .deliveries import queue_letter

DAY_SECONDS = 86400
LEVELS_FROM = (0.0, 500.0, 2_000.0, 10_000.0)  # tries a day beyond the ordinary that raise the work to levels 1 to 4
TIMES_TRIED = 50  # of one number in a day: somebody means her, and she had better scan
CIBA_UNANSWERED = 40  # silent requests that nobody answered
SERVICE_TRIES = 20  # of an alarm over all services: those that it says more than this of are told
PEOPLE_MAX = 200


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What decides. ``daily``: tries a day beyond the ordinary. ``services``: tries of each.

    ``named``: how often each holder's number was tried in vain within a day.
    """

    client: str
    daily: float
    services: dict[str, int]
    ciba_unanswered: int
    ciba_completed: int
    named: dict[str, int]


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A measure to take."""

    kind: Kind
    target: str
    level: int = 0


def measures_due(facts: Facts) -> list[Due]:
    """The rule."""
    level = sum(facts.daily >= bound for bound in LEVELS_FROM)
    due = [Due(kind="proof_of_work", target=facts.client, level=max(1, level))]
    if facts.client == EVERY_CLIENT:
        told = [service for service, tries in facts.services.items() if tries >= SERVICE_TRIES]
    else:
        told = [facts.client]
        # Abused means that those who answer are the fewer: a busy service is not closed for what it always had.
        if facts.ciba_unanswered >= CIBA_UNANSWERED and facts.ciba_unanswered > facts.ciba_completed:
            due.append(Due(kind="ciba_closed", target=facts.client))
    due += [Due(kind="qr_only", target=holder) for holder, tries in facts.named.items() if tries >= TIMES_TRIED]
    return due + [Due(kind="service_told", target=service) for service in told]


async def respond(db: Transaction, now: float, keys: Keys, settings: Settings, alarm: Alarm) -> list[Measure]:
    """Take what a new or grown alarm asks for; the measures that are new. Tell each service once.

    Ring ``BELL`` of the deliveries afterwards.
    """
    before = await measures_of(db, alarm.id)
    taken_back = {(measure.kind, measure.target) for measure in before if measure.ended_by}
    told = {measure.target for measure in before if measure.kind == "service_told"}
    due = measures_due(await _facts(db, now, alarm))
    new = []
    for one in due:
        if (one.kind, one.target) in taken_back:
            continue
        client = await _to_tell(db, one, told)
        if one.kind == "service_told" and client is None:
            continue
        measure, fresh = await take_measure(
            db, now, keys, kind=one.kind, target=one.target, alarm=alarm.id, level=one.level
        )
        if fresh:
            new.append(measure)
            if client:
                await _tell(db, now, keys, settings, alarm, client, {each.kind for each in due})
    return new


async def _to_tell(db: Reader, one: Due, told: set[str]) -> Client | None:
    """The service that this measure tells, if it wants to be told and was not."""
    found = await find_client(db, one.target) if one.kind == "service_told" and one.target not in told else None
    return found[0] if found and found[0].contact else None


async def _facts(db: Reader, now: float, alarm: Alarm) -> Facts:
    evidence = alarm.evidence
    beyond = max((seen - evidence.expected.get(what, 0.0) for what, seen in evidence.seen.items()), default=0.0)
    client = None if alarm.client == EVERY_CLIENT else alarm.client
    hours = await hourly(db, since=alarm.since, before=now + 1, client=client) if client else []
    silent = [row for row in hours if row["channel"] == "ciba" and not row["known"]]
    people = await people_named(db, since=max(alarm.since, now - DAY_SECONDS), before=now + 1, client=client,
                                limit=PEOPLE_MAX)  # fmt: skip
    return Facts(
        client=alarm.client,
        daily=max(0.0, beyond) * DAY_SECONDS / max(3600.0, now - alarm.since),
        services=evidence.services,
        ciba_unanswered=sum(row["events"] for row in silent if row["outcome"] != "completed"),
        ciba_completed=sum(row["events"] for row in silent if row["outcome"] == "completed"),
        named={row["holder"]: row["tries"] for row in people},
    )


async def _tell(
    db: Transaction, now: float, keys: Keys, settings: Settings, alarm: Alarm, client: Client, kinds: set[Kind]
) -> None:
    """A letter to the people who run a service, in French and in English, without a word about any person."""
    subjects, bodies = [], []
    for language in ("fr", "en"):
        subject, _, body = text(
            language, "signin/letters/service_told.txt", service=client.name, lucine=settings.name,
            family=alarm.family, since=alarm.since, numbers=alarm.evidence.numbers,
            tries=alarm.evidence.services.get(client.id, alarm.evidence.events), kinds=kinds,
        ).partition("\n")  # fmt: skip
        subjects.append(subject.strip())
        bodies.append(body.strip())
    await queue_letter(
        db, now, keys, client_id=client.id, address=client.contact, subject=" / ".join(subjects),
        text="\n\n----\n\n".join(bodies) + "\n",
    )  # fmt: skip
