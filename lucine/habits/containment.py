"""Containing an incident: everything that Lucine can stop by itself, in one transaction.

She can undo all of it, but for a sign-in that she disowns and codes that are void. Each act says what it will do, and
how much of it was done. Nothing here touches what is outside of Connect: her hands do that (see the paths).
"""

from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec

from lucine.phone import asks
from lucine.phone.credentials import Device, devices_of
from lucine.phone.enrolment import void_new_recovery_codes, void_vouchers
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
    "disown_sign_in", "end_sessions", "freeze_phone", "freeze_new_keys", "freeze_computers", "forget_computers",
    "void_codes", "void_new_recovery_codes", "hold_enrolments", "keep_evidence",
]  # fmt: skip

NEW_SECONDS = 7 * 86400
ALL = "all"

# What will be done, as the page says it before.
WILL: dict[Act, str] = {
    "disown_sign_in": say("Annuler cette connexion et tout ce qu'elle a ouvert"),
    "end_sessions": say("Fermer toutes vos sessions, sauf ici"),
    "freeze_phone": say("Geler le téléphone : il n'approuve plus rien"),
    "freeze_new_keys": say("Geler les téléphones et les clés ajoutés depuis une semaine"),
    "freeze_computers": say("Geler les clés d'accès de vos ordinateurs, sauf ici"),
    "forget_computers": say("Oublier vos ordinateurs connus, sauf celui-ci"),
    "void_codes": say("Annuler les demandes et les codes en cours"),
    "void_new_recovery_codes": say("Annuler les codes de secours créés en ligne depuis une semaine"),
    "hold_enrolments": say("Empêcher tout ajout de téléphone ou de clé"),
    "keep_evidence": say("Mettre les preuves de côté"),
}

# The same where she speaks from nowhere: a recovery code alone.
WILL_BY_CODE: dict[Act, str] = {
    "end_sessions": say("Fermer toutes vos sessions"),
    "freeze_computers": say("Geler les clés d'accès de vos ordinateurs"),
    "forget_computers": say("Oublier tous vos ordinateurs connus"),
}

# What was done, as pages and papers say it afterwards.
DID: dict[Act, str] = {
    "disown_sign_in": say("Connexion annulée, avec tout ce qu'elle a ouvert."),
    "end_sessions": say("Sessions fermées, services prévenus : %(count)s."),
    "freeze_phone": say("Téléphones gelés, qui n'approuvent plus rien : %(count)s."),
    "freeze_new_keys": say("Téléphones et clés d'accès récents gelés : %(count)s."),
    "freeze_computers": say("Clés d'accès d'ordinateurs gelées : %(count)s."),
    "forget_computers": say("Ordinateurs oubliés : %(count)s."),
    "void_codes": say("Demandes et codes en cours annulés."),
    "void_new_recovery_codes": say("Codes de secours récents annulés : %(count)s. Imprimez-en d'autres ensuite."),
    "hold_enrolments": say("Ajouts de téléphones et de clés arrêtés."),
    "keep_evidence": say("Preuves des 30 derniers jours mises de côté, sous scellé."),
}
NOTHING: dict[Act, str] = {"end_sessions": say("Aucune autre session n'était ouverte.")}
WITHOUT_COUNT: tuple[Act, ...] = ("void_codes", "hold_enrolments", "keep_evidence")


class Done(msgspec.Struct, frozen=True):
    """What an act did: to how many, and how many it had to leave until she has shown that it is her."""

    act: Act
    count: int
    left: int = 0


def did(done: list[Done]) -> list[tuple[str, int]]:
    """What to say of it: words with %(count)s, and the count. What there was nothing of is mostly not said."""
    return [
        (DID[one.act] if one.count or one.act in WITHOUT_COUNT else NOTHING[one.act], one.count)
        for one in done
        if one.count or one.act in WITHOUT_COUNT or one.act in NOTHING
    ]


class Containment(msgspec.Struct, frozen=True, kw_only=True):
    """``rung``: the asks whose screens are to be told."""

    done: list[Done]
    rung: list[str]

    @property
    def changed(self) -> bool:
        """Whether anything was stopped that was not before."""
        return any(one.count for one in self.done if one.act not in ("void_codes", "keep_evidence"))


class _Case(msgspec.Struct, frozen=True, kw_only=True):
    """What the acts work with. ``chosen``: the id that she named, ALL, or '' for what is usual. ``spoken_with``: the
    credentials that she uses right now, her phone and what approved her session.
    """

    db: Transaction
    now: float
    keys: Keys
    settings: Settings
    person: Person
    chosen: str
    spoken_with: set[str]
    rung: list[str]

    @property
    def holder(self) -> str:
        return self.person.holder


async def contain(
    db: Transaction, now: float, keys: Keys, settings: Settings, *, person: Person, acts: list[Act], chosen: str = ""
) -> Containment:
    """Do these acts for her, whose row the caller holds. The session from which she speaks, and the phone in her hand,
    go on.
    """
    approved_with = (await asks.find_ask(db, person.ask)).credential if person.ask else None
    case = _Case(
        db=db, now=now, keys=keys, settings=settings, person=person, chosen=chosen, rung=[],
        spoken_with={one for one in (person.phone, approved_with) if one},
    )  # fmt: skip
    done = [await ACTS[act](case) for act in acts]
    return Containment(done=done, rung=case.rung)


async def _disown_sign_in(case: _Case) -> Done:
    """The approval that she named. Without one, all sessions end anyway."""
    if not case.chosen:
        return Done("disown_sign_in", 0)
    await asks.disown_ask(case.db, case.now, ask=case.chosen, holder=case.holder)
    gone = await disown(
        case.db, case.now, case.keys, case.settings, holder=case.holder, ask=case.chosen, but=case.person.session
    )
    case.rung.extend(gone.asks)
    return Done("disown_sign_in", 1)


async def _end_sessions(case: _Case) -> Done:
    ended = await end_sessions(
        case.db, case.now, case.keys, case.settings, holder=case.holder, why="incident", but=case.person.session
    )
    return Done("end_sessions", len(ended))


async def _freeze_phone(case: _Case) -> Done:
    """The one that she named, or all; never the one in her hand. A phone alone freezes no other: it may be stolen."""
    phones = await devices_of(case.db, case.holder, "phone")
    lost = [phone for phone in phones if phone.id != case.person.phone and case.chosen in ("", ALL, phone.id)]
    return await _freeze(case, "freeze_phone", lost)


async def _freeze_computers(case: _Case) -> Done:
    keys = await devices_of(case.db, case.holder, "computer")
    return await _freeze(case, "freeze_computers", [key for key in keys if key.id not in case.spoken_with])


async def _freeze(case: _Case, act: Act, devices: list[Device]) -> Done:
    if not case.person.proven:
        return Done(act, 0, sum(device.frozen_at is None for device in devices))
    return Done(act, await _freeze_now(case, devices))


async def _freeze_now(case: _Case, devices: list[Device]) -> int:
    which = [device.id for device in devices]
    return len(await freeze_credentials(case.db, case.now, case.keys, holder=case.holder, credentials=which))


async def _freeze_new_keys(case: _Case) -> Done:
    """What whoever was let in may have added: phones and passkeys alike. Not the phone in her hand, nor one for which
    she stood there in person. What approved her session goes too, unless it is her first phone: it may be his.
    """
    keys = await devices_of(case.db, case.holder)
    first = next((key.id for key in reversed(keys) if key.kind == "phone"), "")
    new = [
        key for key in keys
        if max(key.created_at, key.usable_at) > case.now - NEW_SECONDS
        and key.id != case.person.phone and not key.in_person and not (key.id == first and key.id in case.spoken_with)
    ]  # fmt: skip
    return Done("freeze_new_keys", await _freeze_now(case, new))


async def _forget_computers(case: _Case) -> Done:
    forgotten = 0
    for browser in await browsers_of(case.db, case.holder):
        if browser["id"] != case.person.browser:
            forgotten += await forget_browser(
                case.db, case.now, case.keys, holder=case.holder, browser=browser["id"], why="incident"
            )
    return Done("forget_computers", forgotten)


async def _void_codes(case: _Case) -> Done:
    """No known browser rings her either, until she signs in by scanning."""
    await void_vouchers(case.db, case.now, holder=case.holder)
    await disarm_typed_code(case.db, case.now, case.keys, holder=case.holder)
    await asks.silence(case.db, holder=case.holder)
    cancelled = await asks.cancel_asks(case.db, case.now, holder=case.holder)
    case.rung.extend(cancelled)
    return Done("void_codes", len(cancelled))


async def _void_new_recovery_codes(case: _Case) -> Done:
    """Whoever sat in her session may have made them. There is one set at a time: who speaks by one of it keeps it."""
    if case.person.code:
        return Done("void_new_recovery_codes", 0)
    voided = await void_new_recovery_codes(
        case.db, case.now, case.keys, holder=case.holder, since=case.now - NEW_SECONDS
    )
    return Done("void_new_recovery_codes", voided)


async def _hold_enrolments(case: _Case) -> Done:
    return Done("hold_enrolments", int(await hold_enrolments(case.db, case.now, case.keys, holder=case.holder)))


async def _keep_evidence(case: _Case) -> Done:
    """What is kept is sealed with the incident (``kept``): this act stands for it in the order of things."""
    return Done("keep_evidence", 1)


ACTS: dict[Act, Callable[[_Case], Awaitable[Done]]] = {
    "disown_sign_in": _disown_sign_in,
    "end_sessions": _end_sessions,
    "freeze_phone": _freeze_phone,
    "freeze_new_keys": _freeze_new_keys,
    "freeze_computers": _freeze_computers,
    "forget_computers": _forget_computers,
    "void_codes": _void_codes,
    "void_new_recovery_codes": _void_new_recovery_codes,
    "hold_enrolments": _hold_enrolments,
    "keep_evidence": _keep_evidence,
}
