"""Scanning only, CIBA closed, and the one message that she gets at once: through the doors, and taken back."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from lucine.phone.asks import RINGS_MAX, ringing_asks
from lucine.phone.credentials import devices_of
from lucine.watch.measures import (
    LASTING_SECONDS,
    Kind,
    active_measure,
    end_measures,
    end_old_measures,
    take_measure,
)
from tests.plans import plans
from tests.world import Desk, Service, World

from .kit import CIBA
from .test_ciba import NUMBER


async def take(world: World, kind: Kind, target: str) -> Callable[[], Any]:
    """Take a measure; what takes it back."""
    keys = world.house.keys
    async with world.house.db.transaction() as db:
        measure, _ = await take_measure(db, world.clock.now, keys, kind=kind, target=target, alarm="alarm")

    async def back() -> None:
        async with world.house.db.transaction() as db:
            assert await end_measures(db, world.clock.now, keys, measure=measure.id, by="officer") == 1

    return back


async def ringing(world: World) -> int:
    (device, *_) = await devices_of(world.house.db, await world.holder("ana"), "phone")
    return len(await ringing_asks(world.house.db, world.clock.now, device))


async def again(desk: Desk, service: Service) -> None:
    await desk.open_start(await desk.authorize(service, prompt="login"))


async def ciba(world: World, service: Service, **form: str) -> httpx.Response:
    return await world.browser().post(CIBA, data={"scope": "openid", **form}, auth=service.basic)


async def mails(world: World) -> list[str]:
    rows = await world.house.db.all("SELECT id, sealed FROM phone_notices WHERE channel = 'mail' ORDER BY made_at")
    return [world.house.keys.unseal(f"phone_notices.{row['id']}", row["sealed"]).decode() for row in rows]


async def test_while_she_only_scans_nothing_rings_and_she_gets_in(world: World) -> None:
    service, desk, phone = await world.service(ciba="poll"), world.desk(), await world.phone("ana")
    back = await world.sign_in(desk, phone, service, keep=True)
    hint = (await world.redeem(desk, service, back)).json()["id_token"]
    other, hers = world.desk(), await world.phone("bea")
    await world.sign_in(other, hers, service, keep=True)
    take_back = await take(world, "qr_only", await world.holder("ana"))

    await again(desk, service)
    answer = await desk.ring()
    assert (answer.status_code, answer.json()["error"]) == (409, "scan_instead")
    assert answer.json()["words"].startswith("Par prudence")
    assert (await ciba(world, service, id_token_hint=hint)).status_code == 200
    assert await ringing(world) == 0
    asked = (await phone.scan(desk.qr())).json()
    assert (await phone.approve(asked)).status_code == 200
    assert "code" in await desk.code()

    await again(other, service)
    assert (await other.ring()).status_code == 200, "nobody else is concerned"
    await take_back()
    await again(desk, service)
    assert (await desk.ring()).status_code == 200
    assert await ringing(world) == 1


async def test_ciba_by_number_is_closed_alike_for_every_number_and_a_bond_still_counts(world: World) -> None:
    service, other = await world.service(ciba="poll"), await world.service("other", ciba="poll")
    desk, phone = world.desk(), await world.phone("ana")
    back = await world.sign_in(desk, phone, service)
    hint = (await world.redeem(desk, service, back)).json()["id_token"]
    take_back = await take(world, "ciba_closed", "service")

    answers = [await ciba(world, service, login_hint=number) for number in (NUMBER, "99700000000", "nobody")]
    assert {answer.status_code for answer in answers} == {403}
    said = [{**answer.json(), "error_description": answer.json()["error_description"][:-12]} for answer in answers]
    assert {one["error"] for one in said} == {"access_denied"}
    assert len({str(sorted(one.items())) for one in said}) == 1
    row = await world.house.db.one("SELECT SUM(tries) AS tries FROM watch_tries")
    assert row
    assert row["tries"] == 3, "they are counted all the same"
    assert (await ciba(world, service, id_token_hint=hint)).status_code == 200
    assert await ringing(world) == 1
    assert (await ciba(world, other, login_hint=NUMBER)).status_code == 200
    await take_back()
    assert (await ciba(world, service, login_hint=NUMBER)).status_code == 200


async def test_she_is_told_once_that_a_browser_goes_on_ringing(small_world: World) -> None:
    """She has something to do: that browser may not be in her hands."""
    service, desk, phone = await small_world.service(), small_world.desk(), await small_world.phone("ana")
    await small_world.sign_in(desk, phone, service, keep=True)
    before = len(await mails(small_world))
    for number in range(RINGS_MAX + 3):
        await again(desk, service)
        assert (await desk.ring()).status_code == (200 if number < RINGS_MAX else 409)
    (told,) = (await mails(small_world))[before:]
    assert "Firefox" in told
    assert "Votre téléphone a sonné plusieurs fois" in told
    await small_world.sign_in(desk, phone, service, prompt="login")
    for _ in range(RINGS_MAX + 1):
        await again(desk, service)
        await desk.ring()
    assert len(await mails(small_world)) == before + 2, "anew, after she has signed in"


async def test_mere_tries_of_her_number_tell_her_nothing(small_world: World) -> None:
    service = await small_world.service(ciba="poll")
    await small_world.phone("ana")
    before = len(await mails(small_world))
    for _ in range(20):
        await small_world.desk().authorize(service, login_hint=NUMBER)
        await ciba(small_world, service, login_hint=NUMBER)
    assert len(await mails(small_world)) == before


@pytest.mark.parametrize("kind", ["proof_of_work", "qr_only", "ciba_closed"])
async def test_asking_for_a_measure_reads_one_index(small_world: World, kind: Kind) -> None:
    with plans(small_world.house.db) as lines:
        await active_measure(small_world.house.db, small_world.clock.now, kind=kind, target="service")
    assert [line.partition(" (")[0] for line in lines if "SEARCH" in line or "SCAN" in line] == [
        "SEARCH watch_measures USING INDEX watch_measures_active"
    ]


async def test_a_measure_ends_by_itself_and_the_ledger_says_so(world: World) -> None:
    service, db, keys = await world.service(ciba="poll"), world.house.db, world.house.keys
    await take(world, "ciba_closed", "service")
    world.clock.pass_by(LASTING_SECONDS - 1)
    assert not await end_old_measures(db, world.clock.now, keys)
    assert (await ciba(world, service, login_hint=NUMBER)).status_code == 403
    world.clock.pass_by(2)
    assert (await ciba(world, service, login_hint=NUMBER)).status_code == 200
    for _ in range(2):
        assert not await end_old_measures(db, world.clock.now, keys)
    rows = await db.all("SELECT act FROM safe_ledger WHERE act LIKE 'measure.%' ORDER BY seq")
    assert [row["act"] for row in rows] == ["measure.taken", "measure.ended"]
