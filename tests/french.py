"""Whether a text can be read between two patients: short sentences, plain words. For every text of the habits.

Reading ease is Flesch's, where 60 is "standard": in French with the figures of Kandel and Moles (1958), by textstat.
For English textstat wants a dictionary from the network, and counts without it so few syllables that a text gains 20
points. Groups of vowels come within 6 points of the CMU dictionary for each text of ours, and 0.3 on average.
"""

import re
from pathlib import Path

import frontmatter
import textstat

from lucine.habits.texts import _split

EASE_MIN = 60.0
MEAN_WORDS_MAX = 14.0
SENTENCE_WORDS_MAX = 25

# Said in other words, unless docs/words.md explains them.
JARGON = (
    "2FA", "adresse IP", "antimalware", "authentification", "back-up", "biométrie", "botnet", "cache", "cheval de Troie",
    "chiffrement", "chiffrer", "cloud", "cookie", "cookies", "credential", "crypter", "cyberattaque", "DNS", "endpoint",
    "exfiltration", "firewall", "firmware", "FIDO", "hacker", "hameçonnage", "hash", "HTTPS", "identifiant unique",
    "ingénierie sociale", "login", "logs", "malware", "maliciel", "MFA", "OIDC", "OTP", "patch", "patchs",
    "phishing", "QR", "ransomware", "rançongiciel", "rootkit", "smishing", "spam", "spoofing", "SSO",
    "terminal", "token", "trojan", "URL", "vishing", "VPN", "vulnérabilité", "WebAuthn", "Wi-Fi WPA",
)  # fmt: skip

WORD = re.compile(r"[\w’'€%@.-]*\w[\w’'€%@.-]*")
END = re.compile(r"(?<=[.!?:;…])[\s\u00a0]+|\n+")
MARKUP = re.compile(r"^\s*(?:[-*+]|\d+\.|#+|>)\s+|[*_`]+", re.M)
SILENT = re.compile(r"(?<![aeiouyl])e$|(?<=[^aeiouytd])ed$|(?<![aeiouycghsxz])es$")
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def plain(markdown: str) -> str:
    """A text without the marks of Markdown: its words and line ends."""
    return MARKUP.sub("", LINK.sub(r"\1", markdown)).strip()


def sentences(text: str) -> list[str]:
    """The sentences of a plain text; a line is at least one, a colon or semicolon lets one breathe as a stop does."""
    return [part.strip() for part in END.split(text) if WORD.search(part)]


def words(sentence: str) -> list[str]:
    """Words between spaces: "l'ordinateur" is one, as one reads it."""
    return WORD.findall(sentence)


def explained() -> set[str]:
    """What docs/words.md explains, in lower case."""
    rows = re.findall(r"^\| ([^|]+) \|", (Path(__file__).parent.parent / "docs" / "words.md").read_text(), re.M)
    return {word.strip().lower() for row in rows for word in re.split(r"[,()]", row)}


def ease(language: str, text: str) -> float:
    """How easily a plain text is read: 100 is very easy, 60 standard, 30 for scholars."""
    parts = sentences(text)
    if language == "fr":
        textstat.set_lang("fr")
        # textstat knows a sentence by its stop: a title and a line of a list get one.
        return float(textstat.flesch_reading_ease(" ".join(part.rstrip(".!?:;… \u00a0") + "." for part in parts)))
    said = [word for part in parts for word in re.findall(r"[a-z]+", re.sub(r"[’']", "", part.lower()))]
    syllables = sum(max(1, len(re.findall(r"[aeiouy]+", SILENT.sub("", word)))) for word in said)
    return 206.835 - 1.015 * len(said) / len(parts) - 84.6 * syllables / len(said)


def hard_sentences(text: str) -> list[str]:
    """Sentences that are too long, and those with jargon in them, each with what is wrong."""
    found = []
    known = explained()
    for sentence in sentences(text):
        count = len(words(sentence))
        if count > SENTENCE_WORDS_MAX:
            found.append(f"{count} words: {sentence}")
        found += [
            f"jargon, {word!r}: {sentence}"
            for word in JARGON
            if word.lower() not in known and re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", sentence, re.I)
        ]
    return found


def trouble(language: str, text: str) -> list[str]:
    """What makes a plain text hard to read, if anything."""
    all_sentences = sentences(text)
    found = hard_sentences(text) if language == "fr" else []
    mean = sum(len(words(sentence)) for sentence in all_sentences) / max(1, len(all_sentences))
    if language == "fr" and mean > MEAN_WORDS_MAX:
        longest = sorted(all_sentences, key=lambda sentence: -len(words(sentence)))[:3]
        found.append(f"{mean:.1f} words a sentence; the longest: {' / '.join(longest)}")
    if (score := ease(language, text)) < EASE_MIN:
        hardest = sorted(all_sentences, key=lambda sentence: ease(language, sentence))[:3]
        found.append(f"reading ease {score:.0f}; the hardest: {' / '.join(hardest)}")
    return found


def read(path: Path) -> dict[str, str]:
    """The whole text of a file in each language: its title and its sections."""
    titles, sections = _split(frontmatter.loads(path.read_text(encoding="utf-8")).content)
    return {
        language: "\n".join([title, *(plain(section) for section in sections[language].values())])
        for language, title in titles.items()
    }
