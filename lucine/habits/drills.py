"""Drills: an invented request, call or letter that she judges. ``drills/*.md``, read at the start.

    never done --(answered)--> rests: two weeks after a wrong answer, five months after a right one --> due again

What a rehearsal leaves fades between the fourth and the sixth month (docs/designs/0010-drills-that-do-no-harm.md),
so who knew is asked again before it has. Nothing calls her back: a drill that is due waits until she comes.
"""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Literal

import msgspec

from lucine.safe import Reader, Transaction
from lucine.web.languages import typeset

from .texts import BadText, Text, read_texts

DAY_SECONDS = 86400
WRONG_RESTS_SECONDS = 14 * DAY_SECONDS
RIGHT_RESTS_SECONDS = 150 * DAY_SECONDS
RUN_MAX = 3  # traps, or genuine ones, in a row: a longer run teaches to answer without reading

Kind = Literal["request", "call", "letter"]
Answer = Literal["genuine", "trap"]


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The same in each language."""

    fr: str
    en: str


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request as her phone would show it. ``how``: she scanned a screen, or a known computer rings."""

    how: Literal["scan", "ring"]
    service: Words
    host: str
    browser: Words
    place: Words
    time: Words

    def told(self, language: str) -> dict[str, str]:
        """Its lines in a language."""
        lines = {"service": self.service, "browser": self.browser, "place": self.place, "time": self.time}
        said = {name: typeset(language, words.en if language == "en" else words.fr) for name, words in lines.items()}
        return {**said, "how": self.how, "host": self.host}


class DrillFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``request`` of a request, ``form`` of a letter. ``source``, ``url``: the official text behind the explanation.

    ``review_by``: read again by then, or the build fails.
    """

    kind: Kind
    genuine: bool
    request: Request | None = None
    form: Literal["paper", "mail", "sms"] | None = None
    source: str
    url: str
    reviewed: date
    review_by: date

    @property
    def right(self) -> Answer:
        return "genuine" if self.genuine else "trap"


Drill = Text[DrillFacts]


class Done(msgspec.Struct, frozen=True):
    """An answer of hers, and when she gave it."""

    drill: str
    answered: Answer
    at: float


def check(drills: dict[str, Drill]) -> dict[str, Drill]:
    """The same drills. BadText if one lacks what its kind shows."""
    for name, drill in drills.items():
        facts, told = drill.facts, "message" in drill.sections["fr"]
        shows = (facts.request is not None, facts.form is not None, told)
        if shows != (facts.kind == "request", facts.kind == "letter", facts.kind != "request"):
            raise BadText(f"{name}.md: a {facts.kind} with {shows} of request, form, message")
    return drills


DRILLS = check(
    read_texts(Path(__file__).parent / "drills", DrillFacts, {"situation", "explanation"}, frozenset({"message"}))
)


def due_at(done: Done) -> float:
    """When the drill of an answer is due again."""
    right = done.answered == DRILLS[done.drill].facts.right
    return done.at + (RIGHT_RESTS_SECONDS if right else WRONG_RESTS_SECONDS)


def next_drill(done: Sequence[Done], now: float, rank: Callable[[str], bytes]) -> str | None:
    """The drill to do next; None while all of them rest. ``done``: her last answer to each, oldest first.

    Those never done first, then those that she got wrong, then the others. Within these another kind than the last,
    and no fourth trap or genuine one in a row; which of them is decided by ``rank``, a keyed hash that is hers: she
    cannot guess what comes, and nobody draws a lot.
    """
    answers = {one.drill: one for one in done}
    never = [name for name in DRILLS if name not in answers]
    due = [one for one in done if due_at(one) <= now]
    wrong = [one.drill for one in due if one.answered != DRILLS[one.drill].facts.right]
    among = never or wrong or [one.drill for one in due]
    last = [DRILLS[one.drill].facts for one in done[-RUN_MAX:]]
    run = {facts.genuine for facts in last} if len(last) == RUN_MAX else set()

    def order(name: str) -> tuple[bool, bool, bytes]:
        facts = DRILLS[name].facts
        return run == {facts.genuine}, bool(last) and last[-1].kind == facts.kind, rank(name)

    return min(among, key=order, default=None)


async def drills_done(db: Reader, holder: str) -> list[Done]:
    """Her last answer to each drill that there still is, oldest first."""
    rows = await db.all(
        "SELECT drill, answered, at FROM habits_drills WHERE holder = :holder ORDER BY at, drill", holder=holder
    )
    return [Done(row["drill"], row["answered"], row["at"]) for row in rows if row["drill"] in DRILLS]


async def answer_drill(db: Transaction, now: float, *, holder: str, drill: str, answer: Answer) -> None:
    """Keep an answer to a drill of DRILLS. While the drill rests, the first answer stands: going back improves none."""
    await db.run(
        "INSERT INTO habits_drills (holder, drill, answered, at) VALUES (:holder, :drill, :answer, :now)"
        " ON CONFLICT (holder, drill) DO UPDATE SET answered = excluded.answered, at = excluded.at"
        " WHERE habits_drills.at <= CASE WHEN habits_drills.answered = :right THEN :known ELSE :missed END",
        holder=holder, drill=drill, answer=answer, now=now, right=DRILLS[drill].facts.right,
        known=now - RIGHT_RESTS_SECONDS, missed=now - WRONG_RESTS_SECONDS,
    )  # fmt: skip
