""" "It was not me": everything dead at once, in one transaction. And her refusals, which may say the same."""

from typing import Literal

import msgspec
from starlette.responses import Response

from lucine.phone import asks
from lucine.phone.ask_pages import ANSWERED
from lucine.phone.credentials import Device
from lucine.phone.enrolment import undo_session, void_vouchers
from lucine.phone.holders import hold_holder
from lucine.safe import Keys, Row, Transaction, among, write_ledger
from lucine.watch.browsers import forget_browser
from lucine.watch.events import disown_events
from lucine.watch.histories import forget_sign_ins
from lucine.web import Visit, json_answer, not_found
from lucine.web.settings import Settings

from .deliveries import BELL
from .sessions import end_sessions


class Disowned(msgspec.Struct, frozen=True):
    """What was done."""

    sessions: list[str]
    browsers: int
    asks: list[str]


async def disown(
    db: Transaction,
    now: float,
    keys: Keys,
    settings: Settings,
    *,
    holder: str,
    ask: str | None = None,
    session: str | None = None,
    but: str = "",
) -> Disowned:
    """End her sessions (but one, from which she speaks), forget the browser, cancel what waits, ring no more.

    What was added in that sign-in (phones, passkeys, recovery codes) is void, with the sign-ins that were approved
    with it, and what was added in those; so are enrolments under way.

    ``ask`` or ``session`` says which sign-in it was; Refusal "not found" if that session is not hers.
    """
    await hold_holder(db, holder)
    rows = await db.all(
        "UPDATE signin_sessions SET disowned_at = COALESCE(disowned_at, :now)"
        # Who signs in again keeps her session, so an earlier ask of it is known to its start alone.
        " WHERE holder = :holder AND id <> :but AND (ask = :ask OR id = :session"
        " OR id IN (SELECT session FROM signin_starts WHERE ask = :ask OR first_ask = :ask))"
        " RETURNING id, ask, browser",
        now=now, holder=holder, but=but, ask=ask or "", session=session or "",
    )  # fmt: skip
    more = rows
    while more := await _opened_from(db, now, holder=holder, sessions=[row["id"] for row in more], but=but):
        rows += more
    if not rows and session:
        raise not_found("no such sign-in of hers")
    browsers = {row["browser"] for row in rows if row["browser"]}
    if not rows and ask:
        start = await db.one("SELECT browser FROM signin_starts WHERE ask = :ask", ask=ask)
        browsers = {start["browser"]} if start and start["browser"] else set()
    forgotten = 0
    for browser in sorted(browsers):
        forgotten += await forget_browser(db, now, keys, holder=holder, browser=browser, why="not_me")
    for row in rows:
        await asks.disown_ask(db, now, ask=row["ask"], holder=holder)
        await undo_session(db, now, keys, holder=holder, session=row["id"])
        await forget_sign_ins(db, session=row["id"])
    await disown_events(db, ids=[row["ask"] for row in rows])
    await void_vouchers(db, now, holder=holder)
    cancelled = await asks.cancel_asks(db, now, holder=holder)
    await asks.silence(db, holder=holder)
    ended = await end_sessions(db, now, keys, settings, holder=holder, why="not_me", but=but)
    await write_ledger(db, now, keys, "disowned", holder, {"ask": ask or "", "session": session or ""})
    return Disowned(sessions=ended, browsers=forgotten, asks=cancelled)


async def _opened_from(db: Transaction, now: float, *, holder: str, sessions: list[str], but: str) -> list[Row]:
    """The sign-ins that were approved with what was added in these sessions: they were not hers either."""
    which, values = among(sessions)
    return await db.all(
        "UPDATE signin_sessions SET disowned_at = :now WHERE holder = :holder AND disowned_at IS NULL AND id <> :but"
        " AND ask IN (SELECT id FROM phone_asks WHERE holder = :holder AND credential IN"
        f" (SELECT id FROM phone_credentials WHERE holder = :holder AND made_in IN {which}))"
        " RETURNING id, ask, browser",
        now=now, holder=holder, but=but, **values,
    )  # fmt: skip


def ring_after(visit: Visit, holder: str, cancelled: list[str]) -> None:
    """Wake the deliveries, the notices and every screen that waits for one of the cancelled asks."""
    for name in (BELL, ANSWERED, "notices", f"holder:{holder}", *cancelled):
        visit.house.bell.ring(name)


class Reason(msgspec.Struct, frozen=True):
    reason: Literal["not_me", "changed_mind"]


async def refuse(visit: Visit, device: Device, asked: Reason) -> Response:
    """Her phone says no; "not me" also closes everything."""
    house, ask = visit.house, visit.request.path_params["ask"]
    async with house.db.transaction() as db:
        await hold_holder(db, device.holder)
        await asks.refuse_ask(db, visit.now, house.keys, ask=ask, holder=device.holder, answer=asked.reason)
        if asked.reason == "not_me":
            done = await disown(db, visit.now, house.keys, house.settings, holder=device.holder, ask=ask)
        else:
            done = Disowned(sessions=[], browsers=0, asks=[ask])
    ring_after(visit, device.holder, done.asks)
    house.bell.ring(ask)
    return json_answer({})


async def disown_from_phone(visit: Visit, device: Device) -> Response:
    """A past approval was not hers."""
    house, ask = visit.house, visit.request.path_params["ask"]
    async with house.db.transaction() as db:
        await hold_holder(db, device.holder)
        await asks.disown_ask(db, visit.now, ask=ask, holder=device.holder)
        done = await disown(db, visit.now, house.keys, house.settings, holder=device.holder, ask=ask)
    ring_after(visit, device.holder, done.asks)
    return json_answer({})
