"""What a second hostile reader proved: what goes on behind a press, around it, and after it."""

import asyncio
import io
import json
import re
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from lucine.app.bench.soft_key import SoftKey
from lucine.habits.incidents import evidence_of, find_incident
from lucine.phone.enrolment import recovery_codes_left
from lucine.phone.typed import ARMED_MAX_PER_DAY
from lucine.safe import write_ledger
from tests.world import ORIGIN, Desk, World

from .incident_kit import begin, codes_of, in_session, passkey_sign_in, post, show_passkey, signed_in, state

HOUR, DAY = 3600.0, 86400.0
AT_ONCE = 4


async def by_passkey(world: World, key: SoftKey) -> Desk:
    """A desk that this passkey has opened."""
    desk, answer = await show_passkey(world, key)
    assert answer.status_code == 200
    assert (await desk.finish()).status_code == 200
    return desk


async def new_codes(desk: Desk) -> list[str]:
    page = await desk.post("/security/recovery-codes")
    assert page.status_code == 200
    return re.findall(r"\b[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}\b", page.text)


async def newest_session(world: World) -> Any:
    row = await world.house.db.one("SELECT id, ask FROM signin_sessions ORDER BY auth_time DESC LIMIT 1")
    assert row
    return row


async def kept_of(world: World, person: str, incident: str) -> list[Any]:
    db, keys = world.house.db, world.house.keys
    found = await find_incident(db, keys, holder=await world.holder(person), incident=incident)
    return list(json.loads(await evidence_of(db, keys, found)))


# ---- What was added from what was added ----


@pytest.mark.parametrize("how", ["page", "phone"])
async def test_not_me_takes_along_what_was_added_from_what_was_added(world: World, how: str) -> None:
    phone = await world.phone("ana")
    world.clock.pass_by(30 * DAY)
    oscar = await signed_in(world, phone)  # the mistaken approval
    mistaken = await newest_session(world)
    first = await oscar.add_passkey()
    further = await by_passkey(world, first)
    second = await further.add_passkey()
    assert len(await new_codes(further)) == 10
    if how == "page":
        hers = await signed_in(world, phone)
        assert (await post(hers.http, f"/security/sign-ins/{mistaken['id']}/not-me")).status_code == 200
    else:
        assert (await phone.post(f"history/{mistaken['ask']}/not-me")).status_code == 200
    assert not await in_session(oscar)
    assert not await in_session(further)
    assert not await passkey_sign_in(world, first)
    assert not await passkey_sign_in(world, second)
    assert await recovery_codes_left(world.house.db, await world.holder("ana")) == 0


# ---- A session that ended while its request was under way ----


async def test_a_session_that_not_me_ended_adds_nothing_any_more(world: World) -> None:
    phone = await world.phone("ana")
    world.clock.pass_by(30 * DAY)
    for _ in range(5):
        oscar = await signed_in(world, phone)
        theirs = (await newest_session(world))["id"]
        hers = await signed_in(world, phone)
        pages = await asyncio.gather(
            *(oscar.post("/security/phones/voucher") for _ in range(AT_ONCE)),
            post(hers.http, f"/security/sign-ins/{theirs}/not-me"),
            *(oscar.post("/security/phones/voucher") for _ in range(AT_ONCE)),
            *(oscar.post("/security/recovery-codes") for _ in range(AT_ONCE)),
        )
        assert not await in_session(oscar)
        for voucher in {found for page in pages for found in re.findall(r"#enrol=([\w-]+)", page.text)}:
            assert (await world.bare_phone().enrol(voucher)).status_code == 410
        alive = await world.house.db.all(
            "SELECT digest FROM phone_recovery_codes WHERE spent_at IS NULL AND made_in = :theirs", theirs=theirs
        )
        assert alive == []


async def test_a_session_that_the_press_ended_lets_nothing_go(world: World) -> None:
    phone = await world.phone("ana")
    world.clock.pass_by(30 * DAY)
    for _ in range(5):
        world.clock.pass_by(1)
        async with world.house.db.transaction() as db:
            await db.run("UPDATE phone_holders SET held_at = NULL")
        oscar = await signed_in(world, phone)
        key = await oscar.add_passkey()
        row = await world.house.db.one(
            "SELECT id FROM phone_credentials WHERE kind = 'computer' ORDER BY created_at DESC LIMIT 1"
        )
        assert row
        await asyncio.gather(
            begin(phone.http, "code-given"),
            *(post(oscar.http, f"/incident/thaw/{row['id']}") for _ in range(AT_ONCE)),
            *(post(oscar.http, "/incident/release") for _ in range(AT_ONCE)),
        )
        assert not await in_session(oscar)
        assert not await passkey_sign_in(world, key)
        assert await world.house.db.all("SELECT id FROM phone_holders WHERE held_at IS NOT NULL")


async def slowly(http: httpx.AsyncClient, path: str, form: str, go: asyncio.Event) -> httpx.Response:
    async def body() -> AsyncIterator[bytes]:
        yield form[:1].encode()
        await go.wait()
        yield form[1:].encode()

    headers = {"Origin": ORIGIN, "Content-Type": "application/x-www-form-urlencoded"}
    return await http.post(path, content=body(), headers=headers)


async def test_a_press_whose_session_has_ended_freezes_nothing(world: World) -> None:
    """The guard is passed, and the rest of the form comes seconds later."""
    phone, go = await world.phone("ana"), asyncio.Event()
    world.clock.pass_by(30 * DAY)
    oscar = await signed_in(world, phone)
    under_way = asyncio.create_task(slowly(oscar.http, "/incident/new/phone-lost", "which=all", go))
    await asyncio.sleep(0.3)
    await begin(phone.http, "code-given")
    assert not await in_session(oscar)
    go.set()
    assert (await under_way).status_code == 401
    assert await state(phone) == "active"


async def test_a_copied_cookie_is_worth_nothing_after_the_press(world: World) -> None:
    desk, thief = await signed_in(world, await world.phone("ana")), world.browser()
    for cookie in desk.http.cookies.jar:
        thief.cookies.jar.set_cookie(cookie)
    assert (await thief.get("/security")).status_code == 200
    incident = await begin(desk.http, "data-seen")
    assert await in_session(desk)
    assert (await thief.get("/security")).status_code != 200
    for path in (f"/incident/{incident}/evidence", f"/incident/{incident}/close", "/incident/release"):
        assert (await post(thief, path)).status_code == 401


# ---- What Oscar made meanwhile, and what hides him ----


@pytest.mark.parametrize("path", ["approved", "code-given", "data-seen", "false-invoices"])
async def test_recovery_codes_that_oscar_made_open_nothing_afterwards(world: World, path: str) -> None:
    phone, _ = await world.phone("ana"), await codes_of(world, "ana")
    world.clock.pass_by(30 * DAY)
    his = await new_codes(await signed_in(world, phone))
    world.clock.pass_by(60)
    incident = await begin(phone.http, path)
    assert "Codes de secours récents annulés" in (await phone.http.get(f"/incident/{incident}")).text
    await post(world.browser(), "/incident/resume", code=his[0])
    assert await world.house.db.all("SELECT id FROM phone_holders WHERE held_at IS NOT NULL")
    await post(world.browser(), "/lost", code=his[1])
    assert await state(phone) == "active"


async def test_whoever_speaks_by_a_code_keeps_the_others(world: World) -> None:
    """A set voids the one before: who has a code that is good has made the set, or nobody else has."""
    hers = await new_codes(await signed_in(world, await world.phone("ana")))
    await post(world.browser(), "/incident/new/code-given/code", code=hers[0])
    await post(world.browser(), "/incident/resume", code=hers[1])
    assert await world.house.db.all("SELECT id FROM phone_holders WHERE held_at IS NOT NULL") == []
    assert await recovery_codes_left(world.house.db, await world.holder("ana")) == 8


async def test_a_code_is_not_spent_on_nothing(small_world: World) -> None:
    await small_world.phone("ana")
    for code in await codes_of(small_world, "ana"):
        await post(small_world.browser(), "/incident/resume", code=code)
    assert await recovery_codes_left(small_world.house.db, await small_world.holder("ana")) == 10


async def test_sign_ins_with_a_passkey_hide_no_mistaken_approval(small_world: World) -> None:
    world = small_world
    phone = await world.phone("ana")
    world.clock.pass_by(30 * DAY)
    oscar = await signed_in(world, phone)
    key, mistaken = await oscar.add_passkey(), (await newest_session(world))["ask"]
    for _ in range(50):
        await passkey_sign_in(world, key)
    for _ in range(6):
        world.clock.pass_by(8 * HOUR)
        await signed_in(world, phone)
    assert f'value="{mistaken}"' in (await phone.http.get("/incident/new/approved")).text
    incident = await begin(phone.http, "approved", which=mistaken)
    (kept,) = await kept_of(world, "ana", incident)
    assert mistaken in [ask["id"] for ask in kept["asks"]]
    assert len(await world.house.db.all("SELECT id FROM phone_credentials WHERE revoked_at IS NOT NULL")) == 1


async def test_nothing_that_was_done_before_pushes_the_origin_out(small_world: World) -> None:
    world = small_world
    phone, holder = await world.phone("ana"), await world.holder("ana")
    await signed_in(world, phone)  # the mistaken approval
    world.clock.pass_by(60)
    async with world.house.db.transaction() as db:
        for _ in range(2100):
            await write_ledger(db, world.clock.now, world.house.keys, "typed_code.armed", holder)
    world.clock.pass_by(60)
    incident = await begin(phone.http, "approved")
    for page in (f"/incident/{incident}", f"/incident/{incident}/papers/complaint.txt"):
        text = (await phone.http.get(page)).text
        assert "Session ouverte" in text
        assert "Incident signalé" in text
    desk = await signed_in(world, phone)
    bundle = await post(desk.http, f"/incident/{incident}/evidence")
    lines = zipfile.ZipFile(io.BytesIO(bundle.content)).read("ledger.jsonl").splitlines()
    acts = [json.loads(line)["act"] for line in lines]
    assert acts.count("session.opened") == 2
    assert acts.count("incident.opened") == 1


async def test_a_typed_code_is_armed_a_few_times_a_day(small_world: World) -> None:
    phone = await small_world.phone("ana")
    for _ in range(ARMED_MAX_PER_DAY):
        assert (await phone.post("fallback")).status_code == 200
        assert (await phone.http.delete("/phone/api/fallback", headers={"Origin": ORIGIN})).status_code == 200
    assert (await phone.post("fallback")).status_code == 429
    small_world.clock.pass_by(DAY)
    assert (await phone.post("fallback")).status_code == 200


# ---- A phone alone, a second press, a row that was moved ----


async def test_a_phone_alone_adds_answers_and_changes_none(small_world: World) -> None:
    phone = await small_world.phone("ana")
    desk = await signed_in(small_world, phone)
    incident = await begin(desk.http, "data-seen")
    path, account = f"/incident/{incident}/answers", "Mardi, 14 h : un homme a appelé."
    said = await post(desk.http, path, account=account, attack="yes", **{"data.contact": "yes"})
    assert said.status_code == 303, said.text
    for form in ({"account": "x"}, {"touched": "no"}, {"attack": "no", "contact": "Oscar"}, {"sheet": "happened"}):
        refused = await post(phone.http, path, **form)
        assert refused.status_code == 400
        assert "confirmez d’abord que c’est vous" in refused.text.replace("&#39;", "’")
        assert f'href="/incident/{incident}/sign-in"' in refused.text
    assert (await post(phone.http, path, contact="06 11 22 33 44", **{"data.nir": "yes", "data.contact": "yes"})
            ).status_code == 303  # fmt: skip
    paper = (await desk.http.get(f"/incident/{incident}/papers/complaint.txt")).text
    assert account in paper
    assert "06 11 22 33 44" in paper
    assert 'data-task="cnil"' in (await desk.http.get(f"/incident/{incident}")).text
    assert (await post(desk.http, path, account="Autre chose.")).status_code == 303, (
        "signed in, she changes what she said"
    )
    acts = [row["act"] for row in await small_world.house.db.all("SELECT act FROM safe_ledger")]
    assert acts.count("incident.answered") == 3


async def test_the_evidence_of_each_press_is_kept(world: World) -> None:
    """A doubt in the morning, closed; the attack in the afternoon, and once more in the evening."""
    phone = await world.phone("ana")
    desk = await signed_in(world, phone)
    incident = await begin(desk.http, "data-seen")
    await post(desk.http, f"/incident/{incident}/close")
    for hours in (6, 3):
        world.clock.pass_by(hours * HOUR)
        await signed_in(world, phone)  # Oscar
        assert await begin(phone.http, "data-seen") == incident
    assert [len(kept["sign_ins"]) for kept in await kept_of(world, "ana", incident)] == [1, 2, 3]
    await begin(phone.http, "data-seen")
    assert len(await kept_of(world, "ana", incident)) == 3, "a press that stops nothing more keeps nothing more"
    acts = [row["act"] for row in await world.house.db.all("SELECT act FROM safe_ledger")]
    assert acts.count("incident.reopened") == 1


async def test_a_row_that_was_moved_opens_for_nobody_else(small_world: World) -> None:
    """By an insider who can write into the database, and has no key."""
    world = small_world
    ana, carl = await world.phone("ana"), await world.phone("carl")
    incident = await begin(ana.http, "data-seen")
    await post(ana.http, f"/incident/{incident}/answers", account="Le récit scellé d'Ana.")
    await post(ana.http, f"/incident/{incident}/notes", text="La note scellée d'Ana.")
    mine, desk, holder = (
        await begin(carl.http, "wrong-recipient"),
        await signed_in(world, carl),
        await world.holder("carl"),
    )
    async with world.house.db.transaction() as db:
        await db.run("UPDATE habits_notes SET incident = :mine", mine=mine)
    moved = await desk.http.get(f"/incident/{mine}")
    async with world.house.db.transaction() as db:
        await db.run("UPDATE habits_incidents SET holder = :carl", carl=holder)
    pages = [
        moved,
        await desk.http.get(f"/incident/{incident}"),
        await post(desk.http, f"/incident/{incident}/evidence"),
    ]
    assert all(page.status_code == 500 for page in pages)
    assert not any("scell" in page.text for page in pages)
