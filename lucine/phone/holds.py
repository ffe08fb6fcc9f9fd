"""What stands still while she is in an incident: frozen credentials approve nothing, held enrolments add nothing.

Both are undone by her alone, after a recent sign-in, or by an operator. Her card and an operator still vouch for a
new phone: who stands there in person is never locked out.
"""

from collections.abc import Iterable

from lucine.safe import Keys, Reader, Transaction, among, write_ledger
from lucine.web import Refusal

from .notices import tell_holder

HELD = ("desk", "link", "codes")  # kinds of vouchers that a hold stops


async def freeze_credentials(
    db: Transaction, now: float, keys: Keys, *, holder: str, credentials: Iterable[str]
) -> list[str]:
    """Freeze these phones and passkeys of hers; those that were not frozen before. Their sessions go on."""
    which, values = among(credentials)
    frozen = await db.all(
        f"UPDATE phone_credentials SET frozen_at = :now WHERE holder = :holder AND id IN {which}"
        " AND revoked_at IS NULL AND frozen_at IS NULL RETURNING id, kind",
        now=now, holder=holder, **values,
    )  # fmt: skip
    for row in frozen:
        await write_ledger(db, now, keys, f"{row['kind']}.frozen", holder, {"credential": row["id"]})
    return [row["id"] for row in frozen]


async def thaw_credential(db: Transaction, now: float, keys: Keys, *, holder: str, credential: str) -> bool:
    """It may approve again, and every channel of hers is told; whether it was frozen."""
    thawed = await db.one(
        "UPDATE phone_credentials SET frozen_at = NULL WHERE holder = :holder AND frozen_at IS NOT NULL"
        " AND revoked_at IS NULL AND id = :id RETURNING kind",
        holder=holder, id=credential,
    )  # fmt: skip
    if thawed:
        await write_ledger(db, now, keys, f"{thawed['kind']}.thawed", holder, {"credential": credential})
        await tell_holder(db, now, keys, holder=holder, what="let_go", thawed=True)
    return thawed is not None


async def hold_enrolments(db: Transaction, now: float, keys: Keys, *, holder: str) -> bool:
    """No phone and no passkey is added to her, but with her card or before an operator; whether that is new."""
    held = await db.run("UPDATE phone_holders SET held_at = :now WHERE id = :id AND held_at IS NULL",
                        now=now, id=holder)  # fmt: skip
    if held:
        await write_ledger(db, now, keys, "enrolments.held", holder)
    return bool(held)


async def release_enrolments(db: Transaction, now: float, keys: Keys, *, holder: str) -> bool:
    """She may add phones and passkeys again, and every channel of hers is told; whether they were held."""
    released = await db.run("UPDATE phone_holders SET held_at = NULL WHERE id = :id AND held_at IS NOT NULL", id=holder)
    if released:
        await write_ledger(db, now, keys, "enrolments.released", holder)
        await tell_holder(db, now, keys, holder=holder, what="let_go", thawed=False)
    return bool(released)


async def held_since(db: Reader, holder: str) -> float | None:
    """Since when her enrolments are held; None if they are not."""
    row = await db.one("SELECT held_at FROM phone_holders WHERE id = :id", id=holder)
    return row["held_at"] if row else None


async def require_no_hold(db: Reader, holder: str) -> None:
    """Refusal while her enrolments are held."""
    if await held_since(db, holder) is not None:
        words = "Les ajouts sont arrêtés depuis votre incident. Permettez-les d'abord, depuis la page de l'incident."
        raise Refusal("held", words, "enrolments are held", status=409)
