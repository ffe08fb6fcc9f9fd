"""The evidence table: its lines, its command, what a goal that breaks looks like, and the document."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

from lucine.app.bench.stage import number_of
from lucine.app.cli import main
from lucine.app.lab import evidence, table
from lucine.app.lab.attackers import ATTACKERS, trace
from lucine.app.lab.designs import compare
from lucine.app.lab.stories import STORIES
from lucine.app.lab.table import GOALS, Figure


def figure(**more: object) -> Figure:
    facts = {
        "goal": "rings", "name": "rings", "value": 0, "low": 0, "high": 3, "n": 1000, "seed": 1, "target": "0",
        "met": True, "unit": "rings",
    }  # fmt: skip
    return Figure(**{**facts, **more})  # type: ignore[arg-type]


@pytest.fixture
def goals(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What each goal's module does when it runs: by default one figure that is met."""
    acts: dict[str, object] = {goal: lambda _, goal=goal: iter([figure(goal=goal)]) for goal in GOALS}

    def module(name: str) -> ModuleType:
        made = ModuleType(name)
        made.run = acts[next(goal for goal, where in GOALS.items() if where == name)]  # type: ignore[attr-defined]
        return made

    monkeypatch.setattr(table, "import_module", module)
    return acts


def test_each_goal_has_its_story() -> None:
    assert list(STORIES) == list(GOALS)


def test_a_line_says_all_that_was_promised(goals: dict[str, object]) -> None:
    said = CliRunner().invoke(main, ["lab", "table", "--json", "--quick", "--goal", "rings"])
    assert said.exit_code == 0
    (line,) = said.stdout.splitlines()
    told = json.loads(line)
    assert {"name", "value", "interval", "N", "seed", "target", "met"} <= set(told)
    assert told["interval"] == [0, 3]


def test_every_goal_is_measured_when_none_is_named(goals: dict[str, object]) -> None:
    said = CliRunner().invoke(main, ["lab", "table", "--json"])
    assert [json.loads(line)["goal"] for line in said.stdout.splitlines()] == list(GOALS)
    assert "rings" in CliRunner().invoke(main, ["lab", "table"]).stdout


def test_a_goal_that_breaks_is_told_and_ends_with_status_1(goals: dict[str, object]) -> None:
    def broken(_: bool) -> Iterator[Figure]:
        yield figure(goal="races")
        raise ExceptionGroup("several", [RuntimeError("the desk burned")])

    goals["races"] = broken
    said = CliRunner().invoke(main, ["lab", "table", "--json"])
    assert said.exit_code == 1
    lines = [json.loads(line) for line in said.stdout.splitlines()]
    assert {"goal": "races", "error": "RuntimeError: the desk burned"} in lines
    assert len(lines) == len(GOALS) + 1, "what it had found, and the other goals, are there too"
    assert CliRunner().invoke(main, ["lab", "table", "--goal", "races"]).exit_code == 1


def test_an_unknown_goal_is_refused() -> None:
    assert CliRunner().invoke(main, ["lab", "table", "--goal", "nonsense"]).exit_code == 1


def test_the_document_hides_nothing(goals: dict[str, object], tmp_path: Path) -> None:
    def missed(_: bool) -> Iterator[Figure]:
        yield figure(goal="owner", name="sign-ins", value=99, met=False, target="100 %", note="why | how")

    def broken(_: bool) -> Iterator[Figure]:
        raise RuntimeError("no figure today")
        yield

    goals["owner"], goals["relay"] = missed, broken
    path = tmp_path / "evidence.md"
    assert CliRunner().invoke(main, ["lab", "evidence", "--quick", "--path", str(path)]).exit_code == 1
    text = path.read_text()
    assert "- `owner`: sign-ins: 99, target 100 %." in text
    assert "- `relay` could not be measured: RuntimeError: no figure today" in text
    assert "10 of 11 targets met; 1 goals could not be measured." in text
    assert "| sign-ins | 99 rings | 0 to 3 | 1,000 | 1 | 100 % | **missed** |" in text
    for story in STORIES.values():
        assert story.title in text
    assert "## Assumptions" in text


def test_the_document_of_a_good_day_has_no_chapter_of_the_missed() -> None:
    text = evidence.evidence([figure()], quick=False, at=datetime(2026, 1, 2, tzinfo=UTC))
    assert "## Missed" not in text
    assert "2026-01-02" in text


def test_a_trace_is_the_same_for_the_same_seed_and_every_attacker_is_in_it() -> None:
    first, again = (list(islice(trace(7, 100), 400)) for _ in range(2))
    assert [(one.attacker.kind, one.number) for one in first] == [(one.attacker.kind, one.number) for one in again]
    assert {one.attacker.kind for one in first} == {attacker.kind for attacker in ATTACKERS}
    assert first != list(islice(trace(8, 100), 400))
    assert len(ATTACKERS) >= 8


# The anchors of public-number-attacks.md: 1.5 M asks, 1 % reflex.
@pytest.mark.parametrize(("design", "anchor"), [("tap", 15_000), ("1 of 3", 5_000), ("two digits", 150)])
def test_the_other_designs_cost_what_the_anchors_say(design: str, anchor: int) -> None:
    people = 100
    enrolled = frozenset(number_of(person) for person in range(people))
    tries = list(islice(trace(1, people), 300_000))
    figures = compare(tries, enrolled, reflex=0.01, seed=1, scale=1_500_000)
    (found,) = [one for one in figures if design in one.name]
    assert found.low <= anchor <= found.high
    assert found.met is None


def test_whoever_is_not_enrolled_is_not_asked() -> None:
    tries = list(islice(trace(1, 100), 2000))
    (tap, *_) = compare(tries, frozenset({number_of(0)}), reflex=1.0, seed=1, scale=1)
    assert tap.n == sum(one.number == number_of(0) for one in tries) < len(tries)
    assert tap.value == 1
