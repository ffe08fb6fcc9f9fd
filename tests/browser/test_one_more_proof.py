"""A sign-in that is odd for her, in real browsers: the screen asks for one more proof, and the same phone answers once more."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from playwright.sync_api import expect

from lucine.app.demo import PEOPLE

from .conftest import Demo
from .test_story import Open, enrol, home, link_of, paste, start_at

pytestmark = pytest.mark.xdist_group("browser")


@contextmanager
def always_elsewhere(running: Demo, person: str) -> Iterator[None]:
    """She has long signed in from a home connection with another browser."""
    with closing(sqlite3.connect(running.folder / "identity.db", timeout=10, isolation_level=None)) as database:
        (holder,) = database.execute(
            "SELECT id FROM phone_holders WHERE national_id = ?", (f"8{PEOPLE[person][0]}",)
        ).fetchone()
        database.execute("DELETE FROM watch_histories WHERE holder = ?", (holder,))  # of other tests, from here
        database.executemany(
            "INSERT INTO watch_histories (session, holder, at, prefix, network, country, browser, system, client, hour,"
            " method, known) VALUES ('elsewhere', ?, ?, '90.0.0.0/24', 'Orange', 'France', 'Firefox sur Windows',"
            " 'Windows', 'cabinet', 34, 'phone', 0)",
            [(holder, time.time() - 3600 * hours) for hours in range(1, 9)],
        )
        try:
            yield
        finally:
            database.execute("DELETE FROM watch_histories WHERE session = 'elsewhere'")


def test_the_screen_asks_once_more(running: Demo, window: Open) -> None:
    phone, desk = window(phone=True), window()
    enrol(running, phone, "bea")
    with always_elsewhere(running, "bea"):
        start_at(desk, running.cabinet)
        page, asked = desk.page, desk.page.locator("[data-proof]")
        expect(asked).to_be_hidden()
        paste(phone, link_of(desk))
        phone.page.locator("[data-action=approve]").click()

        # Nothing is open yet: the same page and a new code. It does not say what would be ordinary for her.
        expect(asked).to_be_visible()
        expect(asked).to_contain_text("ne ressemble pas aux vôtres")
        expect(asked).not_to_contain_text("jamais vu")
        expect(page.locator("[data-qr]")).to_be_visible()
        assert page.url.startswith(f"{running.connect}/start/")

        home(phone, running)
        paste(phone, link_of(desk))
        phone.page.locator("[data-keep]").check()
        phone.page.locator("[data-action=approve]").click()
        page.wait_for_url(f"{running.cabinet}/**")

        # Her security page tells it, and the computer that she kept is not asked again.
        page.goto(f"{running.connect}/security")
        row = page.locator("[data-list=open] [data-verdict]").first
        expect(row).to_contain_text("une preuve de plus a été demandée")
        expect(page.locator("[data-browser]")).to_have_count(1)
