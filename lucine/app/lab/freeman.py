"""The published risk score, to compare ours with: nothing in the product uses it.

Freeman, Jain, Dürmuth, Biggio, Giacinto, "Who Are You? A Statistical Approach to Measuring User Authenticity"
(NDSS 2016), equation 7 without attack data, as Wiefling, Jørgensen, Thunem and Lo Iacono fixed it in "Pump Up
Password Security!" (ACM TOPS 2022, doi 10.1145/3546069) and published it in das-group/rba-algorithm (MIT; read,
not copied). With n sign-ins of hers, N of everybody, U people, and c(x), C(x) how often each had a value x::

    score = product over address and agent of world(f) / hers(f)  *  (1 / U) / (n / N)
    hers  = sum over the levels of f of weight * c(x) / n;  where that is 0, a quarter of world(f)
    world = weight of the whole value * m / (m + u) * max(1, C(x)) / (N + V)
            + sum over the coarser levels of weight * C(x) / N

``m`` sign-ins had the whole value, with ``u - 1`` distinct coarser values among them; ``V - 1`` is how many
coarser values there are at all. Only the whole value of the world is smoothed; nothing of hers is.
"""

from collections import Counter, defaultdict

import msgspec

LEVELS = {
    "address": {"address": 0.6, "asn": 0.3, "country": 0.1},
    "agent": {
        "agent": 0.5386653840551359,
        "browser": 0.2680451498625666,
        "system": 0.18818295100109536,
        "device": 0.0051065150812021525,
    },
}
NEVER_HERS = 4.0  # the ratio of a feature of which she never had any level


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in as the public data set describes one."""

    user: str
    address: str
    asn: str
    country: str
    agent: str
    browser: str
    system: str
    device: str


class Counts:
    """How often each value was seen, and which coarser values came with each whole one."""

    def __init__(self) -> None:
        self.rows = 0
        self.seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.under: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)

    def add(self, row: Row) -> None:
        self.rows += 1
        self.seen["user"][row.user] += 1
        for feature, levels in LEVELS.items():
            whole = getattr(row, feature)
            for level in levels:
                value = getattr(row, level)
                self.seen[level][value] += 1
                if level != feature:
                    self.under[feature, whole, level].add(value)


def _world(row: Row, feature: str, world: Counts, ever: Counts) -> float:
    whole, *coarser = LEVELS[feature]
    value = getattr(row, whole)
    m, u = ever.seen[whole][value], 1 + sum(len(ever.under[feature, value, level]) for level in coarser)
    likelihood = m / (m + u) if m else 1.0
    distinct = 1 + sum(len(world.seen[level]) for level in coarser)
    total = LEVELS[feature][whole] * likelihood * max(1, world.seen[whole][value]) / (world.rows + distinct)
    return total + sum(
        LEVELS[feature][level] * world.seen[level][getattr(row, level)] / world.rows for level in coarser
    )


def published_score(row: Row, *, hers: Counts, world: Counts, ever: Counts | None = None) -> float:
    """How much likelier an attacker is than she, by their reckoning; ``hers`` must hold a sign-in.

    ``ever``: where m and u are counted. The notebook takes the whole file, later rows too; the default is ``world``.
    """
    score = 1.0
    for feature, levels in LEVELS.items():
        mine = sum(weight * hers.seen[level][getattr(row, level)] / hers.rows for level, weight in levels.items())
        score *= _world(row, feature, world, ever or world) / mine if mine else NEVER_HERS
    return score * (1 / len(world.seen["user"])) / (hers.rows / world.rows)
