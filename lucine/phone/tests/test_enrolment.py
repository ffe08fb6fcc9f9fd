"""Enrolling a phone: a scan, or codes and a long wait; and losing one."""

import re
from pathlib import Path

import pytest

from lucine.app.bench.soft_key import SoftKey
from lucine.phone.enrolment import send_codes
from lucine.phone.notices import deliver_notices
from tests.world import ORIGIN, World

NUMBER = "99700999917"


async def letters(world: World) -> str:
    for chore in (send_codes, deliver_notices):
        while await chore(world.house, world.clock.now):
            pass
    return "\n".join(path.read_text() for path in sorted(Path(f"{world.folder}/post").glob("[!.]*")))


async def test_a_voucher_enrols_one_phone_once_within_ninety_seconds(world: World) -> None:
    voucher = await world.voucher("ana")
    first, second = world.bare_phone(), world.bare_phone()
    done = await first.enrol(voucher)
    assert done.status_code == 200
    assert len(done.json()["recovery_codes"]) == 10
    assert (await second.enrol(voucher)).status_code == 410
    late = await world.voucher("ana")
    world.clock.pass_by(91)
    assert (await second.enrol(late)).status_code == 410
    assert (await second.get("me")).status_code == 401
    me = (await first.get("me")).json()
    assert (me["state"], me["recovery_codes_left"]) == ("active", 10)
    assert NUMBER not in str(me)


async def test_every_channel_is_told_of_a_new_phone(small_world: World) -> None:
    await small_world.phone("ana")
    said = await letters(small_world)
    assert "ana@exemple.invalid" in said
    assert said.count("To: ") == 2
    assert NUMBER not in said


@pytest.mark.parametrize(
    ("number", "mail", "mobile"),
    [
        (NUMBER, "ana@exemple.invalid", "0699999999"),
        (NUMBER, "oscar@exemple.invalid", "0600000001"),
        ("99700999925", "ana@exemple.invalid", "0600000001"),
        ("99700000001", "ana@exemple.invalid", "0600000001"),
        ("not a number", "x", "y"),
        (NUMBER, "", ""),
    ],
)
async def test_nothing_is_sent_unless_everything_private_is_right(
    small_world: World, number: str, mail: str, mobile: str
) -> None:
    await small_world.holder("ana")
    asked = await small_world.bare_phone().post("codes", {"number": number, "mail": mail, "mobile": mobile})
    assert asked.status_code == 200
    assert set(asked.json()) == {"request"}
    assert len(asked.json()["request"]) == 43
    assert await letters(small_world) == ""


async def _by_codes(world: World) -> tuple[object, str]:
    await world.holder("ana")
    phone = world.bare_phone()
    asked = await phone.post("codes", {"number": NUMBER, "mail": "Ana@exemple.invalid", "mobile": "+33 6 00 00 00 01"})
    codes = re.findall(r"code est (\w{8})", (await letters(world)).replace("=\n", ""))
    assert len(codes) == 2
    request = asked.json()["request"]
    for pair in (codes, codes[::-1]):
        answer = await phone.post("codes/check", {"request": request, "mail_code": pair[0], "sms_code": pair[1]})
        if answer.status_code == 200:
            done = await phone.enrol(answer.json()["voucher"])
            assert done.status_code == 200
            return phone, str(done.json()["usable_at"])
    raise AssertionError("neither order of the codes works")


async def test_codes_alone_lead_to_quarantine_and_a_tap_cancels(world: World) -> None:
    before = await world.phone("ana")
    await letters(world)
    world.clock.pass_by(5)  # letters are kept in the order of their time
    phone, _ = await _by_codes(world)
    world.clock.pass_by(5)
    assert (await phone.get("me")).json()["state"] == "quarantine"  # type: ignore[attr-defined]
    assert (await phone.post("claims", {"code": "x"})).status_code == 403  # type: ignore[attr-defined]
    pending = (await before.get("me")).json()["pending"]
    assert len(pending) == 1
    link = re.findall(r"/cancel\?token=([\w-]+)", (await letters(world)).replace("=\n", "").replace("=3D", "="))[-1]
    browser = world.browser()
    assert 'data-state="ask"' in (await browser.get(f"/cancel?token={link}")).text
    assert (await phone.get("me")).status_code == 200, "looking at the link cancels nothing"  # type: ignore[attr-defined]
    done = await browser.post("/cancel", data={"token": link}, headers={"Origin": ORIGIN})
    assert 'data-state="done"' in done.text
    assert (await phone.get("me")).status_code == 401  # type: ignore[attr-defined]
    again = await browser.post("/cancel", data={"token": link}, headers={"Origin": ORIGIN})
    assert 'data-state="over"' in again.text
    assert (await before.get("me")).json()["state"] == "active", "her other phone is untouched"


async def test_another_phone_of_hers_throws_it_out(small_world: World) -> None:
    before = await small_world.phone("ana")
    await letters(small_world)
    phone, _ = await _by_codes(small_world)
    (pending,) = (await before.get("me")).json()["pending"]
    stranger = await small_world.phone("bea")
    assert (await stranger.post(f"pending/{pending['id']}/cancel")).status_code == 404
    assert (await before.post(f"pending/{pending['id']}/cancel")).status_code == 200
    assert (await phone.get("me")).status_code == 401  # type: ignore[attr-defined]


async def test_quarantine_ends_after_seventy_two_hours(small_world: World) -> None:
    phone, _ = await _by_codes(small_world)
    me = (await phone.get("me")).json()  # type: ignore[attr-defined]
    assert me["recovery_codes_left"] == 0, "a thief's phone gets no codes that switch hers off later"
    small_world.clock.pass_by(72 * 3600 - 60)
    assert (await phone.get("history")).status_code == 403  # type: ignore[attr-defined]
    small_world.clock.pass_by(61)
    assert (await phone.get("history")).status_code == 200  # type: ignore[attr-defined]


async def test_wrong_codes_are_counted(small_world: World) -> None:
    await small_world.holder("ana")
    phone = small_world.bare_phone()
    asked = await phone.post("codes", {"number": NUMBER, "mail": "ana@exemple.invalid", "mobile": "0600000001"})
    tries = [
        (await phone.post("codes/check", {"request": asked.json()["request"], "mail_code": "A", "sms_code": "B"}))
        for _ in range(7)
    ]
    assert [answer.status_code for answer in tries] == [403] * 5 + [410] * 2


async def test_a_recovery_code_switches_every_phone_off_and_says_nothing(small_world: World) -> None:
    phone = small_world.bare_phone()
    codes = (await phone.enrol(await small_world.voucher("ana"))).json()["recovery_codes"]
    second = await small_world.phone("ana")
    browser = small_world.browser()
    wrong = await browser.post("/lost", data={"code": "WRONG"}, headers={"Origin": ORIGIN})
    assert (await second.get("me")).status_code == 200
    right = await browser.post("/lost", data={"code": codes[0].lower()}, headers={"Origin": ORIGIN})
    assert (wrong.status_code, wrong.headers["location"]) == (right.status_code, right.headers["location"])
    assert (await phone.get("me")).status_code == (await second.get("me")).status_code == 401
    third = await small_world.phone("ana")
    await browser.post("/lost", data={"code": codes[0]}, headers={"Origin": ORIGIN})
    assert (await third.get("me")).status_code == 200, "each code once"


async def test_w7_a_credential_belongs_to_one_phone(small_world: World) -> None:
    phone, thief = await small_world.phone("ana"), small_world.bare_phone()
    thief.key.id = phone.key.id
    assert (await thief.enrol(await small_world.voucher("bea"))).status_code == 409


@pytest.mark.parametrize("bend", [{"flags": 0x01}, {"client_data": {"origin": "https://evil.test"}},
                                  {"client_data": {"crossOrigin": True}}, {"flags": 0x15}])  # fmt: skip
async def test_bent_registrations_are_refused(small_world: World, bend: dict[str, object]) -> None:
    phone = small_world.bare_phone()
    phone.key = SoftKey(ORIGIN, **bend)  # type: ignore[arg-type]
    assert (await phone.enrol(await small_world.voucher("ana"))).status_code == 403
    assert (await phone.get("me")).status_code == 401


async def test_the_typed_code_waits_an_hour_is_announced_and_works_once(world: World) -> None:
    phone, service, desk = await world.phone("ana"), await world.service(), world.desk()
    await letters(world)
    assert (await phone.get("fallback")).json()["state"] == "none"
    assert (await phone.post("fallback")).json()["state"] == "waiting"
    assert "taper" in await letters(world)
    world.clock.pass_by(3599)
    assert (await phone.get("fallback")).json()["code"] == ""
    world.clock.pass_by(2)
    code = (await phone.get("fallback")).json()["code"]
    assert len(code) == 8
    await desk.open_start(await desk.authorize(service))
    assert (await desk.post(f"/start/{desk.start}/typed", {"code": "AAAAAAAA"})).status_code == 410
    assert (
        await desk.post(f"/start/{desk.start}/typed", {"code": f"{code[:4].lower()} {code[4:]}"})
    ).status_code == 200
    other = world.desk()
    await other.open_start(await other.authorize(service))
    assert (await other.post(f"/start/{other.start}/typed", {"code": code})).status_code == 410
    from lucine.phone.ask_pages import _told
    from lucine.phone.asks import ringing_asks
    from lucine.phone.credentials import devices_of

    (device,) = await devices_of(world.house.db, await world.holder("ana"), "phone")
    (ask,) = await ringing_asks(world.house.db, world.clock.now, device)
    assert ask.kind == "typed"
    assert (await phone.approve(_told(world.house, ask, device))).status_code == 200
    assert (await world.redeem(desk, service, await desk.code())).status_code == 200
