"""What the officers' room does by itself: it tells officers of alarms, and forgets."""

import structlog

from lucine.safe import sweep
from lucine.watch.alarms import open_alarms
from lucine.web import House
from lucine.web.pages import text
from lucine.web.post import PostFailed

from .officers import list_officers
from .sessions import KEPT_SECONDS, PATH

log = structlog.get_logger()


async def tell_officers(house: House, now: float) -> bool:
    """Chore: a mail to each officer for the alarms that opened since the last. It names nobody and no service.

    Sent, then marked: two letters are better than none.
    """
    alarms = await open_alarms(house.db)
    newest = max((alarm.opened_at for alarm in alarms), default=0.0)
    for officer in await list_officers(house.db, house.keys):
        fresh = [alarm for alarm in alarms if alarm.opened_at > officer.told_until]
        if not fresh or not officer.passkeys:
            continue
        subject, _, body = text(
            "fr", "officer/alarm.txt", count=len(fresh), address=f"{house.settings.origin}{PATH}"
        ).partition("\n")
        try:
            await house.post.mail(now=now, to=officer.mail, subject=subject.strip(), text=body.strip())
        except PostFailed as error:
            log.warning("officer_not_told", officer=officer.id, why=str(error))
            continue
        async with house.db.transaction() as db:
            await db.run("UPDATE officer_people SET told_until = :newest WHERE id = :id", newest=newest, id=officer.id)
    return False


async def clean_officer(house: House, now: float) -> bool:
    """Chore: invitations go when they are too old, sessions after half a year. Whether more is left."""
    more = [
        await sweep(house.db, "officer_invitations", "digest", "expires_at < :now", now=now),
        await sweep(house.db, "officer_sessions", "id", "opened_at < :old", old=now - KEPT_SECONDS),
    ]
    return any(more)
