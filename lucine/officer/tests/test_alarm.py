"""What an alarm shows, and what an officer does about it."""

import re

import pytest

from lucine.officer import tell_officers, watch_pages
from lucine.officer.watch_pages import PEOPLE_PER_PAGE
from lucine.officer.words import sureness
from lucine.signin.clients import change_contact
from lucine.watch.alarms import Evidence, find_alarm
from lucine.watch.measures import active_measures, take_measure
from tests.world import World

from .kit import acts, alarm, event, note, officer


def _text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).replace("\u00a0", " ").replace("\u202f", " ").split())


async def test_the_evidence_in_words(small_world: World) -> None:
    odile, found = await officer(small_world), await alarm(small_world)
    await small_world.service()
    shown = await odile.http.get(f"/watch/alarms/{found.id}")
    text = _text(shown.text)
    assert "En 25 heures, 412 numéros différents ont été nommés depuis des ordinateurs inconnus." in text
    assert "Une attaque est presque certaine." in text
    assert "Des jours ordinaires ne s’en écartent presque jamais autant." in text
    assert "Le service service" in text
    assert "Sans réponse ou abandonnées 300 41,5" in text, "seen and expected stand in a table"


async def test_the_people_concerned_by_name_and_tries_alone(small_world: World) -> None:
    odile, found = await officer(small_world), await alarm(small_world)
    ana = await small_world.holder("ana")
    await note(small_world, [
        *(event(small_world, f"ana{n}", "899700999917", holder=ana) for n in range(3)),
        event(small_world, "nobody", "899700000000"),
        event(small_world, "elsewhere", "899700999925", holder=await small_world.holder("bea"), client="other"),
        event(small_world, "honest", "899700999933", holder=await small_world.holder("carl"), outcome="completed"),
    ])  # fmt: skip
    shown = (await odile.http.get(f"/watch/alarms/{found.id}")).text
    assert re.search(r"<tr data-person><th scope=\"row\">[^<]*MERIDIENTEST</th><td>3</td>", shown)
    assert shown.count("data-person") == 1, "neither of another service, nor who came in"
    assert "2 numéros nommés en vain" in _text(shown)
    assert "97009999" not in shown


async def test_many_people_are_paged(small_world: World) -> None:
    odile, found = await officer(small_world), await alarm(small_world)
    ana = await small_world.holder("ana")
    ids = [f"holder{n}" for n in range(PEOPLE_PER_PAGE)]
    async with small_world.house.db.transaction() as db:
        for one in ids:
            await db.run(
                "INSERT INTO phone_holders (id, national_id, name, language, created_at, rings_since_success)"
                " VALUES (:id, :id, :id, 'fr', 0, 0)",
                id=one,
            )
    await note(small_world, [event(small_world, one, one, holder=one) for one in [*ids, ana]])
    pages = [(await odile.http.get(f"/watch/alarms/{found.id}?people={n}")).text for n in ("1", "2", "99", "x", "²")]
    assert [page.count("data-person") for page in pages] == [PEOPLE_PER_PAGE, 1, 1, PEOPLE_PER_PAGE, PEOPLE_PER_PAGE]


async def test_a_flood_is_not_read_whole(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_pages.span_of, "__defaults__", (10,))
    odile, found = await officer(small_world), await alarm(small_world)
    now = small_world.clock.now
    await note(small_world, [event(small_world, f"e{n}", f"8{n}", over_at=now - 100 + n) for n in range(50)])
    text = _text((await odile.http.get(f"/watch/alarms/{found.id}")).text)
    assert "11 numéros nommés en vain" in text
    assert "il y a trop de connexions" in text


async def test_an_alarm_that_does_not_exist(small_world: World) -> None:
    odile = await officer(small_world)
    assert (await odile.http.get("/watch/alarms/x")).status_code == 404
    for act in ("acknowledge", "close", "measures", "measures/end-all", "evidence"):
        assert (await odile.form(f"/watch/alarms/x/{act}", kind="qr_only")).status_code == 404


async def test_seen_closed_and_its_measures_lifted(world: World) -> None:
    odile, found = await officer(world), await alarm(world)
    path = f"/watch/alarms/{found.id}"
    assert (await odile.form(f"{path}/acknowledge")).headers["location"] == f"{path}?done=acknowledged"
    assert (await odile.form(f"{path}/acknowledge")).status_code == 409
    await odile.form(f"{path}/measures", kind="proof_of_work", target="service", level="3")
    assert (await odile.form(f"{path}/close", ordinary="no")).status_code == 303
    now = await find_alarm(world.house.db, found.id)
    assert now is not None
    assert (now.state, now.acknowledged_by, now.closed_by) == ("closed", odile.id, odile.id)
    assert await active_measures(world.house.db, world.clock.now) == []
    assert (await odile.form(f"{path}/close", ordinary="no")).status_code == 409
    assert (await odile.form(f"{path}/measures", kind="service_told", target="service")).status_code == 409
    told = await acts(world)
    for act in ("alarm.acknowledged", "measure.taken", "alarm.closed", "measure.ended"):
        assert (act, odile.id) in told
    shown = (await odile.http.get(path)).text
    assert "Odile Veilleur" in shown
    assert f"{path}/close" not in shown


@pytest.mark.parametrize(("kind", "level"), [("proof_of_work", 4), ("ciba_closed", 0), ("service_told", 0)])
async def test_each_measure_on_a_service_is_taken_and_lifted(small_world: World, kind: str, level: int) -> None:
    odile, found = await officer(small_world), await alarm(small_world)
    await small_world.service(contact="equipe@exemple.invalid")
    path = f"/watch/alarms/{found.id}"
    assert f'data-measure="{kind}" data-target="service" data-held="no"' in (await odile.http.get(path)).text
    form = {"kind": kind, "target": "service", **({"level": str(level)} if level else {})}
    assert (await odile.form(f"{path}/measures", **form)).headers["location"] == f"{path}?done=taken"
    (taken,) = await active_measures(small_world.house.db, small_world.clock.now)
    assert (taken.kind, taken.target, taken.level, taken.alarm) == (kind, "service", level, found.id)
    assert f'data-measure="{kind}" data-target="service" data-held="yes"' in (await odile.http.get(path)).text
    assert (await odile.form(f"{path}/measures/{taken.id}/end")).headers["location"] == f"{path}?done=ended"
    assert await active_measures(small_world.house.db, small_world.clock.now) == []
    assert (await odile.form(f"{path}/measures/{taken.id}/end")).status_code == 409
    assert [act for act in await acts(small_world) if act[1] == odile.id][-2:] == [
        ("measure.taken", odile.id), ("measure.ended", odile.id),
    ]  # fmt: skip


async def test_a_service_is_told_once_or_not_said_to_be(world: World) -> None:
    odile, found = await officer(world), await alarm(world)
    await world.service()
    path, form = f"/watch/alarms/{found.id}", {"kind": "service_told", "target": "service"}
    assert (await odile.form(f"{path}/measures", **form)).status_code == 400, "nobody to write to"
    assert await active_measures(world.house.db, world.clock.now) == []
    assert "aucune adresse" in _text((await odile.http.get(path)).text)
    async with world.house.db.transaction() as db:
        await change_contact(db, world.clock.now, world.house.keys, "service", "equipe@exemple.invalid")
    for _ in range(2):
        assert (await odile.form(f"{path}/measures", **form)).status_code == 303
    letters = await world.house.db.all("SELECT client FROM signin_deliveries WHERE kind = 'letter'")
    assert [letter["client"] for letter in letters] == ["service"]


async def test_an_alarm_of_sources_claims_no_likelihood(small_world: World) -> None:
    odile = await officer(small_world)
    evidence = Evidence(events=140, numbers=140, certainty=0.0, seen={"unanswered": 140}, expected={"unanswered": 0},
                        services={}, sources={"203.0.113.0/24": 140})  # fmt: skip
    found = await alarm(small_world, family="sources", client="", feature="prefix", evidence=evidence)
    shown = (await odile.http.get(f"/watch/alarms/{found.id}")).text
    assert "203.0.113.0/24&nbsp;(140)" in shown
    assert "data-sureness" not in shown


async def test_the_scan_is_asked_of_the_people_concerned_alone(world: World) -> None:
    odile, found = await officer(world), await alarm(world)
    path = f"/watch/alarms/{found.id}"
    assert (await odile.form(f"{path}/measures", kind="qr_only")).status_code == 400, "nobody is concerned yet"
    ana, bea = await world.holder("ana"), await world.holder("bea")
    await note(world, [
        event(world, "1", "899700999917", holder=ana), event(world, "2", "899700999925", holder=bea),
        event(world, "3", "899700999933", holder=await world.holder("carl"), known=True),
    ])  # fmt: skip
    assert (await odile.form(f"{path}/measures", kind="qr_only", target="carl")).status_code == 303
    taken = await active_measures(world.house.db, world.clock.now)
    assert {(one.kind, one.target) for one in taken} == {("qr_only", ana), ("qr_only", bea)}
    await odile.form(f"{path}/measures", kind="qr_only")
    assert len(await active_measures(world.house.db, world.clock.now)) == 2, "asked again it lasts longer, no more"
    assert (await odile.form(f"{path}/measures/end-all")).status_code == 303
    assert await active_measures(world.house.db, world.clock.now) == []


@pytest.mark.parametrize("form", [
    {}, {"kind": "lock_out"}, {"kind": "proof_of_work", "target": "service"},
    {"kind": "proof_of_work", "target": "service", "level": "5"}, {"kind": "proof_of_work", "target": "other", "level": "1"},
    {"kind": "proof_of_work", "level": "1"}, {"kind": "ciba_closed"}, {"kind": "service_told", "target": "other"},
])  # fmt: skip
async def test_no_other_measure_can_be_taken(small_world: World, form: dict[str, str]) -> None:
    odile, found = await officer(small_world), await alarm(small_world)
    assert (await odile.form(f"/watch/alarms/{found.id}/measures", **form)).status_code == 400
    assert await active_measures(small_world.house.db, small_world.clock.now) == []


async def test_an_alarm_about_all_services_asks_work_of_all(small_world: World) -> None:
    odile, found = await officer(small_world), await alarm(small_world, client="")
    path = f"/watch/alarms/{found.id}/measures"
    assert (await odile.form(path, kind="proof_of_work", level="1")).status_code == 303
    assert (await odile.form(path, kind="ciba_closed")).status_code == 400, "never closed for everybody at once"
    (taken,) = await active_measures(small_world.house.db, small_world.clock.now)
    assert (taken.kind, taken.target) == ("proof_of_work", "")


async def test_a_measure_of_another_alarm_is_seen_and_can_be_lifted(small_world: World) -> None:
    odile, found = await officer(small_world), await alarm(small_world)
    async with small_world.house.db.transaction() as db:
        held, _ = await take_measure(db, small_world.clock.now, small_world.house.keys, kind="ciba_closed",
                                     target="service", alarm="elsewhere")  # fmt: skip
    path = f"/watch/alarms/{found.id}"
    assert f"{path}/measures/{held.id}/end" in (await odile.http.get(path)).text
    assert (await odile.form(f"{path}/measures/{held.id}/end")).status_code == 303


async def test_officers_are_told_by_mail_once_for_each_alarm(small_world: World) -> None:
    await officer(small_world)
    letters = lambda: list((small_world.folder / "post").glob("[!.]*"))  # noqa: E731
    await tell_officers(small_world.house, small_world.clock.now)
    assert letters() == []
    small_world.clock.pass_by(60)
    await alarm(small_world)
    for _ in range(2):
        await tell_officers(small_world.house, small_world.clock.now)
    (letter,) = letters()
    text = letter.read_text()
    assert "To: odile@exemple.invalid" in text
    assert "/watch" in text
    assert "service" not in text.replace("Service", ""), "it names no service"
    small_world.clock.pass_by(60)
    await alarm(small_world, feature="order")
    await tell_officers(small_world.house, small_world.clock.now)
    assert len(letters()) == 2


def test_more_evidence_never_sounds_less_sure() -> None:
    steps = [sureness(tenth / 10) for tenth in range(-50, 300)]
    order = ["weak", "serious", "strong", "certain"]
    assert steps == sorted(steps, key=order.index)
    assert set(steps) == set(order)


async def test_strange_evidence_is_shown_as_text(small_world: World) -> None:
    odile = await officer(small_world)
    evidence = Evidence(
        events=1, numbers=1, certainty=0.0, seen={"<script>": 1.5}, expected={}, services={"<b>": 1}, sources={}
    )
    found = await alarm(small_world, family="choice", feature="<i>", client="", evidence=evidence)
    shown = (await odile.http.get(f"/watch/alarms/{found.id}")).text
    assert "&lt;script&gt;" in shown
    assert not re.search("<script>|<b>|<i>", shown)
