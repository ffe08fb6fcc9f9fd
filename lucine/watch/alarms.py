"""Alarms: what looks like a campaign, since when, how sure, and whether an officer has seen it.

    open --(more of the same)--> open, grown --(an officer has seen it)--> acknowledged
    open | acknowledged --(an officer, or seven days without more)--> closed, or closed as ordinary

One open alarm at most for one family, feature and client.
"""

from typing import Any, Literal

import msgspec

from lucine.safe import Keys, Reader, Row, Transaction, tokens, write_ledger

Family = Literal["outcomes", "choice", "sources"]
QUIET_SECONDS = 7 * 86400
EVERY_CLIENT = ""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What an alarm saw. ``certainty``: natural logarithm of how much likelier an attack is than an ordinary day.

    ``seen`` and ``expected``: counts by what is counted (an outcome, a likeness of numbers, numbers by source).
    ``numbers``: distinct numbers named. ``sources``: the most active networks and how many numbers each named.
    """

    events: int
    numbers: int
    certainty: float
    seen: dict[str, float]
    expected: dict[str, float]
    services: dict[str, int]
    sources: dict[str, int] = {}


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm. ``client``: the service, EVERY_CLIENT when it shows over all of them together."""

    id: str
    family: Family
    client: str
    feature: str
    since: float
    opened_at: float
    grown_at: float
    acknowledged_at: float | None
    acknowledged_by: str
    closed_at: float | None
    closed_by: str
    evidence: Evidence

    @property
    def state(self) -> Literal["open", "acknowledged", "closed"]:
        if self.closed_at is not None:
            return "closed"
        return "open" if self.acknowledged_at is None else "acknowledged"


PLAIN = (
    "id, family, client, feature, since, opened_at, grown_at, acknowledged_at, acknowledged_by, closed_at, closed_by"
)
COLUMNS = f"{PLAIN}, evidence"


def _alarm(row: Row) -> Alarm:
    values: dict[str, Any] = dict(row)
    values["evidence"] = msgspec.json.decode(values["evidence"], type=Evidence)
    return Alarm(**values)


async def raise_alarm(
    db: Transaction, now: float, keys: Keys, *, family: Family, client: str, feature: str, since: float,
    evidence: Evidence,
) -> tuple[Alarm, bool]:  # fmt: skip
    """Open it, or let the open one grow; the alarm, and whether it is new."""
    said = msgspec.json.encode(evidence, order="sorted").decode()
    row = await db.one(
        "UPDATE watch_alarms SET grown_at = :now, evidence = :said WHERE family = :family AND client = :client"
        f" AND feature = :feature AND closed_at IS NULL RETURNING {COLUMNS}",
        now=now, said=said, family=family, client=client, feature=feature,
    )  # fmt: skip
    if row is not None:
        return _alarm(row), False
    alarm = Alarm(
        id=tokens.new_secret(128), family=family, client=client, feature=feature, since=since, opened_at=now,
        grown_at=now, acknowledged_at=None, acknowledged_by="", closed_at=None, closed_by="", evidence=evidence,
    )  # fmt: skip
    await db.run(
        f"INSERT INTO watch_alarms ({PLAIN}, ordinary, evidence) VALUES (:id, :family, :client, :feature, :since,"
        " :opened_at, :grown_at, NULL, '', NULL, '', 0, :said)",
        id=alarm.id, family=family, client=client, feature=feature, since=since, opened_at=now, grown_at=now, said=said,
    )  # fmt: skip
    await write_ledger(db, now, keys, "alarm.opened", "", {"alarm": alarm.id, "family": family, "client": client})
    return alarm, True


async def open_alarm(db: Reader, *, family: Family, client: str, feature: str) -> Alarm | None:
    """The one that is open for this family, feature and client, if any."""
    row = await db.one(
        f"SELECT {COLUMNS} FROM watch_alarms WHERE family = :family AND client = :client AND feature = :feature"
        " AND closed_at IS NULL",
        family=family, client=client, feature=feature,
    )  # fmt: skip
    return _alarm(row) if row else None


async def find_alarm(db: Reader, alarm: str) -> Alarm | None:
    row = await db.one(f"SELECT {COLUMNS} FROM watch_alarms WHERE id = :id", id=alarm)
    return _alarm(row) if row else None


async def open_alarms(db: Reader) -> list[Alarm]:
    """Those that are not closed, newest first."""
    rows = await db.all(f"SELECT {COLUMNS} FROM watch_alarms WHERE closed_at IS NULL ORDER BY opened_at DESC")
    return [_alarm(row) for row in rows]


async def past_alarms(db: Reader, limit: int = 50) -> list[Alarm]:
    """Those that are closed, newest first."""
    rows = await db.all(
        f"SELECT {COLUMNS} FROM watch_alarms WHERE closed_at IS NOT NULL ORDER BY opened_at DESC LIMIT :limit",
        limit=limit,
    )
    return [_alarm(row) for row in rows]


async def acknowledge_alarm(db: Transaction, now: float, keys: Keys, *, alarm: str, by: str) -> bool:
    """An officer has seen it. Whether there was something to acknowledge."""
    done = await db.run(
        "UPDATE watch_alarms SET acknowledged_at = :now, acknowledged_by = :by"
        " WHERE id = :id AND acknowledged_at IS NULL AND closed_at IS NULL",
        now=now, by=by, id=alarm,
    )  # fmt: skip
    if done:
        await write_ledger(db, now, keys, "alarm.acknowledged", by, {"alarm": alarm})
    return bool(done)


async def close_alarm(db: Transaction, now: float, keys: Keys, *, alarm: str, by: str, ordinary: bool = False) -> bool:
    """It is over, says an officer (``by``) or time (``by`` = ''). Its measures are ended by ``end_measures``.

    ``ordinary``: nobody attacked, these are ordinary days now. The detector learns what it had put aside.
    """
    done = await db.run(
        "UPDATE watch_alarms SET closed_at = :now, closed_by = :by, ordinary = :ordinary"
        " WHERE id = :id AND closed_at IS NULL",
        now=now, by=by, ordinary=int(ordinary), id=alarm,
    )  # fmt: skip
    if done:
        facts = {"alarm": alarm, "ordinary": "yes" if ordinary else "no"}
        await write_ledger(db, now, keys, "alarm.closed", by, facts)
    return bool(done)


async def take_ordinary(db: Transaction, *, client: str) -> list[str]:
    """The features whose alarms an officer closed as ordinary and of which the detector was not told yet."""
    rows = await db.all(
        "UPDATE watch_alarms SET ordinary = 2 WHERE client = :client AND ordinary = 1 RETURNING feature", client=client
    )
    return [row["feature"] for row in rows]


async def closed_today(db: Reader, *, client: str, feature: str, since: float) -> int:
    """Of how many numbers the largest alarm about sources spoke that was closed since then; 0 if none was."""
    rows = await db.all(
        "SELECT evidence FROM watch_alarms WHERE family = 'sources' AND client = :client AND feature = :feature"
        " AND closed_at >= :since",
        client=client, feature=feature, since=since,
    )  # fmt: skip
    return max((msgspec.json.decode(row["evidence"], type=Evidence).numbers for row in rows), default=0)


async def quiet_alarms(db: Reader, now: float) -> list[str]:
    """Those that have not grown for QUIET_SECONDS: time closes them."""
    rows = await db.all("SELECT id FROM watch_alarms WHERE closed_at IS NULL AND grown_at < :old",
                        old=now - QUIET_SECONDS)  # fmt: skip
    return [row["id"] for row in rows]
