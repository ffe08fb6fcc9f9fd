"""What the phone room does by itself: wake phones, clean up."""

import asyncio
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import structlog

from lucine.safe import Row, sweep
from lucine.web import House

from .credentials import ACTIVE
from .enrolment import CODES_SECONDS
from .push import Outcome, Pusher, parse_subscription

log = structlog.get_logger()

BATCH = 50
WAKE_TTL_SECONDS = 60
KEPT_SECONDS = 180 * 86400
PARIS = ZoneInfo("Europe/Paris")


@lru_cache(maxsize=4)
def pusher_of(house: House) -> Pusher:
    """The sender of wake-ups; its VAPID key follows from the key file."""
    return Pusher(house.egress, house.keys.mac("vapid", b"P-256 scalar"), f"mailto:{house.settings.post_from}")


def is_quiet(start: str, end: str, now: float) -> bool:
    """Whether the holder wants no ring at this hour of Paris; the night may pass midnight."""
    if not start:
        return False
    hour = datetime.fromtimestamp(now, PARIS).strftime("%H:%M")
    return start <= hour < end if start <= end else hour >= start or hour < end


async def wake_phones(house: House, now: float) -> bool:
    """Chore: ring. Marked before it is sent: a phone must not ring twice."""
    async with house.db.transaction() as db:
        rows = await db.all(
            "UPDATE phone_asks SET rung_at = :now WHERE id IN (SELECT id FROM phone_asks WHERE ring_at IS NOT NULL"
            " AND rung_at IS NULL ORDER BY ring_at LIMIT :batch) AND rung_at IS NULL"
            " RETURNING id, holder, kind, expires_at",
            now=now, batch=BATCH,
        )  # fmt: skip
    for row in rows:
        house.bell.ring(f"holder:{row['holder']}")
    # All at once, each on its own: a phone whose push service is slow or broken delays nobody else's.
    waking = [_wake(house, now, row) for row in rows if row["expires_at"] > now and row["kind"] == "ring"]
    for outcome in await asyncio.gather(*waking, return_exceptions=True):
        if isinstance(outcome, BaseException):
            log.error("phone_not_woken", exc_info=outcome)
    return bool(rows)


async def _wake(house: House, now: float, ask: Row) -> None:
    phones = await house.db.all(
        "SELECT id, push, quiet_start, quiet_end FROM phone_credentials WHERE holder = :holder AND kind = 'phone'"
        f" AND push IS NOT NULL AND {ACTIVE}",
        holder=ask["holder"], now=now,
    )  # fmt: skip
    for phone in phones:
        if is_quiet(phone["quiet_start"], phone["quiet_end"], now):
            continue
        sealed = house.keys.unseal(f"phone_credentials.push.{phone['id']}", phone["push"])
        seconds = max(1, min(WAKE_TTL_SECONDS, int(ask["expires_at"] - now)))
        outcome = await pusher_of(house).send(now, parse_subscription(sealed), ttl_seconds=seconds, topic="ask")
        log.info("phone_woken", outcome=str(outcome))
        if outcome is Outcome.GONE:
            async with house.db.transaction() as db:
                await db.run("UPDATE phone_credentials SET push = NULL WHERE id = :id", id=phone["id"])


async def clean_phone(house: House, now: float) -> bool:
    """Chore: forget what is over. Answered asks are her history and stay for half a year."""
    db, day = house.db, now - 86400
    more = [
        await sweep(db, "phone_asks", "id", "answered_at IS NULL AND claimed_at IS NULL AND expires_at < :hour",
                    hour=now - 3600),
        await sweep(db, "phone_asks", "id", "(answered_at IS NOT NULL OR claimed_at IS NOT NULL)"
                    " AND expires_at < :old", old=now - KEPT_SECONDS),
        # Anybody may ask for codes; only what was sent to a holder counts for her daily limit.
        await sweep(db, "phone_code_requests", "digest", "holder IS NULL AND made_at < :expired",
                    expired=now - CODES_SECONDS),
        await sweep(db, "phone_code_requests", "digest", "made_at < :day", day=day),
        await sweep(db, "phone_vouchers", "digest", "expires_at < :day", day=day),
        await sweep(db, "phone_cancels", "digest", "expires_at < :day", day=day),
        await sweep(db, "phone_notices", "id", "made_at < :month", month=now - 30 * 86400),
    ]  # fmt: skip
    return any(more)
