"""/auth: the front door of every sign-in (OIDC Core 3.1.2), and the pushed requests of RFC 9126."""

from urllib.parse import urlencode, urlsplit

import msgspec
from starlette.responses import Response

from lucine.directory import national_id_of
from lucine.phone.holders import holder_of_number
from lucine.safe import Transaction, tokens
from lucine.watch import browser_name, browsers, place, tries
from lucine.web import House, Refusal, Visit, cookies, json_answer
from lucine.web.pages import redirect

from .authorization import ACRS, Request, Travelling, answer_address, check_redirect, read_request
from .client_auth import authenticate_client
from .clients import Client, find_client
from .dpop import check_proof
from .grants import issue_code
from .sessions import Session, session_of
from .signing_keys import read_own
from .starts import OWN_PAGES, open_start

PUSHED_SECONDS = 90
PUSHED_PREFIX = "urn:ietf:params:oauth:request_uri:"


async def authorize_by_query(visit: Visit, _: None) -> Response:
    return await authorize(visit, visit.query())


async def authorize_by_form(visit: Visit, _: None) -> Response:
    """A browser withholds its cookies from another site's form: the same by GET, which brings them."""
    return redirect(f"{visit.request.url.path}?{urlencode(await visit.form())}")


async def authorize(visit: Visit, said: dict[str, str]) -> Response:
    """A code at once for who is signed in, else the page that asks the phone."""
    found = await find_client(visit.house.db, said.get("client_id", ""))
    if found is None:
        words = "Ce service n'est pas connu ici. Prévenez-le."
        raise Refusal("invalid_client", words, "unknown client_id")
    client = found[0]
    if said.get("request_uri", "").startswith(PUSHED_PREFIX):
        request = await _fetch_pushed(visit.house, visit.now, client, said["request_uri"])
    else:
        redirect_uri = check_redirect(said, client)
        travelling = Request(client=client.id, redirect_uri=redirect_uri, scope="", state=said.get("state", ""))
        try:
            if client.require_par:
                raise Travelling("invalid_request", "this client must push its requests (RFC 9126 section 5)")
            request = read_request(said, client)
        except Travelling as refusal:
            return _send_back(visit, travelling, refusal)
    return await _answer(visit, client, request)


async def _fetch_pushed(house: House, now: float, client: Client, address: str) -> Request:
    """A pushed request may be opened again until a code was given for it (RFC 9126 section 7.3)."""
    row = await house.db.one(
        "SELECT request FROM signin_pushed"
        " WHERE digest = :digest AND client = :client AND spent_at IS NULL AND expires_at > :now",
        digest=house.keys.digest(address), client=client.id, now=now,
    )  # fmt: skip
    if row is None:
        words = "Cette demande de connexion n'est plus valable. Retournez au service et recommencez."
        raise Refusal("invalid_request_uri", words, "pushed request unknown, expired or used")
    request = msgspec.json.decode(row["request"], type=Request)
    check_redirect({"redirect_uri": request.redirect_uri}, client)  # the registration may have changed
    return msgspec.structs.replace(request, pushed=address)


def _send_back(visit: Visit, request: Request, refusal: Travelling) -> Response:
    address = answer_address(
        request, visit.house.settings.origin,
        error=refusal.code, error_description=f"{refusal.description} [{visit.reference}]",
    )  # fmt: skip
    return redirect(address)


async def _answer(visit: Visit, client: Client, request: Request) -> Response:
    session = await session_of(visit)
    usable = session if session and await _good_enough(visit, client, request, session) else None
    if usable:
        async with visit.house.db.transaction() as db:
            address = await code_address(db, visit, request, usable)
        return redirect(address)
    if request.prompt == "none":
        return _send_back(visit, request, Travelling("login_required", "nobody is signed in"))
    return await begin(visit, request, service=client.name, host=host_of(request.redirect_uri))


async def _good_enough(visit: Visit, client: Client, request: Request, session: Session) -> bool:
    """Whether single sign-on may answer: not asked to sign in again, young enough, the same person."""
    if {"login", "select_account", "consent"} & set(request.prompt.split()):  # her approval is her consent
        return False
    if request.max_age is not None and visit.now - session.auth_time > request.max_age:
        return False
    if request.id_token_hint:
        hint = await read_own(visit.house, visit.now, request.id_token_hint)
        if hint is None or hint.get("aud") != client.id:
            return False
        row = await visit.house.db.one("SELECT holder FROM signin_sessions WHERE id = :id", id=str(hint.get("sid")))
        return row is not None and row["holder"] == session.holder
    return True


async def code_address(db: Transaction, visit: Visit, request: Request, session: Session) -> str:
    """Where the browser goes with its code. A pushed request is spent here, by one answer only."""
    keys = visit.house.keys
    if request.pushed and not await db.run(
        "UPDATE signin_pushed SET spent_at = :now WHERE digest = :digest AND spent_at IS NULL",
        now=visit.now, digest=keys.digest(request.pushed),
    ):  # fmt: skip
        words = "Cette demande de connexion a déjà servi. Retournez au service et recommencez."
        raise Refusal("invalid_request_uri", words, "pushed request used")
    code = await issue_code(db, visit.now, keys, request=request, session=session)
    return answer_address(request, visit.house.settings.origin, code=code)


def host_of(address: str) -> str:
    """Where the code goes, for people to read and to commit to."""
    return urlsplit(address).hostname or ""


async def begin(visit: Visit, request: Request, *, service: str, host: str) -> Response:
    """Open a start for this browser and show its page."""
    house = visit.house
    cookie = visit.cookie("visit") or tokens.new_secret()
    number = national_id_of(request.login_hint) if request.login_hint else None
    browser = browser_name.browser_name(visit.request.headers.get("user-agent", ""))
    async with house.db.transaction() as db:
        if number and not await _is_her_own(db, number, visit.cookie("browser")):
            await tries.note_try(
                db, visit.now, house.keys, number=number, client=request.client, channel="page",
                prefix=place.prefix_of(visit.address),
            )  # fmt: skip
        start = await open_start(
            db, visit.now, house.keys, house.settings, request=request, service=service, host=host, acr=ACRS[0],
            visit=house.keys.digest(cookie), browser_name=browser, place=place.place_of(visit.address).words,
            address=visit.address, number=number or "",
        )  # fmt: skip
    answer = redirect(f"/start/{start}" + (f"?ui_locales={visit.language}" if request.ui_locales else ""))
    cookies.set_cookie(answer, "visit", cookie)
    return answer


async def _is_her_own(db: Transaction, number: str, cookie: str | None) -> bool:
    """Whether the cookie names a browser of the person who is named. It proves nothing yet."""
    owner = await browsers.holder_of_cookie(db, cookie)
    named = await holder_of_number(db, number) if owner else None
    return named is not None and named.id == owner


async def begin_own(visit: Visit, path: str, *, prompt: str = "") -> Response:
    """Sign in to a page of Connect itself."""
    settings = visit.house.settings
    request = Request(client=OWN_PAGES, redirect_uri=path, scope="", prompt=prompt)
    return await begin(visit, request, service=settings.name, host=settings.host)


async def push_request(visit: Visit, _: None) -> Response:
    """RFC 9126 section 2: everything is checked now; the answer's address is good for PUSHED_SECONDS."""
    form = await visit.form()
    client = await authenticate_client(visit, form)
    if "request_uri" in form:
        raise Refusal("invalid_request", "Cette demande n'est pas lisible.", "request_uri inside a pushed request")
    dpop_key = await check_proof(visit)
    said = {name: value for name, value in form.items() if not name.startswith("client_") or name == "client_id"}
    # What was read is what is kept: anybody may send 60 KB of other parameters in a public client's name.
    request = read_request(said, client, dpop_key=dpop_key)
    address = PUSHED_PREFIX + tokens.new_secret()
    async with visit.house.db.transaction() as db:
        await db.run(
            "INSERT INTO signin_pushed (digest, client, request, expires_at)"
            " VALUES (:digest, :client, :request, :expires)",
            digest=visit.house.keys.digest(address), client=client.id,
            request=msgspec.json.encode(request).decode(), expires=visit.now + PUSHED_SECONDS,
        )  # fmt: skip
    return json_answer({"request_uri": address, "expires_in": PUSHED_SECONDS}, status=201)
