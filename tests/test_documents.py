"""The documents say what is there, and all of it."""

import re
from pathlib import Path

import pytest

from lucine.app.chores import CARE_CHORES, CHORES
from lucine.app.connect import DOORS
from lucine.web.settings import list_settings

ROOT = Path(__file__).parent.parent
HOUSE = (ROOT / "docs" / "house.md").read_text()
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


def test_no_public_guard_is_left_out() -> None:
    assert all(callable(door.guard) for door in DOORS)


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "NOTICE", "docs/threats.md", "docs/runbook.md"])
def test_the_promised_documents_are_there(name: str) -> None:
    assert (ROOT / name).stat().st_size > 500


def test_links_between_documents_lead_somewhere() -> None:
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text()):
            assert (path.parent / link).exists(), f"{path.name}: {link}"
