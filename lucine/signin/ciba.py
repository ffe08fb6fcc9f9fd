"""CIBA (OpenID Client-Initiated Backchannel Authentication), poll and ping.

A bare number is public: it rings nobody. The request waits in silence, and its holder reaches it by
carrying the code that the service's screen shows. It rings only where the client proves a bond:
an ID token of hers from this client, or a ``login_hint_token`` that Connect gave this client.
While a client is abused to try numbers, it is refused whatever number it names, and bonds still count.

    waiting --(approved)--> approved --(fetched once)--> spent
    waiting --(refused)--> access_denied;  --(too old)--> expired_token
"""

import unicodedata
from typing import Any

from starlette.responses import Response

from lucine.directory import national_id_of
from lucine.phone import asks
from lucine.phone.holders import Holder, hold_holder, holder_of_number
from lucine.safe import Keys, Transaction, tokens
from lucine.watch import place, tries
from lucine.watch.measures import active_measure
from lucine.web import House, Refusal, Visit, json_answer
from lucine.web.settings import Settings

from .authorization import ACRS
from .client_auth import authenticate_client
from .clients import SCOPES, Client, find_client
from .deliveries import BELL, queue_ping
from .grants import Grant, add_grant
from .sessions import open_session
from .signing_keys import read_own
from .subjects import holder_of_subject

INTERVAL_SECONDS = 5
SLOW_DOWN_SECONDS = 5
BINDING_MESSAGE_MAX_LENGTH = 100
NOTIFICATION_TOKEN_MAX_LENGTH = 1024
WAITING_MAX = 500  # of one client for one number
HINT_MAX_LENGTH = 4096
HINTS = ("login_hint", "id_token_hint", "login_hint_token")


def _refuse(code: str, detail: str) -> Refusal:
    return Refusal(code, "Cette demande n'est pas permise.", detail)


async def start_ciba(visit: Visit, _: None) -> Response:
    """CIBA section 7: the same answer whoever is named."""
    house, form = visit.house, await visit.form()
    client = await authenticate_client(visit, form)
    if not client.ciba:
        raise _refuse("unauthorized_client", "client is not registered for CIBA")
    _check_form(form, client)
    seconds = _read_expiry(form, house.settings)
    holder, bonded = await _read_hint(visit, client, form)
    shown = asks.Shown(
        client=client.id, service=client.name, host=client.host or client.id, acr=ACRS[0],
        browser="", place="", message=form.get("binding_message", ""),
    )  # fmt: skip
    auth_req_id, code = tokens.new_secret(), tokens.new_code(asks.SCREEN_CODE_LENGTH)
    hint = form.get("login_hint", "")
    number = national_id_of(hint) or hint or (holder.national_id if holder else "")
    about = house.keys.mac("ciba about", f"{client.id} {number}".encode())
    closed = None
    async with house.db.transaction() as db:
        if "login_hint" in form:
            await tries.note_try(
                db, visit.now, house.keys, number=number, client=client.id, channel="ciba",
                prefix=place.prefix_of(visit.address),
            )  # fmt: skip
            closed = await active_measure(db, visit.now, kind="ciba_closed", target=client.id)
        if closed is None:
            await _make_room(db, visit.now, about)
            rings = bonded and holder is not None and await _may_ring(visit, db, holder.id, client.name)
            ask = await asks.open_ask(
                db, visit.now, shown=shown, seconds=seconds, kind="ring" if rings else "silent",
                holder=holder.id if holder else nobody(house.keys, number),
                code=house.keys.digest("screen code:" + code), rings=rings,
            )  # fmt: skip
            watched: dict[str, str | int] = {
                "address": visit.address,
                "number": national_id_of(number) or "",
                "bonded": int(bonded),
            }
            await _keep(db, visit.now, house.keys, client, form, auth_req_id, about, ask, seconds, watched)
    if closed:  # after it was counted; whoever is named (CIBA section 13)
        words = "Ce service ne peut pas demander par numéro en ce moment."
        detail = "closed for a while: numbers were tried through this client; id_token_hint works"
        raise Refusal("access_denied", words, detail, status=403)
    answer = {
        "auth_req_id": auth_req_id,
        "expires_in": seconds,
        "interval": INTERVAL_SECONDS,
        # Ours: what the service shows on its screen, and the holder types on her phone.
        "screen_code": f"{code[:4]} {code[4:]}",
    }
    return json_answer(answer)


async def _may_ring(visit: Visit, db: Transaction, holder: str, by: str) -> bool:
    """A bond rings her phone, as a known browser does: not while she only scans, nor too often."""
    if await active_measure(db, visit.now, kind="qr_only", target=holder):
        return False
    return await asks.may_ring(db, visit.now, visit.house.keys, holder=holder, by=by)


def nobody(keys: Keys, number: str) -> str:
    """An id that no holder has, for a number that nobody has: its rows lie as scattered as a holder's.

    Without one they would all lie together at the end of each index, and be written a little sooner.
    """
    return tokens.encode(keys.mac("nobody", number.encode())[:16])


async def _make_room(db: Transaction, now: float, about: bytes) -> None:
    """Before one more: the WAITING_MAX-th request of this client for this number, counted from the newest, ends.

    Nobody is refused. A refusal would tell nothing either, but whoever types a public number into the client's
    page often enough would lock its holder out there; this way the request that she has just begun is good.
    """
    oldest = await db.one(
        "SELECT ask FROM signin_ciba WHERE about = :about ORDER BY made_at DESC LIMIT 1 OFFSET :most",
        about=about, most=WAITING_MAX - 1,
    )  # fmt: skip
    if oldest:
        await asks.drop_silent(db, now, ask=oldest["ask"])


async def _keep(
    db: Transaction, now: float, keys: Keys, client: Client, form: dict[str, str], auth_req_id: str, about: bytes,
    ask: str, seconds: int, watched: dict[str, str | int],
) -> None:  # fmt: skip
    digest = keys.digest("auth_req_id:" + auth_req_id)
    ping = None
    if client.ciba == "ping":
        said = f"{auth_req_id} {form['client_notification_token']}"
        ping = keys.seal(f"signin_ciba.{tokens.encode(digest)}", said.encode())
    await db.run(
        "INSERT INTO signin_ciba (digest, grant_id, client, ask, scope, about, made_at, poll_interval, ping,"
        " expires_at, address, number, bonded) VALUES (:digest, :grant, :client, :ask, :scope, :about, :now, :interval,"
        " :ping, :expires, :address, :number, :bonded)",
        digest=digest, grant=tokens.new_secret(128), client=client.id, ask=ask,
        scope=" ".join(scope for scope in SCOPES if scope in form["scope"].split(" ")),
        about=about, now=now, interval=INTERVAL_SECONDS, ping=ping, expires=now + seconds, **watched,
    )  # fmt: skip


def _check_form(form: dict[str, str], client: Client) -> None:
    if sum(hint in form for hint in HINTS) != 1:
        raise _refuse("invalid_request", f"exactly one of {', '.join(HINTS)}")
    if any(len(form.get(hint, "")) > HINT_MAX_LENGTH for hint in HINTS):
        raise _refuse("invalid_request", f"a hint has at most {HINT_MAX_LENGTH} characters")
    if "request" in form:
        raise _refuse("invalid_request", "signed authentication requests are not supported")
    if "openid" not in form.get("scope", "").split(" "):
        raise _refuse("invalid_scope", "scope must hold openid")
    if not set(form.get("acr_values", ACRS[0]).split()) & set(ACRS):
        raise _refuse("invalid_request", f"acr_values must hold {ACRS[0]}")
    message = form.get("binding_message", "")
    odd = any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for character in message)
    if len(message) > BINDING_MESSAGE_MAX_LENGTH or odd:
        raise _refuse("invalid_binding_message", f"at most {BINDING_MESSAGE_MAX_LENGTH} printable characters")
    if client.ciba == "ping":
        token = form.get("client_notification_token", "")
        bearer = token.isascii() and all(c.isalnum() or c in "-._~+/=" for c in token)
        if not 22 <= len(token) <= NOTIFICATION_TOKEN_MAX_LENGTH or not bearer:
            raise _refuse("invalid_request", "client_notification_token is a bearer token of 128 bits or more")


def _read_expiry(form: dict[str, str], settings: Settings) -> int:
    text = form.get("requested_expiry", str(settings.start_seconds))
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or int(text) == 0:
        raise _refuse("invalid_request", "requested_expiry is a positive number of seconds")
    return min(int(text), settings.long_start_seconds)


async def _read_hint(visit: Visit, client: Client, form: dict[str, str]) -> tuple[Holder | None, bool]:
    """Whom the client means, and whether it proved a bond with her."""
    house = visit.house
    if "login_hint" in form:
        number = national_id_of(form["login_hint"])
        return await holder_of_number(house.db, number or ""), False
    typ, text = ("JWT", form["id_token_hint"]) if "id_token_hint" in form else (
        "login-hint+jwt", form["login_hint_token"])  # fmt: skip
    claims: dict[str, Any] | None = await read_own(house, visit.now, text, typ=typ)
    if claims is None or claims.get("aud") != client.id or claims.get("typ") == "Bearer":
        raise _refuse("invalid_request", "the hint is not a token of ours for this client")
    if typ == "login-hint+jwt" and claims.get("exp", 0) <= visit.now:
        raise _refuse("expired_login_hint_token", "login_hint_token has expired")
    holder = await holder_of_subject(house.db, house.keys, house.settings, client, str(claims.get("sub", "")))
    # A bond that came from a sign-in she disowned is none: the request waits in silence.
    bond = await house.db.one("SELECT disowned_at FROM signin_sessions WHERE id = :id", id=str(claims.get("sid", "")))
    return holder, holder is not None and bond is not None and bond["disowned_at"] is None


async def redeem_auth_req_id(
    db: Transaction,
    now: float,
    keys: Keys,
    settings: Settings,
    *,
    client: Client,
    auth_req_id: str,
    dpop_key: str,
    certificate: str,
) -> Grant | str:
    """The grant of an approved request, once; else the error of CIBA section 11. Keep the transaction."""
    digest = keys.digest("auth_req_id:" + auth_req_id)
    # The row is held from here on: polls that are sent together, to any process, come one after the other.
    row = await db.one(
        "UPDATE signin_ciba SET client = client WHERE digest = :digest AND client = :client AND spent_at IS NULL"
        " RETURNING *",
        digest=digest, client=client.id,
    )  # fmt: skip
    if row is None:
        return "auth_req_id unknown or used"
    early = row["polled_at"] is not None and now - row["polled_at"] < row["poll_interval"]
    await db.run(
        "UPDATE signin_ciba SET polled_at = :now, poll_interval = poll_interval + :more WHERE digest = :digest",
        now=now, more=SLOW_DOWN_SECONDS if early else 0, digest=digest,
    )  # fmt: skip
    ask = await asks.find_ask(db, row["ask"])
    if ask.holder and ask.answer == "approved":  # only then: before, known and unknown numbers cost the same
        await hold_holder(db, ask.holder)
        ask = await asks.find_ask(db, row["ask"])
    if early:
        return "slow_down"
    if ask.answer in ("not_me", "changed_mind") or ask.disowned_at:
        return "access_denied"
    if row["expires_at"] <= now or ask.expires_at <= now:
        return "expired_token"
    if ask.answer != "approved" or ask.holder is None:
        return "authorization_pending"
    if not await db.run(
        "UPDATE signin_ciba SET spent_at = :now WHERE digest = :digest AND spent_at IS NULL", now=now, digest=digest
    ):
        return "auth_req_id unknown or used"
    session, _ = await open_session(
        db, now, keys, settings, holder=ask.holder, method="ciba", ask=ask.id, browser=None,
        browser_name=ask.shown.service, place="",
    )  # fmt: skip
    grant = Grant(
        id=row["grant_id"], session=session.id, client=client.id, scope=row["scope"], nonce="",
        dpop_key=dpop_key, certificate=certificate,
    )  # fmt: skip
    await add_grant(db, now, grant)
    return grant


async def ping_clients(house: House, now: float) -> bool:
    """Chore: tell ping clients whose request has been answered, approved or not (CIBA section 10.2)."""
    rang = False
    # Starting from the answers: any number of requests that nobody answers must not hold one back.
    for ask in await asks.answered_for_clients(house.db, now - house.settings.long_start_seconds):
        row = await house.db.one(
            "SELECT digest, client, ping FROM signin_ciba WHERE ask = :ask AND ping IS NOT NULL AND pinged_at IS NULL",
            ask=ask,
        )
        if row is None:
            continue
        async with house.db.transaction() as db:
            if await db.run("UPDATE signin_ciba SET pinged_at = :now WHERE digest = :digest AND pinged_at IS NULL",
                            now=now, digest=row["digest"]):  # fmt: skip
                said = house.keys.unseal(f"signin_ciba.{tokens.encode(row['digest'])}", row["ping"]).decode()
                auth_req_id, _, bearer = said.partition(" ")
                await _queue_ping(db, now, house.keys, row["client"], auth_req_id, bearer)
                rang = True
    if rang:
        house.bell.ring(BELL)
    return False


async def _queue_ping(db: Transaction, now: float, keys: Keys, client_id: str, auth_req_id: str, bearer: str) -> None:
    found = await find_client(db, client_id)
    if found and found[0].ping_uri:
        await queue_ping(
            db, now, keys, client_id=client_id, address=found[0].ping_uri, auth_req_id=auth_req_id, bearer=bearer
        )
