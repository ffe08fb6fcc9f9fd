"""Duties: who is told, in which order, on which condition; what nobody asks for is never called a duty."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucine.habits.documents import PAPERS, build
from lucine.habits.dossier import Case, Professional
from lucine.habits.duties import (
    ASSUMED,
    BODIES,
    CONDITIONS,
    PATH_DUTIES,
    SHOWN_FIRST,
    TO_BE_FILED,
    Duty,
    duties_for,
    told_by_answers,
)
from lucine.habits.facts import QUESTIONS, Facts
from lucine.habits.papers import as_text

from .test_deadlines import moments, some_facts

OPENED = 1_795_600_000.0  # 25 November 2026, 10:46 in Paris
PARIS = "Europe/Paris"
paths = st.sampled_from(sorted(PATH_DUTIES))
# The words that make a duty of something.
COMPELS = re.compile(r"oblig|impos|devez|doit\b|faut|exige|compulsory|must|72|délai|sous peine", re.IGNORECASE)


def duties(path: str, facts: Facts | None = None) -> dict[str, Duty]:
    return {duty.id: duty for duty in duties_for(path, facts or Facts(), OPENED, PARIS)}


def test_every_path_of_the_room_has_its_duties() -> None:
    folder = Path(__file__).parents[1] / "paths"
    assert sorted(path.stem for path in folder.glob("*.md")) == sorted(PATH_DUTIES)
    named = {name for path in PATH_DUTIES.values() for name in (*path.at_once, *path.then)}
    assert named == set(BODIES)
    assert {need for body in BODIES.values() for need in body.needs} == set(CONDITIONS)


@given(path=paths, facts=some_facts, opened_at=moments)
def test_the_order_is_that_of_urgency(path: str, facts: Facts, opened_at: float) -> None:
    found = duties_for(path, facts, opened_at, PARIS)
    at_once = [duty.at_once for duty in found]
    hours = [duty.due_at for duty in found if duty.due_at is not None]
    assert at_once == sorted(at_once, reverse=True)
    assert hours == sorted(hours)
    dated = [duty.due_at is not None for duty in found if not duty.at_once]
    assert dated == sorted(dated, reverse=True)
    assert len({duty.id for duty in found}) == len(found)
    assert not any(duty.at_once and duty.due_at is not None for duty in found)


@given(path=paths, facts=some_facts, opened_at=moments)
def test_what_has_an_hour_is_among_the_first_seven(path: str, facts: Facts, opened_at: float) -> None:
    found = duties_for(path, facts, opened_at, PARIS)
    assert all(duty.due_at is None for duty in found[SHOWN_FIRST:])
    assert all(duty.at_once is False for duty in found[SHOWN_FIRST:])


@given(path=paths, facts=some_facts, opened_at=moments)
def test_the_cert_is_voluntary_last_and_without_hour(path: str, facts: Facts, opened_at: float) -> None:
    found = duties_for(path, facts, opened_at, PARIS)
    for number, duty in enumerate(found):
        if duty.id == "cert":
            assert (duty.voluntary, duty.due_at, duty.at_once, duty.notes) == (True, None, False, [])
            assert number == len(found) - 1
    assert all(duty.voluntary == (duty.id == "cert") for duty in found)


def test_no_word_about_the_cert_makes_a_duty_of_it() -> None:
    cert = BODIES["cert"]
    assert not COMPELS.search(" ".join([cert.to, cert.why, *cert.how]))
    ana = Professional(name="Ana", rpps="1", siret="")
    for path in PATH_DUTIES:
        paper = as_text(
            build("cert", Case(path=path, facts=Facts(), opened_at=OPENED, now=OPENED, zone=PARIS, professional=ana))
        )
        assert "volontaire" in paper
        assert not COMPELS.search(paper), path


@pytest.mark.parametrize(("facts", "kept", "gone"), [
    (Facts(touched="no"), {"complaint"}, {"cnil", "register", "patients", "cnil-followup"}),
    (Facts(attack="no"), {"cnil"}, {"complaint", "complaint-free"}),
    (Facts(insured="no"), {"complaint-free", "cnil"}, {"complaint", "insurer"}),
    (Facts(attack="no", insured="no"), {"cnil"}, {"complaint", "complaint-free", "insurer"}),
    (Facts(high_risk="no"), {"cnil", "register"}, {"patients"}),
    (Facts(high_risk="yes", spared="unreadable"), {"cnil", "register"}, {"patients"}),
    (Facts(high_risk="yes", spared="removed"), {"cnil", "register"}, {"patients"}),
    (Facts(high_risk="yes", spared="effort"), {"patients"}, set()),
    (Facts(notified="initial"), {"cnil-followup", "register"}, {"cnil"}),
    (Facts(notified="complete"), {"register"}, {"cnil", "cnil-followup"}),
    (Facts(notified="nothing"), {"cnil"}, {"cnil-followup"}),
])  # fmt: skip
def test_an_answer_ends_a_duty_or_opens_another(facts: Facts, kept: set[str], gone: set[str]) -> None:
    found = set(duties("files-locked", facts))
    assert kept <= found
    assert not gone & found


@pytest.mark.parametrize("answer", ["", "unknown"])
def test_an_answer_that_is_missing_keeps_the_duty_and_says_on_what_it_depends(answer: str) -> None:
    found = duties("files-locked", Facts(touched=answer, attack=answer, insured=answer, high_risk=answer))  # type: ignore[arg-type]
    assert found["cnil"].notes == ["Seulement si des données de patientes sont touchées.", ASSUMED]
    assert found["complaint"].notes == [
        "Seulement si c'est une attaque.", "Seulement si vous êtes assurée contre les attaques informatiques.", ASSUMED,
    ]  # fmt: skip
    assert found["patients"].notes[-1] == "Seulement si le risque pour ces personnes est élevé."
    assert not found["patients"].at_once
    assert found["cnil"].due_at == OPENED + 72 * 3600


def test_a_known_answer_leaves_no_condition() -> None:
    sure = Facts(touched="yes", attack="yes", insured="yes", high_risk="yes", aware_at=OPENED, known_at=OPENED - 9,
                 assessed_at=OPENED + 60)  # fmt: skip
    found = duties("files-locked", sure)
    assert all(duty.notes == [] for duty in found.values())
    assert found["complaint"].due_at == OPENED - 9 + 72 * 3600
    assert found["patients"].at_once


def test_every_known_body_of_an_identity_theft_is_told_at_once() -> None:
    assert [duty.id for duty in duties_for("approved", Facts(), OPENED, PARIS) if duty.at_once] == [
        "desk",
        "services",
        "order",
    ]
    assert next(duty.id for duty in duties_for("false-invoices", Facts(), OPENED, PARIS) if duty.at_once) == "insurance"
    assert list(duties("wrong-recipient")) == ["register", "cnil", "patients"]
    assert "desk" not in duties("files-locked")
    assert "complaint" not in duties("phone-lost")


def test_what_concerns_every_breach_is_on_every_path() -> None:
    for path in PATH_DUTIES:
        assert {"cnil", "register", "patients"} <= set(duties(path)), path


def test_the_ways_to_reach_them_are_those_of_the_facts() -> None:
    contacts = {name: [contact.value for contact in body.contacts] for name, body in BODIES.items() if body.contacts}
    assert contacts == {
        "desk": ["0 806 800 213", "monserviceclient.e-cps@esante.gouv.fr"], "help": ["17cyber.gouv.fr", "France Victimes : 116 006"],
        "insurance": ["36 08"], "order": ["ordre-sages-femmes.fr"], "cnil": ["cnil.fr"], "cnil-followup": ["cnil.fr"],
        "cert": ["cyberveille.esante.gouv.fr"],
    }  # fmt: skip
    for body in BODIES.values():
        for contact in body.contacts:
            link = urlsplit(contact.href)
            assert link.scheme == {"phone": "tel", "mail": "mailto", "site": "https"}[contact.kind]
            if contact.kind == "phone":
                assert re.sub(r"\D", "", contact.href).removeprefix("33") == re.sub(
                    r"\D", "", contact.value
                ).removeprefix("0")
            elif contact.kind == "site":
                assert link.netloc.removeprefix("www.") == contact.value
            else:
                assert link.path == contact.value


@given(path=paths, facts=some_facts, opened_at=moments)
def test_only_the_day_of_the_register_is_no_hour_of_the_law(path: str, facts: Facts, opened_at: float) -> None:
    for duty in duties_for(path, facts, opened_at, PARIS):
        assert duty.legal == (duty.id != "register")
        assert duty.due_at is None or duty.id in ("cnil", "cnil-followup", "register", "complaint")


@pytest.mark.parametrize(("facts", "done"), [
    (Facts(), set()),
    (Facts(authorities=["ans"]), {"desk"}),
    (Facts(authorities=["order", "cpam"]), {"order", "insurance"}),
    (Facts(authorities=["insurer", "cert"]), {"insurer", "cert"}),
    (Facts(authorities=["police"]), {"complaint-free", "fraud", "theft"}),
    (Facts(authorities=["prosecutor"]), {"complaint-free", "fraud", "theft"}),
    (Facts(taken=["complaint"]), {"complaint", "complaint-free", "fraud", "theft"}),
    (Facts(taken=["editor", "passwords"]), {"editor"}),
    (Facts(informed="yes"), {"patients"}),
    (Facts(informed="yes", informed_share="all"), {"patients"}),
    (Facts(informed="yes", informed_share="some"), set()),
    (Facts(informed="will"), set()),
])  # fmt: skip
def test_who_she_says_is_told_is_told(facts: Facts, done: set[str]) -> None:
    assert told_by_answers(facts) == done


def test_every_body_that_she_can_tick_ends_a_duty() -> None:
    for code, label in QUESTIONS["authorities"].choices:
        assert told_by_answers(Facts(authorities=[code])), label  # type: ignore[list-item]
    assert told_by_answers(Facts()) <= set(BODIES)


def test_a_word_to_the_police_is_no_complaint_where_the_insurance_counts() -> None:
    told = duties("files-locked", Facts(attack="yes", insured="yes", authorities=["police"]))["complaint"]
    assert TO_BE_FILED in told.notes
    assert told.due_at == OPENED + 72 * 3600
    filed = duties("files-locked", Facts(attack="yes", insured="yes", authorities=["police"], taken=["complaint"]))
    assert TO_BE_FILED not in filed["complaint"].notes
    assert TO_BE_FILED not in duties("files-locked", Facts(attack="yes"))["complaint"].notes


def test_every_paper_that_a_duty_names_can_be_written_and_every_paper_is_named() -> None:
    assert {body.paper for body in BODIES.values()} - {None} == set(PAPERS)
