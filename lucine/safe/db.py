"""One thin layer over sqlite3 and psycopg: the same SQL, written beside the act, on both.

Statements use ``:name`` placeholders. SQLite has one writer in the event loop; transactions
that arrive while the disk is busy share one commit (group commit), each inside its own
savepoint, and none returns before that commit is on disk. docs/designs/0002-database-layer.md says why
this is ours.
"""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

Row = Mapping[str, Any]

WAIT_FOR_WRITER_SECONDS = 5.0
READER_MMAP_BYTES = 1 << 30  # the register is larger than a page cache should be


class StorageUnavailable(Exception):
    """The database cannot write (disk full, locked for too long, unreachable): nothing changed."""


class Reader(Protocol):
    """What can be asked of a database, inside a transaction or outside one."""

    async def one(self, sql: str, **values: Any) -> Row | None:
        """The first row, or None."""

    async def all(self, sql: str, **values: Any) -> list[Row]:
        """Every row."""


class Transaction(Reader, Protocol):
    """An open transaction: what it wrote is kept when its block ends, or not at all."""

    async def run(self, sql: str, **values: Any) -> int:
        """Run a statement; how many rows it touched."""

    async def many(self, sql: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Run a statement once for each row of values."""

    def at_end(self, act: "Callable[[Transaction], Awaitable[None]]") -> None:
        """Do this when the block has been left without an error, just before the commit."""


class Database(Reader, Protocol):
    """Outside a transaction one may only read."""

    kind: str

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction around the block; durable when the block has been left."""


def connect(url: str) -> Database:
    """The database at a URL: ``sqlite:///path`` or ``postgresql://...``. Not opened yet."""
    if url.startswith("sqlite:///"):
        return Sqlite(Path(url.removeprefix("sqlite:///")))
    if url.startswith("postgresql://"):
        return Postgres(url)
    raise ValueError(f"a database URL starts with sqlite:/// or postgresql://, not {url[:12]!r}")


def among(values: Iterable[Any]) -> tuple[str, dict[str, Any]]:
    """A list for ``IN``: its text, and the values that go with it. ``IN (NULL)`` for none."""
    named = {f"among{place}": value for place, value in enumerate(values)}
    return f"({', '.join(f':{name}' for name in named) or 'NULL'})", named


class _SqliteReader:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def one(self, sql: str, **values: Any) -> Row | None:
        row: Row | None = self._connection.execute(sql, values).fetchone()
        return row

    async def all(self, sql: str, **values: Any) -> list[Row]:
        return self._connection.execute(sql, values).fetchall()


class _AtEnd:
    """What is left to do before the commit, in its order."""

    _left: list[Callable[[Any], Awaitable[None]]]

    def at_end(self, act: Callable[[Any], Awaitable[None]]) -> None:
        self._left.append(act)

    async def finish(self) -> None:
        for act in self._left:
            await act(self)


class _SqliteTransaction(_AtEnd, _SqliteReader):
    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._left = []

    async def run(self, sql: str, **values: Any) -> int:
        return self._connection.execute(sql, values).rowcount

    async def many(self, sql: str, rows: Iterable[Mapping[str, Any]]) -> None:
        self._connection.executemany(sql, rows)


class Sqlite:
    """A SQLite file in WAL mode, synchronous FULL, with one writer connection per process."""

    kind = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._turn = asyncio.Lock()
        self._inside: asyncio.Task[Any] | None = None  # whose transaction is open
        self._group: asyncio.Future[None] | None = None
        self._disk = ThreadPoolExecutor(1, "sqlite-commit")
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = self._connection()
        self._reader = self._connection()
        self._reader.execute("PRAGMA query_only = ON")
        self._reader.execute(f"PRAGMA mmap_size = {READER_MMAP_BYTES}")
        read = _SqliteReader(self._reader)
        self.one, self.all = read.one, read.all

    def _connection(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, cached_statements=512, timeout=0
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA busy_timeout = 1000")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA busy_timeout = 0")
        return connection

    async def close(self) -> None:
        async with self._turn:
            pass
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._disk.shutdown()
        self._reader.close()
        self._writer.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        task = asyncio.current_task()
        if self._inside is task:  # it would wait for itself, and everybody for it
            raise RuntimeError("a transaction inside a transaction")
        async with self._turn:
            if self._group is None:
                await self._begin()
                self._group = asyncio.get_running_loop().create_future()
                self._group.add_done_callback(lambda group: group.exception())
                commit = asyncio.create_task(self._commit(self._group))
                self._tasks.add(commit)
                commit.add_done_callback(self._tasks.discard)
            group, self._inside = self._group, task
            try:
                self._writer.execute("SAVEPOINT act")
                transaction = _SqliteTransaction(self._writer)
                yield transaction
                await transaction.finish()
                self._writer.execute("RELEASE act")
            except BaseException as error:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK TO act")
                    self._writer.execute("RELEASE act")
                else:
                    # A full disk makes SQLite roll the whole group back by itself: who comes next needs another.
                    self._group = None
                    group.set_exception(StorageUnavailable(str(error)))
                if isinstance(error, sqlite3.OperationalError):
                    raise StorageUnavailable(str(error)) from error
                raise
            finally:
                self._inside = None
        await asyncio.shield(group)

    async def _begin(self) -> None:
        """Take the file's write lock; another process may hold it, so wait without blocking."""
        deadline = asyncio.get_running_loop().time() + WAIT_FOR_WRITER_SECONDS
        while True:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise StorageUnavailable(str(error)) from error
                await asyncio.sleep(0.002)

    async def _commit(self, group: "asyncio.Future[None]") -> None:
        async with self._turn:
            if self._group is not group:
                return
            self._group = None
            try:
                await asyncio.get_running_loop().run_in_executor(self._disk, self._writer.execute, "COMMIT")
            except sqlite3.Error as error:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                group.set_exception(StorageUnavailable(str(error)))
            else:
                group.set_result(None)


@lru_cache(maxsize=1024)
def _for_postgres(sql: str) -> str:
    return re.sub(r"(?<!:):(\w+)", r"%(\1)s", sql.replace("%", "%%"))


class _PostgresTransaction(_AtEnd):
    def __init__(self, connection: psycopg.AsyncConnection[dict[str, Any]]) -> None:
        self._connection, self._left = connection, []

    async def one(self, sql: str, **values: Any) -> Row | None:
        return await (await self._connection.execute(_for_postgres(sql), values)).fetchone()

    async def all(self, sql: str, **values: Any) -> list[Row]:
        rows: list[Row] = list(await (await self._connection.execute(_for_postgres(sql), values)).fetchall())
        return rows

    async def run(self, sql: str, **values: Any) -> int:
        return (await self._connection.execute(_for_postgres(sql), values)).rowcount

    async def many(self, sql: str, rows: Iterable[Mapping[str, Any]]) -> None:
        async with self._connection.cursor() as cursor:
            await cursor.executemany(_for_postgres(sql), list(rows))


class Postgres:
    """A PostgreSQL database behind a pool; several processes may share it."""

    kind = "postgresql"

    def __init__(self, url: str) -> None:
        self.url = url
        self._pool: AsyncConnectionPool[psycopg.AsyncConnection[dict[str, Any]]] = AsyncConnectionPool(
            url, open=False, min_size=2, max_size=10, timeout=10, kwargs={"row_factory": dict_row, "autocommit": True},
            configure=self._read_only_outside_transactions,
        )  # fmt: skip

    @staticmethod
    async def _read_only_outside_transactions(connection: psycopg.AsyncConnection[dict[str, Any]]) -> None:
        await connection.execute("SET default_transaction_read_only = on")
        await connection.set_read_only(False)  # what ``transaction`` begins with

    async def open(self) -> None:
        await self._pool.open(wait=True)

    async def close(self) -> None:
        await self._pool.close()

    async def one(self, sql: str, **values: Any) -> Row | None:
        async with self._connection() as connection:
            return await _PostgresTransaction(connection).one(sql, **values)

    async def all(self, sql: str, **values: Any) -> list[Row]:
        async with self._connection() as connection:
            return await _PostgresTransaction(connection).all(sql, **values)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        async with self._connection() as connection, connection.transaction():
            transaction = _PostgresTransaction(connection)
            yield transaction
            await transaction.finish()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[psycopg.AsyncConnection[dict[str, Any]]]:
        try:
            async with self._pool.connection() as connection:
                yield connection
        except psycopg.OperationalError as error:  # among them: disk full, deadlock, no connection in time
            raise StorageUnavailable(str(error)) from error
