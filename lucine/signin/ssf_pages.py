"""The doors of the signals but a stream's configuration (OpenID Shared Signals Framework 1.0, RFC 8936)."""

import asyncio
from typing import Any

import msgspec
from starlette.responses import Response

from lucine.web import Refusal, Visit, json_answer
from lucine.web.settings import Settings

from .clients import Client
from .deliveries import BELL
from .discovery import KEYS_CACHED_SECONDS
from .paths import PATHS, SSF_PATHS
from .signal_delivery import TAKEN_MAX, Problem, finish_signal, take_signals
from .signals import queue_verification
from .ssf_configuration import asked_stream
from .ssf_streams import (
    POLL,
    PUSH,
    TEXT_MAX_LENGTH,
    VERIFICATION_SECONDS,
    WORDS,
    Stream,
    claim_verification,
    readd_subject,
    refuse,
    remove_subject,
    set_status,
    stream_of,
)

POLL_SECONDS = 25  # proxies give up after 30
ACKNOWLEDGED_MAX = 1000  # of one poll


def transmitter_document(settings: Settings) -> dict[str, Any]:
    """The metadata (section 7.1)."""
    return {
        "spec_version": "1_0",
        "issuer": settings.origin,
        "jwks_uri": settings.origin + PATHS["jwks_uri"],
        "delivery_methods_supported": [PUSH, POLL],
        **{name: settings.origin + path for name, path in SSF_PATHS.items()},
        "authorization_schemes": [{"spec_urn": "urn:ietf:rfc:6749"}],
        "default_subjects": "ALL",
    }


async def show_transmitter(visit: Visit, _: None) -> Response:
    answer = json_answer(transmitter_document(visit.house.settings))
    answer.headers["Cache-Control"] = f"public, max-age={KEYS_CACHED_SECONDS}"
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


class StatusChange(msgspec.Struct, frozen=True):
    """Section 8.1.2.2."""

    stream_id: str
    status: str
    reason: str = ""


def _status(stream: str, status: str, reason: str) -> Response:
    return json_answer({"stream_id": stream, "status": status, **({"reason": reason} if reason else {})})


async def show_status(visit: Visit, client: Client) -> Response:
    """Section 8.1.2.1."""
    stream = await stream_of(visit.house.db, visit.house.keys, client=client.id, stream=asked_stream(visit))
    return _status(stream.id, stream.status, stream.reason)


async def change_status(visit: Visit, client: Client, said: StatusChange) -> Response:
    """Section 8.1.2.2. What waited while it was paused is sent at once."""
    house = visit.house
    async with house.db.transaction() as db:
        stream = await stream_of(db, house.keys, client=client.id, stream=said.stream_id)
        await set_status(db, visit.now, house.keys, stream, said.status, said.reason)
    house.bell.ring(BELL)
    return _status(stream.id, said.status, said.reason)


class SubjectChange(msgspec.Struct, frozen=True):
    """Section 8.1.3. Who is unverified for the receiver is no less known to us: ``verified`` is not looked at."""

    stream_id: str
    subject: dict[str, Any]


def _sub_of(settings: Settings, subject: dict[str, Any]) -> str:
    """The `sub` of ours that a subject names, alone or as the user of a complex one.

    404 for every other kind of subject: that tells what Connect understands, never whom it knows.
    """
    user = subject.get("user") if subject.get("format") == "complex" and len(subject) == 2 else subject
    if not isinstance(user, dict) or user.get("format") != "iss_sub" or user.get("iss") != settings.origin:
        raise Refusal("not_found", WORDS, "subjects here are iss_sub, of this issuer", status=404)
    sub = user.get("sub")
    if not isinstance(sub, str) or not 1 <= len(sub) <= 255:  # OIDC Core section 2
        raise refuse("sub is a text of 1 to 255 characters")
    return sub


async def add_subject(visit: Visit, client: Client, said: SubjectChange) -> Response:
    """Section 8.1.3.2."""
    house = visit.house
    async with house.db.transaction() as db:
        stream = await stream_of(db, house.keys, client=client.id, stream=said.stream_id)
        subject = _sub_of(house.settings, said.subject)
        await readd_subject(db, visit.now, house.keys, stream=stream.id, subject=subject)
    return Response(status_code=200)


async def drop_subject(visit: Visit, client: Client, said: SubjectChange) -> Response:
    """Section 8.1.3.3."""
    house = visit.house
    async with house.db.transaction() as db:
        stream = await stream_of(db, house.keys, client=client.id, stream=said.stream_id)
        subject = _sub_of(house.settings, said.subject)
        await remove_subject(db, visit.now, house.keys, stream=stream.id, subject=subject)
    return Response(status_code=204)


class Verification(msgspec.Struct, frozen=True):
    """Section 8.1.4.2."""

    stream_id: str
    state: str | None = None


async def verify_stream(visit: Visit, client: Client, said: Verification) -> Response:
    """A token with this state, soon."""
    house = visit.house
    if len(said.state or "") > TEXT_MAX_LENGTH:
        raise refuse(f"state: at most {TEXT_MAX_LENGTH} characters")
    async with house.db.transaction() as db:
        stream = await stream_of(db, house.keys, client=client.id, stream=said.stream_id)
        if stream.status == "disabled":
            raise refuse("the stream is disabled: nothing is sent on it")
        if not await claim_verification(db, visit.now, stream=stream.id):
            headers = {"Retry-After": str(VERIFICATION_SECONDS)}
            raise Refusal("slow_down", WORDS, "see min_verification_interval", status=429, headers=headers)
        await queue_verification(db, visit.now, house.keys, stream=stream.id, state=said.state)
    house.bell.ring(BELL)
    return Response(status_code=204)


class Poll(msgspec.Struct, frozen=True, rename="camel"):
    """RFC 8936 section 2.2."""

    max_events: int = TAKEN_MAX
    return_immediately: bool = False
    ack: list[str] = []
    set_errs: dict[str, Problem] = {}


async def poll_stream(visit: Visit, client: Client, said: Poll) -> Response:
    """RFC 8936 section 2: what was acknowledged goes, what waits comes, at once or within POLL_SECONDS."""
    house, which = visit.house, visit.request.path_params["stream"]
    stream = await stream_of(house.db, house.keys, client=client.id, stream=which)
    if stream.push:
        raise refuse("this stream is pushed")
    if said.max_events < 0 or len(said.ack) + len(said.set_errs) > ACKNOWLEDGED_MAX:
        raise refuse(f"maxEvents is not negative; at most {ACKNOWLEDGED_MAX} in ack and setErrs")
    if said.ack or said.set_errs:
        async with house.db.transaction() as db:
            for signal, problem in [*said.set_errs.items(), *((taken, None) for taken in said.ack)]:
                await finish_signal(db, visit.now, house.keys, stream=stream.id, signal=signal, problem=problem)
    most = min(said.max_events, TAKEN_MAX)
    sets, more = await take_signals(house, visit.now, stream, most)
    if not sets and most and not said.return_immediately:
        sets, more = await _wait_for_signals(visit, stream, most)
    return json_answer({"sets": sets, "moreAvailable": more})


async def _wait_for_signals(visit: Visit, stream: Stream, most: int) -> tuple[dict[str, str], bool]:
    """Until there are some; the newest poll of a stream wins, as with the other streams that stay open."""
    house = visit.house
    try:
        async with asyncio.timeout(POLL_SECONDS) as limit:
            with house.streams.place("signals", stream.id, limit):
                while True:
                    await house.bell.wait(BELL)
                    sets, more = await take_signals(house, visit.now, stream, most)
                    if sets:
                        return sets, more
    except TimeoutError:
        return {}, False
