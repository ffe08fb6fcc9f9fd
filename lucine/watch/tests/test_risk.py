"""What is odd, and what is asked for it: rules that hold whatever the history."""

import json
import math
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lucine.watch import risk
from lucine.watch.risk import Signs, World, judge

HOME = Signs(
    prefix="90.0.0.0/24", network="Orange", country="France", browser="Firefox sur Windows", system="Windows",
    client="agenda", hour=34, method="phone", known=False,
)  # fmt: skip
SAME_OPERATOR = replace(HOME, prefix="90.63.0.0/24")
ELSEWHERE = replace(HOME, prefix="8.8.8.0/24", network="Google", country="", browser="Chrome sur Linux", system="Linux")


def counts(*many: tuple[Signs, int]) -> World:
    """The world in which these were seen so often."""
    seen: dict[tuple[str, str], int] = {}
    for signs, times in many:
        for level in risk.LEVELS:
            key = (level, getattr(signs, level))
            seen[key] = seen.get(key, 0) + times
    return World(sum(times for _, times in many), seen)


WORLD = counts((HOME, 20), (SAME_OPERATOR, 980), (ELSEWHERE, 500))

values = st.sampled_from(["a", "b", "c", "d"])
signs = st.builds(
    Signs, prefix=values, network=values, country=values, browser=values, system=values, client=values,
    hour=st.integers(0, 167), method=st.sampled_from(["phone", "typed"]), known=st.just(False),
)  # fmt: skip
pasts = st.lists(signs, min_size=1, max_size=12)
worlds = st.lists(st.tuples(signs, st.integers(1, 500)), max_size=6).map(lambda many: counts(*many))


def test_by_hand() -> None:
    """One sign-in of hers, everything the same but the /24: the arithmetic of one chain, written out."""
    world = World(1000, {("country", "France"): 800, ("network", "Orange"): 200, ("prefix", "90.63.0.0/24"): 4})
    shares = [800.5 / 1001, 200.5 / 801, 4.5 / 201]
    hers = theirs = 1.0
    for share, times, copied in zip(shares, (1, 1, 0), (0.9, 0.9, 0.2), strict=True):
        left = (0.2 * 1 + 0.1) * hers * share
        hers = (max(times - 0.2, 0) + left) / 1.1
        theirs = copied * hers + (1 - copied) * theirs * share
    network = math.log(theirs / hers)
    assert network > 1
    others = judge(HOME, [HOME], world).score - judge(SAME_OPERATOR, [HOME], world).score
    same_network = _chain(world, HOME)
    assert math.isclose(others, same_network - network, abs_tol=1e-12)


def _chain(world: World, seen: Signs) -> float:
    hers = theirs = 1.0
    above = world.sign_ins
    for level, copied in (("country", 0.9), ("network", 0.9), ("prefix", 0.2)):
        count = world.seen.get((level, getattr(seen, level)), 0)
        share = (count + 0.5) / (max(above, count) + 1)
        hers = (0.8 + 0.3 * hers * share) / 1.1
        theirs = copied * hers + (1 - copied) * theirs * share
        above = count
    return math.log(theirs / hers)


def test_the_first_sign_in_asks_nothing() -> None:
    assert judge(ELSEWHERE, [], WORLD) == risk.Judged(0.0, ("first",), "allow")


def test_a_few_sign_ins_from_where_she_always_is_ask_nothing() -> None:
    for many in range(1, 13):
        assert judge(HOME, [HOME] * many, WORLD).verdict == "allow"
        assert judge(replace(HOME, hour=3, client="mail"), [HOME] * many, WORLD).verdict == "allow"


def test_her_operator_is_no_pass() -> None:
    for many in range(1, 30):
        judged = judge(SAME_OPERATOR, [HOME] * many, WORLD)
        assert (judged.verdict, judged.reasons[0]) == ("one_more_proof", "prefix")


def test_habits_alone_ask_nothing() -> None:
    odd = replace(HOME, hour=3, client="mail", method="typed")
    judged = judge(odd, [HOME] * 60, counts((HOME, 100), (odd, 1)))
    assert (judged.verdict, judged.askable) == ("allow", False)


def test_nothing_like_her_is_held_once_she_is_known() -> None:
    alien = replace(ELSEWHERE, hour=3, client="mail", method="typed")
    past = [replace(HOME, known=True)] * 40
    assert judge(alien, past, WORLD).verdict == "hold"
    assert judge(alien, past[:4], WORLD).verdict == "one_more_proof"


@given(signs, pasts, worlds)
def test_a_key_that_cannot_be_copied_always_passes(one: Signs, past: list[Signs], world: World) -> None:
    for proved in (replace(one, known=True), replace(one, method="passkey")):
        assert judge(proved, past, world) == risk.Judged(0.0, (), "allow")


@given(signs, pasts, worlds)
def test_no_question_without_a_reason(one: Signs, past: list[Signs], world: World) -> None:
    judged = judge(one, past, world)
    assert math.isfinite(judged.score)
    if judged.verdict != "allow":
        assert set(judged.reasons) & {"country", "network", "prefix", "system", "browser", "stranger"}
    for reason in judged.reasons:
        if reason != "stranger":
            assert getattr(one, reason) not in {getattr(each, reason) for each in past}


@given(signs, pasts, worlds)
def test_what_she_has_shown_once_is_no_reason_any_more(one: Signs, past: list[Signs], world: World) -> None:
    assert set(judge(one, [*past, one], world).reasons) <= {"stranger"}


@given(signs, pasts, worlds, st.randoms())
def test_the_order_of_a_history_does_not_count(one: Signs, past: list[Signs], world: World, chance: Any) -> None:
    shuffled = list(past)
    chance.shuffle(shuffled)
    assert math.isclose(judge(one, shuffled, world).score, judge(one, past, world).score, abs_tol=1e-9)


def test_labelled_sign_ins() -> None:
    """Panther's labelled events, replayed on somebody whose history is the one it calls inconspicuous.

    Its invented events keep one address and one operator in every country; here each country has its own.
    """
    events = json.loads((Path(__file__).parent / "data" / "labelled-sign-ins.json").read_text())
    read = {event["test"]: (_labelled(event), event["expected"]) for event in events}
    ordinary, _ = read["Sign-In From Inconspicuous State"]
    world = counts(*((each, 50) for each, _ in read.values()))
    assert {expected for _, expected in read.values()} == {True, False}
    for name, (each, expected) in read.items():
        assert (judge(each, [ordinary] * 6, world).verdict != "allow") is expected, name


def _labelled(event: dict[str, Any]) -> Signs:
    return Signs(
        prefix=f"{event['address']} {event['country']}", network=f"{event['network']} {event['country']}",
        country=event["country"], browser=f"{event['browser']} sur {event['system']}", system=event["system"],
        client="okta", hour=3 * 24 + int(event["at"][11:13]), method="phone", known=False,
    )  # fmt: skip
