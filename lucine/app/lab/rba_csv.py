"""The public data set of sign-ins (das-group/rba-dataset, CC BY 4.0, 31 million rows): read as a stream.

It is not in the product and not needed by it. ``replay`` scores any part of it in the published way.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from .freeman import Counts, Row, published_score

COLUMNS = {
    "Login Timestamp": "at",
    "User ID": "user",
    "IP Address": "address",
    "Country": "country",
    "ASN": "asn",
    "User Agent String": "agent",
    "Browser Name and Version": "browser",
    "OS Name and Version": "system",
    "Device Type": "device",
    "Login Successful": "successful",
    "Is Attack IP": "attack",
    "Is Account Takeover": "takeover",
}
BOOLEANS = {"true": True, "false": False}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the file. ``row`` is None where a value that the score needs is missing; ``at`` in seconds (UTC)."""

    at: float
    successful: bool
    attack: bool
    takeover: bool
    row: Row | None


def read_lines(path: Path) -> Iterator[Line]:
    """Every line in the order of the file. ValueError names the file, the line and what is wrong with it."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file, strict=True)
        head = next(reader, [])
        if missing := [name for name in COLUMNS if name not in head]:
            raise ValueError(f"{path}: no column {', '.join(missing)}")
        places = {name: head.index(column) for column, name in COLUMNS.items()}
        try:
            for values in reader:
                if len(values) != len(head):
                    raise ValueError(f"{len(values)} values for {len(head)} columns")
                yield _line({name: values[place].strip() for name, place in places.items()})
        except (ValueError, csv.Error) as error:
            raise ValueError(f"{path}, line {reader.line_num}: {error}") from error


def _line(said: dict[str, str]) -> Line:
    at = datetime.fromisoformat(said["at"])
    facts = {}
    for name in ("successful", "attack", "takeover"):
        if said[name].lower() not in BOOLEANS:
            raise ValueError(f"{said[name][:20]!r} is neither True nor False")
        facts[name] = BOOLEANS[said[name].lower()]
    if not said["user"]:
        raise ValueError("no user")
    values = {name: said[name] for name in Row.__struct_fields__}
    row = Row(**values) if all(values.values()) else None
    return Line(at=at.replace(tzinfo=at.tzinfo or UTC).timestamp(), row=row, **facts)


def replay(lines: Iterable[Line], *, after: int = 0) -> Iterator[tuple[Row, int, float]]:
    """Each completed sign-in past the first ``after``, which of hers it is, and its published score.

    As in the notebook: failed tries and incomplete lines are left out, the rest is sorted by time, and a first
    sign-in has no score.
    """
    rows = [line.row for line in sorted(lines, key=lambda line: line.at) if line.successful and line.row]
    world, ever = Counts(), Counts()
    people: defaultdict[str, Counts] = defaultdict(Counts)
    for row in rows:
        ever.add(row)
    for index, row in enumerate(rows):
        hers = people[row.user]
        if index >= after and hers.rows:
            yield row, hers.rows + 1, published_score(row, hers=hers, world=world, ever=ever)
        world.add(row)
        hers.add(row)
