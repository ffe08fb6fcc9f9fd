"""One-time things, sent eight times at once to two processes' worth of Connect: exactly one wins.

Two applications on one database stand for two processes: each has its own connections, locks and
caches. LUCINE_RACE_ROUNDS sets how often each race is run.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from lucine.app.connect import build_connect
from lucine.safe import tokens
from lucine.signin.discovery import PATHS
from tests.world import ORIGIN, World, open_world

ROUNDS = int(os.environ.get("LUCINE_RACE_ROUNDS", "100"))
TIMES = 8
TOKEN = PATHS["token_endpoint"]

Twins = tuple[World, list[httpx.AsyncClient]]


@pytest.fixture
async def twins(database_url: str, tmp_path: Path) -> AsyncIterator[Twins]:
    async with open_world(database_url, tmp_path) as world:
        second = build_connect(world.house.settings, clock=world.clock, chores=False)
        async with second.router.lifespan_context(second):
            apps = [world.app, second]
            clients = [
                httpx.AsyncClient(transport=httpx.ASGITransport(apps[n % 2]), base_url=ORIGIN, timeout=30)
                for n in range(TIMES)
            ]
            yield world, clients
            for client in clients:
                await client.aclose()


async def winners(calls: list[Awaitable[httpx.Response]], good: tuple[int, ...] = (200,)) -> int:
    answers = await asyncio.gather(*calls)
    assert all(answer.status_code < 500 for answer in answers), [answer.text for answer in answers]
    return sum(answer.status_code in good for answer in answers)


async def _session(world: World) -> tuple[Any, Any, Any]:
    service, desk, phone = await world.service(), world.desk(), await world.phone("ana")
    await world.sign_in(desk, phone, service)
    return service, desk, phone


async def _code(world: World, service: Any, desk: Any) -> dict[str, str]:
    """Single sign-on gives a code at once."""
    from urllib.parse import parse_qsl, urlsplit

    back = await desk.authorize(service, prompt="none")
    code = dict(parse_qsl(urlsplit(back.headers["location"]).query))["code"]
    return {"grant_type": "authorization_code", "code": code, "redirect_uri": service.client.redirect_uris[0],
            "code_verifier": desk.verifier}  # fmt: skip


async def test_codes_and_refresh_tokens(twins: Twins) -> None:
    world, clients = twins
    service, desk, _ = await _session(world)
    for _ in range(ROUNDS):
        form = await _code(world, service, desk)
        assert await winners([client.post(TOKEN, data=form, auth=service.basic) for client in clients]) == 1
        single = (await clients[0].post(TOKEN, data=await _code(world, service, desk), auth=service.basic)).json()
        refresh = {"grant_type": "refresh_token", "refresh_token": single["refresh_token"]}
        assert await winners([client.post(TOKEN, data=refresh, auth=service.basic) for client in clients]) == 1


async def test_dpop_proofs_and_assertions(twins: Twins) -> None:
    world, clients = twins
    service, desk, _ = await _session(world)
    key = ECKey.generate_key("P-256")

    def proof(path: str, method: str, **more: str) -> str:
        claims = {"htm": method, "htu": ORIGIN + path, "iat": int(world.clock.now), "jti": tokens.new_secret(), **more}
        header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": key.as_dict(private=False)}
        return jws.serialize_compact(header, json.dumps(claims).encode(), key, algorithms=["ES256"])

    form = await _code(world, service, desk)
    got = (await clients[0].post(TOKEN, data=form, auth=service.basic, headers={"DPoP": proof(TOKEN, "POST")})).json()
    import hashlib

    ath = tokens.encode(hashlib.sha256(got["access_token"].encode()).digest())
    path = PATHS["userinfo_endpoint"]
    for _ in range(ROUNDS):
        headers = {"Authorization": f"DPoP {got['access_token']}", "DPoP": proof(path, "GET", ath=ath)}
        assert await winners([client.get(path, headers=headers) for client in clients]) == 1


async def test_approvals_finishes_and_pushed_requests(twins: Twins) -> None:
    world, clients = twins
    service, desk, phone = await _session(world)
    jar = {cookie.name: cookie.value or "" for cookie in phone.http.cookies.jar}
    for _ in range(max(1, ROUNDS // 5)):
        await desk.open_start(await desk.authorize(service, prompt="login"))
        scanned = (await phone.scan(desk.qr())).json()
        phone.key.count += 1
        body = {"credential": phone.key.get(scanned["options"]), "keep": False}
        calls = [
            client.post(f"/phone/api/asks/{scanned['id']}/approve", json=body, headers={"Origin": ORIGIN}, cookies=jar)
            for client in clients
        ]
        assert await winners(calls) == 1
        mine = {cookie.name: cookie.value or "" for cookie in desk.http.cookies.jar}
        calls = [
            client.post(f"/start/{desk.start}/finish", json={}, headers={"Origin": ORIGIN}, cookies=mine)
            for client in clients
        ]
        assert await winners(calls) == 1
        desk.http.cookies.clear()  # the winner's cookie went to another client
        await world.sign_in(desk, phone, service)
        form = {"client_id": service.client.id, "redirect_uri": service.client.redirect_uris[0],
                "response_type": "code", "scope": "openid"}  # fmt: skip
        pushed = await clients[0].post(PATHS["pushed_authorization_request_endpoint"], data=form, auth=service.basic)
        query = {"client_id": service.client.id, "request_uri": pushed.json()["request_uri"]}
        mine = {cookie.name: cookie.value or "" for cookie in desk.http.cookies.jar}
        assert await winners([client.get("/auth", params=query, cookies=mine) for client in clients], (303,)) >= 1
        row = await world.house.db.one("SELECT COUNT(*) AS codes FROM signin_codes WHERE request LIKE :r",
                                       r=f'%{pushed.json()["request_uri"]}%')  # fmt: skip
        assert row is not None
        assert row["codes"] == 1


async def test_auth_req_ids_vouchers_and_registrations(twins: Twins) -> None:
    world, clients = twins
    service = await world.service(ciba="poll")
    phone = await world.phone("ana")
    for _ in range(max(1, ROUNDS // 5)):
        data = {"scope": "openid", "login_hint": "99700999917"}
        started = (
            await clients[0].post(PATHS["backchannel_authentication_endpoint"], data=data, auth=service.basic)
        ).json()
        ask = (await phone.post("waiting", {"code": started["screen_code"]})).json()
        await phone.approve(ask)
        form = {"grant_type": "urn:openid:params:grant-type:ciba", "auth_req_id": started["auth_req_id"]}
        calls: list[Awaitable[httpx.Response]] = [
            client.post(TOKEN, data=form, auth=service.basic) for client in clients
        ]
        assert await winners(calls) == 1
        voucher = await world.voucher("bea")
        call: Callable[[httpx.AsyncClient], Awaitable[httpx.Response]] = lambda client, v=voucher: client.post(  # type: ignore[misc]  # noqa: E731
            "/phone/api/enrolments/options", json={"voucher": v}, headers={"Origin": ORIGIN}
        )
        assert await winners([call(client) for client in clients]) == 1
