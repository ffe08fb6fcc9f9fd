"""Reading the public extraction, line by line, from text, gzip or zip; hostile like every input."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from typing import IO, NamedTuple

from .columns import KEPT, find_columns, plain
from .numbers import luhn_ok

READ_BYTES = 1 << 20
LINE_MAX_BYTES = 16 * 1024
FIELD_MAX_CHARACTERS = 500
FILE_MAX_BYTES = 8 * 1024**3  # unpacked: four times the largest seen
TYPES = ("8", "0")  # TRE_G08: RPPS, ADELI

Report = Callable[[int, str], None]
Pick = Callable[[list[str]], tuple[str, ...]]


class Line(NamedTuple):
    """One activity of one person, as it is stored."""

    national_id: str
    name_key: str
    town_key: str
    profession: str
    facts: str


class Unreadable(ValueError):
    """The file cannot be the public extraction; nothing was changed."""


@contextmanager
def open_extract(path: Path) -> Iterator[tuple[IO[bytes], Callable[[], float]]]:
    """The bytes of the activity file, and how far we are in it (0 to 1). Unreadable for the whole file."""
    size = max(1, path.stat().st_size)
    try:
        with path.open("rb") as raw, _unpacked(raw) as file:
            yield file, lambda: min(1.0, raw.tell() / size)
    except UnicodeDecodeError as error:
        raise Unreadable(f"the file is not UTF-8 ({error.reason}): convert it first") from None
    except (EOFError, zlib.error, zipfile.BadZipFile, gzip.BadGzipFile) as error:
        raise Unreadable(f"the archive is damaged or cut short: {error}") from None


@contextmanager
def _unpacked(raw: IO[bytes]) -> Iterator[IO[bytes]]:
    magic = raw.read(4)
    raw.seek(0)
    if magic[:2] == b"\x1f\x8b":
        with gzip.GzipFile(fileobj=raw) as unpacked:
            yield io.BufferedReader(unpacked, READ_BYTES)
    elif magic == b"PK\x03\x04":
        with zipfile.ZipFile(raw) as archive:
            names = [name for name in archive.namelist() if "Personne_activite" in name]
            if len(names) != 1:
                raise Unreadable(f"the zip holds {len(names)} files named ...Personne_activite...: one is needed")
            with archive.open(names[0]) as member:
                yield member
    else:
        yield raw


def read_lines(file: IO[bytes], report: Report) -> Iterator[Line]:
    """The good lines; the others are reported with their number and reason."""
    first = file.readline(LINE_MAX_BYTES)
    if first.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in first:
        raise Unreadable("the file is UTF-16 or binary, not UTF-8: convert it first")
    header = first.decode("utf-8-sig").rstrip("\r\n").split("|")
    if len(header) < 2:
        raise Unreadable("the first line is not a header with | between the columns")
    try:
        places = find_columns(header)
    except ValueError as error:
        raise Unreadable(str(error)) from None
    # -1 picks the empty field that the parser adds at the end.
    pick: Pick = itemgetter(*(places.get(name, -1) for name in KEPT))
    number, size = 1, len(first)
    while raw := file.readline(LINE_MAX_BYTES):
        number, size = number + 1, size + len(raw)
        if size > FILE_MAX_BYTES:
            raise Unreadable(f"the file unpacks to more than {FILE_MAX_BYTES} bytes")
        if not raw.endswith(b"\n") and len(raw) == LINE_MAX_BYTES:
            report(number, f"longer than {LINE_MAX_BYTES} bytes")
            while raw and not raw.endswith(b"\n"):
                raw = file.readline(LINE_MAX_BYTES)
            continue
        line = _parse(raw.decode("utf-8").rstrip("\r\n"), len(header), places, pick, number, report)
        if line:
            yield line
    if number == 1:
        raise Unreadable("the file holds a header and nobody")


def _parse(text: str, columns: int, places: dict[str, int], pick: Pick, number: int, report: Report) -> Line | None:
    values = text.split("|")
    problem = _problem(text, values, columns, places)
    if problem:
        report(number, problem)
        return None
    kind, identifier = values[places["type"]], values[places["number"]]
    if kind == "8" and not luhn_ok(identifier):
        report(number, "warning: the number fails Luhn's check (kept)")
    last, first = plain(values[places["nomDexercice"]]), plain(values[places["prenomDexercice"]])
    town, profession = plain(values[places["libelleCommune"]]), values[places["codeProfession"]]
    values.append("")
    facts = "|".join(pick(values))
    return Line(kind + identifier, f"{last} {first}", town, profession, facts)


def _problem(text: str, values: list[str], columns: int, places: dict[str, int]) -> str:
    """What is wrong with a line, in words; '' if nothing is."""
    if len(values) != columns:
        return f"{len(values)} fields instead of {columns}"
    kind, identifier = values[places["type"]], values[places["number"]]
    if kind not in TYPES:
        return f"unknown type of identifier {kind[:10]!r}"
    if not identifier.isascii() or not identifier.isalnum():
        return "the identifier is empty or has odd characters"
    if kind == "8" and (len(identifier) != 11 or not identifier.isdecimal()):
        return "an RPPS number has 11 digits"
    if values[places["national_id"]] not in ("", kind + identifier):
        return "the national identifier is not type + identifier"
    if "\x00" in text:
        return "a zero byte"
    if len(text) > FIELD_MAX_CHARACTERS and any(len(value) > FIELD_MAX_CHARACTERS for value in values):
        return f"a field is longer than {FIELD_MAX_CHARACTERS} characters"
    return ""
