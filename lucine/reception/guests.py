"""Who is signed in at a front: what her provider says of her, kept in a session of our own.

All of userinfo is another's word: unknown members are left aside, missing ones are "", long ones cut.
"""

import csv
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from lucine.safe import Keys, Reader, Transaction, tokens

SESSION_SECONDS = 4 * 3600
IDLE_SECONDS = 1800
TOUCHED_AFTER_SECONDS = 60
TEXT_MAX_LENGTH = 200
PLACES_MAX = 20


class Guest(msgspec.Struct, frozen=True, kw_only=True):
    """A professional who is signed in, as she reads herself."""

    subject: str
    sid: str
    first_name: str
    last_name: str
    profession: str
    places: list[str]
    id_token: str


@cache
def _professions() -> dict[str, str]:
    with (Path(__file__).parent / "data" / "TRE_G15-ProfessionSante.csv").open(encoding="utf-8") as file:
        return {row["code"]: row["libelle"] for row in csv.DictReader(file)}


def _text(said: Any, name: str) -> str:
    value = said.get(name, "") if isinstance(said, dict) else ""
    return " ".join(value.split())[:TEXT_MAX_LENGTH] if isinstance(value, str) else ""


def _list(said: Any, name: str) -> list[Any]:
    value = said.get(name, []) if isinstance(said, dict) else []
    return value if isinstance(value, list) else []


def read_guest(claims: dict[str, Any], person: dict[str, Any], id_token: str) -> Guest:
    """A guest from an ID token and userinfo in Pro Santé Connect's structure."""
    exercices = _list(person.get("SubjectRefPro"), "exercices")
    first = exercices[0] if exercices else {}
    places = [
        " · ".join(part for part in (_text(activity, "raisonSocialeSite"), _text(activity, "bureauCedex")) if part)
        for exercice in exercices
        for activity in _list(exercice, "activities")
    ]
    return Guest(
        subject=_text(claims, "sub"),
        sid=_text(claims, "sid"),
        first_name=_text(person, "given_name") or _text(first, "prenomDexercice"),
        last_name=_text(person, "family_name") or _text(first, "nomDexercice"),
        profession=_professions().get(_text(first, "codeProfession"), ""),
        places=[place for place in dict.fromkeys(places) if place][:PLACES_MAX],
        id_token=id_token,
    )


async def welcome(db: Transaction, now: float, keys: Keys, *, front: str, guest: Guest) -> str:
    """Open a session; the secret of its cookie."""
    secret = tokens.new_secret()
    cookie = keys.digest(f"{front}:{secret}")
    await db.run(
        "INSERT INTO reception_sessions (cookie, front, subject, sid, sealed, began_at, seen_at, expires_at)"
        " VALUES (:cookie, :front, :subject, :sid, :sealed, :now, :now, :expires)",
        cookie=cookie, front=front, subject=guest.subject, sid=guest.sid, now=now, expires=now + SESSION_SECONDS,
        sealed=keys.seal(f"reception_sessions.{tokens.encode(cookie)}", msgspec.json.encode(guest)),
    )  # fmt: skip
    return secret


async def find_guest(db: Reader, now: float, keys: Keys, *, front: str, secret: str) -> tuple[Guest, float] | None:
    """The guest of a session that is open, and when she was last seen."""
    cookie = keys.digest(f"{front}:{secret}")
    row = await db.one(
        "SELECT sealed, seen_at FROM reception_sessions WHERE cookie = :cookie AND front = :front"
        " AND expires_at > :now AND seen_at > :idle",
        cookie=cookie, front=front, now=now, idle=now - IDLE_SECONDS,
    )  # fmt: skip
    if row is None:
        return None
    sealed = keys.unseal(f"reception_sessions.{tokens.encode(cookie)}", row["sealed"])
    return msgspec.json.decode(sealed, type=Guest), row["seen_at"]


async def touch(db: Transaction, now: float, keys: Keys, *, front: str, secret: str) -> None:
    """She is still here."""
    await db.run("UPDATE reception_sessions SET seen_at = :now WHERE cookie = :cookie",
                 now=now, cookie=keys.digest(f"{front}:{secret}"))  # fmt: skip


async def see_out(db: Transaction, keys: Keys, *, front: str, secret: str) -> None:
    """End the session of a cookie."""
    await db.run("DELETE FROM reception_sessions WHERE cookie = :cookie", cookie=keys.digest(f"{front}:{secret}"))


async def see_out_by_provider(db: Transaction, now: float, keys: Keys, *, front: str, claims: dict[str, Any]) -> bool:
    """End what a logout token names; whether the token was new."""
    fresh = await db.run(
        "INSERT INTO reception_spent (jti, expires_at) VALUES (:jti, :expires) ON CONFLICT (jti) DO NOTHING",
        jti=keys.digest(f"{front}:{claims['jti']}"), expires=now + 3600,
    )  # fmt: skip
    if not fresh:
        return False
    which = "sid = :key" if claims.get("sid") else "subject = :key"
    await db.run(
        f"DELETE FROM reception_sessions WHERE front = :front AND {which}",
        front=front, key=str(claims.get("sid") or claims["sub"]),
    )  # fmt: skip
    return True


async def forget_old(db: Transaction, now: float) -> None:
    """What is over."""
    await db.run("DELETE FROM reception_starts WHERE expires_at < :now", now=now)
    await db.run("DELETE FROM reception_spent WHERE expires_at < :now", now=now)
    await db.run("DELETE FROM reception_sessions WHERE expires_at < :now OR seen_at < :idle",
                 now=now, idle=now - IDLE_SECONDS)  # fmt: skip
