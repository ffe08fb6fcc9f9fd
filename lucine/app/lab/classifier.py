"""Telling two kinds of answers apart: the area under the curve of one feature, and of all of them together.

The area (AUC) is the chance that one of the first kind scores higher than one of the second; 0.5 is a coin.
Its interval is DeLong's (DeLong and others 1988; by midranks, Sun and Xu 2014). All together are judged by boosted
stumps (Friedman 2001) that learned on one half of the samples and are measured on the other.
"""

import math
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from .intervals import Z

Numbers = NDArray[np.float64]
BINS, ROUNDS, RATE = 32, 60, 0.2


class Area(msgspec.Struct, frozen=True):
    """An AUC with its standard error; the interval is 95 %."""

    value: float
    error: float

    @property
    def low(self) -> float:
        return max(0.0, self.value - Z * self.error)

    @property
    def high(self) -> float:
        return min(1.0, self.value + Z * self.error)

    @property
    def folded(self) -> "Area":
        """For a single feature, that may point either way."""
        return Area(max(self.value, 1 - self.value), self.error)

    def p_above(self, most: float) -> float:
        """How likely an area this large would be, were the true one ``most`` (one-sided)."""
        if self.error == 0:
            return float(self.value <= most)
        return 0.5 * math.erfc((self.value - most) / self.error / math.sqrt(2))


def area(scores: Numbers, first: NDArray[np.bool_]) -> Area:
    """The AUC of scores against who is of the first kind. ValueError unless both kinds are there twice."""
    ours, others = scores[first], scores[~first]
    m, n = len(ours), len(others)
    if m < 2 or n < 2:
        raise ValueError("an area needs two of each kind")
    whole = _midranks(np.concatenate([ours, others]))
    above = (whole[:m] - _midranks(ours)) / n
    below = 1 - (whole[m:] - _midranks(others)) / m
    error = float(np.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / n))
    return Area(float(above.mean()), error)


def _midranks(values: Numbers) -> Numbers:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Numbers = (counts.cumsum() - (counts - 1) / 2)[inverse]
    return ranks


def held_out(features: Numbers, first: NDArray[np.bool_], seed: int) -> Area:
    """Learn on a random half of the samples (rows), and measure on the other."""
    order = np.random.default_rng(seed).permutation(len(features))
    learn, judge = order[: len(order) // 2], order[len(order) // 2 :]
    stumps = _boost(features[learn], first[learn].astype(float))
    score = np.zeros(len(judge))
    for feature, edge, low, high in stumps:
        score += np.where(features[judge, feature] < edge, low, high)
    return area(score, first[judge])


def _boost(features: Numbers, target: Numbers) -> list[tuple[int, float, float, float]]:
    """Stumps (feature, edge, value below it, value from it on) that follow the logistic loss's gradient."""
    edges = [np.unique(np.quantile(column, np.linspace(0, 1, BINS + 1)[1:-1])) for column in features.T]
    bins = [np.searchsorted(edge, column, side="right") for edge, column in zip(edges, features.T, strict=True)]
    sizes = [np.bincount(each, minlength=len(edge) + 1).cumsum() for each, edge in zip(bins, edges, strict=True)]
    score, stumps, n = np.zeros(len(target)), [], len(target)
    for _ in range(ROUNDS):
        missing = target - 1 / (1 + np.exp(-score))
        best: tuple[float, Any] = (0.0, None)
        for feature, edge in enumerate(edges):
            below = np.bincount(bins[feature], weights=missing, minlength=len(edge) + 1).cumsum()[:-1]
            size, total = sizes[feature][:-1], missing.sum()
            good = (size > 0) & (size < n)
            if not good.any():
                continue
            gain = np.where(good, below**2 / np.maximum(size, 1) + (total - below) ** 2 / np.maximum(n - size, 1), 0)
            at = int(gain.argmax())
            if gain[at] > best[0]:
                low, high = below[at] / size[at], (total - below[at]) / (n - size[at])
                best = (float(gain[at]), (feature, float(edge[at]), 4 * RATE * low, 4 * RATE * high))
        if best[1] is None:
            break
        stumps.append(best[1])
        feature, edge_value, low, high = best[1]
        score += np.where(features[:, feature] < edge_value, low, high)
    return stumps


def holm(chances: list[float]) -> list[float]:
    """Holm's correction (1979) of several tests' p-values, in their order."""
    order, worst, corrected = sorted(range(len(chances)), key=chances.__getitem__), 0.0, [0.0] * len(chances)
    for rank, index in enumerate(order):
        worst = max(worst, min(1.0, chances[index] * (len(chances) - rank)))
        corrected[index] = worst
    return corrected
