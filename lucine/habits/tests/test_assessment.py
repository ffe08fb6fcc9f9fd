"""Her self-assessment through the doors: asked a little each week, private to her, and a paper that tells all apart."""

import io
import re
from datetime import UTC, datetime
from typing import Any

import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucine.habits.assessment import (
    BAND_PEOPLE_MIN,
    BANDS,
    QUESTIONS,
    QUESTIONS_MAX_PER_WEEK,
    assess,
    bands,
    forget_old_scores,
    hide,
    scores_of,
    week_of,
)
from lucine.habits.habits_pages import CURVE_HEIGHT, CURVE_WIDTH, curve_of
from tests.world import ORIGIN, Desk, Phone, World

DAY = 86400
WEEK = 7 * DAY
FROM_HERE = {"Origin": ORIGIN}
HEAVIEST = ["codes-kept-secret", "daily-backup", "own-account"]  # never asked, of weight 5, by name


class Shown:
    """A page, as a reader of it sees it."""

    def __init__(self, text: str) -> None:
        self.html = text
        self.text = " ".join(text.replace("’", "'").replace("&#39;", "'").replace("\u00a0", " ").split())

    @property
    def score(self) -> int:
        return int(re.search(r'data-score="(\d+)"', self.html)[1])  # type: ignore[index]

    @property
    def asked(self) -> str | None:
        found = re.search(r'id="week".*?<form class="answers"[^>]* data-question="([\w-]+)"', self.html, re.S)
        return found[1] if found else None

    @property
    def acts(self) -> list[str]:
        return re.findall(r'data-act="([\w-]+)"', self.html)

    def question(self, name: str) -> str:
        """What the page of all questions says of one."""
        found = re.search(rf'<li class="question" id="q-{name}".*?</li>', self.text)
        assert found
        return found[0]

    def known(self, question: str) -> tuple[str, str]:
        found = re.search(rf'data-question="{question}" data-answer="(\w*)" data-how="(\w*)"', self.html)
        assert found
        return found[1], found[2]


async def with_phone(world: World, person: str = "ana") -> tuple[Desk, Phone]:
    """She has signed in at a desk; her phone is known much longer than that session."""
    desk, phone = world.desk(), await world.phone(person)
    await world.sign_in(desk, phone, await world.service(person))
    return desk, phone


async def at_home(world: World, person: str = "ana") -> Desk:
    return (await with_phone(world, person))[0]


async def see(desk: Desk | Phone, path: str = "/habits", **query: str) -> Shown:
    got = await desk.http.get(path, params={"ui_locales": "fr", **query})
    assert got.status_code == 200, got.text
    return Shown(got.text)


async def say(desk: Desk | Phone, question: str, answer: str, **more: str) -> Any:
    return await desk.http.post(
        "/habits/answers", data={"question": question, "answer": answer, **more}, headers=FROM_HERE
    )


async def kept(world: World, person: str = "ana") -> dict[str, str]:
    rows = await world.house.db.all(
        "SELECT question, answer FROM habits_answers WHERE holder = :holder", holder=await world.holder(person)
    )
    return {row["question"]: row["answer"] for row in rows}


async def answer_all(desk: Desk, answer: str = "yes") -> None:
    for name, text in QUESTIONS.items():
        if text.facts.measured != "connect":
            assert (await say(desk, name, answer, back="questions")).status_code == 303


# ---- Asking ----


async def test_three_questions_a_week_the_heaviest_first(small_world: World) -> None:
    desk, phone = await with_phone(small_world)
    for place, expected in enumerate(HEAVIEST, start=1):
        page = await see(desk)
        assert page.asked == expected
        assert f"question {place} sur {QUESTIONS_MAX_PER_WEEK}" in page.text
        done = await say(desk, expected, "yes")
        assert (done.status_code, done.headers["location"]) == (303, "/habits?done=answer#week")
    page = await see(desk)
    assert page.asked is None
    assert "À la semaine prochaine" in page.text
    assert 'href="/habits/questions"' in page.text, "she may go on"
    small_world.clock.pass_by(WEEK)
    assert (await see(phone)).asked not in (None, *HEAVIEST)


async def test_whoever_wants_to_goes_on(small_world: World) -> None:
    desk = await at_home(small_world)
    await answer_all(desk)
    page = await see(desk)
    assert page.asked is None
    assert "À la semaine prochaine" in page.text, "what Connect cannot see yet is left to ask"
    assert page.score > 60


async def test_after_an_answer_she_is_back_at_that_question(small_world: World) -> None:
    desk = await at_home(small_world)
    done = await say(desk, "wifi", "no", back="questions")
    assert done.headers["location"] == "/habits/questions?done=wifi#q-wifi"
    page = await see(desk, "/habits/questions", done="wifi")
    assert 'id="q-wifi" tabindex="-1"' in page.html, "what is read and typed goes on from there"
    assert "C'est noté, merci." in page.question("wifi")
    assert page.text.count("C'est noté, merci.") == 1
    ids = re.findall(r' id="(q-[\w-]+)"', page.html)
    assert sorted(ids) == sorted(f"q-{name}" for name in QUESTIONS)
    for hostile in ("nothing", '"><script>', "x" * 300):
        page = await see(desk, "/habits/questions", done=hostile)
        assert "C'est noté" not in page.text
        assert '"><script>' not in page.html


async def test_a_new_week_begins_on_monday_in_paris(small_world: World) -> None:
    small_world.clock.now = datetime(2026, 11, 29, 22, 0, tzinfo=UTC).timestamp()  # Sunday, 23:00 in Paris
    desk, phone = await with_phone(small_world)
    for question in HEAVIEST:
        await say(desk, question, "no")
    small_world.clock.pass_by(59 * 60)
    assert (await see(phone)).asked is None
    small_world.clock.pass_by(2 * 60)
    assert (await see(phone)).asked is not None


async def test_what_has_grown_old_is_asked_again(small_world: World) -> None:
    desk, phone = await with_phone(small_world)
    await answer_all(desk)
    small_world.clock.pass_by(92 * DAY)
    asked = []
    for later in ("À la semaine prochaine", "Rien à vous demander cette semaine"):
        while question := (await see(phone)).asked:
            asked.append(question)
            await say(phone, question, "yes")
        assert later in (await see(phone)).text, "as long as one that has grown old waits"
        small_world.clock.pass_by(WEEK)
    never = [name for name in asked if QUESTIONS[name].facts.measured == "connect"]
    assert sorted(never) == ["phone-system", "sessions-closed"], "nothing of it can be seen any more"
    assert asked == [*never, "daily-backup", "computer-updates"], "three, and a week later what is worth half"


# ---- The score ----


async def test_not_to_know_changes_nothing_and_a_yes_helps(small_world: World) -> None:
    desk = await at_home(small_world)
    before = (await see(desk)).score
    await say(desk, "own-passwords", "unknown")
    assert (await see(desk)).score == before
    await say(desk, "own-passwords", "yes")
    better = (await see(desk)).score
    assert better > before
    await say(desk, "own-passwords", "partly")
    assert before < (await see(desk)).score < better
    assert await kept(small_world) == {"own-passwords": "partly"}, "the latest word counts"


async def test_a_missing_indispensable_habit_caps_the_whole(small_world: World) -> None:
    desk = await at_home(small_world)
    await answer_all(desk)
    full = (await see(desk)).score
    await say(desk, "daily-backup", "no")
    whole = sum(text.facts.weight for text in QUESTIONS.values() if text.facts.indispensable)
    capped = (await see(desk)).score
    assert capped < full
    assert capped <= 100 * (1 - QUESTIONS["daily-backup"].facts.weight / whole)


async def test_declared_answers_fade(small_world: World) -> None:
    await answer_all(await at_home(small_world))
    holder, house = await small_world.holder("ana"), small_world.house

    async def now() -> int:
        return (await assess(house.db, small_world.clock.now, house.keys, holder=holder)).score

    fresh = await now()
    small_world.clock.pass_by(60 * DAY)
    assert await now() < fresh


async def test_what_does_not_concern_her_is_left_out(small_world: World) -> None:
    desk = await at_home(small_world)
    before = (await see(desk)).score
    assert (await say(desk, "own-account", "not_concerned")).status_code == 303
    assert (await see(desk)).score > before
    assert (await see(desk, "/habits/questions")).known("own-account") == ("not_concerned", "declared")


async def test_what_is_seen_is_told_apart_from_what_is_said(small_world: World) -> None:
    desk = await at_home(small_world)
    await say(desk, "own-passwords", "yes")
    page = await see(desk, "/habits/questions")
    assert page.known("second-way") == ("no", "measured")
    assert page.known("own-passwords") == ("yes", "declared")
    assert page.known("phone-system") == ("", "")
    shares = re.findall(r"<strong>(\d+) %</strong> (vu par Lucine|selon vous|pas encore connu)", (await see(desk)).text)
    assert [words for _, words in shares] == ["vu par Lucine", "selon vous", "pas encore connu"]
    assert sum(int(percent) for percent, _ in shares) == 100
    assert all(int(percent) > 0 for percent, _ in shares)


async def test_nobody_answers_for_what_is_seen(small_world: World) -> None:
    desk = await at_home(small_world)
    before = (await see(desk)).score
    assert (await say(desk, "second-way", "yes")).status_code == 409
    assert await kept(small_world) == {}
    assert (await see(desk)).score == before


async def test_what_cannot_be_seen_she_may_say(small_world: World) -> None:
    desk = await at_home(small_world)
    assert (await say(desk, "phone-system", "yes")).status_code == 303
    assert (await see(desk, "/habits/questions")).known("phone-system") == ("yes", "declared")


async def test_first_what_protects_most_for_a_minute(small_world: World) -> None:
    desk = await at_home(small_world)
    await say(desk, "own-passwords", "no")
    await say(desk, "computer-lock", "no")
    page = await see(desk)
    assert len(page.acts) == 3
    assert page.acts[0] == "second-way", "the indispensable one that takes ten minutes, not an hour"
    assert 'href="/security#phones"' in page.html
    await say(desk, "computer-lock", "yes")
    assert "computer-lock" not in (await see(desk)).acts


async def test_what_she_cannot_put_right_today_is_not_asked_of_her(small_world: World) -> None:
    _, phone = await with_phone(small_world)
    past = (await phone.get("history")).json()["history"]
    assert (await phone.post(f"history/{past[0]['ask']}/not-me")).status_code == 200
    assert (await small_world.bare_phone().enrol(await small_world.voucher("ana", "codes"))).status_code == 200
    page = await see(phone)
    assert page.acts
    assert not {"own-approvals", "waiting-phone"} & set(page.acts)
    page = await see(phone, "/habits/questions")
    for name, answer, link in (("own-approvals", "partly", ""), ("waiting-phone", "no", "/security#phones")):
        assert page.known(name) == (answer, "measured")
        told = page.question(name)
        assert "Ces points reviendront : vous n'avez rien à rattraper." in told
        assert re.findall(r'href="(/[^"]*)"', told) == ([link] if link else [])
    assert "reviendront" not in page.question("second-way"), "that she can do now"


async def test_an_act_can_be_said_done(small_world: World) -> None:
    desk = await at_home(small_world)
    await say(desk, "codes-kept-secret", "no")
    page = await see(desk)
    assert page.acts[0] == "codes-kept-secret"
    form = re.search(r'data-act="codes-kept-secret".*?<form.*?</form>', page.html, re.S)
    assert form
    assert 'name="answer" value="yes"' in form[0]


# ---- Week after week ----


def test_weeks_are_those_of_paris() -> None:
    at = lambda *when: week_of(datetime(*when, tzinfo=UTC).timestamp())  # noqa: E731
    assert at(2026, 11, 25) == "2026-W48"
    assert at(2026, 11, 29, 22, 59) == "2026-W48"
    assert at(2026, 11, 29, 23, 1) == "2026-W49"
    assert at(2027, 1, 1) == "2026-W53"
    assert at(2027, 1, 4) == "2027-W01"


@given(st.integers(1_600_000_000, 2_200_000_000), st.integers(0, 3_000))
def test_weeks_sort_as_time_does(now: int, days: int) -> None:
    assert week_of(now) <= week_of(now + days * DAY)
    assert week_of(now) < week_of(now + 8 * DAY)


async def test_a_score_a_week_and_a_curve_from_the_second(world: World) -> None:
    desk, phone = await with_phone(world)
    holder = await world.holder("ana")
    early = await see(desk)
    assert "Votre courbe commencera avec votre score." in early.text
    assert "sur 100" not in early.text.split("Par thème")[0], "it would tell what was not asked yet"
    assert await scores_of(world.house.db, world.clock.now, holder=holder, weeks=4) == []
    await answer_all(desk)
    assert "Votre courbe commencera la semaine prochaine." in (await see(desk)).text
    for name in ("codes-kept-secret", "own-account"):
        await say(desk, name, "no")
    second = (await see(desk)).score
    assert await scores_of(world.house.db, world.clock.now, holder=holder, weeks=4) == [
        (week_of(world.clock.now), second)
    ]
    world.clock.pass_by(2 * WEEK)
    await say(phone, "own-account", "yes")
    page = await see(phone)
    assert f"Score, semaine après semaine : {second}, {page.score}" in page.text
    assert f"{page.score - second} points de plus que la semaine du" in page.text
    assert [score for _, score in await scores_of(world.house.db, world.clock.now, holder=holder, weeks=4)] == [
        second, page.score
    ]  # fmt: skip
    assert await scores_of(world.house.db, world.clock.now, holder=holder, weeks=1) == [
        (week_of(world.clock.now), page.score)
    ]


async def test_scores_go_after_two_years(world: World) -> None:
    phone = await world.phone("ana")
    await answer_all(phone)
    holder, house = await world.holder("ana"), world.house
    world.clock.pass_by(364 * DAY)
    await see(phone)
    for days, left in ((365, 2), (8, 1), (400, 0)):
        world.clock.pass_by(days * DAY)
        assert not await forget_old_scores(house, world.clock.now)
        assert len(await scores_of(house.db, world.clock.now, holder=holder, weeks=200)) == left


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 100)), unique_by=lambda one: one[0], max_size=30))
def test_a_curve_stays_in_its_frame_and_says_its_numbers(weeks: list[tuple[int, int]]) -> None:
    start = datetime(2026, 1, 5, tzinfo=UTC).timestamp()
    scores = [(week_of(start + week * WEEK), score) for week, score in sorted(weeks)]
    curve = curve_of(scores, "fr")
    if len(scores) < 2:
        assert curve is None
        return
    assert curve is not None
    assert curve.scores == [score for _, score in scores]
    points = [tuple(map(float, point.split(","))) for point in curve.points.split()]
    assert points == sorted(points, key=lambda point: point[0])
    assert all(0 <= x <= CURVE_WIDTH and 0 <= y <= CURVE_HEIGHT for x, y in points)
    assert points[-1] == (curve.x, curve.y)
    for (_, y), (_, other_y), score, other in zip(points, points[1:], curve.scores, curve.scores[1:], strict=False):
        assert (y > other_y) == (score < other), "a better week stands higher"


# ---- Hers alone ----


@pytest.mark.parametrize("path", ["/habits", "/habits/questions", "/habits/report.pdf"])
async def test_a_stranger_is_asked_to_sign_in(small_world: World, path: str) -> None:
    got = await small_world.browser().get(path)
    assert got.status_code == 303
    assert got.headers["location"].startswith("/start/")


async def test_a_stranger_answers_nothing(small_world: World) -> None:
    refused = await small_world.browser().post(
        "/habits/answers", data={"question": "wifi", "answer": "yes"}, headers=FROM_HERE
    )
    assert refused.status_code == 401
    assert await small_world.house.db.all("SELECT * FROM habits_answers") == []


async def test_nobody_sees_what_another_said(small_world: World) -> None:
    ana, carl = await at_home(small_world), await at_home(small_world, "carl")
    await say(ana, "own-passwords", "yes")
    assert (await see(carl, "/habits/questions")).known("own-passwords") == ("", "")
    assert await kept(small_world, "carl") == {}
    await say(carl, "own-passwords", "no")
    assert await kept(small_world) == {"own-passwords": "yes"}
    assert "AURORETEST" not in (await see(carl)).text


async def test_her_phone_alone_will_do(small_world: World) -> None:
    phone = await small_world.phone("ana")
    got = await phone.http.get("/habits")
    assert got.status_code == 200
    said = await phone.http.post("/habits/answers", data={"question": "wifi", "answer": "yes"}, headers=FROM_HERE)
    assert said.status_code == 303
    assert await kept(small_world) == {"wifi": "yes"}


async def test_the_ledger_knows_nothing_of_what_she_says(small_world: World) -> None:
    desk, db = await at_home(small_world), small_world.house.db
    lines = await db.one("SELECT COUNT(*) AS lines FROM safe_ledger")
    await say(desk, "own-passwords", "no")
    await see(desk)
    assert await db.one("SELECT COUNT(*) AS lines FROM safe_ledger") == lines


@pytest.mark.parametrize(
    "form",
    [
        {}, {"question": "wifi"}, {"answer": "yes"}, {"question": "wifi", "answer": "maybe"},
        {"question": "../wifi", "answer": "yes"}, {"question": "x" * 5000, "answer": "yes"},
        {"question": "wifi", "answer": "y" * 5000}, {"question": "daily-backup", "answer": "not_concerned"},
        {"question": "wifi", "answer": "yes", "back": "//evil.test"}, {"question": "wifi\x00", "answer": "yes"},
        {"question": "wifi", "answer": ["yes", "no"]}, {"question": "'; DROP TABLE habits_answers; --", "answer": "yes"},
    ],
)  # fmt: skip
async def test_a_hostile_answer_is_refused_and_nothing_is_kept(small_world: World, form: dict[str, Any]) -> None:
    desk = await at_home(small_world)
    refused = await desk.http.post("/habits/answers", data=form, headers=FROM_HERE)
    assert refused.status_code == 400
    assert await kept(small_world) == {}


async def test_another_site_answers_nothing(small_world: World) -> None:
    desk = await at_home(small_world)
    for headers in ({}, {"Origin": "https://evil.test"}):
        sent = await desk.http.post("/habits/answers", data={"question": "wifi", "answer": "yes"}, headers=headers)
        assert sent.status_code == 403
    assert await kept(small_world) == {}


# ---- The paper ----


def words_of(paper: pypdf.PdfReader) -> str:
    text = " ".join(" ".join(page.extract_text() for page in paper.pages).replace("’", "'").split())
    return text.replace("\u00a0", " ")


async def test_what_is_not_assessed_yet_is_called_so_everywhere(small_world: World) -> None:
    desk = await at_home(small_world)

    async def paper() -> str:
        got = await desk.http.get("/habits/report.pdf", params={"ui_locales": "fr"})
        return words_of(pypdf.PdfReader(io.BytesIO(got.content)))

    def of_theme(page: Shown, end: str) -> str:
        return re.search(rf'(?:data-theme="backups"|id="backups").*?{end}', page.text)[0]  # type: ignore[index]

    for said, wanted, unwanted in (
        (False, "Pas encore évalué", "sur 100"),
        (True, "sur 100", "Pas encore évalué"),
    ):
        if said:
            await answer_all(desk)
        page = await see(desk)
        for told in (of_theme(page, "</li>"), of_theme(await see(desk, "/habits/questions"), "<ul")):
            assert wanted in told
            assert unwanted not in told
        text = await paper()
        theme = "Sauvegardes et mises à jour : "
        assert f"{theme}100 sur 100" in text if said else f"{theme}pas encore évalué" in text
        assert ("moins de la moitié des habitudes est connue" in text) is not said
        assert bool(re.search(rf"\bScore\W+{page.score} sur 100", text)) is said
        assert ("moins de la moitié de vos habitudes est connue" in page.text) is not said


async def test_the_paper_is_tagged_and_tells_all_apart(small_world: World) -> None:
    desk = await at_home(small_world)
    await answer_all(desk)
    await say(desk, "own-passwords", "partly")
    score = (await see(desk)).score
    for language, words in (
        ("fr", (f"{score} sur 100", "pas un certificat", "Non. Mesuré par Lucine.", "En partie. Déclaré aujourd'hui.",
                "Pas encore de réponse.", "Données des patientes")),
        ("en", ("Ana MERIDIENTEST",)),
    ):  # fmt: skip
        got = await desk.http.get("/habits/report.pdf", params={"ui_locales": language})
        assert got.status_code == 200
        assert got.headers["content-type"] == "application/pdf"
        assert got.headers["content-disposition"].startswith("attachment;")
        assert got.headers["cache-control"] == "no-store"
        paper = pypdf.PdfReader(io.BytesIO(got.content))
        root = paper.trailer["/Root"]
        assert root["/MarkInfo"]["/Marked"]
        assert root["/StructTreeRoot"]
        assert root["/Lang"].startswith(language)
        for said in ("Ana MERIDIENTEST", *words):
            assert said.replace("\u00a0", " ") in words_of(paper)


# ---- For the operator ----


@given(st.lists(st.integers(0, 40), min_size=len(BANDS), max_size=len(BANDS)), st.data())
def test_what_is_hidden_cannot_be_found_out(counts: list[int], data: Any) -> None:
    """Whatever the hidden bands really hold, below ten, the operator sees the same."""
    shown = hide(counts)
    others = [count if count >= BAND_PEOPLE_MIN else data.draw(st.integers(0, BAND_PEOPLE_MIN - 1)) for count in counts]
    assert hide(others) == shown
    for name, count in zip(BANDS, counts, strict=True):
        assert shown[name] == (count if count >= BAND_PEOPLE_MIN else None)


async def test_bands_count_each_person_once_by_her_latest_score(world: World) -> None:
    db, now = world.house.db, world.clock.now
    nothing = dict.fromkeys(BANDS)
    assert await bands(db, now) == nothing
    people = {"0-39": (12, 39), "40-69": (10, 40), "70-100": (11, 100)}
    async with db.transaction() as act:
        for name, (many, score) in people.items():
            for who in range(many):
                for weeks, worth in ((0, score), (3, 100 - score)):
                    await act.run(
                        "INSERT INTO habits_scores (holder, week, score) VALUES (:who, :week, :score)",
                        who=f"{name}/{who}", week=week_of(now - weeks * WEEK), score=worth,
                    )  # fmt: skip
        await act.run(
            "INSERT INTO habits_scores (holder, week, score) VALUES ('long ago', :week, 50)",
            week=week_of(now - 120 * DAY),
        )  # fmt: skip
    assert await bands(db, now) == {"0-39": 12, "40-69": 10, "70-100": 11}
    async with db.transaction() as act:
        await act.run("DELETE FROM habits_scores WHERE holder = '40-69/0'")
    assert await bands(db, now) == {"0-39": 12, "40-69": None, "70-100": 11}
    assert await bands(db, now + 120 * DAY) == nothing
