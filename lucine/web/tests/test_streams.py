"""Event streams: two for each page and phone, so many in all, and the newest wins."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.cookiejar import Cookie
from typing import Any

import pytest

from lucine.web import streams
from tests.world import World

PHONE = "/phone/api/events"


@dataclass
class Listener:
    """A visitor who listens until she leaves; ``reads`` False: who keeps the connection and takes nothing."""

    app: Any
    path: str
    cookies: Iterable[Cookie]
    reads: bool = True
    status: int = 0
    heard: bytes = b""
    began: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self) -> "Listener":
        self.task = asyncio.create_task(self._call())
        await asyncio.wait_for(self.began.wait(), 5)
        return self

    async def _call(self) -> None:
        cookie = "; ".join(f"{one.name}={one.value}" for one in self.cookies)
        headers = [(b"host", b"connect.test"), (b"cookie", cookie.encode())]
        scope = {"type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "method": "GET", "path": self.path,
                 "query_string": b"", "headers": headers, "client": ("192.0.2.1", 1), "scheme": "https"}  # fmt: skip
        await self.app(scope, self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        self.status = message.get("status", self.status)
        self.heard += message.get("body", b"")
        if self.heard or self.status != 200:
            self.began.set()
        if not self.reads and self.heard:
            await asyncio.Event().wait()

    @property
    def listens(self) -> bool:
        return not self.task.done()

    async def leave(self) -> None:
        self.left.set()
        await asyncio.wait_for(self.task, 5)


@pytest.fixture
async def places(small_world: World) -> dict[str, Any]:
    """A start's page and a phone: path and cookies."""
    desk, phone = small_world.desk(), await small_world.phone("ana")
    await desk.open_start(await desk.authorize(await small_world.service()))
    return {"start": (f"/start/{desk.start}/events", desk.http.cookies.jar), "phone": (PHONE, phone.http.cookies.jar)}


@pytest.mark.parametrize("reads", [True, False])
@pytest.mark.parametrize("who", ["start", "phone"])
async def test_the_newest_two_stay(small_world: World, places: dict[str, Any], who: str, reads: bool) -> None:
    opened = [await Listener(small_world.app, *places[who], reads=reads).listen() for _ in range(4)]
    await asyncio.sleep(0.05)
    assert [one.listens for one in opened] == [False, False, True, True]
    assert all(one.heard.startswith(b"event: ") for one in opened)
    await opened[2].leave()
    opened.append(await Listener(small_world.app, *places[who]).listen())
    await asyncio.sleep(0.05)
    assert [one.listens for one in opened[3:]] == [True, True], "who left makes room"
    for one in opened[3:]:
        await one.leave()
    house_streams = small_world.house.streams
    assert not house_streams._of_owner
    assert set(house_streams._open.values()) == {0}, "nothing is left of them"


async def test_past_the_limit_of_the_process_one_is_told_to_come_later(
    small_world: World, places: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "STREAMS_PER_KIND", 1)
    page = await Listener(small_world.app, *places["start"]).listen()
    late = await Listener(small_world.app, *places["start"]).listen()
    await late.task
    assert late.status == 503
    assert b"temporarily_unavailable" in late.heard
    phone = await Listener(small_world.app, *places["phone"]).listen()
    assert phone.status == 200, "strangers' pages take no place from the phones"
    await page.leave()
    again = await Listener(small_world.app, *places["start"]).listen()
    assert again.status == 200
    await again.leave()
    await phone.leave()
