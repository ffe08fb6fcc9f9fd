"""The phone warns when the screen that asks is plainly elsewhere."""

import pytest
from playwright.sync_api import Route, expect

from .conftest import Demo
from .test_story import Open, enrol, home, link_of, paste, start_at

pytestmark = pytest.mark.xdist_group("browser")


def test_a_screen_that_is_elsewhere_is_said_to_be(running: Demo, window: Open) -> None:
    phone, desk = window(phone=True), window()
    enrol(running, phone, "carl")
    warning = phone.page.locator("[data-part=elsewhere]")

    def on_rented_computers(route: Route) -> None:
        """Everything runs on this machine, so the server's answer is changed on its way."""
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "elsewhere": True, "place": "OVH, France"})

    phone.page.route("**/phone/api/claims", on_rented_computers)
    start_at(desk, running.cabinet)
    paste(phone, link_of(desk))
    expect(warning).to_be_visible()
    expect(warning).to_contain_text("ailleurs : OVH, France")

    phone.page.unroute("**/phone/api/claims")
    home(phone, running)
    start_at(desk, running.cabinet)
    paste(phone, link_of(desk))
    expect(phone.page.locator("[data-action=approve]")).to_be_visible()
    expect(warning).to_be_hidden()
