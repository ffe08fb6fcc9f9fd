"""What the watch is told of starts: each once, when it is over, away from whoever waits."""

import msgspec

from lucine.directory import find_professional
from lucine.phone import asks
from lucine.phone.credentials import devices_of
from lucine.phone.holders import find_holder, holder_of_number
from lucine.safe import Reader, Transaction
from lucine.watch.alarms import close_alarm, quiet_alarms
from lucine.watch.campaign import Weighed, weigh
from lucine.watch.detector import Named
from lucine.watch.events import NOBODY, Channel, Event, Outcome, number_digest
from lucine.watch.measures import end_measures
from lucine.watch.sketches import weigh_sources
from lucine.watch.users import is_user, keep_user, times_today
from lucine.web import House

from .respond import respond

BATCH = 500
OWN_ACCOUNT_TIMES = 3  # sign-ins a day of one person that speak for an ordinary day


class _Over(msgspec.Struct, frozen=True, kw_only=True):
    """A start or a request of CIBA that is over. ``ask``: None if nobody answered it and it is forgotten."""

    id: str
    ask: asks.Ask | None
    client: str
    channel: Channel
    address: str
    number: str
    known: bool
    completed: bool
    opened_at: float
    over_at: float
    gave_up: bool


async def note_starts(house: House, now: float) -> bool:
    """Chore: hand down what is over. Whether more is left."""
    async with house.db.transaction() as db:
        rows = await _starts(db, now, house.settings.start_seconds)
        requests = await _requests(db, now)
        batch = [await _weighed(db, now, house, over) for over in (*rows, *requests)]
        for alarm, _ in await weigh(db, now, house.keys, batch) if batch else []:
            await respond(db, now, house.keys, house.settings, alarm)
    return len(rows) == BATCH or len(requests) == BATCH


async def watch_sources(house: House, now: float) -> bool:
    """Chore: who named many numbers today; and alarms that have been quiet for long are closed."""
    async with house.db.transaction() as db:
        for alarm, _ in await weigh_sources(db, now, house.keys):
            await respond(db, now, house.keys, house.settings, alarm)
        for quiet in await quiet_alarms(db, now):
            if await close_alarm(db, now, house.keys, alarm=quiet, by=""):
                await end_measures(db, now, house.keys, alarm=quiet, by="")
    return False


async def _starts(db: Transaction, now: float, seconds: int) -> list[_Over]:
    """Starts that are over and were not handed down: from here on they are."""
    finished = "finished_at IS NOT NULL AND finished_at <= :now"
    waited = "finished_at IS NULL AND opened_at <= :waited"
    rows = [
        row
        for which in (f"{finished} ORDER BY finished_at", f"{waited} ORDER BY opened_at")
        for row in await db.all(
            "SELECT id, client, ask, browser, address, number, session, opened_at, finished_at FROM signin_starts"
            f" WHERE noted_at IS NULL AND {which} LIMIT {BATCH}",
            now=now, waited=now - seconds,
        )
    ]  # fmt: skip
    over = []
    for row in rows:
        ask = await asks.kept_ask(db, row["ask"])
        if ask and row["finished_at"] is None and ask.answer is None and ask.expires_at > now:
            continue  # who needs more time has it
        if not await db.run(
            "UPDATE signin_starts SET noted_at = :now WHERE id = :id AND noted_at IS NULL", now=now, id=row["id"]
        ):
            continue
        passkey = ask is not None and ask.answer == "approved" and ask.claimed_at is None and ask.ring_at is None
        over.append(_Over(
            id=row["ask"], ask=ask, client=row["client"], channel="page", address=row["address"],
            number=row["number"], known=row["browser"] is not None or passkey, completed=row["session"] is not None,
            opened_at=row["opened_at"], over_at=row["finished_at"] or _end_of(ask, row["opened_at"] + seconds),
            gave_up=row["finished_at"] is not None,
        ))  # fmt: skip
    return over


def _end_of(ask: asks.Ask | None, otherwise: float) -> float:
    return (ask.answered_at or ask.expires_at) if ask else otherwise


async def _requests(db: Transaction, now: float) -> list[_Over]:
    """CIBA requests that are over and were not handed down: from here on they are."""
    rows = await db.all(
        "UPDATE signin_ciba SET noted_at = :now WHERE digest IN (SELECT digest FROM signin_ciba"
        f" WHERE noted_at IS NULL AND (expires_at <= :now OR spent_at <= :now) LIMIT {BATCH})"
        " AND noted_at IS NULL RETURNING client, ask, address, number, bonded, made_at, spent_at, expires_at",
        now=now,
    )  # fmt: skip
    over = []
    for row in rows:
        ask = await asks.kept_ask(db, row["ask"])
        over.append(_Over(
            id=row["ask"], ask=ask, client=row["client"], channel="ciba", address=row["address"],
            number=row["number"], known=bool(row["bonded"]), completed=row["spent_at"] is not None,
            opened_at=row["made_at"], over_at=row["spent_at"] or _end_of(ask, row["expires_at"]), gave_up=False,
        ))  # fmt: skip
    return over


async def _weighed(db: Transaction, now: float, house: House, over: _Over) -> Weighed:
    """The event, with what the register and the tables of the watch say of its number."""
    outcome = await _outcome(db, now, over)
    national_id, holder = over.number, ""
    if outcome == "completed" and over.ask and over.ask.holder:
        national_id, holder = (await find_holder(db, over.ask.holder)).national_id, over.ask.holder
    elif over.number and (named := await holder_of_number(db, over.number)):
        holder = named.id
    number = number_digest(house.keys, national_id) if national_id else None
    newcomer = NOBODY if number is None else int(not await is_user(db, now, number=number, client=over.client))
    event = Event(
        id=over.id, at=over.opened_at, over_at=over.over_at, client=over.client, channel=over.channel,
        known=over.known, number=number, holder=holder, newcomer=newcomer, near="", address=over.address,
        outcome=outcome,
    )  # fmt: skip
    if outcome == "completed" and number:
        await keep_user(db, now, number=number, client=over.client)
        times = await times_today(db, now, holder=holder)
        return Weighed(event=event, named=None, repeated=times >= OWN_ACCOUNT_TIMES)
    return Weighed(event=event, named=await _named(db, over.number), repeated=False)


async def _outcome(db: Reader, now: float, over: _Over) -> Outcome:
    answer = over.ask.answer if over.ask else None
    if over.ask and over.ask.disowned_at:
        return "not_me"
    if over.completed:
        return "completed"
    if answer in ("not_me", "changed_mind"):
        return answer
    if over.number:
        named = await holder_of_number(db, over.number)
        if named is None or not any(phone.usable_at <= now for phone in await devices_of(db, named.id, "phone")):
            return "unknown_number"
    return "abandoned" if over.gave_up else "expired"


async def _named(db: Reader, number: str) -> Named | None:
    """Where a number stands in the register; of one that is not in it, the number alone."""
    if not number.isascii() or not number.isdecimal():
        return None
    person = await find_professional(db, number)
    exercice = person.exercices[0] if person and person.exercices else None
    place = exercice.activities[0] if exercice and exercice.activities else {}
    return Named(
        number=int(number[1:] or 0) // 10,  # without the Luhn digit, numbers are given in order
        town=place.get("codeCommune", ""), profession=exercice.facts["codeProfession"] if exercice else "",
    )  # fmt: skip
