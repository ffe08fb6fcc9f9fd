"""Sessions: one sign-in of one holder, for every service, until it is ended.

    open --(idle, too old, signed out, ended elsewhere, "not me", replaced)--> ended

Every ending goes through ``end_sessions``: it ends the grants and queues a logout for each service
that got a token, in the same transaction.
"""

from typing import Literal

import msgspec

from lucine.phone.enrolment import void_vouchers
from lucine.phone.holders import hold_holder
from lucine.safe import Keys, Reader, Row, Transaction, tokens, write_ledger
from lucine.watch.risk import Judged
from lucine.web import House, Visit
from lucine.web.settings import Settings

from .deliveries import queue_logout
from .signals import queue_session_revoked

Method = Literal["phone", "known", "passkey", "typed", "ciba"]
COOKIE = "connect"
TOUCHED_AFTER_SECONDS = 60  # an idle limit of minutes needs no write at each request
KEPT_SECONDS = 180 * 86400


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """An open session. ``id`` is the `sid` that clients see; the cookie holds another secret."""

    id: str
    holder: str
    method: Method
    ask: str
    browser: str | None
    browser_name: str
    place: str
    auth_time: float
    seen_at: float
    expires_at: float


COLUMNS = "id, holder, method, ask, browser, browser_name, place, auth_time, seen_at, expires_at"


def _session(row: Row) -> Session:
    return Session(**dict(row))


async def open_session(
    db: Transaction,
    now: float,
    keys: Keys,
    settings: Settings,
    *,
    holder: str,
    method: Method,
    ask: str,
    browser: str | None,
    browser_name: str,
    place: str,
    before: Session | None = None,
    judged: Judged | None = None,
) -> tuple[Session, str]:
    """A session and the secret of its cookie. Who signs in again keeps her session under a new secret.

    ``judged``: what was found of it; None where there is nothing to judge by (CIBA: no screen, no browser).
    """
    secret = tokens.new_secret()
    odd = {
        "risk": judged.score if judged else None, "reasons": " ".join(judged.reasons) if judged else "",
        "verdict": judged.verdict if judged else "",
    }  # fmt: skip
    if before and before.holder == holder:
        await db.run(
            "UPDATE signin_sessions SET cookie = :cookie, method = :method, ask = :ask, auth_time = :now,"
            " seen_at = :now, browser = COALESCE(:browser, browser), expires_at = :expires, risk = :risk,"
            " reasons = :reasons, verdict = :verdict"
            " WHERE id = :id AND ended_at IS NULL",
            cookie=keys.digest(secret), method=method, ask=ask, now=now, browser=browser,
            expires=now + settings.session_seconds, id=before.id, **odd,
        )  # fmt: skip
        session = await find_session(db, now, settings, before.id)
        if session:
            return session, secret
    elif before:
        await end_sessions(db, now, keys, settings, holder=before.holder, session=before.id, why="replaced")
    session = Session(
        id=tokens.new_secret(128), holder=holder, method=method, ask=ask, browser=browser,
        browser_name=browser_name, place=place, auth_time=now, seen_at=now, expires_at=now + settings.session_seconds,
    )  # fmt: skip
    await db.run(
        f"INSERT INTO signin_sessions ({COLUMNS}, cookie, risk, reasons, verdict) VALUES (:id, :holder, :method, :ask,"
        " :browser, :browser_name, :place, :auth_time, :seen_at, :expires_at, :cookie, :risk, :reasons, :verdict)",
        **msgspec.structs.asdict(session), cookie=keys.digest(secret), **odd,
    )  # fmt: skip
    await write_ledger(db, now, keys, "session.opened", holder, {"session": session.id, "method": method})
    return session, secret


async def renew_cookie(db: Transaction, keys: Keys, session: str) -> str:
    """The session goes on with a new secret: whoever has copied the cookie is out."""
    secret = tokens.new_secret()
    await db.run("UPDATE signin_sessions SET cookie = :cookie WHERE id = :id", cookie=keys.digest(secret), id=session)
    return secret


async def find_session(db: Reader, now: float, settings: Settings, session: str) -> Session | None:
    """The session with this id, if it is still open."""
    row = await db.one(
        f"SELECT {COLUMNS} FROM signin_sessions WHERE id = :id AND ended_at IS NULL"
        " AND expires_at > :now AND seen_at > :idle",
        id=session, now=now, idle=now - settings.session_idle_seconds,
    )  # fmt: skip
    return _session(row) if row else None


async def session_of(visit: Visit) -> Session | None:
    """The open session of the visitor's cookie."""
    cookie = visit.cookie(COOKIE)
    if not cookie:
        return None
    house = visit.house
    row = await house.db.one("SELECT id FROM signin_sessions WHERE cookie = :cookie", cookie=house.keys.digest(cookie))
    session = await find_session(house.db, visit.now, house.settings, row["id"]) if row else None
    if session and visit.now - session.seen_at > TOUCHED_AFTER_SECONDS:
        async with house.db.transaction() as db:
            await touch_session(db, visit.now, session.id)
    return session


async def use_session(db: Transaction, now: float, settings: Settings, session: str) -> Session | None:
    """The session, if it is still open: its row is held until the commit, and an idle one is not woken."""
    row = await db.one(
        "UPDATE signin_sessions SET seen_at = :now WHERE id = :id AND ended_at IS NULL"
        f" AND expires_at > :now AND seen_at > :idle RETURNING {COLUMNS}",
        id=session, now=now, idle=now - settings.session_idle_seconds,
    )  # fmt: skip
    return _session(row) if row else None


async def touch_session(db: Transaction, now: float, session: str) -> None:
    """It is in use."""
    await db.run("UPDATE signin_sessions SET seen_at = :now WHERE id = :id AND seen_at < :now AND ended_at IS NULL",
                 now=now, id=session)  # fmt: skip


async def end_sessions(
    db: Transaction,
    now: float,
    keys: Keys,
    settings: Settings,
    *,
    holder: str,
    why: str,
    session: str | None = None,
    but: str = "",
) -> list[str]:
    """End one of her sessions, or all of them but one, with every token; the ids of those that were open."""
    await hold_holder(db, holder)
    ended = await db.all(
        "UPDATE signin_sessions SET ended_at = :now, why = :why, cookie = NULL WHERE holder = :holder"
        " AND ended_at IS NULL AND id <> :but AND (id = :session OR CAST(:session AS TEXT) IS NULL) RETURNING id",
        now=now, why=why, holder=holder, session=session, but=but,
    )  # fmt: skip
    for row in ended:
        await _end_grants(db, now, keys, settings, holder, row["id"], why)
        await void_vouchers(db, now, holder=holder, made_in=row["id"])
        await write_ledger(db, now, keys, "session.ended", holder, {"session": row["id"], "why": why})
    return [row["id"] for row in ended]


async def _end_grants(
    db: Transaction, now: float, keys: Keys, settings: Settings, holder: str, session: str, why: str
) -> None:
    clients = await db.all("SELECT DISTINCT client FROM signin_grants WHERE session = :session", session=session)
    await db.run("UPDATE signin_grants SET ended_at = :now WHERE session = :session AND ended_at IS NULL",
                 now=now, session=session)  # fmt: skip
    for row in clients:
        await queue_logout(db, now, keys, settings, client_id=row["client"], holder=holder, session=session)
        await queue_session_revoked(
            db, now, keys, settings, client_id=row["client"], holder=holder, session=session, why=why
        )


async def end_idle_sessions(house: House, now: float) -> bool:
    """Chore: sessions end by age and idleness too, and their services are told."""
    rows = await house.db.all(
        "SELECT id, holder FROM signin_sessions WHERE ended_at IS NULL AND (expires_at <= :now OR seen_at <= :idle)"
        " LIMIT 100",
        now=now, idle=now - house.settings.session_idle_seconds,
    )  # fmt: skip
    for row in rows:
        async with house.db.transaction() as db:
            await end_sessions(
                db, now, house.keys, house.settings, holder=row["holder"], session=row["id"], why="expired"
            )
    return bool(rows)


async def past_sessions(db: Reader, holder: str, limit: int = 30) -> list[Row]:
    """Her sign-ins, newest first, open or not."""
    return await db.all(
        f"SELECT {COLUMNS}, ended_at, why, disowned_at, reasons, verdict FROM signin_sessions WHERE holder = :holder"
        " ORDER BY auth_time DESC LIMIT :limit",
        holder=holder, limit=limit,
    )  # fmt: skip


async def sessions_of_browser(db: Reader, browser: str) -> list[str]:
    """The open sessions that began in a known browser."""
    rows = await db.all("SELECT id FROM signin_sessions WHERE browser = :browser AND ended_at IS NULL", browser=browser)
    return [row["id"] for row in rows]


async def services_of(db: Reader, session: str) -> list[str]:
    """The clients that got tokens in a session."""
    rows = await db.all(
        "SELECT client FROM signin_grants WHERE session = :session GROUP BY client ORDER BY MIN(made_at)",
        session=session,
    )
    return [row["client"] for row in rows]
