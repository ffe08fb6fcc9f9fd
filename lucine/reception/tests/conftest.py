"""Cabinet and Espace, a provider on loopback, and browsers that keep their cookies."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from http.cookiejar import Cookie
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from lucine.app.care import build_care
from lucine.reception import desk
from lucine.web import House

from .openid_provider import OpenIdProvider, serve

START = 1_780_000_000.0
ORIGINS = {"cabinet": "https://cabinet.test", "espace": "https://espace.test"}


@dataclass
class Clock:
    """Time stands still until a test moves it."""

    now: float = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="session")
def running_provider() -> Iterator[OpenIdProvider]:
    provider = OpenIdProvider()
    with serve(provider.app) as port:
        provider.issuer = f"http://127.0.0.1:{port}"
        yield provider


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def provider(running_provider: OpenIdProvider, clock: Clock) -> OpenIdProvider:
    running_provider.reset(clock)
    return running_provider


class Browser:
    """A browser with a cookie jar, that shows what each step answered."""

    def __init__(self, fronts: "Fronts") -> None:
        self.fronts = fronts
        mounts = {ORIGINS[name]: httpx.ASGITransport(app) for name, app in fronts.apps.items()}
        self.http = httpx.AsyncClient(mounts=mounts, follow_redirects=False, headers={"Accept-Language": "fr"})

    def cookie(self, name: str, front: str = "cabinet") -> Cookie | None:
        host = ORIGINS[front].removeprefix("https://")
        return next((one for one in self.http.cookies.jar if one.name == name and one.domain.startswith(host)), None)

    async def get(self, address: str, front: str = "cabinet") -> httpx.Response:
        return await self.http.get(address if address.startswith("http") else ORIGINS[front] + address)

    async def post(self, path: str, front: str = "cabinet", **more: Any) -> httpx.Response:
        headers = {"Origin": ORIGINS[front], **more.pop("headers", {})}
        return await self.http.post(ORIGINS[front] + path, headers=headers, **more)

    async def leave(self, front: str = "cabinet") -> str:
        """Start a sign-in and let the provider answer; the address that it sends the browser back to."""
        away = await self.get("/sign-in", front)
        assert away.status_code == 303, away.text
        back = await self.get(away.headers["location"])
        assert back.status_code == 303, back.text
        return back.headers["location"]

    async def sign_in(self, front: str = "cabinet") -> httpx.Response:
        """The whole way; the answer of the callback."""
        return await self.get(await self.leave(front))

    async def is_in(self, front: str = "cabinet") -> bool:
        shown = await self.get("/", front)
        assert shown.status_code == 200
        return 'data-state="in"' in shown.text


@dataclass
class Fronts:
    """The applications, their house and their clock."""

    apps: dict[str, Starlette]
    clock: Clock
    provider: OpenIdProvider
    browsers: list[Browser] = field(default_factory=list)

    @property
    def house(self) -> House:
        found: House = self.apps["cabinet"].state.house
        return found

    def browser(self) -> Browser:
        self.browsers.append(Browser(self))
        return self.browsers[-1]

    async def tell(self, token: str, front: str = "cabinet", **more: Any) -> httpx.Response:
        """Deliver a logout token, as the provider does: without cookies."""
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.apps[front])) as http:
            data = more.pop("data", {"logout_token": token})
            return await http.post(f"{ORIGINS[front]}/backchannel-logout", data=data, **more)


def environment_of(front: str, provider: OpenIdProvider, database: str, folder: Path) -> dict[str, str]:
    prefix = f"LUCINE_{front.upper()}_"
    said = {
        "ORIGIN": ORIGINS[front],
        "DATABASE": database,
        "KEYS": f"{folder}/care.keys",
        "PROVIDER": f"{provider.issuer}/.well-known/openid-configuration",
        "CLIENT_ID": provider.client_id,
        "CLIENT_SECRET": provider.client_secret,
    }
    return {prefix + name: text for name, text in said.items()}


@contextlib.asynccontextmanager
async def open_fronts(
    provider: OpenIdProvider, clock: Clock, database: str, folder: Path, more: Mapping[str, str] | None = None,
    names: tuple[str, ...] = ("cabinet", "espace"),
) -> AsyncIterator[Fronts]:  # fmt: skip
    """Both fronts on one database; ``more``: further variables of Cabinet, without their prefix."""
    apps = {}
    async with contextlib.AsyncExitStack() as stack:
        for name in names:
            environment = environment_of(name, provider, database, folder)
            environment |= {f"LUCINE_CABINET_{key}": text for key, text in (more or {}).items()}
            apps[name] = build_care(name, environment, clock=clock, chores=False)
            await stack.enter_async_context(apps[name].router.lifespan_context(apps[name]))
        fronts = Fronts(apps, clock, provider)
        try:
            yield fronts
        finally:
            for browser in fronts.browsers:
                await browser.http.aclose()


@pytest.fixture
async def fronts(provider: OpenIdProvider, clock: Clock, tmp_path: Path) -> AsyncIterator[Fronts]:
    """On SQLite, where the kind of database cannot matter."""
    async with open_fronts(provider, clock, f"sqlite:///{tmp_path}/care.db", tmp_path) as made:
        yield made


@pytest.fixture
async def both_fronts(
    provider: OpenIdProvider, clock: Clock, tmp_path: Path, database_url: str
) -> AsyncIterator[Fronts]:
    """On each kind of database."""
    async with open_fronts(provider, clock, database_url, tmp_path) as made:
        yield made


class Log:
    """Keeps what the desk says to the log."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def info(self, event: str, **said: Any) -> None:
        self.lines.append({"event": event, **said})


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The log lines of a test."""
    log = Log()
    monkeypatch.setattr(desk, "log", log)
    return log.lines
