"""Goal: no wrong approval while two sign-ins race at the same service, from the same network.

She starts, scans her own screen and approves what she scanned. Oscar starts within a minute of her, before
or after, sees all that her phone sends (the worst he could have), owns an enrolled phone, and tries in an order that
chance decides to come in with her approval. A wrong approval is a try of his that succeeds.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from lucine.app.bench.stage import ACTIVE_PEOPLE, Person, staged
from lucine.app.bench.wire import Answer

from .cast import Desk, Lines, Phone
from .intervals import proportion
from .officer import lenient
from .pace import Pace
from .table import Figure

SEED = 3
RACES, QUICK_RACES = 100_000, 600
SECONDS, QUICK_SECONDS = 1500.0, 25.0  # 100,000 need longer than other goals
APART_SECONDS, QUICK_APART_SECONDS = 60.0, 4.0  # his start is opened so long before or after hers, at most
TOGETHER, QUICK_TOGETHER = 2600, 120
CONNECTIONS = 16
REACTION_SECONDS = 1.0
SCANS_MAX = 5  # a code that changed meanwhile is scanned again, as people do
HERS, HIS = "92.184.100.10", "92.184.100.77"  # one network


def run(quick: bool) -> Iterator[Figure]:
    races, seconds, apart, together = (
        (QUICK_RACES, QUICK_SECONDS, QUICK_APART_SECONDS, QUICK_TOGETHER)
        if quick
        else (RACES, SECONDS, APART_SECONDS, TOGETHER)
    )
    yield from asyncio.run(race_all(races, seconds, apart, together))


async def race_all(races: int, seconds: float, apart: float, together: int) -> list[Figure]:
    """Run them over HTTP. ``apart``: seconds; ``together``: races under way at a time."""
    chance, won, kept_out = random.Random(SEED), Counter[str](), 0  # noqa: S311
    async with staged(ACTIVE_PEOPLE, LUCINE_TRUSTED_PROXIES="127.0.0.1") as stage, lenient(stage):
        lines = Lines(stage.port, CONNECTIONS)
        *people, accomplice = stage.people[: together + 1]

        async def sign_in_before(person: int) -> None:
            """From a network that she has never used she would be asked for one more proof."""
            desk = Desk(lines, address=HERS)
            await desk.open()
            assert (await Phone(lines, people[person]).sign_in(desk)).status == 200

        await Pace("races, before", len(people), seconds).spend(sign_in_before, CONNECTIONS)
        pace = Pace("races", races, seconds)

        async def one(turn: int) -> None:
            nonlocal kept_out
            if turn < together:  # not all of them in the same second
                await asyncio.sleep(chance.uniform(0, apart))
            race = Race(lines, people[turn % len(people)], accomplice, random.Random(chance.random()))  # noqa: S311
            won.update(await race.run(apart))
            kept_out += not race.let_in

        await pace.spend(one, together)
        await lines.close()
    n, wrong = pace.done, sum(won.values())
    low, high = proportion(min(wrong, n), n)
    in_low, in_high = proportion(n - kept_out, n)
    how = f"over HTTP, starts up to {apart:g} s apart"
    tries = ", ".join(f"{many} by {kind}" for kind, many in won.items()) or "none by " + ", ".join(Race.TRIES)
    return [
        Figure(goal="races", name="wrong approvals", value=wrong, low=low * n, high=high * n, n=n, seed=SEED,
               target="0", met=wrong == 0, unit="approvals", note=f"{how}; {tries}"),
        Figure(goal="races", name="sign-ins of hers that succeed meanwhile", value=(n - kept_out) / n * 100,
               low=in_low * 100, high=in_high * 100, n=n, seed=SEED, target="100 %", met=kept_out == 0, unit="%",
               note=how),
    ]  # fmt: skip


class Race:
    """One race. ``let_in``: whether she was signed in, on her screen."""

    TRIES = ("finishing his start", "finishing hers", "her approval for his ask", "her approval again",
             "her ask with his screen's key", "scanning her screen after her")  # fmt: skip

    def __init__(self, lines: Lines, person: Person, accomplice: Person, chance: random.Random) -> None:
        self.hers, self.his = Desk(lines, address=HERS), Desk(lines, address=HIS)
        self.phone, self.accomplice = Phone(lines, person, address=HERS), Phone(lines, accomplice, address=HIS)
        self.chance, self.let_in = chance, False
        self._approval: dict[str, Any] = {}
        self._scanned, self._approved = asyncio.Event(), asyncio.Event()

    async def run(self, apart: float) -> list[str]:
        """Both at once; the names of Oscar's tries that succeeded."""
        ahead = self.chance.uniform(-apart, apart)
        _, won = await asyncio.gather(self._she(max(0.0, -ahead)), self._he(max(0.0, ahead)))
        # Whatever he did, his own start must have led nowhere by the end.
        return [*won, *([self.TRIES[0]] if (await self.his.finish()).status == 200 else [])]

    async def _she(self, wait: float) -> None:
        await asyncio.sleep(wait)
        await self.hers.open()
        for _ in range(SCANS_MAX):
            scanned = await self.phone.scan(self.hers)
            if scanned.status == 200:
                break
        assert scanned.status == 200, scanned.body
        self._scanned.set()
        ask = scanned.json()
        assert ask["id"] == self.hers.facts["ask"]
        await asyncio.sleep(self.chance.uniform(0, REACTION_SECONDS))
        self._approval = self.phone.sign(ask)
        approved = await self.phone.post(f"asks/{ask['id']}/approve", self._approval)
        self._approved.set()
        await asyncio.sleep(self.chance.uniform(0, REACTION_SECONDS))
        self.let_in = approved.status == 200 and (await self.hers.finish()).status == 200

    async def _he(self, wait: float) -> list[str]:
        await asyncio.sleep(wait)
        await self.his.open()
        tries = dict(zip(self.TRIES, self._tries(), strict=True))
        order = self.chance.sample(self.TRIES, len(tries))
        return [kind for kind in order if (await tries[kind]()).status == 200]

    def _tries(self) -> list[Callable[[], Awaitable[Answer]]]:
        """In the order of TRIES."""
        return [self.his.finish, self._finish_hers, self._use_for_his, self._use_again, self._mix, self._scan_after]

    async def _finish_hers(self) -> Answer:
        await self._scanned.wait()
        return await self.his.post(f"{self.hers.start}/finish", {})

    async def _use_for_his(self) -> Answer:
        """His phone scans his screen, and hands in what her key signed."""
        await self._approved.wait()
        await self.accomplice.scan(self.his)
        return await self.accomplice.post(f"asks/{self.his.facts['ask']}/approve", self._approval)

    async def _use_again(self) -> Answer:
        await self._approved.wait()
        return await self.accomplice.post(f"asks/{self.hers.facts['ask']}/approve", self._approval)

    async def _mix(self) -> Answer:
        """A code that names her ask, drawn with the secret of his screen."""
        await self._scanned.wait()
        drawn = self.his.code(int(time.time())).replace(self.his.facts["ask"], self.hers.facts["ask"])
        return await self.accomplice.post("claims", {"code": drawn})

    async def _scan_after(self) -> Answer:
        """A picture of her screen, taken over her shoulder."""
        await self._scanned.wait()
        return await self.accomplice.scan(self.hers)
