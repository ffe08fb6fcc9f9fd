"""The key file, seals and secrets."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucine.safe import Keys, tokens
from lucine.safe.keys import Tampered

KEYS = Keys(b"k" * 32)


def test_a_key_file_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "keys"
    first = Keys.load(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert Keys.load(path).digest("x") == first.digest("x")
    path.chmod(0o644)
    with pytest.raises(PermissionError, match="chmod 600"):
        Keys.load(path)


@given(st.binary(max_size=200), st.text(max_size=40))
def test_a_seal_opens_at_its_place_alone(plain: bytes, place: str) -> None:
    sealed = KEYS.seal(place, plain)
    assert KEYS.unseal(place, sealed) == plain
    with pytest.raises(Tampered):
        KEYS.unseal(place + "x", sealed)
    with pytest.raises(Tampered):
        Keys(b"x" * 32).unseal(place, sealed)


@given(st.binary(min_size=1, max_size=50), st.integers(min_value=0))
def test_one_flipped_bit_breaks_a_seal(plain: bytes, place: int) -> None:
    sealed = bytearray(KEYS.seal("p", plain))
    sealed[place % len(sealed)] ^= 1 << (place % 8)
    with pytest.raises(Tampered):
        KEYS.unseal("p", bytes(sealed))


@given(st.binary())
def test_base64url_goes_both_ways(data: bytes) -> None:
    assert tokens.decode(tokens.encode(data)) == data


@pytest.mark.parametrize("text", ["a+b/", "YQ==", "é", "a b", "\n"])
def test_other_texts_are_not_base64url(text: str) -> None:
    with pytest.raises(ValueError):
        tokens.decode(text)


def test_purposes_have_keys_of_their_own() -> None:
    assert len({KEYS.mac(purpose, b"x") for purpose in ("a", "b", "digest", "seal")}) == 4
