"""Every page, in French and English, on a phone and a desk: no barrier that axe can find, nothing off screen, nothing squeezed."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.tools import need

from .conftest import Demo, Window
from .test_story import Open, enrol, home, link_of, paste, start_at

pytestmark = pytest.mark.xdist_group("browser")

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SQUEEZED_PX = 90
SQUEEZED = """least => [...document.querySelectorAll("p, h1, h2, h3, h4, dd")].filter(
    one => one.clientWidth > 0 && one.clientWidth < least && one.innerText.length > 20
        && !one.childElementCount && !one.closest(".unseen")
).map(one => one.innerText)"""


def check(page: Page, name: str, shown: str = "main") -> None:
    """Through the debugging protocol, which the page's own policy does not stop.

    After a press, ``shown`` says what only the next page has: a browser leaves the old one when the new one answers.
    """
    expect(page.locator(shown).first).to_be_visible()
    page.wait_for_load_state()  # its styles, above all
    page.wait_for_timeout(150)  # transitions
    if not page.evaluate("() => Boolean(window.axe)"):
        need(AXE.exists(), "axe-core")
        page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", TAGS)
    problems = [(v["id"], [node["target"] for node in v["nodes"]]) for v in found["violations"]]
    assert problems == [], name
    assert len(found["passes"]) > 5, name
    wide = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{name} is wider than the screen"
    assert page.evaluate(SQUEEZED, SQUEEZED_PX) == [], f"{name} has text in a column of a few letters"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["fr-FR", "en-GB"])
@pytest.mark.parametrize("phone_sized", [True, False])
def test_pages_that_anybody_sees(running: Demo, window: Open, locale: str, phone_sized: bool, scheme: str) -> None:
    seen = window(phone=phone_sized, locale=locale, scheme=scheme)
    page = seen.page
    for path in (
        "/",
        "/lost",
        "/lost?sent=1",
        "/cancel?token=x",
        "/nowhere",
        "/auth?client_id=x",
        "/demo/card/bea",
        "/incident",
        "/incident/new/phone-lost",
        "/incident/new/code-given/stopped",
        "/incident/resume",
        "/incident/resume?sent=1",
    ):
        page.goto(f"{running.connect}{path}")
        assert page.locator("html").get_attribute("lang") == locale[:2]
        check(page, path)
    for origin in (running.cabinet, running.espace):
        page.goto(origin)
        check(page, origin)
    page.goto(f"{running.cabinet}/callback?state=x&code=y")
    check(page, "a sign-in that is not ours")
    page.goto(f"{running.connect}/phone/")
    check(page, "welcome", "[data-screen=welcome]")
    page.locator("[data-screen=welcome] [data-action=codes]").click()
    check(page, "codes", "[data-screen=codes-ask]")
    page.goto(f"{running.cabinet}/sign-in")
    expect(page.locator("main[data-ready=yes]")).to_be_visible()
    check(page, "start")
    for action in ("typed", "link"):
        summary = page.locator(f"[data-action={action}]")
        if summary.is_visible():
            summary.click()
    check(page, "start, open")


@pytest.mark.parametrize("locale", ["fr-FR", "en-GB"])
def test_pages_that_she_sees(running: Demo, window: Open, locale: str) -> None:
    phone, desk = window(phone=True, locale=locale), window(locale=locale)
    enrol(running, phone, "bea")
    check(phone.page, "home")
    _in(running, desk, phone)
    check(desk.page, "cabinet")
    desk.page.goto(f"{running.connect}/security")
    check(desk.page, "security")
    desk.page.set_viewport_size({"width": 390, "height": 800})
    check(desk.page, "security on a phone")
    desk.page.locator("[data-action=add-phone]").click()
    check(desk.page, "voucher", "main[data-state=shown]")
    for path in ("/habits", "/habits/questions", "/habits/drills", "/incident"):
        desk.page.goto(f"{running.connect}{path}")
        check(desk.page, path)
    desk.page.goto(f"{running.connect}/habits/drills")
    desk.page.locator("[data-action=start]").click()
    check(desk.page, "a drill", "main[data-state=drill]")
    desk.page.locator("button[name=answer]").first.click()
    check(desk.page, "its answer", "main[data-state=drill-answer]")
    for screen in ("waiting", "typed", "history", "settings"):
        home(phone, running)
        phone.page.locator(f"[data-screen=home] [data-action={screen}]:visible").last.click()
        check(phone.page, screen, f"[data-screen={screen}]")
    start_at_in(desk, running)
    home(phone, running)
    paste(phone, link_of(desk))
    check(phone.page, "request")
    phone.page.locator("[data-screen=request] [data-action=refuse]").click()
    check(phone.page, "refuse", "[data-screen=refuse]")
    phone.page.locator("[data-action=not-me]:visible").click()
    check(phone.page, "stopped", "[data-screen=stopped]")


def _in(running: Demo, desk: Window, phone: Window) -> None:
    desk.page.goto(f"{running.cabinet}/sign-in")
    expect(desk.page.locator("main[data-ready=yes]")).to_be_visible()
    paste(phone, link_of(desk))
    phone.page.locator("[data-action=approve]:visible").click()
    desk.page.wait_for_url(f"{running.cabinet}/**")


def start_at_in(desk: Window, running: Demo) -> None:
    """A start of a browser that has no session here."""
    desk.context.clear_cookies()
    desk.page.set_viewport_size({"width": 1280, "height": 860})
    desk.page.goto(f"{running.cabinet}/sign-in")
    expect(desk.page.locator("main[data-ready=yes]")).to_be_visible()


def test_everything_works_by_keyboard(running: Demo, window: Open) -> None:
    desk = window()
    start_at(desk, running.cabinet)
    reached = set()
    for _ in range(40):
        desk.page.keyboard.press("Tab")
        reached.add(
            desk.page.evaluate("() => document.activeElement?.dataset?.action ?? document.activeElement?.tagName")
        )
    assert {"passkey", "typed", "link", "more-time", "cancel"} <= reached


def test_offline_the_phone_says_so(running: Demo, window: Open) -> None:
    phone = window(phone=True)
    enrol(running, phone, "carl")
    home(phone, running)
    phone.page.evaluate("() => navigator.serviceWorker.ready.then(() => null)")
    phone.page.reload()
    expect(phone.page.locator("[data-screen=home]")).to_be_visible()
    phone.context.set_offline(True)
    phone.page.reload()
    expect(phone.page.locator("[data-screen=offline]")).to_be_visible()
    assert "COULISSETEST" not in phone.page.content()
