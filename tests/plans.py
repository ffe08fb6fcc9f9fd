"""How SQLite finds the rows of each statement: whatever it scans, everybody waits for."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from lucine.safe import Database

PLANNED = ("SELECT", "UPDATE", "DELETE", "INSERT")


@contextmanager
def plans(db: Database) -> Iterator[list[str]]:
    """Fills a list with each line of the plans of the statements that run meanwhile, and its statement."""
    said: list[str] = []
    connections: list[sqlite3.Connection] = [db._writer, db._reader]  # type: ignore[attr-defined]
    for connection in connections:
        connection.set_trace_callback(said.append)
    found: list[str] = []
    try:
        yield found
    finally:
        for connection in connections:
            connection.set_trace_callback(None)
    for statement in dict.fromkeys(said):
        if statement.startswith(PLANNED):
            plan = connections[1].execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
            found += [f"{row['detail']}: {statement[:200]}" for row in plan]


@contextmanager
def scans(db: Database) -> Iterator[list[str]]:
    """The same for each table or index that would be read whole, a partial index too."""
    found: list[str] = []
    with plans(db) as lines:
        yield found
    found += [line for line in lines if line.startswith("SCAN")]
