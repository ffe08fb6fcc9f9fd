"""Each card comes when what it is about happens, through the real doors; and not when something else does."""

import re
from typing import Any

import pytest

from lucine.phone.enrolment import send_codes
from lucine.phone.holds import hold_enrolments, release_enrolments
from lucine.phone.notices import deliver_notices
from tests.world import ORIGIN, Desk, Phone, Service, World

from .kit import NUMBER, at_home, settle, shown_on, try_number

DAY = 86400


async def ring(world: World, desk: Desk, service: Service) -> str:
    """Her known desk rings her phone; the ask."""
    await desk.open_start(await desk.authorize(service, prompt="login"))
    assert (await desk.ring()).status_code == 200
    row = await world.house.db.one("SELECT id FROM phone_asks WHERE kind = 'ring' AND answered_at IS NULL")
    assert row
    return str(row["id"])


async def refuse(phone: Phone, ask: str, reason: str) -> None:
    assert (await phone.post(f"asks/{ask}/refuse", {"reason": reason})).status_code == 200


async def ask_for_codes(world: World, mail: str = "ana@exemple.invalid") -> tuple[Phone, str]:
    """Somebody asks for the two activation codes, in her name; the phone and its request."""
    phone = world.bare_phone()
    asked = await phone.post("codes", {"number": NUMBER, "mail": mail, "mobile": "06 00 00 00 01"})
    assert asked.status_code == 200
    assert await send_codes(world.house, world.clock.now)
    return phone, asked.json()["request"]


async def type_codes(world: World, phone: Phone, request: str) -> None:
    """With the codes in hand, the phone is enrolled."""
    while await deliver_notices(world.house, world.clock.now):
        pass
    said = "".join(path.read_text().replace("=\n", "") for path in sorted((world.folder / "post").glob("[!.]*")))
    codes = re.findall(r"code est (\w{8})", said)[-2:]
    for pair in (codes, codes[::-1]):
        body = {"request": request, "mail_code": pair[0], "sms_code": pair[1]}
        answer = await phone.post("codes/check", body)
        if answer.status_code == 200:
            assert (await phone.enrol(answer.json()["voucher"])).status_code == 200
            return
    raise AssertionError("neither order of the codes works")


async def test_she_refuses_a_request(small_world: World) -> None:
    desk, phone, service = await at_home(small_world, keep=True)
    await settle(phone)
    await refuse(phone, await ring(small_world, desk, service), "changed_mind")
    assert await shown_on(phone) is None, "a change of mind calls for no advice"
    await refuse(phone, await ring(small_world, desk, service), "not_me")
    assert await shown_on(phone) == "refused"


async def test_strangers_try_her_number(small_world: World) -> None:
    _, phone, _ = await at_home(small_world)
    bea = await small_world.phone("bea")
    await settle(phone)
    await settle(bea)
    await try_number(small_world)
    assert await shown_on(phone) == "tried"
    assert await shown_on(bea) is None


async def test_a_phone_is_added(small_world: World) -> None:
    _, phone, _ = await at_home(small_world)
    await settle(phone)
    small_world.clock.pass_by(31 * DAY)
    await settle(phone)
    second = await small_world.phone("ana")
    assert await shown_on(phone) == "new-phone"
    assert await shown_on(second) == "new-phone"


async def test_her_very_first_phone_is_no_news_to_her(small_world: World) -> None:
    first = await small_world.phone("ana")
    assert await shown_on(first) == "weak-recovery"
    small_world.clock.pass_by(1)
    await small_world.phone("ana")
    assert await shown_on(first) == "new-phone", "the second of the same day is"


async def test_a_phone_after_a_lost_one_is_not_her_first(small_world: World) -> None:
    """The lost one is hers no more, and was before it all the same: whoever stole it may have added this."""
    world = small_world
    codes = (await world.bare_phone().enrol(await world.voucher("ana"))).json()["recovery_codes"]
    world.clock.pass_by(20 * DAY)
    await world.browser().post("/lost", data={"code": codes[0]}, headers={"Origin": ORIGIN})
    world.clock.pass_by(10 * DAY)
    phone = await world.phone("ana")
    assert await shown_on(phone) == "new-phone"


async def test_a_phone_waits_in_quarantine_until_it_is_thrown_out(small_world: World) -> None:
    _, phone, _ = await at_home(small_world)
    await settle(phone)
    await small_world.bare_phone().enrol(await small_world.voucher("ana", kind="link"))
    assert await shown_on(phone) == "quarantine"
    (waiting,) = (await phone.get("me")).json()["pending"]
    assert (await phone.post(f"pending/{waiting['id']}/cancel")).status_code == 200
    assert await shown_on(phone) is None


async def test_two_codes_are_sent_and_a_caller_may_be_at_work(world: World) -> None:
    _, phone, _ = await at_home(world)
    await settle(phone)
    await ask_for_codes(world, mail="oscar@exemple.invalid")
    assert await shown_on(phone) is None, "nothing was sent to her"
    await ask_for_codes(world)
    assert await shown_on(phone) == "codes-read-out"
    world.clock.pass_by(900)
    assert await shown_on(phone) == "false-agent", "the codes are dead, and who asked for them may be on the line"
    world.clock.pass_by(DAY)
    assert await shown_on(phone) not in ("codes-read-out", "false-agent")


async def test_codes_that_were_read_out_make_a_phone_that_waits(small_world: World) -> None:
    world = small_world
    _, phone, _ = await at_home(world)
    await settle(phone)
    thief, request = await ask_for_codes(world)
    assert await shown_on(phone) == "codes-read-out"
    await type_codes(world, thief, request)
    assert await shown_on(phone) == "quarantine"


async def test_a_typed_code_is_armed(small_world: World) -> None:
    _, phone, _ = await at_home(small_world)
    await settle(phone)
    await phone.post("fallback")
    assert await shown_on(phone) == "false-agent"
    small_world.clock.pass_by(1)
    await phone.http.delete("/phone/api/fallback", headers={"Origin": ORIGIN})
    assert await shown_on(phone) is None


async def test_a_session_is_left_open_at_a_screen_that_she_did_not_keep(small_world: World) -> None:
    world = small_world
    desk, phone, service = await at_home(world)
    await settle(phone)
    other = world.desk()
    await world.sign_in(other, phone, service, keep=True)
    assert await shown_on(phone) == "shared-computer"
    assert 'data-card="shared-computer"' in (await other.http.get("/security")).text
    session = re.search(r'action="/security/sessions/([\w-]+)/end"', (await desk.http.get("/security")).text)
    assert session
    assert 'data-card="shared-computer"' not in (await desk.http.get("/security")).text, "she sits before it"
    world.clock.pass_by(world.house.settings.session_idle_seconds + 1)
    assert await shown_on(phone) is None, "it is closed"


async def test_sessions_on_computers_that_she_kept_are_her_own_affair(small_world: World) -> None:
    world = small_world
    _, phone, service = await at_home(world, keep=True)
    await settle(phone)
    await world.sign_in(world.desk(), phone, service)
    assert await shown_on(phone) is None


async def test_one_key_alone_is_a_weak_way_back(small_world: World) -> None:
    world = small_world
    _, phone, _ = await at_home(world)
    world.clock.pass_by(8 * DAY)
    assert await shown_on(phone) == "weak-recovery"
    await world.phone("ana")
    assert await shown_on(phone) == "new-phone", "two phones and ten codes are enough"


async def test_nobody_advises_what_is_stopped(small_world: World) -> None:
    """Her additions are held since an incident: a key more must wait, and so does the card that advises one."""
    world = small_world
    _, phone, _ = await at_home(world)
    holder, house = await world.holder("ana"), world.house
    world.clock.pass_by(8 * DAY)
    async with house.db.transaction() as db:
        await hold_enrolments(db, world.clock.now, house.keys, holder=holder)
    assert await shown_on(phone) is None
    async with house.db.transaction() as db:
        await release_enrolments(db, world.clock.now, house.keys, holder=holder)
    assert await shown_on(phone) == "weak-recovery"


async def test_no_code_left_is_a_weak_way_back(small_world: World) -> None:
    world = small_world
    phones = []
    for _ in range(2):
        phone = world.bare_phone()
        await phone.enrol(await world.voucher("ana", kind="codes"))
        phones.append(phone)
        world.clock.pass_by(1)
    world.clock.pass_by(80 * 3600 + 8 * DAY)
    assert (await phones[0].get("me")).json()["recovery_codes_left"] == 0
    assert await shown_on(phones[0]) == "weak-recovery"


async def test_she_switches_a_lost_phone_off(small_world: World) -> None:
    world = small_world
    desk, phone, _ = await at_home(world)
    other = await world.phone("ana")
    await settle(phone)
    lost = (await other.get("me")).json()["device"]["id"]
    answer = await desk.http.post(f"/security/phones/{lost}/off", headers={"Origin": ORIGIN})
    assert answer.status_code == 303
    assert await shown_on(phone) == "lost-phone"


async def test_a_recovery_code_switches_her_lost_phones_off(small_world: World) -> None:
    world = small_world
    lost = world.bare_phone()
    codes = (await lost.enrol(await world.voucher("ana"))).json()["recovery_codes"]
    await world.browser().post("/lost", data={"code": codes[0]}, headers={"Origin": ORIGIN})
    assert await shown_on(await world.phone("ana")) == "lost-phone"


async def test_a_phone_and_a_computer_gone_within_a_day_are_a_stolen_bag(world: World) -> None:
    desk, phone, _ = await at_home(world, keep=True)
    other = await world.phone("ana")
    await settle(phone)
    lost = (await other.get("me")).json()["device"]["id"]
    (browser,) = re.findall(r'action="/security/browsers/([\w-]+)/forget"', (await desk.http.get("/security")).text)
    await desk.http.post(f"/security/browsers/{browser}/forget", headers={"Origin": ORIGIN})
    assert await shown_on(phone) is None, "an old computer is no theft"
    world.clock.pass_by(600)
    await desk.http.post(f"/security/phones/{lost}/off", headers={"Origin": ORIGIN})
    assert await shown_on(phone) == "stolen-bag"


async def test_not_me_and_a_cancelled_phone_are_no_losses(small_world: World) -> None:
    world = small_world
    desk, phone, service = await at_home(world, keep=True)
    await settle(phone)
    await refuse(phone, await ring(world, desk, service), "not_me")  # the browser is forgotten
    await world.bare_phone().enrol(await world.voucher("ana", kind="codes"))
    (waiting,) = (await phone.get("me")).json()["pending"]
    await phone.post(f"pending/{waiting['id']}/cancel")
    assert await shown_on(phone) == "refused"


@pytest.mark.parametrize(("platform", "old", "new"), [("android", 13, 14), ("ios", 17, 18)])
async def test_a_phone_says_that_its_system_is_too_old(small_world: World, platform: str, old: int, new: int) -> None:
    world = small_world
    _, phone, _ = await at_home(world)
    bea = await world.phone("bea")
    for each in (phone, bea):
        await settle(each)

    async def say(version: int) -> int:
        body = {"platform": platform, "version": version}
        return (await phone.http.post("/habits/system", json=body, headers={"Origin": ORIGIN})).status_code

    assert await say(new) == 200
    assert await shown_on(phone) is None
    assert await say(old) == 200
    assert await shown_on(phone) is None, "another card was closed today; what it says each day is no news"
    world.clock.pass_by(DAY)
    assert await shown_on(phone) == "old-phone"
    assert await shown_on(bea) is None
    assert await say(new) == 200
    assert await shown_on(phone) is None


async def test_what_a_phone_says_of_its_system_is_looked_at(small_world: World) -> None:
    world = small_world
    phone, stranger = await world.phone("ana"), world.bare_phone()
    bad: list[Any] = [
        {"platform": "windows", "version": 10}, {"platform": "android", "version": 0}, {"version": 10},
        {"platform": "android", "version": -1}, {"platform": "android", "version": 1000}, {"platform": "android"},
        {"platform": "ios", "version": "17"}, {"platform": "ios", "version": 17.5}, [], None, 10**40,
    ]  # fmt: skip
    for body in bad:
        answer = await phone.http.post("/habits/system", json=body, headers={"Origin": ORIGIN})
        assert answer.status_code == 400, body
    good = {"platform": "ios", "version": 17}
    assert (await stranger.http.post("/habits/system", json=good, headers={"Origin": ORIGIN})).status_code == 401
    assert (await phone.http.post("/habits/system", json=good)).status_code == 403
    assert await world.house.db.all("SELECT * FROM habits_systems") == []


async def test_the_system_of_a_phone_that_is_no_longer_hers_is_forgotten(world: World) -> None:
    desk, phone, _ = await at_home(world)
    other = await world.phone("ana")
    for each, version in ((other, 12), (phone, 16)):
        await each.http.post(
            "/habits/system", json={"platform": "android", "version": version}, headers={"Origin": ORIGIN}
        )
    gone = (await other.get("me")).json()["device"]["id"]
    await desk.http.post(f"/security/phones/{gone}/off", headers={"Origin": ORIGIN})
    await settle(phone, "lost-phone")
    world.clock.pass_by(DAY)
    assert await shown_on(phone) != "old-phone"
    await phone.http.post("/habits/system", json={"platform": "android", "version": 16}, headers={"Origin": ORIGIN})
    assert [row["version"] for row in await world.house.db.all("SELECT version FROM habits_systems")] == [16]


async def test_a_computer_that_nobody_uses_any_more(small_world: World) -> None:
    world = small_world
    _, phone, _ = await at_home(world, keep=True)
    await world.phone("ana")
    world.clock.pass_by(59 * DAY)
    assert await shown_on(phone) is None
    world.clock.pass_by(DAY)
    assert await shown_on(phone) == "substitute-leaves"


@pytest.mark.parametrize(
    ("paths", "card"), [(["phone-lost"], "lost-phone"), (["computer-lost", "phone-lost"], "stolen-bag")]
)
async def test_the_incident_of_a_loss_brings_its_advice(small_world: World, paths: list[str], card: str) -> None:
    _, phone, _ = await at_home(small_world)
    await small_world.phone("ana")
    await settle(phone)
    for path in paths:
        answer = await phone.http.post(f"/incident/new/{path}", data={"which": ""}, headers={"Origin": ORIGIN})
        assert answer.status_code == 303, answer.text
        small_world.clock.pass_by(1)
    assert await shown_on(phone) == card


async def test_the_incident_of_a_code_that_was_given_is_no_loss(small_world: World) -> None:
    """It freezes the phones that were added lately: a stranger's, not a lost one of hers."""
    _, phone, _ = await at_home(small_world)
    await small_world.phone("ana")
    await settle(phone)
    answer = await phone.http.post("/incident/new/code-given", data={"which": ""}, headers={"Origin": ORIGIN})
    assert answer.status_code == 303, answer.text
    assert await shown_on(phone) is None
