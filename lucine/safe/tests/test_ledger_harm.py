"""The ledger: no line can be changed, removed, moved or added without being found."""

import asyncio
import contextlib
import copy
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lucine.safe import Database, Keys, Reader, connect, migrate, verify_ledger, write_ledger
from lucine.safe.ledger import Break

KEYS = Keys(bytes(range(32)))
LINES = 12


class Paper:
    """A ledger as rows in memory, which the verifier reads as it would a database."""

    def __init__(self, lines: list[dict[str, Any]], head: dict[str, Any] | None) -> None:
        self.lines, self.head = lines, head

    async def one(self, sql: str, **values: Any) -> Any:
        if "safe_ledger_head" in sql:
            return self.head
        rows = await self.all(sql, **values)
        return rows[0] if rows else None

    async def all(self, sql: str, **values: Any) -> Any:
        assert "safe_ledger" in sql
        return sorted((line for line in self.lines if line["seq"] > values["seq"]), key=lambda line: line["seq"])[:1000]


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    await asyncio.to_thread(migrate, database_url, ["safe"])
    database = connect(database_url)
    await database.open()
    yield database
    await database.close()


async def _write(db: Database, lines: int = LINES, first: int = 0) -> None:
    for number in range(first, first + lines):
        async with db.transaction() as transaction:
            await write_ledger(transaction, 1000.0 + number, KEYS, f"act{number}", "who", {"n": str(number)})


async def test_a_whole_chain_holds_and_goes_through_what_was_noted(db: Database) -> None:
    assert await verify_ledger(db, KEYS) == (0, "")
    await _write(db)
    noted = await verify_ledger(db, KEYS)
    assert noted[0] == LINES
    await _write(db, first=LINES)
    assert (await verify_ledger(db, KEYS, noted))[0] == 2 * LINES


async def test_a_whole_number_of_seconds_does_not_break_the_chain(db: Database) -> None:
    async with db.transaction() as transaction:
        await write_ledger(transaction, 1000, KEYS, "act")
    assert (await verify_ledger(db, KEYS))[0] == 1


async def test_a_line_of_a_transaction_that_failed_leaves_no_gap(db: Database) -> None:
    await _write(db, 2)
    with pytest.raises(ZeroDivisionError):
        async with db.transaction() as transaction:
            await write_ledger(transaction, 1.0, KEYS, "lost")
            raise ZeroDivisionError
    await _write(db, 2, first=2)
    assert (await verify_ledger(db, KEYS))[0] == 4


async def test_outside_a_transaction_nothing_can_be_written(db: Database) -> None:
    with pytest.raises(Exception):  # noqa: B017 - sqlite3 says it in its way, psycopg in its own
        await write_ledger(db, 1.0, KEYS, "act")  # type: ignore[arg-type]
    assert await verify_ledger(db, KEYS) == (0, "")


async def test_lines_never_fork_when_many_write_at_once(db: Database) -> None:
    async def one(number: int) -> None:
        async with db.transaction() as transaction:
            await write_ledger(transaction, float(number), KEYS, "act", str(number))

    await asyncio.gather(*(one(number) for number in range(60)))
    assert (await verify_ledger(db, KEYS))[0] == 60


async def test_a_ledger_that_is_being_written_is_not_called_broken(db: Database) -> None:
    await _write(db)
    done = False

    async def go_on() -> None:
        for number in range(60):
            async with db.transaction() as transaction:
                await write_ledger(transaction, float(number), KEYS, "act")
        nonlocal done
        done = True

    writing = asyncio.create_task(go_on())
    while not done:
        await verify_ledger(db, KEYS)
        await asyncio.sleep(0)
    await writing
    assert (await verify_ledger(db, KEYS))[0] == LINES + 60


HARMS_BY_HAND = [
    ("UPDATE safe_ledger SET act = 'other' WHERE seq = 5", "line 5 was changed"),
    ("UPDATE safe_ledger SET who = 'carl' WHERE seq = 1", "line 1 was changed"),
    ("UPDATE safe_ledger SET at = at + 1 WHERE seq = 12", "line 12 was changed"),
    ("UPDATE safe_ledger SET facts = '{}' WHERE seq = 7", "line 7 was changed"),
    ("DELETE FROM safe_ledger WHERE seq = 4", "line 4 is missing"),
    ("DELETE FROM safe_ledger WHERE seq = 1", "line 1 is missing"),
    ("DELETE FROM safe_ledger WHERE seq > 9", "last lines are missing"),
    ("DELETE FROM safe_ledger", "last lines are missing"),
    ("DELETE FROM safe_ledger_head", "last lines are missing"),
    ("UPDATE safe_ledger_head SET seq = seq + 1", "head was forged"),
    ("UPDATE safe_ledger_head SET proof = mark", "head was forged"),
    ("UPDATE safe_ledger_head SET proof = NULL", "head was forged"),
    ("UPDATE safe_ledger_head SET mark = NULL", "head was forged"),
    ("UPDATE safe_ledger_head SET seq = 9, mark = (SELECT mark FROM safe_ledger WHERE seq = 9)", "head"),
    ("INSERT INTO safe_ledger SELECT seq + 1, at, act, who, facts, mark FROM safe_ledger WHERE seq = 12", "13"),
]


class _UndoneError(Exception):
    pass


async def test_harm_is_found_and_named(db: Database) -> None:
    await _write(db)
    for harm, said in HARMS_BY_HAND:
        with contextlib.suppress(_UndoneError):
            async with db.transaction() as transaction:
                await transaction.run(harm)
                with pytest.raises(Break, match=said):
                    await verify_ledger(transaction, KEYS)
                raise _UndoneError
    assert (await verify_ledger(db, KEYS))[0] == LINES


async def test_two_lines_that_change_places_are_found(db: Database) -> None:
    await _write(db)
    async with db.transaction() as transaction:
        for old, new in ((3, -1), (4, 3), (-1, 4)):
            await transaction.run("UPDATE safe_ledger SET seq = :new WHERE seq = :old", new=new, old=old)
    with pytest.raises(Break, match="line 3 was changed or moved"):
        await verify_ledger(db, KEYS)


async def test_a_chain_under_other_keys_is_not_ours(db: Database) -> None:
    await _write(db)
    with pytest.raises(Break):
        await verify_ledger(db, Keys(bytes(32)))


async def test_a_database_rolled_back_is_found_by_what_was_noted(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    migrate(f"sqlite:///{path}", ["safe"])
    db = connect(f"sqlite:///{path}")
    await db.open()
    await _write(db)
    with sqlite3.connect(path) as old, sqlite3.connect(tmp_path / "old.db") as copied:
        old.backup(copied)
    await _write(db, first=LINES)
    noted = await verify_ledger(db, KEYS)
    await db.close()
    rolled_back = connect(f"sqlite:///{tmp_path}/old.db")
    await rolled_back.open()
    assert (await verify_ledger(rolled_back, KEYS))[0] == LINES
    with pytest.raises(Break, match=f"only {LINES} lines are left of the {2 * LINES}"):
        await verify_ledger(rolled_back, KEYS, noted)
    # Grown again to the same length, it is still another history.
    for _ in range(LINES):
        async with rolled_back.transaction() as transaction:
            await write_ledger(transaction, 1.0, KEYS, "invented")
    with pytest.raises(Break, match="not the one that was noted"):
        await verify_ledger(rolled_back, KEYS, noted)
    await rolled_back.close()


async def _paper(tmp_path: Path) -> Paper:
    migrate(f"sqlite:///{tmp_path}/paper.db", ["safe"])
    db = connect(f"sqlite:///{tmp_path}/paper.db")
    await db.open()
    await _write(db)
    head = await db.one("SELECT * FROM safe_ledger_head")
    assert head is not None
    paper = Paper([dict(row) for row in await db.all("SELECT * FROM safe_ledger")], dict(head))
    await db.close()
    return paper


VALUES = st.one_of(st.integers(-3, 20), st.floats(allow_nan=False), st.text(max_size=8), st.binary(max_size=33))
CELLS = {"at": st.floats(0, 2000), "act": st.text(max_size=8), "who": st.text(max_size=8),
         "facts": st.text(max_size=8), "mark": st.binary(max_size=33)}  # fmt: skip
HARMS = st.one_of(
    st.tuples(st.just("cell"), st.integers(0, LINES - 1), st.sampled_from(sorted(CELLS)), st.data()),
    st.tuples(st.just("drop"), st.integers(0, LINES - 1), st.none(), st.none()),
    st.tuples(st.just("swap"), st.integers(0, LINES - 1), st.integers(0, LINES - 1), st.none()),
    st.tuples(st.just("repeat"), st.integers(0, LINES - 1), st.none(), st.none()),
    st.tuples(st.just("head"), st.none(), st.sampled_from(["seq", "mark", "proof"]), st.data()),
)


def test_any_random_harm_is_found(tmp_path: Path) -> None:
    paper = asyncio.run(_paper(tmp_path))

    @settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(harms=st.lists(HARMS, min_size=1, max_size=4))
    def harm_it(harms: list[Any]) -> None:
        bent = copy.deepcopy(paper)
        assert bent.head is not None
        for kind, one, other, data in harms:
            if kind == "cell" and one < len(bent.lines):
                bent.lines[one][other] = data.draw(CELLS[other])
            elif kind == "drop" and one < len(bent.lines):
                del bent.lines[one]
            elif kind == "swap" and max(one, other) < len(bent.lines):
                first, second = bent.lines[one], bent.lines[other]
                first["seq"], second["seq"] = second["seq"], first["seq"]
            elif kind == "repeat" and one < len(bent.lines):
                bent.lines.append({**bent.lines[one], "seq": max(line["seq"] for line in bent.lines) + 1})
            elif kind == "head":
                bent.head[other] = data.draw(VALUES if other != "seq" else st.integers(0, 20))
        same = sorted(bent.lines, key=lambda line: line["seq"]) == paper.lines and bent.head == paper.head
        if same:
            assert asyncio.run(verify_ledger(_reader(bent), KEYS))[0] == LINES
        else:
            with pytest.raises(Break):
                asyncio.run(verify_ledger(_reader(bent), KEYS))

    harm_it()


def _reader(paper: Paper) -> Reader:
    return paper
