"""The front desk: the way in, the way back from the provider, and the ways out. HTTP only."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

import structlog
from starlette.responses import Response

from lucine.safe import tokens
from lucine.web import Door, Refusal, Visit, anyone, cookies, json_answer, page, redirect

from .channel import unreachable
from .guests import Guest, read_guest
from .provider import Relying
from .sessions import (
    TOUCHED_AFTER_SECONDS,
    end_by_provider,
    end_session,
    find_guest,
    open_session,
    touch,
)
from .starts import START_SECONDS, Start, keep_start, new_start, take_start

log = structlog.get_logger()

LEAVING_SECONDS = 600
SECRET_MAX_LENGTH = 100  # of what a browser brings back; ours have 43 characters


class Desk:
    """The doors of one front. ``show`` is the page of who is in; ``welcome_page`` that of who is not.

    Cookies are not bound to a port, and several fronts may be ports of one host: each has names of its own.
    """

    def __init__(
        self, front: str, relying: Relying, show: Callable[[Visit, Guest], Awaitable[Response]], welcome_page: str
    ) -> None:
        self._front, self._relying, self._show, self._welcome_page = front, relying, show, welcome_page
        self._arriving, self._leaving = f"{front}-arriving", f"{front}-leaving"

    def doors(self) -> list[Door]:
        return [
            Door(method="GET", path="/", guard=anyone, act=self.enter),
            Door(method="GET", path="/sign-in", guard=anyone, act=self.sign_in),
            Door(method="GET", path="/callback", guard=anyone, act=self.come_back),
            Door(method="POST", path="/sign-out", guard=self.signed_in, act=self.sign_out),
            Door(method="POST", path="/backchannel-logout", guard=anyone, act=self.logged_out_elsewhere,
                 speaks="oauth", cross_site=True),
        ]  # fmt: skip

    async def signed_in(self, visit: Visit) -> Guest:
        """The guard of what is not for strangers: they are led to the front page."""
        guest = await self._guest(visit)
        if guest is None:
            words = "Votre session est terminée. Connectez-vous à nouveau."
            raise Refusal("login_required", words, "no session", status=303, headers={"Location": "/"})
        return guest

    async def _guest(self, visit: Visit) -> Guest | None:
        house, secret = visit.house, _secret(visit, self._front)
        if not secret:
            return None
        found = await find_guest(house.db, visit.now, house.keys, house.settings, front=self._front, secret=secret)
        if found is None:
            return None
        if visit.now - found[1] > TOUCHED_AFTER_SECONDS:
            async with house.db.transaction() as db:
                await touch(db, visit.now, house.keys, front=self._front, secret=secret)
        return found[0]

    async def enter(self, visit: Visit, _: None) -> Response:
        """The page of who is in, or the front page; with a word of farewell to who comes back from leaving."""
        guest = await self._guest(visit)
        if guest:
            return await self._show(visit, guest)
        state, expected = visit.request.query_params.get("state", ""), _secret(visit, self._leaving)
        left = bool(expected) and tokens.same(state, expected)
        answer = page(visit, self._welcome_page, left=left)
        if left:
            cookies.drop_cookie(answer, self._leaving)
        return answer

    async def sign_in(self, visit: Visit, _: None) -> Response:
        """To the provider, with what must come back kept in a row of this browser's."""
        house, browser = visit.house, _secret(visit, self._arriving) or tokens.new_secret()
        state, start = new_start(visit.now)
        try:
            address = await self._relying.authorization_address(
                visit.now, state=state, nonce=start.nonce, verifier=start.verifier, locale=visit.language
            )
        except Refusal as refusal:
            return self._not_in(visit, refusal)
        async with house.db.transaction() as db:
            await keep_start(db, visit.now, house.keys, front=self._front, browser=browser, state=state, start=start)
        answer = redirect(address)
        cookies.set_cookie(answer, self._arriving, browser, seconds=START_SECONDS)
        return answer

    async def come_back(self, visit: Visit, _: None) -> Response:
        """From the provider. Whatever goes wrong is one calm page, and a way to try again."""
        try:
            secret = await self._let_in(visit)
        except Refusal as refusal:
            return self._not_in(visit, refusal)
        answer = redirect("/")
        # No lifetime: on a shared computer she is out when the browser closes, at the latest.
        cookies.set_cookie(answer, self._front, secret)
        return answer

    async def _let_in(self, visit: Visit) -> str:
        """A new session for who came back; the secret of its cookie."""
        said, house = visit.query(), visit.house
        await self._require_issuer(visit, said)
        start = await self._take_start(visit, said.get("state", ""))
        if "error" in said:
            raise _refusal_of(said["error"])
        if "code" not in said:
            raise Refusal("provider", "La connexion n'a pas abouti. Réessayez.", "neither code nor error", status=400)
        arrived = await self._relying.exchange(visit.now, code=said["code"], verifier=start.verifier, nonce=start.nonce)
        guest = read_guest(arrived)
        async with house.db.transaction() as db:
            secret = await open_session(
                db, visit.now, house.keys, house.settings, front=self._front, guest=guest, began_at=start.began_at
            )
            if before := _secret(visit, self._front):
                await end_session(db, visit.now, house.keys, front=self._front, secret=before, why="replaced")
        if secret is None:
            words = "Votre session est terminée. Connectez-vous à nouveau."
            raise Refusal("login_required", words, "logged out while signing in", status=403)
        return secret

    async def _require_issuer(self, visit: Visit, said: dict[str, str]) -> None:
        """The answer is the provider's and not another's that was mixed up with it (RFC 9207 section 2.4)."""
        metadata = await self._relying.metadata(visit.now)
        missing = "" if metadata.authorization_response_iss_parameter_supported else self._relying.issuer
        if said.get("iss", missing) != self._relying.issuer:
            raise Refusal("provider", "La connexion n'a pas abouti. Réessayez.", "iss of another provider", status=400)

    async def _take_start(self, visit: Visit, state: str) -> Start:
        """Only the browser that left may come back, once."""
        house, browser = visit.house, _secret(visit, self._arriving)
        async with house.db.transaction() as db:
            start = await take_start(db, visit.now, house.keys, front=self._front, browser=browser, state=state)
        if start is None:
            words = "Cette connexion n'est plus valable. Recommencez."
            raise Refusal("stale", words, "state unknown, used, expired or another browser's", status=400)
        return start

    def _not_in(self, visit: Visit, refusal: Refusal) -> Response:
        log.info("refused", door=visit.request.url.path, code=refusal.code, detail=refusal.detail,
                 reference=visit.reference, front=self._front)  # fmt: skip
        answer = page(visit, "reception/not_in.html", status=refusal.status, refusal=refusal)
        answer.headers.update(refusal.headers)
        return answer

    async def sign_out(self, visit: Visit, guest: Guest) -> Response:
        """Out here, then out there. A form may not lead to another origin, so a page does."""
        house, state = visit.house, tokens.new_secret()
        async with house.db.transaction() as db:
            secret = _secret(visit, self._front)
            await end_session(db, visit.now, house.keys, front=self._front, secret=secret, why="left")
        answer = page(visit, "reception/leaving.html", leave=await self._way_out(visit, guest, state))
        cookies.drop_cookie(answer, self._front)
        cookies.set_cookie(answer, self._leaving, state, seconds=LEAVING_SECONDS)
        return answer

    async def _way_out(self, visit: Visit, guest: Guest, state: str) -> str:
        """The provider's end of session (RP-Initiated Logout section 2), or our front page if it has none."""
        home = f"{visit.house.settings.origin}/"
        try:
            end = (await self._relying.metadata(visit.now)).end_session_endpoint
        except Refusal:
            end = ""
        if not end:
            return f"/?{urlencode({'state': state})}"
        said = {"id_token_hint": guest.id_token, "post_logout_redirect_uri": home, "state": state}
        return f"{end}{'&' if '?' in end else '?'}{urlencode(said)}"

    async def logged_out_elsewhere(self, visit: Visit, _: None) -> Response:
        """The provider says that a session is over (Back-Channel Logout 2.7 and 2.8)."""
        try:
            claims = await self._relying.read_logout_token(visit.now, (await visit.form()).get("logout_token", ""))
        except Refusal as refusal:
            # 400 is final. If we could not look at the keys, the token may be good: let it come again.
            status, code = (503, refusal.code) if refusal.status == 503 else (400, "invalid_request")
            raise Refusal(code, refusal.words, refusal.detail, status=status, headers=_NO_STORE) from None
        async with visit.house.db.transaction() as db:
            if not await end_by_provider(db, visit.now, visit.house.keys, front=self._front, claims=claims):
                words = "Cette demande n'est pas lisible."
                raise Refusal("invalid_request", words, "jti was used before", status=400, headers=_NO_STORE)
        answer = json_answer({})
        answer.headers.update(_NO_STORE)
        return answer


_NO_STORE = {"Cache-Control": "no-store"}


def _secret(visit: Visit, name: str) -> str:
    """What a cookie of ours brings, or "" if it cannot be ours."""
    value = visit.cookie(name) or ""
    return value if len(value) <= SECRET_MAX_LENGTH and value.isascii() else ""


def _refusal_of(error: str) -> Refusal:
    """What she reads when the provider sent her back with an error (RFC 6749 4.1.2.1, Core 3.1.2.6)."""
    if error == "access_denied":
        return Refusal("access_denied", "La connexion a été annulée.", "access_denied", status=403)
    if error in ("temporarily_unavailable", "server_error"):
        return unreachable(error)
    known = error if error in ("login_required", "interaction_required", "consent_required") else "another error"
    return Refusal("provider", "La connexion n'a pas abouti. Réessayez.", f"sent back: {known}", status=403)
