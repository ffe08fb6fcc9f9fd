"""What the phone does with asks: scan, see, approve. Refusing and disowning end sessions: see signin."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from starlette.responses import Response

from lucine.safe import tokens
from lucine.watch.place import Place, mismatch, place_of
from lucine.web import Visit, json_answer
from lucine.web.visit import House

from .asks import (
    Ask,
    approve_ask,
    challenge_of,
    claim_ask,
    claim_by_code,
    find_ask,
    gone,
    ringing_asks,
    shown_to_holder,
    silent_asks,
)
from .credentials import Device, is_kept, verify_credential
from .holders import hold_holder
from .passkeys import request_options
from .typed import arm_typed_code, disarm_typed_code, typed_code_of

STREAM_SECONDS = 15 * 60  # then the app connects anew, and its cookie is looked at again
HEARTBEAT_SECONDS = 15
ANSWERED = "answered"  # the bell that rings for every answer, whoever asked


class Code(msgspec.Struct, frozen=True):
    code: str


class Approval(msgspec.Struct, frozen=True):
    credential: dict[str, Any]
    keep: bool = False


def _told(house: House, ask: Ask, device: Device, address: str = "") -> dict[str, Any]:
    """What the phone at this address is told of an ask; ``elsewhere``: the screen is plainly in another place."""
    options = request_options(rp_id=house.settings.host, challenge=challenge_of(ask), allowed=[device.webauthn_id])
    return {**shown_to_holder(ask, options), "elsewhere": mismatch(Place(ask.shown.place), place_of(address))}


async def scan(visit: Visit, device: Device, asked: Code) -> Response:
    house = visit.house
    async with house.db.transaction() as db:
        ask = await claim_ask(db, visit.now, house.keys, house.settings, text=asked.code[:512], device=device)
    house.bell.ring(ask.id)
    return json_answer(_told(house, ask, device, visit.address))


async def show_waiting(visit: Visit, device: Device) -> Response:
    asks = await silent_asks(visit.house.db, visit.now, device.holder)
    return json_answer(
        {
            "waiting": [
                {"service": ask.shown.service, "place": ask.shown.place, "opened_at": ask.opened_at} for ask in asks
            ]
        }
    )


async def carry_code(visit: Visit, device: Device, asked: Code) -> Response:
    async with visit.house.db.transaction() as db:
        ask = await claim_by_code(db, visit.now, visit.house.keys, code=asked.code[:32], device=device)
    return json_answer(_told(visit.house, ask, device, visit.address))


async def approve(visit: Visit, device: Device, asked: Approval) -> Response:
    house, settings = visit.house, visit.house.settings
    async with house.db.transaction() as db:
        await hold_holder(db, device.holder)
        ask = await find_ask(db, visit.request.path_params["ask"])
        if ask.holder != device.holder:
            raise gone()
        verified = await verify_credential(
            db, visit.now, house.keys, asked.credential, challenge=challenge_of(ask),
            rp_id=settings.host, origin=settings.origin, holder=device.holder, kind="phone",
        )  # fmt: skip
        keep = asked.keep and ask.kind in ("scan", "typed") and bool(ask.browser_key)
        await approve_ask(db, visit.now, house.keys, ask=ask, device=verified, keep=keep)
    for name in (ask.id, f"holder:{device.holder}", ANSWERED):
        house.bell.ring(name)
    visit_cookie = visit.cookie("visit")
    here = visit_cookie and ask.visit and tokens.same(house.keys.digest(visit_cookie), ask.visit)
    return json_answer({"return_to": ask.return_to if here and ask.return_to else None})


async def stream_asks(visit: Visit, device: Device) -> Response:
    """Server-sent events: what rings, at once and at each change."""
    return visit.house.streams.answer("phone", device.id, _ringing(visit.house, visit.now, device, visit.address))


async def _ringing(house: House, now: float, device: Device, address: str) -> AsyncIterator[bytes]:
    """Time goes on from the visit's ``now`` by the loop's monotonic clock."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    told, told_at = b"", -float(HEARTBEAT_SECONDS)
    while (passed := loop.time() - began) < STREAM_SECONDS and await is_kept(house.db, device):
        asks = await ringing_asks(house.db, now + passed, device)
        data = msgspec.json.encode({"asks": [_told(house, ask, device, address) for ask in asks]})
        if data != told:
            told, told_at = data, passed
            yield b"event: asks\ndata: " + data + b"\n\n"
        elif passed - told_at >= HEARTBEAT_SECONDS:
            told_at = passed
            yield b": still here\n\n"
        await house.bell.wait(f"holder:{device.holder}")


async def show_typed(visit: Visit, device: Device) -> Response:
    async with visit.house.db.transaction() as db:
        return json_answer(await typed_code_of(db, visit.now, visit.house.keys, device=device))


async def arm_typed(visit: Visit, device: Device) -> Response:
    house = visit.house
    async with house.db.transaction() as db:
        typed = await arm_typed_code(db, visit.now, house.keys, house.settings, device=device)
    house.bell.ring("notices")
    return json_answer(typed)


async def disarm_typed(visit: Visit, device: Device) -> Response:
    async with visit.house.db.transaction() as db:
        await disarm_typed_code(db, visit.now, visit.house.keys, holder=device.holder)
    return json_answer({})
