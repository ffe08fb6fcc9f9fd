"""Sign-ins under way. What must come back unchanged lies in a row that only the browser that left can take, once.

open --the browser comes back in time--> spent
     --START_SECONDS---------------------> forgotten
"""

import msgspec

from lucine.safe import Database, Keys, Transaction, sweep, tokens

START_SECONDS = 900


class Start(msgspec.Struct, frozen=True):
    """What must come back unchanged, and when its owner left."""

    nonce: str
    verifier: str
    began_at: float


def new_start(now: float) -> tuple[str, Start]:
    """A state and what belongs to it."""
    return tokens.new_secret(), Start(nonce=tokens.new_secret(), verifier=tokens.new_secret(384), began_at=now)


async def keep_start(
    db: Transaction, now: float, keys: Keys, *, front: str, browser: str, state: str, start: Start
) -> None:
    """Keep a start for this browser. It may keep several: each tab finishes its own."""
    digest = keys.digest(f"state:{state}")
    await db.run(
        "INSERT INTO reception_starts (state, front, browser, sealed, expires_at)"
        " VALUES (:state, :front, :browser, :sealed, :expires)",
        state=digest, front=front, browser=keys.digest(f"browser:{browser}"), expires=now + START_SECONDS,
        sealed=keys.seal(_place(digest), msgspec.json.encode(start)),
    )  # fmt: skip


async def take_start(db: Transaction, now: float, keys: Keys, *, front: str, browser: str, state: str) -> Start | None:
    """The start of this state, if this browser began it, nobody took it and it is still in time."""
    digest = keys.digest(f"state:{state}")
    row = await db.one(
        "UPDATE reception_starts SET spent_at = :now WHERE state = :state AND front = :front AND browser = :browser"
        " AND spent_at IS NULL AND expires_at > :now RETURNING sealed",
        now=now, state=digest, front=front, browser=keys.digest(f"browser:{browser}"),
    )  # fmt: skip
    return msgspec.json.decode(keys.unseal(_place(digest), row["sealed"]), type=Start) if row else None


async def forget_old_starts(db: Database, now: float) -> bool:
    """What is over, a little at a time; whether more is left."""
    return await sweep(db, "reception_starts", "state", "expires_at <= :now", now=now)


def _place(digest: bytes) -> str:
    return f"reception_starts.{tokens.encode(digest)}"
