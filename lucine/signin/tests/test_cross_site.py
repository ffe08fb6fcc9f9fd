"""What other sites can do to a browser: post to us, frame us, read us, plant cookies (B5, B8, C17, C21 to C23)."""

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from lucine.app.connect import DOORS
from lucine.signin.doors import DOORS as SIGNIN_DOORS
from lucine.web import Door
from tests.world import ORIGIN, SERVICE, Desk, World

from .kit import CERTS, LOGOUT, TOKEN, USERINFO, asking, came_back

Send = Callable[..., Awaitable[httpx.Response]]


def as_browsers_do(desk: Desk) -> Send:
    """A form that another site posts here: SameSite=Lax cookies stay at home, those that come back are kept."""

    async def post(path: str, form: dict[str, str]) -> httpx.Response:
        kept = dict(desk.http.cookies)
        desk.http.cookies.clear()
        answer = await desk.http.post(path, data=form, headers={"Origin": SERVICE})
        for name, value in kept.items():
            if name not in desk.http.cookies:
                desk.http.cookies.set(name, value, domain="connect.test", path="/")
        if answer.status_code == 303 and answer.headers["location"].startswith("/"):
            # The redirect is a top-level GET, with which Lax cookies travel.
            return await desk.http.get(answer.headers["location"])
        return answer

    return post


async def test_c3_a_posted_request_is_answered_from_the_session_too(small_world: World) -> None:
    """OIDC Core 3.1.2.1: GET and POST mean the same, though browsers withhold Lax cookies from the POST."""
    service, desk, phone = await small_world.service(), small_world.desk(), await small_world.phone("ana")
    await small_world.sign_in(desk, phone, service)
    back = came_back(await as_browsers_do(desk)("/auth", asking(service, prompt="none")))
    assert back["code"]
    assert back["iss"] == ORIGIN


async def test_c22_a_posted_request_leaves_the_other_tab_alone(small_world: World) -> None:
    """A second tab that begins by POST must not take away the cookie to which the first tab's start is bound."""
    service, desk, phone = await small_world.service(), small_world.desk(), await small_world.phone("ana")
    await desk.open_start(await desk.authorize(service))
    first, facts = desk.start, dict(desk.facts)
    await desk.open_start(await as_browsers_do(desk)("/auth", asking(service)))
    assert desk.start != first
    desk.start, desk.facts = first, facts
    await phone.approve((await phone.scan(desk.qr())).json())
    assert (await desk.finish()).status_code == 200


async def test_l1_l2_a_posted_logout_without_a_hint_never_says_it_is_done_when_it_is_not(small_world: World) -> None:
    got, service, desk = await small_world.tokens()
    shown = await as_browsers_do(desk)(LOGOUT, {"client_id": service.client.id})
    assert 'data-state="ask"' in shown.text
    assert (await small_world.userinfo(got["access_token"])).status_code == 200


async def test_l1_a_posted_logout_with_a_hint_leaves_and_leads_back(small_world: World) -> None:
    service = await small_world.service(post_logout_redirect_uris=[f"{SERVICE}/bye"])
    got, _, desk = await small_world.tokens(service=service)
    form = {"id_token_hint": got["id_token"], "post_logout_redirect_uri": f"{SERVICE}/bye", "state": '"><script>x'}
    shown = await as_browsers_do(desk)(LOGOUT, form)
    assert shown.status_code == 200
    assert f"{SERVICE}/bye?state=%22%3E%3Cscript%3Ex" in shown.text
    assert "<script>x" not in shown.text
    assert (await small_world.userinfo(got["access_token"])).status_code == 401


def test_every_door_that_changes_something_looks_at_the_origin_or_needs_no_cookie() -> None:
    """The list of those that other sites may post to: they authenticate by themselves, or only send on by GET."""
    welcome = {door.path for door in DOORS if door.method != "GET" and door.cross_site}
    protocol = "/auth/realms/esante-wallet/protocol/openid-connect"
    assert welcome == {
        "/auth", LOGOUT, TOKEN, USERINFO, f"{protocol}/token/introspect", f"{protocol}/revoke",
        f"{protocol}/ext/par/request", f"{protocol}/ext/ciba/auth",
        "/ssf/streams", "/ssf/status", "/ssf/verify", "/ssf/subjects:add", "/ssf/subjects:remove",
        "/ssf/streams/{stream}/poll",
    }  # fmt: skip


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "", "https://connect.test.evil.test", "http://connect.test",
                                    "https://connect.test:444", "HTTPS://CONNECT.TEST"])  # fmt: skip
async def test_another_origin_is_refused_at_every_cookie_door(small_world: World, origin: str) -> None:
    service, desk, phone = await small_world.service(), small_world.desk(), await small_world.phone("ana")
    await small_world.sign_in(desk, phone, service)
    await desk.open_start(await desk.authorize(service, prompt="login"))
    headers = {"Origin": origin} if origin else {}
    for door in DOORS:
        if door.method == "GET" or door.cross_site:
            continue
        path = door.path.replace("{start}", desk.start).replace("{ask}", desk.facts["ask"])
        path = path.replace("{id}", "x").replace("{device}", "x")
        client = phone.http if path.startswith("/phone/") else desk.http
        refused = await client.request(door.method, path, headers=headers)
        assert refused.status_code == 403, (door.method, path)
        assert "set-cookie" not in refused.headers


async def _every_page(world: World) -> dict[str, httpx.Response]:
    """Each page that a browser can be shown, signed in or not."""
    service = await world.service(post_logout_redirect_uris=[f"{SERVICE}/bye"])
    got, _, desk = await world.tokens(service=service)
    stranger = world.desk()
    await stranger.open_start(await stranger.authorize(service))
    shown = {
        "home": await desk.http.get("/"),
        "security": await desk.http.get("/security"),
        "start": await stranger.http.get(f"/start/{stranger.start}"),
        "refusal": await stranger.http.get("/auth?client_id=nobody"),
        "nowhere": await stranger.http.get("/nowhere"),
        "logout": await desk.http.get(LOGOUT),
        "phone": await stranger.http.get("/phone/"),
        "lost": await stranger.http.get("/lost"),
        "cancel": await stranger.http.get("/cancel?token=x"),
        "voucher": await desk.http.post("/security/phones/voucher", headers={"Origin": ORIGIN}),
        "codes": await desk.http.post("/security/recovery-codes", headers={"Origin": ORIGIN}),
        "left": await desk.http.get(LOGOUT, params={"id_token_hint": got["id_token"]}),
        "wrong method": await desk.http.get(TOKEN),
    }
    assert [name for name, answer in shown.items() if answer.status_code >= 500] == []
    return shown


async def test_c23_l8_no_page_is_framed_kept_or_scripted_from_outside(small_world: World) -> None:
    """`no-store` also keeps pages out of the back button's cache after logout (L8)."""
    for name, answer in (await _every_page(small_world)).items():
        headers = answer.headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'self'", name
        assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'", name
        assert policy["form-action"] == "'self'", name
        assert "unsafe" not in headers["content-security-policy"], name
        assert headers["x-frame-options"] == "DENY", name
        assert headers["x-content-type-options"] == "nosniff", name
        assert headers["referrer-policy"] in ("no-referrer", "same-origin"), name
        assert headers["strict-transport-security"].startswith("max-age="), name
        assert headers["cache-control"] == "no-store", name
        assert "access-control-allow-origin" not in headers, name
        if headers["content-type"].startswith("text/html"):
            assert "<script>" not in answer.text, name
            assert " style=" not in answer.text, name
            assert " on" not in answer.text or " onclick=" not in answer.text, name
            assert not [part for part in answer.text.split('src="')[1:] if not part.startswith("/")], name


async def test_b8_only_public_documents_are_for_scripts_of_other_sites(small_world: World) -> None:
    service = await small_world.service()
    browser = small_world.browser()
    asked = {"Origin": "https://evil.test", "Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "authorization,dpop"}  # fmt: skip
    for door in SIGNIN_DOORS:
        path = door.path.replace("{start}", "x").replace("{id}", "x").replace("{ask}", "x")
        public = path == CERTS or "/.well-known/" in path
        preflight = await browser.options(path, headers=asked)
        assert preflight.status_code == 405, path
        assert "access-control-allow-origin" not in preflight.headers
        answer = await browser.request(door.method, path, headers={"Origin": "https://evil.test"})
        assert answer.headers.get("access-control-allow-origin") == ("*" if public else None), path
        assert "access-control-allow-credentials" not in answer.headers
    assert service


async def test_b5_every_redirect_is_a_see_other(small_world: World) -> None:
    service = await small_world.service(post_logout_redirect_uris=[f"{SERVICE}/bye"])
    got, _, desk = await small_world.tokens(service=service)
    origin = {"Origin": ORIGIN}
    bye = {"post_logout_redirect_uri": f"{SERVICE}/bye"}
    redirects = [
        await desk.authorize(service),
        await desk.authorize(service, prompt="login"),
        await desk.authorize(service, response_type="token"),
        await desk.http.post("/auth", data=asking(service)),
        await desk.http.post(LOGOUT, data={"client_id": service.client.id}),
        await desk.http.post("/security/passkeys/x/rename", data={"name": "x"}, headers=origin),
        await desk.http.post("/logout", data={"choice": "stay"}, headers=origin),
        await desk.http.get("/security/again"),
        await desk.http.get(LOGOUT, params={"id_token_hint": got["id_token"], **bye}),
        await desk.http.post("/lost", data={"code": "x"}, headers=origin),
        await small_world.browser().get("/security"),
    ]
    assert {answer.status_code for answer in redirects if "location" in answer.headers} == {303}
    assert sum("location" in answer.headers for answer in redirects) >= 9
    for answer in redirects:
        where = urlsplit(answer.headers.get("location", "/"))
        assert where.netloc in ("", "service.test")


async def test_c21_cookies_of_every_door_are_host_bound_and_out_of_reach(open_small: Any) -> None:
    async with open_small() as world:
        service, desk, phone = await world.service(), world.desk(), world.bare_phone()
        seen: list[str] = []

        async def note(answer: httpx.Response) -> None:
            seen.extend(answer.headers.get_list("set-cookie"))

        for client in (desk.http, phone.http):
            client.event_hooks["response"] = [note]
        await phone.enrol(await world.voucher("ana"))
        await world.sign_in(desk, phone, service, keep=True)
        await desk.open_start(await desk.authorize(service, prompt="login"))
        await desk.ring()
        await desk.http.get("/?ui_locales=en")
        await desk.http.post("/logout", data={"choice": "all"}, headers={"Origin": ORIGIN})
        names = {cookie.split("=")[0] for cookie in seen}
        assert names == {f"__Host-{name}" for name in ("visit", "connect", "browser", "phone", "language")}
        for cookie in seen:
            flags = {flag.strip().lower() for flag in cookie.split(";")[1:]}
            assert {"secure", "httponly", "path=/"} <= flags
            assert {"samesite=lax", "samesite=strict"} & flags
            assert not [flag for flag in flags if flag.startswith("domain")]
        dropped = [cookie for cookie in seen if cookie.startswith("__Host-connect=") and "Max-Age=0" in cookie]
        assert dropped, "the session's cookie goes at logout"


async def test_c21_signing_in_again_changes_the_cookie_and_voids_the_old_one(small_world: World) -> None:
    service, desk, phone = await small_world.service(), small_world.desk(), await small_world.phone("ana")
    await small_world.sign_in(desk, phone, service)
    old = desk.http.cookies["__Host-connect"]
    await small_world.sign_in(desk, phone, service, prompt="login")
    assert desk.http.cookies["__Host-connect"] != old
    thief = small_world.desk()
    thief.http.cookies.set("__Host-connect", old, domain="connect.test", path="/")
    assert came_back(await thief.authorize(service, prompt="none"))["error"] == "login_required"
    assert came_back(await desk.authorize(service, prompt="none"))["code"]


async def test_c21_another_person_at_the_same_browser_gets_a_session_of_her_own(small_world: World) -> None:
    service, desk = await small_world.service(), small_world.desk()
    first = await small_world.redeem(
        desk, service, await small_world.sign_in(desk, await small_world.phone("ana"), service)
    )
    bea = await small_world.phone("bea")
    second = await small_world.redeem(desk, service, await small_world.sign_in(desk, bea, service, prompt="login"))
    assert first.json()["session_state"] != second.json()["session_state"]
    assert (await small_world.userinfo(first.json()["access_token"])).status_code == 401, "the first one has left"
    assert (await small_world.userinfo(second.json()["access_token"])).status_code == 200


async def test_c17_c1_state_travels_whole_and_escaped(small_world: World) -> None:
    service = await small_world.service(
        redirect_uris=[f"{SERVICE}/callback", f"{SERVICE}/callback?a=1", f"{SERVICE}/callback?"]
    )
    hostile = "\"><script>x</script>&code=forged&iss=https://evil.test#'\r\nSet-Cookie: a=b é" + "s" * 300
    for address in service.client.redirect_uris:
        answer = await small_world.desk().authorize(service, state=hostile, prompt="none", redirect_uri=address)
        assert "\n" not in answer.headers["location"]
        back = came_back(answer) if "?a=1" not in address else dict(httpx.URL(answer.headers["location"]).params)
        back.pop("", None)
        assert back["state"] == hostile
        assert back["iss"] == ORIGIN
        assert "code" not in back
        assert answer.headers["location"].count("?") == 1


async def test_c1_the_host_header_of_the_request_leads_nowhere(small_world: World) -> None:
    service, desk = await small_world.service(), small_world.desk()
    desk.http.headers.update({"Host": "evil.test", "X-Forwarded-Host": "evil.test", "Forwarded": "host=evil.test"})
    opened = await desk.authorize(service)
    assert opened.headers["location"].startswith("/start/")
    shown = await small_world.browser().get("/.well-known/openid-configuration", headers={"Host": "evil.test"})
    assert "evil.test" not in shown.text
    assert json.loads(shown.text)["issuer"] == ORIGIN


def test_every_door_has_a_guard() -> None:
    assert all(isinstance(door, Door) and callable(door.guard) for door in DOORS)
