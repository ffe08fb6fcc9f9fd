"""Who stands before a page of this room: a holder who is signed in, or who holds an active phone of hers."""

import msgspec
from starlette.responses import Response

from lucine.phone.credentials import Device, device_with_cookie
from lucine.phone.guards import COOKIE
from lucine.signin.authorize_page import begin_own
from lucine.signin.security_pages import FRESH_SECONDS
from lucine.signin.sessions import session_of
from lucine.web import Refusal, Visit


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """``holder``: her id. ``session``: from which she speaks, and ``ask`` by which it was approved; '' if from her
    phone alone. ``phone``: the one in her hand, ``browser``: the known one before her; '' for none. ``code``: she gave
    a recovery code.
    """

    holder: str
    session: str = ""
    auth_time: float = 0.0
    phone: str = ""
    browser: str = ""
    ask: str = ""
    code: bool = False

    @property
    def proven(self) -> bool:
        """Whether more speaks for her than a phone, which may lie unlocked in somebody's hand."""
        return bool(self.session) or self.code

    def fresh(self, now: float) -> bool:
        """Whether she has signed in within FRESH_SECONDS; never from her phone alone."""
        return now - self.auth_time <= FRESH_SECONDS


async def person_of(visit: Visit) -> Person | None:
    """Her session, else the phone that she has in hand. None for everybody else."""
    session, phone = await session_of(visit), await _phone_of(visit)
    if session:
        return Person(
            holder=session.holder, session=session.id, auth_time=session.auth_time, browser=session.browser or "",
            ask=session.ask, phone=phone.id if phone and phone.holder == session.holder else "",
        )  # fmt: skip
    return Person(holder=phone.holder, phone=phone.id) if phone else None


async def _phone_of(visit: Visit) -> Device | None:
    cookie = visit.cookie(COOKIE)
    phone = await device_with_cookie(visit.house.db, visit.house.keys, cookie) if cookie else None
    return phone if phone and phone.active(visit.now) else None


async def known_person(visit: Visit) -> Person:
    """The guard of what is hers. Refusal for everybody else."""
    person = await person_of(visit)
    if person is None:
        words = "Votre session est terminée. Connectez-vous à nouveau."
        raise Refusal("login_required", words, "no session and no phone", status=401)
    return person


async def sign_in_to(visit: Visit, path: str, *, prompt: str = "") -> Response:
    """The way in, for who is not known yet (or is asked again): back to this page afterwards."""
    return await begin_own(visit, path, prompt=prompt)


async def freshly_known(visit: Visit) -> Person:
    """The guard of what lets go again."""
    person = await known_person(visit)
    if not person.fresh(visit.now):
        words = "Par sécurité, connectez-vous à nouveau avant ce changement."
        raise Refusal("fresh_login_required", words, "sign-in too old, or from a phone alone", status=403)
    return person


async def proven_person(visit: Visit) -> Person:
    """The guard of what carries data away, or ends an incident: a session."""
    person = await known_person(visit)
    if not person.proven:
        words = "Confirmez d'abord que c'est vous : connectez-vous sur cette page."
        raise Refusal("login_required", words, "a phone alone", status=403)
    return person
