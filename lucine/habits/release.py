"""What the barometer publishes of a quarter: made once, with noise, and kept; small counts never.

Differential privacy, of every counter of a fixed list (``groups``): one person more or less, who answers once, changes
one counter of each of the two questions by one, in each of the three breakdowns. The noise is OpenDP's discrete
Laplace, of scale s = 2 / (EPSILON times the breakdown's share): P(noise = k) = (1 - a) / (1 + a) a^|k|, a = e^(-1/s).
The three together cost her at most EPSILON a quarter. docs/designs/0011-a-barometer-that-names-nobody.md says what
that protects her from, and what not.

    counters --(the quarter is over, and an hour)--> released; counters and marks of who answered deleted
"""

import asyncio
from collections.abc import Mapping
from math import ceil, exp, log

import msgspec

from lucine.safe import Reader, write_ledger
from lucine.web import House

from .barometer import QUESTIONS, cell, cells_of, open_period, period_of, read_counts

EPSILON = 1.0  # a quarter; who answers four times a year spends four
SHARES = {"all": 0.2, "profession": 0.4, "department": 0.4}  # of EPSILON
COUNT_MIN = 10  # fewer people than that are never shown ...
SLIP = 1e-6  # ... but with this probability
GRACE_SECONDS = 3600  # an answer that arrives as the quarter ends is written by then


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """What was published of a quarter. ``counts``: with noise, those of at least their breakdown's threshold.

    ``margins``: within how many people of the true count a shown one is, 19 times of 20.
    """

    period: str
    epsilon: float
    thresholds: dict[str, int]
    margins: dict[str, int]
    counts: dict[str, int]

    def of(self, breakdown: str, group: str, question: str) -> dict[str, int | None]:
        """For each answer how many gave it in a group, None where that is too few to be shown."""
        return {answer: self.counts.get(cell(breakdown, group, question, answer)) for answer in QUESTIONS[question]}


def scale_of(breakdown: str) -> float:
    return len(QUESTIONS) / (EPSILON * SHARES[breakdown])


def threshold(scale: float) -> int:
    """The least noisy count that is shown.

    For k > 0, P(noise >= k) = a^k / (1 + a). Of 9 people or fewer at least ``threshold`` are counted only if the noise
    is at least k = threshold - 9, and a^k / (1 + a) <= SLIP is k >= s ln(1 / (SLIP (1 + a))).
    """
    return COUNT_MIN - 1 + ceil(scale * log(1 / (SLIP * (1 + exp(-1 / scale)))))


def margin(scale: float) -> int:
    """The least m with P(|noise| > m) = 2 a^(m + 1) / (1 + a) of at most one in twenty."""
    return ceil(scale * log(2 * 20 / (1 + exp(-1 / scale)))) - 1


def make_release(period: str, counts: Mapping[str, int]) -> Release:
    """Draws the noise: called again it would give other figures, so that it is called once."""
    # OpenDP takes 37 MB and 0.2 to 0.4 s to import (its parts apart take 36): once a quarter, so here and in a thread,
    # where it was seen to hold up the others for 0.07 s at most. The memory stays taken until the program ends.
    from opendp.domains import atom_domain, vector_domain
    from opendp.measurements import make_laplace
    from opendp.metrics import l1_distance
    from opendp.mod import enable_features

    enable_features("contrib")
    space = vector_domain(atom_domain(T=int)), l1_distance(T=int)
    shown, spent, thresholds = dict[str, int](), 0.0, {name: threshold(scale_of(name)) for name in SHARES}
    for breakdown, least in thresholds.items():
        noisy = make_laplace(*space, scale=scale_of(breakdown))
        spent += noisy.map(len(QUESTIONS))  # type: ignore[no-untyped-call]  # the library left it without types
        names = cells_of(breakdown)
        found = zip(names, noisy([counts.get(name, 0) for name in names]), strict=True)
        shown |= {name: count for name, count in found if count >= least}
    assert spent <= EPSILON * (1 + 1e-9), "the library's own account"
    margins = {name: margin(scale_of(name)) for name in SHARES}
    return Release(period=period, epsilon=EPSILON, thresholds=thresholds, margins=margins, counts=shown)


async def release_barometer(house: House, now: float) -> bool:
    """Chore: publish the quarter that is over, forget its counters and who answered, and begin the running one.

    A quarter is published whether anybody answered or not, so that a release says nothing by being there. Of several
    processes one is the first, and its figures are everybody's; the others' are thrown away unseen.
    """
    db, running = house.db, period_of(now)
    over = await db.one(
        "SELECT period, counts FROM habits_barometer WHERE period < :running ORDER BY period LIMIT 1",
        running=period_of(now - GRACE_SECONDS),
    )
    if over is None:
        if await db.one("SELECT period FROM habits_barometer WHERE period = :period", period=running) is None:
            async with db.transaction() as act:
                await open_period(act, running)
        return False
    period = over["period"]
    release = await asyncio.to_thread(make_release, period, read_counts(over["counts"]))
    async with db.transaction() as act:
        if await act.run(
            "INSERT INTO habits_releases (period, released, made_at) VALUES (:period, :released, :now)"
            " ON CONFLICT (period) DO NOTHING",
            period=period, released=msgspec.json.encode(release).decode(), now=now,
        ):  # fmt: skip
            await write_ledger(act, now, house.keys, "barometer.released", facts={"period": period})
        await act.run("DELETE FROM habits_barometer WHERE period = :period", period=period)
        await act.run("DELETE FROM habits_counted WHERE period = :period", period=period)
    return True


async def find_release(db: Reader, period: str = "") -> Release | None:
    """What was published of a quarter, or of the latest one; None if nothing was."""
    row = await db.one(
        "SELECT released FROM habits_releases WHERE period = :period OR :period = '' ORDER BY period DESC LIMIT 1",
        period=period,
    )
    return msgspec.json.decode(row["released"], type=Release) if row else None


async def released_periods(db: Reader) -> list[str]:
    """The quarters that were published, the latest first."""
    return [row["period"] for row in await db.all("SELECT period FROM habits_releases ORDER BY period DESC")]
