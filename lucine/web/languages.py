"""French first, English second, through one gettext catalogue."""

import gettext
import io
import re
from functools import cache
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = ("fr", "en")
UNBREAKABLE = re.compile(r" (?=[?!:;»])|(?<=«) |(?<=\d) (?=[a-zé])")
CATALOGUES = Path(__file__).parent / "locale"


def typeset(language: str, text: str) -> str:
    """Curved apostrophes; in French also the spaces that its typography forbids to break."""
    return (UNBREAKABLE.sub("\u00a0", text) if language == "fr" else text).replace("'", "\u2019")


def say(french: str) -> str:
    """Marks a sentence for the catalogue that is translated later, where it is shown."""
    return french


class French(gettext.NullTranslations):
    """What the source says, with curved apostrophes and the spaces that French typography forbids to break."""

    def gettext(self, message: str) -> str:
        return typeset("fr", message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n < 2 else msgid2)


class English(gettext.GNUTranslations):
    """What the catalogue says, with curved apostrophes."""

    def gettext(self, message: str) -> str:
        return typeset("en", super().gettext(message))

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return typeset("en", super().ngettext(msgid1, msgid2, n))


@cache
def translations(language: str) -> gettext.NullTranslations:
    """The catalogue of a language; French needs none."""
    if language == "fr":
        return French()
    with (CATALOGUES / language / "lucine.po").open("rb") as source:
        catalogue = read_po(source)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return English(compiled)


def choose_language(asked: str | None, accepted: str | None) -> str:
    """The first language we have of ``ui_locales`` or a cookie, then of Accept-Language (RFC 9110)."""
    for text in (asked, accepted):
        for tag in (text or "").replace(",", " ").split():
            primary = tag.split(";")[0].split("-")[0].lower()
            if primary in LANGUAGES:
                return primary
    return "fr"
