"""Containing an incident: everything that Lucine can stop by itself, in one transaction.

She can undo all of it. Each act says what it will do, and how much of it was done. Nothing here touches what is
outside of Connect: her hands do that (see the paths).
"""

from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec

from lucine.phone import asks
from lucine.phone.credentials import devices_of
from lucine.phone.enrolment import void_vouchers
from lucine.phone.holders import hold_holder
from lucine.phone.holds import freeze_credentials, hold_enrolments
from lucine.phone.typed import disarm_typed_code
from lucine.safe import Keys, Transaction
from lucine.signin.disown import disown
from lucine.signin.sessions import end_sessions
from lucine.watch.browsers import browsers_of, forget_browser
from lucine.web.languages import say
from lucine.web.settings import Settings

from .people import Person

Act = Literal[
    "disown_sign_in", "end_sessions", "freeze_phone", "freeze_new_phones", "freeze_computer", "freeze_computers",
    "forget_computers", "void_codes", "hold_enrolments", "keep_evidence",
]  # fmt: skip

NEW_SECONDS = 7 * 86400
ALL = "all"

# What will be done, as the page says it before.
WILL: dict[Act, str] = {
    "disown_sign_in": say("Annuler cette connexion et tout ce qu'elle a ouvert"),
    "end_sessions": say("Fermer toutes vos sessions, sauf ici"),
    "freeze_phone": say("Geler le téléphone : il n'approuve plus rien"),
    "freeze_new_phones": say("Geler les téléphones ajoutés depuis une semaine"),
    "freeze_computer": say("Oublier l'ordinateur et geler sa clé d'accès"),
    "freeze_computers": say("Geler les clés d'accès de vos ordinateurs"),
    "forget_computers": say("Oublier vos ordinateurs connus"),
    "void_codes": say("Annuler les demandes et les codes en cours"),
    "hold_enrolments": say("Empêcher tout ajout de téléphone ou de clé"),
    "keep_evidence": say("Mettre les preuves de côté"),
}

# What was done, as pages and papers say it afterwards.
DID: dict[Act, str] = {
    "disown_sign_in": say("Connexion annulée, avec tout ce qu'elle a ouvert."),
    "end_sessions": say("Sessions fermées, services prévenus : %(count)s."),
    "freeze_phone": say("Téléphones gelés, qui n'approuvent plus rien : %(count)s."),
    "freeze_new_phones": say("Téléphones récents gelés : %(count)s."),
    "freeze_computer": say("Ordinateurs oubliés et clés d'accès gelées : %(count)s."),
    "freeze_computers": say("Clés d'accès d'ordinateurs gelées : %(count)s."),
    "forget_computers": say("Ordinateurs oubliés : %(count)s."),
    "void_codes": say("Demandes et codes en cours annulés."),
    "hold_enrolments": say("Ajouts de téléphones et de clés arrêtés."),
    "keep_evidence": say("Preuves des 30 derniers jours mises de côté, sous scellé."),
}
WITHOUT_COUNT: tuple[Act, ...] = ("void_codes", "hold_enrolments", "keep_evidence")


class Done(msgspec.Struct, frozen=True):
    """What an act did, and to how many."""

    act: Act
    count: int


def did(done: list[Done]) -> list[tuple[str, int]]:
    """What to say of it: words with %(count)s, and the count. What there was nothing of is not said."""
    return [(DID[one.act], one.count) for one in done if one.count or one.act in WITHOUT_COUNT]


class Containment(msgspec.Struct, frozen=True, kw_only=True):
    """``rung``: the asks whose screens are to be told."""

    done: list[Done]
    rung: list[str]


class _Case(msgspec.Struct, frozen=True, kw_only=True):
    """What the acts work with. ``chosen``: the id that she named, ALL, or '' for what is usual."""

    db: Transaction
    now: float
    keys: Keys
    settings: Settings
    person: Person
    chosen: str
    rung: list[str]

    @property
    def holder(self) -> str:
        return self.person.holder


async def contain(
    db: Transaction, now: float, keys: Keys, settings: Settings, *, person: Person, acts: list[Act], chosen: str = ""
) -> Containment:
    """Do these acts for her. The session from which she speaks, and the phone in her hand, go on."""
    await hold_holder(db, person.holder)
    case = _Case(db=db, now=now, keys=keys, settings=settings, person=person, chosen=chosen, rung=[])
    done = [Done(act, await ACTS[act](case)) for act in acts]
    return Containment(done=done, rung=case.rung)


async def _disown_sign_in(case: _Case) -> int:
    """The approval that she named. Without one, all sessions end anyway."""
    if not case.chosen:
        return 0
    await asks.disown_ask(case.db, case.now, ask=case.chosen, holder=case.holder)
    gone = await disown(
        case.db, case.now, case.keys, case.settings, holder=case.holder, ask=case.chosen, but=case.person.session
    )
    case.rung.extend(gone.asks)
    return 1


async def _end_sessions(case: _Case) -> int:
    ended = await end_sessions(
        case.db, case.now, case.keys, case.settings, holder=case.holder, why="incident", but=case.person.session
    )
    return len(ended)


async def _freeze_phone(case: _Case) -> int:
    """The one that she named, or all; never the one in her hand."""
    phones = [phone.id for phone in await devices_of(case.db, case.holder, "phone") if phone.id != case.person.phone]
    lost = [phone for phone in phones if case.chosen in ("", ALL, phone)]
    return len(await freeze_credentials(case.db, case.now, case.keys, holder=case.holder, credentials=lost))


async def _freeze_new_phones(case: _Case) -> int:
    """Those that whoever has the code may have added."""
    phones = await devices_of(case.db, case.holder, "phone")
    new = [
        phone.id for phone in phones
        if phone.id != case.person.phone and max(phone.created_at, phone.usable_at) > case.now - NEW_SECONDS
    ]  # fmt: skip
    return len(await freeze_credentials(case.db, case.now, case.keys, holder=case.holder, credentials=new))


async def _freeze_computer(case: _Case) -> int:
    """The known browser or the passkey that she named; all of both otherwise."""
    keys = [key.id for key in await devices_of(case.db, case.holder, "computer") if case.chosen in ("", ALL, key.id)]
    frozen = await freeze_credentials(case.db, case.now, case.keys, holder=case.holder, credentials=keys)
    return len(frozen) + await _forget(case, case.chosen if case.chosen != ALL else "")


async def _freeze_computers(case: _Case) -> int:
    keys = [key.id for key in await devices_of(case.db, case.holder, "computer")]
    return len(await freeze_credentials(case.db, case.now, case.keys, holder=case.holder, credentials=keys))


async def _forget_computers(case: _Case) -> int:
    return await _forget(case, "")


async def _forget(case: _Case, only: str) -> int:
    forgotten = 0
    for browser in await browsers_of(case.db, case.holder):
        if browser["id"] != case.person.browser and only in ("", browser["id"]):
            forgotten += await forget_browser(
                case.db, case.now, case.keys, holder=case.holder, browser=browser["id"], why="incident"
            )
    return forgotten


async def _void_codes(case: _Case) -> int:
    """No known browser rings her either, until she signs in by scanning."""
    await void_vouchers(case.db, case.now, holder=case.holder)
    await disarm_typed_code(case.db, case.now, case.keys, holder=case.holder)
    await asks.silence(case.db, holder=case.holder)
    cancelled = await asks.cancel_asks(case.db, case.now, holder=case.holder)
    case.rung.extend(cancelled)
    return len(cancelled)


async def _hold_enrolments(case: _Case) -> int:
    return int(await hold_enrolments(case.db, case.now, case.keys, holder=case.holder))


async def _keep_evidence(case: _Case) -> int:
    """What is kept is sealed with the incident (``kept``): this act stands for it in the order of things."""
    return 1


ACTS: dict[Act, Callable[[_Case], Awaitable[int]]] = {
    "disown_sign_in": _disown_sign_in,
    "end_sessions": _end_sessions,
    "freeze_phone": _freeze_phone,
    "freeze_new_phones": _freeze_new_phones,
    "freeze_computer": _freeze_computer,
    "freeze_computers": _freeze_computers,
    "forget_computers": _forget_computers,
    "void_codes": _void_codes,
    "hold_enrolments": _hold_enrolments,
    "keep_evidence": _keep_evidence,
}
