"""Texts with a head: one Markdown file each, in every language, with the facts that the program needs on top.

    ---
    facts, as YAML
    ---
    # fr The title in French
    ## name of a section
    its text, as Markdown
    # en The title in English
    ## the same sections

A file that breaks this shape stops the program at its start, and so the build.
"""

from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

import frontmatter
import msgspec
from markdown_it import MarkdownIt
from markupsafe import Markup
from yaml import YAMLError  # type: ignore[import-untyped]

from lucine.web.languages import LANGUAGES, typeset

Facts = TypeVar("Facts")


class BadText(Exception):
    """A file that is not a text as described above; ``str()`` names it and says why."""


class Text(msgspec.Struct, Generic[Facts], frozen=True, kw_only=True):
    """``name``: of the file. ``sections``: for each language the Markdown source of each section."""

    name: str
    facts: Facts
    titles: dict[str, str]
    sections: dict[str, dict[str, str]]

    def title(self, language: str) -> str:
        return typeset(language, self.titles[language])

    def plain(self, language: str, section: str) -> str:
        """The text of a section as it was written; '' if it has none."""
        return typeset(language, self.sections[language].get(section, ""))

    def html(self, language: str, section: str) -> Markup:
        """A section as HTML, ready for a page."""
        return _html(self.plain(language, section))


@cache
def _html(source: str) -> Markup:
    # Raw HTML is off: a text is a text.
    return Markup(MarkdownIt("commonmark", {"html": False}).render(source))  # noqa: S704


def read_texts(
    folder: Path, facts: type[Facts], sections: set[str], optional: frozenset[str] = frozenset()
) -> dict[str, Text[Facts]]:
    """Every text of a folder, by name. ``sections``: those that each language must have. BadText otherwise."""
    found = {path.stem: _read(path, facts, sections, optional) for path in sorted(folder.glob("*.md"))}
    if not found:
        raise BadText(f"{folder} holds no text")
    return found


def _read(path: Path, facts: type[Any], required: set[str], optional: frozenset[str]) -> Text[Any]:
    try:
        head = frontmatter.loads(path.read_text(encoding="utf-8"))
        known = msgspec.convert(head.metadata, facts)
        titles, sections = _split(head.content)
    except (ValueError, YAMLError, msgspec.ValidationError, BadText) as error:
        raise BadText(f"{path.name}: {error}") from error
    if list(titles) != list(LANGUAGES):
        raise BadText(f"{path.name}: languages {list(titles)} instead of {list(LANGUAGES)}")
    for language, written in sections.items():
        empty = [name for name, text in written.items() if not text]
        if not required <= set(written) <= required | optional or empty:
            raise BadText(
                f"{path.name}, {language}: sections {sorted(written)} instead of {sorted(required)}; empty: {empty}"
            )
    if len({frozenset(written) for written in sections.values()}) != 1:
        raise BadText(f"{path.name}: the languages have other sections")
    return Text(name=path.stem, facts=known, titles=titles, sections=sections)


def _split(content: str) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """The title and the sections of each language. BadText where something would be lost."""
    titles: dict[str, str] = {}
    sections: dict[str, dict[str, str]] = {}
    lost, *parts = ("\n" + content).split("\n# ")
    for part in parts:
        heading, _, body = part.partition("\n")
        language, _, title = heading.partition(" ")
        stray, *written = ("\n" + body).split("\n## ")
        named = [section.partition("\n")[::2] for section in written]
        if language in titles or len({name.strip() for name, _ in named}) != len(named):
            raise BadText(f"{language}: a language or a section is there twice")
        if not title.strip():
            raise BadText(f"{language}: no title")
        titles[language] = title.strip()
        sections[language] = {name.strip(): text.strip() for name, text in named}
        lost += stray
    if lost.strip():
        raise BadText(f"text outside of every section: {lost.strip()[:60]!r}")
    return titles, sections
