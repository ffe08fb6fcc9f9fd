"""The power goes, or a process is killed, in the middle of a flood: each start that was acknowledged is counted once."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from lucine.app.bench.stage import furnish, number_of
from lucine.app.bench.wire import Wire
from lucine.app.connect import open_house
from lucine.signin.watching import note_starts
from lucine.web import House
from lucine.web.settings import Settings

from .running import Running, running
from .tools import after_the_cut, loop_disk

ATTACKERS = 8
ENOUGH = 600  # acknowledged starts, of which many are over already
SECONDS_MAX = 60
QUERY = {"client_id": "bench-ES256", "redirect_uri": "https://service.test/callback", "response_type": "code",
         "scope": "openid"}  # fmt: skip
SHORT = {"LUCINE_START_SECONDS": "1", "LUCINE_LONG_START_SECONDS": "2"}


async def attacker(port: int, done: list[str], first: int) -> None:
    """Start after start, each naming a number; what was acknowledged is noted by its id."""
    wire = Wire(port)
    for tried in range(first, 10**9, ATTACKERS):
        wire.cookies.clear()
        answer = await wire.get(f"/auth?{urlencode({**QUERY, 'login_hint': number_of(tried)})}")
        assert answer.status == 303, answer.body
        done.append(answer.headers["location"].rpartition("/")[2])


async def flood(made: Running, ports: list[int]) -> tuple[list[str], list["asyncio.Task[None]"]]:
    """A flood that goes on, once ENOUGH starts were acknowledged and the first of them are over."""
    done: list[str] = []
    at_work = [asyncio.create_task(attacker(ports[number % len(ports)], done, number)) for number in range(ATTACKERS)]
    until = time.monotonic() + 3  # the chore has noted some, not all
    async with asyncio.timeout(SECONDS_MAX):
        while len(done) < ENOUGH or time.monotonic() < until:
            assert not any(task.done() for task in at_work), [task.exception() for task in at_work if task.done()]
            await asyncio.sleep(0.01)
    return done, at_work


async def stop(at_work: list["asyncio.Task[None]"]) -> None:
    for task in at_work:
        task.cancel()
    await asyncio.gather(*at_work, return_exceptions=True)


async def counted_once(house: House, done: list[str]) -> None:
    """After everything is over, each acknowledged start is one event and one of its hour's count."""
    noted = await house.db.one("SELECT COUNT(*) AS events FROM watch_events")
    assert noted is not None
    assert 0 < noted["events"] < len(done), "the flood was cut in its middle"
    async with asyncio.timeout(SECONDS_MAX):
        # A process that lives on takes its share: what it has taken and not yet committed is still to come.
        while await note_starts(house, time.time() + 10) or await house.db.all(
            "SELECT id FROM signin_starts WHERE noted_at IS NULL LIMIT 1"
        ):
            await asyncio.sleep(0.05)
    rows = await house.db.all(
        "SELECT signin_starts.id AS start FROM watch_events JOIN signin_starts ON signin_starts.ask = watch_events.id"
    )
    assert set(done) <= {row["start"] for row in rows}
    total = await house.db.one("SELECT SUM(events) AS events FROM watch_hours")
    assert total is not None
    assert total["events"] == len(rows)


async def test_a_power_cut_in_a_flood_loses_no_event(tmp_path: Path) -> None:
    with loop_disk(tmp_path) as disk, running(f"sqlite:///{disk}/identity.db", disk, **SHORT) as made:
        async with open_house(made.settings) as house:
            await furnish(house, 4, made.settings.origin)
        done, at_work = await flood(made, made.ports)
        for program in made.programs:
            os.killpg(program.pid, signal.SIGSTOP)
        try:
            with after_the_cut(tmp_path) as left:
                await asyncio.sleep(0.2)
                await stop(at_work)
                kept = Settings(database=f"sqlite:///{left}/identity.db", keys=f"{left}/keys", start_seconds=1)
                async with open_house(kept) as house:
                    await counted_once(house, done)
        finally:
            for program in made.programs:
                os.killpg(program.pid, signal.SIGCONT)
            await asyncio.sleep(1)


async def test_a_process_killed_in_a_flood_loses_no_event(
    new_database: Callable[[str, Path], str], tmp_path: Path
) -> None:
    with running(new_database("postgresql", tmp_path), tmp_path, 2, **SHORT) as made:
        async with open_house(made.settings) as house:
            await furnish(house, 4, made.settings.origin)
            done, at_work = await flood(made, made.ports)
            os.killpg(made.programs[1].pid, signal.SIGKILL)
            await stop(at_work)
            await counted_once(house, done)
        made.programs.pop().wait()  # the other goes on, and stops cleanly
