"""The documents say what is there, and all of it."""

import re
from collections import defaultdict
from pathlib import Path

import pytest

from lucine.app.chores import CARE_CHORES, CHORES
from lucine.app.connect import DOORS
from lucine.web import anyone
from lucine.web.settings import list_settings

ROOT = Path(__file__).parent.parent
HOUSE = (ROOT / "docs" / "house.md").read_text()
WORDS = (ROOT / "docs" / "words.md").read_text()
ROOMS = sorted(path.parent.name for path in (ROOT / "lucine").glob("*/__init__.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_stands_in_the_house(room: str) -> None:
    assert f"| `{room}` |" in HOUSE


def test_every_table_stands_in_the_house() -> None:
    made = set()
    for path in (ROOT / "lucine").glob("*/migrations/*.py"):
        made |= set(re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", path.read_text()))
    assert made
    assert {table for table in made if f"`{table}`" not in HOUSE} == set()


@pytest.mark.parametrize("path", sorted({door.path for door in DOORS}))
def test_every_door_stands_in_the_house(path: str) -> None:
    assert f"{path}`" in HOUSE


@pytest.mark.parametrize(("chore", "_bell", "_seconds"), CHORES + CARE_CHORES)
def test_every_chore_stands_in_the_house(chore: object, _bell: str, _seconds: float) -> None:
    assert f"`{chore.__name__}`" in HOUSE  # type: ignore[attr-defined]


@pytest.mark.parametrize(("variable", "default", "about"), list_settings())
def test_every_setting_stands_in_the_house(variable: str, default: str, about: str) -> None:
    assert f"| `{variable}` | {f'`{default}`' if default else ''} | {about} |".replace("|  |", "| |") in HOUSE


def test_the_marks_of_doors_are_their_guards() -> None:
    """In each part of the plan a mark stands for one guard, and what anybody may open is marked."""
    guards = {(door.method, door.path): door.guard.__qualname__ for door in DOORS}  # closures are made per door
    marked = [part for part in HOUSE.split("\n### ") if "marked °: anyone" in part.partition("\n")[0]]
    assert len(marked) == 4
    for part in marked:
        found = defaultdict(set)
        for method, path, mark in re.findall(r"`([A-Z]+) (\S+)`([*°¹²]?)", part.partition("\n## ")[0]):
            if path != "/habits/report.pdf":  # whose address leads whoever may not have it to the way in
                found[mark].add(guards[method, path])
        assert found.pop("°") == {anyone.__qualname__}
        assert all(len(each) == 1 for mark, each in found.items() if mark), found
        assert not any(anyone.__qualname__ in each for each in found.values())


def test_every_word_is_explained() -> None:
    rows = [line.strip("|").split("|") for line in WORDS.splitlines() if line.startswith("| ")]
    assert len(rows) > 20
    assert [row for row in rows if len(row) != 2 or not all(cell.strip() for cell in row)] == []


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "NOTICE", "docs/threats.md", "docs/runbook.md"])
def test_the_promised_documents_are_there(name: str) -> None:
    assert (ROOT / name).stat().st_size > 500


def test_links_between_documents_lead_somewhere() -> None:
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text()):
            assert (path.parent / link).exists(), f"{path.name}: {link}"
