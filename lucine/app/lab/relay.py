"""Goal: a code that is shown to her late, on a screen of Oscar's choice, is refused; what still passes is published.

Oscar opens a sign-in, photographs its code and shows it to her a while later, on a screen of his. She scans whatever
she sees, at once, and approves; asked for one more proof she scans again. Each relay really waits that long. It comes
from rented computers, or from a household's line in France. She has signed in from her own desk before, so that
Connect can tell an odd sign-in, and her phone compares the screen's network with its own.

Published too, because it is the honest frontier: he holds the secret of his own screen, so he may draw a
code for a second that is still to come.
"""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Iterator

import msgspec

from lucine.app.bench.stage import ACTIVE_PEOPLE, Stage, staged

from .cast import Desk, Lines, Phone, wants_more
from .intervals import proportion
from .officer import lenient
from .table import Figure

SEED = 5
DELAYS = (0.2, 0.5, 1.0, 2.0, 2.9, 5.5, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0)  # seconds
QUICK_DELAYS = tuple(delay for delay in DELAYS if delay <= 20)
LIVE_SECONDS, LATE_SECONDS = 3.0, 5.0
EACH, QUICK_EACH = 1000, 30  # relays of each delay
QUICK_PEOPLE = 40
SIGN_INS_BEFORE = 6  # of each person, from her own desk
TOGETHER = 400
CONNECTIONS = 8
ON_TIME_SECONDS = 1.0  # a relay that this machine itself delayed by more is not counted

# Phones of the public lists that Connect ships: a mobile network, or the practice's own access.
PHONES = ("92.184.100.1", "37.166.0.1", "90.3.12.40", "78.192.10.5", "176.158.3.4", "85.68.1.1")
HONEST = ("90.3.12.40", "78.192.10.5", "176.158.3.4", "85.68.1.1", "193.55.10.1", "164.2.1.1")
RENTED, HOUSEHOLD = "rented computers", "a household's line in France"
SCREENS = {
    RENTED: ("109.190.10.1", "3.5.140.2", "51.91.0.1", "8.8.8.8"),
    HOUSEHOLD: ("90.4.12.41", "78.193.10.6", "5.52.10.2", "85.69.1.2"),  # its owner's computer works for Oscar
}
BEHIND_CLOUD = 0.01  # assumed share of surgeries and hospitals whose screens go out through rented computers


class Relayed(msgspec.Struct, frozen=True):
    """How one relay ended. ``flagged``: her phone said that the screen is elsewhere; ``scans``: needed to win."""

    where: str
    late_seconds: float
    accepted: bool = False
    flagged: bool = False
    scans: int | None = None


def run(quick: bool) -> Iterator[Figure]:
    delays, each, people = (QUICK_DELAYS, QUICK_EACH, QUICK_PEOPLE) if quick else (DELAYS, EACH, ACTIVE_PEOPLE)
    yield from asyncio.run(relay_all(delays, each, people))


async def relay_all(delays: tuple[float, ...], each: int, people: int) -> list[Figure]:
    """So many relays of each delay, in chance's order, TOGETHER at a time."""
    chance = random.Random(SEED)  # noqa: S311
    async with staged(people, LUCINE_TRUSTED_PROXIES="127.0.0.1") as stage, lenient(stage):
        lines = Lines(stage.port, CONNECTIONS)
        honest = [
            await _come_in(stage, lines, chance, person)
            for _ in range(SIGN_INS_BEFORE) for person in range(len(stage.people))
        ]  # fmt: skip
        relayed = await _grid(stage, lines, chance, delays, each)
        ahead = [await _ahead(stage, lines, chance) for _ in range(each)]
        await lines.close()
    late = [one for delay, some in relayed.items() if delay > LATE_SECONDS for one in some]
    live = [one for delay, some in relayed.items() if delay < LIVE_SECONDS for one in some]
    figures = [
        _share("relays older than 5 s that are refused", [not one.accepted for one in late], target=99.0,
               note=f"delays of {', '.join(f'{delay:g}' for delay in delays if delay > LATE_SECONDS)} s"),
    ]  # fmt: skip
    for where in SCREENS:
        some = [one for one in live if one.where == where]
        figures += [
            _share(f"live relays (under 3 s) from {where} that her phone marks as elsewhere",
                   [one.flagged for one in some if one.accepted], note="a warning on the request, before she approves"),
            _share(f"live relays from {where} that end in a sign-in of Oscar's after one scan",
                   [one.scans == 1 for one in some],
                   note="she approves whatever she is shown; each one that he wins makes his next less odd"),
            _share(f"live relays from {where} that end in a sign-in of Oscar's, however often she scans",
                   [one.scans is not None for one in some], note="an odd sign-in is asked for one more proof, or held"),
        ]  # fmt: skip
    return [
        *figures,
        _share("codes drawn ahead by Oscar, shown 5 to 60 s later, that pass", ahead,
               note="he holds his own screen's secret and must guess the four seconds in which she will scan"),
        _share("honest sign-ins that her phone marks as elsewhere", honest,
               note=f"assumed: {BEHIND_CLOUD:.0%} of desks go out through rented computers; phones on 4G or a line"),
    ]  # fmt: skip


def _share(name: str, seen: list[bool], *, target: float | None = None, note: str) -> Figure:
    value, (low, high) = 100 * sum(seen) / len(seen), proportion(sum(seen), len(seen))
    return Figure(
        goal="relay", name=name, value=value, low=low * 100, high=high * 100, n=len(seen), seed=SEED,
        target="" if target is None else f">= {target:g} %", met=None if target is None else value >= target,
        unit="%", note=note,
    )  # fmt: skip


async def _come_in(stage: Stage, lines: Lines, chance: random.Random, person: int) -> bool:
    """An honest sign-in from her own desk, or through rented computers; whether her phone marked it."""
    where = chance.choice(SCREENS[RENTED]) if chance.random() < BEHIND_CLOUD else HONEST[person % len(HONEST)]
    desk = Desk(lines, address=where)
    phone = Phone(lines, stage.people[person], address=chance.choice(PHONES))
    await desk.open()
    scanned = await phone.scan(desk)
    assert scanned.status == 200, scanned.body
    await phone.approve(scanned.json())
    if wants_more(await desk.finish()):
        await desk.reload()
        await phone.sign_in(desk)
    return bool(scanned.json()["elsewhere"])


async def _grid(
    stage: Stage, lines: Lines, chance: random.Random, delays: tuple[float, ...], each: int
) -> dict[float, list[Relayed]]:
    found, places = defaultdict[float, list[Relayed]](list), asyncio.Semaphore(TOGETHER)
    order = [delay for delay in delays for _ in range(each)]
    chance.shuffle(order)
    order.sort(key=lambda delay: -int(delay / 10))  # those that wait longest begin first

    async def one(delay: float, person: int, where: str, moment: float) -> None:
        async with places:
            await asyncio.sleep(moment)
            desk = Desk(lines, address=chance.choice(SCREENS[where]))
            phone = Phone(lines, stage.people[person], address=chance.choice(PHONES))
            relayed = await _relay(desk, phone, delay, where)
        if relayed.late_seconds < ON_TIME_SECONDS:
            found[delay].append(relayed)

    async with asyncio.TaskGroup() as group:
        for turn, delay in enumerate(order):
            where = chance.choice(list(SCREENS))
            group.create_task(one(delay, turn % len(stage.people), where, chance.random()))
    return found


async def _relay(desk: Desk, phone: Phone, delay: float, where: str) -> Relayed:
    """One relay; a second one of the same screen when one more proof is asked."""
    await desk.open()
    relayed = Relayed(where, 0.0)
    for scans in (1, 2):
        picture, drawn_at = desk.code(int(time.time())), time.monotonic()
        await asyncio.sleep(delay)
        scanned = await phone.post("claims", {"code": picture})
        late = max(relayed.late_seconds, time.monotonic() - drawn_at - delay)
        if scanned.status != 200:
            return msgspec.structs.replace(relayed, late_seconds=late)
        flagged = relayed.flagged or bool(scanned.json()["elsewhere"])
        relayed = Relayed(where, late, accepted=True, flagged=flagged)
        approved = await phone.approve(scanned.json())
        finished = await desk.finish()
        if approved.status == finished.status == 200:
            return msgspec.structs.replace(relayed, scans=scans)
        if not wants_more(finished):
            break
        await desk.reload()
    return relayed


async def _ahead(stage: Stage, lines: Lines, chance: random.Random) -> bool:
    """He sends a picture made for the second in which he expects her; she comes when she comes."""
    desk = Desk(lines, address=SCREENS[RENTED][0])
    await desk.open()
    expected, comes = chance.uniform(LATE_SECONDS, 60), chance.uniform(LATE_SECONDS, 60)
    picture = desk.code(int(time.time() + expected - comes))  # as the server sees it when she scans
    return (await Phone(lines, chance.choice(stage.people)).post("claims", {"code": picture})).status == 200
