"""The provider as one front sees it: its metadata, its keys, the way there and what comes back for a code.

Of Authlib we take the parts that do no input or output: its httpx integration binds to another
library (httpx2) where that is installed, and does not encode Basic credentials (RFC 6749 2.3.1).
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import quote_plus

import msgspec
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, RSAKey

from lucine.safe import tokens
from lucine.web import Refusal

from . import rules
from .channel import Channel, refuse
from .rules import ALGS, IdToken, LogoutToken
from .settings import Provider, is_safe_address

KEPT_SECONDS = 600.0
AGAIN_SECONDS = 60.0  # however many tokens name an unknown key, and however often the provider is silent
ASSERTION_SECONDS = 60
RSA_MIN_BITS = 2048
TOKEN_MAX_LENGTH = 16 * 1024

T = TypeVar("T")
PublicKey = RSAKey | ECKey


class Metadata(msgspec.Struct, frozen=True):
    """What we use of the provider's metadata (Discovery section 3, RFC 8705 section 5, RFC 9207 section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    jwks_uri: str
    end_session_endpoint: str = ""
    authorization_response_iss_parameter_supported: bool = False
    mtls_endpoint_aliases: dict[str, str] = {}

    def endpoints(self) -> list[str]:
        return [
            self.authorization_endpoint, self.token_endpoint, self.userinfo_endpoint, self.jwks_uri,
            *([self.end_session_endpoint] if self.end_session_endpoint else []), *self.mtls_endpoint_aliases.values(),
        ]  # fmt: skip


class TokenAnswer(msgspec.Struct, frozen=True):
    """What the token endpoint gives for a code."""

    access_token: str
    id_token: str
    token_type: str


class Arrived(msgspec.Struct, frozen=True):
    """Somebody the provider vouches for: her ID token, read and whole, and what userinfo says of her."""

    claims: IdToken
    id_token: str
    person: dict[str, Any]


class _Kept(Generic[T]):
    """A document of the provider's, read again when it is old. While the provider is silent, the old one holds."""

    def __init__(self, read: Callable[[float], Awaitable[T]]) -> None:
        self._read = read
        self._value: T | None = None
        self._read_at = self._tried_at = self._again_at = 0.0
        self._reading: asyncio.Future[T] | None = None

    async def value(self, now: float, *, again: bool = False) -> T:
        """The document. ``again``: something is missing in it, so look whether there is a newer one."""
        kept = self._value
        if kept is not None and not self._is_due(now, again):
            return kept
        self._tried_at = now
        if again:
            self._again_at = now
        try:
            self._value = await self._read_once(now)
        except Refusal as refusal:
            if kept is not None and refusal.status == 503:
                return kept
            self._value = None  # it answers, and not what it did: what we knew is worth nothing
            raise
        self._read_at = now
        return self._value

    def _is_due(self, now: float, again: bool) -> bool:
        if again:
            return self._reading is not None or now - self._again_at >= AGAIN_SECONDS
        return now - self._read_at >= KEPT_SECONDS and now - self._tried_at >= AGAIN_SECONDS

    async def _read_once(self, now: float) -> T:
        """Whoever comes while it is being read waits for the same answer."""
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._read(now))
            self._reading.add_done_callback(self._was_read)
        return await asyncio.shield(self._reading)

    def _was_read(self, done: "asyncio.Future[T]") -> None:
        self._reading = None
        if not done.cancelled():
            done.exception()  # perhaps nobody waits for it any more


class Relying:
    """One front as a client of its provider."""

    def __init__(self, provider: Provider, redirect_uri: str, ca_file: str | None = None) -> None:
        self._provider, self._redirect_uri = provider, redirect_uri
        self._channel = Channel(ca_file, provider.client_certificate or None)
        self._key = _read_key(Path(provider.client_key)) if provider.client_key else None
        self._metadata = _Kept(self._read_metadata)
        self._keys = _Kept(self._read_keys)

    @property
    def issuer(self) -> str:
        return self._provider.expected_issuer

    async def close(self) -> None:
        await self._channel.close()

    async def metadata(self, now: float) -> Metadata:
        """The provider's metadata."""
        return await self._metadata.value(now)

    async def _read_metadata(self, _: float) -> Metadata:
        """Only what the expected issuer says of itself (Discovery section 4.3), and only safe addresses."""
        try:
            said = msgspec.convert(await self._channel.get_json(self._provider.provider), Metadata)
        except msgspec.ValidationError as error:
            raise refuse(f"metadata: {error}") from None
        if said.issuer != self.issuer:
            raise refuse("metadata: another issuer")
        if not all(is_safe_address(one, plain_http=self._provider.is_on_this_machine) for one in said.endpoints()):
            raise refuse("metadata: an address that is not https")
        return said

    async def _read_keys(self, now: float) -> dict[str, list[PublicKey]]:
        """The keys that can sign, by their id. One that we cannot use spoils no other (RFC 7517 section 5)."""
        said = await self._channel.get_json((await self.metadata(now)).jwks_uri)
        found: dict[str, list[PublicKey]] = {}
        for one in said.get("keys", ()) if isinstance(said, dict) else ():
            key = _read_public_key(one)
            if key:
                found.setdefault(str(one.get("kid", "")), []).append(key)
        if not found:
            raise refuse("keys: none that can sign")
        return found

    async def authorization_address(self, now: float, *, state: str, nonce: str, verifier: str, locale: str) -> str:
        """Where the browser goes to sign in."""
        address = prepare_grant_uri(
            (await self.metadata(now)).authorization_endpoint,
            client_id=self._provider.client_id, response_type="code", redirect_uri=self._redirect_uri,
            scope=self._provider.scope, state=state, nonce=nonce, acr_values=self._provider.acr_values or None,
            code_challenge=create_s256_code_challenge(verifier), code_challenge_method="S256", ui_locales=locale,
        )  # fmt: skip
        return str(address)

    async def exchange(self, now: float, *, code: str, verifier: str, nonce: str) -> Arrived:
        """Who it is that came back with this code. Refusal if any of it cannot be believed."""
        metadata = await self.metadata(now)
        said = await self._fetch_tokens(now, metadata, code, verifier)
        header, payload = await self._verify(now, said.id_token)
        claims = rules.read_id_token(
            header, payload, issuer=self.issuer, client_id=self._provider.client_id, nonce=nonce,
            access_token=said.access_token, now=now,
        )  # fmt: skip
        address = self._for_us(metadata, "userinfo_endpoint")
        person = await self._channel.get_json(address, Authorization=f"Bearer {said.access_token}")
        if not isinstance(person, dict) or person.get("sub") != claims.sub:
            raise refuse("userinfo: about somebody else")  # Core 5.3.2
        return Arrived(claims, said.id_token, person)

    async def _fetch_tokens(self, now: float, metadata: Metadata, code: str, verifier: str) -> TokenAnswer:
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self._redirect_uri,
            "code_verifier": verifier,
        }  # fmt: skip
        headers: dict[str, str] = {}
        self._prove(now, form, headers)
        answer = await self._channel.ask("POST", self._for_us(metadata, "token_endpoint"), headers=headers, form=form)
        if answer.status != 200:
            raise refuse(f"token: status {answer.status} {_error_of(answer.body)}")
        try:
            said = msgspec.json.decode(answer.body, type=TokenAnswer)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise refuse(f"token: {error}") from None
        access_is_plain = said.access_token.isascii() and said.access_token.isprintable()
        if said.token_type.lower() != "bearer" or not access_is_plain or len(said.id_token) > TOKEN_MAX_LENGTH:
            raise refuse("token: not a bearer token, or too long")
        return said

    def _prove(self, now: float, form: dict[str, str], headers: dict[str, str]) -> None:
        """Say who we are, in the one way that the provider expects of us (RFC 6749 section 2.3)."""
        client_id = self._provider.client_id
        if self._provider.client_auth == "client_secret_basic":
            both = f"{quote_plus(client_id)}:{quote_plus(self._provider.client_secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(both.encode()).decode()}"
            return
        form["client_id"] = client_id
        if self._key is not None:
            form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            form["client_assertion"] = _assertion(self._key, client_id, self.issuer, now)

    def _for_us(self, metadata: Metadata, name: str) -> str:
        """An endpoint, or its alias where certificates are asked for (RFC 8705 section 5)."""
        usual: str = getattr(metadata, name)
        if self._provider.client_auth != "tls_client_auth":
            return usual
        return metadata.mtls_endpoint_aliases.get(name, usual)

    async def read_logout_token(self, now: float, text: str) -> LogoutToken:
        """A logout token that is the provider's and for us; the replay of its ``jti`` is the caller's to see."""
        header, payload = await self._verify(now, text)
        return rules.read_logout_token(header, payload, issuer=self.issuer, client_id=self._provider.client_id, now=now)

    async def _verify(self, now: float, text: str) -> tuple[dict[str, Any], bytes]:
        """Header and payload of a JWT that the provider signed."""
        if len(text) > TOKEN_MAX_LENGTH:
            raise refuse("a token that is too long")
        try:
            header = dict(jws.extract_compact(text.encode()).headers())
        except (JoseError, ValueError, RecursionError) as error:
            raise refuse(f"not a signed token: {type(error).__name__}") from None
        if header.get("alg") not in ALGS:
            raise refuse("alg: not one that we take")
        key = await self._key_for(now, header)
        try:
            # The algorithm is the key's own to allow: an RSA key verifies RS256 and PS256, never HS256.
            token = jws.deserialize_compact(text, key, algorithms=[str(header["alg"])])
        except (JoseError, ValueError) as error:
            raise refuse(f"signature: {type(error).__name__}") from None
        return header, token.payload

    async def _key_for(self, now: float, header: dict[str, Any]) -> PublicKey:
        """The key that a token names. Unknown ones are looked up again, at most once a minute."""
        for again in (False, True):
            found = _choose(await self._keys.value(now, again=again), header)
            if found:
                return found
        raise refuse("kid: no such key, or several")


def _choose(keys: dict[str, list[PublicKey]], header: dict[str, Any]) -> PublicKey | None:
    """The one key that fits. A token that names none is for a provider that has but one (Core section 10.1)."""
    named = keys.get(str(header["kid"]), []) if "kid" in header else [key for some in keys.values() for key in some]
    fitting = [key for key in named if _fits(key, str(header["alg"]))]
    return fitting[0] if len(fitting) == 1 else None


def _fits(key: PublicKey, alg: str) -> bool:
    kind = "EC" if alg == "ES256" else "RSA"
    return key.key_type == kind and key.alg in (None, alg)


def _read_public_key(said: object) -> PublicKey | None:
    """A key that signs with an algorithm of ours, or None."""
    if not isinstance(said, dict) or said.get("use", "sig") != "sig" or "verify" not in said.get("key_ops", ["verify"]):
        return None
    try:
        key = JWKRegistry.import_key(said)
        if isinstance(key, RSAKey):
            return key if key.raw_value.key_size >= RSA_MIN_BITS else None
        return key if isinstance(key, ECKey) and key.curve_name == "P-256" else None
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _read_key(path: Path) -> PublicKey:
    """Our private key. ValueError if the file holds none."""
    text = path.read_text().strip()
    kinds: list[Callable[[], object]] = (
        [lambda: JWKRegistry.import_key(msgspec.json.decode(text))]
        if text.startswith("{")
        else [lambda: RSAKey.import_key(text), lambda: ECKey.import_key(text)]
    )
    for read in kinds:
        try:
            key = read()
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        if isinstance(key, RSAKey | ECKey) and key.is_private:
            return key
    raise ValueError(f"LUCINE_CLIENT_KEY: {path} holds no private key (RSA or P-256)")


def _assertion(key: PublicKey, client_id: str, issuer: str, now: float) -> str:
    """Proof of our key (RFC 7523 section 3), for the issuer alone, used once."""
    header: dict[str, Any] = {"alg": "ES256" if isinstance(key, ECKey) else "RS256", "typ": "JWT"}
    if key.kid:
        header["kid"] = key.kid
    claims = {
        "iss": client_id, "sub": client_id, "aud": issuer, "jti": tokens.new_secret(128),
        "iat": int(now), "exp": int(now) + ASSERTION_SECONDS,
    }  # fmt: skip
    return jwt.encode(header, claims, key, algorithms=[header["alg"]])


def _error_of(body: bytes) -> str:
    """The error's code, for the log, if it looks like one (RFC 6749 section 5.2)."""
    try:
        said = msgspec.json.decode(body)
        code = str(said["error"])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError, KeyError):
        return ""
    return code if len(code) <= 40 and code.replace("_", "").isalnum() and code.isascii() else ""
