"""The risk goal: how many attackers the score of a completed sign-in stops, and what that costs people.

Published and ours on the same invented people (``habits``), each at two thresholds that were chosen on a training
half and are measured on the other: as many extra proofs as the goal allows (chosen from people's sign-ins alone),
and 99.5 % of targeted attackers stopped. Then the thresholds that are in the product (watch/risk.py), where an
attacker is stopped when one more proof is asked of him or the sign-in is held; the same with nobody keeping a
browser known; and an insider on the network of her workplace. He is where the published score is better: it keeps
whole addresses and user agents, with their versions, and ours keeps neither.

Each person is attacked once by each sort of attacker, at a random one of her second to twelfth sign-ins, as the
published evaluation does: before there is a history there is nothing to compare with, and nothing is asked.
"""

import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median

import msgspec

from lucine.watch import risk

from . import habits
from .freeman import Counts, published_score
from .habits import ATTACKERS, Person, SignIn, attack
from .intervals import proportion, quantile
from .table import Figure

SEED = 20261125
SIGN_INS = 12
PROOFS_MAX = 2
STOPPED_MIN = 0.995
QUICK, FULL = (5_000, 5_000), (50_000, 20_000)  # people of each half, and people whose sign-ins make the world


class Trial(msgspec.Struct, frozen=True):
    """One person's scores from her second sign-in on, and those of her attackers, by attacker."""

    hers: list[float]
    theirs: dict[str, float]


class Background(msgspec.Struct, frozen=True):
    """What everybody's sign-ins look like, to both scores."""

    published: Counts
    ours: risk.World


def everybody(seed: int, count: int, keeps: float) -> Background:
    published, seen, total = Counts(), Counter[tuple[str, str]](), 0
    for index in range(count):
        for each in Person(f"background {index}", seed, keeps).sign_ins(SIGN_INS // 2):
            published.add(each.row)
            seen.update((level, getattr(each.signs, level)) for level in risk.LEVELS)
            total += 1
    return Background(published, risk.World(total, seen))


def _ours(each: SignIn, past: Sequence[SignIn], background: Background) -> float:
    """The score where it may ask something, else minus infinity."""
    judged = risk.judge(each.signs, [before.signs for before in past], background.ours)
    return judged.score if judged.askable else -math.inf


def trials(seed: int, count: int, keeps: float, background: Background) -> tuple[list[Trial], list[Trial]]:
    """Published and ours, person by person."""
    chance, published, ours = random.Random(seed), [], []  # noqa: S311 - a simulation
    for index in range(count):
        person, hers = Person(f"person {index}", seed, keeps), Counts()
        past: list[SignIn] = []
        attacked = chance.randrange(1, SIGN_INS)
        first, second = Trial([], {}), Trial([], {})
        for place, each in enumerate(person.sign_ins(SIGN_INS)):
            if place:
                first.hers.append(published_score(each.row, hers=hers, world=background.published))
                second.hers.append(_ours(each, past, background))
            if place == attacked:
                for kind in ATTACKERS:
                    his = attack(kind, chance, person, past)
                    first.theirs[kind] = published_score(his.row, hers=hers, world=background.published)
                    second.theirs[kind] = _ours(his, past, background)
            past.append(each)
            hers.add(each.row)
        published.append(first)
        ours.append(second)
    return published, ours


def proofs(found: Sequence[Trial], threshold: float) -> list[float]:
    """How many extra proofs each person is asked for in her first SIGN_INS."""
    return [float(sum(score >= threshold for score in trial.hers)) for trial in found]


def stopped(found: Sequence[Trial], threshold: float, kind: str) -> int:
    return sum(trial.theirs[kind] >= threshold for trial in found)


def threshold_of_people(found: Sequence[Trial]) -> float:
    """The lowest that asks PROOFS_MAX extra proofs of half of the people: chosen without any attacker."""
    scores = sorted({score for trial in found for score in trial.hers if score > -math.inf})
    low, high = 0, len(scores) - 1
    while low < high:
        middle = (low + high) // 2
        if median(proofs(found, scores[middle])) <= PROOFS_MAX:
            high = middle
        else:
            low = middle + 1
    return scores[low]


def threshold_of_attackers(found: Sequence[Trial]) -> float:
    """The highest that stops STOPPED_MIN of the targeted attackers."""
    scores = sorted(trial.theirs["targeted"] for trial in found)
    return scores[int((1 - STOPPED_MIN) * len(scores))]


def _figures(name: str, found: Sequence[Trial], threshold: float, note: str, *, goal: bool) -> Iterator[Figure]:
    """The cost, then what is stopped; the sorts that are easy to stop only where ``goal``."""
    n, asked = len(found), proofs(found, threshold)
    middle, low, high = quantile(asked, 0.5)
    yield Figure(
        goal="risk", name=f"{name}: median extra proofs in {SIGN_INS} sign-ins", value=middle, low=low, high=high, n=n,
        seed=SEED, target=f"<= {PROOFS_MAX}" if goal else "", met=middle <= PROOFS_MAX if goal else None,
        note=f"{note}; 9 in 10 people at most {quantile(asked, 0.9)[0]:g}, mean {sum(asked) / n:.2f}",
    )  # fmt: skip
    for kind in ATTACKERS if goal else ("targeted", "insider"):
        many, wanted = stopped(found, threshold, kind), goal and kind == "targeted"
        low, high = proportion(many, n)
        yield Figure(
            goal="risk", name=f"{name}: {kind} attackers stopped", value=many / n, low=low, high=high, n=n, seed=SEED,
            target=f">= {STOPPED_MIN}" if wanted else "", met=many / n >= STOPPED_MIN if wanted else None, note=note,
        )  # fmt: skip


def run(quick: bool) -> Iterator[Figure]:
    """The figures of the goal, on people who were not in the training half."""
    count, crowd = QUICK if quick else FULL
    background = everybody(SEED, crowd, habits.KEEPS)
    training = trials(SEED + 1, count, habits.KEEPS, background)
    found = trials(SEED + 2, count, habits.KEEPS, background)
    for name, before, after in zip(("published score", "our score"), training, found, strict=True):
        for words, threshold in (
            (f"at {PROOFS_MAX} proofs", threshold_of_people(before)),
            (f"at {STOPPED_MIN:.1%} of targeted", threshold_of_attackers(before)),
        ):
            note = f"threshold chosen on the training half: {threshold:.4g}"
            yield from _figures(f"{name} {words}", after, threshold, note, goal=False)
    note = f"one more proof from {risk.ONE_MORE_PROOF_FROM}"
    yield from _figures("as shipped", found[1], risk.ONE_MORE_PROOF_FROM, note, goal=True)
    yield _held(found[1])
    bare = trials(SEED + 2, count, 0.0, everybody(SEED, crowd, 0.0))[1]
    yield from _figures("as shipped, nobody keeps a browser", bare, risk.ONE_MORE_PROOF_FROM, note, goal=True)


def _held(found: Sequence[Trial]) -> Figure:
    """How many of people's own sign-ins are held: each is a nuisance, and she is told."""
    scores = [score for trial in found for score in trial.hers[risk.HOLD_AFTER_SIGN_INS - 1 :]]
    many = sum(score >= risk.HOLD_FROM for score in scores)
    low, high = proportion(many, len(scores))
    return Figure(
        goal="risk", name="as shipped: people's own sign-ins held", value=many / len(scores), low=low, high=high,
        n=len(scores), seed=SEED, target="", met=None, note=f"held from {risk.HOLD_FROM}",
    )  # fmt: skip
