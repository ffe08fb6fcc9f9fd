"""The classifier of the secrecy goal sees a leak where there is one, and none where there is none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucine.app.lab.classifier import area, held_out, holm
from lucine.app.lab.secrecy import ENROLLED, LISTED, NOBODY, Door, judge


@given(st.lists(st.integers(0, 9), min_size=2, max_size=12), st.lists(st.integers(0, 9), min_size=2, max_size=12))
def test_an_area_is_the_chance_to_score_higher(ours: list[int], others: list[int]) -> None:
    pairs = [(a > b) + 0.5 * (a == b) for a in ours for b in others]
    scores = np.array([*ours, *others], dtype=float)
    found = area(scores, np.arange(len(scores)) < len(ours))
    assert found.value == pytest.approx(sum(pairs) / len(pairs))
    above = [np.mean([(a > b) + 0.5 * (a == b) for b in others]) for a in ours]
    below = [np.mean([(a > b) + 0.5 * (a == b) for a in ours]) for b in others]
    error = np.sqrt(np.var(above, ddof=1) / len(ours) + np.var(below, ddof=1) / len(others))
    assert found.error == pytest.approx(error, abs=1e-9)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    chance, covered = np.random.default_rng(1), 0
    for _ in range(400):
        found = area(chance.normal(size=400), np.arange(400) < 200)
        covered += found.low <= 0.5 <= found.high
    assert 0.92 <= covered / 400 <= 0.98


def test_holms_correction_is_that_of_his_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_a_pattern_that_no_single_feature_shows_is_learned() -> None:
    """Slow and long is one kind, slow or long alone is not: only together they tell."""
    chance = np.random.default_rng(2)
    features = chance.normal(size=(4000, 3))
    first = (features[:, 0] > 0.5) & (features[:, 1] > 0.5)
    assert held_out(features, first, 3).low > 0.9
    noise = held_out(chance.normal(size=(4000, 3)), chance.random(4000) < 0.5, 3)
    assert noise.low <= 0.5 <= noise.high


def door(leak: float, tells: bool = False) -> Door:
    """A door whose answers take 1 ms and some, and ``leak`` seconds more for the enrolled."""

    async def nothing(*_: object) -> list[object]:
        return []

    chance, made = np.random.default_rng(4), Door("door", nothing)  # type: ignore[arg-type]
    for _ in range(4000):
        kind = int(chance.choice([ENROLLED, ENROLLED, LISTED, NOBODY]))
        took = 0.001 + chance.exponential(0.0003) + leak * (kind == ENROLLED)
        made.seen.append([took, 404.0 if tells and kind == NOBODY else 200.0, 300.0, 9.0, 100.0, 0.0])
        made.kinds.append(kind)
    return made


def test_a_door_that_tells_nothing_meets_the_goal() -> None:
    figures = judge([door(0)])
    assert len(figures) == 4
    assert all(figure.met is not False for figure in figures)


def test_a_tenth_of_a_millisecond_more_for_the_enrolled_is_seen() -> None:
    missed = [figure.name for figure in judge([door(0.0001)]) if figure.met is False]
    assert missed == ["AUC, door: time", "AUC, door: all together"]


def test_another_status_for_nobodys_number_is_seen() -> None:
    missed = [figure.name for figure in judge([door(0, tells=True)]) if figure.met is False]
    assert "AUC, door: status, headers and bytes" in missed
    assert "AUC, door: all together, listed in the directory or nobody's" in missed
