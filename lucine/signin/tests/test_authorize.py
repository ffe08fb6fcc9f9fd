"""The authorization endpoint: what it answers, to whom, and what it never does."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucine.signin.authorization import Travelling, check_redirect, read_request
from lucine.signin.clients import Client
from lucine.web import Refusal
from tests.world import ORIGIN, SERVICE, World


def answer(response: object) -> dict[str, str]:
    """What travelled back to the service."""
    location = response.headers["location"]  # type: ignore[attr-defined]
    assert location.startswith(f"{SERVICE}/callback?"), location
    return dict(parse_qsl(urlsplit(location).query))


REDIRECTS = [
    f"{SERVICE}/callback/", f"{SERVICE}/callback?x=1", f"{SERVICE}/Callback", f"{SERVICE}/call%62ack",
    f"{SERVICE}/%63allback", f"{SERVICE}/x/../callback", f"{SERVICE}/callback%2e%2e/", f"{SERVICE}//callback",
    f"{SERVICE}:443/callback", f"{SERVICE}.evil.test/callback", "https://service.test@evil.test/callback",
    "https://evil.test/callback", "http://service.test/callback", "https://SERVICE.test/callback",
    f"{SERVICE}/callback#x", f"{SERVICE}/callback ", f" {SERVICE}/callback", f"{SERVICE}/callback\\x",
    "//service.test/callback", "javascript:alert(1)", "data:text/html,x", f"{SERVICE}/callback%00", "", "null",
    f"{SERVICE}/callback;x",
]  # fmt: skip


@pytest.mark.parametrize("address", REDIRECTS)
async def test_c1_b1_an_unregistered_address_gets_a_page_and_no_redirect(small_world: World, address: str) -> None:
    service = await small_world.service()
    for more in ({}, {"response_type": "token"}, {"scope": "none"}, {"prompt": "none"}):
        shown = await small_world.desk().authorize(service, redirect_uri=address, **more)
        assert shown.status_code == 400
        assert "location" not in shown.headers
        assert shown.headers["content-type"].startswith("text/html")


@given(st.text(max_size=80))
def test_only_the_registered_address_matches(address: str) -> None:
    client = Client(id="c", name="c", redirect_uris=[f"{SERVICE}/callback"])
    if address == f"{SERVICE}/callback":
        assert check_redirect({"redirect_uri": address}, client) == address
    else:
        with pytest.raises(Refusal):
            check_redirect({"redirect_uri": address}, client)


@given(st.dictionaries(st.sampled_from(["response_type", "scope", "prompt", "max_age", "state", "nonce", "request",
                                        "code_challenge", "code_challenge_method"]), st.text(max_size=60)))  # fmt: skip
def test_any_parameters_end_in_a_request_or_a_refusal(said: dict[str, str]) -> None:
    client = Client(id="c", name="c", redirect_uris=[f"{SERVICE}/callback"])
    try:
        request = read_request({**said, "redirect_uri": f"{SERVICE}/callback"}, client)
    except Travelling as refusal:
        assert refusal.code
    else:
        assert "openid" in request.scope.split()
        assert said["response_type"] == "code"


async def test_c1_an_unknown_client_gets_a_page(small_world: World) -> None:
    service = await small_world.service()
    shown = await small_world.desk().authorize(service, client_id="nobody")
    assert (shown.status_code, "location" in shown.headers) == (400, False)


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": "none"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"request": "x.y.z"}, "request_not_supported"),
        ({"request_uri": "https://evil.test/o"}, "request_uri_not_supported"),
        ({"request_uri": "http://169.254.169.254/"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "dance"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "x"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"nonce": "n" * 3000}, "invalid_request"),
    ],
)
async def test_b4_every_error_travels_with_state_and_iss(
    small_world: World, more: dict[str, str | None], error: str
) -> None:
    service = await small_world.service()
    back = answer(await small_world.desk().authorize(service, **more))
    assert (back["error"], back["state"], back["iss"]) == (error, "s1", ORIGIN)
    assert "code" not in back


async def test_c2_no_parameter_twice(small_world: World) -> None:
    await small_world.service()
    query = f"client_id=service&client_id=service&redirect_uri={SERVICE}/callback&response_type=code&scope=openid"
    shown = await small_world.browser().get(f"/auth?{query}")
    assert (shown.status_code, "location" in shown.headers) == (400, False)


async def test_c3_post_from_another_site_and_unknown_parameters_are_welcome(small_world: World) -> None:
    service = await small_world.service(auth_method="none")
    form = {
        "client_id": service.client.id, "redirect_uri": f"{SERVICE}/callback", "response_type": "code",
        "scope": "openid", "state": "s", "extra": "1", "display": "popup", "claims_locales": "fr",
        "code_challenge": "a" * 43, "code_challenge_method": "S256",
    }  # fmt: skip
    browser = small_world.browser()
    asked = await browser.post("/auth", data=form, headers={"Origin": SERVICE})
    assert asked.status_code == 303
    answered = await browser.get(asked.headers["location"])
    assert answered.status_code == 303
    assert answered.headers["location"].startswith("/start/")


async def test_b2_pkce_is_compulsory_for_public_clients(small_world: World) -> None:
    service = await small_world.service(auth_method="none")
    back = answer(await small_world.desk().authorize(service, code_challenge=None, code_challenge_method=None))
    assert back["error"] == "invalid_request"


async def test_the_page_asks_for_no_number_and_is_not_kept(small_world: World) -> None:
    service = await small_world.service()
    desk = small_world.desk()
    await desk.open_start(await desk.authorize(service, login_hint="99700999917"))
    shown = await desk.http.get(f"/start/{desk.start}")
    assert "99700999917" not in shown.text
    assert shown.headers["cache-control"] == "no-store"
    policy = shown.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "<script>" not in shown.text
    assert " style=" not in shown.text
    assert shown.headers["x-frame-options"] == "DENY"


async def test_c21_cookies_are_for_this_origin_alone(small_world: World) -> None:
    service, desk, phone = await small_world.service(), small_world.desk(), await small_world.phone("ana")
    opened = await desk.authorize(service)
    await desk.open_start(opened)
    await phone.approve((await phone.scan(desk.qr())).json())
    finished = await desk.finish()
    for cookie in [*opened.headers.get_list("set-cookie"), *finished.headers.get_list("set-cookie")]:
        assert cookie.startswith("__Host-")
        for flag in ("Secure", "HttpOnly", "Path=/", "SameSite"):
            assert flag.lower() in cookie.lower()
        assert "domain" not in cookie.lower()


async def test_c21_a_cookie_set_before_sign_in_does_not_become_the_session(small_world: World) -> None:
    service, desk, phone = await small_world.service(), small_world.desk(), await small_world.phone("ana")
    desk.http.cookies.set("__Host-connect", "planted", domain="connect.test")
    await small_world.sign_in(desk, phone, service)
    values = [cookie.value for cookie in desk.http.cookies.jar if cookie.name == "__Host-connect"]
    assert values
    assert "planted" not in values


async def test_c22_two_tabs_finish_each_at_their_own_service(small_world: World) -> None:
    one, two = await small_world.service("one"), await small_world.service("two")
    desk, phone = small_world.desk(), await small_world.phone("ana")
    tabs = []
    for service in (one, two):
        await desk.open_start(await desk.authorize(service, state=service.client.id))
        tabs.append((desk.start, dict(desk.facts), desk.verifier, service))
    for start, facts, verifier, service in reversed(tabs):
        desk.start, desk.facts, desk.verifier = start, facts, verifier
        await phone.approve((await phone.scan(desk.qr())).json())
        back = await desk.code()
        assert back["state"] == service.client.id
        assert (await small_world.redeem(desk, service, back)).status_code == 200


async def test_a_start_belongs_to_the_browser_that_opened_it(small_world: World) -> None:
    service, desk, phone = await small_world.service(), small_world.desk(), await small_world.phone("ana")
    await desk.open_start(await desk.authorize(service))
    await phone.approve((await phone.scan(desk.qr())).json())
    thief = small_world.desk()
    await thief.open_start(await thief.authorize(service))
    thief.start = desk.start
    assert (await thief.finish()).status_code == 404
    assert (await thief.http.get(f"/start/{desk.start}")).status_code == 404
    assert (await desk.finish()).status_code == 200
    assert (await desk.finish()).status_code == 410, "once"


async def test_c5_single_sign_on_max_age_and_prompt(small_world: World) -> None:
    service, desk, phone = await small_world.service(), small_world.desk(), await small_world.phone("ana")
    first = await small_world.redeem(desk, service, await small_world.sign_in(desk, phone, service))
    small_world.clock.pass_by(100)
    silent = answer(await desk.authorize(service, prompt="none"))
    again = await small_world.redeem(desk, service, silent)
    assert auth_time(first) == auth_time(again)
    assert answer(await desk.authorize(service, max_age="10000", prompt="none"))["code"]
    assert answer(await desk.authorize(service, max_age="1", prompt="none"))["error"] == "login_required"
    newer = await small_world.redeem(desk, service, await small_world.sign_in(desk, phone, service, prompt="login"))
    assert auth_time(newer) > auth_time(first)
    assert claims_of(newer)["sid"] == claims_of(first)["sid"], "the same person keeps her session"


async def test_c8_id_token_hint_of_another_person_does_not_sign_in(small_world: World) -> None:
    service = await small_world.service()
    ana, bea = small_world.desk(), small_world.desk()
    hers = await small_world.redeem(
        ana, service, await small_world.sign_in(ana, await small_world.phone("ana"), service)
    )
    await small_world.sign_in(bea, await small_world.phone("bea"), service)
    hint = hers.json()["id_token"]
    assert answer(await ana.authorize(service, prompt="none", id_token_hint=hint))["code"]
    assert answer(await bea.authorize(service, prompt="none", id_token_hint=hint))["error"] == "login_required"
    forged = hint[:-6] + "AAAAAA"
    assert answer(await ana.authorize(service, prompt="none", id_token_hint=forged))["error"] == "login_required"


async def test_cross_site_posts_are_refused_at_every_cookie_door(small_world: World) -> None:
    service, desk, phone = await small_world.service(), small_world.desk(), await small_world.phone("ana")
    await small_world.sign_in(desk, phone, service)
    await desk.open_start(await desk.authorize(service, prompt="login"))
    for path in ("more-time", "finish", "cancel", "passkey/options"):
        for headers in ({"Origin": "https://evil.test"}, {"Origin": "null"}, {}):
            refused = await desk.http.post(f"/start/{desk.start}/{path}", json={}, headers=headers)
            assert refused.status_code == 403
    for path in ("sessions/end-all", "phones/voucher", "recovery-codes", "passkeys/options"):
        refused = await desk.http.post(f"/security/{path}", headers={"Origin": "https://evil.test"})
        assert refused.status_code == 403


def claims_of(response: object) -> dict[str, object]:
    import msgspec

    from lucine.safe import tokens

    payload = response.json()["id_token"].split(".")[1]  # type: ignore[attr-defined]
    found: dict[str, object] = msgspec.json.decode(tokens.decode(payload))
    return found


def auth_time(response: object) -> float:
    return float(str(claims_of(response)["auth_time"]))


async def test_the_phone_shows_where_the_code_goes(small_world: World) -> None:
    """Not the first address of the registration: the one of this request."""
    service = await small_world.service(
        redirect_uris=["https://first.test/callback", "https://second.test/callback"], sector="test"
    )
    desk, phone = small_world.desk(), await small_world.phone("ana")
    await desk.open_start(await desk.authorize(service, redirect_uri="https://second.test/callback"))
    assert (await phone.scan(desk.qr())).json()["host"] == "second.test"
