"""Tokens that a receiver fetches (RFC 8936), verification, and what a stream keeps."""

import asyncio
from typing import Any

import pytest

from lucine.safe.keys import Tampered
from lucine.signin import signal_delivery, signing_keys
from lucine.signin.chores import clean_signin
from lucine.signin.signal_delivery import expire_signals
from lucine.signin.signing_keys import make_keys
from tests.world import World

from .kit import header_of
from .ssf_kit import REVOKED, VERIFICATION, Receiver, end_all, event_of, ledger


@pytest.fixture
async def polled(small_world: World) -> Receiver:
    receiver = await Receiver.of(small_world)
    await receiver.subscribe()
    return receiver


# Verification (SSF section 8.1.4)


async def test_verification_as_the_specification_writes_it(polled: Receiver) -> None:
    """The figures "Trigger Verification Request" and "Verification SET"."""
    state = "VGhpcyBpcyBhbiBleGFtcGxlIHN0YXRlIHZhbHVlLgo="
    asked = await polled.call("POST", "verification_endpoint", {"stream_id": polled.id, "state": state})
    assert (asked.status_code, asked.content) == (204, b"")
    [claims] = await polled.events()
    assert claims["sub_id"] == {"format": "opaque", "id": polled.id}
    assert claims["events"] == {VERIFICATION: {"state": state}}


async def test_verification_without_a_state_and_too_often(polled: Receiver) -> None:
    body = {"stream_id": polled.id}
    assert (await polled.call("POST", "verification_endpoint", body)).status_code == 204
    assert event_of((await polled.events())[0]) == (VERIFICATION, {})
    polled.world.clock.pass_by(29)
    again = await polled.call("POST", "verification_endpoint", body)
    assert (again.status_code, again.headers["retry-after"]) == (429, "30")
    polled.world.clock.pass_by(1)
    assert (await polled.call("POST", "verification_endpoint", body)).status_code == 204
    assert (await polled.call("POST", "verification_endpoint", {"stream_id": "x"})).status_code == 404
    assert (await polled.call("POST", "verification_endpoint", {**body, "state": "x" * 1001})).status_code == 400
    await polled.call("POST", "status_endpoint", {**body, "status": "disabled"})
    polled.world.clock.pass_by(30)
    assert (await polled.call("POST", "verification_endpoint", body)).status_code == 400


# Push (RFC 8935)


async def test_every_token_is_rs256_whatever_the_client_signs_with(small_world: World) -> None:
    """CAEP Interoperability Profile section 2.6; and a key that was rotated meanwhile signs it anew."""
    receiver = await Receiver.of(small_world, alg="ES256")
    await receiver.subscribe()
    await receiver.ask_verification("x")
    [token] = (await receiver.poll())["sets"].values()
    async with small_world.house.db.transaction() as db:
        await make_keys(db, small_world.clock.now, small_world.house.keys, at_once=True)
    signing_keys._rings.clear()
    await receiver.authorize()
    [anew] = (await receiver.poll())["sets"].values()
    assert header_of(token)["alg"] == header_of(anew)["alg"] == "RS256"
    assert header_of(token)["kid"] != header_of(anew)["kid"]
    assert token.split(".")[1] == anew.split(".")[1], "the same claims each time"


# Poll (RFC 8936)


async def test_poll_acknowledge_and_poll_again(polled: Receiver) -> None:
    """Section 2: what is not acknowledged is returned again, what is, never."""
    for state in "abc":
        await polled.ask_verification(state)
    first = await polled.poll(maxEvents=2)
    assert first["moreAvailable"] is True
    jtis = list(first["sets"])
    told = [event_of(polled.verify(token, jti))[1]["state"] for jti, token in first["sets"].items()]
    assert told == ["a", "b"], "oldest first"
    again = await polled.poll(maxEvents=2)
    assert again == first
    # Section 2.4.2, acknowledge only: nothing is returned, whatever returnImmediately says.
    only = await polled.poll(maxEvents=0, returnImmediately=False, ack=[jtis[0]])
    assert only == {"sets": {}, "moreAvailable": True}
    rest = await polled.poll(ack=[jtis[1], "unknown", jtis[0]])
    assert [event_of(polled.verify(token))[1]["state"] for token in rest["sets"].values()] == ["c"]
    assert rest["moreAvailable"] is False
    assert await polled.poll(ack=list(rest["sets"])) == {"sets": {}, "moreAvailable": False}


async def test_poll_with_errors(polled: Receiver) -> None:
    """Section 2.4.4, the figure's setErrs: recorded, and not returned again."""
    await polled.ask_verification("x")
    [jti] = (await polled.poll())["sets"]
    error = {"err": "authentication_failed", "description": "The SET could not be authenticated"}
    assert await polled.poll(setErrs={jti: error}) == {"sets": {}, "moreAvailable": False}
    [facts] = await ledger(polled.world, "signal.refused")
    assert "authentication_failed: The SET could not be authenticated" in facts
    await polled.poll(setErrs={jti: error}, ack=[jti])
    assert len(await ledger(polled.world, "signal.refused")) == 1


async def test_one_receiver_acknowledges_nothing_of_another(polled: Receiver, small_world: World) -> None:
    other = await Receiver.of(small_world, "other")
    await other.subscribe()
    await polled.ask_verification("x")
    [jti] = (await polled.poll())["sets"]
    await other.authorize()
    assert await other.poll(ack=[jti], setErrs={jti: {"err": "x"}}) == {"sets": {}, "moreAvailable": False}
    assert list((await polled.poll())["sets"]) == [jti]


@pytest.mark.parametrize(
    "said",
    [{"maxEvents": -1}, {"maxEvents": "1"}, {"maxEvents": 1.5}, {"ack": "x"}, {"ack": [1]}, {"setErrs": []},
     {"setErrs": {"x": {}}}, {"setErrs": {"x": {"err": 1}}}, {"returnImmediately": 1}, {"ack": ["x"] * 1001}],
)  # fmt: skip
async def test_a_poll_of_the_wrong_shape_is_refused(polled: Receiver, said: dict[str, Any]) -> None:
    answer = await polled.call("POST", polled.stream["delivery"]["endpoint_url"], {"returnImmediately": True, **said})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_poll_costs_fifty_signatures_at_most(polled: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lucine.signin.ssf_pages.TAKEN_MAX", 2)
    for state in "abc":
        await polled.ask_verification(state)
    got = await polled.poll(maxEvents=10**9)
    assert (len(got["sets"]), got["moreAvailable"]) == (2, True)


async def test_a_long_poll_answers_when_something_happens(polled: Receiver) -> None:
    """Section 2.2: returnImmediately is false by default."""
    desk = await polled.sign_in()
    await polled.authorize()
    waiting = asyncio.create_task(polled.poll(returnImmediately=False))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    loop = asyncio.get_running_loop()
    began = loop.time()
    await end_all(desk)
    [token] = (await waiting)["sets"].values()
    assert event_of(polled.verify(token))[0] == REVOKED
    assert loop.time() - began < 5


async def test_a_long_poll_ends_empty(polled: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lucine.signin.ssf_pages.POLL_SECONDS", 0.2)
    assert await polled.poll(returnImmediately=False) == {"sets": {}, "moreAvailable": False}


async def test_few_long_polls_of_one_stream_stay_open(polled: Receiver) -> None:
    """The newest win, and the others are answered: nobody holds all places."""
    polls = [asyncio.create_task(polled.poll(returnImmediately=False)) for _ in range(5)]
    await asyncio.sleep(0.3)
    assert sum(not poll.done() for poll in polls) == 2
    await polled.ask_verification("x")
    answers = [await poll for poll in polls]
    assert sorted(len(answer["sets"]) for answer in answers) == [0, 0, 0, 1, 1]


# Status (SSF section 8.1.2.1)


async def test_a_paused_stream_keeps_and_a_disabled_one_drops(polled: Receiver) -> None:
    await polled.set_status("paused")
    await polled.signal()
    assert await polled.events() == []
    await polled.set_status("enabled")
    assert [event_of(claims)[0] for claims in await polled.events()] == [REVOKED]
    await polled.set_status("disabled")
    await polled.signal("bea")
    await polled.set_status("enabled")
    assert await polled.events() == []


# Limits, and what is kept


async def test_a_receiver_that_never_comes_loses_the_oldest(polled: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal_delivery, "WAITING_MAX", 2)
    for state in "abcd":
        await polled.ask_verification(state)
    assert not await expire_signals(polled.world.house, polled.world.clock.now)
    assert [event_of(claims)[1]["state"] for claims in await polled.events()] == ["c", "d"]
    [facts] = await ledger(polled.world, "signals.expired")
    assert '"signals":"2"' in facts


async def test_nothing_readable_is_stored_and_nothing_is_kept_for_long(polled: Receiver) -> None:
    world = polled.world
    await polled.signal()
    row = await world.house.db.one("SELECT id, sealed FROM signin_signals")
    assert row
    assert b"session-revoked" not in row["sealed"]
    with pytest.raises(Tampered):
        world.house.keys.unseal("signin_signals.other", row["sealed"])
    await polled.authorize()
    await polled.poll(ack=[row["id"]])
    world.clock.pass_by(86401)
    await clean_signin(world.house, world.clock.now)
    assert await world.house.db.all("SELECT id FROM signin_signals") == []
