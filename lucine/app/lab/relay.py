"""Goal: a code that is shown to her late, on a screen of Oscar's choice, is refused; what still passes is published.

Oscar opens a sign-in on rented computers, photographs its code and shows it to her a while later. She scans
whatever she sees, at once, and approves. Each relay really waits that long. Two lines more are published because
they are the honest frontier: he holds the secret of his own screen, so he may draw a code for a second that is still
to come, or run a page that draws it where she looks. Then only the place that her phone compares can tell.
"""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Iterator

import msgspec

from lucine.app.bench.stage import ACTIVE_PEOPLE, Stage, staged

from .cast import Desk, Lines, Phone
from .intervals import proportion
from .table import Figure

SEED = 5
DELAYS = (0.2, 0.5, 1.0, 2.0, 2.9, 5.5, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0)  # seconds
QUICK_DELAYS = tuple(delay for delay in DELAYS if delay <= 20)
LIVE_SECONDS, LATE_SECONDS = 3.0, 5.0
EACH, QUICK_EACH = 1000, 30  # relays of each delay
TOGETHER = 400
CONNECTIONS = 8
ON_TIME_SECONDS = 1.0  # a relay that this machine itself delayed by more is not counted

# Phones of the public lists that Connect ships: a mobile network, or the practice's own access.
PHONES = ("92.184.100.1", "37.166.0.1", "90.3.12.40", "78.192.10.5", "176.158.3.4", "85.68.1.1")
HONEST = ("90.3.12.40", "78.192.10.5", "176.158.3.4", "85.68.1.1", "193.55.10.1", "164.2.1.1")
RENTED = ("109.190.10.1", "3.5.140.2", "51.91.0.1", "8.8.8.8")
HOUSEHOLDS = ("90.3.12.41", "78.192.10.6", "5.51.10.2", "85.68.1.2")  # a line in France that he pays for
BEHIND_CLOUD = 0.01  # assumed share of surgeries and hospitals whose screens go out through rented computers


class Relayed(msgspec.Struct, frozen=True):
    """How one relay ended. ``flagged``: her phone said that the screen is elsewhere."""

    accepted: bool
    flagged: bool
    won: bool
    late_seconds: float


def run(quick: bool) -> Iterator[Figure]:
    yield from asyncio.run(relay_all(QUICK_DELAYS if quick else DELAYS, QUICK_EACH if quick else EACH))


async def relay_all(delays: tuple[float, ...], each: int) -> list[Figure]:
    """So many relays of each delay, in chance's order, TOGETHER at a time."""
    chance = random.Random(SEED)  # noqa: S311
    async with staged(ACTIVE_PEOPLE, LUCINE_TRUSTED_PROXIES="127.0.0.1") as stage:
        lines = Lines(stage.port, CONNECTIONS)
        relayed = await _grid(stage, lines, chance, delays, each)
        ahead = [await _ahead(stage, lines, chance) for _ in range(each)]
        places = {
            name: [await _flagged(stage, lines, chance, screens) for _ in range(each)]
            for name, screens in (("rented computers", RENTED), ("a household line in France", HOUSEHOLDS))
        }
        honest = [
            await _flagged(stage, lines, chance, RENTED if chance.random() < BEHIND_CLOUD else HONEST)
            for _ in range(4 * each)
        ]
        await lines.close()
    late = [one for delay, some in relayed.items() if delay > LATE_SECONDS for one in some]
    live = [one for delay, some in relayed.items() if delay < LIVE_SECONDS for one in some]
    figures = [
        _share("relays older than 5 s that are refused", [not one.accepted for one in late], target=99.0,
               note=f"delays of {', '.join(f'{delay:g}' for delay in delays if delay > LATE_SECONDS)} s"),
        _share("live relays (under 3 s) that end in a sign-in of Oscar's", [one.won for one in live],
               note="she scans whatever she is shown and approves; nothing but what she reads stops this"),
        _share("codes drawn ahead by Oscar, shown 5 to 60 s later, that pass", ahead,
               note="he holds his own screen's secret and must guess the four seconds in which she will scan"),
    ]  # fmt: skip
    figures += [
        _share(f"relays from {name} that her phone marks as elsewhere", some,
               note="a warning on the request, before she approves")
        for name, some in places.items()
    ]  # fmt: skip
    figures.append(_share(
        "honest sign-ins that her phone marks as elsewhere", honest,
        note=f"assumed: {BEHIND_CLOUD:.0%} of desks go out through rented computers; phones on 4G or on their own access",
    ))  # fmt: skip
    return figures


def _share(name: str, seen: list[bool], *, target: float | None = None, note: str) -> Figure:
    value, (low, high) = 100 * sum(seen) / len(seen), proportion(sum(seen), len(seen))
    return Figure(
        goal="relay", name=name, value=value, low=low * 100, high=high * 100, n=len(seen), seed=SEED,
        target="" if target is None else f">= {target:g} %", met=None if target is None else value >= target,
        unit="%", note=note,
    )  # fmt: skip


async def _grid(
    stage: Stage, lines: Lines, chance: random.Random, delays: tuple[float, ...], each: int
) -> dict[float, list[Relayed]]:
    found, places = defaultdict[float, list[Relayed]](list), asyncio.Semaphore(TOGETHER)
    order = [delay for delay in delays for _ in range(each)]
    chance.shuffle(order)
    order.sort(key=lambda delay: -int(delay / 10))  # those that wait longest begin first

    async def one(delay: float, person: int, moment: float) -> None:
        async with places:
            await asyncio.sleep(moment)
            relayed = await _relay(stage, lines, delay, person, chance.choice(PHONES))
        if relayed.late_seconds < ON_TIME_SECONDS:
            found[delay].append(relayed)

    async with asyncio.TaskGroup() as group:
        for turn, delay in enumerate(order):
            group.create_task(one(delay, turn % len(stage.people), chance.random()))
    return found


async def _relay(stage: Stage, lines: Lines, delay: float, person: int, where: str) -> Relayed:
    desk = Desk(lines, address=RENTED[0])
    phone = Phone(lines, stage.people[person], address=where)
    await desk.open()
    picture, drawn_at = desk.code(int(time.time())), time.monotonic()
    await asyncio.sleep(delay)
    scanned = await phone.post("claims", {"code": picture})
    late = time.monotonic() - drawn_at - delay
    if scanned.status != 200:
        return Relayed(False, False, False, late)
    approved = await phone.approve(scanned.json())
    won = approved.status == 200 and (await desk.finish()).status == 200
    return Relayed(True, bool(scanned.json()["elsewhere"]), won, late)


async def _ahead(stage: Stage, lines: Lines, chance: random.Random) -> bool:
    """He sends a picture made for the second in which he expects her; she comes when she comes."""
    desk = Desk(lines, address=RENTED[0])
    await desk.open()
    expected, comes = chance.uniform(LATE_SECONDS, 60), chance.uniform(LATE_SECONDS, 60)
    picture = desk.code(int(time.time() + expected - comes))  # as the server sees it when she scans
    return (await Phone(lines, chance.choice(stage.people)).post("claims", {"code": picture})).status == 200


async def _flagged(stage: Stage, lines: Lines, chance: random.Random, screens: tuple[str, ...]) -> bool:
    """Whether her phone marks a screen at one of these addresses."""
    desk = Desk(lines, address=chance.choice(screens))
    phone = Phone(lines, chance.choice(stage.people), address=chance.choice(PHONES))
    await desk.open()
    scanned = await phone.post("claims", {"code": desk.code(int(time.time()))})
    assert scanned.status == 200, scanned.body
    return bool(scanned.json()["elsewhere"])
