"""What an operator does at the command line is told to whom it concerns."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lucine.app.cli import main
from lucine.app.connect import open_house
from lucine.directory import load_extract
from lucine.phone.credentials import add_credential, devices_of
from lucine.phone.holders import add_holder, holder_of_number
from lucine.phone.holds import freeze_credentials, held_since, hold_enrolments
from lucine.phone.passkeys import NewCredential
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


def test_after_an_incident_only_what_she_holds_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUCINE_DATABASE", f"sqlite:///{tmp_path}/i.db")
    monkeypatch.setenv("LUCINE_KEYS", f"{tmp_path}/keys")
    monkeypatch.setenv("LUCINE_POST", f"folder:{tmp_path}/post")

    async def prepare() -> None:
        async with open_house(read_settings()) as house, house.db.transaction() as db:
            holder = await add_holder(db, 1.0, house.keys, national_id=f"8{NUMBER}", mail="ana@exemple.invalid")
            for name in ("hers", "his"):
                new = NewCredential(webauthn_id=name, public_key=b"k", sign_count=0, backed_up=False)
                await add_credential(
                    db, 1.0, house.keys, holder=holder.id, kind="phone", name=name, new=new, usable_at=1.0
                )
            found = [phone.id for phone in await devices_of(db, holder.id, "phone")]
            await freeze_credentials(db, 2.0, house.keys, holder=holder.id, credentials=found)
            await hold_enrolments(db, 2.0, house.keys, holder=holder.id)

    async def seen() -> tuple[list[str], float | None, int]:
        async with open_house(read_settings()) as house:
            holder = await holder_of_number(house.db, f"8{NUMBER}")
            assert holder
            frozen = [one.name for one in await devices_of(house.db, holder.id, "phone") if one.frozen_at is not None]
            told = await house.db.all("SELECT id FROM phone_notices")
            return sorted(frozen), await held_since(house.db, holder.id), len(told)

    asyncio.run(_with_register(tmp_path))
    asyncio.run(prepare())
    run = CliRunner().invoke
    listed = run(main, ["phone", "release", NUMBER])
    assert listed.exit_code == 0, listed.output
    assert asyncio.run(seen()) == (["his", "hers"][::-1], None, 1)
    hers = next(line.split()[1] for line in listed.output.splitlines() if "  hers  " in line)
    assert run(main, ["phone", "release", NUMBER, "--thaw", hers]).exit_code == 0
    assert asyncio.run(seen()) == (["his"], None, 2)


async def _with_register(folder: Path) -> None:
    async with open_house(read_settings()):
        pass
    load_extract(read_settings().database, make_register(folder))
