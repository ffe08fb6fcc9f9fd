"""The barometer: whoever answers is counted once a quarter, and the counters name nobody."""

import asyncio
import json
import re
from datetime import date, datetime
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucine.directory import Exercice, Professional
from lucine.habits.barometer import QUESTIONS, cell, cells_of, period_of
from lucine.habits.groups import DEPARTMENTS, GROUPS, OTHER, PROFESSIONS, department_of, groups_of
from lucine.habits.release import SHARES
from lucine.web.pages import PARIS
from tests.world import ORIGIN, World, open_world

DOOR = "/habits/barometer"
YES = {"attacked": "yes", "masters": "partly"}
QUARTER = 100 * 86400


async def answer(world: World, person: str = "ana", **said: str) -> httpx.Response:
    """From her phone, which stays signed in."""
    phone = await world.phone(person)
    return await phone.http.post(DOOR, data=said or YES, headers={"Origin": ORIGIN})


async def counts(world: World) -> dict[str, dict[str, int]]:
    rows = await world.house.db.all("SELECT period, counts FROM habits_barometer")
    return {row["period"]: json.loads(row["counts"]) for row in rows}


# ---- Counting ----


async def test_an_answer_raises_six_counters_and_says_nothing_twice(world: World) -> None:
    assert (await answer(world)).headers["location"] == "/habits#barometer"
    period = period_of(world.clock.now)
    once = [
        f"{group}/{question}" for group in ("all/", "profession/50", "department/44")
        for question in ("attacked/yes", "masters/partly")
    ]  # fmt: skip
    assert await counts(world) == {period: dict.fromkeys(once, 1)}
    await answer(world, "bea", attacked="no", masters="partly")
    await answer(world, "carl", attacked="yes", masters="no")
    counted = (await counts(world))[period]
    assert counted["all//masters/partly"] == counted["department/44/masters/partly"] == 2
    assert counted["all//attacked/yes"] == counted["profession/50/attacked/yes"] == 2
    assert counted["department/69/masters/no"] == 1
    assert sum(counted.values()) == 18


async def test_answers_that_come_together_are_all_counted(world: World) -> None:
    phones = [await world.phone(person) for person in ("ana", "bea", "carl")]
    sent = [phone.http.post(DOOR, data=YES, headers={"Origin": ORIGIN}) for phone in phones for _ in range(2)]
    assert sorted(got.status_code for got in await asyncio.gather(*sent)) == [303, 303, 303, 409, 409, 409]
    assert (await counts(world))[period_of(world.clock.now)]["all//attacked/yes"] == 3


async def test_once_a_quarter_as_it_is_in_paris(small_world: World) -> None:
    midnight = datetime(2027, 1, 1, tzinfo=PARIS).timestamp()
    small_world.clock.now = midnight - 60
    phone = await small_world.phone("ana")

    async def say() -> int:
        return (await phone.http.post(DOOR, data=YES, headers={"Origin": ORIGIN})).status_code

    assert [await say(), await say()] == [303, 409]
    small_world.clock.now = midnight
    assert [await say(), await say()] == [303, 409]
    assert {period: kept["all//attacked/yes"] for period, kept in (await counts(small_world)).items()} == {
        "2026-Q4": 1, "2027-Q1": 1
    }  # fmt: skip


@given(day=st.dates(date(2000, 1, 1), date(2100, 1, 1)), hour=st.integers(0, 23))
def test_quarters_follow_each_other(day: date, hour: int) -> None:
    now = datetime(day.year, day.month, day.day, hour, tzinfo=PARIS).timestamp()
    period = period_of(now)
    assert re.fullmatch(r"\d{4}-Q[1-4]", period)
    assert period <= period_of(now + 3600)
    assert period < period_of(now + QUARTER)
    assert int(period[-1]) == (day.month + 2) // 3


async def test_nothing_links_her_to_her_answer(small_world: World) -> None:
    """Who answered, without a time; what was answered, without a name; and no line in the ledger."""
    ana = await small_world.holder("ana")
    ledger = await small_world.house.db.all("SELECT seq FROM safe_ledger")
    phone = await small_world.phone("ana")
    enrolled = await small_world.house.db.all("SELECT seq FROM safe_ledger")
    await phone.http.post(DOOR, data=YES, headers={"Origin": ORIGIN})
    db = small_world.house.db
    assert len(await db.all("SELECT seq FROM safe_ledger")) == len(enrolled) > len(ledger)
    assert [dict(row) for row in await db.all("SELECT * FROM habits_counted")] == [
        {"holder": ana, "period": period_of(small_world.clock.now)}
    ]
    (kept,) = [dict(row) for row in await db.all("SELECT * FROM habits_barometer")]
    assert set(kept) == {"period", "counts"}
    assert not any(re.search(r"\d{6}|^50$", name) or ana in name for name in json.loads(kept["counts"]))


async def test_the_order_of_answers_leaves_no_trace_in_the_counters(tmp_path: Path) -> None:
    said = {"ana": {"attacked": "yes", "masters": "no"}, "bea": {"attacked": "no", "masters": "yes"},
            "carl": {"attacked": "unsure", "masters": "no"}}  # fmt: skip
    kept = []
    for number, order in enumerate((["ana", "bea", "carl"], ["carl", "bea", "ana"], ["bea", "carl", "ana"])):
        folder = tmp_path / str(number)
        folder.mkdir()
        async with open_world(f"sqlite:///{folder}/test.db", folder) as world:
            for person in order:
                assert (await answer(world, person, **said[person])).status_code == 303
            rows = await world.house.db.all("SELECT rowid AS place, * FROM habits_barometer")
            kept.append([tuple(row) for row in rows])
    assert kept[0] == kept[1] == kept[2]
    assert len(kept[0]) == 1


WRONG = [
    {}, {"attacked": "yes"}, {"masters": "no"}, {"attacked": "partly", "masters": "partly"},
    {"attacked": "yes", "masters": "unsure"}, {"attacked": "YES", "masters": "no"},
    {"attacked": "yes/../no", "masters": "no"}, {"attacked": "y" * 60_000, "masters": "no"},
]  # fmt: skip


@pytest.mark.parametrize("said", WRONG, ids=lambda said: str(said)[:40])
async def test_any_other_answer_is_refused_and_nothing_is_kept(small_world: World, said: dict[str, str]) -> None:
    phone = await small_world.phone("ana")
    got = await phone.http.post(DOOR, data={**said, "more": "x"}, headers={"Origin": ORIGIN})
    assert got.status_code == 400
    for table in ("habits_barometer", "habits_counted"):
        assert await small_world.house.db.all(f"SELECT * FROM {table}") == []
    assert (await phone.http.post(DOOR, data=YES, headers={"Origin": ORIGIN})).status_code == 303


async def test_strangers_and_other_sites_are_not_counted(small_world: World) -> None:
    stranger = await small_world.browser().post(DOOR, data=YES, headers={"Origin": ORIGIN})
    assert stranger.status_code == 401
    phone = await small_world.phone("ana")
    crossed = await phone.http.post(DOOR, data=YES, headers={"Origin": "https://evil.test"})
    assert crossed.status_code == 403
    assert await counts(small_world) == {}


async def test_her_page_asks_once_then_thanks(small_world: World) -> None:
    phone = await small_world.phone("ana")
    asked = (await phone.http.get("/habits")).text
    assert 'data-barometer="open"' in asked
    assert asked.count('type="radio"') >= 6
    await phone.http.post(DOOR, data=YES, headers={"Origin": ORIGIN})
    thanked = (await phone.http.get("/habits")).text
    assert 'data-barometer="answered"' in thanked
    assert f'action="{DOOR}"' not in thanked
    small_world.clock.pass_by(QUARTER)
    assert 'data-barometer="open"' in (await phone.http.get("/habits")).text


# ---- Groups ----


def person(*exercices: tuple[str, list[str]]) -> Professional:
    return Professional(
        national_id="8", last_name="", first_name="", civility="",
        exercices=[
            Exercice(facts={"codeProfession": profession}, activities=[{"codePostal": code} for code in codes])
            for profession, codes in exercices
        ],
    )  # fmt: skip


EXERCICES = st.lists(
    st.tuples(st.one_of(st.sampled_from(sorted(PROFESSIONS)), st.text(max_size=3)),
              st.lists(st.one_of(st.from_regex(r"[0-9]{5}", fullmatch=True), st.text(max_size=6)), max_size=3)),
    max_size=3,
)  # fmt: skip


@given(exercices=EXERCICES)
def test_whoever_she_is_she_is_counted_once_in_each_breakdown_of_a_fixed_list(
    exercices: list[tuple[str, list[str]]],
) -> None:
    """What the budget rests on: one answer changes one counter of each question, in each breakdown, by one."""
    found = groups_of(person(*exercices))
    assert found.keys() == GROUPS.keys() == SHARES.keys()
    for breakdown, group in found.items():
        for question, answers in QUESTIONS.items():
            for said in answers:
                assert cells_of(breakdown).count(cell(breakdown, group, question, said)) == 1


def test_who_is_not_in_the_register_is_counted_too() -> None:
    assert groups_of(None) == {"all": "", "profession": OTHER, "department": OTHER}


@pytest.mark.parametrize(
    ("postcode", "department"),
    [("44000", "44"), ("01000", "01"), ("20000", "20"), ("20290", "20"), ("97133", "971"), ("97800", "978"),
     ("98800", "988"), ("98000", OTHER), ("97999", OTHER), ("00000", OTHER), ("99000", OTHER), ("4400", OTHER),
     ("", OTHER), ("440000", OTHER), ("٤٤٠٠٠", OTHER), ("2A004", OTHER)],
)  # fmt: skip
def test_the_department_of_a_postcode(postcode: str, department: str) -> None:
    assert department_of(postcode) == department


def test_the_list_is_public_and_whole() -> None:
    assert len(DEPARTMENTS) == 95 + 12 + 1, "Corsica is one; twelve overseas; elsewhere"
    assert len(PROFESSIONS) == 30 + 1
    assert sum(len(cells_of(breakdown)) for breakdown in GROUPS) == 6 * (1 + 31 + 108)
