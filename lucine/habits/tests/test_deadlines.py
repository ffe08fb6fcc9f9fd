"""Deadlines: exact hours over nights, holidays and changes of the clocks; unknown starts read on the safe side."""

import contextlib
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lucine.app.bench import habits as bench
from lucine.app.bench.timelines import ZONES
from lucine.habits import deadlines, facts
from lucine.habits.deadlines import (
    HOURS,
    awareness,
    cnil,
    cnil_followup,
    complaint,
    earliest,
    is_late,
    patients,
    register,
)
from lucine.habits.facts import Facts
from lucine.habits.zones import OVERSEAS, PARIS, PLACES, end_of_day, in_words, moment_of, wall_of, zone_of

HOUR = 3600
zones = st.sampled_from(ZONES)
moments = st.integers(1_700_000_000, 1_950_000_000).map(float)
walls = st.datetimes(datetime(2024, 1, 1), datetime(2031, 12, 31)).map(lambda at: f"{at:%Y-%m-%dT%H:%M}")  # noqa: DTZ001
maybe = st.one_of(st.none(), st.just("unknown"), moments)
answers = st.sampled_from(["", "yes", "no", "unknown"])
some_facts = st.builds(
    Facts, attack=answers, insured=answers, touched=answers, high_risk=answers, known_at=maybe, aware_at=maybe,
    processor_at=maybe, began_at=maybe, assessed_at=maybe, notified_at=maybe,
    notified=st.sampled_from(["", "nothing", "initial", "complete"]),
    spared=st.sampled_from(["", "none", "unreadable", "removed", "effort"]),
)  # fmt: skip


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


# Wall clocks


@pytest.mark.parametrize(("wall", "zone", "instant"), [
    ("2026-10-25T02:30", "Europe/Paris", "2026-10-25T00:30"),  # comes twice: the first
    ("2026-10-25T02:00", "Europe/Paris", "2026-10-25T00:00"),
    ("2026-10-25T03:00", "Europe/Paris", "2026-10-25T02:00"),
    ("2026-10-25T01:59", "Europe/Paris", "2026-10-24T23:59"),
    ("2027-03-28T02:30", "Europe/Paris", "2027-03-28T01:00"),  # never comes: the change
    ("2027-03-28T02:00", "Europe/Paris", "2027-03-28T01:00"),
    ("2027-03-28T02:59", "Europe/Paris", "2027-03-28T01:00"),
    ("2027-03-28T03:00", "Europe/Paris", "2027-03-28T01:00"),
    ("2027-03-28T01:59", "Europe/Paris", "2027-03-28T00:59"),
    ("2027-03-14T02:30", "America/Miquelon", "2027-03-14T05:00"),
    ("2026-11-01T01:30", "America/Miquelon", "2026-11-01T03:30"),
    ("2026-10-25T02:30", "Indian/Reunion", "2026-10-24T22:30"),
    ("2026-10-25T02:30", "America/Cayenne", "2026-10-25T05:30"),
    ("2026-10-25T02:30", "Pacific/Noumea", "2026-10-24T15:30"),
    ("2026-10-25T02:30", "Pacific/Tahiti", "2026-10-25T12:30"),
])  # fmt: skip
def test_a_typed_hour_is_the_instant_computed_by_hand(wall: str, zone: str, instant: str) -> None:
    assert moment_of(wall, zone) == utc(instant)


@given(wall=walls, zone=zones)
def test_the_clocks_show_what_was_typed_unless_they_jumped_over_it(wall: str, zone: str) -> None:
    shown = wall_of(moment_of(wall, zone), zone)
    gone = datetime.fromisoformat(shown) - datetime.fromisoformat(wall)
    assert timedelta() <= gone <= timedelta(hours=1)
    assert gone == timedelta() or wall_of(moment_of(wall, zone) - 1, zone) < wall


@given(moment=moments, zone=zones)
def test_a_typed_hour_is_never_read_later_than_the_instant_that_she_meant(moment: float, zone: str) -> None:
    assert moment_of(wall_of(moment, zone), zone) <= moment


@given(first=walls, second=walls, zone=zones)
def test_a_later_hour_is_a_later_instant(first: str, second: str, zone: str) -> None:
    assume(first <= second)
    assert moment_of(first, zone) <= moment_of(second, zone)


@pytest.mark.parametrize("wall", [
    "", "2026-10-25", "2026-10-25 02:30", "2026-10-25T02:30:00", "2026-10-25T02:30Z", "2026-10-25T02:30+01:00",
    "2026-02-30T10:00", "2026-13-01T10:00", "2026-10-25T24:00", "2026-10-25T02:60", "26-10-25T02:30", " 2026-10-25T02:30",
    "2026-10-25T02:30\n", "٢٠٢٦-10-25T02:30", "0000-01-01T00:00", "9999-12-31T23:59", "2026-W43-7T02:30",
])  # fmt: skip
def test_anything_but_a_wall_time_is_refused(wall: str) -> None:
    with pytest.raises(ValueError):
        moment_of(wall, "America/Cayenne")


@given(st.text(max_size=20))
def test_no_text_does_worse_than_a_refusal(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(moment_of(text, "Europe/Paris"), float)


@pytest.mark.parametrize(("at", "zone", "end"), [
    ("2026-10-24T22:00", "Europe/Paris", "2026-10-25T22:59:59"),  # a day of 25 hours
    ("2026-10-25T22:59:59", "Europe/Paris", "2026-10-25T22:59:59"),
    ("2027-03-27T23:00", "Europe/Paris", "2027-03-28T21:59:59"),  # a day of 23 hours
    ("2026-12-25T12:00", "Europe/Paris", "2026-12-25T22:59:59"),
    ("2026-12-31T21:00", "Indian/Reunion", "2027-01-01T19:59:59"),
    ("2027-01-01T02:00", "America/Martinique", "2027-01-01T03:59:59"),
    ("2027-03-14T04:00", "America/Miquelon", "2027-03-15T01:59:59"),
])  # fmt: skip
def test_the_end_of_a_day_computed_by_hand(at: str, zone: str, end: str) -> None:
    assert end_of_day(utc(at), zone) == utc(end)


@given(moment=moments, zone=zones)
def test_a_day_ends_on_the_same_day_within_25_hours(moment: float, zone: str) -> None:
    end = end_of_day(moment, zone)
    assert moment <= end < moment + 25 * HOUR
    assert wall_of(end, zone) == wall_of(moment, zone)[:11] + "23:59"


def test_every_department_overseas_has_its_clocks_and_the_others_those_of_paris() -> None:
    assert zone_of("974") == "Indian/Reunion"
    assert {zone_of(code) for code in ("75", "2A", "2B", "01", "99", "", "other")} == {PARIS}
    assert set(OVERSEAS.values()) | {PARIS} == set(PLACES) == set(ZONES)
    for zone in PLACES:
        ZoneInfo(zone)


def test_the_hour_that_comes_twice_is_told_apart_on_paper() -> None:
    first = moment_of("2026-10-25T02:30", PARIS)
    assert in_words(first, PARIS) == "dimanche 25 octobre 2026 à 02:30 (heure de Paris, UTC+2)"
    assert in_words(first + HOUR, PARIS) == "dimanche 25 octobre 2026 à 02:30 (heure de Paris, UTC+1)"
    assert in_words(first, "America/Cayenne") == "samedi 24 octobre 2026 à 21:30 (heure de la Guyane, UTC-3)"


# Clocks


def test_the_hours_are_those_of_the_data() -> None:
    assert {name: HOURS[name] for name in ("cnil-breach", "cnil-breach-followup", "complaint-for-insurance")} == {
        "cnil-breach": 72, "cnil-breach-followup": 72, "complaint-for-insurance": 72,
    }  # fmt: skip


@pytest.mark.parametrize(("start", "due"), [
    ("2026-10-23T12:00", "2026-10-26T11:00"),  # 25 hours on Sunday
    ("2027-03-26T12:00", "2027-03-29T13:00"),  # 23 hours on Sunday
    ("2026-12-24T18:00", "2026-12-27T18:00"),  # Christmas and a Sunday
    ("2026-05-01T23:59", "2026-05-04T23:59"),  # a holiday, a week-end, the night
    ("2028-02-27T08:00", "2028-03-01T08:00"),  # a leap year
    ("2026-10-25T02:30", "2026-10-28T01:30"),  # the first 02:30 of that night
    ("2027-03-28T02:30", "2027-03-31T03:00"),  # an hour that never came
])  # fmt: skip
def test_72_hours_computed_by_hand(start: str, due: str) -> None:
    said = Facts(aware_at=moment_of(start, PARIS), known_at=moment_of(start, PARIS))
    assert wall_of(cnil(said, 1e12).due_at or 0, PARIS) == due
    clock = complaint(said, 1e12)
    assert clock
    assert wall_of(clock.due_at or 0, PARIS) == due


@given(said=some_facts, opened_at=moments, zone=zones)
def test_hours_are_exact_and_no_end_is_before_its_start(said: Facts, opened_at: float, zone: str) -> None:
    for clock in (cnil(said, opened_at), complaint(said, opened_at), cnil_followup(said, opened_at)):
        assert clock is None or clock.due_at == clock.starts_at + 72 * HOUR
    others = [register(said, opened_at, zone), patients(said, opened_at)]
    assert all(clock is None or (clock.due_at is not None and clock.due_at >= clock.starts_at) for clock in others)


@given(said=some_facts, opened_at=moments, earlier=st.floats(0, 1e6))
def test_knowing_earlier_never_gives_more_time(said: Facts, opened_at: float, earlier: float) -> None:
    aware = said.aware_at if isinstance(said.aware_at, float) else opened_at
    before, after = Facts(aware_at=aware - earlier), Facts(aware_at=aware)
    assert (cnil(before, opened_at).due_at or 0) <= (cnil(after, opened_at).due_at or 0)


@given(said=some_facts, opened_at=moments)
def test_what_she_does_not_know_is_read_on_the_safe_side(said: Facts, opened_at: float) -> None:
    starts_at, assumed = awareness(said, opened_at)
    told = [at for at in (said.aware_at, said.processor_at) if isinstance(at, float)]
    assert assumed == (not told)
    assert starts_at == (min(told) if told else earliest(said, opened_at))
    assert not assumed or starts_at <= opened_at
    clock = complaint(said, opened_at)
    if clock and clock.assumed:
        assert clock.starts_at <= min([opened_at, *told])


def test_a_late_processor_does_not_move_what_she_knew_and_an_early_one_does() -> None:
    monday, tuesday = utc("2026-11-23T09:00"), utc("2026-11-24T09:00")
    assert cnil(Facts(aware_at=monday, processor_at=tuesday), tuesday).starts_at == monday
    assert cnil(Facts(aware_at=tuesday, processor_at=monday), tuesday).starts_at == monday
    assert cnil(Facts(aware_at="unknown", processor_at=monday), tuesday).starts_at == monday


def test_the_two_clocks_start_at_different_moments() -> None:
    attacked, aware = utc("2026-11-20T08:00"), utc("2026-11-23T17:00")
    said = Facts(attack="yes", insured="yes", known_at=attacked, aware_at=aware)
    clock = complaint(said, aware)
    assert clock
    assert clock.due_at == utc("2026-11-23T08:00")
    assert cnil(said, aware).due_at == utc("2026-11-26T17:00")


@pytest.mark.parametrize("said", [Facts(attack="no"), Facts(insured="no"), Facts(attack="no", insured="yes")])
def test_the_complaint_has_no_clock_without_attack_or_insurance(said: Facts) -> None:
    assert complaint(said, 1.8e9) is None


@pytest.mark.parametrize("said", [Facts(), Facts(attack="unknown", insured="unknown"), Facts(attack="yes")])
def test_the_complaint_keeps_its_clock_while_an_answer_is_missing(said: Facts) -> None:
    assert complaint(said, 1.8e9) is not None


def test_the_rest_of_the_notification_counts_from_the_first_one() -> None:
    sent = utc("2026-11-24T10:00")
    clock = cnil_followup(Facts(notified="initial", notified_at=sent), 1.8e9)
    assert clock
    assert clock.due_at == utc("2026-11-27T10:00")
    assert cnil_followup(Facts(), 1.8e9) is None
    assert cnil_followup(Facts(notified="complete", notified_at=sent), 1.8e9) is None
    assert cnil_followup(Facts(notified="nothing", notified_at=sent), 1.8e9) is None
    assumed = cnil_followup(Facts(notified="initial", notified_at="unknown", aware_at=sent), 1.9e9)
    assert assumed
    assert assumed.assumed
    assert assumed.starts_at == sent


def test_patients_are_told_at_once_when_the_risk_is_known_to_be_high() -> None:
    judged = utc("2026-11-24T10:00")
    assert patients(Facts(high_risk="yes", assessed_at=judged), 1.8e9) == deadlines.Deadline(
        starts_at=judged, due_at=judged
    )
    assert patients(Facts(high_risk="unknown", assessed_at=judged), 1.8e9) is None
    assert patients(Facts(high_risk="yes", assessed_at=judged, spared="unreadable"), 1.8e9) is None
    assert patients(Facts(high_risk="yes", assessed_at=judged, spared="effort"), 1.8e9) is not None  # a public notice


def test_a_notification_after_72_hours_is_late_and_still_due() -> None:
    aware = utc("2026-11-20T08:00")
    said = Facts(aware_at=aware)
    assert not is_late(said, aware, aware + 72 * HOUR)
    assert is_late(said, aware, aware + 72 * HOUR + 1)
    assert cnil(said, aware).due_at == aware + 72 * HOUR  # the clock does not vanish
    assert not is_late(Facts(aware_at=aware, notified="initial", notified_at=aware + HOUR), aware, aware + 1e7)


@given(moment=moments, zone=zones, said=some_facts)
def test_the_register_is_due_on_a_day_that_is_not_over_when_she_turns_to_lucine(
    moment: float, zone: str, said: Facts
) -> None:
    clock = register(said, moment, zone)
    assert clock.due_at is not None
    assert clock.due_at >= moment
    assert wall_of(clock.due_at, zone)[11:] == "23:59"


# The second reckoning


def failures(n: int = 300) -> int:
    return int(bench._check_deadlines(n, True)["value"])


def test_a_second_reckoning_agrees_on_every_timeline() -> None:
    assert failures(3000) == 0


def _later_of_two(wall: str, zone: str) -> float:
    return datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone), fold=1).timestamp()


def _past_the_gap(wall: str, zone: str) -> float:
    return datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone)).timestamp()


def _three_days_by_the_clock(_: str, at: float) -> float:
    return (datetime.fromtimestamp(at, ZoneInfo(PARIS)) + timedelta(days=3)).timestamp()


def _pushed_past_the_week_end(_: str, at: float) -> float:
    due = at + 72 * HOUR
    while date.fromtimestamp(due).weekday() > 4:  # noqa: DTZ012
        due += 24 * HOUR
    return due


@pytest.mark.parametrize(("where", "name", "wrong"), [
    (facts, "moment_of", _later_of_two),
    (facts, "moment_of", _past_the_gap),
    (deadlines, "after_hours", _three_days_by_the_clock),
    (deadlines, "after_hours", _pushed_past_the_week_end),
    (deadlines, "end_of_day", lambda at, zone: at // 86400 * 86400 + 86399),
    (deadlines, "earliest", lambda said, opened_at: opened_at),
    (deadlines, "sent_at", lambda said: facts.said(said.notified_at)),
])  # fmt: skip
def test_the_second_reckoning_notices_a_wrong_rule(
    monkeypatch: pytest.MonkeyPatch, where: object, name: str, wrong: object
) -> None:
    monkeypatch.setattr(where, name, wrong)
    assert failures(1500) > 0
