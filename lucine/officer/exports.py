"""Events as files: CSV, JSON lines, and the fields of the Elastic Common Schema. Pure.

No name, no number, no address: a person is a keyed hash, a place a network prefix.
"""

import csv
import io
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from lucine.safe import Row

Format = Literal["csv", "jsonl", "ecs"]
COLUMNS = (
    "id", "began_at", "ended_at", "service", "service_name", "channel", "known_browser", "person", "newcomer",
    "resembles", "prefix", "network", "country", "network_kind", "outcome",
)  # fmt: skip
ECS_VERSION = "8.17.0"
# What a spreadsheet would run: =, +, -, @, and what it skips before them (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
Names = Mapping[str, str]  # what people call each service


def moment(at: float) -> str:
    """RFC 3339, in UTC, to the millisecond."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plain(row: Row, names: Names) -> dict[str, Any]:
    """An event as an object of JSON, with COLUMNS as its members."""
    return {
        "id": row["id"], "began_at": moment(row["at"]), "ended_at": moment(row["over_at"]), "service": row["client"],
        "service_name": names.get(row["client"], row["client"]), "channel": row["channel"],
        "known_browser": bool(row["known"]), "person": row["number"].hex() if row["number"] is not None else None,
        "newcomer": {0: False, 1: True}.get(row["newcomer"]), "resembles": row["near"].split(),
        "prefix": row["prefix"], "network": row["network"], "country": row["country"], "network_kind": row["kind"],
        "outcome": row["outcome"],
    }  # fmt: skip


def ecs(row: Row, names: Names) -> dict[str, Any]:
    """An event in the Elastic Common Schema: an authentication that ended.

    ``@timestamp`` is when it began, as the schema asks; ``labels`` are keywords, so true and false are words there.
    """
    said = plain(row, names)
    organisation = {"as": {"organization": {"name": said["network"]}}} if said["network"] else {}
    country = {"geo": {"country_name": said["country"]}} if said["country"] else {}
    return {
        "@timestamp": said["began_at"],
        "ecs": {"version": ECS_VERSION},
        "event": {
            "id": said["id"], "kind": "event", "category": ["authentication"], "type": ["end"],
            "action": f"sign-in-{said['outcome'].replace('_', '-')}", "outcome": _outcome(said["outcome"]),
            "start": said["began_at"], "end": said["ended_at"],
            "duration": max(0, round((row["over_at"] - row["at"]) * 1000)) * 1_000_000,
            "module": "lucine", "dataset": "lucine.watch", "provider": "lucine",
        },
        "service": {"id": said["service"], "name": said["service_name"]},
        **({"user": {"hash": said["person"]}} if said["person"] else {}),
        **({"source": {**organisation, **country}} if organisation or country else {}),
        "labels": {
            "channel": said["channel"], "known_browser": "true" if said["known_browser"] else "false",
            "prefix": said["prefix"], "network_kind": said["network_kind"],
        },
    }  # fmt: skip


def _outcome(outcome: str) -> str:
    """What the schema calls it. Who left or let it expire said nothing."""
    return {"completed": "success", "not_me": "failure", "unknown_number": "failure"}.get(outcome, "unknown")


def cell(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula: a text that might be one begins with an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = " ".join(value) if isinstance(value, list) else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def csv_line(values: list[str]) -> bytes:
    """A line of RFC 4180, every cell in quotes."""
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL).writerow(values)
    return line.getvalue().encode()


def head(kind: Format) -> bytes:
    """What stands before the events: the byte order mark, without which spreadsheets misread accents, and the names."""
    return b"\xef\xbb\xbf" + csv_line(list(COLUMNS)) if kind == "csv" else b""


def line(kind: Format, row: Row, names: Names) -> bytes:
    """An event as a line of this format."""
    if kind == "csv":
        return csv_line([cell(value) for value in plain(row, names).values()])
    shape: Callable[[Row, Names], dict[str, Any]] = ecs if kind == "ecs" else plain
    return msgspec.json.encode(shape(row, names)) + b"\n"
