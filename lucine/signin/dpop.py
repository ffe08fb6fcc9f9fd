"""DPoP (RFC 9449): the twelve checks of section 4.3, in their order."""

import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import import_key

from lucine.safe import tokens
from lucine.web import Refusal, Visit

from .spent import spend

ALGS = ["ES256", "EdDSA", "PS256", "RS256"]
AGE_MAX_SECONDS = 60
PROOF_MAX_LENGTH = 8192
RSA_EXPONENT = "AQAB"  # 65537: everybody's. A large one makes each check cost a hundred times as much
RSA_BITS = range(2048, 4096 + 1)
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "k", "oth"}

# joserfc's own limit of 512 bytes is shorter than a header that carries an RSA key.
REGISTRY = jws.JWSRegistry(algorithms=ALGS, strict_check_header=False)
REGISTRY.max_header_length = PROOF_MAX_LENGTH


def _refuse(detail: str, status: int) -> Refusal:
    # A protected resource says which scheme it wants (RFC 9449 section 7.1).
    challenge = f'DPoP error="invalid_dpop_proof", algs="{" ".join(ALGS)}"'
    headers = {"WWW-Authenticate": challenge} if status == 401 else {}
    words = "Ce service n'a pas pu prouver son identité."
    return Refusal("invalid_dpop_proof", words, detail, status=status, headers=headers)


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that is good, if it was not used before."""

    key: str  # its thumbprint
    jti: str
    expires_at: float
    status: int


async def check_proof(visit: Visit) -> str:
    """The thumbprint of the key that made this request's proof ('' if it has none). Refusal if it is not good."""
    proof = read_proof(visit)
    if proof is None:
        return ""
    await spend_proof(visit, proof)
    return proof.key


def read_proof(visit: Visit, *, access_token: str = "", status: int = 400) -> Proof | None:
    """This request's proof, not yet spent; None if it has none. Refusal if it is not good."""
    proofs = visit.request.headers.getlist("dpop")
    if not proofs:
        return None
    if len(proofs) > 1 or len(proofs[0]) > PROOF_MAX_LENGTH:
        raise _refuse("one DPoP header is allowed", status)
    claims, thumbprint = _open_proof(proofs[0], status)
    if claims.get("htm") != visit.request.method:
        raise _refuse("htm", status)
    settings = visit.house.settings
    here = {_plain(origin + visit.request.url.path) for origin in (settings.origin, settings.mtls_origin) if origin}
    if not isinstance(claims.get("htu"), str) or _plain(claims["htu"]) not in here:
        raise _refuse("htu", status)
    iat, jti = claims.get("iat"), claims.get("jti")
    if not isinstance(iat, int | float) or not visit.now - AGE_MAX_SECONDS <= iat <= visit.now + AGE_MAX_SECONDS:
        raise _refuse("iat", status)
    if access_token and claims.get("ath") != tokens.encode(hashlib.sha256(access_token.encode()).digest()):
        raise _refuse("ath", status)
    if not isinstance(jti, str) or not jti:
        raise _refuse("jti", status)
    return Proof(thumbprint, jti, iat + AGE_MAX_SECONDS, status)


async def spend_proof(visit: Visit, proof: Proof) -> None:
    """Use it, once. Refusal the second time."""
    async with visit.house.db.transaction() as db:
        name = f"dpop:{proof.key}:{proof.jti}"
        if not await spend(db, visit.house.keys, name, expires_at=proof.expires_at):
            raise _refuse("jti was used before", proof.status)


def _open_proof(proof: str, status: int) -> tuple[dict[str, Any], str]:
    try:
        peeked: Any = msgspec.json.decode(tokens.decode(proof.split(".")[0]))
        if peeked["typ"] != "dpop+jwt" or "kid" in peeked or "jku" in peeked or "x5u" in peeked:
            raise _refuse("typ", status)
        jwk = peeked["jwk"]
        if PRIVATE_MEMBERS & set(jwk):
            raise _refuse("private key in jwk", status)
        if jwk.get("kty") == "RSA" and not _ordinary(jwk):
            raise _refuse("RSA keys have e = 65537 and 2048 to 4096 bits", status)
        key: Any = import_key(jwk)
        signed = jws.deserialize_compact(proof, key, registry=REGISTRY)
        claims: Any = msgspec.json.decode(signed.payload)
        return dict(claims), key.thumbprint()
    except (JoseError, ValueError, KeyError, TypeError, AttributeError, RecursionError, msgspec.DecodeError) as error:
        raise _refuse(f"proof: {error}", status) from None


def _ordinary(jwk: dict[str, Any]) -> bool:
    """Looked at before the key is made: its cost is what this is about."""
    return bool(jwk["e"] == RSA_EXPONENT and int.from_bytes(tokens.decode(jwk["n"])).bit_length() in RSA_BITS)


def _plain(address: str) -> str:
    """Scheme and host in lower case, no default port, no query, no fragment (RFC 9449 section 4.3, RFC 3986 6.2)."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return ""
    if "@" in parts.netloc:  # a user name belongs in no address of ours
        return ""
    default = {"https": 443, "http": 80}.get(parts.scheme)
    host = (parts.hostname or "").lower()
    return f"{parts.scheme}://{host}{f':{port}' if port and port != default else ''}{parts.path or '/'}"
