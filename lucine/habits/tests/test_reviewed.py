"""What a hostile reader proved against the incident room, each with its test."""

import asyncio
import json
import random
import re

import pytest

from lucine.habits import cases, reminders
from lucine.habits.deadlines import sent_at
from lucine.habits.duties import duties_for
from lucine.habits.facts import Facts, kept_facts, read_facts
from lucine.habits.papers import PAPERS_AT_ONCE
from lucine.habits.paths import PATHS
from lucine.habits.reminders import remind_of_deadlines, spoken_of
from lucine.habits.zones import in_words
from lucine.phone.holds import release_enrolments
from lucine.safe import write_ledger
from lucine.signin.tests.test_known_browser import again, known_desk, ringing
from lucine.web import Refusal
from lucine.web.turns import turn
from tests.world import World

from .incident_kit import (
    begin,
    codes_of,
    facts_of,
    in_session,
    passkey_sign_in,
    post,
    signed_in,
    state,
    told,
)

HOUR = 3600.0


async def run(world: World) -> None:
    for _ in range(20):
        if not await remind_of_deadlines(world.house, world.clock.now):
            return
    raise AssertionError("the chore goes on for ever")


@pytest.mark.parametrize("path", ["approved", "code-given", "data-seen", "false-invoices", "files-locked"])
@pytest.mark.parametrize("by_code", [True, False])
async def test_a_passkey_that_oscar_added_opens_nothing_afterwards(world: World, path: str, by_code: bool) -> None:
    phone, codes = await world.phone("ana"), await codes_of(world, "ana")
    world.clock.pass_by(30 * 86400)
    oscar = await signed_in(world, phone)
    key = await oscar.add_passkey()
    if by_code:
        await post(world.browser(), f"/incident/new/{path}/code", code=codes[0])
    elif path == "files-locked":  # only from a session: a phone alone freezes no passkey
        hers = await signed_in(world, phone)
        await begin(hers.http, path)
    else:
        await begin(phone.http, path)
    assert not await in_session(oscar)
    assert not await passkey_sign_in(world, key)


async def test_her_old_passkey_goes_on_where_only_new_ones_are_frozen(world: World) -> None:
    phone = await world.phone("ana")
    key = await (await signed_in(world, phone)).add_passkey()
    world.clock.pass_by(30 * 86400)
    await begin(phone.http, "approved")
    assert await passkey_sign_in(world, key)


async def test_a_thief_of_an_unlocked_phone_keeps_nobody_out(world: World) -> None:
    stolen, hers, codes = await world.phone("ana"), await world.phone("ana"), await codes_of(world, "ana")
    key = await (await signed_in(world, hers)).add_passkey()
    world.clock.pass_by(30 * 86400)
    for path in PATHS:
        await post(stolen.http, f"/incident/new/{path}", which="all" if path == "phone-lost" else "")
    assert await state(hers) == "active"
    assert await passkey_sign_in(world, key)
    desk = await signed_in(world, hers)
    assert (await post(desk.http, "/incident/release")).status_code == 303
    left = await world.house.db.all("SELECT digest FROM phone_recovery_codes WHERE spent_at IS NULL")
    assert len(left) == len(codes), "her printed codes are as good as before"


async def test_who_sits_in_her_session_does_not_renew_her_codes_during_an_incident(world: World) -> None:
    phone = await world.phone("ana")
    desk = await signed_in(world, phone)
    await begin(desk.http, "data-seen")
    assert (await desk.post("/security/recovery-codes")).status_code == 409


async def test_stopping_and_enrolling_at_once_never_wait_for_each_other(world: World) -> None:
    ana, holder = await world.phone("ana"), await world.holder("ana")
    chance, ends = random.Random(4), set()
    for _ in range(30):
        world.clock.pass_by(1)
        async with world.house.db.transaction() as db:
            await release_enrolments(db, world.clock.now, world.house.keys, holder=holder)
        stranger, voucher = world.bare_phone(), await world.voucher("ana", "link")
        began = await stranger.post("enrolments/options", {"voucher": voucher})
        body = {"voucher": voucher, "credential": stranger.key.create(began.json()["options"]), "name": "Oscar"}
        pause = chance.uniform(0, 0.02)

        async def late(pause: float = pause, stranger: object = stranger, body: object = body) -> int:
            await asyncio.sleep(pause)
            return int((await stranger.post("enrolments", body)).status_code)  # type: ignore[attr-defined]

        enrolled, stopped = await asyncio.gather(late(), post(ana.http, "/incident/new/code-given"))
        assert stopped.status_code == 303
        ends.add(enrolled)
        if enrolled == 200:
            assert await state(stranger) == "frozen"
    assert ends <= {200, 409, 410}


async def test_each_reminder_speaks_of_its_own_deadline(small_world: World) -> None:
    """An older one that nobody ticked hid the legal ones behind "the deadline has passed"."""
    phone = await small_world.phone("ana")
    await begin(phone.http, "data-seen")
    began, spoken = small_world.clock.now, []
    for hour in range(80):
        small_world.clock.now = began + hour * HOUR
        before = len(await told(small_world))
        await run(small_world)
        spoken += [(hour, message.text) for message in (await told(small_world))[before:][:1]]
    assert [hour for hour, _ in spoken] == [48, 66, 72]
    assert ["est passé" in text for _, text in spoken] == [False, False, True]
    assert all("23:59" not in text for _, text in spoken), "the day of her register is advice"


@pytest.mark.parametrize(
    ("dues", "planned", "now", "expected"),
    [
        ([100 * HOUR, 172 * HOUR], 148 * HOUR, 148 * HOUR, 172 * HOUR),
        ([100 * HOUR], 76 * HOUR, 90 * HOUR, 100 * HOUR),
        ([100 * HOUR], 76 * HOUR, 120 * HOUR, 100 * HOUR),
        ([100 * HOUR, 130 * HOUR], 76 * HOUR, 120 * HOUR, 130 * HOUR),
        ([], 76 * HOUR, 120 * HOUR, None),
    ],
)
def test_after_a_pause_the_next_deadline_is_named(
    dues: list[float], planned: float, now: float, expected: float | None
) -> None:
    assert spoken_of(dues, planned, now) == expected


async def test_a_reminder_overseas_tells_her_own_hour(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def guadeloupe(*_: object) -> str:
        return "America/Guadeloupe"

    monkeypatch.setattr(cases, "zone_of_holder", guadeloupe)
    monkeypatch.setattr(reminders, "zone_of_holder", guadeloupe)
    phone = await small_world.phone("ana")
    await begin(phone.http, "data-seen")
    began = small_world.clock.now
    small_world.clock.now = began + 48 * HOUR
    await run(small_world)
    text = (await told(small_world))[-1].text
    hour = in_words(began + 72 * HOUR, "America/Guadeloupe").split(" à ")[1][:5]
    assert hour in text
    assert "heure de la Guadeloupe" in text


@pytest.mark.parametrize("how", ["facts", "path", "done", "sealed"])
async def test_an_incident_of_another_version_silences_nobody(small_world: World, how: str) -> None:
    ana, bea = await small_world.phone("ana"), await small_world.phone("bea")
    incident = await begin(ana.http, "data-seen")
    small_world.clock.pass_by(1)
    await begin(bea.http, "data-seen")
    keys, place = small_world.house.keys, f"habits_facts.{await small_world.holder('ana')}.{incident}"
    async with small_world.house.db.transaction() as db:
        if how == "facts":
            old = keys.seal(place, json.dumps({"people": "p50", "touched": "perhaps", "gone": "x"}).encode())
            await db.run("UPDATE habits_incidents SET facts = :old WHERE id = :id", old=old, id=incident)
        elif how == "sealed":
            await db.run("UPDATE habits_incidents SET facts = :old WHERE id = :id", old=b"broken", id=incident)
        elif how == "path":
            await db.run("UPDATE habits_incidents SET path = 'gone' WHERE id = :id", id=incident)
        else:
            done = '[{"act": "gone", "count": 1}, {"act": "end_sessions", "count": 2}]'
            await db.run("UPDATE habits_incidents SET done = :done WHERE id = :id", done=done, id=incident)
    before = len(await told(small_world))
    small_world.clock.pass_by(48 * HOUR)
    await run(small_world)
    assert len(await told(small_world)) >= before + 2, "Béa is told by mail and mobile"
    assert (await ana.http.get("/incident")).status_code == 200
    expected = {"facts": 200, "done": 200, "path": 404, "sealed": 500}[how]
    assert (await ana.http.get(f"/incident/{incident}")).status_code == expected
    assert (await post(ana.http, "/incident/new/data-seen")).status_code == 303, "a press always contains"


async def test_what_comes_later_pushes_the_beginning_out_of_nothing(small_world: World) -> None:
    phone = await small_world.phone("ana")
    desk = await signed_in(small_world, phone)
    incident = await begin(desk.http, "data-seen")
    holder = await small_world.holder("ana")

    async def opened(n: int) -> None:
        small_world.clock.pass_by(2 * HOUR)
        async with small_world.house.db.transaction() as db:
            for number in range(n):
                facts = {"session": f"s{number}"}
                await write_ledger(db, small_world.clock.now, small_world.house.keys, "session.opened", holder, facts)

    await opened(700)
    assert "Incident signalé" in (await phone.http.get(f"/incident/{incident}")).text
    desk = await signed_in(small_world, phone)
    await post(desk.http, f"/incident/{incident}/close")
    shown = (await phone.http.get(f"/incident/{incident}")).text.count("Session ouverte")
    await opened(700)
    after = await phone.http.get(f"/incident/{incident}")
    assert after.text.count("Session ouverte") == shown
    assert "Incident signalé" in after.text


async def test_ticking_a_task_again_and_again_writes_nothing_new(small_world: World) -> None:
    phone = await small_world.phone("ana")
    incident = await begin(phone.http, "data-seen")
    for _ in range(5):
        await post(phone.http, f"/incident/{incident}/tasks/cnil/done")
    acts = [row["act"] for row in await small_world.house.db.all("SELECT act FROM safe_ledger")]
    assert acts.count("incident.task_done") == 1


async def test_every_channel_is_told_when_something_is_let_go(world: World) -> None:
    lost, phone, codes = await world.phone("ana"), await world.phone("ana"), await codes_of(world, "ana")
    desk = await signed_in(world, phone)
    which = (await lost.get("me")).json()["device"]["id"]
    await begin(desk.http, "phone-lost", which=which)
    for act in (
        lambda: post(desk.http, f"/incident/thaw/{which}"),
        lambda: post(desk.http, "/incident/release"),
        lambda: begin(desk.http, "phone-lost", which=which),
        lambda: post(world.browser(), "/incident/resume", code=codes[0]),
    ):
        before = len(await told(world))
        await act()  # type: ignore[no-untyped-call]
        assert len(await told(world)) == before + 2
    before = len(await told(world))
    await begin(desk.http, "wrong-recipient")
    after = len(await told(world))
    await begin(desk.http, "wrong-recipient")
    assert (after, len(await told(world))) == (before + 2, before + 2), "nothing new was stopped, nothing new is told"


async def test_her_own_sign_in_of_a_minute_ago_is_not_among_the_mistaken_ones(world: World) -> None:
    phone = await world.phone("ana")
    oscar = await signed_in(world, phone)
    hers = await signed_in(world, phone)
    page = (await hers.http.get("/incident/new/approved")).text
    mine = await world.house.db.all("SELECT ask FROM signin_sessions ORDER BY auth_time")
    assert f'value="{mine[0]["ask"]}"' in page
    assert f'value="{mine[1]["ask"]}"' not in page
    await begin(hers.http, "approved", which=mine[0]["ask"])
    assert not await in_session(oscar)
    assert await in_session(hers)


async def test_a_lost_computer_loses_its_passkey_and_its_one_tap(world: World) -> None:
    phone, lost = await world.phone("ana"), world.desk()
    await lost.open_start(await lost.http.get("/security"))
    assert (await lost.show_key()).status_code == 200
    await phone.approve((await phone.scan(lost.qr())).json(), keep=True)
    assert (await lost.finish()).status_code == 200
    key = await lost.add_passkey()
    world.clock.pass_by(30 * 86400)
    hers = await signed_in(world, phone)
    await begin(hers.http, "computer-lost")
    assert not await passkey_sign_in(world, key)
    assert await world.house.db.all("SELECT id FROM watch_browsers WHERE forgotten_at IS NULL") == []


async def test_notes_never_make_the_papers_impossible(small_world: World) -> None:
    phone = await small_world.phone("ana")
    desk = await signed_in(small_world, phone)
    incident = await begin(desk.http, "approved")
    answers = [(await post(phone.http, f"/incident/{incident}/notes", text="😀" * 2000)).status_code for _ in range(12)]
    assert set(answers) == {303, 400}
    for paper in ("complaint.pdf", "complaint.txt", "cnil.pdf"):
        assert (await phone.http.get(f"/incident/{incident}/papers/{paper}")).status_code == 200, paper
    assert (await post(desk.http, f"/incident/{incident}/evidence")).status_code == 200
    note = (await small_world.house.db.all("SELECT id FROM habits_notes"))[0]["id"]
    remove = f"/incident/{incident}/notes/{note}/remove"
    assert (await post(phone.http, remove)).status_code == 403, "a phone alone takes nothing out"
    assert (await post(desk.http, remove)).status_code == 303
    assert (await post(phone.http, f"/incident/{incident}/notes", text="Plus court.")).status_code == 303


async def test_when_it_began_is_not_when_she_knew(small_world: World) -> None:
    phone = await small_world.phone("ana")
    incident = await begin(phone.http, "approved")
    await post(phone.http, f"/incident/{incident}/answers", began_at="2026-04-20T10:00")
    assert "Délai passé" not in (await phone.http.get(f"/incident/{incident}")).text


async def test_presses_at_once_are_one_incident(world: World) -> None:
    phone = await world.phone("ana")
    await asyncio.gather(*(post(phone.http, "/incident/new/data-seen") for _ in range(4)))
    assert len(await world.house.db.all("SELECT id FROM habits_incidents")) == 1


async def test_two_sheets_saved_at_once_are_both_kept(world: World) -> None:
    phone = await world.phone("ana")
    incident = await begin(phone.http, "data-seen")
    path = f"/incident/{incident}/answers"
    await asyncio.gather(post(phone.http, path, people="p50"), post(phone.http, path, severity="limited"))
    facts = await facts_of(world, "ana", incident)
    assert (facts.people, facts.severity) == ("p50", "limited")


async def test_one_persons_papers_keep_nobody_waiting(small_world: World) -> None:
    phone = await small_world.phone("ana")
    incident, holder = await begin(phone.http, "data-seen"), await small_world.holder("ana")
    with turn(small_world.house, "paper", holder, 2), turn(small_world.house, "paper", holder, 2):
        assert (await phone.http.get(f"/incident/{incident}/papers/cnil.pdf")).status_code == 503
    assert (await phone.http.get(f"/incident/{incident}/papers/cnil.pdf")).status_code == 200


@pytest.mark.parametrize("form", [{"Madame Durand": "x"}, {"people": "Madame Durand"}, {"nature.Madame Durand": "yes"}])
def test_what_she_types_reaches_no_log(form: dict[str, str]) -> None:
    """The detail of a refusal is a line of the log."""
    with pytest.raises(Refusal) as refused:
        read_facts(form, Facts(), "Europe/Paris", 1_790_000_000.0)
    assert "Durand" not in f"{refused.value.detail} {refused.value.words}"


def test_every_presumed_answer_is_one_that_she_could_give() -> None:
    for path in PATHS.values():
        presumed = path.facts.presumed
        assert read_facts(presumed.form("Europe/Paris"), Facts(), "Europe/Paris", 1_790_000_000.0) == presumed
        assert presumed.taken == [], "what Lucine did is said by what it did"


async def test_the_phone_that_oscar_added_approves_her_session_and_is_frozen_all_the_same(world: World) -> None:
    """Her browser rings all her phones, his among them; he answers first."""
    hers = await world.phone("ana")
    world.clock.pass_by(30 * 86400)
    oscar = await signed_in(world, hers)
    his, page = world.bare_phone(), await oscar.post("/security/phones/voucher")
    voucher = re.findall(r"#enrol=([\w-]+)", page.text)[0]
    assert (await his.enrol(voucher)).status_code == 200
    desk = await signed_in(world, his)  # what she sees is her own desk, signed in
    for path in ("approved", "code-given", "data-seen"):
        await begin(desk.http, path)
    assert (await state(his), await state(hers)) == ("frozen", "active")
    assert not await in_session(oscar)


async def test_a_phone_for_which_she_stood_there_is_never_frozen_as_new(world: World) -> None:
    stolen, codes = await world.phone("ana"), await codes_of(world, "ana")
    new = await world.phone("ana")  # with her card, after the theft
    for path in ("approved", "code-given", "data-seen", "false-invoices"):
        await begin(stolen.http, path)
    assert await state(new) == "active"
    await post(world.browser(), "/incident/new/approved/code", code=codes[0])
    assert await state(new) == "active"


async def test_a_code_and_a_press_at_once_never_wait_for_each_other(world: World) -> None:
    phone, codes = await world.phone("ana"), await codes_of(world, "ana")
    for code in codes:
        desk = await signed_in(world, phone)
        answers = await asyncio.gather(
            post(world.browser(), "/incident/new/code-given/code", code=code),
            post(desk.http, "/incident/new/code-given"),
            post(world.browser(), "/lost", code="AAAA-BBBB-CCCC-DDDD"),
        )
        assert 503 not in [answer.status_code for answer in answers]


async def test_her_own_sign_in_is_left_alone_whichever_of_its_approvals_is_named(world: World) -> None:
    phone = await world.phone("ana")
    desk = await signed_in(world, phone)
    key = await desk.add_passkey()
    world.clock.pass_by(60)
    await desk.open_start(await desk.http.get("/security/again"))  # she signs in again: the session stays
    await phone.approve((await phone.scan(desk.qr())).json())
    assert (await desk.finish()).status_code == 200
    page = (await desk.http.get("/incident/new/approved")).text
    asks = await world.house.db.all("SELECT id FROM phone_asks")
    assert len(asks) == 2
    for ask in asks:
        assert f'value="{ask["id"]}"' not in page
        await begin(desk.http, "approved", which=ask["id"])
    assert await world.house.db.all("SELECT id FROM signin_sessions WHERE disowned_at IS NOT NULL") == []
    gone = await world.house.db.all("SELECT id FROM phone_credentials WHERE revoked_at IS NOT NULL")
    assert gone == []
    assert key


async def test_ticking_and_unticking_empties_no_paper(small_world: World) -> None:
    phone = await small_world.phone("ana")
    desk = await signed_in(small_world, phone)
    incident = await begin(desk.http, "approved")
    for _ in range(160):
        await post(phone.http, f"/incident/{incident}/tasks/cnil/done")
        await post(phone.http, f"/incident/{incident}/tasks/cnil/undo")
    shown = (await phone.http.get(f"/incident/{incident}")).text
    assert "Session ouverte" in shown
    assert "Incident signalé" in shown
    assert "Incident signalé" in (await phone.http.get(f"/incident/{incident}/papers/complaint.txt")).text


def test_one_code_that_is_gone_takes_no_other_along() -> None:
    kept = json.dumps({"data": ["surname", "gone", "nir"], "people": "gone", "touched": "yes"}).encode()
    facts = kept_facts(kept)
    assert (facts.data, facts.people, facts.touched) == (["surname", "nir"], "", "yes")


async def test_an_approval_that_rang_can_be_named_and_a_passkeys_cannot(world: World) -> None:
    service, desk, phone = await known_desk(world)
    key = await (await signed_in(world, phone)).add_passkey()
    await again(desk, service)
    assert (await desk.ring()).status_code == 200
    (ask,) = await ringing(world)
    assert (await phone.approve(ask)).status_code == 200
    assert await passkey_sign_in(world, key)
    page = (await phone.http.get("/incident/new/approved")).text
    named = set(re.findall(r'name="which" value="([\w-]+)"', page))
    approved = await world.house.db.all("SELECT id FROM phone_asks WHERE answer = 'approved'")
    assert ask["id"] in named
    assert len(approved) == len(named) + 1, "all but the passkey's"


async def test_papers_that_are_asked_for_at_once_wait_for_their_turn(small_world: World) -> None:
    desk = await signed_in(small_world, await small_world.phone("ana"))
    answers = await asyncio.gather(*[desk.http.get("/habits/report.pdf") for _ in range(6)])
    assert sorted(answer.status_code for answer in answers) == [200] * PAPERS_AT_ONCE + [503] * (6 - PAPERS_AT_ONCE)


@pytest.mark.parametrize("act", ["answers", "tasks/cnil/done", "notes"])
async def test_an_incident_of_a_path_that_is_gone_changes_nothing(small_world: World, act: str) -> None:
    phone = await small_world.phone("ana")
    incident = await begin(phone.http, "data-seen")
    async with small_world.house.db.transaction() as db:
        await db.run("UPDATE habits_incidents SET path = 'gone'")
    assert (await post(phone.http, f"/incident/{incident}/{act}")).status_code == 404


@pytest.mark.parametrize("said", ["closed", "anything", "<b>"])
async def test_a_link_says_nothing_that_is_not_known_here(small_world: World, said: str) -> None:
    page = await small_world.browser().get("/incident", params={"done": said})
    assert ('data-notice="closed"' in page.text) is (said == "closed")
    assert page.text.count("data-notice") == (said == "closed")


@pytest.mark.parametrize("kept", [b'{"nature": null}', b'{"nature": "integrity"}', b'{"nature": [1]}'])
def test_a_list_that_was_kept_as_something_else_is_dropped(kept: bytes) -> None:
    assert kept_facts(kept) == Facts()


def test_a_date_of_sending_alone_sends_nothing() -> None:
    """Both duties at once would say that CNIL is to be told, and that what it was told is to be completed."""
    dated = Facts(touched="yes", notified_at=1_790_000_000.0)
    shown = {duty.id for duty in duties_for("data-seen", dated, 1_790_000_000.0, "Europe/Paris")}
    assert shown & {"cnil", "cnil-followup"} == {"cnil"}
    assert sent_at(dated) is None
