"""Every text of the habits can be read, and the check that says so is not blind."""

from pathlib import Path

import pytest

from . import french

ROOT = Path(__file__).parent.parent
HABITS = ROOT / "lucine" / "habits"
TEXTS = sorted(HABITS.glob("*/*.md"))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_text_can_be_read(path: Path, language: str) -> None:
    found = french.trouble(language, french.read(path)[language])
    assert not found, f"{path.relative_to(ROOT)}, {language}:\n" + "\n".join(found)


def test_the_cards_are_among_them() -> None:
    assert len([path for path in TEXTS if path.parent.name == "cards"]) == 12


def test_a_long_sentence_is_named() -> None:
    (found,) = french.hard_sentences("Court. " + " ".join(["mot"] * 26) + ". Court aussi.")
    assert found.startswith("26 words: mot mot")
    assert french.hard_sentences(" ".join(["mot"] * 25)) == []


@pytest.mark.parametrize("word", ["phishing", "Un token", "vos cookies", "le hameçonnage", "l'URL", "un VPN."])
def test_jargon_is_named(word: str) -> None:
    (found,) = french.hard_sentences(f"Tout va bien. Attention : {word}")
    assert found.startswith("jargon, ")
    assert word.strip(".").split()[-1].lower() in found.lower()


@pytest.mark.parametrize("word", ["spams", "tokenisé", "épiner", "cachette", "un code PINCE"])
def test_words_that_only_hold_jargon_are_not_jargon(word: str) -> None:
    assert french.hard_sentences(f"Voici {word}.") == []


def test_what_the_words_of_the_house_explain_may_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "passkey" in french.explained()
    assert "finess" in french.explained()
    assert french.hard_sentences("Un phishing.")
    monkeypatch.setattr(french, "explained", lambda: {"phishing"})
    assert french.hard_sentences("Un phishing.") == []


def test_long_and_learned_texts_are_hard() -> None:
    hard = (
        "Conformément aux dispositions réglementaires applicables, l'administrateur procède régulièrement à la"
        " vérification méthodologique des infrastructures organisationnelles. Une authentification multifactorielle"
        " systématique conditionne l'habilitation."
    )
    assert french.ease("fr", hard) < french.EASE_MIN
    found = french.trouble("fr", hard)
    assert any(one.startswith("reading ease") for one in found)
    assert any("'authentification'" in one for one in found)
    assert french.trouble("fr", "Votre téléphone sonne. Ce n'est pas vous. Dites non, puis posez-le.") == []


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("The cat sat on the mat.", 110, 120),  # 116 by the CMU dictionary
        ("Close it on your security page. Who sits down after you could act in your name.", 84, 98),  # 91
        ("Organisational accountability necessitates comprehensive authentication.", -250, -100),
    ],
)
def test_english_has_its_measure(text: str, low: float, high: float) -> None:
    assert low < french.ease("en", text) < high


def test_too_many_words_a_sentence_on_average_are_named() -> None:
    sentence = "Le chat de la mère de Léa dort sur le lit de la chambre du fond."
    (found,) = french.trouble("fr", f"{sentence} {sentence}")
    assert found.startswith("16.0 words a sentence")


def test_marks_of_markdown_are_not_read() -> None:
    assert (
        french.plain("1. **Fermez** tout.\n- Voir [la page](https://exemple.fr/a-b).") == "Fermez tout.\nVoir la page."
    )
    assert french.sentences("Un. Deux ? Trois : quatre\ncinq") == ["Un.", "Deux ?", "Trois :", "quatre", "cinq"]
    assert french.words("Appelez le 36 08 : l'opérateur répond.") == [
        "Appelez",
        "le",
        "36",
        "08",
        "l'opérateur",
        "répond.",
    ]
