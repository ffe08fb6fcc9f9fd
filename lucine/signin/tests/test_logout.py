"""Leaving: asked by a service, by her, by anybody else; and who is told (L1 to L8)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from lucine.safe.keys import Tampered
from lucine.signin.deliveries import deliver
from lucine.signin.discovery import PATHS
from tests.world import ORIGIN, SERVICE, START, Desk, Service, World, open_world

from .kit import claims_of

END = PATHS["end_session_endpoint"]


class Listener:
    """A service's back-channel logout address on loopback."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.status = 200
        self.delay = 0.0

    async def __aenter__(self) -> "Listener":
        self.server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}/logout"

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        self.got.append((await reader.readexactly(length)).decode())
        await asyncio.sleep(self.delay)
        writer.write(f"HTTP/1.1 {self.status} X\r\nContent-Length: 0\r\nLocation: /elsewhere\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    async with Listener() as made:
        yield made


@pytest.fixture
async def told(tmp_path: Path, listener: Listener) -> AsyncIterator[tuple[World, Service, Desk, dict[str, str]]]:
    """A signed-in Ana at a service that wants to be told."""
    allowed = f"localhost:{listener.port}"
    async with open_world(f"sqlite:///{tmp_path}/t.db", tmp_path, allowed_hosts=allowed) as world:
        service = await world.service(post_logout_redirect_uris=[f"{SERVICE}/bye"], logout_uri=listener.address)
        got, service, desk = await world.tokens(service=service)
        yield world, service, desk, got


Told = tuple[World, Service, Desk, dict[str, str]]


async def _end(desk: Desk, **said: str) -> object:
    return await desk.http.get(END, params=said)


async def test_l1_l4_a_good_hint_leaves_at_once_and_the_service_is_told(told: Told, listener: Listener) -> None:
    world, service, desk, got = told
    left = await desk.http.get(
        END, params={"id_token_hint": got["id_token"], "post_logout_redirect_uri": f"{SERVICE}/bye", "state": "x"}
    )
    assert (left.status_code, left.headers["location"]) == (303, f"{SERVICE}/bye?state=x")
    assert (await world.userinfo(got["access_token"])).status_code == 401
    assert "error=login_required" in (await desk.authorize(service, prompt="none")).headers["location"]
    assert await deliver(world.house, world.clock.now)
    body = parse_qs(listener.got[0])
    assert set(body) == {"logout_token"}
    keys = KeySet.import_key_set((await world.browser().get(PATHS["jwks_uri"])).json())
    token = jwt.decode(body["logout_token"][0], keys, algorithms=["ES256"])
    assert token.header["typ"] == "logout+jwt"
    assert {"iss", "aud", "iat", "exp", "jti", "events", "sub", "sid"} == set(token.claims)
    assert token.claims["exp"] - token.claims["iat"] <= 120
    assert token.claims["aud"] == service.client.id
    assert not await deliver(world.house, world.clock.now), "told once"


@pytest.mark.parametrize(
    "address",
    ["https://evil.test/", f"{SERVICE}/bye/", f"{SERVICE}/bye?x=1", f"{SERVICE}/by", "//evil.test", "javascript:x"],
)
async def test_l1_no_open_redirect(told: Told, address: str) -> None:
    _, service, desk, got = told
    for said in (
        {"id_token_hint": got["id_token"]},
        {"client_id": service.client.id},
        {},
    ):
        refused = await desk.http.get(END, params={**said, "post_logout_redirect_uri": address})
        assert refused.status_code == 400
        assert "location" not in refused.headers


@pytest.mark.parametrize("kind", ["none", "bad", "other"])
async def test_l2_without_her_own_hint_she_is_asked(told: Told, kind: str) -> None:
    world, service, desk, got = told
    said = {}
    if kind == "bad":
        said = {"id_token_hint": got["id_token"][:-8] + "AAAAAAAA"}
    if kind == "other":
        other = await world.desk().http.get("/")
        assert other.status_code == 200
        bea, _, _ = await world.tokens("bea", service)
        said = {"id_token_hint": bea["id_token"]}
    asked = await desk.http.get(END, params=said)
    assert (asked.status_code, "location" in asked.headers) == (200, False)
    assert 'name="choice"' in asked.text
    assert (await world.userinfo(got["access_token"])).status_code == 200, "an image tag logs nobody out"
    stayed = await desk.http.post("/logout", data={"choice": "stay"}, headers={"Origin": ORIGIN})
    assert stayed.status_code == 303
    assert (await world.userinfo(got["access_token"])).status_code == 200
    left = await desk.http.post("/logout", data={"choice": "all"}, headers={"Origin": ORIGIN})
    assert left.status_code == 200
    assert (await world.userinfo(got["access_token"])).status_code == 401


async def test_l3_an_expired_hint_names_its_session_even_from_another_browser(told: Told) -> None:
    world, _, _, got = told
    world.clock.pass_by(600)
    elsewhere = world.desk()
    left = await elsewhere.http.get(END, params={"id_token_hint": got["id_token"]})
    assert left.status_code == 200
    form = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]}
    assert (await world.token(told[1], form)).json()["error"] == "invalid_grant"


async def test_l5_l6_a_dead_service_is_tried_again_and_delays_nobody(told: Told, listener: Listener) -> None:
    world, _, desk, _ = told
    listener.status = 503
    ended = await desk.http.post("/security/sessions/end-all", headers={"Origin": ORIGIN})
    assert ended.status_code == 303
    assert await deliver(world.house, world.clock.now)
    assert not await deliver(world.house, world.clock.now), "not at once"
    listener.status = 200
    world.clock.pass_by(30)
    assert await deliver(world.house, world.clock.now)
    assert len(listener.got) == 2
    assert listener.got[0] != listener.got[1], "a fresh token each time"


async def test_l5_a_service_that_is_down_for_hours_is_told_when_it_is_back(told: Told, listener: Listener) -> None:
    world, _, desk, _ = told
    listener.status = 503
    await desk.http.post("/security/sessions/end-all", headers={"Origin": ORIGIN})
    began, pauses, last = world.clock.now, [], world.clock.now
    while world.clock.now < began + 3 * 3600:
        if await deliver(world.house, world.clock.now):
            pauses.append(world.clock.now - last)
            last = world.clock.now
        world.clock.pass_by(5)
    assert pauses == sorted(pauses), "growing pauses"
    assert (max(pauses), len(pauses) < 30) == (900, True)
    listener.status = 200
    for _ in range(2):
        world.clock.pass_by(900)
        await deliver(world.house, world.clock.now)
    row = await world.house.db.one("SELECT outcome FROM signin_deliveries")
    assert row
    assert row["outcome"] == "status 200"
    claims = claims_of(parse_qs(listener.got[-1])["logout_token"][0])
    assert claims["iat"] > began + 3 * 3600, "signed when it is sent"


async def test_l5_it_is_given_up_when_the_session_would_have_ended_anyway(told: Told, listener: Listener) -> None:
    world, _, desk, _ = told
    listener.status = 503
    await desk.http.post("/security/sessions/end-all", headers={"Origin": ORIGIN})
    for _ in range(world.house.settings.session_seconds // 900 + 20):
        await deliver(world.house, world.clock.now)
        world.clock.pass_by(900)
    row = await world.house.db.one("SELECT outcome, done_at FROM signin_deliveries")
    assert row
    assert row["outcome"] == "given up"
    (line,) = await world.house.db.all("SELECT at, facts FROM safe_ledger WHERE act = 'delivery.failed'")
    assert "given up" in line["facts"]
    assert world.house.settings.session_seconds - 900 <= line["at"] - START <= world.house.settings.session_seconds


async def test_l6_new_logouts_do_not_wait_behind_the_retries_of_a_dead_service(told: Told, listener: Listener) -> None:
    world, service, desk, _ = told
    async with world.house.db.transaction() as db:
        await db.many(
            "INSERT INTO signin_deliveries (id, client, kind, sealed, due_at, tries, until)"
            " VALUES (:id, 'dead', 'logout', :sealed, :due, 3, :due)",
            [{"id": str(number), "sealed": b"", "due": world.clock.now - 60} for number in range(200)],
        )
    await desk.http.post("/security/sessions/end-all", headers={"Origin": ORIGIN})
    with contextlib.suppress(Tampered):  # of those, which were never sealed
        await deliver(world.house, world.clock.now)
    row = await world.house.db.one("SELECT tries FROM signin_deliveries WHERE client = :id", id=service.client.id)
    assert row
    assert row["tries"] == 1


@pytest.mark.parametrize("status", [302, 400, 401])
async def test_l5_a_final_answer_is_final_and_no_redirect_is_followed(
    told: Told, listener: Listener, status: int
) -> None:
    world, _, desk, _ = told
    listener.status = status
    await desk.http.post("/security/sessions/end-all", headers={"Origin": ORIGIN})
    await deliver(world.house, world.clock.now)
    world.clock.pass_by(3600)
    assert not await deliver(world.house, world.clock.now)
    assert len(listener.got) == 1


async def test_l5_idle_sessions_tell_their_services_too(told: Told, listener: Listener) -> None:
    from lucine.signin.sessions import end_idle_sessions

    world = told[0]
    world.clock.pass_by(1801)
    await end_idle_sessions(world.house, world.clock.now)
    await deliver(world.house, world.clock.now)
    assert len(listener.got) == 1
