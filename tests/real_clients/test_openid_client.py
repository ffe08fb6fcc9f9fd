"""npm openid-client, a strict and unrelated implementation, signs in at a running Connect."""

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from lucine.app.bench.soft_key import SoftBrowserKey
from lucine.app.bench.stage import Stage, staged, walk
from lucine.app.bench.wire import Wire
from tests.tools import need, program

SCRIPT = Path(__file__).parent / "openid_client.mjs"
LIBRARY = Path(__file__).parents[2] / "node_modules" / "openid-client"


async def _heard(node: asyncio.subprocess.Process, step: str) -> dict[str, Any]:
    assert node.stdout is not None
    line = await asyncio.wait_for(node.stdout.readline(), 40)
    assert line, (await node.stderr.read()).decode() if node.stderr else ""
    said: dict[str, Any] = json.loads(line)
    assert said["step"] == step, said
    return said


async def _tell(node: asyncio.subprocess.Process, text: str) -> None:
    assert node.stdin is not None
    node.stdin.write(f"{text}\n".encode())
    await node.stdin.drain()


async def _sign_in(node: asyncio.subprocess.Process, stage: Stage) -> None:
    """What a person does between the service's redirect and its callback."""
    url = urlsplit((await _heard(node, "go"))["url"])
    desk, phone = Wire(stage.port), Wire(stage.port)
    await _tell(node, await walk(desk, phone, stage.people[0], SoftBrowserKey(), f"{url.path}?{url.query}"))
    await desk.close()
    await phone.close()


async def _carry(stage: Stage, screen_code: str) -> None:
    """She opens her app, types the screen's code and approves."""
    person, phone = stage.people[0], Wire(stage.port)
    phone.cookies = {"__Host-phone": person.cookie}
    ask = (await phone.post_json("/phone/api/waiting", {"code": screen_code})).json()
    person.key.count += 1
    approval = {"credential": person.key.get(ask["options"]), "keep": False}
    assert (await phone.post_json(f"/phone/api/asks/{ask['id']}/approve", approval)).status == 200
    await phone.close()


@pytest.mark.parametrize("alg", ["ES256", "RS256"])
async def test_openid_client(alg: str) -> None:
    node_program = program("node")
    need(LIBRARY.exists(), "openid-client")
    async with staged(1) as stage:
        node = await asyncio.create_subprocess_exec(
            node_program, str(SCRIPT), stage.settings.origin, f"bench-{alg}", stage.secrets[alg],
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            await _sign_in(node, stage)
            code = await _heard(node, "code")
            assert (code["acr"], code["live"], code["dead"]) == ("eidas1", True, False)
            await _sign_in(node, stage)
            assert (await _heard(node, "par"))["type"].lower() == "bearer"
            await _sign_in(node, stage)
            assert await _heard(node, "dpop") == {"step": "dpop", "type": "dpop", "same": True, "stolen": "refused"}
            await _tell(node, "99000000000")
            ciba = await _heard(node, "ciba")
            await _carry(stage, ciba["screen_code"])
            assert await _heard(node, "granted") == {"step": "granted", "acr": "eidas1", "sub": True}
        finally:
            if node.returncode is None:
                node.kill()
            await node.wait()
