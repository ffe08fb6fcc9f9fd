"""Asks: what a holder's phone may answer, each bound to the screen that asks.

    scan   --(her phone scans the screen)----------> claimed --> approved | not_me | changed_mind
    scan   --(her known browser proves its key)----> ring    --> the same
    scan   --(her armed typed code)----------------> typed   --> the same
    scan   --(a passkey on that very screen)-------------------> approved
    silent --(she opens the app, types the screen's code) ------> the same
    any    --(expires_at)--> expired

An approval is a WebAuthn assertion over ``challenge_of``, which commits to everything the holder
saw: a changed ask, or another one, makes another challenge. `answered_at IS NULL` is checked and
set in one statement, so the first answer is the only one.
"""

import hashlib
import hmac
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from lucine.safe import Keys, Reader, Row, Transaction, among, tokens, write_ledger
from lucine.web import Refusal
from lucine.web.settings import Settings

from .credentials import Device
from .notices import tell_holder

Kind = Literal["scan", "ring", "silent", "typed"]
Answer = Literal["approved", "not_me", "changed_mind"]

QR_CLOCK_AHEAD_SECONDS = 1
MAC_LENGTH = 22  # characters of base64url: 132 bits that only the asking screen can show
SCREEN_CODE_LENGTH = 8  # 40 bits
RINGS_MAX = 3  # unanswered or refused, since the last success (NIST SP 800-63B-4 section 3.2.3)
RINGS_TOLD = RINGS_MAX + 1  # and she knows that somebody went on
HISTORY_MAX = 50
WAITING_MAX = 5


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What the holder sees of who asks, and commits to."""

    client: str
    service: str
    host: str
    acr: str
    browser: str
    place: str
    message: str = ""  # the service's own words (CIBA binding_message), never mixed with what we saw


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """An ask as the rooms above see it."""

    id: str
    kind: Kind
    shown: Shown
    browser_key: str
    holder: str | None
    credential: str | None
    opened_at: float
    expires_at: float
    claimed_at: float | None
    ring_at: float | None
    answered_at: float | None
    answer: Answer | None
    keep: bool
    return_to: str
    nonce: bytes
    visit: bytes | None
    disowned_at: float | None

    @property
    def waiting(self) -> bool:
        return self.answered_at is None


COLUMNS = (
    "id, kind, shown, browser_key, holder, credential, opened_at, expires_at, claimed_at, ring_at,"
    " answered_at, answer, keep, return_to, nonce, visit, disowned_at"
)


def _ask(row: Row) -> Ask:
    values = dict(row)
    values["shown"] = msgspec.json.decode(values["shown"], type=Shown)
    values["keep"] = bool(values["keep"])
    return Ask(**values)


def gone() -> Refusal:
    """One answer for an ask that is over, answered, somebody else's or never was."""
    return Refusal("gone", "Cette demande n'est plus valable. Recommencez depuis l'écran.", "ask is over", status=410)


def screen_key(keys: Keys, ask: str) -> bytes:
    """The secret of the asking screen, from which it draws its QR codes. 32 bytes."""
    return keys.mac("screen", ask.encode())


def screen_mac(key: bytes, ask: str, second: int) -> str:
    """What the screen shows during one second."""
    return tokens.encode(hmac.digest(key, f"{ask}.{second}".encode(), hashlib.sha256))[:MAC_LENGTH]


def challenge_of(ask: Ask) -> bytes:
    """SHA-256 over the whole ask: client, host, acr, browser, place, screen, browser key, time."""
    # SQLite hands a whole number of seconds back as an integer from RETURNING, as a float from SELECT.
    said = [ask.id, ask.shown, ask.browser_key, float(ask.opened_at), tokens.encode(ask.nonce)]
    return hashlib.sha256(msgspec.json.encode(said, order="deterministic")).digest()


async def open_ask(
    db: Transaction,
    now: float,
    *,
    shown: Shown,
    seconds: int,
    visit: bytes | None = None,
    return_to: str = "",
    kind: Kind = "scan",
    holder: str | None = None,
    code: bytes | None = None,
    rings: bool = False,
) -> str:
    """A new ask; its id. ``visit`` is the digest of the asking browser's cookie."""
    ask = tokens.new_secret(128)
    await db.run(
        "INSERT INTO phone_asks (id, kind, shown, browser_key, nonce, visit, return_to, code, holder,"
        " opened_at, expires_at, ring_at, keep)"
        " VALUES (:id, :kind, :shown, '', :nonce, :visit, :return_to, :code, :holder, :now, :expires, :ring_at, 0)",
        id=ask, kind=kind, shown=msgspec.json.encode(shown).decode(), nonce=tokens.decode(tokens.new_secret()),
        visit=visit, return_to=return_to.replace("{ask}", ask), code=code, holder=holder, now=now,
        expires=now + seconds, ring_at=now if rings else None,
    )  # fmt: skip
    return ask


async def find_ask(db: Reader, ask: str) -> Ask:
    """The ask with this id. Refusal if there is none."""
    row = await db.one(f"SELECT {COLUMNS} FROM phone_asks WHERE id = :id", id=ask)
    if row is None:
        raise gone()
    return _ask(row)


async def kept_asks(db: Reader, ids: Iterable[str]) -> dict[str, Ask]:
    """The asks with these ids, but for those that nobody answered or claimed and that are forgotten since."""
    which, values = among(ids)
    rows = await db.all(f"SELECT {COLUMNS} FROM phone_asks WHERE id IN {which}", **values)
    return {row["id"]: _ask(row) for row in rows}


async def name_browser_key(db: Transaction, now: float, *, ask: str, thumbprint: str) -> None:
    """Bind the asking browser's key, once, before anybody has looked at the ask."""
    await db.run(
        "UPDATE phone_asks SET browser_key = :key WHERE id = :id AND browser_key = '' AND claimed_at IS NULL"
        " AND answered_at IS NULL AND expires_at > :now",
        key=thumbprint, id=ask, now=now,
    )  # fmt: skip


async def give_more_time(db: Transaction, now: float, *, ask: str, seconds: int) -> float:
    """More time for who needs it, counted from the opening: the code itself keeps changing each second."""
    row = await db.one(
        "UPDATE phone_asks SET expires_at = opened_at + :seconds"
        " WHERE id = :id AND answered_at IS NULL AND expires_at > :now RETURNING expires_at",
        id=ask, seconds=seconds, now=now,
    )  # fmt: skip
    if row is None:
        raise gone()
    return float(row["expires_at"])


def read_scan(text: str) -> tuple[str, int, str] | None:
    """Ask, second and mac of a scanned or pasted text; None if it is something else."""
    parts = text.strip().rpartition("scan=")[2].split(".")
    if len(parts) != 3 or not parts[1].isascii() or not parts[1].isdecimal() or len(parts[1]) > 12:
        return None
    return parts[0], int(parts[1]), parts[2]


async def claim_ask(db: Transaction, now: float, keys: Keys, settings: Settings, *, text: str, device: Device) -> Ask:
    """The ask whose screen this phone has just scanned; the phone is now the only one that may answer."""
    read = read_scan(text)
    if read is None:
        raise Refusal("unreadable", "Ce n'est pas un code de Lucine.", "scanned text is not ours")
    ask, second, mac = read
    fresh = second - QR_CLOCK_AHEAD_SECONDS <= now <= second + 1 + settings.scan_age_seconds
    if not tokens.same(mac, screen_mac(screen_key(keys, ask), ask, second)) or not fresh:
        raise Refusal(
            "stale", "Ce code a changé. Scannez celui qui est à l'écran maintenant.", "mac or age", status=410
        )
    return await _take(db, now, device, "scan", "id = :key", ask)


async def claim_by_code(db: Transaction, now: float, keys: Keys, *, code: str, device: Device) -> Ask:
    """The silent ask of hers whose screen shows this code (section 2 of the law: she carries it)."""
    digest = keys.digest("screen code:" + read_code(code))
    return await _take(db, now, device, "silent", "code = :key AND holder = :holder", digest)


async def claim_for(db: Transaction, now: float, *, ask: str, device: Device) -> Ask:
    """The ask of the screen on which this phone's armed code was typed; it now waits on that phone."""
    await db.run(
        "UPDATE phone_asks SET kind = 'typed', ring_at = :now WHERE id = :id AND kind = 'scan' AND claimed_at IS NULL",
        id=ask, now=now,
    )  # fmt: skip
    return await _take(db, now, device, "typed", "id = :key", ask)


async def _take(db: Transaction, now: float, device: Device, kind: Kind, which: str, key: str | bytes) -> Ask:
    row = await db.one(
        "UPDATE phone_asks SET holder = :holder, credential = :credential, claimed_at = COALESCE(claimed_at, :now)"
        f" WHERE {which} AND (kind = :kind OR (:kind = 'scan' AND kind = 'ring' AND holder = :holder))"
        " AND (claimed_at IS NULL OR credential = :credential)"
        f" AND answered_at IS NULL AND expires_at > :now RETURNING {COLUMNS}",
        key=key, kind=kind, holder=device.holder, credential=device.id, now=now,
    )  # fmt: skip
    if row is None:
        raise gone()
    return _ask(row)


def read_code(text: str) -> str:
    """A typed code as it was drawn: capitals, no spaces, look-alikes mended (Crockford's base 32)."""
    kept = "".join(character for character in text.upper() if character.isalnum())
    return kept.translate(str.maketrans("ILO", "110"))[:32]


async def may_ring(db: Transaction, now: float, keys: Keys, *, holder: str, by: str) -> bool:
    """Count one more ring for her, unless her phones rang RINGS_MAX times since her last success.

    The first time that they ring no more she is told, and of whom: she may have a browser to forget. ``by``: its
    name, or the service's.
    """
    if await db.run(
        "UPDATE phone_holders SET rings_since_success = rings_since_success + 1"
        " WHERE id = :holder AND rings_since_success < :most",
        holder=holder, most=RINGS_MAX,
    ):  # fmt: skip
        return True
    if await db.run(
        "UPDATE phone_holders SET rings_since_success = :told WHERE id = :holder AND rings_since_success = :most",
        told=RINGS_TOLD, holder=holder, most=RINGS_MAX,
    ):  # fmt: skip
        await tell_holder(db, now, keys, holder=holder, what="rang_enough", by=by)
    return False


async def ring_holder(db: Transaction, now: float, keys: Keys, *, ask: str, holder: str, by: str) -> bool:
    """Her known browser asks: her phones ring, if they may. Asking again, after a lost answer, is the same ring."""
    found = await find_ask(db, ask)
    if not found.waiting or found.expires_at <= now or found.claimed_at is not None:
        return False
    if found.kind == "ring" and found.holder == holder:
        return True
    return found.kind == "scan" and await may_ring(db, now, keys, holder=holder, by=by) and bool(
        await db.run(
            "UPDATE phone_asks SET kind = 'ring', holder = :holder, ring_at = :now WHERE id = :id AND kind = 'scan'"
            " AND claimed_at IS NULL AND answered_at IS NULL AND expires_at > :now",
            holder=holder, id=ask, now=now,
        )
    )  # fmt: skip


async def approve_ask(
    db: Transaction, now: float, keys: Keys, *, ask: Ask, device: Device, keep: bool, on_screen: bool = False
) -> None:
    """Record the approval whose assertion the caller has just verified against ``challenge_of(ask)``.

    ``on_screen``: a passkey of the asking computer, which nobody needed to claim. Else the ask must
    already be this holder's: scanned, rung, or reached by its screen's code.
    """
    whose = "holder IS NULL AND kind = 'scan'" if on_screen else "holder = :holder"
    done = await db.run(
        "UPDATE phone_asks SET answered_at = :now, answer = 'approved', keep = :keep, holder = :holder,"
        " credential = :credential WHERE id = :id AND answered_at IS NULL AND expires_at > :now"
        f" AND browser_key = :key AND {whose} AND (kind <> 'silent' OR claimed_at IS NOT NULL)"
        " AND (claimed_at IS NULL OR credential = :credential)",
        now=now, keep=int(keep), holder=device.holder, credential=device.id, id=ask.id, key=ask.browser_key,
    )  # fmt: skip
    if not done:
        raise gone()
    if not on_screen:  # a passkey that a stranger added must not make her phones ring again
        await db.run("UPDATE phone_holders SET rings_since_success = 0 WHERE id = :holder", holder=device.holder)
    await write_ledger(db, now, keys, "ask.approved", device.holder, {"ask": ask.id, "credential": device.id})


async def refuse_ask(db: Transaction, now: float, keys: Keys, *, ask: str, holder: str, answer: Answer) -> Ask:
    """Her refusal. After "not me" no browser rings her until she has signed in by scanning."""
    row = await db.one(
        "UPDATE phone_asks SET answered_at = :now, answer = :answer WHERE id = :id AND holder = :holder"
        f" AND answered_at IS NULL AND expires_at > :now RETURNING {COLUMNS}",
        now=now, answer=answer, id=ask, holder=holder,
    )  # fmt: skip
    if row is None:
        raise gone()
    if answer == "not_me":
        await silence(db, holder=holder)
    await write_ledger(db, now, keys, f"ask.{answer}", holder, {"ask": ask})
    return _ask(row)


async def silence(db: Transaction, *, holder: str) -> None:
    """No known browser rings her any more, until she signs in by scanning."""
    await db.run(
        "UPDATE phone_holders SET rings_since_success = :told WHERE id = :holder", told=RINGS_TOLD, holder=holder
    )


async def disown_ask(db: Transaction, now: float, *, ask: str, holder: str) -> Ask:
    """She says of an approval in her history that it was not her."""
    row = await db.one(
        "UPDATE phone_asks SET disowned_at = COALESCE(disowned_at, :now)"
        f" WHERE id = :id AND holder = :holder RETURNING {COLUMNS}",
        now=now, id=ask, holder=holder,
    )  # fmt: skip
    if row is None:
        raise gone()
    return _ask(row)


async def cancel_asks(db: Transaction, now: float, *, holder: str) -> list[str]:
    """Cancel all that waits for her, and what was approved but not yet fetched; the asks."""
    rows = await db.all(
        "UPDATE phone_asks SET expires_at = :now WHERE holder = :holder AND expires_at > :now RETURNING id",
        now=now, holder=holder,
    )  # fmt: skip
    return [row["id"] for row in rows]


async def ringing_asks(db: Reader, now: float, device: Device) -> list[Ask]:
    """What rings for her now; an ask that one of her phones took shows on that phone alone."""
    rows = await db.all(
        f"SELECT {COLUMNS} FROM phone_asks WHERE holder = :holder AND ring_at IS NOT NULL AND answered_at IS NULL"
        " AND expires_at > :now AND (credential IS NULL OR credential = :credential) ORDER BY opened_at",
        holder=device.holder, now=now, credential=device.id,
    )  # fmt: skip
    return [_ask(row) for row in rows]


async def silent_asks(db: Reader, now: float, holder: str) -> list[Ask]:
    """What waits silently for her, newest first, only when she asks to see it."""
    rows = await db.all(
        f"SELECT {COLUMNS} FROM phone_asks WHERE holder = :holder AND kind = 'silent' AND answered_at IS NULL"
        " AND expires_at > :now ORDER BY opened_at DESC LIMIT :most",
        holder=holder, now=now, most=WAITING_MAX,
    )  # fmt: skip
    return [_ask(row) for row in rows]


async def answered_for_clients(db: Reader, since: float) -> list[str]:
    """The asks that carry a screen code, so a client's, and were answered since then."""
    rows = await db.all("SELECT id FROM phone_asks WHERE code IS NOT NULL AND answered_at > :since", since=since)
    return [row["id"] for row in rows]


async def past_asks(db: Reader, holder: str, most: int = HISTORY_MAX) -> list[Ask]:
    """What she, or somebody with her phone, answered; newest first. Silent asks that she never saw are not in it."""
    rows = await db.all(
        f"SELECT {COLUMNS} FROM phone_asks WHERE holder = :holder"
        " AND (answered_at IS NOT NULL OR claimed_at IS NOT NULL)"
        " ORDER BY opened_at DESC LIMIT :most",
        holder=holder, most=most,
    )  # fmt: skip
    return [_ask(row) for row in rows]


async def approved_asks(db: Reader, holder: str, since: float) -> list[Ask]:
    """All that a phone of hers approved since then, and nobody disowned; newest first."""
    rows = await db.all(
        f"SELECT {COLUMNS} FROM phone_asks WHERE holder = :holder AND opened_at > :since AND answer = 'approved'"
        " AND (claimed_at IS NOT NULL OR ring_at IS NOT NULL) AND disowned_at IS NULL ORDER BY opened_at DESC",
        holder=holder, since=since,
    )  # fmt: skip
    return [_ask(row) for row in rows]


def shown_to_holder(ask: Ask, options: Any) -> dict[str, Any]:
    """The JSON ``Ask`` of docs/designs/0001."""
    return {
        "id": ask.id,
        "kind": ask.kind,
        "service": ask.shown.service,
        "host": ask.shown.host,
        "browser": ask.shown.browser,
        "place": ask.shown.place,
        "message": ask.shown.message,
        "opened_at": ask.opened_at,
        "expires_at": ask.expires_at,
        "can_keep": ask.kind in ("scan", "typed") and bool(ask.browser_key),
        "options": options,
    }


async def drop_silent(db: Transaction, now: float, *, ask: str) -> None:
    """A silent ask gives way to newer ones, unless her phone has opened it."""
    await db.run(
        "UPDATE phone_asks SET expires_at = :now WHERE id = :id AND kind = 'silent' AND claimed_at IS NULL"
        " AND answered_at IS NULL AND expires_at > :now",
        now=now, id=ask,
    )  # fmt: skip


async def close_ask(db: Transaction, now: float, *, ask: str) -> None:
    """The asking screen gave up."""
    await db.run("UPDATE phone_asks SET expires_at = :now WHERE id = :id AND answered_at IS NULL AND expires_at > :now",
                 now=now, id=ask)  # fmt: skip
