"""Credentials: the keys that a holder keeps on her phones and computers.

quarantine --(usable_at has come)--> active --(switched off, cancelled, deleted)--> revoked
                                     active <--(her incident: see holds)--> frozen
"""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from lucine.safe import Keys, Reader, Row, Transaction, among, tokens, write_ledger
from lucine.web import Refusal

from .holders import hold_holder
from .passkeys import NewCredential, Verified, verify_assertion

Kind = Literal["phone", "computer"]
NAME_MAX_LENGTH = 60


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A credential with what its holder may see of it."""

    id: str
    webauthn_id: str
    holder: str
    kind: Kind
    name: str
    created_at: float
    usable_at: float
    used_at: float | None
    push: bytes | None
    quiet_start: str
    quiet_end: str
    frozen_at: float | None
    made_in: str

    @property
    def in_person(self) -> bool:
        """Whether her card or an operator vouched for it: nobody else can."""
        return self.kind == "phone" and not self.made_in and self.usable_at <= self.created_at

    def active(self, now: float) -> bool:
        """Whether it may approve: its quarantine, if it had one, is over, and it is not frozen."""
        return self.usable_at <= now and self.frozen_at is None


COLUMNS = (
    "id, webauthn_id, holder, kind, name, created_at, usable_at, used_at, push, quiet_start, quiet_end, frozen_at,"
    " made_in"
)
# What ``active`` says, as SQL with :now.
ACTIVE = "revoked_at IS NULL AND frozen_at IS NULL AND usable_at <= :now"


def state_of(device: Device, now: float) -> Literal["active", "quarantine", "frozen"]:
    """As its holder reads it."""
    if device.frozen_at is not None:
        return "frozen"
    return "active" if device.active(now) else "quarantine"


def _device(row: Row) -> Device:
    return Device(**dict(row))


async def add_credential(
    db: Transaction, now: float, keys: Keys, *, holder: str, kind: Kind, name: str, new: NewCredential,
    usable_at: float, made_in: str = "",
) -> tuple[str, str]:  # fmt: skip
    """Keep a new credential; its id and, for a phone, the secret of its cookie.

    ``made_in``: the session in which she added it; it goes if that sign-in was not hers.
    """
    credential, secret = tokens.new_secret(128), tokens.new_secret()
    added = await db.run(
        "INSERT INTO phone_credentials (id, webauthn_id, holder, kind, name, public_key, sign_count, backed_up,"
        " cookie, created_at, usable_at, made_in, quiet_start, quiet_end) VALUES (:id, :webauthn_id, :holder, :kind,"
        " :name, :public_key, :sign_count, :backed_up, :cookie, :now, :usable_at, :made_in, '', '')"
        " ON CONFLICT (webauthn_id) DO NOTHING",
        id=credential, webauthn_id=new.webauthn_id, holder=holder, kind=kind, name=name[:NAME_MAX_LENGTH],
        public_key=new.public_key, sign_count=new.sign_count, backed_up=int(new.backed_up),
        cookie=keys.digest(secret) if kind == "phone" else None, now=now, usable_at=usable_at, made_in=made_in,
    )  # fmt: skip
    if not added:
        raise Refusal("webauthn", "Cette clé est déjà enregistrée.", "credential id is taken", status=409)
    await write_ledger(db, now, keys, f"{kind}.enrolled", holder, {"credential": credential})
    return credential, secret


async def device_with_cookie(db: Reader, keys: Keys, cookie: str) -> Device | None:
    """The phone that holds this cookie: active, in quarantine or frozen."""
    row = await db.one(
        f"SELECT {COLUMNS} FROM phone_credentials WHERE cookie = :cookie AND revoked_at IS NULL",
        cookie=keys.digest(cookie),
    )
    return _device(row) if row else None


async def is_kept(db: Reader, device: Device) -> bool:
    """Whether the device has not been switched off or frozen meanwhile."""
    kept = "SELECT id FROM phone_credentials WHERE id = :id AND revoked_at IS NULL AND frozen_at IS NULL"
    return await db.one(kept, id=device.id) is not None


async def devices_of(db: Reader, holder: str, kind: Kind | None = None) -> list[Device]:
    """Her phones, her computer passkeys, or both (phones first), that are not revoked, newest first."""
    rows = await db.all(
        f"SELECT {COLUMNS} FROM phone_credentials"
        " WHERE holder = :holder AND (kind = :kind OR CAST(:kind AS TEXT) IS NULL) AND revoked_at IS NULL"
        " ORDER BY kind DESC, created_at DESC",
        holder=holder, kind=kind,
    )  # fmt: skip
    return [_device(row) for row in rows]


async def names_of_credentials(db: Reader, holder: str) -> dict[str, str]:
    """What each of her phones and passkeys is called, also those that are gone."""
    rows = await db.all("SELECT id, name FROM phone_credentials WHERE holder = :holder", holder=holder)
    return {row["id"]: row["name"] for row in rows}


async def holders_of_numbers(db: Reader, now: float, numbers: Iterable[str]) -> dict[str, tuple[str, bool]]:
    """Who has these numbers, and whether she has a phone that may approve; nothing for a number without holder."""
    which, values = among(numbers)
    rows = await db.all(
        "SELECT phone_holders.national_id, phone_holders.id, COUNT(phone_credentials.id) AS phones FROM phone_holders"
        " LEFT JOIN phone_credentials ON phone_credentials.holder = phone_holders.id AND kind = 'phone'"
        f" AND {ACTIVE} WHERE phone_holders.national_id IN {which}"
        " GROUP BY phone_holders.national_id, phone_holders.id",
        now=now, **values,
    )  # fmt: skip
    return {row["national_id"]: (row["id"], row["phones"] > 0) for row in rows}


async def verify_credential(
    db: Transaction,
    now: float,
    keys: Keys,
    credential: dict[str, Any],
    *,
    challenge: bytes,
    rp_id: str,
    origin: str,
    holder: str | None,
    kind: Kind | None,
) -> Device:
    """The active credential that made this assertion, of this holder (anybody's if None). Refusal otherwise."""
    said = credential.get("id")
    row = await db.one(
        f"SELECT {COLUMNS}, public_key, sign_count FROM phone_credentials"
        f" WHERE webauthn_id = :id AND {ACTIVE}",
        id=said if isinstance(said, str) else "", now=now,
    )  # fmt: skip
    if row is None or (holder and row["holder"] != holder) or (kind and row["kind"] != kind):
        raise Refusal("webauthn", "Cette clé n'est pas reconnue, ou pas encore active.", "no such key", status=403)
    await hold_holder(db, row["holder"])
    seen: Verified = verify_assertion(
        credential, challenge=challenge, rp_id=rp_id, origin=origin,
        public_key=row["public_key"], sign_count=row["sign_count"], holder=row["holder"], discovered=holder is None,
    )  # fmt: skip
    if not await db.run(
        "UPDATE phone_credentials SET sign_count = :count, backed_up = :backed_up, used_at = :now"
        " WHERE id = :id AND revoked_at IS NULL AND frozen_at IS NULL",
        count=max(seen.sign_count, row["sign_count"]), backed_up=int(seen.backed_up), now=now, id=row["id"],
    ):  # fmt: skip
        raise Refusal(
            "webauthn", "Cette clé n'est pas reconnue, ou pas encore active.", "revoked meanwhile", status=403
        )
    if seen.regressed:
        await write_ledger(db, now, keys, "credential.counter_went_back", row["holder"], {"credential": row["id"]})
    kept = {name: row[name] for name in COLUMNS.split(", ")}
    return Device(**kept)


async def rename_credential(db: Transaction, *, holder: str, credential: str, name: str) -> bool:
    """Whether it was hers to rename."""
    return bool(
        await db.run(
            "UPDATE phone_credentials SET name = :name WHERE id = :id AND holder = :holder AND revoked_at IS NULL",
            name=name[:NAME_MAX_LENGTH], id=credential, holder=holder,
        )
    )  # fmt: skip


async def revoke_credentials(
    db: Transaction, now: float, keys: Keys, *, holder: str, why: str, kind: Kind | None = None,
    credential: str | None = None, made_in: str | None = None,
) -> list[str]:  # fmt: skip
    """Switch off her credentials, all or those of a kind, an id, a session; their ids. Their sessions: see signin."""
    gone = await db.all(
        "UPDATE phone_credentials SET revoked_at = :now, cookie = NULL, push = NULL"
        " WHERE holder = :holder AND revoked_at IS NULL AND (kind = :kind OR CAST(:kind AS TEXT) IS NULL)"
        " AND (id = :id OR CAST(:id AS TEXT) IS NULL) AND (made_in = :made_in OR CAST(:made_in AS TEXT) IS NULL)"
        " RETURNING id, kind",
        now=now, holder=holder, kind=kind, id=credential, made_in=made_in,
    )  # fmt: skip
    for row in gone:
        await db.run("DELETE FROM phone_typed_codes WHERE credential = :id", id=row["id"])
        await write_ledger(db, now, keys, f"{row['kind']}.revoked", holder, {"credential": row["id"], "why": why})
    return [row["id"] for row in gone]
