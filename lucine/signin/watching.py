"""What the watch is told of starts: each once, when it is over, away from whoever waits."""

from collections import Counter
from collections.abc import Sequence

import msgspec
import structlog

from lucine.directory.people import towns_and_professions
from lucine.phone import asks
from lucine.phone.credentials import holders_of_numbers
from lucine.phone.holders import find_holder
from lucine.safe import Reader, Row, StorageUnavailable, Transaction, write_ledger
from lucine.watch.alarms import close_alarm, quiet_alarms
from lucine.watch.browsers import owners_of_browsers
from lucine.watch.campaign import Weighed, take_turn, weigh
from lucine.watch.detector import Named
from lucine.watch.events import NOBODY, Channel, Event, Outcome, number_digest
from lucine.watch.measures import end_measures
from lucine.watch.sketches import weigh_sources
from lucine.watch.users import keep_users, times_today, users_among
from lucine.web import House

from .respond import respond

log = structlog.get_logger()

# When a row of each table is over: by itself, or because its time is.
ENDS = {"signin_starts": ("finished_at", "expires_at"), "signin_ciba": ("spent_at", "expires_at")}
START = "id, ask, client, browser, address, number, session, opened_at, finished_at, expires_at"
REQUEST = "digest, client, ask, address, number, bonded, made_at, spent_at, expires_at"
BATCH = 500
SLICE_SECONDS = 600
OWN_ACCOUNT_TIMES = 3  # sign-ins a day of one person that speak for an ordinary day


class _Over(msgspec.Struct, frozen=True, kw_only=True):
    """A start or a request of CIBA that is over. ``ask``: None if nobody answered it and it is forgotten."""

    id: str
    ask: asks.Ask | None
    client: str
    channel: Channel
    address: str
    number: str
    owner: str
    known: bool
    completed: bool
    gave_up: bool
    opened_at: float
    over_at: float


async def note_starts(house: House, now: float) -> bool:
    """Chore: hand down what is over. Whether more is left."""
    try:
        return await _note(house, now, BATCH)
    except StorageUnavailable:
        raise
    except Exception:
        # Whatever a stranger has made of it, one start must not stop the watch: one by one, and past the bad one.
        log.error("batch_not_noted", exc_info=True)
        return await _note_singly(house, now)


async def _note_singly(house: House, now: float) -> bool:
    for _ in range(BATCH):
        try:
            if not await _note(house, now, 1):
                return False
        except StorageUnavailable:
            raise
        except Exception:
            log.error("start_not_noted", exc_info=True)
            async with house.db.transaction() as db:
                await take_turn(db)
                passed = [*await _starts(db, now, now, 1), *await _requests(db, now, now, 1)]
                await write_ledger(db, now, house.keys, "watch.passed_over", "", {"starts": str(len(passed))})
    return True


async def _note(house: House, now: float, most: int) -> bool:
    oldest = await _oldest(house.db)
    if oldest is None or oldest > now:
        return False
    until = min(now, oldest + SLICE_SECONDS)
    async with house.db.transaction() as db:
        await take_turn(db)
        batch = [*await _starts(db, now, until, most), *await _requests(db, now, until, most)]
        if batch:
            for alarm, _ in await weigh(db, now, house.keys, await _weighed(db, now, house, batch)):
                await respond(db, now, house.keys, house.settings, alarm)
    return len(batch) >= most or until < now


async def watch_sources(house: House, now: float) -> bool:
    """Chore: who named many numbers today; and alarms that have been quiet for long are closed."""
    async with house.db.transaction() as db:
        await take_turn(db)
        for alarm, _ in await weigh_sources(db, now, house.keys):
            await respond(db, now, house.keys, house.settings, alarm)
        for quiet in await quiet_alarms(db, now):
            if await close_alarm(db, now, house.keys, alarm=quiet, by=""):
                await end_measures(db, now, house.keys, alarm=quiet, by="")
    return False


async def _oldest(db: Reader) -> float | None:
    """When the first of those that wait was over: after a pause they are handed down in their order, in slices."""
    ends = [
        await db.one(f"SELECT MIN({end}) AS first FROM {table} WHERE noted_at IS NULL AND {end} IS NOT NULL")
        for table, columns in ENDS.items() for end in columns
    ]  # fmt: skip
    return min((row["first"] for row in ends if row and row["first"] is not None), default=None)


async def _take(db: Transaction, now: float, until: float, most: int, *, table: str, columns: str) -> list[Row]:
    """The rows of a table that are over and were not handed down: from here on they are. One statement an index."""
    key = columns.partition(",")[0]
    return [
        row
        for end in ENDS[table]
        for row in await db.all(
            f"UPDATE {table} SET noted_at = :now WHERE {key} IN (SELECT {key} FROM {table} WHERE noted_at IS NULL"
            f" AND {end} <= :until ORDER BY {end} LIMIT {most}) AND noted_at IS NULL RETURNING {columns}",
            now=now, until=until,
        )
    ]  # fmt: skip


async def _starts(db: Transaction, now: float, until: float, most: int) -> list[_Over]:
    rows = await _take(db, now, until, most, table="signin_starts", columns=START)
    kept = await asks.kept_asks(db, (row["ask"] for row in rows))
    owners = await owners_of_browsers(db, {row["browser"] for row in rows if row["browser"]})
    return [_start(row, kept.get(row["ask"]), owners.get(row["browser"], "")) for row in rows]


def _start(row: Row, ask: asks.Ask | None, owner: str) -> _Over:
    """``owner``: whose known browser it was that proved its key."""
    passkey = ask is not None and ask.answer == "approved" and ask.claimed_at is None and ask.ring_at is None
    return _Over(
        id=row["ask"], ask=ask, client=row["client"], channel="page", address=row["address"],
        number=row["number"], owner=owner, known=passkey, completed=row["session"] is not None,
        gave_up=row["finished_at"] is not None, opened_at=row["opened_at"],
        over_at=row["finished_at"] or _answered_at(ask) or row["expires_at"],
    )  # fmt: skip


def _answered_at(ask: asks.Ask | None) -> float | None:
    return ask.answered_at if ask else None


async def _requests(db: Transaction, now: float, until: float, most: int) -> list[_Over]:
    rows = await _take(db, now, until, most, table="signin_ciba", columns=REQUEST)
    kept = await asks.kept_asks(db, (row["ask"] for row in rows))
    return [_request(row, kept.get(row["ask"])) for row in rows]


def _request(row: Row, ask: asks.Ask | None) -> _Over:
    return _Over(
        id=row["ask"], ask=ask, client=row["client"], channel="ciba", address=row["address"], number=row["number"],
        owner="", known=bool(row["bonded"]), completed=row["spent_at"] is not None, gave_up=False,
        opened_at=row["made_at"], over_at=row["spent_at"] or _answered_at(ask) or row["expires_at"],
    )  # fmt: skip


async def _weighed(db: Transaction, now: float, house: House, batch: Sequence[_Over]) -> list[Weighed]:
    """The events, with what the register and the tables of the watch say of their numbers."""
    numbers = {over.number for over in batch if over.number}
    holders = await holders_of_numbers(db, now, numbers)
    towns = await towns_and_professions(db, numbers)
    events = []
    for over in batch:
        named = holders.get(over.number)
        outcome, number, holder = _outcome(over, enrolled=bool(named and named[1])), over.number, ""
        if outcome == "completed" and over.ask and over.ask.holder:
            number, holder = (await find_holder(db, over.ask.holder)).national_id, over.ask.holder
        elif named:
            holder = named[0]
        # A known browser is one of hers: a stranger who keeps his own and names others' numbers is a stranger.
        known = over.known or bool(over.owner and (not number or over.owner == holder))
        events.append(Event(
            id=over.id, at=over.opened_at, over_at=over.over_at, client=over.client, channel=over.channel,
            known=known, number=number_digest(house.keys, number) if number else None, holder=holder,
            newcomer=NOBODY, near="", address=over.address, outcome=outcome,
        ))  # fmt: skip
    users = await users_among(db, now, {event.number for event in events if event.number})
    weighed, came, times = [], set[tuple[bytes, str]](), Counter[str]()
    for event, over in zip(events, batch, strict=True):
        if event.number:
            newcomer = int((event.number, event.client) not in users)
            event = msgspec.structs.replace(event, newcomer=newcomer)
        repeated = False
        if event.outcome == "completed" and event.number:
            came.add((event.number, event.client))
            times[event.holder] += 1
            before = await times_today(db, now, holder=event.holder)
            repeated = before + times[event.holder] > OWN_ACCOUNT_TIMES
        named_as = _named(over.number, *towns.get(over.number, ("", "")))
        weighed.append(Weighed(event=event, named=named_as, repeated=repeated))
    await keep_users(db, now, came)
    return weighed


def _outcome(over: _Over, *, enrolled: bool) -> Outcome:
    answer = over.ask.answer if over.ask else None
    if over.ask and over.ask.disowned_at:
        return "not_me"
    if over.completed:
        return "completed"
    if answer in ("not_me", "changed_mind"):
        return answer
    if over.number and not enrolled:
        return "unknown_number"
    return "abandoned" if over.gave_up else "expired"


def _named(number: str, town: str, profession: str) -> Named | None:
    """Where a number stands in the register; of one that is not in it, the number alone."""
    if not number:
        return None
    # Without the Luhn digit, numbers are given in order.
    return Named(number=int(number[1:]) // 10, town=town, profession=profession)
