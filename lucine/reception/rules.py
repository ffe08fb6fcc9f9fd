"""What a relying party must refuse: OpenID Connect Core 3.1.3.7, Back-Channel Logout 2.6. Pure decisions.

Signatures are checked before (``provider.py``), replays after (``sessions.py``).
"""

import hashlib
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta

from lucine.safe import tokens

from .channel import refuse

ALGS = ("RS256", "ES256", "PS256")  # all hash with SHA-256, which at_hash rests on
CLOCK_SKEW_SECONDS = 60
ID_TOKEN_AGE_MAX_SECONDS = 600  # it comes straight from the provider: an old one is not ours
LOGOUT_TOKEN_LIFE_MAX_SECONDS = 86400  # its jti is kept as long
NAME_MAX_LENGTH = 255  # OpenID Connect Core section 2, for sub; the others alike
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"

Name = Annotated[str, Meta(min_length=1, max_length=NAME_MAX_LENGTH)]
Seconds = int | float


class IdToken(msgspec.Struct, frozen=True, kw_only=True):
    """The claims of an ID token that we use."""

    iss: str
    sub: Name
    aud: str | list[str]
    exp: Seconds
    iat: Seconds
    nonce: str = ""
    azp: str = ""
    at_hash: str = ""
    sid: Annotated[str, Meta(max_length=NAME_MAX_LENGTH)] = ""
    typ: str = ""


class LogoutToken(msgspec.Struct, frozen=True, kw_only=True):
    """The claims of a logout token."""

    iss: str
    aud: str | list[str]
    exp: Seconds
    iat: Seconds
    jti: Name
    events: dict[str, Any]
    sub: Annotated[str, Meta(max_length=NAME_MAX_LENGTH)] = ""
    sid: Annotated[str, Meta(max_length=NAME_MAX_LENGTH)] = ""
    nonce: Any = UNSET


Claims = TypeVar("Claims", IdToken, LogoutToken)


def read_id_token(
    header: dict[str, Any], payload: bytes, *, issuer: str, client_id: str, nonce: str, access_token: str, now: float
) -> IdToken:
    """The claims of an ID token whose signature holds. Refusal says which rule it breaks."""
    claims = _decode(payload, IdToken)
    if str(header.get("typ", "JWT")).upper() != "JWT" or claims.typ not in ("", "ID"):
        raise refuse("typ: not an ID token")  # Keycloak, and so Pro Santé Connect, says its kind in the claims
    _check_common(claims, issuer=issuer, client_id=client_id, now=now)
    if now - claims.iat > ID_TOKEN_AGE_MAX_SECONDS:
        raise refuse("iat: an old ID token")
    if isinstance(claims.aud, list) and len(claims.aud) > 1 and not claims.azp:
        raise refuse("azp: missing beside several audiences")
    if claims.azp and claims.azp != client_id:
        raise refuse("azp: issued to another client")
    if not claims.nonce or not tokens.same(claims.nonce, nonce):
        raise refuse("nonce")
    if claims.at_hash and not tokens.same(claims.at_hash, hash_of(access_token)):
        raise refuse("at_hash")
    return claims


def read_logout_token(
    header: dict[str, Any], payload: bytes, *, issuer: str, client_id: str, now: float
) -> LogoutToken:
    """The claims of a logout token whose signature holds. Refusal says which rule it breaks."""
    claims = _decode(payload, LogoutToken)
    if str(header.get("typ", "JWT")).lower().removeprefix("application/") not in ("logout+jwt", "jwt"):
        raise refuse("typ: not a logout token")
    _check_common(claims, issuer=issuer, client_id=client_id, now=now)
    if claims.exp > now + LOGOUT_TOKEN_LIFE_MAX_SECONDS:
        raise refuse("exp: too far")
    if not isinstance(claims.events.get(LOGOUT_EVENT), dict):
        raise refuse("events: no logout")
    if claims.nonce is not UNSET:
        raise refuse("nonce: a logout token has none")
    if not (claims.sid or claims.sub):
        raise refuse("neither sid nor sub")
    return claims


def hash_of(access_token: str) -> str:
    """What ``at_hash`` must be (Core 3.1.3.6)."""
    return tokens.encode(hashlib.sha256(access_token.encode()).digest()[:16])


def _decode(payload: bytes, shape: type[Claims]) -> Claims:
    try:
        return msgspec.json.decode(payload, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise refuse(f"claims: {error}") from None


def _check_common(claims: IdToken | LogoutToken, *, issuer: str, client_id: str, now: float) -> None:
    if claims.iss != issuer:
        raise refuse("iss")
    if client_id not in ([claims.aud] if isinstance(claims.aud, str) else claims.aud):
        raise refuse("aud")
    if claims.exp + CLOCK_SKEW_SECONDS <= now:
        raise refuse("exp")
    if claims.iat - CLOCK_SKEW_SECONDS > now:
        raise refuse("iat: in the future")
