""" "My number": how often strangers tried it, when, where, and what Lucine does about it."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from lucine.phone.holders import hold_holder
from lucine.watch.measures import Kind, take_measure
from lucine.watch.tries import DAYS, tries_by_day
from tests.world import Desk, World

from .kit import CIBA
from .test_ciba import NUMBER

DAY = 86400
PARIS = ZoneInfo("Europe/Paris")


async def at_home(world: World) -> Desk:
    """Ana, signed in, whose number nobody has tried."""
    desk = world.desk()
    await world.sign_in(desk, await world.phone("ana"), await world.service())
    return desk


async def try_number(world: World, client: str = "service", number: str = NUMBER, times: int = 1) -> None:
    for _ in range(times):
        answer = await world.browser().get("/auth", params={
            "client_id": client, "redirect_uri": "https://service.test/callback", "response_type": "code",
            "scope": "openid", "state": "s", "login_hint": number, "code_challenge": "a" * 43,
            "code_challenge_method": "S256",
        })  # fmt: skip
        assert answer.status_code == 303


async def section(desk: Desk, language: str = "fr") -> str:
    text = (await desk.http.get("/security", params={"ui_locales": language})).text
    found = re.search(r'<section class="card number".*?</section>', text, re.S)
    assert found
    return " ".join(found[0].replace("’", "'").replace("&#39;", "'").split())


async def test_a_number_that_nobody_tried(small_world: World) -> None:
    said = await section(await at_home(small_world))
    assert 'data-tries="0"' in said
    assert "<rect" not in said
    assert "data-measure" not in said


async def test_how_often_when_and_through_which_services(world: World) -> None:
    desk = await at_home(world)
    ciba = await world.service("ciba", ciba="poll")
    await try_number(world, times=2)
    await try_number(world, number="99700999925")
    world.clock.pass_by(2 * DAY)
    await try_number(world)
    for _ in range(4):
        await world.browser().post(CIBA, data={"scope": "openid", "login_hint": NUMBER}, auth=ciba.basic)
    await world.sign_in(desk, await world.phone("ana"), ciba)
    said = await section(desk)
    assert 'data-tries="7"' in said
    assert "l'ont essayé 7 fois en 30 jours" in said
    assert "Aucun de ces essais n'a fait sonner votre téléphone." in said
    assert said.count("<rect") == 2
    assert "Essais par jour : 5 au plus" in said
    cells = re.findall(r'<th scope="row">([^<]+)</th><td>(\d+)</td>', said)
    assert sorted(count for _, count in cells[:2]) == ["2", "5"]
    assert cells[2:] == [("Le service ciba", "4"), ("Le service service", "3")]


async def test_days_are_those_of_paris_and_end_with_today(small_world: World) -> None:
    """A try a minute before midnight in Paris, in summer, and one a minute after."""
    midnight = datetime(2026, 7, 14, tzinfo=PARIS).timestamp()
    for at in (midnight - 60, midnight + 60):
        small_world.clock.now = at
        if at < midnight:
            await small_world.service()
        await try_number(small_world)
    small_world.clock.now = midnight + 3600
    house = small_world.house
    tried = await tries_by_day(house.db, small_world.clock.now, house.keys, f"8{NUMBER}")
    assert [(str(day.date), day.tries) for day in tried.days[-2:]] == [("2026-07-13", 1), ("2026-07-14", 1)]
    assert len(tried.days) == DAYS
    assert tried.last_at == midnight + 60
    small_world.clock.now = midnight + 29 * DAY + 3600
    later = await tries_by_day(house.db, small_world.clock.now, house.keys, f"8{NUMBER}")
    assert (later.days[0].tries, sum(day.tries for day in later.days), later.clients) == (1, 1, {"service": 1})


async def test_what_lucine_does_is_told_to_whom_it_concerns(small_world: World) -> None:
    desk, world = await at_home(small_world), small_world
    ana, bea = await world.holder("ana"), await world.holder("bea")

    async def take(kind: Kind, target: str) -> None:
        async with world.house.db.transaction() as db:
            await hold_holder(db, ana)
            await take_measure(db, world.clock.now, world.house.keys, kind=kind, target=target, alarm="a", level=1)

    await take("qr_only", bea)
    await take("proof_of_work", "service")
    await take("proof_of_work", "elsewhere")
    assert "data-measure" not in await section(desk), "nobody tried her number"
    await try_number(world)
    assert re.findall(r'data-measure="(\w+)"', await section(desk)) == ["proof_of_work"]
    await take("qr_only", ana)
    await take("ciba_closed", "service")
    await take("service_told", "service")
    said = await section(desk)
    assert sorted(re.findall(r'data-measure="(\w+)"', said)) == [
        "ciba_closed", "proof_of_work", "qr_only", "service_told"
    ]  # fmt: skip
    assert "elsewhere" not in said


async def test_a_service_that_is_gone_has_no_name(small_world: World) -> None:
    from lucine.signin.clients import remove_client

    desk = await at_home(small_world)
    await try_number(small_world)
    async with small_world.house.db.transaction() as db:
        await remove_client(db, small_world.clock.now, small_world.house.keys, "service")
    assert "Un service qui n'est plus ici" in await section(desk)
