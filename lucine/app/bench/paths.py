"""How long a path of the incident room takes on Connect itself: from the list of symptoms to contained."""

import asyncio
import os
import time
from collections.abc import Iterator
from typing import Any

from lucine.app.lab.intervals import quantile
from lucine.habits.paths import PATHS

from .soft_key import SoftBrowserKey
from .stage import ACTIVE_PEOPLE, LOAD_CORE, Person, Stage, on_core, sign_in, staged
from .wire import Wire

STOPS_NOTHING = "wrong-recipient"


def bench(quick: bool = False) -> Iterator[dict[str, Any]]:
    """A line for each path: the press that contains, and the whole of four requests. Each person walks one path."""
    yield from asyncio.run(_walk_all(quick))


async def _walk_all(quick: bool) -> list[dict[str, Any]]:
    before, each = os.sched_getaffinity(0), 3 if quick else ACTIVE_PEOPLE // len(PATHS)
    lines = []
    try:
        async with staged(each * len(PATHS)) as stage:
            on_core(LOAD_CORE)
            people = iter(stage.people)
            for path in PATHS:
                took = [await _walk(stage, next(people), path) for _ in range(each)]
                lines.append({
                    "bench": "habits", "what": f"path {path}", "unit": "ms", "n": each,
                    "stop": _quantiles([stop for stop, _ in took]), "whole": _quantiles([whole for _, whole in took]),
                    "quick": quick,
                })  # fmt: skip
    finally:
        os.sched_setaffinity(0, before)
    return lines


async def _walk(stage: Stage, person: Person, path: str) -> tuple[float, float]:
    """Milliseconds of the press, and of all four requests. Afterwards her session elsewhere must be over."""
    desk, phone = Wire(stage.port), Wire(stage.port)
    await sign_in(stage, desk, phone, person, "ES256", SoftBrowserKey())
    began = time.perf_counter()
    assert (await phone.get("/incident")).status == 200
    assert (await phone.get(f"/incident/new/{path}")).status == 200
    pressed = time.perf_counter()
    stopped = await phone.post_form(f"/incident/new/{path}", {}, Origin=stage.settings.origin)
    took = time.perf_counter() - pressed
    assert stopped.status == 303, stopped.body
    assert (await phone.get(stopped.headers["location"])).status == 200
    whole = time.perf_counter() - began
    in_session = (await desk.get("/security")).status == 200
    assert in_session == (path == STOPS_NOTHING), path
    await desk.close()
    await phone.close()
    return took * 1000, whole * 1000


def _quantiles(took: list[float]) -> dict[str, float]:
    return {"median": round(quantile(took, 0.5)[0], 1), "p95": round(quantile(took, 0.95)[0], 1)}
