"""Sessions of officers: one use of a passkey opens one; eight hours at most, half an hour without a click.

    open --(eight hours, idle, signed out, her passkey used again, she is removed)--> ended

Who uses her passkey again gets a new session in place of the one before: "fresh" is simply "young".
"""

import re

import msgspec

from lucine.safe import Keys, Reader, Row, Transaction, tokens, write_ledger
from lucine.web import Refusal, Visit

COOKIE = "officer"
SESSION_SECONDS = 8 * 3600
IDLE_SECONDS = 1800
FRESH_SECONDS = 1800  # what changes something, or carries data away, needs a passkey used this recently
TOUCHED_AFTER_SECONDS = 60
KEPT_SECONDS = 180 * 86400

PATH = "/watch"
SIGN_IN = f"{PATH}/sign-in"
OWN_PAGE = re.compile(rf"{PATH}(?:/[A-Za-z0-9_-]+)*")


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """An open session, and its officer's id and name."""

    id: str
    officer: str
    name: str
    opened_at: float
    seen_at: float

    def fresh(self, now: float) -> bool:
        return now - self.opened_at <= FRESH_SECONDS


OPEN = (
    "SELECT officer_sessions.id, officer, name, opened_at, seen_at FROM officer_sessions"
    " JOIN officer_people ON officer_people.id = officer WHERE removed_at IS NULL AND ended_at IS NULL"
    " AND opened_at > :oldest AND seen_at > :idle"
)


def _session(row: Row | None) -> Session | None:
    return Session(**dict(row)) if row else None


async def open_session(
    db: Transaction, now: float, keys: Keys, *, officer: str, challenge: bytes, before: Session | None
) -> str:
    """A session in place of the one ``before``; the secret of its cookie. A challenge opens one session only."""
    if before:
        await end_sessions(db, now, keys, officer=before.officer, session=before.id, why="replaced")
    session, secret = tokens.new_secret(128), tokens.new_secret()
    opened = await db.run(
        "INSERT INTO officer_sessions (id, officer, cookie, challenge, opened_at, seen_at)"
        " VALUES (:id, :officer, :cookie, :challenge, :now, :now) ON CONFLICT (challenge) DO NOTHING",
        id=session, officer=officer, cookie=keys.digest(secret), challenge=challenge, now=now,
    )  # fmt: skip
    if not opened:
        raise Refusal("gone", "Cette demande n'est plus valable. Recommencez.", "challenge used", status=410)
    await write_ledger(db, now, keys, "officer.signed_in", officer, {"session": session})
    return secret


async def find_session(db: Reader, now: float, session: str) -> Session | None:
    """The session with this id, if it is still open and its officer not removed."""
    return _session(
        await db.one(f"{OPEN} AND officer_sessions.id = :id", id=session, oldest=now - SESSION_SECONDS,
                     idle=now - IDLE_SECONDS)
    )  # fmt: skip


async def end_sessions(
    db: Transaction, now: float, keys: Keys, *, officer: str, why: str, session: str | None = None
) -> int:
    """End one of her sessions, or all of them; how many were open."""
    ended = await db.all(
        "UPDATE officer_sessions SET ended_at = :now, why = :why, cookie = NULL WHERE officer = :officer"
        " AND ended_at IS NULL AND (id = :session OR CAST(:session AS TEXT) IS NULL) RETURNING id",
        now=now, why=why, officer=officer, session=session,
    )  # fmt: skip
    for row in ended:
        await write_ledger(db, now, keys, "officer.session_ended", officer, {"session": row["id"], "why": why})
    return len(ended)


async def session_of(visit: Visit) -> Session | None:
    """The open session of the visitor's cookie."""
    cookie = visit.cookie(COOKIE)
    if not cookie:
        return None
    return _session(
        await visit.house.db.one(
            f"{OPEN} AND cookie = :cookie", cookie=visit.house.keys.digest(cookie),
            oldest=visit.now - SESSION_SECONDS, idle=visit.now - IDLE_SECONDS,
        )
    )  # fmt: skip


async def listening(visit: Visit) -> Session:
    """The guard of the stream. A page that renews itself is nobody's click: it keeps no session open."""
    session = await session_of(visit)
    if session is None:
        words = "Votre session est terminée. Connectez-vous à nouveau."
        raise Refusal("login_required", words, "no officer's session", status=401)
    return session


async def watching(visit: Visit) -> Session:
    """The guard of the pages: an officer who is signed in; anybody else is led to the sign-in."""
    session = await session_of(visit)
    if session is None:
        raise _sign_in_first(visit, "no officer's session")
    if visit.now - session.seen_at > TOUCHED_AFTER_SECONDS:
        async with visit.house.db.transaction() as db:
            await db.run("UPDATE officer_sessions SET seen_at = :now WHERE id = :id AND seen_at < :now",
                         now=visit.now, id=session.id)  # fmt: skip
    return session


async def acting(visit: Visit) -> Session:
    """The guard of what changes something or carries data away: her passkey was used within half an hour."""
    session = await watching(visit)
    if not session.fresh(visit.now):
        raise _sign_in_first(visit, "passkey used too long ago")
    return session


def _sign_in_first(visit: Visit, detail: str) -> Refusal:
    """See Other, with the page that she wanted, or from which she acted."""
    alarm = visit.request.path_params.get("alarm")
    back = f"{PATH}/alarms/{alarm}" if alarm else visit.request.url.path.removesuffix("/sign-out")
    words = "Connectez-vous avec votre clé d'accès, puis recommencez."
    return Refusal("login_required", words, detail, status=303, headers={"Location": f"{SIGN_IN}?to={own_page(back)}"})


def own_page(path: str | None) -> str:
    """The path, if it is one of these pages; the first page otherwise."""
    return path if path and OWN_PAGE.fullmatch(path) else PATH
