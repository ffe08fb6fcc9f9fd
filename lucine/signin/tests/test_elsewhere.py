"""Her phone says so when the screen that asks is plainly elsewhere than itself."""

from lucine.signin.tests.conftest import OpenWorld
from tests.world import Desk, Phone, World

ORANGE_4G, FIBRE, OVH = "92.184.100.1", "90.3.12.40", "109.190.10.1"


def at(who: Desk | Phone, address: str) -> None:
    """From here on its requests come from this address, through the proxy."""
    who.http.headers["X-Forwarded-For"] = address


async def told(world: World, screen: str, phone_at: str) -> bool:
    """What her phone is told of a screen that it scans."""
    desk, phone = world.desk(), await world.phone("ana")
    at(desk, screen)
    at(phone, phone_at)
    await desk.open_start(await desk.authorize(await world.service()))
    scanned = await phone.scan(desk.qr())
    assert scanned.status_code == 200, scanned.text
    elsewhere: bool = scanned.json()["elsewhere"]
    return elsewhere


async def test_a_code_relayed_from_rented_computers_is_marked(open_small: OpenWorld) -> None:
    async with open_small(trusted_proxies="127.0.0.1") as world:
        assert await told(world, OVH, ORANGE_4G)


async def test_a_desk_on_fibre_beside_a_phone_on_4g_is_not(open_small: OpenWorld) -> None:
    async with open_small(trusted_proxies="127.0.0.1") as world:
        assert not await told(world, FIBRE, ORANGE_4G)


async def test_a_request_without_a_screen_is_not(open_small: OpenWorld) -> None:
    """A service's request by number has no place that Connect saw."""
    async with open_small(trusted_proxies="127.0.0.1") as world:
        service, phone = await world.service(ciba="poll"), await world.phone("ana")
        at(phone, ORANGE_4G)
        started = await world.browser().post(
            "/auth/realms/esante-wallet/protocol/openid-connect/ext/ciba/auth",
            data={"scope": "openid", "login_hint": "99700999917"}, auth=service.basic,
        )  # fmt: skip
        carried = await phone.post("waiting", {"code": started.json()["screen_code"]})
        assert carried.status_code == 200, carried.text
        assert not carried.json()["elsewhere"]
