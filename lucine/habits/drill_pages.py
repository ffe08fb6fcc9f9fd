"""Her drills: what they are, one to judge, and why. Nobody else sees her answers."""

from datetime import datetime
from typing import Any

import msgspec
from babel.dates import format_date
from starlette.responses import Response

from lucine.signin.authorize_page import begin_own
from lucine.web import Door, Refusal, Visit, anyone, not_found, page
from lucine.web.pages import PARIS, redirect

from .drills import DRILLS, Answer, Done, Drill, answer_drill, drills_done, due_at, next_drill
from .people import Person, known_person, person_of

PATH = "/habits/drills"


async def show_drills(visit: Visit, _: None) -> Response:
    person = await person_of(visit)
    if person is None:
        return await begin_own(visit, PATH)
    done = await drills_done(visit.house.db, person.holder)
    return page(
        visit, "habits/drills.html", tab="drills", next=_next(visit, person, done), total=len(DRILLS),
        past=[_past(visit, one) for one in reversed(done)],
        rests_until=_day(visit, min(map(due_at, done))) if done else "",
    )  # fmt: skip


async def show_drill(visit: Visit, _: None) -> Response:
    """The situation; while the drill rests, what she was told."""
    drill, person = _drill_of(visit), await person_of(visit)
    if person is None:
        return await begin_own(visit, f"{PATH}/{drill.name}")
    mine = _mine(drill, await drills_done(visit.house.db, person.holder))
    if mine and due_at(mine) > visit.now:
        return redirect(f"{PATH}/{drill.name}/answer")
    return page(visit, "habits/drill.html", tab="drills", **_shown(visit, drill))


async def take_answer(visit: Visit, person: Person) -> Response:
    drill, said = _drill_of(visit), (await visit.form()).get("answer")
    try:
        answer: Answer = msgspec.convert(said, Answer)
    except msgspec.ValidationError:
        raise Refusal("invalid_request", "Choisissez l'une des deux réponses.", "answer to a drill") from None
    async with visit.house.db.transaction() as db:
        await answer_drill(db, visit.now, holder=person.holder, drill=drill.name, answer=answer)
    return redirect(f"{PATH}/{drill.name}/answer")


async def show_answer(visit: Visit, _: None) -> Response:
    """Why it was a trap, or was not; for who has answered."""
    drill, person = _drill_of(visit), await person_of(visit)
    if person is None:
        return await begin_own(visit, f"{PATH}/{drill.name}")
    done = await drills_done(visit.house.db, person.holder)
    mine = _mine(drill, done)
    if mine is None:
        return redirect(f"{PATH}/{drill.name}")
    return page(
        visit, "habits/drill_answer.html", tab="drills", **_shown(visit, drill),
        why=drill.html(visit.language, "explanation"), found=mine.answered == drill.facts.right,
        reviewed=format_date(drill.facts.reviewed, "d MMMM y", locale=visit.language),
        again=_day(visit, due_at(mine)), next=_next(visit, person, done),
    )  # fmt: skip


def _drill_of(visit: Visit) -> Drill:
    """The drill of the address. Refusal "not found"."""
    drill = DRILLS.get(visit.request.path_params["drill"])
    if drill is None:
        raise not_found("no such drill")
    return drill


def _mine(drill: Drill, done: list[Done]) -> Done | None:
    return next((one for one in done if one.drill == drill.name), None)


def _next(visit: Visit, person: Person, done: list[Done]) -> str | None:
    keys = visit.house.keys
    return next_drill(done, visit.now, lambda name: keys.mac("habits.drills", f"{person.holder}/{name}".encode()))


def _shown(visit: Visit, drill: Drill) -> dict[str, Any]:
    """What ``drill_words.html`` shows of a drill before it is judged."""
    language, asked = visit.language, drill.facts.request
    return {
        "drill": drill, "title": drill.title(language), "situation": drill.html(language, "situation"),
        "message": drill.html(language, "message"), "request": asked and asked.told(language),
    }  # fmt: skip


def _past(visit: Visit, done: Done) -> dict[str, Any]:
    drill = DRILLS[done.drill]
    return {
        "name": drill.name, "kind": drill.facts.kind, "title": drill.title(visit.language),
        "done": _day(visit, done.at), "again": _day(visit, due_at(done)), "due": due_at(done) <= visit.now,
    }  # fmt: skip


def _day(visit: Visit, at: float) -> str:
    return format_date(datetime.fromtimestamp(at, PARIS), "d MMMM y", locale=visit.language)


DRILL = f"{PATH}/{{drill}}"
DOORS = [
    Door(method="GET", path=PATH, guard=anyone, act=show_drills),
    Door(method="GET", path=DRILL, guard=anyone, act=show_drill),
    Door(method="POST", path=DRILL, guard=known_person, act=take_answer),
    Door(method="GET", path=f"{DRILL}/answer", guard=anyone, act=show_answer),
]
