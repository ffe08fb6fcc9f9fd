"""What a relying party must check of its provider (OpenID Connect Core 3.1.3.7, Back-Channel Logout 2.6)."""

import hashlib
import time
from typing import Any

import httpx
import msgspec
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from lucine.safe import tokens
from lucine.web import Refusal

from .settings import Provider

ALGS = ["RS256", "ES256", "PS256"]
SECONDS = 10.0
METADATA_SECONDS = 600.0
KEYS_AGAIN_SECONDS = 60.0  # however many tokens name an unknown key
CLOCK_SKEW_SECONDS = 60
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


class Metadata(msgspec.Struct, frozen=True):
    """What we use of the provider's metadata."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    jwks_uri: str
    end_session_endpoint: str = ""


def refuse(detail: str) -> Refusal:
    """The provider, or somebody in its place, answered something that cannot be believed."""
    return Refusal("provider", "La connexion n'a pas abouti. Réessayez.", detail, status=502)


class Relying:
    """One front as a client of its provider. Metadata and keys are kept for a while."""

    def __init__(self, provider: Provider, redirect_uri: str, ca_file: str | None = None) -> None:
        self._provider, self._redirect_uri = provider, redirect_uri
        self._http = httpx.AsyncClient(timeout=SECONDS, follow_redirects=False, verify=ca_file or True)
        self._oauth = AsyncOAuth2Client(
            provider.client_id, provider.client_secret, scope=provider.scope, redirect_uri=redirect_uri,
            code_challenge_method="S256", token_endpoint_auth_method="client_secret_basic", timeout=SECONDS,  # noqa: S106
        )  # fmt: skip
        self._metadata: Metadata | None = None
        self._keys: KeySet | None = None
        self._read_at = self._keys_at = -METADATA_SECONDS

    async def close(self) -> None:
        await self._http.aclose()
        await self._oauth.aclose()

    async def metadata(self) -> Metadata:
        """The provider's metadata; its issuer must be the one that its own address names."""
        if self._metadata is None or time.monotonic() - self._read_at > METADATA_SECONDS:
            said = await self._get(self._provider.provider)
            try:
                self._metadata = msgspec.convert(said, Metadata)
            except msgspec.ValidationError as error:
                raise refuse(f"metadata: {error}") from None
            self._read_at = time.monotonic()
        return self._metadata

    async def _get(self, address: str, **headers: str) -> Any:
        try:
            answer = await self._http.get(address, headers=headers)
            if answer.status_code != 200:
                raise refuse(f"status {answer.status_code}")
            return answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise refuse(f"no answer: {type(error).__name__}") from None

    async def _key_set(self, *, again: bool = False) -> KeySet:
        age = time.monotonic() - self._keys_at
        if self._keys is None or age > METADATA_SECONDS or (again and age > KEYS_AGAIN_SECONDS):
            said = await self._get((await self.metadata()).jwks_uri)
            try:
                self._keys = KeySet.import_key_set(said)
            except (JoseError, ValueError, KeyError, TypeError):
                raise refuse("unreadable keys") from None
            self._keys_at = time.monotonic()
        return self._keys

    async def authorization_address(self, *, state: str, nonce: str, verifier: str, more: dict[str, str]) -> str:
        """Where the browser goes to sign in."""
        address, _ = self._oauth.create_authorization_url(
            (await self.metadata()).authorization_endpoint,
            state=state, nonce=nonce, code_verifier=verifier, acr_values="eidas1", **more,
        )  # fmt: skip
        return str(address)

    async def fetch(
        self, *, code: str, verifier: str, nonce: str, now: float
    ) -> tuple[dict[str, Any], dict[str, Any], str]:
        """Exchange a code: the ID token's claims, userinfo, and the ID token itself."""
        metadata = await self.metadata()
        try:
            said = await self._oauth.fetch_token(
                metadata.token_endpoint, code=code, code_verifier=verifier, grant_type="authorization_code"
            )
            id_token, access = str(said["id_token"]), str(said["access_token"])
        except Exception as error:
            raise refuse(f"token: {type(error).__name__}") from None
        claims = await self.read_id_token(id_token, nonce=nonce, now=now)
        if "at_hash" in claims:
            # All our algorithms hash with SHA-256 (Core 3.1.3.6).
            expected = tokens.encode(hashlib.sha256(access.encode()).digest()[:16])
            if not tokens.same(str(claims["at_hash"]), expected):
                raise refuse("at_hash")
        person = await self._get(metadata.userinfo_endpoint, Authorization=f"Bearer {access}")
        if not isinstance(person, dict) or person.get("sub") != claims["sub"]:
            raise refuse("userinfo is about somebody else")
        return claims, person, id_token

    async def _verified(self, text: str) -> Any:
        """A JWT signed by the provider. Unknown keys are looked up again, at most once a minute."""
        for again in (False, True):
            try:
                return jwt.decode(text, await self._key_set(again=again), algorithms=ALGS)
            except (JoseError, ValueError) as error:
                problem = str(error)
        raise refuse(f"signature: {problem}")

    async def read_id_token(self, text: str, *, nonce: str, now: float) -> dict[str, Any]:
        """OpenID Connect Core 3.1.3.7."""
        claims = dict((await self._verified(text)).claims)
        await self._check_common(claims, now)
        if not tokens.same(str(claims.get("nonce", "")), nonce):
            raise refuse("nonce")
        if claims.get("typ") in ("Bearer", "Refresh"):
            raise refuse("not an ID token")
        if not isinstance(claims.get("sub"), str) or not claims["sub"]:
            raise refuse("no sub")
        return claims

    async def _check_common(self, claims: dict[str, Any], now: float) -> None:
        if claims.get("iss") != (await self.metadata()).issuer:
            raise refuse("iss")
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        if self._provider.client_id not in audiences:
            raise refuse("aud")
        if len(audiences) > 1 and claims.get("azp") != self._provider.client_id:
            raise refuse("azp")
        exp, iat = claims.get("exp"), claims.get("iat")
        if not isinstance(exp, int | float) or exp + CLOCK_SKEW_SECONDS <= now:
            raise refuse("exp")
        if not isinstance(iat, int | float) or iat - CLOCK_SKEW_SECONDS > now:
            raise refuse("iat")

    async def read_logout_token(self, text: str, *, now: float) -> dict[str, Any]:
        """Back-Channel Logout section 2.6; the replay of its `jti` is the caller's to see."""
        token = await self._verified(text)
        claims = dict(token.claims)
        if token.header.get("typ", "logout+jwt").lower() not in ("logout+jwt", "jwt"):
            raise refuse("typ")
        await self._check_common(claims, now)
        events = claims.get("events")
        if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
            raise refuse("events")
        if "nonce" in claims:
            raise refuse("a logout token has no nonce")
        if not claims.get("jti") or not (claims.get("sid") or claims.get("sub")):
            raise refuse("jti, and sid or sub")
        return claims
