"""The sequential test and the detector: what they must do whatever comes."""

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lucine.watch.cusum import Cusum, Design, Running
from lucine.watch.detector import (
    DESIGNS,
    EVERYWHERE,
    FEATURES,
    Detector,
    Feature,
    Named,
    Seen,
    likenesses,
    observe,
)
from lucine.watch.rates import Rates

START = 1_780_272_000.0
DESIGN = Design(name="d", share=0.1, ends=(0.1, 0.9), threshold=5)


def taught(days: int = 20, per_hour: int = 40, seed: int = 1, ordinary: float = 0.9) -> Cusum:
    """A test of one design that has seen ordinary days: kind 0 with probability ``ordinary``."""
    chance = random.Random(seed)
    test = Cusum.start((DESIGN,), (0.9, 0.1), START)
    for hour in range(days * 24):
        for event in range(per_hour):
            test.observe(START + 3600 * (hour + event / per_hour), int(chance.random() > ordinary))
    return test


def test_ordinary_days_are_learned() -> None:
    test = taught()
    assert test.expected()[0] == pytest.approx(0.9, abs=0.04)


def test_nothing_is_learned_from_what_raised_the_alarm() -> None:
    test = taught()
    before = test.rates.level()
    alarmed = False
    for hour in range(20 * 24, 30 * 24):
        for event in range(40):
            alarmed |= test.observe(START + 3600 * (hour + event / 40), event % 2) is not None
    assert alarmed
    assert test.rates.level() == before


def test_an_officer_may_say_that_it_is_ordinary_now() -> None:
    test = taught()
    for hour in range(20 * 24, 27 * 24):
        for event in range(40):
            test.observe(START + 3600 * (hour + event / 40), int(event % 4 == 0))
    assert test.running.calm_at
    test.accept()
    assert not test.running.calm_at
    assert test.expected()[1] > 0.2
    over = [test.observe(START + 3600 * (27 * 24 + event / 40), int(event % 4 == 0)) for event in range(40)]
    assert not any(over)


def test_after_an_attack_the_sum_comes_down_and_its_hours_are_thrown_away() -> None:
    test = taught()
    level = test.rates.level()[1]
    for event in range(400):
        test.observe(START + 3600 * (20 * 24 + event / 400), 1)
    assert test.running.calm_at
    chance = random.Random(2)
    for hour in range(20 * 24 + 1, 24 * 24):
        for event in range(40):
            test.observe(START + 3600 * (hour + event / 40), int(chance.random() > 0.9))
    assert not test.running.calm_at
    assert test.rates.level()[1] == pytest.approx(level, abs=0.02)


def test_who_has_seen_little_needs_more_to_accuse_anybody() -> None:
    def tries(test: Cusum) -> int:
        at = START + 3600 * 20 * 24
        return next(many for many in range(1, 1000) if test.observe(at, 1))

    assert tries(Cusum.start((DESIGN,), (0.9, 0.1), START)) > tries(taught(per_hour=10)) > tries(taught(per_hour=200))


@given(st.lists(st.integers(0, 1), max_size=80), st.integers(0, 80))
@settings(max_examples=60, deadline=None)
def test_more_unanswered_starts_never_give_a_milder_verdict(kinds: list[int], place: int) -> None:
    """One more unanswered try anywhere in the hour: as many thresholds passed or more, then a sum as high or higher."""
    at, verdicts = START + 3600 * 20 * 24, []
    for sequence in (kinds, [*kinds[:place], 1, *kinds[place:]]):
        running = msgspec.msgpack.decode(msgspec.msgpack.encode(TAUGHT.running), type=Running)
        test = Cusum((DESIGN,), TAUGHT.rates, running)
        passed = sum(test.observe(at, kind) is not None for kind in sequence)
        verdicts.append((passed, test.running.sums[0].value + 1e-9 * len(verdicts)))
    assert verdicts[1] >= verdicts[0]


TAUGHT = taught()


@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 30)), max_size=200))
@settings(max_examples=40, deadline=None)
def test_shares_are_shares_whatever_was_learned(hours: list[tuple[int, int]]) -> None:
    rates = Rates.start((0.9, 0.1), 0)
    for hour, count in sorted(hours):
        rates.learn(hour, [count, 30 - count])
        shares = rates.shares(hour + 1)
        assert sum(shares) == pytest.approx(1)
        assert min(shares) > 0


def test_the_state_survives_the_database() -> None:
    detector = Detector.start("service", START)
    for event in range(50):
        detector.observe(_seen(event))
    for feature in FEATURES:
        test = detector.tests[feature]
        again = Cusum(
            DESIGNS[feature],
            msgspec.msgpack.decode(msgspec.msgpack.encode(test.rates), type=Rates),
            msgspec.msgpack.decode(msgspec.msgpack.encode(test.running), type=Running),
        )
        assert again.running == test.running
        assert again.expected() == test.expected()


def _seen(event: int, **more: object) -> Seen:
    facts = {"at": START + event, "client": "service", "outcome": "completed", "newcomer": 0, "named": None, **more}
    return Seen(**facts)  # type: ignore[arg-type]


def test_his_own_sign_ins_do_not_pay_for_his_tries() -> None:
    detectors: dict[str, Detector] = {}
    observe(detectors, _seen(0))
    counts = list(detectors[EVERYWHERE].tests["outcomes"].running.counts)
    observe(detectors, _seen(1, repeated=True))
    assert detectors[EVERYWHERE].tests["outcomes"].running.counts == counts


@pytest.mark.parametrize("feature", FEATURES)
def test_designs_are_distributions(feature: Feature) -> None:
    for design in DESIGNS[feature]:
        assert sum(design.ends) == pytest.approx(1)


def test_likenesses() -> None:
    before = [Named(number=1_000_000 * place, town="44109", profession="60") for place in range(1, 5)]
    assert likenesses(Named(number=2_000_100, town="44109", profession="60"), before) == {"order", "town", "profession"}
    assert likenesses(Named(number=9_999_999, town="69003", profession="50"), before) == set()
    # The same number again is a person who tries again, not a neighbour; and an unknown place is like nothing.
    assert likenesses(Named(number=2_000_000, town="", profession=""), before) == set()


def test_a_walk_in_order_is_found_by_its_order_alone() -> None:
    """Every try ends as on an ordinary day, yet the numbers follow each other."""
    chance = random.Random(3)
    detector = Detector.start(EVERYWHERE, START)

    def honest(moment: float) -> list[str]:
        named = Named(
            number=chance.randrange(10**8), town=str(chance.randrange(3000)), profession=str(chance.randrange(9))
        )
        outcome = "expired" if chance.random() < 0.05 else "completed"
        return [sign.feature for sign in detector.observe(_seen(moment, outcome=outcome, named=named))]

    moments = range(0, 12 * 86400, 20)
    assert not [sign for moment in moments for sign in honest(moment)]
    found: list[str] = []
    for place in range(80):
        moment = 12 * 86400 + 600 * place
        found += [sign for later in range(30) for sign in honest(moment + 20 * later)]
        walk = Named(number=50_000_000 + 90 * place, town=str(place), profession=str(place))
        found += [sign.feature for sign in detector.observe(_seen(moment + 600, outcome="expired", named=walk))]
    # Who does not come twice as often is seen as well; the order alone would have been enough, and is first.
    assert found[0] == "order"
