"""The evidence bundle: whole, signed, checked without Connect; and every way to spoil it is found."""

import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey
from typer.testing import CliRunner

from lucine.app.cli import main
from lucine.officer import export_pages
from lucine.officer.tests.test_exports import nobody_in
from lucine.safe import tokens, verify_ledger
from lucine.signin import evidence
from lucine.signin.discovery import PATHS
from lucine.signin.evidence import CONTENTS, SEALS, TYP, BadEvidence, check_bundle
from lucine.web.turns import turn
from tests.world import ORIGIN, World

from .kit import Officer, acts, alarm, event, note, officer


async def campaign(world: World) -> tuple[Officer, str]:
    """An alarm that an officer has answered, and its address."""
    ana, odile = await world.holder("ana"), await officer(world)
    await note(world, [event(world, f"e{n}", "899700999917", holder=ana) for n in range(3)])
    await note(world, [event(world, "known", known=True), event(world, "elsewhere", client="other")])
    path = f"/watch/alarms/{(await alarm(world)).id}"
    await odile.form(f"{path}/acknowledge")
    await odile.form(f"{path}/measures", kind="proof_of_work", target="service", level="2")
    return odile, path


async def bundle(world: World, tmp_path: Path) -> tuple[Path, str]:
    odile, path = await campaign(world)
    answer = await odile.form(f"{path}/evidence")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    file = tmp_path / "bundle.zip"
    file.write_bytes(answer.content)
    return file, path.rpartition("/")[2]


def files_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


async def test_what_is_in_it(world: World, tmp_path: Path) -> None:
    file, which = await bundle(world, tmp_path)
    found = files_of(file)
    assert sorted(found) == sorted((*CONTENTS["alarm"], *SEALS))
    said = json.loads(found["alarm.json"])
    assert (said["id"], said["evidence"]["numbers"]) == (which, 412)
    events = [json.loads(line) for line in found["events.jsonl"].splitlines()]
    assert [one["id"] for one in events] == ["e0", "e1", "e2"], "of unknown browsers, at the alarm's service"
    (measure,) = json.loads(found["measures.json"])
    assert (measure["kind"], measure["level"]) == ("proof_of_work", 2)
    lines = [json.loads(line) for line in found["ledger.jsonl"].splitlines()]
    assert [line["act"] for line in lines] == [
        "evidence.bundled", "measure.taken", "alarm.acknowledged", "alarm.opened",
    ]  # fmt: skip
    for line in lines:  # each mark is the ledger's own
        await verify_ledger(world.house.db, world.house.keys, (line["seq"], line["mark"]))
    nobody_in(b"".join(found.values()).decode())
    manifest = json.loads(found["manifest.json"])
    assert (manifest["iss"], manifest["kind"], manifest["id"], manifest["since"]) == (
        ORIGIN,
        "alarm",
        which,
        said["since"],
    )


async def test_it_is_checked_with_the_published_keys(world: World, tmp_path: Path) -> None:
    file, which = await bundle(world, tmp_path)
    published = (await world.browser().get(PATHS["jwks_uri"])).content
    for jwks in (None, published):
        checked = check_bundle(file, jwks)
        said = checked.manifest
        assert (said.iss, said.id, said.iat) == (ORIGIN, which, int(world.clock.now))
    assert checked.thumbprint in [key["kid"] for key in json.loads(published)["keys"]]


async def test_the_newest_events_are_kept_when_they_are_too_many(
    small_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_pages, "EVENTS_MAX", 2)
    old = small_world.clock.now - 3600
    await note(small_world, [event(small_world, f"old{n}", over_at=old + n) for n in range(5)])
    found = files_of((await bundle(small_world, tmp_path))[0])
    ids = [json.loads(line)["id"] for line in found["events.jsonl"].splitlines()]
    assert ids == ["e0", "e1", "e2"], "those that ended together stay together"
    assert json.loads(found["manifest.json"])["since"] == small_world.clock.now - 60


async def test_the_signature_is_good_for_nothing_else(small_world: World, tmp_path: Path) -> None:
    from lucine.signin.signing_keys import read_own

    signed = files_of((await bundle(small_world, tmp_path))[0])["manifest.jws"].decode()
    house, now = small_world.house, small_world.clock.now
    assert await read_own(house, now, signed) is None
    answer = await small_world.userinfo(signed)
    assert answer.status_code == 401


def _rewrite(path: Path, change: Callable[[dict[str, bytes]], None], how: int = zipfile.ZIP_STORED) -> None:
    found = files_of(path)
    change(found)
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, data in found.items():
            archive.writestr(name, data)


def _bend(name: str, by: bytes = b" ") -> Callable[[dict[str, bytes]], None]:
    def change(found: dict[str, bytes]) -> None:
        found[name] += by

    return change


def _resign(**bend: Any) -> Callable[[dict[str, bytes]], None]:
    """Signed by somebody else, whose key is inside."""

    def change(found: dict[str, bytes]) -> None:
        key = ECKey.generate_key("P-256")
        manifest = json.loads(found["manifest.json"]) | bend.get("manifest", {})
        header = {"alg": "ES256", "kid": key.thumbprint(), "typ": TYP, **bend.get("header", {})}
        payload = json.dumps(manifest).encode()
        found["manifest.json"] = payload
        found["manifest.jws"] = jws.serialize_compact(header, payload, key).encode()
        found["jwks.json"] = json.dumps({"keys": [{**key.as_dict(private=False), "kid": header["kid"]}]}).encode()

    return change


def _unsigned(found: dict[str, bytes]) -> None:
    head, body, _ = found["manifest.jws"].decode().split(".")
    header = json.loads(tokens.decode(head)) | {"alg": "none"}
    found["manifest.jws"] = f"{tokens.encode(json.dumps(header).encode())}.{body}.".encode()


def _by_mac(found: dict[str, bytes]) -> None:
    """HS256 with the public key as the secret: the oldest trick of all."""
    from joserfc.jwk import OctKey

    header = json.loads(tokens.decode(found["manifest.jws"].decode().split(".")[0])) | {"alg": "HS256"}
    key = OctKey.import_key(found["jwks.json"])
    found["manifest.jws"] = jws.serialize_compact(header, found["manifest.json"], key, algorithms=["HS256"]).encode()


SPOILT: dict[str, Callable[[dict[str, bytes]], None]] = {
    **{f"{name} changed": _bend(name) for name in CONTENTS["alarm"]},
    "manifest changed": _bend("manifest.json"),
    "signature changed": _bend("manifest.jws", b"A"),
    "a file gone": lambda found: found.pop("measures.json") and None,
    "a file more": lambda found: found.update({"more.txt": b"x"}),
    "not signed": _unsigned,
    "signed with the public key": _by_mac,
    "signed as something else": _resign(header={"typ": "JWT"}),
    "the manifest names less": _resign(manifest={"files": {}}),
    "no files": _resign(manifest={"files": None}),
    "no issuer": _resign(manifest={"iss": None, "iat": "x"}),
    "made in no year": _resign(manifest={"iat": 10**30}),
    "no keys": lambda found: found.update({"jwks.json": b'{"keys": []}'}),
    "keys that are none": lambda found: found.update({"jwks.json": b'[1, "x"]'}),
    "a key that is none": lambda found: found.update(
        {"jwks.json": json.dumps({"keys": [{"kid": json.loads(found["jwks.json"])["keys"][0]["kid"]}]}).encode()}
    ),
    "deep JSON": lambda found: found.update({"jwks.json": b"[" * 60_000}),
    "not UTF-8": lambda found: found.update({"manifest.jws": b"\xff\xfe"}),
    "large": lambda found: found.update({"manifest.jws": b"a" * 100_000}),
}


@pytest.mark.parametrize("what", SPOILT)
async def test_a_spoilt_bundle_proves_nothing(small_world: World, tmp_path: Path, what: str) -> None:
    file, _ = await bundle(small_world, tmp_path)
    _rewrite(file, SPOILT[what])
    with pytest.raises(BadEvidence):
        check_bundle(file, None)


async def test_another_key_is_trusted_only_if_one_looks_at_it(small_world: World, tmp_path: Path) -> None:
    file, _ = await bundle(small_world, tmp_path)
    published = (await small_world.browser().get(PATHS["jwks_uri"])).content
    ours = check_bundle(file, None).thumbprint
    _rewrite(file, _resign())
    assert check_bundle(file, None).thumbprint != ours, "the thumbprint tells"
    with pytest.raises(BadEvidence, match="not among the trusted"):
        check_bundle(file, published)
    _rewrite(file, _resign(header={"kid": ours}))
    with pytest.raises(BadEvidence, match="signature does not hold"):
        check_bundle(file, published)


async def test_a_bomb_is_not_unpacked(small_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, _ = await bundle(small_world, tmp_path)
    _rewrite(file, lambda found: found.update({"events.jsonl": b"\0" * (8 << 20)}), zipfile.ZIP_DEFLATED)
    assert file.stat().st_size < 100_000
    with pytest.raises(BadEvidence, match="compressed"):
        check_bundle(file, None)
    monkeypatch.setattr(evidence, "BUNDLE_MAX_BYTES", 100)
    with pytest.raises(BadEvidence, match="too large"):
        check_bundle(file, None)


def _local(name: bytes, data: bytes) -> bytes:
    """A file as a stream of a zip has it."""
    head = struct.pack(
        "<4sHHHHHIIIHH", b"PK\3\4", 20, 0, 0, 0, 33, zlib.crc32(data), len(data), len(data), len(name), 0
    )
    return head + name + data


def _smuggled(genuine: bytes) -> bytes:
    """With a second alarm.json between the last file and the directory, which a reader of the stream unpacks."""
    end = genuine.rindex(b"PK\5\6")
    (start,) = struct.unpack("<I", genuine[end + 16 : end + 20])
    extra = _local(b"alarm.json", b'{"forged": true}')
    return (
        genuine[:start]
        + extra
        + genuine[start : end + 16]
        + struct.pack("<I", start + len(extra))
        + genuine[end + 20 :]
    )


@pytest.mark.parametrize("forge", [
    _smuggled, lambda genuine: b"MZ a program\n" + genuine, lambda genuine: genuine[:-2] + b"\4\0more",
])  # fmt: skip
async def test_nothing_stands_beside_what_was_signed(
    small_world: World, tmp_path: Path, forge: Callable[[bytes], bytes]
) -> None:
    file, _ = await bundle(small_world, tmp_path)
    file.write_bytes(forge(file.read_bytes()))
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None, "a zip as good as any"
    with pytest.raises(BadEvidence, match="something stands"):
        check_bundle(file, None)


async def test_two_files_of_one_name(small_world: World, tmp_path: Path) -> None:
    file, _ = await bundle(small_world, tmp_path)
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("alarm.json", b"{}")
    with pytest.raises(BadEvidence, match="exactly"):
        check_bundle(file, None)


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip" * 100, b"PK\x05\x06" + bytes(18)])
def test_what_is_no_archive(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "x.zip"
    file.write_bytes(data)
    with pytest.raises(BadEvidence):
        check_bundle(file, None)


async def test_every_byte_counts(small_world: World, tmp_path: Path) -> None:
    """A byte changed anywhere is found, or changes none of the files."""
    file, _ = await bundle(small_world, tmp_path)
    good, files = file.read_bytes(), files_of(file)
    for at in range(0, len(good), 7):
        file.write_bytes(good[:at] + bytes([good[at] ^ 0x41]) + good[at + 1 :])
        try:
            check_bundle(file, None)
        except BadEvidence:
            continue
        assert files_of(file) == files


async def test_one_bundle_at_a_time_and_each_in_the_ledger(small_world: World) -> None:
    odile, path = await campaign(small_world)
    with turn(small_world.house, "bundle", "", 1):
        assert (await odile.form(f"{path}/evidence")).status_code == 503
    assert "evidence.bundled" not in [act for act, _ in await acts(small_world)]
    assert (await odile.form(f"{path}/evidence")).status_code == 200
    assert ("evidence.bundled", odile.id) in await acts(small_world)


async def test_the_command_line(small_world: World, tmp_path: Path) -> None:
    file, which = await bundle(small_world, tmp_path)
    jwks = tmp_path / "jwks.json"
    jwks.write_bytes((await small_world.browser().get(PATHS["jwks_uri"])).content)
    run = CliRunner().invoke
    done = run(main, ["evidence", "verify", str(file), "--jwks", str(jwks)])
    assert done.exit_code == 0
    assert which in done.output
    assert check_bundle(file, None).thumbprint in run(main, ["evidence", "verify", str(file)]).output
    _rewrite(file, _bend("alarm.json"))
    spoilt = run(main, ["evidence", "verify", str(file)])
    assert spoilt.exit_code == 1
    jwks.write_text("{")
    assert run(main, ["evidence", "verify", str(file), "--jwks", str(jwks)]).exit_code == 1
