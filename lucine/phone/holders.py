"""Holders: professionals who have, or may enrol, a phone. Their mail and mobile are sealed."""

import msgspec

from lucine.directory import find_professional
from lucine.safe import Keys, Reader, Transaction, tokens, write_ledger
from lucine.web import Refusal


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A person who signs in. ``id`` is random and opaque; ``national_id`` is 8 and the RPPS number."""

    id: str
    national_id: str
    name: str
    language: str


COLUMNS = "id, national_id, name, language"


async def add_holder(
    db: Transaction, now: float, keys: Keys, *, national_id: str, mail: str = "", mobile: str = "", language: str = "fr"
) -> Holder:
    """The holder of a number that the directory knows, with the channels that the Order keeps of her.

    Called again it renews the channels that are given. Refusal if nobody in the directory has the number.
    """
    person = await find_professional(db, national_id)
    if person is None:
        raise Refusal("unknown_number", "Ce numéro n'est pas dans l'annuaire.", "not in the directory", status=404)
    name = person.full_name
    await db.run(
        "INSERT INTO phone_holders (id, national_id, name, language, created_at, rings_since_success)"
        " VALUES (:id, :number, :name, :language, :now, 0) ON CONFLICT (national_id) DO NOTHING",
        id=tokens.new_secret(128), number=national_id, name=name, language=language, now=now,
    )  # fmt: skip
    holder = await holder_of_number(db, national_id)
    assert holder is not None
    for channel, address in (("mail", mail), ("mobile", mobile)):
        if address:
            sealed = keys.seal(f"phone_holders.{channel}.{holder.id}", _plain(channel, address).encode())
            await db.run(f"UPDATE phone_holders SET {channel} = :sealed WHERE id = :id", sealed=sealed, id=holder.id)
    await write_ledger(db, now, keys, "holder.added", holder.id)
    return holder


def _plain(channel: str, address: str) -> str:
    """An address as it is compared: mail in lower case, a mobile as digits (+33 6... and 06... are one)."""
    if channel == "mail":
        return address.strip().lower()
    digits = "".join(character for character in address if character.isdigit())
    return "0" + digits.removeprefix("0033").removeprefix("33") if digits.startswith(("33", "0033")) else digits


async def holder_of_number(db: Reader, national_id: str) -> Holder | None:
    """The holder of a number, if she is one."""
    row = await db.one(f"SELECT {COLUMNS} FROM phone_holders WHERE national_id = :number", number=national_id)
    return Holder(**dict(row)) if row else None


async def find_holder(db: Reader, holder: str) -> Holder:
    """The holder with this id, which must exist."""
    row = await db.one(f"SELECT {COLUMNS} FROM phone_holders WHERE id = :id", id=holder)
    assert row is not None
    return Holder(**dict(row))


async def hold_holder(db: Transaction, holder: str) -> None:
    """Taken first by whatever changes several of her asks, phones and sessions: such acts come one after the other.

    Otherwise "not me" and an approval sent together could wait for each other, or pass each other by.
    """
    await db.run("UPDATE phone_holders SET language = language WHERE id = :id", id=holder)


async def channels_of(db: Reader, keys: Keys, holder: str) -> dict[str, str]:
    """Her mail and mobile, in clear, where the registration authority gave them."""
    row = await db.one("SELECT mail, mobile FROM phone_holders WHERE id = :id", id=holder)
    assert row is not None
    return {
        channel: keys.unseal(f"phone_holders.{channel}.{holder}", row[channel]).decode()
        for channel in ("mail", "mobile")
        if row[channel] is not None
    }


def same_channels(known: dict[str, str], mail: str, mobile: str) -> bool:
    """Whether there are both private addresses, and they are the ones on record; in constant time."""
    said = {"mail": _plain("mail", mail), "mobile": _plain("mobile", mobile)}
    right = [tokens.same(known.get(channel, ""), said[channel]) for channel in said]
    return known.keys() == said.keys() and all(right)
