"""What a relying party must refuse of its provider (facts/openid.md 3.6), each lie told by a real one."""

import gzip
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from lucine.safe import tokens

from .conftest import Fronts
from .openid_provider import EC, RSA, STRANGER, SUB, OpenIdProvider, ana, by_hand, sign_with

Claims = dict[str, Any]
RSA_WITHOUT_ALG = RSAKey.import_key({k: v for k, v in RSA.as_dict(private=True).items() if k != "alg"})


def but(**changes: Any) -> Callable[[Claims], Claims]:
    """The same with other members; ... leaves one out."""
    return lambda said: {name: value for name, value in {**said, **changes}.items() if value is not ...}


def later(name: str, seconds: int) -> Callable[[Claims], Claims]:
    return lambda said: {**said, name: said[name] + seconds}


@dataclass
class Lie:
    """What the provider does, and why the front refuses it."""

    why: str
    said: dict[str, Any] = field(default_factory=dict)


def public_pem_as_secret(header: Claims, claims: Claims) -> str:
    return with_secret(RSA.as_pem(private=False), {**header, "alg": "HS256"}, claims)


def public_jwk_as_secret(header: Claims, claims: Claims) -> str:
    return with_secret(str(RSA.as_dict(private=False)["n"]).encode(), {**header, "alg": "HS256"}, claims)


def with_secret(secret: bytes, header: Claims, claims: Claims) -> str:
    """Libraries refuse to write this."""
    text = by_hand(header, claims).rstrip(".")
    return f"{text}.{tokens.encode(hmac.digest(secret, text.encode(), 'sha256'))}"


def with_own_key(header: Claims, claims: Claims) -> str:
    key = ECKey.generate_key("P-256")
    said = {"alg": "ES256", "kid": "e1", "jwk": key.as_dict(private=False)}
    return sign_with(key, {**header, **said}, claims)


def cut(header: Claims, claims: Claims) -> str:
    return sign_with(RSA, header, claims)[:-20]


def other_payload(header: Claims, claims: Claims) -> str:
    head, _, mark = sign_with(RSA, header, {**claims, "sub": "someone"}).split(".")
    return ".".join((head, by_hand(header, claims).split(".")[1], mark))


ID_TOKENS = {
    "invalid-iss": Lie("iss", {"claims": but(iss="https://evil.example")}),
    "iss-with-slash": Lie("iss", {"claims": lambda said: {**said, "iss": said["iss"] + "/"}}),
    "missing-iss": Lie("claims", {"claims": but(iss=...)}),
    "missing-sub": Lie("claims", {"claims": but(sub=...)}),
    "empty-sub": Lie("claims", {"claims": but(sub="")}),
    "sub-not-text": Lie("claims", {"claims": but(sub=7)}),
    "sub-too-long": Lie("claims", {"claims": but(sub="s" * 256)}),
    "invalid-aud": Lie("aud", {"claims": but(aud="espace")}),
    "aud-without-us": Lie("aud", {"claims": but(aud=["espace", "other"])}),
    "aud-empty": Lie("aud", {"claims": but(aud=[])}),
    "missing-aud": Lie("claims", {"claims": but(aud=...)}),
    "several-aud-no-azp": Lie("azp", {"claims": but(aud=["cabinet", "other"], azp=...)}),
    "azp-of-another": Lie("azp", {"claims": but(azp="other")}),
    "missing-iat": Lie("claims", {"claims": but(iat=...)}),
    "iat-in-the-future": Lie("iat", {"claims": later("iat", 120)}),
    "iat-a-week-old": Lie("iat", {"claims": later("iat", -7 * 86400)}),
    "missing-exp": Lie("claims", {"claims": but(exp=...)}),
    "expired": Lie("exp", {"claims": later("exp", -240)}),
    "exp-not-a-number": Lie("claims", {"claims": but(exp="tomorrow")}),
    "exp-true": Lie("claims", {"claims": but(exp=True)}),
    "nonce-invalid": Lie("nonce", {"claims": but(nonce="another")}),
    "nonce-missing": Lie("nonce", {"claims": but(nonce=...)}),
    "nonce-empty": Lie("nonce", {"claims": but(nonce="")}),
    "at-hash-wrong": Lie("at_hash", {"claims": but(at_hash="AAAAAAAAAAAAAAAAAAAAAA")}),
    "access-token-kind": Lie("typ", {"claims": but(typ="Bearer")}),
    "access-token-header": Lie("typ", {"header": {"typ": "at+jwt"}}),
    "logout-token": Lie("typ", {"header": {"typ": "logout+jwt"}}),
    "sig-none": Lie("alg", {"sign": lambda header, claims: by_hand({"alg": "none"}, claims)}),
    "sig-none-kid": Lie("alg", {"sign": lambda header, claims: by_hand({**header, "alg": "none"}, claims)}),
    "sig-none-capitals": Lie("alg", {"sign": lambda header, claims: by_hand({**header, "alg": "None"}, claims)}),
    "sig-missing": Lie("signature", {"sign": lambda header, claims: by_hand(header, claims)}),
    "hs256-public-pem": Lie("alg", {"sign": public_pem_as_secret}),
    "hs256-modulus": Lie("alg", {"sign": public_jwk_as_secret}),
    "rs512": Lie("alg", {"sign": lambda header, claims: sign_with(RSA_WITHOUT_ALG, {**header, "alg": "RS512"}, claims)}),
    "strangers-key": Lie("signature", {"sign": lambda header, claims: sign_with(STRANGER, header, claims)}),
    "key-in-the-header": Lie("signature", {"sign": with_own_key}),
    "cut": Lie("signature|not a signed", {"sign": cut}),
    "other-payload": Lie("signature", {"sign": other_payload}),
    "kid-of-the-other-key": Lie("kid", {"header": {"kid": "e1"}}),
    "kid-unknown": Lie("kid", {"header": {"kid": "r9"}}),
    "kid-absent-several-keys-fit": Lie(
        "kid",
        {"header": {"kid": None}, "keys": [RSA.as_dict(private=False), {**STRANGER.as_dict(private=False), "kid": "r2"}]},
    ),
    "crit": Lie("signature|not a signed", {"sign": lambda header, claims: sign_with_crit(header, claims)}),
    "not-a-jwt": Lie("not a signed", {"sign": lambda header, claims: "x"}),
    "five-parts": Lie("not a signed", {"sign": lambda header, claims: "a.b.c.d.e"}),
    "payload-not-json": Lie("claims", {"sign": lambda header, claims: raw(header, b"[[[[")}),
    "payload-a-list": Lie("claims", {"sign": lambda header, claims: raw(header, b"[1]")}),
    "payload-nan": Lie("claims", {"sign": lambda header, claims: raw(header, b'{"exp": NaN}')}),
    "payload-not-text": Lie("claims", {"sign": lambda header, claims: raw(header, b'{"iss": "\xff"}')}),
    "too-long": Lie("token", {"claims": but(more="x" * 20_000)}),
}  # fmt: skip


def raw(header: Claims, payload: bytes) -> str:
    return jws.serialize_compact(header, payload, RSA, algorithms=["RS256"])


def sign_with_crit(header: Claims, claims: Claims) -> str:
    """A header that says it must be understood, and is not."""
    body = by_hand({**header, "crit": ["exotic"], "exotic": True}, claims).rstrip(".")
    return f"{body}.{tokens.encode(RSA.private_key.sign(body.encode(), PKCS1v15(), SHA256()))}"


OTHERS = {
    "userinfo-invalid-sub": Lie("userinfo", {"person": but(sub="f:other:1")}),
    "userinfo-missing-sub": Lie("userinfo", {"person": but(sub=...)}),
    "userinfo-a-list": Lie("userinfo", {"person": lambda said: [said]}),
    "userinfo-refused": Lie("status 401", {"answers": {"userinfo": lambda: JSONResponse({}, 401)}}),
    "userinfo-not-json": Lie("not JSON", {"answers": {"userinfo": lambda: PlainTextResponse("<html>")}}),
    "userinfo-elsewhere": Lie(
        "status 307", {"answers": {"userinfo": lambda: RedirectResponse("http://evil.example/", 307)}}
    ),
    "token-refused": Lie("status 400 invalid_grant", {"answers": {
        "token": lambda: JSONResponse({"error": "invalid_grant"}, 400)}}),
    "token-odd-error": Lie("status 400 $", {"answers": {
        "token": lambda: JSONResponse({"error": "<b>\n{}" * 99}, 400)}}),
    "token-elsewhere": Lie("status 307", {"answers": {"token": lambda: RedirectResponse("http://evil.example/", 307)}}),
    "token-not-json": Lie("token", {"answers": {"token": lambda: PlainTextResponse("<html>")}}),
    "token-without-id-token": Lie("token", {"tokens": but(id_token=...)}),
    "token-without-access-token": Lie("token", {"tokens": but(access_token=...)}),
    "token-of-another-kind": Lie("bearer", {"tokens": but(token_type="DPoP")}),
    "token-breaks-the-header": Lie("bearer", {"tokens": but(access_token="a\r\nHost: evil.example")}),
    "token-too-long": Lie("too long", {"answers": {"token": lambda: PlainTextResponse("x" * 300_000)}}),
    "token-packed": Lie("packed", {"answers": {
        "token": lambda: Response(gzip.compress(b" " * 10_000_000), headers={"Content-Encoding": "gzip"})}}),
    "no-keys": Lie("keys", {"keys": []}),
    "keys-for-locking-only": Lie("keys", {"keys": [{**RSA.as_dict(private=False), "use": "enc"}]}),
    "keys-too-small": Lie("keys", {"keys": [
        {**RSAKey.generate_key(1024, auto_kid=False).as_dict(private=False), "kid": "r1"}]}),
    "keys-a-secret": Lie("keys", {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "r1"}]}),
    "keys-elsewhere": Lie("status 302", {"answers": {"certs": lambda: RedirectResponse("http://evil.example", 302)}}),
}  # fmt: skip


def tell(provider: OpenIdProvider, lie: Lie) -> None:
    provider.reset(provider.clock)
    for name, value in lie.said.items():
        setattr(provider.lies, name, value)


@pytest.mark.parametrize("lies", [ID_TOKENS, OTHERS], ids=["id-tokens", "other-answers"])
async def test_no_lie_opens_a_session(
    fronts: Fronts, provider: OpenIdProvider, said: list[Claims], lies: dict[str, Lie]
) -> None:
    for name, lie in lies.items():
        tell(provider, lie)
        fronts.clock.now += 700  # what was kept of the provider is read again
        said.clear()
        browser = fronts.browser()
        answer = await browser.sign_in()
        assert answer.status_code == 502, name
        assert "La connexion n’a pas abouti" in answer.text, name
        assert "Réessayer" in answer.text, name
        assert browser.cookie("__Host-cabinet") is None, name
        assert not await browser.is_in(), name
        refused = [line["detail"] for line in said if line["event"] == "refused"]
        assert len(refused) == 1, name
        assert re.search(lie.why, refused[0]), f"{name}: refused for another reason, {refused[0]}"
        assert "evil" not in refused[0], f"{name}: the log repeats what a stranger said"
    assert await fronts.house.db.all("SELECT * FROM reception_sessions") == []
    tell(provider, Lie(""))
    fronts.clock.now += 700
    assert (await fronts.browser().sign_in()).status_code == 303, "the truth still opens"


TRUTHS = {
    "plain": Lie(""),
    "aud-a-list": Lie("", {"claims": but(aud=["cabinet"])}),
    "several-aud-with-azp": Lie("", {"claims": but(aud=["other", "cabinet"], azp="cabinet")}),
    "no-at-hash": Lie("", {"claims": but(at_hash=...)}),
    "no-sid": Lie("", {"claims": but(sid=...)}),
    "typ-jwt": Lie("", {"header": {"typ": "JWT"}}),
    "keycloak-kind": Lie("", {"claims": but(typ="ID")}),
    "float-times": Lie("", {"claims": lambda said: {**said, "iat": said["iat"] + 0.5, "exp": said["exp"] + 0.5}}),
    "clock-a-little-ahead": Lie("", {"claims": later("iat", 50)}),
    "more-claims": Lie("", {"claims": but(SubjectNameID="899700999917", amr=["hwk"], more={"a": [1]})}),
    "kid-absent-one-key-fits": Lie("", {"header": {"kid": None}}),
    "ps256": Lie("", {
        "header": {"alg": "PS256"}, "keys": [{k: v for k, v in RSA.as_dict(private=False).items() if k != "alg"}],
        "sign": lambda header, claims: sign_with(RSA_WITHOUT_ALG, header, claims)}),
    "bearer-in-small-letters": Lie("", {"tokens": but(token_type="bearer")}),
    "keys-of-other-kinds-beside": Lie("", {"keys": [
        {"kty": "AKP", "kid": "x"}, {"kty": "RSA"}, "x", {"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"},
        {**STRANGER.as_dict(private=False), "use": "enc", "alg": "RSA-OAEP"}, RSA.as_dict(private=False)]}),
}  # fmt: skip


async def test_what_is_right_is_not_refused(fronts: Fronts, provider: OpenIdProvider, said: list[Claims]) -> None:
    for name, truth in TRUTHS.items():
        tell(provider, truth)
        fronts.clock.now += 700
        browser = fronts.browser()
        assert (await browser.sign_in()).status_code == 303, f"{name}: {said[-1]}"
        assert await browser.is_in(), name
    provider.reset(provider.clock)
    provider.signer = EC
    assert (await fronts.browser().sign_in()).status_code == 303


async def test_a_provider_that_breaks_down_is_not_a_liar(fronts: Fronts, provider: OpenIdProvider) -> None:
    for name in ("certs", "token", "userinfo"):
        for status in (500, 503, 429):
            provider.reset(fronts.clock)
            provider.lies.answers[name] = lambda status=status: PlainTextResponse("", status)
            answer = await fronts.browser().sign_in()
            assert answer.status_code == 503
            assert "ne répond pas" in answer.text
    provider.reset(fronts.clock)


async def test_rotated_keys_are_found_and_unknown_ones_asked_for_once_a_minute(
    fronts: Fronts, provider: OpenIdProvider
) -> None:
    assert (await fronts.browser().sign_in()).status_code == 303
    assert provider.calls["certs"] == 1
    new = ECKey.generate_key("P-256", {"kid": "e2"})
    provider.signer = new
    provider.lies.keys = [RSA.as_dict(private=False), new.as_dict(private=False)]
    assert (await fronts.browser().sign_in()).status_code == 303, "found at once"
    assert provider.calls["certs"] == 2
    provider.signer = ECKey.generate_key("P-256", {"kid": "e3"})
    for _ in range(3):
        assert (await fronts.browser().sign_in()).status_code == 502
        assert (await fronts.tell(provider.logout_token())).status_code == 400
        fronts.clock.now += 15
    assert provider.calls["certs"] == 2
    fronts.clock.now += 15
    assert (await fronts.browser().sign_in()).status_code == 502
    assert (await fronts.browser().sign_in()).status_code == 502
    assert provider.calls["certs"] == 3


async def test_what_the_provider_sets_for_one_person_is_not_brought_for_the_next(
    fronts: Fronts, provider: OpenIdProvider
) -> None:
    for _ in range(2):
        browser = fronts.browser()
        await browser.sign_in()
        browser.http.cookies.clear()
    # The browsers' own visits to /authorize may bring cookies; the front's calls never.
    assert provider.calls["token"] == 2
    assert [cookie for cookie in provider.cookies_brought if cookie] == []


async def test_userinfo_of_odd_shapes_keeps_nobody_out(fronts: Fronts, provider: OpenIdProvider) -> None:
    people: list[Claims] = [
        {},
        {"given_name": None, "family_name": 7, "SubjectRefPro": ""},
        {"SubjectRefPro": {"exercices": "x"}, "SubjectRole": [None]},
        {"SubjectRefPro": {"exercices": [None, {"activities": [None, {"raisonSocialeSite": {}}]}]}},
        {"given_name": "<script>alert(1)</script>", "family_name": '"><img src=x onerror=alert(1)>'},
        {"given_name": "A" * 100_000, "SubjectRefPro": {"exercices": [{"activities": [{}] * 5000}] * 5}},
        {"given_name": "\u202eANA\u0000\n\x1b[31m"},
    ]
    for person in people:
        provider.lies.person = lambda _, person=person: {"sub": SUB, **person}
        browser = fronts.browser()
        assert (await browser.sign_in()).status_code == 303, person
        shown = await browser.get("/")
        assert shown.status_code == 200
        assert "Bonjour" in shown.text
        assert "<script>" not in shown.text
        assert "<img" not in shown.text
        assert len(shown.text) < 10_000
        assert not set(shown.text) & set("\u202e\x00\x1b")


async def test_who_has_no_place_of_work_still_has_a_profession(fronts: Fronts, provider: OpenIdProvider) -> None:
    provider.lies.person = lambda _: {**ana(), "SubjectRefPro": {"exercices": []}}
    browser = fronts.browser()
    await browser.sign_in()
    page = (await browser.get("/")).text
    assert "Ana MERIDIENTEST, Sage-Femme" in page
    assert "CABINET MERIDIENTEST" in page
