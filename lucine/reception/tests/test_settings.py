"""What an operator may configure, and what the program says of mistakes."""

import pytest

from lucine.reception import FRONTS, list_front_settings, read_front
from lucine.reception.settings import SHARED, Provider, is_safe_address
from lucine.web.settings import Settings

NEEDED = {"LUCINE_CABINET_CLIENT_ID": "us", "LUCINE_CABINET_CLIENT_SECRET": "secret"}


def test_the_defaults_suit_connect_on_this_machine() -> None:
    settings, provider = read_front("cabinet", NEEDED)
    assert (settings.origin, settings.listen) == ("http://localhost:8401", "127.0.0.1:8401")
    assert (settings.database, settings.keys) == ("sqlite:///var/care.db", "var/care.keys")
    assert provider.expected_issuer == "http://localhost:8400"
    assert (provider.scope, provider.acr_values) == ("openid scope_all", "eidas1")
    other, _ = read_front("espace", {"LUCINE_ESPACE_CLIENT_ID": "us", "LUCINE_ESPACE_CLIENT_SECRET": "x", **NEEDED})
    assert other.origin == "http://localhost:8402"


def test_only_a_fronts_own_variables_count() -> None:
    settings, provider = read_front(
        "cabinet", {**NEEDED, "LUCINE_ORIGIN": "https://connect.example", "LUCINE_ESPACE_SCOPE": "x"}
    )
    assert settings.origin == "http://localhost:8401"
    assert provider.scope == "openid scope_all"


def test_pro_sante_connect_by_configuration_alone() -> None:
    realm = "https://auth.esw.esante.gouv.fr/auth/realms/esante-wallet"
    _, provider = read_front(
        "cabinet", {**NEEDED, "LUCINE_CABINET_PROVIDER": f"{realm}/.well-known/wallet-openid-configuration"}
    )
    assert provider.expected_issuer == realm
    _, provider = read_front("cabinet", {**NEEDED, "LUCINE_CABINET_ISSUER": "https://connect.example"})
    assert provider.expected_issuer == "https://connect.example"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"CLIENT_ID": ""}, "LUCINE_CABINET_CLIENT_ID is missing"),
        ({"CLIENT_SECRET": ""}, "LUCINE_CABINET_CLIENT_SECRET is missing"),
        ({"CLIENT_AUTH": "private_key_jwt"}, "LUCINE_CABINET_CLIENT_KEY is missing"),
        ({"CLIENT_AUTH": "tls_client_auth"}, "LUCINE_CABINET_CLIENT_CERTIFICATE is missing"),
        ({"CLIENT_AUTH": "none"}, "LUCINE_CABINET_CLIENT_AUTH"),
        ({"PROVIDER": "http://psc.example/.well-known/x"}, "LUCINE_CABINET_PROVIDER is an https address"),
        ({"PROVIDER": "https://psc.example/"}, "LUCINE_CABINET_PROVIDER is an https address"),
        ({"SCOPE": "profile"}, "LUCINE_CABINET_SCOPE must contain openid"),
        ({"ORIGIN": "http://cabinet.example"}, "LUCINE_CABINET_ORIGIN must be https"),
        ({"SESSION_SECONDS": "long"}, "LUCINE_CABINET_SESSION_SECONDS"),
    ],
)
def test_mistakes_are_named(said: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_front("cabinet", {**NEEDED, **{f"LUCINE_CABINET_{name}": text for name, text in said.items()}})


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://psc.example/x", True),
        ("http://localhost:8400/x", True),
        ("http://127.0.0.1:1/x", True),
        ("http://[::1]:1/x", True),
        ("http://localhost.evil.example/x", False),
        ("http://psc.example/x", False),
        ("https://user:secret@psc.example/x", False),
        ("https://psc.example/x#y", False),
        ("https:///x", False),
        ("https://psc.example:99999/x", False),
        ("https://psc.example/\n", False),
        ("javascript:alert(1)", False),
        ("//psc.example", False),
        ("", False),
    ],
)
def test_where_secrets_may_go(address: str, safe: bool) -> None:
    assert is_safe_address(address) == safe
    assert not is_safe_address(address, plain_http=False) or address.startswith("https:")


@pytest.mark.parametrize("front", FRONTS)
def test_every_setting_is_listed(front: str) -> None:
    listed = {variable: (default, about) for variable, default, about in list_front_settings(front)}
    prefix = f"LUCINE_{front.upper()}_"
    assert set(listed) == {f"{prefix}{name.upper()}" for name in (*SHARED, *Provider.__struct_fields__)}
    assert set(SHARED) <= set(Settings.__struct_fields__)
    assert all(about for _, about in listed.values())
    assert listed[f"{prefix}LISTEN"][0] == f"127.0.0.1:{FRONTS[front]}"
