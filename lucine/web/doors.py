"""Doors: a method, a path, a guard and one act. A door without a guard does not open."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from lucine.safe import StorageUnavailable

from . import cookies
from .pages import json_answer, page
from .refusal import Refusal, not_found
from .visit import LANGUAGE_COOKIE, House, Visit

log = structlog.get_logger()

LANGUAGE_SECONDS = 400 * 86400

Guard = Callable[[Visit], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One way in.

    ``guard`` says who may enter and is handed to ``act`` as its second argument; ``speaks`` is the
    language of refusals; ``cross_site`` doors accept requests that other sites send (their guard
    must not rest on a cookie); ``body`` and ``answer`` are JSON shapes, for the OpenAPI document.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    guard: Guard
    act: Callable[..., Awaitable[Response]]
    speaks: Literal["page", "json", "oauth"] = "page"
    cross_site: bool = False
    body: type[Any] | None = None
    answer: type[Any] | None = None
    about: str = ""


async def anyone(_: Visit) -> None:
    """The guard of doors that are open to the whole world, and say so."""


def routes(doors: Sequence[Door], house: House, clock: Callable[[], float]) -> list[BaseRoute]:
    """The doors as routes, by floors. Time enters the house here and nowhere else."""
    floors: dict[str, list[Route]] = {}
    for door in doors:
        route = Route(door.path, _Entrance(door, house, clock), methods=[door.method], include_in_schema=False)
        floors.setdefault(_floor_of(door.path), []).append(route)
    return [_Floors(floors)]


def _floor_of(path: str) -> str:
    return path.split("/", 2)[1]


class _Floors(BaseRoute):
    """All doors whose paths begin alike: trying every door in turn was a tenth of a request."""

    def __init__(self, floors: dict[str, list[Route]]) -> None:
        self._floors = floors

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        best: tuple[Match, Scope] = (Match.NONE, {})
        if scope["type"] != "http" or not scope["path"].startswith("/"):
            return best
        for route in self._floors.get(_floor_of(scope["path"]), ()):
            match, found = route.matches(scope)
            if (match is not Match.NONE and best[0] is Match.NONE) or match is Match.FULL:
                best = (match, {**found, "route": route})
            if match is Match.FULL:
                break
        return best

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await scope["route"].handle(scope, receive, send)


class _Entrance:
    """A door as an ASGI application: it answers every error itself, so the framework's own nets cost nothing."""

    def __init__(self, door: Door, house: House, clock: Callable[[], float]) -> None:
        self._door, self._house, self._clock = door, house, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        visit = Visit(Request(scope, receive, send), self._house, self._clock())
        answer = await self._enter(visit)
        if visit.language_chosen:
            cookies.set_cookie(answer, LANGUAGE_COOKIE, visit.language, seconds=LANGUAGE_SECONDS)
        await answer(scope, receive, send)

    async def _enter(self, visit: Visit) -> Response:
        door = self._door
        try:
            if any("\x00" in str(value) for value in visit.request.path_params.values()):
                raise not_found("U+0000 in the path")
            if door.method != "GET" and not door.cross_site:
                _require_same_origin(visit)
            who = await door.guard(visit)
            if door.body is not None:
                return await door.act(visit, who, await visit.json(door.body))
            return await door.act(visit, who)
        except Refusal as refusal:
            return _refuse(visit, door, refusal)
        except StorageUnavailable as error:
            log.error("storage_unavailable", reference=visit.reference, detail=str(error))
            words = "Le service ne peut rien enregistrer pour le moment. Rien n'a été perdu : réessayez bientôt."
            full = Refusal("temporarily_unavailable", words, str(error), status=503, headers={"Retry-After": "30"})
            return _refuse(visit, door, full)
        except Exception:
            log.error("unexpected", door=door.path, reference=visit.reference, exc_info=True)
            words = "Quelque chose n'a pas marché chez nous. Réessayez, ou donnez cette référence au support."
            return _refuse(visit, door, Refusal("server_error", words, "unexpected error", status=500))


def _require_same_origin(visit: Visit) -> None:
    """Cookies are SameSite as well; this holds where a browser forgets it (cross-site request forgery)."""
    if visit.request.headers.get("origin") != visit.house.settings.origin:
        raise Refusal("forbidden", "Cette demande vient d'un autre site.", "wrong Origin header", status=403)


def _refuse(visit: Visit, door: Door, refusal: Refusal) -> Response:
    log.info("refused", door=door.path, code=refusal.code, detail=refusal.detail, reference=visit.reference)
    answer: Response
    if door.speaks == "page":
        answer = page(visit, "web/refusal.html", status=refusal.status, refusal=refusal)
    elif door.speaks == "oauth":
        told = {"error": refusal.code, "error_description": f"{refusal.description} [{visit.reference}]"}
        answer = json_answer(told, status=refusal.status)
    else:
        told = {"error": refusal.code, "words": visit.words(refusal.words), "reference": visit.reference}
        answer = json_answer(told, status=refusal.status)
    answer.headers.update(refusal.headers)
    return answer
