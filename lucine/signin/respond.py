"""What an alarm is answered with, at once and by itself. Each answer is a measure: in the ledger, taken back at will.

The rule is pure, and more evidence never gives a milder answer. None of the answers locks a person out or
convicts an address; none rests on one report. What an officer has taken back stays back while the alarm lasts.
"""

import msgspec

from lucine.safe import Keys, Reader, Transaction
from lucine.watch.alarms import EVERY_CLIENT, Alarm, Family
from lucine.watch.events import DAY_SECONDS, HOUR_SECONDS, hourly
from lucine.watch.evidence import LOOKED_AT
from lucine.watch.measures import Kind, Measure, active_measure, measures_of, take_measure, taken_back
from lucine.watch.views import newest, people_named
from lucine.web.pages import text
from lucine.web.settings import Settings

from .clients import Client, find_client
from .deliveries import queue_letter

LEVELS_FROM = (500.0, 2_000.0, 10_000.0)  # tries a day beyond the ordinary that raise the work to levels 2 to 4
TIMES_TRIED = 20  # of one number in an hour: somebody means her, and she had better scan
CIBA_UNANSWERED = 40  # silent requests that nobody answered
SERVICE_TRIES = 20  # of an alarm over all services, those that had as many are told
PEOPLE_MAX = 200


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What decides. ``daily``: tries a day beyond the ordinary. ``services``: tries of each.

    ``named``: how often each holder's number was tried in vain within an hour.
    """

    family: Family
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
    level = 1 + sum(facts.daily >= bound for bound in LEVELS_FROM)
    if facts.client == EVERY_CLIENT:
        # An address is convicted by nobody, least of all for everybody else: sources are the officers' to judge.
        told = [] if facts.family == "sources" else [
            service for service, tries in facts.services.items() if tries >= SERVICE_TRIES
        ]  # fmt: skip
    else:
        told = [facts.client]
    due = [Due(kind="proof_of_work", target=service, level=level) for service in told]
    # Abused means that those who answer are the fewer: a busy service is not closed for what it always had.
    abused = CIBA_UNANSWERED <= facts.ciba_unanswered > facts.ciba_completed
    if facts.client != EVERY_CLIENT and abused:
        due.append(Due(kind="ciba_closed", target=facts.client))
    due += [Due(kind="qr_only", target=holder) for holder, tries in facts.named.items() if tries >= TIMES_TRIED]
    return due + [Due(kind="service_told", target=service) for service in told]


async def respond(db: Transaction, now: float, keys: Keys, settings: Settings, alarm: Alarm) -> list[Measure]:
    """Take what an alarm asks for that is new or has grown (once a minute at most); the measures that are new.

    Each service is told once. What is in force lasts longer by every answer.
    """
    before, refused = await measures_of(db, alarm.id), await taken_back(db)
    told = {measure.target for measure in before if measure.kind == "service_told"}
    new = []
    for one in measures_due(await _facts(db, now, alarm)):
        if (one.kind, one.target) in refused:
            continue
        if one.kind == "service_told" and (one.target in told or await _contact_of(db, one.target) is None):
            continue
        measure, fresh = await take_measure(
            db, now, keys, kind=one.kind, target=one.target, alarm=alarm.id, level=one.level
        )
        if fresh:
            new.append(measure)
        if fresh and one.kind == "service_told":
            await tell_service(db, now, keys, settings, alarm=alarm, service=one.target)
    return new


async def _contact_of(db: Reader, service: str) -> Client | None:
    """The service, if there is somebody to write to."""
    found = await find_client(db, service)
    return found[0] if found and found[0].contact else None


async def _facts(db: Reader, now: float, alarm: Alarm) -> Facts:
    evidence = alarm.evidence
    beyond = max((seen - evidence.expected.get(what, 0.0) for what, seen in evidence.seen.items()), default=0.0)
    client = None if alarm.client == EVERY_CLIENT else alarm.client
    today = max(alarm.since, now - DAY_SECONDS)
    hours = await hourly(db, since=today, before=now + 1, client=client) if client else []
    silent = [row for row in hours if row["channel"] == "ciba" and not row["known"]]
    lately = await newest(db, since=max(alarm.since, now - HOUR_SECONDS), before=now + 1, most=LOOKED_AT)
    people = await people_named(db, since=lately, before=now + 1, client=client, limit=PEOPLE_MAX)
    return Facts(
        family=alarm.family,
        client=alarm.client,
        # Never by a part of a day: a burst of an hour is not a campaign of twenty-four times its size.
        daily=max(0.0, beyond) * DAY_SECONDS / max(DAY_SECONDS, now - alarm.since),
        services=evidence.services,
        ciba_unanswered=sum(row["events"] for row in silent if row["outcome"] != "completed"),
        ciba_completed=sum(row["events"] for row in silent if row["outcome"] == "completed"),
        named={row["holder"]: row["tries"] for row in people},
    )


async def tell_service(
    db: Transaction, now: float, keys: Keys, settings: Settings, *, alarm: Alarm, service: str
) -> bool:
    """Queue a letter to the people who run a service, in French and in English, without a word about any person.

    After the measures were taken: it tells which hold. Whether there is somebody to write to.
    """
    client = await _contact_of(db, service)
    if client is None:
        return False
    works = await active_measure(db, now, kind="proof_of_work", target=service)
    closed = await active_measure(db, now, kind="ciba_closed", target=service)
    scans = any(one.kind == "qr_only" and one.ended_at is None for one in await measures_of(db, alarm.id))
    subjects, bodies = [], []
    for language in ("fr", "en"):
        subject, _, body = text(
            language, "signin/letters/service_told.txt", service=client.name, lucine=settings.name,
            family=alarm.family, since=alarm.since, numbers=alarm.evidence.numbers,
            tries=alarm.evidence.services.get(service, alarm.evidence.events),
            works=works is not None, closed=closed is not None, scans=scans,
        ).partition("\n")  # fmt: skip
        subjects.append(subject.strip())
        bodies.append(body.strip())
    await queue_letter(
        db, now, keys, client_id=service, address=client.contact, subject=" / ".join(subjects),
        text="\n\n----\n\n".join(bodies) + "\n",
    )  # fmt: skip
    return True
