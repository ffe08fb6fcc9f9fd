"""What Connect sees of her habits by itself. Each probe answers, or says None where nothing can be seen.

Whoever measures never guesses: after None she is asked like for any other question. A question asks for what its
probe sees, and no more; where there is nothing yet that could be in order, it does not concern her.
"""

from collections.abc import Awaitable, Callable

from lucine.phone.asks import past_asks
from lucine.phone.credentials import Device, Kind, devices_of
from lucine.phone.enrolment import recovery_codes_left
from lucine.phone.holders import channels_of
from lucine.safe import Keys, Reader
from lucine.signin.sessions import past_sessions
from lucine.watch.browsers import browsers_of

from .scoring import Answer
from .systems import SYSTEMS, systems_of

DAY = 86400
PHONE_UNUSED_SECONDS = 90 * DAY
BROWSER_UNUSED_SECONDS = 60 * DAY
LOOKED_BACK_SECONDS = 90 * DAY  # sign-ins and approvals
SYSTEM_SEEN_SECONDS = 90 * DAY  # a phone tells its system when it opens the app
REHEARSED_SECONDS = 180 * DAY  # what is practised is gone after half a year (Reinheimer, SOUPS 2020)
SESSIONS_MAX = 200  # of hers that are looked through

Probe = Callable[[Reader, float, Keys, str], Awaitable[Answer | None]]


async def _ready(db: Reader, now: float, holder: str, kind: Kind | None = None) -> list[Device]:
    """Those that do not wait. A frozen one counts: it thaws after her incident."""
    return [device for device in await devices_of(db, holder, kind) if device.usable_at <= now]


async def passkey(db: Reader, now: float, keys: Keys, holder: str) -> Answer | None:
    """A passkey on a computer."""
    return "yes" if await _ready(db, now, holder, "computer") else "no"


async def second_way(db: Reader, now: float, keys: Keys, holder: str) -> Answer | None:
    """Two keys, of whatever kind."""
    return "yes" if len(await _ready(db, now, holder)) > 1 else "no"


async def recovery_codes(db: Reader, now: float, keys: Keys, holder: str) -> Answer | None:
    """At least one that was not spent."""
    return "yes" if await recovery_codes_left(db, holder) else "no"


async def phones_in_use(db: Reader, now: float, keys: Keys, holder: str) -> Answer | None:
    """None that lies in a drawer."""
    phones = await _ready(db, now, holder, "phone")
    if not phones:
        return "not_concerned"
    dusty = [
        phone
        for phone in phones
        if phone.frozen_at is None and (phone.used_at or phone.created_at) < now - PHONE_UNUSED_SECONDS
    ]
    return "partly" if dusty else "yes"


async def waiting_phone(db: Reader, now: float, keys: Keys, holder: str) -> Answer | None:
    """No phone in quarantine: while one waits she has to look at it."""
    waits = [phone for phone in await devices_of(db, holder, "phone") if phone.usable_at > now]
    return "no" if waits else "yes"


async def channels(db: Reader, now: float, keys: Keys, holder: str) -> Answer | None:
    """A mail address and a mobile number, from the registration authority."""
    match len(await channels_of(db, keys, holder)):
        case 2:
            return "yes"
        case 1:
            return "partly"
    return "no"


async def known_browsers(db: Reader, now: float, keys: Keys, holder: str) -> Answer | None:
    """None that she left."""
    browsers = await browsers_of(db, holder)
    if not browsers:
        return "not_concerned"
    return "partly" if any(row["seen_at"] <= now - BROWSER_UNUSED_SECONDS for row in browsers) else "yes"


async def sessions_closed(db: Reader, now: float, keys: Keys, holder: str) -> Answer | None:
    """On computers that she did not keep: signed out, or left until the session ended by itself or by another's.

    A session from a screen that was scanned or typed for; a passkey says that the computer is hers. Open ones are
    not judged: she may sit there.
    """
    closed = left = 0
    for row in await past_sessions(db, holder, SESSIONS_MAX):
        if row["auth_time"] < now - LOOKED_BACK_SECONDS or row["browser"] or row["method"] not in ("phone", "typed"):
            continue
        closed += row["why"] in ("signed_out", "ended_by_holder")
        left += row["why"] in ("expired", "replaced")
    if not closed + left:
        return None
    if not left:
        return "yes"
    return "partly" if closed >= left else "no"


async def own_approvals(db: Reader, now: float, keys: Keys, holder: str) -> Answer | None:
    """None of her latest approvals was disowned afterwards."""
    approved = [
        ask
        for ask in await past_asks(db, holder)
        if ask.answer == "approved" and ask.opened_at >= now - LOOKED_BACK_SECONDS
    ]
    if not approved:
        return "not_concerned"
    match sum(ask.disowned_at is not None for ask in approved):
        case 0:
            return "yes"
        case 1:
            return "partly"
    return "no"


async def phone_system(db: Reader, now: float, keys: Keys, holder: str) -> Answer | None:
    """The major version that each of her phones last told, against the oldest that its maker still mends."""
    told = await systems_of(db, holder)
    outdated = [
        SYSTEMS.outdated(told[phone.id][0])
        for phone in await devices_of(db, holder, "phone")
        if phone.id in told and told[phone.id][1] >= now - SYSTEM_SEEN_SECONDS
    ]
    if not outdated:
        return None
    if not any(outdated):
        return "yes"
    return "no" if all(outdated) else "partly"


async def rehearsed(db: Reader, now: float, keys: Keys, holder: str) -> Answer | None:
    """Any drill, whatever she answered: practice counts, not marks."""
    since = now - REHEARSED_SECONDS
    row = await db.one(
        "SELECT at FROM habits_drills WHERE holder = :holder AND at >= :since LIMIT 1", holder=holder, since=since
    )
    return "yes" if row else "no"


PROBES: dict[str, Probe] = {
    probe.__name__: probe
    for probe in (
        passkey, second_way, recovery_codes, phones_in_use, waiting_phone, channels, known_browsers, sessions_closed,
        own_approvals, phone_system, rehearsed,
    )
}  # fmt: skip
