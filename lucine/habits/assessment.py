"""Her habits: what Lucine sees and what she said, week after week. Private to her; an operator sees only ``bands``."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import get_args

import msgspec

from lucine.safe import Keys, Reader, Transaction, sweep
from lucine.web import House, Refusal
from lucine.web.pages import PARIS

from .measuring import PROBES
from .scoring import (
    Act,
    Answer,
    Given,
    Item,
    Question,
    Shares,
    Theme,
    next_acts,
    next_questions,
    theme_scores,
    well_known,
)
from .scoring import score as score_of
from .scoring import shares as shares_of
from .texts import BadText, Text, read_texts

DAY = 86400
QUESTIONS_MAX_PER_WEEK = 3  # two minutes
ACTS_MAX = 3
SCORES_KEPT_SECONDS = 2 * 365.25 * DAY
BAND_SECONDS = 90 * DAY
BAND_PEOPLE_MIN = 10
BANDS = {"0-39": (0, 39), "40-69": (40, 69), "70-100": (70, 100)}


def _read_questions() -> dict[str, Text[Question]]:
    texts = read_texts(Path(__file__).parent / "questions", Question, {"why", "next"})
    for text in texts.values():
        if (text.facts.measured == "connect") != (text.facts.probe in PROBES):
            raise BadText(f"{text.name}: what Connect measures names a probe, and nothing else does")
        if text.facts.heals and text.facts.measured != "connect":
            raise BadText(f"{text.name}: only what Connect sees of her past heals")
    return texts


QUESTIONS = _read_questions()


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """Where she stands now. ``items``: every question, with what is known. ``score``: shown and kept once it is
    ``well_known``; before, it would tell what was not asked yet. ``themes``: likewise, None before. ``acts``: the best
    next ones; ``asked``: what to ask her this week, ``answered``: how many she has answered in it.
    """

    items: list[Item]
    score: int
    well_known: bool
    themes: dict[Theme, int | None]
    shares: Shares
    acts: list[Act]
    asked: list[Item]
    answered: int


async def assess(db: Reader, now: float, keys: Keys, *, holder: str) -> Assessment:
    """Measure what can be seen, and take her word for the rest."""
    rows = await db.all("SELECT question, answer, at FROM habits_answers WHERE holder = :holder", holder=holder)
    said = {row["question"]: Given(answer=row["answer"], age=max(now - row["at"], 0.0)) for row in rows}
    items = [
        Item(name=name, question=text.facts, given=await _seen(db, now, keys, holder, text.facts) or said.get(name))
        for name, text in QUESTIONS.items()
    ]
    answered = sum(row["at"] >= _monday(now) for row in rows)
    return Assessment(
        items=items, score=score_of(items), well_known=well_known(items), themes=theme_scores(items),
        shares=shares_of(items), acts=next_acts(items, ACTS_MAX),
        asked=next_questions(items, QUESTIONS_MAX_PER_WEEK - answered), answered=answered,
    )  # fmt: skip


async def _seen(db: Reader, now: float, keys: Keys, holder: str, question: Question) -> Given | None:
    if question.measured != "connect":
        return None
    answer = await PROBES[question.probe](db, now, keys, holder)
    return Given(answer=answer, measured=True) if answer else None


async def keep_answer(db: Transaction, now: float, keys: Keys, *, holder: str, question: str, answer: str) -> None:
    """What she says of a habit; the latest word counts. No ledger line: what she says of herself is hers alone.

    Refusal for what is no question, no answer to it, or is measured.
    """
    text = QUESTIONS.get(question)
    if text is None or answer not in get_args(Answer) or (answer == "not_concerned" and not text.facts.skippable):
        words = "Cette réponse n'est pas lisible. Choisissez parmi celles qui sont proposées."
        raise Refusal("invalid_request", words, "no such question, or no such answer to it")
    if await _seen(db, now, keys, holder, text.facts):
        words = "Lucine voit déjà cette réponse par elle-même. Vous n'avez rien à répondre."
        raise Refusal("measured", words, "the habit is measured", status=409)
    await db.run(
        "INSERT INTO habits_answers (holder, question, answer, at) VALUES (:holder, :question, :answer, :now)"
        " ON CONFLICT (holder, question) DO UPDATE SET answer = :answer, at = :now",
        holder=holder, question=question, answer=answer, now=now,
    )  # fmt: skip


# ---- Week after week ----


def week_of(now: float) -> str:
    """The week in Paris, as ``2026-W48`` (ISO 8601): in their order, weeks are in alphabetical order."""
    year, week, _ = datetime.fromtimestamp(now, PARIS).isocalendar()
    return f"{year}-W{week:02}"


def _monday(now: float) -> float:
    today = datetime.fromtimestamp(now, PARIS).replace(hour=0, minute=0, second=0, microsecond=0)
    return (today - timedelta(days=today.weekday())).timestamp()


async def keep_score(db: Transaction, now: float, *, holder: str, assessment: Assessment) -> None:
    """Her score of this week, as it stands now; none while too little is known."""
    if not assessment.well_known:
        return
    await db.run(
        "INSERT INTO habits_scores (holder, week, score) VALUES (:holder, :week, :score)"
        " ON CONFLICT (holder, week) DO UPDATE SET score = :score",
        holder=holder, week=week_of(now), score=assessment.score,
    )  # fmt: skip


async def scores_of(db: Reader, now: float, *, holder: str, weeks: int) -> list[tuple[str, int]]:
    """Her weeks and their scores, oldest first. Weeks in which she did not come have none."""
    rows = await db.all(
        "SELECT week, score FROM habits_scores WHERE holder = :holder AND week > :since ORDER BY week",
        holder=holder, since=week_of(now - weeks * 7 * DAY),
    )  # fmt: skip
    return [(row["week"], row["score"]) for row in rows]


async def forget_old_scores(house: House, now: float) -> bool:
    """Scores of more than two years, whoever's; whether more may be left."""
    return await sweep(house.db, "habits_scores", "holder, week", "week < :old", old=week_of(now - SCORES_KEPT_SECONDS))


# ---- For the operator ----


async def bands(db: Reader, now: float) -> dict[str, int | None]:
    """How many people's latest score, of the last 90 days, is in each band of BANDS. See ``hide``."""
    row = await db.one(
        "SELECT " + ", ".join(
            f'SUM(CASE WHEN score BETWEEN {low} AND {high} THEN 1 ELSE 0 END) AS "{name}"'
            for name, (low, high) in BANDS.items()
        ) + " FROM habits_scores AS latest WHERE week >= :since"
        " AND week = (SELECT MAX(week) FROM habits_scores WHERE holder = latest.holder)",
        since=week_of(now - BAND_SECONDS),
    )  # fmt: skip
    return hide([int((row[name] if row else None) or 0) for name in BANDS])


def hide(counts: Sequence[int]) -> dict[str, int | None]:
    """The counts as an operator may see them: None for a band of fewer than BAND_PEOPLE_MIN people."""
    return {name: count if count >= BAND_PEOPLE_MIN else None for name, count in zip(BANDS, counts, strict=True)}
