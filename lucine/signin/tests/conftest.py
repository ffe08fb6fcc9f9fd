"""A small world that opens quickly: the tables, the register and the keys are made once and copied."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from lucine.app.connect import build_connect
from lucine.web.settings import Settings
from tests.world import ORIGIN, Clock, World, open_world

OpenWorld = Callable[..., AbstractAsyncContextManager[World]]


@pytest.fixture(scope="session")
def first_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a world that was opened once and closed."""
    folder = tmp_path_factory.mktemp("first")

    async def once() -> None:
        async with open_world(f"sqlite:///{folder}/test.db", folder):
            pass

    asyncio.run(once())
    return folder


@pytest.fixture
def open_small(first_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenWorld:
    """Opens a copy of the first world, with other settings where a test needs them."""

    @asynccontextmanager
    async def opened(**more: Any) -> AsyncIterator[World]:
        folder = tmp_path / "world"
        shutil.copytree(first_world, folder)
        settings = Settings(
            origin=ORIGIN, database=f"sqlite:///{folder}/test.db", keys=f"{folder}/keys.json",
            post=f"folder:{folder}/post", sms_gateway="{number}@sms.invalid", log_level="error", **more,
        )  # fmt: skip
        clock = Clock()
        app = build_connect(settings, clock=clock, chores=False)
        # The copy has its tables already; looking again would be most of a test's time.
        monkeypatch.setattr("lucine.app.connect.migrate", lambda *_: None)
        async with app.router.lifespan_context(app):
            made = World(app, app.state.house, clock, folder)
            try:
                yield made
            finally:
                for client in made.clients:
                    await client.aclose()

    return opened


@pytest.fixture
async def small_world(open_small: OpenWorld) -> AsyncIterator[World]:
    """Connect with the cast on SQLite, where the kind of database cannot matter."""
    async with open_small() as made:
        yield made
