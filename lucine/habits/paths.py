"""The paths of the incident room: by what she sees, what is stopped at once and what her hands do meanwhile."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from .containment import Act
from .facts import Facts
from .texts import BadText, Text, read_texts

Choose = Literal["sign-in", "phone"]


class PathFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``acts``: what Lucine stops, in this order; the last thing is to keep the evidence.

    ``outside``: the harm goes on where Lucine cannot reach. ``choose``: what she may name. ``presumed``: what is said
    for her on the sheets until she says otherwise.
    """

    order: int
    acts: Annotated[list[Act], msgspec.Meta(min_length=1)]
    outside: bool = False
    choose: Choose | None = None
    presumed: Facts


def _read() -> dict[str, Text[PathFacts]]:
    found = read_texts(Path(__file__).parent / "paths", PathFacts, {"when", "hands"})
    for path in found.values():
        if path.facts.acts[-1] != "keep_evidence":
            raise BadText(f"{path.name}: a path ends with keep_evidence")
    return dict(sorted(found.items(), key=lambda one: one[1].facts.order))


PATHS = _read()
