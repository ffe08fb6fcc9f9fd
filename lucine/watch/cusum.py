"""The sequential test: cumulative sums of log-likelihood ratios (Page 1954).

For each way an attack may look (a design: its share of the traffic, and how its tries end) one sum of
``ln(likelihood if an attack runs / likelihood on an ordinary day)``, never below zero. Of all tests with
the same time between false alarms, this one finds a change soonest in the worst case (Moustakides 1986),
and it needs no address and no window: tries that are hours apart add up.

It never learns from what it suspects. An hour counts as ordinary only once every sum has come back to
zero after it; the hours of an alarm are thrown away, unless an officer says that they are ordinary now.
"""

import math
from typing import Final

import msgspec

from .rates import Rates

KNOWN_WELL: Final = 10_000.0  # events of late; who has seen fewer needs more to accuse anybody
CAP: Final = 3.0  # a sum stops at this many thresholds, so that it comes down soon after an attack
WAITING_MAX: Final = 14 * 24  # hours
HOUR_SECONDS: Final = 3600


class Design(msgspec.Struct, frozen=True, kw_only=True):
    """One way an attack may look. ``share``: of the traffic; ``ends``: the share of each kind among its tries."""

    name: str
    share: float
    ends: tuple[float, ...]
    threshold: float


class Sum(msgspec.Struct, kw_only=True):
    """A running sum: its value, since when it is above zero, and what it has seen since."""

    value: float = 0.0
    since: float = 0.0
    events: int = 0


class Running(msgspec.Struct, kw_only=True):
    """What changes with each event. ``counts``: of the hour that runs; ``waiting``: hours not yet cleared.

    ``cleared``: the last hour in which every sum was at zero. ``alarmed``: a sum has passed its threshold, and
    none is back at zero yet.
    """

    sums: list[Sum]
    counts: list[int]
    hour: int
    waiting: list[tuple[int, list[int]]] = []
    cleared: int = -1
    alarmed: bool = False


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
        running = Running(sums=[Sum() for _ in designs], counts=[0 for _ in prior], hour=hour)
        return cls(designs, Rates.start(prior, hour), running)

    def observe(self, at: float, kind: int) -> Design | None:
        """One event; the design whose sum is over its threshold with it, if any."""
        running = self.running
        hour = int(at // HOUR_SECONDS)
        if hour > running.hour:
            self._close_hour(hour)
        running.counts[kind] += 1
        over, quiet = None, True
        for design, total, ratios, threshold in zip(
            self.designs, running.sums, self._ratios, self._thresholds, strict=True
        ):
            value = total.value + ratios[kind]
            if value <= 0.0:
                total.value, total.events = 0.0, 0
                continue
            quiet = False
            if total.events == 0:
                total.since = at
            total.events += 1
            total.value = min(value, CAP * threshold)
            if value >= threshold:
                over = design
        if over is not None:
            running.alarmed = True
        elif quiet:
            if running.alarmed:
                self._drop()
            running.cleared = running.hour
        return over

    def sum_of(self, design: Design) -> Sum:
        """The sum of one of its designs."""
        return self.running.sums[self.designs.index(design)]

    def expected(self) -> list[float]:
        """The share of each kind on an ordinary day, in the hour that runs."""
        return self.rates.shares(self.running.hour)

    def accept(self) -> None:
        """An officer says that what raised the alarm is ordinary now: learn it, and begin again."""
        running = self.running
        for hour, counts in running.waiting:
            self.rates.learn(hour, counts)
        running.waiting, running.alarmed, running.cleared = [], False, running.hour
        running.sums = [Sum() for _ in self.designs]
        self._turn()

    def _drop(self) -> None:
        self.running.waiting, self.running.alarmed = [], False
        self.running.counts = [0 for _ in self.running.counts]

    def _close_hour(self, hour: int) -> None:
        running = self.running
        running.waiting.append((running.hour, running.counts))
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
