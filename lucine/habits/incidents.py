"""Incidents: opened by containing, then noted, then told to whom they concern, then closed.

open and contained (one transaction) --(answers, notes, tasks)--> closed --(it was not over)--> open

Everything is in the database as soon as it is said: a crash, a lost session or another device loses nothing.
"""

from typing import Any, Literal

import msgspec

from lucine.phone.holders import Holder, hold_holder
from lucine.phone.notices import tell_holder
from lucine.safe import Keys, Reader, Row, Transaction, tokens, write_ledger
from lucine.web import Refusal, not_found
from lucine.web.settings import Settings

from .containment import WILL, Containment, Done, contain
from .facts import Facts, kept_facts
from .kept import gather
from .paths import PATHS
from .people import Person

SAME_SECONDS = 86400  # pressed again within this time, it is the same incident
NOTE_MAX_LENGTH = 2000
NOTES_MAX_BYTES = 60_000  # of all notes of an incident


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
    """Contain, and keep what is known; the incident, and what was done. Never refused: a press always contains.

    Pressed again within SAME_SECONDS it is the same incident, open again. Every channel is told of whatever stopped,
    and what was known before is kept each time.
    """
    await hold_holder(db, holder.id)
    evidence = await gather(db, now, keys, holder)  # before anything is changed
    contained = await contain(db, now, keys, settings, person=person, acts=PATHS[path].facts.acts, chosen=chosen)
    before = await db.one(
        "SELECT id, done, closed_at FROM habits_incidents WHERE holder = :holder AND path = :path"
        " AND opened_at > :since ORDER BY opened_at DESC LIMIT 1",
        holder=holder.id, path=path, since=now - SAME_SECONDS,
    )  # fmt: skip
    if before:
        incident = str(before["id"])
        done = _added(_read_done(before["done"]), contained.done)
        await db.run("UPDATE habits_incidents SET done = :done, closed_at = NULL WHERE id = :id",
                     done=msgspec.json.encode(done).decode(), id=incident)  # fmt: skip
    else:
        incident = tokens.new_secret(128)
        await db.run(
            "INSERT INTO habits_incidents (id, holder, path, opened_at, done, facts)"
            " VALUES (:id, :holder, :path, :now, :done, :facts)",
            id=incident, holder=holder.id, path=path, now=now, done=msgspec.json.encode(contained.done).decode(),
            facts=keys.seal(_place("facts", holder.id, incident), msgspec.json.encode(PATHS[path].facts.presumed)),
        )  # fmt: skip
    again = before is not None and before["closed_at"] is not None
    if contained.changed or before is None or again:
        await _keep_evidence(db, now, keys, holder=holder.id, incident=incident, evidence=evidence)
    if again:
        await write_ledger(db, now, keys, "incident.reopened", holder.id, {"incident": incident})
    if contained.changed or before is None:
        await tell_holder(db, now, keys, holder=holder.id, what="incident", link=f"{settings.origin}/incident")
        await write_ledger(db, now, keys, "incident.opened", holder.id, {"incident": incident, "path": path})
    return incident, contained


def _added(before: list[Done], more: list[Done]) -> list[Done]:
    """What was done in all. What is left is what the last press had to leave."""
    counts = {done.act: done.count for done in before}
    return [Done(done.act, done.count + counts.get(done.act, 0), done.left) for done in more]


def _read_done(text: str) -> list[Done]:
    """As it was kept, but for acts that this version does not know."""
    known = [done for done in msgspec.json.decode(text, type=list[dict[str, Any]]) if done.get("act") in WILL]
    return msgspec.convert(known, list[Done])


def _place(what: str, holder: str, name: str) -> str:
    """Of a seal: what was moved to another holder, or to another incident, does not open there."""
    return f"habits_{what}.{holder}.{name}"


async def _keep_evidence(
    db: Transaction, now: float, keys: Keys, *, holder: str, incident: str, evidence: bytes
) -> None:
    kept = tokens.new_secret(128)
    sealed = keys.seal(_place("evidence", holder, f"{incident}.{kept}"), evidence)
    await db.run("INSERT INTO habits_evidence (id, incident, at, sealed) VALUES (:id, :incident, :now, :sealed)",
                 id=kept, incident=incident, now=now, sealed=sealed)  # fmt: skip


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
    facts = kept_facts(keys.unseal(_place("facts", row["holder"], row["id"]), row["facts"]))
    done = _read_done(row["done"])
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


async def change_facts(db: Transaction, now: float, keys: Keys, *, incident: Incident, facts: Facts) -> None:
    """Keep her answers. That they changed stays known, not how."""
    if facts == incident.facts:
        return
    await db.run(
        "UPDATE habits_incidents SET facts = :facts WHERE id = :id AND closed_at IS NULL",
        facts=keys.seal(_place("facts", incident.holder, incident.id), msgspec.json.encode(facts)), id=incident.id,
    )  # fmt: skip
    await write_ledger(db, now, keys, "incident.answered", incident.holder, {"incident": incident.id})


async def mark_task(db: Transaction, now: float, keys: Keys, *, incident: Incident, task: str, done: bool) -> None:
    """She did it, or takes that back."""
    if done:
        changed = await db.run(
            "INSERT INTO habits_tasks (incident, task, done_at) VALUES (:incident, :task, :now)"
            " ON CONFLICT (incident, task) DO NOTHING",
            incident=incident.id, task=task, now=now,
        )  # fmt: skip
    else:
        changed = await db.run("DELETE FROM habits_tasks WHERE incident = :incident AND task = :task",
                               incident=incident.id, task=task)  # fmt: skip
    if changed:
        what = "incident.task_done" if done else "incident.task_undone"
        await write_ledger(db, now, keys, what, incident.holder, {"incident": incident.id, "task": task})


async def add_note(db: Transaction, now: float, keys: Keys, *, incident: Incident, text: str) -> None:
    """What she noticed, sealed. Refusal for nothing, too much or too many."""
    text = text.strip()
    if not text or len(text) > NOTE_MAX_LENGTH:
        raise Refusal("invalid_request", "Écrivez une note de 1 à 2 000 caractères.", "note length")
    kept = sum(len(note.text.encode()) for note in await notes_of(db, keys, incident))
    if kept + len(text.encode()) > NOTES_MAX_BYTES:  # the papers hold them all
        words = "Les notes de cet incident sont pleines. Retirez-en une, ou écrivez plus court."
        raise Refusal("invalid_request", words, "too many notes")
    note = tokens.new_secret(128)
    await db.run(
        "INSERT INTO habits_notes (id, incident, at, sealed) VALUES (:id, :incident, :now, :sealed)",
        id=note, incident=incident.id, now=now,
        sealed=keys.seal(_place("notes", incident.holder, f"{incident.id}.{note}"), text.encode()),
    )  # fmt: skip


async def remove_note(db: Transaction, now: float, keys: Keys, *, incident: Incident, note: str) -> None:
    """It named somebody, or was wrong. That one was removed stays known."""
    if not await db.run("DELETE FROM habits_notes WHERE id = :id AND incident = :incident",
                        id=note, incident=incident.id):  # fmt: skip
        raise not_found("no such note")
    await write_ledger(db, now, keys, "incident.note_removed", incident.holder, {"incident": incident.id})


async def notes_of(db: Reader, keys: Keys, incident: Incident) -> list[Note]:
    """In the order of time."""
    return [Note(id=one, at=at, text=text.decode()) for one, at, text in await _unsealed(db, keys, "notes", incident)]


async def evidence_of(db: Reader, keys: Keys, incident: Incident) -> bytes:
    """What was put aside at each press that stopped something, as a JSON list in the order of time."""
    return msgspec.json.encode([msgspec.Raw(text) for _, _, text in await _unsealed(db, keys, "evidence", incident)])


async def _unsealed(
    db: Reader, keys: Keys, what: Literal["notes", "evidence"], incident: Incident
) -> list[tuple[str, float, bytes]]:
    rows = await db.all(f"SELECT id, at, sealed FROM habits_{what} WHERE incident = :id ORDER BY at", id=incident.id)
    return [
        (row["id"], row["at"], keys.unseal(_place(what, incident.holder, f"{incident.id}.{row['id']}"), row["sealed"]))
        for row in rows
    ]


async def close_incident(db: Transaction, now: float, keys: Keys, *, incident: Incident) -> None:
    """It is over. What it holds stays; the reminders stop."""
    if await db.run(
        "UPDATE habits_incidents SET closed_at = :now, remind_at = NULL WHERE id = :id AND closed_at IS NULL",
        now=now, id=incident.id,
    ):  # fmt: skip
        await write_ledger(db, now, keys, "incident.closed", incident.holder, {"incident": incident.id})


async def reopen_incident(db: Transaction, now: float, keys: Keys, *, incident: Incident) -> None:
    """It was not over."""
    if await db.run("UPDATE habits_incidents SET closed_at = NULL WHERE id = :id AND closed_at IS NOT NULL",
                    id=incident.id):  # fmt: skip
        await write_ledger(db, now, keys, "incident.reopened", incident.holder, {"incident": incident.id})
