"""Event streams that stay open: few for each owner, so many in this process, and no more.

open --its source ends, the visitor leaves--> gone
     --its owner opened STREAMS_PER_OWNER newer ones--> gone: the newest wins, for it is the one that is looked at
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from .refusal import Refusal

STREAMS_PER_OWNER = 2  # a page that connects anew may meet its old stream, which nobody has missed yet
STREAMS_PER_KIND = 4_096  # each looks at its row once a second


class Streams:
    """All that are open in this process. Each kind has its own room: strangers' pages take none from the phones."""

    def __init__(self) -> None:
        self._open: defaultdict[str, int] = defaultdict(int)
        self._of_owner: defaultdict[tuple[str, str], list[asyncio.Timeout]] = defaultdict(list)

    def answer(self, kind: str, owner: str, events: AsyncIterator[bytes]) -> Response:
        """The stream of these events. Refusal if no more can be open."""
        if self._open[kind] >= STREAMS_PER_KIND:
            words = "Trop de pages attendent ici en ce moment. Réessayez dans un instant."
            raise Refusal(
                "temporarily_unavailable", words, f"{kind} streams: all taken", status=503, headers={"Retry-After": "5"}
            )
        return _EventStream(self, kind, owner, events)

    @contextmanager
    def place(self, kind: str, owner: str, limit: asyncio.Timeout) -> Iterator[None]:
        """A place while the block runs; ``limit``, around the block, is what ends it early."""
        mine = self._of_owner[kind, owner]
        mine.append(limit)
        self._open[kind] += 1
        try:
            if len(mine) > STREAMS_PER_OWNER:
                mine.pop(0).reschedule(0)  # long past: at once
            yield
        finally:
            # Counted until it has really ended: one whose visitor reads nothing still takes its place.
            self._open[kind] -= 1
            if limit in mine:
                mine.remove(limit)
            if not mine and self._of_owner.get((kind, owner)) is mine:
                del self._of_owner[kind, owner]


class _EventStream(StreamingResponse):
    def __init__(self, streams: Streams, kind: str, owner: str, events: AsyncIterator[bytes]) -> None:
        super().__init__(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        self._streams, self._kind, self._owner = streams, kind, owner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = asyncio.timeout(None)
        try:
            async with limit:
                with self._streams.place(self._kind, self._owner, limit):
                    await super().__call__(scope, receive, send)
        except TimeoutError:
            # Saying the end would wait for a visitor who may read nothing: the server closes the connection.
            if not limit.expired():
                raise
