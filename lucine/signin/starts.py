"""Starts: one browser that wants to sign in somewhere, until it is let in or gives up.

open --(its ask is approved)--> approved --(finished, once, by the same browser: finishing.py)--> session + code
open --(refused, expired, cancelled)--> over
"""

from typing import Literal

import msgspec

from lucine.phone import asks
from lucine.phone.holders import hold_holder
from lucine.phone.notices import tell_holder
from lucine.safe import Keys, Reader, Transaction, tokens
from lucine.watch.browsers import (
    Copied,
    Known,
    PublicKey,
    holder_of_cookie,
    recognise_browser,
    signed_by,
    thumbprint,
)
from lucine.watch.measures import active_measure
from lucine.web import Refusal, not_found
from lucine.web.settings import Settings

from .authorization import Request
from .proof_of_work import new_work
from .sessions import end_sessions, sessions_of_browser

OWN_PAGES = "own pages"  # the client of Connect's own pages, an id no service can have; its redirect_uri is a path here
KEPT_SECONDS = 3600  # after it expired, if it became no session


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """A start of one browser. ``work``: the proof of work that it still owes before it may show a code.

    ``first_ask``: the ask that was approved before one more proof was asked, for ``reasons`` (see watch.risk).
    ``held``: whose sign-in was stopped here.
    """

    id: str
    client: str
    request: Request
    ask: str
    nonce: str
    browser_key: str | None
    browser: str | None
    browser_name: str
    place: str
    finished_at: float | None
    work: bytes | None
    address: str
    first_ask: str | None
    reasons: str
    held: str | None


COLUMNS = (
    "id, client, request, ask, nonce, browser_key, browser, browser_name, place, finished_at, work, address, first_ask,"
    " reasons, held"
)


async def asks_of_session(db: Reader, session: str) -> set[str]:
    """Every ask by which this session was opened or confirmed."""
    rows = await db.all("SELECT ask, first_ask FROM signin_starts WHERE session = :session", session=session)
    return {ask for row in rows for ask in (row["ask"], row["first_ask"]) if ask}


async def open_start(
    db: Transaction,
    now: float,
    keys: Keys,
    settings: Settings,
    *,
    request: Request,
    service: str,
    host: str,
    acr: str,
    visit: bytes,
    browser_name: str,
    place: str,
    address: str,
    number: str,
) -> str:
    """A start and the ask that goes with it; its id. ``visit``: digest of the browser's cookie.

    ``address`` and ``number`` (the national id that the request named, or '') are for the watch.
    """
    start = tokens.new_secret(128)
    shown = asks.Shown(client=request.client, service=service, host=host, acr=acr, browser=browser_name, place=place)
    ask = await asks.open_ask(
        db, now, shown=shown, seconds=settings.start_seconds, visit=visit, return_to=f"/start/{start}"
    )
    attacked = await active_measure(db, now, kind="proof_of_work", target=request.client)
    await db.run(
        "INSERT INTO signin_starts (id, client, request, visit, ask, nonce, browser_name, place, address, number,"
        " opened_at, expires_at, work) VALUES (:id, :client, :request, :visit, :ask, :nonce, :browser_name, :place,"
        " :address, :number, :now, :expires, :work)",
        id=start, client=request.client, request=msgspec.json.encode(request).decode(), visit=visit, ask=ask,
        nonce=tokens.new_secret(), browser_name=browser_name, place=place, address=address, number=number, now=now,
        expires=now + settings.start_seconds,
        work=new_work(keys, start, attacked.level) if attacked else None,
    )  # fmt: skip
    return start


async def find_start(db: Reader, keys: Keys, *, start: str, visit_cookie: str | None) -> Start:
    """The start, if this is the browser that opened it. Refusal "not found" otherwise."""
    row = await db.one(
        f"SELECT {COLUMNS} FROM signin_starts WHERE id = :id AND visit = :visit",
        id=start, visit=keys.digest(visit_cookie or ""),
    )  # fmt: skip
    if row is None:
        raise not_found("no such start in this browser")
    values = dict(row)
    values["request"] = msgspec.json.decode(values["request"], type=Request)
    return Start(**values)


async def name_browser(db: Transaction, now: float, *, start: Start, key: PublicKey, signature: str) -> None:
    """The browser shows a key of its own, which it may be known by later. Once, before the scan."""
    if not signed_by(key, signature, start.id, start.nonce):
        raise Refusal("forbidden", "La clé de ce navigateur n'est pas valable.", "browser key", status=403)
    await db.run(
        "UPDATE signin_starts SET browser_key = :key WHERE id = :id AND browser_key IS NULL",
        key=msgspec.json.encode(key).decode(), id=start.id,
    )  # fmt: skip
    await asks.name_browser_key(db, now, ask=start.ask, thumbprint=thumbprint(key))


Ringing = Literal["rings", "rang_enough", "qr_only", "no"]


async def ring(
    db: Transaction, now: float, keys: Keys, settings: Settings, *, start: Start, cookie: str | None, signature: str
) -> tuple[Known | Copied | None, Ringing]:
    """One tap from a known browser: the browser, and whether her phones ring or why they do not.

    From a copied browser nothing rings, its sessions end, and she is told. Keep the transaction either way.
    """
    if holder := await holder_of_cookie(db, cookie):
        await hold_holder(db, holder)
    known = await recognise_browser(
        db, now, keys, cookie=cookie, start=start.id, nonce=start.nonce, signature=signature
    )
    if known is None:
        return None, "no"
    if isinstance(known, Copied):
        for session in await sessions_of_browser(db, known.id):
            await end_sessions(db, now, keys, settings, holder=known.holder, session=session, why="copied")
        await tell_holder(db, now, keys, holder=known.holder, what="browser_copied")
        return known, "no"
    await asks.name_browser_key(db, now, ask=start.ask, thumbprint=known.key)
    await db.run("UPDATE signin_starts SET browser = :browser WHERE id = :id", browser=known.id, id=start.id)
    if await active_measure(db, now, kind="qr_only", target=known.holder):
        return known, "qr_only"
    rings = await asks.ring_holder(db, now, keys, ask=start.ask, holder=known.holder, by=known.name)
    return known, "rings" if rings else "rang_enough"


async def close_start(db: Transaction, now: float, *, start: Start) -> None:
    """The browser gives up: nothing of it can be approved any more."""
    await db.run("UPDATE signin_starts SET finished_at = :now WHERE id = :id AND finished_at IS NULL",
                 now=now, id=start.id)  # fmt: skip
    await asks.close_ask(db, now, ask=start.ask)
