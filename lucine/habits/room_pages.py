"""The incident room: what was stopped, what is to be done by when, the papers, the timeline, the evidence."""

import asyncio
import re
from pathlib import Path

import msgspec
from starlette.responses import Response

from lucine.safe import Reader, Transaction, write_ledger
from lucine.signin.authorize_page import begin_own
from lucine.signin.evidence import give_file, ledger_line, one, pretty, write_bundle
from lucine.web import Door, Refusal, Visit, anyone, not_found, page
from lucine.web.pages import as_file, redirect
from lucine.web.turns import turn

from .cases import case_of, done_of, duties_of, zone_of_holder
from .cautions import warnings_for
from .containment import did
from .documents import PAPERS, blanks_of, build
from .dossier import Case
from .duties import SHOWN_FIRST
from .facts import BadAnswer, read_facts, require_added
from .incident_pages import PATH, stopped_of
from .incidents import (
    Incident,
    add_note,
    change_facts,
    close_incident,
    evidence_of,
    find_incident,
    mark_task,
    remove_note,
    reopen_incident,
)
from .kept import KEPT_SECONDS
from .papers import PAPERS_AT_ONCE, as_text, pdf_of
from .paths import PATHS
from .people import Person, hold_person, known_person, person_of, proven_person
from .reminders import plan_reminders
from .sheets import SHEETS
from .timeline import lines_of
from .zones import wall_of

LEDGER_MAX = 2000
READ_ME = (Path(__file__).parent / "data" / "LISEZ-MOI.txt").read_bytes()
ID = re.compile(r"[\w-]{22}", re.ASCII)


async def _hers(db: Reader, visit: Visit, person: Person) -> Incident:
    which = visit.request.path_params["incident"]
    incident = await find_incident(db, visit.house.keys, holder=person.holder, incident=which)
    if incident.path not in PATHS:
        raise not_found("a path that this version does not know")
    return incident


async def _open(db: Transaction, visit: Visit, person: Person) -> Incident:
    """Hers, and not closed yet; nobody changes it before the commit."""
    await hold_person(db, visit, person)
    incident = await _hers(db, visit, person)
    if incident.closed_at is not None:
        raise Refusal("closed", "Cet incident est clos. Il se lit encore, il ne change plus.", "closed", status=409)
    return incident


async def show_room(visit: Visit, _: None) -> Response:
    person = await person_of(visit)
    if person is None:  # her session ended meanwhile: she comes back to where she was
        return await sign_in_here(visit, None)
    return await _room(visit, person, await _hers(visit.house.db, visit, person))


async def _room(
    visit: Visit, person: Person, incident: Incident, *, typed: dict[str, str] | None = None,
    bad: BadAnswer | None = None,
) -> Response:  # fmt: skip
    """``typed``, ``bad``: a sheet that was not kept, with what she typed and what is wrong with it."""
    db, now, facts = visit.house.db, visit.now, incident.facts
    case, timeline = await case_of(db, now, visit.house.keys, incident)
    done = done_of(incident)
    return page(
        visit, "habits/incident.html", status=400 if bad else 200, tab="incident", person=person, incident=incident,
        path=PATHS[incident.path], did=did(incident.done), left=any(one.left for one in incident.done),
        stopped=await stopped_of(db, now, person), todo=[duty for duty in case.duties if duty.id not in done],
        finished=[duty for duty in case.duties if duty.id in done], first=SHOWN_FIRST, blanks=blanks_of(case),
        warnings=warnings_for(incident.path, facts, incident.opened_at, zone=case.zone, language=visit.language),
        sheets=SHEETS, facts=facts, typed=typed or {}, bad=bad, wall=wall_of(now, case.zone), zone=case.zone, now=now,
        timeline=timeline, said=visit.query().get("done"),
    )  # fmt: skip


async def sign_in_here(visit: Visit, _: None) -> Response:
    """To show that it is her, and back."""
    which = visit.request.path_params["incident"]
    return await begin_own(visit, f"{PATH}/{which}" if ID.fullmatch(which) else PATH, prompt="login")


async def answer(visit: Visit, person: Person) -> Response:
    """A sheet of answers; what the form does not name stays as it was."""
    house, form = visit.house, await visit.form()
    zone = await zone_of_holder(house.db, person.holder)
    try:
        async with house.db.transaction() as db:
            incident = await _open(db, visit, person)
            facts = read_facts(form, incident.facts, zone, visit.now)
            if not person.proven:
                require_added(incident.facts, facts)
            await change_facts(db, visit.now, house.keys, incident=incident, facts=facts)
            await plan_reminders(db, visit.now, house.keys, incident=incident.id, holder=person.holder)
    except BadAnswer as bad:
        return await _room(visit, person, await _hers(visit.house.db, visit, person), typed=form, bad=bad)
    return redirect(f"{PATH}/{incident.id}?done=kept#answers")


async def do_task(visit: Visit, person: Person) -> Response:
    return await _mark(visit, person, done=True)


async def undo_task(visit: Visit, person: Person) -> Response:
    return await _mark(visit, person, done=False)


async def _mark(visit: Visit, person: Person, *, done: bool) -> Response:
    task, house = visit.request.path_params["task"], visit.house
    async with house.db.transaction() as db:
        incident = await _open(db, visit, person)
        if task not in [duty.id for duty in await duties_of(db, incident)]:
            raise not_found("no such task")
        await mark_task(db, visit.now, house.keys, incident=incident, task=task, done=done)
        await plan_reminders(db, visit.now, house.keys, incident=incident.id, holder=person.holder)
    return redirect(f"{PATH}/{incident.id}#tasks")


async def write_note(visit: Visit, person: Person) -> Response:
    text = (await visit.form()).get("text", "")
    async with visit.house.db.transaction() as db:
        incident = await _open(db, visit, person)
        await add_note(db, visit.now, visit.house.keys, incident=incident, text=text)
    return redirect(f"{PATH}/{incident.id}#timeline")


async def take_note_out(visit: Visit, person: Person) -> Response:
    async with visit.house.db.transaction() as db:
        incident = await _open(db, visit, person)
        await remove_note(db, visit.now, visit.house.keys, incident=incident, note=visit.request.path_params["note"])
    return redirect(f"{PATH}/{incident.id}#timeline")


async def give_pdf(visit: Visit, person: Person) -> Response:
    incident, name, house = await _hers(visit.house.db, visit, person), visit.request.path_params["paper"], visit.house
    with turn(house, "paper", person.holder, PAPERS_AT_ONCE):
        case, _ = await case_of(house.db, visit.now, house.keys, incident)
        made = await pdf_of(build(name, case))
    return Response(made, media_type="application/pdf", headers=as_file(f"lucine-{name}.pdf"))


async def give_text(visit: Visit, person: Person) -> Response:
    incident, name, house = await _hers(visit.house.db, visit, person), visit.request.path_params["paper"], visit.house
    case, _ = await case_of(house.db, visit.now, house.keys, incident)
    return Response(as_text(build(name, case)), media_type="text/plain", headers=as_file(f"lucine-{name}.txt"))


async def give_evidence(visit: Visit, person: Person) -> Response:
    """The signed bundle: everything that this incident holds, and her lines of the ledger."""
    incident, house, now = await _hers(visit.house.db, visit, person), visit.house, visit.now
    with turn(house, "incident", person.holder, 1):
        async with house.db.transaction() as db:
            await hold_person(db, visit, person)
            await write_ledger(db, now, house.keys, "incident.bundled", incident.holder, {"incident": incident.id})
        since = incident.opened_at - KEPT_SECONDS
        case, timeline = await case_of(house.db, now, house.keys, incident)
        told = [
            {"at": entry.at, "words": entry.words, "detail": entry.detail, "note": entry.note} for entry in timeline
        ]
        lines = await lines_of(house.db, incident, since, LEDGER_MAX)
        file = await write_bundle(
            house, now,
            {
                "LISEZ-MOI.txt": one(READ_ME),
                "incident.json": one(pretty(incident)),
                "timeline.jsonl": one(b"".join(msgspec.json.encode(line) + b"\n" for line in told)),
                "kept.json": one(await evidence_of(house.db, house.keys, incident)),
                "papers.txt": one((await asyncio.to_thread(_all_papers, case)).encode()),
                "ledger.jsonl": one(b"".join(ledger_line(line) for line in lines)),
            },
            kind="incident", about=incident.id, since=since,
        )  # fmt: skip
    return give_file(file, f"lucine-incident-{incident.id[:6]}.zip")


def _all_papers(case: Case) -> str:
    return "\n\n\n".join(as_text(build(name, case)) for name in PAPERS)


async def close(visit: Visit, person: Person) -> Response:
    async with visit.house.db.transaction() as db:
        incident = await _open(db, visit, person)
        await close_incident(db, visit.now, visit.house.keys, incident=incident)
    return redirect(f"{PATH}?done=closed")


async def reopen(visit: Visit, person: Person) -> Response:
    house = visit.house
    async with house.db.transaction() as db:
        await hold_person(db, visit, person)
        incident = await _hers(db, visit, person)
        await reopen_incident(db, visit.now, house.keys, incident=incident)
        await plan_reminders(db, visit.now, house.keys, incident=incident.id, holder=person.holder)
    return redirect(f"{PATH}/{incident.id}")


ROOM = f"{PATH}/{{incident}}"
DOORS = [
    Door(method="GET", path=ROOM, guard=anyone, act=show_room),
    Door(method="GET", path=f"{ROOM}/sign-in", guard=anyone, act=sign_in_here),
    Door(method="POST", path=f"{ROOM}/answers", guard=known_person, act=answer),
    Door(method="POST", path=f"{ROOM}/tasks/{{task}}/done", guard=known_person, act=do_task),
    Door(method="POST", path=f"{ROOM}/tasks/{{task}}/undo", guard=known_person, act=undo_task),
    Door(method="POST", path=f"{ROOM}/notes", guard=known_person, act=write_note),
    Door(method="POST", path=f"{ROOM}/notes/{{note}}/remove", guard=proven_person, act=take_note_out),
    Door(method="GET", path=f"{ROOM}/papers/{{paper}}.pdf", guard=known_person, act=give_pdf),
    Door(method="GET", path=f"{ROOM}/papers/{{paper}}.txt", guard=known_person, act=give_text),
    Door(method="POST", path=f"{ROOM}/evidence", guard=proven_person, act=give_evidence),
    Door(method="POST", path=f"{ROOM}/reopen", guard=proven_person, act=reopen),
    Door(method="POST", path=f"{ROOM}/close", guard=proven_person, act=close),
]
