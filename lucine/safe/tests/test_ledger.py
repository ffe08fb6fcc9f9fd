"""The ledger: any line changed, removed, moved, added or forged is found."""

from pathlib import Path

import pytest

from lucine.safe import Database, Keys, connect, migrate, verify_ledger, write_ledger
from lucine.safe.ledger import Break

KEYS = Keys(b"k" * 32)
LINES = 12


async def _filled(url: str) -> Database:
    migrate(url, ["safe"])
    db = connect(url)
    await db.open()
    for number in range(LINES):
        async with db.transaction() as tx:
            await write_ledger(tx, 1000.0 + number, KEYS, "act", f"who{number}", {"n": str(number)})
    return db


DAMAGES = {
    "changed act": "UPDATE safe_ledger SET act = 'other' WHERE seq = 5",
    "changed who": "UPDATE safe_ledger SET who = 'other' WHERE seq = 5",
    "changed facts": "UPDATE safe_ledger SET facts = '{}' WHERE seq = 5",
    "changed time": "UPDATE safe_ledger SET at = at + 1 WHERE seq = 5",
    "changed first": "UPDATE safe_ledger SET act = 'other' WHERE seq = 1",
    "removed": "DELETE FROM safe_ledger WHERE seq = 5",
    "removed first": "DELETE FROM safe_ledger WHERE seq = 1",
    "removed last": "DELETE FROM safe_ledger WHERE seq = 12",
    "removed all": "DELETE FROM safe_ledger",
    "cut, head too": "DELETE FROM safe_ledger WHERE seq > 6; UPDATE safe_ledger_head SET seq = 6,"
    " mark = (SELECT mark FROM safe_ledger WHERE seq = 6)",
    "moved": "UPDATE safe_ledger SET seq = 99 WHERE seq = 5; UPDATE safe_ledger SET seq = 5 WHERE seq = 6;"
    " UPDATE safe_ledger SET seq = 6 WHERE seq = 99",
    "added": "INSERT INTO safe_ledger SELECT 13, at, act, who, facts, mark FROM safe_ledger WHERE seq = 12",
    "head changed": "UPDATE safe_ledger_head SET seq = 13",
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_every_damage_is_found(database_url: str, damage: str) -> None:
    db = await _filled(database_url)
    assert (await verify_ledger(db, KEYS))[0] == LINES
    for statement in DAMAGES[damage].split(";"):
        async with db.transaction() as tx:
            assert await tx.run(statement)
    with pytest.raises(Break):
        await verify_ledger(db, KEYS)
    await db.close()


async def test_a_database_rolled_back_is_found_by_a_noted_head(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    db = await _filled(url)
    noted = await verify_ledger(db, KEYS)
    await db.close()
    shorter = f"sqlite:///{tmp_path}/b.db"
    migrate(shorter, ["safe"])
    other = connect(shorter)
    await other.open()
    async with other.transaction() as tx:
        await write_ledger(tx, 1.0, KEYS, "act")
    assert (await verify_ledger(other, KEYS))[0] == 1
    with pytest.raises(Break, match="only 1 lines"):
        await verify_ledger(other, KEYS, noted)
    await other.close()


async def test_a_line_lives_and_dies_with_its_act(database_url: str) -> None:
    db = await _filled(database_url)
    with pytest.raises(ZeroDivisionError):
        async with db.transaction() as tx:
            await write_ledger(tx, 1.0, KEYS, "act")
            raise ZeroDivisionError
    assert (await verify_ledger(db, KEYS))[0] == LINES
    await db.close()


async def test_another_key_verifies_nothing(database_url: str) -> None:
    db = await _filled(database_url)
    with pytest.raises(Break):
        await verify_ledger(db, Keys(b"x" * 32))
    await db.close()
