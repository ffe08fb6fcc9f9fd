"""`make bench`: run every bench and rewrite docs/figures.md."""

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

BENCHES = (
    ("signin", "Complete sign-ins per second on one core, beside the peer"),
    ("flood", "Hostile starts per second on one core while 20 legitimate sign-ins a second stay under 100 ms (p99)"),
    ("rings", "Rings caused by hostile starts"),
    ("directory", "Loading and searching the register"),
    ("phone", "Bytes that a phone downloads to be ready"),
    ("habits", "The incident room: wrong deadlines, and the time of its papers"),
)
FIGURES = Path(__file__).parents[3] / "docs" / "figures.md"


def main(arguments: list[str]) -> None:
    """``--quick``: smaller N. Every line is kept as printed."""
    quick = "--quick" in arguments
    today = datetime.now(UTC).date()
    text = [
        "# Figures",
        "",
        f"Written by `make bench`{' (quick: smaller N)' if quick else ''} on {today}, {os.cpu_count()} cores,"
        f" Python {platform.python_version()}. These machines are noisy: compare ratios, not machines.",
    ]
    for name, title in BENCHES:
        command = [sys.executable, "-m", "lucine.app.cli", "bench", name, "--json", *(["--quick"] if quick else [])]
        print(f"bench {name} ...", flush=True)
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        text += ["", f"## {title}", "", f"`lucine bench {name}{' --quick' if quick else ''} --json`", "", "```json"]
        text += [json.dumps(json.loads(line), ensure_ascii=False) for line in done.stdout.splitlines()]
        text += ["```"]
        print(done.stdout, flush=True)
    FIGURES.write_text("\n".join(text) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
