"""What the officer sees: the live view, the alarms, the map."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from babel.numbers import format_decimal
from starlette.responses import Response

from lucine.phone.holders import find_holder
from lucine.safe import Reader
from lucine.signin.clients import list_clients
from lucine.signin.starts import OWN_PAGES
from lucine.watch.alarms import EVERY_CLIENT, Alarm, find_alarm, open_alarms, past_alarms
from lucine.watch.events import hourly, recent_events
from lucine.watch.measures import Measure, active_measures, measures_of
from lucine.watch.views import count_named, networks_named, newest, people_named
from lucine.web import Visit, not_found, page

from .charts import calendars, compare, in_vain, last_days, midnight, stack
from .officers import officer_names
from .sessions import PATH, Session, find_session
from .words import sureness

HOUR, DAY = 3600, 86400
LIVE_HOURS, MAP_DAYS = 24, 7
NEWEST = 12
PEOPLE_PER_PAGE = 25
LOOKED_AT = 20_000  # events: everybody waits while SQLite counts them, some 0.1 s
HEARTBEAT_SECONDS = 15.0
LOOK_AGAIN_SECONDS = 2.0  # the page is rendered anew each time: it need not be quicker than a reader


async def service_names(visit: Visit) -> dict[str, str]:
    """What people call each service, and Connect's own pages."""
    return {
        OWN_PAGES: visit.house.settings.name,
        **{client.id: client.name for client in await list_clients(visit.house.db)},
    }


async def show_live(visit: Visit, session: Session) -> Response:
    return page(visit, "officer/live.html", session=session, tab="live", **await live_facts(visit, visit.now))


async def live_facts(visit: Visit, now: float) -> dict[str, Any]:
    """What ``live.html`` and ``live_parts.html`` show at a moment."""
    db = visit.house.db
    rows = await hourly(db, since=now - LIVE_HOURS * HOUR, before=now + HOUR)
    last = int(now // HOUR)
    return {
        "now": now,
        "services": await service_names(visit),
        "alarms": await open_alarms(db),
        "measures": await active_measures(db, now),
        "bars": stack(rows, first=last - LIVE_HOURS + 1, hours=LIVE_HOURS),
        "this_hour": sum(row["events"] for row in rows if row["hour"] == last),
        "in_vain": sum(row["events"] for row in rows if row["hour"] == last and in_vain(row)),
        "events": await recent_events(db, since=now - DAY, limit=NEWEST),
    }


async def stream_live(visit: Visit, session: Session) -> Response:
    """Server-sent events: the parts of the live view, at once and at each change, while the session is open."""
    return visit.house.streams.answer("officer", session.officer, _live_parts(visit, session))


async def _live_parts(visit: Visit, session: Session) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    began, told, told_at = loop.time(), "", 0.0
    while True:
        passed = loop.time() - began
        now = visit.now + passed
        if await find_session(visit.house.db, now, session.id) is None:
            yield b"event: over\ndata:\n\n"
            return
        shown = page(visit, "officer/live_parts.html", **await live_facts(visit, now))
        html = bytes(shown.body).decode()
        if html != told:
            told, told_at = html, passed
            lines = "".join(f"data: {line}\n" for line in html.splitlines() if line.strip())
            yield f"event: parts\n{lines}\n".encode()
        elif passed - told_at >= HEARTBEAT_SECONDS:
            told_at = passed
            yield b": still here\n\n"
        await visit.house.bell.wait(PATH, LOOK_AGAIN_SECONDS)


async def show_alarms(visit: Visit, session: Session) -> Response:
    db = visit.house.db
    return page(
        visit, "officer/alarms.html", session=session, tab="alarms", services=await service_names(visit),
        open=await open_alarms(db), past=await past_alarms(db),
    )  # fmt: skip


async def alarm_of(visit: Visit) -> Alarm:
    """The alarm of the address. Refusal "not found"."""
    alarm = await find_alarm(visit.house.db, visit.request.path_params["alarm"])
    if alarm is None:
        raise not_found("no such alarm")
    return alarm


async def span_of(db: Reader, now: float, alarm: Alarm, most: int = LOOKED_AT) -> dict[str, Any]:
    """What an alarm is about, of the newest ``most`` events: since, before and client, as ``watch.views`` asks."""
    before = alarm.closed_at or now
    since = await newest(db, since=alarm.since, before=before, most=most)
    return {"since": since, "before": before, "client": alarm.client or None}


async def show_alarm(visit: Visit, session: Session) -> Response:
    db, now, alarm = visit.house.db, visit.now, await alarm_of(visit)
    span, clients = await span_of(db, now, alarm), await list_clients(db)
    named = await count_named(db, **span)
    said = visit.query().get("people", "1")
    pages = max(1, -(-named["people"] // PEOPLE_PER_PAGE))
    number = min(max(int(said[:6]), 1), pages) if said.isascii() and said.isdecimal() else 1
    people = await people_named(db, **span, limit=PEOPLE_PER_PAGE, skip=(number - 1) * PEOPLE_PER_PAGE)
    certainty, measures = alarm.evidence.certainty, await measures_of(db, alarm.id)
    return page(
        visit, "officer/alarm.html", session=session, tab="alarms", alarm=alarm, now=now,
        services=await service_names(visit), contacts={client.id for client in clients if client.contact},
        fresh=session.fresh(now), sureness=sureness(certainty),
        figure=lambda number: format_decimal(round(number, 1), locale=visit.language),
        span=span, compared=compare(alarm.evidence.seen, alarm.evidence.expected), named=named,
        networks=await networks_named(db, **span),
        people=[{**dict(row), "name": (await find_holder(db, row["holder"])).name} for row in people],
        people_page=number, people_pages=pages, measures=measures, timeline=timeline_of(alarm, measures),
        active=_by_target(await active_measures(db, now)), targets=targets_of(alarm),
        officers=await officer_names(db), notice=visit.query().get("done"),
    )  # fmt: skip


def targets_of(alarm: Alarm) -> list[str]:
    """The services that a measure of this alarm may concern, most tried first; EVERY_CLIENT is no one of them."""
    counts = {alarm.client: 0, **alarm.evidence.services}
    return sorted((client for client in counts if client != EVERY_CLIENT), key=lambda client: -counts[client])


def timeline_of(alarm: Alarm, measures: list[Measure]) -> list[dict[str, Any]]:
    """What happened, in order: at, what, and by whom, or of which kind and how many together."""
    steps: list[dict[str, Any]] = [
        {"at": alarm.since, "what": "since"},
        {"at": alarm.opened_at, "what": "opened"},
        {"at": alarm.grown_at if alarm.grown_at > alarm.opened_at else None, "what": "grown"},
        {"at": alarm.acknowledged_at, "what": "acknowledged", "by": alarm.acknowledged_by},
        {"at": alarm.closed_at, "what": "closed", "by": alarm.closed_by},
    ]
    taken = Counter((measure.began_at, measure.kind) for measure in measures)
    ended = Counter((measure.ended_at, measure.kind, measure.ended_by) for measure in measures)
    steps += [{"at": at, "what": "taken", "kind": kind, "many": many} for (at, kind), many in taken.items()]
    steps += [{"at": at, "what": "ended", "kind": kind, "by": by, "many": n} for (at, kind, by), n in ended.items()]
    return sorted((step for step in steps if step["at"] is not None), key=lambda step: float(step["at"]))


def _by_target(measures: list[Measure]) -> dict[str, dict[str, Measure]]:
    """By kind, then by target."""
    found: dict[str, dict[str, Measure]] = {}
    for measure in measures:
        found.setdefault(measure.kind, {}).setdefault(measure.target, measure)
    return found


async def show_map(visit: Visit, session: Session) -> Response:
    db, now = visit.house.db, visit.now
    rows = await hourly(db, since=now - (MAP_DAYS + 1) * DAY, before=now + HOUR)
    alarms = [*await open_alarms(db), *await past_alarms(db)]
    told = [(alarm.client or None, alarm.since, alarm.closed_at or now) for alarm in alarms]
    return page(
        visit, "officer/map.html", session=session, tab="map", services=await service_names(visit),
        calendars=calendars(rows, now=now, days=MAP_DAYS, alarms=told),
        bars=stack(rows, first=int(midnight(last_days(now, MAP_DAYS)[0]) // HOUR), hours=MAP_DAYS * 24),
    )  # fmt: skip
