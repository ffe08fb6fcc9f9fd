"""What the phone room forgets, and when."""

from lucine.phone.chores import clean_phone
from lucine.phone.enrolment import CODE_REQUESTS_MAX_PER_DAY, CODES_SECONDS, send_codes
from tests.world import Phone, World

HERS = {"number": "99700999917", "mail": "ana@exemple.invalid", "mobile": "06 00 00 00 01"}


async def _ask_codes(phone: Phone, **more: str) -> None:
    assert (await phone.post("codes", {**HERS, **more})).status_code == 200
    assert await send_codes(phone.world.house, phone.world.clock.now)


async def _kept(world: World) -> int:
    row = await world.house.db.one("SELECT COUNT(*) AS kept FROM phone_code_requests")
    assert row
    return int(row["kept"])


async def _sent(world: World) -> int:
    row = await world.house.db.one("SELECT COUNT(*) AS sent FROM phone_notices")
    assert row
    return int(row["sent"])


async def test_code_requests_of_strangers_go_when_they_expire_and_the_daily_limit_still_holds(
    small_world: World,
) -> None:
    world, phone = small_world, small_world.bare_phone()
    await world.holder("ana")
    for _ in range(CODE_REQUESTS_MAX_PER_DAY + 2):
        await _ask_codes(phone)
    for number in range(5):
        await _ask_codes(phone, number=f"9970000000{number}")
    sent, right = await _sent(world), CODE_REQUESTS_MAX_PER_DAY
    assert sent == 2 * right
    assert await _kept(world) == right + 2 + 5
    world.clock.pass_by(CODES_SECONDS + 1)
    await clean_phone(world.house, world.clock.now)
    assert await _kept(world) == right, "those that were sent count until tomorrow"
    await _ask_codes(phone)
    assert await _sent(world) == sent
    world.clock.pass_by(86400)
    await clean_phone(world.house, world.clock.now)
    assert await _kept(world) == 0
    await _ask_codes(phone)
    assert await _sent(world) == sent + 2


async def test_asks_that_nobody_saw_go_after_an_hour_and_her_history_stays(small_world: World) -> None:
    world, service = small_world, await small_world.service()
    desk, phone = world.desk(), await world.phone("ana")
    await world.sign_in(desk, phone, service)
    await world.desk().authorize(service)
    world.clock.pass_by(2 * 3600)
    assert not await clean_phone(world.house, world.clock.now)
    rows = await world.house.db.all("SELECT answer FROM phone_asks")
    assert [row["answer"] for row in rows] == ["approved"]
    world.clock.pass_by(181 * 86400)
    await clean_phone(world.house, world.clock.now)
    assert await world.house.db.all("SELECT answer FROM phone_asks") == []
