"""Measures: what is done about an alarm. Each is in the ledger, ends by itself, and can be taken back.

They make an attack dearer; none of them keeps an owner out, and none convicts an address.

    active --(until, an officer takes it back, its alarm closes)--> ended
"""

from typing import Literal

import msgspec

from lucine.safe import Database, Keys, Reader, Row, Transaction, tokens, write_ledger

Kind = Literal["proof_of_work", "qr_only", "ciba_closed", "service_told"]
LASTING_SECONDS = 3 * 86400
BATCH = 100


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """``target``: a client (EVERY_CLIENT: all of them), or the holder whom ``qr_only`` protects.

    ``level`` of ``proof_of_work``: 1 to 4, each twice the work of the one before; else 0.
    """

    id: str
    kind: Kind
    target: str
    alarm: str
    level: int
    began_at: float
    until: float
    ended_at: float | None
    ended_by: str


COLUMNS = "id, kind, target, alarm, level, began_at, until, ended_at, ended_by"
OVERDUE = "ended_at IS NULL AND until <= :now"
ENDED = "RETURNING id, kind, target"


def _measure(row: Row) -> Measure:
    return Measure(**dict(row))


async def take_measure(
    db: Transaction, now: float, keys: Keys, *, kind: Kind, target: str, alarm: str, level: int = 0, by: str = ""
) -> tuple[Measure, bool]:
    """Take it, or let the one that is active last longer, at this level; whether it is new.

    ``by``: the officer; '' when the watch takes it by itself.
    """
    over = await db.all(
        f"UPDATE watch_measures SET ended_at = until WHERE kind = :kind AND target = :target AND {OVERDUE} {ENDED}",
        kind=kind, target=target, now=now,
    )  # fmt: skip
    await _write_ended(db, now, keys, over, by="")
    measure = Measure(
        id=tokens.new_secret(128), kind=kind, target=target, alarm=alarm, level=level, began_at=now,
        until=now + LASTING_SECONDS, ended_at=None, ended_by="",
    )  # fmt: skip
    if await db.run(
        f"INSERT INTO watch_measures ({COLUMNS})"
        " VALUES (:id, :kind, :target, :alarm, :level, :began_at, :until, :ended_at, :ended_by)"
        " ON CONFLICT (kind, target) WHERE ended_at IS NULL DO NOTHING",
        **msgspec.structs.asdict(measure),
    ):  # fmt: skip
        facts = {"measure": measure.id, "kind": kind, "target": target, "alarm": alarm}
        await write_ledger(db, now, keys, "measure.taken", by, facts)
        return measure, True
    row = await db.one(
        "UPDATE watch_measures SET until = :until, level = :level"
        f" WHERE kind = :kind AND target = :target AND ended_at IS NULL RETURNING {COLUMNS}",
        until=measure.until, level=level, kind=kind, target=target,
    )  # fmt: skip
    assert row is not None
    return _measure(row), False


async def _write_ended(db: Transaction, now: float, keys: Keys, rows: list[Row], *, by: str) -> None:
    for row in rows:
        facts = {"measure": row["id"], "kind": row["kind"], "target": row["target"]}
        await write_ledger(db, now, keys, "measure.ended", by, facts)


async def active_measure(db: Reader, now: float, *, kind: Kind, target: str) -> Measure | None:
    """The measure that now holds for this target, or for every client."""
    row = await db.one(
        f"SELECT {COLUMNS} FROM watch_measures WHERE kind = :kind AND target IN (:target, '')"
        " AND ended_at IS NULL AND until > :now ORDER BY level DESC LIMIT 1",
        kind=kind, target=target, now=now,
    )  # fmt: skip
    return _measure(row) if row else None


async def active_measures(db: Reader, now: float) -> list[Measure]:
    """All that hold now, newest first."""
    rows = await db.all(
        f"SELECT {COLUMNS} FROM watch_measures WHERE ended_at IS NULL AND until > :now ORDER BY began_at DESC",
        now=now,
    )
    return [_measure(row) for row in rows]


async def taken_back(db: Reader) -> set[tuple[str, str]]:
    """What officers took back for alarms that are still open: kind and target."""
    rows = await db.all(
        "SELECT kind, target FROM watch_measures WHERE ended_by <> ''"
        " AND alarm IN (SELECT id FROM watch_alarms WHERE closed_at IS NULL)"
    )
    return {(row["kind"], row["target"]) for row in rows}


async def measures_of(db: Reader, alarm: str) -> list[Measure]:
    """Every measure of an alarm, ended or not, newest first."""
    rows = await db.all(
        f"SELECT {COLUMNS} FROM watch_measures WHERE alarm = :alarm ORDER BY began_at DESC", alarm=alarm
    )
    return [_measure(row) for row in rows]


async def end_measures(
    db: Transaction, now: float, keys: Keys, *, measure: str | None = None, alarm: str | None = None, by: str
) -> int:
    """Take back one measure, or all of an alarm; how many."""
    rows = await db.all(
        "UPDATE watch_measures SET ended_at = :now, ended_by = :by WHERE ended_at IS NULL"
        f" AND (id = CAST(:measure AS TEXT) OR alarm = CAST(:alarm AS TEXT)) {ENDED}",
        now=now, by=by, measure=measure, alarm=alarm,
    )  # fmt: skip
    await _write_ended(db, now, keys, rows, by=by)
    return len(rows)


async def end_old_measures(db: Database, now: float, keys: Keys) -> bool:
    """Those whose time is over end, and the ledger says so. Whether more are left."""
    async with db.transaction() as act:
        rows = await act.all(
            "UPDATE watch_measures SET ended_at = until WHERE id IN (SELECT id FROM watch_measures"
            f" WHERE {OVERDUE} LIMIT :most) {ENDED}",
            now=now, most=BATCH,
        )  # fmt: skip
        await _write_ended(act, now, keys, rows, by="")
    return len(rows) == BATCH
