"""A code that comes by a link is not a scan: another site could have sent her here with a screen of its own."""

import pytest
from playwright.sync_api import expect

from .conftest import Demo
from .test_story import Open, enrol, home, link_of, start_at

pytestmark = pytest.mark.xdist_group("browser")


def test_a_received_link_shows_no_request_and_asks_her_to_scan(running: Demo, window: Open) -> None:
    phone, desk = window(phone=True), window()
    enrol(running, phone, "carl")
    start_at(desk, running.cabinet)
    link = link_of(desk)
    phone.page.goto("about:blank")
    phone.page.goto(link)
    expect(phone.page.locator("[data-screen=scan]")).to_be_visible()
    expect(phone.page.get_by_text("scannez vous-même l’écran")).to_be_visible()
    expect(desk.page.locator("main[data-state=waiting]")).to_be_visible()
    home(phone, running)
    expect(phone.page.locator("[data-screen=request]")).to_be_hidden()


def test_the_button_of_the_same_phone_opens_its_own_request(running: Demo, window: Open) -> None:
    phone = window(phone=True)
    enrol(running, phone, "bea")
    start_at(phone, running.cabinet)
    phone.page.locator("[data-action=open-phone]").click()
    expect(phone.page.locator("[data-screen=request]")).to_be_visible()
    phone.page.locator("[data-action=approve]").click()
    phone.page.wait_for_url(f"{running.cabinet}/**")
    expect(phone.page.locator("main")).to_contain_text("Béa")
