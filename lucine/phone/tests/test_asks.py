"""What a phone may answer, and what it may not: the approval is bound to the screen that asked."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucine.phone import asks
from lucine.phone.chores import is_quiet
from tests.world import Desk, Phone, Service, World


async def _ready(world: World) -> tuple[Service, Desk, Phone]:
    service, desk, phone = await world.service(), world.desk(), await world.phone("ana")
    await desk.open_start(await desk.authorize(service))
    return service, desk, phone


@pytest.mark.parametrize(("age", "status"), [(0, 200), (1, 200), (3, 200), (5, 410), (60, 410), (-1, 200), (-2, 410)])
async def test_a_code_of_the_screen_lives_three_seconds(small_world: World, age: int, status: int) -> None:
    _, desk, phone = await _ready(small_world)
    assert (await phone.scan(desk.qr(age=age))).status_code == status


async def test_a_code_is_good_for_one_phone(world: World) -> None:
    _, desk, phone = await _ready(world)
    other = await world.phone("bea")
    text = desk.qr()
    assert (await phone.scan(text)).status_code == 200
    assert (await phone.scan(text)).status_code == 200, "a camera reads twice"
    assert (await other.scan(text)).status_code == 410


async def test_a_code_of_another_screen_or_second_is_refused(small_world: World) -> None:
    service, desk, phone = await _ready(small_world)
    other = small_world.desk()
    await other.open_start(await other.authorize(service))
    mine, theirs = desk.qr().rpartition("=")[2].split("."), other.qr().rpartition("=")[2].split(".")
    for mixed in (
        [mine[0], mine[1], theirs[2]],
        [theirs[0], mine[1], mine[2]],
        [mine[0], str(int(mine[1]) - 1), mine[2]],
    ):
        assert (await phone.scan(".".join(mixed))).status_code == 410
    for nonsense in ("", "scan=", "https://evil.test", "a.b.c", "1.2.3.4", "x" * 5000, "a.١.c"):
        assert (await phone.scan(nonsense)).status_code in (400, 410)


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    read = asks.read_scan(text)
    assert read is None or len(read) == 3


async def test_the_whole_start_expires_and_more_time_helps(small_world: World) -> None:
    _, desk, phone = await _ready(small_world)
    small_world.clock.pass_by(119)
    assert (await desk.post(f"/start/{desk.start}/more-time")).status_code == 200
    small_world.clock.pass_by(60)
    scanned = await phone.scan(desk.qr())
    assert scanned.status_code == 200
    small_world.clock.pass_by(130)
    assert (await phone.approve(scanned.json())).status_code == 410


async def test_an_approval_cannot_be_replayed_on_another_start(world: World) -> None:
    service, desk, phone = await _ready(world)
    scanned = (await phone.scan(desk.qr())).json()
    credential = phone.key.get(scanned["options"])
    other = world.desk()
    await other.open_start(await other.authorize(service))
    second = (await phone.scan(other.qr())).json()
    replayed = await phone.post(f"asks/{second['id']}/approve", {"credential": credential})
    assert (replayed.status_code, replayed.json()["error"]) == (403, "webauthn")
    assert (await phone.post(f"asks/{scanned['id']}/approve", {"credential": credential})).status_code == 200
    assert (await phone.post(f"asks/{scanned['id']}/approve", {"credential": credential})).status_code == 410


CHANGES = {
    "service": "shown = replace(shown, 'Le service service', 'Mon Espace')",
    "host": "shown = replace(shown, 'service.test', 'evil.test')",
    "acr": "shown = replace(shown, 'eidas1', 'eidas0')",
    "client": 'shown = replace(shown, \'"client":"service"\', \'"client":"other"\')',
    "browser": "shown = replace(shown, 'Firefox', 'Chrome')",
    "browser key": "browser_key = 'another'",
    "time": "opened_at = opened_at + 1",
}


@pytest.mark.parametrize("what", CHANGES)
async def test_an_approval_of_a_changed_request_is_refused(small_world: World, what: str) -> None:
    _, desk, phone = await _ready(small_world)
    scanned = (await phone.scan(desk.qr())).json()
    async with small_world.house.db.transaction() as db:
        assert await db.run(f"UPDATE phone_asks SET {CHANGES[what]} WHERE id = :id", id=scanned["id"])
    assert (await phone.approve(scanned)).status_code in (403, 410)


async def test_a_cancelled_start_is_not_approved_late(small_world: World) -> None:
    _, desk, phone = await _ready(small_world)
    scanned = (await phone.scan(desk.qr())).json()
    assert "access_denied" in (await desk.post(f"/start/{desk.start}/cancel")).json()["location"]
    assert (await phone.approve(scanned)).status_code == 410
    assert (await desk.finish()).status_code == 410


async def test_only_the_phone_that_scanned_may_answer(small_world: World) -> None:
    _, desk, phone = await _ready(small_world)
    second, bea = await small_world.phone("ana"), await small_world.phone("bea")
    scanned = (await phone.scan(desk.qr())).json()
    for other in (second, bea):
        other.key.count += 1
        refused = await other.post(f"asks/{scanned['id']}/approve", {"credential": other.key.get(scanned["options"])})
        assert refused.status_code == 410
    unscanned = small_world.desk()
    await unscanned.open_start(await unscanned.authorize(await small_world.service("other")))
    refused = await phone.post(f"asks/{unscanned.facts['ask']}/approve", {"credential": {}})
    assert refused.status_code == 410


@pytest.mark.parametrize("answer", ["not_me", "changed_mind"])
async def test_a_refusal_is_final(small_world: World, answer: str) -> None:
    _, desk, phone = await _ready(small_world)
    scanned = (await phone.scan(desk.qr())).json()
    assert (await phone.post(f"asks/{scanned['id']}/refuse", {"reason": answer})).status_code == 200
    assert (await phone.approve(scanned)).status_code == 410
    assert (await phone.post(f"asks/{scanned['id']}/refuse", {"reason": answer})).status_code == 410
    history = (await phone.get("history")).json()["history"]
    assert [entry["answer"] for entry in history] == [answer]


BENT: dict[str, dict[str, Any]] = {
    "W2 origin": {"client_data": {"origin": "https://evil.test"}},
    "W2 crossOrigin": {"client_data": {"crossOrigin": True}},
    "W2 topOrigin": {"client_data": {"topOrigin": "https://evil.test"}},
    "W2 type": {"client_data": {"type": "webauthn.create"}},
    "W1 challenge": {"client_data": {"challenge": "AAAA"}},
    "W3 no user verification": {"flags": 0x01},
    "W3 no user presence": {"flags": 0x04},
    "W5 backed up, not eligible": {"flags": 0x15},
    "W4 user handle": {"holder": "AAAA"},
}


@pytest.mark.parametrize("name", BENT)
async def test_bent_assertions_are_refused(small_world: World, name: str) -> None:
    _, desk, phone = await _ready(small_world)
    scanned = (await phone.scan(desk.qr())).json()
    good = {field: getattr(phone.key, field) for field in BENT[name]}
    for field, value in BENT[name].items():
        setattr(phone.key, field, value)
    refused = await phone.approve(scanned)
    assert (refused.status_code, refused.json()["error"]) == (403, "webauthn")
    for field, value in good.items():
        setattr(phone.key, field, value)
    assert (await phone.approve(scanned)).status_code == 200, "a bent try does not spoil the right one"


async def test_w6_a_counter_that_goes_back_is_noted_not_fatal(small_world: World) -> None:
    _, desk, phone = await _ready(small_world)
    phone.key.count = 10
    assert (await phone.approve((await phone.scan(desk.qr())).json())).status_code == 200
    await desk.open_start(await desk.authorize(await small_world.service("again"), prompt="login"))
    phone.key.count = 3
    assert (await phone.approve((await phone.scan(desk.qr())).json())).status_code == 200
    row = await small_world.house.db.one(
        "SELECT COUNT(*) AS lines FROM safe_ledger WHERE act = 'credential.counter_went_back'"
    )
    assert row is not None
    assert row["lines"] == 1


async def test_a_passkey_of_the_computer_signs_in_without_the_phone(small_world: World) -> None:
    service, desk, phone = await _ready(small_world)
    options = (await desk.post(f"/start/{desk.start}/passkey/options")).json()["options"]
    assert not options.get("allowCredentials"), "no list: nobody learns who has what"
    phone.key.count += 1
    used = await desk.post(f"/start/{desk.start}/passkey", {"credential": phone.key.get(options)})
    assert used.status_code == 200
    assert (await small_world.redeem(desk, service, await desk.code())).status_code == 200


@given(
    st.integers(min_value=1_700_000_000, max_value=1_900_000_000),
    st.times().map(lambda t: t.strftime("%H:%M")),
    st.times().map(lambda t: t.strftime("%H:%M")),
)
def test_quiet_hours_and_their_complement_cover_the_day(now: int, start: str, end: str) -> None:
    if start != end:
        assert is_quiet(start, end, now) != is_quiet(end, start, now)
    assert not is_quiet("", "", now)


@given(st.text())
def test_typed_codes_are_read_as_drawn(text: str) -> None:
    read = asks.read_code(text)
    assert asks.read_code(read) == read
    assert not set(read) & set("ILO ")
