"""What an operator does at the command line is told to whom it concerns."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lucine.app.cli import main
from lucine.app.connect import open_house
from lucine.directory import load_extract
from lucine.web.settings import read_settings
from tests.world import make_register

NUMBER = "99700999917"


def test_a_change_of_address_is_told_to_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUCINE_DATABASE", f"sqlite:///{tmp_path}/i.db")
    monkeypatch.setenv("LUCINE_KEYS", f"{tmp_path}/keys")
    monkeypatch.setenv("LUCINE_POST", f"folder:{tmp_path}/post")

    async def told() -> list[str]:
        async with open_house(read_settings()) as house:
            rows = await house.db.all("SELECT id, sealed FROM phone_notices")
            return [house.keys.unseal(f"phone_notices.{row['id']}", row["sealed"]).decode() for row in rows]

    assert asyncio.run(told()) == []
    load_extract(read_settings().database, make_register(tmp_path))
    run = CliRunner().invoke
    assert run(main, ["phone", "holder", NUMBER, "--mail", "ana@exemple.invalid"]).exit_code == 0
    assert asyncio.run(told()) == [], "there was no old address"
    assert run(main, ["phone", "holder", NUMBER, "--mail", "oscar@exemple.invalid"]).exit_code == 0
    (text,) = asyncio.run(told())
    assert "ana@exemple.invalid" in text
    assert "oscar" not in text


def test_whom_to_write_to_about_a_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUCINE_DATABASE", f"sqlite:///{tmp_path}/i.db")
    monkeypatch.setenv("LUCINE_KEYS", f"{tmp_path}/keys")
    monkeypatch.setenv("LUCINE_POST", f"folder:{tmp_path}/post")
    run = CliRunner().invoke
    added = ["client", "add", "svc", "--name", "Service", "--redirect", "https://service.test/callback"]
    assert run(main, [*added, "--contact", "nobody"]).exit_code == 1
    assert run(main, [*added, "--contact", "one@service.invalid"]).exit_code == 0

    def contact() -> str:
        return str(json.loads(run(main, ["client", "show", "svc"]).stdout)["contact"])

    assert contact() == "one@service.invalid"
    for mail, code, kept in (
        ("two@service.invalid", 0, "two@service.invalid"),
        ("x", 1, "two@service.invalid"),
        ("", 0, ""),
    ):
        assert run(main, ["client", "contact", "svc", mail]).exit_code == code
        assert contact() == kept
