"""Collects every sentence that people read, for the catalogue: `python -m tests.catalogue` renews it.

Templates mark theirs with `_()`; in the code they are the second argument of a refusal, what is
assigned to `words`, and what `visit.words()` or `say()` is given.
"""

import ast
import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

ROOMS = Path(__file__).parent.parent / "lucine"
PO = ROOMS / "web" / "locale" / "en" / "lucine.po"
CALLS = {"Refusal": 1, "words": 0, "gettext": 0, "Place": 0, "say": 0}


def _in_code(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        found, name = None, ""
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in CALLS and len(node.args) > CALLS[name]:
                found = node.args[CALLS[name]]
        elif isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "words" for target in node.targets):
            found = node.value
        if isinstance(found, ast.Constant) and isinstance(found.value, str) and (" " in found.value or name == "say"):
            yield found.value


def _in_template(path: Path) -> Iterator[str | tuple[str, ...]]:
    for _line, message, _comments, _context in extract(
        "jinja2.ext:babel_extract", io.BytesIO(path.read_bytes()), options={"trimmed": "true", "silent": "false"}
    ):
        yield message


def collect() -> dict[str | tuple[str, ...], list[str]]:
    """Every message, and the files that say it."""
    found: dict[str | tuple[str, ...], list[str]] = {}
    for path in sorted(ROOMS.rglob("*.py")):
        if "tests" not in path.parts:
            for message in _in_code(path):
                found.setdefault(message, []).append(str(path.relative_to(ROOMS)))
    for path in sorted([*ROOMS.glob("*/templates/**/*.html"), *ROOMS.glob("*/templates/**/*.txt")]):
        for message in _in_template(path):
            found.setdefault(message, []).append(str(path.relative_to(ROOMS)))
    return found


def renew() -> None:
    """Write the catalogue anew: new messages empty, translations kept, what is no longer said dropped."""
    old = read_po(PO.open("rb")) if PO.exists() else Catalog(locale="en")
    new = Catalog(locale="en", project="Lucine", version="1", copyright_holder="the Lucine founders", fuzzy=False)
    for message, files in collect().items():
        known = old.get(message[0] if isinstance(message, tuple) else message)
        text = known.string if known and known.string else ("", "") if isinstance(message, tuple) else ""
        new.add(message, text, locations=[(file, None) for file in dict.fromkeys(files)])
    PO.parent.mkdir(parents=True, exist_ok=True)
    with PO.open("wb") as file:
        write_po(file, new, sort_output=True, width=120, include_lineno=False)


if __name__ == "__main__":
    renew()
