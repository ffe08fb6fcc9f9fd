"""How tokens are born, bound, shrunk, shown and ended (C7, C9, C10, C12, C15, C20, I1 to I3, R1, R2, B6)."""

import asyncio
import base64
import hashlib
import math
from collections import Counter
from typing import Any
from urllib.parse import quote_plus

import pytest
from joserfc.jwk import ECKey

from lucine.safe import tokens
from lucine.signin.chores import clean_signin
from lucine.signin.sessions import end_idle_sessions, end_sessions
from tests.world import ORIGIN, SERVICE, Service, World

from .conftest import OpenWorld
from .kit import (
    INTROSPECT,
    PAR,
    REVOKE,
    TOKEN,
    USERINFO,
    asking,
    assertion,
    came_back,
    claims_of,
    code_form,
    header_of,
    refreshing,
    with_assertion,
)

TOGETHER = 8


async def _refresh(world: World, service: Service, got: dict[str, Any], **more: str) -> dict[str, Any]:
    answer = await world.token(service, refreshing(got, **more))
    assert answer.status_code == 200, answer.text
    new: dict[str, Any] = answer.json()
    return new


async def _active(world: World, service: Service, token: str) -> bool:
    answer = await world.browser().post(INTROSPECT, data={"token": token}, auth=service.basic)
    return bool(answer.json()["active"])


# Codes


async def test_c10_eight_redemptions_at_once_give_one_answer_and_end_what_it_gave(world: World) -> None:
    service = await world.service()
    form = await code_form(world, service)
    answers = await asyncio.gather(*(world.token(service, form) for _ in range(TOGETHER)))
    won = [answer for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    assert {answer.json()["error"] for answer in answers if answer not in won} == {"invalid_grant"}
    assert (await world.userinfo(won[0].json()["access_token"])).status_code == 401, "a raced code's tokens die"


async def test_c10_a_late_replay_still_ends_the_tokens(world: World) -> None:
    """RFC 6749 section 4.1.2: also after the code's minute, and after the chores have cleaned up."""
    service = await world.service()
    form = await code_form(world, service)
    got = (await world.token(service, form)).json()
    world.clock.pass_by(90)
    await clean_signin(world.house, world.clock.now)
    got = await _refresh(world, service, got)
    assert (await world.token(service, form)).json()["error"] == "invalid_grant"
    assert (await world.userinfo(got["access_token"])).status_code == 401
    assert (await world.token(service, refreshing(got))).json()["error"] == "invalid_grant"


async def test_c10_a_code_is_good_until_its_sixtieth_second(small_world: World) -> None:
    service, desk = await small_world.service(), small_world.desk()
    await small_world.sign_in(desk, await small_world.phone("ana"), service)
    for seconds, status in ((59, 200), (60, 400)):
        back = came_back(await desk.authorize(service))
        small_world.clock.pass_by(seconds)
        assert (await small_world.redeem(desk, service, back)).status_code == status


async def test_c10_another_clients_replay_ends_nothing(small_world: World) -> None:
    service, other = await small_world.service(), await small_world.service("other")
    form = await code_form(small_world, service)
    got = (await small_world.token(service, form)).json()
    assert (await small_world.token(other, form)).json()["error"] == "invalid_grant"
    assert (await small_world.userinfo(got["access_token"])).status_code == 200


async def test_c10_a_code_dies_with_its_session(small_world: World) -> None:
    service, desk = await small_world.service(), small_world.desk()
    back = await small_world.sign_in(desk, await small_world.phone("ana"), service)
    await desk.http.post("/security/sessions/end-all", headers={"Origin": ORIGIN})
    assert (await small_world.redeem(desk, service, back)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("length", [1, 42, 43, 128, 129, 500])
async def test_b2_verifiers_are_of_43_to_128_characters(small_world: World, length: int) -> None:
    """RFC 7636 section 4.1, even where the challenge fits."""
    service, desk = await small_world.service(), small_world.desk()
    verifier = "v" * length
    challenge = tokens.encode(hashlib.sha256(verifier.encode()).digest())
    back = await small_world.sign_in(desk, await small_world.phone("ana"), service, code_challenge=challenge)
    desk.verifier = verifier
    answer = await small_world.redeem(desk, service, back)
    assert answer.status_code == (200 if 43 <= length <= 128 else 400)


async def test_p1_every_secret_is_unguessable(small_world: World) -> None:
    """At least 128 bits (OAuch, FAPI 2): by length, and no two alike or with a common beginning."""
    service, desk = await small_world.service(ciba="poll"), small_world.desk()
    got, _, _ = await small_world.tokens("bea", service)
    await small_world.sign_in(desk, await small_world.phone("ana"), service)
    seen: dict[str, list[str]] = {"code": [], "refresh": [], "par": [], "jti": [], "cookie": []}
    for _ in range(20):
        back = came_back(await desk.authorize(service))
        seen["code"].append(back["code"])
        got = (await small_world.redeem(desk, service, back)).json()
        seen["refresh"].append(got["refresh_token"])
        seen["jti"].append(claims_of(got["access_token"])["jti"])
        pushed = await small_world.browser().post(PAR, data=asking(service), auth=service.basic)
        seen["par"].append(pushed.json()["request_uri"].rpartition(":")[2])
        opened = await small_world.browser().get("/auth", params=asking(service))
        seen["cookie"].append(opened.cookies["__Host-visit"])
    for name, values in seen.items():
        assert len(set(values)) == 20, name
        assert len({value[:8] for value in values}) == 20, name
        counted = Counter("".join(values))
        total = counted.total()
        entropy = -sum(n / total * math.log2(n / total) for n in counted.values())
        assert entropy * min(map(len, values)) >= 128, name
        assert all(character.isalnum() or character in "-_." for value in values for character in value), name


# Refresh


async def test_c15_eight_refreshes_at_once_give_one_answer(world: World) -> None:
    got, service, _ = await world.tokens()
    answers = await asyncio.gather(*(world.token(service, refreshing(got)) for _ in range(TOGETHER)))
    won = [answer for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    assert (await world.token(service, refreshing(won[0].json()))).json()["error"] == "invalid_grant"


async def test_c15_a_shrunken_token_shows_less_everywhere(small_world: World) -> None:
    got, service, _ = await small_world.tokens()
    less = await _refresh(small_world, service, got, scope="openid")
    token = less["access_token"]
    assert less["scope"] == claims_of(token)["scope"] == "openid"
    assert set((await small_world.userinfo(token)).json()) == {"sub"}
    seen = await small_world.browser().post(INTROSPECT, data={"token": token}, auth=service.basic)
    assert seen.json()["scope"] == "openid"
    whole = await _refresh(small_world, service, less)
    assert whole["scope"] == "openid scope_all", "asking for nothing means what was granted (RFC 6749 section 6)"
    assert "SubjectNameID" in (await small_world.userinfo(whole["access_token"])).json()


@pytest.mark.parametrize(
    "scope", ["profile", "openid profile", "openid openid2", "offline_access", "OPENID", "scope_all"]
)
async def test_c15_c9_a_scope_that_grows_or_drops_openid_is_refused(small_world: World, scope: str) -> None:
    service = await small_world.service()
    got = (await small_world.token(service, await code_form(small_world, service, scope="openid scope_all"))).json()
    refused = await small_world.token(service, refreshing(got, scope=scope))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")
    await _refresh(small_world, service, got, scope="openid  scope_all")


async def test_c15_refresh_tokens_end_with_their_time_and_their_session(open_small: OpenWorld) -> None:
    async with open_small(refresh_token_seconds=600, session_seconds=2000, session_idle_seconds=900) as world:
        got, service, _ = await world.tokens()
        for _ in range(3):
            world.clock.pass_by(550)
            got = await _refresh(world, service, got)
        assert got["refresh_expires_in"] == 350, "no longer than the session"
        world.clock.pass_by(351)
        assert (await world.token(service, refreshing(got))).json()["error"] == "invalid_grant"


async def test_c15_a_refresh_does_not_wake_an_idle_session(open_small: OpenWorld) -> None:
    async with open_small(refresh_token_seconds=3600, session_idle_seconds=600) as world:
        got, service, _ = await world.tokens()
        world.clock.pass_by(599)
        got = await _refresh(world, service, got)
        world.clock.pass_by(599)
        got = await _refresh(world, service, got)
        world.clock.pass_by(601)
        assert (await world.token(service, refreshing(got))).json()["error"] == "invalid_grant"
        assert await end_idle_sessions(world.house, world.clock.now), "it was still to be ended, and is now"


async def test_l7_no_refresh_token_outlives_its_logout(small_world: World) -> None:
    service = await small_world.service()
    form = await code_form(small_world, service, scope="openid offline_access")
    got = (await small_world.token(service, form)).json()
    assert "offline_access" not in got["scope"]
    holder = await small_world.house.db.one("SELECT holder FROM signin_sessions")
    assert holder
    async with small_world.house.db.transaction() as db:
        house = small_world.house
        await end_sessions(db, small_world.clock.now, house.keys, house.settings, holder=holder["holder"], why="test")
    assert (await small_world.token(service, refreshing(got))).json()["error"] == "invalid_grant"


async def test_c7_a_refreshed_id_token_is_about_the_same_sign_in(small_world: World) -> None:
    """OIDC Core 12.2: iss, sub, aud, auth_time stay, iat moves."""
    got, service, _ = await small_world.tokens()
    small_world.clock.pass_by(100)
    first, second = claims_of(got["id_token"]), claims_of((await _refresh(small_world, service, got))["id_token"])
    for name in ("iss", "sub", "aud", "azp", "auth_time", "sid", "acr"):
        assert first[name] == second[name], name
    assert second["iat"] == first["iat"] + 100


@pytest.mark.parametrize("alg", ["ES256", "RS256"])
async def test_c7_c20_the_id_token_member_by_member(small_world: World, alg: str) -> None:
    small_world.clock.pass_by(0.75)
    service = await small_world.service(alg=alg)
    got = (await small_world.token(service, await code_form(small_world, service, nonce=None))).json()
    claims, header = claims_of(got["id_token"]), header_of(got["id_token"])
    assert header["alg"] == header_of(got["access_token"])["alg"] == alg
    assert set(header) == {"alg", "kid", "typ"}
    assert claims["aud"] == claims["azp"] == "service"
    assert "nonce" not in claims, "none was given, none is invented"
    assert all(type(claims[name]) is int for name in ("iat", "exp", "auth_time")), "whole seconds"
    assert claims["auth_time"] <= claims["iat"] <= small_world.clock.now < claims["exp"]


async def test_c7_a_long_nonce_travels_whole_or_not_at_all(small_world: World) -> None:
    service = await small_world.service()
    for nonce in ("n" * 384, "é漢\"'<>&", "n" * 2048):
        form = await code_form(small_world, service, nonce=nonce)
        got = (await small_world.token(service, form)).json()
        assert claims_of(got["id_token"])["nonce"] == nonce


async def test_c6_acr_is_what_was_done_not_what_was_asked(small_world: World) -> None:
    service = await small_world.service()
    for asked in ("eidas3", "0", "eidas1 eidas2", "x" * 500, None):
        got = (await small_world.token(service, await code_form(small_world, service, acr_values=asked))).json()
        assert claims_of(got["id_token"])["acr"] == "eidas1"


# Userinfo


async def test_c9_userinfo_and_id_token_speak_of_the_same_person(small_world: World) -> None:
    for subject in ("pairwise", "psc"):
        got, _, _ = await small_world.tokens(service=await small_world.service(subject, subject=subject))
        said = await small_world.userinfo(got["access_token"])
        assert said.json()["sub"] == claims_of(got["id_token"])["sub"] == claims_of(got["access_token"])["sub"]
        assert said.headers["content-type"] == "application/json"
        assert said.headers["cache-control"] == "no-store"


async def test_c9_one_token_one_place(small_world: World) -> None:
    """RFC 6750 sections 2 and 3.1."""
    got, _, _ = await small_world.tokens()
    token = got["access_token"]
    browser, borne = small_world.browser(), {"Authorization": f"Bearer {token}"}
    two = await browser.post(USERINFO, headers=borne, data={"access_token": token})
    assert (two.status_code, two.json()["error"]) == (400, "invalid_request")
    in_query = await browser.get(USERINFO, params={"access_token": token})
    assert in_query.status_code == 401, "a token in an address ends in logs"
    assert in_query.headers["www-authenticate"] == "Bearer"
    for wrong in ("Basic eDp5", "Bearer", "Bearer ", f"Token {token}", f"Bearer {token} {token}", f"Bearer  {token}"):
        refused = await browser.get(USERINFO, headers={"Authorization": wrong})
        assert refused.status_code == 401, wrong
        assert "www-authenticate" in refused.headers
    for scheme in ("bearer", "BEARER"):
        assert (await small_world.userinfo(token, scheme)).status_code == 200
    as_json = await browser.post(USERINFO, json={"access_token": token})
    assert as_json.status_code == 401


async def test_b6_a_token_is_for_us_and_says_for_whom(small_world: World) -> None:
    got, _, _ = await small_world.tokens()
    claims = claims_of(got["access_token"])
    assert claims["aud"] == claims["iss"] == ORIGIN
    assert claims["client_id"] == "service"
    assert claims["exp"] - claims["iat"] == got["expires_in"] == 120


async def test_c9_a_removed_clients_tokens_are_dead(small_world: World) -> None:
    from lucine.signin.clients import remove_client

    got, service, _ = await small_world.tokens()
    other = await small_world.service("other")
    async with small_world.house.db.transaction() as db:
        await remove_client(db, small_world.clock.now, small_world.house.keys, "service")
    assert (await small_world.userinfo(got["access_token"])).status_code == 401
    assert (await small_world.token(service, refreshing(got))).status_code == 401
    assert not await _active(small_world, other, got["access_token"])


# Introspection and revocation


async def test_i1_i2_everything_that_is_not_mine_and_alive_looks_alike(small_world: World) -> None:
    got, service, desk = await small_world.tokens()
    other = await small_world.service("other")
    spent = got
    got = await _refresh(small_world, service, got)
    assert await _active(small_world, service, got["access_token"])
    assert await _active(small_world, service, got["refresh_token"])
    small_world.clock.pass_by(121)
    dead = [
        (service, got["access_token"]), (service, spent["refresh_token"]), (other, got["refresh_token"]),
        (other, got["access_token"]), (service, got["id_token"]), (service, "nothing"), (service, ""),
        (service, "x" * 10_000),
    ]  # fmt: skip
    for caller, token in dead:
        for hint in ({}, {"token_type_hint": "refresh_token"}, {"token_type_hint": "nonsense"}):
            answer = await small_world.browser().post(INTROSPECT, data={"token": token, **hint}, auth=caller.basic)
            assert (answer.status_code, answer.content) == (200, b'{"active":false}')
            assert "www-authenticate" not in answer.headers
    assert await _active(small_world, service, got["refresh_token"])
    await desk.http.post("/security/sessions/end-all", headers={"Origin": ORIGIN})
    assert not await _active(small_world, service, got["refresh_token"])


async def test_i1_nobody_asks_without_proving_who_he_is(small_world: World) -> None:
    service = await small_world.service("public", auth_method="none")
    form = {**await code_form(small_world, service), "client_id": "public"}
    got = (await small_world.token(service, form)).json()
    for data, auth in (
        ({}, None), ({"client_id": "public"}, None), ({"client_id": "nobody"}, None), ({}, ("public", "x")),
        ({}, ("public", "")),
    ):  # fmt: skip
        said: Any = {"auth": auth} if auth else {}
        refused = await small_world.browser().post(INTROSPECT, data={"token": got["access_token"], **data}, **said)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


async def test_i3_the_national_number_is_told_of_access_tokens_alone(small_world: World) -> None:
    """As Pro Santé Connect's introspection does, for clients with its form of identifiers."""
    for subject, told in (("psc", True), ("pairwise", False)):
        got, service, _ = await small_world.tokens(service=await small_world.service(subject, subject=subject))
        for token, of_access in ((got["access_token"], True), (got["refresh_token"], False)):
            answer = await small_world.browser().post(INTROSPECT, data={"token": token}, auth=service.basic)
            said = answer.json()
            assert said["active"] is True
            assert ("SubjectNameID" in said) == (told and of_access)
            assert {"exp", "client_id", "scope", "sid"} <= set(said)


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
async def test_r2_either_token_takes_the_other_with_it(world: World, which: str) -> None:
    got, service, _ = await world.tokens()
    revoked = await world.browser().post(REVOKE, data={"token": got[which]}, auth=service.basic)
    assert (revoked.status_code, revoked.content) == (200, b"")
    assert (await world.userinfo(got["access_token"])).status_code == 401
    assert not await _active(world, service, got["access_token"])
    assert not await _active(world, service, got["refresh_token"])
    assert (await world.token(service, refreshing(got))).json()["error"] == "invalid_grant"
    again = await world.browser().post(REVOKE, data={"token": got[which]}, auth=service.basic)
    assert again.status_code == 200


async def test_r2_an_expired_access_token_and_a_spent_refresh_token_still_revoke(small_world: World) -> None:
    for which in ("access_token", "refresh_token"):
        old, service, _ = await small_world.tokens(
            "ana" if which == "access_token" else "bea", await small_world.service(which)
        )
        new = await _refresh(small_world, service, old)
        small_world.clock.pass_by(121)
        await small_world.browser().post(REVOKE, data={"token": old[which]}, auth=service.basic)
        assert not await _active(small_world, service, new["refresh_token"]), which


async def test_r1_a_public_client_revokes_its_own_and_nobody_elses(small_world: World) -> None:
    public = await small_world.service("public", auth_method="none")
    form = {**await code_form(small_world, public), "client_id": "public"}
    got = (await small_world.token(public, form)).json()
    theirs, _, _ = await small_world.tokens("bea", await small_world.service())
    for token in (theirs["access_token"], theirs["refresh_token"], got["id_token"], "x"):
        answer = await small_world.browser().post(REVOKE, data={"client_id": "public", "token": token})
        assert answer.status_code == 200
    assert (await small_world.userinfo(theirs["access_token"])).status_code == 200
    assert (await small_world.userinfo(got["access_token"])).status_code == 200
    missing = await small_world.browser().post(REVOKE, data={"client_id": "public"})
    assert (missing.status_code, missing.json()["error"]) == (400, "invalid_request")
    await small_world.browser().post(REVOKE, data={"client_id": "public", "token": got["access_token"]})
    assert (await small_world.userinfo(got["access_token"])).status_code == 401


# Client authentication, every pair


async def test_c12_each_method_opens_its_own_door_and_no_other(small_world: World) -> None:
    """RFC 6749 section 2.3: what is registered, once; 16 pairs at five endpoints."""
    world = small_world
    key = ECKey.generate_key("P-256", parameters={"kid": "k"})
    methods: dict[str, dict[str, Any]] = {
        "client_secret_basic": {}, "client_secret_post": {}, "none": {}, "tls_client_auth": {"tls_subject": "CN=x"},
        "private_key_jwt": {"jwks": {"keys": [key.as_dict(private=False)]}},
    }  # fmt: skip
    services = {m: await world.service(m, auth_method=m, **facts) for m, facts in methods.items()}

    async def send(path: str, service: Service, used: tuple[str, ...]) -> int:
        form: dict[str, str] = {"token": "x", "grant_type": "x"}
        more: dict[str, Any] = {}
        client, secret = service.client.id, service.secret or "x"
        if "client_secret_basic" in used:
            more["auth"] = (client, secret)
        if "client_secret_post" in used:
            form |= {"client_id": client, "client_secret": secret}
        if "private_key_jwt" in used:
            form |= with_assertion(assertion(world, client, key))
        if used == ("none",):
            form["client_id"] = client
        answer = await world.browser().post(path, data=form, **more)
        return answer.status_code

    for method, service in services.items():
        for used in methods:
            status = await send(TOKEN, service, (used,))
            if used == "tls_client_auth":
                continue  # a certificate is not something a form can say
            good = method == used
            assert status == (400 if good else 401), (method, used)
            if good and method != "none":
                assert await send(INTROSPECT, service, (used,)) == 200
                assert await send(REVOKE, service, (used,)) == 200
        for pair in (("client_secret_basic", "client_secret_post"), ("client_secret_basic", "private_key_jwt"),
                     ("client_secret_post", "private_key_jwt")):  # fmt: skip
            assert await send(TOKEN, service, pair) == 400, (method, pair)


async def test_c12_who_used_basic_is_told_so_whatever_is_wrong(small_world: World) -> None:
    """RFC 6749 section 5.2: 401 with WWW-Authenticate for who tried the Authorization header."""
    await small_world.service("public", auth_method="none")
    await small_world.service("post", auth_method="client_secret_post")
    service = await small_world.service("basic")
    for auth in (("public", "x"), ("post", "x"), ("basic", "x"), ("nobody", "x"), ("basic", "")):
        refused = await small_world.browser().post(TOKEN, data={"grant_type": "x"}, auth=auth)
        assert (refused.status_code, refused.headers.get("www-authenticate", "")[:5]) == (401, "Basic"), auth
    in_query = await small_world.browser().post(
        f"{TOKEN}?client_id=post&client_secret={service.secret}", data={"grant_type": "x"}
    )
    assert in_query.status_code == 401, "secrets in addresses end in logs"
    stranger = await small_world.browser().post(
        TOKEN, data={"grant_type": "x", "client_id": "post"}, auth=service.basic
    )
    assert stranger.status_code == 401, "two clients in one request"


async def test_c13_secrets_are_form_decoded(small_world: World) -> None:
    """RFC 6749 section 2.3.1, with what people paste: our own secrets hold none of it, an older one may."""
    service = await small_world.service()
    odd = "a:/%+ é=&?"
    house = small_world.house
    async with house.db.transaction() as db:
        await db.run("UPDATE signin_clients SET secret = :secret", secret=house.keys.digest(f"client:service:{odd}"))
    header = base64.b64encode(f"service:{quote_plus(odd)}".encode()).decode()
    right = {"Authorization": f"Basic {header}"}
    raw = {"Authorization": "Basic " + base64.b64encode(f"service:{odd}".encode()).decode()}
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    assert (await small_world.browser().post(TOKEN, data=form, headers=right)).status_code == 400
    assert (await small_world.browser().post(TOKEN, data=form, headers=raw)).status_code == 401
    assert service.client.redirect_uris == [f"{SERVICE}/callback"]
