"""The servers themselves, in processes of their own: many connections, and the door with client certificates."""

import contextlib
import os
import resource
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from lucine.app import serve
from lucine.app.bench.stage import free_port
from lucine.signin.discovery import PATHS
from lucine.web.settings import Settings
from lucine.web.tests.test_egress import make_authority
from tests.running import running
from tests.world import open_world

CONNECTIONS = 1_100
MTLS = [sys.executable, "-c", "import lucine.app.cli as c; c.main()", "mtls"]
PROXY = "10.1.2.3"


def test_more_than_a_thousand_open_connections_stop_nobody(tmp_path: Path) -> None:
    """Where the shell gives few files, as systemd does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = 1_024 if soft == resource.RLIM_INFINITY else min(soft, 1_024)
    resource.setrlimit(resource.RLIMIT_NOFILE, (few, hard))
    try:
        with running(f"sqlite:///{tmp_path}/test.db", tmp_path) as made, contextlib.ExitStack() as opened:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4_096) if hard > 0 else 4_096, hard))
            for _ in range(CONNECTIONS):
                slow = opened.enter_context(socket.create_connection(("127.0.0.1", made.ports[0]), timeout=5))
                slow.sendall(b"GET /up HTTP/1.1\r\n")
            assert httpx.get(f"http://127.0.0.1:{made.ports[0]}/up", timeout=5).status_code == 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_connection_that_says_nothing_is_closed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """granian's own guess of the HTTP version would wait for ever."""
    program = "import lucine.app.serve as s, lucine.app.cli as c; s.IDLE_SECONDS = 1; c.main(['connect'])"
    monkeypatch.setattr("tests.running.CONNECT", [sys.executable, "-c", program])
    with running(f"sqlite:///{tmp_path}/test.db", tmp_path) as made:
        for said in (b"", b"GET /up HTTP/1.1\r\n"):
            with socket.create_connection(("127.0.0.1", made.ports[0]), timeout=10) as silent:
                silent.sendall(said)
                assert silent.recv(1) == b""
    assert serve.IDLE_SECONDS <= 60


@contextlib.contextmanager
def mtls_door(environment: dict[str, str], certificate: Path, client_ca: str) -> Iterator[str]:
    port = free_port()
    command = [*MTLS, "--certificate", str(certificate), "--key", str(certificate), "--client-ca", client_ca,
               "--listen", f"127.0.0.1:{port}"]  # fmt: skip
    program = subprocess.Popen(command, env={**os.environ, **environment})
    try:
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield f"https://localhost:{port}"
    finally:
        program.terminate()
        program.wait(20)


def test_at_the_door_with_certificates_a_visitor_has_the_address_of_her_connection(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made: dict[str, Any] = {}
    monkeypatch.setattr(serve, "build_connect", lambda *_, **__: None)
    monkeypatch.setattr(serve.uvicorn, "run", lambda app, **options: made.update(options))
    serve.serve_mtls(Settings(), tmp_path, tmp_path, tmp_path, "127.0.0.1:1")
    assert made["proxy_headers"] is False


async def test_at_the_door_with_certificates_no_header_stands_for_one(tmp_path: Path) -> None:
    """Not even from the address of a trusted proxy."""
    authority = make_authority(tmp_path)
    for name in ("localhost", "service.test", "oscar.test"):
        authority.context(name)
    public = (tmp_path / "service.test.pem").read_text()
    public = public[public.index("-----BEGIN CERTIFICATE") :]
    header = {"X-Cert": quote(public)}
    forged: list[dict[str, str]] = [{}, header, {**header, "X-Forwarded-For": PROXY}]
    form = {"client_id": "service", "redirect_uri": "https://service.test/callback", "response_type": "code",
            "scope": "openid", "code_challenge": "a" * 43, "code_challenge_method": "S256"}  # fmt: skip
    database = f"sqlite:///{tmp_path}/test.db"
    async with open_world(database, tmp_path) as world:
        await world.service(auth_method="tls_client_auth", tls_san_dns="service.test")
    environment = {
        "LUCINE_ORIGIN": "https://connect.test", "LUCINE_DATABASE": database, "LUCINE_KEYS": f"{tmp_path}/keys.json",
        "LUCINE_POST": f"folder:{tmp_path}/post", "LUCINE_LOG_LEVEL": "error",
        "LUCINE_CLIENT_CERT_HEADER": "X-Cert",
    }  # fmt: skip

    def push(door: str, who: str, headers: dict[str, str]) -> Any:
        tls = ssl.create_default_context(cafile=authority.ca_file)
        if who:
            tls.load_cert_chain(tmp_path / f"{who}.pem")
        with httpx.Client(verify=tls, trust_env=False) as http:
            answer = http.post(door + PATHS["pushed_authorization_request_endpoint"], data=form, headers=headers)
        return answer.status_code, answer.json().get("error")

    # The second time the proxy is on this machine, as the runbook has it, and so is who asks.
    for proxies in (PROXY, f"{PROXY},127.0.0.1"):
        more = {"LUCINE_TRUSTED_PROXIES": proxies}
        with mtls_door({**environment, **more}, tmp_path / "localhost.pem", authority.ca_file) as door:
            for headers in forged:
                assert push(door, "", headers) == (401, "invalid_client"), headers
                assert push(door, "oscar.test", headers) == (401, "invalid_client"), headers
                assert push(door, "service.test", headers) == (201, None), headers
