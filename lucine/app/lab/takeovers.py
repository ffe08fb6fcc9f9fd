"""Goal: no takeover, even of people who approve everything that their phone shows unasked.

Phones listen as the app does (`GET /phone/api/events`) and approve what they show, with a good
assertion. Oscar comes back to each start and request a moment later and tries to finish it. At the end
of each pass her own known browser rings, and her reflex lets her in: the phones do hear and approve.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import islice

from lucine.app.bench.rings import CONNECTIONS, steal
from lucine.app.bench.stage import ACTIVE_PEOPLE, number_of, staged

from .attackers import Attack, Hold, Oscar, trace
from .cast import Desk, Lines, Phone, known_desk
from .designs import compare
from .intervals import proportion
from .officer import lenient, take_back
from .pace import Pace
from .table import Figure

SEED = 2
REFLEXES = (0.01, 0.05, 1.0)
TRIES, QUICK_TRIES = 1_500_000, 6_000  # of all passes together
SECONDS, QUICK_SECONDS = 840.0, 24.0
REPLAYED, QUICK_REPLAYED = 1_500_000, 60_000  # in the simulator of the other designs
REACTION_SECONDS = 1.0  # she has seen it and approved; then Oscar comes back
WAIT_SECONDS = 10.0


def run(quick: bool) -> Iterator[Figure]:
    tries, seconds = (QUICK_TRIES, QUICK_SECONDS) if quick else (TRIES, SECONDS)
    yield from asyncio.run(passes(tries // len(REFLEXES), seconds / len(REFLEXES)))
    replayed = list(islice(trace(SEED, ACTIVE_PEOPLE), QUICK_REPLAYED if quick else REPLAYED))
    enrolled = frozenset(number_of(person) for person in range(ACTIVE_PEOPLE))
    for reflex in REFLEXES:
        yield from compare(replayed, enrolled, reflex=reflex, seed=SEED, scale=TRIES)


async def passes(tries: int, seconds: float, people: int = ACTIVE_PEOPLE) -> list[Figure]:
    """One pass for each reflex, of so many tries at most; each continues the trace."""
    async with staged(people) as stage, lenient(stage) as house:
        lines = Lines(stage.port, CONNECTIONS)
        hers = await known_desk(lines, stage.people[0])
        oscar = Oscar(stage, lines, await steal(hers))
        attacks, figures = trace(SEED, people), []
        for reflex in REFLEXES:
            audience = Audience([Phone(lines, person) for person in stage.people], reflex)
            async with audience.watching():
                pace = Pace(f"takeovers, {reflex:.0%} reflex", tries, seconds)
                won = await _attack(pace, oscar, attacks)
                seen, audience.reflex = len(audience.seen), 1.0
                await take_back(house)
                let_in = await _let_in(hers)
            figures.append(_figure(reflex, won, pace.done, seen, let_in))
        await lines.close()
    return figures


def _figure(reflex: float, won: int, n: int, seen: int, let_in: bool) -> Figure:
    low, high = proportion(won, n)
    return Figure(
        goal="takeovers", name=f"takeovers, {reflex:.0%} reflex", value=won, low=low * n, high=high * n, n=n, seed=SEED,
        target="0", met=won == 0 and let_in, unit="takeovers",
        note=f"over HTTP; phones showed {seen} asks unasked; "
        + ("her own known browser was let in by her reflex" if let_in else "her own known browser was NOT let in"),
    )  # fmt: skip


async def _attack(pace: Pace, oscar: Oscar, attacks: Iterator[Attack]) -> int:
    """Strike, and come back to each hold when people have had time to approve; how many were won."""
    holds: deque[tuple[float, Hold]] = deque()
    won = 0

    async def strike(_: int) -> None:
        nonlocal won
        attack = next(attacks)
        holds.append((time.monotonic(), await attack.attacker.strike(oscar, attack.number)))
        while holds and time.monotonic() - holds[0][0] > REACTION_SECONDS:
            won += await oscar.finish(holds.popleft()[1])

    await pace.spend(strike, CONNECTIONS)
    await asyncio.sleep(REACTION_SECONDS)
    while holds:
        won += await oscar.finish(holds.popleft()[1])
    return won


async def _let_in(hers: Desk) -> bool:
    """Her own known browser rings, and she approves by reflex."""
    await hers.open()
    if (await hers.ring()).status != 200:
        return False
    until = time.monotonic() + WAIT_SECONDS
    while (await hers.finish()).status != 200:
        if time.monotonic() > until:
            return False
        await asyncio.sleep(0.05)
    hers.cookies.pop("__Host-connect")
    return True


class Audience:
    """People who watch their phones and approve some of what appears there unasked."""

    def __init__(self, phones: list[Phone], reflex: float) -> None:
        self.phones, self.reflex, self.seen = phones, reflex, set[str]()
        self._chance = random.Random(f"{SEED} {reflex}")  # noqa: S311

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """A watcher that fails makes the block fail."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._watch(phone)) for phone in self.phones]
            yield
            for task in tasks:
                task.cancel()

    async def _watch(self, phone: Phone) -> None:
        while True:  # the app connects anew when the server ends the stream
            async for asks in phone.hear():
                for ask in asks:
                    if ask["id"] not in self.seen:
                        self.seen.add(ask["id"])
                        if self._chance.random() < self.reflex:
                            await phone.approve(ask)
