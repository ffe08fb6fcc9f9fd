"""The monthly digest: a mail to who wants one, in the first hour of the month in which the programs run."""

from lucine.phone.credentials import devices_of
from lucine.phone.digests import take_due_digests
from lucine.phone.holders import find_holder
from lucine.phone.notices import tell_holder
from lucine.safe import Keys, Transaction
from lucine.watch.tries import MONTH_SECONDS, tries_of
from lucine.web import House
from lucine.web.settings import Settings

BATCH = 20


async def send_digests(house: House, now: float) -> bool:
    """Chore: queue the mails that are due. Whoever is marked has hers queued, even if the process dies here."""
    async with house.db.transaction() as db:
        due = await take_due_digests(db, now, BATCH)
        for holder in due:
            await _queue(db, now, house.keys, house.settings, holder)
    if due:
        house.bell.ring("notices")
    return bool(due)


async def _queue(db: Transaction, now: float, keys: Keys, settings: Settings, holder: str) -> None:
    tries, _ = await tries_of(db, now, keys, (await find_holder(db, holder)).national_id)
    row = await db.one(
        "SELECT COUNT(*) AS sign_ins FROM signin_sessions WHERE holder = :holder AND auth_time >= :since",
        holder=holder, since=now - MONTH_SECONDS,
    )  # fmt: skip
    assert row is not None
    phones = [phone for phone in await devices_of(db, holder, "phone") if phone.active(now)]
    await tell_holder(
        db, now, keys, holder=holder, what="digest", only="mail", lucine=settings.name, tries=tries,
        sign_ins=row["sign_ins"], phones=len(phones), link=f"{settings.origin}/security#number",
    )  # fmt: skip
