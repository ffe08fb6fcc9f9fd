"""Goal: from "it was not me" to everything dead in under a second, her service's back-channel logout included.

She has a session with tokens at a service that wants to be told, a known browser, a request that rings from it, a
second one behind it, and a screen that she has scanned. Her tap says "not me" to the first. The time runs until
every other thing is refused and the service has received its logout.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode

import msgspec

from lucine.app.bench.stage import ACTIVE_PEOPLE, Person, Stage, free_port, staged
from lucine.safe import tokens
from lucine.signin.clients import Client, add_client
from lucine.signin.discovery import PATHS

from .cast import QUERY, Desk, Lines, Phone, Service, known_desk
from .intervals import proportion, quantile
from .officer import lenient
from .pace import Pace
from .table import Figure

SEED = 7  # nothing here is left to chance but secrets
TRIALS, QUICK_TRIALS = 2000, 300
SECONDS, QUICK_SECONDS = 600.0, 27.0
GOAL_SECONDS, GIVEN_UP_SECONDS = 1.0, 10.0
CLIENT = "told"
AUTH = f"/auth?{urlencode({**QUERY, 'client_id': CLIENT})}"


class Receiver:
    """The service's end of the back channel: when each session's logout arrived."""

    def __init__(self) -> None:
        self.told: dict[str, float] = {}

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        token = parse_qs((await reader.readexactly(length)).decode())["logout_token"][0]
        self.told[json.loads(tokens.decode(token.split(".")[1]))["sid"]] = time.monotonic()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()


class Took(msgspec.Struct, frozen=True):
    """Seconds from her tap until each was dead."""

    logout: float
    all: float


def run(quick: bool) -> Iterator[Figure]:
    trials, seconds = (QUICK_TRIALS, QUICK_SECONDS) if quick else (TRIALS, SECONDS)
    yield from asyncio.run(disown_all(trials, seconds))


async def disown_all(trials: int, seconds: float) -> list[Figure]:
    async with told_stage() as (stage, receiver, secret):
        lines = Lines(stage.port, 8)
        service = Service(stage, lines, CLIENT, secret)
        took = [
            await _disown(lines, service, receiver, stage.people[turn % len(stage.people)])
            for turn in Pace("not me", trials, seconds)
        ]
        await lines.close()
    return figures(took)


def figures(took: list[Took]) -> list[Figure]:
    """The quantiles, the slowest, and the share that kept to the goal."""
    n, times = len(took), [each.all for each in took]
    good = sum(seconds < GOAL_SECONDS for seconds in times)
    low, high = proportion(good, n)
    lines = [
        Figure(goal="not_me", name="\"not me\" to everything dead within a second", value=good / n * 100,
               low=low * 100, high=high * 100, n=n, seed=SEED, target="100 %", met=good == n, unit="%",
               note="tokens, sessions, known browser, requests that wait, and the service's logout received"),
    ]  # fmt: skip
    for name, q in (("median", 0.5), ("95th percentile", 0.95)):
        value, low, high = quantile(times, q)
        logout, _, _ = quantile([each.logout for each in took], q)
        lines.append(Figure(
            goal="not_me", name=f"\"not me\" to everything dead, {name}", value=value, low=low, high=high, n=n,
            seed=SEED, target="< 1 s", met=value < GOAL_SECONDS, unit="s",
            note=f"the service's logout alone: {logout:.3f} s",
        ))  # fmt: skip
    lines.append(Figure(
        goal="not_me", name="\"not me\" to everything dead, slowest seen", value=max(times), low=max(times),
        high=max(times), n=n, seed=SEED, target="< 1 s", met=max(times) < GOAL_SECONDS, unit="s",
        note="a maximum has no interval; the share above has one",
    ))  # fmt: skip
    return lines


@asynccontextmanager
async def told_stage() -> AsyncIterator[tuple[Stage, Receiver, str]]:
    """A stage with a service that wants to be told, its receiver and its secret."""
    receiver, port = Receiver(), free_port()
    listening = await asyncio.start_server(receiver.answer, "127.0.0.1", port)
    async with listening, staged(ACTIVE_PEOPLE, LUCINE_ALLOWED_HOSTS=f"localhost:{port}") as stage:
        client = Client(
            id=CLIENT, name="Told", redirect_uris=[QUERY["redirect_uri"]], alg="ES256",
            logout_uri=f"http://localhost:{port}/logout",
        )  # fmt: skip
        async with lenient(stage) as house:
            async with house.db.transaction() as db:
                secret = await add_client(db, time.time(), house.keys, client)
            yield stage, receiver, secret


class Alive(msgspec.Struct):
    """What lives before her tap. ``waiting``: a request behind the one she refuses, and a screen that she scanned."""

    session: Desk
    tokens: dict[str, str]
    known: Desk
    refused: str
    waiting: list[dict[str, Any]]

    @property
    def sid(self) -> str:
        return str(json.loads(tokens.decode(self.tokens["id_token"].split(".")[1]))["sid"])


async def _bring_to_life(lines: Lines, service: Service, person: Person) -> Alive:
    phone, session, screen = Phone(lines, person), Desk(lines), Desk(lines)
    await session.open(AUTH)
    got = (await service.redeem(await phone.sign_in(session))).json()
    known, rung = await known_desk(lines, person), []
    for _ in range(2):
        await known.open()
        assert (await known.ring()).status == 200
        rung.append(known.facts["ask"])
    async with aclosing(phone.hear()) as heard:
        async for asks in heard:
            if {ask["id"] for ask in asks} >= set(rung):
                break
    await screen.open()
    scanned = await phone.scan(screen)
    return Alive(session, got, known, rung[0], [scanned.json(), *(ask for ask in asks if ask["id"] == rung[1])])


async def _disown(lines: Lines, service: Service, receiver: Receiver, person: Person) -> Took:
    """Her tap, then wait until all is dead. AssertionError if anything was not alive, or does not die."""
    phone, alive = Phone(lines, person), await _bring_to_life(lines, service, person)
    bearer = {"Authorization": f"Bearer {alive.tokens['access_token']}"}

    async def token_is_dead() -> bool:
        async with lines.lent({}) as wire:
            return (await wire.get(PATHS["userinfo_endpoint"], **bearer)).status == 401

    async def refresh_is_dead() -> bool:
        form = {"grant_type": "refresh_token", "refresh_token": alive.tokens["refresh_token"]}
        return (await service.post(PATHS["token_endpoint"], form)).status == 400

    async def session_is_dead() -> bool:
        return "login_required" in (await alive.session.get(f"{AUTH}&prompt=none")).headers.get("location", "")

    async def waiting_is_dead() -> bool:
        return {(await phone.approve(ask)).status for ask in alive.waiting} == {410}

    async def browser_is_dead() -> bool:
        await alive.known.open()
        return (await alive.known.ring()).status == 409

    async def service_is_told() -> bool:
        return alive.sid in receiver.told

    assert not await token_is_dead()
    assert not await session_is_dead()
    began = time.monotonic()
    assert (await phone.post(f"asks/{alive.refused}/refuse", {"reason": "not_me"})).status == 200
    checks = (token_is_dead, refresh_is_dead, session_is_dead, waiting_is_dead, browser_is_dead, service_is_told)
    await asyncio.gather(*(_until(check) for check in checks))
    return Took(receiver.told[alive.sid] - began, time.monotonic() - began)


async def _until(dead: Callable[[], Awaitable[bool]]) -> None:
    until = time.monotonic() + GIVEN_UP_SECONDS
    while not await dead():
        assert time.monotonic() < until, f"{dead.__name__}: not within {GIVEN_UP_SECONDS:g} s"
        await asyncio.sleep(0.002)
