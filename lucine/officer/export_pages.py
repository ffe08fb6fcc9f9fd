"""What the officer carries away: events of a span of days, and the evidence of an alarm."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import date, datetime, timedelta
from typing import Any, get_args

import msgspec
from starlette.responses import Response, StreamingResponse

from lucine.safe import Database, write_ledger
from lucine.safe.ledger import lines_before
from lucine.signin.evidence import give_file, ledger_line, one, pretty, write_bundle
from lucine.watch.alarms import Alarm
from lucine.watch.measures import measures_of
from lucine.watch.views import events_between
from lucine.web import Refusal, Visit, page
from lucine.web.pages import PARIS, as_file
from lucine.web.turns import turn

from .charts import midnight
from .exports import Format, Names, head, line, moment, plain
from .sessions import Session, find_session
from .watch_pages import alarm_of, service_names, span_of

FORMATS: tuple[Format, ...] = get_args(Format)
SPAN_MAX_DAYS = 31
BATCH = 500
EXPORTS_AT_ONCE = 2  # for each officer, in this process
BUNDLES_AT_ONCE = 1
KINDS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl", "ecs": "application/x-ndjson"}
ENDINGS = {"csv": "csv", "jsonl": "jsonl", "ecs": "ecs.ndjson"}
EVENTS_MAX = 100_000  # the newest of all that ended; the manifest says since when
LEDGER_SLACK_SECONDS = 300  # the clocks of several processes


async def show_export(visit: Visit, session: Session) -> Response:
    today = datetime.fromtimestamp(visit.now, PARIS).date()
    return page(
        visit, "officer/export.html", session=session, tab="export", today=today.isoformat(),
        week=(today - timedelta(days=6)).isoformat(), most=SPAN_MAX_DAYS,
    )  # fmt: skip


async def export_events(visit: Visit, session: Session) -> Response:
    """The form's ``format``, and its days ``since`` and ``until`` (both included), as days are in Paris."""
    house, form = visit.house, await visit.form()
    kind = next((kind for kind in FORMATS if kind == form.get("format")), None)
    if kind is None:
        raise Refusal("invalid_request", "Cette demande n'est pas lisible.", "format")
    first, last = _day(form.get("since", "")), _day(form.get("until", ""))
    if not 0 <= (last - first).days < SPAN_MAX_DAYS:
        words = "Choisissez de 1 à 31 jours, le premier avant le dernier."
        raise Refusal("invalid_request", words, "span of days")
    span = (midnight(first), midnight(last + timedelta(days=1)))
    lines = _lines(visit, session, kind, span, await service_names(visit))
    begun = await anext(lines)  # where it is refused its turn, nothing has been answered yet
    async with house.db.transaction() as db:
        facts = {"format": kind, "since": first.isoformat(), "until": last.isoformat()}
        await write_ledger(db, visit.now, house.keys, "events.exported", session.officer, facts)
    name = f"lucine-{first.isoformat()}-{last.isoformat()}.{ENDINGS[kind]}"
    return StreamingResponse(_after(begun, lines), media_type=KINDS[kind], headers=as_file(name))


def _day(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or not 2000 <= found.year < 2200:
        raise Refusal("invalid_request", "Choisissez de 1 à 31 jours, le premier avant le dernier.", "not a day")
    return found


async def _after(begun: bytes, lines: AsyncGenerator[bytes]) -> AsyncIterator[bytes]:
    async with aclosing(lines):
        yield begun
        async for more in lines:
            yield more


async def _lines(
    visit: Visit, session: Session, kind: Format, span: tuple[float, float], names: Names
) -> AsyncGenerator[bytes]:
    """It ends early, without its last line break, when she is removed meanwhile."""
    house, after = visit.house, (0.0, "")
    loop = asyncio.get_running_loop()
    began = loop.time()
    with turn(house, "export", session.officer, EXPORTS_AT_ONCE):
        yield head(kind)
        while rows := await events_between(house.db, since=span[0], before=span[1], after=after, limit=BATCH):
            if await find_session(house.db, visit.now + loop.time() - began, session.id) is None:
                return
            yield b"".join(line(kind, row, names) for row in rows)
            after = (rows[-1]["over_at"], rows[-1]["id"])


async def give_bundle(visit: Visit, session: Session) -> Response:
    """The signed evidence of an alarm."""
    house, now, alarm = visit.house, visit.now, await alarm_of(visit)
    with turn(house, "bundle", "", BUNDLES_AT_ONCE):
        async with house.db.transaction() as db:  # before it is made, so that it says who asked for it
            await write_ledger(db, now, house.keys, "evidence.bundled", session.officer, {"alarm": alarm.id})
        names, span = await service_names(visit), await span_of(house.db, now, alarm, EVENTS_MAX)
        measures = await measures_of(house.db, alarm.id)
        file = await write_bundle(
            house, now,
            {
                "alarm.json": one(pretty(alarm)),
                "events.jsonl": _events(house.db, span, names),
                "measures.json": one(pretty(measures)),
                "ledger.jsonl": _ledger(house.db, alarm, {alarm.id, *(measure.id for measure in measures)}),
            },
            kind="alarm", about=alarm.id, since=span["since"],
        )  # fmt: skip
    return give_file(file, f"lucine-alarm-{moment(alarm.opened_at)[:10]}-{alarm.id[:6]}.zip")


async def _events(db: Database, span: dict[str, Any], names: Names) -> AsyncIterator[bytes]:
    """The events of unknown browsers in the span, oldest first."""
    after = (0.0, "")
    while rows := await events_between(db, **span, after=after, strangers=True, limit=BATCH):
        yield b"".join(msgspec.json.encode(plain(row, names)) + b"\n" for row in rows)
        after = (rows[-1]["over_at"], rows[-1]["id"])
        await asyncio.sleep(0)


async def _ledger(db: Database, alarm: Alarm, ids: set[str]) -> AsyncIterator[bytes]:
    """The lines about the alarm and its measures, newest first, each with its mark: `lucine ledger verify` knows it."""
    seq = 1 << 62
    while lines := await lines_before(db, seq, BATCH):
        for row in lines:
            if ids & set(msgspec.json.decode(row["facts"], type=dict[str, str]).values()):
                yield ledger_line(row)
        seq = lines[-1]["seq"]
        if lines[-1]["at"] < alarm.opened_at - LEDGER_SLACK_SECONDS:
            return
        await asyncio.sleep(0)
