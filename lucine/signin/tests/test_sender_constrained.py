"""Tokens that only their key can use: DPoP (RFC 9449) and client certificates (RFC 8705). D1 to D7, M1 to M4, B7."""

from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey, import_key

from lucine.safe import tokens
from lucine.signin import dpop
from lucine.signin.certificates import SCOPE_KEY, names_client, thumbprint_of
from lucine.signin.clients import Client
from lucine.signin.discovery import PATHS, discovery_document
from lucine.signin.dpop import ALGS, _plain
from lucine.web.settings import Settings
from tests.world import ORIGIN, World

from .conftest import OpenWorld
from .kit import (
    CIBA,
    INTROSPECT,
    PAR,
    TOKEN,
    USERINFO,
    asking,
    assertion,
    ath,
    came_back,
    certificate,
    claims_of,
    code_form,
    from_address,
    header_of,
    in_header,
    keyed,
    proof,
    redeeming,
    refreshing,
    signed,
    unsigned,
    with_assertion,
)

KEYS: dict[str, Any] = {
    "ES256": ECKey.generate_key("P-256"),
    "RS256": RSAKey.generate_key(2048),
    "PS256": RSAKey.generate_key(2048),
    "EdDSA": OKPKey.generate_key("Ed25519"),
}
KEY = KEYS["ES256"]
THIEF = ECKey.generate_key("P-256")


async def _bound(world: World, key: Any = KEY, alg: str = "ES256", **facts: Any) -> dict[str, Any]:
    """Tokens bound to a key."""
    service = await world.service(**facts)
    answer = await world.token(
        service, await code_form(world, service), headers={"DPoP": proof(world, key, TOKEN, alg=alg)}
    )
    assert answer.status_code == 200, answer.text
    got: dict[str, Any] = answer.json()
    return got


@pytest.mark.parametrize("alg", ALGS)
async def test_d7_each_announced_algorithm_binds_a_token(small_world: World, alg: str) -> None:
    key = KEYS[alg]
    got = await _bound(small_world, key, alg)
    token = got["access_token"]
    assert got["token_type"] == "DPoP"
    assert claims_of(token)["cnf"] == {"jkt": key.thumbprint()}
    text = proof(small_world, key, USERINFO, "GET", alg, ath=ath(token))
    assert (await small_world.userinfo(token, "DPoP", DPoP=text)).status_code == 200


def _with_signature(text: str, signature: str) -> str:
    return ".".join([*text.split(".")[:2], signature])


async def test_d1_every_probe_at_the_resource_is_refused_and_a_right_proof_still_works(small_world: World) -> None:
    """FAPI 2's dpop-negative-tests (facts 3.4), one after the other on one token."""
    world = small_world
    got = await _bound(world)
    token = got["access_token"]

    def made(method: str = "GET", path: str = USERINFO, key: Any = KEY, header: Any = None, **bend: Any) -> str:
        return proof(world, key, path, method, header=header, **{"ath": ath(token), **bend})

    now = int(world.clock.now)
    head = {"alg": "ES256", "typ": "dpop+jwt", "jwk": KEY.as_dict(private=False)}
    body = {"htm": "GET", "htu": ORIGIN + USERINFO, "iat": now, "jti": "1", "ath": ath(token)}
    good = made()
    hmac_key = OctKey.import_key(tokens.encode(KEY.as_dict(private=False)["x"].encode()))
    probes: dict[str, str] = {
        "not a JWT": "x",
        "empty": "",
        "two parts": ".".join(good.split(".")[:2]),
        "bad signature": _with_signature(good, tokens.encode(bytes(64))),
        "signature of another": _with_signature(good, made(key=THIEF).split(".")[2]),
        "no typ": made(header={"typ": None}),
        "typ JWT": made(header={"typ": "JWT"}),
        "typ in capitals": made(header={"typ": "DPOP+JWT"}),
        "no alg": unsigned({k: v for k, v in head.items() if k != "alg"}, body),
        "alg none": unsigned({**head, "alg": "none"}, body),
        "alg None": unsigned({**head, "alg": "None"}, body),
        "alg ES256 without a signature": unsigned(head, body),
        "HS256 with the public key": signed(hmac_key, body, "HS256", typ="dpop+jwt", jwk=KEY.as_dict(private=False)),
        "HS256 with its own key": signed(hmac_key, body, "HS256", typ="dpop+jwt", jwk={"kty": "oct"}),
        "RS256 over an EC key": unsigned({**head, "alg": "RS256"}, body, tokens.encode(bytes(256))),
        "no jwk": made(header={"jwk": None}),
        "jwk is a list": made(header={"jwk": [KEY.as_dict(private=False)]}),
        "private key in jwk": made(header={"jwk": KEY.as_dict(private=True)}),
        "another key in jwk": made(header={"jwk": THIEF.as_dict(private=False)}),
        "kid instead of jwk": made(header={"jwk": None, "kid": KEY.thumbprint()}),
        "jku": made(header={"jku": "https://evil.test/keys"}),
        "unknown crit": made(header={"crit": ["exp"], "exp": 1}),
        "no htm": made(htm=None),
        "htm POST": made(htm="POST"),
        "htm in small letters": made(htm="get"),
        "no htu": made(htu=None),
        "htu of another path": made(htu=ORIGIN + TOKEN),
        "htu with a trailing slash": made(htu=ORIGIN + USERINFO + "/"),
        "htu elsewhere": made(htu="https://evil.test" + USERINFO),
        "htu http": made(htu="http://connect.test" + USERINFO),
        "htu of another port": made(htu="https://connect.test:8443" + USERINFO),
        "htu with a user": made(htu="https://evil@connect.test" + USERINFO),
        "htu in capitals": made(htu=ORIGIN + USERINFO.upper()),
        "no iat": made(iat=None),
        "iat in an hour": made(iat=now + 3600),
        "iat an hour ago": made(iat=now - 3600),
        "iat 61 s ago": made(iat=now - 61),
        "iat in 61 s": made(iat=now + 61),
        "iat as text": made(iat=str(now)),
        "no jti": made(jti=None),
        "jti a number": made(jti=5),
        "empty jti": made(jti=""),
        "no ath": made(ath=None),
        "ath of another token": made(ath=ath(got["refresh_token"])),
        "ath in hex": made(ath=ath(token).encode().hex()),
        "of another key": made(key=THIEF),
        "claims are a list": signed(KEY, [1], typ="dpop+jwt", jwk=KEY.as_dict(private=False)),
        "too long": made(filler="x" * 9000),
    }
    for name, text in probes.items():
        refused = await world.userinfo(token, "DPoP", DPoP=text)
        assert refused.status_code == 401, name
        assert refused.headers["www-authenticate"].startswith("DPoP error="), name
    accepted = {
        "plain": made(),
        "10 s before": made(iat=now - 10),
        "10 s after": made(iat=now + 10),
        "iat with a fraction": made(iat=now + 0.5),
        "extra claims": made(extra={"a": [1]}, exp=1, nbf=now),
        "query and fragment": made(htu=f"{ORIGIN}{USERINFO}?a=b#c"),
        "capitals and default port": made(htu=f"HTTPS://Connect.TEST:443{USERINFO}"),
    }
    for name, text in accepted.items():
        for headers in ({"dpop": text}, {"DPOP": text}):
            answer = await world.userinfo(token, "dPoP", **headers)
            assert answer.status_code == (200 if "dpop" in headers else 401), f"{name}: good, and good once"


async def test_d1_only_ordinary_rsa_keys_are_worked_with(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A huge exponent makes each check cost milliseconds, and nobody has proved anything yet."""
    world = small_world
    made: list[Any] = []
    monkeypatch.setattr(dpop, "import_key", lambda jwk: made.append(jwk) or import_key(jwk))
    jwk = KEYS["RS256"].as_dict(private=False)
    odd = {
        "huge e": {**jwk, "e": tokens.encode(b"\x01" + bytes(254) + b"\x01")},
        "e = 3": {**jwk, "e": "Aw"},
        "e with a zero before": {**jwk, "e": "AAEAAQ"},
        "e a number": {**jwk, "e": 65537},
        "no e": {"kty": "RSA", "n": jwk["n"]},
        "no n": {"kty": "RSA", "e": "AQAB"},
        "n a number": {**jwk, "n": 5},
        "1024 bits": {**jwk, "n": tokens.encode(b"\xff" * 128)},
        "2047 bits": {**jwk, "n": tokens.encode(b"\x00\x7f" + b"\xff" * 255)},
        "4097 bits": {**jwk, "n": tokens.encode(b"\x01" + b"\xff" * 512)},
    }
    for name, bent in odd.items():
        text = proof(world, KEYS["RS256"], USERINFO, "GET", "RS256", {"jwk": bent}, ath=ath("x"))
        refused = await world.userinfo("x", "DPoP", DPoP=text)
        assert "invalid_dpop_proof" in refused.headers["www-authenticate"], name
    assert not made
    text = proof(world, KEYS["RS256"], USERINFO, "GET", "RS256", ath=ath("x"))
    refused = await world.userinfo("x", "DPoP", DPoP=text)
    assert "invalid_token" in refused.headers["www-authenticate"], "the proof is good"
    assert len(made) == 1


async def test_d2_who_has_no_good_token_makes_us_write_nothing(small_world: World) -> None:
    world = small_world
    token = (await _bound(world))["access_token"]
    before = len(await world.house.db.all("SELECT * FROM signin_spent"))
    for other, key in (("x", KEY), (f"{token[:-4]}AAAA", KEY), (token, THIEF)):
        text = proof(world, key, USERINFO, "GET", ath=ath(other))
        assert (await world.userinfo(other, "DPoP", DPoP=text)).status_code == 401
    assert len(await world.house.db.all("SELECT * FROM signin_spent")) == before
    text = proof(world, KEY, USERINFO, "GET", ath=ath(token))
    answers = [await world.userinfo(token, "DPoP", DPoP=text) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 401]
    assert "invalid_dpop_proof" in answers[1].headers["www-authenticate"]


async def test_d1_one_proof_in_one_header(small_world: World) -> None:
    token = (await _bound(small_world))["access_token"]
    both = [("Authorization", f"DPoP {token}")]
    both += [("DPoP", proof(small_world, KEY, USERINFO, "GET", ath=ath(token))) for _ in range(2)]
    assert (await small_world.browser().get(USERINFO, headers=both)).status_code == 401
    joined = [both[0], ("DPoP", f"{both[1][1]}, {both[2][1]}")]
    assert (await small_world.browser().get(USERINFO, headers=joined)).status_code == 401


async def test_d3_schemes_do_not_mix(small_world: World) -> None:
    """RFC 9449 section 7.2: a bound token is no bearer token, and a bearer token needs no proof."""
    world = small_world
    bound = (await _bound(world))["access_token"]
    plain = (await world.tokens("bea", await world.service("plain")))[0]["access_token"]
    assert (await world.userinfo(bound)).status_code == 401
    assert (await world.userinfo(bound, "DPoP")).status_code == 401
    assert (await world.userinfo(plain, "DPoP")).status_code == 401
    text = proof(world, KEY, USERINFO, "GET", ath=ath(plain))
    assert (await world.userinfo(plain, "DPoP", DPoP=text)).status_code == 401
    assert (await world.userinfo(plain)).status_code == 200
    for form in ({"access_token": bound}, {"access_token": plain}):
        answer = await world.browser().post(USERINFO, data=form)
        assert answer.status_code == (200 if form["access_token"] == plain else 401)


async def test_d3_introspection_tells_the_key(small_world: World) -> None:
    service = await small_world.service()
    form, headers = await code_form(small_world, service), {"DPoP": proof(small_world, KEY, TOKEN)}
    got = (await small_world.token(service, form, headers=headers)).json()
    told = await small_world.browser().post(INTROSPECT, data={"token": got["access_token"]}, auth=service.basic)
    seen = told.json()
    assert (seen["active"], seen["token_type"], seen["cnf"]) == (True, "DPoP", {"jkt": KEY.thumbprint()})


async def test_d2_a_proof_is_good_once_for_all_processes_and_once_more_for_nobody(world: World) -> None:
    """The window is kept in the database: here two houses share it."""
    from lucine.app.connect import build_connect

    service = await world.service()
    text = proof(world, KEY, TOKEN)
    form = {"grant_type": "authorization_code", "code": "x"}
    second = build_connect(world.house.settings, clock=world.clock, chores=False)
    async with second.router.lifespan_context(second):
        other = httpx.AsyncClient(transport=httpx.ASGITransport(second), base_url=ORIGIN)
        first = await world.token(service, form, headers={"DPoP": text})
        again = await other.post(TOKEN, data=form, auth=service.basic, headers={"DPoP": text})
        await other.aclose()
    assert first.json()["error"] == "invalid_grant", "the proof was good, the code was not"
    assert again.json()["error"] == "invalid_dpop_proof"


async def test_d2_used_proofs_are_remembered_while_they_could_be_fresh(small_world: World) -> None:
    from lucine.signin.chores import clean_signin

    service, form = await small_world.service(), {"grant_type": "refresh_token", "refresh_token": "x"}
    text = proof(small_world, KEY, TOKEN, iat=int(small_world.clock.now) + 59)
    assert (await small_world.token(service, form, headers={"DPoP": text})).json()["error"] == "invalid_grant"
    for _ in range(13):
        small_world.clock.pass_by(10)
        await clean_signin(small_world.house, small_world.clock.now)
        refused = await small_world.token(service, form, headers={"DPoP": text})
        assert refused.json()["error"] == "invalid_dpop_proof"


async def test_d4_the_refresh_token_of_a_public_client_is_its_keys(small_world: World) -> None:
    service = await small_world.service(auth_method="none")
    form = {**await code_form(small_world, service), "client_id": "service"}
    got = (await small_world.token(service, form, headers={"DPoP": proof(small_world, KEY, TOKEN)})).json()
    asked = refreshing(got, client_id="service")
    for headers in ({}, {"DPoP": proof(small_world, THIEF, TOKEN)}):
        assert (await small_world.token(service, asked, headers=headers)).json()["error"] == "invalid_grant"
    right = await small_world.token(service, asked, headers={"DPoP": proof(small_world, KEY, TOKEN)})
    assert right.status_code == 200, "a thief without the key takes nothing away"
    assert claims_of(right.json()["access_token"])["cnf"] == {"jkt": KEY.thumbprint()}


async def test_d5_a_pushed_proof_and_dpop_jkt_bind_the_code(small_world: World) -> None:
    service, desk, phone = await small_world.service(), small_world.desk(), await small_world.phone("ana")
    browser = small_world.browser()
    mismatch = await browser.post(
        PAR, data=asking(service, dpop_jkt=THIEF.thumbprint()), auth=service.basic,
        headers={"DPoP": proof(small_world, KEY, PAR)},
    )  # fmt: skip
    assert (mismatch.status_code, mismatch.json()["error"]) == (400, "invalid_dpop_proof")
    elsewhere = {"DPoP": proof(small_world, KEY, TOKEN)}
    refused = await browser.post(PAR, data=asking(service), auth=service.basic, headers=elsewhere)
    assert refused.json()["error"] == "invalid_dpop_proof"
    await small_world.sign_in(desk, phone, service)
    for pushed_with_proof in (True, False):
        for key, error in ((None, "invalid_grant"), (THIEF, "invalid_grant"), (KEY, None)):
            form = asking(service, **({} if pushed_with_proof else {"dpop_jkt": KEY.thumbprint()}))
            kept = {name: value for name, value in form.items() if not name.startswith("code_challenge")}
            headers = {"DPoP": proof(small_world, KEY, PAR)} if pushed_with_proof else {}
            pushed = (await browser.post(PAR, data=kept, auth=service.basic, headers=headers)).json()
            query = {"client_id": "service", "request_uri": pushed["request_uri"]}
            back = came_back(await desk.http.get("/auth", params=query))
            code = {name: value for name, value in redeeming(desk, service, back).items() if name != "code_verifier"}
            more = {"DPoP": proof(small_world, key, TOKEN)} if key else {}
            answer = await small_world.token(service, code, headers=more)
            assert answer.json().get("error") == error


@given(st.sampled_from(["https", "HTTPS", "hTTps"]), st.sampled_from(["", ":443"]),
       st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12), st.text("abz/-._~09", max_size=20),
       st.text("ab=&?/", max_size=8))  # fmt: skip
def test_d1_htu_is_the_same_address_however_it_is_spelt(
    scheme: str, port: str, host: str, path: str, query: str
) -> None:
    plain = f"https://{host}.test/{path}"
    assert _plain(f"{scheme}://{host.upper()}.TEST{port}/{path}?{query}#{query}") == _plain(plain) == plain


@given(st.text(max_size=60), st.text(max_size=60))
def test_d1_htu_normalisation_never_fails_and_moves_no_path(one: str, other: str) -> None:
    assert isinstance(_plain(one), str)
    if one.isalnum() and other.isalnum() and one.isascii() and other.isascii() and one != other:
        assert _plain(f"https://a.test/{one}") != _plain(f"https://a.test/{other}")


# Client certificates


def _name(*rdns: list[tuple[Any, str]]) -> x509.Name:
    return x509.Name(
        [x509.RelativeDistinguishedName([x509.NameAttribute(oid, value) for oid, value in rdn]) for rdn in rdns]
    )


# As IGC-Santé writes it: a region, an organisation with accents, a FINESS number, a common name.
SUBJECT = _name(
    [(NameOID.COUNTRY_NAME, "FR")],
    [(NameOID.STATE_OR_PROVINCE_NAME, "Loire-Atlantique (44)")],
    [(NameOID.ORGANIZATION_NAME, "Hôpital fictif, « Été »")],
    [(NameOID.ORGANIZATIONAL_UNIT_NAME, "318751275100020"), (NameOID.COMMON_NAME, "service.test")],
)


def test_m1_names_are_compared_as_parsed() -> None:
    """RFC 8705 section 2.1.2: the order inside one RDN, the escapes and the string type do not count; all else does."""
    client = Client(id="c", name="c", auth_method="tls_client_auth", tls_subject=SUBJECT.rfc4514_string())
    assert names_client(certificate(SUBJECT), client)
    swapped = _name(*[list(reversed([(a.oid, str(a.value)) for a in rdn])) for rdn in SUBJECT.rdns])
    assert names_client(certificate(swapped), client)
    texts = x509.name._ASN1Type.UTF8String, x509.name._ASN1Type.PrintableString
    one, other = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "service", text)]) for text in texts)
    encoded = Client(id="c", name="c", auth_method="tls_client_auth", tls_subject=one.rfc4514_string())
    assert names_client(certificate(one), encoded)
    assert names_client(certificate(other), encoded)
    escaped = Client(
        id="c", name="c", auth_method="tls_client_auth",
        tls_subject=SUBJECT.rfc4514_string().replace("ô", "\\C3\\B4"),
    )  # fmt: skip
    assert names_client(certificate(SUBJECT), escaped)
    others = [
        _name(*[[(a.oid, str(a.value)) for a in rdn] for rdn in reversed(list(SUBJECT.rdns))]),
        _name(*[[(a.oid, str(a.value))] for rdn in SUBJECT.rdns for a in rdn]),
        _name(*[[(a.oid, str(a.value)) for a in rdn] for rdn in list(SUBJECT.rdns)[1:]]),
        _name(*[[(a.oid, str(a.value)) for a in rdn] for rdn in SUBJECT.rdns], [(NameOID.COMMON_NAME, "more")]),
        _name([(NameOID.COMMON_NAME, "CN=service.test,C=FR")]),
        x509.Name([]),
    ]
    assert [other for other in others if names_client(certificate(other), client)] == []


def test_m1_a_dns_name_is_one_of_the_certificates_names_not_a_part_of_one() -> None:
    client = Client(id="c", name="c", auth_method="tls_client_auth", tls_san_dns="service.test")
    cn = _name([(NameOID.COMMON_NAME, "service.test")])
    assert names_client(certificate(cn, san="service.test"), client)
    for san in ("evil.service.test", "service.test.evil.test", "*.test", "*.service.test"):
        assert not names_client(certificate(cn, san=san), client)
    assert not names_client(certificate(cn), client), "a common name is not a DNS name"


PROXY = "10.1.2.3"


async def test_m3_b7_a_certificate_counts_from_the_trusted_proxy_alone(open_small: OpenWorld) -> None:
    mine, other = certificate(SUBJECT), certificate(_name([(NameOID.COMMON_NAME, "x")]))
    same_name = certificate(SUBJECT)
    async with open_small(client_cert_header="X-Cert", trusted_proxies=f"{PROXY}, 10.9.9.9") as world:
        service = await world.service(auth_method="tls_client_auth", tls_subject=SUBJECT.rfc4514_string())
        form = {**await code_form(world, service), "client_id": "service"}
        proxy, outsider = from_address(world, PROXY), from_address(world, "203.0.113.9")
        forged = {**in_header(mine), "X-Forwarded-For": PROXY, "Forwarded": f"for={PROXY}", "X-Real-IP": PROXY}
        for client, headers in (
            (outsider, forged),
            (world.browser(), forged),
            (proxy, {}),
            (proxy, in_header(other)),
            (proxy, {"X-Cert": "-"}),
            (proxy, [("X-Cert", in_header(mine)["X-Cert"]), ("X-Cert", in_header(other)["X-Cert"])]),
        ):
            refused = await client.post(TOKEN, data=form, headers=headers)
            assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
        got = (await proxy.post(TOKEN, data=form, headers=in_header(mine))).json()
        token = got["access_token"]
        assert claims_of(token)["cnf"] == {"x5t#S256": thumbprint_of(mine)}
        borne = {"Authorization": f"Bearer {token}"}
        assert (await proxy.get(USERINFO, headers={**borne, **in_header(mine)})).status_code == 200
        for client, headers in (
            (proxy, borne),
            (proxy, {**borne, **in_header(other)}),
            (proxy, {**borne, **in_header(same_name)}),
            (outsider, {**borne, **in_header(mine)}),
        ):
            assert (await client.get(USERINFO, headers=headers)).status_code == 401
        seen = await proxy.post(INTROSPECT, data={"client_id": "service", "token": token}, headers=in_header(mine))
        assert seen.json()["cnf"] == {"x5t#S256": thumbprint_of(mine)}
        secret = await proxy.post(TOKEN, data=form, headers=in_header(mine), auth=("service", "x"))
        assert secret.status_code == 401
        refreshed = await proxy.post(TOKEN, data=refreshing(got, client_id="service"), headers=in_header(mine))
        assert refreshed.status_code == 200


async def test_m1_the_tls_door_hands_the_certificate_over_itself(open_small: OpenWorld) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding

    mine = certificate(SUBJECT, san="service.test")
    async with open_small(mtls_origin="https://mtls.connect.test") as world:
        service = await world.service(auth_method="tls_client_auth", tls_san_dns="service.test")
        form = {**await code_form(world, service), "client_id": "service"}
        door = from_address(world, "203.0.113.9", **{SCOPE_KEY: mine.public_bytes(Encoding.DER)})
        got = await door.post(TOKEN, data=form)
        assert claims_of(got.json()["access_token"])["cnf"] == {"x5t#S256": thumbprint_of(mine)}
        # At the door with certificates the address of that door is right, too.
        both = proof(world, KEY, TOKEN, htu="https://mtls.connect.test" + TOKEN)
        bad = await door.post(TOKEN, data={"grant_type": "x", "client_id": "service"}, headers={"DPoP": both})
        assert bad.json()["error"] == "unsupported_grant_type"
        refused = await door.post(TOKEN, data=refreshing(got.json(), client_id="service"), headers={"DPoP": both})
        assert refused.json()["error"] == "invalid_grant", "the proof is good here; the grant is the certificate's"


def test_m4_the_door_with_certificates_has_its_own_addresses() -> None:
    settings = Settings(origin=ORIGIN, mtls_origin="https://mtls.connect.test")
    aliases = discovery_document(settings)["mtls_endpoint_aliases"]
    for name, address in aliases.items():
        assert address == "https://mtls.connect.test" + PATHS[name]
    assert "authorization_endpoint" not in aliases, "no browser is asked for a certificate"
    assert "end_session_endpoint" not in aliases
    assert {"token_endpoint", "userinfo_endpoint", "pushed_authorization_request_endpoint"} <= set(aliases)
    assert "mtls_endpoint_aliases" not in discovery_document(Settings(origin=ORIGIN))


async def test_b7_the_address_of_a_visitor_is_what_the_trusted_proxy_saw(open_small: OpenWorld) -> None:
    from starlette.requests import Request

    from lucine.web import Visit

    async with open_small(trusted_proxies=f"{PROXY},10.1.2.4") as world:

        def seen(peer: str, *forwarded: str) -> str:
            headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
            scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers,
                     "client": (peer, 1)}  # fmt: skip
            return Visit(Request(scope), world.house, world.clock.now).address

        assert seen("203.0.113.9", "198.51.100.7") == "203.0.113.9", "who is not a proxy is believed nothing"
        assert seen(PROXY, "198.51.100.7") == "198.51.100.7"
        assert seen(PROXY, "1.1.1.1, 198.51.100.7") == "198.51.100.7", "what the visitor wrote itself comes first"
        assert seen(PROXY, "1.1.1.1", "198.51.100.7") == "198.51.100.7", "the same, in two headers"
        assert seen(PROXY, "198.51.100.7, 10.1.2.4") == "198.51.100.7"
        assert seen(PROXY) == PROXY


async def test_j2_a_jwt_of_one_kind_is_no_jwt_of_another(small_world: World) -> None:
    """Cross-JWT confusion (RFC 8725 section 2.8): proof, assertion, ID token, access token, hints swapped around."""
    world = small_world
    service, key = await keyed(world, ciba="poll")
    form = await code_form(world, service)
    got = (await world.token(service, with_assertion(assertion(world, "keyed", key), **form))).json()
    kinds = {
        "id": got["id_token"], "access": got["access_token"], "hint": got["login_hint_token"],
        "proof": proof(world, key, TOKEN, iss="keyed", sub="keyed", aud=ORIGIN, exp=int(world.clock.now) + 60),
        "assertion": assertion(world, "keyed", key, header={"jwk": key.as_dict(private=False)}),
    }  # fmt: skip

    async def good_assertion() -> dict[str, str]:
        return with_assertion(assertion(world, "keyed", key))

    for name, text in kinds.items():
        if name != "assertion":
            tried = await world.token(service, with_assertion(text, grant_type="x"))
            assert tried.json()["error"] == "invalid_client", name
        if name != "proof":
            tried = await world.token(service, {**await good_assertion(), "grant_type": "x"}, headers={"DPoP": text})
            assert tried.status_code == 400
            assert tried.json()["error"] in ("invalid_dpop_proof", "unsupported_grant_type"), name
            own = await world.token(
                service, {**await good_assertion(), "grant_type": "refresh_token"}, headers={"DPoP": text}
            )
            assert own.json()["error"] == "invalid_dpop_proof", name
        if name != "access":
            assert (await world.userinfo(text)).status_code == 401, name
            seen = await world.browser().post(INTROSPECT, data={**await good_assertion(), "token": text})
            assert seen.json() == {"active": False}, name
        if name != "id":
            hinted = await world.browser().post(
                CIBA, data={**await good_assertion(), "scope": "openid", "id_token_hint": text}
            )
            assert hinted.json()["error"] == "invalid_request", name
        if name != "hint":
            hinted = await world.browser().post(
                CIBA, data={**await good_assertion(), "scope": "openid", "login_hint_token": text}
            )
            assert hinted.json()["error"] == "invalid_request", name
    assert header_of(got["login_hint_token"])["typ"] == "login-hint+jwt"
