"""RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0), by GET and POST.

With a good hint of the very person who is signed in here, or of a session elsewhere, it is done at
once. Without, or with somebody else's, she is asked: a foreign page must not log her out.
"""

from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from lucine.web import Refusal, Visit, cookies, page
from lucine.web.pages import redirect

from .clients import Client, find_client, names_of_clients
from .deliveries import BELL
from .sessions import COOKIE, end_sessions, services_of, session_of
from .signing_keys import read_own

PARAMETERS = ("id_token_hint", "post_logout_redirect_uri", "state", "client_id", "ui_locales")


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """What a good hint says; the session may be long over."""

    client: Client
    session: str
    holder: str


async def log_out_by_query(visit: Visit, _: None) -> Response:
    return await _log_out(visit, visit.query())


async def log_out_by_form(visit: Visit, _: None) -> Response:
    """Without a hint only the cookie says who leaves, and a browser withholds it from another site's form."""
    said = await visit.form()
    if "id_token_hint" not in said:
        return redirect(f"{visit.request.url.path}?{urlencode(said)}")
    return await _log_out(visit, said)


async def _log_out(visit: Visit, said: dict[str, str]) -> Response:
    hint, client = await _who_asks(visit, said)
    if hint and said.get("client_id", hint.client.id) != hint.client.id:
        raise Refusal("invalid_request", "Cette demande n'est pas lisible.", "client_id is not the hint's")
    back = _way_back(said, client)
    current = await session_of(visit)
    if current and not (hint and hint.holder == current.holder):
        hidden = {name: said[name] for name in PARAMETERS if name in said}
        return page(visit, "signin/logout.html", service=client.name if client else "", hidden=hidden)
    return await _end(visit, hint, back)


async def _end(visit: Visit, hint: Hint | None, back: str) -> Response:
    house = visit.house
    current = await session_of(visit)
    ending = {(hint.holder, hint.session)} if hint else set()
    if current:
        ending.add((current.holder, current.id))
    services: list[str] = []
    async with house.db.transaction() as db:
        for holder, session in ending:
            services += await services_of(db, session)
            await end_sessions(
                db, visit.now, house.keys, house.settings, holder=holder, session=session, why="signed_out"
            )
    house.bell.ring(BELL)
    names = await names_of_clients(house.db, dict.fromkeys(services))
    # A form's redirect to another origin is stopped by form-action 'self': the page leads there itself.
    if back and visit.request.method == "GET":
        answer = redirect(back)
    else:
        answer = page(visit, "signin/logged_out.html", services=names, return_to=back)
    if current:
        cookies.drop_cookie(answer, COOKIE)
    return answer


async def confirm(visit: Visit, _: None) -> Response:
    """Her own answer to "do you want to leave?"."""
    said = await visit.form()
    client = (await _who_asks(visit, said))[1]
    back = _way_back(said, client)
    if said.get("choice") != "all":
        return page(visit, "signin/logged_out.html", services=[], return_to=back) if back else redirect("/")
    return await _end(visit, None, back)


async def _who_asks(visit: Visit, said: dict[str, str]) -> tuple[Hint | None, Client | None]:
    """The hint and the client. Who shows a bad hint is not believed to be the client it names (section 4)."""
    if "id_token_hint" in said:
        hint = await _read_hint(visit, said["id_token_hint"])
        return hint, hint.client if hint else None
    return None, await _named_client(visit, said.get("client_id", ""))


async def _read_hint(visit: Visit, text: str) -> Hint | None:
    """An ID token of ours, expired or not (section 2); None for anything else."""
    claims: dict[str, Any] | None = await read_own(visit.house, visit.now, text) if text else None
    if claims is None or claims.get("typ") == "Bearer":
        return None
    found = await find_client(visit.house.db, str(claims.get("aud", "")))
    row = await visit.house.db.one("SELECT holder FROM signin_sessions WHERE id = :id", id=str(claims.get("sid", "")))
    if found is None or row is None:
        return None
    return Hint(client=found[0], session=str(claims["sid"]), holder=row["holder"])


async def _named_client(visit: Visit, client_id: str) -> Client | None:
    found = await find_client(visit.house.db, client_id) if client_id else None
    return found[0] if found else None


def _way_back(said: dict[str, str], client: Client | None) -> str:
    """The address after logout, equal to a registered one; '' when none was asked."""
    asked = said.get("post_logout_redirect_uri", "")
    if not asked:
        return ""
    if client is None or asked not in client.post_logout_redirect_uris:
        words = "Ce service a demandé à revenir à une adresse qu'il n'a pas déclarée. Prévenez-le."
        raise Refusal("invalid_request", words, "post_logout_redirect_uri is not registered")
    if "state" not in said:
        return asked
    return asked + ("&" if "?" in asked else "?") + urlencode({"state": said["state"]})
