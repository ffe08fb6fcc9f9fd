"""What an alarm is answered with: never less for more, never without a way back, never at an owner's cost."""

import email
import email.policy
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucine.signin.clients import change_contact
from lucine.signin.deliveries import deliver
from lucine.signin.respond import CIBA_UNANSWERED, TIMES_TRIED, Facts, measures_due, respond
from lucine.watch.alarms import Alarm, Evidence, raise_alarm
from lucine.watch.events import Event, note_events, number_digest
from lucine.watch.measures import Measure, active_measures, end_measures
from tests.world import World

COUNTS = st.integers(0, 300)
FACTS = st.builds(
    Facts, family=st.sampled_from(["outcomes", "choice", "sources"]), client=st.sampled_from(["", "service"]), daily=st.floats(0, 50_000),
    services=st.dictionaries(st.sampled_from(["service", "other", "third"]), COUNTS),
    ciba_unanswered=COUNTS, ciba_completed=COUNTS,
    named=st.dictionaries(st.sampled_from(["ana", "bea", "carl"]), COUNTS),
)  # fmt: skip
GROWTH = st.tuples(
    st.floats(0, 50_000), st.dictionaries(st.sampled_from(["service", "other", "third"]), COUNTS), COUNTS,
    st.dictionaries(st.sampled_from(["ana", "bea", "carl"]), COUNTS),
)  # fmt: skip


def _sum(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in {**one, **other}}


@given(FACTS, GROWTH)
def test_more_evidence_never_gives_a_milder_answer(facts: Facts, growth: Any) -> None:
    daily, services, unanswered, named = growth
    more = Facts(
        family=facts.family, client=facts.client, daily=facts.daily + daily, services=_sum(facts.services, services),
        ciba_unanswered=facts.ciba_unanswered + unanswered, ciba_completed=facts.ciba_completed,
        named=_sum(facts.named, named),
    )  # fmt: skip
    stronger = {(due.kind, due.target): due.level for due in measures_due(more)}
    for due in measures_due(facts):
        assert stronger[due.kind, due.target] >= due.level


@given(FACTS)
def test_every_answer_is_one_of_four_and_no_one_is_locked_out(facts: Facts) -> None:
    due = measures_due(facts)
    assert len({(one.kind, one.target) for one in due}) == len(due)
    for one in due:
        assert (1 <= one.level <= 4) if one.kind == "proof_of_work" else one.level == 0
        if one.kind == "qr_only":
            assert facts.named[one.target] >= TIMES_TRIED
        if one.kind == "ciba_closed":
            assert facts.ciba_unanswered >= CIBA_UNANSWERED
            assert one.target


async def alarm_at(
    world: World, client: str, *, since: float, unanswered: float = 60, feature: str = "outcomes", **evidence: Any
) -> Alarm:
    said = Evidence(**{
        "events": 80, "numbers": 75, "certainty": 14.0, "seen": {"unanswered": unanswered}, "services": {"service": 70},
        "expected": {"unanswered": 4.0}, **evidence,
    })  # fmt: skip
    async with world.house.db.transaction() as db:
        alarm, _ = await raise_alarm(
            db, world.clock.now, world.house.keys, family="outcomes", client=client, feature=feature, since=since,
            evidence=said,
        )  # fmt: skip
    return alarm


async def answer(world: World, alarm: Alarm) -> list[Measure]:
    """A minute after the one before."""
    world.clock.pass_by(60)
    async with world.house.db.transaction() as db:
        return await respond(db, world.clock.now, world.house.keys, world.house.settings, alarm)


async def tried(world: World, count: int, *, channel: Any = "page", outcome: Any = "abandoned", holder: str = "",
                number: str = "899700999917", client: str = "service") -> None:  # fmt: skip
    keys, now = world.house.keys, world.clock.now
    events = [
        Event(id=f"{channel}{outcome}{holder}{place}", at=now - 60, over_at=now - 1, client=client, channel=channel,
              known=False, number=number_digest(keys, number), holder=holder, newcomer=1, near="",
              address="192.0.2.1", outcome=outcome)
        for place in range(count)
    ]  # fmt: skip
    async with world.house.db.transaction() as db:
        await note_events(db, keys, events)


async def active(world: World) -> set[tuple[str, str, int]]:
    found = await active_measures(world.house.db, world.clock.now)
    return {(measure.kind, measure.target, measure.level) for measure in found}


def letters(world: World) -> list[email.message.EmailMessage]:
    return [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted(Path(f"{world.folder}/post").glob("[!.]*.eml"))
    ]


async def test_an_alarm_is_answered_at_once_and_the_service_is_told_once(world: World) -> None:
    await world.service(contact="equipe@service.invalid")
    ana = await world.holder("ana")
    await tried(world, TIMES_TRIED, holder=ana)
    alarm = await alarm_at(world, "service", since=world.clock.now - 86400)
    assert {measure.kind for measure in await answer(world, alarm)} == {"proof_of_work", "qr_only", "service_told"}
    assert await active(world) == {("proof_of_work", "service", 1), ("qr_only", ana, 0), ("service_told", "service", 0)}
    while await deliver(world.house, world.clock.now):
        pass
    assert await answer(world, alarm) == []
    world.clock.pass_by(4 * 86400)
    assert {measure.kind for measure in await answer(world, alarm)} == {"proof_of_work"}
    while await deliver(world.house, world.clock.now):
        pass
    (letter,) = letters(world)
    said = letter.get_content()
    assert letter["To"] == "equipe@service.invalid"
    assert "Combien : 70 essais. 75 numéros professionnels différents ont été nommés." in said
    assert "----" in said, "and in English"
    assert said.count("un navigateur inconnu doit maintenant faire un petit calcul") >= 1
    assert "access_denied" not in said, "only what was done"
    for personal in ("Ana", "MERIDIENTEST", "99700999917", ana, "192.0.2.1"):
        assert personal not in str(letter["Subject"]) + said


async def test_a_service_without_a_contact_is_not_said_to_be_told(small_world: World) -> None:
    await small_world.service()
    alarm = await alarm_at(small_world, "service", since=small_world.clock.now - 3600)
    assert {measure.kind for measure in await answer(small_world, alarm)} == {"proof_of_work"}
    async with small_world.house.db.transaction() as db:
        await change_contact(db, small_world.clock.now, small_world.house.keys, "service", "equipe@service.invalid")
    assert {measure.kind for measure in await answer(small_world, alarm)} == {"service_told"}
    for wrong, client in (("no address", "service"), ("a@b.invalid, c@d.invalid", "service"), ("a@b.invalid", "x")):
        with pytest.raises(ValueError, match=r"not a mail address|no client"):
            async with small_world.house.db.transaction() as db:
                await change_contact(db, small_world.clock.now, small_world.house.keys, client, wrong)


async def test_ciba_is_closed_for_a_client_whose_requests_nobody_answers(small_world: World) -> None:
    await small_world.service()
    since = small_world.clock.now - 3600
    await tried(small_world, CIBA_UNANSWERED - 1, channel="ciba", outcome="expired")
    await answer(small_world, await alarm_at(small_world, "service", since=since))
    assert ("ciba_closed", "service", 0) not in await active(small_world)
    await tried(small_world, 1, channel="ciba", outcome="unknown_number")
    await tried(small_world, CIBA_UNANSWERED, channel="ciba", outcome="completed")
    await answer(small_world, await alarm_at(small_world, "service", since=since))
    assert ("ciba_closed", "service", 0) not in await active(small_world), "as many are answered: it lives by them"
    await tried(small_world, 1, channel="ciba", outcome="not_me")
    await answer(small_world, await alarm_at(small_world, "service", since=since))
    assert ("ciba_closed", "service", 0) in await active(small_world)


async def test_an_alarm_over_all_services(small_world: World) -> None:
    for name in ("service", "other"):
        await small_world.service(name, contact=f"{name}@service.invalid")
    alarm = await alarm_at(small_world, "", since=small_world.clock.now - 3600, services={"service": 90, "other": 3})
    await answer(small_world, alarm)
    assert await active(small_world) == {("proof_of_work", "service", 1), ("service_told", "service", 0)}


async def test_the_work_follows_the_attack(small_world: World) -> None:
    since, levels = small_world.clock.now - 86400, []
    for unanswered in (60, 700, 30_000, 60):
        await answer(small_world, await alarm_at(small_world, "service", since=since, unanswered=unanswered))
        levels += [level for kind, _, level in await active(small_world) if kind == "proof_of_work"]
    assert levels == [1, 2, 4, 1]


async def test_a_source_that_names_many_makes_nobody_else_work(small_world: World) -> None:
    """Behind one address sit a hospital, or one man: an officer judges, no measure is taken for every service."""
    await small_world.service()
    since = small_world.clock.now - 3600
    alarm = await alarm_at(small_world, "", since=since, unanswered=5000, services={"service": 5000})
    assert await answer(small_world, msgspec.structs.replace(alarm, family="sources")) == []


async def test_a_burst_of_an_hour_is_not_a_campaign_of_a_day(small_world: World) -> None:
    alarm = await alarm_at(small_world, "service", since=small_world.clock.now - 60, unanswered=450)
    await answer(small_world, alarm)
    assert ("proof_of_work", "service", 1) in await active(small_world)


async def test_what_an_officer_took_back_stays_back(small_world: World) -> None:
    ana = await small_world.holder("ana")
    await tried(small_world, TIMES_TRIED, holder=ana)
    alarm = await alarm_at(small_world, "service", since=small_world.clock.now - 86400)
    (scan,) = [measure for measure in await answer(small_world, alarm) if measure.kind == "qr_only"]
    async with small_world.house.db.transaction() as db:
        await end_measures(db, small_world.clock.now, small_world.house.keys, measure=scan.id, by="officer")
    await answer(small_world, alarm)
    assert {kind for kind, _, _ in await active(small_world)} == {"proof_of_work"}
    sibling = await alarm_at(small_world, "service", since=small_world.clock.now - 86400, feature="order")
    await answer(small_world, sibling)
    assert {kind for kind, _, _ in await active(small_world)} == {"proof_of_work"}, "nor by another alarm"
    async with small_world.house.db.transaction() as db:
        assert await end_measures(db, small_world.clock.now, small_world.house.keys, alarm=alarm.id, by="") == 1
    assert await active(small_world) == set()


async def test_a_measure_that_is_over_ends_in_the_ledger_before_another_is_taken(world: World) -> None:
    await world.service()
    since = world.clock.now - 3600
    await answer(world, await alarm_at(world, "service", since=since))
    world.clock.pass_by(4 * 86400)
    await answer(world, await alarm_at(world, "service", since=since))
    rows = await world.house.db.all("SELECT act FROM safe_ledger WHERE act LIKE 'measure.%' ORDER BY seq")
    assert sorted(row["act"] for row in rows) == ["measure.ended", "measure.taken", "measure.taken"]
    assert len(await active(world)) == 1


async def test_it_is_all_in_the_ledger(small_world: World) -> None:
    await small_world.service(contact="equipe@service.invalid")
    await answer(small_world, await alarm_at(small_world, "service", since=small_world.clock.now - 3600))
    rows = await small_world.house.db.all("SELECT act FROM safe_ledger WHERE act = 'measure.taken'")
    assert len(rows) == 2
