"""Signals: what services with a stream are told of a person (CAEP 1.0, RISC 1.0), and only they who know her.

Of a session, the services that got tokens in it; of her keys, those she signed in to within half a year. Sessions
are told of in the transaction that ends them. Keys come and go in the room below too, so they are told of from the
ledger: its lines are the queue, and what was read of it is a number.
"""

from typing import Any

import msgspec

from lucine.phone.holders import find_holder
from lucine.safe import Keys, Row, Transaction, tokens
from lucine.safe.ledger import lines_after
from lucine.web import House
from lucine.web.settings import Settings

from .clients import find_client
from .deliveries import BELL
from .ssf_streams import (
    CREDENTIAL_CHANGE,
    CREDENTIAL_COMPROMISE,
    SESSION_REVOKED,
    VERIFICATION,
    find_stream,
    hears_of,
)
from .subjects import subject_of

KNOWN_SECONDS = 180 * 86400  # as long as sessions are kept
LINES = 500

# Why a session ended: who began it (CAEP section 2), and words for administrators and for her.
REASONS: dict[str, tuple[str, str, str, str]] = {
    "not_me": ("user", "The holder said that this sign-in was not hers",
               "Cette connexion a été signalée comme n'étant pas la vôtre.", "This sign-in was reported as not yours."),
    "ended_by_holder": ("user", "The holder ended it from her security page",
                        "Vous avez mis fin à cette connexion.", "You ended this sign-in."),
    "signed_out": ("user", "The holder signed out", "Vous vous êtes déconnectée.", "You signed out."),
    "replaced": ("user", "Somebody else signed in in the same browser",
                 "Une autre personne s'est connectée dans ce navigateur.", "Somebody else signed in in this browser."),
    "switched_off": ("policy", "The phone or passkey that opened it was switched off",
                     "L'appareil de cette connexion a été désactivé.", "The device of this sign-in was switched off."),
    "copied": ("policy", "A copy of the browser that opened it was found",
               "Ce navigateur a été copié.", "This browser was copied."),
    "expired": ("policy", "It was idle or too old", "Cette connexion a expiré.", "This sign-in has expired."),
}  # fmt: skip
OTHER = ("system", "Connect ended it", "Cette connexion est terminée.", "This sign-in is over.")

# Phones are asked for their own authenticator. A computer may have used a USB key: we do not ask which (divergences).
CREDENTIAL_TYPE = "fido2-platform"
CHANGES = {"phone.enrolled": "create", "computer.enrolled": "create", "phone.revoked": "revoke",
           "computer.revoked": "revoke"}  # fmt: skip
LOST = ("recovery code", "switched off by an operator")  # what the page and the command ask for: lost or stolen


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """What a security event token will say besides who, to whom and when (RFC 8417 section 2.2)."""

    sub_id: dict[str, Any]
    events: dict[str, dict[str, Any]]
    txn: str


async def _keep(db: Transaction, now: float, keys: Keys, *, stream: str, signal: Signal) -> None:
    row = tokens.new_secret(128)
    await db.run(
        "INSERT INTO signin_signals (id, stream, sealed, made_at) VALUES (:id, :stream, :sealed, :now)",
        id=row, stream=stream, now=now, sealed=keys.seal(f"signin_signals.{row}", msgspec.json.encode(signal)),
    )  # fmt: skip


async def queue_signal(
    db: Transaction, now: float, keys: Keys, settings: Settings, *, client_id: str, holder: str, event: str,
    facts: dict[str, Any], at: float, session: str = "",
) -> None:  # fmt: skip
    """Tell a client of an event, if its stream asks for it. ``at``: when it happened; ``session``: whose end it is."""
    stream = await find_stream(db, keys, client=client_id)
    if stream is None or stream.status == "disabled" or event not in stream.delivered:
        return
    found = await find_client(db, client_id)
    if found is None or not found[0].signals:
        return
    sub = subject_of(keys, settings, found[0], await find_holder(db, holder))
    if not await hears_of(db, keys, stream=stream.id, subject=sub):
        return
    user = {"format": "iss_sub", "iss": settings.origin, "sub": sub}
    sub_id = {"format": "complex", "user": user, "session": {"format": "opaque", "id": session}} if session else user
    # One act has one txn (SSF section 4.1.9), another for each client: two services may not compare their people.
    txn = tokens.encode(keys.mac("txn", msgspec.json.encode([client_id, holder, at]))[:16])
    signal = Signal(sub_id=sub_id, events={event: {**facts, "event_timestamp": int(at)}}, txn=txn)
    await _keep(db, now, keys, stream=stream.id, signal=signal)


async def queue_session_revoked(
    db: Transaction, now: float, keys: Keys, settings: Settings, *, client_id: str, holder: str, session: str, why: str
) -> None:
    """Tell a client that a session is over (CAEP section 3.1)."""
    entity, admin, french, english = REASONS.get(why, OTHER)
    facts = {"initiating_entity": entity, "reason_admin": {"en": admin}, "reason_user": {"fr": french, "en": english}}
    await queue_signal(db, now, keys, settings, client_id=client_id, holder=holder, event=SESSION_REVOKED, facts=facts,
                       at=now, session=session)  # fmt: skip


async def queue_verification(db: Transaction, now: float, keys: Keys, *, stream: str, state: str | None) -> None:
    """Let the receiver see that the stream works (SSF section 8.1.4)."""
    said = {} if state is None else {"state": state}
    signal = Signal(sub_id={"format": "opaque", "id": stream}, events={VERIFICATION: said}, txn=tokens.new_secret(128))
    await _keep(db, now, keys, stream=stream, signal=signal)


async def tell_of_credentials(house: House, now: float) -> bool:
    """Chore: her phones and passkeys, added and switched off, whichever room did it. Each line is read once."""
    row = await house.db.one("SELECT seq FROM signin_ledger_read WHERE id = 1")
    read = row["seq"] if row else 0
    lines = await lines_after(house.db, read, LINES)
    if not lines:
        return False
    changes = [line for line in lines if line["act"] in CHANGES]
    async with house.db.transaction() as db:
        # Another process may have read them meanwhile.
        if await db.run("UPDATE signin_ledger_read SET seq = :last WHERE id = 1 AND seq = :read",
                        last=lines[-1]["seq"], read=read):  # fmt: skip
            lost: set[tuple[str, float]] = set()
            for line in changes:
                await _tell_of_line(db, now, house, line, lost)
    if changes:
        house.bell.ring(BELL)
    return len(lines) == LINES


async def _tell_of_line(db: Transaction, now: float, house: House, line: Row, lost: set[tuple[str, float]]) -> None:
    """``lost``: who was told of already, since several phones may be lost at once."""
    why = msgspec.json.decode(line["facts"]).get("why", "")
    change, who = CHANGES[line["act"]], (line["who"], line["at"])
    reason = {"reason_admin": {"en": f"Credential switched off: {why}" if why else "Credential added"}}
    entity = "admin" if why == "switched off by an operator" else "user"
    changed = {"credential_type": CREDENTIAL_TYPE, "change_type": change, "initiating_entity": entity, **reason}
    events = [(CREDENTIAL_CHANGE, changed)]
    if why in LOST and who not in lost:
        lost.add(who)
        events.append((CREDENTIAL_COMPROMISE, {"credential_type": CREDENTIAL_TYPE, **reason}))
    clients = await db.all(
        "SELECT DISTINCT t.client FROM signin_sessions s JOIN signin_grants g ON g.session = s.id"
        " JOIN signin_streams t ON t.client = g.client"
        # What happened before a service had a stream, or knew her, is not for it.
        " WHERE s.holder = :holder AND s.auth_time > :since AND g.made_at <= :at AND t.made_at <= :at",
        holder=line["who"], since=now - KNOWN_SECONDS, at=line["at"],
    )  # fmt: skip
    for row in clients:
        for event, facts in events:
            await queue_signal(
                db, now, house.keys, house.settings, client_id=row["client"], holder=line["who"], event=event,
                facts=facts, at=line["at"],
            )  # fmt: skip
