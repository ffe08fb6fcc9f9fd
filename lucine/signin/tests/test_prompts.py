"""Single sign-on and its limits: prompt, max_age, hints, tabs, pushed requests (C4, C5, C8, C22, P1 to P6, J)."""

import asyncio
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey

from lucine.safe import tokens
from lucine.signin.authorization import PARAMETER_MAX_LENGTH, Request, Travelling, answer_address, read_request
from lucine.signin.chores import clean_signin
from lucine.signin.clients import Client, remove_client
from lucine.signin.discovery import PATHS
from lucine.web import Refusal
from tests.world import ORIGIN, SERVICE, Desk, Phone, Service, World

from .conftest import OpenWorld
from .kit import LOGOUT, PAR, asking, came_back, claims_of, signed, unsigned


async def _signed_in(world: World) -> tuple[Service, Desk, Phone]:
    service, desk, phone = await world.service(), world.desk(), await world.phone("ana")
    await world.sign_in(desk, phone, service)
    return service, desk, phone


async def _approve(desk: Desk, phone: Phone) -> dict[str, str]:
    await phone.approve((await phone.scan(desk.qr())).json())
    return await desk.code()


async def _auth_time(world: World, service: Service, desk: Desk, back: dict[str, str]) -> int:
    answer = await world.redeem(desk, service, back)
    return int(claims_of(answer.json()["id_token"])["auth_time"])


async def test_c4_prompt_none_never_shows_a_page(small_world: World) -> None:
    service, desk, _ = await _signed_in(small_world)
    stranger = small_world.desk()
    assert came_back(await stranger.authorize(service, prompt="none"))["error"] == "login_required"
    assert came_back(await desk.authorize(service, prompt="none"))["code"]
    for prompt in ("none login", "none consent", "none select_account", "login none", "none none login"):
        assert came_back(await desk.authorize(service, prompt=prompt))["error"] == "invalid_request"
    small_world.clock.pass_by(10)
    assert came_back(await desk.authorize(service, prompt="none", max_age="5"))["error"] == "login_required"
    assert came_back(await desk.authorize(service, prompt="none", max_age="0"))["error"] == "login_required"
    small_world.clock.pass_by(1800)
    assert came_back(await desk.authorize(service, prompt="none"))["error"] == "login_required", "idle for too long"
    assert "set-cookie" not in (await stranger.authorize(service, prompt="none")).headers


async def test_c4_sessions_end_by_age_however_busy(open_small: OpenWorld) -> None:
    async with open_small(session_seconds=3000, session_idle_seconds=1000) as world:
        service, desk, _ = await _signed_in(world)
        for _ in range(3):
            world.clock.pass_by(900)
            assert came_back(await desk.authorize(service, prompt="none"))["code"]
        world.clock.pass_by(301)
        assert came_back(await desk.authorize(service, prompt="none"))["error"] == "login_required"


@pytest.mark.parametrize("prompt", ["login", "select_account", "consent", "login consent"])
async def test_c5_a_prompt_is_a_new_approval_with_a_newer_auth_time(small_world: World, prompt: str) -> None:
    """Each announced prompt asks her again; her approval, which names the service, is also her consent."""
    service, desk, phone = await _signed_in(small_world)
    first = await _auth_time(small_world, service, desk, came_back(await desk.authorize(service)))
    small_world.clock.pass_by(30)
    await desk.open_start(await desk.authorize(service, prompt=prompt))
    assert await _auth_time(small_world, service, desk, await _approve(desk, phone)) == first + 30


async def test_c5_a_cancelled_or_unfinished_new_sign_in_makes_nothing_newer(small_world: World) -> None:
    """Nor does the back button: the first answer's code is spent, and its start is finished."""
    service, desk, phone = await _signed_in(small_world)
    old = came_back(await desk.authorize(service, prompt="none"))
    small_world.clock.pass_by(10)
    await desk.open_start(await desk.authorize(service, max_age="1"))
    cancelled = (await desk.post(f"/start/{desk.start}/cancel")).json()["location"]
    assert "error=access_denied" in cancelled
    assert "iss=https%3A%2F%2Fconnect.test" in cancelled
    assert "state=s1" in cancelled
    assert (await desk.finish()).status_code == 410
    await phone.scan(desk.qr())
    assert (await desk.finish()).status_code == 410
    assert came_back(await desk.authorize(service, max_age="1", prompt="none"))["error"] == "login_required"
    assert (await small_world.redeem(desk, service, old)).status_code in (200, 400)


async def test_c8_hints_that_are_not_hers_ours_or_this_services(small_world: World) -> None:
    service, desk, _ = await _signed_in(small_world)
    other = await small_world.service("other")
    back = came_back(await desk.authorize(service))
    got = (await small_world.redeem(desk, service, back)).json()
    back = came_back(await desk.authorize(other))
    theirs = (await small_world.redeem(desk, other, back)).json()
    claims = claims_of(got["id_token"])
    jwks = (await small_world.browser().get(PATHS["jwks_uri"])).json()["keys"]
    kid = next(key["kid"] for key in jwks if key["alg"] == "ES256")
    public = next(key for key in jwks if key["kid"] == kid)
    shared = OctKey.import_key(tokens.encode(public["x"].encode()))
    hints = {
        "alg none": unsigned({"alg": "none", "typ": "JWT"}, claims),
        "no signature": unsigned({"alg": "ES256", "typ": "JWT", "kid": kid}, claims),
        "HS256": signed(shared, claims, "HS256", typ="JWT", kid=kid),
        "foreign": signed(ECKey.generate_key("P-256"), claims, typ="JWT", kid=kid),
        "foreign with its key": signed(
            key := ECKey.generate_key("P-256"), claims, typ="JWT", jwk=key.as_dict(private=False)
        ),
        "of another client": theirs["id_token"],
        "an access token": got["access_token"],
        "a refresh token": got["refresh_token"],
        "text": "x",
    }
    for name, hint in hints.items():
        answer = await desk.authorize(service, prompt="none", id_token_hint=hint)
        assert came_back(answer)["error"] == "login_required", name
        left = await desk.http.get(LOGOUT, params={"id_token_hint": hint})
        if name != "of another client":
            assert 'data-state="ask"' in left.text, name
            assert (await small_world.userinfo(got["access_token"])).status_code == 200
        else:
            break_off = await desk.authorize(service, prompt="none")
            assert came_back(break_off)["error"] == "login_required", "another service of hers may sign her out"
            await small_world.sign_in(desk, await small_world.phone("ana"), service)
            back = came_back(await desk.authorize(service))
            got = (await small_world.redeem(desk, service, back)).json()
    small_world.clock.pass_by(600)
    assert came_back(await desk.authorize(service, prompt="none", id_token_hint=got["id_token"]))["code"], "expired"


async def test_c22_tabs_finish_in_either_order_and_by_themselves(small_world: World) -> None:
    one, two = await small_world.service("one"), await small_world.service("two")
    phone = await small_world.phone("ana")
    for order in ((0, 1), (1, 0)):
        desk = small_world.desk()
        tabs: list[tuple[str, dict[str, str], str, Service]] = []
        for service in (one, two):
            await desk.open_start(await desk.authorize(service, state=service.client.id))
            tabs.append((desk.start, dict(desk.facts), desk.verifier, service))
        claimed = []
        for which in order:
            desk.facts = tabs[which][1]
            claimed.append((await phone.scan(desk.qr())).json())
        for ask in reversed(claimed):
            assert (await phone.approve(ask)).status_code == 200
        for which in order:
            desk.start, desk.facts, desk.verifier, service = tabs[which]
            back = await desk.code()
            assert back["state"] == service.client.id
            assert (await small_world.redeem(desk, service, back)).status_code == 200
        shown = await desk.http.get(f"/start/{tabs[0][0]}")
        assert (shown.status_code, "data-key" in shown.text) == (200, False), "the back button finds nothing to scan"


async def test_c22_signed_out_in_one_tab_the_other_starts_anew(small_world: World) -> None:
    service, desk, phone = await _signed_in(small_world)
    await desk.open_start(await desk.authorize(service, prompt="login"))
    await desk.http.post("/logout", data={"choice": "all"}, headers={"Origin": ORIGIN})
    back = await _approve(desk, phone)
    assert (await small_world.redeem(desk, service, back)).status_code == 200
    assert came_back(await desk.authorize(service, prompt="none"))["code"]


async def test_c10_c22_eight_finishes_at_once_give_one_code(world: World) -> None:
    service, desk, phone = await world.service(), world.desk(), await world.phone("ana")
    await desk.open_start(await desk.authorize(service))
    await phone.approve((await phone.scan(desk.qr())).json())
    answers = await asyncio.gather(*(desk.finish() for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [410] * 7


# Pushed requests


async def _push(world: World, service: Service, **form: str) -> dict[str, str]:
    answer = await world.browser().post(PAR, data=asking(service, **form), auth=service.basic)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return {"client_id": service.client.id, "request_uri": answer.json()["request_uri"]}


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": ""}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"redirect_uri": "https://evil.test/"}, "invalid_redirect_uri"),
        ({"redirect_uri": ""}, "invalid_redirect_uri"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "a" * 42}, "invalid_request"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"request_uri": "https://evil.test/o"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"nonce": "n" * 2049}, "invalid_request"),
        ({"client_id": "other"}, "invalid_client"),
    ],
)
async def test_p2_p3_everything_is_checked_when_it_is_pushed(
    small_world: World, form: dict[str, str], error: str
) -> None:
    service = await small_world.service()
    refused = await small_world.browser().post(PAR, data=asking(service, **form), auth=service.basic)
    assert (refused.status_code, refused.json()["error"]) == (401 if error == "invalid_client" else 400, error)
    assert "location" not in refused.headers


async def test_p3_what_changed_since_it_was_pushed_counts(small_world: World) -> None:
    service = await small_world.service()
    query = await _push(small_world, service)
    async with small_world.house.db.transaction() as db:
        await db.run("UPDATE signin_clients SET facts = REPLACE(facts, '/callback', '/moved')")
    refused = await small_world.browser().get("/auth", params=query)
    assert (refused.status_code, "location" in refused.headers) == (400, False)
    async with small_world.house.db.transaction() as db:
        await remove_client(db, small_world.clock.now, small_world.house.keys, "service")
    refused = await small_world.browser().get("/auth", params=query)
    assert (refused.status_code, "location" in refused.headers) == (400, False)


async def test_p4_j1_only_what_was_pushed_counts_and_the_client_must_agree(small_world: World) -> None:
    service, desk, _ = await _signed_in(small_world)
    await small_world.service("other")
    query = await _push(small_world, service, state="inside", nonce="inside")
    outside = {"state": "outside", "nonce": "outside", "scope": "openid scope_all", "prompt": "login",
               "redirect_uri": "https://evil.test/", "response_type": "token", "max_age": "0"}  # fmt: skip
    for wrong in ({"client_id": "other"}, {"client_id": ""}, {"request_uri": query["request_uri"] + "x"},
                  {"request_uri": query["request_uri"].upper()}):  # fmt: skip
        refused = await desk.http.get("/auth", params={**query, **wrong})
        assert (refused.status_code, "location" in refused.headers) == (400, False), wrong
    back = came_back(await desk.http.get("/auth", params={**query, **outside}))
    assert back["state"] == "inside"
    again = await desk.http.get("/auth", params=query)
    assert (again.status_code, "location" in again.headers) == (400, False), "one code"


async def test_p4_two_tabs_of_one_pushed_request_get_one_code(world: World) -> None:
    service, desk, phone = await world.service(), world.desk(), await world.phone("ana")
    query = await _push(world, service)
    tabs = []
    for _ in range(2):
        await desk.open_start(await desk.http.get("/auth", params=query))
        tabs.append(desk.start)
        await phone.approve((await phone.scan(desk.qr())).json())
    answers = []
    for desk.start in tabs:
        answers.append(await desk.finish())
    assert [answer.status_code for answer in answers] == [200, 400]
    assert answers[1].json()["error"] == "invalid_request_uri"


async def test_p4_eight_openings_at_once_of_a_signed_in_browser_get_one_code(world: World) -> None:
    service, desk, _ = await _signed_in(world)
    query = await _push(world, service)
    answers = await asyncio.gather(*(desk.http.get("/auth", params=query) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [303] + [400] * 7


async def test_p4_a_sign_in_may_take_longer_than_the_pushed_request_lives(small_world: World) -> None:
    service, desk, phone = await small_world.service(), small_world.desk(), await small_world.phone("ana")
    await desk.open_start(await desk.http.get("/auth", params=await _push(small_world, service)))
    small_world.clock.pass_by(100)
    assert (await _approve(desk, phone))["code"]


async def test_p5_a_client_that_must_push_does(small_world: World) -> None:
    service, desk = await small_world.service(require_par=True), small_world.desk()
    await small_world.sign_in(desk, await small_world.phone("ana"), await small_world.service("free"))
    for more in ({}, {"prompt": "none"}):
        assert came_back(await desk.authorize(service, **more))["error"] == "invalid_request"
    assert came_back(await desk.http.get("/auth", params=await _push(small_world, service)))["code"]


async def test_p6_pushed_requests_are_small_and_do_not_pile_up(small_world: World) -> None:
    service = await small_world.service()
    for size, status in ((60_000, 400), (70_000, 413), (1_000_000, 413)):
        big = {**asking(service), "extra": "x" * size}
        assert (await small_world.browser().post(PAR, data=big, auth=service.basic)).status_code == status
    for _ in range(50):
        await _push(small_world, service)
    small_world.clock.pass_by(2 * 86400)
    await clean_signin(small_world.house, small_world.clock.now)
    row = await small_world.house.db.one("SELECT COUNT(*) AS left FROM signin_pushed")
    assert row
    assert row["left"] == 0


async def test_j3_no_address_is_ever_fetched(small_world: World) -> None:
    """request_uri and request objects are refused before anything is looked up (J1 to J3 are not supported)."""
    service = await small_world.service()

    async def fetch(*_: Any, **__: Any) -> None:
        raise AssertionError("something was fetched")

    object.__setattr__(small_world.house.egress, "post", fetch)
    for address in (
        "https://evil.test/o",
        "http://127.0.0.1/",
        "http://169.254.169.254/",
        "urn:x",
        "file:///etc/passwd",
    ):
        back = came_back(await small_world.desk().authorize(service, request_uri=address))
        assert back["error"] == "request_uri_not_supported"
    made = signed(ECKey.generate_key("P-256"), {"client_id": "service"}, typ="oauth-authz-req+jwt")
    for text in (made, unsigned({"alg": "none"}, {"state": "inside"}), "x"):
        back = came_back(await small_world.desk().authorize(service, request=text))
        assert (back["error"], back["state"]) == ("request_not_supported", "s1")


# The rules alone

CLIENT = Client(id="c", name="c", redirect_uris=[f"{SERVICE}/callback"])
GOOD = {"redirect_uri": f"{SERVICE}/callback", "response_type": "code", "scope": "openid"}
NAMES = ["response_type", "response_mode", "scope", "prompt", "max_age", "state", "nonce", "code_challenge",
         "code_challenge_method", "request", "request_uri", "registration", "login_hint", "claims"]  # fmt: skip
VALUES = st.sampled_from(["", "code", "openid", "none", "login", "none login", "0", "-1", "1e3", "²", "٣", "a" * 43,
                          "S256", "plain", "query", "x" * 3000]) | st.text(max_size=50)  # fmt: skip


@given(st.dictionaries(st.sampled_from(NAMES), VALUES), st.booleans())
def test_a_request_that_passes_keeps_every_promise(said: dict[str, str], public: bool) -> None:
    """Whatever is said: a Travelling refusal, or a request in which each rule holds."""
    client = Client(id="c", name="c", redirect_uris=CLIENT.redirect_uris, auth_method="none") if public else CLIENT
    asked = {**GOOD, **said}
    try:
        request = read_request(asked, client)
    except Travelling:
        return
    assert asked["response_type"] == "code"
    assert asked.get("response_mode", "query") == "query"
    assert "openid" in request.scope.split()
    assert set(request.scope.split()) <= set(asked["scope"].split(" "))
    assert not {"request", "request_uri", "registration"} & set(asked)
    assert all(len(value) <= PARAMETER_MAX_LENGTH for value in asked.values())
    assert (request.state, request.nonce) == (asked.get("state", ""), asked.get("nonce", ""))
    if public or request.code_challenge:
        assert asked["code_challenge_method"] == "S256"
        assert len(request.code_challenge) == 43
    if "none" in request.prompt.split():
        assert set(request.prompt.split()) == {"none"}
    assert request.max_age is None or 0 <= request.max_age < 10**9


@given(st.text(max_size=50).filter(lambda text: text != f"{SERVICE}/callback"))
def test_c1_no_other_address_passes_whatever_else_is_wrong(address: str) -> None:
    for more in ({}, {"scope": "x"}, {"response_type": "x"}):
        with pytest.raises(Refusal) as refused:
            read_request({**GOOD, **more, "redirect_uri": address}, CLIENT)
        assert not isinstance(refused.value, Travelling), "this one must not travel"


@given(st.text(max_size=60), st.sampled_from(["", "?a=b", "?", "?a=b&c=d"]))
def test_b4_an_answer_keeps_the_address_and_carries_state_and_issuer(state: str, query: str) -> None:
    base = f"{SERVICE}/callback{query}"
    address = answer_address(Request(client="c", redirect_uri=base, scope="", state=state), ORIGIN, code="x y&z")
    assert address.startswith(base)
    said = parse_qsl(urlsplit(address).query, keep_blank_values=True)
    assert ("code", "x y&z") in said
    assert ("iss", ORIGIN) in said
    assert (("state", state) in said) == bool(state)
    assert address.isascii()
