"""Who stands before a page of this room: a holder who is signed in, or who holds an active phone of hers."""

import msgspec

from lucine.phone.credentials import Device, device_with_cookie, devices_of
from lucine.phone.guards import COOKIE
from lucine.phone.holders import hold_holder
from lucine.safe import Transaction
from lucine.signin.security_pages import hold_session, is_fresh, require_fresh, session_over
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
        """Never from her phone alone."""
        return is_fresh(now, self.auth_time)


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
        raise session_over("no session and no phone")
    return person


async def freshly_known(visit: Visit) -> Person:
    """The guard of what lets go again."""
    person = await known_person(visit)
    require_fresh(visit.now, person.auth_time)
    return person


async def proven_person(visit: Visit) -> Person:
    """The guard of what carries data away, or ends an incident: a session."""
    person = await known_person(visit)
    if not person.proven:
        words = "Confirmez d'abord que c'est vous : connectez-vous sur cette page."
        raise Refusal("login_required", words, "a phone alone", status=403)
    return person


async def hold_person(db: Transaction, visit: Visit, person: Person) -> None:
    """First in a transaction: what she speaks from still holds, and ends only after the commit."""
    if person.session:
        await hold_session(db, visit, holder=person.holder, session=person.session)
        return
    await hold_holder(db, person.holder)
    phones = await devices_of(db, person.holder, "phone")
    if person.phone not in [phone.id for phone in phones if phone.active(visit.now)]:
        raise session_over("phone is no more")
