"""Connect as it runs in production: the program itself, in processes of its own, on real connections and real time."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lucine.app.bench.stage import free_port
from lucine.app.demo import wait_until_up
from lucine.web.settings import Settings, read_settings

STOP_SECONDS = 20
CONNECT = [sys.executable, "-c", "import lucine.app.cli as c; c.main(['connect'])"]


@dataclass
class Running:
    """Processes of one Connect: one origin, one database, one key file, a port each."""

    settings: Settings
    ports: list[int]
    programs: list["subprocess.Popen[bytes]"]


@contextlib.contextmanager
def running(database_url: str, folder: Path, processes: int = 1, **more: str) -> Iterator[Running]:
    """That many processes of Connect, until the block is left; then each must stop cleanly."""
    ports = [free_port() for _ in range(processes)]
    environment = {
        **os.environ,
        "LUCINE_ORIGIN": f"http://localhost:{ports[0]}",
        "LUCINE_DATABASE": database_url,
        "LUCINE_KEYS": f"{folder}/keys",
        "LUCINE_POST": f"folder:{folder}/post",
        "LUCINE_LOG_LEVEL": "error",
        **more,
    }
    programs = [
        # A session of its own: the server and its worker can be frozen together.
        subprocess.Popen(CONNECT, env={**environment, "LUCINE_LISTEN": f"127.0.0.1:{port}"}, start_new_session=True)
        for port in ports
    ]
    try:
        wait_until_up([f"http://localhost:{port}" for port in ports])
        yield Running(read_settings(environment), ports, programs)
    finally:
        codes = [_stop(program) for program in programs]
    assert not any(codes), "they stop cleanly"


def _stop(program: "subprocess.Popen[bytes]") -> int:
    """Politely; who does not listen is killed with its worker, so that nothing outlives the tests."""
    program.terminate()
    try:
        return program.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(program.pid, signal.SIGKILL)
        return program.wait()
