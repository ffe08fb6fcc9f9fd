"""Events: every start and how it ended, one by one for 180 days, by the hour for years.

The rooms above keep a start until it is over and hand it down then, in the transaction that marks it
as noted: nothing is written while somebody waits, and what was acknowledged is never lost.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import msgspec

from lucine.safe import Database, Keys, Reader, Row, Transaction, among, sweep

from .place import network_kind, place_of, prefix_of

Outcome = Literal["completed", "abandoned", "changed_mind", "not_me", "unknown_number", "expired"]
Channel = Literal["page", "ciba"]
OUTCOMES: tuple[Outcome, ...] = Outcome.__args__  # type: ignore[attr-defined]

KEPT_SECONDS = 180 * 86400
ADDRESS_KEPT_SECONDS = 30 * 86400
HOURS_KEPT_SECONDS = 5 * 365 * 86400
HOUR_SECONDS, DAY_SECONDS = 3600, 86400
NOBODY = -1  # ``newcomer`` of an event that names nobody


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A start that is over. ``known``: a known browser, or a client with a bond.

    ``number``: keyed digest of the number that was named or, of a completed one, of the number of who came.
    ``holder``: who has that number, '' for nobody. ``newcomer``: 1 if that number never completed a sign-in
    at this client in 180 days, 0 if it did, NOBODY without a number. ``near``: how the number resembles those
    named just before: any of ``order``, ``town``, ``profession``, joined by spaces.
    """

    id: str
    at: float
    over_at: float
    client: str
    channel: Channel
    known: bool
    number: bytes | None
    holder: str
    newcomer: int
    near: str
    address: str
    outcome: Outcome


# All but the address, which nobody needs to read.
COLUMNS = (
    "id, at, over_at, client, channel, known, number, holder, newcomer, near, source, prefix, network, country, kind,"
    " outcome"
)


def number_digest(keys: Keys, national_id: str) -> bytes:
    """How a number is kept in the watch's tables: known and unknown numbers look alike."""
    return keys.mac("number", national_id.encode())


async def note_events(db: Transaction, keys: Keys, events: Sequence[Event]) -> None:
    """Keep them and count them by the hour. Each is handed down once: the transaction that marks it does it."""
    rows = []
    for event in events:
        place = place_of(event.address)
        rows.append({
            **msgspec.structs.asdict(event), "known": int(event.known), "source": source_of(keys, event.address),
            "prefix": prefix_of(event.address), "network": place.network, "country": place.country,
            "kind": network_kind(place),
        })  # fmt: skip
    await db.many(
        "INSERT INTO watch_events (id, at, over_at, client, channel, known, number, holder, newcomer, near, address,"
        " source, prefix, network, country, kind, outcome) VALUES (:id, :at, :over_at, :client, :channel, :known,"
        " :number, :holder, :newcomer, :near, :address, :source, :prefix, :network, :country, :kind, :outcome)",
        rows,
    )
    counts = Counter[tuple[int, str, str, int, str]](
        (int(e.at // HOUR_SECONDS), e.client, e.channel, int(e.known), e.outcome) for e in events
    )
    await _count(db, counts)


async def _count(db: Transaction, counts: Counter[tuple[int, str, str, int, str]]) -> None:
    await db.many(
        "INSERT INTO watch_hours (hour, client, channel, known, outcome, events)"
        " VALUES (:hour, :client, :channel, :known, :outcome, :events)"
        " ON CONFLICT (hour, client, channel, known, outcome) DO UPDATE SET events = watch_hours.events + :events",
        # In one order everywhere: on PostgreSQL two processes must not wait for each other's rows.
        [dict(zip(("hour", "client", "channel", "known", "outcome", "events"), (*key, many), strict=True))
         for key, many in sorted(counts.items())],
    )  # fmt: skip


def source_of(keys: Keys, address: str) -> bytes:
    """A keyed hash of an address: the same source is recognised after the address itself is gone."""
    return keys.mac("source", address.encode())[:16]


async def disown_events(db: Transaction, *, ids: Sequence[str]) -> None:
    """She says later that a completed sign-in was not her: its event and its hour say so too."""
    which, values = among(ids)
    rows = await db.all(
        f"UPDATE watch_events SET outcome = 'not_me' WHERE id IN {which} AND outcome = 'completed'"
        " RETURNING at, client, channel, known",
        **values,
    )
    counts = Counter[tuple[int, str, str, int, str]]()
    for row in rows:
        key = (int(row["at"] // HOUR_SECONDS), row["client"], row["channel"], row["known"])
        counts.update({(*key, "completed"): -1, (*key, "not_me"): 1})
    await _count(db, counts)


async def recent_events(db: Reader, *, since: float, before: float = 1e12, limit: int = 100) -> list[Row]:
    """What ended in this span of time, newest first: every column of the table but the address."""
    return await db.all(
        f"SELECT {COLUMNS} FROM watch_events WHERE over_at >= :since AND over_at < :before"
        " ORDER BY over_at DESC LIMIT :limit",
        since=since, before=before, limit=limit,
    )  # fmt: skip


async def hourly(db: Reader, *, since: float, before: float, client: str | None = None) -> list[Row]:
    """Counts by hour: hour (hours since 1970), client, channel, known (0, 1), outcome, events."""
    return await db.all(
        "SELECT hour, client, channel, known, outcome, events FROM watch_hours WHERE hour >= :since AND hour < :before"
        " AND (client = :client OR CAST(:client AS TEXT) IS NULL) ORDER BY hour",
        since=int(since // HOUR_SECONDS), before=int(-(-before // HOUR_SECONDS)), client=client,
    )  # fmt: skip


async def forget_old_events(db: Database, now: float) -> bool:
    """Addresses go after 30 days, events after 180, hours after five years. Whether more is left to forget."""
    async with db.transaction() as act:
        bare = await act.run(
            "UPDATE watch_events SET address = NULL WHERE id IN (SELECT id FROM watch_events"
            " WHERE address IS NOT NULL AND over_at < :old LIMIT 1000)",
            old=now - ADDRESS_KEPT_SECONDS,
        )
    more = [
        bare == 1000,
        await sweep(db, "watch_events", "id", "over_at < :old", old=now - KEPT_SECONDS),
        await sweep(db, "watch_users", "number, client", "seen_at < :old", old=now - KEPT_SECONDS),
        await sweep(db, "watch_hours", "hour, client, channel, known, outcome", "hour < :old",
                    old=int((now - HOURS_KEPT_SECONDS) // HOUR_SECONDS)),
    ]  # fmt: skip
    return any(more)
