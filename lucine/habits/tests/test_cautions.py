"""What looks wrong among her answers is asked of her, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucine.habits.cautions import CLOCKS, CONTRADICTED, UNTOUCHED, warnings_for
from lucine.habits.duties import PATH_DUTIES
from lucine.habits.facts import QUESTIONS, Facts
from lucine.habits.zones import PLACES, moment_of
from lucine.web.languages import typeset

from .test_deadlines import moments, some_facts

PARIS = "Europe/Paris"
OPENED = moment_of("2026-11-27T18:00", PARIS)
DAY = 86400


def warned(facts: Facts, path: str = "files-locked", language: str = "fr", zone: str = PARIS) -> list[str]:
    return warnings_for(path, facts, OPENED, zone=zone, language=language)


def french(*sentences: str) -> list[str]:
    return [typeset("fr", sentence) for sentence in sentences]


@pytest.mark.parametrize("path", PATH_DUTIES)
def test_nothing_touched_says_what_that_takes_out_of_the_list(path: str) -> None:
    assert warned(Facts(touched="no"), path) == french(UNTOUCHED)
    for answer in ("", "yes", "unknown"):
        assert warned(Facts(touched=answer), path) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("other", [Facts(data=["nir"]), Facts(severity="maximal"), Facts(high_risk="yes")])
def test_nothing_touched_and_yet_something_is_a_contradiction(other: Facts) -> None:
    both = Facts(touched="no", data=other.data, severity=other.severity, high_risk=other.high_risk)
    assert warned(both) == french(UNTOUCHED, CONTRADICTED)
    assert warned(other) == []


@pytest.mark.parametrize("name", CLOCKS)
def test_a_date_of_another_year_is_asked_again_with_its_year_and_its_question(name: str) -> None:
    (sentence,) = warned(Facts(**{name: moment_of("2025-11-27T08:10", PARIS)}))
    said = f"{QUESTIONS[name].label} Vous avez écrit : jeudi 27 novembre 2025, 08:10. Est-ce la bonne année ?"
    assert sentence.replace("\u00a0", " ").replace("\u2019", "'") == said


@pytest.mark.parametrize(("days", "many"), [(0, 0), (29.9, 0), (30, 0), (30.1, 1), (365, 1), (-1, 0)])
def test_thirty_days_before_it_was_opened_is_long_ago(days: float, many: int) -> None:
    assert len(warned(Facts(aware_at=OPENED - days * DAY))) == many


def test_knowing_before_it_began_is_asked_again_once() -> None:
    began = OPENED - 3600
    for name in ("known_at", "aware_at"):
        (sentence,) = warned(Facts(began_at=began, **{name: began - 60}))
        assert "avant le début" in sentence
        assert warned(Facts(began_at=began, **{name: began})) == []
        (sentence,) = warned(Facts(began_at=began, **{name: began - 365 * DAY}))
        assert "année" in sentence
    assert warned(Facts(began_at=began, notified_at=began - 60, processor_at=began - 60)) == []


def test_the_hour_is_that_of_her_clocks_and_the_words_are_those_of_her_language() -> None:
    old = Facts(aware_at=moment_of("2025-11-27T08:10", PARIS))
    assert "11:10" in warned(old, zone="Indian/Reunion")[0]
    english = warned(old, language="en")[0]
    assert "Thursday" in english
    assert "2025" in english


@given(
    path=st.sampled_from(sorted(PATH_DUTIES)), facts=some_facts, opened_at=moments, zone=st.sampled_from(sorted(PLACES))
)
def test_no_answers_make_it_fail_and_unknown_ones_are_no_reason_to_warn(
    path: str, facts: Facts, opened_at: float, zone: str
) -> None:
    for sentence in warnings_for(path, facts, opened_at, zone=zone, language="fr"):
        assert "%(" not in sentence
        assert "unknown" not in sentence
