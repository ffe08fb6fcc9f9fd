"""What Connect sees by itself: each probe in a small world, where the habit is there, half there, or cannot be seen."""

from lucine.app.demo import PEOPLE
from lucine.habits.measuring import PROBES
from lucine.habits.scoring import Answer
from lucine.habits.systems import SYSTEMS, System, note_system
from lucine.phone.credentials import devices_of
from lucine.phone.enrolment import RECOVERY_CODES
from lucine.phone.holders import add_holder
from lucine.phone.holds import freeze_credentials
from lucine.signin.sessions import end_idle_sessions
from tests.world import ORIGIN, Desk, World

from .test_drills import TRAP
from .test_drills import answer as answer_drill

DAY = 86400
HOUR = 3600
FROM_HERE = {"Origin": ORIGIN}


async def seen(world: World, probe: str, person: str = "ana") -> Answer | None:
    holder, house = await world.holder(person), world.house
    return await PROBES[probe](house.db, world.clock.now, house.keys, holder)


async def signed_in(world: World, **more: bool) -> Desk:
    desk = world.desk()
    await world.sign_in(desk, await world.phone("ana"), await world.service(), **more)
    return desk


async def test_a_passkey_on_a_computer(small_world: World) -> None:
    desk = await signed_in(small_world)
    assert await seen(small_world, "passkey") == "no"
    await desk.add_passkey()
    assert await seen(small_world, "passkey") == "yes"
    assert await seen(small_world, "passkey", "bea") == "no", "another's does not count"


async def test_a_second_way_in_is_any_second_key(small_world: World) -> None:
    assert await seen(small_world, "second_way") == "no"
    desk = await signed_in(small_world)
    assert await seen(small_world, "second_way") == "no"
    await desk.add_passkey()
    assert await seen(small_world, "second_way") == "yes"
    await small_world.phone("bea")
    await small_world.phone("bea")
    assert await seen(small_world, "second_way", "bea") == "yes", "two phones will do"


async def test_a_frozen_key_still_counts(small_world: World) -> None:
    """An incident must not make her habits look bad."""
    await small_world.phone("ana")
    await small_world.phone("ana")
    house, holder = small_world.house, await small_world.holder("ana")
    phones = await devices_of(house.db, holder, "phone")
    small_world.clock.pass_by(200 * DAY)
    async with house.db.transaction() as db:
        await freeze_credentials(
            db, small_world.clock.now, house.keys, holder=holder, credentials=[one.id for one in phones]
        )
    assert await seen(small_world, "second_way") == "yes"
    assert await seen(small_world, "phones_in_use") == "yes"


async def test_recovery_codes_that_are_left(small_world: World) -> None:
    assert await seen(small_world, "recovery_codes") == "no"
    phone = small_world.bare_phone()
    codes = (await phone.enrol(await small_world.voucher("ana"))).json()["recovery_codes"]
    assert len(codes) == RECOVERY_CODES
    assert await seen(small_world, "recovery_codes") == "yes"
    async with small_world.house.db.transaction() as db:
        await db.run("UPDATE phone_recovery_codes SET spent_at = :now", now=small_world.clock.now)
    assert await seen(small_world, "recovery_codes") == "no"


async def test_phones_that_lie_in_a_drawer(small_world: World) -> None:
    world = small_world
    assert await seen(world, "phones_in_use") == "not_concerned", "there is none that could lie in a drawer"
    service, used = await world.service(), await world.phone("ana")
    await world.phone("ana")
    assert await seen(world, "phones_in_use") == "yes"
    world.clock.pass_by(91 * DAY)
    await world.sign_in(world.desk(), used, service)
    assert await seen(world, "phones_in_use") == "partly"


async def test_a_phone_that_waits_to_be_added(small_world: World) -> None:
    world = small_world
    await world.phone("ana")
    assert await seen(world, "waiting_phone") == "yes"
    assert (await world.bare_phone().enrol(await world.voucher("ana", "codes"))).status_code == 200
    assert await seen(world, "waiting_phone") == "no"
    assert await seen(world, "second_way") == "no", "it may approve nothing yet"
    world.clock.pass_by(world.house.settings.quarantine_hours * HOUR)
    assert await seen(world, "waiting_phone") == "yes"


async def test_ways_to_reach_her(small_world: World) -> None:
    """``seen`` enrols her with both channels: here the registration authority knew fewer."""
    world, house = small_world, small_world.house
    assert await seen(world, "channels") == "yes"
    for address, expected in (("", "no"), ("carl@exemple.invalid", "partly")):
        async with house.db.transaction() as db:
            carl = await add_holder(
                db, world.clock.now, house.keys, national_id=f"8{PEOPLE['carl'][0]}", mail=address
            )  # fmt: skip
        assert await PROBES["channels"](house.db, world.clock.now, house.keys, carl.id) == expected


async def test_known_computers_that_are_not_used(small_world: World) -> None:
    assert await seen(small_world, "known_browsers") == "not_concerned", "nobody is praised for what is not there"
    await signed_in(small_world, keep=True)
    small_world.clock.pass_by(59 * DAY)
    assert await seen(small_world, "known_browsers") == "yes"
    small_world.clock.pass_by(2 * DAY)
    assert await seen(small_world, "known_browsers") == "partly"


async def test_sessions_on_other_peoples_computers(small_world: World) -> None:
    world, house = small_world, small_world.house
    service, phone = await world.service(), await world.phone("ana")
    assert await seen(world, "sessions_closed") is None, "there is nothing to see yet"

    async def sign_in(*, keep: bool = False) -> Desk:
        desk = world.desk()
        await world.sign_in(desk, phone, service, keep=keep)
        return desk

    async def leave() -> None:
        world.clock.pass_by(house.settings.session_idle_seconds + 1)
        while await end_idle_sessions(house, world.clock.now):
            pass

    await sign_in(keep=True)
    await leave()
    assert await seen(world, "sessions_closed") is None, "her own computer may wait for her"
    desk = await sign_in()
    assert await seen(world, "sessions_closed") is None, "she may still sit there"
    assert (await desk.http.post("/security/sessions/end-all", headers=FROM_HERE)).status_code == 303
    assert await seen(world, "sessions_closed") == "yes"
    await sign_in()
    await leave()
    assert await seen(world, "sessions_closed") == "partly"
    await sign_in()
    await leave()
    assert await seen(world, "sessions_closed") == "no"
    world.clock.pass_by(91 * DAY)
    assert await seen(world, "sessions_closed") is None, "it is long ago"


async def test_approvals_that_she_disowned(small_world: World) -> None:
    world = small_world
    assert await seen(world, "own_approvals") == "not_concerned"
    service, phone = await world.service(), await world.phone("ana")
    for expected in ("partly", "no"):
        await world.sign_in(world.desk(), phone, service)
        assert await seen(world, "own_approvals") == ("yes" if expected == "partly" else "partly")
        past = (await phone.get("history")).json()["history"]
        ask = next(one["ask"] for one in past if not one["disowned"])
        assert (await phone.post(f"history/{ask}/not-me")).status_code == 200
        assert await seen(world, "own_approvals") == expected
    world.clock.pass_by(91 * DAY)
    assert await seen(world, "own_approvals") == "not_concerned"


async def test_the_system_of_her_phones(small_world: World) -> None:
    world, house = small_world, small_world.house
    holder = await world.holder("ana")
    await world.phone("ana")
    await world.phone("ana")
    first, second = await devices_of(house.db, holder, "phone")
    assert await seen(world, "phone_system") is None, "the phone said nothing: she is asked"

    async def tell(credential: str, system: System) -> None:
        async with house.db.transaction() as db:
            await note_system(db, world.clock.now, holder=holder, credential=credential, system=system)

    await tell(first.id, System("android", SYSTEMS.android.oldest))
    assert await seen(world, "phone_system") == "yes"
    await tell(second.id, System("ios", SYSTEMS.ios.oldest - 1))
    assert await seen(world, "phone_system") == "partly"
    await tell(first.id, System("android", SYSTEMS.android.oldest - 1))
    assert await seen(world, "phone_system") == "no"
    world.clock.pass_by(91 * DAY)
    assert await seen(world, "phone_system") is None, "it may have been updated since"


async def test_a_drill_of_the_last_half_year(small_world: World) -> None:
    desk = await signed_in(small_world)
    assert await seen(small_world, "rehearsed") == "no"
    assert (await answer_drill(desk, TRAP, "genuine")).status_code in (200, 303)
    assert await seen(small_world, "rehearsed") == "yes", "practice counts, not marks"
    assert await seen(small_world, "rehearsed", "bea") == "no"
    small_world.clock.pass_by(181 * DAY)
    assert await seen(small_world, "rehearsed") == "no"
