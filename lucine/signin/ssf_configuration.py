"""The doors of a stream's configuration (OpenID Shared Signals Framework 1.0 section 8.1.1). For services alone."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from starlette.responses import Response

from lucine.safe import tokens
from lucine.web import Visit, json_answer
from lucine.web.settings import Settings

from .clients import Client
from .deliveries import BELL
from .paths import SSF_POLL
from .ssf_streams import (
    POLL,
    PUSH,
    SUPPORTED,
    VERIFICATION_SECONDS,
    Push,
    Stream,
    add_stream,
    change_stream,
    delete_stream,
    find_stream,
    refuse,
    stream_of,
)


class Delivery(msgspec.Struct, frozen=True):
    """How tokens travel. The receiver names its own address to be pushed to; where it polls is ours to say."""

    method: str = POLL
    endpoint_url: str | None = None
    authorization_header: str | None = None


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """What a receiver may say of its stream (section 8.1.1). What is ours it may repeat, but not change."""

    stream_id: str | UnsetType = UNSET
    iss: str | UnsetType = UNSET
    aud: str | list[str] | UnsetType = UNSET
    events_supported: list[str] | UnsetType = UNSET
    events_delivered: list[str] | UnsetType = UNSET
    min_verification_interval: int | UnsetType = UNSET
    events_requested: list[str] | UnsetType = UNSET
    delivery: Delivery | UnsetType = UNSET
    description: str | UnsetType = UNSET


def _poll_address(settings: Settings, stream: str) -> str:
    return settings.origin + SSF_POLL.format(stream=stream)


def _shown(settings: Settings, stream: Stream) -> dict[str, Any]:
    """The whole configuration. The Authorization header is a secret, so it is never shown again."""
    push = stream.push
    return {
        "stream_id": stream.id,
        "iss": settings.origin,
        "aud": stream.client,
        "delivery": {"method": PUSH, "endpoint_url": push.endpoint_url} if push
        else {"method": POLL, "endpoint_url": _poll_address(settings, stream.id)},
        "events_supported": SUPPORTED,
        "events_requested": stream.requested,
        "events_delivered": stream.delivered,
        "min_verification_interval": VERIFICATION_SECONDS,
        **({"description": stream.description} if stream.description else {}),
    }  # fmt: skip


def _push_of(settings: Settings, said: Delivery, stream: Stream) -> Push | None:
    if said.method == POLL:
        # Who replaces what it read of a polled stream repeats our address.
        if said.endpoint_url and said.endpoint_url != _poll_address(settings, stream.id):
            raise refuse("the poll endpoint_url is the transmitter's to say (section 6.1.2)")
        return None
    if said.method != PUSH or not said.endpoint_url:
        raise refuse(f"delivery: method is {PUSH} with an endpoint_url, or {POLL}")
    before = stream.push
    if said.authorization_header is None and before and before.endpoint_url == said.endpoint_url:
        return before  # it was not shown, so its absence says nothing
    return Push(said.endpoint_url, said.authorization_header or "")


def _check_ours(settings: Settings, said: Configuration, stream: Stream) -> None:
    """Transmitter-supplied members must be what they are (sections 8.1.1.3 and 8.1.1.4)."""
    ours = _shown(settings, stream)
    for name in ("iss", "aud", "events_supported", "events_delivered", "min_verification_interval"):
        value, right = getattr(said, name), ours[name]
        if value is not UNSET and _as_set(value) != _as_set(right):
            raise refuse(f"{name} is not what the transmitter says")


def _as_set(value: Any) -> frozenset[Any]:
    """In any order, and alone or as a list of one (RFC 7519 section 4.1.3)."""
    return frozenset(value if isinstance(value, list | tuple) else [value])


async def create_stream(visit: Visit, client: Client, said: Configuration) -> Response:
    """Section 8.1.1.1. Without a delivery, the receiver polls."""
    house = visit.house
    empty = Stream(id=tokens.new_secret(128), client=client.id, requested=[], description="", push=None,
                   status="enabled", reason="")  # fmt: skip
    stream = _changed(house.settings, empty, said)
    async with house.db.transaction() as db:
        await add_stream(db, visit.now, house.keys, stream)
    return json_answer(_shown(house.settings, stream), status=201)


def _changed(settings: Settings, stream: Stream, said: Configuration) -> Stream:
    return msgspec.structs.replace(
        stream,
        requested=stream.requested if said.events_requested is UNSET else list(dict.fromkeys(said.events_requested)),
        description=stream.description if said.description is UNSET else said.description,
        push=stream.push if said.delivery is UNSET else _push_of(settings, said.delivery, stream),
    )


def asked_stream(visit: Visit) -> str:
    """The stream that the query names, or ''."""
    return visit.query().get("stream_id", "")


async def show_streams(visit: Visit, client: Client) -> Response:
    """Section 8.1.1.2: the one that is named, or a list of all."""
    house, which = visit.house, asked_stream(visit)
    if which:
        stream = await stream_of(house.db, house.keys, client=client.id, stream=which)
        return json_answer(_shown(house.settings, stream))
    found = await find_stream(house.db, house.keys, client=client.id)
    return json_answer([_shown(house.settings, found)] if found else [])


async def update_stream(visit: Visit, client: Client, said: Configuration) -> Response:
    """Section 8.1.1.3: what is not said does not change."""
    return await _change(visit, client, said, whole=False)


async def replace_stream(visit: Visit, client: Client, said: Configuration) -> Response:
    """Section 8.1.1.4: what is not said is deleted."""
    return await _change(visit, client, said, whole=True)


async def _change(visit: Visit, client: Client, said: Configuration, *, whole: bool) -> Response:
    house = visit.house
    if said.stream_id is UNSET:
        raise refuse("stream_id is missing")
    async with house.db.transaction() as db:
        stream = await stream_of(db, house.keys, client=client.id, stream=said.stream_id)
        _check_ours(house.settings, said, stream)
        if whole:
            said = msgspec.structs.replace(
                said,
                events_requested=[] if said.events_requested is UNSET else said.events_requested,
                description="" if said.description is UNSET else said.description,
                delivery=Delivery() if said.delivery is UNSET else said.delivery,
            )
        stream = _changed(house.settings, stream, said)
        await change_stream(db, visit.now, house.keys, stream)
    house.bell.ring(BELL)
    return json_answer(_shown(house.settings, stream))


async def remove_stream(visit: Visit, client: Client) -> Response:
    """Section 8.1.1.5."""
    house = visit.house
    async with house.db.transaction() as db:
        stream = await stream_of(db, house.keys, client=client.id, stream=asked_stream(visit))
        await delete_stream(db, visit.now, house.keys, stream)
    return Response(status_code=204)
