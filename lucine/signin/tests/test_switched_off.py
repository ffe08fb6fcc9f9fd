"""A phone, a passkey or a session that is not hers any more leaves no way back in."""

from typing import Any

import pytest

from lucine.app.bench.soft_key import SoftKey
from lucine.signin.sessions import end_sessions
from lucine.signin.switch_off import switch_off
from tests.world import ORIGIN, Desk, Phone, Service, World

from .kit import refreshing

pytestmark = pytest.mark.usefixtures("small_world")


async def security(desk: Desk, path: str, form: dict[str, str] | None = None) -> Any:
    return await desk.http.post(f"/security/{path}", data=form or {"x": "x"}, headers={"Origin": ORIGIN})


async def signed_in(world: World) -> tuple[Service, Desk, Phone, dict[str, Any]]:
    service, desk, phone = await world.service(logout_uri="https://service.test/out"), world.desk(), None
    phone = await world.phone("ana")
    got = (await world.redeem(desk, service, await world.sign_in(desk, phone, service))).json()
    return service, desk, phone, got


async def nothing_lives(world: World, service: Service, desk: Desk, got: dict[str, Any]) -> None:
    assert (await world.userinfo(got["access_token"])).status_code == 401
    assert (await world.token(service, refreshing(got))).status_code == 400
    answer = await desk.authorize(service, prompt="none")
    assert "error=login_required" in answer.headers["location"]
    row = await world.house.db.one("SELECT COUNT(*) AS told FROM signin_deliveries WHERE kind = 'logout'")
    assert row is not None
    assert row["told"] == 1


async def the_voucher(desk: Desk) -> str:
    page = await security(desk, "phones/voucher")
    assert page.status_code == 200, page.text
    return str(page.text.partition("#enrol=")[2].partition('"')[0])


async def test_a_phone_added_by_the_link_waits_and_one_that_scanned_does_not(small_world: World) -> None:
    """Whoever poses as a help desk can have a link sent on; the picture must be before the new phone's camera."""
    service, desk, phone = await small_world.service(), small_world.desk(), await small_world.phone("ana")
    await small_world.sign_in(desk, phone, service)
    page = (await security(desk, "phones/voucher")).text
    scanned = page.partition('href="https://connect.test/phone/#enrol=')[2].partition('"')[0]
    sent = page.partition('id="voucher-link"')[2].partition("#enrol=")[2].partition('"')[0]
    assert scanned != sent
    states = []
    for voucher in (scanned, sent):
        new = small_world.bare_phone()
        assert (await new.enrol(voucher)).status_code == 200
        states.append((await new.get("me")).json()["state"])
    assert states == ["active", "quarantine"]


async def link(world: World, about: str) -> str:
    """The cancelling link of the mail that waits and says this."""
    rows = await world.house.db.all("SELECT id, sealed FROM phone_notices WHERE channel = 'mail'")
    texts = [world.house.keys.unseal(f"phone_notices.{row['id']}", row["sealed"]).decode() for row in rows]
    (text,) = [text for text in texts if about in text and "token=" in text]
    return text.partition("token=")[2].split("\\n")[0].split('"')[0]


@pytest.mark.parametrize("way", ["desk", "recovery code", "operator", "link"])
async def test_l5_a_phone_switched_off_takes_its_sessions_along(small_world: World, way: str) -> None:
    world = small_world
    voucher, phone = await world.voucher("ana"), world.bare_phone()
    codes = (await phone.enrol(voucher)).json()["recovery_codes"]
    service, desk = await world.service(logout_uri="https://service.test/out"), world.desk()
    got = (await world.redeem(desk, service, await world.sign_in(desk, phone, service))).json()
    holder = await world.holder("ana")
    if way == "desk":
        other, elsewhere = await world.phone("ana"), world.desk()
        await world.sign_in(elsewhere, other, service)
        first = await world.house.db.one("SELECT id FROM phone_credentials ORDER BY used_at, created_at LIMIT 1")
        assert first is not None
        assert (await security(elsewhere, f"phones/{first['id']}/off")).status_code == 303
        assert "code=" in (await elsewhere.authorize(service, prompt="none")).headers["location"]
    elif way == "recovery code":
        await world.browser().post("/lost", data={"code": codes[0]}, headers={"Origin": ORIGIN})
    elif way == "operator":
        async with world.house.db.transaction() as db:
            await switch_off(
                db, world.clock.now, world.house.keys, world.house.settings, holder=holder, kind="phone", why="test"
            )
    else:
        token = await link(world, "téléphone")
        await world.browser().post("/cancel", data={"token": token}, headers={"Origin": ORIGIN})
    await nothing_lives(world, service, desk, got)
    assert (await security(desk, "phones/voucher")).status_code == 401


async def test_an_approval_not_yet_fetched_dies_with_its_phone(small_world: World) -> None:
    service, desk, phone = await small_world.service(), small_world.desk(), await small_world.phone("ana")
    await desk.open_start(await desk.authorize(service))
    assert (await phone.approve((await phone.scan(desk.qr())).json())).status_code == 200
    house, holder = small_world.house, await small_world.holder("ana")
    async with house.db.transaction() as db:
        await switch_off(
            db, small_world.clock.now, house.keys, house.settings, holder=holder,
            kind="phone", why="test",
        )  # fmt: skip
    assert (await desk.finish()).status_code == 410


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("way", ["not me", "session ended", "phone off"])
async def test_w11_a_voucher_dies_with_what_vouched(small_world: World, way: str, begun: bool) -> None:
    world = small_world
    _, desk, phone, _ = await signed_in(world)
    voucher, thief = await the_voucher(desk), world.bare_phone()
    options = (await thief.post("enrolments/options", {"voucher": voucher})).json() if begun else None
    house, holder = world.house, await world.holder("ana")
    if way == "not me":
        (entry,) = (await phone.get("history")).json()["history"]
        assert (await phone.post(f"history/{entry['ask']}/not-me")).status_code == 200
    async with house.db.transaction() as db:
        if way == "session ended":
            await end_sessions(db, world.clock.now, house.keys, house.settings, holder=holder, why="signed_out")
        elif way == "phone off":
            await switch_off(db, world.clock.now, house.keys, house.settings, holder=holder, kind="phone", why="test")
    if options is None:
        assert (await thief.enrol(voucher)).status_code == 410
    else:
        body = {"voucher": voucher, "credential": thief.key.create(options["options"]), "name": "x"}
        assert (await thief.post("enrolments", body)).status_code == 410


async def test_what_was_added_in_a_sign_in_that_was_not_hers_is_void(small_world: World) -> None:
    world = small_world
    service, desk, phone, _ = await signed_in(world)
    passkey = SoftKey(ORIGIN)
    options = (await desk.post("/security/passkeys/options")).json()["options"]
    added = await desk.post("/security/passkeys", {"credential": passkey.create(options), "name": "x"})
    assert added.status_code == 200, added.text
    codes = await security(desk, "recovery-codes")
    assert codes.status_code == 200
    left = await world.house.db.one("SELECT COUNT(*) AS left FROM phone_recovery_codes WHERE spent_at IS NULL")
    assert left is not None
    assert left["left"] == 10
    extra = world.bare_phone()
    assert (await extra.enrol(await the_voucher(desk))).status_code == 200

    (entry,) = (await phone.get("history")).json()["history"]
    assert (await phone.post(f"history/{entry['ask']}/not-me")).status_code == 200

    await desk.open_start(await desk.authorize(service))
    asked = (await desk.post(f"/start/{desk.start}/passkey/options")).json()["options"]
    passkey.count += 1
    assert (await desk.post(f"/start/{desk.start}/passkey", {"credential": passkey.get(asked)})).status_code == 403
    assert (await extra.get("me")).status_code == 401
    assert (await phone.get("me")).status_code == 200
    left = await world.house.db.one("SELECT COUNT(*) AS left FROM phone_recovery_codes WHERE spent_at IS NULL")
    assert left is not None
    assert left["left"] == 0


async def test_a_passkeys_notice_has_its_one_tap(small_world: World) -> None:
    world = small_world
    service, desk, _, _ = await signed_in(world)
    passkey = SoftKey(ORIGIN)
    options = (await desk.post("/security/passkeys/options")).json()["options"]
    await desk.post("/security/passkeys", {"credential": passkey.create(options), "name": "x"})
    token = await link(world, "ordinateur")
    seen = await world.browser().get("/cancel", params={"token": token})
    assert 'data-what="passkey"' in seen.text
    done = await world.browser().post("/cancel", data={"token": token}, headers={"Origin": ORIGIN})
    assert 'data-state="done"' in done.text
    stranger = world.desk()
    await stranger.open_start(await stranger.authorize(service))
    asked = (await stranger.post(f"/start/{stranger.start}/passkey/options")).json()["options"]
    passkey.count += 1
    refused = await stranger.post(f"/start/{stranger.start}/passkey", {"credential": passkey.get(asked)})
    assert refused.status_code == 403


async def test_a_passkey_does_not_make_her_phones_ring_again(small_world: World) -> None:
    """After "not me" they are silent until she scans: a stranger's key must not wake them."""
    world = small_world
    service, desk, _, _ = await signed_in(world)
    passkey = SoftKey(ORIGIN)
    options = (await desk.post("/security/passkeys/options")).json()["options"]
    await desk.post("/security/passkeys", {"credential": passkey.create(options), "name": "x"})
    async with world.house.db.transaction() as db:
        await db.run("UPDATE phone_holders SET rings_since_success = 3")
    await desk.open_start(await desk.authorize(service, prompt="login"))
    asked = (await desk.post(f"/start/{desk.start}/passkey/options")).json()["options"]
    passkey.count += 1
    assert (await desk.post(f"/start/{desk.start}/passkey", {"credential": passkey.get(asked)})).status_code == 200
    row = await world.house.db.one("SELECT rings_since_success AS rings FROM phone_holders")
    assert row is not None
    assert row["rings"] == 3


async def test_the_owner_of_a_copied_browser_is_told_and_its_sessions_end(small_world: World) -> None:
    world = small_world
    service, desk, phone = await world.service(), world.desk(), await world.phone("ana")
    await world.sign_in(desk, phone, service, keep=True)
    thief = world.desk()
    thief.key = desk.key
    stolen = next(c.value for c in desk.http.cookies.jar if c.name == "__Host-browser")
    thief.http.cookies.set("__Host-browser", stolen or "", domain="connect.test")
    for _ in range(2):  # the second use replaces what the owner holds
        await thief.open_start(await thief.authorize(service))
        assert (await thief.ring()).status_code == 200
    await desk.open_start(await desk.authorize(service, prompt="login"))
    assert desk.facts["known"] == "yes"
    assert (await desk.ring()).status_code == 409
    rows = await world.house.db.all("SELECT id, sealed FROM phone_notices WHERE channel = 'mail'")
    texts = [world.house.keys.unseal(f"phone_notices.{row['id']}", row["sealed"]).decode() for row in rows]
    assert any("copié" in text for text in texts)
    assert "error=login_required" in (await desk.authorize(service, prompt="none")).headers["location"]
    await thief.open_start(await thief.authorize(service))
    assert (await thief.ring()).status_code == 409
