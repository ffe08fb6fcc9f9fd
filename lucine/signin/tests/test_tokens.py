"""Codes, tokens, userinfo, introspection, revocation."""

import hashlib

import pytest

from lucine.safe import tokens
from lucine.signin.discovery import PATHS
from lucine.signin.signing_keys import make_keys
from tests.world import ORIGIN, World

from .test_authorize import claims_of


async def test_c10_a_code_seen_twice_ends_what_it_gave(world: World) -> None:
    service, desk, phone = await world.service(), world.desk(), await world.phone("ana")
    back = await world.sign_in(desk, phone, service)
    first = await world.redeem(desk, service, back)
    assert first.status_code == 200
    assert (await world.userinfo(first.json()["access_token"])).status_code == 200
    second = await world.redeem(desk, service, back)
    assert (second.status_code, second.json()["error"]) == (400, "invalid_grant")
    assert (await world.userinfo(first.json()["access_token"])).status_code == 401
    refresh = {"grant_type": "refresh_token", "refresh_token": first.json()["refresh_token"]}
    assert (await world.token(service, refresh)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "bend",
    [
        {"code_verifier": "x" * 43},
        {"code_verifier": ""},
        {"redirect_uri": "https://service.test/other"},
        {"redirect_uri": ""},
        {"code": "nonsense"},
        {"code": ""},
    ],
)
async def test_b2_c10_a_code_is_bound_to_its_request(small_world: World, bend: dict[str, str]) -> None:
    service, desk, phone = await small_world.service(), small_world.desk(), await small_world.phone("ana")
    back = await small_world.sign_in(desk, phone, service)
    form = {
        "grant_type": "authorization_code", "code": back["code"], "redirect_uri": service.client.redirect_uris[0],
        "code_verifier": desk.verifier, **bend,
    }  # fmt: skip
    refused = await small_world.token(service, form)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


async def test_b2_a_verifier_without_a_challenge_is_refused(small_world: World) -> None:
    service, desk, phone = await small_world.service(), small_world.desk(), await small_world.phone("ana")
    back = await small_world.sign_in(desk, phone, service, code_challenge=None, code_challenge_method=None)
    assert (await small_world.redeem(desk, service, back)).json()["error"] == "invalid_grant"


async def test_c10_another_client_cannot_redeem_and_does_not_burn(small_world: World) -> None:
    service, other = await small_world.service(), await small_world.service("other")
    desk, phone = small_world.desk(), await small_world.phone("ana")
    back = await small_world.sign_in(desk, phone, service)
    assert (await small_world.redeem(desk, other, back)).json()["error"] == "invalid_grant"
    assert (await small_world.redeem(desk, service, back)).status_code == 200


async def test_c10_a_code_lives_sixty_seconds(small_world: World) -> None:
    service, desk, phone = await small_world.service(), small_world.desk(), await small_world.phone("ana")
    back = await small_world.sign_in(desk, phone, service)
    small_world.clock.pass_by(61)
    assert (await small_world.redeem(desk, service, back)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("alg", ["ES256", "RS256"])
async def test_c7_the_id_token_says_what_was_done(small_world: World, alg: str) -> None:
    got, service, _ = await small_world.tokens(service=await small_world.service(alg=alg))
    claims = claims_of(type("R", (), {"json": lambda self: got})())
    assert claims["iss"] == ORIGIN
    assert claims["aud"] == service.client.id
    assert claims["nonce"] == "n1"
    assert claims["acr"] == "eidas1"
    half = hashlib.sha256(got["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == tokens.encode(half)
    assert all(isinstance(claims[name], int) for name in ("iat", "exp", "auth_time"))
    assert "SubjectNameID" not in claims, "a pairwise client's tokens carry no number"


async def test_c16_subjects_differ_by_sector_and_stay(small_world: World) -> None:
    one, _, _ = await small_world.tokens(service=await small_world.service("one"))
    two, _, _ = await small_world.tokens(
        service=await small_world.service("two", redirect_uris=["https://other.test/callback"])
    )
    psc, _, _ = await small_world.tokens(service=await small_world.service("psc", subject="psc"))
    subjects = [claims_of(type("R", (), {"json": lambda self, t=token: t})())["sub"] for token in (one, two, psc)]
    assert len(set(subjects)) == 3
    assert subjects[2] == "f:00000000-0000-4000-8000-000000000001:899700999917"
    assert "99700999917" not in f"{subjects[0]}{subjects[1]}"


async def test_c15_refresh_rotates_and_a_second_use_kills_the_family(world: World) -> None:
    got, service, _ = await world.tokens()
    form = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]}
    second = (await world.token(service, form)).json()
    assert second["refresh_token"] != got["refresh_token"]
    assert (await world.userinfo(second["access_token"])).status_code == 200
    assert (await world.token(service, form)).json()["error"] == "invalid_grant"
    assert (await world.userinfo(second["access_token"])).status_code == 401
    last = {"grant_type": "refresh_token", "refresh_token": second["refresh_token"]}
    assert (await world.token(service, last)).json()["error"] == "invalid_grant"


async def test_c15_scope_may_shrink_never_grow(small_world: World) -> None:
    got, service, _ = await small_world.tokens()
    form = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"], "scope": "openid"}
    less = (await small_world.token(service, form)).json()
    assert less["scope"] == "openid"
    more = {"grant_type": "refresh_token", "refresh_token": less["refresh_token"], "scope": "openid offline_access"}
    assert (await small_world.token(service, more)).json()["error"] == "invalid_scope"


async def test_c15_a_refresh_token_is_its_clients(small_world: World) -> None:
    got, service, _ = await small_world.tokens()
    other = await small_world.service("other")
    form = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]}
    assert (await small_world.token(other, form)).json()["error"] == "invalid_grant"
    assert (await small_world.token(service, form)).status_code == 200, "and another's try does not end it"


@pytest.mark.parametrize("grant", ["password", "implicit", "", "device_code"])
async def test_b3_no_other_grants(small_world: World, grant: str) -> None:
    service = await small_world.service()
    refused = await small_world.token(service, {"grant_type": grant, "username": "x", "password": "y"})
    assert (refused.status_code, refused.json()["error"]) == (400, "unsupported_grant_type")


async def test_c11_token_answers_are_json_and_not_kept(small_world: World) -> None:
    service = await small_world.service()
    browser = small_world.browser()
    for answer in (
        await small_world.token(service, {"grant_type": "authorization_code"}),
        await browser.post(PATHS["token_endpoint"], data={"grant_type": "x"}),
        await browser.post(PATHS["token_endpoint"], json={"grant_type": "x"}),
        await browser.post(
            PATHS["token_endpoint"], content=b"\xff", headers={"Content-Type": "application/x-www-form-urlencoded"}
        ),
    ):
        assert answer.status_code in (400, 401)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json()["error"]
        assert "access-control-allow-origin" not in answer.headers
    assert (await browser.get(PATHS["token_endpoint"])).status_code == 405


async def test_c9_userinfo_three_ways_and_never_the_wrong_token(small_world: World) -> None:
    got, _, _ = await small_world.tokens()
    browser, path, token = small_world.browser(), PATHS["userinfo_endpoint"], got["access_token"]
    ways = [
        await small_world.userinfo(token),
        await browser.post(path, headers={"Authorization": f"Bearer {token}"}),
        await browser.post(path, data={"access_token": token}),
    ]
    assert [way.status_code for way in ways] == [200, 200, 200]
    assert {way.text for way in ways} == {ways[0].text}
    for wrong in (got["id_token"], got["refresh_token"], "x", token[:-4] + "AAAA"):
        refused = await small_world.userinfo(wrong)
        assert refused.status_code == 401
        assert "WWW-Authenticate" in refused.headers
    assert (await browser.get(path)).status_code == 401
    small_world.clock.pass_by(121)
    assert (await small_world.userinfo(token)).status_code == 401


async def test_c9_userinfo_is_limited_by_scope(small_world: World) -> None:
    service, desk, phone = await small_world.service(), small_world.desk(), await small_world.phone("ana")
    for scope, members in (("openid", {"sub"}), ("openid profile", {"sub", "name", "given_name", "family_name"})):
        back = await small_world.sign_in(desk, phone, service, scope=scope, prompt="login")
        token = (await small_world.redeem(desk, service, back)).json()["access_token"]
        assert set((await small_world.userinfo(token)).json()) == members


async def test_userinfo_has_the_structure_of_pro_sante_connect(small_world: World) -> None:
    got, _, _ = await small_world.tokens(service=await small_world.service(subject="psc"))
    said = (await small_world.userinfo(got["access_token"])).json()
    assert said["SubjectRole"] == ["50^1.2.250.1.213.1.1.5.5"]
    assert said["Secteur_Activite"] == "SA07^1.2.250.1.71.4.2.4"
    assert said["SubjectNameID"] == said["preferred_username"] == "899700999917"
    activity = said["SubjectRefPro"]["exercices"][0]["activities"][0]
    assert len(activity) == 30
    assert "numeroFinessetablissementJuridique" in activity
    assert all(isinstance(value, str) for value in activity.values())


async def test_i1_i2_introspection_shows_a_client_its_own_tokens_only(small_world: World) -> None:
    got, service, _ = await small_world.tokens()
    other = await small_world.service("other")
    path, browser = PATHS["introspection_endpoint"], small_world.browser()
    live = (await browser.post(path, data={"token": got["access_token"]}, auth=service.basic)).json()
    assert live["active"] is True
    assert live["client_id"] == service.client.id
    refresh = (await browser.post(path, data={"token": got["refresh_token"]}, auth=service.basic)).json()
    assert refresh["active"] is True
    assert "SubjectNameID" not in refresh
    for token, auth in ((got["access_token"], other.basic), ("x", service.basic), (got["id_token"], service.basic)):
        answer = await browser.post(path, data={"token": token}, auth=auth)
        assert (answer.status_code, answer.content) == (200, b'{"active":false}')
    assert (await browser.post(path, data={"token": got["access_token"]})).status_code == 401


async def test_r1_r2_revocation_ends_the_grant_and_only_the_callers(small_world: World) -> None:
    got, service, _ = await small_world.tokens()
    other = await small_world.service("other")
    path, browser = PATHS["revocation_endpoint"], small_world.browser()
    for token in (got["access_token"], got["refresh_token"], "nonsense"):
        assert (await browser.post(path, data={"token": token}, auth=other.basic)).status_code == 200
    assert (await small_world.userinfo(got["access_token"])).status_code == 200
    assert (await browser.post(path, data={"token": got["refresh_token"]}, auth=service.basic)).status_code == 200
    assert (await small_world.userinfo(got["access_token"])).status_code == 401


async def test_c19_rotation_overlaps_and_shows_no_private_part(small_world: World) -> None:
    got, service, desk = await small_world.tokens()
    house, clock = small_world.house, small_world.clock
    browser = small_world.browser()
    before = (await browser.get(PATHS["jwks_uri"])).json()["keys"]
    async with house.db.transaction() as db:
        await make_keys(db, clock.now, house.keys, at_once=False)
    import lucine.signin.signing_keys as module

    module._rings.clear()
    during = (await browser.get(PATHS["jwks_uri"])).json()["keys"]
    assert {key["kid"] for key in before} < {key["kid"] for key in during}
    assert len({key["kid"] for key in during}) == len(during) == 4
    assert not any({"d", "p", "q", "k"} & set(key) for key in during)
    assert (await small_world.userinfo(got["access_token"])).status_code == 200
    assert service
    assert desk


async def test_c18_discovery_is_what_it_says(small_world: World) -> None:
    browser = small_world.browser()
    documents = [
        (await browser.get(path)).json()
        for path in (
            "/.well-known/openid-configuration",
            "/auth/realms/esante-wallet/.well-known/wallet-openid-configuration",
        )
    ]
    assert documents[0] == documents[1]
    said = documents[0]
    assert said["issuer"] == ORIGIN
    for name, address in said.items():
        if name.endswith(("_endpoint", "jwks_uri")):
            assert address.startswith(ORIGIN), name
            answer = await browser.get(address.removeprefix(ORIGIN))
            assert answer.status_code != 404, name
    assert said["response_types_supported"] == ["code"]
    assert "password" not in said["grant_types_supported"]
    assert not said["claims_parameter_supported"]


async def test_the_session_ends_by_age_and_idleness(small_world: World) -> None:
    got, service, _ = await small_world.tokens()
    small_world.clock.pass_by(1801)
    form = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]}
    assert (await small_world.token(service, form)).json()["error"] == "invalid_grant"
