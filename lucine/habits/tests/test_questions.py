"""The questions: as many as promised, from official sources, in short and simple words, and mostly seen not said."""

import re
from collections import Counter
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

import pytest

from lucine.habits.assessment import QUESTIONS
from lucine.habits.measuring import PROBES
from lucine.habits.scoring import Question, Theme
from lucine.habits.texts import BadText, read_texts

OFFICIAL = {
    "cyber.gouv.fr", "www.cnil.fr", "esante.gouv.fr", "www.cybermalveillance.gouv.fr",
    "www.ordre.pharmacien.fr", "www.ordre-sages-femmes.fr",
}  # fmt: skip
WORDS_MAX = 16  # of a sentence
JARGON = ("token", "cookie", "QR", "phishing", "hameçonnage", "OpenID", "WebAuthn", "MFA", "2FA", "ransomware", "log")
FACTS = [text.facts for text in QUESTIONS.values()]


def share(*measured: str) -> float:
    return sum(one.weight for one in FACTS if one.measured in measured) / sum(one.weight for one in FACTS)


def test_how_many_in_which_themes() -> None:
    assert 32 <= len(FACTS) <= 36
    themes = Counter(one.theme for one in FACTS)
    assert set(themes) == set(get_args(Theme))
    assert min(themes.values()) >= 5
    assert 6 <= sum(one.indispensable for one in FACTS) <= 9


def test_most_of_the_weight_is_seen_not_said_once_cabinet_is_there() -> None:
    assert share("connect") >= 0.34
    assert share("connect", "cabinet") >= 0.70


def test_what_only_time_puts_right_is_something_that_was_seen() -> None:
    assert {name for name, text in QUESTIONS.items() if text.facts.heals} == {
        "own-approvals", "sessions-closed", "waiting-phone",
    }  # fmt: skip
    assert all(one.measured == "connect" for one in FACTS if one.heals)


def test_every_probe_serves_a_question_and_one_only() -> None:
    named = [one.probe for one in FACTS if one.probe]
    assert sorted(named) == sorted(PROBES)
    assert 8 <= len(named) <= 12


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_is_short_and_simple_in_both_languages(name: str) -> None:
    text = QUESTIONS[name]
    for language in ("fr", "en"):
        assert text.titles[language].endswith("?")
        sections = text.sections[language]
        assert len(re.findall(r"[.!?](?:\s|$)", sections["why"])) == 1, "why is one sentence"
        assert len(re.findall(r"[.!?](?:\s|$)", sections["next"])) <= 3
        for said in (text.titles[language], *sections.values()):
            for sentence in re.split(r"(?<=[.?!])\s", said):
                assert len(sentence.split()) <= WORDS_MAX, sentence
            assert not [word for word in JARGON if re.search(rf"\b{word}\b", said)]
            assert not re.search("[\u2019\u00a0]", said), (
                "straight apostrophes and normal spaces: the typesetter curves them"
            )


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_rests_on_an_official_source(name: str) -> None:
    facts = QUESTIONS[name].facts
    assert urlsplit(facts.url).hostname in OFFICIAL
    assert facts.where == "" or facts.where.startswith("/")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("weight: 1", "weight: 6"), ("theme: premises", "theme: garden"), ("minutes: 20", "minutes: soon"),
        ('measured: "no"', 'measured: "maybe"'), ("weight: 1", "weight: 1\nwieght: 1"), ("url: \"https:", "url: \"http:"),
        ("## next", "## then"),
    ],
)  # fmt: skip
def test_a_bad_question_stops_the_build(tmp_path: Path, before: str, after: str) -> None:
    good = (Path(__file__).parent.parent / "questions" / "wifi.md").read_text()
    assert before in good
    (tmp_path / "wifi.md").write_text(good.replace(before, after))
    with pytest.raises(BadText, match="wifi"):
        read_texts(tmp_path, Question, {"why", "next"})
