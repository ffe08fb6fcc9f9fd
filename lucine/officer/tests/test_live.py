"""The live view, the map, and their charts, which also read as tables."""

import asyncio
import re
from datetime import datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lucine.officer.charts import LEVELS, calendars, compare, round_up, stack
from lucine.officer.sessions import IDLE_SECONDS
from lucine.watch.alarms import close_alarm
from lucine.watch.events import OUTCOMES
from lucine.watch.measures import take_measure
from lucine.web.pages import PARIS
from lucine.web.tests.test_streams import Listener
from tests.world import World

from .kit import alarm, event, note, officer


async def test_all_is_quiet(small_world: World) -> None:
    odile = await officer(small_world)
    shown = (await odile.http.get("/watch")).text
    assert "Tout est calme" in shown
    assert "Aucune connexion ne s&#39;est terminée" in shown or "Aucune connexion ne s’est terminée" in shown
    english = (await odile.http.get("/watch", params={"ui_locales": "en"})).text
    assert '<html lang="en">' in english


async def test_what_ended_is_counted_and_listed(small_world: World) -> None:
    odile = await officer(small_world)
    await small_world.service()
    await note(small_world, [
        event(small_world, "1", outcome="completed", known=True), event(small_world, "2", "899700999917"),
        event(small_world, "3", channel="ciba", outcome="not_me", known=True, address=""),
    ])  # fmt: skip
    found = await alarm(small_world)
    async with small_world.house.db.transaction() as db:
        await take_measure(db, small_world.clock.now, small_world.house.keys, kind="proof_of_work", target="service",
                           alarm=found.id, level=2)  # fmt: skip
    shown = (await odile.http.get("/watch")).text
    counts = dict(re.findall(r'data-count="([\w-]+)">(\d+)<', shown))
    assert counts == {"hour": "3", "in-vain": "1", "day": "3", "measures": "1"}
    assert f'data-alarm="{found.id}"' in shown
    assert len(re.findall(r"<tr data-event=", shown)) == 3
    assert "Le service service" in shown
    assert "Tout est calme" not in shown
    # The chart's own table says what its bars show.
    (foot,) = re.findall(r"<tfoot>.*?</tfoot>", shown, re.DOTALL)
    assert re.findall(r"<td>(\d+)</td>", foot) == ["1", "0", "0", "1", "0", "1", "3"]


async def test_the_page_is_renewed_when_something_ends(small_world: World) -> None:
    odile = await officer(small_world)
    stream = await Listener(small_world.app, "/watch/events", odile.http.cookies.jar).listen()
    assert b'data-count="hour">0<' in stream.heard
    await note(small_world, [event(small_world, "1")])
    small_world.house.bell.ring("/watch")
    await asyncio.sleep(0.2)
    assert stream.heard.count(b"event: parts") == 2
    assert b'data-count="hour">1<' in stream.heard
    small_world.house.bell.ring("/watch")
    await asyncio.sleep(0.2)
    assert stream.heard.count(b"event: parts") == 2, "nothing new is not sent again"
    await stream.leave()


async def test_a_page_that_renews_itself_keeps_no_session_open(small_world: World) -> None:
    odile = await officer(small_world)
    small_world.clock.pass_by(IDLE_SECONDS - 5)
    await (await Listener(small_world.app, "/watch/events", odile.http.cookies.jar).listen()).leave()
    small_world.clock.pass_by(6)
    assert (await odile.http.get("/watch")).status_code == 303


async def test_the_map_of_a_week(small_world: World) -> None:
    odile = await officer(small_world)
    now = small_world.clock.now
    await note(small_world, [
        event(small_world, "1"), event(small_world, "2"), event(small_world, "3", known=True),
        event(small_world, "4", outcome="completed"), event(small_world, "5", client="other", at=now - 86400),
        event(small_world, "6", at=now - 9 * 86400),
    ])  # fmt: skip
    shown = (await odile.http.get("/watch/map")).text
    assert "2 connexions sans suite en sept jours" in shown.replace("\u00a0", " ")
    assert shown.index("service, par jour") < shown.index("other, par jour"), "the most tried first"
    assert "during" not in re.sub(r"with-alarm.*", "", shown)
    found = await alarm(small_world, since=now - 3600)
    shown = (await odile.http.get("/watch/map")).text
    assert "pendant une alarme" in shown
    async with small_world.house.db.transaction() as db:
        await close_alarm(db, now, small_world.house.keys, alarm=found.id, by=odile.id)
    small_world.clock.pass_by(8 * 86400)
    await odile.sign_in()
    assert "Aucune connexion" in (await odile.http.get("/watch/map")).text


async def test_the_alarms_of_now_and_then(small_world: World) -> None:
    odile = await officer(small_world)
    first = await alarm(small_world)
    async with small_world.house.db.transaction() as db:
        await close_alarm(db, small_world.clock.now, small_world.house.keys, alarm=first.id, by="")
    second = await alarm(small_world)
    shown = (await odile.http.get("/watch/alarms")).text
    assert shown.index(second.id) < shown.index(first.id)
    assert "la veille elle-même" in (await odile.http.get(f"/watch/alarms/{first.id}")).text


ROWS = st.lists(
    st.fixed_dictionaries({
        "hour": st.integers(0, 400), "client": st.sampled_from("ab"), "channel": st.just("page"),
        "known": st.integers(0, 1), "outcome": st.sampled_from(OUTCOMES), "events": st.integers(0, 10**6),
    })
)  # fmt: skip


@given(ROWS)
def test_no_start_is_lost_between_the_rows_and_the_bars(rows: list[dict[str, Any]]) -> None:
    chart = stack(rows, first=301, hours=100)
    inside = [row for row in rows if row["hour"] > 300]
    assert chart.total == sum(row["events"] for row in inside) == sum(bar.total for bar in chart.bars)
    assert len(chart.bars) == 100
    for bar in chart.bars:
        reached = chart.ceiling
        for part in bar.parts:  # each stands on the one before, none leaves the chart
            assert part.top + part.height == reached
            reached = part.top
        assert reached == chart.ceiling - bar.total >= 0


@given(st.integers(0, 10**9))
def test_the_scale_is_round_and_near(number: int) -> None:
    ceiling = round_up(number)
    assert ceiling >= number
    assert ceiling <= max(4, number * 5 / 2)
    assert ceiling % 2 == 0
    assert int(str(ceiling).rstrip("0")) in (1, 2, 4)


@given(ROWS)
def test_the_map_says_what_came_to_nothing(rows: list[dict[str, Any]]) -> None:
    now = 400 * 3600.0
    weeks = calendars(rows, now=now, days=7, alarms=[])
    first = datetime.fromtimestamp(now, PARIS).date().toordinal() - 6
    for week in weeks:
        mine = [
            row for row in rows if row["client"] == week.client and not row["known"] and row["outcome"] != "completed"
        ]
        inside = [row for row in mine if datetime.fromtimestamp(row["hour"] * 3600, PARIS).date().toordinal() >= first]
        assert week.total == sum(row["events"] for row in inside)
        assert len(week.days) == 7
        for day in week.days:
            assert [cell.hour for cell in day.cells] == list(range(24))
            assert all((cell.level == 0) == (cell.events == 0) and cell.level <= LEVELS for cell in day.cells)


@given(st.dictionaries(st.text(), st.floats(0, 1e6)), st.dictionaries(st.text(), st.floats(0, 1e6)))
def test_nothing_that_was_counted_is_left_out(seen: dict[str, float], expected: dict[str, float]) -> None:
    rows = compare(seen, expected)
    assert {row["key"] for row in rows} == {*seen, *expected}
    assert all(0 <= row["seen_width"] <= 1000 and 0 <= row["expected_at"] <= 1000 for row in rows)
