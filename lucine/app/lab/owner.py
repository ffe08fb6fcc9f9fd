"""Goal: nobody can keep her out by attacking her number.

Hostile starts all name her number, through the page and through a service, without a pause. In between she
signs in: by scanning in a browser that nobody knows, by one tap in her known browser, and by carrying
the code of a service's screen. The watch's measures stay in force: when one takes a way from her she scans
the code that is on the same screen.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing, suppress

from lucine.app.bench.rings import CONNECTIONS, steal
from lucine.app.bench.stage import ACTIVE_PEOPLE, Stage, number_of, staged

from .attackers import ATTACKERS, NoCookie, Oscar
from .cast import Desk, Lines, Phone, Service, known_desk
from .intervals import proportion
from .pace import Pace
from .table import Figure

SEED = 4
STARTS = 10_000  # on each number
SIEGES, QUICK_SIEGES = 40, 1
SECONDS, QUICK_SECONDS = 20.0, 30.0  # of each siege, at most
WAIT_SECONDS = 5.0
NAMING = [attacker for attacker in ATTACKERS if attacker.kind != NoCookie.kind]
WAYS = ("scan in a new browser", "one tap in her known browser", "code of a service's screen")


def run(quick: bool) -> Iterator[Figure]:
    sieges, seconds = (QUICK_SIEGES, QUICK_SECONDS) if quick else (SIEGES, SECONDS)
    yield from asyncio.run(besiege(sieges, STARTS, seconds))


async def besiege(sieges: int, starts: int, seconds: float, people: int = ACTIVE_PEOPLE) -> list[Figure]:
    """One owner after the other is attacked, and signs in as often as she can while it lasts."""
    let_in, kept_out, hostile = Counter[str](), Counter[str](), 0
    async with staged(people) as stage:
        lines = Lines(stage.port, CONNECTIONS)
        for victim in range(sieges):
            owner = Owner(stage, lines, victim, await known_desk(lines, stage.people[victim]))
            oscar = Oscar(stage, lines, await steal(owner.known))
            pace = Pace(f"owner {victim + 1} of {sieges}", starts, seconds)

            async def strike(turn: int, oscar: Oscar = oscar, number: str = owner.number) -> None:
                await NAMING[turn % len(NAMING)].strike(oscar, number)

            async def go_in_and_out(pace: Pace = pace, owner: Owner = owner) -> None:
                while pace.going:
                    for way in WAYS:
                        (let_in if await owner.sign_in(way) else kept_out)[way] += 1

            async with asyncio.TaskGroup() as group:
                group.create_task(pace.spend(strike, CONNECTIONS - 2))
                group.create_task(go_in_and_out())
            hostile += pace.done
        await lines.close()
    return [_figure(way, let_in[way], let_in[way] + kept_out[way], hostile, sieges) for way in WAYS]


def _figure(way: str, done: int, tried: int, starts: int, sieges: int) -> Figure:
    low, high = proportion(done, tried)
    return Figure(
        goal="owner", name=f"her sign-ins that succeed: {way}", value=done / tried * 100, low=low * 100,
        high=high * 100, n=tried, seed=SEED, target="100 %", met=done == tried, unit="%",
        note=f"during {starts:,} hostile starts of {len(NAMING)} kinds, all on the numbers of {sieges} owners",
    )  # fmt: skip


class Owner:
    """She, with her phone, her known browser, and the service that asks for her by number."""

    def __init__(self, stage: Stage, lines: Lines, person: int, known: Desk) -> None:
        self.lines, self.phone, self.service = lines, Phone(lines, stage.people[person]), Service(stage, lines)
        self.number, self.known = number_of(person), known

    async def sign_in(self, way: str) -> bool:
        """Whether she was let in; what is not 200 anywhere on her way keeps her out."""
        return await (self._scan, self._tap, self._carry)[WAYS.index(way)]()

    async def _scan(self) -> bool:
        desk = Desk(self.lines)
        await desk.open()
        return (await self.phone.sign_in(desk)).status == 200

    async def _tap(self) -> bool:
        self.known.cookies.pop("__Host-connect", None)
        await self.known.open()
        rung = await self.known.ring()
        if rung.status == 409 and rung.json()["error"] == "scan_instead":  # a measure for her: she only scans
            return (await self.phone.sign_in(self.known)).status == 200
        if rung.status != 200:
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_SECONDS), aclosing(self.phone.hear()) as heard:
                async for asks in heard:
                    for ask in asks:
                        if ask["id"] == self.known.facts["ask"]:
                            approved = await self.phone.approve(ask)
                            return approved.status == 200 and (await self.known.finish()).status == 200
        return False

    async def _carry(self) -> bool:
        started = await self.service.ask_by_number(self.number)
        if started.status == 403:  # a measure against the service: it sends her to the page instead
            return await self._scan()
        carried = await self.phone.post("waiting", {"code": started.json()["screen_code"]})
        return carried.status == 200 and (await self.phone.approve(carried.json())).status == 200 and (
            await self.service.fetch(started.json()["auth_req_id"])).status == 200  # fmt: skip
