"""The evidence table: each goal is a module that measures its figures, again and again the same way."""

from collections.abc import Iterator
from importlib import import_module

import msgspec

LAB = "lucine.app.lab"
GOALS: dict[str, str] = {
    "rings": f"{LAB}.rings",
    "takeovers": f"{LAB}.takeovers",
    "spray": f"{LAB}.campaigns",
    "evasion": f"{LAB}.evaders",
    "races": f"{LAB}.races",
    "relay": f"{LAB}.relay",
    "owner": f"{LAB}.owner",
    "helpdesk": f"{LAB}.helpdesk",
    "not_me": f"{LAB}.not_me",
    "secrecy": f"{LAB}.secrecy",
    "engine": f"{LAB}.engine",
    "risk": f"{LAB}.risk",
}


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table. ``name``: what is measured. ``low``, ``high``: the 95 % interval of ``value``.

    ``target``: for people to read, such as "0" or "<= 25". ``met``: None where there is no target, as for
    a design that is only compared.
    """

    goal: str
    name: str
    value: float
    low: float
    high: float
    n: int
    seed: int
    target: str
    met: bool | None
    unit: str = ""
    note: str = ""


def measure(goal: str, quick: bool) -> Iterator[Figure]:
    """A goal's figures as they are found. Whatever goes wrong is the caller's to show, never to hide."""
    found: Iterator[Figure] = import_module(GOALS[goal]).run(quick)
    return found
