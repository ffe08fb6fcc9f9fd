"""What is frozen approves nothing; what is held adds nothing; and a number still tells nobody."""

import pytest

from lucine.phone.credentials import devices_of
from lucine.phone.enrolment import request_codes, send_codes
from lucine.phone.holds import freeze_credentials, hold_enrolments, release_enrolments, thaw_credential
from lucine.web import Refusal
from tests.world import Phone, World


async def _freeze(world: World, person: str) -> None:
    holder = await world.holder(person)
    async with world.house.db.transaction() as db:
        for kind in ("phone", "computer"):
            found = [one.id for one in await devices_of(db, holder, kind)]
            await freeze_credentials(db, world.clock.now, world.house.keys, holder=holder, credentials=found)


async def _thaw(world: World, person: str) -> None:
    holder = await world.holder(person)
    async with world.house.db.transaction() as db:
        for one in await devices_of(db, holder):
            assert await thaw_credential(db, world.clock.now, world.house.keys, holder=holder, credential=one.id)


async def _hold(world: World, person: str, *, held: bool = True) -> None:
    holder = await world.holder(person)
    async with world.house.db.transaction() as db:
        act = hold_enrolments if held else release_enrolments
        assert await act(db, world.clock.now, world.house.keys, holder=holder)


async def _scan(world: World, phone: Phone) -> int:
    desk = world.desk()
    await desk.open_start(await desk.authorize(await world.service(f"s{world.clock.now}")))
    return (await phone.scan(desk.qr())).status_code


async def test_a_frozen_phone_scans_nothing_and_says_why(world: World) -> None:
    phone = await world.phone("ana")
    await _freeze(world, "ana")
    assert await _scan(world, phone) == 403
    assert (await phone.get("me")).json()["state"] == "frozen"
    assert (await phone.get("history")).json()["error"] == "frozen"
    await _thaw(world, "ana")
    world.clock.pass_by(1)
    assert await _scan(world, phone) == 200


async def test_frozen_between_the_scan_and_the_approval(world: World) -> None:
    phone, desk = await world.phone("ana"), world.desk()
    await desk.open_start(await desk.authorize(await world.service()))
    ask = (await phone.scan(desk.qr())).json()
    await _freeze(world, "ana")
    assert (await phone.approve(ask)).status_code == 403
    assert (await desk.finish()).status_code != 200


async def test_another_phone_of_hers_goes_on(world: World) -> None:
    lost = await world.phone("ana")
    await _freeze(world, "ana")
    other = await world.phone("ana")
    assert await _scan(world, other) == 200
    assert (await lost.get("me")).json()["state"] == "frozen"


async def test_while_held_only_her_card_adds_a_phone(world: World) -> None:
    await world.phone("ana")
    early = await world.voucher("ana", "desk")
    await _hold(world, "ana")
    assert (await world.bare_phone().enrol(early)).status_code == 409, "begun before, finished after"
    for kind in ("desk", "link", "codes"):
        with pytest.raises(Refusal) as refused:
            await world.voucher("ana", kind)
        assert refused.value.code == "held"
    assert (await world.bare_phone().enrol(await world.voucher("ana", "card"))).status_code == 200
    await _hold(world, "ana", held=False)
    assert (await world.bare_phone().enrol(await world.voucher("ana", "desk"))).status_code == 200


async def test_while_held_no_code_is_sent_and_nobody_can_tell(world: World) -> None:
    holder = await world.holder("ana")

    async def asked() -> int:
        async with world.house.db.transaction() as db:
            await request_codes(
                db, world.clock.now, world.house.keys, national_id="899700999917",
                mail="ana@exemple.invalid", mobile="0600000001",
            )  # fmt: skip
        assert await send_codes(world.house, world.clock.now)
        sent = await world.house.db.all("SELECT id FROM phone_notices WHERE holder = :holder", holder=holder)
        return len(sent)

    assert await asked() == 2
    await _hold(world, "ana")
    assert await asked() == 2, "no more than before"
    phone = world.bare_phone()
    answers = [
        (await phone.post("codes", {"number": number, "mail": "ana@exemple.invalid", "mobile": "0600000001"}))
        for number in ("99700999917", "99700999925")
    ]
    assert {answer.status_code for answer in answers} == {200}
    assert {tuple(answer.json()) for answer in answers} == {("request",)}


async def test_each_hold_is_in_the_ledger_once(world: World) -> None:
    await world.phone("ana")
    await _freeze(world, "ana")
    await _freeze(world, "ana")
    await _hold(world, "ana")
    acts = [row["act"] for row in await world.house.db.all("SELECT act FROM safe_ledger ORDER BY seq")]
    assert (acts.count("phone.frozen"), acts.count("enrolments.held")) == (1, 1)
