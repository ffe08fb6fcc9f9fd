"""A phone or passkey that is lost, stolen or not hers: it approves nothing more, and what it opened is over."""

import msgspec
from starlette.responses import Response

from lucine.phone import asks
from lucine.phone.credentials import Kind, revoke_credentials
from lucine.phone.enrolment import use_cancel, use_recovery_code, void_vouchers
from lucine.phone.holders import hold_holder
from lucine.phone.notices import tell_holder
from lucine.phone.typed import disarm_typed_code
from lucine.safe import Keys, Transaction
from lucine.web import Visit, page
from lucine.web.pages import redirect
from lucine.web.settings import Settings

from .disown import ring_after
from .sessions import end_sessions


class Off(msgspec.Struct, frozen=True, kw_only=True):
    """What was done."""

    devices: list[str]
    asks: list[str]


async def switch_off(
    db: Transaction,
    now: float,
    keys: Keys,
    settings: Settings,
    *,
    holder: str,
    kind: Kind,
    why: str,
    credential: str | None = None,
    but: str = "",
    tell: bool = True,
) -> Off:
    """Revoke one of her credentials of a kind, or all, and end every session they opened but the one she speaks from.

    Enrolments under way, waiting asks and approvals not yet fetched are void. ``tell``: on every channel.
    """
    await hold_holder(db, holder)
    gone = await revoke_credentials(db, now, keys, holder=holder, kind=kind, credential=credential, why=why)
    if not gone:
        return Off(devices=[], asks=[])
    await void_vouchers(db, now, holder=holder)
    cancelled = await asks.cancel_asks(db, now, holder=holder)
    open_ones = await db.all(
        "SELECT id, ask FROM signin_sessions WHERE holder = :holder AND ended_at IS NULL", holder=holder
    )
    for row in open_ones:
        if row["id"] != but and (await asks.find_ask(db, row["ask"])).credential in gone:
            await end_sessions(db, now, keys, settings, holder=holder, session=row["id"], why="switched_off")
    if tell and kind == "phone":
        await tell_holder(db, now, keys, holder=holder, what="phones_off", every=credential is None)
    return Off(devices=gone, asks=cancelled)


async def report_lost(visit: Visit, _: None) -> Response:
    """A recovery code switches every phone off. The answer never says whether the code was right."""
    house = visit.house
    code = (await visit.form()).get("code", "")
    async with house.db.transaction() as db:
        holder = await use_recovery_code(db, visit.now, house.keys, code=code)
        done = None
        if holder:
            done = await switch_off(
                db, visit.now, house.keys, house.settings, holder=holder, kind="phone", why="recovery code"
            )
    if holder and done:
        ring_after(visit, holder, done.asks)
    return redirect("/lost?sent=1")


async def cancel(visit: Visit, _: None) -> Response:
    """The one tap of a notice: what it told of is undone."""
    house = visit.house
    token = (await visit.form()).get("token", "")
    done = None
    async with house.db.transaction() as db:
        cancelled = await use_cancel(db, visit.now, house.keys, token)
        if cancelled and cancelled.what == "typed":
            await disarm_typed_code(db, visit.now, house.keys, holder=cancelled.holder)
        elif cancelled:
            kind: Kind = "phone" if cancelled.what == "phone" else "computer"
            done = await switch_off(
                db, visit.now, house.keys, house.settings, holder=cancelled.holder, kind=kind,
                credential=cancelled.target, why="cancelled", tell=False,
            )  # fmt: skip
    if cancelled and done:
        ring_after(visit, cancelled.holder, done.asks)
    what = cancelled.what if cancelled else "phone"
    return page(visit, "phone/cancel.html", state="done" if cancelled else "over", token="", what=what)
