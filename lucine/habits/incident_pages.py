"""Where an incident begins: what is wrong, what is stopped, and how to let go again."""

from typing import Any

import msgspec
from starlette.responses import Response

from lucine.phone.asks import approved_asks
from lucine.phone.credentials import devices_of, state_of
from lucine.phone.enrolment import holder_of_recovery_code, use_recovery_code
from lucine.phone.holders import find_holder
from lucine.phone.holds import held_since, release_enrolments, thaw_credential
from lucine.safe import Reader, Transaction
from lucine.signin.authorize_page import begin_own
from lucine.signin.disown import ring_after
from lucine.signin.sessions import COOKIE, renew_cookie
from lucine.signin.starts import asks_of_session
from lucine.web import Door, Visit, anyone, cookies, not_found, page
from lucine.web.pages import redirect

from .containment import ALL, WILL, WILL_BY_CODE, Act
from .duties import E_CPS_DESK, SHOWN_FIRST, duties_for
from .incidents import incidents_of, open_incident
from .paths import PATHS, Choose, PathFacts
from .people import Person, freshly_known, hold_person, known_person, person_of
from .reminders import plan_reminders
from .texts import Text
from .zones import PARIS

PATH = "/incident"
RECENT_SECONDS = 7 * 86400
SHOWN_CHOICES = 6
NEEDS_SIGN_IN: tuple[Act, ...] = ("disown_sign_in",)  # a code alone names no sign-in


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What she may name. ``at``: when it was used, approved or seen."""

    id: str
    name: str
    detail: str = ""
    at: float | None = None


async def show_symptoms(visit: Visit, _: None) -> Response:
    """Open to everybody: who has lost her phone cannot sign in first."""
    person = await person_of(visit)
    incidents, stopped = [], None
    if person:
        db = visit.house.db
        incidents = [{**dict(row), "title": PATHS[row["path"]].title(visit.language)}
                     for row in await incidents_of(db, person.holder) if row["path"] in PATHS]  # fmt: skip
        stopped = await stopped_of(db, visit.now, person)
    return page(
        visit, "habits/symptoms.html", tab="incident", person=person, paths=PATHS.values(), incidents=incidents,
        stopped=stopped, said=visit.query().get("done"),
    )  # fmt: skip


async def stopped_of(db: Reader, now: float, person: Person) -> dict[str, Any] | None:
    """What stands still since her incidents, and whether she may let go from here."""
    frozen = [one for one in await devices_of(db, person.holder) if state_of(one, now) == "frozen"]
    held = await held_since(db, person.holder)
    if not frozen and held is None:
        return None
    return {"frozen": frozen, "held": held, "fresh": person.fresh(now)}


def _path(name: str) -> Text[PathFacts]:
    if name not in PATHS:
        raise not_found("no such path")
    return PATHS[name]


async def show_path(visit: Visit, _: None) -> Response:
    """What will be stopped, and what her hands do meanwhile."""
    path, person = _path(visit.request.path_params["path"]), await person_of(visit)
    choose = path.facts.choose
    choices = await _choices(visit.house.db, person, visit.now, choose) if person and choose else []
    return page(
        visit, "habits/path.html", tab="incident", path=path, person=person, choices=choices, first=SHOWN_CHOICES,
        all=ALL, will=_will(path, person), desk=E_CPS_DESK[0],
    )  # fmt: skip


def _will(path: Text[PathFacts], person: Person | None) -> list[str]:
    """What a press will do. By a code alone no sign-in can be named."""
    words = WILL if person else WILL | WILL_BY_CODE
    return [words[act] for act in path.facts.acts if person or act not in NEEDS_SIGN_IN]


async def _choices(db: Reader, person: Person, now: float, choose: Choose) -> list[Choice]:
    """Newest first; what she speaks from is not among them, nor what a passkey opened: no phone approved that."""
    if choose == "phone":
        phones = [phone for phone in await devices_of(db, person.holder, "phone") if phone.id != person.phone]
        return [Choice(id=phone.id, name=phone.name, at=phone.used_at or phone.created_at) for phone in phones]
    mine = {person.ask, *(await asks_of_session(db, person.session))}
    return [
        Choice(id=ask.id, name=ask.shown.service, at=ask.opened_at, detail=f"{ask.shown.browser} · {ask.shown.place}")
        for ask in await approved_asks(db, person.holder, now - RECENT_SECONDS) if ask.id not in mine
    ]  # fmt: skip


async def sign_in(visit: Visit, _: None) -> Response:
    return await begin_own(visit, f"{PATH}/new/{_path(visit.request.path_params['path']).name}")


async def sign_in_again(visit: Visit, _: None) -> Response:
    return await begin_own(visit, f"{PATH}#stopped", prompt="login")


async def begin(visit: Visit, person: Person) -> Response:
    """One press: contained, kept, and open. Never refused: a choice that is no more stands for "I don't know"."""
    path, chosen = _path(visit.request.path_params["path"]), (await visit.form()).get("which", "")
    choose, cookie = path.facts.choose, ""
    if choose:
        known = await _choices(visit.house.db, person, visit.now, choose)
        if chosen not in [choice.id for choice in known]:
            chosen = ALL if choose == "phone" else ""
    async with visit.house.db.transaction() as db:
        await hold_person(db, visit, person)
        incident, rung = await _begin(db, visit, person, path.name, chosen if choose else "")
        if person.session and "end_sessions" in path.facts.acts:
            cookie = await renew_cookie(db, visit.house.keys, person.session)
    ring_after(visit, person.holder, rung)
    answer = redirect(f"{PATH}/{incident}")
    if cookie:
        cookies.set_cookie(answer, COOKIE, cookie)
    return answer


async def _begin(db: Transaction, visit: Visit, person: Person, path: str, chosen: str) -> tuple[str, list[str]]:
    """The incident, and the asks whose screens are to be told."""
    keys, settings, now = visit.house.keys, visit.house.settings, visit.now
    holder = await find_holder(db, person.holder)
    incident, contained = await open_incident(
        db, now, keys, settings, holder=holder, person=person, path=path, chosen=chosen
    )
    await plan_reminders(db, now, keys, incident=incident, holder=holder.id)
    return incident, contained.rung


async def begin_with_code(visit: Visit, _: None) -> Response:
    """Without a sign-in: a recovery code proves who she is. The answer never says whether the code was right."""
    path, house = _path(visit.request.path_params["path"]), visit.house
    code, rung = (await visit.form()).get("code", ""), list[str]()
    async with house.db.transaction() as db:
        holder = await use_recovery_code(db, visit.now, house.keys, code=code)
        if holder:
            chosen = ALL if path.facts.choose == "phone" else ""
            rung = (await _begin(db, visit, Person(holder=holder, code=True), path.name, chosen))[1]
    if holder:
        ring_after(visit, holder, rung)
    return redirect(f"{PATH}/new/{path.name}/stopped")


async def show_stopped(visit: Visit, _: None) -> Response:
    path = _path(visit.request.path_params["path"])
    duties = duties_for(path.name, path.facts.presumed, visit.now, PARIS)
    return page(
        visit, "habits/stopped.html", tab="incident", path=path, will=_will(path, None),
        told=[duty for duty in duties if not duty.voluntary][:SHOWN_FIRST],
    )  # fmt: skip


async def thaw(visit: Visit, person: Person) -> Response:
    """A phone that was found, a computer that is clean again."""
    house = visit.house
    async with house.db.transaction() as db:
        await hold_person(db, visit, person)
        credential = visit.request.path_params["credential"]
        if not await thaw_credential(db, visit.now, house.keys, holder=person.holder, credential=credential):
            raise not_found("no such frozen credential of hers")
    house.bell.ring(f"holder:{person.holder}")
    house.bell.ring("notices")
    return redirect(f"{PATH}?done=thawed")


async def release(visit: Visit, person: Person) -> Response:
    """Phones and passkeys may be added again."""
    async with visit.house.db.transaction() as db:
        await hold_person(db, visit, person)
        await release_enrolments(db, visit.now, visit.house.keys, holder=person.holder)
    visit.house.bell.ring("notices")
    return redirect(f"{PATH}?done=released")


async def show_resume(visit: Visit, _: None) -> Response:
    return page(visit, "habits/resume.html", tab="incident", sent="sent" in visit.query())


async def resume(visit: Visit, _: None) -> Response:
    """Her only phone is frozen, she has no passkey: a recovery code lets a new phone in, through its quarantine."""
    house = visit.house
    code = (await visit.form()).get("code", "")
    async with house.db.transaction() as db:
        named = await holder_of_recovery_code(db, house.keys, code=code)
        if named and await held_since(db, named) is not None:  # else the code would be spent on nothing
            holder = await use_recovery_code(db, visit.now, house.keys, code=code)
            if holder:
                await release_enrolments(db, visit.now, house.keys, holder=holder)
    house.bell.ring("notices")
    return redirect(f"{PATH}/resume?sent=1")


DOORS = [
    Door(method="GET", path=PATH, guard=anyone, act=show_symptoms),
    Door(method="GET", path=f"{PATH}/again", guard=anyone, act=sign_in_again),
    Door(method="GET", path=f"{PATH}/resume", guard=anyone, act=show_resume),
    Door(method="POST", path=f"{PATH}/resume", guard=anyone, act=resume),
    Door(method="GET", path=f"{PATH}/new/{{path}}", guard=anyone, act=show_path),
    Door(method="POST", path=f"{PATH}/new/{{path}}", guard=known_person, act=begin),
    Door(method="GET", path=f"{PATH}/new/{{path}}/sign-in", guard=anyone, act=sign_in),
    Door(method="POST", path=f"{PATH}/new/{{path}}/code", guard=anyone, act=begin_with_code),
    Door(method="GET", path=f"{PATH}/new/{{path}}/stopped", guard=anyone, act=show_stopped),
    Door(method="POST", path=f"{PATH}/release", guard=freshly_known, act=release),
    Door(method="POST", path=f"{PATH}/thaw/{{credential}}", guard=freshly_known, act=thaw),
]
