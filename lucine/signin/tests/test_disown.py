""" "It was not me": within one request everything is dead, told and quiet, and she is not locked out."""

import asyncio
from typing import Any

import httpx

from lucine.phone.asks import ringing_asks
from lucine.phone.credentials import devices_of
from lucine.safe import verify_ledger
from lucine.signin.chores import clean_signin
from lucine.signin.clients import remove_client
from lucine.signin.deliveries import deliver
from lucine.signin.sessions import end_idle_sessions
from tests.world import ORIGIN, Desk, Phone, Service, World

from .kit import CIBA, INTROSPECT, claims_of, redeeming, refreshing, with_outside

COOKIE = "__Host-browser"


def security(desk: Desk, path: str, **form: str) -> Any:
    return desk.http.post(f"/security/{path}", data=form, headers={"Origin": ORIGIN})


async def past(phone: Phone) -> list[dict[str, Any]]:
    answer = await phone.get("history")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["history"])


async def not_me(phone: Phone, ask: str) -> httpx.Response:
    return await phone.post(f"history/{ask}/not-me")


async def two_services(world: World) -> tuple[Service, Service]:
    return (
        await world.service(logout_uri="https://service.test/out"),
        await world.service("second", logout_uri="https://second.test/out", redirect_uris=["https://service.test/2"]),
    )


async def signed_in(world: World, desk: Desk, phone: Phone, service: Service, **more: Any) -> dict[str, Any]:
    """Tokens of a sign-in."""
    got = await world.redeem(desk, service, await world.sign_in(desk, phone, service, **more))
    assert got.status_code == 200, got.text
    return dict(got.json())


async def sso(world: World, desk: Desk, service: Service) -> dict[str, Any]:
    """Tokens of another service in the same session."""
    back = await desk.authorize(service)
    assert "code=" in back.headers["location"]
    query = dict(httpx.URL(back.headers["location"]).params)
    got = await world.redeem(desk, service, query)
    assert got.status_code == 200, got.text
    return dict(got.json())


async def assert_dead(world: World, service: Service, got: dict[str, Any]) -> None:
    assert (await world.userinfo(got["access_token"])).status_code == 401
    for token in (got["access_token"], got["refresh_token"]):
        said = await world.browser().post(INTROSPECT, data={"token": token}, auth=service.basic)
        assert said.json() == {"active": False}
    refused = await world.token(service, refreshing(got))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


async def told(world: World) -> dict[str, str]:
    """The sid that each service was told is over."""
    outside = await with_outside(world)
    while await deliver(world.house, world.clock.now):
        pass
    return {url: claims_of(content.decode().partition("=")[2])["sid"] for url, _, content in outside.sent}


async def signed_in_at(desk: Desk, service: Service) -> bool:
    return "code=" in (await desk.authorize(service, prompt="none")).headers["location"]


async def test_not_me_on_a_past_approval_kills_what_it_opened_at_every_service(world: World) -> None:
    first, second = await two_services(world)
    desk, phone = world.desk(), await world.phone("ana")
    one = await signed_in(world, desk, phone, first, keep=True)
    two = await sso(world, desk, second)
    (entry,) = await past(phone)
    assert (await not_me(phone, entry["ask"])).json() == {}
    await assert_dead(world, first, one)
    await assert_dead(world, second, two)
    assert not await signed_in_at(desk, first)
    sid = claims_of(one["id_token"])["sid"]
    assert await told(world) == {"https://service.test/out": sid, "https://second.test/out": sid}
    assert (await past(phone))[0]["disowned"]
    # The browser is forgotten, and rings no more.
    await desk.open_start(await desk.authorize(first))
    assert desk.facts["known"] != "yes"
    assert (await desk.ring()).status_code == 409
    # She herself signs in as always.
    assert (await world.redeem(desk, first, await world.sign_in(world.desk(), phone, first))).status_code in (200, 400)
    assert (await verify_ledger(world.house.db, world.house.keys))[0] > 5


async def test_not_me_on_a_waiting_ask_ends_the_open_sessions_too(world: World) -> None:
    service = await world.service(logout_uri="https://service.test/out")
    desk, phone, oscar = world.desk(), await world.phone("ana"), world.desk()
    got = await signed_in(world, desk, phone, service)
    await oscar.open_start(await oscar.authorize(service))
    ask = (await phone.scan(oscar.qr())).json()  # she was talked into scanning his screen
    assert (await phone.post(f"asks/{ask['id']}/refuse", {"reason": "not_me"})).json() == {}
    assert (await phone.approve(ask)).status_code == 410
    assert (await oscar.finish()).status_code == 410
    await assert_dead(world, service, got)
    assert list(await told(world)) == ["https://service.test/out"]


async def test_changing_her_mind_ends_nothing(small_world: World) -> None:
    service, desk, phone = await small_world.service(), small_world.desk(), await small_world.phone("ana")
    got = await signed_in(small_world, desk, phone, service)
    other = small_world.desk()
    await other.open_start(await other.authorize(service))
    ask = (await phone.scan(other.qr())).json()
    assert (await phone.post(f"asks/{ask['id']}/refuse", {"reason": "changed_mind"})).status_code == 200
    assert (await small_world.userinfo(got["access_token"])).status_code == 200
    for reason in ("", "approved", "expired", None, 1):
        assert (await phone.post(f"asks/{ask['id']}/refuse", {"reason": reason})).status_code == 400


async def test_not_me_on_a_ring_forgets_the_browser_that_rang(small_world: World) -> None:
    service, desk, phone = await small_world.service(), small_world.desk(), await small_world.phone("ana")
    other = small_world.desk()
    await small_world.sign_in(desk, phone, service, keep=True)
    await small_world.sign_in(other, phone, service, keep=True)
    await desk.open_start(await desk.authorize(service, prompt="login"))
    assert (await desk.ring()).status_code == 200
    (device,) = await devices_of(small_world.house.db, await small_world.holder("ana"), "phone")
    (ask,) = await ringing_asks(small_world.house.db, small_world.clock.now, device)
    assert (await phone.post(f"asks/{ask.id}/refuse", {"reason": "not_me"})).status_code == 200
    await desk.open_start(await desk.authorize(service))
    assert desk.facts["known"] != "yes"
    # The other one is still hers, but silent until she has scanned.
    await other.open_start(await other.authorize(service))
    assert other.facts["known"] == "yes"
    assert (await other.ring()).json()["error"] == "scan_instead"
    scanned = await phone.scan(other.qr())
    assert (await phone.approve(scanned.json())).status_code == 200
    assert (await other.finish()).status_code == 200
    await other.open_start(await other.authorize(service, prompt="login"))
    assert (await other.ring()).status_code == 200


async def test_an_approved_start_that_was_not_finished_cannot_be(small_world: World) -> None:
    service, phone = await small_world.service(ciba="poll"), await small_world.phone("ana")
    desk, waiting, passkeyed = small_world.desk(), small_world.desk(), small_world.desk()
    await signed_in(small_world, desk, phone, service)
    (entry,) = await past(phone)
    await waiting.open_start(await waiting.authorize(service))
    ask = (await phone.scan(waiting.qr())).json()
    assert (await phone.approve(ask)).status_code == 200
    form = {"scope": "openid", "login_hint": "99700999917"}
    request = (await small_world.browser().post(CIBA, data=form, auth=service.basic)).json()
    silent = (await phone.post("waiting", {"code": request["screen_code"]})).json()
    assert (await phone.approve(silent)).status_code == 200
    await passkeyed.open_start(await passkeyed.authorize(service))
    scanned = (await phone.scan(passkeyed.qr())).json()
    # Said of another sign-in, it stops these as well: whoever has her phone may have approved them.
    assert (await not_me(phone, entry["ask"])).status_code == 200
    assert (await waiting.finish()).status_code == 410
    assert (await phone.approve(scanned)).status_code == 410
    poll = {"grant_type": "urn:openid:params:grant-type:ciba", "auth_req_id": request["auth_req_id"]}
    assert (await small_world.token(service, poll)).status_code == 400
    for one in (waiting, passkeyed):
        assert (await one.http.get(f"/start/{one.start}/events")).text.count('"expired"') == 1


async def test_a_code_not_yet_redeemed_is_dead(world: World) -> None:
    service, desk, phone = await world.service(), world.desk(), await world.phone("ana")
    back = await world.sign_in(desk, phone, service)
    (entry,) = await past(phone)
    await not_me(phone, entry["ask"])
    refused = await world.redeem(desk, service, back)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


async def test_the_browser_that_was_kept_is_forgotten_even_after_another_sign_in_on_it(small_world: World) -> None:
    service, desk, phone = await small_world.service(), small_world.desk(), await small_world.phone("ana")
    await small_world.sign_in(desk, phone, service, keep=True)
    (first,) = await past(phone)
    for _ in range(2):
        small_world.clock.pass_by(60)
        await small_world.sign_in(desk, phone, service, prompt="login")
    small_world.clock.pass_by(3 * 86400)  # starts are cleaned away; her history is not
    await clean_signin(small_world.house, small_world.clock.now)
    assert (await not_me(phone, first["ask"])).status_code == 200
    await desk.open_start(await desk.authorize(service, prompt="login"))
    assert desk.facts["known"] != "yes"


async def test_from_her_page_her_own_session_goes_on(world: World) -> None:
    first, second = await two_services(world)
    hers, oscar, phone = world.desk(), world.desk(), await world.phone("ana")
    mine = await signed_in(world, hers, phone, first)
    world.clock.pass_by(5)
    his = await signed_in(world, oscar, phone, second, keep=True)
    sid = claims_of(his["id_token"])["sid"]
    page = await security(hers, f"sign-ins/{sid}/not-me")
    assert page.status_code == 200
    assert "Le service second" in page.text
    await assert_dead(world, second, his)
    assert await told(world) == {"https://second.test/out": sid}
    assert (await world.userinfo(mine["access_token"])).status_code == 200
    assert await signed_in_at(hers, first)
    assert not await signed_in_at(oscar, second)
    await oscar.open_start(await oscar.authorize(first))
    assert oscar.facts["known"] != "yes"
    # Said of her own, it ends as well.
    own = claims_of(mine["id_token"])["sid"]
    assert (await security(hers, f"sign-ins/{own}/not-me")).status_code == 200
    assert not await signed_in_at(hers, first)


async def test_nobody_disowns_for_somebody_else(small_world: World) -> None:
    service = await small_world.service()
    hers, his = small_world.desk(), small_world.desk()
    ana, carl = await small_world.phone("ana"), await small_world.phone("carl")
    got = await signed_in(small_world, hers, ana, service, keep=True)
    await signed_in(small_world, his, carl, service, keep=True)
    (entry,) = await past(ana)
    assert (await not_me(carl, entry["ask"])).status_code == 410
    assert (await not_me(carl, "nonsense")).status_code == 410
    assert (await not_me(small_world.bare_phone(), entry["ask"])).status_code == 401
    sid = claims_of(got["id_token"])["sid"]
    assert (await security(his, f"sign-ins/{sid}/not-me")).status_code == 404
    assert (await small_world.userinfo(got["access_token"])).status_code == 200
    assert await signed_in_at(his, service)
    await hers.open_start(await hers.authorize(service, prompt="login"))
    assert hers.facts["known"] == "yes"
    await his.open_start(await his.authorize(service, prompt="login"))
    assert (await his.ring()).status_code == 200


async def test_saying_it_twice_or_late_is_no_error(small_world: World) -> None:
    service, desk, phone = await small_world.service(), small_world.desk(), await small_world.phone("ana")
    await small_world.sign_in(desk, phone, service)
    (entry,) = await past(phone)
    small_world.clock.pass_by(100 * 86400)
    for _ in range(2):
        assert (await not_me(phone, entry["ask"])).status_code == 200


async def test_finishing_and_disowning_at_the_same_moment_leaves_nobody_in(world: World) -> None:
    """Whichever comes first, no session outlives "not me" and no start finishes after it."""
    service, phone = await world.service(), await world.phone("ana")
    for _ in range(15):
        desk = world.desk()
        await desk.open_start(await desk.authorize(service))
        ask = (await phone.scan(desk.qr())).json()
        assert (await phone.approve(ask)).status_code == 200
        finished, disowned = await asyncio.gather(desk.finish(), not_me(phone, ask["id"]))
        assert disowned.status_code == 200
        assert finished.status_code in (200, 410), finished.text
        assert not await signed_in_at(desk, service)
        row = await world.house.db.one("SELECT COUNT(*) AS open FROM signin_sessions WHERE ended_at IS NULL")
        assert row is not None
        assert row["open"] == 0


async def test_redeeming_and_disowning_at_the_same_moment_leaves_no_client_untold(world: World) -> None:
    service, phone = await world.service(logout_uri="https://service.test/out"), await world.phone("ana")
    outside = await with_outside(world)
    for _ in range(12):
        desk = world.desk()
        back = await world.sign_in(desk, phone, service)
        ask = (await past(phone))[0]["ask"]
        outside.sent.clear()
        got, _ = await asyncio.gather(world.token(service, redeeming(desk, service, back)), not_me(phone, ask))
        while await deliver(world.house, world.clock.now):
            pass
        if got.status_code == 200:
            assert (await world.userinfo(got.json()["access_token"])).status_code == 401
            assert len(outside.sent) == 1


async def test_disowning_never_meets_a_dead_end_among_other_acts(world: World) -> None:
    """Approvals, refusals, endings and chores at the same moment: no deadlock, so no 503 for "not me"."""
    service, phone = await world.service(ciba="poll"), await world.phone("ana")
    for _ in range(3):
        desks = [world.desk() for _ in range(4)]
        asks = []
        for desk in desks:
            await world.sign_in(desk, phone, service, keep=True)
        for desk in desks:
            await desk.open_start(await desk.authorize(service, prompt="login"))
            asks.append((await phone.scan(desk.qr())).json())
        history = [entry["ask"] for entry in await past(phone) if entry["answer"] == "approved"]
        acts = [not_me(phone, ask) for ask in history[:4]]
        acts += [phone.approve(ask) for ask in asks[:2]]
        acts += [phone.post(f"asks/{ask['id']}/refuse", {"reason": "not_me"}) for ask in asks[2:]]
        acts += [security(desks[0], "sessions/end-all"), security(desks[1], "sessions/end-all")]
        answers = await asyncio.gather(*acts, end_idle_sessions(world.house, world.clock.now + 1900))
        codes = [answer.status_code for answer in answers if isinstance(answer, httpx.Response)]
        assert all(code < 500 for code in codes), codes
        row = await world.house.db.one("SELECT COUNT(*) AS open FROM signin_sessions WHERE ended_at IS NULL")
        assert row is not None
        assert row["open"] == 0
    assert (await verify_ledger(world.house.db, world.house.keys))[0] > 30


async def test_a_client_that_was_removed_holds_nothing_back(small_world: World) -> None:
    service, desk, phone = await small_world.service(), small_world.desk(), await small_world.phone("ana")
    got = await signed_in(small_world, desk, phone, service)
    async with small_world.house.db.transaction() as db:
        await remove_client(db, small_world.clock.now, small_world.house.keys, "service")
    (entry,) = await past(phone)
    assert (await not_me(phone, entry["ask"])).status_code == 200
    assert (await small_world.userinfo(got["access_token"])).status_code == 401
