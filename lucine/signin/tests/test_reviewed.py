"""What a hostile reader found in the watch, and must not find again."""

import random

import pytest

from lucine.app.demo import PEOPLE
from lucine.signin.discovery import PATHS
from lucine.signin.watching import note_starts
from lucine.watch import detector
from lucine.watch.alarms import open_alarms
from lucine.watch.events import recent_events
from lucine.watch.measures import active_measures
from lucine.watch.tries import tries_of
from tests.world import World

from .test_watching import feed

CIBA = PATHS["backchannel_authentication_endpoint"]
ANA = f"8{PEOPLE['ana'][0]}"


@pytest.mark.parametrize("hint", ["1" * 26, "9" * 4000, "8" + "9" * 19, "٣" * 12, "é", "8abc", "-8997009999", " "])
async def test_no_hint_stops_the_watch(world: World, hint: str) -> None:
    service, desk = await world.service("ciba", ciba="poll"), world.desk()
    asked = await world.browser().post(CIBA, data={"scope": "openid", "login_hint": hint}, auth=service.basic)
    assert asked.status_code in (200, 400)
    await desk.authorize(service, login_hint=hint)
    world.clock.pass_by(400)
    while await note_starts(world.house, world.clock.now):
        pass
    left = await world.house.db.one(
        "SELECT (SELECT COUNT(*) FROM signin_starts WHERE noted_at IS NULL)"
        " + (SELECT COUNT(*) FROM signin_ciba WHERE noted_at IS NULL) AS waiting"
    )
    assert left is not None
    assert left["waiting"] == 0


async def test_a_hint_of_sixty_kilobytes_is_refused(small_world: World) -> None:
    service = await small_world.service("ciba", ciba="poll")
    asked = await small_world.browser().post(
        CIBA, data={"scope": "openid", "login_hint": "1" * 60_000}, auth=service.basic
    )
    assert asked.json()["error"] == "invalid_request"


async def test_one_start_that_cannot_be_weighed_does_not_stop_the_others(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await small_world.service()
    for number in ("899700000001", "899700000002", "899700000003"):
        await small_world.desk().authorize(service, login_hint=number)
        small_world.clock.pass_by(1)
    weighed = detector.likenesses

    def stumbles(named: detector.Named, before: list[detector.Named]) -> set[detector.Feature]:
        if named.number == 9970000000:
            raise OverflowError
        return weighed(named, before)

    monkeypatch.setattr("lucine.watch.campaign.likenesses", stumbles)
    monkeypatch.setattr("lucine.signin.watching._named", lambda number, *_: detector.Named(
        number=9970000000 if number.endswith("2") else 1, town="", profession=""))  # fmt: skip
    small_world.clock.pass_by(400)
    await note_starts(small_world.house, small_world.clock.now)
    assert len(await recent_events(small_world.house.db, since=0)) == 2
    lines = await small_world.house.db.all("SELECT act FROM safe_ledger WHERE act = 'watch.passed_over'")
    assert len(lines) == 1


async def test_pages_that_are_opened_and_left_are_no_campaign(small_world: World) -> None:
    """Crawlers and link previews name nobody: no alarm, and no work for anybody."""
    service = await small_world.service()
    await feed(small_world, 8000, "completed", chance=random.Random(1))
    for _ in range(120):
        await small_world.desk().authorize(service)
    small_world.clock.pass_by(400)
    await note_starts(small_world.house, small_world.clock.now)
    assert await open_alarms(small_world.house.db) == []
    assert await active_measures(small_world.house.db, small_world.clock.now) == []


async def test_who_keeps_a_browser_of_his_own_and_names_another_is_a_stranger(world: World) -> None:
    service, phone, desk = await world.service(), await world.phone("bea"), world.desk()
    await world.sign_in(desk, phone, service, keep=True)
    await desk.open_start(await desk.authorize(service, prompt="login", login_hint=ANA))
    assert (await desk.ring()).status_code == 200
    world.clock.pass_by(400)
    await note_starts(world.house, world.clock.now)
    newest = (await recent_events(world.house.db, since=0))[0]
    assert (newest["outcome"], newest["known"]) == ("unknown_number", 0)
    tries, _ = await tries_of(world.house.db, world.clock.now, world.house.keys, ANA)
    assert tries == 1
