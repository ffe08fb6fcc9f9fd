"""Input that no honest client sends: every door answers with a refusal, never with a stumble (C2, C11, P6)."""

import base64
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from lucine.safe import tokens
from lucine.signin.clients import SCOPES
from tests.world import ORIGIN, SERVICE, World

from .kit import (
    CIBA,
    INTROSPECT,
    LOGOUT,
    PAR,
    REVOKE,
    TOKEN,
    USERINFO,
    asking,
    assertion,
    code_form,
    keyed,
    proof,
    refreshing,
    with_assertion,
)

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BACK_CHANNEL = (TOKEN, INTROSPECT, REVOKE, PAR, CIBA)


async def test_c2_a_parameter_given_twice_is_refused_at_every_endpoint(small_world: World) -> None:
    service = await small_world.service(ciba="poll")
    browser = small_world.browser()
    twice = {
        TOKEN: "grant_type=authorization_code&code=a&code=b",
        INTROSPECT: "token=a&token=a",
        REVOKE: "token=a&token=b",
        PAR: urlencode(asking(service)) + "&scope=openid",
        CIBA: "scope=openid&login_hint=1&login_hint=2",
    }
    for path, form in twice.items():
        refused = await browser.post(path, content=form, headers=FORM, auth=service.basic)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request"), path
    for path in ("/auth", LOGOUT):
        for form in ("client_id=service&client_id=service", "state=1&state=2", "x=1&x=1"):
            for refused in (await browser.get(f"{path}?{form}"), await browser.post(path, content=form, headers=FORM)):
                # A form that carries no hint is asked for again by GET, where the browser sends its cookies.
                if refused.status_code == 303:
                    refused = await browser.get(refused.headers["location"])
                assert (refused.status_code, "location" in refused.headers) == (400, False)
    token = await browser.post(USERINFO, content="access_token=a&access_token=b", headers=FORM)
    assert (token.status_code, token.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("path", BACK_CHANNEL)
async def test_c11_every_error_of_the_back_channel_is_json_that_nobody_keeps(small_world: World, path: str) -> None:
    service = await small_world.service()
    browser = small_world.browser()
    answers = [
        await browser.post(path),
        await browser.post(path, json={"grant_type": "x"}, auth=service.basic),
        await browser.post(path, content="x" * 70_000, headers=FORM, auth=service.basic),
        await browser.post(path, content=b"a=\xff", headers=FORM, auth=service.basic),
        await browser.post(path, content=b"a=%ff", headers=FORM, auth=service.basic),
        await browser.post(path, content="&".join(f"a{n}=1" for n in range(200)), headers=FORM, auth=service.basic),
        await browser.post(path, data={"client_id": "nobody"}),
        await browser.post(path, data={"x": "1"}, auth=("service", "wrong")),
    ]
    assert [answer.status_code for answer in answers] == [400, 400, 413, 400, 400, 400, 401, 401]
    for answer in answers:
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
        said = answer.json()
        assert said["error"] in ("invalid_request", "invalid_client")
        # RFC 6749 section 5.2: no quote, no backslash, nothing beyond ASCII.
        assert all(" " <= character <= "~" and character not in '"\\' for character in said["error_description"])
    assert answers[-1].headers["www-authenticate"].startswith("Basic")
    assert (await browser.get(path)).status_code == 405


async def test_c11_an_error_description_repeats_nothing_dangerous(small_world: World) -> None:
    service = await small_world.service()
    long = 'é"\\' + "x" * 30
    back = await small_world.desk().authorize(service, **{long: "y" * 3000})
    assert back.status_code == 303
    odd = await small_world.browser().post(TOKEN, content="a=1", headers={"Content-Type": 'text/"\\x"'})
    assert all(" " <= character <= "~" and character not in '"\\' for character in odd.json()["error_description"])


DEEP = "[" * 5000
HUGE = "9" * 400


async def test_deep_and_huge_json_in_every_jwt_is_refused(small_world: World) -> None:
    service, key = await keyed(small_world)
    basic = await small_world.service("basic", post_logout_redirect_uris=[f"{SERVICE}/bye"])
    browser = small_world.browser()
    deep = tokens.encode(DEEP.encode())
    texts = [f"{deep}.{deep}.x", f"e30.{deep}.x", f"{deep}.e30.x", "e30.e30.e30", "..", ".", "a.b.c.d.e", "é.é.é"]
    texts += [tokens.encode(b'{"alg":"ES256","typ":"dpop+jwt","jwk":' + jwk + b"}") + ".e30.x"
              for jwk in (b"[]", b"{}", b"1", b"null", b'{"kty":1}', b'{"kty":"EC","crv":"P-256","x":"a","y":"b"}',
                          b'{"kty":"EC","crv":"P-256","x":1,"y":2}', b'{"kty":"RSA","n":"","e":""}',
                          b'{"kty":"OKP","crv":"Ed25519","x":""}', b'{"kty":"oct"}')]  # fmt: skip
    for text in texts:
        form = {"grant_type": "authorization_code", "code": "x"}
        asserted = await browser.post(TOKEN, data=with_assertion(text, **form))
        assert (asserted.status_code, asserted.json()["error"]) == (401, "invalid_client"), text[:80]
        proved = await browser.post(TOKEN, data=form, auth=basic.basic, headers={b"DPoP": text.encode()})
        assert (proved.status_code, proved.json()["error"]) == (400, "invalid_dpop_proof"), text[:80]
        borne = await browser.get(USERINFO, headers={b"Authorization": b"Bearer " + text.encode()})
        assert borne.status_code == 401, text[:80]
        seen = await browser.post(INTROSPECT, data={"token": text}, auth=basic.basic)
        assert seen.json() == {"active": False}
        assert (await browser.post(REVOKE, data={"token": text}, auth=basic.basic)).status_code == 200
        left = await browser.get(LOGOUT, params={"id_token_hint": text})
        assert left.status_code == 200
        hinted = await small_world.desk().authorize(basic, id_token_hint=text[:2000], prompt="none")
        assert "login_required" in hinted.headers["location"]
    assert service.client.id == "keyed"
    assert key


@pytest.mark.parametrize(
    "bend", [{"iat": int(HUGE)}, {"jti": "\ud800"}, {"htm": []}, {"htu": "https://[x"}, {"iat": True}]
)
async def test_d1_odd_values_in_a_proof_are_refused(small_world: World, bend: dict[str, Any]) -> None:
    service = await small_world.service()
    text = proof(small_world, ECKey.generate_key("P-256"), TOKEN, **bend)
    refused = await small_world.token(service, {"grant_type": "authorization_code"}, headers={"DPoP": text})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize(
    "bend",
    [{"exp": int(HUGE)}, {"nbf": int(HUGE)}, {"jti": "\ud800"}, {"jti": ["x"]}, {"iss": ["keyed"]}, {"exp": True},
     {"exp": float("nan")}, {"exp": float("inf")}, {"nbf": "x"}, {"aud": {}}, {"sub": "a\x00b"}, {"sub": ["keyed"]}],
)  # fmt: skip
async def test_c14_odd_values_in_an_assertion_are_refused(world: World, bend: dict[str, Any]) -> None:
    _, key = await keyed(world)
    text = assertion(world, "keyed", key, **bend)
    refused = await world.token(await world.service("x"), with_assertion(text, grant_type="authorization_code"))
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


async def test_a_zero_byte_is_refused_wherever_it_comes_in(world: World) -> None:
    """PostgreSQL keeps no U+0000 in a text: it must not reach a statement."""
    service = await world.service()
    browser = world.browser()
    zero = base64.b64encode(b"a\x00b:c").decode()
    for path in BACK_CHANNEL:
        refused = await browser.post(path, data={"x": "1"}, headers={"Authorization": f"Basic {zero}"})
        assert refused.status_code == 401, path
        encoded = base64.b64encode(b"a%00b:c").decode()
        refused = await browser.post(path, data={"x": "1"}, headers={"Authorization": f"Basic {encoded}"})
        assert refused.status_code == 401, path
    for path in (
        "/start/a%00b",
        "/start/a%00b/events",
        "/static/a%00b",
        "/auth?client_id=a%00b",
        f"{LOGOUT}?client_id=a%00b",
    ):
        assert (await browser.get(path)).status_code in (200, 400, 404), path
    phone, desk = await world.phone("ana"), world.desk()
    await world.sign_in(desk, phone, service)
    for path in ("sessions/a%00b/end", "sign-ins/a%00b/not-me", "phones/a%00b/off", "browsers/a%00b/forget",
                 "passkeys/a%00b/delete"):  # fmt: skip
        refused = await desk.http.post(f"/security/{path}", headers={"Origin": ORIGIN})
        assert refused.status_code < 500, path
    refused = await desk.http.post("/security/phones/x/rename", data={"name": "a\x00b"}, headers={"Origin": ORIGIN})
    assert refused.status_code == 400
    for path, body in (
        ("claims", {"code": "a\x00b"}),
        ("waiting", {"code": "a\x00b"}),
        ("asks/a%00b/approve", {"credential": {"id": "a\x00b"}}),
        ("asks/a%00b/refuse", {"reason": "not_me"}),
        ("history/a%00b/not-me", {}),
        ("enrolments/options", {"voucher": "a\x00b"}),
        ("codes", {"number": "a\x00b", "mail": "a\x00b", "mobile": "a\x00b"}),
        ("quiet", {"start": "\x00", "end": "\x00"}),
    ):
        refused = await phone.post(path, body)
        assert 400 <= refused.status_code < 500, (path, refused.text)
    await desk.open_start(await desk.authorize(service, prompt="login"))
    credential = {"id": "a\x00b", "rawId": "", "response": {}, "type": "public-key"}
    refused = await desk.post(f"/start/{desk.start}/passkey", {"credential": credential})
    assert 400 <= refused.status_code < 500


async def test_deep_json_bodies_are_refused(small_world: World) -> None:
    service, phone, desk = await small_world.service(), await small_world.phone("ana"), small_world.desk()
    await desk.open_start(await desk.authorize(service))
    deep = '{"credential":' + DEEP
    for client, path in ((desk.http, f"/start/{desk.start}/passkey"), (phone.http, "/phone/api/asks/x/approve")):
        refused = await client.post(path, content=deep, headers={"Origin": ORIGIN, "Content-Type": "application/json"})
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


async def test_a_refused_request_changes_nothing_that_a_right_one_needs(small_world: World) -> None:
    """A wrong DPoP key or a wider scope must not burn the refresh token of the rightful client."""
    service = await small_world.service()
    got = (await small_world.token(service, await code_form(small_world, service, scope="openid"))).json()
    wider = await small_world.token(service, refreshing(got, scope=" ".join(SCOPES)))
    assert (wider.status_code, wider.json()["error"]) == (400, "invalid_scope"), "RFC 6749 section 5.2"
    stray = proof(small_world, ECKey.generate_key("P-256"), TOKEN)
    other = await small_world.token(service, refreshing(got), headers={"DPoP": stray})
    assert other.json()["error"] == "invalid_grant"
    assert (await small_world.token(service, refreshing(got))).status_code == 200


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=200) | st.binary(max_size=200).map(lambda b: b.decode("latin-1")))
async def test_any_text_as_a_token_is_just_not_good(small_world: World, text: str) -> None:
    from lucine.signin.grants import read_access_token
    from lucine.signin.signing_keys import read_own

    assert await read_access_token(small_world.house, small_world.clock.now, text) is None
    assert await read_own(small_world.house, small_world.clock.now, text, typ="login-hint+jwt") is None
