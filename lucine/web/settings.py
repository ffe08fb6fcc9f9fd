"""Settings: environment variables, each with its default and what it is for."""

import os
from collections.abc import Mapping
from typing import Annotated, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta


def _doc(text: str) -> Meta:
    return Meta(description=text)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an installation decides. ``LUCINE_`` and the name in capitals is the variable."""

    origin: Annotated[str, _doc("Address of Connect as browsers see it; also the OpenID issuer")] = (
        "http://localhost:8400"
    )
    listen: Annotated[str, _doc("Address and port the program listens on")] = "127.0.0.1:8400"
    database: Annotated[str, _doc("sqlite:///FILE or postgresql://USER@HOST/NAME")] = "sqlite:///var/identity.db"
    keys: Annotated[str, _doc("Key file (made with mode 0600 if missing; back it up apart from the database)")] = (
        "var/identity.keys"
    )
    workers: Annotated[int, _doc("Processes; more than one needs PostgreSQL")] = 1
    name: Annotated[str, _doc("What people read as the name of this sign-in")] = "Lucine Connect"
    help: Annotated[str, _doc("Where people say that something is wrong; the foot of every page leads there")] = (
        "/incident"
    )
    post: Annotated[str, _doc("Outgoing mail: smtp://, smtps:// or smtp+starttls:// URL, or folder:PATH")] = (
        "folder:var/post"
    )
    post_from: Annotated[str, _doc("Sender of the mail")] = "ne-pas-repondre@lucine.invalid"
    sms_gateway: Annotated[str, _doc("Mail address that turns into an SMS, with {number}; empty: no SMS")] = ""
    trusted_proxies: Annotated[str, _doc("Addresses of the proxies whose X-Forwarded-For is believed, by commas")] = ""
    client_cert_header: Annotated[
        str, _doc("Header in which a trusted proxy passes the TLS client certificate (URL-encoded PEM); empty: none")
    ] = ""
    mtls_origin: Annotated[str, _doc("Address of the mutual-TLS door, if there is one (mtls_endpoint_aliases)")] = ""
    allowed_hosts: Annotated[
        str, _doc("host:port of clients on private addresses that Connect may call (logout, ping, push), by commas")
    ] = ""
    ca_file: Annotated[str, _doc("Extra certificate authorities (PEM) for outgoing calls and client certificates")] = ""
    metrics_token: Annotated[str, _doc("Bearer token that opens /metrics; empty: closed")] = ""
    log_level: Annotated[str, _doc("debug, info, warning or error")] = "info"
    psc_store_uuid: Annotated[str, _doc("The uuid in Pro Santé Connect's form of sub, f:UUID:8RPPS")] = (
        "00000000-0000-4000-8000-000000000001"
    )
    access_token_seconds: Annotated[int, _doc("Life of an access token")] = 120
    refresh_token_seconds: Annotated[int, _doc("Life of a refresh token that is not used")] = 1800
    session_seconds: Annotated[int, _doc("Longest life of a session")] = 4 * 3600
    session_idle_seconds: Annotated[int, _doc("A session without activity ends after this")] = 1800
    start_seconds: Annotated[int, _doc("A sign-in must be approved within this time")] = 120
    scan_age_seconds: Annotated[
        int, _doc("A code of the screen is good for this long after it was shown (the demo: longer, to paste a link)")
    ] = 3
    long_start_seconds: Annotated[int, _doc("The same for who asks for more time")] = 300
    quarantine_hours: Annotated[int, _doc("A phone enrolled with mail and SMS codes waits this long")] = 72
    fallback_delay_minutes: Annotated[int, _doc("Delay before the typed code may be used instead of the scan")] = 60
    signing_alg: Annotated[str, _doc("Algorithm of clients that registered none: ES256 or RS256")] = "RS256"

    def __post_init__(self) -> None:
        parts = urlsplit(self.origin)
        if self.origin != f"{parts.scheme}://{parts.netloc}":
            raise ValueError("LUCINE_ORIGIN is an address without a path, such as https://connect.example.fr")
        if parts.scheme != "https" and parts.hostname != "localhost":
            raise ValueError("LUCINE_ORIGIN must be https outside localhost")
        if self.workers > 1 and self.database.startswith("sqlite"):
            raise ValueError("several workers need PostgreSQL (LUCINE_DATABASE)")
        if self.signing_alg not in ("ES256", "RS256"):
            raise ValueError("LUCINE_SIGNING_ALG is ES256 or RS256")

    @property
    def host(self) -> str:
        """The host of the origin: also the WebAuthn relying party id."""
        return urlsplit(self.origin).hostname or ""

    @property
    def secure(self) -> bool:
        return self.origin.startswith("https:")


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of an environment. ValueError says which variable is wrong."""
    found: dict[str, object] = {}
    known = get_type_hints(Settings)
    for variable, text in environment.items():
        name = variable.removeprefix("LUCINE_").lower()
        if variable.startswith("LUCINE_") and name in known:
            try:
                found[name] = msgspec.convert(text, known[name], strict=False)
            except msgspec.ValidationError as error:
                raise ValueError(f"{variable}: {error}") from error
    return Settings(**found)  # type: ignore[arg-type]


def list_settings() -> list[tuple[str, str, str]]:
    """Each variable with its default and what it is for."""
    hints = get_type_hints(Settings, include_extras=True)
    return [
        (f"LUCINE_{field.name.upper()}", str(field.default), hints[field.name].__metadata__[0].description)
        for field in msgspec.structs.fields(Settings)
    ]
