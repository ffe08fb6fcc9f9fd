"""Sources: how many different numbers each network, system and service has named in a day.

One sketch answers for all sources of a kind, however many there are: it keeps the numbers-by-source pairs with
the smallest hashes (theta sampling), each with its source. A source's distinct numbers are its pairs that were
kept, over the share that was kept. Sketches merge in any order into the same sketch, so each process adds its
own and nobody waits. A source that many people share is not suspect for naming many: only for naming many who
then do not come.
"""

from collections import Counter
from typing import Final, Literal

import datasketches
import msgspec

Kind = Literal["prefix", "network", "client"]
KINDS: Final[tuple[Kind, ...]] = ("prefix", "network", "client")
LOG_PAIRS: Final = 14  # 16,384 pairs: a count of all pairs is within 1.6 % in 95 of 100 cases
NUMBERS_MIN: Final = 40
UNANSWERED_MIN: Final = 0.5
NOT_SURE: Final = 2.0  # standard deviations that are taken off a sampled count


class _Keep(datasketches.TuplePolicy):  # type: ignore[misc]
    """A pair's source never changes."""

    def create_summary(self) -> str:
        return ""

    def update_summary(self, _: str, source: str) -> str:
        return source

    def __call__(self, source: str, _: str) -> str:
        return source


class _Text(datasketches.PyObjectSerDe):  # type: ignore[misc]
    """A source as UTF-8 after its length in two bytes; the library's own writes Latin-1 only."""

    def get_size(self, source: str) -> int:
        return 2 + len(source.encode())

    def to_bytes(self, source: str) -> bytes:
        text = source.encode()
        return len(text).to_bytes(2) + text

    def from_bytes(self, data: bytes, offset: int) -> tuple[str, int]:
        end = offset + 2 + int.from_bytes(data[offset : offset + 2])
        return data[offset + 2 : end].decode(), end - offset


class Suspect(msgspec.Struct, frozen=True, kw_only=True):
    """A source that named many numbers which then did not come. ``numbers``: distinct, a lower bound."""

    kind: Kind
    source: str
    numbers: int


class Sources:
    """The sketches of a day: for each kind, all pairs, and those that came to nothing."""

    def __init__(self) -> None:
        policy = _Keep()
        self._policy = policy
        self._sketches = {
            (kind, which): datasketches.update_tuple_sketch(policy, LOG_PAIRS)
            for kind in KINDS for which in ("all", "unanswered")
        }  # fmt: skip

    def note(self, number: bytes, sources: tuple[str, str, str], *, unanswered: bool) -> None:
        """A number was named. ``sources``: one of each of KINDS, '' where it is not known."""
        digest = number.hex()
        for kind, source in zip(KINDS, sources, strict=True):
            if source:
                key = f"{source} {digest}"
                self._sketches[kind, "all"].update(key, source)
                if unanswered:
                    self._sketches[kind, "unanswered"].update(key, source)

    def dump(self) -> dict[str, bytes]:
        """Each sketch that holds something, for the database."""
        serde = _Text()
        return {
            f"{kind} {which}": sketch.compact().serialize(serde)
            for (kind, which), sketch in self._sketches.items() if not sketch.is_empty()
        }  # fmt: skip


def merge(sketches: list[bytes]) -> bytes:
    """The sketch of all of them together; the same in whatever order."""
    serde = _Text()
    union = datasketches.tuple_union(_Keep(), LOG_PAIRS)
    for sketch in sketches:
        union.update(datasketches.compact_tuple_sketch.deserialize(sketch, serde))
    return bytes(union.get_result(ordered=True).serialize(serde))


def numbers_by_source(sketch: bytes) -> tuple[Counter[str], float]:
    """The pairs that were kept, by source, and the share of all pairs that was kept (0 to 1)."""
    read = datasketches.compact_tuple_sketch.deserialize(sketch, _Text())
    return Counter(source for _, source in read), float(read.theta)


def distinct_pairs(sketch: bytes) -> float:
    """An estimate of how many different pairs there were."""
    return float(datasketches.compact_tuple_sketch.deserialize(sketch, _Text()).get_estimate())


def suspects(kind: Kind, everything: bytes, unanswered: bytes) -> list[Suspect]:
    """The sources of a day that named NUMBERS_MIN numbers or more who did not come, worst first."""
    named, share = numbers_by_source(everything)
    alone, share_alone = numbers_by_source(unanswered)
    found = []
    for source, kept in alone.items():
        low = (kept - NOT_SURE * (kept * (1 - share_alone)) ** 0.5) / share_alone
        part = min(1.0, (kept / share_alone) / max(1.0, named[source] / share))
        if low >= NUMBERS_MIN and part >= UNANSWERED_MIN:
            found.append(Suspect(kind=kind, source=source, numbers=int(low)))
    return sorted(found, key=lambda suspect: -suspect.numbers)
