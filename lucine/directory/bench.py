"""How fast a register is loaded and searched, and how much memory that takes."""

import asyncio
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lucine.safe import connect, migrate

from .people import search
from .register import load_extract
from .sample import _invented, write_sample

SEED = 1
SEARCHES = 2000
QUICK_LINES = 100_000


def bench(lines: int = 2_000_000, quick: bool = False) -> Iterator[dict[str, Any]]:
    """Load in a fresh process, so that the peak of memory is the load's own; then search."""
    lines = QUICK_LINES if quick else lines
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "PS_LibreAcces_Personne_activite.txt"
        began = time.perf_counter()
        people = write_sample(path, lines, SEED)
        yield {
            "bench": "directory", "what": "sample", "lines": lines, "people": people, "seed": SEED,
            "seconds": round(time.perf_counter() - began, 1),
        }  # fmt: skip
        url = f"sqlite:///{folder}/bench.db"
        program = "import sys; from lucine.directory.bench import load_once; load_once(sys.argv[1], sys.argv[2])"
        child = subprocess.run(
            [sys.executable, "-c", program, url, str(path)], check=True, capture_output=True, text=True
        )
        yield {
            "bench": "directory", "what": "load", "lines": lines, **json.loads(child.stdout),
            "goal_seconds": 60, "goal_mb": 300,
        }  # fmt: skip
        yield asyncio.run(_searches(url))


def load_once(url: str, path: str) -> None:
    """The child: load, and print what it took."""
    migrate(url, ["safe", "directory"])
    began = time.perf_counter()
    done = load_extract(url, Path(path))
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"people": done.people, "seconds": round(seconds, 1), "peak_mb": round(peak)}))


async def _searches(url: str) -> dict[str, Any]:
    """Half by name, a quarter by name and town, a quarter by town and profession."""
    chance = random.Random(SEED)  # noqa: S311
    data = _invented()
    db = connect(url)
    await db.open()
    took = []
    for number in range(SEARCHES):
        name = (
            f"{chance.choice(data['surnames'])[: chance.randrange(3, 9)]} {chance.choice(data['first_names'])[0][:3]}"
        )
        town = chance.choice(data["towns"])[0]
        asked = [(name, "", ""), (name.split()[0], town, ""), (name, "", "60"), ("", town, "50")][number % 4]
        began = time.perf_counter()
        await search(db, *asked)
        took.append((time.perf_counter() - began) * 1000)
    await db.close()
    return {
        "bench": "directory", "what": "search", "n": SEARCHES, "seed": SEED,
        "p50_ms": round(statistics.median(took), 2),
        "p99_ms": round(statistics.quantiles(took, n=100)[98], 2),
        "max_ms": round(max(took), 2), "goal_p99_ms": 10,
    }  # fmt: skip
