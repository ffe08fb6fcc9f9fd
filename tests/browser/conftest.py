"""Real browsers against the real demo: three programs, two windows, a virtual authenticator each."""

import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, Playwright, expect, sync_playwright

from lucine.app import demo
from tests.tools import need

from .push_service import PushService, push_service

CHROMIUM = os.environ.get("LUCINE_TEST_CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=Translate",
]
expect.set_options(timeout=15_000)  # a busy machine is slow, not wrong
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
def pushes() -> Iterator[PushService]:
    with push_service() as made:
        yield made


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory, pushes: PushService) -> Iterator[Demo]:
    folder, port = tmp_path_factory.mktemp("demo"), free_ports()
    environment = demo.prepare(port, folder, allowed=[urlsplit(pushes.origin).netloc])
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
    need(Path(CHROMIUM).exists(), f"a browser at {CHROMIUM} (or elsewhere: LUCINE_TEST_CHROMIUM)")
    made = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield made
    made.close()


@dataclass
class Window:
    """A page, its browser's profile and its authenticator."""

    page: Page
    context: BrowserContext
    cdp: CDPSession
    authenticator: str

    @classmethod
    def on(cls, page: Page) -> "Window":
        """With a platform authenticator that always says yes."""
        cdp = page.context.new_cdp_session(page)
        cdp.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
            "isUserVerified": True, "automaticPresenceSimulation": True,
        }  # fmt: skip
        made = cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return cls(page, page.context, cdp, made["authenticatorId"])

    def keys(self) -> list[dict[str, Any]]:
        """What the authenticator holds. A virtual one goes with its page; a phone's stays."""
        return list(self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.authenticator})["credentials"])

    def hold(self, keys: list[dict[str, Any]]) -> None:
        for key in keys:
            self.cdp.send("WebAuthn.addCredential", {"authenticatorId": self.authenticator, "credential": key})


@pytest.fixture
def window(chromium: Browser) -> Iterator[Callable[..., Window]]:
    """Opens windows, each its own profile."""
    made: list[BrowserContext] = []

    def open_window(*, phone: bool = False, locale: str = "fr-FR", scheme: str = "light") -> Window:
        context = chromium.new_context(
            viewport=PHONE if phone else DESK, has_touch=phone, locale=locale, timezone_id="Europe/Paris",
            color_scheme=scheme,  # type: ignore[arg-type]
            permissions=["clipboard-read", "clipboard-write"],
        )  # fmt: skip
        made.append(context)
        return Window.on(context.new_page())

    yield open_window
    for context in made:
        context.close()
