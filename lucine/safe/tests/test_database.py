"""The database layer: durable groups, quiet neighbours, and one clear error when nothing can be written."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from lucine.safe import Database, StorageUnavailable, connect
from lucine.safe.db import Sqlite
from tests.tools import after_the_cut, loop_disk


async def _table(url: str) -> Database:
    db = connect(url)
    await db.open()
    async with db.transaction() as tx:
        await tx.run("CREATE TABLE things (id INTEGER PRIMARY KEY, text TEXT)")
    return db


async def test_a_failing_act_does_not_touch_its_neighbours(database_url: str) -> None:
    db = await _table(database_url)

    async def act(number: int) -> None:
        async with db.transaction() as tx:
            await tx.run("INSERT INTO things VALUES (:id, 'x')", id=number)
            if number % 3 == 0:
                raise ZeroDivisionError

    done = await asyncio.gather(*(act(number) for number in range(60)), return_exceptions=True)
    assert sum(isinstance(one, ZeroDivisionError) for one in done) == 20
    rows = await db.all("SELECT id FROM things ORDER BY id")
    assert [row["id"] for row in rows] == [number for number in range(60) if number % 3]
    await db.close()


async def test_nobody_sees_what_is_not_committed(database_url: str) -> None:
    db = await _table(database_url)
    async with db.transaction() as tx:
        await tx.run("INSERT INTO things VALUES (1, 'x')")
        assert await tx.one("SELECT * FROM things WHERE id = 1")
        assert await db.one("SELECT * FROM things WHERE id = 1") is None
    assert await db.one("SELECT * FROM things WHERE id = 1")
    await db.close()


async def test_a_full_disk_is_one_clear_error_and_nothing_is_half_written(tmp_path: Path) -> None:
    db = await _table(f"sqlite:///{tmp_path}/full.db")
    assert isinstance(db, Sqlite)
    pages = db._writer.execute("PRAGMA page_count").fetchone()[0]
    db._writer.execute(f"PRAGMA max_page_count = {pages + 3}")
    with pytest.raises(StorageUnavailable):
        for number in range(1000):
            async with db.transaction() as tx:
                await tx.run("INSERT INTO things VALUES (:id, :text)", id=number, text="x" * 2000)
    count = await db.one("SELECT COUNT(*) AS things, COUNT(text) AS texts FROM things")
    assert count is not None
    assert 0 < count["things"] == count["texts"] < 1000
    db._writer.execute("PRAGMA max_page_count = 100000")
    async with db.transaction() as tx:
        await tx.run("INSERT INTO things VALUES (5000, 'again')")
    assert await db.one("SELECT * FROM things WHERE id = 5000")
    await db.close()


async def test_two_processes_share_one_sqlite_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shared.db"
    db = await _table(url)
    await db.close()
    program = (
        "import asyncio, sys; from lucine.safe import connect\n"
        "async def main():\n"
        "    db = connect(sys.argv[1]); await db.open()\n"
        "    async def one(n):\n"
        "        async with db.transaction() as tx:\n"
        "            await tx.run('INSERT INTO things VALUES (:id, :t)', id=n, t=sys.argv[2])\n"
        "    await asyncio.gather(*(one(int(sys.argv[2]) * 1000 + n) for n in range(200)))\n"
        "    await db.close()\n"
        "asyncio.run(main())\n"
    )
    children = [subprocess.Popen([sys.executable, "-c", program, url, str(n)]) for n in range(3)]
    assert [child.wait(60) for child in children] == [0, 0, 0]
    db = connect(url)
    await db.open()
    row = await db.one("SELECT COUNT(*) AS things FROM things")
    await db.close()
    assert row is not None
    assert row["things"] == 600


WRITER = """
import asyncio, sys
from lucine.safe import connect
async def main():
    db = connect(sys.argv[1]); await db.open()
    async with db.transaction() as tx:
        await tx.run("CREATE TABLE things (id INTEGER PRIMARY KEY, text TEXT)")
    async def one(n):
        async with db.transaction() as tx:
            await tx.run("INSERT INTO things VALUES (:id, :text)", id=n, text="x" * 200)
        print(n, flush=True)
    for start in range(0, 10**6, 8):
        await asyncio.gather(*(one(n) for n in range(start, start + 8)))
asyncio.run(main())
"""


def test_a_power_cut_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """Freeze the writer, copy the image under the mounted file system, mount the copy."""
    with loop_disk(tmp_path) as disk:
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, f"sqlite:///{disk}/t.db"], stdout=subprocess.PIPE, text=True
        )
        try:
            assert writer.stdout is not None
            acknowledged = [int(writer.stdout.readline()) for _ in range(400)]
            writer.send_signal(signal.SIGSTOP)
            with after_the_cut(tmp_path) as left:
                file = sqlite3.connect(left / "t.db")
                kept = {row[0] for row in file.execute("SELECT id FROM things")}
                assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                file.close()
        finally:
            writer.kill()
            writer.wait()
    assert set(acknowledged) <= kept
