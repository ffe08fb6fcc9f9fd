"""What calls for a card: one small question each, about what Connect can really see.

Each answers when that last happened to her, or None if it does not hold now.
"""

from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec

from lucine.phone.credentials import Device, devices_of
from lucine.phone.enrolment import CODES_SECONDS, codes_asked_at, recovery_codes_left
from lucine.phone.holders import find_holder
from lucine.phone.holds import held_since
from lucine.phone.typed import ARMED_SECONDS
from lucine.safe import Keys, Reader, Row
from lucine.safe.ledger import lines_about
from lucine.signin.sessions import past_sessions
from lucine.watch.browsers import browsers_of
from lucine.watch.tries import tries_of
from lucine.web import Visit
from lucine.web.settings import Settings

from .incidents import incidents_of
from .measuring import BROWSER_UNUSED_SECONDS
from .people import Person
from .systems import SYSTEMS, systems_of

Trigger = Literal[
    "phone_in_quarantine", "codes_sent", "caller_suspected", "bag_stolen", "phone_lost", "request_refused",
    "phone_added", "session_left_open", "number_tried", "few_ways_back", "system_outdated", "browser_asleep",
]  # fmt: skip

LATELY_SECONDS = 7 * 86400
SAME_BAG_SECONDS = 86400
LINES_MAX = 500
WAYS_BACK_MIN = 2
SINCE_LONG = 0.0  # of what nobody dated
# Why a credential went, where it was her own doing. "Not me", a copied browser and incidents are told elsewhere.
SHE_LOST_A_PHONE = ("switched off from the desk", "recovery code")
SHE_GAVE_UP_A_COMPUTER = ("forgotten by holder", "deleted by holder")
ENROLLED = ("phone.enrolled", "computer.enrolled")
SCREENS = ("phone", "known", "typed", "passkey")  # how one signs in before a screen


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the ledger about her."""

    at: float
    act: str
    facts: dict[str, str]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the questions share. ``session``: from which she looks, '' on her phone. ``lines``: lately, newest first.
    ``devices``: her phones and passkeys, ``incidents``: hers.
    """

    db: Reader
    now: float
    keys: Keys
    settings: Settings
    holder: str
    session: str
    lines: list[Line]
    devices: list[Device]
    incidents: list[Row]

    @property
    def phones(self) -> list[Device]:
        return [device for device in self.devices if device.kind == "phone"]

    def last(self, *acts: str, why: tuple[str, ...] = ()) -> float | None:
        """When one of these acts was last written about her, for one of these reasons if any are given."""
        times = (line.at for line in self.lines if line.act in acts and (not why or line.facts.get("why") in why))
        return next(times, None)


async def look_at(visit: Visit, person: Person) -> Seen:
    house = visit.house
    rows = await lines_about(house.db, person.holder, visit.now - LATELY_SECONDS, LINES_MAX)
    lines = [
        Line(at=row["at"], act=row["act"], facts=msgspec.json.decode(row["facts"], type=dict[str, str])) for row in rows
    ]
    return Seen(
        db=house.db, now=visit.now, keys=house.keys, settings=house.settings, holder=person.holder,
        session=person.session, lines=lines, devices=await devices_of(house.db, person.holder),
        incidents=await incidents_of(house.db, person.holder),
    )  # fmt: skip


async def phone_in_quarantine(seen: Seen) -> float | None:
    waiting = [phone for phone in seen.phones if phone.usable_at > seen.now and phone.frozen_at is None]
    return max((phone.created_at for phone in waiting), default=None)


async def codes_sent(seen: Seen) -> float | None:
    """Two codes that add a phone went to her, and are still good."""
    asked = await codes_asked_at(seen.db, seen.holder, unused=True)
    return asked if asked is not None and asked > seen.now - CODES_SECONDS else None


async def caller_suspected(seen: Seen) -> float | None:
    """Her typed code is armed, or codes were sent within a day (their own card has had its time)."""
    armed, disarmed = seen.last("typed_code.armed"), seen.last("typed_code.disarmed")
    asked = await codes_asked_at(seen.db, seen.holder)
    times = [
        armed if armed is not None and (disarmed is None or disarmed < armed) else None,
        asked if asked is not None and asked <= seen.now - CODES_SECONDS else None,
    ]
    return max((at for at in times if at is not None and at > seen.now - ARMED_SECONDS), default=None)


async def bag_stolen(seen: Seen) -> float | None:
    """She gave up a phone and a computer within a day of each other."""
    phone, computer = _lost(seen, "phone"), _lost(seen, "computer")
    if phone is None or computer is None or abs(phone - computer) > SAME_BAG_SECONDS:
        return None
    return max(phone, computer)


async def phone_lost(seen: Seen) -> float | None:
    """She switched a phone off, or opened the incident of a lost one; alone, or else it was the bag."""
    return _lost(seen, "phone") if await bag_stolen(seen) is None else None


def _lost(seen: Seen, kind: Literal["phone", "computer"]) -> float | None:
    given_up = (
        seen.last("phone.revoked", why=SHE_LOST_A_PHONE)
        if kind == "phone"
        else seen.last("browser.forgotten", "computer.revoked", why=SHE_GAVE_UP_A_COMPUTER)
    )
    since = seen.now - LATELY_SECONDS
    told = [row["opened_at"] for row in seen.incidents if row["path"] == f"{kind}-lost" and row["opened_at"] > since]
    return max([*told, *([] if given_up is None else [given_up])], default=None)


async def request_refused(seen: Seen) -> float | None:
    """She said "not me" to a request. A change of mind calls for no advice."""
    return seen.last("ask.not_me")


async def phone_added(seen: Seen) -> float | None:
    """Beside a key, or after one. The first that she ever had, she has just made herself."""
    since = seen.now - LATELY_SECONDS
    phones = [phone for phone in seen.phones if phone.active(seen.now) and phone.usable_at > since]
    if not phones:
        return None
    oldest = min(phones, key=lambda phone: phone.created_at)
    lines = await lines_about(seen.db, seen.holder, 0.0, LINES_MAX, until=oldest.created_at)
    enrolled = sum(line["act"] in ENROLLED for line in lines)  # itself among them
    # Whoever has so many lines has long been here.
    first = oldest if enrolled <= 1 and len(lines) < LINES_MAX else None
    return max((phone.usable_at for phone in phones if phone is not first), default=None)


async def session_left_open(seen: Seen) -> float | None:
    """At a screen that she did not keep she is still signed in, and has signed in at another since: that is when.

    Where a passkey opened it the computer is hers.
    """
    at_screens = [row for row in await past_sessions(seen.db, seen.holder) if row["method"] in SCREENS]
    left = any(
        row["browser"] is None and row["method"] != "passkey" and row["id"] != seen.session and _open(seen, row)
        for row in at_screens[1:]  # newest first: the last one is where she is now
    )
    return at_screens[0]["auth_time"] if left else None


def _open(seen: Seen, session: Row) -> bool:
    idle = seen.now - seen.settings.session_idle_seconds
    return session["ended_at"] is None and session["expires_at"] > seen.now and session["seen_at"] > idle


async def number_tried(seen: Seen) -> float | None:
    holder = await find_holder(seen.db, seen.holder)
    _, last = await tries_of(seen.db, seen.now, seen.keys, holder.national_id)
    return last if last is not None and last > seen.now - LATELY_SECONDS else None


async def few_ways_back(seen: Seen) -> float | None:
    """No recovery code is left, or one thing lost leaves her outside. While she may add none, it waits."""
    if await held_since(seen.db, seen.holder) is not None:
        return None
    ways = sum(device.active(seen.now) for device in seen.devices)
    weak = ways < WAYS_BACK_MIN or not await recovery_codes_left(seen.db, seen.holder)
    return SINCE_LONG if weak else None


async def system_outdated(seen: Seen) -> float | None:
    """A phone of hers says that its system no longer gets every fix. It says so each day: that is no news."""
    hers = {phone.id for phone in seen.phones}
    systems = await systems_of(seen.db, seen.holder)
    old = any(SYSTEMS.outdated(system) for phone, (system, _) in systems.items() if phone in hers)
    return SINCE_LONG if old else None


async def browser_asleep(seen: Seen) -> float | None:
    """A computer that she once kept has not been seen for 60 days: a substitute's who left, or an old one.

    Connect cannot see who sits before a browser, nor a contract that ends. It sees that nobody came from there.
    """
    since = [row["seen_at"] + BROWSER_UNUSED_SECONDS for row in await browsers_of(seen.db, seen.holder)]
    return max((at for at in since if at <= seen.now), default=None)


# The order is the order of cards that are due at the same time.
TRIGGERS: dict[Trigger, Callable[[Seen], Awaitable[float | None]]] = {
    "phone_in_quarantine": phone_in_quarantine,
    "codes_sent": codes_sent,
    "caller_suspected": caller_suspected,
    "bag_stolen": bag_stolen,
    "phone_lost": phone_lost,
    "request_refused": request_refused,
    "phone_added": phone_added,
    "session_left_open": session_left_open,
    "number_tried": number_tried,
    "few_ways_back": few_ways_back,
    "system_outdated": system_outdated,
    "browser_asleep": browser_asleep,
}
