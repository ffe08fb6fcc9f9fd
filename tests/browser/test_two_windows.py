"""The README's first minutes to the letter: desk and phone are two windows of one browser."""

from dataclasses import replace

import pytest
from playwright.sync_api import expect

from .conftest import Demo, Window
from .test_story import Open, link_of, paste, start_at

pytestmark = pytest.mark.xdist_group("browser")


def enrol_this_phone(running: Demo, phone: Window) -> None:
    page = phone.page
    page.goto(f"{running.connect}/demo/card/carl")
    page.locator("[data-action=this-phone]").click()
    page.locator("[data-screen=enrol] [data-action=create-key]").click()
    page.locator("[data-screen=recovery]:visible, [data-screen=home]:visible").wait_for()
    if page.locator("[data-screen=recovery]").is_visible():
        page.locator("[data-screen=recovery] [data-action=noted]").click()
    expect(page.locator("[data-screen=home]")).to_be_visible()


def test_the_phone_window_stays_the_phone(running: Demo, window: Open) -> None:
    phone = window()
    page = phone.page
    page.set_viewport_size({"width": 360, "height": 740})
    enrol_this_phone(running, phone)
    desk = replace(phone, page=phone.context.new_page())
    start_at(desk, running.cabinet)
    paste(phone, link_of(desk))
    page.locator("[data-action=approve]").click()
    desk.page.wait_for_url(f"{running.cabinet}/**")
    expect(page.locator("[data-screen=done]")).to_be_visible()


def test_a_sign_in_that_began_on_the_phone_comes_back_to_it(running: Demo, window: Open) -> None:
    phone = window(phone=True)
    page = phone.page
    enrol_this_phone(running, phone)
    start_at(phone, running.cabinet)
    page.locator("[data-action=open-phone]").click()
    expect(page.locator("[data-kind=here]")).to_be_visible()
    page.locator("[data-action=approve]").click()
    page.wait_for_url(f"{running.cabinet}/**")
    expect(page.locator("main")).to_contain_text("Carl")
