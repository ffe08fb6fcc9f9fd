"""Who may make a phone ring: her known browser, a bonded client, nobody else (the one law)."""

import itertools
import random
from typing import Any

import pytest

from lucine.phone.asks import ringing_asks
from lucine.phone.credentials import devices_of
from lucine.signin.discovery import PATHS
from tests.world import Desk, Phone, Service, World

CIBA = PATHS["backchannel_authentication_endpoint"]
NUMBER = "99700999917"


async def rings(world: World, person: str = "ana") -> int:
    """Asks that appear unasked, and pushes waiting to be sent."""
    (device, *_) = await devices_of(world.house.db, await world.holder(person), "phone")
    row = await world.house.db.one(
        "SELECT COUNT(*) AS pushes FROM phone_asks WHERE ring_at IS NOT NULL AND rung_at IS NULL"
    )
    assert row is not None
    return len(await ringing_asks(world.house.db, world.clock.now, device)) + int(row["pushes"])


async def _known(world: World) -> tuple[Service, Desk, Phone]:
    service, desk, phone = await world.service(), world.desk(), await world.phone("ana")
    await world.sign_in(desk, phone, service, keep=True)
    return service, desk, phone


async def _again(desk: Desk, service: Service) -> None:
    await desk.open_start(await desk.authorize(service, prompt="login"))


async def test_a_known_browser_rings_and_one_approval_signs_in(world: World) -> None:
    service, desk, phone = await _known(world)
    await _again(desk, service)
    assert desk.facts["known"] == "yes"
    assert await rings(world) == 0
    assert (await desk.ring()).status_code == 200
    assert await rings(world) > 0
    (device,) = await devices_of(world.house.db, await world.holder("ana"), "phone")
    (ask,) = await ringing_asks(world.house.db, world.clock.now, device)
    from lucine.phone.ask_pages import _told

    told = _told(world.house, ask, device)
    assert not told["can_keep"]
    assert (await phone.approve(told)).status_code == 200
    assert (await world.redeem(desk, service, await desk.code())).status_code == 200


async def test_who_did_not_tick_the_box_scans_again(small_world: World) -> None:
    service, desk, phone = await small_world.service(), small_world.desk(), await small_world.phone("ana")
    await small_world.sign_in(desk, phone, service)
    await _again(desk, service)
    assert desk.facts["known"] != "yes"
    assert (await desk.ring()).status_code == 409
    assert await rings(small_world) == 0


async def test_forged_proofs_ring_nobody(small_world: World) -> None:
    service, desk, _ = await _known(small_world)
    cookie = next(c.value for c in desk.http.cookies.jar if c.name == "__Host-browser")
    assert cookie
    await _again(desk, service)
    good = desk.key.sign(desk.start, desk.facts["nonce"])
    chance = random.Random(1)
    stranger = small_world.desk()
    await stranger.open_start(await stranger.authorize(service))

    def bent(text: str) -> str:
        place = chance.randrange(len(text))
        return text[:place] + chance.choice("AZaz09-_.") + text[place + 1 :]

    for number in range(300):
        signature, cookies = chance.choice(
            [
                (bent(good), cookie),
                (good[: chance.randrange(80)], cookie),
                ("", cookie),
                (good, bent(cookie)),
                (good, "x.y"),
            ]
        )
        if (signature, cookies) == (good, cookie):
            continue
        who = desk if number % 2 else stranger
        who.http.cookies.set("__Host-browser", cookies, domain="connect.test")
        answer = await who.post(f"/start/{who.start}/ring", {"signature": signature})
        assert answer.status_code == 409
    assert await rings(small_world) == 0


async def test_an_old_signature_does_not_serve_a_new_start(small_world: World) -> None:
    service, desk, _ = await _known(small_world)
    await _again(desk, service)
    old = desk.key.sign(desk.start, desk.facts["nonce"])
    await _again(desk, service)
    assert (await desk.post(f"/start/{desk.start}/ring", {"signature": old})).status_code == 409


def _cookie(desk: Desk) -> str:
    return next(c.value or "" for c in desk.http.cookies.jar if c.name == "__Host-browser")


@pytest.mark.parametrize("order", list(itertools.product("ot", repeat=4)))
async def test_a_copied_browser_shows_itself_at_the_second_use(small_world: World, order: tuple[str, ...]) -> None:
    service, desk, _ = await _known(small_world)
    thief = small_world.desk()
    thief.key = desk.key
    thief.http.cookies.set("__Host-browser", _cookie(desk), domain="connect.test")
    rang = []
    for who in order:
        one = desk if who == "o" else thief
        async with small_world.house.db.transaction() as db:
            await db.run("UPDATE phone_holders SET rings_since_success = 0")
        await _again(one, service)
        rang.append((await one.ring()).status_code == 200)
    # The rule in the words of lucine/watch/browsers.py: the current and the next secret are good, no other.
    held, current, following, betrayed = {"o": "0", "t": "0"}, "0", "0", 4
    for index, who in enumerate(order):
        if held[who] not in (current, following):
            betrayed = index
            break
        current, following = held[who], f"n{index}"
        held[who] = following
    assert rang == [index < betrayed for index in range(4)]
    if order in (("o", "t", "o", "t"), ("t", "o", "t", "o"), ("o", "o", "t", "t"), ("t", "t", "o", "o")):
        assert betrayed == 2, "whoever comes second to a used cookie betrays the copy"
    row = await small_world.house.db.one("SELECT COUNT(*) AS forgotten FROM watch_browsers WHERE why = 'copied'")
    assert row is not None
    assert row["forgotten"] == (1 if betrayed < 4 else 0)


async def test_a_lost_answer_does_not_lock_the_owner_out(small_world: World) -> None:
    service, desk, _ = await _known(small_world)
    before = _cookie(desk)
    await _again(desk, service)
    assert (await desk.ring()).status_code == 200
    desk.http.cookies.set("__Host-browser", before, domain="connect.test")
    for cookie in [c for c in desk.http.cookies.jar if c.name == "__Host-browser" and c.value != before]:
        desk.http.cookies.jar.clear(cookie.domain, cookie.path, cookie.name)
    desk.http.cookies.set("__Host-browser", before, domain="connect.test")
    await _again(desk, service)
    assert (await desk.ring()).status_code == 200


async def test_three_rings_then_silence_until_she_signs_in(small_world: World) -> None:
    service, desk, phone = await _known(small_world)
    answers = []
    for _ in range(5):
        await _again(desk, service)
        answers.append((await desk.ring()).status_code)
    assert answers == [200, 200, 200, 409, 409]
    assert (await phone.approve((await phone.scan(desk.qr())).json())).status_code == 200, "she scans as ever"
    await _again(desk, service)
    assert (await desk.ring()).status_code == 200


async def _ciba(world: World, service: Service, **form: str) -> Any:
    data = {"scope": "openid scope_all", "acr_values": "eidas1", "binding_message": "42", **form}
    return await world.browser().post(CIBA, data=data, auth=service.basic)


async def _poll(world: World, service: Service, auth_req_id: str) -> Any:
    form = {"grant_type": "urn:openid:params:grant-type:ciba", "auth_req_id": auth_req_id}
    return await world.token(service, form)


async def test_ciba_by_number_is_silent_and_reached_by_the_screens_code(world: World) -> None:
    service, phone = await world.service(ciba="poll"), await world.phone("ana")
    started = (await _ciba(world, service, login_hint=NUMBER, channel="MOBILE")).json()
    assert await rings(world) == 0
    assert (await _poll(world, service, started["auth_req_id"])).json()["error"] == "authorization_pending"
    assert len((await phone.get("waiting")).json()["waiting"]) == 1
    for wrong in ("AAAAAAAA", "", "ZZZZ ZZZZ"):
        assert (await phone.post("waiting", {"code": wrong})).status_code == 410
    bea = await world.phone("bea")
    assert (await bea.post("waiting", {"code": started["screen_code"]})).status_code == 410
    ask = (await phone.post("waiting", {"code": started["screen_code"].lower()})).json()
    assert (ask["message"], ask["browser"]) == ("42", ""), "the service's words are told apart"
    assert (await phone.approve(ask)).status_code == 200
    world.clock.pass_by(6)
    got = await _poll(world, service, started["auth_req_id"])
    assert got.status_code == 200
    assert got.headers["cache-control"] == "no-store"
    assert (await world.userinfo(got.json()["access_token"])).json()["given_name"] == "Ana"
    assert (await _poll(world, service, started["auth_req_id"])).json()["error"] == "invalid_grant"


async def test_a_silent_ask_cannot_be_approved_without_its_code(small_world: World) -> None:
    service, phone = await small_world.service(ciba="poll"), await small_world.phone("ana")
    await _ciba(small_world, service, login_hint=NUMBER)
    row = await small_world.house.db.one("SELECT id FROM phone_asks WHERE kind = 'silent'")
    assert row is not None
    from lucine.phone.asks import challenge_of, find_ask
    from lucine.phone.passkeys import request_options

    ask = await find_ask(small_world.house.db, row["id"])
    options = request_options(rp_id="connect.test", challenge=challenge_of(ask), allowed=[])
    assert (await phone.approve({"id": row["id"], "options": options})).status_code == 410


async def test_ten_thousand_requests_on_her_number_do_not_keep_her_out(small_world: World) -> None:
    service, desk, phone = await small_world.service(ciba="poll"), small_world.desk(), await small_world.phone("ana")
    holder = await small_world.holder("ana")
    from lucine.phone.asks import Shown, open_ask
    from lucine.safe import tokens

    shown = Shown(client="x", service="x", host="x", acr="eidas1", browser="", place="")
    async with small_world.house.db.transaction() as db:
        for _ in range(10_000):
            await open_ask(
                db, small_world.clock.now, shown=shown, seconds=120, kind="silent", holder=holder,
                code=small_world.house.keys.digest(tokens.new_secret()),
            )  # fmt: skip
    assert await rings(small_world) == 0
    started = (await _ciba(small_world, service, login_hint=NUMBER)).json()
    ask = (await phone.post("waiting", {"code": started["screen_code"]})).json()
    assert (await phone.approve(ask)).status_code == 200
    assert "code" in await small_world.sign_in(desk, phone, service)


@pytest.mark.parametrize("hint", ["id_token_hint", "login_hint_token"])
async def test_a_bonded_client_rings(world: World, hint: str) -> None:
    service = await world.service(ciba="poll")
    got, _, _ = await world.tokens(service=service)
    token = got["id_token"] if hint == "id_token_hint" else got["login_hint_token"]
    assert (await _ciba(world, service, **{hint: token})).status_code == 200
    assert await rings(world) > 0
    other = await world.service("other", ciba="poll")
    assert (await _ciba(world, other, **{hint: token})).json()["error"] == "invalid_request"
    assert (await _ciba(world, service, **{hint: token[:-5] + "AAAAA"})).json()["error"] == "invalid_request"
    assert (await _ciba(world, service, **{hint: got["access_token"]})).json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"login_hint": NUMBER, "id_token_hint": "x"}, "invalid_request"),
        ({"login_hint": NUMBER, "scope": "profile"}, "invalid_scope"),
        ({"login_hint": NUMBER, "acr_values": "eidas3"}, "invalid_request"),
        ({"login_hint": NUMBER, "binding_message": "x" * 101}, "invalid_binding_message"),
        ({"login_hint": NUMBER, "binding_message": "a\u202eb"}, "invalid_binding_message"),
        ({"login_hint": NUMBER, "binding_message": "a\nb"}, "invalid_binding_message"),
        ({"login_hint": NUMBER, "requested_expiry": "0"}, "invalid_request"),
        ({"login_hint": NUMBER, "requested_expiry": "-1"}, "invalid_request"),
        ({"login_hint": NUMBER, "requested_expiry": "x"}, "invalid_request"),
        ({"login_hint": NUMBER, "request": "x.y.z"}, "invalid_request"),
    ],
)
async def test_ciba_refusals(small_world: World, form: dict[str, str], error: str) -> None:
    service = await small_world.service(ciba="poll")
    assert (await _ciba(small_world, service, **form)).json()["error"] == error


async def test_k6_k7_the_states_of_a_ciba_request(small_world: World) -> None:
    service, phone = await small_world.service(ciba="poll"), await small_world.phone("ana")
    other = await small_world.service("other", ciba="poll")
    started = (await _ciba(small_world, service, login_hint=NUMBER, requested_expiry="100000")).json()
    assert started["expires_in"] == 300
    assert (await _poll(small_world, other, started["auth_req_id"])).json()["error"] == "invalid_grant"
    assert (await _poll(small_world, service, started["auth_req_id"])).json()["error"] == "authorization_pending"
    small_world.clock.pass_by(1)
    assert (await _poll(small_world, service, started["auth_req_id"])).json()["error"] == "slow_down"
    small_world.clock.pass_by(6)
    assert (await _poll(small_world, service, started["auth_req_id"])).json()["error"] == "slow_down", "5 s more"
    small_world.clock.pass_by(20)
    ask = (await phone.post("waiting", {"code": started["screen_code"]})).json()
    await phone.post(f"asks/{ask['id']}/refuse", {"reason": "changed_mind"})
    assert (await _poll(small_world, service, started["auth_req_id"])).json()["error"] == "access_denied"
    late = (await _ciba(small_world, service, login_hint=NUMBER, requested_expiry="10")).json()
    small_world.clock.pass_by(11)
    assert (await _poll(small_world, service, late["auth_req_id"])).json()["error"] == "expired_token"


@pytest.mark.parametrize("number", [NUMBER, "99700999925", "99700000000", "12345678901", "not a number", "8" * 400])
async def test_k13_every_number_gets_the_same_answer(small_world: World, number: str) -> None:
    service = await small_world.service(ciba="poll")
    await small_world.phone("ana")
    await small_world.holder("bea")
    answer = await _ciba(small_world, service, login_hint=number)
    page = await small_world.desk().authorize(service, login_hint=number)
    assert answer.status_code == 200
    assert {name: len(str(value)) for name, value in answer.json().items()} == {
        "auth_req_id": 43, "expires_in": 3, "interval": 1, "screen_code": 9,
    }  # fmt: skip
    assert page.status_code == 303
    assert len(page.headers["location"]) == len("/start/") + 22
    assert await rings(small_world) == 0


async def test_not_me_kills_everything_at_once(world: World) -> None:
    service, desk, phone = await _known(world)
    back = await world.sign_in(desk, phone, service, prompt="login")
    got = (await world.redeem(desk, service, back)).json()
    approved = world.desk()
    await approved.open_start(await approved.authorize(service))
    waiting = (await phone.scan(approved.qr())).json()
    assert (await phone.approve(waiting)).status_code == 200
    past = (await phone.get("history")).json()["history"]
    assert (await phone.post(f"history/{past[1]['ask']}/not-me")).status_code == 200
    assert (await world.userinfo(got["access_token"])).status_code == 401
    form = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]}
    assert (await world.token(service, form)).json()["error"] == "invalid_grant"
    assert (await approved.finish()).status_code == 410, "what was approved and not fetched is dead too"
    await _again(desk, service)
    assert (await desk.ring()).status_code == 409, "the browser is forgotten"
    bea = await world.phone("bea")
    assert (await bea.post(f"history/{past[1]['ask']}/not-me")).status_code == 410
