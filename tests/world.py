"""A small world for the tests: Connect, a clock that obeys, and a cast.

Ana, Béa and Carl are midwives; Oscar is whoever attacks. Everything goes through the doors.
"""

import contextlib
import hashlib
import os
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from lucine.app.bench.soft_key import SoftBrowserKey, SoftKey
from lucine.app.connect import build_connect
from lucine.app.demo import PEOPLE, _line
from lucine.directory import load_extract, write_sample
from lucine.phone import asks
from lucine.phone.enrolment import make_voucher
from lucine.phone.holders import add_holder
from lucine.safe import tokens
from lucine.signin.clients import Client, add_client
from lucine.signin.discovery import PATHS
from lucine.web import House
from lucine.web.settings import Settings

ORIGIN = "https://connect.test"
SERVICE = "https://service.test"
START = 1_780_000_000.0
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@dataclass
class Clock:
    """Time stands still until a test moves it."""

    now: float = START

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Service:
    """A relying party: its registration and its secret."""

    client: Client
    secret: str

    @property
    def basic(self) -> tuple[str, str]:
        return (self.client.id, self.secret)


@dataclass
class Desk:
    """A browser on a desk."""

    world: "World"
    http: httpx.AsyncClient
    key: SoftBrowserKey = field(default_factory=SoftBrowserKey)
    start: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    verifier: str = ""

    async def post(self, path: str, body: Any = None) -> httpx.Response:
        return await self.http.post(path, json={} if body is None else body, headers={"Origin": ORIGIN})

    async def add_passkey(self) -> SoftKey:
        """A passkey on the computer of this session."""
        key = SoftKey(ORIGIN)
        options = (await self.post("/security/passkeys/options")).json()["options"]
        done = await self.post("/security/passkeys", {"credential": key.create(options), "name": "Ordinateur"})
        assert done.status_code == 200, done.text
        return key

    async def authorize(self, service: Service, **more: str | None) -> httpx.Response:
        """Go to /auth as the service asks."""
        self.verifier = secrets.token_urlsafe(48)
        challenge = tokens.encode(hashlib.sha256(self.verifier.encode()).digest())
        said: dict[str, str | None] = {
            "client_id": service.client.id,
            "redirect_uri": service.client.redirect_uris[0],
            "response_type": "code",
            "scope": "openid scope_all",
            "state": "s1",
            "nonce": "n1",
            "acr_values": "eidas1",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **more,
        }
        return await self.http.get("/auth", params={k: v for k, v in said.items() if v is not None})

    async def open_start(self, answer: httpx.Response) -> dict[str, str]:
        """Follow to the page of the start and read what it shows."""
        assert answer.status_code == 303, answer.text
        location = answer.headers["location"]
        assert location.startswith("/start/"), location
        shown = await self.http.get(location)
        assert shown.status_code == 200, shown.text
        self.start = urlsplit(location).path.rpartition("/")[2]
        self.facts = read_data(shown.text)
        return self.facts

    def qr(self, *, age: int = 0) -> str:
        """What the screen shows now, or showed ``age`` seconds ago."""
        second = int(self.world.clock.now) - age
        mac = asks.screen_mac(tokens.decode(self.facts["key"]), self.facts["ask"], second)
        return f"{ORIGIN}/phone/#scan={self.facts['ask']}.{second}.{mac}"

    async def show_key(self) -> httpx.Response:
        signature = self.key.sign(self.start, self.facts["nonce"])
        return await self.post(f"/start/{self.start}/browser", {"jwk": self.key.jwk, "signature": signature})

    async def ring(self) -> httpx.Response:
        signature = self.key.sign(self.start, self.facts["nonce"])
        return await self.post(f"/start/{self.start}/ring", {"jwk": self.key.jwk, "signature": signature})

    async def finish(self) -> httpx.Response:
        return await self.post(f"/start/{self.start}/finish")

    async def code(self) -> dict[str, str]:
        """Finish, and what the service gets at its redirect address."""
        done = await self.finish()
        assert done.status_code == 200, done.text
        return dict(parse_qsl(urlsplit(done.json()["location"]).query))


@dataclass
class Phone:
    """A phone with the app, its cookie and its key."""

    world: "World"
    http: httpx.AsyncClient
    key: SoftKey

    async def post(self, path: str, body: Any = None) -> httpx.Response:
        return await self.http.post(f"/phone/api/{path}", json={} if body is None else body, headers={"Origin": ORIGIN})

    async def get(self, path: str) -> httpx.Response:
        return await self.http.get(f"/phone/api/{path}")

    async def enrol(self, voucher: str, name: str = "Téléphone") -> httpx.Response:
        began = await self.post("enrolments/options", {"voucher": voucher})
        if began.status_code != 200:
            return began
        credential = self.key.create(began.json()["options"])
        return await self.post("enrolments", {"voucher": voucher, "credential": credential, "name": name})

    async def scan(self, text: str) -> httpx.Response:
        return await self.post("claims", {"code": text})

    async def approve(self, ask: dict[str, Any], *, keep: bool = False) -> httpx.Response:
        self.key.count += 1
        credential = self.key.get(ask["options"])
        return await self.post(f"asks/{ask['id']}/approve", {"credential": credential, "keep": keep})


@dataclass
class World:
    """Connect and everybody around it."""

    app: Any
    house: House
    clock: Clock
    folder: Path
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def browser(self, agent: str = FIREFOX) -> httpx.AsyncClient:
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url=ORIGIN, headers={"User-Agent": agent}, timeout=20
        )
        self.clients.append(client)
        return client

    def desk(self) -> Desk:
        return Desk(self, self.browser())

    def bare_phone(self) -> Phone:
        return Phone(self, self.browser(), SoftKey(ORIGIN))

    async def holder(self, person: str) -> str:
        number = f"8{PEOPLE[person][0]}"
        async with self.house.db.transaction() as db:
            holder = await add_holder(
                db, self.clock.now, self.house.keys, national_id=number,
                mail=f"{person}@exemple.invalid", mobile="06 00 00 00 01",
            )  # fmt: skip
        return holder.id

    async def voucher(self, person: str, kind: Any = "card") -> str:
        holder = await self.holder(person)
        async with self.house.db.transaction() as db:
            return await make_voucher(db, self.clock.now, self.house.keys, holder=holder, kind=kind)

    async def phone(self, person: str) -> Phone:
        """A phone of hers, enrolled with her card."""
        phone = self.bare_phone()
        done = await phone.enrol(await self.voucher(person))
        assert done.status_code == 200, done.text
        return phone

    async def service(self, client_id: str = "service", **more: Any) -> Service:
        facts: dict[str, Any] = {"redirect_uris": [f"{SERVICE}/callback"], "alg": "ES256", **more}
        client = Client(id=client_id, name=f"Le service {client_id}", **facts)
        async with self.house.db.transaction() as db:
            return Service(client, await add_client(db, self.clock.now, self.house.keys, client))

    async def sign_in(
        self, desk: Desk, phone: Phone, service: Service, *, keep: bool = False, **more: str | None
    ) -> dict[str, str]:
        """The whole walk by scanning; what the service gets at its redirect address."""
        await desk.open_start(await desk.authorize(service, **more))
        if keep:
            assert (await desk.show_key()).status_code == 200
        scanned = await phone.scan(desk.qr())
        assert scanned.status_code == 200, scanned.text
        approved = await phone.approve(scanned.json(), keep=keep)
        assert approved.status_code == 200, approved.text
        return await desk.code()

    async def token(self, service: Service, form: dict[str, str], **more: Any) -> httpx.Response:
        """Call the token endpoint as the service does."""
        if service.secret and "auth" not in more and "client_assertion" not in form:
            more["auth"] = service.basic
        return await self.browser().post(PATHS["token_endpoint"], data=form, **more)

    async def redeem(self, desk: Desk, service: Service, answer: dict[str, str], **more: Any) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": service.client.redirect_uris[0],
            "code_verifier": desk.verifier,
        }
        return await self.token(service, form, **more)

    async def tokens(self, person: str = "ana", service: Service | None = None) -> tuple[dict[str, Any], Service, Desk]:
        """Sign in and fetch the tokens."""
        service = service or await self.service()
        desk, phone = self.desk(), await self.phone(person)
        answer = await self.redeem(desk, service, await self.sign_in(desk, phone, service))
        assert answer.status_code == 200, answer.text
        return answer.json(), service, desk

    async def userinfo(self, token: str, scheme: str = "Bearer", **headers: str) -> httpx.Response:
        return await self.browser().get(
            PATHS["userinfo_endpoint"], headers={"Authorization": f"{scheme} {token}", **headers}
        )


def read_data(html: str) -> dict[str, str]:
    """The data attributes of <main>."""
    main = html[html.index("<main") :]
    main = main[: main.index(">")]
    pairs = (part.partition('="') for part in main.split(" data-")[1:])
    return {name: value.rpartition('"')[0] for name, _, value in pairs}


def make_register(folder: Path) -> Path:
    """A small register with the cast in it."""
    path = folder / "PS_LibreAcces_Personne_activite_test.txt"
    write_sample(path, 30, 1)
    with path.open(encoding="utf-8") as file:
        columns = file.readline().rstrip("\n").split("|")[:-1]
    with path.open("a", encoding="utf-8") as file:
        for person in PEOPLE.values():
            values = _line(*person)
            file.write("|".join(values.get(column, "") for column in columns) + "|\n")
    return path


@contextlib.asynccontextmanager
async def open_world(database_url: str, folder: Path, **more: Any) -> AsyncIterator[World]:
    """Connect on a database, without chores: tests call those themselves."""
    settings = Settings(
        origin=ORIGIN, database=database_url, keys=f"{folder}/keys.json", post=f"folder:{folder}/post",
        sms_gateway="{number}@sms.invalid", log_level=os.environ.get("LUCINE_TEST_LOG", "error"), **more,
    )  # fmt: skip
    clock = Clock()
    app = build_connect(settings, clock=clock, chores=False)
    async with app.router.lifespan_context(app):
        house = app.state.house
        load_extract(database_url, make_register(folder))
        world = World(app, house, clock, folder)
        try:
            yield world
        finally:
            for client in world.clients:
                await client.aclose()
