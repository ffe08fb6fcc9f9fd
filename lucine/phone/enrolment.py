"""Enrolling a phone, the next door that attackers try.

A voucher is a scan on a screen where she is signed in (``desk``), what a card reader or an operator
shows (``card``, ``operator``), the link that this screen gives to who cannot scan (``link``), or the
fruit of two codes sent to her private channels (``codes``). A link and a code can be handed to who asks
for them over the telephone, so these phones wait in quarantine, and every channel can throw them out
with one tap.
"""

from typing import Any, Literal

import msgspec

from lucine.safe import Keys, Reader, Transaction, tokens, write_ledger
from lucine.web import House, Refusal
from lucine.web.settings import Settings

from .asks import read_code
from .credentials import add_credential, devices_of, revoke_credentials
from .holders import Holder, channels_of, find_holder, hold_holder, holder_of_number, same_channels
from .holds import HELD, held_since, require_no_hold
from .notices import new_cancel, tell_holder
from .passkeys import creation_options, verify_creation

Kind = Literal["desk", "card", "operator", "link", "codes"]
QUARANTINED = ("link", "codes")

VOUCHER_SECONDS = 90  # on screen
CODES_VOUCHER_SECONDS = 600  # on the phone that typed the codes
CODES_SECONDS = 900
CODE_TRIES_MAX = 5
CODE_REQUESTS_MAX_PER_DAY = 3
CODE_REQUESTS_AT_ONCE = 50
MAIL_CODE_LENGTH = 8
SMS_CODE_LENGTH = 8
RECOVERY_CODES = 10
RECOVERY_CODE_LENGTH = 16  # 80 bits


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    """What the phone is told, once."""

    cookie: str
    recovery_codes: list[str]
    usable_at: float


def _over() -> Refusal:
    words = "Ce code d'ajout ne vaut plus. Demandez-en un nouveau."
    return Refusal("voucher", words, "voucher unknown, expired or spent", status=410)


async def make_voucher(db: Transaction, now: float, keys: Keys, *, holder: str, kind: Kind, made_in: str = "") -> str:
    """The secret that lets one phone enrol, once, within VOUCHER_SECONDS; ``made_in``: the session, if one."""
    if kind in HELD:
        await require_no_hold(db, holder)
    secret = tokens.new_secret()
    seconds = CODES_VOUCHER_SECONDS if kind == "codes" else VOUCHER_SECONDS
    await db.run(
        "INSERT INTO phone_vouchers (digest, holder, kind, made_in, made_at, expires_at)"
        " VALUES (:digest, :holder, :kind, :made_in, :now, :expires)",
        digest=keys.digest("voucher:" + secret), holder=holder, kind=kind, made_in=made_in, now=now,
        expires=now + seconds,
    )  # fmt: skip
    await write_ledger(db, now, keys, "voucher.made", holder, {"kind": kind})
    return secret


async def void_vouchers(db: Transaction, now: float, *, holder: str, made_in: str | None = None) -> None:
    """No enrolment that was begun may end: all of hers, with the codes under way, or those of one session."""
    await db.run(
        "UPDATE phone_vouchers SET spent_at = :now WHERE holder = :holder AND spent_at IS NULL"
        " AND (made_in = :made_in OR CAST(:made_in AS TEXT) IS NULL)",
        now=now, holder=holder, made_in=made_in,
    )  # fmt: skip
    if made_in is None:
        await db.run("UPDATE phone_code_requests SET spent_at = :now WHERE holder = :holder AND spent_at IS NULL",
                     now=now, holder=holder)  # fmt: skip


async def undo_session(db: Transaction, now: float, keys: Keys, *, holder: str, session: str) -> None:
    """That sign-in was not hers: the phones, passkeys and recovery codes that were made in it are void."""
    await revoke_credentials(db, now, keys, holder=holder, made_in=session, why="not_me")
    await db.run(
        "UPDATE phone_recovery_codes SET spent_at = :now WHERE holder = :holder AND made_in = :session"
        " AND spent_at IS NULL",
        now=now, holder=holder, session=session,
    )  # fmt: skip


async def begin_enrolment(
    db: Transaction, now: float, keys: Keys, settings: Settings, *, voucher: str
) -> tuple[Any, Holder]:
    """The options for `navigator.credentials.create`, and who enrols."""
    challenge = tokens.decode(tokens.new_secret())
    row = await db.one(
        "UPDATE phone_vouchers SET challenge = :challenge, expires_at = expires_at + :ceremony"
        " WHERE digest = :digest AND spent_at IS NULL AND challenge IS NULL AND expires_at > :now RETURNING holder",
        challenge=challenge, ceremony=CODES_SECONDS, digest=keys.digest("voucher:" + voucher), now=now,
    )  # fmt: skip
    if row is None:
        raise _over()
    holder = await find_holder(db, row["holder"])
    phones = await devices_of(db, holder.id, "phone")
    known = [phone.webauthn_id for phone in phones if phone.frozen_at is None]  # a frozen one may be added anew
    options = creation_options(
        rp_id=settings.host, rp_name=settings.name, holder=holder.id, name=holder.name,
        challenge=challenge, known=known, on_phone=True,
    )  # fmt: skip
    return options, holder


async def finish_enrolment(
    db: Transaction,
    now: float,
    keys: Keys,
    settings: Settings,
    *,
    voucher: str,
    credential: dict[str, Any],
    name: str,
) -> Enrolled:
    """Keep the phone; every channel is told. From a link or codes it waits in quarantine."""
    digest = keys.digest("voucher:" + voucher)
    named = await db.one("SELECT holder FROM phone_vouchers WHERE digest = :digest", digest=digest)
    if named is None:
        raise _over()
    await hold_holder(db, named["holder"])  # first, as everywhere: a hold that begins meanwhile waits, or counts
    row = await db.one(
        "UPDATE phone_vouchers SET spent_at = :now"
        " WHERE digest = :digest AND spent_at IS NULL AND challenge IS NOT NULL AND expires_at > :now"
        " RETURNING holder, kind, made_in, challenge",
        digest=digest, now=now,
    )  # fmt: skip
    if row is None:
        raise _over()
    if row["kind"] in HELD:
        await require_no_hold(db, row["holder"])
    new = verify_creation(credential, challenge=row["challenge"], rp_id=settings.host, origin=settings.origin)
    usable_at = now + settings.quarantine_hours * 3600 if row["kind"] in QUARANTINED else now
    device, cookie = await add_credential(
        db, now, keys, holder=row["holder"], kind="phone", name=name, new=new, usable_at=usable_at,
        made_in=row["made_in"],
    )  # fmt: skip
    cancel = await new_cancel(db, now, keys, holder=row["holder"], what="phone", target=device)
    await tell_holder(
        db, now, keys, holder=row["holder"], what="new_phone",
        usable_at=usable_at, waits=usable_at > now, link=f"{settings.origin}/cancel?token={cancel}",
    )  # fmt: skip
    # Recovery codes switch her phones off: not for one that she may still throw out.
    codes = (
        []
        if usable_at > now or await recovery_codes_left(db, row["holder"])
        else await new_recovery_codes(db, now, keys, holder=row["holder"], made_in=row["made_in"])
    )
    return Enrolled(cookie=cookie, recovery_codes=codes, usable_at=usable_at)


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it waits, sealed."""

    national_id: str | None
    mail: str
    mobile: str
    mail_code: str
    sms_code: str


async def request_codes(
    db: Transaction, now: float, keys: Keys, *, national_id: str | None, mail: str, mobile: str
) -> str:
    """Ask for two codes; the request's secret, whoever was named: nobody is looked up before the answer is given."""
    secret = tokens.new_secret()
    digest = keys.digest("codes:" + secret)
    asked = _Asked(
        national_id=national_id, mail=mail, mobile=mobile,
        mail_code=tokens.new_code(MAIL_CODE_LENGTH), sms_code=tokens.new_code(SMS_CODE_LENGTH),
    )  # fmt: skip
    await db.run(
        "INSERT INTO phone_code_requests (digest, mail_code, sms_code, asked, made_at, expires_at, tries)"
        " VALUES (:digest, :mail_code, :sms_code, :asked, :now, :expires, 0)",
        digest=digest, mail_code=keys.digest("mail code:" + asked.mail_code),
        sms_code=keys.digest("sms code:" + asked.sms_code), asked=keys.seal(_place(digest), msgspec.json.encode(asked)),
        now=now, expires=now + CODES_SECONDS,
    )  # fmt: skip
    return secret


def _place(digest: bytes) -> str:
    return f"phone_code_requests.{digest.hex()}"


async def send_codes(house: House, now: float) -> bool:
    """Chore: send the codes that were asked for; whether any waited.

    Nothing is sent unless the private mail and mobile are both the ones on record: the number is public. That is found
    out here, where nobody can time it.
    """
    async with house.db.transaction() as db:
        rows = await db.all(
            "SELECT digest, asked FROM phone_code_requests WHERE asked IS NOT NULL AND made_at > :since"
            " ORDER BY made_at LIMIT :most",
            since=now - CODES_SECONDS, most=CODE_REQUESTS_AT_ONCE,
        )  # fmt: skip
        for row in rows:
            if await db.run("UPDATE phone_code_requests SET asked = NULL WHERE digest = :digest AND asked IS NOT NULL",
                            digest=row["digest"]):  # fmt: skip
                asked = msgspec.json.decode(house.keys.unseal(_place(row["digest"]), row["asked"]), type=_Asked)
                await _send(db, now, house.keys, row["digest"], asked)
    house.bell.ring("notices")
    return bool(rows)


async def _send(db: Transaction, now: float, keys: Keys, digest: bytes, asked: _Asked) -> None:
    holder = await holder_of_number(db, asked.national_id or "")
    if holder is None or await held_since(db, holder.id) is not None:
        return
    if not same_channels(await channels_of(db, keys, holder.id), asked.mail, asked.mobile):
        return
    today = await db.all("SELECT digest FROM phone_code_requests WHERE holder = :holder AND made_at > :since",
                         holder=holder.id, since=now - 86400)  # fmt: skip
    if len(today) >= CODE_REQUESTS_MAX_PER_DAY:
        return
    await db.run("UPDATE phone_code_requests SET holder = :holder WHERE digest = :digest",
                 holder=holder.id, digest=digest)  # fmt: skip
    await tell_holder(db, now, keys, holder=holder.id, what="code", only="mail", code=asked.mail_code)
    await tell_holder(db, now, keys, holder=holder.id, what="code", only="mobile", code=asked.sms_code)


async def codes_asked_at(db: Reader, holder: str, *, unused: bool = False) -> float | None:
    """When two codes were last sent to her (only those that earned nothing yet); None if nobody asked lately."""
    row = await db.one(
        "SELECT MAX(made_at) AS at FROM phone_code_requests WHERE holder = :holder"
        " AND (spent_at IS NULL OR :unused = 0)",
        holder=holder, unused=int(unused),
    )  # fmt: skip
    return row["at"] if row else None


async def check_codes(
    db: Transaction, now: float, keys: Keys, *, request: str, mail_code: str, sms_code: str
) -> str | None:
    """The voucher that both codes earn; None if they are wrong (the try is counted either way)."""
    digest = keys.digest("codes:" + request)
    row = await db.one(
        "UPDATE phone_code_requests SET tries = tries + 1 WHERE digest = :digest AND spent_at IS NULL"
        " AND expires_at > :now AND tries < :most RETURNING holder, mail_code, sms_code",
        digest=digest, now=now, most=CODE_TRIES_MAX,
    )  # fmt: skip
    if row is None:
        raise Refusal("codes", "Ces codes ne sont plus valables. Demandez-en de nouveaux.", "no request", status=410)
    right = [
        tokens.same(keys.digest("mail code:" + mail_code), row["mail_code"]),
        tokens.same(keys.digest("sms code:" + sms_code), row["sms_code"]),
    ]
    if row["holder"] is None or not all(right):
        return None
    await db.run("UPDATE phone_code_requests SET spent_at = :now WHERE digest = :digest", now=now, digest=digest)
    return await make_voucher(db, now, keys, holder=row["holder"], kind="codes")


async def recovery_codes_left(db: Reader, holder: str) -> int:
    """How many recovery codes she can still use."""
    row = await db.one(
        "SELECT COUNT(*) AS codes FROM phone_recovery_codes WHERE holder = :holder AND spent_at IS NULL", holder=holder
    )
    return int(row["codes"]) if row else 0


async def new_recovery_codes(db: Transaction, now: float, keys: Keys, *, holder: str, made_in: str = "") -> list[str]:
    """Ten fresh codes, in groups of four; the old ones are void. Shown once, stored as digests."""
    await db.run(
        "UPDATE phone_recovery_codes SET spent_at = :now WHERE holder = :holder AND spent_at IS NULL",
        now=now, holder=holder,
    )  # fmt: skip
    codes = [tokens.new_code(RECOVERY_CODE_LENGTH) for _ in range(RECOVERY_CODES)]
    await db.many(
        "INSERT INTO phone_recovery_codes (digest, holder, made_in, made_at) VALUES (:digest, :holder, :made_in, :now)",
        [
            {"digest": keys.digest("recovery:" + code), "holder": holder, "made_in": made_in, "now": now}
            for code in codes
        ],
    )
    await write_ledger(db, now, keys, "recovery_codes.made", holder)
    return ["-".join(code[i : i + 4] for i in range(0, len(code), 4)) for code in codes]


async def void_new_recovery_codes(db: Transaction, now: float, keys: Keys, *, holder: str, since: float) -> int:
    """Those that were made since then in a session, which may have been somebody else's; how many."""
    voided = await db.run(
        "UPDATE phone_recovery_codes SET spent_at = :now WHERE holder = :holder AND spent_at IS NULL"
        " AND made_in <> '' AND made_at > :since",
        now=now, holder=holder, since=since,
    )  # fmt: skip
    if voided:
        await write_ledger(db, now, keys, "recovery_codes.voided", holder)
    return voided


async def holder_of_recovery_code(db: Reader, keys: Keys, *, code: str) -> str | None:
    """Whose it is, if it is not spent."""
    row = await db.one(
        "SELECT holder FROM phone_recovery_codes WHERE digest = :digest AND spent_at IS NULL",
        digest=keys.digest("recovery:" + read_code(code)),
    )
    return row["holder"] if row else None


async def use_recovery_code(db: Transaction, now: float, keys: Keys, *, code: str) -> str | None:
    """The holder of a recovery code, now spent, whose phones are to be switched off; None for a wrong code."""
    digest, named = keys.digest("recovery:" + read_code(code)), await holder_of_recovery_code(db, keys, code=code)
    if named is None:
        return None
    await hold_holder(db, named)  # first, as everywhere: two such acts must not wait for each other
    row = await db.one(
        "UPDATE phone_recovery_codes SET spent_at = :now WHERE digest = :digest AND spent_at IS NULL RETURNING holder",
        digest=digest, now=now,
    )  # fmt: skip
    if row is None:
        return None
    await write_ledger(db, now, keys, "recovery_code.used", row["holder"])
    return str(row["holder"])


async def read_cancel(db: Reader, now: float, keys: Keys, secret: str) -> str | None:
    """What a cancelling link is about ("phone", "passkey" or "typed"), or None when it is over."""
    row = await db.one(
        "SELECT what FROM phone_cancels WHERE digest = :digest AND spent_at IS NULL AND expires_at > :now",
        digest=keys.digest(secret), now=now,
    )  # fmt: skip
    return str(row["what"]) if row else None


class Cancelled(msgspec.Struct, frozen=True, kw_only=True):
    """What a cancelling link was for: a credential to be switched off, or the typed code."""

    holder: str
    what: str
    target: str


async def use_cancel(db: Transaction, now: float, keys: Keys, secret: str) -> Cancelled | None:
    """Spend the link; what is to be cancelled, or None when it is over."""
    row = await db.one(
        "UPDATE phone_cancels SET spent_at = :now WHERE digest = :digest AND spent_at IS NULL AND expires_at > :now"
        " RETURNING holder, what, target",
        now=now, digest=keys.digest(secret),
    )  # fmt: skip
    if row is None:
        return None
    await write_ledger(db, now, keys, "cancelled", row["holder"], {"what": row["what"]})
    return Cancelled(**dict(row))
