"""What the barometer publishes: made once a quarter, with noise, and no small count."""

import asyncio
import json
from collections import Counter
from datetime import datetime
from math import exp
from typing import Any

import msgspec
import opendp.measurements
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucine.habits.barometer import QUESTIONS, cell, cells_of, period_of
from lucine.habits.release import (
    COUNT_MIN,
    EPSILON,
    GRACE_SECONDS,
    SHARES,
    SLIP,
    Release,
    find_release,
    make_release,
    margin,
    release_barometer,
    released_periods,
    scale_of,
    threshold,
)
from lucine.web.pages import PARIS
from tests.world import World

from .test_barometer import QUARTER, answer, counts


async def keep(world: World, period: str, counted: dict[str, int]) -> None:
    async with world.house.db.transaction() as db:
        await db.run("INSERT INTO habits_barometer (period, counts) VALUES (:period, :counts)", period=period,
                     counts=json.dumps(counted))  # fmt: skip


async def release(world: World) -> None:
    while await release_barometer(world.house, world.clock.now):
        pass


# ---- The release ----


async def test_a_quarter_is_released_once_and_forgotten(world: World) -> None:
    await release(world)
    first = period_of(world.clock.now)
    assert await counts(world) == {first: {}}, "the running quarter begins at zero"
    await answer(world)
    assert await released_periods(world.house.db) == []
    world.clock.pass_by(QUARTER)
    await release(world)
    assert await released_periods(world.house.db) == [first]
    assert await counts(world) == {period_of(world.clock.now): {}}
    assert await world.house.db.all("SELECT * FROM habits_counted") == []
    made = await world.house.db.all("SELECT * FROM habits_releases")
    lines = await world.house.db.all("SELECT facts, who FROM safe_ledger WHERE act = 'barometer.released'")
    assert [(row["facts"], row["who"]) for row in lines] == [(f'{{"period":"{first}"}}', "")]
    await release(world)
    await keep(world, first, {"all//attacked/yes": 9999})  # a straggler, or a restored backup
    await release(world)
    assert [dict(row) for row in await world.house.db.all("SELECT * FROM habits_releases")] == [
        dict(row) for row in made
    ]
    assert first not in await counts(world)


async def test_of_two_processes_one_releases(world: World) -> None:
    await keep(world, "2020-Q1", dict.fromkeys(cells_of("profession"), 5000))
    house, now = world.house, world.clock.now
    await asyncio.gather(release_barometer(house, now), release_barometer(house, now))
    rows = await house.db.all("SELECT * FROM habits_releases")
    assert len(rows) == 1
    assert len(await house.db.all("SELECT seq FROM safe_ledger WHERE act = 'barometer.released'")) == 1
    assert await find_release(house.db) == msgspec.json.decode(rows[0]["released"], type=Release)


async def test_an_answer_of_the_last_second_is_in_the_release(small_world: World) -> None:
    midnight = datetime(2026, 10, 1, tzinfo=PARIS).timestamp()
    small_world.clock.now = midnight - 1
    await answer(small_world)
    for wait, released in ((0, []), (GRACE_SECONDS - 1, []), (GRACE_SECONDS, ["2026-Q3"])):
        small_world.clock.now = midnight + wait
        await release(small_world)
        assert await released_periods(small_world.house.db) == released


async def test_a_quarter_without_answers_is_released_too(small_world: World) -> None:
    """Otherwise that there is none would tell that nobody answered."""
    await release(small_world)
    period = period_of(small_world.clock.now)
    small_world.clock.pass_by(QUARTER)
    await release(small_world)
    found = await find_release(small_world.house.db, period)
    assert found is not None
    assert found.of("all", "", "attacked") == {"yes": None, "no": None, "unsure": None}


async def test_late_quarters_are_released_one_by_one(small_world: World) -> None:
    for period in ("2024-Q4", "2025-Q1", "2025-Q3"):
        await keep(small_world, period, {})
    await release(small_world)
    assert await released_periods(small_world.house.db) == ["2025-Q3", "2025-Q1", "2024-Q4"]


# ---- The noise ----


def tail(scale: float, k: int) -> float:
    """P(noise >= k), k > 0, of the discrete Laplace."""
    a = exp(-1 / scale)
    return a**k / (1 + a)


@given(scale=st.floats(0.2, 200), k=st.integers(1, 200))
def test_the_tail_is_the_sum_of_its_probabilities(scale: float, k: int) -> None:
    a = exp(-1 / scale)
    summed = sum((1 - a) / (1 + a) * a**j for j in range(k, k + int(60 * scale) + 60))
    assert summed == pytest.approx(tail(scale, k), rel=1e-9)


@given(scale=st.floats(0.2, 200), true=st.integers(0, COUNT_MIN - 1))
def test_fewer_than_ten_people_pass_the_threshold_once_in_a_million(scale: float, true: int) -> None:
    least = threshold(scale)
    assert tail(scale, least - true) <= SLIP * (1 + 1e-9)
    assert tail(scale, least - 1 - (COUNT_MIN - 1)) > SLIP * (1 - 1e-9), "and it is the least that does it"


@given(scale=st.floats(0.5, 200))
def test_the_margin_holds_nineteen_times_of_twenty(scale: float) -> None:
    assert 2 * tail(scale, margin(scale) + 1) <= 0.05 * (1 + 1e-9)
    assert margin(scale) == 0 or 2 * tail(scale, margin(scale)) > 0.05 * (1 - 1e-9)


def test_thresholds_and_margins_are_those_of_the_document() -> None:
    made = make_release("2026-Q4", {})
    assert made.thresholds == {"all": 141, "profession": 76, "department": 76}
    assert made.margins == {"all": 30, "profession": 15, "department": 15}


def test_the_library_itself_says_that_a_quarter_costs_one() -> None:
    """Its privacy maps, for one person more or less: one counter of each question."""
    from opendp.domains import atom_domain, vector_domain
    from opendp.metrics import l1_distance

    space: Any = (vector_domain(atom_domain(T=int)), l1_distance(T=int))
    maps = [opendp.measurements.make_laplace(*space, scale=scale_of(breakdown)).map for breakdown in SHARES]  # type: ignore[no-untyped-call]
    assert sum(spent(len(QUESTIONS)) for spent in maps) == pytest.approx(EPSILON) == 1.0
    assert sum(SHARES.values()) == pytest.approx(1.0)


def test_shown_counts_carry_the_noise_that_the_document_states() -> None:
    """Some 10,000 draws, within six standard errors: a false alarm in a billion."""
    true, scale = 100_000, scale_of("department")
    counted = dict.fromkeys(cells_of("department"), true)
    noise = [count - true for _ in range(16) for count in make_release("x", counted).counts.values()]
    a, drawn = exp(-1 / scale), len(noise)
    assert drawn == 16 * 648
    variance = 2 * a / (1 - a) ** 2
    assert abs(sum(noise) / drawn) < 6 * (variance / drawn) ** 0.5
    seen = Counter(noise)
    for k in (0, 1, -1, 5, -5):
        expected = (1 - a) / (1 + a) * a ** abs(k)
        assert abs(seen[k] / drawn - expected) < 6 * (expected / drawn) ** 0.5
    far = sum(n for k, n in seen.items() if abs(k) > margin(scale)) / drawn
    assert 0.02 < far < 0.06


def test_two_releases_of_the_same_counters_would_differ() -> None:
    counted = dict.fromkeys(cells_of("profession"), 1000)
    assert make_release("x", counted).counts != make_release("x", counted).counts


def test_a_count_is_shown_from_the_threshold_on_and_with_its_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    class Noise:
        """Adds 66 to everything."""

        def __init__(self, *_space: Any, scale: float) -> None:
            self.scale = scale

        def map(self, distance: int) -> float:
            return distance / self.scale

        def __call__(self, values: list[int]) -> list[int]:
            return [value + 66 for value in values]

    monkeypatch.setattr(opendp.measurements, "make_laplace", Noise)
    nine, ten = cell("profession", "50", "attacked", "yes"), cell("profession", "50", "attacked", "no")
    made = make_release("x", {nine: 9, ten: 10})
    assert made.counts == {ten: 76}
    assert made.of("profession", "50", "attacked") == {"yes": None, "no": 76, "unsure": None}


def test_a_budget_that_is_overdrawn_publishes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from lucine.habits import release as module

    monkeypatch.setattr(module, "SHARES", {"all": 0.2, "profession": 0.4, "department": 0.5})
    with pytest.raises(AssertionError):
        make_release("x", {})
