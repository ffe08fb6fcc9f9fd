"""Real browsers against the real demo: three programs, two windows, a virtual authenticator each."""

import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, Playwright, sync_playwright

from lucine.app import demo

CHROMIUM = os.environ.get("LUCINE_TEST_CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=Translate",
]
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 860}


@dataclass
class Demo:
    """Where the demo's programs are, and where it keeps its files."""

    connect: str
    cabinet: str
    espace: str
    folder: Path

    def letters(self) -> str:
        return "\n".join(path.read_text(errors="replace") for path in sorted((self.folder / "post").glob("[!.]*")))


def free_ports() -> int:
    """The first of three free ports in a row."""
    for port in range(18400 + os.getpid() % 1000 * 3, 60000, 3):
        try:
            for offset in range(3):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port + offset))
        except OSError:
            continue
        return port
    raise RuntimeError("no free ports")


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder, port = tmp_path_factory.mktemp("demo"), free_ports()
    environment = demo.prepare(port, folder)
    programs = demo.start(environment)
    origins = [f"http://localhost:{port + offset}" for offset in range(3)]
    try:
        demo.wait_until_up(origins)
        yield Demo(*origins, folder)
    finally:
        for program in programs:
            program.terminate()
        assert [program.wait(timeout=20) for program in programs] == [0, 0, 0], "the programs stop cleanly"


# Per module: while the driver runs, its event loop does, and no asynchronous test of the same worker could.
@pytest.fixture(scope="module")
def driver() -> Iterator[Playwright]:
    with sync_playwright() as made:
        yield made


@pytest.fixture(scope="module")
def chromium(driver: Playwright) -> Iterator[Browser]:
    made = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield made
    made.close()


@dataclass
class Window:
    """A page, its browser's profile and its authenticator."""

    page: Page
    context: BrowserContext
    cdp: CDPSession


@pytest.fixture
def window(chromium: Browser) -> Iterator[Callable[..., Window]]:
    """Opens windows: each its own profile, with a platform authenticator that always says yes."""
    made: list[BrowserContext] = []

    def open_window(*, phone: bool = False, locale: str = "fr-FR", scheme: str = "light") -> Window:
        context = chromium.new_context(
            viewport=PHONE if phone else DESK, has_touch=phone, locale=locale, timezone_id="Europe/Paris",
            color_scheme=scheme,  # type: ignore[arg-type]
            permissions=["clipboard-read", "clipboard-write"],
        )  # fmt: skip
        made.append(context)
        page = context.new_page()
        cdp = context.new_cdp_session(page)
        cdp.send("WebAuthn.enable")
        cdp.send(
            "WebAuthn.addVirtualAuthenticator",
            {
                "options": {
                    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
                    "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
                }
            },
        )  # fmt: skip
        return Window(page, context, cdp)

    yield open_window
    for context in made:
        context.close()
