"""The incident room: what was stopped, what is to be done by when, the papers, the timeline, the evidence."""

import asyncio
import re

import msgspec
from starlette.responses import Response

from lucine.safe import write_ledger
from lucine.safe.ledger import lines_about
from lucine.signin.evidence import give_file, ledger_line, one, pretty, write_bundle
from lucine.web import Door, Refusal, Visit, anyone, not_found, page
from lucine.web.pages import redirect

from .cases import case_of, duties_of, zone_of_holder
from .containment import did
from .documents import PAPERS, build
from .duties import SHOWN_FIRST
from .facts import read_facts
from .incident_pages import PATH
from .incidents import (
    Incident,
    add_note,
    change_facts,
    close_incident,
    evidence_of,
    find_incident,
    mark_task,
)
from .kept import KEPT_SECONDS
from .papers import as_text, pdf_of
from .paths import PATHS
from .people import Person, known_person, person_of, sign_in_to
from .reminders import plan_reminders
from .sheets import SHEETS
from .timeline import timeline_of

LEDGER_MAX = 2000
ID = re.compile(r"[\w-]{22}", re.ASCII)


async def _hers(visit: Visit, person: Person) -> Incident:
    which = visit.request.path_params["incident"]
    return await find_incident(visit.house.db, visit.house.keys, holder=person.holder, incident=which)


async def _open(visit: Visit, person: Person) -> Incident:
    """Hers, and not closed yet."""
    incident = await _hers(visit, person)
    if incident.closed_at is not None:
        raise Refusal("closed", "Cet incident est clos. Il se lit encore, il ne change plus.", "closed", status=409)
    return incident


async def show_room(visit: Visit, _: None) -> Response:
    person = await person_of(visit)
    if person is None:  # her session ended meanwhile: she comes back to where she was
        which = visit.request.path_params["incident"]
        return await sign_in_to(visit, f"{PATH}/{which}" if ID.fullmatch(which) else PATH)
    incident, db = await _hers(visit, person), visit.house.db
    duties = await duties_of(db, incident)
    return page(
        visit, "habits/incident.html", tab="incident", incident=incident, path=PATHS[incident.path],
        did=did(incident.done), todo=[duty for duty in duties if duty.id not in incident.tasks],
        finished=[duty for duty in duties if duty.id in incident.tasks], sheets=SHEETS, facts=incident.facts,
        zone=await zone_of_holder(db, incident.holder), timeline=await timeline_of(db, visit.house.keys, incident),
        now=visit.now, first=SHOWN_FIRST, said=visit.query().get("done"),
    )  # fmt: skip


async def answer(visit: Visit, person: Person) -> Response:
    """A sheet of answers; what the form does not name stays as it was."""
    incident, house = await _open(visit, person), visit.house
    zone = await zone_of_holder(house.db, person.holder)
    facts = read_facts(await visit.form(), incident.facts, zone, visit.now)
    async with house.db.transaction() as db:
        await change_facts(db, house.keys, incident=incident, facts=facts)
        await plan_reminders(db, visit.now, house.keys, incident=incident.id, holder=person.holder)
    return redirect(f"{PATH}/{incident.id}?done=kept#answers")


async def do_task(visit: Visit, person: Person) -> Response:
    return await _mark(visit, person, done=True)


async def undo_task(visit: Visit, person: Person) -> Response:
    return await _mark(visit, person, done=False)


async def _mark(visit: Visit, person: Person, *, done: bool) -> Response:
    incident, task, house = await _open(visit, person), visit.request.path_params["task"], visit.house
    if task not in [duty.id for duty in await duties_of(house.db, incident)]:
        raise not_found("no such task")
    async with house.db.transaction() as db:
        await mark_task(db, visit.now, house.keys, incident=incident, task=task, done=done)
        await plan_reminders(db, visit.now, house.keys, incident=incident.id, holder=person.holder)
    return redirect(f"{PATH}/{incident.id}#tasks")


async def write_note(visit: Visit, person: Person) -> Response:
    incident, text = await _open(visit, person), (await visit.form()).get("text", "")
    async with visit.house.db.transaction() as db:
        await add_note(db, visit.now, visit.house.keys, incident=incident, text=text)
    return redirect(f"{PATH}/{incident.id}#timeline")


async def give_pdf(visit: Visit, person: Person) -> Response:
    incident, name = await _hers(visit, person), visit.request.path_params["paper"]
    if name not in PAPERS:
        raise not_found("no such paper")
    made = await pdf_of(build(name, await case_of(visit.house.db, visit.now, visit.house.keys, incident)))
    return _file(made, f"lucine-{name}.pdf", "application/pdf")


async def give_text(visit: Visit, person: Person) -> Response:
    incident, name = await _hers(visit, person), visit.request.path_params["paper"]
    if name not in PAPERS:
        raise not_found("no such paper")
    made = as_text(build(name, await case_of(visit.house.db, visit.now, visit.house.keys, incident)))
    return _file(made.encode(), f"lucine-{name}.txt", "text/plain; charset=utf-8")


def _file(content: bytes, name: str, kind: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type=kind, headers=headers)


async def give_evidence(visit: Visit, person: Person) -> Response:
    """The signed bundle: everything that this incident holds, and her lines of the ledger."""
    incident, house, now = await _hers(visit, person), visit.house, visit.now
    async with house.db.transaction() as db:
        await write_ledger(db, now, house.keys, "incident.bundled", incident.holder, {"incident": incident.id})
    case, since = (
        await case_of(visit.house.db, visit.now, visit.house.keys, incident),
        incident.opened_at - KEPT_SECONDS,
    )
    told = [{"at": moment.at, "words": moment.words, "note": moment.note}
            for moment in await timeline_of(house.db, house.keys, incident)]  # fmt: skip
    lines = await lines_about(house.db, incident.holder, since, LEDGER_MAX)
    papers = await asyncio.to_thread(lambda: "\n\n\n".join(as_text(build(name, case)) for name in PAPERS))
    file = await write_bundle(
        house, now,
        {
            "incident.json": one(pretty(incident)),
            "timeline.jsonl": one(b"".join(msgspec.json.encode(moment) + b"\n" for moment in told)),
            "kept.json": one(await evidence_of(house.db, house.keys, incident.id)),
            "papers.txt": one(papers.encode()),
            "ledger.jsonl": one(b"".join(ledger_line(line) for line in lines)),
        },
        kind="incident", about=incident.id, since=since,
    )  # fmt: skip
    return give_file(file, f"lucine-incident-{incident.id[:6]}.zip")


async def close(visit: Visit, person: Person) -> Response:
    incident = await _open(visit, person)
    async with visit.house.db.transaction() as db:
        await close_incident(db, visit.now, visit.house.keys, incident=incident)
    return redirect(f"{PATH}?done=closed")


ROOM = f"{PATH}/{{incident}}"
DOORS = [
    Door(method="GET", path=ROOM, guard=anyone, act=show_room),
    Door(method="POST", path=f"{ROOM}/answers", guard=known_person, act=answer),
    Door(method="POST", path=f"{ROOM}/tasks/{{task}}/done", guard=known_person, act=do_task),
    Door(method="POST", path=f"{ROOM}/tasks/{{task}}/undo", guard=known_person, act=undo_task),
    Door(method="POST", path=f"{ROOM}/notes", guard=known_person, act=write_note),
    Door(method="GET", path=f"{ROOM}/papers/{{paper}}.pdf", guard=known_person, act=give_pdf),
    Door(method="GET", path=f"{ROOM}/papers/{{paper}}.txt", guard=known_person, act=give_text),
    Door(method="POST", path=f"{ROOM}/evidence", guard=known_person, act=give_evidence),
    Door(method="POST", path=f"{ROOM}/close", guard=known_person, act=close),
]
