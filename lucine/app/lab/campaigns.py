"""Goal `spray`: a spread-out campaign (one address, one number, one try each) against the detector itself.

The same code that Connect runs, fed with simulated starts. It sees no address and no browser here. Numbers
are chosen by chance from the register, so only how the tries end can give the campaign away.
"""

import copy
import random
from collections.abc import Callable, Iterator
from itertools import count
from typing import Final

import msgspec

from lucine.watch.detector import NEW, Detector, Seen, observe
from lucine.watch.events import Outcome
from lucine.watch.sources import KINDS, Sources, suspects

from . import intervals
from .population import (
    DAILY_NOISE,
    HOUR,
    PEOPLE,
    REFUSED,
    SERVICES,
    START,
    UNANSWERED,
    UNKNOWN,
    VOLUME,
    WARDS,
    Population,
    person,
)
from .table import Figure

SEED: Final = 1001  # thresholds were chosen on other seeds
SEEDS: Final = 20  # simulated years
WARM_DAYS: Final = 42
LOOKED_AT_HOURS: Final = 24  # an officer looks at a false alarm the next day, and says that it is ordinary
TRIES_MAX: Final = 400  # of a campaign: then it counts as not found
QUARTER_DAYS: Final = 91
HONEST_A_DAY: Final = 4000
BETWEEN_HOURS: Final = 79  # from one campaign to the next, or six times that: every hour of the week is met
RATES: Final = (24, 100, 400, 2000)  # tries a day
NOISES: Final = (0.10, 0.15)
NOISE_YEARS: Final = 4
GOALS: Final = {24: (160, None), 100: (25, 60)}  # median and 95th percentile of the tries
ENDS: Final[dict[Outcome, float]] = {"completed": 0.0005, "expired": 0.25, "unknown_number": 0.70, "not_me": 0.0495}
Draw = Callable[[random.Random], Seen]
Pace = Callable[[int, int], float]  # hours since it began, hour of the simulation: tries in that hour


class Run(msgspec.Struct, kw_only=True):
    """A population and its detectors, at an hour since the start."""

    population: Population
    detectors: dict[str, Detector]
    hour: int = 0
    opened: dict[tuple[str, str], int] = {}
    alarms: int = 0

    def live(self, hours: int) -> None:
        """Honest hours; counts each alarm that opens."""
        for _ in range(hours):
            for (scope, feature), since in list(self.opened.items()):
                if self.hour - since >= LOOKED_AT_HOURS:
                    self.detectors[scope].tests[feature].accept()  # type: ignore[index]
                    del self.opened[scope, feature]
            for seen in self.population.hour(self.hour):
                for sign in observe(self.detectors, seen):
                    if (sign.scope, sign.feature) not in self.opened:
                        self.opened[sign.scope, sign.feature] = self.hour
                        self.alarms += 1
            self.hour += 1


def begin(seed: int, *, noise: float = DAILY_NOISE) -> Run:
    """A run that has learned for WARM_DAYS."""
    run = Run(population=Population(seed, noise=noise), detectors={})
    run.live(WARM_DAYS * 24)
    run.alarms = 0
    return run


def attack(run: Run, chance: random.Random, pace: Pace, draw: Draw, most: int = TRIES_MAX) -> int:
    """How many tries until an alarm opens, in a copy of the run; ``most`` if none did before."""
    detectors, population = copy.deepcopy(run.detectors), copy.deepcopy(run.population)
    tries = 0
    for passed in count():
        hour = run.hour + passed
        due = pace(passed, hour)
        many = int(due) + (chance.random() < due % 1)
        events = [(seen.at, False, seen) for seen in population.hour(hour)]
        moments = (START + (hour + chance.random()) * HOUR for _ in range(many))
        events += [(at, True, msgspec.structs.replace(draw(chance), at=at)) for at in moments]
        for _, hostile, seen in sorted(events, key=lambda event: event[0]):
            tries += hostile and seen.outcome != "completed"
            if observe(detectors, seen):
                return tries
            if tries >= most:
                return tries
    raise AssertionError("a pace without tries")


def steady(a_day: float) -> Pace:
    """The same all day and night: at night he is nearly alone, and soon seen."""
    return lambda _passed, _hour: a_day / 24


def honest_hours(a_day: float) -> Pace:
    """When honest people sign in, as whoever thinks of it does."""
    return lambda _passed, hour: a_day * VOLUME[hour % 168]


def spray(chance: random.Random) -> Seen:
    """One try: a number by chance, ended as the assumptions say."""
    outcome = chance.choices(list(ENDS), list(ENDS.values()))[0]
    client = chance.choices(list(SERVICES), list(SERVICES.values()))[0]
    named = person(chance.randrange(PEOPLE))
    return Seen(at=0.0, client=client, outcome=outcome, newcomer=int(chance.random() < NEW), named=named)


PACES: Final[dict[str, Callable[[float], Pace]]] = {"in honest hours": honest_hours, "day and night": steady}


def source_alarms(days: int) -> int:
    """How often honest days make a network, a system or a service suspect of naming numbers."""
    chance, alarms = random.Random(SEED), 0  # noqa: S311
    for _ in range(days):
        sources = Sources()
        for _ in range(HONEST_A_DAY):
            ward = chance.random() < SERVICES["hospital"]
            prefix = f"ward {int(WARDS ** chance.random())}" if ward else f"home {chance.randrange(PEOPLE)}"
            system = chance.choices(("Orange", "SFR", "Bouygues Telecom", "Free"), (4, 2, 2, 2))[0]
            client = "hospital" if ward else "cabinet"
            number = chance.randrange(PEOPLE).to_bytes(32)
            sources.note(number, (prefix, system, client), unanswered=chance.random() < UNANSWERED + UNKNOWN + REFUSED)
        seen = sources.dump()
        alarms += sum(len(suspects(kind, seen[f"{kind} all"], seen[f"{kind} unanswered"])) for kind in KINDS)
    return alarms


def run(quick: bool) -> Iterator[Figure]:
    """Campaigns at each rate over several populations, and the honest alarms of the same populations."""
    seeds, days = (1, 240) if quick else (SEEDS, 365)
    chance = random.Random(SEED)  # noqa: S311
    rates = (100,) if quick else RATES
    tries: dict[tuple[str, int], list[float]] = {(pace, rate): [] for pace in PACES for rate in rates}
    alarms = 0
    for seed in range(SEED, SEED + seeds):
        world = begin(seed)
        last = world.hour + days * 24
        while world.hour < last:
            world.live(BETWEEN_HOURS if quick else 6 * BETWEEN_HOURS - 1)
            if not world.opened:
                for pace, rate in tries:
                    tries[pace, rate].append(attack(world, chance, PACES[pace](rate), spray))
        alarms += world.alarms
    for (pace, rate), some in tries.items():
        median, late = GOALS.get(rate, (None, None))
        yield _until_found(pace, rate, some, "median", 0.5, median)
        yield _until_found(pace, rate, some, "95th percentile", 0.95, late)
    yield _false_alarms("base rates drifting by half", alarms, seeds * days, goal=True)
    for noise in () if quick else NOISES:
        alarms = sum(_honest_year(seed, noise) for seed in range(SEED, SEED + NOISE_YEARS))
        about = f"each day off by {noise:.0%} more (instead of {DAILY_NOISE:.0%})"
        yield _false_alarms(about, alarms, NOISE_YEARS * 365, goal=False)
    days = 30 if quick else 365
    yield _false_alarms(
        "about sources, a fifth of the people behind 200 hospitals", source_alarms(days), days, goal=True
    )


def _honest_year(seed: int, noise: float) -> int:
    world = begin(seed, noise=noise)
    world.live(365 * 24)
    return world.alarms


def _until_found(pace: str, rate: int, tries: list[float], name: str, share: float, goal: int | None) -> Figure:
    value, low, high = intervals.quantile(tries, share)
    missed = sum(many >= TRIES_MAX for many in tries)
    return Figure(
        goal="spray", name=f"spread-out spray, {rate} tries a day, {pace}: tries until it is found, {name}",
        value=value, low=low, high=high, n=len(tries), seed=SEED, target=f"<= {goal}" if goal else "",
        met=value <= goal if goal else None, unit="tries",
        note=f"not found within {TRIES_MAX}: {missed} of {len(tries)}" if missed else "",
    )  # fmt: skip


def _false_alarms(about: str, alarms: int, days: int, *, goal: bool) -> Figure:
    low, high = intervals.count(alarms)
    value, low, high = (number * QUARTER_DAYS / days for number in (alarms, low, high))
    return Figure(
        goal="spray", name=f"false alarms a quarter at 4,000 honest unknown starts a day, {about}",
        value=value, low=low, high=high, n=days, seed=SEED, target="<= 1" if goal else "",
        met=value <= 1 if goal else None, unit="alarms a quarter", note="n: simulated days; every alarm counts",
    )  # fmt: skip
