"""The ledger: every act that matters, one line each, chained so that no line can be changed,
removed or moved without being found.

A line's mark is HMAC-SHA-256, under a key that is not in the database, of the previous mark and
the line. The head says how many lines there must be. An attacker who can roll the whole database
back to an earlier state is found by a head noted elsewhere (`lucine ledger verify --expect`).
"""

from collections.abc import Mapping

import msgspec

from .db import Reader, Transaction
from .keys import Keys
from .tokens import same


class Break(Exception):
    """The first line at which the chain does not hold; ``str()`` says what is wrong."""


def _mark(keys: Keys, previous: bytes, seq: int, at: float, act: str, who: str, facts: str) -> bytes:
    return keys.mac("ledger", previous + msgspec.json.encode([seq, at, act, who, facts]))


def _head_mark(keys: Keys, seq: int, mark: bytes) -> bytes:
    return keys.mac("ledger head", seq.to_bytes(8) + mark)


async def write_ledger(
    db: Transaction, now: float, keys: Keys, act: str, who: str = "", facts: Mapping[str, str] | None = None
) -> None:
    """Add a line. ``who`` and ``facts`` are opaque ids, never names, numbers or addresses.

    Call it last in a transaction: on PostgreSQL the head is locked until the commit.
    """
    # The update takes the head's lock before the mark is read, so that lines never fork.
    head = await db.one("UPDATE safe_ledger_head SET seq = seq + 1 WHERE id = 1 RETURNING seq, mark")
    assert head is not None
    text = msgspec.json.encode(facts or {}, order="sorted").decode()
    mark = _mark(keys, head["mark"] or b"", head["seq"], now, act, who, text)
    await db.run(
        "INSERT INTO safe_ledger (seq, at, act, who, facts, mark) VALUES (:seq, :at, :act, :who, :facts, :mark)",
        seq=head["seq"], at=now, act=act, who=who, facts=text, mark=mark,
    )  # fmt: skip
    await db.run(
        "UPDATE safe_ledger_head SET mark = :mark, proof = :proof WHERE id = 1",
        mark=mark, proof=_head_mark(keys, head["seq"], mark),
    )  # fmt: skip


async def verify_ledger(db: Reader, keys: Keys, expect: tuple[int, str] | None = None) -> tuple[int, str]:
    """Read the whole chain; the number of lines and the last mark in hex.

    ``expect`` is an earlier answer, noted elsewhere. Break if a line was changed, removed, moved
    or added without the key, or if the chain no longer passes through ``expect``.
    """
    mark, seq = b"", 0
    while lines := await db.all("SELECT * FROM safe_ledger WHERE seq > :seq ORDER BY seq LIMIT 1000", seq=seq):
        for line in lines:
            if line["seq"] != seq + 1:
                raise Break(f"line {seq + 1} is missing")
            mark = _mark(keys, mark, line["seq"], line["at"], line["act"], line["who"], line["facts"])
            seq = line["seq"]
            if not same(mark, bytes(line["mark"])):
                raise Break(f"line {seq} was changed or moved")
            if expect and expect[0] == seq and expect[1] != mark.hex():
                raise Break(f"line {seq} is not the one that was noted")
    head = await db.one("SELECT seq, mark, proof FROM safe_ledger_head WHERE id = 1")
    if head is None or (head["seq"], head["mark"] or b"") != (seq, mark):
        raise Break("the last lines are missing, or the head was changed")
    if seq and not same(bytes(head["proof"]), _head_mark(keys, seq, mark)):
        raise Break("the head was forged")
    if expect and expect[0] > seq:
        raise Break(f"only {seq} lines are left of the {expect[0]} that were noted")
    return seq, mark.hex()
