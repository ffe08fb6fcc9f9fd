"""Finding people, and the numbers that name them."""

import csv
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucine.directory import load_extract, luhn_ok, national_id_of, search, write_sample
from lucine.directory.columns import plain
from lucine.directory.numbers import luhn_key
from lucine.directory.sample import invented_number
from lucine.safe import Database, connect, migrate
from tests.world import make_register


@pytest.fixture
async def db(database_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    migrate(database_url, ["safe", "directory"])
    load_extract(database_url, make_register(tmp_path))
    opened = connect(database_url)
    await opened.open()
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    ("text", "town", "profession"),
    [
        ("Aurore", "", ""),
        ("aurore bea", "", ""),
        ("Béa Auro", "", ""),
        ("AURORETEST", "nantes", ""),
        ("aurore", "Nàntes", "50"),
    ],
)
async def test_people_are_found_without_accents_and_in_any_order(
    db: Database, text: str, town: str, profession: str
) -> None:
    assert [found.national_id for found in await search(db, text, town, profession)] == ["899700999925"]


async def test_midwives_of_a_town(db: Database) -> None:
    found = await search(db, town="Nantes", profession="50")
    assert {"AURORETEST", "MERIDIENTEST"} <= {person.last_name for person in found}


@pytest.mark.parametrize("text", ["", "   ", "'; DROP TABLE directory_lines; --", "%", "_", "\x00", "zzzz"])
async def test_nothing_and_nonsense_find_nobody(db: Database, text: str) -> None:
    assert await search(db, text) == []


def test_luhn_vectors() -> None:
    with (Path(__file__).parent / "luhn-vectors.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 50
    assert all(luhn_ok(row["rpps"]) == (row["luhn_ok_11"] == "True") for row in rows)


@given(st.text(alphabet="0123456789", min_size=10, max_size=10))
def test_one_wrong_digit_is_always_seen(body: str) -> None:
    number = body + luhn_key(body)
    assert luhn_ok(number)
    for place in range(11):
        for digit in "0123456789":
            if digit != number[place]:
                assert not luhn_ok(number[:place] + digit + number[place + 1 :])


@given(st.integers(min_value=0, max_value=30_000_000))
def test_invented_numbers_are_well_formed_and_never_real(index: int) -> None:
    number = invented_number(index)
    assert luhn_ok(number)
    assert number.startswith("99")
    assert number.startswith("99700") or index >= 100_000


def test_invented_numbers_do_not_collide() -> None:
    around = [*range(300), *range(99_900, 100_300), *range(29_000_000, 29_000_300)]
    assert len({invented_number(index) for index in around}) == len(around)


@pytest.mark.parametrize(
    ("text", "national_id"),
    [
        ("99700999917", "899700999917"),
        ("899700999917", "899700999917"),
        ("997 00 999 917", "899700999917"),
        ("9970000001", None),
        ("099700999917", None),
        ("", None),
        ("abcdefghijk", None),
        ("９９７０００００００１３", None),
    ],
)
def test_a_number_is_read_as_people_write_it(text: str, national_id: str | None) -> None:
    assert national_id_of(text) == national_id


@given(st.text())
def test_plain_text_is_stable(text: str) -> None:
    assert plain(plain(text)) == plain(text)


def test_the_same_seed_writes_the_same_register(tmp_path: Path) -> None:
    write_sample(tmp_path / "a", 50, 7)
    write_sample(tmp_path / "b", 50, 7)
    write_sample(tmp_path / "c", 50, 8)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() != (tmp_path / "c").read_bytes()
