"""The detector: what the events of one service, or of all together, say when they are added up.

Two families that know nothing of each other. *Outcomes*: who names numbers by the directory names people who
never enrolled, who do not come, and who never came to this service before; the answers do not tell him which,
so he cannot avoid it. *Choice*: who works through a list names neighbours (numbers in order, one town, one
profession), whatever comes of it. Both are the same test (cusum.py), on shares learned from ordinary days.
"""

from typing import Final, Literal

import msgspec

from .cusum import Cusum, Design, Passed
from .events import NOBODY, Outcome

EVERYWHERE: Final = ""  # the scope of all services together
RECENT_MAX: Final = 64
TOWN_RECENT: Final = 32
TOWN_TIMES: Final = 3
NEIGHBOURS: Final = 2_000  # numbers are given in order: this far apart lie some twenty people of the register

Feature = Literal["outcomes", "order", "town", "profession"]
FEATURES: Final[tuple[Feature, ...]] = Feature.__args__  # type: ignore[attr-defined]

# Kinds of the first test: twice the end it came to, plus one if the number is new to this service.
ENDS: Final[dict[Outcome, int]] = {
    "completed": 0, "abandoned": 1, "expired": 1, "unknown_number": 2, "changed_mind": 3, "not_me": 3,
}  # fmt: skip
END_NAMES: Final = ("completed", "unanswered", "unknown_number", "refused")
GUESS: Final = (0.90, 0.035, 0.045, 0.004, 0.0002, 0.010, 0.005, 0.0008)
NEW: Final = 0.97  # of the directory, how much a service has never seen


def _ends(completed: float, unanswered: float, unknown: float, refused: float, new: float) -> tuple[float, ...]:
    """Shares of the kinds; nobody who is not enrolled can have come before."""
    old = 1 - new
    return (
        completed * old, completed * new, unanswered * old, unanswered * new, 0.0, unknown, refused * old,
        refused * new,
    )  # fmt: skip


# What a directory walk comes to, by the assumptions of the laboratory; then lists that leaked: of enrolled people,
# and of the very users of this service. Thresholds: docs/designs/0008, from simulated years.
OUTCOME_DESIGNS: Final = (
    Design(name="walk", share=0.02, ends=_ends(0.0005, 0.25, 0.70, 0.0495, NEW), threshold=11),
    Design(name="fast walk", share=0.10, ends=_ends(0.0005, 0.25, 0.70, 0.0495, NEW), threshold=15),
    Design(name="enrolled", share=0.02, ends=_ends(0.0, 0.95, 0.0, 0.05, 0.9), threshold=13),
    Design(name="users", share=0.05, ends=_ends(0.0, 0.95, 0.0, 0.05, 0.0), threshold=15),
)
# Kinds of the second: unlike those before, or like them.
DESIGNS: Final[dict[Feature, tuple[Design, ...]]] = {
    "outcomes": OUTCOME_DESIGNS,
    "order": (Design(name="order", share=0.25, ends=(0.1, 0.9), threshold=12),),
    "town": (Design(name="town", share=0.35, ends=(0.1, 0.9), threshold=15),),
    "profession": (Design(name="profession", share=0.5, ends=(0.05, 0.95), threshold=18),),
}
GUESSES: Final[dict[Feature, tuple[float, ...]]] = {
    "outcomes": GUESS, "order": (0.98, 0.02), "town": (0.85, 0.15), "profession": (0.6, 0.4)
}  # fmt: skip


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """What the directory says of a number that was named: '' and '' for a number that is not in it."""

    number: int
    town: str
    profession: str


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """An event as the detector sees it: no address, no browser, no person.

    ``repeated``: a completed sign-in of somebody who has completed several today; his own account shall not pay
    for an attacker's tries.
    """

    at: float
    client: str
    outcome: Outcome
    newcomer: int
    named: Named | None
    repeated: bool = False


class Sign(msgspec.Struct, frozen=True, kw_only=True):
    """A test of a scope has passed a threshold."""

    scope: str
    feature: Feature
    passed: Passed


def likenesses(named: Named, before: list[Named]) -> set[Feature]:
    """How a number resembles those named just before it, newest last."""
    found: set[Feature] = set()
    if any(0 < abs(named.number - other.number) <= NEIGHBOURS for other in before):
        found.add("order")
    towns = [other.town for other in before[-TOWN_RECENT:]]
    if named.town and towns.count(named.town) >= TOWN_TIMES:
        found.add("town")
    if named.profession and before and before[-1].profession == named.profession:
        found.add("profession")
    return found


class Detector:
    """The tests of one scope. Fed in the order in which events were over."""

    def __init__(self, scope: str, tests: dict[Feature, Cusum], recent: list[Named]) -> None:
        self.scope, self.tests, self.recent = scope, tests, recent

    @classmethod
    def start(cls, scope: str, now: float) -> "Detector":
        """A detector that has seen nothing."""
        tests = {feature: Cusum.start(DESIGNS[feature], GUESSES[feature], now) for feature in FEATURES}
        return cls(scope, tests, [])

    def observe(self, seen: Seen) -> list[Sign]:
        """One event; the thresholds that it passes."""
        end = ENDS[seen.outcome]
        # Who names nobody tries nobody: pages that are opened and left say nothing about a campaign.
        if (end == 0 and seen.repeated) or (end and seen.newcomer == NOBODY):
            return []
        signs = []
        new = seen.newcomer == 1 or seen.outcome == "unknown_number"
        if passed := self.tests["outcomes"].observe(seen.at, 2 * end + new):
            signs.append(Sign(scope=self.scope, feature="outcomes", passed=passed))
        if end and seen.named:
            likeness = likenesses(seen.named, self.recent)
            self.recent.append(seen.named)
            del self.recent[:-RECENT_MAX]
            signs += [
                Sign(scope=self.scope, feature=feature, passed=passed)
                for feature in FEATURES[1:]
                if (passed := self.tests[feature].observe(seen.at, int(feature in likeness)))
            ]
        return signs

    def lean_on(self, everywhere: "Detector") -> None:
        """What is ordinary everywhere is the first guess for one service."""
        for feature, test in self.tests.items():
            test.rates.prior = everywhere.tests[feature].level

    def expected(self, feature: Feature) -> dict[str, float]:
        """The ordinary share of each end and of newcomers; or of numbers that resemble those before."""
        shares = self.tests[feature].expected()
        if feature != "outcomes":
            return {feature: shares[1]}
        ends = {name: shares[2 * end] + shares[2 * end + 1] for end, name in enumerate(END_NAMES)}
        return {**ends, "newcomers": sum(shares[1::2])}


def observe(detectors: dict[str, Detector], seen: Seen) -> list[Sign]:
    """One event, for its service and for all of them together."""
    signs = []
    for scope in (EVERYWHERE, seen.client):
        detector = detectors.get(scope)
        if detector is None:
            detector = detectors[scope] = Detector.start(scope, seen.at)
        if scope != EVERYWHERE:
            detector.lean_on(detectors[EVERYWHERE])
        signs += detector.observe(seen)
    return signs
