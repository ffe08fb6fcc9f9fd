"""What is announced is true: each value by a request that uses it; and the keys, through a rotation (C18, C19)."""

import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from lucine.signin import signing_keys
from lucine.signin.certificates import SCOPE_KEY
from lucine.signin.chores import clean_signin
from lucine.signin.clients import ASSERTION_ALGS, SCOPES, SIGNAL_SCOPES
from lucine.signin.discovery import DISCOVERY_PATHS, PATHS
from lucine.signin.signing_keys import (
    KEPT_AFTER_SECONDS,
    PUBLISHED_BEFORE_SECONDS,
    ROTATED_AFTER_SECONDS,
    make_keys,
    rotate_if_old,
)
from tests.world import ORIGIN, SERVICE, World

from .conftest import OpenWorld
from .kit import (
    CERTS,
    CIBA,
    INTROSPECT,
    PAR,
    REVOKE,
    TOKEN,
    asking,
    assertion,
    came_back,
    certificate,
    claims_of,
    code_form,
    from_address,
    header_of,
    proof,
    refreshing,
    with_assertion,
    with_outside,
)

# What each list of the document is exercised by; a new list must find its line here.
EXERCISED = {
    "response_types_supported": "test_c18_code_and_query_and_nothing_else",
    "response_modes_supported": "test_c18_code_and_query_and_nothing_else",
    "grant_types_supported": "test_c18_each_grant",
    "scopes_supported": "test_c18_each_scope_and_claim",
    "claims_supported": "test_c18_each_scope_and_claim",
    "acr_values_supported": "test_c18_each_scope_and_claim",
    "subject_types_supported": "test_c18_each_subject_type_and_signing_algorithm",
    "id_token_signing_alg_values_supported": "test_c18_each_subject_type_and_signing_algorithm",
    "token_endpoint_auth_methods_supported": "test_c18_each_way_of_client_authentication",
    "token_endpoint_auth_signing_alg_values_supported": "test_c18_each_way_of_client_authentication",
    "introspection_endpoint_auth_methods_supported": "test_c18_each_way_of_client_authentication",
    "introspection_endpoint_auth_signing_alg_values_supported": "test_c18_each_way_of_client_authentication",
    "revocation_endpoint_auth_methods_supported": "test_c18_each_way_of_client_authentication",
    "revocation_endpoint_auth_signing_alg_values_supported": "test_c18_each_way_of_client_authentication",
    "code_challenge_methods_supported": "every sign-in of the tests",
    "prompt_values_supported": "test_prompts.py: test_c4_..., test_c5_a_prompt_is_a_new_approval...",
    "ui_locales_supported": "test_c18_each_language",
    "dpop_signing_alg_values_supported": "test_sender_constrained.py: test_d7_each_announced_algorithm_binds_a_token",
    "backchannel_token_delivery_modes_supported": "test_c18_each_grant, test_ciba.py",
}


async def _document(world: World) -> dict[str, Any]:
    said: dict[str, Any] = (await world.browser().get("/.well-known/openid-configuration")).json()
    return said


async def test_c18_the_document_itself(small_world: World) -> None:
    """Discovery section 3 and 4.3: the issuer is byte-equal, addresses are https and answer, lists are whole."""
    answers = [await small_world.browser().get(path) for path in DISCOVERY_PATHS]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["content-type"] for answer in answers} == {"application/json"}
    assert len({answer.content for answer in answers}) == 1
    said = answers[0].json()
    assert said["issuer"] == ORIGIN
    assert {name for name, value in said.items() if isinstance(value, list)} == set(EXERCISED)
    required = {"authorization_endpoint", "token_endpoint", "jwks_uri", "response_types_supported",
                "subject_types_supported", "id_token_signing_alg_values_supported", "scopes_supported"}  # fmt: skip
    assert required <= set(said)
    assert "RS256" in said["id_token_signing_alg_values_supported"], "compulsory (Discovery section 3)"
    assert "openid" in said["scopes_supported"]
    assert "none" not in said["id_token_signing_alg_values_supported"]
    assert not [value for value in said.values() if value is None or value == []]
    for name, address in said.items():
        if name.endswith(("_endpoint", "_uri", "_documentation")):
            assert address.startswith(f"{ORIGIN}/"), name
            answer = await small_world.browser().get(address.removeprefix(ORIGIN))
            assert answer.status_code in (200, 303, 400, 401, 405), name
    assert answers[0].headers["cache-control"].startswith("public")


async def test_c18_code_and_query_and_nothing_else(small_world: World) -> None:
    service, desk = await small_world.service(), small_world.desk()
    await small_world.sign_in(desk, await small_world.phone("ana"), service)
    assert came_back(await desk.authorize(service, response_mode="query"))["code"]
    for mode in ("fragment", "form_post", "query.jwt", "jwt", "web_message"):
        assert came_back(await desk.authorize(service, response_mode=mode))["error"] == "invalid_request"
    for kind in ("token", "id_token", "code token", "code id_token token", "none", "Code", "code code"):
        assert came_back(await desk.authorize(service, response_type=kind))["error"] == "unsupported_response_type"


async def test_c18_each_grant(small_world: World) -> None:
    said = await _document(small_world)
    await with_outside(small_world)
    service = await small_world.service(ciba="poll")
    pinged = await small_world.service("pinged", ciba="ping", ping_uri=f"{SERVICE}/ping")
    got = (await small_world.token(service, await code_form(small_world, service))).json()
    assert (await small_world.token(service, refreshing(got))).status_code == 200
    assert said["grant_types_supported"][:2] == ["authorization_code", "refresh_token"]
    number = {"scope": "openid", "login_hint": "99700999917"}
    modes = {"poll": (service, number), "ping": (pinged, {**number, "client_notification_token": "t" * 32})}
    assert list(modes) == said["backchannel_token_delivery_modes_supported"]
    for asker, form in modes.values():
        started = await small_world.browser().post(CIBA, data=form, auth=asker.basic)
        assert started.status_code == 200
        polled = {"grant_type": said["grant_types_supported"][2], "auth_req_id": started.json()["auth_req_id"]}
        assert (await small_world.token(asker, polled)).json()["error"] == "authorization_pending"
    push = {"grant_type": said["grant_types_supported"][2], "auth_req_id": "x"}
    plain = await small_world.service("plain")
    assert (await small_world.token(plain, push)).json()["error"] == "unauthorized_client"
    alone = {"grant_type": said["grant_types_supported"][3]}
    assert (await small_world.token(plain, alone)).json()["error"] == "unauthorized_client"
    subscribing = await small_world.service("subscribing", signals=True)
    assert (await small_world.token(subscribing, alone)).status_code == 200
    assert (await small_world.browser().post(CIBA, data=number, auth=plain.basic)).json()[
        "error"
    ] == "unauthorized_client"


async def test_c18_each_scope_and_claim(small_world: World) -> None:
    """Every announced claim is really given, and every claim that is given is announced."""
    said = await _document(small_world)
    service = await small_world.service(subject="psc")
    scope = " ".join(said["scopes_supported"])
    assert said["scopes_supported"] == [*SCOPES, *SIGNAL_SCOPES]
    for acr in said["acr_values_supported"]:
        form = await code_form(small_world, service, scope=scope, acr_values=acr)
        got = (await small_world.token(service, form)).json()
        assert got["scope"].split() == list(SCOPES), "those of the signals are for services (test_ssf_management.py)"
        id_token = claims_of(got["id_token"])
        assert id_token["acr"] == acr
        given = set(id_token) | set((await small_world.userinfo(got["access_token"])).json())
        assert set(said["claims_supported"]) == given


async def test_c18_each_subject_type_and_signing_algorithm(small_world: World) -> None:
    said = await _document(small_world)
    keys = KeySet.import_key_set((await small_world.browser().get(CERTS)).json())
    subjects = set()
    assert said["subject_types_supported"] == ["public", "pairwise"]
    for subject in ("psc", "pairwise"):
        for alg in said["id_token_signing_alg_values_supported"]:
            service = await small_world.service(f"{subject}-{alg}", subject=subject, alg=alg)
            got = (await small_world.token(service, await code_form(small_world, service))).json()
            token = jwt.decode(got["id_token"], keys, algorithms=[alg])
            assert token.header["alg"] == alg
            subjects.add(token.claims["sub"])
    assert len(subjects) == 2, "one public, one for this sector"


METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt", "tls_client_auth", "none"]


@pytest.mark.parametrize("method", METHODS)
async def test_c18_each_way_of_client_authentication(open_small: OpenWorld, method: str) -> None:
    name = x509.Name.from_rfc4514_string("CN=service,O=Hôpital fictif,C=FR")
    pair = {
        "ES256": ECKey.generate_key("P-256", parameters={"kid": "e"}),
        "RS256": RSAKey.generate_key(2048, parameters={"kid": "r"}),
        "PS256": RSAKey.generate_key(2048, parameters={"kid": "p"}),
    }
    async with open_small(mtls_origin="https://mtls.connect.test") as world:
        said = await _document(world)
        assert said["token_endpoint_auth_methods_supported"] == METHODS
        facts: dict[str, Any] = {"auth_method": method}
        if method == "private_key_jwt":
            facts["jwks"] = {"keys": [key.as_dict(private=False) for key in pair.values()]}
        if method == "tls_client_auth":
            facts["tls_subject"] = name.rfc4514_string()
        service = await world.service(**facts)
        door = from_address(world, "203.0.113.9", **{SCOPE_KEY: certificate(name).public_bytes(Encoding.DER)})
        browser = door if method == "tls_client_auth" else world.browser()
        algs = ASSERTION_ALGS if method == "private_key_jwt" else [""]
        assert said["token_endpoint_auth_signing_alg_values_supported"] == ASSERTION_ALGS
        for alg in algs:

            def form(path: str, alg: str = alg, **more: str) -> dict[str, Any]:
                if method == "private_key_jwt":
                    aud = ORIGIN if path == TOKEN else ORIGIN + path
                    key = pair[alg]
                    text = assertion(world, "service", key, alg, header={"kid": key.kid}, aud=aud)
                    return {"data": with_assertion(text, **more)}
                if method == "client_secret_basic":
                    return {"data": more, "auth": service.basic}
                if method == "client_secret_post":
                    return {"data": {**more, "client_id": "service", "client_secret": service.secret}}
                return {"data": {**more, "client_id": "service"}}

            got = await browser.post(TOKEN, **form(TOKEN, **await code_form(world, service)))
            assert got.status_code == 200, got.text
            token = got.json()["access_token"]
            pushed = await browser.post(PAR, **form(PAR, **asking(service)))
            assert pushed.status_code == 201, pushed.text
            seen = await browser.post(INTROSPECT, **form(INTROSPECT, token=token))
            announced = method in said["introspection_endpoint_auth_methods_supported"]
            assert seen.status_code == (200 if announced else 401)
            assert method in said["revocation_endpoint_auth_methods_supported"]
            assert (await browser.post(REVOKE, **form(REVOKE, token=token))).status_code == 200
            seen = await browser.post(INTROSPECT, **form(INTROSPECT, token=token))
            assert not announced or seen.json() == {"active": False}


async def test_c18_each_language(small_world: World) -> None:
    said = await _document(small_world)
    service = await small_world.service()
    for language in said["ui_locales_supported"]:
        desk = small_world.desk()
        opened = await desk.authorize(service, ui_locales=f"xx {language}")
        shown = await desk.http.get(opened.headers["location"])
        assert f'<html lang="{language}"' in shown.text
    for odd in ("xx", "fr-CA-u-co", "'\"><script>", "é" * 50, "fr fr fr"):
        desk = small_world.desk()
        opened = await desk.authorize(service, ui_locales=odd)
        assert (await desk.http.get(opened.headers["location"])).status_code == 200


async def test_c18_what_is_announced_as_missing_is_refused_by_its_name(small_world: World) -> None:
    said = await _document(small_world)
    assert not said["request_parameter_supported"]
    assert not said["request_uri_parameter_supported"]
    assert not said["claims_parameter_supported"]
    service, desk = await small_world.service(), small_world.desk()
    for name in ("request", "request_uri", "registration"):
        assert came_back(await desk.authorize(service, **{name: "x"}))["error"] == f"{name}_not_supported"
    claims = json.dumps({"id_token": {"acr": {"essential": True, "values": ["eidas3"]}, "email": {"essential": True}}})
    opened = await desk.authorize(service, claims=claims)
    assert opened.headers["location"].startswith("/start/"), "claims-essential: ignored, and breaks nothing"


# Keys


async def test_c19_a_rotation_from_beginning_to_end(small_world: World) -> None:
    """Published before it signs, kept after it has signed, gone in the end; what it signed stays good meanwhile."""
    world, service = small_world, await small_world.service()

    async def published() -> dict[str, str]:
        signing_keys._rings.clear()  # as if LOOKED_AT_SECONDS had passed
        answer = await world.browser().get(CERTS)
        keys = answer.json()["keys"]
        assert len({key["kid"] for key in keys}) == len(keys), "each kid once"
        for key in keys:
            assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(key)
            assert key["use"] == "sig"
            assert key["alg"] in ("ES256", "RS256")
        assert answer.headers["cache-control"] == "public, max-age=300"
        return {key["kid"]: key["alg"] for key in keys}

    async def signs() -> str:
        signing_keys._rings.clear()
        got = (await world.token(service, await code_form(world, service))).json()
        assert (await world.userinfo(got["access_token"])).status_code == 200
        kid: str = header_of(got["id_token"])["kid"]
        assert kid in await published()
        return kid

    old, first = await published(), await signs()
    world.clock.now += ROTATED_AFTER_SECONDS - 10
    await rotate_if_old(world.house, world.clock.now)
    assert await published() == old, "not before its time"
    world.clock.now += 3600
    await rotate_if_old(world.house, world.clock.now)
    await rotate_if_old(world.house, world.clock.now)
    both = await published()
    assert set(old) < set(both)
    assert len(both) == 4, "one new key of each algorithm, once"
    assert await signs() == first, "the new one is only shown yet"
    world.clock.pass_by(PUBLISHED_BEFORE_SECONDS + 1)
    second = await signs()
    assert second != first
    assert set(await published()) == set(both), "relying parties may still hold tokens of the old one"
    world.clock.pass_by(KEPT_AFTER_SECONDS + 1)
    await clean_signin(world.house, world.clock.now)
    assert set(await published()) == set(both) - set(old)
    assert await signs() == second


async def test_c19_stolen_keys_are_good_for_nothing_at_once(world: World) -> None:
    """`lucine keys rotate --now`: neither published nor believed any more, those of an earlier rotation neither."""
    got, service, _ = await world.tokens()
    async with world.house.db.transaction() as db:
        await make_keys(db, world.clock.now, world.house.keys, at_once=False)
    signing_keys._rings.clear()
    stolen = {key["kid"] for key in (await world.browser().get(CERTS)).json()["keys"]}
    assert len(stolen) == 4
    forged = await signing_keys.sign(world.house, world.clock.now, "ES256", claims_of(got["access_token"]))
    assert (await world.userinfo(forged)).status_code == 200
    async with world.house.db.transaction() as db:
        await make_keys(db, world.clock.now, world.house.keys, at_once=True)
    signing_keys._rings.clear()
    published = {key["kid"] for key in (await world.browser().get(CERTS)).json()["keys"]}
    assert len(published) == 2
    assert not published & stolen
    for text in (forged, got["access_token"]):
        assert (await world.userinfo(text)).status_code == 401
    # Nobody has to sign in again: refresh tokens are not signed.
    again = (await world.token(service, refreshing(got))).json()
    assert header_of(again["id_token"])["kid"] in published
    assert (await world.userinfo(again["access_token"])).status_code == 200


async def test_c19_keys_are_sealed_in_the_database(world: World) -> None:
    rows = await world.house.db.all("SELECT kid, sealed FROM signin_keys")
    assert len(rows) == 2
    for row in rows:
        assert b'"d"' not in bytes(row["sealed"])
        assert b"kty" not in bytes(row["sealed"])


async def test_c19_forged_kids_do_not_make_us_read_the_keys_again_and_again(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    load = signing_keys._load

    async def counted(*args: Any) -> Any:
        nonlocal looks
        looks += 1
        return await load(*args)

    monkeypatch.setattr(signing_keys, "_load", counted)
    forged = proof(small_world, ECKey.generate_key("P-256"), TOKEN, header={"kid": "unknown", "typ": "JWT"})
    for _ in range(50):
        assert (await small_world.userinfo(forged)).status_code == 401
    assert looks <= 3


async def test_c19_two_houses_in_one_process_keep_their_keys_apart(open_small: OpenWorld, world: World) -> None:
    got, _, _ = await world.tokens()
    async with open_small() as other:
        assert (await other.userinfo(got["access_token"])).status_code == 401
        theirs, _, _ = await other.tokens()
        assert (await world.userinfo(theirs["access_token"])).status_code == 401
    assert PATHS["jwks_uri"] == CERTS
