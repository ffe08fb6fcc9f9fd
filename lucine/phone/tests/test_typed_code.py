"""The typed code, for who cannot scan: an hour later, announced, once, and still approved on her phone."""

import re
from pathlib import Path

from lucine.phone.credentials import revoke_credentials
from lucine.phone.notices import deliver_notices
from tests.world import ORIGIN, Desk, Service, World

HOUR = 3600


async def letters(world: World) -> list[str]:
    while await deliver_notices(world.house, world.clock.now):
        pass
    paths = sorted(Path(f"{world.folder}/post").glob("[!.]*"))
    said = [path.read_text() for path in paths]
    for path in paths:
        path.unlink()
    return said


async def at_desk(world: World, service: Service) -> Desk:
    desk = world.desk()
    await desk.open_start(await desk.authorize(service))
    return desk


async def test_it_waits_is_announced_and_signs_in_once(world: World) -> None:
    service, phone = await world.service(), await world.phone("ana")
    await letters(world)
    assert (await phone.get("fallback")).json()["state"] == "none"
    armed = (await phone.post("fallback")).json()
    assert (armed["state"], armed["code"]) == ("waiting", "")
    assert armed["usable_at"] == world.clock.now + HOUR
    told = await letters(world)
    assert len(told) == 2  # mail and SMS
    assert all("/cancel?token=" in one for one in told)
    for _ in range(3):  # arming again neither shortens the delay nor announces again
        world.clock.pass_by(60)
        assert (await phone.post("fallback")).json() == armed
    assert await letters(world) == []
    world.clock.pass_by(HOUR - 181)
    assert (await phone.get("fallback")).json()["code"] == ""
    world.clock.pass_by(2)
    ready = (await phone.get("fallback")).json()
    assert (ready["state"], len(ready["code"])) == ("ready", 8)
    assert (await phone.get("fallback")).json() == ready
    desk = await at_desk(world, service)
    typed = ready["code"].lower().replace("0", "O")
    assert (await desk.post(f"/start/{desk.start}/typed", {"code": f" {typed[:4]}-{typed[4:]} "})).status_code == 200
    # The code is spent; the screen now waits on the phone that showed it, which still has to approve.
    again = await at_desk(world, service)
    assert (await again.post(f"/start/{again.start}/typed", {"code": ready["code"]})).status_code == 410
    assert (await desk.finish()).status_code == 410
    assert (await phone.scan(desk.qr())).status_code == 410
    assert (await phone.get("fallback")).json()["state"] == "none"
    from lucine.phone.ask_pages import _told
    from lucine.phone.asks import ringing_asks
    from lucine.phone.credentials import devices_of

    (device,) = await devices_of(world.house.db, await world.holder("ana"), "phone")
    (ask,) = await ringing_asks(world.house.db, world.clock.now, device)
    shown = _told(world.house, ask, device)
    assert (shown["kind"], shown["service"]) == ("typed", "Le service service")
    assert (await phone.approve(shown)).status_code == 200
    assert (await desk.finish()).status_code == 200


async def test_it_lasts_ten_minutes_and_is_never_ready_without_a_new_delay(small_world: World) -> None:
    service, phone = await small_world.service(), await small_world.phone("ana")
    await phone.post("fallback")
    small_world.clock.pass_by(HOUR + 1)
    code = (await phone.get("fallback")).json()["code"]
    small_world.clock.pass_by(601)
    desk = await at_desk(small_world, service)
    assert (await desk.post(f"/start/{desk.start}/typed", {"code": code})).status_code == 410
    # Asked for at once after it ran out, it starts anew at the first touch: an hour, and a notice.
    await letters(small_world)
    armed = (await phone.post("fallback")).json()
    assert (armed["state"], armed["usable_at"]) == ("waiting", small_world.clock.now + HOUR)
    assert len(await letters(small_world)) == 2


async def test_anybody_she_is_told_by_can_stop_it(small_world: World) -> None:
    phone, second = await small_world.phone("ana"), await small_world.phone("ana")
    await letters(small_world)
    await phone.post("fallback")
    for said in await letters(small_world):
        link = re.search(r"https://connect\.test(/cancel\?token=\S+)", said.replace("=\n", "").replace("=3D", "="))
        assert link, said
    browser = small_world.browser()
    path = link.group(1)
    for _ in range(3):  # a mail scanner opens links: nothing happens before the button
        assert 'data-state="ask"' in (await browser.get(path)).text
    assert (await phone.get("fallback")).json()["state"] == "waiting"
    token = path.partition("=")[2]
    cross = await browser.post("/cancel", data={"token": token}, headers={"Origin": "https://evil.example"})
    assert cross.status_code == 403
    done = await browser.post("/cancel", data={"token": token}, headers={"Origin": ORIGIN})
    assert 'data-state="done"' in done.text
    assert (await phone.get("fallback")).json()["state"] == "none"
    over = await browser.post("/cancel", data={"token": token}, headers={"Origin": ORIGIN})
    assert 'data-state="over"' in over.text
    # From another of her phones as well.
    await phone.post("fallback")
    assert (await second.get("fallback")).json()["state"] == "none"  # it is the first one's to show
    assert (await second.http.delete("/phone/api/fallback", headers={"Origin": ORIGIN})).status_code == 200
    assert (await phone.get("fallback")).json()["state"] == "none"


async def test_wrong_codes_and_other_peoples_codes_open_nothing(small_world: World) -> None:
    service, ana, bea = await small_world.service(), await small_world.phone("ana"), await small_world.phone("bea")
    await ana.post("fallback")
    small_world.clock.pass_by(HOUR + 1)
    code = (await ana.get("fallback")).json()["code"]
    assert (await bea.get("fallback")).json()["state"] == "none"
    desk = await at_desk(small_world, service)
    for wrong in ("", code[:7], code + "A", code[::-1], "' OR 1=1 --", "é" * 8, "0" * 300):
        if wrong != code:
            assert (await desk.post(f"/start/{desk.start}/typed", {"code": wrong})).status_code == 410
    # A screen that another phone has scanned cannot be taken over by a typed code, and the code stays good.
    assert (await bea.scan(desk.qr())).status_code == 200
    assert (await desk.post(f"/start/{desk.start}/typed", {"code": code})).status_code == 410
    assert (await ana.get("fallback")).json()["code"] == code
    # A lost phone's code dies with it.
    lost = await ana.get("me")
    second = await small_world.phone("ana")
    assert second
    holder = await small_world.holder("ana")  # opens a transaction of its own: not inside another
    async with small_world.house.db.transaction() as db:
        await revoke_credentials(db, small_world.clock.now, small_world.house.keys, kind="phone", why="lost",
                                 holder=holder, credential=lost.json()["device"]["id"])  # fmt: skip
    fresh = await at_desk(small_world, service)
    assert (await fresh.post(f"/start/{fresh.start}/typed", {"code": code})).status_code == 410
