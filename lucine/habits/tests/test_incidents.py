"""The incident room, through its doors: contained first, then noted, never sent, never lost."""

import json
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from lucine.app.connect import build_connect
from lucine.habits.paths import PATHS
from lucine.habits.reminders import BEFORE_SECONDS, next_reminder, remind_of_deadlines
from lucine.habits.timeline import LEFT_OUT, WORDS
from lucine.safe import verify_ledger
from lucine.signin.evidence import CONTENTS, SEALS, check_bundle
from lucine.web.settings import Settings
from tests.world import ORIGIN, Phone, World

from .incident_kit import begin, codes_of, facts_of, in_session, post, signed_in, state, told

ROOMS = Path(__file__).parents[2]


@pytest.mark.parametrize("path", list(PATHS))
async def test_one_press_stops_everything_but_what_she_holds(world: World, path: str) -> None:
    phone = await world.phone("ana")
    here, elsewhere = await signed_in(world, phone), await signed_in(world, phone)
    incident = await begin(here.http, path)
    room = await here.http.get(f"/incident/{incident}")
    assert room.status_code == 200
    assert "data-contained" in room.text
    assert await in_session(here)
    assert await in_session(elsewhere) == (path == "wrong-recipient")
    kept = await world.house.db.one("SELECT sealed FROM habits_evidence WHERE incident = :id", id=incident)
    assert kept is not None
    assert b"ana" not in kept["sealed"].lower(), "sealed"
    lines, _ = await verify_ledger(world.house.db, world.house.keys)
    assert lines > 3


async def test_a_lost_phone_is_frozen_and_the_other_is_not(world: World) -> None:
    lost, other = await world.phone("ana"), await world.phone("ana")
    desk = await signed_in(world, other)
    page = (await desk.http.get("/incident/new/phone-lost")).text
    choices = re.findall(r'name="which" value="([\w-]+)"', page)
    assert len(choices) == 3, "two phones, and all"
    devices = [row["id"] for row in await world.house.db.all("SELECT id FROM phone_credentials ORDER BY created_at")]
    assert set(choices) == {*devices, "all"}
    lost_id = (await lost.get("me")).json()["device"]["id"]
    await begin(desk.http, "phone-lost", which=lost_id)
    assert (await state(lost), await state(other)) == ("frozen", "active")


async def test_a_phone_alone_stops_much_and_freezes_no_other(world: World) -> None:
    """It may be the stolen one, unlocked in a thief's hand."""
    other, hand = await world.phone("ana"), await world.phone("ana")
    desk = await signed_in(world, other)
    incident = await begin(hand.http, "phone-lost", which="all")
    assert not await in_session(desk)
    assert (await state(other), await state(hand)) == ("active", "active")
    room = await hand.http.get(f"/incident/{incident}")
    assert "data-left" in room.text, "and the page says what is left"
    desk = await signed_in(world, hand)
    await begin(desk.http, "phone-lost", which="all")
    assert (await state(other), await state(hand)) == ("frozen", "frozen"), "she has shown that it is her"
    assert "data-left" not in (await desk.http.get(f"/incident/{incident}")).text


async def test_a_mistaken_approval_is_undone_with_its_session(world: World) -> None:
    phone = await world.phone("ana")
    oscar = await signed_in(world, phone)
    page = (await phone.http.get("/incident/new/approved")).text
    (ask,) = re.findall(r'name="which" value="([\w-]+)"', page)
    await begin(phone.http, "approved", which=ask)
    assert not await in_session(oscar)
    row = await world.house.db.one("SELECT disowned_at FROM signin_sessions")
    assert row is not None
    assert row["disowned_at"] == world.clock.now


async def test_a_code_that_was_given_leads_to_no_new_phone(world: World) -> None:
    phone = await world.phone("ana")
    world.clock.pass_by(30 * 86400)
    desk = await signed_in(world, phone)
    stranger = world.bare_phone()
    voucher = await world.voucher("ana", "codes")
    await begin(desk.http, "code-given")
    assert (await stranger.enrol(voucher)).status_code == 410
    assert await state(phone) == "active", "an old phone of hers goes on"


async def test_a_phone_that_oscar_added_yesterday_is_frozen(world: World) -> None:
    phone = await world.phone("ana")
    world.clock.pass_by(30 * 86400)
    desk, stranger = await signed_in(world, phone), world.bare_phone()
    assert (await stranger.enrol(await world.voucher("ana", "codes"))).status_code == 200
    world.clock.pass_by(73 * 3600)
    desk = await signed_in(world, phone)
    await begin(desk.http, "code-given")
    assert (await state(stranger), await state(phone)) == ("frozen", "active")


@pytest.mark.parametrize("which", ["x", "", "all"])
async def test_a_choice_that_is_no_more_stands_for_all(small_world: World, which: str) -> None:
    """Whatever the page says, the press contains: she is not sent back to a list while somebody sits there."""
    phone = await small_world.phone("ana")
    desk, other = await signed_in(small_world, phone), await signed_in(small_world, phone)
    assert (await post(desk.http, "/incident/new/approved", which=which)).status_code == 303
    assert not await in_session(other)
    disowned = await small_world.house.db.all("SELECT id FROM signin_sessions WHERE disowned_at IS NOT NULL")
    assert disowned == []


async def test_somebody_elses_phone_cannot_be_named(small_world: World) -> None:
    ana, bea = await small_world.phone("ana"), await small_world.phone("bea")
    theirs = (await bea.get("me")).json()["device"]["id"]
    desk = await signed_in(small_world, ana)
    assert (await post(desk.http, "/incident/new/phone-lost", which=theirs)).status_code == 303
    assert await state(bea) == "active"


async def test_without_a_sign_in_a_recovery_code_stops_everything(world: World) -> None:
    phone = await world.phone("ana")
    desk, codes = await signed_in(world, phone), await codes_of(world, "ana")
    stranger = world.browser()
    assert (await stranger.get("/incident")).status_code == 200
    assert (await stranger.get("/incident/new/phone-lost")).status_code == 200
    wrong = await post(stranger, "/incident/new/phone-lost/code", code="AAAA-BBBB-CCCC-DDDD")
    assert await in_session(desk)
    right = await post(stranger, "/incident/new/phone-lost/code", code=codes[0])
    assert (wrong.status_code, wrong.headers["location"]) == (right.status_code, right.headers["location"])
    assert not await in_session(desk)
    assert await state(phone) == "frozen"
    world.clock.pass_by(1)
    again = await post(stranger, "/incident/new/phone-lost/code", code=codes[0])
    assert again.headers["location"] == right.headers["location"]
    assert len(await world.house.db.all("SELECT id FROM habits_incidents")) == 1, "a code serves once"


async def test_who_is_not_known_stops_nothing(small_world: World) -> None:
    await small_world.phone("ana")
    stranger = small_world.browser()
    assert (await post(stranger, "/incident/new/phone-lost")).status_code == 401
    assert (await stranger.get("/incident/xxxxxxxxxxxxxxxxxxxxxx")).status_code == 303
    assert await small_world.house.db.all("SELECT id FROM habits_incidents") == []


async def test_an_incident_is_hers_alone(small_world: World) -> None:
    ana, phone = await small_world.phone("ana"), await small_world.phone("bea")
    bea = await signed_in(small_world, phone)
    incident = await begin(ana.http, "data-seen")
    room = f"/incident/{incident}"
    for path in (room, f"{room}/papers/cnil.pdf", f"{room}/papers/register.txt"):
        assert (await bea.http.get(path)).status_code == 404, path
    for path, form in (
        ("answers", {"touched": "yes"}), ("tasks/cnil/done", {}), ("tasks/cnil/undo", {}), ("notes", {"text": "x"}),
        ("evidence", {}), ("close", {}), ("reopen", {}), ("notes/x/remove", {}),
    ):  # fmt: skip
        assert (await post(bea.http, f"{room}/{path}", **form)).status_code == 404, path
    assert (await ana.http.get(room)).status_code == 200


async def test_two_presses_are_one_incident(world: World) -> None:
    phone = await world.phone("ana")
    first, second = [await begin(phone.http, "files-locked") for _ in range(2)]
    assert first == second


async def test_letting_go_needs_a_recent_sign_in(world: World) -> None:
    lost, other = await world.phone("ana"), await world.phone("ana")
    desk = await signed_in(world, other)
    lost_id = (await lost.get("me")).json()["device"]["id"]
    await begin(desk.http, "phone-lost", which=lost_id)
    for path in (f"/incident/thaw/{lost_id}", "/incident/release"):
        assert (await post(other.http, path)).status_code == 403, "a phone alone lets nothing go"
    world.clock.pass_by(11 * 60)
    assert (await post(desk.http, f"/incident/thaw/{lost_id}")).status_code == 403
    desk = await signed_in(world, other)
    assert (await post(desk.http, f"/incident/thaw/{lost_id}")).status_code == 303
    assert await state(lost) == "active"
    assert (await post(desk.http, "/incident/release")).status_code == 303
    assert (await world.bare_phone().enrol(await world.voucher("ana", "desk"))).status_code == 200


async def test_her_only_phone_is_frozen_and_a_code_lets_another_in(world: World) -> None:
    phone, codes = await world.phone("ana"), await codes_of(world, "ana")
    stranger = world.browser()
    await post(stranger, "/incident/new/phone-lost/code", code=codes[0])
    assert await state(phone) == "frozen"
    answers = [await post(stranger, "/incident/resume", code=code) for code in ("WRONG", codes[1])]
    assert len({answer.headers["location"] for answer in answers}) == 1
    new = world.bare_phone()
    assert (await new.enrol(await world.voucher("ana", "codes"))).status_code == 200
    assert await state(new) == "quarantine"
    assert await state(phone) == "frozen", "the code lets nothing thaw"


async def test_nothing_is_sent_to_anybody_but_her(world: World) -> None:
    phone = await world.phone("ana")
    desk = await signed_in(world, phone)
    await signed_in(world, phone)
    before = len(await told(world))
    incident = await begin(desk.http, "files-locked")
    await post(desk.http, f"/incident/{incident}/tasks/cnil/done")
    await post(desk.http, f"/incident/{incident}/evidence")
    await desk.http.get(f"/incident/{incident}/papers/cnil.pdf")
    new = (await told(world))[before:]
    assert {message.to for message in new} == {"ana@exemple.invalid", "0600000001"}
    assert len(new) == 2, "one word to each channel: an incident is open"


async def test_answers_and_notes_outlive_the_session_and_the_program(small_world: World) -> None:
    phone = await small_world.phone("ana")
    desk = await signed_in(small_world, phone)
    incident = await begin(desk.http, "data-seen")
    room = f"/incident/{incident}"
    assert (
        await post(desk.http, f"{room}/answers", people="p50", account="Un dossier ouvert sans raison.")
    ).status_code == 303
    assert (await post(desk.http, f"{room}/notes", text="Vu à 18 h.")).status_code == 303
    assert (await post(desk.http, f"{room}/tasks/register/done")).status_code == 303
    # The session is lost, and so is everything but the database and the key file.
    folder = small_world.folder / "elsewhere"
    folder.mkdir()
    for name in ("test.db", "test.db-wal", "test.db-shm", "keys.json"):
        if (small_world.folder / name).exists():
            shutil.copy(small_world.folder / name, folder / name)
    settings = Settings(origin=ORIGIN, database=f"sqlite:///{folder}/test.db", keys=f"{folder}/keys.json",
                        post=f"folder:{folder}/post", log_level="error")  # fmt: skip
    app = build_connect(settings, clock=small_world.clock, chores=False)
    async with app.router.lifespan_context(app):
        left = World(app, app.state.house, small_world.clock, folder)
        again = Phone(left, left.browser(), phone.key)
        again.http.cookies = phone.http.cookies
        desk = await signed_in(left, again)
        shown = (await desk.http.get(room)).text
        assert "Un dossier ouvert sans raison." in shown
        assert "Vu à 18\u00a0h." in shown or "Vu à 18 h." in shown
        assert 'data-finished="register"' in shown
        paper = await desk.http.get(f"{room}/papers/cnil.txt")
        assert "Un dossier ouvert sans raison." in paper.text
        assert (await post(desk.http, f"{room}/evidence")).status_code == 200
        for client in left.clients:
            await client.aclose()


@pytest.mark.parametrize(
    "form",
    [{"people": "p7"}, {"nature": "confidentiality"}, {"aware_at": "2126-01-01T10:00"}, {"account": "x" * 5000},
     {"records": "-1"}, {"nobody": "x"}, {"aware_at": "2026-02-30T10:00"}],
)  # fmt: skip
async def test_bad_answers_are_refused_and_the_good_ones_stay(small_world: World, form: dict[str, str]) -> None:
    phone = await small_world.phone("ana")
    incident = await begin(phone.http, "data-seen")
    await post(phone.http, f"/incident/{incident}/answers", people="p50")
    answer = await post(phone.http, f"/incident/{incident}/answers", insured="no", **form)
    assert answer.status_code == 400
    assert ("<details" in answer.text and 'role="alert"' in answer.text) or "refusal" in answer.text
    facts = await facts_of(small_world, "ana", incident)
    assert (facts.people, facts.insured) == ("p50", "")


@pytest.mark.parametrize("text", ["", "   ", "x" * 2001])
async def test_a_note_has_a_measure(small_world: World, text: str) -> None:
    phone = await small_world.phone("ana")
    incident = await begin(phone.http, "data-seen")
    assert (await post(phone.http, f"/incident/{incident}/notes", text=text)).status_code == 400
    assert await small_world.house.db.all("SELECT id FROM habits_notes") == []


async def test_unknown_papers_and_tasks_are_not_there(small_world: World) -> None:
    phone = await small_world.phone("ana")
    incident = await begin(phone.http, "wrong-recipient")
    assert (await phone.http.get(f"/incident/{incident}/papers/nothing.pdf")).status_code == 404
    assert (await post(phone.http, f"/incident/{incident}/tasks/nothing/done")).status_code == 404
    assert (await phone.http.get("/incident/new/nothing")).status_code == 404


async def test_a_closed_incident_is_read_not_changed_and_opened_again(small_world: World) -> None:
    phone = await small_world.phone("ana")
    desk = await signed_in(small_world, phone)
    incident = await begin(desk.http, "data-seen")
    assert (await post(phone.http, f"/incident/{incident}/close")).status_code == 403, "a phone alone closes nothing"
    assert (await post(desk.http, f"/incident/{incident}/close")).status_code == 303
    for path, form in (("answers", {"people": "p5"}), ("notes", {"text": "x"}), ("tasks/cnil/done", {}), ("close", {})):
        assert (await post(desk.http, f"/incident/{incident}/{path}", **form)).status_code == 409
    assert (await phone.http.get(f"/incident/{incident}")).status_code == 200
    assert (await phone.http.get(f"/incident/{incident}/papers/register.pdf")).status_code == 200
    assert (await post(desk.http, f"/incident/{incident}/reopen")).status_code == 303
    assert (await post(desk.http, f"/incident/{incident}/notes", text="x")).status_code == 303


async def test_a_press_is_never_refused_and_a_later_one_has_its_own_clock(small_world: World) -> None:
    phone = await small_world.phone("ana")
    found = set()
    for _ in range(25):
        desk = await signed_in(small_world, phone)
        incident = await begin(desk.http, "wrong-recipient")
        await post(desk.http, f"/incident/{incident}/close")
        found.add(incident)
    assert len(found) == 1, "within a day it is one incident, open again at each press"
    small_world.clock.pass_by(20 * 86400)
    assert await begin(phone.http, "wrong-recipient") not in found


async def test_the_bundle_holds_everything_and_shows_every_change(small_world: World, tmp_path: Path) -> None:
    phone = await small_world.phone("ana")
    desk = await signed_in(small_world, phone)
    incident = await begin(desk.http, "approved")
    await post(phone.http, f"/incident/{incident}/notes", text="Un appel masqué.")
    assert (await post(phone.http, f"/incident/{incident}/evidence")).status_code == 403, "a phone carries nothing away"
    answer = await post(desk.http, f"/incident/{incident}/evidence")
    assert answer.status_code == 200
    file = tmp_path / "b.zip"
    file.write_bytes(answer.content)
    checked = check_bundle(file, None)
    assert (checked.manifest.kind, checked.manifest.id) == ("incident", incident)
    with zipfile.ZipFile(file) as archive:
        assert sorted(archive.namelist()) == sorted((*CONTENTS["incident"], *SEALS))
        told = [json.loads(line) for line in archive.read("timeline.jsonl").splitlines()]
        kept = json.loads(archive.read("kept.json"))
        lines = [json.loads(line) for line in archive.read("ledger.jsonl").splitlines()]
        papers = archive.read("papers.txt").decode()
    assert any("Firefox" in moment["detail"] for moment in told), "what a line is about"
    assert "Un appel masqué." in [moment["note"] for moment in told]
    assert WORDS["session.opened"] in [moment["words"] for moment in told]
    assert len(kept) == 1
    assert len(kept[0]["sign_ins"]) == 1
    assert kept[0]["sign_ins"][0]["ended_at"] is None, "as it was before anything was stopped"
    assert {line["act"] for line in lines} >= {"incident.opened", "session.opened", "phone.enrolled"}
    assert "CNIL" in papers
    data = bytearray(answer.content)
    found = zipfile.ZipFile(file).getinfo("kept.json").header_offset
    data[found + 60] ^= 1
    file.write_bytes(data)
    with pytest.raises(Exception, match=r"changed|readable"):
        check_bundle(file, None)


def _acts_about_holders() -> set[str]:
    """Every act that the code writes about a holder: those of officers, clients and machines are not hers."""
    others = re.compile(
        r"^(alarm|barometer|client|delivery|evidence|events|grant|measure|officer|signal|signals|signing_key|stream|watch|invented|lost)\b"
    )
    found: set[str] = set()
    for path in ROOMS.rglob("*.py"):
        if "tests" in path.parts or "lab" in path.parts or "bench" in path.parts:
            continue
        for call in re.findall(r"(?:write_ledger|_write)\((.{0,200}?)\)", path.read_text(), re.DOTALL):
            for act in re.findall(r'f?"([a-z_]+(?:\.[a-z_{}\[\]\']+)+|disowned|cancelled)"', call):
                found.add(act)
    kinds = {re.sub(r"\{.*?\}", kind, act) for act in found for kind in ("phone", "computer")}
    answers = {act.replace("ask.phone", f"ask.{answer}") for act in kinds for answer in ("not_me", "changed_mind")}
    return {act for act in answers if not others.match(act) and act not in ("ask.computer",)}


def test_every_act_about_her_has_words_in_the_timeline() -> None:
    acts = _acts_about_holders()
    assert len(acts) > 20
    assert {act for act in acts if act not in WORDS} <= set(LEFT_OUT)


@pytest.mark.parametrize("now", [0.0, 3600.0, 30 * 3600.0, 71 * 3600.0])
def test_reminders_come_before_and_at_the_end(now: float) -> None:
    due = 72 * 3600.0
    found = next_reminder([due], now)
    assert found is not None
    assert found > now
    assert found in [due - before for before in BEFORE_SECONDS]


async def test_she_is_reminded_and_no_more_once_it_is_done(world: World) -> None:
    phone = await world.phone("ana")
    incident = await begin(phone.http, "data-seen")
    for task in ("register", "complaint"):
        await post(phone.http, f"/incident/{incident}/tasks/{task}/done")
    began, before = world.clock.now, len(await told(world))

    async def reminded(at: float) -> int:
        world.clock.now = at
        while await remind_of_deadlines(world.house, world.clock.now):
            pass
        return len(await told(world)) - before

    assert await reminded(began + 47 * 3600) == 0
    assert await reminded(began + 48 * 3600) == 2, "mail and mobile, a day before"
    assert await reminded(began + 48 * 3600 + 60) == 2, "once"
    assert await reminded(began + 66 * 3600) == 4
    message = (await told(world))[-1]
    assert incident not in message.text, "nothing that names it"
    await post(phone.http, f"/incident/{incident}/tasks/cnil/done")
    assert await reminded(began + 100 * 3600) == 4


async def test_a_late_reminder_says_so(world: World) -> None:
    phone = await world.phone("ana")
    incident = await begin(phone.http, "wrong-recipient")
    await post(phone.http, f"/incident/{incident}/tasks/register/done")
    world.clock.pass_by(90 * 3600)
    while await remind_of_deadlines(world.house, world.clock.now):
        pass
    texts = [message.text for message in await told(world)]
    assert any("est passé" in text for text in texts)
    await post(phone.http, f"/incident/{incident}/close")
    row = await world.house.db.one("SELECT remind_at FROM habits_incidents")
    assert row is not None
    assert row["remind_at"] is None


async def test_pages_of_incidents_speak_english_too(small_world: World) -> None:
    phone = await small_world.phone("ana")
    phone.http.headers["Accept-Language"] = "en"
    incident = await begin(phone.http, "files-locked")
    shown: Any = (await phone.http.get(f"/incident/{incident}")).text
    assert 'lang="en"' in shown
    assert "Unplug the network cable" in shown
