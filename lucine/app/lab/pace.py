"""How much and how long: a run ends at whichever comes first, and its figures say how far it came."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterator

TOLD_EVERY_SECONDS = 10.0


class Pace:
    """Turns that several tasks take from one count, with progress on standard error."""

    def __init__(self, what: str, turns: int, seconds: float) -> None:
        self.what, self.turns, self.done = what, turns, 0
        self._began = self._told = time.monotonic()
        self._until = self._began + seconds

    def __iter__(self) -> Iterator[int]:
        while self.going:
            self.done += 1
            now = time.monotonic()
            if now - self._told > TOLD_EVERY_SECONDS:
                self._told = now
                print(f"lab: {self.what}: {self.done:,} of {self.turns:,}", file=sys.stderr, flush=True)
            yield self.done - 1

    @property
    def going(self) -> bool:
        """Whether there are turns left, and time."""
        return self.done < self.turns and time.monotonic() < self._until

    async def spend(self, act: Callable[[int], Awaitable[None]], together: int) -> None:
        """Every turn, so many of them at once; the first that fails stops all and is raised."""

        async def take_turns() -> None:
            for turn in self:
                await act(turn)

        async with asyncio.TaskGroup() as group:
            for _ in range(together):
                group.create_task(take_turns())

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._began
