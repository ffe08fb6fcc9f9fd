"""The care wing's fronts, Cabinet and Espace: each a program of its own."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping

import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lucine import practice, record
from lucine.reception import Desk, Relying, read_front
from lucine.safe import migrate
from lucine.web import Door, anyone, routes
from lucine.web.headers import SecurityHeaders
from lucine.web.pages import static_file

from .chores import CARE_CHORES, do_chores
from .connect import make_house, nothing_here
from .logs import set_up_logs
from .metrics import Measured

log = structlog.get_logger()

ROOMS = ["safe", "reception"]
FRONTS = {"cabinet": (practice.show_cabinet, practice.WELCOME), "espace": (record.show_espace, record.WELCOME)}


def build_care(
    front: str,
    environment: Mapping[str, str] = os.environ,
    *,
    clock: Callable[[], float] = time.time,
    chores: bool = True,
) -> Starlette:
    """The application of a front, ``cabinet`` or ``espace``. ValueError says which variable is wrong."""
    settings, provider = read_front(front, environment)
    set_up_logs(settings.log_level)
    house = make_house(settings)
    relying = Relying(provider, f"{settings.origin}/callback", settings.ca_file or None)
    doors = [
        *Desk(front, relying, *FRONTS[front]).doors(),
        Door(method="GET", path="/static/{name:path}", guard=anyone, act=static_file),
    ]

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await asyncio.to_thread(migrate, settings.database, ROOMS)
        await house.db.open()
        task = asyncio.create_task(do_chores(house, CARE_CHORES)) if chores else None
        log.info("care_open", front=front, origin=settings.origin)
        try:
            yield
        finally:
            if task:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            await relying.close()
            await house.egress.close()
            await house.db.close()
            log.info("care_closed", front=front)

    async def up(_: Request) -> Response:
        await house.db.one("SELECT 1 AS one FROM reception_sessions LIMIT 1")
        return JSONResponse({"up": True})

    app = Starlette(
        routes=[*routes(doors, house, clock), Route("/up", up)],
        lifespan=lifespan,
        middleware=[Middleware(SecurityHeaders, settings=settings), Middleware(Measured)],
        exception_handlers=nothing_here(house, clock),
    )
    app.state.house = house
    return app


def cabinet() -> Starlette:
    """What granian calls."""
    return build_care("cabinet")


def espace() -> Starlette:
    """What granian calls."""
    return build_care("espace")
