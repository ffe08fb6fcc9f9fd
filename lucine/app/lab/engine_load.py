"""The load of goal `engine`, in a process that imports the detector and little else: its memory is measured."""

import json
import random
import resource
import statistics
import time
from typing import Final

from lucine.watch.detector import Detector, Named, Seen, observe
from lucine.watch.events import Outcome
from lucine.watch.sources import Sources, distinct_pairs

from .population import NUMBERS, PEOPLE, SERVICES, START

SEED: Final = 3
SOURCES: Final = 10_000_000
PART: Final = 5_000  # events of which one rate is taken
ENDS: Final[dict[Outcome, float]] = {
    "completed": 0.935, "expired": 0.05, "unknown_number": 0.01, "changed_mind": 0.005
}  # fmt: skip


def events(chance: random.Random, many: int, first: int = 0) -> list[tuple[Seen, bytes, tuple[str, str, str]]]:
    """Events as the chore hands them down: what was seen, the number's digest, and where it came from."""
    clients, weights = list(SERVICES), list(SERVICES.values())
    found = []
    for place, client, outcome in zip(
        range(many),
        chance.choices(clients, weights, k=many),
        chance.choices(list(ENDS), list(ENDS.values()), k=many),
        strict=True,
    ):
        who, where = chance.randrange(PEOPLE), chance.randrange(SOURCES)
        named = Named(number=who * (NUMBERS // PEOPLE), town=str(who % 12_000), profession=str(who % 9))
        seen = Seen(
            at=START + (first + place) * 0.04,
            client=client,
            outcome=outcome,
            newcomer=int(chance.random() < 0.04),
            named=named,
        )
        prefix = f"{where >> 16}.{where >> 8 & 255}.{where & 255}.0/24"
        found.append((seen, who.to_bytes(32), (prefix, f"AS{where % 70_000}", client)))
    return found


def measure(many: int) -> None:
    """Weigh so many events; prints what was measured as one JSON line."""
    chance = random.Random(SEED)  # noqa: S311
    detectors: dict[str, Detector] = {}
    sources, rates, slow, pairs = Sources(), [], [], 0
    for part in range(many // PART):
        spent = []
        for seen, number, where in events(chance, PART, part * PART):
            began = time.perf_counter()
            observe(detectors, seen)
            sources.note(number, where, unanswered=seen.outcome != "completed")
            spent.append(time.perf_counter() - began)
        pairs += PART
        rates.append(PART / sum(spent))
        slow.append(statistics.quantiles(spent, n=100)[98] * 1000)
    counted = distinct_pairs(sources.dump()["prefix all"])
    print(json.dumps({
        "rates": rates, "p99_ms": slow, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "counted": counted, "pairs": pairs,
    }))  # fmt: skip
