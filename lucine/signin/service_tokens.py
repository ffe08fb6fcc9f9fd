"""Access tokens of a service for itself (RFC 6749 section 4.4, RFC 9068): they open the signals, and nobody's data.

Signed JWTs of another type than those of a session (`at+jwt`), so that neither is ever taken for the other.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from lucine.safe import tokens
from lucine.web import House, Refusal, Visit

from .certificates import certificate_of, thumbprint_of
from .clients import SIGNAL_SCOPES, Client, find_client
from .dpop import read_proof, spend_proof
from .paths import SSF
from .signing_keys import read_own, sign
from .spent import is_spent

TYP = "at+jwt"
WORDS = "Cette demande n'est pas permise."


async def sign_service_token(
    house: House, now: float, *, client: Client, scope: str, dpop_key: str, certificate: str
) -> dict[str, Any]:
    """The token response: no refresh token (RFC 6749 section 4.4.3). Refusal for another client or scope."""
    if not client.signals:
        raise Refusal("unauthorized_client", WORDS, "client is not registered for signals")
    asked = scope.split() or list(SIGNAL_SCOPES)
    if not set(asked) <= set(SIGNAL_SCOPES):
        raise Refusal("invalid_scope", WORDS, f"scope holds only {' and '.join(SIGNAL_SCOPES)}")
    given = " ".join(name for name in SIGNAL_SCOPES if name in asked)
    seconds = house.settings.access_token_seconds
    claims: dict[str, Any] = {
        "iss": house.settings.origin, "sub": client.id, "client_id": client.id, "aud": house.settings.origin + SSF,
        "scope": given, "iat": int(now), "exp": int(now) + seconds, "jti": tokens.new_secret(128),
    }  # fmt: skip
    if dpop_key:
        claims["cnf"] = {"jkt": dpop_key}
    elif certificate:
        claims["cnf"] = {"x5t#S256": certificate}
    token = await sign(house, now, client.alg, claims, typ=TYP)
    kind = "DPoP" if dpop_key else "Bearer"
    return {"access_token": token, "token_type": kind, "expires_in": seconds, "scope": given}


def revocation(claims: dict[str, Any]) -> str:
    """What is spent when a token is revoked."""
    return f"revoked:{claims['jti']}"


async def read_service_token(house: House, now: float, text: str) -> tuple[dict[str, Any], Client] | None:
    """The claims of a good token, and its client; None for every other text."""
    claims = await read_own(house, now, text, typ=TYP)
    if claims is None or claims["exp"] <= now or await is_spent(house.db, house.keys, revocation(claims)):
        return None
    found = await find_client(house.db, claims["client_id"])
    return (claims, found[0]) if found and found[0].signals else None


def _unauthorized(detail: str, scheme: str) -> Refusal:
    headers = {"WWW-Authenticate": f'{scheme} error="invalid_token"'}
    return Refusal("invalid_token", WORDS, detail, status=401, headers=headers)


def receiver(*scopes: str) -> Callable[[Visit], Awaitable[Client]]:
    """The guard of the signals: a client whose token has one of these scopes, in the header (RFC 6750 section 2.1)."""

    async def guard(visit: Visit) -> Client:
        scheme, _, token = visit.request.headers.get("authorization", "").partition(" ")
        scheme = {"bearer": "Bearer", "dpop": "DPoP"}.get(scheme.lower(), "")
        if not scheme or not token:
            raise Refusal("invalid_token", WORDS, "no token", status=401, headers={"WWW-Authenticate": "Bearer"})
        proof = read_proof(visit, access_token=token, status=401) if scheme == "DPoP" else None
        read = await read_service_token(visit.house, visit.now, token)
        if read is None:
            raise _unauthorized("token unknown, expired or revoked", scheme)
        claims, client = read
        bound = claims.get("cnf", {})
        if bound.get("jkt", "") != (proof.key if proof else ""):
            raise _unauthorized("token bound to another key, or to none", "DPoP")
        if "x5t#S256" in bound:
            certificate = certificate_of(visit)
            if certificate is None or thumbprint_of(certificate) != bound["x5t#S256"]:
                raise _unauthorized("token bound to another certificate", scheme)
        if not set(scopes) & set(claims["scope"].split()):
            headers = {"WWW-Authenticate": f'{scheme} error="insufficient_scope", scope="{scopes[0]}"'}
            raise Refusal("insufficient_scope", WORDS, f"needs {scopes[0]}", status=403, headers=headers)
        if proof:
            await spend_proof(visit, proof)
        return client

    return guard
