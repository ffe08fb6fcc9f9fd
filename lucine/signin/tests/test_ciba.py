"""CIBA, row by row (section 4.7): whoever asks by a number is answered alike, and rings nobody."""

import asyncio
import hashlib
from typing import Any

import httpx
import pytest

from lucine.phone.ask_pages import _told
from lucine.phone.asks import ringing_asks
from lucine.phone.chores import wake_phones
from lucine.phone.credentials import devices_of
from lucine.safe import tokens
from lucine.signin.ciba import ping_clients
from lucine.signin.clients import Client, check_client
from lucine.signin.deliveries import deliver
from lucine.signin.discovery import PATHS
from lucine.signin.signing_keys import sign
from tests.world import ORIGIN, Phone, Service, World

from .kit import CIBA, TOKEN, claims_of, unsigned, with_outside

NUMBER = "99700999917"
GRANT = "urn:openid:params:grant-type:ciba"
BEARER = "a" * 22


async def ask(world: World, service: Service, **form: str | None) -> httpx.Response:
    said: dict[str, str | None] = {"scope": "openid scope_all", "login_hint": NUMBER, **form}
    data = {name: value for name, value in said.items() if value is not None}
    return await world.browser().post(CIBA, data=data, auth=service.basic)


async def started(world: World, service: Service, **form: str | None) -> dict[str, Any]:
    answer = await ask(world, service, **form)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def poll(world: World, service: Service, request: dict[str, Any]) -> httpx.Response:
    return await world.token(service, {"grant_type": GRANT, "auth_req_id": request["auth_req_id"]})


async def approve(phone: Phone, request: dict[str, Any]) -> None:
    shown = await phone.post("waiting", {"code": request["screen_code"]})
    assert shown.status_code == 200, shown.text
    assert (await phone.approve(shown.json())).status_code == 200


async def ringing(world: World, person: str = "ana") -> list[Any]:
    (device, *_) = await devices_of(world.house.db, await world.holder(person), "phone")
    return await ringing_asks(world.house.db, world.clock.now, device)


def error(answer: httpx.Response) -> str:
    assert answer.status_code in (400, 401), answer.text
    return str(answer.json()["error"])


async def test_k1_post_form_client_authentication_and_exactly_one_hint(small_world: World) -> None:
    service = await small_world.service(ciba="poll")
    hints = {"login_hint": NUMBER, "id_token_hint": "x", "login_hint_token": "y"}
    assert error(await ask(small_world, service, login_hint=None)) == "invalid_request"
    for left_out in hints:
        two = {**hints, left_out: None}
        assert error(await ask(small_world, service, **two)) == "invalid_request"
    assert error(await ask(small_world, service, **hints)) == "invalid_request"
    form = {"scope": "openid", "login_hint": NUMBER}
    assert error(await small_world.browser().post(CIBA, data={**form, "client_id": "service"})) == "invalid_client"
    assert error(await small_world.browser().post(CIBA, json=form, auth=service.basic)) == "invalid_request"
    twice = "scope=openid&login_hint=1&login_hint=2"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert error(await small_world.browser().post(CIBA, content=twice, headers=headers, auth=service.basic)) == (
        "invalid_request"
    )
    assert (await small_world.browser().get(CIBA, params=form, auth=service.basic)).status_code in (404, 405)
    for scope in (None, "profile", "openidx"):
        assert error(await ask(small_world, service, scope=scope)) == "invalid_scope"
    row = await small_world.house.db.one("SELECT COUNT(*) AS asks FROM phone_asks")
    assert row is not None
    assert row["asks"] == 0


async def test_k2_signed_requests_are_refused_not_merged(small_world: World) -> None:
    service = await small_world.service(ciba="poll")
    inside = unsigned({"alg": "none"}, {"login_hint": NUMBER, "scope": "openid"})
    assert error(await ask(small_world, service, request=inside)) == "invalid_request"
    assert error(await ask(small_world, service, request=inside, login_hint=None)) == "invalid_request"


async def test_k3_the_binding_message_is_shown_whole_or_refused(small_world: World) -> None:
    service, phone = await small_world.service(ciba="poll"), await small_world.phone("ana")
    for odd in ("x" * 300, "abc\u202edef", "a\nb", "a\r\nb", "a\tb", "a\u200bb", "\ufeff", "a\u2028b", "\ue000"):
        assert error(await ask(small_world, service, binding_message=odd)) == "invalid_binding_message"
    for good in ("1234", "Ordonnance n° 7 – Léa 🙂", "<b>&amp;", "x" * 100):
        request = await started(small_world, service, binding_message=good)
        shown = await phone.post("waiting", {"code": request["screen_code"]})
        assert shown.json()["message"] == good
        assert (shown.json()["service"], shown.json()["kind"]) == ("Le service service", "silent")


async def test_k4_requested_expiry_is_a_number_and_capped(small_world: World) -> None:
    service = await small_world.service(ciba="poll")
    for text, seconds in (("10", 10), ("1", 1), ("120", 120), ("999999999", 300), ("0010", 10)):
        assert (await started(small_world, service, requested_expiry=text))["expires_in"] == seconds
    assert (await started(small_world, service))["expires_in"] == 120
    for text in ("0", "-1", "x", "1.5", "10 s", "1e3", "٣٠", "1000000000", "000"):
        assert error(await ask(small_world, service, requested_expiry=text)) == "invalid_request"


async def test_k5_an_auth_req_id_is_long_its_clients_and_used_once(world: World) -> None:
    service, other = await world.service(ciba="poll"), await world.service("other", ciba="poll")
    phone, request = await world.phone("ana"), await started(world, service)
    assert len(tokens.decode(request["auth_req_id"])) >= 20  # 160 bits, as FAPI-CIBA recommends
    await approve(phone, request)
    assert error(await poll(world, other, request)) == "invalid_grant"
    assert error(await poll(world, service, {"auth_req_id": "nonsense"})) == "invalid_grant"
    assert error(await poll(world, service, {"auth_req_id": ""})) == "invalid_grant"
    assert (await poll(world, service, request)).status_code == 200
    for _ in range(2):
        world.clock.pass_by(6)
        assert error(await poll(world, service, request)) == "invalid_grant"


async def test_k6_the_interval_grows_by_five_seconds_at_each_slow_down(small_world: World) -> None:
    service = await small_world.service(ciba="poll")
    request = await started(small_world, service, requested_expiry="300")
    assert request["interval"] == 5
    said = []
    for passed in (0, 1, 5, 9, 14, 20, 25):
        small_world.clock.pass_by(passed)
        said.append(error(await poll(small_world, service, request)))
    # 5 s at first; too early at 1 (10), at 5 (15), at 9 (20), at 14 (25), at 20 (30), at 25 (35).
    assert said == ["authorization_pending", *["slow_down"] * 6]
    small_world.clock.pass_by(35)
    assert error(await poll(small_world, service, request)) == "authorization_pending"


async def test_k6_polls_sent_together_do_not_slip_past_the_interval(world: World) -> None:
    service = await world.service(ciba="poll")
    for _ in range(5):
        request = await started(world, service)
        answers = await asyncio.gather(*(poll(world, service, request) for _ in range(8)))
        said = sorted(error(answer) for answer in answers)
        assert said == ["authorization_pending", *["slow_down"] * 7]


async def test_k7_each_state_has_its_error(small_world: World) -> None:
    service, phone = await small_world.service(ciba="poll"), await small_world.phone("ana")
    plain = await small_world.service("plain")
    assert error(await ask(small_world, plain)) == "unauthorized_client"
    assert error(await poll(small_world, plain, {"auth_req_id": "x"})) == "unauthorized_client"
    for reason in ("changed_mind", "not_me"):
        request = await started(small_world, service)
        shown = (await phone.post("waiting", {"code": request["screen_code"]})).json()
        assert (await phone.post(f"asks/{shown['id']}/refuse", {"reason": reason})).status_code == 200
        assert error(await poll(small_world, service, request)) == "access_denied"
    late = await started(small_world, service, requested_expiry="10")
    assert error(await poll(small_world, service, late)) == "authorization_pending"
    small_world.clock.pass_by(11)
    assert error(await poll(small_world, service, late)) == "expired_token"
    assert (await phone.post("waiting", {"code": late["screen_code"]})).status_code == 410


async def test_k7_an_approval_in_the_past_of_its_expiry_gives_nothing(small_world: World) -> None:
    service, phone = await small_world.service(ciba="poll"), await small_world.phone("ana")
    request = await started(small_world, service, requested_expiry="10")
    shown = (await phone.post("waiting", {"code": request["screen_code"]})).json()
    small_world.clock.pass_by(11)
    assert (await phone.approve(shown)).status_code == 410
    assert error(await poll(small_world, service, request)) == "expired_token"


async def _ping_service(world: World) -> Service:
    return await world.service("pinged", ciba="ping", ping_uri="https://service.test/ping")


async def test_k8_a_ping_says_the_id_once_whatever_was_answered(small_world: World) -> None:
    service, phone = await _ping_service(small_world), await small_world.phone("ana")
    for status in (200, 204, 301, 401, 403, 500):
        outside = await with_outside(small_world, status)
        for answer in ("approved", "changed_mind"):
            outside.sent.clear()
            request = await started(small_world, service, client_notification_token=BEARER)
            await ping_clients(small_world.house, small_world.clock.now)
            await deliver(small_world.house, small_world.clock.now)
            assert outside.sent == []
            shown = (await phone.post("waiting", {"code": request["screen_code"]})).json()
            if answer == "approved":
                assert (await phone.approve(shown)).status_code == 200
            else:
                await phone.post(f"asks/{shown['id']}/refuse", {"reason": answer})
            for _ in range(3):
                await ping_clients(small_world.house, small_world.clock.now)
                await deliver(small_world.house, small_world.clock.now)
            ((url, headers, content),) = outside.sent
            assert url == "https://service.test/ping"
            assert content == f'{{"auth_req_id":"{request["auth_req_id"]}"}}'.encode()
            assert headers["Authorization"] == f"Bearer {BEARER}"
            assert headers["Content-Type"] == "application/json"
            small_world.clock.pass_by(60)
            outside.sent.clear()
            await deliver(small_world.house, small_world.clock.now)
            # Only a server error is worth a second call (CIBA section 10.2).
            again = [sent for _, _, sent in outside.sent if sent == content]
            assert len(again) == (1 if status == 500 else 0)
            got = await poll(small_world, service, request)
            assert got.status_code == (200 if answer == "approved" else 400)


async def test_k8_hundreds_of_requests_that_nobody_answers_do_not_hold_a_ping_back(small_world: World) -> None:
    service, phone = await _ping_service(small_world), await small_world.phone("ana")
    outside = await with_outside(small_world)
    for _ in range(250):
        await started(small_world, service, client_notification_token=BEARER)
    hers = await started(small_world, service, client_notification_token=BEARER, login_hint=NUMBER)
    for _ in range(250):
        await started(small_world, service, client_notification_token=BEARER, login_hint="99700999925")
    await approve(phone, hers)
    await ping_clients(small_world.house, small_world.clock.now)
    await deliver(small_world.house, small_world.clock.now)
    ((_, _, content),) = outside.sent
    assert hers["auth_req_id"].encode() in content


async def test_k8_one_dead_client_does_not_hold_back_an_approval(small_world: World) -> None:
    service, phone = await _ping_service(small_world), await small_world.phone("ana")
    request = await started(small_world, service, client_notification_token=BEARER)
    await approve(phone, request)
    assert (await poll(small_world, service, request)).status_code == 200


async def test_k9_k12_k16_push_user_codes_and_signed_requests_are_not_announced(small_world: World) -> None:
    said = (await small_world.browser().get("/.well-known/openid-configuration")).json()
    assert said["backchannel_token_delivery_modes_supported"] == ["poll", "ping"]
    assert said.get("backchannel_user_code_parameter_supported", False) is False
    assert not said.get("backchannel_authentication_request_signing_alg_values_supported")
    assert GRANT in said["grant_types_supported"]
    assert said["backchannel_authentication_endpoint"].endswith(PATHS["backchannel_authentication_endpoint"])


async def test_k10_a_notification_token_is_a_bearer_token(small_world: World) -> None:
    service = await _ping_service(small_world)
    for odd in (None, "", "short", "a" * 21, "a" * 1025, "a" * 30 + "\r\nX: y", "a b" * 10, "é" * 30, "a" * 30 + '"'):
        answer = await ask(small_world, service, client_notification_token=odd)
        assert error(answer) == "invalid_request", odd
    assert (await ask(small_world, service, client_notification_token="a" * 1024)).status_code == 200


async def test_k11_a_ping_goes_nowhere_private(small_world: World) -> None:
    facts: dict[str, Any] = {"id": "c", "name": "C", "ciba": "ping"}
    for address in ("http://service.test/ping", "ftp://service.test/", "https://user@service.test/", "", "//x/y"):
        with pytest.raises(ValueError):
            check_client(Client(**facts, ping_uri=address))
    service = await small_world.service("inside", ciba="ping", ping_uri="https://127.0.0.1:1/ping")
    phone = await small_world.phone("ana")
    request = await started(small_world, service, client_notification_token=BEARER)
    await approve(phone, request)
    await ping_clients(small_world.house, small_world.clock.now)
    await deliver(small_world.house, small_world.clock.now)
    row = await small_world.house.db.one("SELECT outcome FROM signin_deliveries WHERE kind = 'ping'")
    assert row is not None
    assert "refused" in row["outcome"]
    assert (await poll(small_world, service, request)).status_code == 200


async def test_k14_a_thousand_numbers_from_one_client_ring_nobody(small_world: World) -> None:
    service, phone = await small_world.service(ciba="poll"), await small_world.phone("ana")
    for number in range(200):
        assert (await ask(small_world, service, login_hint=f"997{number:08}")).status_code == 200
        if number % 4 == 0:
            assert (await ask(small_world, service)).status_code == 200
    assert await ringing(small_world) == []
    assert not await wake_phones(small_world.house, small_world.clock.now)
    assert len((await phone.get("waiting")).json()["waiting"]) == 5


async def test_k15_a_silent_request_opens_by_its_code_alone(small_world: World) -> None:
    service = await small_world.service(ciba="poll")
    ana, bea = await small_world.phone("ana"), await small_world.phone("bea")
    request = await started(small_world, service)
    listed = await ana.get("waiting")
    assert set(listed.json()["waiting"][0]) == {"service", "place", "opened_at"}
    assert request["screen_code"].replace(" ", "") not in listed.text
    for wrong in ("", "0000 0000", request["screen_code"][:-1], request["screen_code"] + "0", "é" * 99):
        assert (await ana.post("waiting", {"code": wrong})).status_code == 410
    # Not even with the right code on another holder's phone.
    assert (await bea.post("waiting", {"code": request["screen_code"]})).status_code == 410
    row = await small_world.house.db.one("SELECT id FROM phone_asks")
    assert row is not None
    for reason in ("not_me", "changed_mind"):
        assert (await bea.post(f"asks/{row['id']}/refuse", {"reason": reason})).status_code == 410
    assert error(await poll(small_world, service, request)) == "authorization_pending"
    # People read 0 as O and 1 as I; capitals and spaces do not count.
    typed = request["screen_code"].lower().replace("0", "o").replace("1", "l").replace(" ", "-")
    shown = await ana.post("waiting", {"code": typed})
    assert shown.status_code == 200
    assert shown.json()["options"]["challenge"]


async def test_k15_another_of_her_phones_cannot_answer_what_one_took(small_world: World) -> None:
    service = await small_world.service(ciba="poll")
    one, two = await small_world.phone("ana"), await small_world.phone("ana")
    request = await started(small_world, service)
    shown = (await one.post("waiting", {"code": request["screen_code"]})).json()
    assert (await two.post("waiting", {"code": request["screen_code"]})).status_code == 410
    assert (await two.approve(shown)).status_code == 410
    assert (await one.approve(shown)).status_code == 200
    assert (await one.approve(shown)).status_code == 410


async def test_k17_the_id_token_says_how_and_when_and_for_which_request(small_world: World) -> None:
    service, phone = await small_world.service(ciba="poll"), await small_world.phone("ana")
    request = await started(small_world, service)
    await approve(phone, request)
    got = await poll(small_world, service, request)
    assert got.headers["cache-control"] == "no-store"
    claims = claims_of(got.json()["id_token"])
    assert claims["auth_time"] == int(small_world.clock.now)
    assert claims["acr"] == "eidas1"
    assert claims["amr"] == ["pop", "user", "mfa"]
    assert claims["aud"] == "service"
    assert claims["urn:openid:params:jwt:claim:auth_req_id"] == request["auth_req_id"]
    half = hashlib.sha256(got.json()["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == tokens.encode(half)


async def test_k18_a_ciba_session_is_on_her_page_and_can_be_ended_there(small_world: World) -> None:
    service = await small_world.service(ciba="poll", logout_uri="https://service.test/out")
    phone, desk = await small_world.phone("ana"), small_world.desk()
    request = await started(small_world, service)
    await approve(phone, request)
    got = (await poll(small_world, service, request)).json()
    await small_world.sign_in(desk, phone, await small_world.service("web"))
    shown = (await desk.http.get("/security")).text
    sid = claims_of(got["id_token"])["sid"]
    assert f'data-sign-in="{sid}"' in shown
    ended = await desk.http.post(f"/security/sessions/{sid}/end", headers={"Origin": ORIGIN})
    assert ended.status_code == 303, ended.text
    assert (await small_world.userinfo(got["access_token"])).status_code == 401
    refresh = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]}
    assert error(await small_world.token(service, refresh)) == "invalid_grant"
    outside = await with_outside(small_world)
    await deliver(small_world.house, small_world.clock.now)
    ((url, _, content),) = outside.sent
    assert url == "https://service.test/out"
    assert sid in str(claims_of(content.decode().partition("=")[2]))


async def _bonds(world: World, client_id: str = "service") -> tuple[Service, Phone, dict[str, Any]]:
    """A client that signed her in once by CIBA, and what it holds."""
    service, phone = await world.service(client_id, ciba="poll"), await world.phone("ana")
    request = await started(world, service)
    await approve(phone, request)
    return service, phone, (await poll(world, service, request)).json()


async def test_a_bond_rings_and_her_approval_of_the_ring_signs_in(world: World) -> None:
    service, phone, got = await _bonds(world)
    for hint in ({"id_token_hint": got["id_token"]}, {"login_hint_token": got["login_hint_token"]}):
        request = await started(world, service, login_hint=None, **hint)
        (shown,) = await ringing(world)
        assert shown.kind == "ring"
        (device,) = await devices_of(world.house.db, await world.holder("ana"), "phone")
        assert (await phone.approve(_told(world.house, shown, device))).status_code == 200
        assert (await poll(world, service, request)).status_code == 200
        assert await ringing(world) == []


async def test_a_hint_that_is_no_bond_is_refused_and_rings_nobody(small_world: World) -> None:
    service, _, got = await _bonds(small_world)
    other = await small_world.service("other", ciba="poll")
    house, now = small_world.house, small_world.clock.now
    claims = claims_of(got["id_token"])
    foreign = await sign(house, now, "ES256", {**claims, "aud": "other", "iss": "https://elsewhere.test"})
    logout = await sign(house, now, "ES256", claims, typ="logout+jwt")
    head, body, signature = got["id_token"].split(".")
    bent = f"{head}.{tokens.encode(tokens.decode(body).replace(b'eidas1', b'eidas2'))}.{signature}"
    for client, hint, text in (
        (other, "id_token_hint", got["id_token"]),
        (other, "login_hint_token", got["login_hint_token"]),
        (service, "id_token_hint", got["access_token"]),
        (service, "id_token_hint", got["login_hint_token"]),
        (service, "login_hint_token", got["id_token"]),
        (service, "login_hint_token", got["refresh_token"]),
        (service, "id_token_hint", logout),
        (service, "id_token_hint", foreign),
        (service, "id_token_hint", bent),
        (service, "id_token_hint", unsigned({"alg": "none"}, claims)),
        (service, "id_token_hint", unsigned({"alg": "none", "typ": "JWT"}, claims, signature)),
        (service, "id_token_hint", "x"),
        (service, "login_hint_token", NUMBER),
    ):
        assert error(await ask(small_world, client, **{"login_hint": None, hint: text})) == "invalid_request", hint
    small_world.clock.pass_by(91 * 86400)
    late = await ask(small_world, service, login_hint=None, login_hint_token=got["login_hint_token"])
    assert error(late) == "expired_login_hint_token"
    small_world.clock.pass_by(-91 * 86400)
    assert await ringing(small_world) == []


async def test_a_bonded_client_rings_three_times_at_most_and_never_after_not_me(small_world: World) -> None:
    service, phone, got = await _bonds(small_world)
    (device,) = await devices_of(small_world.house.db, await small_world.holder("ana"), "phone")

    async def ring() -> dict[str, Any]:
        return await started(small_world, service, login_hint=None, id_token_hint=got["id_token"])

    for number in range(6):
        request = await ring()
        assert len(await ringing(small_world)) == min(number + 1, 3)
    # The fourth waits in silence, and its code still works.
    await approve(phone, request)
    small_world.clock.pass_by(400)
    await ring()
    (shown,) = await ringing(small_world)
    told = _told(small_world.house, shown, device)
    assert (await phone.post(f"asks/{told['id']}/refuse", {"reason": "not_me"})).status_code == 200
    for _ in range(3):
        await ring()
        assert await ringing(small_world) == []
    assert (await small_world.browser().post(TOKEN)).status_code in (400, 401)
    # She is not locked out: the next sign-in by scanning gives the rings back.
    await small_world.sign_in(small_world.desk(), phone, await small_world.service("web"))
    await ring()
    assert len(await ringing(small_world)) == 1


async def test_her_bond_of_a_session_that_was_disowned_still_needs_her_phone(small_world: World) -> None:
    service, phone, got = await _bonds(small_world)
    history = (await phone.get("history")).json()["history"]
    assert (await phone.post(f"history/{history[0]['ask']}/not-me")).status_code == 200
    assert (await small_world.userinfo(got["access_token"])).status_code == 401
    await started(small_world, service, login_hint=None, id_token_hint=got["id_token"])
    assert await ringing(small_world) == []
    # Once she has signed in again her phones may ring, but not by a bond of the sign-in that was not hers.
    await small_world.sign_in(small_world.desk(), phone, await small_world.service("another"))
    await started(small_world, service, login_hint=None, id_token_hint=got["id_token"])
    await started(small_world, service, login_hint=None, login_hint_token=got["login_hint_token"])
    assert await ringing(small_world) == []
