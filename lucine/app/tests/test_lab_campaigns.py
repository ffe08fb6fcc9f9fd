"""The simulated population is what it says it is, and the goals about the detector can be missed."""

import random
from collections import Counter

import pytest

from lucine.app.lab import evaders, population
from lucine.app.lab.campaigns import Run, attack, spray, steady
from lucine.app.lab.population import Population
from lucine.watch.detector import Detector


def test_the_population_ends_as_is_assumed() -> None:
    ends: Counter[str] = Counter()
    people = Population(1, drift=0.0)
    for hour in range(24 * 60):
        ends.update(seen.outcome for seen in people.hour(hour))
    total = ends.total()
    # Those who come back add a completed sign-in to most of what was not answered.
    again = 1 + population.UNANSWERED * population.COMES_BACK
    assert total / 60 == pytest.approx(4000 * again, rel=0.02)
    assert ends["unknown_number"] / total * again == pytest.approx(population.UNKNOWN, rel=0.15)
    assert ends["changed_mind"] / total * again == pytest.approx(population.REFUSED, rel=0.2)
    assert ends["expired"] / total * again == pytest.approx(population.UNANSWERED, rel=0.1)


def test_monday_is_the_peak_and_night_is_quiet() -> None:
    people = Population(1)
    week = [len(people.hour(hour)) for hour in range(168)]
    days = [sum(week[24 * day : 24 * day + 24]) for day in range(7)]
    assert days[0] == max(days)
    assert sum(week[0:5]) < week[9]


def test_the_same_seed_is_the_same_population() -> None:
    assert Population(3).hour(9) == Population(3).hour(9)
    assert population.person(7) == population.person(7)


@pytest.fixture(scope="module")
def world() -> Run:
    run = Run(population=Population(1), detectors={})
    run.live(24 * 10)
    return run


def test_a_spray_is_found_and_the_run_is_not_touched(world: Run) -> None:
    before = {scope: detector.tests["outcomes"].running.sums[0].value for scope, detector in world.detectors.items()}
    assert attack(world, random.Random(1), steady(400), spray) < 200
    after = {scope: detector.tests["outcomes"].running.sums[0].value for scope, detector in world.detectors.items()}
    assert before == after


def test_a_blind_detector_is_seen_to_be_blind(world: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Detector, "observe", lambda *_: [])
    assert attack(world, random.Random(1), steady(2000), spray, 60) == 60


@pytest.mark.parametrize("evader", evaders.EVADERS, ids=lambda evader: evader.name)
def test_every_evader_makes_tries(evader: evaders.Evader) -> None:
    chance = random.Random(1)
    drawn = [evader.draw(chance) for _ in range(200)]
    assert sum(seen.outcome != "completed" for seen in drawn) > 20
    assert sum(evader.pace(hour, hour) for hour in range(24 * 90)) > evader.a_day
