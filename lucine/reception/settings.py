"""Where a front of the care wing signs people in: Connect, Pro Santé Connect, or another like them."""

from collections.abc import Mapping
from typing import Annotated, Literal, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from lucine.web.settings import Settings, list_settings, read_settings

FRONTS = {"cabinet": 8401, "espace": 8402}
LOOPBACK = ("localhost", "127.0.0.1", "::1")
WELL_KNOWN = "/.well-known/"

# What of the shared settings a front reads; the others are Connect's.
SHARED = (
    "origin", "listen", "database", "keys", "name", "help", "trusted_proxies", "ca_file", "log_level",
    "session_seconds", "session_idle_seconds",
)  # fmt: skip


def _doc(text: str) -> Meta:
    return Meta(description=text)


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """An OpenID Provider and what it knows us by.

    ``LUCINE_CABINET_`` or ``LUCINE_ESPACE_`` and the name in capitals is the variable.
    """

    provider: Annotated[str, _doc("Address of the provider's metadata")] = (
        "http://localhost:8400/.well-known/openid-configuration"
    )
    issuer: Annotated[
        str, _doc("The provider's issuer; empty: what stands before /.well-known/ in the address of its metadata")
    ] = ""
    client_id: Annotated[str, _doc("Our client id there")] = ""
    client_auth: Annotated[
        Literal["client_secret_basic", "private_key_jwt", "tls_client_auth"], _doc("How we prove there who we are")
    ] = "client_secret_basic"
    client_secret: Annotated[str, _doc("Our secret there, for client_secret_basic")] = ""
    client_key: Annotated[str, _doc("File of our private key (PEM or JWK, RSA or P-256), for private_key_jwt")] = ""
    client_certificate: Annotated[
        str, _doc("File of our certificate and its private key (PEM), for tls_client_auth")
    ] = ""
    scope: Annotated[str, _doc("What we ask for")] = "openid scope_all"
    acr_values: Annotated[str, _doc("The level of sign-in we ask for; empty: none")] = "eidas1"

    def __post_init__(self) -> None:
        if not is_safe_address(self.provider) or WELL_KNOWN not in self.provider:
            raise ValueError("LUCINE_PROVIDER is an https address with /.well-known/ in it (http: only this machine)")
        if not self.client_id:
            raise ValueError("LUCINE_CLIENT_ID is missing: register this front at the provider first")
        needed = {
            "client_secret_basic": "client_secret",
            "private_key_jwt": "client_key",
            "tls_client_auth": "client_certificate",
        }[self.client_auth]
        if not getattr(self, needed):
            raise ValueError(f"LUCINE_{needed.upper()} is missing: {self.client_auth} needs it")
        if "openid" not in self.scope.split():
            raise ValueError("LUCINE_SCOPE must contain openid")

    @property
    def expected_issuer(self) -> str:
        """What every token must say, compared byte by byte (Discovery section 4.3)."""
        return self.issuer or self.provider.partition(WELL_KNOWN)[0]

    @property
    def is_on_this_machine(self) -> bool:
        return urlsplit(self.provider).scheme == "http"


def is_safe_address(address: str, *, plain_http: bool = True) -> bool:
    """Whether secrets may go there: https, or plain http that does not leave this machine."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment or not address.isascii() or not address.isprintable():
        return False
    return parts.scheme == "https" or (plain_http and parts.scheme == "http" and host in LOOPBACK)


def _prefix(front: str) -> str:
    return f"LUCINE_{front.upper()}_"


def _defaults(front: str) -> dict[str, str]:
    return {
        "origin": f"http://localhost:{FRONTS[front]}",
        "listen": f"127.0.0.1:{FRONTS[front]}",
        "database": "sqlite:///var/care.db",
        "keys": "var/care.keys",
        "name": f"Lucine {front.capitalize()}",
        "help": "",
    }


def read_front(front: str, environment: Mapping[str, str]) -> tuple[Settings, Provider]:
    """The settings of a front; ValueError says which variable is wrong."""
    prefix = _prefix(front)
    said = {name.removeprefix(prefix).lower(): text for name, text in environment.items() if name.startswith(prefix)}
    shared = {f"LUCINE_{name.upper()}": text for name, text in (_defaults(front) | said).items()}
    try:
        return read_settings(shared), _read_provider(said)
    except ValueError as error:
        raise ValueError(str(error).replace("LUCINE_", prefix)) from None


def _read_provider(said: Mapping[str, str]) -> Provider:
    found: dict[str, object] = {}
    for name, kind in get_type_hints(Provider).items():
        if name in said:
            try:
                found[name] = msgspec.convert(said[name].strip(), kind)
            except msgspec.ValidationError as error:
                raise ValueError(f"LUCINE_{name.upper()}: {error}") from None
    return Provider(**found)  # type: ignore[arg-type]


def list_front_settings(front: str) -> list[tuple[str, str, str]]:
    """Each variable of a front with its default and what it is for."""
    prefix, defaults, hints = _prefix(front), _defaults(front), get_type_hints(Provider, include_extras=True)
    about = {variable.removeprefix("LUCINE_").lower(): (default, text) for variable, default, text in list_settings()}
    about["origin"] = ("", "Address of this front as browsers see it")
    about["name"] = ("", "What people read as the name of this front")
    about["help"] = ("", "Where midwives say that something is wrong, such as https://connect.example.fr/incident")
    shared = [(f"{prefix}{name.upper()}", defaults.get(name, about[name][0]), about[name][1]) for name in SHARED]
    provider = [
        (f"{prefix}{field.name.upper()}", str(field.default), hints[field.name].__metadata__[0].description)
        for field in msgspec.structs.fields(Provider)
    ]
    return shared + provider
