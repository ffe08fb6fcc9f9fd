"""The OpenAPI document of the JSON doors, made from the doors themselves."""

import re
from collections.abc import Sequence
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
# What any door may answer besides success, and when.
REFUSALS = {
    "400": "not readable",
    "401": "not enrolled, or not signed in",
    "403": "another site's page, a wrong key, or a phone in quarantine",
    "404": "not there, or not yours",
    "409": "taken, or no longer known",
    "410": "over",
    "413": "too long",
    "503": "nothing can be written now",
}


def openapi_document(doors: Sequence[Door], title: str, origin: str) -> dict[str, Any]:
    """OpenAPI 3.1 for the doors that speak JSON."""
    spoken = [door for door in doors if door.speaks == "json"]
    shapes, components = msgspec.json.schema_components(
        [door.body for door in spoken if door.body], ref_template="#/components/schemas/{name}"
    )
    schemas = iter(shapes)
    paths: dict[str, dict[str, Any]] = {}
    for door in spoken:
        paths.setdefault(door.path, {})[door.method.lower()] = _operation(door, next(schemas) if door.body else None)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1"},
        "servers": [{"url": origin}],
        "paths": paths,
        "components": {"schemas": {**components, "Refused": REFUSED}},
    }


def _operation(door: Door, schema: dict[str, Any] | None) -> dict[str, Any]:
    refused = {"schema": {"$ref": "#/components/schemas/Refused"}}
    streams = door.path.endswith("/events")
    media = "text/event-stream" if streams else "application/json"
    operation: dict[str, Any] = {
        "summary": (door.act.__doc__ or door.act.__name__.replace("_", " ")).split("\n")[0],
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in re.findall(r"{(\w+)}", door.path)
        ],
        "responses": {
            "200": {"description": "done", "content": {media: {"schema": {} if streams else {"type": "object"}}}},
            **{
                status: {"description": why, "content": {"application/json": refused}}
                for status, why in REFUSALS.items()
            },
        },
    }
    if schema:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation


def openapi_door(doors: Sequence[Door], title: str) -> Door:
    """The door that shows the document of these doors."""

    async def show_document(visit: Visit, _: None) -> Response:
        return json_answer(openapi_document(doors, title, visit.house.settings.origin))

    return Door(method="GET", path="/openapi.json", guard=anyone, act=show_document)
