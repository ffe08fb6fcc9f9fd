"""Proof of work: while a service is under attack, the screen of a browser computes before it can show a code.

The challenge is ALTCHA's (version 2, PBKDF2 with a counter that was chosen beforehand), written and checked
here: its Python library costs the server more time than the proof itself, and an attack must not gain by that.
Everything in it follows from the start's id under our key, so a solution fits one start, and lives no longer.

The puzzle prices nuisance, never trust: a passkey, a typed code and a browser that proves its key go without.
"""

from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from lucine.safe import Keys, Transaction, tokens

COST = 200  # PBKDF2 rounds of one try: 26 us natively, about 50 us in a browser
TRIES = 4000  # at most, at level 1: half of it on average, so 0.1 s of one core
LEVEL_FACTOR = 2
KEY_LENGTH = 32  # bytes
PREFIX_LENGTH = 16  # bytes of the key that are told, so that a wrong counter is never taken for the right one


def _seeds(keys: Keys, start: str) -> tuple[bytes, bytes]:
    """Nonce and salt, 16 bytes each."""
    drawn = keys.mac("work", start.encode())
    return drawn[:16], drawn[16:]


def counter_of(keys: Keys, start: str, level: int) -> int:
    """What the browser must find by counting up from 0: evenly drawn, so that nobody has a very bad day."""
    drawn = int.from_bytes(keys.mac("work counter", start.encode())[:8])
    return drawn % (TRIES * int(LEVEL_FACTOR ** (level - 1)))


def new_work(keys: Keys, start: str, level: int) -> bytes:
    """What a start owes: the prefix that its browser must find, then what tells us that it did. 48 bytes."""
    nonce, salt = _seeds(keys, start)
    counter = counter_of(keys, start, level)
    found = PBKDF2HMAC(SHA256(), KEY_LENGTH, salt, COST).derive(nonce + counter.to_bytes(4))
    return found[:PREFIX_LENGTH] + keys.mac("work key", found)


def challenge_of(keys: Keys, start: str, work: bytes) -> dict[str, Any]:
    """The challenge as ALTCHA's solvers read it."""
    nonce, salt = _seeds(keys, start)
    return {
        "algorithm": "PBKDF2/SHA-256", "nonce": nonce.hex(), "salt": salt.hex(), "cost": COST,
        "keyLength": KEY_LENGTH, "keyPrefix": work[:PREFIX_LENGTH].hex(),
    }  # fmt: skip


def is_solved(keys: Keys, work: bytes, derived_key: str) -> bool:
    """Whether this is the derived key, in hexadecimal: a MAC, and not the computation once more."""
    try:
        said = bytes.fromhex(derived_key)
    except ValueError:
        return False
    return tokens.same(work[PREFIX_LENGTH:], keys.mac("work key", said))


async def take_work(db: Transaction, *, start: str, work: bytes) -> bool:
    """The start owes nothing more; whether it did."""
    return bool(await db.run("UPDATE signin_starts SET work = NULL WHERE id = :id AND work = :work",
                             id=start, work=work))  # fmt: skip
