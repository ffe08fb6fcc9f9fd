"""Client authentication: only by the registered method, one method a request (RFC 6749 section 2.3)."""

import base64
from typing import Any
from urllib.parse import unquote_plus

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from lucine.safe import tokens
from lucine.web import Refusal, Visit

from .certificates import certificate_of, names_client
from .clients import ASSERTION_ALGS, Client, find_client
from .paths import PATHS
from .spent import spend

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFE_MAX_SECONDS = 3600  # what Authlib gives its assertions; each jti is remembered as long
CLOCK_SKEW_SECONDS = 10


def _refuse(detail: str, *, basic: bool = False) -> Refusal:
    headers = {"WWW-Authenticate": 'Basic realm="Lucine Connect"'} if basic else {}
    words = "Ce service n'a pas pu prouver son identité."
    return Refusal("invalid_client", words, detail, status=401, headers=headers)


async def authenticate_client(visit: Visit, form: dict[str, str]) -> Client:
    """The client that makes this request. Refusal `invalid_client` otherwise."""
    header = visit.request.headers.get("authorization", "")
    used = [
        method
        for method, present in (
            ("client_secret_basic", header.lower().startswith("basic ")),
            ("client_secret_post", "client_secret" in form),
            ("private_key_jwt", "client_assertion" in form or "client_assertion_type" in form),
        )
        if present
    ]
    if len(used) > 1:
        raise Refusal("invalid_request", "Cette demande n'est pas lisible.", "two ways of client authentication")
    basic = used == ["client_secret_basic"]
    if basic:
        client_id, secret = _read_basic(header)
    elif used == ["private_key_jwt"]:
        client_id, secret = _peek_subject(form), ""
    else:
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    if not client_id or "\x00" in client_id or form.get("client_id", client_id) != client_id:
        raise _refuse("no client, or two", basic=basic)
    found = await find_client(visit.house.db, client_id)
    if found is None:
        raise _refuse("unknown client", basic=basic)
    client, digest = found
    if client.auth_method in ("tls_client_auth", "none"):
        if used:
            raise _refuse(f"{used[0]} is not the registered method", basic=basic)
        if client.auth_method == "tls_client_auth":
            certificate = certificate_of(visit)
            if certificate is None or not names_client(certificate, client):
                raise _refuse("no certificate of this client")
        return client
    if used != [client.auth_method]:
        raise _refuse(f"{used or 'nothing'} is not the registered method", basic=basic)
    if client.auth_method == "private_key_jwt":
        await _check_assertion(visit, client, form)
    elif digest is None or not tokens.same(visit.house.keys.digest(f"client:{client_id}:{secret}"), digest):
        raise _refuse("wrong secret", basic=basic)
    return client


def _read_basic(header: str) -> tuple[str, str]:
    """Id and secret are form-encoded before they are joined (RFC 6749 section 2.3.1)."""
    try:
        client_id, colon, secret = base64.b64decode(header[6:], validate=True).decode().partition(":")
    except ValueError:
        raise _refuse("unreadable Basic header", basic=True) from None
    if not colon:
        raise _refuse("unreadable Basic header", basic=True)
    return unquote_plus(client_id), unquote_plus(secret)


def _peek_subject(form: dict[str, str]) -> str:
    """The client that an assertion says it is from; nothing is believed yet."""
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise _refuse("wrong client_assertion_type")
    try:
        payload = form.get("client_assertion", "").split(".")[1]
        said: Any = msgspec.json.decode(tokens.decode(payload))
        return str(said["sub"])
    except (IndexError, KeyError, TypeError, ValueError, RecursionError, msgspec.DecodeError):
        raise _refuse("unreadable client_assertion") from None


async def _check_assertion(visit: Visit, client: Client, form: dict[str, str]) -> None:
    """RFC 7523 section 3: signature, iss, sub, aud, exp, and each jti once."""
    try:
        keys = KeySet.import_key_set(client.jwks)  # type: ignore[arg-type]
        token = jwt.decode(form["client_assertion"], keys, algorithms=ASSERTION_ALGS)
    except (JoseError, ValueError, RecursionError) as error:
        raise _refuse(f"client_assertion: {error}") from None
    claims, now = token.claims, visit.now
    if token.header.get("typ", "JWT") not in ("JWT", "client-authentication+jwt"):
        raise _refuse("client_assertion: another kind of JWT")
    settings = visit.house.settings
    # The issuer, the token endpoint or this one: RFC 9126 section 2 and CIBA section 7.1 ask for all three.
    audiences = {origin + path for origin in (settings.origin, settings.mtls_origin) if origin
                 for path in ("", PATHS["token_endpoint"], visit.request.url.path)}  # fmt: skip
    if claims.get("iss") != client.id or claims.get("sub") != client.id:
        raise _refuse("client_assertion: iss and sub must be the client")
    if not isinstance(claims.get("aud"), str) or claims["aud"] not in audiences:
        raise _refuse("client_assertion: aud must be the issuer, the token endpoint or this one, one string")
    exp, nbf, jti = claims.get("exp"), claims.get("nbf", 0), claims.get("jti")
    if not isinstance(exp, int | float) or not now < exp <= now + ASSERTION_LIFE_MAX_SECONDS:
        raise _refuse("client_assertion: exp missing, past or too far")
    if not isinstance(nbf, int | float) or nbf > now + CLOCK_SKEW_SECONDS:
        raise _refuse("client_assertion: nbf in the future")
    if not isinstance(jti, str) or not jti:
        raise _refuse("client_assertion: no jti")
    async with visit.house.db.transaction() as db:
        if not await spend(db, visit.house.keys, f"assertion:{client.id}:{jti}", expires_at=exp):
            raise _refuse("client_assertion: used before")
