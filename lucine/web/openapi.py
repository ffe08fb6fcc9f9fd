"""The OpenAPI document of the JSON doors, made from the doors themselves."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from starlette.responses import Response

from .doors import Door, anyone
from .pages import json_answer
from .visit import Visit

REFUSED = {
    "type": "object",
    "required": ["error", "words", "reference"],
    "properties": {name: {"type": "string"} for name in ("error", "words", "reference")},
}
# What a door may answer besides success, and when; which doors can, follows from what they are.
REFUSALS: tuple[tuple[str, str, Callable[[Door], bool]], ...] = (
    ("400", "not readable", lambda door: door.body is not None),
    ("401", "not enrolled, or not signed in", lambda door: door.guard is not anyone),
    (
        "403",
        "another site's page, a wrong key or code, a phone in quarantine, or a sign-in too long ago",
        lambda door: door.method != "GET" or door.guard is not anyone,
    ),
    ("404", "not there, or not yours", lambda door: "{" in door.path),
    ("408", "did not arrive in time", lambda door: door.body is not None),
    ("409", "taken, or no longer known", lambda door: door.method == "POST"),
    ("410", "over", lambda door: door.method == "POST"),
    ("413", "too long", lambda door: door.body is not None),
    ("503", "nothing can be kept now, or too many listen", lambda door: True),
)


def openapi_document(doors: Sequence[Door], title: str, origin: str) -> dict[str, Any]:
    """OpenAPI 3.1 for the doors that speak JSON."""
    spoken = [door for door in doors if door.speaks == "json"]
    types = [shape for door in spoken for shape in (door.body, door.answer) if shape]
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    shapes = dict(zip(types, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for door in spoken:
        paths.setdefault(door.path, {})[door.method.lower()] = _operation(door, shapes)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1"},
        "servers": [{"url": origin}],
        "paths": paths,
        "components": {"schemas": {**components, "Refused": REFUSED}},
    }


def _operation(door: Door, shapes: dict[type[Any], dict[str, Any]]) -> dict[str, Any]:
    refused = {"application/json": {"schema": {"$ref": "#/components/schemas/Refused"}}}
    # A door without a shape streams events (HTML's text/event-stream), which OpenAPI 3.1 cannot describe.
    granted: dict[str, Any] = {"text/event-stream": {}}
    if door.answer:
        granted = {"application/json": {"schema": shapes[door.answer]}}
    operation: dict[str, Any] = {
        "summary": (door.act.__doc__ or door.act.__name__.replace("_", " ")).split("\n")[0],
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in re.findall(r"{(\w+)}", door.path)
        ],
        "responses": {
            "200": {"description": "done", "content": granted},
            **{status: {"description": why, "content": refused} for status, why, can in REFUSALS if can(door)},
        },
    }
    if door.body:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": shapes[door.body]}}}
    return operation


def openapi_door(doors: Sequence[Door], title: str) -> Door:
    """The door that shows the document of these doors."""

    async def show_document(visit: Visit, _: None) -> Response:
        return json_answer(openapi_document(doors, title, visit.house.settings.origin))

    return Door(method="GET", path="/openapi.json", guard=anyone, act=show_document)
