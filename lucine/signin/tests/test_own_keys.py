"""Her own keys: who may add one, who is told, and what nobody learns about them (WebAuthn Level 3 section 14.6)."""

import pytest

from lucine.phone.notices import deliver_notices
from tests.world import ORIGIN, Desk, World

NUMBER, UNKNOWN = "99700999917", "99700000001"
FRESH_DOORS = ("phones/voucher", "recovery-codes", "passkeys/options", "passkeys")


async def signed_in(world: World) -> Desk:
    desk = world.desk()
    await world.sign_in(desk, await world.phone("ana"), await world.service())
    return desk


async def test_w10_the_options_of_a_sign_in_are_the_same_whoever_is_named(small_world: World) -> None:
    """No list of keys, so nobody learns who has one."""
    await (await signed_in(small_world)).add_passkey()
    service, seen = await small_world.service("other"), []
    for hint in (None, NUMBER, UNKNOWN, "not a number"):
        desk = small_world.desk()
        await desk.open_start(await desk.authorize(service, login_hint=hint))
        options = (await desk.post(f"/start/{desk.start}/passkey/options")).json()["options"]
        assert len(options.pop("challenge")) == 43
        seen.append(options)
    assert not seen[0].get("allowCredentials")
    assert seen == [seen[0]] * len(seen)


async def test_w10_an_enrolled_phone_is_listed_to_who_has_her_voucher_alone(small_world: World) -> None:
    phone = await small_world.phone("ana")
    refused = await small_world.bare_phone().post("enrolments/options", {"voucher": NUMBER})
    assert refused.status_code == 410
    asked = await phone.post("enrolments/options", {"voucher": await small_world.voucher("ana")})
    assert len(asked.json()["options"]["excludeCredentials"]) == 1


@pytest.mark.parametrize("door", FRESH_DOORS)
async def test_w11_nothing_is_added_in_a_session_of_three_hours(small_world: World, door: str) -> None:
    desk = await signed_in(small_world)
    if door == "passkeys":  # its challenge is there already
        assert (await desk.post("/security/passkeys/options")).status_code == 200
    for _ in range(9):
        small_world.clock.pass_by(20 * 60)
        assert (await desk.http.get("/security")).status_code == 200
    body = {"credential": {}, "name": "x"} if door == "passkeys" else {}
    refused = await desk.http.post(f"/security/{door}", json=body, headers={"Origin": ORIGIN})
    assert refused.status_code == 403, refused.text
    row = await small_world.house.db.one(
        "SELECT (SELECT COUNT(*) FROM phone_credentials WHERE kind = 'computer')"
        " + (SELECT COUNT(*) FROM phone_vouchers WHERE kind = 'desk') AS made"
    )
    assert row is not None
    assert row["made"] == 0


async def test_w11_a_session_of_somebody_else_does_not_make_it_fresh(small_world: World) -> None:
    desk = await signed_in(small_world)
    small_world.clock.pass_by(601)
    other = small_world.desk()
    await small_world.sign_in(other, await small_world.phone("bea"), await small_world.service("other"))
    assert (await desk.post("/security/passkeys/options")).status_code == 403
    assert (await other.post("/security/passkeys/options")).status_code == 200


async def test_w11_every_channel_is_told_of_a_new_passkey(small_world: World) -> None:
    desk = await signed_in(small_world)
    while await deliver_notices(small_world.house, small_world.clock.now):
        pass
    post = small_world.folder / "post"
    before = set(post.glob("[!.]*"))
    await desk.add_passkey()
    while await deliver_notices(small_world.house, small_world.clock.now):
        pass
    told = [path.read_text() for path in set(post.glob("[!.]*")) - before]
    assert len(told) == 2, "her mail and her mobile"
    assert all("ana@exemple.invalid" in letter or "0600000001" in letter for letter in told)


async def test_w12_a_deleted_passkey_signs_nobody_in(small_world: World) -> None:
    desk = await signed_in(small_world)
    key = await desk.add_passkey()
    row = await small_world.house.db.one("SELECT id FROM phone_credentials WHERE kind = 'computer'")
    assert row is not None
    gone = await desk.http.post(f"/security/passkeys/{row['id']}/delete", headers={"Origin": ORIGIN})
    assert gone.status_code == 303
    stranger = small_world.desk()
    await stranger.open_start(await stranger.authorize(await small_world.service("other")))
    options = (await stranger.post(f"/start/{stranger.start}/passkey/options")).json()["options"]
    refused = await stranger.post(f"/start/{stranger.start}/passkey", {"credential": key.get(options)})
    assert (refused.status_code, refused.json()["error"]) == (403, "webauthn")
    assert (await stranger.finish()).status_code == 410
