"""A Connect of its own for a bench: its process on one core, its people, its service."""

import asyncio
import contextlib
import hashlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec

from lucine.app.connect import open_house
from lucine.app.demo import wait_until_up
from lucine.phone import asks
from lucine.safe import tokens
from lucine.signin.clients import Client, add_client
from lucine.signin.discovery import PATHS
from lucine.web import House
from lucine.web.settings import Settings, read_settings

from .soft_key import SoftBrowserKey, SoftKey
from .wire import Answer, Wire, basic

SERVER_CORE, LOAD_CORE = 0, 1
ACTIVE_PEOPLE = 200  # those who sign in; the others are only there
BULK = 20_000


@dataclass
class Person:
    """A professional with a phone in software."""

    holder: str
    cookie: str
    key: SoftKey


@dataclass
class Stage:
    """A running Connect and who may use it."""

    port: int
    settings: Settings
    people: list[Person]
    secrets: dict[str, str]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def on_core(core: int) -> None:
    """Keep this process on one core, where there are two."""
    if len(os.sched_getaffinity(0)) > 1 or core in os.sched_getaffinity(0):
        os.sched_setaffinity(0, {core} if core < (os.cpu_count() or 1) else {0})


def number_of(person: int) -> str:
    """The national id of the nth invented professional."""
    return f"8{99_000_000_000 + person}"


async def furnish(house: House, people: int, origin: str) -> tuple[list[Person], dict[str, str]]:
    """Enrol people straight into the tables, and register the services; who signs in, and the secrets."""
    active = [_person(house, origin) for _ in range(min(people, ACTIVE_PEOPLE))]
    spare = ec.generate_private_key(ec.SECP256R1())
    public = SoftKey(origin).cose(spare)
    now = time.time()
    for begin in range(0, people, BULK):
        holders, credentials = [], []
        for number in range(begin, min(begin + BULK, people)):
            person = active[number] if number < len(active) else None
            holder = person.holder if person else tokens.new_secret(128)
            holders.append({"id": holder, "number": number_of(number), "now": now})
            credentials.append({
                "id": tokens.new_secret(128),
                "webauthn": tokens.encode(person.key.id) if person else tokens.new_secret(),
                "holder": holder, "now": now,
                "key": person.key.cose(person.key.key) if person else public,
                "cookie": house.keys.digest(person.cookie if person else tokens.new_secret(128)),
            })  # fmt: skip
        async with house.db.transaction() as db:
            await db.many(
                "INSERT INTO phone_holders (id, national_id, name, language, created_at, rings_since_success)"
                " VALUES (:id, :number, 'Ana MERIDIENTEST', 'fr', :now, 0)", holders,
            )  # fmt: skip
            await db.many(
                "INSERT INTO phone_credentials (id, webauthn_id, holder, kind, name, public_key, sign_count, backed_up,"
                " cookie, created_at, usable_at, quiet_start, quiet_end) VALUES (:id, :webauthn, :holder, 'phone', 'p',"
                " :key, 0, 0, :cookie, :now, 0, '', '')", credentials,
            )  # fmt: skip
    secrets = {}
    async with house.db.transaction() as db:
        for alg in ("ES256", "RS256"):
            client = Client(
                id=f"bench-{alg}", name="Bench", redirect_uris=["https://service.test/callback"], alg=alg,
                ciba="poll",
            )  # fmt: skip
            secrets[alg] = await add_client(db, now, house.keys, client)
    return active, secrets


def _person(house: House, origin: str) -> Person:
    person = Person(tokens.new_secret(128), tokens.new_secret(), SoftKey(origin))
    person.key.holder = tokens.encode(person.holder.encode())
    return person


@contextlib.asynccontextmanager
async def staged(people: int, **more: str) -> AsyncIterator[Stage]:
    """Connect on SQLite, in a process on its own core, with this many enrolled professionals, and more settings."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        environment = {
            **os.environ,
            "LUCINE_ORIGIN": f"http://localhost:{port}",
            "LUCINE_LISTEN": f"127.0.0.1:{port}",
            "LUCINE_DATABASE": f"sqlite:///{folder}/identity.db",
            "LUCINE_KEYS": f"{folder}/keys",
            "LUCINE_POST": f"folder:{folder}/post",
            "LUCINE_LOG_LEVEL": "error",
            **more,
        }
        settings = read_settings(environment)
        async with open_house(settings) as house:
            active, secrets = await furnish(house, people, settings.origin)
        with server([sys.executable, "-c", "import lucine.app.cli as c; c.main(['connect'])"], environment):
            await asyncio.to_thread(wait_until_up, [settings.origin])
            yield Stage(port, settings, active, secrets)


@contextlib.contextmanager
def server(command: list[str], environment: dict[str, str], cwd: Path | None = None) -> Iterator[None]:
    """A server process on the server's core."""
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=cwd,
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: on_core(SERVER_CORE),
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


async def sign_in(stage: Stage, desk: Wire, phone: Wire, person: Person, alg: str, key: SoftBrowserKey) -> None:
    """One complete sign-in, as a desk, a phone and a service walk it. AssertionError if any step fails."""
    verifier = tokens.new_secret()
    query = {
        "client_id": f"bench-{alg}", "redirect_uri": "https://service.test/callback", "response_type": "code",
        "scope": "openid scope_all", "state": "s", "nonce": "n", "prompt": "login",
        "code_challenge": tokens.encode(hashlib.sha256(verifier.encode()).digest()), "code_challenge_method": "S256",
    }  # fmt: skip
    location = await walk(desk, phone, person, key, f"/auth?{urlencode(query)}")
    code = parse_qs(urlsplit(location).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": query["redirect_uri"],
            "code_verifier": verifier}  # fmt: skip
    await redeem_and_ask(
        phone, PATHS["token_endpoint"], PATHS["userinfo_endpoint"], form, f"bench-{alg}", stage.secrets[alg]
    )


def facts_of(page: Answer) -> dict[str, str]:
    """What a start's page tells its script."""
    return dict(re.findall(r'data-(\w+)="([^"]*)"', page.body.decode().partition("<main")[2]))


async def walk(desk: Wire, phone: Wire, person: Person, key: SoftBrowserKey, path: str) -> str:
    """From an authorization address to the service's callback, by scanning and approving."""
    opened = await desk.get(path)
    assert opened.status == 303, opened.body
    start = opened.headers["location"]
    facts = facts_of(await desk.get(start))
    name = start.rpartition("/")[2]
    shown = {"jwk": key.jwk, "signature": key.sign(name, facts["nonce"])}
    assert (await desk.post_json(f"{start}/browser", shown)).status == 200
    second = int(time.time())
    mac = asks.screen_mac(tokens.decode(facts["key"]), facts["ask"], second)
    phone.cookies = {"__Host-phone": person.cookie}
    scanned = await phone.post_json("/phone/api/claims", {"code": f"scan={facts['ask']}.{second}.{mac}"})
    assert scanned.status == 200, scanned.body
    person.key.count += 1
    approval = {"credential": person.key.get(scanned.json()["options"]), "keep": False}
    approved = await phone.post_json(f"/phone/api/asks/{facts['ask']}/approve", approval)
    assert approved.status == 200, approved.body
    finished = await desk.post_json(f"{start}/finish", {})
    assert finished.status == 200, finished.body
    return str(finished.json()["location"])


async def redeem_and_ask(wire: Wire, token: str, userinfo: str, form: dict[str, str], client: str, secret: str) -> None:
    """The service's part, the same for Connect and for the peer."""
    got = await wire.post_form(token, form, **basic(client, secret))
    assert got.status == 200, got.body
    said = await wire.get(userinfo, Authorization=f"Bearer {got.json()['access_token']}")
    assert said.status == 200, said.body
    assert said.json()["sub"]
