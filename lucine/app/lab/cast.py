"""Who takes part over HTTP: browsers on desks, phones, and the few connections that they share."""

import asyncio
import html
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from lucine.app.bench.soft_key import SoftBrowserKey
from lucine.app.bench.stage import Person, Stage, facts_of
from lucine.app.bench.wire import Answer, Wire, basic
from lucine.phone import asks
from lucine.safe import tokens
from lucine.signin.discovery import PATHS

from .work import solve

CLIENT = "bench-ES256"
QUERY = {
    "client_id": CLIENT, "redirect_uri": "https://service.test/callback", "response_type": "code", "scope": "openid",
}  # fmt: skip
CIBA_GRANT = "urn:openid:params:grant-type:ciba"
IDLE_SECONDS = 20.0  # before the server would close an idle connection


class Lines:
    """A few connections, each lent for one request at a time, with the cookies of whoever asks."""

    def __init__(self, port: int, many: int) -> None:
        self.port = port
        self._idle: asyncio.LifoQueue[tuple[float, Wire]] = asyncio.LifoQueue()
        for _ in range(many):
            self._idle.put_nowait((time.monotonic(), Wire(port)))

    @asynccontextmanager
    async def lent(self, cookies: dict[str, str]) -> AsyncIterator[Wire]:
        used_at, wire = await self._idle.get()
        if time.monotonic() - used_at > IDLE_SECONDS:
            await wire.close()
            wire = Wire(self.port)
        wire.cookies = cookies
        try:
            yield wire
        except BaseException:
            await wire.close()  # an answer may still be under way on it
            wire = Wire(self.port)
            raise
        finally:
            self._idle.put_nowait((time.monotonic(), wire))

    async def close(self) -> None:
        while not self._idle.empty():
            await self._idle.get_nowait()[1].close()


class Desk:
    """A browser: its cookies, its key, and the start that it opened. ``address``: where it seems to be."""

    def __init__(self, lines: Lines, *, key: SoftBrowserKey | None = None, address: str = "") -> None:
        self.lines, self.cookies = lines, dict[str, str]()
        self._key = key
        self._headers = {"X-Forwarded-For": address} if address else {}
        self.start, self.facts = "", dict[str, str]()

    @property
    def key(self) -> SoftBrowserKey:
        self._key = self._key or SoftBrowserKey()
        return self._key

    async def get(self, path: str) -> Answer:
        async with self.lines.lent(self.cookies) as wire:
            return await wire.get(path, **self._headers)

    async def post(self, path: str, body: Any) -> Answer:
        async with self.lines.lent(self.cookies) as wire:
            return await wire.post_json(path, body, **self._headers)

    async def post_form(self, path: str, form: dict[str, str]) -> Answer:
        async with self.lines.lent(self.cookies) as wire:
            return await wire.post_form(path, form, Origin=f"http://localhost:{self.lines.port}", **self._headers)

    async def open(self, path: str = f"/auth?{urlencode(QUERY)}") -> None:
        """From the service, or a page of Connect's own, to the start's page, and read what it tells its script."""
        opened = await self.get(path)
        assert opened.status == 303, opened.body
        self.start = urlsplit(opened.headers["location"]).path
        await self.reload()

    async def reload(self) -> None:
        """Read the start's page; after "one more proof" it holds another request."""
        self.facts = facts_of(await self.get(self.start))
        if self.facts.get("challenge"):
            await self._earn_code()

    async def _earn_code(self) -> None:
        """While a measure asks for work: a known browser shows its key instead."""
        if self.facts["known"] == "yes":
            earned = await self.post(f"{self.start}/proof", {"signature": self._signature()})
        else:
            solution = await solve(html.unescape(self.facts["challenge"]))
            earned = await self.post(f"{self.start}/work", solution)
        assert earned.status == 200, earned.body
        self.facts["key"] = earned.json()["key"]

    def _signature(self) -> str:
        """Of its key, for this start."""
        return self.key.sign(self.start.rpartition("/")[2], self.facts["nonce"])

    def code(self, second: int) -> str:
        """What its screen shows in this second of the epoch."""
        mac = asks.screen_mac(tokens.decode(self.facts["key"]), self.facts["ask"], second)
        return f"scan={self.facts['ask']}.{second}.{mac}"

    async def show_key(self) -> None:
        shown = await self.post(f"{self.start}/browser", {"jwk": self.key.jwk, "signature": self._signature()})
        assert shown.status == 200, shown.body

    async def ring(self) -> Answer:
        return await self.post(f"{self.start}/ring", {"signature": self._signature()})

    async def finish(self) -> Answer:
        return await self.post(f"{self.start}/finish", {})


class Phone:
    """A person's phone, which approves with her key."""

    def __init__(self, lines: Lines, person: Person, *, address: str = "") -> None:
        self.lines, self.person = lines, person
        self.cookies = {"__Host-phone": person.cookie}
        self._headers = {"X-Forwarded-For": address} if address else {}

    async def get(self, path: str) -> Answer:
        async with self.lines.lent(self.cookies) as wire:
            return await wire.get(f"/phone/api/{path}", **self._headers)

    async def post(self, path: str, body: Any) -> Answer:
        async with self.lines.lent(self.cookies) as wire:
            return await wire.post_json(f"/phone/api/{path}", body, **self._headers)

    def sign(self, ask: dict[str, Any], *, keep: bool = False) -> dict[str, Any]:
        self.person.key.count += 1
        return {"credential": self.person.key.get(ask["options"]), "keep": keep}

    async def approve(self, ask: dict[str, Any], *, keep: bool = False) -> Answer:
        return await self.post(f"asks/{ask['id']}/approve", self.sign(ask, keep=keep))

    async def scan(self, desk: Desk) -> Answer:
        return await self.post("claims", {"code": desk.code(int(time.time()))})

    async def sign_in(self, desk: Desk, *, keep: bool = False) -> Answer:
        """She scans what the desk shows and approves, twice if one more proof is asked; the desk's last answer."""
        for _ in range(2):
            scanned = await self.scan(desk)
            if scanned.status != 200 or (answer := await self.approve(scanned.json(), keep=keep)).status != 200:
                return scanned if scanned.status != 200 else answer
            finished = await desk.finish()
            if not wants_more(finished):
                break
            await desk.reload()
        return finished

    async def hear(self) -> AsyncGenerator[list[dict[str, Any]], None]:
        """What it shows unasked, at each change, until the task that listens is cancelled."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.lines.port)
        try:
            cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            request = f"GET /phone/api/events HTTP/1.1\r\nHost: localhost:{self.lines.port}\r\nCookie: {cookie}\r\n\r\n"
            writer.write(request.encode())
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            said = b""
            while size := int(await reader.readline(), 16):  # chunks (RFC 9112 section 7.1)
                said += (await reader.readexactly(size + 2))[:-2]
                *whole, said = said.split(b"\n\n")
                for event in whole:
                    if event.startswith(b"event: asks"):
                        yield json.loads(event.partition(b"data: ")[2])["asks"]
        finally:
            writer.close()


def wants_more(finished: Answer) -> bool:
    """Whether a sign-in looks so odd for her that one more proof is asked."""
    return finished.status == 409 and finished.json()["error"] == "one_more_proof"


async def known_desk(lines: Lines, person: Person) -> Desk:
    """A browser that she keeps, after a whole sign-in of hers."""
    desk, phone = Desk(lines), Phone(lines, person)
    await desk.open()
    await desk.show_key()
    finished = await phone.sign_in(desk, keep=True)
    assert finished.status == 200, finished.body
    assert "__Host-browser" in desk.cookies
    del desk.cookies["__Host-connect"]  # a new day: she is not signed in any more
    return desk


class Service:
    """What a service of the stage asks of Connect in its own name."""

    def __init__(self, stage: Stage, lines: Lines, client: str = CLIENT, secret: str = "") -> None:
        self.lines, self.client = lines, client
        self._basic = basic(client, secret or stage.secrets["ES256"])

    async def post(self, path: str, form: dict[str, str]) -> Answer:
        async with self.lines.lent({}) as wire:
            return await wire.post_form(path, form, **self._basic)

    async def ask_by_number(self, number: str, **more: str) -> Answer:
        form = {"scope": "openid", "login_hint": number, **more}
        return await self.post(PATHS["backchannel_authentication_endpoint"], form)

    async def fetch(self, auth_req_id: str) -> Answer:
        return await self.post(PATHS["token_endpoint"], {"grant_type": CIBA_GRANT, "auth_req_id": auth_req_id})

    async def redeem(self, finished: Answer) -> Answer:
        """The code of a sign-in that a browser finished."""
        code = parse_qs(urlsplit(finished.json()["location"]).query)["code"][0]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": QUERY["redirect_uri"]}
        return await self.post(PATHS["token_endpoint"], form)
