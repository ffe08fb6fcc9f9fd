"""A small but real OpenID Provider on loopback, that can be told to lie."""

import asyncio
import base64
import hashlib
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode

import msgspec
import uvicorn
from joserfc import jws, jwt
from joserfc.jwk import ECKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from lucine.safe import tokens

REALM = "/auth/realms/esante-wallet"
SUB = "f:00000000-0000-4000-8000-000000000001:899700999917"
RSA, EC, STRANGER = (
    RSAKey.generate_key(2048, {"kid": "r1", "use": "sig", "alg": "RS256"}),
    ECKey.generate_key("P-256", {"kid": "e1", "use": "sig"}),
    RSAKey.generate_key(2048, {"kid": "r1"}),
)
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


def activity(name: str, town: str) -> dict[str, str]:
    return {
        "codeModeExercice": "L", "codeSecteurDactivite": "SA07", "numeroFinessetablissementJuridique": "",
        "raisonSocialeSite": name, "enseigneCommercialeSite": "", "bureauCedex": town, "telephone": "",
    }  # fmt: skip


def ana() -> dict[str, Any]:
    """Userinfo as Pro Santé Connect gives it, of an invented midwife with two places of work."""
    return {
        "Secteur_Activite": "SA07^1.2.250.1.71.4.2.4",
        "sub": SUB,
        "SubjectOrganization": "CABINET MERIDIENTEST",
        "Mode_Acces_Raison": "",
        "preferred_username": "899700999917",
        "given_name": "ANA",
        "family_name": "MERIDIENTEST",
        "SubjectRefPro": {
            "exercices": [
                {
                    "codeProfession": "50",
                    "nomDexercice": "MERIDIENTEST",
                    "prenomDexercice": "ANA",
                    "activities": [
                        activity("CABINET MERIDIENTEST", "44000 NANTES"),
                        activity("MAISON DE NAISSANCE", "44600 SAINT-NAZAIRE CEDEX 2"),
                    ],
                }
            ]
        },
        "SubjectRole": ["50^1.2.250.1.213.1.1.5.5"],
        "otherIds": [{"identifiant": "899700999917", "origine": "RPPS", "qualite": 1}],
        "SubjectNameID": "899700999917",
    }


def same(value: Any) -> Any:
    return value


@dataclass
class Lies:
    """What the provider does otherwise than it should. By default nothing."""

    metadata: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    claims: Callable[[dict[str, Any]], dict[str, Any]] = same
    sign: Callable[[dict[str, Any], dict[str, Any]], str] | None = None
    back: Callable[[dict[str, str]], dict[str, str]] = same
    tokens: Callable[[dict[str, Any]], dict[str, Any]] = same
    person: Callable[[dict[str, Any]], Any] = same
    answers: dict[str, Callable[[], Response]] = field(default_factory=dict)
    keys: list[dict[str, Any]] | None = None
    before_userinfo: Callable[[], Awaitable[None]] | None = None


class OpenIdProvider:
    """One client, one person, who is always signed in."""

    def __init__(self) -> None:
        self.issuer = ""
        self.mtls_origin = ""
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._act(self.metadata)),
                Route(f"{REALM}/.well-known/wallet-openid-configuration", self._act(self.metadata)),
                Route("/authorize", self._act(self.authorize)),
                Route("/token", self._act(self.token), methods=["POST"]),
                Route("/userinfo", self._act(self.userinfo)),
                Route("/certs", self._act(self.certs)),
                Route("/logout", self._act(self.logout)),
            ]
        )
        self.reset(time.time)

    def reset(self, clock: Callable[[], float]) -> None:
        self.clock, self.lies, self.calls, self.codes = clock, Lies(), Counter[str](), dict[str, dict[str, str]]()
        self.client_id, self.client_secret, self.client_key = "cabinet", "secret", None
        self.prefix, self.sid, self.signer = "", "sid-1", RSA
        self.seen: dict[str, dict[str, str]] = {}
        self.access_tokens: set[str] = set()
        self.cookies_brought: list[str] = []

    def _act(self, act: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def acting(request: Request) -> Response:
            name = request.url.path.rpartition("/")[2]
            self.calls[name] += 1
            self.cookies_brought.append(request.headers.get("cookie", ""))
            if name in self.lies.answers:
                return self.lies.answers[name]()
            answer = await act(request)
            answer.set_cookie("whose", "the first person's")
            return answer

        return acting

    async def metadata(self, _: Request) -> Response:
        base = self.issuer + self.prefix
        said = {
            "issuer": base,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/certs",
            "end_session_endpoint": f"{self.issuer}/logout",
            "authorization_response_iss_parameter_supported": True,
        }
        if self.mtls_origin:
            names = ("token", "userinfo")
            said["mtls_endpoint_aliases"] = {f"{name}_endpoint": f"{self.mtls_origin}/{name}" for name in names}
        return JSONResponse(said | self.lies.metadata)

    async def certs(self, _: Request) -> Response:
        keys = [RSA.as_dict(private=False), EC.as_dict(private=False)]
        return JSONResponse({"keys": keys if self.lies.keys is None else self.lies.keys})

    async def authorize(self, request: Request) -> Response:
        said = dict(request.query_params)
        self.seen["authorize"] = said
        assert said["client_id"] == self.client_id
        assert said["code_challenge_method"] == "S256"
        code = tokens.new_secret()
        self.codes[code] = said
        back = self.lies.back({"code": code, "state": said["state"], "iss": self.issuer + self.prefix})
        return RedirectResponse(f"{said['redirect_uri']}?{urlencode(back)}", 303)

    async def token(self, request: Request) -> Response:
        said = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        self.seen["token"] = said
        if not self._is_client(request, said):
            return JSONResponse({"error": "invalid_client"}, 401)
        asked = self.codes.pop(said["code"], None)
        challenge = tokens.encode(hashlib.sha256(said["code_verifier"].encode()).digest())
        if not asked or asked["redirect_uri"] != said["redirect_uri"] or asked["code_challenge"] != challenge:
            return JSONResponse({"error": "invalid_grant"}, 400)
        access = tokens.new_secret()
        self.access_tokens.add(access)
        now = int(self.clock())
        claims = {
            "iss": self.issuer + self.prefix, "sub": SUB, "aud": self.client_id, "exp": now + 120, "iat": now,
            "nonce": asked["nonce"], "sid": self.sid, "auth_time": now, "acr": "eidas1", "azp": self.client_id,
            "at_hash": tokens.encode(hashlib.sha256(access.encode()).digest()[:16]),
        }  # fmt: skip
        answer = {"access_token": access, "token_type": "Bearer", "expires_in": 120, "id_token": self.sign(claims)}
        return JSONResponse(self.lies.tokens(answer))

    def _is_client(self, request: Request, said: dict[str, str]) -> bool:
        header = request.headers.get("authorization", "")
        if header.startswith("Basic "):
            name, _, secret = base64.b64decode(header[6:]).decode().partition(":")
            return (unquote_plus(name), unquote_plus(secret)) == (self.client_id, self.client_secret)
        if self.client_key is not None:
            claims = jwt.decode(said["client_assertion"], self.client_key, algorithms=["ES256", "RS256"]).claims
            return (
                claims["iss"] == claims["sub"] == said["client_id"] == self.client_id
                and claims["aud"] == self.issuer + self.prefix
                and self.clock() < claims["exp"] <= self.clock() + 300
            )
        return request.url.scheme == "https" and said.get("client_id") == self.client_id

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        """An ID token, or what the lies make of it."""
        claims = self.lies.claims(dict(claims))
        alg = "ES256" if isinstance(self.signer, ECKey) else "RS256"
        said = {"alg": alg, "kid": self.signer.kid, **header, **self.lies.header}
        said = {name: value for name, value in said.items() if value is not None}
        if self.lies.sign:
            return self.lies.sign(said, claims)
        return sign_with(self.signer, said, claims)

    def logout_token(self, **changes: Any) -> str:
        """A logout token; a change to None leaves the claim out."""
        now = int(self.clock())
        claims = {
            "iss": self.issuer + self.prefix, "aud": self.client_id, "iat": now, "exp": now + 120,
            "jti": tokens.new_secret(), "events": {LOGOUT_EVENT: {}}, "sid": self.sid, "sub": SUB, **changes,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        return self.sign(claims, **({"typ": "logout+jwt"} if "typ" not in self.lies.header else {}))

    async def userinfo(self, request: Request) -> Response:
        if self.lies.before_userinfo:
            await self.lies.before_userinfo()
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.access_tokens:
            return JSONResponse({"error": "invalid_token"}, 401)
        return JSONResponse(self.lies.person(ana()))

    async def logout(self, request: Request) -> Response:
        said = dict(request.query_params)
        self.seen["logout"] = said
        back = said["post_logout_redirect_uri"]
        return RedirectResponse(f"{back}?{urlencode({'state': said['state']})}", 303)


def sign_with(key: Any, header: dict[str, Any], claims: dict[str, Any]) -> str:
    return jws.serialize_compact(header, msgspec.json.encode(claims), key, algorithms=[header["alg"]])


def by_hand(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    """A JWT that no library would write."""
    parts = [msgspec.json.encode(header), msgspec.json.encode(claims), signature]
    return ".".join(tokens.encode(part) for part in parts)


@contextmanager
def serve(app: Any, **options: Any) -> Iterator[int]:
    """Uvicorn in a thread; its port."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off", **options))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < deadline
        assert thread.is_alive()
        time.sleep(0.005)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
