"""The pure rules, over everything that a provider could write."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucine.reception.guests import TEXT_MAX_LENGTH, read_guest, write_name
from lucine.reception.provider import Arrived
from lucine.reception.rules import (
    CLOCK_SKEW_SECONDS,
    ID_TOKEN_AGE_MAX_SECONDS,
    LOGOUT_EVENT,
    IdToken,
    hash_of,
    read_id_token,
    read_logout_token,
)
from lucine.web import Refusal

NOW = 1_780_000_000
GOOD = {
    "iss": "https://op",
    "sub": "ana",
    "aud": "us",
    "exp": NOW + 120,
    "iat": NOW,
    "nonce": "n",
    "at_hash": hash_of("a"),
}
LOGOUT = {
    "iss": "https://op",
    "aud": "us",
    "exp": NOW + 120,
    "iat": NOW,
    "jti": "j",
    "sid": "s",
    "events": {LOGOUT_EVENT: {}},
}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
claim = st.sampled_from([*GOOD, *LOGOUT, "azp", "typ"])


def id_token(payload: bytes, *, now: float = NOW, header: dict[str, Any] | None = None) -> IdToken:
    return read_id_token(
        header or {}, payload, issuer="https://op", client_id="us", nonce="n", access_token="a", now=now
    )


def accepts(payload: dict[str, Any], now: float = NOW) -> bool:
    try:
        id_token(msgspec.json.encode(payload), now=now)
    except Refusal:
        return False
    return True


@given(st.binary())
def test_bytes_are_read_or_refused(payload: bytes) -> None:
    with pytest.raises(Refusal):
        id_token(payload)
    with pytest.raises(Refusal):
        read_logout_token({}, payload, issuer="https://op", client_id="us", now=NOW)


@given(st.dictionaries(claim, anything, max_size=4))
def test_what_is_accepted_says_what_it_must(changes: dict[str, Any]) -> None:
    said = {**GOOD, **changes}
    if accepts(said):
        assert said["iss"] == "https://op"
        assert "us" in ([said["aud"]] if isinstance(said["aud"], str) else said["aud"])
        assert said["nonce"] == "n"
        assert said.get("azp", "us") in ("us", "")
        assert isinstance(said["sub"], str)
        assert 0 < len(said["sub"]) <= 255
        assert said["at_hash"] in (hash_of("a"), "")
        assert said["exp"] + CLOCK_SKEW_SECONDS > NOW
        assert NOW - ID_TOKEN_AGE_MAX_SECONDS <= said["iat"] <= NOW + CLOCK_SKEW_SECONDS


@given(st.sampled_from([name for name in GOOD if name != "at_hash"]))
def test_nothing_required_may_be_missing(name: str) -> None:
    assert accepts(GOOD)
    assert not accepts({key: value for key, value in GOOD.items() if key != name})


@given(st.integers(-1000, 1000))
def test_times(offset: int) -> None:
    expected = -CLOCK_SKEW_SECONDS <= offset < min(120 + CLOCK_SKEW_SECONDS, ID_TOKEN_AGE_MAX_SECONDS + 1)
    assert accepts(GOOD, NOW + offset) == expected


@given(st.dictionaries(claim, anything, max_size=4))
def test_a_logout_token_that_is_accepted_says_what_it_must(changes: dict[str, Any]) -> None:
    said = {**LOGOUT, **changes}
    try:
        read_logout_token({}, msgspec.json.encode(said), issuer="https://op", client_id="us", now=NOW)
    except Refusal:
        return
    assert "nonce" not in said
    assert isinstance(said["events"][LOGOUT_EVENT], dict)
    assert said.get("sid") or said.get("sub")
    assert said["jti"]
    assert said["iss"] == "https://op"
    assert NOW - CLOCK_SKEW_SECONDS < said["exp"] <= NOW + 86400


member = st.sampled_from(
    ["given_name", "family_name", "SubjectRefPro", "SubjectRole", "SubjectOrganization", "exercices", "activities",
     "codeProfession", "raisonSocialeSite", "bureauCedex", "prenomDexercice", "nomDexercice"]
)  # fmt: skip
userinfo = st.recursive(
    st.none() | st.integers() | st.text(max_size=400) | st.just("50"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(member, inner, max_size=6),
    max_leaves=20,
)


@given(st.dictionaries(member, userinfo, max_size=6))
def test_any_userinfo_makes_a_guest_of_short_plain_words(person: dict[str, Any]) -> None:
    guest = read_guest(Arrived(msgspec.convert(GOOD, IdToken), "x", person))
    words = [guest.first_name, guest.last_name, guest.profession]
    words += [word for place in guest.places for word in (place.name, place.town)]
    for word in words:
        assert len(word) <= 2 * TEXT_MAX_LENGTH  # capital letters of some scripts double in small ones
        assert word == " ".join(word.split())
        assert word.isprintable()
    assert all(place.name for place in guest.places)
    assert len(guest.places) <= 20
    assert msgspec.json.decode(msgspec.json.encode(guest), type=type(guest)) == guest


@pytest.mark.parametrize(
    ("register", "people"),
    [
        ("ANA", "Ana"),
        ("MARIE-JO", "Marie-Jo"),
        ("Ana", "Ana"),
        ("McAdam", "McAdam"),
        ("LA ROCHE SUR YON", "La Roche sur Yon"),
        ("VILLENEUVE D'ASCQ", "Villeneuve d'Ascq"),
        ("L'ISLE-D'ABEAU", "L'Isle-d'Abeau"),
        ("SAINT-ÉTIENNE", "Saint-Étienne"),
        ("", ""),
    ],
)
def test_names_are_written_as_people_write_them(register: str, people: str) -> None:
    assert write_name(register) == people
