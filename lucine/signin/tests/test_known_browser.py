"""The one tap: a known browser rings her phone, and nothing that only looks like it does."""

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lucine.app.bench.soft_key import SoftBrowserKey
from lucine.phone.ask_pages import _told
from lucine.phone.asks import RINGS_MAX, RINGS_TOLD, ringing_asks
from lucine.phone.credentials import devices_of
from lucine.safe import tokens
from lucine.watch.browsers import PublicKey, pair_browser
from tests.world import ORIGIN, Desk, Phone, Service, World

from .conftest import OpenWorld

EXAMPLES = 550
COOKIE = "__Host-browser"


async def known_desk(world: World, person: str = "ana") -> tuple[Service, Desk, Phone]:
    service, desk, phone = await world.service(), world.desk(), await world.phone(person)
    await world.sign_in(desk, phone, service, keep=True)
    assert COOKIE in desk.http.cookies
    return service, desk, phone


async def again(desk: Desk, service: Service) -> None:
    await desk.open_start(await desk.authorize(service, prompt="login"))


async def ringing(world: World, person: str = "ana") -> list[dict[str, Any]]:
    (device, *_) = await devices_of(world.house.db, await world.holder(person), "phone")
    asks = await ringing_asks(world.house.db, world.clock.now, device)
    return [_told(world.house, ask, device) for ask in asks]


async def rang(world: World) -> int:
    row = await world.house.db.one("SELECT COUNT(*) AS rang FROM phone_asks WHERE ring_at IS NOT NULL")
    assert row is not None
    return int(row["rang"])


async def counted(world: World) -> int:
    row = await world.house.db.one("SELECT SUM(rings_since_success) AS rings FROM phone_holders")
    assert row is not None
    return int(row["rings"])


async def test_tapping_again_rings_once_and_counts_once(world: World) -> None:
    """A lost answer makes the browser ask again: the same ask keeps ringing, and is one ring."""
    service, desk, phone = await known_desk(world)
    await again(desk, service)
    for _ in range(4):
        answer = await desk.ring()
        assert (answer.status_code, answer.json()) == (200, {"state": "waiting"})
    (ask,) = await ringing(world)
    assert (await rang(world), await counted(world)) == (1, 1)
    assert (await phone.approve(ask)).status_code == 200
    assert (await desk.finish()).status_code == 200
    assert await counted(world) == 0


async def test_a_tap_whose_cookie_was_lost_does_not_lock_the_owner_out(small_world: World) -> None:
    service, desk, phone = await known_desk(small_world)
    for _ in range(3):
        before = desk.http.cookies[COOKIE]
        await again(desk, service)
        assert (await desk.ring()).status_code == 200
        desk.http.cookies.set(COOKIE, before, domain="connect.test", path="/")
        (ask,) = await ringing(small_world)
        assert (await phone.approve(ask)).status_code == 200
        assert (await desk.finish()).status_code == 200


async def test_three_rings_then_she_scans_on_the_same_screen(small_world: World) -> None:
    service, desk, phone = await known_desk(small_world)
    for number in range(5):
        await again(desk, service)
        answer = await desk.ring()
        assert answer.status_code == (200 if number < 3 else 409)
        small_world.clock.pass_by(200)
    assert (await rang(small_world), await counted(small_world)) == (RINGS_MAX, RINGS_TOLD)
    # Having rung enough is not being locked out: the very same screen can be scanned.
    await again(desk, service)
    assert (await desk.ring()).json()["error"] == "scan_instead"
    scanned = await phone.scan(desk.qr())
    assert (await phone.approve(scanned.json())).status_code == 200
    assert (await desk.finish()).status_code == 200
    await again(desk, service)
    assert (await desk.ring()).status_code == 200


async def test_her_rings_are_counted_over_all_her_browsers_and_clients(small_world: World) -> None:
    service, desk, phone = await known_desk(small_world)
    second = small_world.desk()
    await small_world.sign_in(second, phone, service, keep=True)
    for number, one in enumerate((desk, second, desk, second)):
        await again(one, service)
        assert (await one.ring()).status_code == (200 if number < 3 else 409)
    assert await rang(small_world) == 3


async def test_a_ring_is_answered_by_any_of_her_phones_and_only_hers(small_world: World) -> None:
    service, desk, phone = await known_desk(small_world)
    other, bea = await small_world.phone("ana"), await small_world.phone("bea")
    await again(desk, service)
    await desk.ring()
    (ask,) = await ringing(small_world)
    assert not ask["can_keep"]
    for stranger in (bea, small_world.bare_phone()):
        assert (await stranger.approve(ask)).status_code in (401, 403, 410)
    assert (await bea.post(f"asks/{ask['id']}/refuse", {"reason": "not_me"})).status_code == 410
    (device, *_) = await devices_of(small_world.house.db, await small_world.holder("ana"), "phone")
    (row,) = await ringing_asks(small_world.house.db, small_world.clock.now, device)
    assert (await other.approve(_told(small_world.house, row, device))).status_code == 200
    assert (await desk.finish()).status_code == 200
    assert (await phone.approve(ask)).status_code == 410


async def test_a_screen_that_was_scanned_cannot_ring_and_a_ringing_one_is_scanned_by_its_holder_alone(
    small_world: World,
) -> None:
    service, desk, phone = await known_desk(small_world)
    bea = await small_world.phone("bea")
    await again(desk, service)
    assert (await bea.scan(desk.qr())).status_code == 200
    await desk.ring()
    assert await rang(small_world) == 0
    await again(desk, service)
    await desk.ring()
    assert (await bea.scan(desk.qr())).status_code == 410
    assert (await phone.scan(desk.qr())).status_code == 200  # her phone did not ring: the page offers the code too
    assert await rang(small_world) == 1


async def test_the_user_agent_never_counts(small_world: World) -> None:
    service, desk, _ = await known_desk(small_world)
    desk.http.headers["User-Agent"] = "another browser altogether"
    await again(desk, service)
    assert (await desk.ring()).status_code == 200
    twin = small_world.desk()  # the same agent, address and service, but neither cookie nor key
    await twin.open_start(await twin.authorize(service, prompt="login"))
    assert twin.facts["known"] != "yes"
    assert (await twin.ring()).status_code == 409
    assert await rang(small_world) == 1


async def test_a_key_that_came_too_late_or_second_is_not_kept(small_world: World) -> None:
    """What is kept is the key that the approval committed to, or none."""
    service, phone = await small_world.service(), await small_world.phone("ana")
    late = small_world.desk()
    await late.open_start(await late.authorize(service))
    scanned = (await phone.scan(late.qr())).json()
    assert not scanned["can_keep"]
    await late.show_key()
    assert (await phone.approve(scanned, keep=True)).status_code == 200
    assert (await late.finish()).status_code == 200
    assert COOKIE not in late.http.cookies
    desk = small_world.desk()
    await desk.open_start(await desk.authorize(service))
    first, desk.key = desk.key, SoftBrowserKey()
    await desk.show_key()
    second, desk.key = desk.key, first
    await desk.show_key()
    scanned = (await phone.scan(desk.qr())).json()
    assert (await phone.approve(scanned, keep=True)).status_code == 200
    assert (await desk.finish()).status_code == 200
    await again(desk, service)
    assert (await desk.ring()).status_code == 409
    desk.key = second
    assert (await desk.ring()).status_code == 200


async def test_another_key_than_the_one_that_tapped_is_not_kept(small_world: World) -> None:
    service, desk, phone = await known_desk(small_world)
    for _ in range(3):
        await again(desk, service)
        await desk.ring()
        small_world.clock.pass_by(200)
    await again(desk, service)
    assert (await desk.ring()).json()["error"] == "scan_instead"  # its key is now in the ask
    hers, desk.key = desk.key, SoftBrowserKey()
    await desk.show_key()
    scanned = (await phone.scan(desk.qr())).json()
    assert (await phone.approve(scanned, keep=True)).status_code == 200
    assert (await desk.finish()).status_code == 200
    await again(desk, service)
    assert (await desk.ring()).status_code == 409
    desk.key = hers
    assert (await desk.ring()).status_code == 200


async def test_a_browser_key_must_sign_its_own_start(small_world: World) -> None:
    service, desk = await small_world.service(), small_world.desk()
    await desk.open_start(await desk.authorize(service))
    other = SoftBrowserKey()
    for jwk, signature in (
        (desk.key.jwk, other.sign(desk.start, desk.facts["nonce"])),
        (desk.key.jwk, desk.key.sign("other", desk.facts["nonce"])),
        (desk.key.jwk, ""),
        ({**desk.key.jwk, "crv": "P-384"}, desk.key.sign(desk.start, desk.facts["nonce"])),
        ({**desk.key.jwk, "x": "AA"}, desk.key.sign(desk.start, desk.facts["nonce"])),
        ({"kty": "RSA", "n": "AQ", "e": "AQAB"}, ""),
    ):
        refused = await desk.post(f"/start/{desk.start}/browser", {"jwk": jwk, "signature": signature})
        assert refused.status_code in (400, 403)
    row = await small_world.house.db.one("SELECT browser_key FROM signin_starts")
    assert row is not None
    assert row["browser_key"] is None


FORGERIES = st.fixed_dictionaries(
    {
        "cookie": st.sampled_from(
            ["right", "none", "flipped", "cut", "longer", "id only", "secret only", "bea", "old"]
        ),
        "key": st.sampled_from(["right", "other", "none", "bea"]),
        "signature": st.sampled_from(
            ["whole", "flipped", "cut", "longer", "zeros", "der", "empty", "replayed", "swapped", "padded", "text"]
        ),
        "start": st.sampled_from(["right", "other", "empty"]),
        "nonce": st.sampled_from(["right", "other", "empty"]),
        "address": st.sampled_from(["right", "other", "unknown"]),
        "at": st.integers(0, 10_000),
    }
)


def test_no_forged_proof_rings(open_small: OpenWorld) -> None:
    """Every mixture of right and wrong cookie, key, signature, start, nonce and address, but the right one."""
    with asyncio.Runner() as runner:
        opened = open_small()
        world = runner.run(opened.__aenter__())
        forge = runner.run(_forger(world))
        tried = []

        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(said=FORGERIES)
        def fuzz(said: dict[str, Any]) -> None:
            tried.append(said)
            runner.run(forge(said))

        fuzz()
        assert len(tried) >= 500
        runner.run(opened.__aexit__(None, None, None))


async def _forger(world: World) -> Any:
    service, desk, _ = await known_desk(world)
    holder, bea = await world.holder("ana"), await world.holder("bea")
    keys = {"right": desk.key, "other": SoftBrowserKey(), "bea": SoftBrowserKey()}
    oscar = world.desk()
    await oscar.open_start(await oscar.authorize(service))
    await again(desk, service)
    starts = {"right": desk.start, "other": oscar.start, "unknown": tokens.new_secret(128), "empty": ""}
    nonces = {"right": desk.facts["nonce"], "other": oscar.facts["nonce"], "empty": ""}
    old = desk.key.sign(oscar.start, oscar.facts["nonce"])
    http = desk.http

    async def pair(whose: str, key: SoftBrowserKey) -> str:
        async with world.house.db.transaction() as db:
            jwk = PublicKey(**key.jwk)
            known = await pair_browser(db, world.clock.now, world.house.keys, holder=whose, name="B", key=jwk)
        return known.cookie

    cookies = {"right": await pair(holder, keys["right"]), "bea": await pair(bea, keys["bea"])}
    cookies["old"] = cookies["right"]

    async def forge(said: dict[str, Any]) -> None:
        own = (said["cookie"], said["key"]) in (("right", "right"), ("old", "right"), ("bea", "bea"))
        if own and said["signature"] == "whole" and said["start"] == said["nonce"] == said["address"] == "right":
            said = {**said, "nonce": "other"}  # the one mixture that is no forgery
        cookie = _bend_cookie(said, cookies)
        signature = _bend_signature(said, keys, starts, nonces, old)
        http.cookies.delete(COOKIE) if COOKIE in http.cookies else None
        if cookie:
            http.cookies.set(COOKIE, cookie, domain="connect.test", path="/")
        body = {"jwk": keys.get(said["key"], desk.key).jwk, "signature": signature}
        answer = await http.post(
            f"/start/{starts[said['address']]}/ring", json=body, headers={"Origin": ORIGIN}
        )  # fmt: skip
        assert answer.status_code in (400, 404, 409), (said, answer.text)
        assert await rang(world) == await counted(world) == 0, said
        if said["key"] == "right":  # a well-signed wrong cookie is a copy: that browser was forgotten
            cookies["right"] = cookies["old"] = await pair(holder, keys["right"])

    return forge


def _bend_cookie(said: dict[str, Any], cookies: dict[str, str]) -> str:
    whole = cookies[said["cookie"]] if said["cookie"] in cookies else cookies["right"]
    browser, _, secret = whole.partition(".")
    at = len(browser) + 1 + said["at"] % (len(secret) - 1)
    flipped = whole[:at] + ("A" if whole[at] != "A" else "B") + whole[at + 1 :]
    return {"none": "", "flipped": flipped, "cut": whole[:-1], "longer": whole + "A", "id only": browser + ".",
            "secret only": "." + secret}.get(said["cookie"], whole)  # fmt: skip


def _bend_signature(
    said: dict[str, Any], keys: dict[str, SoftBrowserKey], starts: dict[str, str], nonces: dict[str, str], old: str
) -> str:
    if said["key"] == "none":
        return ""
    whole = keys[said["key"]].sign(starts[said["start"]], nonces[said["nonce"]])
    raw = tokens.decode(whole)
    at = said["at"] % 64
    return {
        "flipped": tokens.encode(raw[:at] + bytes([raw[at] ^ (1 << said["at"] % 8)]) + raw[at + 1 :]),
        "cut": tokens.encode(raw[:-1]),
        "longer": tokens.encode(raw + b"\0"),
        "zeros": tokens.encode(bytes(64)),
        "der": tokens.encode(b"\x30\x44\x02\x20" + raw[:32] + b"\x02\x20" + raw[32:]),
        "empty": "",
        "replayed": old,
        "swapped": tokens.encode(raw[32:] + raw[:32]),
        "padded": whole + "=",
        "text": "é" * (said["at"] % 90),
    }.get(said["signature"], whole)
