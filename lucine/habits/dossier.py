"""Everything that is known of an incident when a paper is written, and how it is said there: in French.

Papers go to French bodies and to her patients. No patient is ever named: nothing here knows a name.
"""

from collections.abc import Iterable
from datetime import date

import msgspec
from babel.dates import format_date

from .choices import YES_NO
from .duties import Duty
from .facts import QUESTIONS, Facts, Moment, said
from .papers import Field, Part
from .zones import in_short, in_words, wall_of

TODO = "à compléter"
NOT_APPLICABLE = "Sans objet"
UNKNOWN = "Inconnu à ce jour"
DONT_KNOW = dict(YES_NO)["unknown"]


class Professional(msgspec.Struct, frozen=True, kw_only=True):
    """Who writes, as the register knows her; '' where it says nothing."""

    name: str
    rpps: str
    practice: str = ""
    address: str = ""
    profession: str = ""
    siret: str = ""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """``path``: of the incident room. ``timeline``: moments and French words. ``done``: what Lucine stopped, in French.
    ``now``: when the paper is written. Moments: seconds since 1970.
    """

    path: str
    facts: Facts
    opened_at: float
    now: float
    zone: str
    professional: Professional
    timeline: list[tuple[float, str]] = []
    done: list[str] = []
    duties: list[Duty] = []

    def when(self, moment: Moment) -> str:
        """A moment on her clocks; TODO if she has not said it."""
        if moment == "unknown":
            return "Date et heure inconnues"
        known = said(moment)
        return TODO if known is None else in_words(known, self.zone)

    def day(self, moment: float) -> str:
        """ "25 novembre 2026", on her clocks."""
        return format_date(date.fromisoformat(wall_of(moment, self.zone)[:10]), "d MMMM y", locale="fr")

    @property
    def made(self) -> str:
        return f"Préparé le {in_words(self.now, self.zone)}"


def answers(facts: Facts, name: str) -> list[str]:
    """What she answered to a question with choices, in the words of the choices; "I do not know" as a form says it."""
    value = getattr(facts, name)
    codes = value if isinstance(value, list) else [value]
    return [UNKNOWN if label == DONT_KNOW else label for code, label in QUESTIONS[name].choices if code in codes]


def answered(facts: Facts, name: str) -> str:
    """The same on one line each; TODO without an answer."""
    return "\n".join(answers(facts, name)) or TODO


def filled(text: str) -> str:
    """A text, or TODO."""
    return text or TODO


def blanks(parts: list[Part]) -> int:
    """How many fields still wait for an answer."""
    return sum(TODO in field.value.split("\n") for part in parts for field in part.fields)


def identity(case: Case) -> list[Field]:
    """Who writes, and how to reach her."""
    who = case.professional
    return [
        Field("Nom", filled(who.name)),
        Field("Profession", filled(who.profession)),
        Field("Numéro RPPS", filled(who.rpps)),
        Field("Cabinet", filled(who.practice)),
        Field("Adresse", filled(who.address)),
        Field("Téléphone et e-mail", filled(case.facts.contact)),
    ]


def history(case: Case) -> list[str]:
    """The timeline, a line each."""
    return [f"{in_short(at, case.zone)} : {words}" for at, words in case.timeline]


def measures(case: Case) -> list[str]:
    """What was done: by Lucine, then by her; said once."""
    return list(dict.fromkeys([*case.done, *answers(case.facts, "taken")]))


def listed(title: str, items: Iterable[str]) -> Part:
    """A part that is a list; TODO while it is empty."""
    return Part(title=title, items=list(items) or [TODO])


def signature(case: Case) -> Part:
    """The end of a letter."""
    who = case.professional
    lines = [line for line in (who.name, who.profession, f"RPPS {who.rpps}" if who.rpps else "") if line]
    return Part(title="", paragraphs=["\n".join(lines)])
