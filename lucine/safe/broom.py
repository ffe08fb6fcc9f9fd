"""Forgetting what is over, a little at a time: a million old rows must hold nobody up."""

from typing import Any

from .db import Database

SWEEP_BATCH = 1000


async def sweep(db: Database, table: str, key: str, over: str, **values: Any) -> bool:
    """Delete up to SWEEP_BATCH rows of which ``over`` is true, in a transaction of its own; whether more may be left.

    ``table``, ``key`` (its primary key) and ``over`` are constants of the room that owns the table, and an index
    serves ``over``: on SQLite everybody waits for a scan.
    """
    async with db.transaction() as act:
        gone = await act.run(
            f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {over} LIMIT {SWEEP_BATCH})",
            **values,
        )
    return gone == SWEEP_BATCH
