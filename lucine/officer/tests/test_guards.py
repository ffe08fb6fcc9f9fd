"""Every door of the watch, listed by the room itself: closed to all but officers, and to other sites' pages."""

import pytest

from lucine.officer import DOORS
from lucine.officer.doors import ENTRY_DOORS
from lucine.officer.sessions import acting, listening, watching
from lucine.web import Door, anyone
from tests.world import ORIGIN, World

from .kit import acts, alarm, officer

GUARDED = [door for door in DOORS if door not in ENTRY_DOORS]
POSTS = [door for door in DOORS if door.method == "POST"]


def _name(door: Door) -> str:
    return f"{door.method} {door.path}"


def test_all_doors_but_the_way_in_have_a_guard() -> None:
    assert {door.guard for door in ENTRY_DOORS} == {anyone}
    assert {door.guard for door in GUARDED} == {acting, listening, watching}
    changing = {door.path for door in GUARDED if door.method == "POST" and door.guard is not acting}
    assert changing == {"/watch/sign-out"}
    assert not any(door.cross_site for door in DOORS)


@pytest.mark.parametrize("door", GUARDED, ids=_name)
async def test_closed_to_strangers_and_to_professionals(small_world: World, door: Door) -> None:
    desk, found = small_world.desk(), await alarm(small_world)
    await small_world.sign_in(desk, await small_world.phone("ana"), await small_world.service())
    path = door.path.format(alarm=found.id, measure="x")
    before = await acts(small_world)
    for client in (small_world.browser(), desk.http):
        answer = await client.request(door.method, path, headers={"Origin": ORIGIN})
        if door.speaks == "json":
            assert (answer.status_code, answer.json()["error"]) == (401, "login_required")
        else:
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/watch/sign-in?to=/watch")
            assert found.id not in answer.text
    assert await acts(small_world) == before


@pytest.mark.parametrize("door", POSTS, ids=_name)
async def test_other_sites_send_nothing(small_world: World, door: Door) -> None:
    odile, found = await officer(small_world), await alarm(small_world)
    before = await acts(small_world)
    for origin in ({}, {"Origin": "https://oscar.test"}, {"Origin": "null"}):
        answer = await odile.http.post(door.path.format(alarm=found.id, measure="x"), json={}, headers=origin)
        assert answer.status_code == 403
    assert await acts(small_world) == before
