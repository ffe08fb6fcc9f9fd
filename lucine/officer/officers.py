"""Officers: who may watch. They are no health professionals: no number, no phone, a passkey alone.

invited (a link, one hour, once) --(she makes her passkey)--> officer --(an operator)--> removed
"""

from typing import Any

import msgspec

from lucine.phone.passkeys import NewCredential, Verified, verify_assertion
from lucine.safe import Keys, Reader, Transaction, tokens, write_ledger
from lucine.web import Refusal

from .sessions import end_sessions

INVITATION_SECONDS = 3600
NAME_MAX_LENGTH = 60
MAIL_MAX_LENGTH = 254  # RFC 5321 section 4.5.3.1.3, without its angle brackets


class Officer(msgspec.Struct, frozen=True, kw_only=True):
    """An officer as operators see her. ``id`` is random; it is also her passkey's user handle.

    ``passkeys``: none until she has followed her invitation. ``used_at``: when she last signed in.
    """

    id: str
    name: str
    mail: str
    added_at: float
    told_until: float
    passkeys: int
    used_at: float | None


def _gone(detail: str) -> Refusal:
    words = "Cette invitation n'est plus valable. Demandez-en une autre."
    return Refusal("gone", words, detail, status=410)


async def invite_officer(db: Transaction, now: float, keys: Keys, *, name: str, mail: str) -> tuple[str, str]:
    """Her id, and the secret of the link by which she makes her passkey. ValueError if name or mail cannot be."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= NAME_MAX_LENGTH or not name.isprintable():
        raise ValueError(f"a name has 1 to {NAME_MAX_LENGTH} printable characters")
    local, _, host = mail.rpartition("@")
    if not local or "." not in host or len(mail) > MAIL_MAX_LENGTH or not mail.isprintable() or " " in mail:
        raise ValueError(f"{mail!r} is not a mail address")
    # An operator types the id: it may not begin like an option.
    officer, secret = tokens.new_code(22), tokens.new_secret()
    await db.run(
        "INSERT INTO officer_people (id, name, mail, added_at, told_until) VALUES (:id, :name, :mail, :now, :now)",
        id=officer, name=name, mail=keys.seal(f"officer_people.mail.{officer}", mail.encode()), now=now,
    )  # fmt: skip
    await db.run(
        "INSERT INTO officer_invitations (digest, officer, expires_at) VALUES (:digest, :officer, :expires)",
        digest=keys.digest(secret), officer=officer, expires=now + INVITATION_SECONDS,
    )  # fmt: skip
    await write_ledger(db, now, keys, "officer.invited", "", {"officer": officer})
    return officer, secret


async def list_officers(db: Reader, keys: Keys) -> list[Officer]:
    """Those who are not removed, by name."""
    rows = await db.all(
        "SELECT id, name, mail, added_at, told_until,"
        " (SELECT COUNT(*) FROM officer_passkeys WHERE officer = officer_people.id) AS passkeys,"
        " (SELECT MAX(used_at) FROM officer_passkeys WHERE officer = officer_people.id) AS used_at"
        " FROM officer_people WHERE removed_at IS NULL ORDER BY name, id"
    )
    return [
        Officer(**{**dict(row), "mail": keys.unseal(f"officer_people.mail.{row['id']}", row["mail"]).decode()})
        for row in rows
    ]


async def officer_names(db: Reader) -> dict[str, str]:
    """The name of each officer, removed or not: what she did stays signed."""
    return {row["id"]: row["name"] for row in await db.all("SELECT id, name FROM officer_people")}


async def remove_officer(db: Transaction, now: float, keys: Keys, *, officer: str) -> None:
    """She watches no more, from this moment on. ValueError if there is no such officer."""
    if not await db.run(
        "UPDATE officer_people SET removed_at = :now WHERE id = :id AND removed_at IS NULL", now=now, id=officer
    ):
        raise ValueError(f"no officer {officer!r}")
    await db.run("DELETE FROM officer_invitations WHERE officer = :officer", officer=officer)
    await db.run("DELETE FROM officer_passkeys WHERE officer = :officer", officer=officer)
    await write_ledger(db, now, keys, "officer.removed", "", {"officer": officer})
    await end_sessions(db, now, keys, officer=officer, why="removed")


async def invited_officer(db: Reader, now: float, keys: Keys, secret: str) -> tuple[str, str]:
    """Whom an invitation is for: id and name. Refusal if it is used, too old, or nobody's."""
    row = await db.one(
        "SELECT id, name FROM officer_people WHERE removed_at IS NULL AND id ="
        " (SELECT officer FROM officer_invitations WHERE digest = :digest AND expires_at > :now)",
        digest=keys.digest(secret), now=now,
    )  # fmt: skip
    if row is None:
        raise _gone("no such invitation")
    return row["id"], row["name"]


async def accept_invitation(db: Transaction, now: float, keys: Keys, *, secret: str, new: NewCredential) -> str:
    """Her passkey, once for each invitation; the officer's id."""
    row = await db.one(
        "DELETE FROM officer_invitations WHERE digest = :digest AND expires_at > :now RETURNING officer",
        digest=keys.digest(secret), now=now,
    )  # fmt: skip
    if row is None:
        raise _gone("invitation used meanwhile")
    added = await db.run(
        "INSERT INTO officer_passkeys (webauthn_id, officer, public_key, sign_count, backed_up, made_at)"
        " VALUES (:id, :officer, :key, :count, :backed_up, :now) ON CONFLICT (webauthn_id) DO NOTHING",
        id=new.webauthn_id, officer=row["officer"], key=new.public_key, count=new.sign_count,
        backed_up=int(new.backed_up), now=now,
    )  # fmt: skip
    if not added:  # WebAuthn section 7.1 step 26
        words = "Cette clé existe déjà. Réessayez avec une autre."
        raise Refusal("webauthn", words, "credential id taken", status=403)
    await write_ledger(db, now, keys, "officer.passkey_made", row["officer"])
    return str(row["officer"])


async def officer_with_passkey(
    db: Transaction, now: float, keys: Keys, credential: dict[str, Any], *, challenge: bytes, rp_id: str, origin: str
) -> str:
    """The id of the officer whose passkey made this assertion. Refusal otherwise, in the same words for all."""
    said = credential.get("id")
    row = await db.one(
        "SELECT webauthn_id, officer, public_key, sign_count FROM officer_passkeys"
        " JOIN officer_people ON officer_people.id = officer WHERE webauthn_id = :id AND removed_at IS NULL",
        id=said if isinstance(said, str) else "",
    )
    if row is None:
        words = "Cette clé n'ouvre pas la veille."
        raise Refusal("webauthn", words, "no officer's key", status=403)
    seen: Verified = verify_assertion(
        credential, challenge=challenge, rp_id=rp_id, origin=origin, public_key=row["public_key"],
        sign_count=row["sign_count"], holder=row["officer"], discovered=True,
    )  # fmt: skip
    await db.run(
        "UPDATE officer_passkeys SET sign_count = :count, backed_up = :backed_up, used_at = :now"
        " WHERE webauthn_id = :id",
        count=max(seen.sign_count, row["sign_count"]), backed_up=int(seen.backed_up), now=now, id=row["webauthn_id"],
    )  # fmt: skip
    if seen.regressed:
        await write_ledger(db, now, keys, "officer.counter_went_back", row["officer"])
    return str(row["officer"])
