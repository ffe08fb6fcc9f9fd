"""The sequential test: cumulative sums of log-likelihood ratios (Page 1954).

For each way an attack may look (a design: its share of the traffic, and how its tries end) one sum of
``ln(likelihood if an attack runs / likelihood on an ordinary day)``, never below zero. Of all tests with
the same time between false alarms, this one finds a change soonest in the worst case (Moustakides 1986),
and it needs no address and no window: tries that are hours apart add up.

A sum that passes its threshold begins again at zero: an attack that goes on passes it again. It never learns
from what it suspects: an hour counts as ordinary only once every sum has come back to zero after it, and
while no threshold has been passed for three days; the hours of an alarm are thrown away, unless an officer
says that they are ordinary now. In its first two weeks it has only a guess to suspect by, and learns all.
"""

import math
from typing import Final

import msgspec

from .events import HOUR_SECONDS
from .rates import Rates

KNOWN_WELL: Final = 10_000.0  # events of late; who has seen fewer needs more to accuse anybody
CALM_SECONDS: Final = 3 * 86400  # after a threshold was passed, before anything is learned again
LEARNING_HOURS: Final = 14 * 24  # at first every hour without an alarm is learned: what it began with was a guess
WAITING_MAX: Final = 14 * 24  # hours


class Design(msgspec.Struct, frozen=True, kw_only=True):
    """One way an attack may look. ``share``: of the traffic; ``ends``: the share of each kind among its tries."""

    name: str
    share: float
    ends: tuple[float, ...]
    threshold: float


class Sum(msgspec.Struct, kw_only=True):
    """A running sum: its value, and since when it is above zero."""

    value: float = 0.0
    since: float = 0.0


class Running(msgspec.Struct, kw_only=True):
    """What changes with each event. ``counts``: of the hour that runs; ``waiting``: hours not yet cleared.

    ``cleared``: the last hour in which every sum was at zero. ``calm_at``: when the last alarm is over, 0 for none.
    ``began``: the hour in which it saw its first event.
    """

    sums: list[Sum]
    counts: list[int]
    hour: int
    began: int
    waiting: list[tuple[int, list[int]]] = []
    cleared: int = -1
    calm_at: float = 0.0


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """A threshold that was passed: how high the sum was, and since when it was above zero."""

    value: float
    since: float


class Cusum:
    """The test of one stream of events; each event is a kind, 0 to len(ends) - 1."""

    __slots__ = ("_ratios", "_thresholds", "designs", "level", "rates", "running")

    def __init__(self, designs: tuple[Design, ...], rates: Rates, running: Running) -> None:
        self.designs, self.rates, self.running = designs, rates, running
        self._turn()

    @classmethod
    def start(cls, designs: tuple[Design, ...], prior: tuple[float, ...], now: float) -> "Cusum":
        """A test that has seen nothing; ``prior``: the share of each kind on an ordinary day, as far as is known."""
        hour = int(now // HOUR_SECONDS)
        running = Running(sums=[Sum() for _ in designs], counts=[0 for _ in prior], hour=hour, began=hour)
        return cls(designs, Rates.start(prior, hour), running)

    def observe(self, at: float, kind: int) -> Passed | None:
        """One event; the threshold that it passes, if any."""
        running = self.running
        hour = int(at // HOUR_SECONDS)
        if hour > running.hour:
            self._close_hour(hour)
        running.counts[kind] += 1
        passed, quiet = None, True
        for place, (total, ratios) in enumerate(zip(running.sums, self._ratios, strict=True)):
            value = total.value + ratios[kind]
            if value <= 0.0:
                total.value = 0.0
                continue
            quiet = False
            if total.value == 0.0:
                total.since = at
            total.value = value
            if value >= self._thresholds[place]:
                passed = Passed(value=value, since=total.since)
        if passed is not None:
            running.sums = [Sum() for _ in self.designs]
            running.calm_at = at + CALM_SECONDS
            running.cleared = min(running.cleared, running.hour - 1)
        elif (quiet or running.hour < running.began + LEARNING_HOURS) and not running.calm_at:
            running.cleared = running.hour
        return passed

    def expected(self) -> list[float]:
        """The share of each kind on an ordinary day, in the hour that runs."""
        return self.rates.shares(self.running.hour)

    def accept(self) -> None:
        """An officer says that what raised the alarm is ordinary now: learn it, and begin again."""
        running = self.running
        for hour, counts in running.waiting:
            self.rates.learn(hour, counts)
        running.waiting, running.calm_at, running.cleared = [], 0.0, running.hour
        running.sums = [Sum() for _ in self.designs]
        self._turn()

    def _close_hour(self, hour: int) -> None:
        running = self.running
        running.waiting.append((running.hour, running.counts))
        if running.calm_at and hour * HOUR_SECONDS >= running.calm_at:
            running.waiting, running.calm_at = [], 0.0
        for over, counts in running.waiting:
            if over <= running.cleared:
                self.rates.learn(over, counts)
        running.waiting = [one for one in running.waiting if one[0] > running.cleared][-WAITING_MAX:]
        running.counts, running.hour = [0 for _ in running.counts], hour
        self._turn()

    def _turn(self) -> None:
        """What each kind weighs in the hour that runs: ln(attack / ordinary), by design."""
        ordinary, self.level = self.expected(), tuple(self.rates.level())
        doubt = max(1.0, (KNOWN_WELL / max(1.0, self.rates.known)) ** 0.5)
        self._thresholds = [design.threshold * doubt for design in self.designs]
        self._ratios = [
            [math.log1p(d.share * (end / usual - 1)) for end, usual in zip(d.ends, ordinary, strict=True)]
            for d in self.designs
        ]
