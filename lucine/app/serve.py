"""Serving: granian for browsers and clients, uvicorn for the door with client certificates."""

import gc
import os
import ssl
from pathlib import Path
from typing import Any

import uvicorn
from granian import Granian
from granian.constants import Interfaces, Loops
from granian.log import LogLevels
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from lucine.signin.certificates import SCOPE_KEY
from lucine.web.settings import Settings

from .connect import build_connect

GRACE_SECONDS = 10


def connect_app() -> Starlette:
    """What granian calls in each worker."""
    return _settled(build_connect())


def _settled(app: Starlette) -> Starlette:
    """What is loaded by now stays: looking for cycles in it again and again was a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    return app


def _serve(target: str, listen: str, workers: int) -> None:
    host, _, port = listen.rpartition(":")
    Granian(
        target,
        address=host.strip("[]"),
        port=int(port),
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        workers=workers,
        workers_kill_timeout=GRACE_SECONDS,
        factory=True,
        log_access=False,
        log_level=LogLevels.warning,
        websockets=False,
    ).serve()


def serve_connect(settings: Settings) -> None:
    """Until SIGTERM or Ctrl-C; open requests are finished first."""
    _serve("lucine.app.serve:connect_app", settings.listen, settings.workers)


def serve_demo() -> None:
    """Connect with the demo's card reader."""
    _serve("lucine.app.demo:connect_app", os.environ["LUCINE_LISTEN"], 1)


def serve_care(front: str) -> None:
    """A front of the care wing."""
    default = {"cabinet": "127.0.0.1:8401", "espace": "127.0.0.1:8402"}[front]
    listen = os.environ.get(f"LUCINE_{front.upper()}_LISTEN", default)
    _serve(f"lucine.app.care:{front}", listen, 1)


class _WithCertificate(H11Protocol):
    """Hands the verified client certificate to the application; browsers never come to this door."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        der = tls.getpeercert(binary_form=True) if tls else None
        if der:
            self.app = _carrying(self.app, der)


def _carrying(app: Any, der: bytes) -> Any:
    async def carrying(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, SCOPE_KEY: der}, receive, send)

    return carrying


def serve_mtls(settings: Settings, certificate: Path, key: Path, client_ca: Path, listen: str) -> None:
    """The same application behind TLS that asks for a client certificate (RFC 8705 section 2.1)."""
    host, _, port = listen.rpartition(":")
    uvicorn.run(
        build_connect(settings, chores=False),
        host=host.strip("[]"),
        port=int(port),
        http=_WithCertificate,
        ssl_certfile=str(certificate),
        ssl_keyfile=str(key),
        ssl_ca_certs=str(client_ca),
        ssl_cert_reqs=ssl.CERT_OPTIONAL,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
