"""Her security page: who signed in as her, with what, and how to stop it."""

from typing import Any

import msgspec
import segno
from starlette.responses import Response

from lucine.phone.credentials import (
    NAME_MAX_LENGTH,
    Device,
    add_credential,
    devices_of,
    rename_credential,
    state_of,
)
from lucine.phone.enrolment import VOUCHER_SECONDS, make_voucher, new_recovery_codes, recovery_codes_left
from lucine.phone.holders import find_holder, hold_holder
from lucine.phone.holds import held_since, require_no_hold
from lucine.phone.notices import new_cancel, tell_holder
from lucine.phone.passkeys import creation_options, verify_creation
from lucine.safe import Transaction, tokens
from lucine.watch.browsers import browsers_of, forget_browser, rename_browser
from lucine.web import Refusal, Visit, json_answer, not_found, page
from lucine.web.pages import redirect

from .authorize_page import begin_own
from .clients import names_of_clients
from .deliveries import BELL
from .disown import disown, ring_after
from .my_number import my_number
from .sessions import Session, end_sessions, past_sessions, services_of, session_of, use_session
from .start_pages import BROWSER_COOKIE
from .switch_off import switch_off

PATH = "/security"
FRESH_SECONDS = 600  # adding or removing a key needs a sign-in this recent
CEREMONY_SECONDS = 300


async def signed_in(visit: Visit) -> Session:
    """The guard of the security page's forms."""
    session = await session_of(visit)
    if session is None:
        raise session_over("no session")
    return session


def session_over(detail: str) -> Refusal:
    words = "Votre session est terminée. Connectez-vous à nouveau."
    return Refusal("login_required", words, detail, status=401)


async def freshly_signed_in(visit: Visit) -> Session:
    """The guard of what changes who may sign in."""
    session = await signed_in(visit)
    require_fresh(visit.now, session.auth_time)
    return session


def is_fresh(now: float, auth_time: float) -> bool:
    """Whether she signed in within FRESH_SECONDS."""
    return now - auth_time <= FRESH_SECONDS


def require_fresh(now: float, auth_time: float) -> None:
    """Refusal if she did not."""
    if not is_fresh(now, auth_time):
        words = "Par sécurité, connectez-vous à nouveau avant ce changement."
        raise Refusal("fresh_login_required", words, "sign-in too old", status=403)


async def hold_session(db: Transaction, visit: Visit, *, holder: str, session: str) -> None:
    """First in a transaction: the session that passed the guard is open still, and ends only after the commit."""
    await hold_holder(db, holder)
    if await use_session(db, visit.now, visit.house.settings, session) is None:
        raise session_over("ended meanwhile")


async def show_security(visit: Visit, _: None, *, above: str = "") -> Response:
    """``above``: what another room has to say on top, as HTML (see habits, which holds the door)."""
    session = await session_of(visit)
    if session is None:
        return await begin_own(visit, PATH)
    db, now = visit.house.db, visit.now
    holder = await find_holder(db, session.holder)
    browser = (visit.cookie(BROWSER_COOKIE) or "").partition(".")[0]
    return page(
        visit,
        "signin/security.html",
        name=holder.name,
        sign_ins=[await _sign_in(visit, row, session) for row in await past_sessions(db, holder.id)],
        phones=[_phone(phone, now) for phone in await devices_of(db, holder.id, "phone")],
        browsers=[{**dict(row), "current": row["id"] == browser} for row in await browsers_of(db, holder.id)],
        passkeys=[
            {
                "id": key.id,
                "name": key.name,
                "created_at": key.created_at,
                "last_used_at": key.used_at,
                "state": state_of(key, now),
            }
            for key in await devices_of(db, holder.id, "computer")
        ],
        number=await my_number(visit, holder),
        recovery_codes_left=await recovery_codes_left(db, holder.id),
        fresh=is_fresh(now, session.auth_time),
        held=await held_since(db, holder.id) is not None,
        notice=visit.query().get("done"),
        above=above,
    )


async def _sign_in(visit: Visit, row: Any, current: Session) -> dict[str, Any]:
    services = await names_of_clients(visit.house.db, await services_of(visit.house.db, row["id"]))
    return {
        "id": row["id"],
        "services": services or [visit.house.settings.name],
        "browser": row["browser_name"],
        "place": row["place"],
        "at": row["auth_time"],
        "method": row["method"],
        "current": row["id"] == current.id,
        "ended_at": row["ended_at"],
        "disowned": row["disowned_at"] is not None,
        "verdict": row["verdict"],
        "reasons": row["reasons"].split(),
    }


def _phone(phone: Device, now: float) -> dict[str, Any]:
    return {
        "id": phone.id,
        "name": phone.name,
        "enrolled_at": phone.created_at,
        "last_used_at": phone.used_at,
        "state": state_of(phone, now),
        "usable_at": phone.usable_at,
    }


async def sign_in_again(visit: Visit, _: None) -> Response:
    return await begin_own(visit, PATH, prompt="login")


async def end_one(visit: Visit, session: Session) -> Response:
    return await _end(visit, session, visit.request.path_params["id"])


async def end_all(visit: Visit, session: Session) -> Response:
    return await _end(visit, session, None)


async def _end(visit: Visit, session: Session, which: str | None) -> Response:
    house = visit.house
    async with house.db.transaction() as db:
        await end_sessions(
            db, visit.now, house.keys, house.settings, holder=session.holder, session=which, why="ended_by_holder"
        )
    house.bell.ring(BELL)
    return redirect(f"{PATH}?done=ended" if which and which != session.id else "/")


async def not_me(visit: Visit, session: Session) -> Response:
    """A sign-in that was not hers. Her own session goes on, unless it is that one."""
    house, which = visit.house, visit.request.path_params["id"]
    services = await names_of_clients(house.db, await services_of(house.db, which))
    async with house.db.transaction() as db:
        done = await disown(
            db, visit.now, house.keys, house.settings, holder=session.holder, session=which,
            but="" if which == session.id else session.id,
        )  # fmt: skip
    ring_after(visit, session.holder, done.asks)
    return page(visit, "signin/not_me.html", ended=len(done.sessions), browsers=done.browsers, services=services)


async def _new_name(visit: Visit) -> str:
    name = " ".join((await visit.form()).get("name", "").split())
    if not name or len(name) > NAME_MAX_LENGTH or not name.isprintable():
        words = "Donnez un nom de 1 à 60 caractères."
        raise Refusal("invalid_request", words, "name")
    return name


async def rename_device(visit: Visit, session: Session) -> Response:
    """A phone or a passkey."""
    name, which = await _new_name(visit), visit.request.path_params["id"]
    async with visit.house.db.transaction() as db:
        if not await rename_credential(db, holder=session.holder, credential=which, name=name):
            raise not_found("no such credential of hers")
    return redirect(f"{PATH}?done=renamed")


async def switch_phone_off(visit: Visit, session: Session) -> Response:
    """A lost phone, from the desk. Switching off needs no fresh sign-in: it must never be hard."""
    house = visit.house
    async with house.db.transaction() as db:
        done = await switch_off(
            db, visit.now, house.keys, house.settings, holder=session.holder, kind="phone",
            credential=visit.request.path_params["id"], why="switched off from the desk", but=session.id,
        )  # fmt: skip
        if not done.devices:
            raise not_found("no such phone of hers")
    ring_after(visit, session.holder, done.asks)
    return redirect(f"{PATH}?done=forgotten")


async def show_voucher(visit: Visit, session: Session) -> Response:
    """A code that a new phone scans on this screen, where she is signed in."""
    house = visit.house
    async with house.db.transaction() as db:
        await hold_session(db, visit, holder=session.holder, session=session.id)
        scanned, sent = [
            await make_voucher(db, visit.now, house.keys, holder=session.holder, kind=kind, made_in=session.id)
            for kind in ("desk", "link")
        ]
    return voucher_page(visit, scanned, sent, renew=f"{PATH}/phones/voucher")


def voucher_page(visit: Visit, voucher: str, sent: str, *, renew: str) -> Response:
    """The page of a voucher, and of the one in the link for who cannot scan; ``renew`` makes others."""
    address = f"{visit.house.settings.origin}/phone/#enrol="
    link = address + voucher
    svg = segno.make(link, error="m").svg_inline(scale=5, border=4, svgclass="qr", lineclass=None, omitsize=True)
    return page(visit, "signin/voucher.html", svg=svg, link=link, sent=address + sent, seconds=VOUCHER_SECONDS,
                waits=voucher != sent, renew=renew)  # fmt: skip


async def rename_known_browser(visit: Visit, session: Session) -> Response:
    name, which = await _new_name(visit), visit.request.path_params["id"]
    async with visit.house.db.transaction() as db:
        if not await rename_browser(db, holder=session.holder, browser=which, name=name):
            raise not_found("no such browser of hers")
    return redirect(f"{PATH}?done=renamed")


async def forget_known_browser(visit: Visit, session: Session) -> Response:
    async with visit.house.db.transaction() as db:
        if not await forget_browser(
            db, visit.now, visit.house.keys, holder=session.holder,
            browser=visit.request.path_params["id"], why="forgotten by holder",
        ):  # fmt: skip
            raise not_found("no such browser of hers")
    return redirect(f"{PATH}?done=forgotten")


class NewPasskey(msgspec.Struct, frozen=True):
    credential: dict[str, Any]
    name: str


async def passkey_options(visit: Visit, session: Session) -> Response:
    """For `navigator.credentials.create` on this computer."""
    settings = visit.house.settings
    holder = await find_holder(visit.house.db, session.holder)
    known = [key.webauthn_id for key in await devices_of(visit.house.db, holder.id, "computer")]
    challenge = tokens.new_secret()
    async with visit.house.db.transaction() as db:
        await db.run("UPDATE signin_sessions SET challenge = :challenge, challenge_until = :until WHERE id = :id",
                     challenge=challenge, until=visit.now + CEREMONY_SECONDS, id=session.id)  # fmt: skip
    options = creation_options(
        rp_id=settings.host, rp_name=settings.name, holder=holder.id, name=holder.name,
        challenge=tokens.decode(challenge), known=known, on_phone=False,
    )  # fmt: skip
    return json_answer({"options": options})


async def add_passkey(visit: Visit, session: Session, asked: NewPasskey) -> Response:
    """Keep it, and tell every channel."""
    house, settings = visit.house, visit.house.settings
    name = " ".join(asked.name.split())[:NAME_MAX_LENGTH] or visit.words("Cet ordinateur")
    async with house.db.transaction() as db:
        await hold_session(db, visit, holder=session.holder, session=session.id)  # a hold that began meanwhile counts
        await require_no_hold(db, session.holder)
        row = await db.one("SELECT challenge FROM signin_sessions WHERE id = :id", id=session.id)
        challenge = row["challenge"] if row else None
        if challenge is None or not await db.run(
            "UPDATE signin_sessions SET challenge = NULL WHERE id = :id AND challenge = :challenge"
            " AND challenge_until > :now",
            id=session.id, challenge=challenge, now=visit.now,
        ):  # fmt: skip
            raise Refusal("gone", "Cette demande n'est plus valable. Recommencez.", "no challenge", status=410)
        new = verify_creation(
            asked.credential, challenge=tokens.decode(challenge), rp_id=settings.host, origin=settings.origin
        )
        passkey, _ = await add_credential(
            db, visit.now, house.keys, holder=session.holder, kind="computer", name=name, new=new,
            usable_at=visit.now, made_in=session.id,
        )  # fmt: skip
        cancel = await new_cancel(db, visit.now, house.keys, holder=session.holder, what="passkey", target=passkey)
        link = f"{settings.origin}/cancel?token={cancel}"
        await tell_holder(db, visit.now, house.keys, holder=session.holder, what="new_passkey", link=link)
    house.bell.ring("notices")
    return json_answer({})


async def delete_passkey(visit: Visit, session: Session) -> Response:
    house = visit.house
    async with house.db.transaction() as db:
        done = await switch_off(
            db, visit.now, house.keys, house.settings, holder=session.holder, kind="computer",
            credential=visit.request.path_params["id"], why="deleted by holder", but=session.id,
        )  # fmt: skip
        if not done.devices:
            raise not_found("no such passkey of hers")
    ring_after(visit, session.holder, done.asks)
    return redirect(f"{PATH}?done=forgotten")


async def renew_recovery_codes(visit: Visit, session: Session) -> Response:
    async with visit.house.db.transaction() as db:
        await hold_session(db, visit, holder=session.holder, session=session.id)
        await require_no_hold(db, session.holder)  # those that she has printed must not be voided by who sits there
        codes = await new_recovery_codes(db, visit.now, visit.house.keys, holder=session.holder, made_in=session.id)
        await tell_holder(db, visit.now, visit.house.keys, holder=session.holder, what="new_recovery_codes")
    visit.house.bell.ring("notices")
    return page(visit, "signin/recovery_codes.html", codes=codes)


async def show_home(visit: Visit, _: None) -> Response:
    return page(visit, "signin/home.html")
