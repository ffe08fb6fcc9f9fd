"""How odd a completed sign-in is for this person, and what is asked of her for it.

A likelihood ratio after Freeman et al. (NDSS 2016), as Wiefling et al. (ACM TOPS 2022) weigh it by levels
(address, network, country; browser, system). What differs from the published score, which the lab keeps
beside ours (app/lab/freeman.py):

- each level is smoothed by the one above it (Pitman and Yor's discount): who often changes networks is
  asked less about a new one, and nothing is infinitely odd;
- the attacker we reckon with knows her: at each level that can be chosen he copies her with probability
  MIMICRY, so that the right country, operator or browser name helps him little, and a new one costs her little;
  at her very /24, which he cannot choose, with probability INSIDE;
- a known browser counts by its absence: its key cannot be copied, and where it is proved nothing is asked;
- service, hour of the week and way of signing in count too.

A score is a natural logarithm: how much likelier an attacker is than she.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

Verdict = Literal["allow", "one_more_proof", "hold"]

# Chosen on the training half of the lab's people (app/lab/risk.py), and rounded to the safe side: the highest at
# which 99.5 % of targeted attackers are stopped, so the fewest questions; and where one in 10,000 of hers is held.
ONE_MORE_PROOF_FROM = 0.75
HOLD_FROM = 9.7
HOLD_AFTER_SIGN_INS = 5  # before, too little is known of her to hold anything
REASON_FROM = 0.3

DISCOUNT = 0.2
STRENGTH = 0.1
MIMICRY = 0.9  # how likely the attacker copies her at a level, rather than take what the world has
INSIDE = 0.2  # the same of her very /24: he must be where she is

# From coarse to fine. What is only her habit asks nothing by itself: a night on duty is no sign of an attacker.
NETWORK = ("country", "network", "prefix")
BROWSER = ("system", "browser")
HABITS = ("client", "band", "method")
CHAINS = (NETWORK, BROWSER, *((habit,) for habit in HABITS))
LEVELS = tuple(level for chain in CHAINS for level in chain)


class Signs(msgspec.Struct, frozen=True, kw_only=True):
    """What a sign-in shows of where it comes from. ``hour``: of the week, 0 to 167, in UTC, Monday first.

    ``known``: the browser proved a key that she kept.
    """

    prefix: str
    network: str
    country: str
    browser: str
    system: str
    client: str
    hour: int
    method: str
    known: bool

    @property
    def proved(self) -> bool:
        """A key that nobody can copy has said that it is her."""
        return self.known or self.method == "passkey"

    @property
    def band(self) -> str:
        """Four hours of a working day or of a weekend day."""
        day, hour = divmod(self.hour, 24)
        return f"{'weekend' if day >= 5 else 'week'} {hour // 4}"


class World(msgspec.Struct, frozen=True):
    """Everybody's sign-ins: how many, and how many showed each (level, value) that is asked about."""

    sign_ins: int
    seen: Mapping[tuple[str, str], int]


class Judged(msgspec.Struct, frozen=True):
    """``reasons``: what weighed most, the heaviest first: levels that she never showed, ``stranger`` for an unknown
    browser of somebody who keeps hers; or ``first``, when there is nothing to compare with.
    """

    score: float
    reasons: tuple[str, ...]
    verdict: Verdict

    @property
    def askable(self) -> bool:
        """Whether something else than her habits is new."""
        return not set(self.reasons) <= set(HABITS)


def _weigh(chain: Sequence[str], signs: Signs, past: Sequence[Signs], world: World) -> tuple[float, str]:
    """The logarithm for one chain, and its coarsest level that she never showed ('' if she showed all)."""
    hers, theirs, above, new = 1.0, 1.0, world.sign_ins, ""
    for level in chain:
        value = getattr(signs, level)
        values = [getattr(each, level) for each in past]
        times, distinct = values.count(value), len(set(values))
        count = world.seen.get((level, value), 0)
        share = (count + 0.5) / (max(above, count) + 1)
        left = (DISCOUNT * distinct + STRENGTH) * hers * share
        hers = (max(times - DISCOUNT, 0) + left) / (len(past) + STRENGTH)
        copied = INSIDE if level == "prefix" else MIMICRY
        theirs = copied * hers + (1 - copied) * theirs * share
        above = count
        if value and not times and not new:  # an unknown country is no new country
            new = level
    return math.log(theirs / hers), new


def judge(signs: Signs, past: Sequence[Signs], world: World) -> Judged:
    """What to do about a sign-in, given hers of six months (newest first or not) and everybody's."""
    if signs.proved:
        return Judged(0.0, (), "allow")
    if not past:
        return Judged(0.0, ("first",), "allow")
    strangers = sum(not each.proved for each in past)
    weights = {"stranger": math.log((len(past) + 1) / (strangers + 1))}
    score = weights["stranger"]
    for chain in CHAINS:
        weight, new = _weigh(chain, signs, past, world)
        score += weight
        if new:
            weights[new] = weight
    heavy = sorted((name for name in weights if weights[name] >= REASON_FROM), key=lambda name: -weights[name])
    judged = Judged(score, tuple(heavy), "allow")
    if score < ONE_MORE_PROOF_FROM or not judged.askable:
        return judged
    hold = score >= HOLD_FROM and len(past) >= HOLD_AFTER_SIGN_INS
    return msgspec.structs.replace(judged, verdict="hold" if hold else "one_more_proof")
