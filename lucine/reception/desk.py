"""The front desk: the way in, the way back from the provider, and the ways out."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from lucine.safe import tokens
from lucine.web import Door, Refusal, Visit, anyone, cookies, json_answer, page
from lucine.web.pages import redirect

from .guests import (
    SESSION_SECONDS,
    TOUCHED_AFTER_SECONDS,
    Guest,
    find_guest,
    forget_old,
    read_guest,
    see_out,
    see_out_by_provider,
    touch,
    welcome,
)
from .provider import Relying

START_SECONDS = 900
BROWSER_COOKIE = "arriving"


class Arrival(msgspec.Struct, frozen=True):
    """What must come back unchanged from the provider."""

    nonce: str
    verifier: str


class Desk:
    """The doors of one front. ``show`` is the page of who is in; ``welcome_page`` that of who is not."""

    def __init__(
        self, front: str, relying: Relying, show: Callable[[Visit, Guest], Awaitable[Response]], welcome_page: str
    ) -> None:
        self._front, self._relying, self._show, self._welcome_page = front, relying, show, welcome_page

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
        """The guard of what is not for strangers."""
        guest = await self._guest(visit)
        if guest is None:
            raise Refusal("login_required", "Votre session est terminée. Connectez-vous à nouveau.", status=401)
        return guest

    async def _guest(self, visit: Visit) -> Guest | None:
        house, secret = visit.house, visit.cookie(self._front)
        if not secret:
            return None
        found = await find_guest(house.db, visit.now, house.keys, front=self._front, secret=secret)
        if found is None:
            return None
        if visit.now - found[1] > TOUCHED_AFTER_SECONDS:
            async with house.db.transaction() as db:
                await touch(db, visit.now, house.keys, front=self._front, secret=secret)
        return found[0]

    async def enter(self, visit: Visit, _: None) -> Response:
        guest = await self._guest(visit)
        return await self._show(visit, guest) if guest else page(visit, self._welcome_page)

    async def sign_in(self, visit: Visit, _: None) -> Response:
        """To the provider, with what must come back kept in a row of this browser's."""
        house = visit.house
        browser = visit.cookie(BROWSER_COOKIE) or tokens.new_secret()
        state, arrival = tokens.new_secret(), Arrival(nonce=tokens.new_secret(), verifier=tokens.new_secret(384))
        digest = house.keys.digest(f"state:{state}")
        address = await self._relying.authorization_address(
            state=state, nonce=arrival.nonce, verifier=arrival.verifier, more={"ui_locales": visit.language}
        )
        async with house.db.transaction() as db:
            await forget_old(db, visit.now)
            await db.run(
                "INSERT INTO reception_starts (state, front, browser, sealed, expires_at)"
                " VALUES (:state, :front, :browser, :sealed, :expires)",
                state=digest, front=self._front, browser=house.keys.digest(f"browser:{browser}"),
                sealed=house.keys.seal(f"reception_starts.{tokens.encode(digest)}", msgspec.json.encode(arrival)),
                expires=visit.now + START_SECONDS,
            )  # fmt: skip
        answer = redirect(address)
        cookies.set_cookie(answer, BROWSER_COOKIE, browser, seconds=START_SECONDS)
        return answer

    async def come_back(self, visit: Visit, _: None) -> Response:
        """Only the browser that left may come back, once, from the provider it left for (RFC 9207)."""
        said, house = visit.query(), visit.house
        issuer = (await self._relying.metadata()).issuer
        if said.get("iss", issuer) != issuer:
            raise Refusal("provider", "La connexion n'a pas abouti. Réessayez.", "iss of another provider")
        digest = house.keys.digest(f"state:{said.get('state', '')}")
        async with house.db.transaction() as db:
            row = await db.one(
                "UPDATE reception_starts SET spent_at = :now WHERE state = :state AND front = :front"
                " AND browser = :browser AND spent_at IS NULL AND expires_at > :now RETURNING sealed",
                now=visit.now, state=digest, front=self._front,
                browser=house.keys.digest(f"browser:{visit.cookie(BROWSER_COOKIE) or ''}"),
            )  # fmt: skip
        if row is None:
            raise Refusal("stale", "Cette connexion n'est plus valable. Recommencez.", "state unknown or used")
        if "error" in said or "code" not in said:
            words = "La connexion a été annulée."
            return page(visit, "reception/not_in.html", status=403, words=words, error=said.get("error", ""))
        arrival = msgspec.json.decode(
            house.keys.unseal(f"reception_starts.{tokens.encode(digest)}", row["sealed"]), type=Arrival
        )
        claims, person, id_token = await self._relying.fetch(
            code=said["code"], verifier=arrival.verifier, nonce=arrival.nonce, now=visit.now
        )
        guest = read_guest(claims, person, id_token)
        async with house.db.transaction() as db:
            if before := visit.cookie(self._front):
                await see_out(db, house.keys, front=self._front, secret=before)
            secret = await welcome(db, visit.now, house.keys, front=self._front, guest=guest)
        answer = redirect("/")
        cookies.set_cookie(answer, self._front, secret, seconds=SESSION_SECONDS)
        return answer

    async def sign_out(self, visit: Visit, guest: Guest) -> Response:
        """Out here, then out there. A form may not lead to another origin, so a page does."""
        house = visit.house
        async with house.db.transaction() as db:
            await see_out(db, house.keys, front=self._front, secret=visit.cookie(self._front) or "")
        end = (await self._relying.metadata()).end_session_endpoint
        said = {"id_token_hint": guest.id_token, "post_logout_redirect_uri": f"{house.settings.origin}/"}
        leave = f"{end}?{urlencode(said)}" if end else "/"
        answer = page(visit, "reception/leaving.html", leave=leave)
        cookies.drop_cookie(answer, self._front)
        return answer

    async def logged_out_elsewhere(self, visit: Visit, _: None) -> Response:
        """The provider says that a session is over (Back-Channel Logout 2.7)."""
        try:
            claims = await self._relying.read_logout_token((await visit.form()).get("logout_token", ""), now=visit.now)
        except Refusal as refusal:
            raise Refusal("invalid_request", refusal.words, refusal.detail, status=400) from None
        async with visit.house.db.transaction() as db:
            if not await see_out_by_provider(db, visit.now, visit.house.keys, front=self._front, claims=claims):
                raise Refusal("invalid_request", "Déjà reçu.", "jti was used before", status=400)
        return json_answer({})
