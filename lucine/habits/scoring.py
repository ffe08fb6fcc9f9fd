"""What her habits are worth: pure rules, from answers and their age to a score and to what helps most.

The score has the form of MonServiceSécurisé's index (ANSSI, betagouv/mon-service-securise, indiceCyber.js):

    score = 100 * (0.6 + 0.4 * rate of the recommended) * rate of the indispensable

A rate is what the answers are worth, weighted by risk, of what they could be worth. A missing indispensable habit
of weight w, among indispensable ones that weigh W, therefore caps the score at 100 * (1 - w / W), whatever else she
does: recommended work cannot hide it. What Lucine sees by itself is always fresh; what she declared halves in worth
every ``months``. What nobody knows is worth nothing, so saying "I don't know" never pays.
"""

from collections.abc import Iterable, Sequence
from math import fsum
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

Theme = Literal["identity", "devices", "accounts", "patients", "backups", "premises"]
Answer = Literal["yes", "partly", "no", "unknown", "not_concerned"]

WORTH: dict[Answer, float] = {"yes": 1.0, "partly": 0.5, "no": 0.0, "unknown": 0.0}
MONTH_SECONDS = 365.25 * 86400 / 12
FLOOR = 0.6  # of what the indispensable gives, without any recommended habit


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The head of a question. ``weight``: the risk it removes, 1 to 5; ``minutes``: to put it right.

    ``months``: after so many an answer has lost half of its worth. ``measured``: who can see it by itself: Connect
    now, with the function ``probe`` of ``measuring``; Cabinet, once it is there; nobody. ``where``: the page on
    which it is put right, '' if outside Lucine. ``skippable``: it may not concern her. ``heals``: what was seen of her
    past weeks is put right by the next ones: she owes nothing today.
    """

    theme: Theme
    weight: Annotated[int, Meta(ge=1, le=5)]
    indispensable: bool
    minutes: Annotated[int, Meta(ge=1, le=240)]
    months: Annotated[int, Meta(ge=1, le=24)]
    measured: Literal["connect", "cabinet", "no"]
    source: Annotated[str, Meta(min_length=3)]
    url: Annotated[str, Meta(pattern="^https://")]
    probe: str = ""
    where: str = ""
    skippable: bool = False
    heals: bool = False


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """An answer. ``age``: in seconds, 0 for what is ``measured``."""

    answer: Answer
    age: float = 0.0
    measured: bool = False


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A question of hers, and what is known of it: nothing if ``given`` is None."""

    name: str
    question: Question
    given: Given | None = None

    @property
    def counts(self) -> bool:
        """Whether it is in the sum: all but what may not concern her, and does not."""
        return not (self.question.skippable and self.given is not None and self.given.answer == "not_concerned")

    @property
    def worth(self) -> float:
        """0 to 1: what the answer is worth now."""
        if self.given is None:
            return 0.0
        fresh = WORTH.get(self.given.answer, 0.0)
        if self.given.measured:
            return fresh
        return fresh * float(0.5 ** (max(self.given.age, 0.0) / (self.question.months * MONTH_SECONDS)))

    @property
    def known(self) -> bool:
        return self.given is not None and self.given.answer != "unknown"

    @property
    def half_gone(self) -> bool:
        """Whether what she declared has lost half of its worth: it is time to ask her again."""
        given = self.given
        return given is not None and not given.measured and given.age >= self.question.months * MONTH_SECONDS


class Shares(msgspec.Struct, frozen=True):
    """Percent of the weight: what Lucine saw, what she declared, and what is not known. Their sum is 100."""

    measured: int
    declared: int
    unknown: int


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """A next act: the score that it would add, and the minutes that it takes."""

    name: str
    gain: float
    minutes: int


def score(items: Iterable[Item]) -> int:
    """0 to 100, as above. Where one kind is missing (in a theme), the rate of the other."""
    # Rounded down, so that a cap is never passed by its rounding.
    return int(exact_score(items))


def exact_score(items: Iterable[Item]) -> float:
    """The same, before rounding: what the order of acts is taken from."""
    counted = [item for item in items if item.counts]
    needed = [item for item in counted if item.question.indispensable]
    advised = [item for item in counted if not item.question.indispensable]
    if not needed or not advised:
        return 100.0 * _rate(counted)
    return 100.0 * (FLOOR + (1.0 - FLOOR) * _rate(advised)) * _rate(needed)


def _rate(items: Sequence[Item]) -> float:
    weight = sum(item.question.weight for item in items)
    # fsum: the same to the last bit, whatever the order.
    return fsum(item.question.weight * item.worth for item in items) / weight if weight else 0.0


def theme_scores(items: Sequence[Item]) -> dict[Theme, int | None]:
    """The score of each theme by itself; None while too little of it is known."""
    themes = {theme: [item for item in items if item.question.theme == theme] for theme in get_args(Theme)}
    return {theme: score(own) if well_known(own) else None for theme, own in themes.items()}


def well_known(items: Iterable[Item]) -> bool:
    """Whether at least half of the weight that concerns her is known. Before that a score tells what was not asked."""
    counted = [item for item in items if item.counts]
    known = sum(item.question.weight for item in counted if item.known)
    return 0 < sum(item.question.weight for item in counted) <= 2 * known


def shares(items: Iterable[Item]) -> Shares:
    """Of the weight that concerns her."""
    counted = [item for item in items if item.counts]
    whole = sum(item.question.weight for item in counted)
    if not whole:
        return Shares(0, 0, 100)
    seen, told = (
        round(100 * sum(item.question.weight for item in counted if item.known and _measured(item) is how) / whole)
        for how in (True, False)
    )
    return Shares(seen, told, 100 - seen - told)


def _measured(item: Item) -> bool:
    return item.given is not None and item.given.measured


def next_acts(items: Sequence[Item], most: int) -> list[Act]:
    """What to do next, best first: the score that an act adds, for each minute that it takes.

    What is not in order, or of which she says that she does not know: an unanswered question waits to be asked, it is
    no reproach. Nor what time puts right: there is nothing to do now.
    """
    before = exact_score(items)
    acts = []
    for place, item in enumerate(items):
        if item.question.heals or not item.counts or item.given is None:
            continue
        if item.given.answer in ("partly", "no", "unknown"):
            done = msgspec.structs.replace(item, given=Given(answer="yes"))
            gain = exact_score([*items[:place], done, *items[place + 1 :]]) - before
            acts.append((Act(name=item.name, gain=gain, minutes=item.question.minutes), item.question.weight))
    # While no indispensable habit is known, a recommended one adds nothing yet: then its weight decides.
    acts.sort(key=lambda one: (-one[0].gain / one[0].minutes, -one[1] / one[0].minutes, one[0].name))
    return [act for act, _ in acts[:most]]


def next_questions(items: Iterable[Item], most: int) -> list[Item]:
    """What to ask: first what she was never asked, by weight; then what lost half of its worth, by weight."""
    asked = [item for item in items if item.given is None or item.half_gone]
    asked.sort(key=lambda item: (item.given is not None, -item.question.weight, item.name))
    return asked[: max(most, 0)]
