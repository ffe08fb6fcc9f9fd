"""How many bytes a phone downloads to be ready: everything that its first page asks for, compressed."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lucine.web.pages import ROOMS

GOAL_BYTES = 100_000
STATIC = ROOMS / "phone" / "static"
# Asked for later, and not by every phone: the fallback scanner, the icons of the home screen.
LATER = {"scan-worker.js", "vendor/jsqr.js"}


def _modules(entry: Path, seen: dict[Path, None]) -> None:
    """The entry and every module that it imports, however deep."""
    if entry in seen or not entry.is_file():
        return
    seen[entry] = None
    if entry.suffix != ".js":
        return
    for name in re.findall(r'(?:from|import)\s*\(?\s*"(\./[^"]+)"', entry.read_text().replace("'", '"')):
        _modules((entry.parent / name).resolve(), seen)


def bench(quick: bool = False) -> Iterator[dict[str, Any]]:
    """One line: bytes, compressed as a proxy does (gzip 6), and with the fallback scanner."""
    html = (ROOMS / "phone" / "templates" / "app.html").read_text()
    files: dict[Path, None] = {}
    for name in re.findall(r"static\('phone/([^']+)'\)", html):
        _modules((STATIC / name).resolve(), files)
    for name in ("phone.js", "sw.js", "manifest.webmanifest"):
        _modules((STATIC / name).resolve(), files)
    ready = [path for path in files if str(path.relative_to(STATIC)) not in LATER and path.suffix != ".png"]
    size = len(gzip.compress(html.encode(), 6)) + sum(len(gzip.compress(path.read_bytes(), 6)) for path in ready)
    later = sum(len(gzip.compress((STATIC / name).read_bytes(), 6)) for name in LATER)
    yield {
        "bench": "phone", "value": size, "unit": "bytes, gzip 6", "n": len(ready) + 1,
        "with_fallback_scanner": size + later,
        "goal": GOAL_BYTES, "met": size + later < GOAL_BYTES, "quick": quick,
    }  # fmt: skip
