"""The people of the risk goal resemble the real ones where these were measured, and the goal says what it found."""

from statistics import median

import pytest

from lucine.app.lab import habits, risk
from lucine.app.lab.habits import ATTACKERS, Person
from lucine.watch.risk import ONE_MORE_PROOF_FROM

COUNT = 1_500


@pytest.fixture(scope="module")
def found() -> tuple[list[risk.Trial], list[risk.Trial]]:
    return risk.trials(7, COUNT, habits.KEEPS, risk.everybody(7, 3_000, habits.KEEPS))


def test_half_of_the_sign_ins_of_a_young_account_show_a_new_user_agent() -> None:
    new = 0
    for index in range(COUNT):
        agents = [each.row.agent for each in Person(f"young {index}", 7, habits.KEEPS).sign_ins(3)]
        new += len(set(agents))
    assert new / COUNT / 3 == pytest.approx(0.52, abs=0.03)


def test_the_published_score_costs_here_what_it_did_on_real_people(
    found: tuple[list[risk.Trial], list[risk.Trial]],
) -> None:
    """Wiefling et al. 2022, figure of research question 1, read to ±1."""
    published, _ = found
    for share, proofs in ((0.98, 2), (0.99, 4), (0.995, 5)):
        scores = sorted(trial.theirs["targeted"] for trial in published)
        threshold = scores[int((1 - share) * len(scores))]
        assert abs(median(risk.proofs(published, threshold)) - proofs) <= 1, share


def test_ours_asks_less_for_the_same(found: tuple[list[risk.Trial], list[risk.Trial]]) -> None:
    published, ours = found
    costs = [
        sum(risk.proofs(trials, risk.threshold_of_attackers(trials))) / COUNT for trials in (published, ours)
    ]  # fmt: skip
    assert costs[1] < costs[0] / 2


def test_the_shipped_threshold_is_the_trained_one(found: tuple[list[risk.Trial], list[risk.Trial]]) -> None:
    _, ours = found
    assert risk.stopped(ours, ONE_MORE_PROOF_FROM, "targeted") / COUNT >= 0.99
    assert median(risk.proofs(ours, ONE_MORE_PROOF_FROM)) <= risk.PROOFS_MAX
    assert set(ours[0].theirs) == set(ATTACKERS)


def test_the_goal_says_what_it_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(risk, "QUICK", (200, 300))
    figures = list(risk.run(quick=True))
    for figure in figures:
        assert figure.low <= figure.value <= figure.high, figure.name
        assert (figure.met is None) == (figure.target == "")
    goals = [figure for figure in figures if figure.target]
    assert {figure.target for figure in goals} == {"<= 2", ">= 0.995"}
    again = list(risk.run(quick=True))
    assert again == figures
