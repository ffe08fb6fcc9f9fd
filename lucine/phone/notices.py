"""Notices: what is told to a holder on every channel. The row is the queue; nothing personal in a log."""

from typing import Any

import msgspec
import structlog

from lucine.safe import Keys, Row, Transaction, tokens
from lucine.web import House
from lucine.web.pages import text

from .holders import channels_of, find_holder

log = structlog.get_logger()

TRIES_MAX = 8
BATCH = 20
CANCEL_SECONDS = 7 * 86400


class Message(msgspec.Struct, frozen=True):
    """A message as it waits, sealed."""

    to: str
    subject: str
    text: str


async def tell_holder(
    db: Transaction, now: float, keys: Keys, *, holder: str, what: str, only: str = "", **facts: Any
) -> None:
    """Queue the notice ``templates/notices/{what}.txt`` on all her channels (or only one).

    The template's first line is the subject of the mail; the SMS is the whole without it.
    """
    language = (await find_holder(db, holder)).language
    for channel, address in (await channels_of(db, keys, holder)).items():
        if only not in ("", channel):
            continue
        subject, _, body = text(language, f"phone/notices/{what}.txt", channel=channel, **facts).partition("\n")
        notice = tokens.new_secret(128)
        message = msgspec.json.encode(Message(address, subject.strip(), body.strip()))
        await db.run(
            "INSERT INTO phone_notices (id, holder, channel, sealed, made_at, due_at, tries)"
            " VALUES (:id, :holder, :channel, :sealed, :now, :now, 0)",
            id=notice, holder=holder, channel=channel, now=now,
            sealed=keys.seal(f"phone_notices.{notice}", message),
        )  # fmt: skip


async def new_cancel(db: Transaction, now: float, keys: Keys, *, holder: str, what: str, target: str) -> str:
    """The secret of a link that cancels something with one tap, single use."""
    secret = tokens.new_secret()
    await db.run(
        "INSERT INTO phone_cancels (digest, holder, what, target, expires_at)"
        " VALUES (:digest, :holder, :what, :target, :expires)",
        digest=keys.digest(secret), holder=holder, what=what, target=target, expires=now + CANCEL_SECONDS,
    )  # fmt: skip
    return secret


async def deliver_notices(house: House, now: float) -> bool:
    """Chore: send what is due; whether there was anything. Claimed by pushing its due time forward."""
    async with house.db.transaction() as db:
        rows = await db.all(
            "UPDATE phone_notices SET tries = tries + 1, due_at = :now + 30 * (tries + 1) * (tries + 1)"
            " WHERE id IN (SELECT id FROM phone_notices WHERE delivered_at IS NULL AND due_at <= :now"
            " AND tries < :most ORDER BY due_at LIMIT :batch) AND due_at <= :now RETURNING id, channel, sealed, tries",
            now=now, most=TRIES_MAX, batch=BATCH,
        )  # fmt: skip
    for row in rows:
        await _deliver(house, now, row)
    return bool(rows)


async def _deliver(house: House, now: float, row: Row) -> None:
    from lucine.web.post import PostFailed

    message = msgspec.json.decode(house.keys.unseal(f"phone_notices.{row['id']}", row["sealed"]), type=Message)
    try:
        if row["channel"] == "mail":
            await house.post.mail(now=now, to=message.to, subject=message.subject, text=message.text)
        else:
            await house.post.sms(now=now, to=message.to, text=message.text)
    except PostFailed as error:
        log.warning(
            "notice_not_delivered", notice=row["id"], channel=row["channel"], tries=row["tries"], why=str(error)
        )
        return
    async with house.db.transaction() as db:
        await db.run("UPDATE phone_notices SET delivered_at = :now WHERE id = :id", now=now, id=row["id"])
