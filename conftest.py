"""Fixtures for every room: a database of each kind, and a world with a cast."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.tools import need
from tests.world import World, open_world

NewDatabase = Callable[[str, Path], str]


def _postgres_programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    need(found, "PostgreSQL (or the address of a server in LUCINE_TEST_POSTGRES)")
    return found[-1].parent


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL server where databases may be made; ours, or one that is given."""
    given = os.environ.get("LUCINE_TEST_POSTGRES")
    if given:
        yield given.rstrip("/")
        return
    programs = _postgres_programs()
    folder = Path(tempfile.mkdtemp(prefix="lucine-pg-"))
    as_postgres = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_postgres:
        shutil.chown(folder, "postgres")
    run = lambda *command: subprocess.run([*as_postgres, *command], check=True, capture_output=True)  # noqa: E731
    run(programs / "initdb", "-D", folder / "data", "-A", "trust", "-U", "postgres", "--no-sync")
    options = f"-c listen_addresses='' -k {folder} -c max_connections=200"
    run(programs / "pg_ctl", "-D", folder / "data", "-w", "-l", folder / "log", "-o", options, "start")
    try:
        yield f"postgresql://postgres@/?host={folder}"
    finally:
        run(programs / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _new_database(server: str) -> str:
    name = f"t{uuid.uuid4().hex[:12]}"
    base, _, query = server.partition("?")
    admin = f"{base.rstrip('/')}/postgres" + (f"?{query}" if query else "")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{base.rstrip('/')}/{name}" + (f"?{query}" if query else "")


@pytest.fixture(scope="session")
def new_database(request: pytest.FixtureRequest) -> NewDatabase:
    """Makes a fresh database of a kind, in a folder if it is a file; its URL."""

    def made(kind: str, folder: Path) -> str:
        if kind == "sqlite":
            return f"sqlite:///{folder}/test.db"
        return _new_database(request.getfixturevalue("postgres_server"))

    return made


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path, new_database: NewDatabase) -> str:
    """A fresh database, once of each kind."""
    return new_database(request.param, tmp_path)


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """Connect with the cast, on each kind of database."""
    async with open_world(database_url, tmp_path) as made:
        yield made


@pytest.fixture
async def small_world(tmp_path: Path) -> AsyncIterator[World]:
    """Connect with the cast on SQLite, where the kind of database cannot matter."""
    async with open_world(f"sqlite:///{tmp_path}/test.db", tmp_path) as made:
        yield made
