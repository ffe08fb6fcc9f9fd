"""Enrolling, losing and cancelling a phone."""

from typing import Any

import msgspec
from starlette.responses import Response

from lucine.directory import national_id_of
from lucine.web import Refusal, Visit, cookies, json_answer, not_found, page

from .asks import read_code
from .credentials import Device, revoke_credentials
from .enrolment import (
    begin_enrolment,
    check_codes,
    finish_enrolment,
    read_cancel,
    request_codes,
    void_vouchers,
)
from .guards import COOKIE, COOKIE_SECONDS


class Voucher(msgspec.Struct, frozen=True):
    voucher: str


class Enrolment(msgspec.Struct, frozen=True):
    voucher: str
    credential: dict[str, Any]
    name: str


class CodeRequest(msgspec.Struct, frozen=True):
    number: str
    mail: str
    mobile: str


class Codes(msgspec.Struct, frozen=True):
    request: str
    mail_code: str
    sms_code: str


async def begin(visit: Visit, _: None, asked: Voucher) -> Response:
    house = visit.house
    async with house.db.transaction() as db:
        options, holder = await begin_enrolment(db, visit.now, house.keys, house.settings, voucher=asked.voucher)
    return json_answer({"options": options, "name": holder.name})


async def finish(visit: Visit, _: None, asked: Enrolment) -> Response:
    house = visit.house
    async with house.db.transaction() as db:
        enrolled = await finish_enrolment(
            db, visit.now, house.keys, house.settings,
            voucher=asked.voucher, credential=asked.credential, name=asked.name,
        )  # fmt: skip
    house.bell.ring("notices")
    answer = json_answer({"recovery_codes": enrolled.recovery_codes, "usable_at": enrolled.usable_at})
    cookies.set_cookie(answer, COOKIE, enrolled.cookie, seconds=COOKIE_SECONDS, strict=True)
    return answer


async def ask_for_codes(visit: Visit, _: None, asked: CodeRequest) -> Response:
    house = visit.house
    async with house.db.transaction() as db:
        request = await request_codes(
            db, visit.now, house.keys,
            national_id=national_id_of(asked.number), mail=asked.mail[:254], mobile=asked.mobile[:32],
        )  # fmt: skip
    return json_answer({"request": request})


async def try_codes(visit: Visit, _: None, asked: Codes) -> Response:
    house = visit.house
    async with house.db.transaction() as db:
        voucher = await check_codes(
            db, visit.now, house.keys,
            request=asked.request, mail_code=read_code(asked.mail_code), sms_code=read_code(asked.sms_code),
        )  # fmt: skip
    if voucher is None:
        raise Refusal("codes", "Au moins un des deux codes n'est pas le bon.", "wrong codes", status=403)
    return json_answer({"voucher": voucher})


async def cancel_pending(visit: Visit, device: Device) -> Response:
    """One of her phones throws out another that is still in quarantine."""
    target = visit.request.path_params["device"]
    house = visit.house
    pending = await house.db.one(
        "SELECT id FROM phone_credentials WHERE id = :id AND holder = :holder AND usable_at > :now"
        " AND revoked_at IS NULL",
        id=target, holder=device.holder, now=visit.now,
    )  # fmt: skip
    if pending is None or target == device.id:
        raise not_found("no such phone in quarantine")
    async with house.db.transaction() as db:
        await revoke_credentials(
            db, visit.now, house.keys, holder=device.holder, kind="phone", credential=target, why="cancelled"
        )
        await void_vouchers(db, visit.now, holder=device.holder)
    return json_answer({})


async def show_lost(visit: Visit, _: None) -> Response:
    return page(visit, "phone/lost.html", sent="sent" in visit.query())


async def show_cancel(visit: Visit, _: None) -> Response:
    token = visit.query().get("token", "")
    what = await read_cancel(visit.house.db, visit.now, visit.house.keys, token)
    return page(visit, "phone/cancel.html", state="ask" if what else "over", token=token, what=what or "phone")
