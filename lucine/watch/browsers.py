"""Known browsers: a cookie and a key that the browser cannot export.

The cookie's secret changes at each use. The browser may not have received the newest one (a lost
answer), so the current and the next secret are both good until the next one has been seen. Two
holders of one cookie therefore cannot both go on: the second to come presents a secret that has
been replaced, over a good signature, and the browser is forgotten.

    current --(current used: a fresh next is handed out)--> current + next
    current + next --(next used)--> next becomes current
    anything else, well signed --> forgotten, why = "copied"
"""

import json
from collections.abc import Iterable
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, Hash

from lucine.safe import Keys, Reader, Transaction, among, tokens, write_ledger

NAME_MAX_LENGTH = 60
KEPT_SECONDS = 400 * 86400  # the longest a browser keeps a cookie


class PublicKey(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """A browser's public key: a P-256 JWK (RFC 7518 section 6.2.1)."""

    kty: str
    crv: str
    x: str
    y: str


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that was copied, and is therefore forgotten."""

    id: str
    holder: str


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that its holder kept, its key's thumbprint, and the cookie it must hold from now on."""

    id: str
    holder: str
    name: str
    key: str
    cookie: str


def parse_key(key: PublicKey) -> ec.EllipticCurvePublicKey:
    """ValueError unless it is a point of P-256."""
    if (key.kty, key.crv) != ("EC", "P-256"):
        raise ValueError("a browser key is EC P-256")
    numbers = ec.EllipticCurvePublicNumbers(
        int.from_bytes(tokens.decode(key.x)), int.from_bytes(tokens.decode(key.y)), ec.SECP256R1()
    )
    return numbers.public_key()


def thumbprint(key: PublicKey) -> str:
    """RFC 7638, so that a request can commit to the key."""
    canonical = json.dumps({"crv": key.crv, "kty": key.kty, "x": key.x, "y": key.y}, separators=(",", ":"))
    digest = Hash(SHA256())
    digest.update(canonical.encode())
    return tokens.encode(digest.finalize())


def signed_by(key: PublicKey, signature: str, start: str, nonce: str) -> bool:
    """Whether the key signed this start (WebCrypto's raw r||s over ``lucine-browser:start:nonce``)."""
    try:
        raw = tokens.decode(signature)
        if len(raw) != 64:
            return False
        der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
        parse_key(key).verify(der, f"lucine-browser:{start}:{nonce}".encode(), ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


async def pair_browser(db: Transaction, now: float, keys: Keys, *, holder: str, name: str, key: PublicKey) -> Known:
    """Make a browser known: its holder approved from it and said that it is hers."""
    secret, browser = tokens.new_secret(), tokens.new_secret(128)
    await db.run(
        "INSERT INTO watch_browsers (id, holder, name, public_key, secret, paired_at, seen_at)"
        " VALUES (:id, :holder, :name, :key, :secret, :now, :now)",
        id=browser, holder=holder, name=name, key=msgspec.json.encode(key).decode(),
        secret=keys.digest(secret), now=now,
    )  # fmt: skip
    await write_ledger(db, now, keys, "browser.paired", holder, {"browser": browser})
    return Known(id=browser, holder=holder, name=name, key=thumbprint(key), cookie=f"{browser}.{secret}")


async def may_be_known(db: Reader, cookie: str | None) -> bool:
    """Whether to offer the one tap: the cookie names a browser that is kept. It proves nothing yet.

    Whatever its secret: a copy shows itself by the tap, and who holds one learns nothing from the page.
    """
    return await _find(db, cookie) is not None


async def owners_of_browsers(db: Reader, browsers: Iterable[str]) -> dict[str, str]:
    """Whose each of these browsers is, or was."""
    which, values = among(browsers)
    rows = await db.all(f"SELECT id, holder FROM watch_browsers WHERE id IN {which}", **values)
    return {row["id"]: row["holder"] for row in rows}


async def holder_of_cookie(db: Reader, cookie: str | None) -> str | None:
    """Whose browser this cookie names. It proves nothing."""
    row = await _find(db, cookie)
    return row["holder"] if row else None


async def recognise_browser(
    db: Transaction, now: float, keys: Keys, *, cookie: str | None, start: str, nonce: str, signature: str
) -> Known | Copied | None:
    """The known browser that sends this cookie and signed this start, with its next cookie; else None.

    A well-signed but outdated cookie is a copy: the browser is forgotten.
    """
    row = await _find(db, cookie)
    if row is None or cookie is None:
        return None
    key = msgspec.json.decode(row["public_key"], type=PublicKey)
    if not signed_by(key, signature, start, nonce):
        return None
    used = _generation(row, keys, cookie)
    if used is None:
        await forget_browser(db, now, keys, holder=row["holder"], browser=row["id"], why="copied")
        return Copied(id=row["id"], holder=row["holder"])
    secret = tokens.new_secret()
    changed = await db.run(
        "UPDATE watch_browsers SET secret = :used, next_secret = :next, seen_at = :now"
        " WHERE id = :id AND forgotten_at IS NULL AND (secret = :used OR next_secret = :used)",
        used=used, next=keys.digest(secret), now=now, id=row["id"],
    )  # fmt: skip
    if not changed:
        return None
    cookie = f"{row['id']}.{secret}"
    return Known(id=row["id"], holder=row["holder"], name=row["name"], key=thumbprint(key), cookie=cookie)


async def proves_known(db: Reader, keys: Keys, *, cookie: str | None, start: str, nonce: str, signature: str) -> bool:
    """Whether this is a known browser, with a cookie of now. Nothing changes by asking."""
    row = await _find(db, cookie)
    if row is None or _generation(row, keys, cookie) is None:
        return False
    return signed_by(msgspec.json.decode(row["public_key"], type=PublicKey), signature, start, nonce)


async def _find(db: Reader, cookie: str | None) -> Any:
    browser, _, secret = (cookie or "").partition(".")
    if not secret:
        return None
    return await db.one("SELECT * FROM watch_browsers WHERE id = :id AND forgotten_at IS NULL", id=browser)


def _generation(row: Any, keys: Keys, cookie: str | None) -> bytes | None:
    digest = keys.digest((cookie or "").partition(".")[2])
    for known in (row["secret"], row["next_secret"]):
        if known is not None and tokens.same(digest, known):
            return digest
    return None


async def browsers_of(db: Reader, holder: str) -> list[Any]:
    """Her known browsers, newest first: id, name, paired_at, seen_at."""
    return await db.all(
        "SELECT id, name, paired_at, seen_at FROM watch_browsers"
        " WHERE holder = :holder AND forgotten_at IS NULL ORDER BY seen_at DESC",
        holder=holder,
    )


async def names_of_browsers(db: Reader, holder: str) -> dict[str, str]:
    """What each of her known browsers is called, also those that are forgotten."""
    rows = await db.all("SELECT id, name FROM watch_browsers WHERE holder = :holder", holder=holder)
    return {row["id"]: row["name"] for row in rows}


async def rename_browser(db: Transaction, *, holder: str, browser: str, name: str) -> bool:
    """Whether it was hers to rename."""
    return bool(
        await db.run(
            "UPDATE watch_browsers SET name = :name WHERE id = :id AND holder = :holder AND forgotten_at IS NULL",
            name=name[:NAME_MAX_LENGTH], id=browser, holder=holder,
        )
    )  # fmt: skip


async def forget_browser(
    db: Transaction, now: float, keys: Keys, *, holder: str, browser: str | None = None, why: str
) -> int:
    """Forget one of her browsers, or all of them; how many. It may start nothing any more."""
    gone = await db.all(
        "UPDATE watch_browsers SET forgotten_at = :now, why = :why WHERE holder = :holder AND forgotten_at IS NULL"
        " AND (id = :browser OR CAST(:browser AS TEXT) IS NULL) RETURNING id",
        now=now, why=why, holder=holder, browser=browser,
    )  # fmt: skip
    for row in gone:
        await write_ledger(db, now, keys, "browser.forgotten", holder, {"browser": row["id"], "why": why})
    return len(gone)
