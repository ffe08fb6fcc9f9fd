"""An officer at her desk, and a campaign for her to see."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx

from lucine.app.bench.soft_key import SoftKey
from lucine.officer import invite_officer
from lucine.watch.alarms import Alarm, Evidence, raise_alarm
from lucine.watch.events import Event, note_events, number_digest
from tests.world import ORIGIN, World

ORANGE = "90.84.0.1"  # an address whose network is known


@dataclass
class Officer:
    """Her browser and her passkey."""

    world: World
    http: httpx.AsyncClient
    id: str = ""
    key: SoftKey = field(default_factory=lambda: SoftKey(ORIGIN))

    async def json(self, path: str, body: Any = None) -> httpx.Response:
        return await self.http.post(path, json=body or {}, headers={"Origin": ORIGIN})

    async def form(self, path: str, **form: str) -> httpx.Response:
        return await self.http.post(path, data=form, headers={"Origin": ORIGIN})

    async def accept(self, secret: str) -> httpx.Response:
        began = await self.json("/watch/invitation/options", {"invitation": secret})
        if began.status_code != 200:
            return began
        credential = self.key.create(began.json()["options"])
        return await self.json("/watch/invitation", {"invitation": secret, "credential": credential})

    async def assertion(self) -> dict[str, Any]:
        options = (await self.json("/watch/sign-in/options")).json()["options"]
        self.key.count += 1
        return {"credential": self.key.get(options)}

    async def sign_in(self) -> httpx.Response:
        return await self.json("/watch/sign-in", await self.assertion())


async def invite(world: World, name: str = "Odile Veilleur") -> tuple[str, str]:
    async with world.house.db.transaction() as db:
        return await invite_officer(db, world.clock.now, world.house.keys, name=name, mail="odile@exemple.invalid")


async def officer(world: World, name: str = "Odile Veilleur") -> Officer:
    """An officer who is in."""
    made = Officer(world, world.browser())
    made.id, secret = await invite(world, name)
    assert (await made.accept(secret)).status_code == 200
    assert (await made.sign_in()).status_code == 200
    return made


def event(world: World, name: str, number: str = "", **more: Any) -> Event:
    """A start that came to nothing a minute ago, from an unknown browser; ``number``: who was named."""
    facts: dict[str, Any] = {
        "id": name, "at": world.clock.now - 180, "over_at": world.clock.now - 60, "client": "service",
        "channel": "page", "known": False, "number": number_digest(world.house.keys, number) if number else None,
        "holder": "", "newcomer": 1 if number else -1, "near": "", "address": ORANGE, "outcome": "expired",
    }  # fmt: skip
    return Event(**{**facts, **more})


async def note(world: World, events: Iterable[Event]) -> None:
    async with world.house.db.transaction() as db:
        await note_events(db, world.house.keys, list(events))


async def alarm(world: World, **more: Any) -> Alarm:
    """What 412 numbers in 25 hours look like."""
    evidence = Evidence(
        events=431, numbers=412, certainty=13.2, seen={"unanswered": 300, "unknown_number": 118, "refused": 13},
        expected={"unanswered": 41.5, "unknown_number": 4, "refused": 1.2}, services={"service": 431},
        sources={"Orange": 9},
    )  # fmt: skip
    facts: dict[str, Any] = {
        "family": "outcomes", "client": "service", "feature": "outcomes", "since": world.clock.now - 25 * 3600,
        "evidence": evidence,
    }  # fmt: skip
    async with world.house.db.transaction() as db:
        found, _ = await raise_alarm(db, world.clock.now, world.house.keys, **{**facts, **more})
    return found


async def acts(world: World) -> list[tuple[str, str]]:
    """Every line of the ledger: the act and who."""
    rows = await world.house.db.all("SELECT act, who FROM safe_ledger ORDER BY seq")
    return [(row["act"], row["who"]) for row in rows]
