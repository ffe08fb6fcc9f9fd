"""An approval is this holder's, of this screen, as it was shown, once. No approval moves elsewhere."""

import asyncio
from typing import Any

import pytest

from lucine.phone.asks import challenge_of, find_ask
from lucine.phone.credentials import devices_of, revoke_credentials
from tests.world import ORIGIN, Desk, Phone, Service, World


async def scanned(world: World, service: Service, phone: Phone) -> tuple[Desk, dict[str, Any]]:
    desk = world.desk()
    await desk.open_start(await desk.authorize(service))
    answer = await phone.scan(desk.qr())
    assert answer.status_code == 200, answer.text
    return desk, answer.json()


async def change(world: World, sql: str, **values: Any) -> None:
    async with world.house.db.transaction() as db:
        assert await db.run(sql, **values) == 1


CHANGES = {
    "client": """REPLACE(shown, '"client":"service"', '"client":"other"')""",
    "service": """REPLACE(shown, 'Le service', 'Un service')""",
    "host": """REPLACE(shown, 'service.test', 'evil.example')""",
    "acr": """REPLACE(shown, 'eidas1', 'eidas2')""",
    "browser": """REPLACE(shown, 'Firefox', 'Chrome')""",
    "place": """REPLACE(shown, '"place":"', '"place":"x')""",
}


async def test_an_approval_of_a_request_that_was_changed_is_refused(world: World) -> None:
    """Each thing that the holder saw, changed by who can write to the database."""
    service, phone = await world.service(), await world.phone("ana")
    changes = [f"shown = {change}" for change in CHANGES.values()]
    changes += ["opened_at = opened_at + 1", "opened_at = opened_at - 0.5", "browser_key = 'another'"]
    for sql in changes:
        desk, ask = await scanned(world, service, phone)
        before = await find_ask(world.house.db, ask["id"])
        await change(world, f"UPDATE phone_asks SET {sql} WHERE id = :id", id=ask["id"])
        assert challenge_of(await find_ask(world.house.db, ask["id"])) != challenge_of(before), sql
        assert (await phone.approve(ask)).status_code == 403, sql
        assert (await desk.finish()).status_code == 410
    desk, ask = await scanned(world, service, phone)
    await change(world, "UPDATE phone_asks SET nonce = :nonce WHERE id = :id", nonce=bytes(32), id=ask["id"])
    assert (await phone.approve(ask)).status_code == 403
    # What is not committed to, because it is nothing that she saw, is not enough to move the approval either.
    desk, ask = await scanned(world, service, phone)
    await change(world, "UPDATE phone_asks SET credential = 'another' WHERE id = :id", id=ask["id"])
    assert (await phone.approve(ask)).status_code == 410


async def test_no_approval_moves_to_another_start(world: World) -> None:
    service, phone, oscar = await world.service(), await world.phone("ana"), world.desk()
    _, ask = await scanned(world, service, phone)
    phone.key.count += 1
    credential = phone.key.get(ask["options"])
    await oscar.open_start(await oscar.authorize(service))
    body = {"credential": credential, "keep": True}
    assert (await phone.post(f"asks/{oscar.facts['ask']}/approve", body)).status_code == 410
    assert (await phone.scan(oscar.qr())).status_code == 200  # even claimed by her very phone
    assert (await phone.post(f"asks/{oscar.facts['ask']}/approve", body)).status_code == 403
    assert (await oscar.post(f"/start/{oscar.start}/passkey", {"credential": credential})).status_code in (403, 410)
    assert (await oscar.finish()).status_code == 410
    assert (await phone.post(f"asks/{ask['id']}/approve", body)).status_code == 200
    assert (await phone.post(f"asks/{ask['id']}/approve", body)).status_code == 410


async def test_a_phones_approval_is_not_a_passkeys_and_the_reverse(small_world: World) -> None:
    service, phone, desk = await small_world.service(), await small_world.phone("ana"), small_world.desk()
    await desk.open_start(await desk.authorize(service))
    options = (await desk.post(f"/start/{desk.start}/passkey/options")).json()["options"]
    assert options["allowCredentials"] == []
    on_screen = phone.key.get(options)
    # An unclaimed screen cannot be approved from a phone, whatever it signs.
    body = {"credential": on_screen, "keep": False}
    assert (await phone.post(f"asks/{desk.facts['ask']}/approve", body)).status_code == 410
    # Once a phone has scanned, a passkey on the screen is too late.
    assert (await phone.scan(desk.qr())).status_code == 200
    assert (await desk.post(f"/start/{desk.start}/passkey", {"credential": on_screen})).status_code == 410


async def test_who_may_not_approve(world: World) -> None:
    service, ana, bea = await world.service(), await world.phone("ana"), await world.phone("bea")
    second = await world.phone("ana")
    desk, ask = await scanned(world, service, ana)
    assert (await bea.approve(ask)).status_code == 410  # another holder
    assert (await second.approve(ask)).status_code == 410  # hers, but it did not scan
    assert (await world.bare_phone().approve(ask)).status_code == 401  # nobody's
    body = {"credential": bea.key.get(ask["options"]), "keep": False}
    assert (await ana.post(f"asks/{ask['id']}/approve", body)).status_code == 403  # her cookie, his key
    body = {"credential": second.key.get(ask["options"]), "keep": False}
    assert (await ana.post(f"asks/{ask['id']}/approve", body)).status_code == 410  # her cookie, her other key
    ana.key.flags = 0x01
    assert (await ana.approve(ask)).status_code == 403  # no fingerprint, no PIN
    ana.key.flags = 0x05
    assert (await ana.approve({**ask, "id": "nonsense"})).status_code == 410
    assert (await desk.finish()).status_code == 410
    assert (await ana.approve(ask)).status_code == 200


@pytest.mark.parametrize("how", ["cancelled", "refused", "not_me", "expired", "switched off", "lost"])
async def test_what_is_over_cannot_be_approved(small_world: World, how: str) -> None:
    service, phone = await small_world.service(), await small_world.phone("ana")
    desk, ask = await scanned(small_world, service, phone)
    holder = await small_world.holder("ana")
    if how == "cancelled":
        assert (await desk.post(f"/start/{desk.start}/cancel")).status_code == 200
    elif how in ("refused", "not_me"):
        reason = {"reason": "not_me" if how == "not_me" else "changed_mind"}
        assert (await phone.post(f"asks/{ask['id']}/refuse", reason)).status_code == 200
        assert (await phone.post(f"asks/{ask['id']}/refuse", reason)).status_code == 410
    elif how == "expired":
        small_world.clock.pass_by(121)
    else:
        async with small_world.house.db.transaction() as db:
            await revoke_credentials(db, small_world.clock.now, small_world.house.keys, holder=holder, kind="phone",
                                     why=how)  # fmt: skip
    assert (await phone.approve(ask)).status_code in (401, 410)
    assert (await desk.finish()).status_code == 410


async def test_a_phone_in_quarantine_scans_and_approves_nothing(small_world: World) -> None:
    service, phone = await small_world.service(), small_world.bare_phone()
    assert (await phone.enrol(await small_world.voucher("ana", "codes"))).status_code == 200
    desk = small_world.desk()
    await desk.open_start(await desk.authorize(service))
    refused = await phone.scan(desk.qr())
    assert (refused.status_code, refused.json()["error"]) == (403, "quarantine")
    for path in ("waiting", "fallback", "history", "events"):
        assert (await phone.get(path)).status_code == 403
    for path in ("waiting", "fallback", "asks/x/approve", "asks/x/refuse", "history/x/not-me", "pending/x/cancel"):
        assert (await phone.post(path, {})).status_code == 403, path
    # Nor does its key open the screen itself.
    options = (await desk.post(f"/start/{desk.start}/passkey/options")).json()["options"]
    assert (await desk.post(f"/start/{desk.start}/passkey", {"credential": phone.key.get(options)})).status_code == 403
    small_world.clock.pass_by(72 * 3600 + 1)
    await small_world.sign_in(small_world.desk(), phone, service)


async def test_two_approvals_at_once_are_one(world: World) -> None:
    service, phone = await world.service(), await world.phone("ana")
    for _ in range(8):
        desk, ask = await scanned(world, service, phone)
        body = {"credential": phone.key.get(ask["options"]), "keep": False}
        refuse = {"reason": "changed_mind"}
        acts = [phone.post(f"asks/{ask['id']}/approve", body) for _ in range(5)]
        acts += [phone.post(f"asks/{ask['id']}/refuse", refuse), desk.post(f"/start/{desk.start}/cancel")]
        codes = [answer.status_code for answer in await asyncio.gather(*acts)]
        approved, refused = codes[:5].count(200), codes[5:6].count(200)
        assert approved + refused <= 1, codes
        assert set(codes) <= {200, 410}, codes
        finished = await asyncio.gather(*(desk.finish() for _ in range(4)))
        assert [answer.status_code for answer in finished].count(200) <= approved


async def test_a_screen_is_its_browsers_alone(small_world: World) -> None:
    """The start's address, read over a shoulder or in a log, opens nothing elsewhere."""
    service, phone = await small_world.service(), await small_world.phone("ana")
    desk, ask = await scanned(small_world, service, phone)
    oscar = small_world.desk()
    await oscar.open_start(await oscar.authorize(service))
    assert (await phone.approve(ask)).status_code == 200
    for act in ("finish", "cancel", "more-time", "ring", "browser", "typed", "passkey", "passkey/options"):
        answer = await oscar.http.post(f"/start/{desk.start}/{act}", json={}, headers={"Origin": ORIGIN})
        assert answer.status_code == 404, act
    for path in ("", "/events", "/again"):
        assert (await oscar.http.get(f"/start/{desk.start}{path}")).status_code == 404
    # Nor does another site's page, with her cookies.
    for origin in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": ORIGIN + ":443"}):
        assert (await desk.http.post(f"/start/{desk.start}/finish", json={}, headers=origin)).status_code == 403
    assert (await desk.finish()).status_code == 200
    assert (await desk.finish()).status_code == 410


async def test_a_phone_that_was_switched_off_sees_nothing_any_more(small_world: World) -> None:
    from lucine.phone.ask_pages import _ringing

    service, phone = await small_world.service(), await small_world.phone("ana")
    holder = await small_world.holder("ana")
    (device,) = await devices_of(small_world.house.db, holder, "phone")
    desk, _ = await scanned(small_world, service, phone)
    stream = _ringing(small_world.house, small_world.clock.now, device, "127.0.0.1")
    assert b'"asks":[]' in await anext(stream)
    async with small_world.house.db.transaction() as db:
        await revoke_credentials(db, small_world.clock.now, small_world.house.keys, holder=holder, kind="phone",
                                 why="lost")  # fmt: skip
        await db.run("UPDATE phone_asks SET ring_at = :now, kind = 'ring', credential = NULL", now=1.0)
    small_world.house.bell.ring(f"holder:{holder}")
    assert desk
    assert [part async for part in stream] == []
    assert (await phone.get("events")).status_code == 401
