"""What services are told, of whom, and who is told nothing (CAEP 1.0, RISC 1.0)."""

import asyncio
import re
import time
from pathlib import Path
from typing import Any

import pytest

import lucine.signin
from lucine.app.chores import CHORES, do_chores
from lucine.signin.sessions import end_idle_sessions
from lucine.signin.signals import REASONS, tell_of_credentials
from lucine.signin.switch_off import switch_off
from tests.world import ORIGIN, Desk, Service, World, open_world

from .kit import LOGOUT, came_back, claims_of
from .ssf_kit import CHANGE, COMPROMISE, PUSH, REVOKED, Endpoint, Receiver, event_of


@pytest.fixture
async def receiver(small_world: World) -> Receiver:
    made = await Receiver.of(small_world)
    await made.subscribe()
    return made


async def _events(receiver: Receiver) -> list[dict[str, Any]]:
    """All that waits, verified and acknowledged."""
    while await tell_of_credentials(receiver.world.house, receiver.world.clock.now):
        pass
    await receiver.authorize()
    claims = await receiver.events()
    await receiver.poll(maxEvents=0, ack=[one["jti"] for one in claims])
    return claims


async def _sign_in(receiver: Receiver, person: str = "ana") -> tuple[dict[str, Any], Desk]:
    """Her tokens and her desk; what enrolling her phone said is passed over."""
    got, _, desk = await receiver.world.tokens(person, receiver.service)
    await _events(receiver)
    return claims_of(got["id_token"]), desk


async def _post(desk: Desk, path: str) -> None:
    answer = await desk.http.post(path, headers={"Origin": ORIGIN})
    assert answer.status_code in (200, 303), answer.text


# session-revoked (CAEP section 3.1)


async def test_session_revoked_as_the_specification_writes_it(receiver: Receiver) -> None:
    """The figure with a complex subject: session and user, who began it, reasons in languages, when."""
    id_token, desk = await _sign_in(receiver)
    receiver.world.clock.pass_by(60.7)
    await _post(desk, "/security/sessions/end-all")
    [claims] = await _events(receiver)
    assert claims["sub_id"] == {
        "format": "complex",
        "user": {"format": "iss_sub", "iss": ORIGIN, "sub": id_token["sub"]},
        "session": {"format": "opaque", "id": id_token["sid"]},
    }
    kind, facts = event_of(claims)
    assert kind == REVOKED
    assert facts == {
        "initiating_entity": "user",
        "reason_admin": {"en": "The holder ended it from her security page"},
        "reason_user": {"fr": "Vous avez mis fin à cette connexion.", "en": "You ended this sign-in."},
        "event_timestamp": int(receiver.world.clock.now),
    }
    assert isinstance(facts["event_timestamp"], int)


async def _signed_out(world: World, desk: Desk, id_token: dict[str, Any]) -> None:
    await desk.http.get(LOGOUT)
    await desk.http.post("/logout", data={"choice": "all"}, headers={"Origin": ORIGIN})


async def _idle(world: World, desk: Desk, id_token: dict[str, Any]) -> None:
    world.clock.pass_by(1801)
    await end_idle_sessions(world.house, world.clock.now)


async def _disowned(world: World, desk: Desk, id_token: dict[str, Any]) -> None:
    await _post(desk, f"/security/sign-ins/{id_token['sid']}/not-me")


async def _phone_off(world: World, desk: Desk, id_token: dict[str, Any]) -> None:
    holder = await world.holder("ana")
    async with world.house.db.transaction() as db:
        await switch_off(
            db, world.clock.now, world.house.keys, world.house.settings, holder=holder, kind="phone", why="x"
        )


async def _replaced(world: World, desk: Desk, id_token: dict[str, Any]) -> None:
    service = await world.service("another")
    await world.sign_in(desk, await world.phone("bea"), service, prompt="login")


@pytest.mark.parametrize(
    ("end", "why", "entity"),
    [(_signed_out, "signed_out", "user"), (_idle, "expired", "policy"), (_disowned, "not_me", "user"),
     (_phone_off, "switched_off", "policy"), (_replaced, "replaced", "user")],
)  # fmt: skip
async def test_every_ending_of_a_session_says_why(receiver: Receiver, end: Any, why: str, entity: str) -> None:
    id_token, desk = await _sign_in(receiver)
    await end(receiver.world, desk, id_token)
    revoked = [event_of(claims)[1] for claims in await _events(receiver) if REVOKED in claims["events"]]
    assert len(revoked) == 1
    assert revoked[0]["initiating_entity"] == entity
    assert revoked[0]["reason_admin"] == {"en": REASONS[why][1]}


def test_whatever_ends_a_session_has_its_words() -> None:
    """CAEP section 2: one of four entities; the Interoperability Profile's section 3.1: reason_admin is not empty."""
    sources = "".join(path.read_text() for path in Path(lucine.signin.__file__).parent.glob("*.py"))
    whys = set(re.findall(r'end_sessions\([^)]*?why="(\w+)"', sources))
    assert {"not_me", "copied", "expired"} <= whys
    assert whys <= set(REASONS)
    assert {reason[0] for reason in REASONS.values()} <= {"admin", "user", "policy", "system"}
    assert all(len(reason) == 4 and all(reason) for reason in REASONS.values())


async def _knock(desk: Desk, service: Service) -> str:
    """She is signed in already: the code comes at once. Her `sub` there."""
    got = await desk.world.redeem(desk, service, came_back(await desk.authorize(service)))
    return str(claims_of(got.json()["id_token"])["sub"])


async def test_one_act_has_one_txn_for_a_service_and_another_for_the_next(small_world: World) -> None:
    """SSF section 4.1.9; but what two services could compare would undo the pairwise subjects."""
    first, second = await Receiver.of(small_world), await Receiver.of(small_world, "other", sector="other.test")
    for one in (first, second):
        await one.subscribe()
    ana, desk = await _sign_in(first)
    elsewhere = await _knock(desk, second.service)
    await _sign_in(first)
    await _events(second)
    await _post(desk, "/security/sessions/end-all")
    mine, theirs = await _events(first), await _events(second)
    assert (len(mine), len(theirs)) == (2, 1), "two sessions; the second service knows one"
    assert len({claims["txn"] for claims in mine}) == 1
    assert mine[0]["txn"] != theirs[0]["txn"]
    assert {claims["sub_id"]["user"]["sub"] for claims in mine} == {ana["sub"]}
    assert theirs[0]["sub_id"]["user"]["sub"] == elsewhere != ana["sub"]


async def test_whoever_does_not_know_her_or_did_not_ask_is_told_nothing(small_world: World) -> None:
    knows, stranger = await Receiver.of(small_world), await Receiver.of(small_world, "stranger")
    deaf, plain = await Receiver.of(small_world, "deaf"), await small_world.service("plain")
    await knows.subscribe()
    await stranger.subscribe()
    await deaf.subscribe(events_requested=["urn:example:secevent:events:type_4", CHANGE])
    _, desk = await _sign_in(knows)
    for service in (deaf.service, plain):
        await _knock(desk, service)
    await _post(desk, "/security/sessions/end-all")
    assert [event_of(claims)[0] for claims in await _events(knows)] == [REVOKED]
    assert await _events(stranger) == []
    assert await _events(deaf) == [], "only what it asked for"
    rows = await small_world.house.db.all("SELECT stream FROM signin_signals")
    assert {row["stream"] for row in rows} == {knows.id}


async def test_a_service_that_is_no_longer_allowed_is_told_nothing(receiver: Receiver) -> None:
    _, desk = await _sign_in(receiver)
    async with receiver.world.house.db.transaction() as db:
        await db.run("UPDATE signin_clients SET facts = REPLACE(facts, '\"signals\":true', '\"signals\":false')")
    await _post(desk, "/security/sessions/end-all")
    assert await receiver.world.house.db.all("SELECT id FROM signin_signals WHERE done_at IS NULL") == []
    assert (await receiver.call("GET", "configuration_endpoint")).status_code == 401


@pytest.mark.parametrize("complex_", [False, True])
async def test_a_removed_subject_is_not_told_of_until_it_is_added_again(receiver: Receiver, complex_: bool) -> None:
    """SSF section 8.1.3; the others still are."""
    ana, desk = await _sign_in(receiver)
    subject: dict[str, Any] = {"format": "iss_sub", "iss": ORIGIN, "sub": ana["sub"]}
    if complex_:
        subject = {"format": "complex", "user": subject}
    body = {"stream_id": receiver.id, "subject": subject}
    await receiver.call("POST", "remove_subject_endpoint", body)
    await _post(desk, "/security/sessions/end-all")
    assert await _events(receiver) == []
    bea, desk = await _sign_in(receiver, "bea")
    await _post(desk, "/security/sessions/end-all")
    assert [claims["sub_id"]["user"]["sub"] for claims in await _events(receiver)] == [bea["sub"]]
    await receiver.call("POST", "add_subject_endpoint", body)
    _, desk = await _sign_in(receiver)
    await _post(desk, "/security/sessions/end-all")
    assert [claims["sub_id"]["user"]["sub"] for claims in await _events(receiver)] == [ana["sub"]]


# credential-change (CAEP section 3.3) and credential-compromise (RISC section 2.7)


async def _kinds(receiver: Receiver) -> list[tuple[str, str]]:
    found = [event_of(claims) for claims in await _events(receiver)]
    return sorted((kind.rpartition("/")[2], facts.get("change_type", "")) for kind, facts in found)


async def test_a_passkey_that_is_added_and_deleted(receiver: Receiver) -> None:
    id_token, desk = await _sign_in(receiver)
    await desk.add_passkey()
    [claims] = await _events(receiver)
    assert claims["sub_id"] == {"format": "iss_sub", "iss": ORIGIN, "sub": id_token["sub"]}
    kind, facts = event_of(claims)
    assert (kind, facts["credential_type"], facts["change_type"]) == (CHANGE, "fido2-platform", "create")
    assert (facts["initiating_entity"], facts["event_timestamp"]) == ("user", int(receiver.world.clock.now))
    assert facts["reason_admin"] == {"en": "Credential added"}
    assert "friendly_name" not in facts, "what she calls her devices is hers"
    row = await receiver.world.house.db.one("SELECT id FROM phone_credentials WHERE kind = 'computer'")
    assert row
    await _post(desk, f"/security/passkeys/{row['id']}/delete")
    assert await _kinds(receiver) == [("credential-change", "revoke")]


async def test_a_phone_that_is_enrolled_in_the_room_below(receiver: Receiver) -> None:
    await _sign_in(receiver)
    await receiver.world.phone("ana")
    assert await _kinds(receiver) == [("credential-change", "create")]
    assert await _kinds(receiver) == [], "each line of the ledger is read once"


async def test_a_lost_phone_is_compromised_and_its_sessions_are_over(receiver: Receiver) -> None:
    world = receiver.world
    phone = world.bare_phone()
    codes = (await phone.enrol(await world.voucher("ana"))).json()["recovery_codes"]
    second = world.bare_phone()
    await second.enrol(await world.voucher("ana"))
    desk = world.desk()
    await world.redeem(desk, receiver.service, await world.sign_in(desk, phone, receiver.service))
    await _events(receiver)
    lost = await world.browser().post("/lost", data={"code": codes[0]}, headers={"Origin": ORIGIN})
    assert lost.status_code == 303
    found = [event_of(claims) for claims in await _events(receiver)]
    assert sorted(kind for kind, _ in found) == sorted([REVOKED, CHANGE, CHANGE, COMPROMISE]), "two phones, one loss"
    [facts] = [facts for kind, facts in found if kind == COMPROMISE]
    assert facts["credential_type"] == "fido2-platform"
    assert facts["reason_admin"]["en"].endswith("recovery code")


async def test_a_phone_that_she_switches_off_from_her_desk_is_not_called_compromised(receiver: Receiver) -> None:
    _, desk = await _sign_in(receiver)
    row = await receiver.world.house.db.one("SELECT id FROM phone_credentials")
    assert row
    await _post(desk, f"/security/phones/{row['id']}/off")
    assert await _kinds(receiver) == [("credential-change", "revoke")], "she speaks from the session that goes on"


async def test_what_was_added_in_a_sign_in_that_was_not_hers(receiver: Receiver) -> None:
    id_token, desk = await _sign_in(receiver)
    await desk.add_passkey()
    await _events(receiver)
    await _post(desk, f"/security/sign-ins/{id_token['sid']}/not-me")
    assert await _kinds(receiver) == [("credential-change", "revoke"), ("session-revoked", "")]


async def test_her_keys_are_told_of_to_whom_she_went_within_half_a_year(receiver: Receiver) -> None:
    await _sign_in(receiver)
    receiver.world.clock.pass_by(180 * 86400 - 10)
    await receiver.world.phone("ana")
    assert await _kinds(receiver) == [("credential-change", "create")]
    receiver.world.clock.pass_by(20)
    await receiver.world.phone("ana")
    await receiver.world.phone("bea")
    assert await _kinds(receiver) == []


async def test_what_happened_before_the_stream_is_not_for_it(small_world: World) -> None:
    receiver = await Receiver.of(small_world)
    _, _, desk = await small_world.tokens(service=receiver.service)
    await desk.add_passkey()
    small_world.clock.pass_by(1)
    await receiver.authorize()
    await receiver.subscribe()
    assert await _events(receiver) == []


async def test_two_processes_read_a_line_of_the_ledger_once(receiver: Receiver) -> None:
    world = receiver.world
    await _sign_in(receiver)
    await world.phone("ana")
    await asyncio.gather(*(tell_of_credentials(world.house, world.clock.now) for _ in range(8)))
    assert await _kinds(receiver) == [("credential-change", "create")]


# The goal: "not me" to everything dead


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_not_me_reaches_a_subscribed_service_within_a_second(kind: str, tmp_path: Any, new_database: Any) -> None:
    """With the house's own chores, on its own clock, to a receiver that listens."""
    async with (
        Endpoint() as endpoint,
        open_world(new_database(kind, tmp_path), tmp_path, allowed_hosts=f"localhost:{endpoint.port}") as world,
    ):
        world.clock.now = time.time()
        receiver = await Receiver.of(world)
        await receiver.subscribe(
            delivery={"method": PUSH, "endpoint_url": endpoint.address}, events_requested=[REVOKED]
        )
        phone, desk = await world.phone("ana"), world.desk()
        answer = await world.redeem(desk, receiver.service, await world.sign_in(desk, phone, receiver.service))
        id_token = claims_of(answer.json()["id_token"])
        chores = asyncio.create_task(do_chores(world.house, CHORES))
        try:
            await asyncio.sleep(0.2)
            history = (await phone.get("history")).json()["history"]
            began = time.perf_counter()
            done = await phone.post(f"history/{history[0]['ask']}/not-me")
            assert done.status_code == 200
            async with asyncio.timeout(5):
                await endpoint.arrived.wait()
            took = time.perf_counter() - began
        finally:
            chores.cancel()
            await asyncio.gather(chores, return_exceptions=True)
        claims = receiver.verify(endpoint.got[0][1])
        assert claims["sub_id"]["session"] == {"format": "opaque", "id": id_token["sid"]}
        assert event_of(claims)[1]["reason_admin"] == {"en": REASONS["not_me"][1]}
        assert took < 1, took
