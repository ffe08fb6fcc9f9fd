"""`lucine directory`: load, search and invent registers."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from lucine.safe import connect, migrate
from lucine.web.settings import read_settings

from .extract import Unreadable
from .numbers import national_id_of
from .people import Found, Professional, find_professional
from .people import search as search_people
from .register import Loaded, Refused, load_extract
from .sample import write_sample, write_sample_to

REPORTED_MAX = 50

commands = typer.Typer(no_args_is_help=True, help="The public register of health professionals.")
err = Console(stderr=True)


def _fail(message: str) -> typer.Exit:
    err.print(message, style="red", markup=False)
    return typer.Exit(1)


def _database() -> str:
    url = read_settings().database
    migrate(url, ["safe", "directory"])
    return url


@commands.command()
def load(
    file: Annotated[Path, typer.Argument(help="PS_LibreAcces_Personne_activite_*.txt, .txt.gz or .zip")],
    force: Annotated[bool, typer.Option("--force", help="Take a register that has lost people")] = False,
) -> None:
    """Make a file the current register. Until its last line is read the old one serves."""
    reported = 0

    def report(number: int, reason: str) -> None:
        nonlocal reported
        reported += 1
        if reported <= REPORTED_MAX:
            err.print(f"line {number}: {reason}", markup=False, highlight=False)
        elif reported == REPORTED_MAX + 1:
            err.print("... more lines like these; only their number is given at the end")

    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), console=err
    )
    try:
        url = _database()
        with bar:
            task = bar.add_task("Reading", total=1.0)
            done = load_extract(
                url, file, force=force, report=report, progress=lambda share: bar.update(task, completed=share)
            )
    except (Unreadable, Refused, OSError) as error:
        raise _fail(f"{file.name}: {error}. The register is as it was.") from None
    _tell(done)


def _tell(done: Loaded) -> None:
    print(f"{done.people} people, {done.lines} lines ({done.skipped} skipped, {done.warned} warnings)")
    print(f"before: {done.people_before} people")


@commands.command()
def sample(
    out: Annotated[str, typer.Argument(help="File to write; - for standard output")] = "-",
    rows: Annotated[int, typer.Option(help="Lines")] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed writes the same people")] = 1,
) -> None:
    """Write an invented register in the format of the public one."""
    if rows < 1:
        raise _fail("--rows is at least 1")
    if out == "-":
        write_sample_to(sys.stdout, rows, seed)
        return
    people = write_sample(Path(out), rows, seed)
    print(f"{rows} lines, {people} invented people: {out}")


@commands.command()
def search(
    text: Annotated[str, typer.Argument(help="Beginning of names, in any order")] = "",
    town: Annotated[str, typer.Option(help="Town, without accents if you like")] = "",
    profession: Annotated[str, typer.Option(help="Code of the profession (50: midwife)")] = "",
    limit: Annotated[int, typer.Option(help="At most")] = 20,
) -> None:
    """Find people by name, town and profession."""

    async def run() -> list[Found]:
        db = connect(_database())
        await db.open()
        try:
            return await search_people(db, text, town, profession, limit)
        finally:
            await db.close()

    table = Table("Number", "Name", "Profession", "Practice", "Town")
    for found in asyncio.run(run()):
        name = f"{found.last_name} {found.first_name}"
        table.add_row(found.national_id[1:], name, found.profession, found.practice, found.town)
    Console().print(table)


@commands.command()
def show(number: Annotated[str, typer.Argument(help="RPPS number")]) -> None:
    """What the register says of one person."""

    async def run(national_id: str) -> Professional | None:
        db = connect(_database())
        await db.open()
        try:
            return await find_professional(db, national_id)
        finally:
            await db.close()

    national_id = national_id_of(number)
    person = asyncio.run(run(national_id)) if national_id else None
    if person is None:
        raise _fail("nobody in the register has this number")
    print(f"{person.full_name} ({person.national_id})")
    for exercice in person.exercices:
        print(f"  profession {exercice.facts['codeProfession']}")
        for activity in exercice.activities:
            print(f"    {activity['raisonSocialeSite']}, {activity['codePostal']} {activity['libelleCommune']}")
