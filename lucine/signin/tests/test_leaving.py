"""Logout: the ten cases of the certification suite, and every ending told to every service (L1 to L7)."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from lucine.signin.deliveries import LOGOUT_EVENT, deliver
from lucine.signin.sessions import end_idle_sessions
from lucine.web.egress import Answer, EgressFailed
from tests.world import ORIGIN, SERVICE, Desk, Phone, Service, World

from .kit import CERTS, LOGOUT, Outside, came_back, claims_of, header_of, refreshing, unsigned, with_outside

BYE = f"{SERVICE}/bye"


async def _told(outside: Outside, world: World) -> list[tuple[str, dict[str, Any]]]:
    """What services have been told: the address, and the claims of a token whose signature is good."""
    while await deliver(world.house, world.clock.now):
        pass
    keys = KeySet.import_key_set((await world.browser().get(CERTS)).json())
    told = []
    for url, headers, content in outside.sent:
        assert headers["Content-Type"] == "application/x-www-form-urlencoded"
        body = parse_qs(content.decode(), strict_parsing=True)
        assert set(body) == {"logout_token"}
        token = jwt.decode(body["logout_token"][0], keys, algorithms=["ES256", "RS256"])
        told.append((url, dict(token.claims)))
    return told


# RP-initiated: in every bad case there is no way back, only a page or a question.

CASES: dict[str, tuple[dict[str, str], str]] = {
    "good": ({"id_token_hint": "hers", "post_logout_redirect_uri": BYE, "state": "x"}, f"{BYE}?state=x"),
    "no state": ({"id_token_hint": "hers", "post_logout_redirect_uri": BYE}, BYE),
    "no address": ({"id_token_hint": "hers", "state": "x"}, "left"),
    "only a hint": ({"id_token_hint": "hers"}, "left"),
    "only state": ({"state": "x"}, "asked"),
    "nothing": ({}, "asked"),
    "no hint": ({"client_id": "service", "post_logout_redirect_uri": BYE}, "asked"),
    "no hint, no client": ({"post_logout_redirect_uri": BYE}, "refused"),
    "unregistered address": ({"id_token_hint": "hers", "post_logout_redirect_uri": f"{SERVICE}/other"}, "refused"),
    "query added": ({"id_token_hint": "hers", "post_logout_redirect_uri": f"{BYE}?a=b"}, "refused"),
    "the redirect address": ({"id_token_hint": "hers", "post_logout_redirect_uri": f"{SERVICE}/callback"}, "refused"),
    "alg none": ({"id_token_hint": "none", "post_logout_redirect_uri": BYE}, "refused"),
    "forged hint": ({"id_token_hint": "forged", "post_logout_redirect_uri": BYE}, "refused"),
    "forged hint, true client": (
        {"id_token_hint": "forged", "client_id": "service", "post_logout_redirect_uri": BYE}, "refused"
    ),
    "forged hint, no address": ({"id_token_hint": "forged"}, "asked"),
    "access token": ({"id_token_hint": "access", "post_logout_redirect_uri": BYE}, "refused"),
    "another client": ({"id_token_hint": "hers", "client_id": "other"}, "refused"),
    "the other's address": ({"id_token_hint": "hers", "post_logout_redirect_uri": "https://other.test/bye"}, "refused"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
async def test_l1_l2_by_the_book(small_world: World, name: str) -> None:
    service = await small_world.service(post_logout_redirect_uris=[BYE])
    await small_world.service(
        "other", redirect_uris=["https://other.test/"], post_logout_redirect_uris=["https://other.test/bye"]
    )
    got, _, desk = await small_world.tokens(service=service)
    hints = {
        "hers": got["id_token"],
        "none": unsigned({**header_of(got["id_token"]), "alg": "none"}, claims_of(got["id_token"])),
        "forged": got["id_token"][:-9] + "AAAAAAAAA",
        "access": got["access_token"],
    }
    said, expected = CASES[name]
    if "id_token_hint" in said:
        said = {**said, "id_token_hint": hints[said["id_token_hint"]]}
    answer = await desk.http.get(LOGOUT, params=said)
    left = came_back(await desk.authorize(service, prompt="none")).get("error") == "login_required"
    if expected in ("left", "asked", "refused"):
        assert "location" not in answer.headers
        assert (answer.status_code, left) == {"left": (200, True), "asked": (200, False), "refused": (400, False)}[
            expected
        ]
        assert 'http-equiv="refresh"' not in answer.text
    else:
        assert (answer.status_code, answer.headers["location"], left) == (303, expected, True)


async def test_l2_she_decides_and_then_is_led_back(small_world: World) -> None:
    service = await small_world.service(post_logout_redirect_uris=[BYE])
    got, _, desk = await small_world.tokens(service=service)
    said = {"client_id": "service", "post_logout_redirect_uri": BYE, "state": "\"'><b>"}
    asked = await desk.http.get(LOGOUT, params=said)
    assert "<b>" not in asked.text
    for form in ({**said, "post_logout_redirect_uri": "https://evil.test/", "choice": "all"},
                 {**said, "client_id": "nobody", "choice": "all"}):  # fmt: skip
        refused = await desk.http.post("/logout", data=form, headers={"Origin": ORIGIN})
        assert refused.status_code == 400, "what the page carried is checked again"
    stays = await desk.http.post("/logout", data={**said, "choice": "stay"}, headers={"Origin": ORIGIN})
    assert BYE in stays.text
    assert (await small_world.userinfo(got["access_token"])).status_code == 200
    leaves = await desk.http.post("/logout", data={**said, "choice": "all"}, headers={"Origin": ORIGIN})
    assert BYE in leaves.text
    assert "<b>" not in leaves.text
    assert (await small_world.userinfo(got["access_token"])).status_code == 401
    assert (await small_world.token(service, refreshing(got))).json()["error"] == "invalid_grant"


async def test_l2_who_is_not_signed_in_is_not_asked(small_world: World) -> None:
    service = await small_world.service(post_logout_redirect_uris=[BYE])
    params = {"client_id": "service", "post_logout_redirect_uri": BYE}
    assert (await small_world.browser().get(LOGOUT, params=params)).headers["location"] == BYE
    assert 'data-state="logged-out"' in (await small_world.browser().get(LOGOUT)).text
    assert service


async def test_l3_a_hint_ends_its_own_session_only(small_world: World) -> None:
    """Ana at two browsers: the hint of one, sent in a third that nobody is signed in at."""
    service, phone = await small_world.service(), await small_world.phone("ana")
    first, second = small_world.desk(), small_world.desk()
    one = (await small_world.redeem(first, service, await small_world.sign_in(first, phone, service))).json()
    two = (await small_world.redeem(second, service, await small_world.sign_in(second, phone, service))).json()
    small_world.clock.pass_by(60)
    await small_world.browser().get(LOGOUT, params={"id_token_hint": one["id_token"]})
    assert (await small_world.userinfo(one["access_token"])).status_code == 401
    assert (await small_world.userinfo(two["access_token"])).status_code == 200
    await first.http.get(LOGOUT, params={"id_token_hint": two["id_token"]})
    assert (await small_world.userinfo(two["access_token"])).status_code == 401


# Back-channel

Ending = Callable[[World, Service, Desk, Phone, dict[str, Any]], Awaitable[Any]]


async def _by_hint(world: World, service: Service, desk: Desk, phone: Phone, got: dict[str, Any]) -> None:
    await world.browser().get(LOGOUT, params={"id_token_hint": got["id_token"]})


async def _by_herself(world: World, service: Service, desk: Desk, phone: Phone, got: dict[str, Any]) -> None:
    await desk.http.post("/logout", data={"choice": "all"}, headers={"Origin": ORIGIN})


async def _one_from_elsewhere(world: World, service: Service, desk: Desk, phone: Phone, got: dict[str, Any]) -> None:
    other = world.desk()
    await world.sign_in(other, phone, await world.service("elsewhere"))
    done = await other.http.post(f"/security/sessions/{got['session_state']}/end", headers={"Origin": ORIGIN})
    assert done.status_code == 303


async def _all_from_elsewhere(world: World, service: Service, desk: Desk, phone: Phone, got: dict[str, Any]) -> None:
    other = world.desk()
    await world.sign_in(other, phone, await world.service("elsewhere"))
    await other.http.post("/security/sessions/end-all", headers={"Origin": ORIGIN})


async def _not_me_at_the_desk(world: World, service: Service, desk: Desk, phone: Phone, got: dict[str, Any]) -> None:
    other = world.desk()
    await world.sign_in(other, phone, await world.service("elsewhere"))
    done = await other.http.post(f"/security/sign-ins/{got['session_state']}/not-me", headers={"Origin": ORIGIN})
    assert done.status_code == 200


async def _not_me_on_the_phone(world: World, service: Service, desk: Desk, phone: Phone, got: dict[str, Any]) -> None:
    history = (await phone.get("history")).json()["history"]
    assert (await phone.post(f"history/{history[0]['ask']}/not-me")).status_code == 200


async def _refusal_of_another(world: World, service: Service, desk: Desk, phone: Phone, got: dict[str, Any]) -> None:
    other = world.desk()
    await other.open_start(await other.authorize(service))
    ask = (await phone.scan(other.qr())).json()
    assert (await phone.post(f"asks/{ask['id']}/refuse", {"reason": "not_me"})).status_code == 200


async def _replaced_by_bea(world: World, service: Service, desk: Desk, phone: Phone, got: dict[str, Any]) -> None:
    await world.sign_in(desk, await world.phone("bea"), await world.service("elsewhere"), prompt="login")


async def _by_idleness(world: World, service: Service, desk: Desk, phone: Phone, got: dict[str, Any]) -> None:
    world.clock.pass_by(1800)
    assert await end_idle_sessions(world.house, world.clock.now)


ENDINGS: dict[str, Ending] = {
    ending.__name__[1:]: ending
    for ending in (
        _by_hint, _by_herself, _one_from_elsewhere, _all_from_elsewhere, _not_me_at_the_desk, _not_me_on_the_phone,
        _refusal_of_another, _replaced_by_bea, _by_idleness,
    )
}  # fmt: skip


@pytest.mark.parametrize("name", ENDINGS)
async def test_l4_l5_every_ending_is_told_even_long_after_the_last_token(small_world: World, name: str) -> None:
    """Back-Channel Logout 2.4, 2.5: a whole and fresh token, also where no token lives any more."""
    world = small_world
    outside = await with_outside(world)
    service = await world.service(logout_uri=f"{SERVICE}/told")
    silent = await world.service("silent", redirect_uris=["https://silent.test/"])
    desk, phone = world.desk(), await world.phone("ana")
    got = (await world.redeem(desk, service, await world.sign_in(desk, phone, service))).json()
    code = await desk.authorize(silent, prompt="none")
    assert "code=" in code.headers["location"], "signed in there too, and never fetched a token"
    world.clock.pass_by(600)
    await ENDINGS[name](world, service, desk, phone, got)
    [(url, claims)] = await _told(outside, world)
    id_token = claims_of(got["id_token"])
    assert url == f"{SERVICE}/told"
    assert set(claims) == {"iss", "aud", "iat", "exp", "jti", "events", "sub", "sid"}, "and never a nonce"
    assert claims["events"] == {LOGOUT_EVENT: {}}
    assert (claims["iss"], claims["aud"]) == (ORIGIN, "service")
    assert (claims["sub"], claims["sid"]) == (id_token["sub"], id_token["sid"])
    assert claims["iat"] == int(world.clock.now)
    assert 0 < claims["exp"] - claims["iat"] <= 120
    token = parse_qs(outside.sent[0][2].decode())["logout_token"][0]
    assert header_of(token)["typ"] == "logout+jwt"
    assert (await world.userinfo(got["access_token"])).status_code == 401
    assert (await world.userinfo(token)).status_code == 401, "a logout token opens nothing"


async def test_l6_dead_services_slow_nobody_and_are_given_up(small_world: World) -> None:
    """20 services, three of them black holes: she waits for none, the others are told, the ledger keeps the rest."""
    world = small_world
    await world.house.egress.close()
    told: list[str] = []

    class Uneven(Outside):
        async def post(self, url: str, *, headers: dict[str, str], content: bytes, seconds: float = 5) -> Answer:
            if "hole" in url:
                await asyncio.sleep(0.3)  # as long as the guarded way out waits, shortened
                raise EgressFailed("no answer in time")
            told.append(url)
            return Answer(200, b"")

    object.__setattr__(world.house, "egress", Uneven())
    desk, phone = world.desk(), await world.phone("ana")
    for number in range(20):
        name = f"hole{number}" if number % 7 == 0 else f"s{number}"
        service = await world.service(name, logout_uri=f"https://{name}.test/out")
        answer = await desk.authorize(service)
        back = (
            came_back(answer) if "callback" in answer.headers["location"] else await world.sign_in(desk, phone, service)
        )
        assert (await world.redeem(desk, service, back)).status_code == 200
    began = time.monotonic()
    await desk.http.post("/security/sessions/end-all", headers={"Origin": ORIGIN})
    assert time.monotonic() - began < 1
    began = time.monotonic()
    await deliver(world.house, world.clock.now)
    assert time.monotonic() - began < 1.5, "all at once"
    assert len(told) == 17
    for _ in range(26):  # longer than the session could have lived
        world.clock.pass_by(600)
        await deliver(world.house, world.clock.now)
    assert len(told) == 17
    lines = await world.house.db.all("SELECT facts FROM safe_ledger WHERE act = 'delivery.failed'")
    assert len(lines) == 3
    assert not await deliver(world.house, world.clock.now + 86400), "bounded"


@pytest.mark.parametrize(
    ("status", "again"),
    [(200, 0), (204, 0), (301, 0), (307, 0), (400, 0), (404, 0), (500, 1), (503, 1), (429, 1)],
)
async def test_l5_l6_what_each_answer_means(small_world: World, status: int, again: bool) -> None:
    """Back-Channel Logout 2.8: 200 and 204 are good, 400 is final; only what may pass is tried again."""
    outside = await with_outside(small_world, status)
    _, _, desk = await small_world.tokens(service=await small_world.service(logout_uri=f"{SERVICE}/told"))
    await desk.http.post("/security/sessions/end-all", headers={"Origin": ORIGIN})
    ended = small_world.clock.now
    while small_world.clock.now < ended + 4 * 3600 + 901:
        await deliver(small_world.house, small_world.clock.now)
        small_world.clock.pass_by(100)
    assert 20 <= len(outside.sent) <= 30 if again else len(outside.sent) == 1
    failed = await small_world.house.db.all("SELECT seq FROM safe_ledger WHERE act = 'delivery.failed'")
    assert len(failed) == (0 if status in (200, 204) else 1)


async def test_l5_two_processes_tell_once(world: World) -> None:
    outside = await with_outside(world)
    _, _, desk = await world.tokens(service=await world.service(logout_uri=f"{SERVICE}/told"))
    await desk.http.post("/security/sessions/end-all", headers={"Origin": ORIGIN})
    await asyncio.gather(*(deliver(world.house, world.clock.now) for _ in range(8)))
    assert len(outside.sent) == 1
