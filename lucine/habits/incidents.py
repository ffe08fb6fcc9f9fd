"""Incidents: opened by containing, then noted, then told to whom they concern, then closed.

open --(contained in the same transaction)--> contained --(answers, notes, tasks)--> closed

Everything is in the database as soon as it is said: a crash, a lost session or another device loses nothing.
"""

import msgspec

from lucine.phone.holders import Holder
from lucine.phone.notices import tell_holder
from lucine.safe import Keys, Reader, Row, Transaction, tokens, write_ledger
from lucine.web import Refusal, not_found
from lucine.web.settings import Settings

from .containment import Containment, Done, contain
from .facts import Facts
from .kept import gather
from .paths import PATHS
from .people import Person

OPENED_MAX_PER_DAY = 20
NOTE_MAX_LENGTH = 2000
NOTES_MAX = 200


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """``done``: what was stopped. ``facts``: what she said of it. ``tasks``: those done, and when."""

    id: str
    holder: str
    path: str
    opened_at: float
    done: list[Done]
    facts: Facts
    tasks: dict[str, float]
    closed_at: float | None


class Note(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    at: float
    text: str


COLUMNS = "id, holder, path, opened_at, done, facts, closed_at"


async def open_incident(
    db: Transaction,
    now: float,
    keys: Keys,
    settings: Settings,
    *,
    holder: Holder,
    person: Person,
    path: str,
    chosen: str,
) -> tuple[str, Containment]:
    """Contain, and keep what is known; the incident, and what was done. Said again while it is open, it is contained
    again and stays one incident.
    """
    acts = PATHS[path].facts.acts
    before = await db.one(
        "SELECT id, done FROM habits_incidents WHERE holder = :holder AND path = :path AND closed_at IS NULL",
        holder=holder.id, path=path,
    )  # fmt: skip
    if before is None:
        await _require_few(db, now, holder.id)
    evidence = await gather(db, now, keys, holder)  # before anything is changed
    contained = await contain(db, now, keys, settings, person=person, acts=acts, chosen=chosen)
    if before:
        incident = str(before["id"])
        done = _added(msgspec.json.decode(before["done"], type=list[Done]), contained.done)
        await db.run("UPDATE habits_incidents SET done = :done WHERE id = :id",
                     done=msgspec.json.encode(done).decode(), id=incident)  # fmt: skip
    else:
        incident = tokens.new_secret(128)
        await db.run(
            "INSERT INTO habits_incidents (id, holder, path, opened_at, done, facts, evidence)"
            " VALUES (:id, :holder, :path, :now, :done, :facts, :evidence)",
            id=incident, holder=holder.id, path=path, now=now, done=msgspec.json.encode(contained.done).decode(),
            facts=keys.seal(_place("facts", incident), msgspec.json.encode(PATHS[path].facts.presumed)),
            evidence=keys.seal(_place("evidence", incident), evidence),
        )  # fmt: skip
        await tell_holder(db, now, keys, holder=holder.id, what="incident", link=f"{settings.origin}/incident")
    await write_ledger(db, now, keys, "incident.opened", holder.id, {"incident": incident, "path": path})
    return incident, contained


def _added(before: list[Done], more: list[Done]) -> list[Done]:
    counts = {done.act: done.count for done in more}
    return [Done(done.act, done.count + counts.get(done.act, 0)) for done in before]


async def _require_few(db: Reader, now: float, holder: str) -> None:
    row = await db.one(
        "SELECT COUNT(*) AS opened FROM habits_incidents WHERE holder = :holder AND opened_at > :day",
        holder=holder, day=now - 86400,
    )  # fmt: skip
    if row and row["opened"] >= OPENED_MAX_PER_DAY:
        words = "Vous avez déjà ouvert beaucoup d'incidents aujourd'hui. Reprenez l'un d'eux."
        raise Refusal("temporarily_unavailable", words, "too many incidents", status=429)


def _place(column: str, incident: str) -> str:
    return f"habits_incidents.{column}.{incident}"


async def find_incident(db: Reader, keys: Keys, *, holder: str, incident: str) -> Incident:
    """Hers; Refusal "not found" for anybody else's."""
    row = await db.one(
        f"SELECT {COLUMNS} FROM habits_incidents WHERE id = :id AND holder = :holder", id=incident, holder=holder
    )
    if row is None:
        raise not_found("no such incident of hers")
    return await _incident(db, keys, row)


async def _incident(db: Reader, keys: Keys, row: Row) -> Incident:
    tasks = await db.all("SELECT task, done_at FROM habits_tasks WHERE incident = :id", id=row["id"])
    facts = msgspec.json.decode(keys.unseal(_place("facts", row["id"]), row["facts"]), type=Facts)
    done = msgspec.json.decode(row["done"], type=list[Done])
    return Incident(
        **{**dict(row), "facts": facts, "done": done, "tasks": {one["task"]: one["done_at"] for one in tasks}}
    )


async def incidents_of(db: Reader, holder: str) -> list[Row]:
    """All of hers, open ones first, newest first: id, path, opened_at, closed_at."""
    return await db.all(
        "SELECT id, path, opened_at, closed_at FROM habits_incidents WHERE holder = :holder"
        " ORDER BY CASE WHEN closed_at IS NULL THEN 0 ELSE 1 END, opened_at DESC LIMIT 50",
        holder=holder,
    )  # fmt: skip


async def change_facts(db: Transaction, keys: Keys, *, incident: Incident, facts: Facts) -> None:
    """Keep her answers."""
    await db.run(
        "UPDATE habits_incidents SET facts = :facts WHERE id = :id AND closed_at IS NULL",
        facts=keys.seal(_place("facts", incident.id), msgspec.json.encode(facts)), id=incident.id,
    )  # fmt: skip


async def mark_task(db: Transaction, now: float, keys: Keys, *, incident: Incident, task: str, done: bool) -> None:
    """She did it, or takes that back."""
    if done:
        await db.run(
            "INSERT INTO habits_tasks (incident, task, done_at) VALUES (:incident, :task, :now)"
            " ON CONFLICT (incident, task) DO NOTHING",
            incident=incident.id, task=task, now=now,
        )  # fmt: skip
    else:
        await db.run("DELETE FROM habits_tasks WHERE incident = :incident AND task = :task",
                     incident=incident.id, task=task)  # fmt: skip
    what = "incident.task_done" if done else "incident.task_undone"
    await write_ledger(db, now, keys, what, incident.holder, {"incident": incident.id, "task": task})


async def add_note(db: Transaction, now: float, keys: Keys, *, incident: Incident, text: str) -> None:
    """What she noticed, sealed. Refusal for nothing, too much or too many."""
    text = text.strip()
    if not text or len(text) > NOTE_MAX_LENGTH:
        raise Refusal("invalid_request", "Écrivez une note de 1 à 2 000 caractères.", "note length")
    row = await db.one("SELECT COUNT(*) AS notes FROM habits_notes WHERE incident = :id", id=incident.id)
    if row and row["notes"] >= NOTES_MAX:
        raise Refusal("invalid_request", "Cet incident a déjà 200 notes. Complétez l'une d'elles.", "too many notes")
    note = tokens.new_secret(128)
    await db.run(
        "INSERT INTO habits_notes (id, incident, at, sealed) VALUES (:id, :incident, :now, :sealed)",
        id=note, incident=incident.id, now=now, sealed=keys.seal(f"habits_notes.{note}", text.encode()),
    )  # fmt: skip


async def notes_of(db: Reader, keys: Keys, incident: str) -> list[Note]:
    """In the order of time."""
    rows = await db.all("SELECT id, at, sealed FROM habits_notes WHERE incident = :id ORDER BY at", id=incident)
    return [
        Note(id=row["id"], at=row["at"], text=keys.unseal(f"habits_notes.{row['id']}", row["sealed"]).decode())
        for row in rows
    ]


async def evidence_of(db: Reader, keys: Keys, incident: str) -> bytes:
    """What was put aside when it began, as JSON."""
    row = await db.one("SELECT evidence FROM habits_incidents WHERE id = :id", id=incident)
    assert row is not None
    return keys.unseal(_place("evidence", incident), row["evidence"])


async def close_incident(db: Transaction, now: float, keys: Keys, *, incident: Incident) -> None:
    """It is over. What it holds stays; the reminders stop."""
    if await db.run(
        "UPDATE habits_incidents SET closed_at = :now, remind_at = NULL WHERE id = :id AND closed_at IS NULL",
        now=now, id=incident.id,
    ):  # fmt: skip
        await write_ledger(db, now, keys, "incident.closed", incident.holder, {"incident": incident.id})
