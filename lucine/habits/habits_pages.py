"""Her habits, as pages: where she stands, what to do first, this week's questions, and a paper of it all."""

from collections import Counter
from datetime import date
from typing import Any

import msgspec
from babel.dates import format_date
from starlette.responses import Response

from lucine.phone.holders import find_holder
from lucine.signin.authorize_page import begin_own
from lucine.web import Door, Refusal, Visit, anyone, page
from lucine.web.languages import typeset
from lucine.web.pages import as_file, redirect
from lucine.web.turns import turn

from .assessment import QUESTIONS, QUESTIONS_MAX_PER_WEEK, Assessment, assess, keep_answer, keep_score, scores_of
from .barometer import answer_barometer, has_answered
from .cards import card_for
from .habit_words import ANSWERS, THEMES, verdict
from .papers import PAPERS_AT_ONCE, pdf_of
from .people import Person, known_person, person_of
from .report import report_of
from .scoring import Item

PATH = "/habits"
QUESTIONS_PATH = f"{PATH}/questions"
WEEKS = 26  # of the trend
CURVE_WIDTH, CURVE_HEIGHT, CURVE_EDGE = 300, 64, 6


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """The trend, drawn: the points of a line, where its last one is, and what it says in words."""

    points: str
    x: float
    y: float
    scores: list[int]
    since: str


def curve_of(scores: list[tuple[str, int]], language: str) -> Curve | None:
    """None before a second week: one point says nothing. Weeks without a score are passed over, not invented."""
    if len(scores) < 2:
        return None
    mondays = [_monday_of(week) for week, _ in scores]
    days = (mondays[-1] - mondays[0]).days
    across, down = CURVE_WIDTH - 2 * CURVE_EDGE, CURVE_HEIGHT - 2 * CURVE_EDGE
    places = [
        (
            CURVE_EDGE + round(across * (monday - mondays[0]).days / days, 1),
            CURVE_EDGE + round(down * (1 - score / 100), 1),
        )
        for monday, (_, score) in zip(mondays, scores, strict=True)
    ]
    return Curve(
        points=" ".join(f"{x},{y}" for x, y in places), x=places[-1][0], y=places[-1][1],
        scores=[score for _, score in scores], since=format_date(mondays[0], "d MMMM", locale=language),
    )  # fmt: skip


def _monday_of(week: str) -> date:
    year, _, number = week.partition("-W")
    return date.fromisocalendar(int(year), int(number), 1)


async def _assess_and_keep(visit: Visit, person: Person) -> Assessment:
    house = visit.house
    assessment = await assess(house.db, visit.now, house.keys, holder=person.holder)
    async with house.db.transaction() as db:
        await keep_score(db, visit.now, holder=person.holder, assessment=assessment)
    return assessment


async def show_habits(visit: Visit, _: None) -> Response:
    person = await person_of(visit)
    if person is None:
        return await begin_own(visit, PATH)
    assessment = await _assess_and_keep(visit, person)
    scores = await scores_of(visit.house.db, visit.now, holder=person.holder, weeks=WEEKS)
    items = {item.name: item for item in assessment.items}
    waiting = Counter(item.question.theme for item in assessment.items if item.given is None)
    return page(
        visit, "habits/habits.html", assessment=assessment, curve=curve_of(scores, visit.language),
        verdict=verdict(assessment.score), weekly=QUESTIONS_MAX_PER_WEEK,
        counted=await has_answered(visit.house.db, visit.now, holder=person.holder),
        card=await card_for(visit, person), themes=THEMES, answers=ANSWERS,
        done=visit.query().get("done"), question=_shown(visit, assessment.asked[0]) if assessment.asked else None,
        left=sum(item.given is None or item.half_gone for item in assessment.items), waiting=waiting,
        acts=[{**_shown(visit, items[act.name]), "gain": round(act.gain), "minutes": act.minutes}
              for act in assessment.acts],
    )  # fmt: skip


async def show_questions(visit: Visit, _: None) -> Response:
    person = await person_of(visit)
    if person is None:
        return await begin_own(visit, QUESTIONS_PATH)
    assessment = await _assess_and_keep(visit, person)
    shown = [_shown(visit, item) for item in assessment.items]
    shown.sort(key=lambda one: (not one["item"].question.indispensable, -one["item"].question.weight, one["name"]))
    return page(
        visit, "habits/questions.html", assessment=assessment, themes=THEMES, answers=ANSWERS,
        done=visit.query().get("done"),
        by_theme={theme: [one for one in shown if one["item"].question.theme == theme] for theme in THEMES},
    )  # fmt: skip


def _shown(visit: Visit, item: Item) -> dict[str, Any]:
    text = QUESTIONS[item.name]
    return {
        "name": item.name, "item": item, "title": text.title(visit.language),
        "why": text.html(visit.language, "why"), "next": text.html(visit.language, "next"),
        "source": typeset(visit.language, item.question.source),
    }  # fmt: skip


async def answer_question(visit: Visit, person: Person) -> Response:
    """Keep her word, and renew this week's score."""
    form, house = await visit.form(), visit.house
    question, back = form.get("question", ""), form.get("back", "")
    if back not in ("", "questions"):
        raise Refusal("invalid_request", "Cette demande n'est pas lisible.", "back")
    async with house.db.transaction() as db:
        await keep_answer(
            db, visit.now, house.keys, holder=person.holder, question=question, answer=form.get("answer", "")
        )  # fmt: skip
        assessment = await assess(db, visit.now, house.keys, holder=person.holder)
        await keep_score(db, visit.now, holder=person.holder, assessment=assessment)
    return redirect(f"{QUESTIONS_PATH}?done={question}#q-{question}" if back else f"{PATH}?done=answer#week")


async def give_report(visit: Visit, _: None) -> Response:
    """Where she stands, as a paper for an insurer or the Order. Only she hands it on."""
    person = await person_of(visit)
    if person is None or not person.proven:  # a phone may lie unlocked in somebody's hand
        return await begin_own(visit, PATH)
    with turn(visit.house, "paper", person.holder, PAPERS_AT_ONCE):
        holder = await find_holder(visit.house.db, person.holder)
        assessment = await _assess_and_keep(visit, person)
        made = await pdf_of(report_of(assessment, visit.now, name=holder.name, language=visit.language))
    return Response(made, media_type="application/pdf", headers=as_file("lucine-habitudes.pdf"))


async def take_barometer(visit: Visit, person: Person) -> Response:
    """The two questions of the quarter."""
    form = await visit.form()
    async with visit.house.db.transaction() as db:
        await answer_barometer(
            db, visit.now, holder=person.holder, attacked=form.get("attacked", ""), masters=form.get("masters", "")
        )
    return redirect(f"{PATH}#barometer")


DOORS = [
    Door(method="GET", path=PATH, guard=anyone, act=show_habits),
    Door(method="POST", path=f"{PATH}/answers", guard=known_person, act=answer_question),
    Door(method="GET", path=QUESTIONS_PATH, guard=anyone, act=show_questions),
    Door(method="GET", path=f"{PATH}/report.pdf", guard=anyone, act=give_report),
    Door(method="POST", path=f"{PATH}/barometer", guard=known_person, act=take_barometer),
]
