"""Client authentication: only the registered way, one way, each proof once (C12, C13, C14, P, D, M, B7)."""

import base64
import datetime
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from joserfc import jws, jwt
from joserfc.jwk import ECKey

from lucine.safe import tokens
from lucine.signin.client_auth import ASSERTION_TYPE
from lucine.signin.clients import Client, check_client
from lucine.signin.discovery import PATHS
from tests.world import ORIGIN, SERVICE, Service, World, open_world

TOKEN = PATHS["token_endpoint"]


async def _code(world: World, service: Service, **more: Any) -> tuple[dict[str, str], Any]:
    desk, phone = world.desk(), await world.phone("ana")
    back = await world.sign_in(desk, phone, service, **more)
    form = {
        "grant_type": "authorization_code", "code": back["code"], "redirect_uri": service.client.redirect_uris[0],
        "code_verifier": desk.verifier,
    }  # fmt: skip
    return form, desk


async def test_c12_only_the_registered_way_and_only_one(small_world: World) -> None:
    basic = await small_world.service("basic")
    post = await small_world.service("post", auth_method="client_secret_post")
    browser = small_world.browser()
    form = {"grant_type": "authorization_code", "code": "x"}
    in_body = {**form, "client_id": "basic", "client_secret": basic.secret}
    refused = await browser.post(TOKEN, data=in_body)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    refused = await browser.post(TOKEN, data=form, auth=post.basic)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Basic")
    both = await browser.post(TOKEN, data=in_body, auth=basic.basic)
    assert (both.status_code, both.json()["error"]) == (400, "invalid_request")
    wrong = await browser.post(TOKEN, data=form, auth=("basic", "wrong"))
    unknown = await browser.post(TOKEN, data=form, auth=("nobody", "wrong"))
    assert wrong.status_code == unknown.status_code == 401
    good = {**form, "client_id": "post", "client_secret": post.secret}
    assert (await browser.post(TOKEN, data=good)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Basic " + base64.b64encode(b"no-colon").decode(), "basic Og=="]
)
async def test_c13_unreadable_basic_headers(small_world: World, header: str) -> None:
    refused = await small_world.browser().post(TOKEN, data={"grant_type": "x"}, headers={"Authorization": header})
    assert refused.status_code == 401


async def test_c13_basic_credentials_are_form_encoded_first(small_world: World) -> None:
    service = await small_world.service("ser.vi-ce_1")
    encoded = base64.b64encode(f"{quote_plus(service.client.id)}:{quote_plus(service.secret)}".encode()).decode()
    form, _ = await _code(small_world, service)
    headers = {"Authorization": f"Basic {encoded}"}
    assert (await small_world.browser().post(TOKEN, data=form, headers=headers)).status_code == 200


def _assertion(world: World, key: Any, alg: str = "ES256", header: dict[str, Any] | None = None, **bend: Any) -> str:
    now = int(world.clock.now)
    claims = {
        "iss": "keyed", "sub": "keyed", "aud": ORIGIN, "iat": now, "exp": now + 60, "jti": tokens.new_secret(), **bend,
    }  # fmt: skip
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": alg, **(header or {})}, claims, key, algorithms=[alg])


async def _keyed(world: World) -> tuple[Service, ECKey]:
    key = ECKey.generate_key("P-256", parameters={"kid": "k1"})
    jwks = {"keys": [key.as_dict(private=False)]}
    return await world.service("keyed", auth_method="private_key_jwt", jwks=jwks), key


def _with(assertion: str, **form: str) -> dict[str, str]:
    return {"grant_type": "authorization_code", "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion, **form}  # fmt: skip


async def test_c14_a_private_key_signs_in_once_for_each_assertion(world: World) -> None:
    service, key = await _keyed(world)
    form, _ = await _code(world, service)
    assertion = _assertion(world, key)
    assert (await world.token(service, _with(assertion, **form))).status_code == 200
    replayed = await world.token(service, _with(assertion, **form))
    assert (replayed.status_code, replayed.json()["error"]) == (401, "invalid_client")


BENDS: dict[str, dict[str, Any]] = {
    "expired": {"exp": 1},
    "no exp": {"exp": None},
    "exp too far": {"exp": 1_780_100_000},
    "exp is text": {"exp": "soon"},
    "not yet": {"nbf": 1_780_000_100},
    "aud array": {"aud": [ORIGIN]},
    "aud elsewhere": {"aud": "https://evil.test"},
    "aud missing": {"aud": None},
    "aud another endpoint": {"aud": ORIGIN + PATHS["userinfo_endpoint"]},
    "no jti": {"jti": None},
    "iss of another": {"iss": "other"},
    "no sub": {"sub": None},
}


@pytest.mark.parametrize("name", BENDS)
async def test_c14_bent_assertions_are_refused(small_world: World, name: str) -> None:
    service, key = await _keyed(small_world)
    refused = await small_world.token(service, _with(_assertion(small_world, key, **BENDS[name])))
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("name", ["token", "pushed_authorization_request", "backchannel_authentication", "revocation"])
async def test_c14_p1_k1_an_assertion_names_the_issuer_the_token_endpoint_or_the_endpoint_itself(
    small_world: World, name: str
) -> None:
    """RFC 9126 section 2 and CIBA section 7.1 let a client choose; clients do."""
    _, key = await _keyed(small_world)
    path = PATHS[f"{name}_endpoint"]
    for audience, known in (("", True), (TOKEN, True), (path, True), (PATHS["jwks_uri"], False)):
        form = _with(_assertion(small_world, key, aud=ORIGIN + audience))
        answer = await small_world.browser().post(path, data=form)
        assert (answer.status_code != 401) is known, (audience, answer.text)


async def test_c14_algorithm_confusion(small_world: World) -> None:
    service, key = await _keyed(small_world)
    said = {"iss": "keyed", "sub": "keyed", "aud": ORIGIN, "exp": int(small_world.clock.now) + 60, "jti": "1"}
    signed = ".".join(tokens.encode(json.dumps(part).encode()) for part in ({"alg": "HS256"}, said))
    confused = f"{signed}.{tokens.encode(hmac.digest(key.as_pem(private=False), signed.encode(), 'sha256'))}"
    header, claims = (
        {"alg": "none"},
        {"iss": "keyed", "sub": "keyed", "aud": ORIGIN, "exp": 9_999_999_999, "jti": "1"},
    )
    none = ".".join([tokens.encode(json.dumps(part).encode()) for part in (header, claims)]) + "."
    stranger = ECKey.generate_key("P-256")
    for assertion in (
        none,
        confused,
        _assertion(small_world, stranger),
        _assertion(small_world, key, header={"typ": "dpop+jwt"}),
        "x.y.z",
        "",
    ):
        refused = await small_world.token(service, _with(assertion))
        assert refused.status_code == 401


# PAR


async def test_p1_p2_p4_pushed_requests(world: World) -> None:
    service = await world.service(require_par=True)
    desk, phone = world.desk(), await world.phone("ana")
    plain = await desk.authorize(service)
    assert "error=invalid_request" in plain.headers["location"]
    form = {
        "client_id": service.client.id, "redirect_uri": f"{SERVICE}/callback", "response_type": "code",
        "scope": "openid", "state": "pushed",
        "code_challenge": tokens.encode(hashlib.sha256(b"v" * 43).digest()), "code_challenge_method": "S256",
    }  # fmt: skip
    path = PATHS["pushed_authorization_request_endpoint"]
    unknown = await world.browser().post(path, data=form)
    assert unknown.status_code == 401
    nested = await world.browser().post(path, data={**form, "request_uri": "urn:x"}, auth=service.basic)
    assert nested.json()["error"] == "invalid_request"
    bad = await world.browser().post(path, data={**form, "scope": "x"}, auth=service.basic)
    assert (bad.status_code, bad.json()["error"]) == (400, "invalid_scope")
    stray = await world.browser().post(path, data={**form, "redirect_uri": "https://evil.test"}, auth=service.basic)
    assert stray.status_code == 400
    assert (await world.browser().get(path)).status_code == 405
    pushed = await world.browser().post(path, data=form, auth=service.basic)
    assert pushed.status_code == 201
    address = pushed.json()["request_uri"]
    assert len(address) > 60
    assert 5 <= pushed.json()["expires_in"] <= 600
    desk.verifier = "v" * 43
    query = {"client_id": service.client.id, "request_uri": address}
    other = await world.service("other")
    refused = await desk.http.get("/auth", params={**query, "client_id": other.client.id})
    assert (refused.status_code, "location" in refused.headers) == (400, False)
    await desk.open_start(await desk.http.get("/auth", params=query))
    await desk.open_start(await desk.http.get("/auth", params=query))  # a reload is allowed
    await phone.approve((await phone.scan(desk.qr())).json())
    back = await desk.code()
    assert back["state"] == "pushed"
    assert (await world.redeem(desk, service, back)).status_code == 200
    again = await desk.http.get("/auth", params=query)
    assert again.status_code == 400, "one code for one pushed request"


async def test_p1_a_pushed_request_expires(small_world: World) -> None:
    service = await small_world.service()
    form = {
        "client_id": service.client.id,
        "redirect_uri": f"{SERVICE}/callback",
        "response_type": "code",
        "scope": "openid",
    }
    path = PATHS["pushed_authorization_request_endpoint"]
    address = (await small_world.browser().post(path, data=form, auth=service.basic)).json()["request_uri"]
    small_world.clock.pass_by(91)
    refused = await small_world.browser().get("/auth", params={"client_id": service.client.id, "request_uri": address})
    assert refused.status_code == 400


async def test_p6_a_body_has_a_limit(small_world: World) -> None:
    service = await small_world.service()
    path = PATHS["pushed_authorization_request_endpoint"]
    refused = await small_world.browser().post(path, data={"x": "y" * 1_000_000}, auth=service.basic)
    assert refused.status_code == 413


# DPoP


def _proof(world: World, key: ECKey, path: str, method: str = "POST", header: Any = None, **bend: Any) -> str:
    claims = {"htm": method, "htu": ORIGIN + path, "iat": int(world.clock.now), "jti": tokens.new_secret(), **bend}
    claims = {name: value for name, value in claims.items() if value is not None}
    head = {"alg": "ES256", "typ": "dpop+jwt", "jwk": key.as_dict(private=False), **(header or {})}
    head = {name: value for name, value in head.items() if value is not None}
    return jws.serialize_compact(head, json.dumps(claims).encode(), key, algorithms=["ES256"])


def _ath(token: str) -> str:
    return tokens.encode(hashlib.sha256(token.encode()).digest())


async def test_d1_d3_d4_a_bound_token_needs_its_key_each_time(world: World) -> None:
    service = await world.service(dpop_bound=True)
    key, thief = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
    form, _ = await _code(world, service)
    assert (await world.token(service, form)).json()["error"] == "invalid_dpop_proof"
    answered = await world.token(service, form, headers={"DPoP": _proof(world, key, TOKEN)})
    got = answered.json()
    assert got["token_type"] == "DPoP"
    path, token = PATHS["userinfo_endpoint"], got["access_token"]
    good = {"DPoP": _proof(world, key, path, "GET", ath=_ath(token))}
    assert (await world.userinfo(token, "DPoP", **good)).status_code == 200
    assert (await world.userinfo(token, "DPoP", **good)).status_code == 401, "each proof once"
    assert (await world.userinfo(token)).status_code == 401, "not as a bearer token"
    stolen = {"DPoP": _proof(world, thief, path, "GET", ath=_ath(token))}
    assert (await world.userinfo(token, "DPoP", **stolen)).status_code == 401
    refresh = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]}
    refused = await world.token(service, refresh, headers={"DPoP": _proof(world, thief, TOKEN)})
    assert refused.json()["error"] == "invalid_grant"


PROBES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "wrong typ": ({"typ": "JWT"}, {}),
    "no typ": ({"typ": None}, {}),
    "no jwk": ({"jwk": None}, {}),
    "wrong htm": ({}, {"htm": "POST"}),
    "no htm": ({}, {"htm": None}),
    "htu elsewhere": ({}, {"htu": "https://evil.test/userinfo"}),
    "no htu": ({}, {"htu": None}),
    "htu of another path": ({}, {"htu": ORIGIN + "/other"}),
    "iat an hour ago": ({}, {"iat": 1_779_996_400}),
    "iat in an hour": ({}, {"iat": 1_780_003_600}),
    "no iat": ({}, {"iat": None}),
    "iat is text": ({}, {"iat": "now"}),
    "no jti": ({}, {"jti": None}),
    "no ath": ({}, {"ath": None}),
    "wrong ath": ({}, {"ath": _ath("other")}),
}


@pytest.mark.parametrize("name", PROBES)
async def test_d1_probes(small_world: World, name: str) -> None:
    service, key = await small_world.service(), ECKey.generate_key("P-256")
    form, _ = await _code(small_world, service)
    got = (await small_world.token(service, form, headers={"DPoP": _proof(small_world, key, TOKEN)})).json()
    path, token = PATHS["userinfo_endpoint"], got["access_token"]
    header, bend = PROBES[name]
    proof = _proof(small_world, key, path, "GET", header, **{"ath": _ath(token), **bend})
    assert (await small_world.userinfo(token, "DPoP", DPoP=proof)).status_code == 401
    good = _proof(
        small_world, key, path, "GET", ath=_ath(token), extra="ignored", htu=f"HTTPS://CONNECT.test:443{path}?x#y"
    )
    assert (await small_world.userinfo(token, "dpop", DPoP=good)).status_code == 200


async def test_d7_d5_private_keys_none_and_another_key_than_announced(small_world: World) -> None:
    service, key = await small_world.service(), ECKey.generate_key("P-256")
    form, _ = await _code(small_world, service, dpop_jkt=key.thumbprint())
    private = _proof(small_world, key, TOKEN, header={"jwk": key.as_dict(private=True)})
    head = {"alg": "none", "typ": "dpop+jwt", "jwk": key.as_dict(private=False)}
    none = ".".join(tokens.encode(json.dumps(part).encode()) for part in (head, {"htm": "POST"})) + "."
    for proof in (private, none, "x"):
        refused = await small_world.token(service, form, headers={"DPoP": proof})
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")
    other = await small_world.token(
        service, form, headers={"DPoP": _proof(small_world, ECKey.generate_key("P-256"), TOKEN)}
    )
    assert other.json()["error"] == "invalid_grant", "the code is bound to the announced key"


# Client certificates


def _certificate(name: x509.Name, san: str = "") -> x509.Certificate:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    if san:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(san)]), critical=False)
    return builder.sign(key, hashes.SHA256())


def _name(*parts: tuple[Any, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def _header(certificate: x509.Certificate) -> dict[str, str]:
    return {"X-Cert": quote(certificate.public_bytes(serialization.Encoding.PEM).decode())}


async def test_m1_m3_b7_certificates_through_a_trusted_proxy(tmp_path: Path) -> None:
    subject = _name(
        (NameOID.COUNTRY_NAME, "FR"), (NameOID.ORGANIZATION_NAME, "Hôpital fictif"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "318751275100020"), (NameOID.COMMON_NAME, "service"),
    )  # fmt: skip
    mine, other = _certificate(subject), _certificate(_name((NameOID.COMMON_NAME, "service")))
    async with open_world(
        f"sqlite:///{tmp_path}/t.db", tmp_path, client_cert_header="X-Cert", trusted_proxies="127.0.0.1"
    ) as world:
        service = await world.service(auth_method="tls_client_auth", tls_subject=subject.rfc4514_string())
        form, _ = await _code(world, service)
        form["client_id"] = service.client.id
        for headers in ({}, _header(other), {"X-Cert": "garbage"}):
            refused = await world.token(service, form, headers=headers)
            assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
        got = (await world.token(service, form, headers=_header(mine))).json()
        token = got["access_token"]
        assert (await world.userinfo(token, **_header(mine))).status_code == 200
        assert (await world.userinfo(token, **_header(other))).status_code == 401
        assert (await world.userinfo(token)).status_code == 401


async def test_b7_the_header_of_anybody_else_counts_for_nothing(tmp_path: Path) -> None:
    subject = _name((NameOID.COMMON_NAME, "service"))
    async with open_world(f"sqlite:///{tmp_path}/t.db", tmp_path, client_cert_header="X-Cert") as world:
        service = await world.service(auth_method="tls_client_auth", tls_subject=subject.rfc4514_string())
        form = {"grant_type": "authorization_code", "client_id": service.client.id, "code": "x"}
        refused = await world.token(service, form, headers=_header(_certificate(subject)))
        assert refused.json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"redirect_uris": ["http://a.test/cb"]}, "https"),
        ({"redirect_uris": ["https://a.test/cb#x"]}, "fragment"),
        ({"redirect_uris": ["https://u:p@a.test/cb"]}, "user name"),
        ({"redirect_uris": ["https://a.test/*"]}, "characters"),
        ({"redirect_uris": ["/cb"]}, "full address"),
        ({}, "redirect"),
        ({"redirect_uris": ["https://a.test/"], "auth_method": "private_key_jwt"}, "jwks"),
        ({"redirect_uris": ["https://a.test/"], "auth_method": "tls_client_auth"}, "exactly one"),
        ({"redirect_uris": ["https://a.test/"], "ciba": "ping"}, "ping"),
        ({"redirect_uris": ["https://a.test/"], "ciba": "poll", "auth_method": "none"}, "authenticates"),
        ({"redirect_uris": ["https://a.test/", "https://b.test/"]}, "sector"),
        ({"redirect_uris": ["https://a.test/"], "name": "a\nb"}, "name"),
    ],
)
def test_a_wrong_registration_is_explained(facts: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_client(Client(**{"id": "c", "name": "C", **facts}))


async def test_a_removed_client_is_out_at_once(small_world: World) -> None:
    from lucine.signin.clients import remove_client, rotate_secret

    got, service, _ = await small_world.tokens()
    house = small_world.house
    async with house.db.transaction() as db:
        newer = await rotate_secret(db, time.time(), house.keys, service.client.id)
    form = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]}
    assert (await small_world.token(service, form)).status_code == 401
    assert (await small_world.token(service, form, auth=(service.client.id, newer))).status_code == 200
    async with house.db.transaction() as db:
        await remove_client(db, time.time(), house.keys, service.client.id)
    assert (await small_world.userinfo(got["access_token"])).status_code == 401
    assert (await small_world.desk().authorize(service)).status_code == 400
