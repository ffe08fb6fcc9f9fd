"""Papers: a PDF that a screen reader can read, the same on every machine, whatever people wrote in it."""

import asyncio
import hashlib
import io
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

from lucine.habits.papers import PAPER_MAX_BYTES, UNDRAWN, Field, Paper, Part, as_pdf, as_text, pdf_of
from lucine.web import Refusal

LETTER = Paper(
    title="Notification d'une violation", language="fr", made="Le 25 novembre 2026", intro=["Premier mot.", "Deuxième mot."],
    parts=[
        Part(title="1. Qui", paragraphs=["Un paragraphe."], fields=[Field("Nom", "Ana"), Field("Profession", "Sage-femme\nlibérale")]),
        Part(title="2. Quoi", items=["première chose", "seconde chose"], fields=[Field("Date", "à compléter")]),
        Part(title="", paragraphs=["Dernier mot."]),
    ],
)  # fmt: skip
HOSTILE = (
    '#panic() #import "x.typ" #read("/etc/passwd") $ x^2 $ @ref <label> *b* _i_ `raw` ``` // /* \\ \\u{1F600} [c] {d} = h\n'
    "== titre\n- liste\n+ num\n/ terme: x\n'quotes' \"doubles\" ~ --- ... \u202egauche\u202c \u200b\u0000\u0007 é́ 😀 مرحبا שלום 日本語"
)


def read(paper: Paper) -> PdfReader:
    return PdfReader(io.BytesIO(as_pdf(paper)))


def text_of(reader: PdfReader) -> str:
    text = "\n".join(page.extract_text() for page in reader.pages)
    return text.replace("\u00a0", " ").replace("\u2019", "'").replace("\u200b", "")


def plain(value: Any) -> Any:
    return value.get_object() if isinstance(value, IndirectObject) else value


def tags(reader: PdfReader) -> list[tuple[str, int]]:
    """The structure of the document: each tag with its depth, in reading order."""

    def walk(node: Any, depth: int) -> Iterator[tuple[str, int]]:
        node = plain(node)
        if isinstance(node, ArrayObject):
            for child in node:
                yield from walk(child, depth)
        elif isinstance(node, DictionaryObject):
            if "/S" in node:
                yield str(node["/S"]), depth
                depth += 1
            if "/K" in node:
                yield from walk(node["/K"], depth)

    return list(walk(reader.root_object["/StructTreeRoot"], 0))


def fonts(reader: PdfReader) -> dict[str, bool]:
    """Every font of every page, and whether its glyphs are inside the file."""
    found = {}
    for page in reader.pages:
        for font in map(plain, plain(plain(page["/Resources"]).get("/Font", {})).values()):
            below = plain(plain(font["/DescendantFonts"])[0]) if "/DescendantFonts" in font else font
            inside = plain(below["/FontDescriptor"])
            found[str(font["/BaseFont"])] = any(key in inside for key in ("/FontFile", "/FontFile2", "/FontFile3"))
            assert "/ToUnicode" in font  # else its letters cannot be read aloud
    return found


# PDF


def test_a_pdf_is_tagged_and_says_its_language_its_title_and_its_standard() -> None:
    reader = read(LETTER)
    root = reader.root_object
    assert plain(root["/MarkInfo"])["/Marked"].value is True
    assert root["/Lang"] in ("fr-FR", "fr")
    assert plain(root["/ViewerPreferences"])["/DisplayDocTitle"].value is True
    assert reader.metadata is not None
    assert (reader.metadata.title or "").replace("\u2019", "'") == "Notification d'une violation"
    xmp = plain(root["/Metadata"]).get_data().decode()
    assert "pdfuaid:part>1<" in xmp
    assert not reader.is_encrypted
    assert "/Outlines" in root


def test_headings_lists_and_fields_are_tagged_as_what_they_are() -> None:
    found = [tag for tag, _ in tags(read(LETTER))]
    assert next(tag for tag in found if tag in ("/H1", "/H2", "/L", "/P")) == "/H1"
    assert found.count("/H1") == 1
    assert found.count("/H2") == 2
    assert found.count("/L") == 3  # two lists of fields, one of things
    assert found.count("/LI") == found.count("/Lbl") == found.count("/LBody") == 5
    assert "/Artifact" not in found


def test_what_is_only_for_the_eye_is_no_part_of_the_reading() -> None:
    reader = read(LETTER)
    assert "/Figure" not in [tag for tag, _ in tags(reader)]
    assert b"/Artifact" in b"".join(page.get_contents().get_data() for page in reader.pages)  # lines, page numbers


def test_a_letter_bears_her_name_on_top_and_none_of_ours() -> None:
    letter = Paper(title="Lettre", language="fr", sender="Cabinet des Lilas\nAna", parts=LETTER.parts)
    text = text_of(read(letter))
    assert text.startswith("Cabinet des Lilas\nAna\nLettre")
    assert "Lucine" not in text
    assert "Cabinet des Lilas Page 1 / 1" in text.replace("\n", " ")
    assert "Préparé avec Lucine" in text_of(read(LETTER))
    assert as_text(letter).startswith("Cabinet des Lilas\nAna\n\nLettre\n======\n")
    found = [tag for tag, _ in tags(read(letter))]
    assert next(tag for tag in found if tag.startswith("/H")) == "/H1"


def test_a_gap_stands_out_and_is_still_read() -> None:
    gap = "[à compléter : vos coordonnées, et ce qui suit sur plus d'une ligne, jusqu'au bout de ce qui manque ici]"
    paper = Paper(title="Lettre", language="fr", parts=[Part(title="x", paragraphs=[f"Ici : {gap}."], items=[gap])])
    text = " ".join(text_of(read(paper)).split())
    assert text.count(gap) == 2
    plain_page = b"".join(page.get_contents().get_data() for page in read(LETTER).pages)
    gap_page = b"".join(page.get_contents().get_data() for page in read(paper).pages)
    shade = re.compile(rb"0?\.98\d* 0?\.92\d* 0?\.87\d* (?:rg|sc|scn)")
    assert (bool(shade.search(gap_page)), bool(shade.search(plain_page))) == (True, False)


def test_every_font_is_inside_the_file_and_is_one_of_typsts_own() -> None:
    found = fonts(read(Paper(title="Fontes", language="fr", intro=["abc éà œ ☐ ✓ → مرحبا Ωμέγα Привет 1²"])))
    assert found
    assert all(found.values())
    assert all("Libertinus" in name or "DejaVuSansMono" in name or "NewCM" in name for name in found)


def test_the_text_is_read_in_the_order_of_the_paper() -> None:
    text = text_of(read(LETTER))
    words = ["Notification d'une violation", "Le 25 novembre 2026", "Premier mot", "Deuxième mot", "1. Qui", "Un paragraphe",
             "Nom", "Ana", "Profession", "Sage-femme", "libérale", "2. Quoi", "Date", "à compléter", "première chose",
             "seconde chose", "Dernier mot"]  # fmt: skip
    places = [text.index(word) for word in words]
    assert places == sorted(places)
    assert "Page 1 / 1" in text


def test_an_english_paper_says_that_it_is_english() -> None:
    reader = read(Paper(title="My habits", language="en", intro=["Hello"]))
    assert reader.root_object["/Lang"] == "en-GB"
    assert "Prepared with Lucine" in text_of(reader)


def test_the_same_paper_has_the_same_bytes_in_another_process_place_and_time() -> None:
    code = (
        "import hashlib, time; from lucine.habits.tests.test_papers import LETTER; from lucine.habits.papers import as_pdf;"
        "print(hashlib.sha256(as_pdf(LETTER)).hexdigest())"
    )
    other = {**os.environ, "TZ": "Pacific/Noumea", "LANG": "C", "HOME": "/nonexistent", "SOURCE_DATE_EPOCH": "1"}
    there = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=other, timeout=120
    )
    assert there.stdout.strip() == hashlib.sha256(as_pdf(LETTER)).hexdigest()
    reader = read(LETTER)
    assert reader.metadata is not None
    assert (reader.metadata.creation_date_raw, reader.metadata.modification_date_raw) == (None, None)


def test_several_may_ask_for_papers_at_once() -> None:
    papers = [Paper(title=f"Papier {number}", language="fr", intro=["x " * 400]) for number in range(24)]
    with ThreadPoolExecutor(6) as several:
        made = list(several.map(as_pdf, papers))
    assert made == [as_pdf(paper) for paper in papers]


async def test_the_loop_goes_on_while_a_paper_is_made() -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.001)

    ticking = asyncio.create_task(tick())
    made = await pdf_of(Paper(title="Long", language="fr", intro=[f"Ligne {number}. " * 40 for number in range(120)]))
    ticking.cancel()
    assert made.startswith(b"%PDF-")
    assert ticks > 5


# What people write


def test_hostile_text_is_shown_and_never_run() -> None:
    paper = Paper(
        title=f"Titre {HOSTILE}", language="fr", made=HOSTILE, intro=[HOSTILE],
        parts=[Part(title=HOSTILE, fields=[Field(HOSTILE, HOSTILE)], paragraphs=[HOSTILE], items=[HOSTILE])],
    )  # fmt: skip
    text = text_of(read(paper)).replace("\n", " ")
    for word in ("#panic()", '#read("/etc/passwd")', "$ x^2 $", "@ref", "<label>", "*b*", "_i_", "`raw`", "\\u{1F600}", "[c] {d}", "== titre",
                 "- liste", "/ terme", "---"):  # fmt: skip
        assert word in text, word
    assert "root:" not in text
    assert "\u202e" not in text
    assert "\u25a1" in text  # for the smiling face and the Japanese
    assert "tient la place d'un signe" in text


def test_the_text_version_keeps_what_the_pdf_cannot_write() -> None:
    text = as_text(Paper(title="a", language="fr", intro=["😀 日本語 مرحبا #x $y \\ *"]))
    assert "😀 日本語 مرحبا #x $y \\ *" in text
    reader = read(Paper(title="a", language="fr", intro=["tout se lit"]))
    assert "tient la place" not in text_of(reader)


def test_ten_thousand_characters_stay_on_their_pages() -> None:
    reader = read(Paper(title="Long", language="fr", parts=[Part(title="x", fields=[Field("y", "W" * 10_000)])]))
    assert text_of(reader).replace("\n", "").count("W") == 10_000
    rights = []
    for page in reader.pages:
        page.extract_text(visitor_text=lambda text, cm, tm, font, size: rights.append((tm[4], len(text.strip()))))
    assert max(left for left, _ in rights) < 595 - 68  # no word begins in the margin
    assert max(length for _, length in rights) <= 41  # and none is longer than a line


@given(st.lists(st.text(max_size=60), min_size=5, max_size=5))
@settings(max_examples=150, deadline=None)
def test_no_text_makes_a_paper_fail(words: list[str]) -> None:
    paper = Paper(
        title=words[0] or "titre", language="fr", made=words[1], intro=[words[2]],
        parts=[Part(title=words[3], fields=[Field(words[4], words[0])], items=words, paragraphs=words)],
    )  # fmt: skip
    assert as_pdf(paper).startswith(b"%PDF-")
    assert as_text(paper).endswith("\n")


def test_every_character_that_passes_can_be_drawn() -> None:
    drawn = [chr(code) for code in range(0x20, 0x3000) if not UNDRAWN.search(chr(code))]
    assert len(drawn) > 1800
    lines = ["".join(drawn[start : start + 40]) for start in range(0, len(drawn), 40)]
    assert as_pdf(
        Paper(title="Tout", language="fr", intro=lines, parts=[Part(title="".join(drawn[200:230]), items=lines)])
    )


def test_letters_of_every_script_stand_beside_each_other() -> None:
    chance = random.Random(7)
    drawn = [chr(code) for code in range(0x20, 0x3000) if not UNDRAWN.search(chr(code))]
    marks = [chr(code) for code in (*range(0x300, 0x370), *range(0x483, 0x48A), 0x20DD, 0x64B, 0x670)]
    for _ in range(150):
        line = "".join(chance.choice(drawn) + chance.choice(["", "", *marks]) for _ in range(60))
        part = Part(title=line[:40], fields=[Field(line[:40], line)], items=[line])
        assert as_pdf(Paper(title=line[:30], language="fr", made=line, intro=[line], parts=[part]))


def test_an_empty_title_is_no_reason_to_fail() -> None:
    assert as_pdf(Paper(title="", language="fr")).startswith(b"%PDF-")
    assert as_pdf(Paper(title="\u202e", language="fr", parts=[Part(title="")])).startswith(b"%PDF-")


def test_a_paper_that_is_too_long_is_refused() -> None:
    fits = Paper(title="a", language="fr", intro=["mot " * (PAPER_MAX_BYTES // 4 - 100)])
    assert as_text(fits)
    longer = Paper(title="a", language="fr", intro=["mot " * (PAPER_MAX_BYTES // 4 + 100)])
    for write in (as_text, as_pdf):
        with pytest.raises(Refusal) as refused:
            write(longer)
        assert refused.value.status == 413


# Plain text


def test_the_text_is_wrapped_and_reads_well() -> None:
    assert as_text(LETTER) == (
        "Notification d'une violation\n============================\n\nLe 25 novembre 2026\n\nPremier mot.\n\nDeuxième mot.\n"
        "\n\n1. Qui\n------\n\nUn paragraphe.\n\nNom : Ana\nProfession :\n    Sage-femme\n    libérale\n"
        "\n\n2. Quoi\n-------\n\nDate : à compléter\n\n- première chose\n- seconde chose\n\nDernier mot.\n"
    )


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "Zs"], include_characters="\n"), max_size=400))
def test_no_line_is_longer_than_a_mail_may_have_unless_one_word_is(words: str) -> None:
    text = as_text(
        Paper(
            title="t", language="fr", intro=[words], parts=[Part(title="p", items=[words], fields=[Field("l", words)])]
        )
    )
    for line in text.split("\n"):
        assert len(line) <= 78 or max(map(len, line.split())) > 60
    assert "\r" not in text
