"""The barometer: two questions once a quarter, of which counters are all that is kept.

An answer raises six counters (two questions; all of France, her profession, her department), none of which stands for
two facts at once: not her profession and her department, not one answer and the other. Beside them ``habits_counted``
says that she answered this quarter, without a time; no ledger line is written. All counters of a quarter are one
value, written anew as a whole and in one order: neither its place nor its age in the database tells who raised what.

What a copy of the database tells: who answered this quarter, and how many gave each answer in each group. In a group
of one, that is her answer. Two copies tell by their difference what those answered who came in between; if she was
alone, her answers. So does the database's own log, and a backup, as long as they are kept. Nothing of that leaves this
room: what does is made once a quarter, with noise (``release``), and then these counters are deleted.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

import msgspec

from lucine.directory import find_professional
from lucine.phone.holders import find_holder
from lucine.safe import Reader, Transaction
from lucine.web import Refusal
from lucine.web.pages import PARIS

from .groups import GROUPS, groups_of

QUESTIONS = {"attacked": ("yes", "no", "unsure"), "masters": ("yes", "partly", "no")}
MONTHS = 3


def cell(breakdown: str, group: str, question: str, answer: str) -> str:
    """The name of a counter."""
    return f"{breakdown}/{group}/{question}/{answer}"


def cells_of(breakdown: str) -> list[str]:
    """Every counter of a breakdown that there can be, whatever was answered, in one order."""
    return [
        cell(breakdown, group, question, answer)
        for group in GROUPS[breakdown]
        for question, answers in QUESTIONS.items()
        for answer in answers
    ]


def period_of(now: float) -> str:
    """The quarter in Paris, for example 2026-Q4. Later quarters sort after earlier ones."""
    day = datetime.fromtimestamp(now, PARIS).date()
    return f"{day.year}-Q{(day.month + 2) // MONTHS}"


async def has_answered(db: Reader, now: float, *, holder: str) -> bool:
    """Whether she was counted this quarter."""
    row = await db.one(
        "SELECT period FROM habits_counted WHERE holder = :holder AND period = :period",
        holder=holder, period=period_of(now),
    )  # fmt: skip
    return row is not None


async def answer_barometer(db: Transaction, now: float, *, holder: str, attacked: str, masters: str) -> None:
    """Count her answers. Refusal if one of them is none, or if she was counted this quarter."""
    said, period = {"attacked": attacked, "masters": masters}, period_of(now)
    for question, answers in QUESTIONS.items():
        if said[question] not in answers:
            raise Refusal("invalid_request", "Répondez aux deux questions.", f"answer to {question}")
    if not await db.run(
        "INSERT INTO habits_counted (holder, period) VALUES (:holder, :period) ON CONFLICT (holder, period) DO NOTHING",
        holder=holder, period=period,
    ):  # fmt: skip
        raise Refusal("already", "Vous avez déjà répondu ce trimestre. Merci.", "counted this quarter", status=409)
    groups = groups_of(await find_professional(db, (await find_holder(db, holder)).national_id))
    await count_answers(db, period, [(groups, said)])


async def count_answers(db: Transaction, period: str, answers: Iterable[tuple[dict[str, str], dict[str, str]]]) -> None:
    """Raise the counters of a quarter. Each of ``answers``: somebody's groups, and what she said to each question."""
    raised = [
        cell(breakdown, group, question, said[question])
        for groups, said in answers
        for breakdown, group in groups.items()
        for question in QUESTIONS
    ]
    await open_period(db, period)
    # Whoever answers at the same time waits here, and then reads what this one wrote.
    row = await db.one(
        "UPDATE habits_barometer SET counts = counts WHERE period = :period RETURNING counts", period=period
    )
    assert row is not None
    counts = Counter(read_counts(row["counts"])) + Counter(raised)
    await db.run(
        "UPDATE habits_barometer SET counts = :counts WHERE period = :period",
        counts=msgspec.json.encode(counts, order="sorted").decode(), period=period,
    )  # fmt: skip


async def open_period(db: Transaction, period: str) -> None:
    """The counters of a quarter, at zero, unless they are there. Its row is what a release is made from later."""
    await db.run(
        "INSERT INTO habits_barometer (period, counts) VALUES (:period, '{}') ON CONFLICT (period) DO NOTHING",
        period=period,
    )


def read_counts(text: str) -> dict[str, int]:
    return msgspec.json.decode(text, type=dict[str, int])
