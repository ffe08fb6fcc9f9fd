"""The app itself: its shell, manifest and service worker, open to everybody; and what it shows of itself."""

import msgspec
from starlette.responses import FileResponse, Response

from lucine.web import Refusal, Visit, json_answer, page
from lucine.web.pages import ROOMS

from .asks import past_asks
from .chores import pusher_of
from .credentials import Device, devices_of, state_of
from .enrolment import recovery_codes_left
from .holders import find_holder
from .push import parse_subscription

STATIC = ROOMS / "phone" / "static"


class Quiet(msgspec.Struct, frozen=True):
    """Hours during which no phone rings, ``HH:MM`` in Paris; both empty: none."""

    start: str
    end: str


class Subscribe(msgspec.Struct, frozen=True):
    subscription: msgspec.Raw


async def show_app(visit: Visit, _: None) -> Response:
    return page(visit, "phone/app.html")


async def show_manifest(visit: Visit, _: None) -> Response:
    return FileResponse(STATIC / "manifest.webmanifest", media_type="application/manifest+json")


async def show_worker(visit: Visit, _: None) -> Response:
    answer = FileResponse(STATIC / "sw.js", media_type="text/javascript")
    answer.headers["Cache-Control"] = "no-cache"
    return answer


async def show_me(visit: Visit, device: Device) -> Response:
    """The ``Me`` of docs/designs/0001."""
    db = visit.house.db
    holder = await find_holder(db, device.holder)
    others = [phone for phone in await devices_of(db, device.holder, "phone") if phone.id != device.id]
    return json_answer(
        {
            "name": holder.name,
            "device": {"id": device.id, "name": device.name},
            "state": state_of(device, visit.now),
            "usable_at": device.usable_at,
            "quiet": {"start": device.quiet_start, "end": device.quiet_end},
            "push_key": pusher_of(visit.house).public_key,
            "push": device.push is not None,
            "recovery_codes_left": await recovery_codes_left(db, device.holder),
            "pending": [
                {"id": phone.id, "name": phone.name, "usable_at": phone.usable_at}
                for phone in others
                if phone.usable_at > visit.now
            ],
        }
    )


async def show_history(visit: Visit, device: Device) -> Response:
    return json_answer(
        {
            "history": [
                {
                    "ask": ask.id,
                    "service": ask.shown.service,
                    "browser": ask.shown.browser,
                    "place": ask.shown.place,
                    "at": ask.opened_at,
                    "answer": ask.answer or "expired",
                    "disowned": ask.disowned_at is not None,
                }
                for ask in await past_asks(visit.house.db, device.holder)
                if ask.answer or ask.expires_at <= visit.now
            ]
        }
    )


async def subscribe(visit: Visit, device: Device, asked: Subscribe) -> Response:
    """Keep where to send wake-ups (RFC 8030); sealed, since the address names a person's phone."""
    try:
        parse_subscription(bytes(asked.subscription))
    except ValueError as error:
        words = "Les notifications de ce téléphone ne sont pas utilisables."
        raise Refusal("invalid_request", words, str(error)) from None
    sealed = visit.house.keys.seal(f"phone_credentials.push.{device.id}", bytes(asked.subscription))
    async with visit.house.db.transaction() as db:
        await db.run("UPDATE phone_credentials SET push = :push WHERE id = :id", push=sealed, id=device.id)
    return json_answer({})


async def unsubscribe(visit: Visit, device: Device) -> Response:
    async with visit.house.db.transaction() as db:
        await db.run("UPDATE phone_credentials SET push = NULL WHERE id = :id", id=device.id)
    return json_answer({})


async def set_quiet(visit: Visit, device: Device, asked: Quiet) -> Response:
    for hour in (asked.start, asked.end):
        if hour and not (len(hour) == 5 and hour[2] == ":" and hour[:2] < "24" and hour[3:] < "60" and
                         (hour[:2] + hour[3:]).isdecimal()):  # fmt: skip
            raise Refusal("invalid_request", "Cette heure n'est pas lisible.", "quiet hours")
    if bool(asked.start) != bool(asked.end):
        raise Refusal("invalid_request", "Donnez une heure de début et une heure de fin.", "quiet hours")
    async with visit.house.db.transaction() as db:
        await db.run(
            "UPDATE phone_credentials SET quiet_start = :start, quiet_end = :end WHERE id = :id",
            start=asked.start, end=asked.end, id=device.id,
        )  # fmt: skip
    return json_answer({})
