"""A bell inside one process: who waits for a row to change is woken at once.

Another process's change is seen at the next look at the row, at most LOOK_AGAIN_SECONDS later.
"""

import asyncio
from collections import defaultdict

LOOK_AGAIN_SECONDS = 1.0


class Bell:
    """Named strings to pull and to wait at."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, set[asyncio.Future[None]]] = defaultdict(set)

    def ring(self, name: str) -> None:
        """Wake all who wait at this name."""
        for future in self._waiting.pop(name, ()):
            if not future.done():
                future.set_result(None)

    async def wait(self, name: str, seconds: float = LOOK_AGAIN_SECONDS) -> None:
        """Until the bell rings, or the time has passed."""
        future = asyncio.get_running_loop().create_future()
        waiting = self._waiting[name]
        waiting.add(future)
        try:
            async with asyncio.timeout(seconds):
                await future
        except TimeoutError:
            pass
        finally:
            waiting.discard(future)
            if not waiting:
                self._waiting.pop(name, None)
