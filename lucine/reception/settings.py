"""Where a front of the care wing signs people in: Connect, Pro Santé Connect, or another like them."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from lucine.web.settings import Settings, read_settings

PORTS = {"cabinet": 8401, "espace": 8402}


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """An OpenID Provider and what it knows us by. ``LUCINE_CABINET_`` or ``LUCINE_ESPACE_`` and the name in capitals."""

    provider: Annotated[str, Meta(description="Address of the provider's metadata")] = (
        "http://localhost:8400/.well-known/openid-configuration"
    )
    client_id: Annotated[str, Meta(description="Our client id there")] = ""
    client_secret: Annotated[str, Meta(description="Our secret there (client_secret_basic)")] = ""
    scope: Annotated[str, Meta(description="What we ask for")] = "openid scope_all"


def read_front(front: str, environment: Mapping[str, str]) -> tuple[Settings, Provider]:
    """The settings of a front; ValueError says which variable is wrong."""
    prefix = f"LUCINE_{front.upper()}_"
    said = {
        f"LUCINE_{name.removeprefix(prefix)}": text for name, text in environment.items() if name.startswith(prefix)
    }
    port = PORTS[front]
    defaults = {
        "LUCINE_ORIGIN": f"http://localhost:{port}",
        "LUCINE_LISTEN": f"127.0.0.1:{port}",
        "LUCINE_DATABASE": "sqlite:///var/care.db",
        "LUCINE_KEYS": "var/care.keys",
        "LUCINE_NAME": f"Lucine {front.capitalize()}",
    }
    provider = {
        field: said[f"LUCINE_{field.upper()}"]
        for field in Provider.__struct_fields__
        if f"LUCINE_{field.upper()}" in said
    }
    return read_settings({**defaults, **said}), Provider(**provider)
