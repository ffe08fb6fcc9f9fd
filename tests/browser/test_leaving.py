"""Whoever sits down at a computer that she has left finds nothing of hers, not with the back button either."""

import pytest
from playwright.sync_api import expect

from .conftest import Demo
from .test_story import Open, enrol, sign_in_by_scan, sign_out

pytestmark = pytest.mark.xdist_group("browser")

NAME = "AURORETEST"


def test_l8_the_back_button_shows_no_page_of_hers(running: Demo, window: Open) -> None:
    phone, desk = window(phone=True), window()
    enrol(running, phone, "bea")
    sign_in_by_scan(running, desk, phone)
    page = desk.page
    expect(page.locator("main")).to_contain_text(NAME)
    page.goto(f"{running.connect}/security")
    expect(page.locator("main")).to_contain_text(NAME)

    # Connect: she ends every session of hers, and goes.
    page.locator("[data-action=end-all]").click()
    page.wait_for_url(f"{running.connect}/")
    page.go_back()
    page.wait_for_load_state()
    assert NAME not in page.content()
    page.wait_for_timeout(1000)  # within a second every service knows
    page.go_back()
    page.wait_for_load_state()
    assert NAME not in page.content(), "Cabinet's page"

    # Cabinet: she leaves there.
    phone.page.goto(f"{running.connect}/phone/")
    sign_in_by_scan(running, desk, phone)
    expect(page.locator("main")).to_contain_text(NAME)
    sign_out(desk, running)
    for _ in range(3):
        page.go_back()
        page.wait_for_load_state()
        assert NAME not in page.content()
