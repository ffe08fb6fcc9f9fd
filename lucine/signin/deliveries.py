"""What clients are told: back-channel logout (OpenID Connect), CIBA pings, letters. The row is the queue."""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec
import structlog

from lucine.phone.holders import find_holder
from lucine.safe import Keys, Row, Transaction, tokens, write_ledger
from lucine.web import House
from lucine.web.egress import EgressFailed, EgressRefused
from lucine.web.post import PostFailed
from lucine.web.settings import Settings

from .clients import find_client
from .signing_keys import sign
from .subjects import subject_of

log = structlog.get_logger()

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT_TOKEN_SECONDS = 120
PING_SECONDS = 300  # a ping is a courtesy: its client may poll. A logout goes on as long as the session could have
LETTER_SECONDS = 3 * 86400
PAUSE_MAX_SECONDS = 900
BATCH = 50
BELL = "deliveries"


class Delivery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What will be sent. A logout token is signed when it is sent, so that it is always fresh."""

    address: str
    subject: str = ""
    alg: str = ""
    sub: str = ""
    sid: str = ""
    body: str = ""
    bearer: str = ""


async def _queue(
    db: Transaction, now: float, keys: Keys, *, client_id: str, kind: str, until: float, delivery: Delivery
) -> None:
    row = tokens.new_secret(128)
    await db.run(
        "INSERT INTO signin_deliveries (id, client, kind, sealed, due_at, tries, until)"
        " VALUES (:id, :client, :kind, :sealed, :now, 0, :until)",
        id=row, client=client_id, kind=kind, now=now, until=until,
        sealed=keys.seal(f"signin_deliveries.{row}", msgspec.json.encode(delivery)),
    )  # fmt: skip


async def queue_logout(
    db: Transaction, now: float, keys: Keys, settings: Settings, *, client_id: str, holder: str, session: str
) -> None:
    """Tell a client that a session is over, if it wants to know."""
    found = await find_client(db, client_id)
    if found and found[0].logout_uri:
        client = found[0]
        sub = subject_of(keys, settings, client, await find_holder(db, holder))
        delivery = Delivery(address=client.logout_uri, alg=client.alg, sub=sub, sid=session)
        until = now + settings.session_seconds  # by then it would have ended anyway
        await _queue(db, now, keys, client_id=client_id, kind="logout", until=until, delivery=delivery)


async def queue_ping(
    db: Transaction, now: float, keys: Keys, *, client_id: str, address: str, auth_req_id: str, bearer: str
) -> None:
    """Tell a CIBA client to come and fetch (CIBA Core section 10.2)."""
    body = msgspec.json.encode({"auth_req_id": auth_req_id}).decode()
    delivery = Delivery(address=address, body=body, bearer=bearer)
    await _queue(db, now, keys, client_id=client_id, kind="ping", until=now + PING_SECONDS, delivery=delivery)


async def queue_letter(
    db: Transaction, now: float, keys: Keys, *, client_id: str, address: str, subject: str, text: str
) -> None:
    """A letter to the people who run a client."""
    delivery = Delivery(address=address, subject=subject, body=text)
    await _queue(db, now, keys, client_id=client_id, kind="letter", until=now + LETTER_SECONDS, delivery=delivery)


async def deliver(house: House, now: float) -> bool:
    """Chore: send what is due, all at once and the new before the retries: one dead client does not delay the others.

    The pauses grow: 5, 20, 45 seconds and so on up to PAUSE_MAX_SECONDS.
    """
    async with house.db.transaction() as db:
        rows = await db.all(
            "UPDATE signin_deliveries SET tries = tries + 1, due_at = :now"
            " + CASE WHEN 5 * (tries + 1) * (tries + 1) < :pause THEN 5 * (tries + 1) * (tries + 1) ELSE :pause END"
            " WHERE id IN (SELECT id FROM signin_deliveries WHERE done_at IS NULL AND due_at <= :now"
            " ORDER BY tries, due_at LIMIT :batch) AND due_at <= :now"
            " RETURNING id, client, kind, sealed, tries, due_at >= until AS last",
            now=now, batch=BATCH, pause=PAUSE_MAX_SECONDS,
        )  # fmt: skip
    await asyncio.gather(*(_send(house, now, row) for row in rows))
    return bool(rows)


async def _send(house: House, now: float, row: Row) -> None:
    sealed = house.keys.unseal(f"signin_deliveries.{row['id']}", row["sealed"])
    delivery = msgspec.json.decode(sealed, type=Delivery)
    try:
        if row["kind"] == "letter":
            await house.post.mail(now=now, to=delivery.address, subject=delivery.subject, text=delivery.body)
            outcome = "sent"
        else:
            content, headers = await _write(house, now, row, delivery)
            answer = await house.egress.post(delivery.address, headers=dict(headers), content=content)
            # Only 5xx and 429 are worth a second try; no redirect is followed (CIBA 10.2, Back-Channel 2.8).
            outcome = "" if answer.status >= 500 or answer.status == 429 else f"status {answer.status}"
    except EgressRefused as error:
        outcome = f"refused: {error}"
    except (EgressFailed, PostFailed) as error:
        outcome = f"failed: {error}" if row["last"] else ""
    if not outcome and row["last"]:
        outcome = "given up"
    if outcome:
        async with house.db.transaction() as db:
            await db.run("UPDATE signin_deliveries SET done_at = :now, outcome = :outcome WHERE id = :id",
                         now=now, outcome=outcome[:200], id=row["id"])  # fmt: skip
            if outcome not in ("status 200", "status 204", "sent"):
                facts = {"client": row["client"], "kind": row["kind"], "outcome": outcome[:200]}
                await write_ledger(db, now, house.keys, "delivery.failed", "", facts)
    log.info("delivery", kind=row["kind"], client=row["client"], tries=row["tries"], outcome=outcome or "again")


async def _write(house: House, now: float, row: Row, delivery: Delivery) -> tuple[bytes, Mapping[str, str]]:
    if row["kind"] == "ping":
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {delivery.bearer}"}
        return delivery.body.encode(), headers
    claims = {
        "iss": house.settings.origin,
        "aud": row["client"],
        "iat": int(now),
        "exp": int(now) + LOGOUT_TOKEN_SECONDS,
        "jti": tokens.new_secret(128),
        "sub": delivery.sub,
        "sid": delivery.sid,
        "events": {LOGOUT_EVENT: {}},
    }
    token = await sign(house, now, delivery.alg, claims, typ="logout+jwt")
    return urlencode({"logout_token": token}).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
