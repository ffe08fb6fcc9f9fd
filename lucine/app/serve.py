"""Serving: granian for browsers and clients, uvicorn for the door with client certificates."""

import gc
import os
import resource
import ssl
from pathlib import Path
from typing import Any

import uvicorn
from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from lucine.signin.certificates import SCOPE_KEY
from lucine.web.settings import Settings

from .connect import build_connect

GRACE_SECONDS = 10
# granian accepts nobody past this: by default 1,024 shared by the workers, and every page and phone that waits is one.
CONNECTIONS_MAX = 16_384  # for each worker
BACKLOG_MAX = 4_096  # not yet accepted; Linux allows no more unless told (net.core.somaxconn)
OWN_FILES_MAX = 256  # of a worker: database, certificates, calls that go out
# Then a connection is closed that sent no request, only half of its headers, or no other since the last.
IDLE_SECONDS = 30


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
        # Not auto: waiting for the first bytes, to guess the version, has no time limit.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=IDLE_SECONDS * 1000),
        backlog=BACKLOG_MAX,
        backpressure=_connections_max(),
        workers=workers,
        workers_kill_timeout=GRACE_SECONDS,
        factory=True,
        log_access=False,
        log_level=LogLevels.warning,
        websockets=False,
    ).serve()


def _connections_max() -> int:
    """For each worker, as the machine allows: a connection is a file. granian raises the soft limit to the hard one."""
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CONNECTIONS_MAX if files == resource.RLIM_INFINITY else max(1, min(CONNECTIONS_MAX, files - OWN_FILES_MAX))


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
        # Without one the scope says None, and no header is believed in its place.
        self.app = _carrying(self.app, der)


def _carrying(app: Any, der: bytes | None) -> Any:
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
        # No proxy stands before this door: with them, X-Forwarded-For would choose the address that we see.
        proxy_headers=False,
        ssl_certfile=str(certificate),
        ssl_keyfile=str(key),
        ssl_ca_certs=str(client_ca),
        ssl_cert_reqs=ssl.CERT_OPTIONAL,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
