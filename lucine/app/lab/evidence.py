"""The evidence: the table as it is printed, and the document that `make lab` writes from it."""

import json
import os
import platform
import sys
import traceback
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from .stories import ASSUMPTIONS, STORIES
from .table import GOALS, Figure, measure

HEADINGS = ("Measured", "Value", "95 % interval", "N", "Seed", "Target", "Met")


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """A goal that could not be measured to its end, and why."""

    goal: str
    error: str


def measure_all(goals: Sequence[str], quick: bool) -> Iterator[Figure | Broken]:
    """Figures of these goals. One that breaks is told with its whole trace on standard error, and the next goes on."""
    for goal in goals:
        print(f"lab: {goal} ...", file=sys.stderr, flush=True)
        try:
            yield from measure(goal, quick)
        except Exception as error:
            traceback.print_exc()
            while isinstance(error, ExceptionGroup):
                error = error.exceptions[0]
            yield Broken(goal=goal, error=f"{type(error).__name__}: {error}")


def as_line(found: Figure | Broken) -> dict[str, object]:
    """A figure as its JSON line: name, value, interval, N, seed, target, met, and what helps to read it."""
    if isinstance(found, Broken):
        return {"goal": found.goal, "error": found.error}
    return {
        "goal": found.goal, "name": found.name, "value": found.value, "interval": [found.low, found.high],
        "N": found.n, "seed": found.seed, "target": found.target, "met": found.met, "unit": found.unit,
        "note": found.note,
    }  # fmt: skip


def cells(found: Figure) -> tuple[str, ...]:
    """A figure as a row under HEADINGS."""
    unit = f" {found.unit}" if found.unit else ""
    met = "" if found.met is None else "yes" if found.met else "**missed**"
    return (
        found.name, f"{found.value:.6g}{unit}", f"{found.low:.4g} to {found.high:.4g}", f"{found.n:,}",
        str(found.seed), found.target, met,
    )  # fmt: skip


def print_table(goals: Sequence[str], *, quick: bool, as_json: bool, out: Console) -> int:
    """The exit status: 1 if a goal broke."""
    broken, table = 0, Table("Goal", *HEADINGS)
    for found in measure_all(goals, quick):
        broken |= isinstance(found, Broken)
        if as_json:
            print(json.dumps(as_line(found), ensure_ascii=False), flush=True)
        elif isinstance(found, Broken):
            table.add_row(found.goal, f"broke: {found.error}", style="red")
        else:
            table.add_row(found.goal, *cells(found))
    if not as_json:
        out.print(table)
    return int(broken)


def write_evidence(path: Path, *, quick: bool) -> int:
    """Measure everything and rewrite the document; the exit status: 1 if a goal broke."""
    found = list(measure_all(list(GOALS), quick))
    path.write_text(evidence(found, quick=quick, at=datetime.now(UTC)))
    return int(any(isinstance(each, Broken) for each in found))


def evidence(found: Sequence[Figure | Broken], *, quick: bool, at: datetime) -> str:
    """The document: what was measured when and where, each goal with its story, missed ones as missed."""
    missed = [each for each in found if isinstance(each, Figure) and each.met is False]
    broken = [each for each in found if isinstance(each, Broken)]
    text = [
        "# Evidence",
        "",
        f"Written by `make lab` (`lucine lab evidence{' --quick' if quick else ''}`) on {at:%Y-%m-%d},"
        f" {os.cpu_count()} cores ({_processor()}), {platform.system()}, Python {platform.python_version()}."
        " Everything ran on this machine, over its loopback or in its memory; no other machine was called.",
        "",
        "Each row can be measured again: `lucine lab table --goal NAME`, with `--quick` for a smaller N and a wider"
        " interval. The interval is the 95 % interval; where nothing was seen it ends at the rule of three, 3/N."
        " A row without a target is there to compare.",
        "",
        f"**{_summary(found)}**",
    ]
    if missed or broken:
        text += ["", "## Missed", ""]
        text += [
            f"- `{each.goal}`: {each.name}: {each.value:.6g}, target {each.target}. {each.note}" for each in missed
        ]
        text += [f"- `{each.goal}` could not be measured: {each.error}" for each in broken]
    for goal in GOALS:
        text += _chapter(goal, [each for each in found if each.goal == goal], quick)
    text += ["", "## Assumptions", "", *(f"- {line}" for line in ASSUMPTIONS)]
    return "\n".join(text) + "\n"


def _summary(found: Sequence[Figure | Broken]) -> str:
    figures = [each for each in found if isinstance(each, Figure) and each.met is not None]
    met = sum(bool(each.met) for each in figures)
    broken = len({each.goal for each in found if isinstance(each, Broken)})
    return f"{met} of {len(figures)} targets met" + (f"; {broken} goals could not be measured" if broken else "") + "."


def _chapter(goal: str, found: Sequence[Figure | Broken], quick: bool) -> list[str]:
    story = STORIES[goal]
    text = [
        "", f"## {story.title}", "", story.what, "", f"What exists: {story.exists}", "",
        f"`lucine lab table --goal {goal}{' --quick' if quick else ''}`", "",
    ]  # fmt: skip
    figures = [each for each in found if isinstance(each, Figure)]
    if figures:
        text += ["| " + " | ".join(HEADINGS) + " |", "|" + "---|" * len(HEADINGS)]
        text += ["| " + " | ".join(cell.replace("|", "\\|") for cell in cells(each)) + " |" for each in figures]
        notes = [f"- {each.name}: {each.note}" for each in figures if each.note]
        text += ["", *notes] if notes else []
    text += [f"**Not measured: {each.error}**" for each in found if isinstance(each, Broken)]
    return text


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
