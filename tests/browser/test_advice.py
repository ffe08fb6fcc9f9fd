"""Advice on the phone, what a phone says of its system, and a frozen phone that is added anew."""

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from lucine.phone.credentials import devices_of
from lucine.phone.holds import freeze_credentials
from lucine.web import House

from .conftest import PHONE, Demo, Window
from .test_incident import enrol_somebody, vouched
from .test_officer import in_house
from .test_pages import check
from .test_story import Open, home

pytestmark = pytest.mark.xdist_group("browser")

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6"
    " Mobile/15E148 Safari/604.1"
)


def test_one_card_that_is_read_and_closed(running: Demo, window: Open) -> None:
    phone = window(phone=True)
    enrol_somebody(running, phone)
    home(phone, running)
    card = phone.page.locator("[data-part=card]")
    expect(card).to_be_visible()
    expect(card.locator("h2")).not_to_be_empty()
    card.locator("summary").tap()
    assert str(card.locator("[data-card-source]").get_attribute("href")).startswith("https://")
    check(phone.page, "card")
    card.locator("[data-action=close-card]").tap()
    expect(card).to_be_hidden()
    home(phone, running)
    expect(phone.page.locator("[data-screen=home] [data-action=scan]")).to_be_visible()
    expect(card).to_be_hidden()


def test_an_old_phone_says_which_system_it_runs(running: Demo, chromium: Browser) -> None:
    context = chromium.new_context(viewport=PHONE, has_touch=True, locale="fr-FR", user_agent=IPHONE)  # type: ignore[arg-type]
    phone = Window.on(context.new_page())
    with phone.page.expect_response("**/habits/system"):  # once a day
        enrol_somebody(running, phone)
        home(phone, running)

    async def systems(house: House) -> list[Any]:
        rows = await house.db.all("SELECT platform, version FROM habits_systems ORDER BY seen_at DESC LIMIT 1")
        return [tuple(row) for row in rows]

    assert in_house(running, systems) == [("ios", 16)]
    context.close()


def test_a_frozen_phone_is_added_anew_with_her_card(running: Demo, window: Open) -> None:
    phone = window(phone=True)
    enrol_somebody(running, phone)

    async def freeze(house: House) -> str:
        async with house.db.transaction() as db:
            row = await db.one(
                "SELECT holder FROM phone_credentials WHERE kind = 'phone' ORDER BY created_at DESC LIMIT 1"
            )
            assert row is not None
            found = [one.id for one in await devices_of(db, row["holder"], "phone")]
            await freeze_credentials(db, 1.0, house.keys, holder=row["holder"], credentials=found)
            return str(row["holder"])

    holder = in_house(running, freeze)
    page = phone.page
    page.goto(f"{running.connect}/phone/")
    check(page, "frozen", "[data-screen=frozen]")
    page.locator("[data-action=add-again]").tap()
    expect(page.locator("[data-screen=welcome]")).to_be_visible()
    page.goto(f"{running.connect}/phone/#enrol={vouched(running, holder)}")
    page.locator("[data-screen=enrol] [data-action=create-key]").tap()
    expect(page.locator("[data-screen=home]")).to_be_visible()
