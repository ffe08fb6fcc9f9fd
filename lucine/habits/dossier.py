"""Everything that is known of an incident when a paper is written, and how it is said there: in French.

Papers go to French bodies and to her patients. No patient is ever named: nothing here knows a name.
"""

import re
from collections.abc import Iterable
from datetime import date

import msgspec
from babel.dates import format_date

from .choices import YES_NO
from .duties import Duty
from .facts import QUESTIONS, Facts, Moment, said
from .papers import Field, Paper, Part
from .zones import in_short, in_words, wall_of

TODO = "à compléter"
NOT_APPLICABLE = "Sans objet"
UNKNOWN = "Inconnu à ce jour"
DONT_KNOW = dict(YES_NO)["unknown"]
GAP = "[à compléter"  # in a letter; the colour of it is in paper.typ
LUCINE = "Sur Lucine (le service de connexion)"
COUNTED = re.compile(r" : (\d+)$")


class Professional(msgspec.Struct, frozen=True, kw_only=True):
    """Who writes, as the register knows her; '' where it says nothing."""

    name: str
    rpps: str
    practice: str = ""
    address: str = ""
    profession: str = ""
    siret: str = ""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """``path``: of the incident room. ``timeline``: moments and French words. ``done``: what Lucine stopped, in French;
    ``closed``: whether an access was closed by that. ``now``: when the paper is written. Moments: seconds since 1970.
    """

    path: str
    facts: Facts
    opened_at: float
    now: float
    zone: str
    professional: Professional
    timeline: list[tuple[float, str]] = []
    done: list[str] = []
    closed: bool = False
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
    """What she answered to a question with choices, in the words of papers; "I do not know" as a form says it."""
    value, question = getattr(facts, name), QUESTIONS[name]
    codes, written = value if isinstance(value, list) else [value], dict(question.written)
    labels = [written.get(code, label) for code, label in question.choices if code in codes]
    return [UNKNOWN if label == DONT_KNOW else label for label in labels]


def answered(facts: Facts, name: str) -> str:
    """The same on one line each; TODO without an answer."""
    return "\n".join(answers(facts, name)) or TODO


def filled(text: str) -> str:
    """A text, or TODO."""
    return text or TODO


def gap(what: str) -> str:
    """A place in a letter where something is missing: nobody takes it for a sentence."""
    return f"{GAP} : {what}]"


def blanks(parts: list[Part]) -> int:
    """How many fields still wait for an answer, and how many gaps there are."""
    fields = sum(TODO in field.value.split("\n") for part in parts for field in part.fields)
    return fields + sum(text.count(GAP) for part in parts for text in (*part.paragraphs, *part.items))


def blanks_in(paper: Paper) -> int:
    """The same of a whole paper."""
    return paper.sender.count(GAP) + blanks(paper.parts)


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


def dates(case: Case, *, both: bool = False) -> list[Field]:
    """What happened when. An attack and touched data are dated where there are any, or in any case."""
    facts = case.facts
    fields = [Field("Début", case.when(facts.began_at))]
    for label, happened, moment in (
        ("Attaque comprise le", facts.attack, facts.known_at),
        ("Données touchées, su le", facts.touched, facts.aware_at),
    ):
        if both or (happened != "no" and (happened == "yes" or moment is not None)):
            fields.append(Field(label, NOT_APPLICABLE if happened == "no" else case.when(moment)))
    return [*fields, Field("Signalé sur Lucine le", in_words(case.opened_at, case.zone))]


def history(case: Case) -> list[str]:
    """The timeline, a line each."""
    return [f"{in_short(at, case.zone)} : {words}" for at, words in case.timeline]


def measures(case: Case) -> list[str]:
    """What she says that she did, and what Lucine did for her: told apart, Lucine sees nothing but itself."""
    done = [COUNTED.sub(r" (\1)", words.removesuffix(".")) for words in case.done]
    lucine = [f"{LUCINE} : {' ; '.join(words[:1].lower() + words[1:] for words in done)}"] if done else []
    return [*answers(case.facts, "taken"), *lucine]


def listed(title: str, items: Iterable[str], missing: str) -> Part:
    """A part that is a list; a gap while it is empty."""
    return Part(title=title, items=list(items) or [gap(missing)])


def signature(case: Case) -> Part:
    """The end of a letter."""
    who = case.professional
    lines = [line for line in (who.name, who.profession, f"RPPS {who.rpps}" if who.rpps else "") if line]
    return Part(title="", paragraphs=["\n".join(lines)])
