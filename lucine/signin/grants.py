"""Grants: what a client got in a session. Codes and refresh tokens are used once; a second use ends the grant.

code --(redeemed once)--> grant + tokens --(refresh, once each)--> tokens ...
a code or refresh token seen twice, a revocation, the session's end --> grant ended, its tokens dead
"""

import hashlib
from typing import Any

import msgspec

from lucine.directory import Professional, find_professional
from lucine.phone.holders import Holder, find_holder
from lucine.safe import Keys, Reader, Transaction, tokens, write_ledger
from lucine.web import House, Refusal
from lucine.web.settings import Settings

from .authorization import ACRS, Request
from .clients import Client
from .sessions import Method, Session, find_session, use_session
from .signing_keys import read_own, sign
from .subjects import subject_of

CODE_SECONDS = 60
HINT_TOKEN_SECONDS = 90 * 86400

# Pro Santé Connect knows CARD and MOBILE; a passkey on a computer is neither.
AUTH_MODES: dict[Method, str] = {
    "phone": "MOBILE",
    "known": "MOBILE",
    "typed": "MOBILE",
    "ciba": "MOBILE",
    "passkey": "PASSKEY",
}

# RFC 8176: proof of possession of a key, with the person verified, so two factors.
AMR = ["pop", "user", "mfa"]


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """One client's rights in one session, and the keys they are bound to ('' for none)."""

    id: str
    session: str
    client: str
    scope: str
    nonce: str
    dpop_key: str
    certificate: str


COLUMNS = "id, session, client, scope, nonce, dpop_key, certificate"


async def issue_code(db: Transaction, now: float, keys: Keys, *, request: Request, session: Session) -> str:
    """An authorization code, good once within CODE_SECONDS."""
    code = tokens.new_secret()
    await db.run(
        "INSERT INTO signin_codes (digest, grant_id, session, client, request, expires_at)"
        " VALUES (:digest, :grant, :session, :client, :request, :expires)",
        digest=keys.digest("code:" + code), grant=tokens.new_secret(128), session=session.id, client=request.client,
        request=msgspec.json.encode(request).decode(), expires=now + CODE_SECONDS,
    )  # fmt: skip
    return code


async def redeem_code(
    db: Transaction, now: float, keys: Keys, *, client: Client, code: str, redirect_uri: str, verifier: str,
    dpop_key: str, certificate: str,
) -> Grant | str:  # fmt: skip
    """The grant of a code, or what is wrong; keep the transaction either way.

    A wrong verifier burns the code, and a code seen twice ends what it gave (RFC 6749 section 4.1.2).
    """
    digest = keys.digest("code:" + code)
    row = await db.one(
        "UPDATE signin_codes SET spent_at = :now WHERE digest = :digest AND client = :client AND spent_at IS NULL"
        " RETURNING grant_id, session, request, expires_at",
        now=now, digest=digest, client=client.id,
    )  # fmt: skip
    if row is None:
        spent = await db.one("SELECT grant_id FROM signin_codes WHERE digest = :digest AND client = :client",
                             digest=digest, client=client.id)  # fmt: skip
        if spent:
            await end_grant(db, now, keys, spent["grant_id"], why="code used twice")
        return "code unknown or used"
    request = msgspec.json.decode(row["request"], type=Request)
    if problem := _check_code(row, request, now, redirect_uri, verifier, dpop_key):
        return problem
    grant = Grant(
        id=row["grant_id"], session=row["session"], client=client.id, scope=request.scope,
        nonce=request.nonce, dpop_key=dpop_key, certificate=certificate,
    )  # fmt: skip
    await add_grant(db, now, grant)
    return grant


def _check_code(row: Any, request: Request, now: float, redirect_uri: str, verifier: str, dpop_key: str) -> str:
    if row["expires_at"] <= now:
        return "expired"
    if request.redirect_uri != redirect_uri:
        return "redirect_uri is not the one of the request"
    if bool(request.code_challenge) != bool(verifier):
        return "code_verifier where there was no challenge, or the reverse (RFC 9700 section 4.8)"
    if verifier:
        challenge = tokens.encode(hashlib.sha256(verifier.encode()).digest())
        if not 43 <= len(verifier) <= 128 or not tokens.same(challenge, request.code_challenge):
            return "wrong code_verifier"
    if request.dpop_key and request.dpop_key != dpop_key:
        return "the code is bound to another DPoP key (RFC 9449 section 10)"
    return ""


async def add_grant(db: Transaction, now: float, grant: Grant) -> None:
    """Keep a grant."""
    await db.run(
        f"INSERT INTO signin_grants ({COLUMNS}, made_at) VALUES (:id, :session, :client, :scope, :nonce,"
        " :dpop_key, :certificate, :now)",
        **msgspec.structs.asdict(grant), now=now,
    )  # fmt: skip


async def end_grant(db: Transaction, now: float, keys: Keys, grant: str, *, why: str) -> None:
    """Its access and refresh tokens are dead from now on."""
    if await db.run("UPDATE signin_grants SET ended_at = :now WHERE id = :id AND ended_at IS NULL", now=now, id=grant):
        await write_ledger(db, now, keys, "grant.ended", "", {"grant": grant, "why": why})


async def redeem_refresh(
    db: Transaction, now: float, keys: Keys, *, client: Client, token: str, scope: str,
    dpop_key: str, certificate: str,
) -> Grant | str:  # fmt: skip
    """The grant of a refresh token, now spent, or what is wrong; keep the transaction either way.

    One seen twice ends the grant (RFC 9700 section 4.14).
    """
    digest = keys.digest("refresh:" + token)
    # Not `IN (SELECT ...)`: SQLite would first list every grant of the client.
    mine = "EXISTS (SELECT 1 FROM signin_grants WHERE id = signin_refresh.grant_id AND client = :client)"
    row = await db.one(
        f"UPDATE signin_refresh SET spent_at = :now WHERE digest = :digest AND spent_at IS NULL AND {mine}"
        " RETURNING grant_id, expires_at",
        now=now, digest=digest, client=client.id,
    )  # fmt: skip
    if row is None:
        used = await db.one(f"SELECT grant_id FROM signin_refresh WHERE digest = :digest AND {mine}",
                            digest=digest, client=client.id)  # fmt: skip
        if used:
            await end_grant(db, now, keys, used["grant_id"], why="refresh token used twice")
        return "refresh token unknown or used"
    grant = await find_grant(db, now, row["grant_id"])
    if grant is None or row["expires_at"] <= now:
        return "ended" if grant is None else "expired"
    # A wrong question changes nothing: raising undoes the spending above.
    words = "Cette autorisation n'est plus valable."
    if grant.dpop_key != dpop_key or grant.certificate != certificate:
        raise Refusal("invalid_grant", words, "bound to another key")
    asked = set(scope.split())
    if asked and ("openid" not in asked or asked - set(grant.scope.split())):
        raise Refusal("invalid_scope", words, "scope may only shrink, and holds openid")
    return msgspec.structs.replace(grant, scope=scope) if scope else grant


async def find_grant(db: Reader, now: float, grant: str) -> Grant | None:
    """The grant with this id, unless it has ended."""
    row = await db.one(f"SELECT {COLUMNS} FROM signin_grants WHERE id = :id AND ended_at IS NULL", id=grant)
    return Grant(**dict(row)) if row else None


class Refresh(msgspec.Struct, frozen=True, kw_only=True):
    """A fresh refresh token and the session it lives in."""

    token: str
    expires_at: float
    session: Session


async def issue_refresh(db: Transaction, now: float, keys: Keys, settings: Settings, grant: Grant) -> Refresh | str:
    """The next refresh token of a grant, never outliving its session; or that the session is over."""
    # Whoever ends the session at this moment waits for this grant, and so tells its client; or came first.
    session = await use_session(db, now, settings, grant.session)
    if session is None:
        return "the session is over"
    token = tokens.new_secret()
    expires_at = min(now + settings.refresh_token_seconds, session.expires_at)
    await db.run(
        "INSERT INTO signin_refresh (digest, grant_id, expires_at) VALUES (:digest, :grant, :expires)",
        digest=keys.digest("refresh:" + token), grant=grant.id, expires=expires_at,
    )  # fmt: skip
    return Refresh(token=token, expires_at=expires_at, session=session)


async def sign_tokens(
    house: House, now: float, *, client: Client, grant: Grant, refresh: Refresh, extra: dict[str, Any]
) -> dict[str, Any]:
    """The token response (RFC 6749 section 5.1) with Pro Santé Connect's members. ``extra``: ID token claims."""
    settings, session = house.settings, refresh.session
    holder = await find_holder(house.db, session.holder)
    common = _common_claims(house, now, client, session, holder)
    access = await sign(house, now, client.alg, _access_claims(house, client, grant, session, holder, common))
    id_claims = {**common, "aud": client.id, "amr": AMR}
    if grant.nonce:
        id_claims["nonce"] = grant.nonce
    # Both algorithms hash with SHA-256 (OIDC Core 3.1.3.6).
    id_claims["at_hash"] = tokens.encode(hashlib.sha256(access.encode()).digest()[:16])
    id_claims.update(extra)
    answer = {
        "access_token": access,
        "token_type": "DPoP" if grant.dpop_key else "Bearer",
        "expires_in": settings.access_token_seconds,
        "refresh_token": refresh.token,
        "refresh_expires_in": int(refresh.expires_at - now),
        "id_token": await sign(house, now, client.alg, id_claims),
        "scope": grant.scope,
        "session_state": session.id,
    }
    if client.ciba:
        hint = {"iss": settings.origin, "aud": client.id, "sub": common["sub"], "sid": session.id, "iat": int(now),
                "exp": int(now) + HINT_TOKEN_SECONDS}  # fmt: skip
        answer["login_hint_token"] = await sign(house, now, client.alg, hint, typ="login-hint+jwt")
    return answer


def _common_claims(house: House, now: float, client: Client, session: Session, holder: Holder) -> dict[str, Any]:
    claims: dict[str, Any] = {
        "iss": house.settings.origin,
        "sub": subject_of(house.keys, house.settings, client, holder),
        "azp": client.id,
        "iat": int(now),
        "exp": int(now) + house.settings.access_token_seconds,
        "auth_time": int(session.auth_time),
        "acr": ACRS[0],
        "sid": session.id,
    }
    if client.subject == "psc":
        claims["SubjectNameID"] = claims["preferred_username"] = holder.national_id
        claims["authMode"] = AUTH_MODES[session.method]
    return claims


def _access_claims(
    house: House, client: Client, grant: Grant, session: Session, holder: Holder, common: dict[str, Any]
) -> dict[str, Any]:
    claims = {
        **common,
        "jti": f"{grant.id}.{tokens.new_secret(128)}",
        "typ": "Bearer",
        "aud": house.settings.origin,
        "client_id": client.id,
        "scope": grant.scope,
        "session_state": session.id,
    }
    if client.subject == "psc":
        claims["otherIds"] = [{"identifiant": holder.national_id, "origine": "RPPS", "qualite": 1}]
    if grant.dpop_key:
        claims["cnf"] = {"jkt": grant.dpop_key}
    elif grant.certificate:
        claims["cnf"] = {"x5t#S256": grant.certificate}
    return claims


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """An access token that is good now, and everything it stands for."""

    claims: dict[str, Any]
    grant: Grant
    session: Session
    holder: Holder
    professional: Professional | None


async def read_access_token(house: House, now: float, text: str) -> Live | None:
    """What a good access token stands for; None for every other text, without saying why."""
    claims = await read_own(house, now, text)
    if claims is None or claims.get("typ") != "Bearer" or claims.get("exp", 0) <= now:
        return None
    grant = await find_grant(house.db, now, str(claims.get("jti", "")).partition(".")[0])
    if grant is None or grant.client != claims.get("client_id"):
        return None
    grant = msgspec.structs.replace(grant, scope=str(claims.get("scope", "")))  # a refresh may have asked for less
    session = await find_session(house.db, now, house.settings, grant.session)
    if session is None:
        return None
    holder = await find_holder(house.db, session.holder)
    professional = await find_professional(house.db, holder.national_id)
    return Live(claims=claims, grant=grant, session=session, holder=holder, professional=professional)
