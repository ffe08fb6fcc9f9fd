"""A body: in time, or not at all; and who leaves in the middle is no accident of ours."""

import asyncio
from typing import Any

import pytest

from lucine.web import doors, visit
from tests.world import World


async def call(world: World, *parts: dict[str, Any], then: str) -> tuple[int, bytes]:
    """POST these parts of a body to the token endpoint; then the visitor falls ``silent``, or has ``left``."""
    from lucine.signin.discovery import PATHS

    left = list(parts)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if left:
            return {"type": "http.request", "more_body": True, **left.pop(0)}
        if then == "silent":
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    path = PATHS["token_endpoint"]
    headers = [(b"host", b"connect.test"), (b"content-type", b"application/x-www-form-urlencoded")]
    scope = {"type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "method": "POST", "path": path,
             "query_string": b"", "headers": headers, "client": ("192.0.2.1", 1), "scheme": "https"}  # fmt: skip
    await world.app(scope, receive, send)
    assert (b"connection", b"close") in sent[0]["headers"] or then != "silent"
    return sent[0]["status"], sent[1]["body"]


async def test_who_stops_sending_is_not_waited_for(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit, "BODY_MAX_SECONDS", 0.1)
    status, body = await asyncio.wait_for(call(small_world, {"body": b"grant_type="}, then="silent"), 5)
    assert status == 408
    assert b'"invalid_request"' in body
    assert visit.BODY_MAX_SECONDS < 60


async def test_who_leaves_while_sending_is_an_ordinary_refusal(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    class Log:
        def info(self, event: str, **_: Any) -> None:
            said.append(event)

        def error(self, event: str, **_: Any) -> None:
            said.append(event)

    monkeypatch.setattr(doors, "log", Log())
    status, _ = await call(small_world, {"body": b"grant_type="}, then="left")
    assert (status, said) == (400, ["refused"])
