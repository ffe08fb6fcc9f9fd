"""Every clause of the requirement list has a test that carries its number, or a row that says why not.

The list was drawn from the standards, one row for each thing that implementations are known to forget:
C OpenID Connect Core and OAuth 2.0, L logout, B RFC 9700, P PAR (RFC 9126), J JAR (RFC 9101), D DPoP (RFC 9449),
M mutual TLS (RFC 8705), I introspection (RFC 7662), R revocation (RFC 7009), K CIBA, W WebAuthn, N web push.
A test says which rows it proves at the beginning of its name: `test_c10_...`, `test_b2_c10_...`.
"""

import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAST = {"C": 23, "L": 8, "B": 8, "P": 6, "J": 3, "D": 7, "M": 4, "I": 3, "R": 2, "K": 18, "W": 12, "N": 7}
ROWS = [f"{letter}{number}" for letter, last in LAST.items() for number in range(1, last + 1)]


def _tests() -> dict[str, list[str]]:
    """Row to the tests that carry it."""
    found = defaultdict(list)
    for folder in ("lucine", "tests"):
        for path in (ROOT / folder).rglob("test_*.py"):
            for name in re.findall(r"^ *(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE):
                carried = re.match(r"test_((?:[a-z]\d+_)+)", name)
                for row in carried[1].strip("_").split("_") if carried else ():
                    found[row.upper()].append(name)
    return found


def _divergences() -> set[str]:
    """The rows that stand in the first column of docs/divergences.md."""
    found: set[str] = set()
    for line in (ROOT / "docs" / "divergences.md").read_text().splitlines():
        if line.startswith("|"):
            found |= set(re.findall(r"\b[A-Z]\d{1,2}\b", line.split("|")[1]))
    return found


TESTS, DIVERGENCES = _tests(), _divergences()


@pytest.mark.parametrize("row", ROWS)
def test_every_row_has_its_test_or_its_divergence(row: str) -> None:
    assert TESTS.get(row) or row in DIVERGENCES, f"write a test named test_{row.lower()}_..., or say why not"


def test_no_test_carries_a_row_that_is_not_there() -> None:
    assert {row: TESTS[row] for row in TESTS if row not in ROWS} == {}
    assert set(ROWS) >= DIVERGENCES
