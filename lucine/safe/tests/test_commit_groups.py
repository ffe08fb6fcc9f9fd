"""The database layer: a group of transactions shares a commit and nothing else."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lucine.safe import Database, StorageUnavailable, connect


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    database = connect(database_url)
    await database.open()
    async with database.transaction() as transaction:
        await transaction.run("CREATE TABLE things (name TEXT PRIMARY KEY, size INTEGER)")
    yield database
    await database.close()


async def _names(db: Database) -> set[str]:
    return {row["name"] for row in await db.all("SELECT name FROM things")}


async def test_a_failing_transaction_does_not_touch_its_neighbours(db: Database) -> None:
    async def add(name: str, *, fail: bool) -> None:
        async with db.transaction() as transaction:
            await transaction.run("INSERT INTO things (name, size) VALUES (:name, 1)", name=name)
            if fail:
                raise ZeroDivisionError(name)

    tried = [add(f"t{n}", fail=n % 3 == 0) for n in range(40)]
    outcomes = await asyncio.gather(*tried, return_exceptions=True)
    for n, outcome in enumerate(outcomes):
        assert (isinstance(outcome, ZeroDivisionError)) == (n % 3 == 0), outcome
    assert await _names(db) == {f"t{n}" for n in range(40) if n % 3}


async def test_a_wrong_statement_fails_alone(db: Database) -> None:
    async def add(name: str) -> None:
        async with db.transaction() as transaction:
            await transaction.run("INSERT INTO things (name, size) VALUES (:name, 1)", name=name)

    outcomes = await asyncio.gather(*(add(name) for name in "abacad"), return_exceptions=True)
    kept = [name for name, outcome in zip("abacad", outcomes, strict=True) if outcome is None]
    assert sorted(kept) == list("abcd"), "one of the three, whichever came first, and all others"
    assert await _names(db) == set("abcd")


async def test_a_transaction_that_is_cancelled_leaves_nothing(db: Database) -> None:
    entered = asyncio.Event()

    async def wait_inside() -> None:
        async with db.transaction() as transaction:
            await transaction.run("INSERT INTO things (name, size) VALUES ('half', 1)")
            entered.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(wait_inside())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with db.transaction() as transaction:
        await transaction.run("INSERT INTO things (name, size) VALUES ('whole', 1)")
    assert await _names(db) == {"whole"}


async def test_a_transaction_inside_another_is_refused_at_once_on_sqlite(tmp_path: Path) -> None:
    """It would wait for itself for ever, and every writer behind it."""
    db = connect(f"sqlite:///{tmp_path}/test.db")
    await db.open()
    with pytest.raises(RuntimeError, match="a transaction inside a transaction"):
        async with asyncio.timeout(5), db.transaction(), db.transaction():
            pass
    async with asyncio.timeout(5), db.transaction() as transaction:
        await transaction.run("CREATE TABLE things (name TEXT PRIMARY KEY)")
    assert await _names(db) == set()
    await db.close()


async def test_outside_a_transaction_one_may_only_read(db: Database) -> None:
    if db.kind == "sqlite":
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            await db.one("INSERT INTO things (name, size) VALUES ('x', 1) RETURNING name")
    assert not hasattr(db, "run")


async def test_what_was_acknowledged_is_seen_by_another_connection(db: Database, database_url: str) -> None:
    other = connect(database_url)
    await other.open()
    for n in range(10):
        async with db.transaction() as transaction:
            await transaction.run("INSERT INTO things (name, size) VALUES (:name, 1)", name=str(n))
        assert len(await _names(other)) == n + 1
    await other.close()


@pytest.fixture
async def small_disk(tmp_path: Path) -> AsyncIterator[Database]:
    """A SQLite file that may grow by a few pages only."""
    database = connect(f"sqlite:///{tmp_path}/small.db")
    await database.open()
    async with database.transaction() as transaction:
        await transaction.run("CREATE TABLE things (name TEXT PRIMARY KEY, size INTEGER)")
    pages = database._writer.execute("PRAGMA page_count").fetchone()[0]  # type: ignore[attr-defined]
    database._writer.execute(f"PRAGMA max_page_count = {pages + 2}")  # type: ignore[attr-defined]
    yield database
    await database.close()


def _more_room(db: Database) -> None:
    db._writer.execute("PRAGMA max_page_count = 100000")  # type: ignore[attr-defined]


async def test_a_full_disk_is_storage_unavailable_and_nothing_is_half_written(small_disk: Database) -> None:
    with pytest.raises(StorageUnavailable):
        async with small_disk.transaction() as transaction:
            await transaction.run("INSERT INTO things (name, size) VALUES ('small', 1)")
            await transaction.run("INSERT INTO things (name, size) VALUES (:name, 1)", name="x" * 100_000)
    assert await _names(small_disk) == set()
    async with small_disk.transaction() as transaction:
        await transaction.run("INSERT INTO things (name, size) VALUES ('later', 1)")
    assert await _names(small_disk) == {"later"}


async def test_a_full_disk_tells_the_truth_to_everybody_who_shared_the_commit(small_disk: Database) -> None:
    """Whoever is told "not written" must not have been written, and the reverse."""

    async def add(name: str) -> None:
        async with small_disk.transaction() as transaction:
            await transaction.run("INSERT INTO things (name, size) VALUES (:name, 1)", name=name)

    for attempt in range(5):
        names = [f"{attempt}{which}" for which in "abcdef"]
        names[attempt] += "x" * 100_000
        outcomes = await asyncio.gather(*(add(name) for name in names), return_exceptions=True)
        kept = await _names(small_disk)
        for name, outcome in zip(names, outcomes, strict=True):
            assert outcome is None or isinstance(outcome, StorageUnavailable), outcome
            assert (outcome is None) == (name in kept), (name[:4], outcome)
        assert isinstance(outcomes[attempt], StorageUnavailable)
    _more_room(small_disk)
    await add("at last")
    assert "at last" in await _names(small_disk)


WRITER = """
import asyncio, sys
from lucine.safe import connect

async def main(url, mark):
    db = connect(url)
    await db.open()
    for n in range(50):
        async with db.transaction() as t:
            row = await t.one("UPDATE things SET size = size + 1 WHERE name = 'sum' RETURNING size")
            await t.run("INSERT INTO things (name, size) VALUES (:name, :size)", name=f"{mark}{n}", size=row["size"])
    await db.close()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_two_processes_share_one_file(db: Database, database_url: str) -> None:
    async with db.transaction() as transaction:
        await transaction.run("INSERT INTO things (name, size) VALUES ('sum', 0)")
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, database_url, mark]) for mark in "ab"]
    assert [await asyncio.to_thread(writer.wait, 60) for writer in writers] == [0, 0]
    rows = await db.all("SELECT name, size FROM things WHERE name <> 'sum' ORDER BY size")
    assert [row["size"] for row in rows] == list(range(1, 101))


async def test_a_file_that_another_process_holds_too_long_is_storage_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lucine.safe.db.WAIT_FOR_WRITER_SECONDS", 0.1)
    db = connect(f"sqlite:///{tmp_path}/held.db")
    await db.open()
    async with db.transaction() as transaction:
        await transaction.run("CREATE TABLE things (name TEXT)")
    holder = sqlite3.connect(tmp_path / "held.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageUnavailable):
        async with db.transaction() as transaction:
            await transaction.run("INSERT INTO things VALUES ('x')")
    holder.execute("ROLLBACK")
    holder.close()
    async with db.transaction() as transaction:
        await transaction.run("INSERT INTO things VALUES ('y')")
    assert await _names(db) == {"y"}
    await db.close()


async def test_a_database_that_cannot_be_reached_is_storage_unavailable() -> None:
    with pytest.raises(ValueError, match="sqlite"):
        connect("mysql://x")


async def test_a_server_that_went_away_is_storage_unavailable_for_readers_and_writers(postgres_server: str) -> None:
    base, question, query = postgres_server.partition("?")
    db = connect(f"{base.rstrip('/')}/postgres{question}{query}")
    await db.open()
    killing = "SELECT pg_terminate_backend(pg_backend_pid())"
    with pytest.raises(StorageUnavailable):
        await db.one(killing)
    with pytest.raises(StorageUnavailable):
        async with db.transaction() as transaction:
            await transaction.one(killing)
    row = await db.one("SELECT 1 AS one")
    assert row is not None
    assert row["one"] == 1
    await db.close()
