"""A receiver of Shared Signals as another house would write it: it knows the specifications, and nothing of ours."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.world import ORIGIN, Desk, Service, World

from .kit import TOKEN

METADATA = "/.well-known/ssf-configuration"
CAEP, RISC = (
    "https://schemas.openid.net/secevent/caep/event-type/",
    "https://schemas.openid.net/secevent/risc/event-type/",
)
REVOKED, CHANGE = f"{CAEP}session-revoked", f"{CAEP}credential-change"
COMPROMISE = f"{RISC}credential-compromise"
VERIFICATION = "https://schemas.openid.net/secevent/ssf/event-type/verification"
PUSH, POLL = "urn:ietf:rfc:8935", "urn:ietf:rfc:8936"
EVERYTHING = [REVOKED, CHANGE, COMPROMISE]


class Endpoint:
    """A push endpoint on loopback (RFC 8935): it keeps what it was sent and answers as told."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], str]] = []
        self.answers: list[tuple[int, bytes]] = []  # the next ones; 202 when there is none
        self.delay = 0.0
        self.arrived = asyncio.Event()

    async def __aenter__(self) -> "Endpoint":
        self.server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}/events"

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.got.append(({":request": first, **headers}, body.decode()))
        await asyncio.sleep(self.delay)
        status, said = self.answers.pop(0) if self.answers else (202, b"")
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(said)}\r\n\r\n".encode() + said)
        await writer.drain()
        writer.close()
        self.arrived.set()


@dataclass
class Receiver:
    """A service that subscribes: it finds everything from the metadata, and believes only what it has verified."""

    world: World
    service: Service
    http: httpx.AsyncClient
    metadata: dict[str, Any]
    keys: KeySet
    stream: dict[str, Any] = field(default_factory=dict)
    token: str = ""

    @classmethod
    async def of(cls, world: World, client_id: str = "service", **more: Any) -> "Receiver":
        service = await world.service(client_id, signals=True, **more)
        http = world.browser()
        metadata = (await http.get(METADATA)).json()
        keys = KeySet.import_key_set((await http.get(metadata["jwks_uri"])).json())
        made = cls(world, service, http, metadata, keys)
        await made.authorize()
        return made

    async def authorize(self, scope: str = "ssf.manage ssf.read") -> None:
        form = {"grant_type": "client_credentials", "scope": scope}
        got = await self.http.post(TOKEN, data=form, auth=self.service.basic)
        assert got.status_code == 200, got.text
        self.token = got.json()["access_token"]

    async def call(self, method: str, name: str, body: Any = None, **query: str) -> httpx.Response:
        """An endpoint by its name in the metadata, or an address."""
        headers = {"Authorization": f"Bearer {self.token}"}
        content = None if body is None else json.dumps(body).encode()
        return await self.http.request(
            method, self.metadata.get(name, name), headers=headers, content=content, params=query
        )

    async def subscribe(self, **said: Any) -> dict[str, Any]:
        made = await self.call("POST", "configuration_endpoint", {"events_requested": EVERYTHING, **said})
        assert made.status_code == 201, made.text
        self.stream = made.json()
        return self.stream

    @property
    def id(self) -> str:
        return str(self.stream["stream_id"])

    async def poll(self, **said: Any) -> dict[str, Any]:
        """RFC 8936 section 2.2, without waiting unless said."""
        got = await self.call("POST", self.stream["delivery"]["endpoint_url"], {"returnImmediately": True, **said})
        assert got.status_code == 200, got.text
        answer: dict[str, Any] = got.json()
        return answer

    async def events(self) -> list[dict[str, Any]]:
        """What waits in a polled stream, verified."""
        return [self.verify(token, jti) for jti, token in (await self.poll())["sets"].items()]

    async def sign_in(self, person: str = "ana") -> Desk:
        """She signs in at this service."""
        _, _, desk = await self.world.tokens(person, self.service)
        return desk

    async def signal(self, person: str = "ana") -> None:
        """Something to tell: her session here is over."""
        await end_all(await self.sign_in(person))

    async def ask_verification(self, state: str) -> None:
        """As soon as it may."""
        self.world.clock.pass_by(30)
        await self.authorize()
        asked = await self.call("POST", "verification_endpoint", {"stream_id": self.id, "state": state})
        assert asked.status_code == 204, asked.text

    async def set_status(self, status: str) -> None:
        await self.authorize()
        done = await self.call("POST", "status_endpoint", {"stream_id": self.id, "status": status})
        assert done.status_code == 200, done.text

    def verify(self, token: str, jti: str = "") -> dict[str, Any]:
        """RFC 8417 section 2.2, SSF section 4.1, CAEP Interoperability Profile section 2.6; the claims."""
        read = jwt.decode(token, self.keys, algorithms=["RS256"])
        claims = read.claims
        assert read.header["typ"] == "secevent+jwt"
        assert read.header["kid"] in {key.kid for key in self.keys.keys}
        assert set(claims) == {"iss", "aud", "iat", "jti", "sub_id", "events", "txn"}, "no sub, no exp"
        assert claims["iss"] == self.metadata["issuer"] == ORIGIN
        assert claims["aud"] == self.service.client.id
        assert isinstance(claims["iat"], int)
        assert claims["jti"] == (jti or claims["jti"])
        assert len(claims["events"]) == 1
        return dict(claims)


async def end_all(desk: Desk) -> None:
    """She ends all her sessions."""
    done = await desk.http.post("/security/sessions/end-all", headers={"Origin": ORIGIN})
    assert done.status_code == 303, done.text


async def ledger(world: World, act: str) -> list[str]:
    """The facts of the lines of an act."""
    return [row["facts"] for row in await world.house.db.all("SELECT facts FROM safe_ledger WHERE act = :act", act=act)]


def event_of(claims: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    [(kind, facts)] = claims["events"].items()
    return kind, facts
