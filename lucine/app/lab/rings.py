"""Goal: hostile starts ring no phone. The bench of the same name, with its interval."""

from collections.abc import Iterator

from lucine.app.bench.rings import bench

from .intervals import proportion
from .table import Figure


def run(quick: bool) -> Iterator[Figure]:
    for line in bench(quick=quick):
        low, high = proportion(min(line["value"], line["n"]), line["n"])
        note = f"{len(line['kinds'])} kinds of attackers; her own known browser rang {line['her_own_ring_seen']} time"
        yield Figure(
            goal="rings", name="rings", value=line["value"], low=low * line["n"], high=high * line["n"], n=line["n"],
            seed=line["seed"], target="0", met=line["met"], unit="rings", note=note,
        )  # fmt: skip
