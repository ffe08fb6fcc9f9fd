"""The advice cards: what each must have, and which one is shown when. What calls for them: test_triggers.py."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucine.habits.cards import CARDS, QUIET_SECONDS, REST_SECONDS, SECTIONS, CardFacts, Kept, choose, in_order
from lucine.habits.systems import SYSTEMS
from lucine.habits.texts import BadText, Text
from lucine.habits.triggers import TRIGGERS, Trigger
from lucine.web.languages import LANGUAGES
from tests import french
from tests.world import ORIGIN, Desk, World

from .kit import at_home, card_on, close, settle, shown_on, try_number, with_two_phones

DAY = 86400
TODAY = datetime.now(UTC).date()
OFFICIAL = (
    "cyber.gouv.fr", "cnil.fr", "esante.gouv.fr", "cybermalveillance.gouv.fr", "17cyber.gouv.fr",
    "ordre-sages-femmes.fr", "ordre.pharmacien.fr",
)  # fmt: skip
WORDS_MAX = 75  # what is read in 20 seconds, at 225 words a minute
NAMES = {
    "refused", "tried", "new-phone", "quarantine", "shared-computer", "weak-recovery", "codes-read-out", "lost-phone",
    "false-agent", "stolen-bag", "substitute-leaves", "old-phone",
}  # fmt: skip
URGENT = {name for name, text in CARDS.items() if text.facts.urgent}
TEMPLATES = Path(__file__).parent.parent / "templates"


# ---- The texts ----


def test_the_promised_cards_are_there() -> None:
    assert set(CARDS) == NAMES
    assert {"quarantine", "codes-read-out", "false-agent", "stolen-bag"} == URGENT


@pytest.mark.parametrize("text", CARDS.values(), ids=lambda text: text.name)
def test_each_card_rests_on_an_official_text(text: Text[CardFacts]) -> None:
    where = urlsplit(text.facts.url)
    assert where.scheme == "https"
    assert any(where.hostname == host or str(where.hostname).endswith(f".{host}") for host in OFFICIAL)
    assert len(text.facts.source) > 3


@pytest.mark.parametrize("text", CARDS.values(), ids=lambda text: text.name)
def test_each_card_was_read_again_within_a_year(text: Text[CardFacts]) -> None:
    facts = text.facts
    assert facts.reviewed <= TODAY
    assert facts.review_by >= TODAY, f"{text.name}.md: read it against {facts.url} again, then move both dates"
    assert facts.review_by - facts.reviewed <= timedelta(days=366)


def test_the_systems_were_read_again() -> None:
    assert SYSTEMS.reviewed <= TODAY <= SYSTEMS.review_by, "data/systems.json: read its sources again"
    assert SYSTEMS.review_by - SYSTEMS.reviewed <= timedelta(days=366)
    assert all(one.source.startswith("https://") and one.oldest > 1 for one in (SYSTEMS.android, SYSTEMS.ios))


@pytest.mark.parametrize("text", CARDS.values(), ids=lambda text: text.name)
def test_each_card_is_read_in_twenty_seconds_in_both_languages(text: Text[CardFacts]) -> None:
    for language in LANGUAGES:
        assert set(text.sections[language]) == SECTIONS
        whole = [text.titles[language], *text.sections[language].values()]
        assert sum(len(french.words(part)) for part in whole) <= WORDS_MAX
        assert all(french.plain(part) == part and "\n" not in part for part in whole), "a card is plain text"
        assert len(text.titles[language]) <= 48


@pytest.mark.parametrize("text", CARDS.values(), ids=lambda text: text.name)
def test_why_speaks_of_people_in_general_not_of_somebody_who_is_at_it_now(text: Text[CardFacts]) -> None:
    """ "A thief tries to add his phone", read a moment after she added hers, is an alarm."""
    at_work = {
        "fr": r"(?i)\b(un|le) (voleur|pirate|faux agent|faux) (?!peut)",
        "en": r"(?i)\b(a|the) (thief|pirate|false agent|false one) (?!can|in,)",
    }
    for language, pattern in at_work.items():
        assert not re.search(pattern, text.plain(language, "why"))


def test_each_card_has_a_drawing() -> None:
    drawn = re.findall(r'^  "([\w-]+)": ', (TEMPLATES / "card.html").read_text(), re.M)
    assert set(drawn) == NAMES


def test_every_trigger_is_wired_to_one_card_and_every_card_to_one_trigger() -> None:
    assert list(TRIGGERS) == list(get_args(Trigger))
    assert [text.facts.trigger for text in CARDS.values()] == list(TRIGGERS)
    with pytest.raises(BadText):
        in_order({name: text for name, text in CARDS.items() if name != "tried"})
    twice = msgspec.structs.replace(CARDS["tried"], name="again")
    with pytest.raises(BadText):
        in_order({**CARDS, "again": twice})


def test_a_card_with_a_wrong_head_stops_the_program() -> None:
    good = {"trigger": "phone_lost", "urgent": False, "source": "s", "url": "u", "reviewed": date(2026, 1, 1),
            "review_by": date(2027, 1, 1)}  # fmt: skip
    assert msgspec.convert(good, CardFacts).trigger == "phone_lost"
    for bad in ({**good, "trigger": "full_moon"}, {**good, "sauce": 1}, {k: good[k] for k in good if k != "source"}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(bad, CardFacts)


# ---- The choice: a pure rule ----

TIMES = st.floats(0, 100 * DAY)
SOME = st.sampled_from(sorted(NAMES))


@st.composite
def states(draw: Any) -> tuple[float, dict[str, float], dict[str, Kept]]:
    now = draw(TIMES)
    past = st.floats(0, now)
    happened = draw(st.dictionaries(SOME, past))
    kept = draw(st.dictionaries(SOME, st.builds(Kept, past, st.none() | past)))
    return now, happened, kept


@given(states())
def test_only_a_card_whose_trigger_holds_is_chosen_and_urgent_ones_first(state: Any) -> None:
    now, happened, kept = state
    chosen = choose(now, happened, kept)
    if chosen is None:
        assert not [name for name in happened if name not in kept and name in URGENT]
        return
    assert chosen in happened
    if chosen not in URGENT:
        assert not any(choose(now, {name: happened[name]}, kept) for name in URGENT & set(happened))


@given(states())
def test_no_advice_comes_twice_in_a_month_and_nothing_urgent_unless_it_happened_anew(state: Any) -> None:
    now, happened, kept = state
    chosen = choose(now, happened, kept)
    closed_at = kept[chosen].closed_at if chosen in kept else None
    if chosen is not None and closed_at is not None and now < closed_at + QUIET_SECONDS:
        assert chosen in URGENT
        assert happened[chosen] > closed_at


@given(states())
def test_what_lies_open_stays_until_it_is_closed_or_over(state: Any) -> None:
    now, happened, kept = state
    chosen = choose(now, happened, kept)
    if chosen is None:
        return
    later = {**kept, chosen: Kept(shown_at=now + 1, closed_at=None)}
    alike = URGENT if chosen in URGENT else NAMES - URGENT
    assert choose(now + 1, dict.fromkeys(alike, now), later) == chosen
    assert choose(now + 1, {}, later) is None


@given(states())
def test_closing_brings_no_other_advice_before_a_day_has_passed(state: Any) -> None:
    now, happened, kept = state
    all_closed = {name: Kept(one.shown_at, now) for name, one in kept.items()} | {"tried": Kept(0.0, now)}
    chosen = choose(now + REST_SECONDS - 1, happened, all_closed)
    assert chosen is None or chosen in URGENT


# ---- On her pages ----


async def test_one_card_at_a_time_the_same_on_her_page_and_on_her_phone(small_world: World) -> None:
    desk, phone, _ = await with_two_phones(small_world)
    await try_number(small_world)
    page = (await desk.http.get("/security")).text
    assert re.findall(r'data-card="([\w-]+)"', page) == ["new-phone"], "the tries are due too, and wait"
    assert (await card_on(phone))["name"] == "new-phone"
    assert page.index('data-card="new-phone"') < page.index('id="number"')


async def test_a_card_says_what_happened_what_to_do_what_is_done_and_why_with_its_source(small_world: World) -> None:
    desk, phone, _ = await with_two_phones(small_world)
    for language, now, day in (
        ("fr", "C’est le vôtre", "25 novembre 2026"),
        ("en", "Is it yours", "November 25, 2026"),
    ):
        page = (await desk.http.get("/security", params={"ui_locales": language})).text
        found = re.search(r'<section class="card advice".*?</section>', page, re.S)
        assert found
        assert found[0].count("<dt>") == 4
        assert now in found[0]
        if language == "fr":
            assert day in found[0]
            assert "Conseil" in found[0]
        assert f'href="{CARDS["new-phone"].facts.url}"' in found[0]
        assert "Urgent" not in found[0]
    phone.http.cookies.set("__Host-language", "en", domain="connect.test", path="/")
    told = await card_on(phone)
    assert set(told) == {"name", "title", "urgent", "happened", "now", "done", "why", "source", "url", "reviewed"}
    assert told["title"] == "One more phone in your name"
    assert told["reviewed"] == "25 November 2026" or told["reviewed"] == "November 25 2026"


async def test_what_is_urgent_says_so_in_a_word(small_world: World) -> None:
    desk, phone, _ = await at_home(small_world)
    await phone.post("fallback")
    page = (await desk.http.get("/security")).text
    assert 'data-card="false-agent" data-urgent="yes"' in page
    assert '<p class="tag">Urgent</p>' in page


async def test_a_closed_card_stays_closed_for_a_month(small_world: World) -> None:
    world = small_world
    _, phone, _ = await at_home(world)
    await settle(phone)
    seen = []
    for day in range(1, 40):
        world.clock.pass_by(DAY)
        await try_number(world)
        card = await card_on(phone)
        if card and card["name"] == "tried":
            seen.append(day)
        if card:
            await close(phone, card["name"])
    assert seen == [1, 31]


async def test_an_urgent_card_comes_back_when_it_happens_anew_only(world: World) -> None:
    _, phone, _ = await at_home(world)
    await phone.post("fallback")
    assert await shown_on(phone) == "false-agent"
    await close(phone, "false-agent")
    world.clock.pass_by(60)
    assert await shown_on(phone) != "false-agent"
    await phone.http.delete("/phone/api/fallback", headers={"Origin": ORIGIN})
    world.clock.pass_by(60)
    await phone.post("fallback")
    assert await shown_on(phone) == "false-agent"


async def test_advice_that_lies_open_stays_gives_way_to_danger_and_is_back_after_it(world: World) -> None:
    _, phone, _ = await with_two_phones(world)
    assert await shown_on(phone) == "new-phone"
    world.clock.pass_by(60)
    await try_number(world)
    assert await shown_on(phone) == "new-phone"
    await phone.post("fallback")
    assert await shown_on(phone) == "false-agent"
    await close(phone, "false-agent")
    assert await shown_on(phone) == "new-phone"
    world.clock.pass_by(7 * DAY + 1)
    assert await shown_on(phone) not in ("new-phone", "false-agent"), "what it was about is over"


async def test_what_is_urgent_is_closed_where_she_read_it_and_advice_everywhere(world: World) -> None:
    """Who sits in a session of hers must not take a warning off her phone; nor a thief with the phone, off her desk."""
    desk, phone, _ = await at_home(world)

    async def on_desk() -> list[str]:
        return re.findall(r'data-card="([\w-]+)"', (await desk.http.get("/security")).text)

    async def close_on_desk(card: str) -> None:
        sent = await desk.http.post(
            f"/habits/cards/{card}/close", data={"back": "/security"}, headers={"Origin": ORIGIN}
        )
        assert sent.status_code == 303

    assert await on_desk() == [await shown_on(phone)] == ["weak-recovery"]
    await close_on_desk("weak-recovery")
    assert await on_desk() == []
    assert await shown_on(phone) is None, "advice that was closed at the desk is closed on the phone too"

    world.clock.pass_by(60)
    await phone.post("fallback")
    assert await on_desk() == [await shown_on(phone)] == ["false-agent"]
    await close_on_desk("false-agent")
    assert await on_desk() == []
    assert await shown_on(phone) == "false-agent", "closed at a desk, it still stands on the phone"
    await close(phone, "false-agent")
    assert await shown_on(phone) is None

    await phone.http.delete("/phone/api/fallback", headers={"Origin": ORIGIN})
    world.clock.pass_by(60)
    await phone.post("fallback")
    assert await on_desk() == [await shown_on(phone)] == ["false-agent"]
    await close(phone, "false-agent")
    assert await shown_on(phone) is None
    assert await on_desk() == ["false-agent"], "closed on the phone, it still stands at the desk"


async def test_closing_on_her_page_leads_back_to_a_page_of_ours(small_world: World) -> None:
    desk, phone, _ = await with_two_phones(small_world)
    assert await shown_on(phone) == "new-phone"

    async def send(body: dict[str, str], origin: str = ORIGIN, desk: Desk = desk) -> tuple[int, str]:
        answer = await desk.http.post("/habits/cards/new-phone/close", data=body, headers={"Origin": origin})
        return answer.status_code, answer.headers.get("location", "")

    assert await send({"back": "/security"}, origin="https://evil.test") == (403, "")
    assert await shown_on(phone) == "new-phone"
    assert await send({"back": "/security"}) == (303, "/security")
    assert await shown_on(phone) is None
    for back in ("https://evil.test", "//evil.test", "/security/again", "/nowhere", ""):
        assert await send({"back": back}) == (303, "/habits")
    assert await send({"other": "thing"}) == (303, "/habits")
    assert await send({}) == (400, ""), "not a form"


async def test_nobody_closes_the_card_of_another(small_world: World) -> None:
    world = small_world
    ana, bea = await world.phone("ana"), await world.phone("bea")
    assert await shown_on(ana) == await shown_on(bea) == "weak-recovery"
    await close(bea, "weak-recovery")
    assert await shown_on(ana) == "weak-recovery"
    stranger = world.bare_phone()
    answer = await stranger.http.post("/habits/card/weak-recovery/close", json={}, headers={"Origin": ORIGIN})
    assert answer.status_code == 401
    answer = await stranger.http.post(
        "/habits/cards/weak-recovery/close", data={"back": "/habits"}, headers={"Origin": ORIGIN}
    )
    assert answer.status_code == 401
    assert await shown_on(ana) == "weak-recovery"


async def test_a_card_that_is_not_there_or_not_open_cannot_be_closed(small_world: World) -> None:
    _, phone, _ = await with_two_phones(small_world)
    for name in ("nothing", "..", "new-phone%00", "x" * 300):
        answer = await phone.http.post(f"/habits/card/{name}/close", json={}, headers={"Origin": ORIGIN})
        assert answer.status_code == 404, name
    await close(phone, "tried")
    row = await small_world.house.db.one("SELECT COUNT(*) AS cards FROM habits_cards")
    assert row
    assert row["cards"] == 0
    await try_number(small_world)
    await settle(phone, "new-phone")
    small_world.clock.pass_by(DAY + 1)
    assert await shown_on(phone) == "tried", "closed before it was shown: it was never hers to close"


async def test_who_is_not_signed_in_sees_no_card_on_the_way_in(small_world: World) -> None:
    phone = await small_world.phone("ana")
    answer = await phone.http.get("/security")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/start/")
    row = await small_world.house.db.one("SELECT COUNT(*) AS cards FROM habits_cards")
    assert row
    assert row["cards"] == 0


async def test_a_phone_that_may_not_approve_gets_no_card(small_world: World) -> None:
    thief = small_world.bare_phone()
    await thief.enrol(await small_world.voucher("ana", kind="codes"))
    assert (await thief.http.get("/habits/card")).status_code == 403
    assert (await small_world.bare_phone().http.get("/habits/card")).status_code == 401
