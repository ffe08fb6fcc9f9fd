"""Sketches of who names how many numbers."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lucine.watch.sources import NUMBERS_MIN, Sources, distinct_pairs, merge, numbers_by_source, suspects


def number(value: int) -> bytes:
    return value.to_bytes(32)


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 3), st.integers(0, 50), st.booleans()), max_size=20), min_size=2, max_size=4
    )
)
@settings(max_examples=30, deadline=None)
def test_merging_in_any_order_gives_one_result(parts: list[list[tuple[int, int, bool]]]) -> None:
    dumps = []
    for part in parts:
        sources = Sources()
        for source, value, unanswered in part:
            sources.note(number(value), (f"10.0.{source}.0/24", "", "service"), unanswered=unanswered)
        dumps.append(sources.dump())
    for name in {name for dump in dumps for name in dump}:
        sketches = [dump[name] for dump in dumps if name in dump]
        merged = {
            tuple(sorted(numbers_by_source(merge(list(order)))[0].items()))
            for order in itertools.permutations(sketches)
        }
        assert len(merged) == 1


def test_merging_sampled_sketches_in_any_order_gives_one_result() -> None:
    chance = random.Random(1)
    dumps = []
    for _ in range(3):
        sources = Sources()
        for _ in range(20_000):
            sources.note(
                number(chance.getrandbits(60)), (f"10.{chance.randrange(200)}.0.0/24", "", ""), unanswered=True
            )
        dumps.append(sources.dump()["prefix unanswered"])
    merged = [merge(list(order)) for order in itertools.permutations(dumps)]
    assert len(set(merged)) == 1
    assert distinct_pairs(merged[0]) == pytest.approx(60_000, rel=0.03)


def test_the_hospital_is_not_suspect_and_the_walker_is() -> None:
    sources = Sources()
    for value in range(3000):
        sources.note(number(value), ("192.0.2.0/24", "Hôpital de l’Œuvre…", "service"), unanswered=value % 20 == 0)
    for value in range(5000, 5000 + 2 * NUMBERS_MIN):
        sources.note(number(value), ("198.51.100.0/24", "Host", "service"), unanswered=True)
    dump = sources.dump()
    found = suspects("prefix", dump["prefix all"], dump["prefix unanswered"])
    assert [suspect.source for suspect in found] == ["198.51.100.0/24"]
    assert found[0].numbers == 2 * NUMBERS_MIN
    assert suspects("client", dump["client all"], dump["client unanswered"]) == []


def test_the_same_number_a_thousand_times_is_one_number() -> None:
    sources = Sources()
    for _ in range(1000):
        sources.note(number(1), ("192.0.2.0/24", "", ""), unanswered=True)
    dump = sources.dump()
    assert suspects("prefix", dump["prefix all"], dump["prefix unanswered"]) == []
    assert distinct_pairs(dump["prefix all"]) == 1
