"""Three other designs of phone approval, in a simulator alone: what the same attacks would have cost with them.

In each of them whoever names a number makes that person's phone ask. The person approves by reflex
with some probability and, not seeing the attacker's screen, can only guess what it shows.
"""

import random
from collections.abc import Iterable

import msgspec

from .attackers import Attack
from .intervals import wilson
from .table import Figure


class Design(msgspec.Struct, frozen=True):
    """``choices``: among how many answers she picks one, of which one is the attacker's."""

    name: str
    choices: int


DESIGNS = (
    Design("tap to approve", 1),
    Design("pick 1 of 3 (the e-CPS since 2022)", 3),
    Design("type two digits", 100),
)


def takeovers(
    design: Design, tries: Iterable[Attack], enrolled: frozenset[str], *, reflex: float, seed: int
) -> tuple[int, int]:
    """How many of these tries succeed, and how many there were. Nobody is locked out, nobody learns."""
    chance = random.Random(f"{seed} {design.name} {reflex}")  # noqa: S311
    won = n = 0
    for attack in tries:
        n += 1
        if attack.number in enrolled and chance.random() < reflex:
            won += chance.randrange(design.choices) == 0
    return won, n


def compare(tries: list[Attack], enrolled: frozenset[str], *, reflex: float, seed: int, scale: int) -> list[Figure]:
    """A line for each design. ``scale``: the figure is stated for so many asks that reached a phone."""
    figures = []
    asked = sum(attack.number in enrolled for attack in tries)
    for design in DESIGNS:
        won, _ = takeovers(design, tries, enrolled, reflex=reflex, seed=seed)
        low, high = wilson(won, asked)
        figures.append(Figure(
            goal="takeovers", name=f"the same attacks, {design.name}, {reflex:.0%} reflex", value=won / asked * scale,
            low=low * scale, high=high * scale, n=asked, seed=seed, target="", met=None,
            unit=f"takeovers in {scale:,} asks",
            note=f"simulator only; {won:,} among the {asked:,} tries of the trace that name somebody enrolled",
        ))  # fmt: skip
    return figures
