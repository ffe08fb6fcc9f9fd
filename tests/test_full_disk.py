"""A full disk: a clear 503 and a line in the log, nothing half-written, and all goes on when there is room."""

from typing import Any

import pytest

from lucine.safe import verify_ledger
from tests.world import World


class Log:
    """Keeps what would be written."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def error(self, event: str, **facts: Any) -> None:
        self.lines.append((event, facts))

    def info(self, event: str, **facts: Any) -> None:
        pass


async def test_a_full_disk_is_said_and_leaves_nothing_half_done(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log()
    monkeypatch.setattr("lucine.web.doors.log", log)
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
    (said,) = log.lines
    assert said[0] == "storage_unavailable"
    assert said[1]["reference"] in full.text

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
