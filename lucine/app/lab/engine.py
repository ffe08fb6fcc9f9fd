"""Goal `engine`: events a second on one core, the slowest in a hundred, and memory, of the detector itself.

1.5 million people, 10 million sources, each event weighed for its service and for all together and noted in
every sketch. In a process of its own, so that the memory is the detector's and Python's alone. Beside it,
without a goal, the same events through the transaction that keeps them (SQLite, one commit for a batch).
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lucine.app.connect import ROOMS
from lucine.safe import Keys, connect, migrate
from lucine.watch.campaign import Weighed, weigh
from lucine.watch.events import Event

from . import intervals
from .engine_load import SEED, events
from .population import START
from .table import Figure

FULL, QUICK = 13_000_000, 300_000
DURABLE: Final = 20_000


async def _durable(many: int) -> list[float]:
    """Batches of events through ``weigh``: events a second, each batch."""
    chance, rates = random.Random(SEED), []  # noqa: S311
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/lab.db"
        migrate(url, ROOMS)
        db, keys = connect(url), Keys.load(Path(folder) / "lab.keys")
        await db.open()
        for begin in range(0, many, 500):
            batch = [
                Weighed(
                    event=Event(
                        id=f"{begin} {place}", at=seen.at, over_at=seen.at, client=seen.client, channel="page",
                        known=False, number=number, holder="", newcomer=seen.newcomer, near="",
                        address=where[0].removesuffix("0/24") + "7", outcome=seen.outcome,
                    ),
                    named=seen.named, repeated=False,
                )
                for place, (seen, number, where) in enumerate(events(chance, 500))
            ]  # fmt: skip
            began = time.perf_counter()
            async with db.transaction() as act:
                await weigh(act, START + begin, keys, batch)
            rates.append(500 / (time.perf_counter() - began))
        await db.close()
    return rates


def run(quick: bool) -> Iterator[Figure]:
    """One process for the detector, one database for the durable path."""
    many = QUICK if quick else FULL
    program = f"from lucine.app.lab.engine_load import measure; measure({many})"
    core = {max(os.sched_getaffinity(0))}
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, stdout=subprocess.PIPE, text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, core),
    )  # fmt: skip
    found = json.loads(done.stdout)
    rate, low, high = intervals.quantile(found["rates"], 0.5)
    yield Figure(goal="engine", name="events a second on one core, median", value=round(rate), low=round(low),
                 high=round(high), n=many, seed=SEED, target=">= 25000", met=rate >= 25_000,
                 unit="events/s")  # fmt: skip
    slow, low, high = intervals.quantile(found["p99_ms"], 0.5)
    yield Figure(goal="engine", name="one event, 99th percentile", value=slow, low=low, high=high, n=many, seed=SEED,
                 target="<= 0.2", met=slow <= 0.2, unit="ms")  # fmt: skip
    memory = found["megabytes"]
    yield Figure(goal="engine", name=f"peak memory of the process, {many:,} events, 1.5 M people, 10 M sources",
                 value=memory, low=memory, high=memory, n=1, seed=SEED, target="<= 128", met=memory <= 128,
                 unit="MB")  # fmt: skip
    error = abs(found["counted"] / found["pairs"] - 1)
    yield Figure(goal="engine", name="error of the count of distinct pairs of number and prefix", value=error,
                 low=0.0, high=0.016, n=found["pairs"], seed=SEED, target="<= 0.02", met=error <= 0.02,
                 note="by chance all but a few pairs are distinct; the interval is the sketch's own")  # fmt: skip
    kept, low, high = intervals.quantile(asyncio.run(_durable(2000 if quick else DURABLE)), 0.5)
    yield Figure(goal="engine", name="events a second kept and weighed in SQLite, batches of 500", value=round(kept),
                 low=round(low), high=round(high), n=2000 if quick else DURABLE, seed=SEED, target="", met=None,
                 unit="events/s")  # fmt: skip
