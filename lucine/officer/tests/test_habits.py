"""What an officer sees of habits: figures of a quarter, never a person."""

import re

import msgspec

from lucine.habits.barometer import cell, cells_of
from lucine.habits.release import Release, make_release
from tests.world import World

from .kit import officer

THRESHOLDS = {"all": 141, "profession": 76, "department": 76}
MARGINS = {"all": 30, "profession": 15, "department": 15}


async def publish(world: World, period: str, counts: dict[str, int]) -> None:
    made = Release(period=period, epsilon=1.0, thresholds=THRESHOLDS, margins=MARGINS, counts=counts)
    async with world.house.db.transaction() as db:
        await db.run("INSERT INTO habits_releases (period, released, made_at) VALUES (:period, :released, 0)",
                     period=period, released=msgspec.json.encode(made).decode())  # fmt: skip


def plain(html: str) -> str:
    return " ".join(re.sub(r"[\u00a0\u202f]", " ", html).replace("’", "'").replace("&#39;", "'").split())


def line(html: str, name: str) -> list[str]:
    """A line of a table, cell by cell."""
    (found,) = re.findall(rf'<th scope="row">{name}</th>(.*?)</tr>', html)
    return [re.sub(r"<[^>]+>", "", one) for one in re.findall(r"<td>(.*?)</td>", found)]


async def test_before_the_first_release(small_world: World) -> None:
    odile = await officer(small_world)
    shown = plain((await odile.http.get("/watch/habits")).text)
    assert "Aucun trimestre n'est encore publié" in shown
    assert 'aria-current="page">Habitudes' in shown
    assert "<table" not in shown
    assert re.findall(r'data-band="[\d-]+"><dt>[^<]+</dt><dd class="quiet">trop peu', shown)


async def test_the_latest_quarter_by_profession_and_department(small_world: World) -> None:
    odile = await officer(small_world)
    counts = {
        **{cell("all", "", "attacked", answer): count for answer, count in (("yes", 1200), ("no", 7000), ("unsure", 1800))},
        cell("all", "", "masters", "yes"): 4000, cell("all", "", "masters", "no"): 500,
        **{cell("profession", "50", "attacked", answer): count for answer, count in (("yes", 81), ("no", 1403))},
        cell("department", "44", "masters", "partly"): 255,
    }  # fmt: skip
    await publish(small_world, "2026-Q2", {})
    await publish(small_world, "2026-Q3", counts)
    shown = plain((await odile.http.get("/watch/habits")).text)
    assert 'data-period="2026-Q3"' in shown
    assert "Juillet – septembre 2026" in shown
    assert "Oui 12 %, Non 70 %, Ne sait pas 18 %" in shown, "the bar in words"
    assert len(re.findall(r'<svg class="shares"', shown)) == 1, "no shares where one of the answers is hidden"
    assert line(shown, "Sages-femmes") == ["81", "1 403", "·trop peu", "·trop peu", "·trop peu", "·trop peu"]
    assert line(shown, "Loire-Atlantique")[4] == "255"
    assert "Médecins" not in shown
    assert "30 professions ont trop peu de réponses" in shown
    assert "107 départements ont trop peu de réponses" in shown


async def test_the_budget_and_the_thresholds_are_said(small_world: World) -> None:
    odile = await officer(small_world)
    await publish(small_world, "2026-Q3", {})
    shown = plain((await odile.http.get("/watch/habits")).text)
    assert "un budget de 1 par trimestre" in shown
    assert "141 pour la France, 76 par profession, 76 par département" in shown
    assert "À 15 personnes près, 19 fois sur 20" in shown
    english = (await odile.http.get("/watch/habits", params={"ui_locales": "en"})).text
    assert '<html lang="en">' in english
    assert "July – September 2026" in english


async def test_an_earlier_quarter_by_its_name_and_no_other(small_world: World) -> None:
    odile = await officer(small_world)
    await publish(small_world, "2026-Q2", {})
    await publish(small_world, "2026-Q3", {})
    earlier = await odile.http.get("/watch/habits", params={"period": "2026-Q2"})
    assert 'data-period="2026-Q2"' in earlier.text
    for wrong in ("2026-Q1", "x", "2026-Q2' OR '1'='1", "../2026-Q2"):
        assert (await odile.http.get("/watch/habits", params={"period": wrong})).status_code == 404


async def test_a_whole_release_fits_the_page(small_world: World) -> None:
    odile = await officer(small_world)
    every = {name: 5000 for breakdown in THRESHOLDS for name in cells_of(breakdown)}
    await publish(small_world, "2026-Q3", make_release("2026-Q3", every).counts)
    shown = plain((await odile.http.get("/watch/habits")).text)
    assert len(re.findall(r'<th scope="row">', shown)) == 31 + 108
    assert "trop peu de réponses pour être" not in shown


async def test_no_holder_and_no_stranger_sees_the_officers_page(small_world: World) -> None:
    phone = await small_world.phone("ana")
    for browser in (phone.http, small_world.browser()):
        answered = await browser.get("/watch/habits")
        assert (answered.status_code, answered.headers.get("location")) == (303, "/watch/sign-in?to=/watch/habits")


async def test_an_officer_never_sees_a_person(small_world: World) -> None:
    """Ana and Béa have answered, and each has a score: nothing of theirs is on the page."""
    odile = await officer(small_world)
    for person in ("ana", "bea"):
        phone = await small_world.phone(person)
        await phone.http.get("/habits")
        sent = {"attacked": "yes", "masters": "no"}
        await phone.http.post("/habits/barometer", data=sent, headers={"Origin": "https://connect.test"})
    await publish(small_world, "2026-Q1", {})
    shown = (await odile.http.get("/watch/habits")).text
    for told in ("MERIDIENTEST", "AURORETEST", "99700999917", await small_world.holder("ana")):
        assert told not in shown
    assert not re.findall(r'<th scope="row">', shown)
