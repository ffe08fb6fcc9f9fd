"""The way in: an invitation becomes a passkey, a passkey a session."""

from typing import Any

import msgspec
from starlette.responses import Response

from lucine.phone.passkeys import creation_options, request_options, verify_creation
from lucine.web import Visit, cookies, json_answer, page
from lucine.web.pages import redirect

from . import ceremonies
from .ceremonies import begin_ceremony, challenge_of
from .officers import accept_invitation, invited_officer, officer_with_passkey
from .sessions import COOKIE, PATH, SESSION_SECONDS, SIGN_IN, Session, end_sessions, open_session, own_page, session_of


class Invitation(msgspec.Struct, frozen=True):
    invitation: str


class NewPasskey(msgspec.Struct, frozen=True):
    invitation: str
    credential: dict[str, Any]


class Assertion(msgspec.Struct, frozen=True):
    credential: dict[str, Any]


async def show_sign_in(visit: Visit, _: None) -> Response:
    return page(visit, "officer/sign_in.html", to=own_page(visit.query().get("to")), session=await session_of(visit))


async def show_invitation(visit: Visit, _: None) -> Response:
    """The secret stands behind the # of the address: it reaches no server's log."""
    return page(visit, "officer/invitation.html")


def _with_challenge(visit: Visit, cookie: str, options: Any) -> Response:
    answer = json_answer({"options": options})
    cookies.set_cookie(answer, ceremonies.COOKIE, cookie, seconds=ceremonies.CEREMONY_SECONDS, strict=True)
    return answer


async def invitation_options(visit: Visit, _: None, asked: Invitation) -> Response:
    """For `navigator.credentials.create`."""
    house, settings = visit.house, visit.house.settings
    officer, name = await invited_officer(house.db, visit.now, house.keys, asked.invitation)
    cookie, challenge = begin_ceremony(visit.now, house.keys)
    options = creation_options(
        rp_id=settings.host, rp_name=settings.name, holder=officer, name=name, challenge=challenge, known=[],
        on_phone=False,
    )  # fmt: skip
    return _with_challenge(visit, cookie, options)


async def accept(visit: Visit, _: None, said: NewPasskey) -> Response:
    """Keep her passkey. She then signs in with it."""
    house, settings = visit.house, visit.house.settings
    challenge = challenge_of(visit.now, house.keys, visit.cookie(ceremonies.COOKIE))
    new = verify_creation(said.credential, challenge=challenge, rp_id=settings.host, origin=settings.origin)
    async with house.db.transaction() as db:
        await accept_invitation(db, visit.now, house.keys, secret=said.invitation, new=new)
    return json_answer({})


async def sign_in_options(visit: Visit, _: None) -> Response:
    """For `navigator.credentials.get`: any passkey that this computer offers."""
    cookie, challenge = begin_ceremony(visit.now, visit.house.keys)
    options = request_options(rp_id=visit.house.settings.host, challenge=challenge, allowed=[])
    return _with_challenge(visit, cookie, options)


async def sign_in(visit: Visit, _: None, said: Assertion) -> Response:
    house, settings = visit.house, visit.house.settings
    challenge = challenge_of(visit.now, house.keys, visit.cookie(ceremonies.COOKIE))
    before = await session_of(visit)
    async with house.db.transaction() as db:
        officer = await officer_with_passkey(
            db, visit.now, house.keys, said.credential, challenge=challenge, rp_id=settings.host,
            origin=settings.origin,
        )  # fmt: skip
        secret = await open_session(db, visit.now, house.keys, officer=officer, challenge=challenge, before=before)
    answer = json_answer({})
    cookies.set_cookie(answer, COOKIE, secret, seconds=SESSION_SECONDS)
    cookies.drop_cookie(answer, ceremonies.COOKIE)
    return answer


async def sign_out(visit: Visit, session: Session) -> Response:
    async with visit.house.db.transaction() as db:
        await end_sessions(
            db, visit.now, visit.house.keys, officer=session.officer, session=session.id, why="signed_out"
        )
    visit.house.bell.ring(PATH)
    answer = redirect(SIGN_IN)
    cookies.drop_cookie(answer, COOKIE)
    return answer
