"""Charts as numbers: where each bar and cell stands. The templates draw them, and say the same as tables."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from math import log
from typing import Any

import msgspec

from lucine.safe import Row
from lucine.watch.events import HOUR_SECONDS, OUTCOMES, Outcome
from lucine.web.pages import PARIS

LEVELS = 5  # shades of a cell, besides none
DARKEST_MIN = 10  # starts in an hour: a quiet week must look quiet
HOURS_OF_DAY = 24


class Part(msgspec.Struct, frozen=True):
    """A piece of a bar: its top and height in events, from the top of the chart."""

    outcome: Outcome
    events: int
    top: int
    height: int


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """An hour: when it began, how many starts ended how."""

    at: float
    total: int
    parts: list[Part]

    def of(self, outcome: str) -> int:
        return next((part.events for part in self.parts if part.outcome == outcome), 0)


class Bars(msgspec.Struct, frozen=True, kw_only=True):
    """Stacked bars, an hour each, oldest first. ``ceiling``: the round number at the top of the chart."""

    bars: list[Bar]
    ceiling: int
    totals: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.totals.values())


def round_up(number: int) -> int:
    """The next of 4, 10, 20, 40, 100, 200, 400 ...: half of it is a whole number too."""
    ceiling = 4
    while ceiling < number:
        ceiling = ceiling * 5 // 2 if str(ceiling)[0] == "4" else ceiling * 2
    return ceiling


def stack(rows: Iterable[Row], *, first: int, hours: int) -> Bars:
    """``hours`` of them from the hour ``first`` (hours since 1970), from what ``watch.events.hourly`` gives."""
    counts: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for row in rows:
        counts[row["hour"]][row["outcome"]] += row["events"]
    span = range(first, first + hours)
    ceiling = round_up(max(sum(counts[hour].values()) for hour in span))
    return Bars(
        bars=[_bar(hour, counts[hour], ceiling) for hour in span],
        ceiling=ceiling,
        totals={outcome: sum(counts[hour][outcome] for hour in span) for outcome in OUTCOMES},
    )


def _bar(hour: int, counts: Counter[str], ceiling: int) -> Bar:
    parts, reached = [], 0
    for outcome in OUTCOMES:
        if counts[outcome] > 0:
            reached += counts[outcome]
            parts.append(Part(outcome, counts[outcome], ceiling - reached, counts[outcome]))
    return Bar(at=hour * HOUR_SECONDS, total=reached, parts=parts)


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """An hour of a day in Paris. ``level``: 0 for none, else 1 to LEVELS; ``alarm``: one was running."""

    hour: int
    events: int
    level: int
    alarm: bool


class Day(msgspec.Struct, frozen=True):
    at: float
    cells: list[Cell]

    @property
    def total(self) -> int:
        return sum(cell.events for cell in self.cells)


class Calendar(msgspec.Struct, frozen=True):
    """A service's week: a line for each day, a cell for each hour."""

    client: str
    days: list[Day]

    @property
    def total(self) -> int:
        return sum(day.total for day in self.days)


def last_days(now: float, days: int) -> list[date]:
    """The last days in Paris, today among them, oldest first."""
    today = datetime.fromtimestamp(now, PARIS).date()
    return [today - timedelta(days=back) for back in reversed(range(days))]


def midnight(day: date) -> float:
    """When a day begins in Paris."""
    return datetime(day.year, day.month, day.day, tzinfo=PARIS).timestamp()


def calendars(
    rows: Iterable[Row], *, now: float, days: int, alarms: Iterable[tuple[str | None, float, float]]
) -> list[Calendar]:
    """Starts of unknown browsers that came to nothing, by service, most first. All share one scale.

    ``alarms``: the service (None: every one), since and until.
    """
    span = last_days(now, days)
    counts: defaultdict[str, Counter[tuple[date, int]]] = defaultdict(Counter)
    for row in rows:
        at = datetime.fromtimestamp(row["hour"] * HOUR_SECONDS, PARIS)
        if at.date() >= span[0]:
            counts[row["client"]][at.date(), at.hour] += row["events"] * in_vain(row)
    most = max((n for found in counts.values() for n in found.values()), default=0)
    told = list(alarms)

    def cell(client: str, day: date, hour: int) -> Cell:
        at, events = datetime(day.year, day.month, day.day, hour, tzinfo=PARIS).timestamp(), counts[client][day, hour]
        running = any(of in (None, client) and since < at + HOUR_SECONDS and until > at for of, since, until in told)
        return Cell(hour=hour, events=events, level=_level(events, most), alarm=running)

    found = [
        Calendar(client, [
            Day(midnight(day), [cell(client, day, hour) for hour in range(HOURS_OF_DAY)]) for day in span
        ])
        for client in counts
    ]  # fmt: skip
    return sorted(found, key=lambda calendar: (-calendar.total, calendar.client))


def in_vain(row: Row) -> bool:
    """Whether these starts began in unknown browsers, and nobody came of them."""
    return not row["known"] and row["outcome"] != "completed"


def _level(events: int, most: int) -> int:
    """By the logarithm: one hour of flood must not make a slow walk invisible."""
    return 1 + round((LEVELS - 1) * log(events) / log(max(most, DARKEST_MIN))) if events > 0 else 0


def compare(seen: dict[str, float], expected: dict[str, float]) -> list[dict[str, Any]]:
    """What an alarm saw beside an ordinary day: key, seen, expected, and both as thousandths of the largest."""
    most = max([*seen.values(), *expected.values(), 1.0])
    keys = sorted({*seen, *expected}, key=lambda key: (-seen.get(key, 0.0), key))
    return [
        {
            "key": key, "seen": seen.get(key, 0.0), "expected": expected.get(key, 0.0),
            "seen_width": round(1000 * seen.get(key, 0.0) / most),
            "expected_at": round(1000 * expected.get(key, 0.0) / most),
        }
        for key in keys
    ]  # fmt: skip
