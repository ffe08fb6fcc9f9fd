"""Connect: its doors, its chores, its life."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lucine.habits import DOORS as HABITS_DOORS
from lucine.officer import DOORS as OFFICER_DOORS
from lucine.phone.doors import DOORS as PHONE_DOORS
from lucine.safe import Keys, connect, migrate, tokens
from lucine.signin.doors import DOORS as SIGNIN_DOORS
from lucine.signin.signing_keys import rotate_if_old
from lucine.web import Door, House, anyone, page, routes
from lucine.web.bell import Bell
from lucine.web.egress import Egress
from lucine.web.headers import SecurityHeaders
from lucine.web.openapi import openapi_door
from lucine.web.pages import static_file
from lucine.web.post import open_post
from lucine.web.refusal import not_found
from lucine.web.settings import Settings, read_settings
from lucine.web.visit import Visit

from .answers import with_answers
from .chores import CHORES, do_chores
from .logs import set_up_logs
from .metrics import Measured

log = structlog.get_logger()

ROOMS = ["safe", "directory", "watch", "phone", "signin", "habits", "officer"]

# The order is the order of search: what is asked most comes first.
DOORS: list[Door] = [
    *SIGNIN_DOORS,
    *PHONE_DOORS,
    *HABITS_DOORS,
    *OFFICER_DOORS,
    Door(method="GET", path="/static/{name:path}", guard=anyone, act=static_file),
]
DOORS.append(openapi_door(with_answers(DOORS), "Lucine Connect"))


def make_house(settings: Settings) -> House:
    """Everything the rooms use; the database is not open yet."""
    return House(
        settings=settings,
        db=connect(settings.database),
        keys=Keys.load(Path(settings.keys)),
        bell=Bell(),
        egress=Egress(allow=frozenset(host.strip() for host in settings.allowed_hosts.split(",") if host.strip()),
                      ca_file=settings.ca_file or None),
        post=open_post(settings.post, settings.post_from, settings.sms_gateway),
    )  # fmt: skip


def nothing_here(house: House, clock: Callable[[], float]) -> dict[Any, Any]:
    """What every program answers where there is no door, by status."""

    async def answer(request: Request, why: Exception) -> Response:
        # 405: the address of a form, typed or opened again by a browser that starts.
        status, headers = (why.status_code, why.headers) if isinstance(why, HTTPException) else (404, None)
        shown = page(Visit(request, house, clock()), "web/refusal.html", status=status, refusal=not_found())
        shown.headers.update(headers or {})
        return shown

    return {404: answer, 405: answer}


@contextlib.asynccontextmanager
async def open_house(settings: Settings) -> AsyncIterator[House]:
    """A house with its tables up to date and its database open, for programs and tests."""
    await asyncio.to_thread(migrate, settings.database, ROOMS)
    house = make_house(settings)
    await house.db.open()
    try:
        await rotate_if_old(house, time.time())
        yield house
    finally:
        await house.egress.close()
        await house.db.close()


def build_connect(
    settings: Settings | None = None,
    *,
    clock: Callable[[], float] = time.time,
    more_doors: list[Door] | None = None,
    chores: bool = True,
) -> Starlette:
    """The application. ``more_doors``: the demo's card reader; never in production."""
    settings = settings or read_settings()
    set_up_logs(settings.log_level)
    house = make_house(settings)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await asyncio.to_thread(migrate, settings.database, ROOMS)
        await house.db.open()
        await rotate_if_old(house, clock())
        task = asyncio.create_task(do_chores(house, CHORES)) if chores else None
        log.info("connect_open", origin=settings.origin, database=house.db.kind)
        try:
            yield
        finally:
            if task:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            await house.egress.close()
            await house.db.close()
            log.info("connect_closed")

    async def up(_: Request) -> Response:
        """Whether this process can read and has its keys."""
        row = await house.db.one("SELECT COUNT(*) AS keys FROM signin_keys")
        ready = bool(row and row["keys"])
        return JSONResponse({"up": ready}, 200 if ready else 503)

    async def metrics(request: Request) -> Response:
        said = request.headers.get("authorization", "")
        if not settings.metrics_token or not tokens.same(said, f"Bearer {settings.metrics_token}"):
            return Response(status_code=404)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    app = Starlette(
        routes=[
            *routes([*DOORS, *(more_doors or [])], house, clock),
            Route("/up", up),
            Route("/metrics", metrics),
        ],
        lifespan=lifespan,
        middleware=[Middleware(SecurityHeaders, settings=settings), Middleware(Measured)],
        exception_handlers=nothing_here(house, clock),
    )
    app.state.house = house
    return app
