"""Drills: valid texts, a fair spacing, one's own answers only, and never a message."""

import hashlib
import itertools
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucine.habits.drills import (
    DAY_SECONDS,
    DRILLS,
    RIGHT_RESTS_SECONDS,
    RUN_MAX,
    WRONG_RESTS_SECONDS,
    Answer,
    Done,
    Drill,
    check,
    due_at,
    next_drill,
)
from lucine.habits.texts import BadText
from tests.world import ORIGIN, Desk, World

PATH = "/habits/drills"
TRAP, GENUINE = "quiet-evening", "the-pharmacist"
OFFICIAL = ("ordre.pharmacien.fr", "esante.gouv.fr", "cybermalveillance.gouv.fr", "economie.gouv.fr")


async def at_home(world: World, person: str = "ana") -> Desk:
    desk = world.desk()
    await world.sign_in(desk, await world.phone(person), await world.service(person))
    return desk


async def answer(desk: Desk, drill: str, said: str) -> Any:
    return await desk.http.post(f"{PATH}/{drill}", data={"answer": said}, headers={"Origin": ORIGIN})


async def shown(desk: Desk, path: str = PATH, language: str = "fr") -> str:
    got = await desk.http.get(path, params={"ui_locales": language})
    assert got.status_code == 200, got.text
    return " ".join(got.text.replace("’", "'").replace("&#39;", "'").replace("\u00a0", " ").split())


def rank_of(holder: str) -> Any:
    return lambda name: hashlib.sha256(f"{holder}/{name}".encode()).digest()


# ---- The texts ----


def test_as_many_traps_as_honest_ones_of_each_kind() -> None:
    counts = Counter((drill.facts.kind, drill.facts.genuine) for drill in DRILLS.values())
    assert counts == {(kind, genuine): 2 for kind in ("request", "call", "letter") for genuine in (True, False)}


@pytest.mark.parametrize("drill", DRILLS.values(), ids=lambda drill: drill.name)
def test_a_drill_rests_on_an_official_text_that_was_read_lately(drill: Drill) -> None:
    facts, today = drill.facts, datetime.now(UTC).date()
    assert urlsplit(facts.url).scheme == "https"
    assert (urlsplit(facts.url).hostname or "").endswith(OFFICIAL)
    assert facts.source
    assert facts.reviewed <= today < facts.review_by <= facts.reviewed + timedelta(days=366)


@pytest.mark.parametrize("drill", DRILLS.values(), ids=lambda drill: drill.name)
def test_a_drill_harms_nobody(drill: Drill) -> None:
    """No address that exists, no number that rings, no name of the State or of a firm that is imitated."""
    request = drill.facts.request
    told = " ".join([*(text for part in drill.sections.values() for name, text in part.items() if name != "explanation"),
                     *(request.told("fr").values() if request else ())])  # fmt: skip
    for host in re.findall(r"[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}", told):
        assert host.endswith((".test", ".invalid", ".pdf")), host
    for number in re.findall(r"\b0\d(?: \d\d){4}\b", told):
        assert number.startswith("01 99 00"), "numbers that the State keeps for stories"
    assert not re.search(r"https?://|ameli|e-CPS|Pro Santé Connect|Lucine|gouv", told, re.IGNORECASE)


@pytest.mark.parametrize("drill", DRILLS.values(), ids=lambda drill: drill.name)
def test_an_explanation_says_what_to_do_in_short_sentences(drill: Drill) -> None:
    for language, doing in (("fr", "**Que faire.**"), ("en", "**What to do.**")):
        assert doing in drill.plain(language, "explanation")
        text = " ".join([drill.plain(language, "situation"), drill.plain(language, "explanation")]).replace("**", "")
        sentences = [part.split() for part in re.split(r"[.?!…]\s", text) if part.strip()]
        assert max(map(len, sentences)) <= 20
        assert sum(map(len, sentences)) / len(sentences) <= 12


def test_a_drill_without_what_its_kind_shows_stops_the_program() -> None:
    for name, lacks in ((TRAP, {"request": None}), ("the-planned-stop", {"form": None}), (GENUINE, {"form": "sms"})):
        with pytest.raises(BadText, match=name):
            check(
                {
                    name: msgspec.structs.replace(
                        DRILLS[name], facts=msgspec.structs.replace(DRILLS[name].facts, **lacks)
                    )
                }
            )


# ---- The spacing ----


ANSWERS = st.lists(
    st.tuples(st.sampled_from(sorted(DRILLS)), st.sampled_from(["genuine", "trap"]), st.floats(0, 400)),
    unique_by=lambda one: one[0],
)


def history(answers: list[tuple[str, Answer, float]]) -> list[Done]:
    return sorted((Done(drill, said, days * DAY_SECONDS) for drill, said, days in answers), key=lambda one: one.at)


@given(answers=ANSWERS, holder=st.text(max_size=5))
def test_new_ones_first_then_the_missed_then_the_others_and_none_before_its_time(
    answers: list[tuple[str, Answer, float]], holder: str
) -> None:
    done, now = history(answers), 401.0 * DAY_SECONDS
    found = next_drill(done, now, rank_of(holder))
    answered = {one.drill: one for one in done}
    assert found == next_drill(done, now, rank_of(holder)), "no chance in it"
    if len(answered) < len(DRILLS):
        assert found not in answered
    elif found is None:
        assert all(due_at(one) > now for one in done)
    else:
        mine = answered[found]
        rests = RIGHT_RESTS_SECONDS if mine.answered == DRILLS[found].facts.right else WRONG_RESTS_SECONDS
        assert now - mine.at >= rests
        missed = [one for one in done if one.answered != DRILLS[one.drill].facts.right and due_at(one) <= now]
        assert not missed or mine in missed


@given(holder=st.text(max_size=8))
def test_kinds_alternate_and_nothing_comes_four_times_in_a_row(holder: str) -> None:
    done: list[Done] = []
    while (found := next_drill(done, 0.0, rank_of(holder))) is not None:
        done.append(Done(found, DRILLS[found].facts.right, 0.0))
    facts = [DRILLS[one.drill].facts for one in done]
    assert len(done) == len(DRILLS)
    # Towards the end only one kind may be left.
    assert all(one.kind != other.kind for one, other in itertools.pairwise(facts[:7]))
    runs = [facts[at : at + RUN_MAX + 1] for at in range(6)]
    assert all(len({one.genuine for one in run}) == 2 for run in runs)


def test_each_holder_has_an_order_of_her_own() -> None:
    firsts = {next_drill([], 0.0, rank_of(f"holder {number}")) for number in range(200)}
    assert firsts == set(DRILLS)


# ---- Through the doors ----


async def test_a_stranger_is_asked_to_sign_in_and_comes_back(small_world: World) -> None:
    for path in (PATH, f"{PATH}/{TRAP}", f"{PATH}/{TRAP}/answer"):
        answered = await small_world.browser().get(path)
        assert answered.status_code == 303
        assert answered.headers["location"].startswith("/start/")
    refused = await answer(small_world.desk(), TRAP, "trap")
    assert refused.status_code == 401


async def test_judge_and_be_told_why_at_once(small_world: World) -> None:
    desk = await at_home(small_world)
    first = await shown(desk)
    assert "Commencer" in first
    assert "data-drill=" not in first
    asked = await shown(desk, f"{PATH}/{TRAP}")
    assert "Se connecter à Dossiers Tamaris ?" in asked
    assert "Ce qui se passe sans doute" not in asked, "no explanation before an answer"
    done = await answer(desk, TRAP, "trap")
    assert (done.status_code, done.headers["location"]) == (303, f"{PATH}/{TRAP}/answer")
    why = await shown(desk, f"{PATH}/{TRAP}/answer")
    assert 'data-found="yes"' in why
    assert "Oui, c'était un piège" in why
    assert "Que faire." in why
    await answer(desk, GENUINE, "trap")
    missed = await shown(desk, f"{PATH}/{GENUINE}/answer")
    assert 'data-found="no"' in missed
    assert "Douter n'est jamais une faute" in missed


async def test_her_past_names_no_mistake(small_world: World) -> None:
    desk = await at_home(small_world)
    await answer(desk, TRAP, "genuine")
    small_world.clock.pass_by(60)
    await answer(desk, GENUINE, "genuine")
    past = await shown(desk)
    assert re.findall(r'<li [^>]*data-drill="([\w-]+)"', past) == [GENUINE, TRAP]
    assert "2 sur 12" in past
    assert not re.search(r"faux|erreur|score|point|bonne|mauvaise", past.replace("de faux message", ""))


async def test_each_drill_shows_in_both_languages(small_world: World) -> None:
    desk = await at_home(small_world)
    for name, drill in DRILLS.items():
        for language in ("fr", "en"):
            text = await shown(desk, f"{PATH}/{name}", language)
            assert drill.title(language).replace("’", "'").replace("\u00a0", " ") in text
            assert text.count('name="answer"') == 2


async def test_the_first_answer_stands_until_the_drill_is_due(world: World) -> None:
    """On her phone, which stays signed in all the while."""
    phone, clock, began = await world.phone("ana"), world.clock, world.clock.now

    async def judge(said: str) -> None:
        await phone.http.post(f"{PATH}/{TRAP}", data={"answer": said}, headers={"Origin": ORIGIN})

    async def state() -> str:
        got = await phone.http.get(f"{PATH}/{TRAP}", follow_redirects=True)
        return (re.findall(r'data-found="(\w+)"', got.text) or re.findall(r'data-state="(\w+)"', got.text))[0]

    assert await state() == "drill"
    await judge("genuine")
    await judge("trap")
    assert await state() == "no"
    clock.now = began + WRONG_RESTS_SECONDS - 1
    await judge("trap")
    assert await state() == "no"
    clock.now = began + WRONG_RESTS_SECONDS
    assert await state() == "drill"
    await judge("trap")
    assert await state() == "yes"
    clock.now += RIGHT_RESTS_SECONDS - 1
    await judge("genuine")
    assert await state() == "yes"
    clock.now += 1
    assert await state() == "drill"


async def test_all_twelve_then_rest(small_world: World) -> None:
    desk, seen = await at_home(small_world), []
    while found := re.search(r'data-next="([\w-]+)"', await shown(desk)):
        seen.append(found[1])
        await answer(desk, found[1], DRILLS[found[1]].facts.right)
    assert sorted(seen) == sorted(DRILLS)
    assert "Vous avez tout vu. Revenez vers le" in await shown(desk)


async def test_her_answers_are_nobody_elses(small_world: World) -> None:
    ana, bea = await at_home(small_world, "ana"), await at_home(small_world, "bea")
    await answer(ana, TRAP, "genuine")
    assert "data-drill=" not in await shown(bea)
    assert (await bea.http.get(f"{PATH}/{TRAP}/answer")).headers["location"] == f"{PATH}/{TRAP}"
    await answer(bea, TRAP, "trap")
    assert 'data-found="no"' in await shown(ana, f"{PATH}/{TRAP}/answer")


async def test_her_phone_alone_is_enough(small_world: World) -> None:
    phone = await small_world.phone("ana")
    assert (await phone.http.get(PATH)).status_code == 200
    done = await phone.http.post(f"{PATH}/{TRAP}", data={"answer": "trap"}, headers={"Origin": ORIGIN})
    assert done.status_code == 303


@pytest.mark.parametrize("said", ["", "TRAP", "yes", "trap\x00", "trap" * 9000, "<script>"])
async def test_any_other_answer_is_refused_and_kept_nowhere(small_world: World, said: str) -> None:
    desk = await at_home(small_world)
    assert (await answer(desk, TRAP, said)).status_code == 400
    assert await small_world.house.db.all("SELECT * FROM habits_drills") == []


@pytest.mark.parametrize("name", ["unknown", "..%2F..%2Fdrills", "quiet-evening.md", "%00", "é"])
async def test_a_drill_that_is_none_is_not_found(small_world: World, name: str) -> None:
    desk = await at_home(small_world)
    assert (await desk.http.get(f"{PATH}/{name}")).status_code == 404
    assert (await desk.http.get(f"{PATH}/{name}/answer")).status_code == 404
    assert (await answer(desk, name, "trap")).status_code == 404


async def test_another_site_cannot_answer_for_her(small_world: World) -> None:
    desk = await at_home(small_world)
    crossed = await desk.http.post(f"{PATH}/{TRAP}", data={"answer": "trap"}, headers={"Origin": "https://evil.test"})
    assert crossed.status_code == 403


async def test_no_drill_ever_sends_anything(small_world: World) -> None:
    """No notice, no push, no line that tells others how she did."""
    desk = await at_home(small_world)
    db = small_world.house.db
    before = [await db.all(f"SELECT * FROM {table}") for table in ("phone_notices", "safe_ledger")]
    for name in DRILLS:
        await shown(desk, f"{PATH}/{name}")
        await answer(desk, name, "trap")
        await shown(desk, f"{PATH}/{name}/answer")
    assert [await db.all(f"SELECT * FROM {table}") for table in ("phone_notices", "safe_ledger")] == before
