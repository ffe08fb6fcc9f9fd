"""A full disk: a clear 503 and a line in the log, nothing half-written, and all goes on when there is room."""

import json

import pytest

from lucine.safe import verify_ledger
from tests.world import World


async def test_a_full_disk_is_said_and_leaves_nothing_half_done(
    small_world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    service, desk, phone = await small_world.service(), small_world.desk(), await small_world.phone("ana")
    await desk.open_start(await desk.authorize(service))
    ask = (await phone.scan(desk.qr())).json()
    disk = small_world.house.db._writer  # type: ignore[attr-defined]
    pages = disk.execute("PRAGMA page_count").fetchone()[0]
    disk.execute(f"PRAGMA max_page_count = {pages}")
    while (full := await small_world.desk().authorize(service)).status_code == 303:
        pass  # the last free places of the last pages
    assert full.status_code == 503
    assert full.headers["retry-after"] == "30"
    assert "réessayez bientôt" in full.text
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    said = [line for line in lines if line["event"] == "storage_unavailable"]
    assert said
    assert said[-1]["reference"] in full.text

    before = await verify_ledger(small_world.house.db, small_world.house.keys)
    answers = [(await phone.approve(ask)).status_code for _ in range(3)]
    assert set(answers) <= {200, 410, 503}
    if 200 not in answers:
        assert await verify_ledger(small_world.house.db, small_world.house.keys) == before
    disk.execute("PRAGMA max_page_count = 1000000")
    if 200 not in answers:
        assert (await phone.approve(ask)).status_code == 200
    assert "code" in await desk.code()
    await verify_ledger(small_world.house.db, small_world.house.keys)
