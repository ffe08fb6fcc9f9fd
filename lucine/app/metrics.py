"""What a security officer may graph: requests by door and status, and how long they took."""

import time
from functools import cache

from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUESTS = Counter("lucine_requests_total", "Requests", ["method", "door", "status"])
SECONDS = Histogram("lucine_request_seconds", "Time to the first byte of the answer", ["door"])
# Others are one: a stranger must not fill our memory.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})

_requests = cache(REQUESTS.labels)
_seconds = cache(SECONDS.labels)


class Measured:
    """ASGI middleware: count each answer under its door's pattern, never under the address itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def send_measured(message: Message) -> None:
            if message["type"] == "http.response.start":
                door = getattr(scope.get("route"), "path", "none")
                method = scope["method"] if scope["method"] in METHODS else "other"
                _requests(method, door, message["status"]).inc()
                _seconds(door).observe(time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, send_measured)
