"""Intervals of the lab: known values, and what must hold of any."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucine.app.lab.intervals import proportion, quantile, wilson

COUNTS = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def at_least(k: int, n: int, p: float) -> float:
    """P(X >= k) of a binomial, summed term by term."""
    return math.fsum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))


# Clopper-Pearson and Wilson as R's binom.test and prop.test(correct=FALSE) print them.
@pytest.mark.parametrize(("k", "n", "low", "high"), [(5, 10, 0.187086, 0.812914), (1, 20, 0.001265, 0.248733)])
def test_exact_proportions_are_those_of_the_tables(k: int, n: int, low: float, high: float) -> None:
    assert proportion(k, n) == pytest.approx((low, high), abs=1e-6)


def test_wilson_is_that_of_the_tables() -> None:
    assert wilson(5, 10) == pytest.approx((0.236593, 0.763407), abs=1e-6)
    assert wilson(0, 10) == pytest.approx((0, 0.277533), abs=1e-6)


@given(COUNTS)
def test_an_exact_interval_leaves_its_share_on_each_side(counts: tuple[int, int]) -> None:
    k, n = counts
    low, high = proportion(k, n)
    assert low <= k / n <= high
    side = 0.05 if k in (0, n) else 0.025
    if k:
        assert at_least(k, n, low) == pytest.approx(side, rel=1e-6)
    if k < n:
        assert 1 - at_least(k + 1, n, high) == pytest.approx(side, rel=1e-6)


@given(COUNTS)
def test_wilson_holds_what_was_seen(counts: tuple[int, int]) -> None:
    low, high = wilson(*counts)
    assert 0 <= low <= counts[0] / counts[1] + 1e-12
    assert counts[0] / counts[1] - 1e-12 <= high <= 1


def test_nothing_seen_is_the_rule_of_three() -> None:
    low, high = proportion(0, 1_500_000)
    assert low == 0
    assert high * 1_500_000 == pytest.approx(3, abs=0.01)
    assert proportion(1_500_000, 1_500_000)[0] == pytest.approx(1 - high)


def test_large_counts_stay_exact() -> None:
    low, high = proportion(15_000, 1_500_000)
    assert (low, high) == pytest.approx(wilson(15_000, 1_500_000), rel=1e-3)


# Conover's table for the median: 100 values, the 40th and the 61st.
def test_the_medians_interval_is_that_of_the_tables() -> None:
    assert quantile(range(1, 101), 0.5) == (50, 40, 61)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200), st.sampled_from([0.05, 0.5, 0.95]))
def test_a_quantile_is_one_of_the_values_inside_its_interval(values: list[float], q: float) -> None:
    value, low, high = quantile(values, q)
    assert {value, low, high} <= set(values)
    assert low <= value <= high


@pytest.mark.parametrize("broken", [lambda: proportion(1, 0), lambda: proportion(3, 2), lambda: wilson(0, 0),
                                    lambda: quantile([], 0.5)])  # fmt: skip
def test_without_data_there_is_no_interval(broken: object) -> None:
    with pytest.raises(ValueError, match="needs"):
        broken()  # type: ignore[operator]
