"""The officers' room in a real browser: invited, keyed, watching, answering, carrying away."""

import asyncio
import json
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest
from playwright.sync_api import expect

from lucine.app.connect import open_house
from lucine.app.demo import PEOPLE
from lucine.officer import invite_officer
from lucine.phone.holders import holder_of_number
from lucine.signin.evidence import check_bundle
from lucine.watch.alarms import Evidence, raise_alarm
from lucine.watch.events import Event, note_events, number_digest
from lucine.web import House
from lucine.web.settings import Settings

from .conftest import Demo, Window
from .test_pages import check
from .test_story import Open

pytestmark = pytest.mark.xdist_group("browser")


def _settings(running: Demo) -> Settings:
    return Settings(
        origin=running.connect,
        database=f"sqlite:///{running.folder}/identity.db",
        keys=f"{running.folder}/identity.keys",
    )


def in_house(running: Demo, act: Callable[[House], Awaitable[Any]]) -> Any:
    """Beside the running program, in a thread of its own: the browser's driver keeps this one's loop."""

    async def run() -> Any:
        async with open_house(_settings(running)) as house:
            return await act(house)

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, run()).result()


def invitation(running: Demo, name: str) -> str:
    async def act(house: House) -> str:
        async with house.db.transaction() as db:
            _, secret = await invite_officer(db, time.time(), house.keys, name=name, mail="odile@exemple.invalid")
        return f"{running.connect}/watch/invitation#{secret}"

    return str(in_house(running, act))


def note(running: Demo, events: list[Event]) -> None:
    async def act(house: House) -> None:
        async with house.db.transaction() as db:
            await note_events(db, house.keys, events)

    in_house(running, act)


def ended(name: str) -> Event:
    """A start that just came to nothing."""
    now = time.time()
    return Event(
        id=name, at=now - 9, over_at=now, client="cabinet", channel="page", known=False, number=None, holder="",
        newcomer=-1, near="", address="90.84.0.1", outcome="expired",
    )  # fmt: skip


def campaign(running: Demo) -> str:
    """A week of work, and for a day somebody who walks the directory; the id of the alarm."""

    async def act(house: House) -> str:
        now, chance = time.time(), Random(3)
        holders = [await holder_of_number(house.db, f"8{number}") for number, *_ in PEOPLE.values()]
        networks = ["90.84.0.1", "82.64.0.1", "86.192.0.1", "51.15.0.1", "203.0.113.1"]

        def start(name: str, ago: float, **more: Any) -> Event:
            facts: dict[str, Any] = {
                "id": name, "at": now - ago - 40, "over_at": now - ago, "client": chance.choice(["cabinet", "espace"]),
                "channel": "page", "known": chance.random() < 0.6, "number": None, "holder": "", "newcomer": -1,
                "near": "", "address": chance.choice(networks[:3]), "outcome": "completed",
            }  # fmt: skip
            return Event(**{**facts, **more})

        events = []
        for n in range(1500):
            ago = chance.uniform(0, 7 * 86400)
            hour = time.gmtime(now - ago).tm_hour
            if 6 <= hour <= 18 or chance.random() < 0.12:
                outcome = chance.choices(["completed", "changed_mind", "abandoned", "expired"], [90, 2, 5, 3])[0]
                events.append(start(f"week-{now}-{n}", ago, outcome=outcome))
        for n in range(412):
            outcome = chance.choices(["expired", "unknown_number", "not_me"], [62, 35, 3])[0]
            who = chance.choice(holders) if chance.random() < 0.05 else None
            number = who.national_id if who else f"8997{n:08}"
            events.append(start(
                f"walk-{now}-{n}", chance.uniform(60, 25 * 3600), client="cabinet", known=False, outcome=outcome, newcomer=1,
                number=number_digest(house.keys, number), holder=who.id if who else "", address=chance.choice(networks),
            ))  # fmt: skip
        evidence = Evidence(
            events=431, numbers=412, certainty=9.0, seen={"unanswered": 255, "unknown_number": 144, "refused": 13},
            expected={"unanswered": 41.5, "unknown_number": 4, "refused": 1.2}, services={"cabinet": 431}, sources={},
        )  # fmt: skip
        async with house.db.transaction() as db:
            await note_events(db, house.keys, events)
            alarm, _ = await raise_alarm(
                db, now, house.keys, family="outcomes", client="cabinet", feature="outcomes", since=now - 25 * 3600,
                evidence=evidence,
            )  # fmt: skip
        return alarm.id

    return str(in_house(running, act))


def enter(running: Demo, seen: Window, name: str = "Odile Veilleur") -> None:
    """From the invitation to the live view."""
    page = seen.page
    page.goto(invitation(running, name))
    expect(page.locator("[data-action=make-key]")).to_be_visible()
    assert "#" not in page.url, "the secret has left the address"
    page.locator("[data-action=make-key]").click()
    page.wait_for_url("**/watch/sign-in")
    page.locator("[data-action=sign-in]").click()
    page.wait_for_url("**/watch")
    expect(page.locator("[data-plain]")).to_be_hidden()


def test_the_walk_of_an_officer(running: Demo, window: Open, tmp_path: Path) -> None:
    seen = window()
    page = seen.page
    page.goto(f"{running.connect}/watch")
    assert page.url.endswith("/watch/sign-in?to=/watch"), "first the way in"
    enter(running, seen)
    expect(page.get_by_role("heading", name="Tout est calme")).to_be_visible()

    # What ends is seen without a reload; what the reader has opened stays open.
    page.evaluate("() => { window.stayed = true; }")
    before = int(page.locator("[data-count=day]").inner_text())
    for name in ("first", "second"):
        note(running, [ended(name)])
        expect(page.locator(f"[data-event={name}]")).to_be_visible(timeout=8000)
        if name == "first":
            page.locator("#hours-table summary").click()
    expect(page.locator("#hours-table table")).to_be_visible()
    assert int(page.locator("[data-count=day]").inner_text()) >= before + 2  # others may end meanwhile

    # An alarm, and what she does about it.
    alarm = campaign(running)
    link = page.locator(f"[data-alarm='{alarm}']")
    expect(link).to_be_visible(timeout=8000)
    expect(page.locator("[data-announced]")).to_have_text("Une alarme est ouverte")
    assert page.evaluate("() => window.stayed"), "no reload"
    link.click()
    expect(page.locator("[data-evidence]")).to_contain_text("412 numéros différents ont été nommés")
    expect(page.locator("[data-sureness=strong]")).to_contain_text("Une attaque est très probable.")
    page.locator("[data-action=acknowledge]").click()
    expect(page.locator("[data-notice=acknowledged]")).to_be_visible()
    work = page.locator("[data-measure=proof_of_work][data-target=cabinet]")
    work.locator("select").select_option("3")
    work.locator("[data-action=take-proof_of_work]").click()
    expect(work).to_have_attribute("data-held", "yes")
    page.locator("[data-action=open-qr_only]").click()
    page.locator("[data-action=take-qr_only]").click()
    expect(page.locator("[data-measure=qr_only]")).to_have_attribute("data-held", "yes")
    page.locator("[data-action=open-ciba_closed]").click()
    page.locator("[data-action=take-ciba_closed]").click()
    expect(page.locator("[data-measure=ciba_closed]")).to_have_attribute("data-held", "yes")
    page.locator("[data-action=end-ciba_closed]").click()
    expect(page.locator("[data-measure=ciba_closed]")).to_have_attribute("data-held", "no")

    with page.expect_download() as download:
        page.locator("[data-action=evidence]").click()
    file = tmp_path / "evidence.zip"
    download.value.save_as(file)
    assert check_bundle(file, None).manifest.id == alarm
    with zipfile.ZipFile(file) as archive:
        assert len(archive.read("events.jsonl").splitlines()) >= 412

    page.get_by_role("link", name="Export").click()
    page.get_by_text("pour un SIEM").click()
    with page.expect_download() as download:
        page.locator("[data-action=export]").click()
    download.value.save_as(tmp_path / "export")
    rows = [json.loads(line) for line in (tmp_path / "export").read_text().splitlines()]
    assert {row["event"]["category"][0] for row in rows} == {"authentication"}
    assert len(rows) > 1000

    page.goto(f"{running.connect}/watch/alarms/{alarm}")
    page.locator("[data-action=open-close]").click()
    page.locator("[data-action=close]").click()
    expect(page.locator("main[data-alarm-state=closed]")).to_be_visible()
    page.goto(f"{running.connect}/watch")
    expect(page.get_by_role("heading", name="Tout est calme")).to_be_visible()
    expect(page.locator("[data-count=measures]")).to_have_text("0")

    # Removed by the operator, the page that is open leads out.
    program = [sys.executable, "-c", "import lucine.app.cli as c; c.main()", "officer"]
    settings = _settings(running)
    environment = {"LUCINE_ORIGIN": settings.origin, "LUCINE_DATABASE": settings.database, "LUCINE_KEYS": settings.keys}
    listed = subprocess.run([*program, "list"], env=environment, check=True, capture_output=True, text=True)
    found = re.search(r"(\S{22})  Odile Veilleur", listed.stdout)
    assert found, listed.stdout
    subprocess.run([*program, "remove", found[1]], env=environment, check=True, capture_output=True)
    page.wait_for_url("**/watch/sign-in?to=/watch", timeout=8000)
    page.locator("[data-action=sign-in]").click()
    expect(page.locator("[data-alert]")).not_to_be_empty()


@pytest.mark.parametrize(("locale", "scheme"), [("fr-FR", "light"), ("en-GB", "dark")])
def test_every_page_of_the_watch(running: Demo, window: Open, locale: str, scheme: str) -> None:
    seen = window(locale=locale, scheme=scheme)
    page = seen.page
    page.goto(f"{running.connect}/watch/invitation")
    check(page, "invitation")
    page.goto(f"{running.connect}/watch/sign-in")
    check(page, "sign in")
    enter(running, seen, f"Odile {locale} {scheme}")
    check(page, "quiet")
    alarm = campaign(running)
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 800})
        for path in ("", "/alarms", f"/alarms/{alarm}", "/map", "/export", "/sign-in"):
            page.goto(f"{running.connect}/watch{path}")
            assert page.locator("html").get_attribute("lang") == locale[:2]
            for summary in page.locator("main details summary").all():
                summary.click()
            check(page, f"{path} at {width}")
