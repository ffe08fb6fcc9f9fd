"""The key file: its mode, its places, and what tampering does."""

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucine.safe import Keys, tokens
from lucine.safe.keys import Tampered

KEYS = Keys(bytes(range(32)))


def test_a_new_key_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "keys.json"
    first = Keys.load(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(tokens.decode(json.loads(path.read_text())["master"])) == 32
    assert Keys.load(path).mac("a", b"b") == first.mac("a", b"b")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601])
def test_a_key_file_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys.json"
    Keys.load(path)
    path.chmod(mode)
    with pytest.raises(PermissionError, match="chmod 600"):
        Keys.load(path)


def test_a_mask_that_gives_everything_changes_nothing(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Keys.load(tmp_path / "keys.json")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600


def test_processes_that_start_together_agree_on_one_master(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for attempt in range(20):
            path = tmp_path / str(attempt) / "keys.json"
            path.parent.mkdir()
            made = list(pool.map(lambda _, path=path: Keys.load(path).mac("p", b""), range(8)))
            assert len(set(made)) == 1
            assert [file.name for file in path.parent.iterdir()] == ["keys.json"]


def test_a_short_master_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Keys(b"short")


@given(plain=st.binary(max_size=200), place=st.text(max_size=40))
def test_what_is_sealed_opens_at_its_place(plain: bytes, place: str) -> None:
    assert KEYS.unseal(place, KEYS.seal(place, plain)) == plain


@given(plain=st.binary(max_size=80), place=st.text(max_size=20), other=st.text(max_size=20))
def test_a_seal_moved_elsewhere_does_not_open(plain: bytes, place: str, other: str) -> None:
    if place != other:
        with pytest.raises(Tampered):
            KEYS.unseal(other, KEYS.seal(place, plain))


@given(plain=st.binary(max_size=80), at=st.integers(min_value=0), bit=st.integers(0, 7))
def test_a_seal_with_one_bit_changed_does_not_open(plain: bytes, at: int, bit: int) -> None:
    sealed = bytearray(KEYS.seal("here", plain))
    sealed[at % len(sealed)] ^= 1 << bit
    with pytest.raises(Tampered):
        KEYS.unseal("here", bytes(sealed))


@given(length=st.integers(0, 27))
def test_a_seal_cut_short_does_not_open(length: int) -> None:
    with pytest.raises(Tampered):
        KEYS.unseal("here", KEYS.seal("here", b"")[:length])


def test_other_keys_open_nothing() -> None:
    with pytest.raises(Tampered):
        Keys(bytes(32)).unseal("here", KEYS.seal("here", b"secret"))


@given(one=st.text(max_size=20), other=st.text(max_size=20), data=st.binary(max_size=40))
def test_each_purpose_has_a_key_of_its_own(one: str, other: str, data: bytes) -> None:
    assert (KEYS.mac(one, data) == KEYS.mac(other, data)) == (one == other)
