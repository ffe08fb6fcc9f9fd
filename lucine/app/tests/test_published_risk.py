"""The published score is theirs to the last digit, and its data set is read strictly."""

import json
import math
from pathlib import Path

import pytest

from lucine.app.lab.freeman import Counts, Row, published_score
from lucine.app.lab.rba_csv import COLUMNS, read_lines, replay

DATA = Path(__file__).parent / "data" / "rba"
HEAD = ",".join(COLUMNS)
GOOD = "2020-02-03 12:43:30.772,7,10.0.0.1,NO,29695,agent,Firefox 20,iOS 13.4,mobile,True,False,False"


def row(user: str, address: str, asn: str, agent: str) -> Row:
    return Row(user=user, address=address, asn=asn, country="NO", agent=agent, browser="F 20", system="iOS",
               device="mobile")  # fmt: skip


def test_the_same_scores_as_the_published_code() -> None:
    expected = json.loads((DATA / "scores-400.json").read_text())
    got = list(replay(read_lines(DATA / "first-400.csv"), after=40))
    assert [(said.user, place) for said, place, _ in got] == [
        (f"{float(each['user']):.2E}", each["sign_in"]) for each in expected
    ]
    for (_, _, score), each in zip(got, expected, strict=True):
        assert math.isclose(score, each["score"], rel_tol=1e-12)


def test_by_hand() -> None:
    """Two people, three sign-ins; she comes back from another address of the same system."""
    known = [row("ana", "1", "A", "x"), row("ana", "1", "A", "x"), row("eve", "2", "A", "y")]
    hers, world = Counts(), Counts()
    for each in known:
        world.add(each)
        if each.user == "ana":
            hers.add(each)
    score = published_score(row("ana", "2", "A", "x"), hers=hers, world=world)
    # Address: seen once by anybody, under one system and one country; two coarser values in the world.
    address_world = 0.6 * 1 / (1 + 3) * 1 / (3 + 3) + 0.3 + 0.1
    # Agent: seen twice, with one browser, one system, one device.
    weights = (0.5386653840551359, 0.2680451498625666, 0.18818295100109536, 0.0051065150812021525)
    agent_world = weights[0] * 2 / (2 + 4) * 2 / (3 + 4) + sum(weights[1:])
    expected = address_world / (0.3 + 0.1) * agent_world / sum(weights) * (1 / 2) / (2 / 3)
    assert math.isclose(score, expected, rel_tol=1e-12)


def test_nothing_of_hers_weighs_four_times() -> None:
    hers, world = Counts(), Counts()
    for each in (row("ana", "1", "A", "x"), row("eve", "2", "B", "y")):
        world.add(each)
    hers.add(row("ana", "1", "A", "x"))
    strange = Row(user="ana", address="9", asn="Z", country="XX", agent="q", browser="q", system="q", device="q")
    assert math.isclose(published_score(strange, hers=hers, world=world), 4 * 4 * (1 / 2) / (1 / 2), rel_tol=1e-12)


def test_the_first_lines_of_the_file() -> None:
    lines = list(read_lines(DATA / "first-19.csv"))
    assert (len(lines), sum(line.successful for line in lines), sum(line.attack for line in lines)) == (19, 7, 2)
    assert lines[0].row is not None
    assert lines[0].row.user == "-4324475583306591935"
    assert lines[1].at - lines[0].at == pytest.approx(12.777)


def test_a_line_that_lacks_a_value_has_no_score(tmp_path: Path) -> None:
    file = tmp_path / "rba.csv"
    file.write_text(f"{HEAD}\n{GOOD.replace('29695', '')}\n")
    (line,) = read_lines(file)
    assert line.row is None
    assert not list(replay([line]))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no column Login Timestamp"),
        (f"{HEAD.replace('ASN,', '')}\n{GOOD}", "no column ASN"),
        (f"{HEAD}\n{GOOD},more", "line 2: 13 values for 12 columns"),
        (f"{HEAD}\n{GOOD}\n{GOOD.replace('True', 'yes')}", "line 3: 'yes' is neither True nor False"),
        (f"{HEAD}\n{GOOD.replace('2020-02-03', 'yesterday')}", "line 2: Invalid isoformat"),
        (f"{HEAD}\n{GOOD.replace(',7,', ',,')}", "line 2: no user"),
        (f"{HEAD}\n{GOOD.replace('agent', chr(34) + 'agent' + chr(34) + 'x')}", "line 2"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "rba.csv"
    file.write_text(text)
    with pytest.raises(ValueError, match=why) as error:
        list(read_lines(file))
    assert str(file) in str(error.value)
