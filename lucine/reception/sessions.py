"""Who is in. A session is known by the digest of its cookie; who it is lies sealed in it.

  open --she leaves, comes in again, 30 min idle, 4 h, her provider says so--> gone

A logout that arrives while its sign-in is still under way must not come too late: what the provider
ended is remembered, and a start older than that opens nothing. Both first take the same row, so that
one of the two sees what the other did.
"""

import msgspec
import structlog

from lucine.safe import Database, Keys, Reader, Row, Transaction, sweep, tokens, write_ledger
from lucine.web.settings import Settings

from .guests import Guest
from .rules import CLOCK_SKEW_SECONDS, LogoutToken
from .starts import START_SECONDS

log = structlog.get_logger()

TOUCHED_AFTER_SECONDS = 60


def _mark(keys: Keys, *parts: str) -> bytes:
    """What stands in the database instead of a name of the provider's."""
    return keys.mac("reception", msgspec.json.encode(parts))


async def open_session(
    db: Transaction, now: float, keys: Keys, settings: Settings, *, front: str, guest: Guest, began_at: float
) -> str | None:
    """Open a session for a sign-in that began at ``began_at``; the secret of its cookie.

    None if the provider ended it meanwhile.
    """
    subject = _mark(keys, "sub", front, guest.issuer, guest.subject)
    sid = _mark(keys, "sid", front, guest.issuer, guest.sid) if guest.sid else None
    if await _take(db, now, [subject, *([sid] if sid else [])]) >= began_at:
        return None
    secret = tokens.new_secret()
    cookie = keys.digest(f"{front}:{secret}")
    await db.run(
        "INSERT INTO reception_sessions (cookie, front, subject, sid, sealed, began_at, seen_at, expires_at)"
        " VALUES (:cookie, :front, :subject, :sid, :sealed, :now, :now, :expires)",
        cookie=cookie, front=front, subject=subject, sid=sid, now=now, expires=now + settings.session_seconds,
        sealed=keys.seal(_place(cookie), msgspec.json.encode(guest)),
    )  # fmt: skip
    await write_ledger(db, now, keys, "session.opened", subject.hex()[:32], {"front": front})
    return secret


async def find_guest(
    db: Reader, now: float, keys: Keys, settings: Settings, *, front: str, secret: str
) -> tuple[Guest, float] | None:
    """The guest of a session that is open, and when she was last seen."""
    cookie = keys.digest(f"{front}:{secret}")
    row = await db.one(
        "SELECT sealed, seen_at FROM reception_sessions WHERE cookie = :cookie AND front = :front"
        " AND expires_at > :now AND seen_at > :idle",
        cookie=cookie, front=front, now=now, idle=now - settings.session_idle_seconds,
    )  # fmt: skip
    if row is None:
        return None
    try:
        return msgspec.json.decode(keys.unseal(_place(cookie), row["sealed"]), type=Guest), row["seen_at"]
    except msgspec.DecodeError:
        # Written by another version of this program: she signs in again.
        log.warning("session_unreadable", front=front)
        return None


async def touch(db: Transaction, now: float, keys: Keys, *, front: str, secret: str) -> None:
    """She is still here."""
    await db.run("UPDATE reception_sessions SET seen_at = :now WHERE cookie = :cookie AND seen_at < :now",
                 now=now, cookie=keys.digest(f"{front}:{secret}"))  # fmt: skip


async def end_session(db: Transaction, now: float, keys: Keys, *, front: str, secret: str, why: str) -> None:
    """End the session of a cookie, if there is one."""
    row = await db.one(
        "DELETE FROM reception_sessions WHERE cookie = :cookie RETURNING subject",
        cookie=keys.digest(f"{front}:{secret}"),
    )  # fmt: skip
    if row:
        await _write_end(db, now, keys, front, row, why)


async def end_by_provider(db: Transaction, now: float, keys: Keys, *, front: str, claims: LogoutToken) -> bool:
    """End what a logout token names (Back-Channel Logout 2.7); whether the token was new."""
    fresh = await db.run(
        "INSERT INTO reception_spent (mark, spent_at, expires_at) VALUES (:mark, :now, :until)"
        " ON CONFLICT (mark) DO NOTHING",
        mark=_mark(keys, "jti", front, claims.iss, claims.jti), now=now, until=claims.exp + CLOCK_SKEW_SECONDS,
    )  # fmt: skip
    if not fresh:
        return False
    subject, sid = _mark(keys, "sub", front, claims.iss, claims.sub), _mark(keys, "sid", front, claims.iss, claims.sid)
    await _take(db, now, [mark for mark, named in ((subject, claims.sub), (sid, claims.sid)) if named])
    # A sid names one session; one whose ID token had no sid cannot be told apart, and goes with its owner's others.
    which = "(sid = :sid OR (sid IS NULL AND subject = :subject))" if claims.sid else "subject = :subject"
    rows = await db.all(
        f"DELETE FROM reception_sessions WHERE front = :front AND {which} RETURNING subject",
        front=front, sid=sid, subject=subject,
    )  # fmt: skip
    await db.run(
        "INSERT INTO reception_spent (mark, spent_at, expires_at) VALUES (:mark, :now, :until)"
        " ON CONFLICT (mark) DO UPDATE SET spent_at = :now, expires_at = :until",
        mark=sid if claims.sid else subject, now=now, until=now + START_SECONDS,
    )  # fmt: skip
    for row in rows:
        await _write_end(db, now, keys, front, row, "provider")
    return True


async def _take(db: Transaction, now: float, marks: list[bytes]) -> float:
    """Keep these names for this transaction until it is over; when the provider last ended one of them (or 0).

    The statement waits for another transaction that has one of them, and reads what that one left. In one
    order, or two would wait for each other; and always before a row of reception_sessions is touched.
    """
    ended_at = 0.0
    for mark in sorted(marks):
        row = await db.one(
            "INSERT INTO reception_spent (mark, spent_at, expires_at) VALUES (:mark, 0, :now)"
            " ON CONFLICT (mark) DO UPDATE SET mark = :mark RETURNING spent_at",
            mark=mark, now=now,
        )  # fmt: skip
        ended_at = max(ended_at, row["spent_at"] if row else 0.0)
    return ended_at


async def _write_end(db: Transaction, now: float, keys: Keys, front: str, row: Row, why: str) -> None:
    await write_ledger(db, now, keys, "session.ended", bytes(row["subject"]).hex()[:32], {"front": front, "why": why})


async def forget_old_sessions(db: Database, now: float, settings: Settings) -> bool:
    """What is over, a little at a time; whether more is left."""
    more = [
        await sweep(db, "reception_spent", "mark", "expires_at <= :now", now=now),
        await sweep(db, "reception_sessions", "cookie", "expires_at <= :now", now=now),
        await sweep(db, "reception_sessions", "cookie", "seen_at <= :idle", idle=now - settings.session_idle_seconds),
    ]
    return any(more)


def _place(cookie: bytes) -> str:
    return f"reception_sessions.{tokens.encode(cookie)}"
