"""A security officer who takes every measure back: an attack meets Connect itself, and not what it does about attacks.

The watch would make starts dearer, or close a service's requests by number, and most of a long run would then
measure a closed door. Where the measures are part of the question, no such officer is there.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from lucine.app.bench.stage import Stage
from lucine.app.connect import open_house
from lucine.watch.measures import active_measures, end_measures
from lucine.web import House

LOOKS_EVERY_SECONDS = 2.0


@asynccontextmanager
async def lenient(stage: Stage) -> AsyncIterator[House]:
    """A house of ours on the same database, and the officer at work until the block is left."""
    async with open_house(stage.settings) as house:
        busy = asyncio.create_task(_again_and_again(house))
        try:
            yield house
        finally:
            busy.cancel()
            with suppress(asyncio.CancelledError):
                await busy


async def _again_and_again(house: House) -> None:
    while True:
        await take_back(house)
        await asyncio.sleep(LOOKS_EVERY_SECONDS)


async def take_back(house: House) -> None:
    """End what is in force. What an officer took back stays back while its alarm lasts."""
    now = time.time()
    for measure in await active_measures(house.db, now):
        async with house.db.transaction() as db:
            await end_measures(db, now, house.keys, measure=measure.id, by="lab")
