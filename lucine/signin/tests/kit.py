"""What the protocol tests share: proofs, assertions, certificates, and the ways of a hostile client."""

import datetime
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from joserfc.jwk import ECKey

from lucine.safe import tokens
from lucine.signin.client_auth import ASSERTION_TYPE
from lucine.signin.discovery import PATHS
from lucine.web.egress import Answer
from tests.world import ORIGIN, SERVICE, Desk, Service, World

TOKEN = PATHS["token_endpoint"]
USERINFO = PATHS["userinfo_endpoint"]
INTROSPECT = PATHS["introspection_endpoint"]
REVOKE = PATHS["revocation_endpoint"]
PAR = PATHS["pushed_authorization_request_endpoint"]
CIBA = PATHS["backchannel_authentication_endpoint"]
LOGOUT = PATHS["end_session_endpoint"]
CERTS = PATHS["jwks_uri"]


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a JWT, unverified."""
    said: dict[str, Any] = json.loads(tokens.decode(token.split(".")[1]))
    return said


def header_of(token: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(tokens.decode(token.split(".")[0]))
    return said


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: str = "") -> str:
    """A JWT that nobody signed."""
    parts = [tokens.encode(json.dumps(part).encode()) for part in (header, claims)]
    return ".".join([*parts, signature])


class Careless(jws.JWSRegistry):
    """Signs whatever the test says, as a hostile client would."""

    def check_header(self, header: Any) -> None:
        """Nothing is checked."""


def signed(key: Any, claims: Any, alg: str = "ES256", **header: Any) -> str:
    """A JWS over any claims; a header of None is left out."""
    head = {name: value for name, value in {"alg": alg, **header}.items() if value is not None}
    return jws.serialize_compact(head, json.dumps(claims).encode(), key, registry=Careless(algorithms=[alg]))


def ath(token: str) -> str:
    return tokens.encode(hashlib.sha256(token.encode()).digest())


def proof(
    world: World, key: Any, path: str, method: str = "POST", alg: str = "ES256", header: Any = None, **bend: Any
) -> str:
    """A DPoP proof; claims and headers of None are left out."""
    claims = {"htm": method, "htu": ORIGIN + path, "iat": int(world.clock.now), "jti": tokens.new_secret(), **bend}
    claims = {name: value for name, value in claims.items() if value is not None}
    return signed(key, claims, alg, **{"typ": "dpop+jwt", "jwk": key.as_dict(private=False), **(header or {})})


def assertion(world: World, client: str, key: Any, alg: str = "ES256", header: Any = None, **bend: Any) -> str:
    """A client assertion (RFC 7523)."""
    now = int(world.clock.now)
    claims = {"iss": client, "sub": client, "aud": ORIGIN, "exp": now + 60, "jti": tokens.new_secret(), **bend}
    claims = {name: value for name, value in claims.items() if value is not None}
    return signed(key, claims, alg, **(header or {}))


def with_assertion(text: str, **form: str) -> dict[str, str]:
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": text, **form}


async def keyed(world: World, client_id: str = "keyed", **more: Any) -> tuple[Service, ECKey]:
    """A service with private_key_jwt, and its key."""
    key = ECKey.generate_key("P-256", parameters={"kid": "k1"})
    jwks = {"keys": [key.as_dict(private=False)]}
    return await world.service(client_id, auth_method="private_key_jwt", jwks=jwks, **more), key


async def code_form(world: World, service: Service, person: str = "ana", **more: Any) -> dict[str, str]:
    """Sign in by scanning; the form that redeems the code."""
    desk = world.desk()
    back = await world.sign_in(desk, await world.phone(person), service, **more)
    return redeeming(desk, service, back)


def redeeming(desk: Desk, service: Service, back: dict[str, str]) -> dict[str, str]:
    return {
        "grant_type": "authorization_code", "code": back["code"], "redirect_uri": service.client.redirect_uris[0],
        "code_verifier": desk.verifier,
    }  # fmt: skip


def refreshing(got: dict[str, Any], **more: str) -> dict[str, str]:
    return {"grant_type": "refresh_token", "refresh_token": got["refresh_token"], **more}


def asking(service: Service, **more: str) -> dict[str, str]:
    """An authorization request as a form."""
    return {
        "client_id": service.client.id, "redirect_uri": f"{SERVICE}/callback", "response_type": "code",
        "scope": "openid", "state": "s1", "code_challenge": "a" * 43, "code_challenge_method": "S256", **more,
    }  # fmt: skip


def came_back(answer: httpx.Response) -> dict[str, str]:
    """What travelled back to the service."""
    assert answer.status_code == 303, answer.text
    location = answer.headers["location"]
    assert location.startswith(f"{SERVICE}/callback?"), location
    return dict(parse_qsl(urlsplit(location).query))


def certificate(name: x509.Name, *, san: str = "") -> x509.Certificate:
    """A certificate with this subject."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    if san:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(san)]), critical=False)
    return builder.sign(key, hashes.SHA256())


def in_header(made: x509.Certificate) -> dict[str, str]:
    """As nginx passes it on: ``$ssl_client_escaped_cert``."""
    return {"X-Cert": quote(made.public_bytes(serialization.Encoding.PEM).decode())}


@dataclass
class Outside:
    """The world outside, in place of the guarded way out: it notes what is sent, and answers as told."""

    status: int = 200
    sent: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def post(self, url: str, *, headers: dict[str, str], content: bytes, seconds: float = 5) -> Answer:
        self.sent.append((url, headers, content))
        return Answer(self.status, b"")

    async def close(self) -> None:
        """Nothing to close."""


async def with_outside(world: World, status: int = 200) -> Outside:
    """Replace the house's way out."""
    await world.house.egress.close()
    outside = Outside(status)
    object.__setattr__(world.house, "egress", outside)
    return outside


def from_address(world: World, address: str, **scope: Any) -> httpx.AsyncClient:
    """A client whose connection comes from this address, with what a TLS door adds to the scope."""

    async def app(said: Any, receive: Any, send: Any) -> None:
        await world.app({**said, **scope}, receive, send)

    transport = httpx.ASGITransport(app, client=(address, 50000))
    client = httpx.AsyncClient(transport=transport, base_url=ORIGIN)
    world.clients.append(client)
    return client
