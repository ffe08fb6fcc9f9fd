"""The page of a start, and what its browser may do (docs/designs/0001)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from starlette.responses import Response

from lucine.phone import asks
from lucine.phone.credentials import verify_credential
from lucine.phone.passkeys import request_options
from lucine.phone.typed import claim_by_typed_code
from lucine.safe import tokens
from lucine.watch.browser_name import browser_name
from lucine.watch.browsers import KEPT_SECONDS, Copied, Known, PublicKey, may_be_known
from lucine.watch.risk import Judged
from lucine.web import House, Refusal, Visit, cookies, json_answer, page
from lucine.web.pages import redirect

from .authorization import answer_address
from .authorize_page import begin, code_address, host_of
from .clients import find_client
from .deliveries import BELL
from .finishing import Finished, finish_start
from .proof_of_work import challenge_of
from .sessions import COOKIE, session_of
from .starts import OWN_PAGES, Start, close_start, find_start, name_browser, ring

HEARTBEAT_SECONDS = 15.0
BROWSER_COOKIE = "browser"


class BrowserKey(msgspec.Struct, frozen=True):
    jwk: PublicKey
    signature: str


class Signed(msgspec.Struct, frozen=True):
    signature: str


class TypedCode(msgspec.Struct, frozen=True):
    code: str


class Assertion(msgspec.Struct, frozen=True):
    credential: dict[str, Any]


async def own_start(visit: Visit) -> Start:
    """The guard: only the browser that opened a start may touch it."""
    house = visit.house
    return await find_start(
        house.db, house.keys, start=visit.request.path_params["start"], visit_cookie=visit.cookie("visit")
    )


async def _again(visit: Visit, start: Start) -> tuple[str, str]:
    """The service's name, and where to go to start again."""
    if start.client == OWN_PAGES:
        return visit.house.settings.name, start.request.redirect_uri
    found = await find_client(visit.house.db, start.client)
    return (found[0].name, f"/start/{start.id}/again") if found else ("", "/")


async def show_start(visit: Visit, start: Start) -> Response:
    house = visit.house
    service, again = await _again(visit, start)
    ask = await asks.find_ask(house.db, start.ask)
    if start.finished_at is not None:
        return page(visit, "signin/done.html", service=service, again=again, held=start.held)
    work = start.work
    return page(
        visit, "signin/start.html", service=service, again=again, start=start.id, ask=ask.id,
        key="" if work else screen_key(house, start), nonce=start.nonce, now=visit.now,
        challenge=msgspec.json.encode(challenge_of(house.keys, start.id, work)).decode() if work else "",
        expires_at=ask.expires_at, origin=house.settings.origin, passkey=True,
        known=not start.first_ask and await may_be_known(house.db, visit.cookie(BROWSER_COOKIE)),
        proof=start.first_ask is not None,
    )  # fmt: skip


def screen_key(house: House, start: Start) -> str:
    """From which this screen draws its code; whoever has it can show one."""
    return tokens.encode(asks.screen_key(house.keys, start.ask))


async def start_again(visit: Visit, start: Start) -> Response:
    """The same request once more, with a fresh start."""
    if start.client == OWN_PAGES:
        return redirect(start.request.redirect_uri)
    found = await find_client(visit.house.db, start.client)
    if found is None:
        raise Refusal("invalid_client", "Ce service n'est pas connu ici. Prévenez-le.", "client removed")
    return await begin(visit, start.request, service=found[0].name, host=host_of(start.request.redirect_uri))


def _state_of(ask: asks.Ask, now: float) -> str:
    if ask.answer == "approved":
        return "approved" if not ask.disowned_at and ask.expires_at > now else "expired"
    if ask.answer is not None:
        return "refused"
    if ask.expires_at <= now:
        return "expired"
    return "claimed" if ask.claimed_at else "waiting"


async def stream_state(visit: Visit, start: Start) -> Response:
    """Server-sent events: where the ask stands, at once and at each change, until it is over."""
    return visit.house.streams.answer("start", start.id, _states(visit.house, visit.now, start.ask))


async def _states(house: House, now: float, ask_id: str) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    began, told, told_at = loop.time(), "", 0.0
    while True:
        passed = loop.time() - began
        ask = await asks.find_ask(house.db, ask_id)
        state = _state_of(ask, now + passed)
        data = msgspec.json.encode({"state": state, "expires_at": ask.expires_at}).decode()
        if data != told:
            told, told_at = data, passed
            yield f"event: state\ndata: {data}\n\n".encode()
        elif passed - told_at >= HEARTBEAT_SECONDS:
            told_at = passed
            yield b": still here\n\n"
        if state not in ("waiting", "claimed"):
            return
        await house.bell.wait(ask_id)


async def show_key(visit: Visit, start: Start, said: BrowserKey) -> Response:
    async with visit.house.db.transaction() as db:
        await name_browser(db, visit.now, start=start, key=said.jwk, signature=said.signature)
    return json_answer({})


def not_recognised() -> Refusal:
    return Refusal("unknown_browser", "Ce navigateur n'est plus reconnu. Scannez le code.", "not known", status=409)


async def ring_phone(visit: Visit, start: Start, said: Signed) -> Response:
    """One tap. The browser's cookie changes at each use."""
    house = visit.house
    async with house.db.transaction() as db:
        known, ringing = await ring(
            db, visit.now, house.keys, house.settings, start=start, cookie=visit.cookie(BROWSER_COOKIE),
            signature=said.signature,
        )  # fmt: skip
    if isinstance(known, Copied):
        house.bell.ring(BELL)
        house.bell.ring("notices")
    if not isinstance(known, Known):
        raise not_recognised()
    house.bell.ring("wake")
    if ringing == "rings":
        answer = json_answer({"state": "waiting"})
    else:
        enough = visit.words("Votre téléphone a déjà sonné plusieurs fois. Scannez le code.")
        cautious = visit.words("Par prudence, votre téléphone ne sonne pas en ce moment. Scannez le code.")
        words = cautious if ringing == "qr_only" else enough
        answer = json_answer({"error": "scan_instead", "words": words, "reference": visit.reference}, 409)
    cookies.set_cookie(answer, BROWSER_COOKIE, known.cookie, seconds=KEPT_SECONDS)
    return answer


async def more_time(visit: Visit, start: Start) -> Response:
    async with visit.house.db.transaction() as db:
        seconds = visit.house.settings.long_start_seconds
        expires_at = await asks.give_more_time(db, visit.now, ask=start.ask, seconds=seconds)
        await db.run("UPDATE signin_starts SET expires_at = :expires WHERE id = :id", expires=expires_at, id=start.id)
    visit.house.bell.ring(start.ask)
    return json_answer({"expires_at": expires_at})


async def type_code(visit: Visit, start: Start, said: TypedCode) -> Response:
    """For who cannot scan: the armed code that her phone shows."""
    async with visit.house.db.transaction() as db:
        ask = await claim_by_typed_code(db, visit.now, visit.house.keys, ask=start.ask, code=said.code)
    visit.house.bell.ring(ask.id)
    visit.house.bell.ring(f"holder:{ask.holder}")
    return json_answer({})


async def passkey_options(visit: Visit, start: Start) -> Response:
    ask = await asks.find_ask(visit.house.db, start.ask)
    options = request_options(rp_id=visit.house.settings.host, challenge=asks.challenge_of(ask), allowed=[])
    return json_answer({"options": options})


async def use_passkey(visit: Visit, start: Start, said: Assertion) -> Response:
    """A passkey on this very screen: no phone at all."""
    house, settings = visit.house, visit.house.settings
    async with house.db.transaction() as db:
        ask = await asks.find_ask(db, start.ask)
        device = await verify_credential(
            db, visit.now, house.keys, said.credential, challenge=asks.challenge_of(ask),
            rp_id=settings.host, origin=settings.origin, holder=None, kind=None,
        )  # fmt: skip
        await asks.approve_ask(db, visit.now, house.keys, ask=ask, device=device, keep=False, on_screen=True)
    house.bell.ring(start.ask)
    return json_answer({})


async def finish(visit: Visit, start: Start) -> Response:
    """The session begins; the browser goes back with its code, or to the page of ours it wanted."""
    house = visit.house
    before = await session_of(visit)
    async with house.db.transaction() as db:
        done = await finish_start(
            db, visit.now, house.keys, house.settings, start=start, before=before, address=visit.address,
            browser=browser_name(visit.request.headers.get("user-agent", "")),
        )  # fmt: skip
        location = start.request.redirect_uri
        if isinstance(done, Finished) and start.client != OWN_PAGES:
            location = await code_address(db, visit, start.request, done.session)
    if not isinstance(done, Finished):
        return _not_yet(visit, done)
    house.bell.ring(BELL)
    answer = json_answer({"location": location})
    cookies.set_cookie(answer, COOKIE, done.cookie)
    if done.known:
        cookies.set_cookie(answer, BROWSER_COOKIE, done.known.cookie, seconds=KEPT_SECONDS)
    return answer


def _not_yet(visit: Visit, judged: Judged) -> Response:
    """Her page says why, and what to do: it is drawn anew."""
    visit.house.bell.ring("notices")
    held = visit.words("Par prudence, cette connexion n'a pas été ouverte. Rechargez cette page.")
    more = visit.words("Par prudence, une preuve de plus est demandée. Rechargez cette page.")
    words = held if judged.verdict == "hold" else more
    return json_answer({"error": judged.verdict, "words": words, "reference": visit.reference}, 409)


async def cancel(visit: Visit, start: Start) -> Response:
    """She gives up: the service learns it as `access_denied`."""
    async with visit.house.db.transaction() as db:
        await close_start(db, visit.now, start=start)
    visit.house.bell.ring(start.ask)
    if start.client == OWN_PAGES:
        return json_answer({"location": "/"})
    location = answer_address(
        start.request, visit.house.settings.origin, error="access_denied", error_description="cancelled by the user"
    )
    return json_answer({"location": location})
