"""Loading the public extraction: streaming, forgiving of lines, unforgiving of files."""

import gzip
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from lucine.directory import Unreadable, find_professional, load_extract, search, write_sample
from lucine.directory.register import Refused
from lucine.safe import Database, connect, migrate


@pytest.fixture
def url(database_url: str) -> str:
    migrate(database_url, ["safe", "directory"])
    return database_url


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "PS_LibreAcces_Personne_activite_202611230800.txt"
    write_sample(path, 400, 1)
    return path


async def _open(url: str) -> Database:
    db = connect(url)
    await db.open()
    return db


async def _people(url: str) -> int:
    db = await _open(url)
    row = await db.one("SELECT COUNT(DISTINCT national_id) AS people FROM directory_lines")
    await db.close()
    assert row is not None
    return int(row["people"])


@pytest.mark.parametrize("kind", ["text", "gz", "zip"])
async def test_text_gzip_and_zip_load_the_same(url: str, sample: Path, kind: str, tmp_path: Path) -> None:
    path = sample
    if kind == "gz":
        path = tmp_path / "extract.txt.gz"
        path.write_bytes(gzip.compress(sample.read_bytes()))
    if kind == "zip":
        path = tmp_path / "extract.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(sample, sample.name)
            archive.writestr("PS_LibreAcces_SavoirFaire_202611230800.txt", "x|y|\n")
    done = load_extract(url, path)
    assert (done.lines, done.skipped, done.warned) == (400, 0, 0)
    assert await _people(url) == done.people
    assert done.people < done.lines, "some people have several activities"


async def test_several_lines_make_one_person_with_several_activities(url: str, sample: Path) -> None:
    load_extract(url, sample)
    db = await _open(url)
    row = await db.one("SELECT national_id FROM directory_lines GROUP BY national_id HAVING COUNT(*) > 1 LIMIT 1")
    assert row is not None
    person = await find_professional(db, row["national_id"])
    await db.close()
    assert person is not None
    assert sum(len(exercice.activities) for exercice in person.exercices) == 2
    values = [value for exercice in person.exercices for value in exercice.facts.values()]
    assert all(isinstance(value, str) for value in values)


async def test_columns_are_matched_by_name_not_by_rank(url: str, sample: Path, tmp_path: Path) -> None:
    lines = [line.rstrip("\n").split("|")[:-1] for line in sample.read_text().splitlines()]
    lines[0] = [label.upper().replace("'", "’").replace("CODE RÔLE", "Code fonction") for label in lines[0]]
    turned = tmp_path / "turned.txt"
    turned.write_text("".join("|".join(reversed(line)) + "|\n" for line in lines))
    load_extract(url, turned)
    db = await _open(url)
    person = await find_professional(db, lines[1][lines[0].index("IDENTIFICATION NATIONALE PP")])
    await db.close()
    assert person is not None
    assert person.last_name.endswith("TEST")


def test_a_bad_line_is_reported_with_its_number_and_reason_and_skipped(url: str, sample: Path) -> None:
    lines = sample.read_text().splitlines(keepends=True)
    number = lines[2].split("|")[1]
    wrong_key = number[:-1] + str((int(number[-1]) + 1) % 10)
    lines[1] = "only|three|fields\n"
    lines[3] = lines[3].replace("8|", "7|", 1)
    lines[4] = lines[4].replace(lines[4].split("|")[1], "", 1)
    lines[5] = "x" * 20_000 + "\n"
    lines[6] = lines[6].replace("TEST|", "TEST\x00|", 1)
    lines[2] = lines[2].replace(number, wrong_key)
    sample.write_text("".join(lines))
    seen: dict[int, str] = {}
    done = load_extract(url, sample, report=seen.__setitem__)
    assert set(seen) == {2, 3, 4, 5, 6, 7}
    assert "Luhn" in seen[3]
    assert (done.lines, done.skipped, done.warned) == (395, 5, 1)


BAD_FILES = {
    "latin-1": ("é".join(["Type d'identifiant PP", "x"]).encode("latin-1") + b"|a|\n", "UTF-8"),
    "utf-16": ("Type|a|\n".encode("utf-16"), "UTF-16"),
    "empty": (b"", "header"),
    "no separators": (b"hello\nworld\n", "header"),
    "missing column": (b"Identifiant PP|Nom d'exercice|\n8|x|\n", "lacks"),
    "cut gzip": (gzip.compress(b"x|y|\n" * 1000)[:30], "cut short"),
    "not a zip": (b"PK\x03\x04garbage", "damaged"),
}


@pytest.mark.parametrize("name", BAD_FILES)
async def test_an_unreadable_file_is_explained_and_changes_nothing(
    url: str, sample: Path, name: str, tmp_path: Path
) -> None:
    load_extract(url, sample)
    before = await _people(url)
    content, words = BAD_FILES[name]
    path = tmp_path / "bad"
    path.write_bytes(content)
    with pytest.raises(Unreadable) as caught:
        load_extract(url, path)
    assert words in str(caught.value)
    assert await _people(url) == before


def test_latin_1_in_a_later_line_is_explained(url: str, sample: Path) -> None:
    sample.write_bytes(sample.read_bytes() + "8|Dupré|\n".encode("latin-1"))
    with pytest.raises(Unreadable, match="UTF-8"):
        load_extract(url, sample)


async def test_a_register_that_loses_people_is_refused_unless_forced(url: str, sample: Path, tmp_path: Path) -> None:
    load_extract(url, sample)
    before = await _people(url)
    smaller = tmp_path / "smaller.txt"
    smaller.write_text("".join(sample.read_text().splitlines(keepends=True)[:300]))
    with pytest.raises(Refused, match="--force"):
        load_extract(url, smaller)
    assert await _people(url) == before
    load_extract(url, smaller, force=True)
    assert await _people(url) < before


async def test_a_killed_load_leaves_the_old_register_and_the_next_one_cleans_up(
    url: str, sample: Path, tmp_path: Path
) -> None:
    load_extract(url, sample)
    before = await _people(url)
    pipe = tmp_path / "slow.txt"
    big = tmp_path / "big.txt"
    write_sample(big, 60_000, 2)
    program = (
        "import sys, time; from pathlib import Path; from lucine.directory import load_extract;"
        "load_extract(sys.argv[1], Path(sys.argv[2]), force=True,"
        " progress=lambda share: (print('filled', flush=True), time.sleep(60)))"
    )
    child = subprocess.Popen([sys.executable, "-c", program, url, str(big)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"filled\n"
    assert await _people(url) == before, "a half-read register is not seen"
    with pytest.raises(Refused, match="another load"):
        load_extract(url, sample)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert await _people(url) == before
    # PostgreSQL notices a moment later that the loader is gone.
    for _ in range(50):
        try:
            load_extract(url, sample)
            break
        except Refused:
            time.sleep(0.1)
    assert await _people(url) == before
    assert not pipe.exists()


async def test_a_running_server_sees_the_new_register_at_once(url: str, sample: Path, tmp_path: Path) -> None:
    load_extract(url, sample)
    db = await _open(url)
    number = sample.read_text().splitlines()[1].split("|")[2]
    assert await find_professional(db, number)
    other = tmp_path / "other.txt"
    write_sample(other, 800, 2)
    load_extract(url, other)
    found = await search(db, town="Paris")
    assert found
    newer = other.read_text().splitlines()[1].split("|")[2]
    assert await find_professional(db, newer)
    await db.close()
