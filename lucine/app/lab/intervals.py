"""95 % intervals of proportions and quantiles: exact where that is possible, never narrower than the data allow."""

import math
from collections.abc import Sequence

Z = 1.959963984540054  # two-sided 95 % of a normal distribution
ALPHA = 0.05


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Wilson's score interval of a proportion (Wilson 1927, equation 13). ValueError without trials."""
    if n <= 0:
        raise ValueError("an interval needs trials")
    p, z2 = successes / n, Z * Z
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def proportion(successes: int, n: int) -> tuple[float, float]:
    """Clopper and Pearson's exact interval of a proportion. ValueError without trials.

    When none or all succeeded it is one-sided: the exact form of the rule of three, about 3 / n.
    """
    if n <= 0 or not 0 <= successes <= n:
        raise ValueError("an interval needs trials, and no more successes than trials")
    if successes == 0:
        return 0.0, 1 - ALPHA ** (1 / n)
    if successes == n:
        return ALPHA ** (1 / n), 1.0
    low = _beta_quantile(ALPHA / 2, successes, n - successes + 1)
    high = _beta_quantile(1 - ALPHA / 2, successes + 1, n - successes)
    return low, high


def _beta_quantile(p: float, a: float, b: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(200):
        middle = (low + high) / 2
        if _beta(middle, a, b) < p:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function (DLMF 8.17.22, by Lentz's method)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # where the fraction converges fast
        return 1 - _beta(1 - x, b, a)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )  # fmt: skip
    tiny = 1e-300
    c, d = 1.0, 1 / max(1 - (a + b) * x / (a + 1), tiny)
    fraction = d
    for m in range(1, 100_000):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 + term * d
            d = 1 / (d if abs(d) > tiny else tiny)
            c = 1 + term / c
            c = c if abs(c) > tiny else tiny
            fraction *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * fraction / a


def quantile(values: Sequence[float], q: float) -> tuple[float, float, float]:
    """A quantile with the interval between two of the values that were seen (Conover 1999, section 3.2).

    Where too few were seen, the interval ends at the smallest or the largest. ValueError without values.
    """
    if not values:
        raise ValueError("a quantile needs values")
    seen, n = sorted(values), len(values)
    below = _binomial_quantile(ALPHA / 2, n, q)
    above = _binomial_quantile(1 - ALPHA / 2, n, q) + 1
    return seen[min(n - 1, math.ceil(q * n) - 1)], seen[max(0, below - 1)], seen[min(n - 1, above - 1)]


def _binomial_quantile(p: float, n: int, q: float) -> int:
    """The smallest count that is reached with probability ``p``."""
    total, logs = 0.0, (math.log(q), math.log1p(-q))
    for k in range(n + 1):
        total += math.exp(
            math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * logs[0] + (n - k) * logs[1]
        )
        if total >= p:
            return k
    return n


def count(events: int) -> tuple[float, float]:
    """The exact interval of the mean of a Poisson count (Garwood 1936); one-sided for none."""

    def mean_at(tail: float, up_to: int) -> float:
        """The mean at which ``up_to`` events or fewer have this probability."""
        low, high = 1e-9, 10.0 * (events + 5)
        for _ in range(100):
            middle = (low + high) / 2
            terms = (math.exp(k * math.log(middle) - middle - math.lgamma(k + 1)) for k in range(up_to + 1))
            low, high = (middle, high) if math.fsum(terms) > tail else (low, middle)
        return low

    if events == 0:
        return 0.0, mean_at(ALPHA, 0)
    return mean_at(1 - ALPHA / 2, events - 1), mean_at(ALPHA / 2, events)
