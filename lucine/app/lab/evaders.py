"""Goal `evasion`: attackers who know the detector, each a plug-in: what it draws for a try, and how fast.

They try when honest people sign in. A campaign must be found before it has named 1,500 numbers, a thousandth
of the register, unless it names 50 a day or fewer: those lines are printed without a verdict.
"""

import random
from collections.abc import Iterator
from typing import Final

import msgspec

from lucine.signin.watching import OWN_ACCOUNT_TIMES
from lucine.watch.detector import NEW, Seen
from lucine.watch.events import Outcome

from . import intervals
from .campaigns import BETWEEN_HOURS, Draw, Pace, attack, begin, honest_hours
from .population import PEOPLE, SERVICES, VOLUME, person
from .table import Figure

SEED: Final = 2001  # thresholds were chosen on other seeds
NUMBERS_MAX: Final = 1500
HELD_A_DAY: Final = 50
OWN_ACCOUNTS: Final = 20
OWN_COMPLETED: Final = 3.0  # for each try that he makes


class Evader(msgspec.Struct, frozen=True, kw_only=True):
    """One way to evade: what he tries, and when. ``a_day``: tries."""

    name: str
    draw: Draw
    pace: Pace
    a_day: float


def _try(chance: random.Random, *, outcome: Outcome, new: float, client: str = "") -> Seen:
    service = client or chance.choices(list(SERVICES), list(SERVICES.values()))[0]
    named = person(chance.randrange(PEOPLE))
    return Seen(at=0.0, client=service, outcome=outcome, newcomer=int(chance.random() < new), named=named)


def enrolled(chance: random.Random) -> Seen:
    """From a leaked list of enrolled people: nobody is unknown, nobody answers, most are new to the service."""
    return _try(chance, outcome="expired", new=0.9)


def users(chance: random.Random) -> Seen:
    """From a leaked list of the very users of the service: only that they do not come gives him away."""
    return _try(chance, outcome="expired", new=0.0)


def one_service(chance: random.Random) -> Seen:
    """The same, at the smallest service alone."""
    return _try(chance, outcome="expired", new=0.0, client="prescription")


def directory(chance: random.Random) -> Seen:
    """The walk of the directory, for comparison."""
    outcome: Outcome = "unknown_number" if chance.random() < 0.74 else "expired"
    return _try(chance, outcome=outcome, new=NEW)


def mimic(chance: random.Random) -> Seen:
    """Users of the service, and between two tries sign-ins of his own accounts, so that the ends look honest."""
    if chance.random() < OWN_COMPLETED / (1 + OWN_COMPLETED):
        spent = chance.random() > OWN_ACCOUNTS * OWN_ACCOUNT_TIMES / (100 * OWN_COMPLETED)
        own = _try(chance, outcome="completed", new=0.0)
        return msgspec.structs.replace(own, named=None, repeated=spent)
    return users(chance)


def cancelling(chance: random.Random) -> Seen:
    """As honest people do, he gives some up before their time; it is the same to the detector."""
    return _try(chance, outcome="abandoned" if chance.random() < 0.5 else "expired", new=0.0)


def ramp(passed: int, hour: int) -> float:
    """Five a day at first and 5 % more each day, so that each day looks like the last."""
    return float(min(100.0, 5 * 1.05 ** (passed / 24))) * VOLUME[hour % 168]


def bursts(passed: int, _hour: int) -> float:
    """A week's tries within six hours, then silence until the sums are back at zero."""
    return 700 / 6 if passed % 168 < 6 else 0.0


EVADERS: Final = (
    *(Evader(name=f"{name}, {rate} a day", draw=draw, pace=honest_hours(rate), a_day=rate)
      for name, draw in (("directory", directory), ("leaked list of enrolled people", enrolled),
                         ("leaked list of a service's users", users))
      for rate in (HELD_A_DAY, 60, 100, 200, 400)),
    Evader(name="users of one small service, 100 a day", draw=one_service, pace=honest_hours(100), a_day=100),
    Evader(name="users, half of them cancelled, 100 a day", draw=cancelling, pace=honest_hours(100), a_day=100),
    Evader(name="users, with 20 accounts of his own between, 100 a day", draw=mimic,
           pace=honest_hours(100 * (1 + OWN_COMPLETED)), a_day=100),
    Evader(name="users, a week's tries in six hours", draw=users, pace=bursts, a_day=100),
    Evader(name="users, from 5 to 100 a day by 5 % a day", draw=users, pace=ramp, a_day=100),
)  # fmt: skip


def run(quick: bool) -> Iterator[Figure]:
    """Each evader several times in several populations; the worst case is the last line."""
    seeds, each = (1, 3) if quick else (6, 10)
    chance = random.Random(SEED)  # noqa: S311
    tries: dict[str, list[float]] = {evader.name: [] for evader in EVADERS}
    for seed in range(SEED, SEED + seeds):
        world = begin(seed)
        for _ in range(each):
            world.live(BETWEEN_HOURS)
            if not world.opened:
                for evader in EVADERS:
                    tries[evader.name].append(attack(world, chance, evader.pace, evader.draw, NUMBERS_MAX))
    worst, name = 0.0, ""
    for evader in EVADERS:
        value, low, high = intervals.quantile(tries[evader.name], 0.95)
        found = sum(many < NUMBERS_MAX for many in tries[evader.name])
        held = evader.a_day <= HELD_A_DAY
        yield Figure(
            goal="evasion", name=f"{evader.name}: numbers named until it is found, 95th percentile", value=value,
            low=low, high=high, n=len(tries[evader.name]), seed=SEED,
            target="" if held else f"< {NUMBERS_MAX}", met=None if held else value < NUMBERS_MAX, unit="numbers",
            note=f"found before {NUMBERS_MAX}: {found} of {len(tries[evader.name])}",
        )  # fmt: skip
        if not held and value > worst:
            worst, name = value, evader.name
    n = len(tries[EVADERS[0].name])
    yield Figure(
        goal="evasion", name="attacker who knows the detector: numbers in the worst case of all", value=worst,
        low=worst, high=worst, n=n, seed=SEED, target=f"< {NUMBERS_MAX}, or {HELD_A_DAY} a day at most",
        met=worst < NUMBERS_MAX, unit="numbers", note=f"worst: {name}",
    )  # fmt: skip
