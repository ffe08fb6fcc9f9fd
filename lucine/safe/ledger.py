"""The ledger: every act that matters, one line each, chained so that no line can be changed,
removed or moved without being found.

A line's mark is HMAC-SHA-256, under a key that is not in the database, of the previous mark and
the line. The head says how many lines there must be. An attacker who can roll the whole database
back to an earlier state is found by a head noted elsewhere (`lucine ledger verify --expect`).
"""

from collections.abc import Iterable, Mapping

import msgspec

from .db import Reader, Row, Transaction, among
from .keys import Keys
from .tokens import same

FOREVER = 1e11  # seconds since 1970, some three thousand years on


class Break(Exception):
    """The first line at which the chain does not hold; ``str()`` says what is wrong."""


def _mark(keys: Keys, previous: bytes, seq: int, at: float, act: str, who: str, facts: str) -> bytes:
    return keys.mac("ledger", previous + msgspec.json.encode([seq, float(at), act, who, facts]))


def _head_mark(keys: Keys, seq: int, mark: bytes) -> bytes:
    return keys.mac("ledger head", seq.to_bytes(8) + mark)


async def write_ledger(
    db: Transaction, now: float, keys: Keys, act: str, who: str = "", facts: Mapping[str, str] | None = None
) -> None:
    """Add a line. ``who`` and ``facts`` are opaque ids, never names, numbers or addresses.

    It is written at the end of the transaction: on PostgreSQL the head is locked until the commit, and
    whoever held it while waiting for another row would be a deadlock.
    """
    text = msgspec.json.encode(facts or {}, order="sorted").decode()
    db.at_end(lambda last: _append(last, now, keys, act, who, text))


async def _append(db: Transaction, now: float, keys: Keys, act: str, who: str, text: str) -> None:
    # The update takes the head's lock before the mark is read, so that lines never fork.
    head = await db.one("UPDATE safe_ledger_head SET seq = seq + 1 WHERE id = 1 RETURNING seq, mark")
    assert head is not None
    mark = _mark(keys, head["mark"] or b"", head["seq"], now, act, who, text)
    await db.run(
        "INSERT INTO safe_ledger (seq, at, act, who, facts, mark) VALUES (:seq, :at, :act, :who, :facts, :mark)",
        seq=head["seq"], at=now, act=act, who=who, facts=text, mark=mark,
    )  # fmt: skip
    await db.run(
        "UPDATE safe_ledger_head SET mark = :mark, proof = :proof WHERE id = 1",
        mark=mark, proof=_head_mark(keys, head["seq"], mark),
    )  # fmt: skip


async def lines_after(db: Reader, seq: int, limit: int) -> list[Row]:
    """The next lines after line ``seq``, in order, with their seq, at, act, who and facts. None is ever passed over:
    a line gets its number with the head locked until its commit.
    """
    return await db.all(
        "SELECT seq, at, act, who, facts FROM safe_ledger WHERE seq > :seq ORDER BY seq LIMIT :limit",
        seq=seq, limit=limit,
    )  # fmt: skip


async def lines_before(db: Reader, seq: int, limit: int) -> list[Row]:
    """The lines before line ``seq``, newest first, with their seq, at, act, who, facts (JSON text) and mark."""
    return await db.all(
        "SELECT seq, at, act, who, facts, mark FROM safe_ledger WHERE seq < :seq ORDER BY seq DESC LIMIT :limit",
        seq=seq, limit=limit,
    )  # fmt: skip


async def lines_about(
    db: Reader, who: str, since: float, limit: int, *, until: float = FOREVER, but: Iterable[str] = (),
    oldest: bool = False,
) -> list[Row]:  # fmt: skip
    """What somebody did, or had done to her, from a moment until another, newest first: as ``lines_before``.

    ``but``: acts that are left out. ``oldest``: the first of them, in their order.
    """
    which, values = among(["", *but])  # no act is '', and nothing is ever "not in" an empty list
    return await db.all(
        "SELECT seq, at, act, who, facts, mark FROM safe_ledger WHERE who = :who AND at >= :since AND at <= :until"
        f" AND act NOT IN {which} ORDER BY seq {'ASC' if oldest else 'DESC'} LIMIT :limit",
        who=who, since=since, until=until, limit=limit, **values,
    )  # fmt: skip


async def verify_ledger(db: Reader, keys: Keys, expect: tuple[int, str] | None = None) -> tuple[int, str]:
    """Read the whole chain; the number of lines and the last mark in hex.

    ``expect`` is an earlier answer, noted elsewhere. Break if a line was changed, removed, moved
    or added without the key, or if the chain no longer passes through ``expect``. Others may write
    meanwhile: the head is read first, and what it says must be there.
    """
    head = await _read_head(db, keys)
    mark, seq, head_seen = b"", 0, head == (0, b"")
    while lines := await db.all("SELECT * FROM safe_ledger WHERE seq > :seq ORDER BY seq LIMIT 1000", seq=seq):
        for line in lines:
            if line["seq"] != seq + 1:
                raise Break(f"line {seq + 1} is missing")
            mark = _mark(keys, mark, line["seq"], line["at"], line["act"], line["who"], line["facts"])
            seq = line["seq"]
            if not _is_mark(line["mark"], mark):
                raise Break(f"line {seq} was changed or moved")
            head_seen = head_seen or (seq, mark) == head
            if expect and expect[0] == seq and expect[1] != mark.hex():
                raise Break(f"line {seq} is not the one that was noted")
    if not head_seen:
        raise Break("the last lines are missing, or the head was changed")
    if head[0] < seq and await _read_head(db, keys) == head:
        raise Break(f"lines after line {head[0]} are not known to the head")
    if expect and expect[0] > seq:
        raise Break(f"only {seq} lines are left of the {expect[0]} that were noted")
    return seq, mark.hex()


async def _read_head(db: Reader, keys: Keys) -> tuple[int, bytes]:
    """How many lines there must be, and the last mark. Break if that was changed."""
    head = await db.one("SELECT seq, mark, proof FROM safe_ledger_head WHERE id = 1")
    if head is None:
        raise Break("the last lines are missing, or the head was changed")
    if head["seq"] == 0 and head["mark"] is None:
        return 0, b""
    if not isinstance(head["mark"], bytes) or not _is_mark(head["proof"], _head_mark(keys, head["seq"], head["mark"])):
        raise Break("the head was forged")
    return head["seq"], head["mark"]


def _is_mark(found: object, mark: bytes) -> bool:
    """Whoever changes a database may put anything into a column."""
    return isinstance(found, bytes) and same(found, mark)
