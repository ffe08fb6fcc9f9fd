"""Honest people: when they sign in, where, and how it ends. What is assumed is a constant here.

Sign-ins from unknown browsers follow the week (Monday is the peak), the day, and a slow drift of every base
rate by up to half, each with its own period. Some are forgetful, some give up, some name a number that has no
phone, some sit at ward computers where somebody else has just been.
"""

import math
import random
from typing import Final

from lucine.watch.detector import Named, Seen
from lucine.watch.events import Outcome

START: Final = 1_780_272_000.0  # a Monday, 00:00 UTC
HOUR: Final = 3600.0
DAY_SHAPE: Final = (
    0.2, 0.1, 0.1, 0.1, 0.15, 0.3, 0.8, 2, 4, 5, 5, 4.5, 3, 4, 4.5, 4.5, 4, 3.5, 2.5, 1.8, 1.4, 1, 0.7, 0.4,
)  # fmt: skip
WEEK_SHAPE: Final = (1.6, 1.15, 1.1, 1.1, 1.0, 0.5, 0.4)
SERVICES: Final = {"cabinet": 0.4, "espace": 0.25, "hospital": 0.2, "laboratory": 0.1, "prescription": 0.05}

# Shares of the ends of honest starts from unknown browsers (shared facts, section E.5).
UNANSWERED, UNKNOWN, REFUSED = 0.05, 0.01, 0.005
NEWCOMERS: Final = 0.04  # first sign-in at this service, or none for half a year
DRIFT: Final = 0.5  # every base rate, up and down
DRIFT_DAYS: Final = (60.0, 120.0)
DAILY_NOISE: Final = 0.05  # of the logarithm of a rate, from one day to the next
NIGHT: Final = 1.3  # at night more give up

# Who did not come comes back within minutes, most times: the forgetful, whose phone was in the other room.
COMES_BACK: Final = 0.6
COMES_BACK_SECONDS: Final = 300.0
# Ward computers: at the hospital's service most people sit where colleagues of the same house have just been.
WARDS: Final = 200
ON_A_WARD: Final = 0.7

# The register: a number, a town, a profession. Towns by Zipf's law, professions by their sizes.
PEOPLE: Final = 1_500_000
NUMBERS: Final = 120_000_000  # the span in which the numbers lie
TOWNS: Final = 12_000
PROFESSIONS: Final = (0.45, 0.22, 0.09, 0.08, 0.05, 0.04, 0.03, 0.02, 0.02)


_TOTAL: Final = sum(DAY_SHAPE) * sum(WEEK_SHAPE) / 7
# Of a day's starts, those of each hour of the week.
VOLUME: Final = tuple(DAY_SHAPE[hour % 24] * WEEK_SHAPE[hour // 24] / _TOTAL for hour in range(168))


def person(place: int) -> Named:
    """The person at a place of the register (0 to PEOPLE - 1): always the same one."""
    chance = random.Random(place)  # noqa: S311
    return Named(
        number=place * (NUMBERS // PEOPLE) + chance.randrange(NUMBERS // PEOPLE),
        town=f"{int(TOWNS ** chance.random()):05d}",
        profession=str(chance.choices(range(len(PROFESSIONS)), PROFESSIONS)[0]),
    )


def colleague(chance: random.Random) -> Named:
    """Somebody on a ward: a number by chance, the town of one of the hospitals, the professions of a hospital."""
    ward = int(WARDS ** chance.random())
    return Named(number=chance.randrange(NUMBERS), town=f"h{ward}", profession="0" if chance.random() < 0.6 else "1")


class Population:
    """Everybody who is honest. ``per_day``: starts from unknown browsers; ``noise``: see DAILY_NOISE."""

    def __init__(self, seed: int, *, per_day: float = 4000, drift: float = DRIFT, noise: float = DAILY_NOISE) -> None:
        self._chance = chance = random.Random(seed)  # noqa: S311
        self._per_day, self._drift, self._daily = per_day, drift, noise
        self._periods = [(chance.uniform(*DRIFT_DAYS), chance.uniform(0, math.tau)) for _ in range(4)]
        self._noise, self._day = [0.0] * 4, -1

    def ends(self, hour: int) -> tuple[float, float, float, float]:
        """Shares in an hour since START: unanswered, unknown number, refused, newcomers."""
        day = hour // 24
        if day != self._day:
            self._day = day
            self._noise = [0.6 * noise + self._chance.gauss(0, self._daily) for noise in self._noise]
        now = [
            (1 + self._drift * math.sin(math.tau * hour / 24 / period + phase)) * math.exp(noise)
            for (period, phase), noise in zip(self._periods, self._noise, strict=True)
        ]
        night = NIGHT if hour % 24 < 7 else 1.0
        return UNANSWERED * now[0] * night, UNKNOWN * now[1], REFUSED * now[2], NEWCOMERS * now[3]

    def hour(self, hour: int) -> list[Seen]:
        """The events of an hour since START, in order of time."""
        chance, (unanswered, unknown, refused, newcomers) = self._chance, self.ends(hour)
        due = self._per_day * VOLUME[hour % 168]
        many = int(due) + (chance.random() < due % 1)
        services = chance.choices(list(SERVICES), list(SERVICES.values()), k=many)
        events = []
        for place, client in enumerate(services):
            draw = chance.random()
            outcome: Outcome = "completed"
            if draw < unanswered:
                outcome = "expired"
            elif draw < unanswered + unknown:
                outcome = "unknown_number"
            elif draw < unanswered + unknown + refused:
                outcome = "changed_mind"
            new = outcome == "unknown_number" or chance.random() < newcomers * (2 if outcome == "expired" else 1)
            named = None
            if outcome != "completed":
                on_a_ward = client == "hospital" and chance.random() < ON_A_WARD
                named = colleague(chance) if on_a_ward else person(chance.randrange(PEOPLE))
            at = START + (hour + place / many) * HOUR
            events.append(Seen(at=at, client=client, outcome=outcome, newcomer=int(new), named=named))
            if outcome == "expired" and chance.random() < COMES_BACK:
                back = min(at + COMES_BACK_SECONDS, START + (hour + 1) * HOUR - 1)
                events.append(Seen(at=back, client=client, outcome="completed", newcomer=int(new), named=None))
        return sorted(events, key=lambda seen: seen.at)
