"""The monthly digest: for who asked, once a month, whatever dies; nothing personal where others look."""

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from lucine.phone.digests import want_digest
from lucine.signin import digests
from lucine.signin.digests import send_digests
from lucine.watch.tries import note_try
from tests.world import ORIGIN, Desk, World

PARIS = ZoneInfo("Europe/Paris")


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> float:
    return datetime(year, month, day, hour, minute, tzinfo=PARIS).timestamp()


async def at_home(world: World, person: str = "ana") -> Desk:
    desk = world.desk()
    try:
        service = await world.service()
    except ValueError:
        service = await world.service(f"service-of-{person}")
    await world.sign_in(desk, await world.phone(person), service)
    return desk


async def choose(desk: Desk, *, wanted: bool) -> None:
    form = {"digest": "yes"} if wanted else {}
    headers = {"Origin": ORIGIN, "Content-Type": "application/x-www-form-urlencoded"}
    answer = await desk.http.post("/security/digest", data=form, headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (303, "/security?done=digest#number")


async def chore(world: World, now: float) -> None:
    while await send_digests(world.house, now):
        pass


async def sent(world: World) -> list[dict[str, str]]:
    rows = await world.house.db.all("SELECT id, channel, sealed FROM phone_notices ORDER BY made_at")
    read = [json.loads(world.house.keys.unseal(f"phone_notices.{row['id']}", row["sealed"])) for row in rows]
    return [notice for notice in read if notice["subject"] == "Votre résumé du mois"]


async def test_nobody_gets_one_unasked(small_world: World) -> None:
    desk = await at_home(small_world)
    for month in (7, 8, 9):
        await chore(small_world, at(2026, month, 1, 9))
    assert await sent(small_world) == []
    assert "checked" not in (await desk.http.get("/security")).text


async def test_who_asked_gets_one_mail_a_month_from_the_next_month_on(world: World) -> None:
    world.clock.now = at(2026, 6, 20)
    desk = await at_home(world)
    await choose(desk, wanted=True)
    assert 'value="yes" checked' in (await desk.http.get("/security")).text
    async with world.house.db.transaction() as db:
        await note_try(db, world.clock.now, world.house.keys, number="899700999917", client="c", channel="page",
                       prefix="p")  # fmt: skip
    counts = []
    for now in (at(2026, 6, 30, 23, 59), at(2026, 7, 1), at(2026, 7, 1, 0, 10), at(2026, 7, 31, 23, 59),
                at(2026, 8, 1), at(2027, 1, 5), at(2027, 1, 6)):  # fmt: skip
        await chore(world, now)
        counts.append(len(await sent(world)))
    assert counts == [0, 1, 1, 1, 2, 3, 3]
    first = (await sent(world))[0]
    assert first["to"] == "ana@exemple.invalid"
    said = first["text"]
    assert "essayé 1 fois" in said
    assert "1 connexion ;" in said
    assert "1 téléphone" in said
    assert said.endswith(f"{ORIGIN}/security#number")
    for personal in ("Ana", "MERIDIENTEST", "99700999917"):
        assert personal not in first["subject"] + said


async def test_choosing_again_neither_skips_nor_doubles_and_leaving_is_at_once(small_world: World) -> None:
    small_world.clock.now = at(2026, 6, 20)
    desk = await at_home(small_world)
    await choose(desk, wanted=True)
    ana = await small_world.holder("ana")
    async with small_world.house.db.transaction() as db:
        await want_digest(db, at(2026, 7, 1), holder=ana, wanted=True)
    await chore(small_world, at(2026, 7, 1, 1))
    assert len(await sent(small_world)) == 1, "July's was still to come"
    await choose(desk, wanted=False)
    await chore(small_world, at(2026, 8, 1))
    assert len(await sent(small_world)) == 1


async def test_a_process_that_dies_sends_it_once_all_the_same(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either she is marked and it is queued, or neither."""
    small_world.clock.now = at(2026, 6, 20)
    await choose(await at_home(small_world), wanted=True)
    whole = digests._queue

    async def dies(*_: object) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(digests, "_queue", dies)
    with pytest.raises(RuntimeError):
        await chore(small_world, at(2026, 7, 1))
    monkeypatch.setattr(digests, "_queue", whole)
    assert await sent(small_world) == []
    for _ in range(2):
        await chore(small_world, at(2026, 7, 1, 1))
    assert len(await sent(small_world)) == 1


async def test_each_her_own_and_many_at_a_time(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "BATCH", 1)
    small_world.clock.now = at(2026, 6, 20)
    for person in ("ana", "bea"):
        await choose(await at_home(small_world, person), wanted=True)
    await at_home(small_world, "carl")
    await chore(small_world, at(2026, 7, 1))
    assert sorted(notice["to"] for notice in await sent(small_world)) == ["ana@exemple.invalid", "bea@exemple.invalid"]


async def test_a_stranger_chooses_nothing(small_world: World) -> None:
    answer = await small_world.browser().post("/security/digest", data={"digest": "yes"}, headers={"Origin": ORIGIN})
    assert answer.status_code == 401
