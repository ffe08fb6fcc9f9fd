"""Loading a register: filled beside the old one, switched in one moment.

The loader is a program of its own beside a live server, so it speaks to the database directly: in
short transactions on SQLite, whose only write lock the sign-in needs, with COPY on PostgreSQL.
The table is made new under another name and renamed at the end, in one transaction with the old
one's removal from its name: who reads sees the whole old register or the whole new one.
"""

import itertools
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import msgspec
import psycopg

from .extract import Line, Report, Unreadable, open_extract, read_lines

CHUNK_LINES = 20_000
LOSS_MAX = 0.05
TABLE = "directory_lines"
NEXT = "directory_lines_next"
OLD = "directory_lines_old"
COLUMNS = "(national_id TEXT NOT NULL, name_key TEXT NOT NULL, town_key TEXT NOT NULL," \
          " profession TEXT NOT NULL, facts TEXT NOT NULL)"  # fmt: skip
# Beginnings of names are found by ranges: they need the order of bytes, not of a language.
POSTGRES_COLUMNS = COLUMNS.replace("_key TEXT", '_key TEXT COLLATE "C"')
INDEXES = {
    "person": "(national_id)",
    "name": "(name_key, profession)",
    "town": "(town_key, name_key)",
    "trade": "(town_key, profession, name_key)",
}
POSTGRES_LOCK = 0x4469726563746F  # one loader at a time


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What a load did."""

    lines: int
    people: int
    skipped: int
    warned: int
    people_before: int


class Refused(ValueError):
    """The new register is not taken; the old one stays."""


class _Store(Protocol):
    columns: str

    def run(self, sql: str) -> None: ...

    def fill(self, lines: list[Line]) -> None: ...

    def count_people(self, table: str) -> int: ...

    def switch(self) -> None: ...

    def close(self) -> None: ...


class _Sqlite:
    columns = COLUMNS

    def __init__(self, path: str) -> None:
        self._file = sqlite3.connect(path, isolation_level=None, timeout=10)
        self._file.execute("PRAGMA journal_mode = WAL")
        # Staging may be lost in a power cut; the switch may not. Sorting happens in files, not in memory.
        self._file.execute("PRAGMA synchronous = NORMAL")
        self._file.execute("PRAGMA temp_store = FILE")
        self._file.execute("PRAGMA cache_size = -65536")
        self._lock = sqlite3.connect(f"{path}.loading", isolation_level=None, timeout=0)
        try:
            self._lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            raise Refused("another load is running") from None

    def run(self, sql: str) -> None:
        self._file.execute(sql)

    def fill(self, lines: list[Line]) -> None:
        self._file.execute("BEGIN IMMEDIATE")
        self._file.executemany(f"INSERT INTO {NEXT} VALUES (?, ?, ?, ?, ?)", lines)
        self._file.execute("COMMIT")

    def count_people(self, table: str) -> int:
        return int(self._file.execute(f"SELECT COUNT(DISTINCT national_id) FROM {table}").fetchone()[0])

    def switch(self) -> None:
        self._file.execute("PRAGMA synchronous = FULL")
        self._file.execute("BEGIN IMMEDIATE")
        self._file.execute(f"ALTER TABLE {TABLE} RENAME TO {OLD}")
        self._file.execute(f"ALTER TABLE {NEXT} RENAME TO {TABLE}")
        self._file.execute("COMMIT")

    def close(self) -> None:
        self._file.close()
        self._lock.close()


class _Postgres:
    columns = POSTGRES_COLUMNS

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        row = self._connection.execute("SELECT pg_try_advisory_lock(%s)", [POSTGRES_LOCK]).fetchone()
        if not row or not row[0]:
            raise Refused("another load is running")

    def run(self, sql: str) -> None:
        self._connection.execute(sql)

    def fill(self, lines: list[Line]) -> None:
        with self._connection.cursor().copy(f"COPY {NEXT} FROM STDIN") as copy:
            for line in lines:
                copy.write_row(line)

    def count_people(self, table: str) -> int:
        row = self._connection.execute(f"SELECT COUNT(DISTINCT national_id) FROM {table}").fetchone()
        return int(row[0]) if row else 0

    def switch(self) -> None:
        with self._connection.transaction():
            self.run(f"ALTER TABLE {TABLE} RENAME TO {OLD}")
            self.run(f"ALTER TABLE {NEXT} RENAME TO {TABLE}")

    def close(self) -> None:
        self._connection.close()


def _open(url: str) -> _Store:
    return _Sqlite(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else _Postgres(url)


def load_extract(
    url: str,
    path: Path,
    *,
    force: bool = False,
    report: Report = lambda number, reason: None,
    progress: Callable[[float], None] = lambda done: None,
) -> Loaded:
    """Make a file the current register. Unreadable or Refused leave the old one as it was.

    ``report`` gets each bad line's number and reason, ``progress`` the share read, 0 to 1.
    """
    seen = {"skipped": 0, "warned": 0}

    def note(number: int, reason: str) -> None:
        seen["warned" if reason.startswith("warning") else "skipped"] += 1
        report(number, reason)

    store = _open(url)
    try:
        # What an interrupted load left behind.
        store.run(f"DROP TABLE IF EXISTS {NEXT}")
        store.run(f"DROP TABLE IF EXISTS {OLD}")
        store.run(f"CREATE TABLE {NEXT} {store.columns}")
        lines = 0
        with open_extract(path) as (file, done):
            for chunk in _chunks(read_lines(file, note)):
                store.fill(chunk)
                lines += len(chunk)
                progress(done())
        for name, columns in INDEXES.items():
            store.run(f"CREATE INDEX {TABLE}_{name}_{time.time_ns()} ON {NEXT} {columns}")
        before, people = store.count_people(TABLE), store.count_people(NEXT)
        if not people:
            raise Unreadable("the file holds no good line")
        if people < before * (1 - LOSS_MAX) and not force:
            raise Refused(
                f"the new register has {people} people, the old one {before}: more than"
                f" {LOSS_MAX:.0%} would be lost. If that is right, say --force"
            )
        store.switch()
        store.run(f"DROP TABLE {OLD}")
        return Loaded(lines=lines, people=people, people_before=before, **seen)
    except BaseException:
        _forget_staging(store)
        raise
    finally:
        store.close()


def _forget_staging(store: _Store) -> None:
    """As far as it goes: what is left is removed by the next load."""
    try:
        store.run(f"DROP TABLE IF EXISTS {NEXT}")
    except (sqlite3.Error, psycopg.Error):
        return


def _chunks(lines: Iterator[Line]) -> Iterator[list[Line]]:
    while chunk := list(itertools.islice(lines, CHUNK_LINES)):
        yield chunk
