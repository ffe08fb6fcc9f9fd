"""What professionals say of themselves, as figures that name nobody: the barometer's releases, and bands of scores."""

from datetime import date
from math import exp
from typing import Any

import msgspec
from babel.dates import format_date
from babel.numbers import format_decimal
from starlette.responses import Response

from lucine.habits.assessment import bands
from lucine.habits.barometer import QUESTIONS
from lucine.habits.groups import DEPARTMENTS, PROFESSIONS
from lucine.habits.release import Release, find_release, released_periods
from lucine.web import Visit, not_found, page
from lucine.web.languages import say

from .sessions import Session

NAMES = {"profession": PROFESSIONS, "department": DEPARTMENTS}
ASKED = {
    "attacked": say("Quelqu'un a essayé d'utiliser leur identité ou leurs codes"),
    "masters": say("Ils maîtrisent les bons gestes"),
}
SHORT = {"attacked": say("On a essayé"), "masters": say("Bons gestes")}
SAID = {"yes": say("Oui"), "no": say("Non"), "partly": say("En partie"), "unsure": say("Ne sait pas")}


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """The answers of a group to a question. ``counts``: None where hidden; ``shares``: percents, if none is hidden."""

    counts: dict[str, int | None]
    shares: dict[str, int] | None


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a table: what the group is called, and its answers by question."""

    name: str
    given: dict[str, Given]


async def show_habits(visit: Visit, session: Session) -> Response:
    db, asked = visit.house.db, visit.query().get("period", "")
    periods = await released_periods(db)
    if asked and asked not in periods:
        raise not_found("no release of that period")
    release = await find_release(db, asked)
    return page(
        visit, "officer/habits.html", session=session, tab="habits", release=release, questions=QUESTIONS,
        asked=ASKED, short=SHORT, said=SAID, figure=lambda number: format_decimal(number, locale=visit.language),
        periods={period: months_of(period, visit.language) for period in periods},
        **(_tables(release) if release else {}), bands=await bands(db, visit.now),
    )  # fmt: skip


def _tables(release: Release) -> dict[str, Any]:
    """``france``: the whole. ``groups``: by breakdown, those of whom a count is shown. ``hidden``: how many are not.

    ``times``: how much likelier one person can make a release, at most.
    """
    groups = {
        breakdown: [
            group for code, name in names.items()
            if _shown(group := group_of(release, breakdown, code, name))
        ]
        for breakdown, names in NAMES.items()
    }  # fmt: skip
    return {
        "france": group_of(release, "all", "", ""),
        "groups": groups,
        "times": round(exp(release.epsilon), 1),
        "hidden": {breakdown: len(names) - len(groups[breakdown]) for breakdown, names in NAMES.items()},
    }


def group_of(release: Release, breakdown: str, code: str, name: str) -> Group:
    given = {}
    for question in QUESTIONS:
        counts = release.of(breakdown, code, question)
        known = {answer: count for answer, count in counts.items() if count is not None}
        total = sum(known.values())
        whole = {answer: round(100 * count / total) for answer, count in known.items()}
        given[question] = Given(counts=counts, shares=whole if len(known) == len(counts) else None)
    return Group(name=name, given=given)


def _shown(group: Group) -> bool:
    return any(count is not None for given in group.given.values() for count in given.counts.values())


def months_of(period: str, language: str) -> str:
    """A quarter as people say it: from its first month to its last."""
    year, last = int(period[:4]), 3 * int(period[-1])
    first = format_date(date(year, last - 2, 1), "MMMM", locale=language)
    return f"{first} – {format_date(date(year, last, 1), 'MMMM y', locale=language)}"
