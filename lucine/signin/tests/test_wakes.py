"""From a ring to her phone: what becomes of the message, and that nothing rests on it (RFC 8030)."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lucine.phone.chores import wake_phones
from lucine.safe import tokens
from lucine.web.egress import Answer
from tests.world import Desk, Phone, Service, World

from .kit import Outside, with_outside


class BlackHole(Outside):
    """Takes the message and never answers."""

    async def post(self, url: str, *, headers: Mapping[str, str], content: bytes, seconds: float = 5) -> Answer:
        self.sent.append((url, dict(headers), content))
        await asyncio.Event().wait()
        raise AssertionError


async def subscribed(world: World) -> tuple[Service, Desk, Phone]:
    """Ana with a known browser, and a phone that wants to be woken."""
    service, desk, phone = await world.service(), world.desk(), await world.phone("ana")
    await world.sign_in(desk, phone, service, keep=True)
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    keys = {
        "p256dh": tokens.encode(point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)),
        "auth": tokens.new_secret(128),
    }
    subscription = {"endpoint": "https://push.example.com/x", "keys": keys}
    assert (await phone.post("push", {"subscription": subscription})).status_code == 200
    return service, desk, phone


async def ring(world: World, desk: Desk, service: Service) -> None:
    await desk.open_start(await desk.authorize(service, prompt="login"))
    assert (await desk.ring()).status_code == 200


async def first_event(world: World, phone: Phone) -> Any:
    """What the app hears first when it opens; then it closes."""
    heard: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in phone.http.cookies.jar)
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "https", "method": "GET",
        "path": "/phone/api/events", "raw_path": b"/phone/api/events", "query_string": b"", "root_path": "",
        "headers": [(b"host", b"connect.test"), (b"cookie", cookies.encode())], "client": ("127.0.0.1", 1),
        "server": ("connect.test", 443),
    }  # fmt: skip

    async def receive() -> Any:
        await heard
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        _, _, data = message.get("body", b"").partition(b"data: ")
        if data and not heard.done():
            heard.set_result(json.loads(data))

    stream = asyncio.create_task(world.app(scope, receive, send))
    try:
        return await asyncio.wait_for(asyncio.shield(heard), 5)
    finally:
        stream.cancel()
        await asyncio.gather(stream, return_exceptions=True)


@pytest.mark.parametrize("status", [404, 410])
async def test_n5_a_subscription_that_is_over_is_forgotten(small_world: World, status: int) -> None:
    outside = await with_outside(small_world, status)
    service, desk, phone = await subscribed(small_world)
    for _ in range(2):
        await ring(small_world, desk, service)
        await wake_phones(small_world.house, small_world.clock.now)
    assert len(outside.sent) == 1, "the second ring has nowhere to go"
    assert (await phone.get("me")).json()["push"] is False


@pytest.mark.parametrize("status", [201, 400, 413, 429, 500])
async def test_n5_every_other_answer_ends_the_message_not_the_subscription(small_world: World, status: int) -> None:
    outside = await with_outside(small_world, status)
    service, desk, phone = await subscribed(small_world)
    await ring(small_world, desk, service)
    for _ in range(3):
        await wake_phones(small_world.house, small_world.clock.now)
    assert len(outside.sent) == 1, "a phone never rings twice for one request, and nobody is called without end"
    assert (await phone.get("me")).json()["push"] is True


async def test_n4_a_message_does_not_outlive_its_request(small_world: World) -> None:
    outside = await with_outside(small_world)
    service, desk, _ = await subscribed(small_world)
    await ring(small_world, desk, service)
    small_world.clock.pass_by(small_world.house.settings.start_seconds - 7)
    await wake_phones(small_world.house, small_world.clock.now)
    ((_, headers, _),) = outside.sent
    assert headers["TTL"] == "7"
    await ring(small_world, desk, service)
    small_world.clock.pass_by(small_world.house.settings.start_seconds)
    await wake_phones(small_world.house, small_world.clock.now)
    assert len(outside.sent) == 1, "a request that is over wakes nobody"


async def test_n7_a_silent_push_service_keeps_nobody_out(small_world: World) -> None:
    await with_outside(small_world)
    hole = BlackHole()
    object.__setattr__(small_world.house, "egress", hole)
    service, desk, phone = await subscribed(small_world)
    await ring(small_world, desk, service)
    waking = asyncio.create_task(wake_phones(small_world.house, small_world.clock.now))
    try:
        async with asyncio.timeout(5):
            while not hole.sent:
                await asyncio.sleep(0.01)
        (ask,) = (await first_event(small_world, phone))["asks"]
        assert not waking.done()
        assert (await phone.approve(ask)).status_code == 200
        assert (await small_world.redeem(desk, service, await desk.code())).status_code == 200
    finally:
        waking.cancel()
        await asyncio.gather(waking, return_exceptions=True)


async def test_n7_a_phone_without_notifications_is_asked_all_the_same(small_world: World) -> None:
    outside = await with_outside(small_world)
    service, desk, phone = await subscribed(small_world)
    assert (
        await phone.http.delete("/phone/api/push", headers={"Origin": str(phone.http.base_url).rstrip("/")})
    ).is_success
    await ring(small_world, desk, service)
    await wake_phones(small_world.house, small_world.clock.now)
    assert outside.sent == []
    (ask,) = (await first_event(small_world, phone))["asks"]
    assert (await phone.approve(ask)).status_code == 200
