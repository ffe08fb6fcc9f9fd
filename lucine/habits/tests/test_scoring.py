"""The score: it never pays to say "I don't know", what is indispensable caps it, and nothing good lowers it."""

from typing import Any, get_args

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from lucine.habits.scoring import (
    MONTH_SECONDS,
    Answer,
    Given,
    Item,
    Question,
    Shares,
    Theme,
    exact_score,
    next_acts,
    next_questions,
    score,
    shares,
    theme_scores,
    well_known,
)

ANSWERS = get_args(Answer)
BETTER = [("no", "partly"), ("partly", "yes"), ("no", "yes"), ("unknown", "partly"), ("unknown", "yes")]

questions = st.builds(
    Question,
    theme=st.sampled_from(get_args(Theme)),
    weight=st.integers(1, 5),
    indispensable=st.booleans(),
    minutes=st.integers(1, 240),
    months=st.integers(1, 24),
    measured=st.sampled_from(["connect", "cabinet", "no"]),
    source=st.just("ANSSI"),
    url=st.just("https://cyber.gouv.fr"),
    skippable=st.booleans(),
    heals=st.booleans(),
)
ages = st.floats(0, 10 * 365 * 86400)


@st.composite
def givens(draw: Any) -> Given | None:
    if draw(st.booleans()):
        return None
    if draw(st.booleans()):
        return Given(answer=draw(st.sampled_from(["yes", "partly", "no"])), measured=True)
    return Given(answer=draw(st.sampled_from(ANSWERS)), age=draw(ages))


@st.composite
def lists_of_items(draw: Any) -> list[Item]:
    made = draw(st.lists(st.tuples(questions, givens()), min_size=1, max_size=12))
    return [Item(name=f"q{place:02}", question=question, given=given) for place, (question, given) in enumerate(made)]


def with_given(items: list[Item], place: int, given: Given | None) -> list[Item]:
    return [*items[:place], msgspec.structs.replace(items[place], given=given), *items[place + 1 :]]


def question(**more: Any) -> Question:
    facts = {
        "theme": "identity", "weight": 1, "indispensable": False, "minutes": 5, "months": 6, "measured": "no",
        "source": "ANSSI", "url": "https://cyber.gouv.fr",
    }  # fmt: skip
    return Question(**{**facts, **more})


@given(lists_of_items())
def test_scores_are_between_0_and_100(items: list[Item]) -> None:
    assert 0 <= score(items) <= 100
    assert all(0 <= one <= 100 for one in theme_scores(items).values() if isinstance(one, int))


@given(lists_of_items(), st.randoms(use_true_random=False))
def test_the_order_of_questions_does_not_matter(items: list[Item], chance: Any) -> None:
    shuffled = chance.sample(items, len(items))
    assert exact_score(shuffled) == exact_score(items)
    assert theme_scores(shuffled) == theme_scores(items)
    assert shares(shuffled) == shares(items)
    assert next_acts(shuffled, 5) == next_acts(items, 5)
    assert next_questions(shuffled, 5) == next_questions(items, 5)


@given(lists_of_items(), st.data())
def test_a_better_answer_never_lowers_a_score(items: list[Item], data: Any) -> None:
    place, age = data.draw(st.integers(0, len(items) - 1)), data.draw(ages)
    worse, better = (
        with_given(items, place, Given(answer=answer, age=age)) for answer in data.draw(st.sampled_from(BETTER))
    )
    assert exact_score(worse) <= exact_score(better)
    assert score(worse) <= score(better)
    theme = items[place].question.theme
    before, after = theme_scores(worse)[theme], theme_scores(better)[theme]
    if isinstance(before, int):
        assert isinstance(after, int)
        assert before <= after


@given(lists_of_items())
def test_a_theme_has_a_score_once_half_of_its_weight_is_known(items: list[Item]) -> None:
    for theme, said in theme_scores(items).items():
        own = [item for item in items if item.question.theme == theme]
        assert (said is None) is (not well_known(own))
        if any(item.counts for item in own):
            assert well_known(own) is (shares_of_weight(own) >= 0.5)
        else:
            assert said is None, "nothing of it concerns her"


def shares_of_weight(items: list[Item]) -> float:
    """The part of the weight that concerns her for which there is an answer other than "I don't know"."""
    weights = [(item.question.weight, item.known) for item in items if item.counts]
    return sum(weight for weight, known in weights if known) / sum(weight for weight, _ in weights)


@given(lists_of_items(), st.floats(0, 5 * 365 * 86400))
def test_time_never_raises_a_score(items: list[Item], later: float) -> None:
    older = [
        msgspec.structs.replace(
            item, given=item.given and msgspec.structs.replace(item.given, age=item.given.age + later)
        )
        for item in items
    ]
    assert exact_score(older) <= exact_score(items)


@given(lists_of_items(), ages)
def test_what_is_measured_does_not_age(items: list[Item], later: float) -> None:
    seen = [msgspec.structs.replace(item, given=Given(answer="yes", measured=True, age=0.0)) for item in items]
    older = [msgspec.structs.replace(item, given=Given(answer="yes", measured=True, age=later)) for item in items]
    assert exact_score(older) == exact_score(seen) == 100.0
    assert next_questions(older, 9) == []


@given(lists_of_items(), st.data())
def test_not_to_know_is_worth_what_no_answer_and_what_no_is_worth(items: list[Item], data: Any) -> None:
    place, age = data.draw(st.integers(0, len(items) - 1)), data.draw(ages)
    unanswered = exact_score(with_given(items, place, None))
    assert exact_score(with_given(items, place, Given(answer="unknown", age=age))) == unanswered
    assert exact_score(with_given(items, place, Given(answer="no", age=age))) == unanswered


@given(lists_of_items(), st.data())
def test_only_what_may_not_concern_her_leaves_the_sum(items: list[Item], data: Any) -> None:
    place = data.draw(st.integers(0, len(items) - 1))
    skipped = with_given(items, place, Given(answer="not_concerned"))
    without = exact_score([*items[:place], *items[place + 1 :]])
    expected = without if items[place].question.skippable else exact_score(with_given(items, place, None))
    assert exact_score(skipped) == expected


@given(lists_of_items())
def test_a_missing_indispensable_habit_caps_the_score(items: list[Item]) -> None:
    counted = [item for item in items if item.counts]
    needed = [item for item in counted if item.question.indispensable]
    if not needed:
        return
    whole = sum(item.question.weight for item in needed)
    missing = sum(item.question.weight for item in needed if item.worth == 0)
    assert score(items) <= 100 * (whole - missing) / whole


def test_the_cap_holds_when_all_else_is_in_order() -> None:
    """Of indispensable habits that weigh 5 and 3, the second is missing: 5/8 of 100, whatever else she does."""
    done = Given(answer="yes")
    items = [
        Item(name="a", question=question(indispensable=True, weight=5), given=done),
        Item(name="b", question=question(indispensable=True, weight=3), given=Given(answer="no")),
        *(Item(name=f"c{place}", question=question(weight=5), given=done) for place in range(20)),
    ]
    assert score(items) == 62
    assert score(with_given(items, 1, done)) == 100
    assert score([items[0], with_given(items, 1, done)[1]]) == 100, "a theme without recommended habits"
    assert score([msgspec.structs.replace(item, given=None) for item in items[2:]]) == 0


def test_without_any_recommended_habit_the_indispensable_ones_give_60() -> None:
    items = [
        Item(name="a", question=question(indispensable=True), given=Given(answer="yes")),
        Item(name="b", question=question(), given=None),
    ]
    assert score(items) == 60


def test_what_was_declared_halves_every_so_many_months() -> None:
    item = Item(name="a", question=question(months=6))
    for months, worth in ((0, 1.0), (6, 0.5), (12, 0.25)):
        given = Given(answer="yes", age=months * MONTH_SECONDS)
        aged = msgspec.structs.replace(item, given=given)
        assert abs(aged.worth - worth) < 1e-9
        assert aged.half_gone == (months >= 6)
    assert msgspec.structs.replace(item, given=Given(answer="yes", age=-5.0)).worth == 1.0, "a clock that went back"


@given(lists_of_items())
def test_shares_are_a_whole(items: list[Item]) -> None:
    parts = shares(items)
    assert parts.measured + parts.declared + parts.unknown == 100
    assert min(parts.measured, parts.declared, parts.unknown) >= 0
    if all(item.given is None for item in items):
        assert parts.unknown == 100


def test_shares_tell_apart_what_was_seen_what_was_said_and_what_is_not_known() -> None:
    given: list[Given | None] = [
        Given(answer="no", measured=True), Given(answer="yes"), Given(answer="unknown"), None,
    ]  # fmt: skip
    items = [
        Item(name=f"q{place}", question=question(weight=weight), given=one)
        for place, (one, weight) in enumerate(zip(given, (5, 2, 2, 1), strict=True))
    ]
    assert shares(items) == Shares(50, 20, 30)


@settings(max_examples=200)
@given(lists_of_items(), st.integers(0, 6))
def test_the_next_act_adds_most_for_a_minute(items: list[Item], most: int) -> None:
    acts = next_acts(items, most)
    assert len(acts) <= most
    open_ones = {
        item.name for item in items
        if item.counts and item.given is not None and item.given.answer in ("partly", "no", "unknown")
        and not item.question.heals
    }  # fmt: skip
    assert {act.name for act in acts} <= open_ones
    assert all(act.gain >= 0 for act in acts)
    rates = [act.gain / act.minutes for act in acts]
    assert rates == sorted(rates, reverse=True)
    if most >= len(open_ones):
        assert {act.name for act in acts} == open_ones


def test_an_act_says_what_it_adds() -> None:
    items = [
        Item(name="a", question=question(indispensable=True, minutes=10), given=Given(answer="partly")),
        Item(name="b", question=question(weight=3, minutes=1), given=Given(answer="no")),
        Item(name="c", question=question(), given=None),
    ]
    acts = next_acts(items, 5)
    assert [(act.name, round(act.gain), act.minutes) for act in acts] == [("b", 15, 1), ("a", 30, 10)]
    nothing_yet = with_given(items, 0, Given(answer="no"))
    assert [act.name for act in next_acts(nothing_yet, 5)] == ["a", "b"], "the recommended adds nothing to nothing"


def test_what_only_time_puts_right_is_not_offered() -> None:
    items = [
        Item(name="past", question=question(weight=5, minutes=1, heals=True), given=Given(answer="no", measured=True)),
        Item(name="today", question=question(minutes=60), given=Given(answer="no")),
    ]
    assert [act.name for act in next_acts(items, 5)] == ["today"]


@given(lists_of_items(), st.integers(-2, 6))
def test_what_was_never_asked_comes_first_then_what_is_old(items: list[Item], most: int) -> None:
    asked = next_questions(items, most)
    assert len(asked) <= max(most, 0)
    assert all(item.given is None or (item.half_gone and not item.given.measured) for item in asked)
    order = [(item.given is not None, -item.question.weight) for item in asked]
    assert order == sorted(order)
    everything = next_questions(items, len(items))
    assert asked == everything[: max(most, 0)]
