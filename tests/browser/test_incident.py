"""The eight paths of the incident room on a phone, and a lost phone counted in taps and seconds."""

import time
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from lucine.habits.paths import PATHS
from lucine.phone.enrolment import make_voucher
from lucine.phone.holders import add_holder, holder_of_number
from lucine.signin.evidence import check_bundle
from lucine.web import House

from .conftest import Demo, Window
from .test_officer import in_house
from .test_pages import check
from .test_story import Open, home, sign_in_by_scan

pytestmark = pytest.mark.xdist_group("browser")

TAPS_MAX = 6
SECONDS_MAX = 60


class Finger:
    """Taps, and counts them."""

    def __init__(self, page: Page) -> None:
        self.page, self.taps = page, 0

    def tap(self, selector: str) -> None:
        self.page.locator(selector).first.tap()
        self.taps += 1


STOPS_NOTHING = "wrong-recipient"  # a letter is not Lucine's to call back


def contained(page: Page, path: str) -> None:
    expect(page.locator("main[data-state=incident]")).to_be_visible()
    title = "Vos accès Lucine sont protégés" if PATHS[path].facts.outside else "C’est arrêté"
    expect(page.locator("[data-contained] h1")).to_have_text("C’est noté" if path == STOPS_NOTHING else title)


@pytest.mark.parametrize("path", list(PATHS))
def test_each_path_from_the_app_to_the_papers(running: Demo, window: Open, tmp_path: Path, path: str) -> None:
    phone, desk = window(phone=True), window()
    enrol_somebody(running, phone)
    sign_in_by_scan(running, desk, phone, keep=True)
    home(phone, running)
    page, finger = phone.page, Finger(phone.page)
    finger.tap("[data-action=incident]")
    check(page, "symptoms", "main[data-state=symptoms]")
    finger.tap(f"[data-path={path}]")
    check(page, path, f"main[data-path={path}]")
    finger.tap("[data-action=stop]")
    contained(page, path)
    assert finger.taps == 3
    check(page, f"incident: {path}")
    desk.page.goto(f"{running.connect}/security")
    ended = path != STOPS_NOTHING
    expect(desk.page.locator("main[data-state=security]" if not ended else "main[data-start]")).to_be_visible()

    # A task with its paper, done, and undone by mistake.
    task = page.locator("[data-task]:has([data-action=pdf])").first
    which = task.get_attribute("data-task")
    with page.expect_download() as paper:
        task.locator("[data-action=pdf]").tap()
    assert Path(paper.value.path()).read_bytes().startswith(b"%PDF-")
    page.locator(f"[data-task={which}] [data-action=task-done]").tap()
    expect(page.locator(f"[data-task={which}]")).to_have_count(0)

    # A note, kept.
    page.locator("#note").fill("Appel reçu à 18 h, numéro masqué.")
    page.locator("[data-action=note]").tap()
    expect(page.locator("#timeline")).to_contain_text("numéro masqué")
    for summary in page.locator(".sheet > summary").all():
        summary.tap()
    check(page, f"answers: {path}")

    # A phone alone carries nothing away and closes nothing: she shows that it is her, on this same phone.
    page.locator("a[data-action=evidence]").tap()
    page.locator("[data-action=open-phone]").tap()
    page.locator("[data-action=approve]:visible").tap()
    contained(page, path)
    with page.expect_download() as bundle:
        page.locator("button[data-action=evidence]").tap()
    file = tmp_path / "incident.zip"
    bundle.value.save_as(file)
    assert check_bundle(file, None).manifest.kind == "incident"
    with zipfile.ZipFile(file) as archive:
        assert "numéro masqué" in archive.read("timeline.jsonl").decode()
    page.locator("[data-action=close]").tap()
    page.locator("[data-action=close-confirm]").tap()
    check(page, "closed", "[data-notice=closed]")


def test_a_new_user_with_a_lost_phone_is_safe_in_a_minute(running: Demo, window: Open) -> None:
    """On a friend's phone, with one of her printed codes: from the front page to contained."""
    lost, desk, friend = window(phone=True), window(), window(phone=True)
    code = enrol_somebody(running, lost)
    sign_in_by_scan(running, desk, lost, keep=True)
    began, finger = time.monotonic(), Finger(friend.page)
    friend.page.goto(running.connect)
    finger.tap("[data-action=help]")
    finger.tap("[data-path=phone-lost]")
    friend.page.locator("#code").fill(code)
    finger.taps += 1  # into the field
    finger.tap("[data-action=stop]")
    expect(friend.page.locator("main[data-state=stopped]")).to_be_visible()
    assert finger.taps <= TAPS_MAX
    assert time.monotonic() - began < SECONDS_MAX
    check(friend.page, "stopped")

    # Contained indeed: the phone is frozen, the desk is out.
    lost.page.goto(f"{running.connect}/phone/")
    check(lost.page, "frozen", "[data-screen=frozen]")
    desk.page.goto(f"{running.connect}/security")
    expect(desk.page.locator("main[data-start]")).to_be_visible()


def vouched(running: Demo, holder: str = "") -> str:
    """An operator vouches for a phone: of this holder, or of a midwife whom no other test knows."""

    async def vouch(house: House) -> str:
        now = time.time()
        async with house.db.transaction() as db:
            whose = holder
            numbers = await db.all("SELECT DISTINCT national_id FROM directory_lines ORDER BY national_id LIMIT 200")
            for number in (row["national_id"] for row in numbers):
                if not whose and await holder_of_number(db, number) is None:
                    whose = (await add_holder(db, now, house.keys, national_id=number)).id
            return await make_voucher(db, now, house.keys, holder=whose, kind="operator")

    return str(in_house(running, vouch))


def enrol_somebody(running: Demo, phone: Window) -> str:
    """A first phone of somebody new; one of the recovery codes that come with it."""
    page = phone.page
    page.goto(f"{running.connect}/phone/#enrol={vouched(running)}")
    page.locator("[data-screen=enrol] [data-action=create-key]").click()
    expect(page.locator("[data-screen=recovery]")).to_be_visible()
    code = page.locator("[data-list=recovery] li").first.inner_text()
    page.locator("[data-screen=recovery] [data-action=noted]").click()
    expect(page.locator("[data-screen=home]")).to_be_visible()
    return code
