"""While a service is under attack, a real browser earns its code by itself; nobody sees a puzzle."""

import asyncio
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from lucine.app import demo
from lucine.app.connect import open_house
from lucine.watch.measures import end_measures, take_measure
from lucine.web.settings import read_settings

from .conftest import Demo, Window
from .test_pages import check
from .test_story import Open, enrol, link_of, paste

pytestmark = pytest.mark.xdist_group("browser")

SLOW = 4  # times slower than this machine
CLIENT = "espace"


async def _measure(running: Demo, level: int) -> None:
    """Take the measure at this level; 0: take it back."""
    environment = demo._environment(urlsplit(running.connect).port or 0, running.folder, [])
    async with open_house(read_settings(environment)) as house, house.db.transaction() as db:
        if level:
            await take_measure(
                db, time.time(), house.keys, kind="proof_of_work", target=CLIENT, alarm="alarm", level=level
            )
        else:
            await end_measures(db, time.time(), house.keys, alarm="alarm", by="officer")


def _now(running: Demo, level: int) -> None:
    # The driver's event loop runs in this thread.
    thread = threading.Thread(target=lambda: asyncio.run(_measure(running, level)))
    thread.start()
    thread.join()


@contextmanager
def attacked(running: Demo, level: int) -> Iterator[None]:
    _now(running, level)
    try:
        yield
    finally:
        _now(running, 0)


def open_start(running: Demo, desk: Window) -> None:
    desk.page.goto(f"{running.espace}/sign-in")
    expect(desk.page.locator("main[data-ready=yes]")).to_be_visible()
    expect(desk.page.locator("main")).to_have_attribute("data-key", "")


def drawn(desk: Window) -> None:
    expect(desk.page.locator("[data-qr] path")).to_have_attribute("d", re.compile("^M"), timeout=20_000)


def test_a_slow_computer_nobody_knows_earns_its_code_and_signs_in(running: Demo, window: Open) -> None:
    phone, desk = window(phone=True), window()
    enrol(running, phone, "bea")
    desk.cdp.send("Emulation.setCPUThrottlingRate", {"rate": SLOW})
    with attacked(running, 1):
        began = time.monotonic()
        open_start(running, desk)
        shown = time.monotonic()
        drawn(desk)
        print(f"page after {shown - began:.2f} s, code {time.monotonic() - shown:.2f} s later, {SLOW} times slower")
        expect(desk.page.locator("[data-working]")).to_be_hidden()
        desk.cdp.send("Emulation.setCPUThrottlingRate", {"rate": 1})
        paste(phone, link_of(desk))
        phone.page.locator("[data-keep]").check()
        phone.page.locator("[data-action=approve]:visible").click()
        desk.page.wait_for_url(f"{running.espace}/**")

        # Known now: she proves it, and works for nothing.
        done: list[str] = []
        desk.page.on("request", lambda request: done.append(urlsplit(request.url).path.rpartition("/")[2]))
        session = [cookie for cookie in desk.context.cookies() if cookie["name"].endswith("browser")]
        desk.context.clear_cookies()
        desk.context.add_cookies(session)  # type: ignore[arg-type]
        open_start(running, desk)
        desk.page.locator("[data-action=scan-instead]").click()
        drawn(desk)
        assert "proof" in done
        assert "work" not in done


@pytest.mark.parametrize("locale", ["fr-FR", "en-GB"])
def test_long_work_is_announced_in_calm_words_and_nobody_waits_for_it(running: Demo, window: Open, locale: str) -> None:
    with attacked(running, 14):  # far beyond what is ever asked: this computer must be seen to work
        desk = window(locale=locale)
        open_start(running, desk)
        expect(desk.page.locator("[data-working]")).to_be_visible(timeout=5_000)
        check(desk.page, "working")
        expect(desk.page.locator("[data-announced]")).to_have_text(desk.page.locator("[data-working]").inner_text())
        for way in ("passkey", "typed", "cancel"):
            expect(desk.page.locator(f"[data-action={way}]:visible")).to_be_enabled()
        desk.page.locator("[data-action=cancel]:visible").click()
        desk.page.wait_for_url(f"{running.espace}/**")

        small = window(phone=True, locale=locale)
        open_start(running, small)
        check(small.page, "working, on a phone")
        small.page.locator("[data-action=open-phone]").click()
        expect(small.page.locator("[data-action=open-phone]")).to_have_attribute("aria-busy", "true")
