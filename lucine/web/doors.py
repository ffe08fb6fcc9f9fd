"""Doors: a method, a path, a guard and one act. A door without a guard does not open."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

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

    method: Literal["GET", "POST", "DELETE"]
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


def routes(doors: Sequence[Door], house: House, clock: Callable[[], float]) -> list[Route]:
    """The doors as routes. Time enters the house here and nowhere else."""
    return [
        Route(door.path, _endpoint(door, house, clock), methods=[door.method], include_in_schema=False)
        for door in doors
    ]


def _endpoint(door: Door, house: House, clock: Callable[[], float]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        visit = Visit(request, house, clock())
        answer = await enter(visit)
        if visit.language_chosen:
            cookies.set_cookie(answer, LANGUAGE_COOKIE, visit.language, seconds=LANGUAGE_SECONDS)
        return answer

    async def enter(visit: Visit) -> Response:
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

    return endpoint


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
