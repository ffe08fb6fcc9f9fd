"""What an operator may register, and how a wrong registration is explained (B1, C16)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from lucine.phone.holders import find_holder
from lucine.signin.clients import NAME_MAX_LENGTH, Client, check_client
from lucine.signin.subjects import subject_of
from tests.world import SERVICE, World

from .kit import claims_of, code_form

PUBLIC = ECKey.generate_key("P-256").as_dict(private=False)
PRIVATE = ECKey.generate_key("P-256").as_dict(private=True)


def registered(**facts: Any) -> Client:
    client = Client(**{"id": "c", "name": "Un service", "redirect_uris": ["https://a.test/cb"], **facts})
    check_client(client)
    return client


@pytest.mark.parametrize(
    "address",
    [
        "http://a.test/cb", "https://a.test/cb#x", "https://a.test/cb#", "https://u@a.test/cb", "https://u:p@a.test/cb",
        "https://:p@a.test/", "https://*.a.test/cb", "https://a.test/*", "https:///cb", "https:/a.test/cb",
        "//a.test/cb", "/cb", "cb", "", " ", "https://",
        "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "ftp://a.test/",
        "https://a.test/c b", "https://a.test/\tcb", "https://a.test/\ncb", "https://a.test\\@b.test/", "https://é.test/",
        "https://a.test/é", "https://[", "https://a.test:99999/", "https://a.test:x/", "http://localhost.evil.test/",
        "http://127.0.0.1.evil.test/", "http://0.0.0.0/", "myapp://callback", "http://127.1/", "https://a.test/\x00",
        "https://a.test/\x7f", "HTTPS//a.test", "https://a.test/'",
    ],
)  # fmt: skip
def test_b1_addresses_that_no_service_may_have(address: str) -> None:
    for field in ("redirect_uris", "post_logout_redirect_uris"):
        with pytest.raises(ValueError, match=r".{10,}"):
            registered(**{field: [address]})
    if address:
        for field in ("logout_uri", "ping_uri"):
            with pytest.raises(ValueError, match=r".{10,}"):
                registered(**{field: address, "ciba": "ping" if field == "ping_uri" else ""})


@pytest.mark.parametrize(
    "address",
    ["https://a.test", "https://a.test/", "https://a.test:8443/cb?x=1", "http://localhost/cb", "http://localhost:8401/cb",
     "http://127.0.0.1:9/cb", "http://[::1]:9/cb", "https://xn--9ca.test/%C3%A9", "https://a.test/cb?"],
)  # fmt: skip
def test_addresses_that_a_service_may_have(address: str) -> None:
    assert registered(redirect_uris=[address]).host


@pytest.mark.parametrize(
    "facts",
    [
        {"id": ""}, {"id": "a b"}, {"id": "a:b"}, {"id": "é"}, {"id": "a\x00"}, {"id": "a/b"}, {"id": "²"},
        {"id": "x" * 300},
        {"name": ""}, {"name": "  "}, {"name": "x" * (NAME_MAX_LENGTH + 1)}, {"name": "a\nb"}, {"name": "a\u202eb"},
        {"name": "a\u200bb"},
        {"redirect_uris": []},
        {"redirect_uris": ["https://a.test/", "https://b.test/"]},
        {"auth_method": "private_key_jwt"},
        {"auth_method": "private_key_jwt", "jwks": {}},
        {"auth_method": "private_key_jwt", "jwks": {"keys": []}},
        {"auth_method": "private_key_jwt", "jwks": {"keys": "x"}},
        {"auth_method": "private_key_jwt", "jwks": {"keys": {}}},
        {"auth_method": "private_key_jwt", "jwks": {"keys": [1]}},
        {"auth_method": "private_key_jwt", "jwks": {"keys": [{}]}},
        {"auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "EC"}]}},
        {"auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "nonsense"}]}},
        {"auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}},
        {"auth_method": "private_key_jwt", "jwks": {"keys": [PRIVATE]}},
        {"auth_method": "private_key_jwt", "jwks": [PUBLIC]},
        {"auth_method": "private_key_jwt", "jwks": PUBLIC},
        {"jwks": {"keys": [PUBLIC]}},
        {"auth_method": "tls_client_auth"},
        {"auth_method": "tls_client_auth", "tls_subject": "CN=x", "tls_san_dns": "x.test"},
        {"auth_method": "tls_client_auth", "tls_subject": "x"},
        {"auth_method": "tls_client_auth", "tls_subject": "CN=x,C=France"},
        {"auth_method": "tls_client_auth", "tls_subject": "nonsense=x"},
        {"auth_method": "tls_client_auth", "tls_subject": "CN="},
        {"ciba": "ping"}, {"ping_uri": "https://a.test/p"}, {"ciba": "poll", "ping_uri": "https://a.test/p"},
        {"ciba": "poll", "auth_method": "none"},
    ],
)  # fmt: skip
def test_what_is_wrong_is_explained(facts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".{10,}"):
        registered(**facts)


def test_what_is_right_passes() -> None:
    registered(auth_method="private_key_jwt", jwks={"keys": [PUBLIC]})
    registered(auth_method="tls_client_auth", tls_subject="CN=x,OU=y+L=z,O=Hôpital\\, fictif,C=FR")
    registered(auth_method="tls_client_auth", tls_san_dns="service.test")
    registered(redirect_uris=[], ciba="poll")
    registered(redirect_uris=["https://a.test/", "https://b.test/"], sector="a.test")
    registered(redirect_uris=["https://a.test/", "https://b.test/"], subject="psc")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from([PUBLIC, PRIVATE]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["keys", "kty", "x", "d"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries({}, optional={
        "id": st.text(max_size=5), "name": st.text(max_size=5),
        "redirect_uris": st.lists(st.text(max_size=20), max_size=2),
        "auth_method": st.sampled_from(["private_key_jwt", "tls_client_auth", "none"]), "jwks": JSON,
        "tls_subject": st.text(max_size=10), "tls_san_dns": st.text(max_size=5), "logout_uri": st.text(max_size=20),
        "ciba": st.sampled_from(["", "poll", "ping"]), "ping_uri": st.text(max_size=9),
    })
)  # fmt: skip
def test_a_registration_is_right_or_explained_never_a_stumble(facts: dict[str, Any]) -> None:
    try:
        client = registered(**facts)
    except ValueError:
        return
    assert client.id.isascii()
    assert client.name.isprintable()
    assert all(address.startswith(("https://", "http://")) for address in client.redirect_uris)
    assert client.auth_method != "private_key_jwt" or not any("d" in key for key in client.jwks["keys"])  # type: ignore[index]


async def test_c16_subjects_are_stable_by_sector_and_tell_nothing(small_world: World) -> None:
    world = small_world
    facts: dict[str, dict[str, Any]] = {
        "one": {}, "same": {}, "path": {"redirect_uris": [f"{SERVICE}/other"]},
        "far": {"redirect_uris": ["https://far.test/"]},
        "sector": {"redirect_uris": ["https://far.test/"], "sector": "service.test"},
    }  # fmt: skip
    subjects: dict[str, str] = {}
    for name, more in facts.items():
        service = await world.service(name, **more)
        got = (await world.token(service, await code_form(world, service))).json()
        subjects[name] = claims_of(got["id_token"])["sub"]
        again = (await world.token(service, await code_form(world, service))).json()
        assert claims_of(again["id_token"])["sub"] == subjects[name]
        told = claims_of(got["id_token"]) | claims_of(got["access_token"])
        assert "99700999917" not in str(told), "the public number is in no token of a pairwise client"
    assert subjects["one"] == subjects["same"] == subjects["path"] == subjects["sector"] != subjects["far"]
    assert 16 <= len(subjects["one"]) <= 255
    bea = await world.holder("bea")
    holder = await find_holder(world.house.db, bea)
    client = Client(id="one", name="x", redirect_uris=[f"{SERVICE}/callback"])
    assert subject_of(world.house.keys, world.house.settings, client, holder) != subjects["one"]
