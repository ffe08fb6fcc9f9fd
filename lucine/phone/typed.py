"""The typed code, for who cannot scan: armed, announced on every channel, usable after a delay.

none --arm--> waiting --(usable_at)--> ready: a code is drawn --(typed on a screen)--> none
"""

import msgspec

from lucine.safe import Keys, Transaction, tokens, write_ledger
from lucine.web import Refusal
from lucine.web.settings import Settings

from .asks import SCREEN_CODE_LENGTH, Ask, claim_for, gone, read_code
from .credentials import ACTIVE, COLUMNS, Device
from .notices import CANCEL_SECONDS, new_cancel, tell_holder

CODE_SECONDS = 600
ARMED_SECONDS = 24 * 3600
ARMED_MAX_PER_DAY = 3  # each is told on every channel, and a phone that lies unlocked would tell it without end


class Typed(msgspec.Struct, frozen=True, kw_only=True):
    """The state of her typed code; ``code`` only when it is ready."""

    state: str
    usable_at: float = 0.0
    code: str = ""
    expires_at: float = 0.0


async def arm_typed_code(db: Transaction, now: float, keys: Keys, settings: Settings, *, device: Device) -> Typed:
    """Start the delay, and tell all her channels."""
    usable_at = now + settings.fallback_delay_minutes * 60
    await _forget_expired(db, now, holder=device.holder)
    today = await db.all(
        "SELECT digest FROM phone_cancels WHERE holder = :holder AND expires_at > :since AND what = 'typed'"
        " LIMIT :most",
        holder=device.holder, since=now + CANCEL_SECONDS - 86400, most=ARMED_MAX_PER_DAY,
    )  # fmt: skip
    if len(today) == ARMED_MAX_PER_DAY and (await typed_code_of(db, now, keys, device=device)).state == "none":
        words = "Vous avez demandé ce code plusieurs fois aujourd'hui. Réessayez demain, ou scannez l'écran."
        raise Refusal("too_many", words, "armed too often", status=429)
    added = await db.run(
        "INSERT INTO phone_typed_codes (holder, credential, armed_at, usable_at, expires_at)"
        " VALUES (:holder, :credential, :now, :usable_at, :expires) ON CONFLICT (holder) DO NOTHING",
        holder=device.holder, credential=device.id, now=now, usable_at=usable_at, expires=now + ARMED_SECONDS,
    )  # fmt: skip
    if added:
        cancel = await new_cancel(db, now, keys, holder=device.holder, what="typed", target=device.id)
        await tell_holder(
            db, now, keys, holder=device.holder, what="typed_code",
            usable_at=usable_at, link=f"{settings.origin}/cancel?token={cancel}",
        )  # fmt: skip
        await write_ledger(db, now, keys, "typed_code.armed", device.holder, {"credential": device.id})
    return await typed_code_of(db, now, keys, device=device)


async def typed_code_of(db: Transaction, now: float, keys: Keys, *, device: Device) -> Typed:
    """Where her typed code stands; once the delay has passed a code is drawn for CODE_SECONDS."""
    await _forget_expired(db, now, holder=device.holder)
    row = await db.one(
        "SELECT * FROM phone_typed_codes WHERE holder = :holder AND credential = :credential",
        holder=device.holder, credential=device.id,
    )  # fmt: skip
    if row is None:
        return Typed(state="none")
    if now < row["usable_at"]:
        return Typed(state="waiting", usable_at=row["usable_at"])
    place = f"phone_typed_codes.{device.holder}"
    if row["code"] is not None:
        code = keys.unseal(place, row["code"]).decode()
        return Typed(state="ready", usable_at=row["usable_at"], code=code, expires_at=row["expires_at"])
    code, expires_at = tokens.new_code(SCREEN_CODE_LENGTH), now + CODE_SECONDS
    await db.run(
        "UPDATE phone_typed_codes SET digest = :digest, code = :code, expires_at = :expires WHERE holder = :holder",
        digest=keys.digest("typed:" + code), code=keys.seal(place, code.encode()), expires=expires_at,
        holder=device.holder,
    )  # fmt: skip
    return Typed(state="ready", usable_at=row["usable_at"], code=code, expires_at=expires_at)


async def _forget_expired(db: Transaction, now: float, *, holder: str) -> None:
    await db.run("DELETE FROM phone_typed_codes WHERE holder = :holder AND expires_at <= :now", holder=holder, now=now)


async def disarm_typed_code(db: Transaction, now: float, keys: Keys, *, holder: str) -> None:
    """Forget it."""
    if await db.run("DELETE FROM phone_typed_codes WHERE holder = :holder", holder=holder):
        await write_ledger(db, now, keys, "typed_code.disarmed", holder)


async def claim_by_typed_code(db: Transaction, now: float, keys: Keys, *, ask: str, code: str) -> Ask:
    """The code was typed on the asking screen: that ask now waits on the phone that showed it."""
    row = await db.one(
        "DELETE FROM phone_typed_codes WHERE digest = :digest AND expires_at > :now RETURNING credential",
        digest=keys.digest("typed:" + read_code(code)), now=now,
    )  # fmt: skip
    if row is None:
        raise gone()
    phone = await db.one(
        f"SELECT {COLUMNS} FROM phone_credentials WHERE id = :id AND {ACTIVE}",
        id=row["credential"], now=now,
    )  # fmt: skip
    if phone is None:
        raise gone()
    return await claim_for(db, now, ask=ask, device=Device(**dict(phone)))
