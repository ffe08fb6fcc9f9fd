"""A paper that she takes away: plain text, or an accessible PDF (PDF/UA-1) with the same bytes on every machine."""

import asyncio
import re
import textwrap
import threading
import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import typst

from lucine.web import Refusal
from lucine.web.languages import typeset

TEMPLATE = Path(__file__).parent / "data" / "paper.typ"
PAPER_MAX_BYTES = 300_000
PAPERS_AT_ONCE = 2  # for each holder: a PDF waits for the one before it
TEXT_COLUMNS = 78
WORD_MAX_CHARACTERS = 40  # a longer one (a hostile text) may break anywhere in a PDF: forty W are a line
UNKNOWN = "\u25a1"
REGIONS = {"fr": "FR", "en": "GB"}
WORDS = {
    "fr": ("Préparé avec Lucine", "Page", "Le signe □ tient la place d'un signe que la version texte garde."),
    "en": ("Prepared with Lucine", "Page", "The sign □ stands for one that the text version keeps."),
}
# What typst's own fonts can draw, of what may stand in a letter: Latin, Greek, Cyrillic, Arabic letters, signs. No
# mark that sits on another letter: both would have to come from one font. PDF/UA refuses a file with a character that
# no font has (ISO 14289-1, 7.21.4.1).
UNDRAWN = re.compile(
    "[^ -~\u00a0-\u02ff\u0386-\u038a\u038c\u038e-\u03a1\u03a3-\u0482\u048a-\u04ff\u060c\u061b\u061f"
    "\u0621-\u063a\u0640-\u064a\u0660-\u0669\u1e00-\u1eff\u2010-\u2027\u202f-\u203e\u20a0-\u20bf"
    "\u2116\u2122\u2190-\u22ff\u2500-\u25ff\u2610-\u2612\u2713\u2714\n]"
)
# Invisible characters and those that turn the direction of writing: what is read must be what was written.
UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn")
LONG_WORD = re.compile(rf"\S{{{WORD_MAX_CHARACTERS + 1},}}")


class Field(msgspec.Struct, frozen=True):
    """A question of a form and its answer."""

    label: str
    value: str


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part under its heading: paragraphs, then fields, then a list. A part without title has no heading."""

    title: str
    fields: list[Field] = []
    paragraphs: list[str] = []
    items: list[str] = []


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """``sender``: lines at the top of a letter of hers, which then bears no name of ours. ``language``: fr or en.
    ``made``: a line under the title, such as the date.
    """

    title: str
    sender: str = ""
    language: str
    intro: list[str] = []
    parts: list[Part] = []
    made: str = ""


def as_text(paper: Paper) -> str:
    """The paper as plain text, wrapped at 78 columns, every character of hers kept. Refusal if it is too long."""
    paper = _readable(paper)
    lines = [*_wrap(paper.sender), ""] if paper.sender else []
    lines += [*_wrap(paper.title), _rule("=", paper.title)]
    if paper.made:
        lines += ["", *_wrap(paper.made)]
    for paragraph in paper.intro:
        lines += ["", *_wrap(paragraph)]
    for part in paper.parts:
        lines += _part(part)
    return "\n".join(lines) + "\n"


def _part(part: Part) -> list[str]:
    lines = ["", "", *_wrap(part.title), _rule("-", part.title)] if part.title else []
    for paragraph in part.paragraphs:
        lines += ["", *_wrap(paragraph)]
    if part.fields:
        lines.append("")
    for field in part.fields:
        lines += _field(field)
    if part.items:
        lines.append("")
    for item in part.items:
        lines += _wrap(item, "- ", "  ")
    return lines


def _field(field: Field) -> list[str]:
    label, value = field.label, field.value
    if "\n" not in value and len(label) + len(value) + 3 <= TEXT_COLUMNS:
        return [f"{label} : {value}"]
    return [*_wrap(f"{label} :"), *_wrap(value, "    ", "    ")]


def _rule(sign: str, title: str) -> str:
    return sign * min(len(title), TEXT_COLUMNS)


def _wrap(text: str, first: str = "", later: str = "") -> list[str]:
    lines: list[str] = []
    for line in text.split("\n"):
        lines += textwrap.wrap(
            line, TEXT_COLUMNS, initial_indent=later if lines else first, subsequent_indent=later,
            break_long_words=False, break_on_hyphens=False,
        ) or [""]  # fmt: skip
    return lines


def as_pdf(paper: Paper) -> bytes:
    """The paper as PDF/UA-1: tagged, its language and title said, its fonts inside. Refusal if it is too long.

    It holds no date of its making, and no font of the machine: the same paper always gives the same bytes.
    """
    paper = _readable(paper)
    foot, page, undrawn = WORDS[paper.language]
    facts = _each(msgspec.to_builtins(paper), lambda text: _draw(paper.language, text))
    if UNDRAWN.search(msgspec.json.encode(paper).decode()):
        facts["parts"].append({"title": "", "fields": [], "paragraphs": [undrawn], "items": []})
    facts |= {"title": facts["title"] or foot, "region": REGIONS[paper.language], "page": page}
    facts["foot"] = facts["sender"].split("\n")[0] or foot
    with _one_at_a_time:
        return _compiler().compile(  # type: ignore[return-value]  # one PDF is one file
            sys_inputs={"paper": msgspec.json.encode(facts).decode()}, format="pdf", pdf_standards=["ua-1"]
        )


async def pdf_of(paper: Paper) -> bytes:
    """`as_pdf` beside the loop."""
    return await asyncio.to_thread(as_pdf, paper)


_one_at_a_time = threading.Lock()  # typst's compiler refuses a second caller


@cache
def _compiler() -> typst.Compiler:
    # One for the process: every `typst.compile(bytes)` takes a file number for ever, and there are 65,535 of them.
    return typst.Compiler(TEMPLATE, root=TEMPLATE.parent, ignore_system_fonts=True)


def _readable(paper: Paper) -> Paper:
    clean: Paper = msgspec.convert(_each(msgspec.to_builtins(paper), _seen), Paper)
    if len(msgspec.json.encode(clean)) > PAPER_MAX_BYTES:
        words = "Ce document est trop long. Raccourcissez vos réponses."
        raise Refusal("invalid_request", words, "paper over the limit", status=413)
    return clean


def _seen(text: str) -> str:
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) not in UNSEEN).strip()


def _draw(language: str, text: str) -> str:
    text = UNDRAWN.sub(UNKNOWN, typeset(language, text))
    return LONG_WORD.sub(lambda run: re.sub(r"(.{20})(?=.)", "\\1\u200b", run[0]), text)


def _each(value: Any, change: Callable[[str], str]) -> Any:
    """A copy of plain data, every text in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_each(item, change) for item in value]
    return {key: _each(item, change) for key, item in value.items()}
