"""Tokens that are pushed to a receiver (RFC 8935): in order, again and again, never twice at once, never inside."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from lucine.signin import signal_delivery
from lucine.signin.clients import remove_client
from lucine.signin.signal_delivery import expire_signals, push_signals
from lucine.signin.signals import tell_of_credentials
from lucine.web.egress import Egress
from tests.plans import scans
from tests.world import ORIGIN, World, open_world

from .conftest import OpenWorld
from .kit import claims_of, with_outside
from .ssf_kit import POLL, PUSH, REVOKED, Endpoint, Receiver, end_all, event_of, ledger

WEEK = 7 * 86400


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    async with Endpoint() as made:
        yield made


@pytest.fixture
async def world(open_small: OpenWorld, endpoint: Endpoint) -> AsyncIterator[World]:
    async with open_small(allowed_hosts="localhost") as made:
        yield made


@pytest.fixture
async def pushed(world: World, endpoint: Endpoint) -> Receiver:
    receiver = await Receiver.of(world)
    delivery = {"method": PUSH, "endpoint_url": endpoint.address, "authorization_header": "Bearer receiver-secret"}
    await receiver.subscribe(delivery=delivery)
    return receiver


async def _push(world: World) -> bool:
    """To its end: on a busy machine every receiver is slow."""
    more = await push_signals(world.house, world.clock.now)
    await asyncio.gather(*signal_delivery._slow)
    return more


# Push (RFC 8935)


async def test_a_push_is_what_rfc_8935_says(pushed: Receiver, endpoint: Endpoint, world: World) -> None:
    await pushed.signal()
    assert await _push(world)
    [(headers, body)] = endpoint.got
    assert headers[":request"].startswith("POST /events ")
    assert headers["content-type"] == "application/secevent+jwt"
    assert headers["accept"] == "application/json"
    assert headers["authorization"] == "Bearer receiver-secret"
    claims = pushed.verify(body)
    assert event_of(claims)[0] == REVOKED
    assert claims["iat"] == int(world.clock.now)
    assert not await _push(world), "once"
    row = await world.house.db.one("SELECT sealed, outcome FROM signin_signals")
    assert row
    assert (row["sealed"], row["outcome"]) == (None, "acknowledged"), "forgotten when it is acknowledged"


async def test_a_receiver_that_is_down_gets_everything_in_order_when_it_is_back(
    pushed: Receiver, endpoint: Endpoint, world: World
) -> None:
    endpoint.answers = [(503, b"")] * 1000
    states = []
    for number in range(4):
        states.append(f"state {number}")
        await pushed.ask_verification(states[-1])
        assert await _push(world), "what is new is tried at once"
    tried = len(endpoint.got)
    assert not await _push(world), "but not again and again"
    world.clock.pass_by(1)
    assert not await _push(world)
    world.clock.pass_by(1000)
    endpoint.answers = []
    while await _push(world):
        pass
    told = [event_of(pushed.verify(body))[1]["state"] for _, body in endpoint.got[tried:]]
    assert told == states
    tokens = {body for _, body in endpoint.got}
    assert len(tokens) == 4, "a token that is sent again is the same token"


async def test_the_pauses_grow_and_after_a_week_it_is_given_up(
    pushed: Receiver, endpoint: Endpoint, world: World
) -> None:
    endpoint.answers = [(500, b"")] * 10_000
    await pushed.signal()
    began, last, pauses = world.clock.now, world.clock.now, []
    while world.clock.now < began + 3 * 3600:
        if await _push(world):
            pauses.append(world.clock.now - last)
            last = world.clock.now
        world.clock.pass_by(5)
    assert pauses == sorted(pauses)
    assert (max(pauses), len(pauses) < 30) == (900, True)
    world.clock.now = began + WEEK - 1
    await expire_signals(world.house, world.clock.now)
    assert await _push(world), "still there on the last day"
    world.clock.now = began + WEEK
    await expire_signals(world.house, world.clock.now)
    assert not await _push(world)
    assert '"signals":"1"' in (await ledger(world, "signals.expired"))[0]


async def test_one_token_that_makes_a_receiver_stumble_holds_up_no_other(
    pushed: Receiver, endpoint: Endpoint, world: World
) -> None:
    await pushed.ask_verification("poison")
    await pushed.ask_verification("good")
    endpoint.answers = [(500, b""), (202, b"")]
    await _push(world)
    assert [event_of(pushed.verify(body))[1]["state"] for _, body in endpoint.got] == ["poison", "good"]
    endpoint.answers = [(500, b"")] * 5
    for _ in range(40):
        await _push(world)
        world.clock.pass_by(5)
    endpoint.answers = [(202, b""), (500, b"")]
    before = len(endpoint.got)
    await pushed.ask_verification("new")
    await _push(world)
    assert event_of(pushed.verify(endpoint.got[before][1]))[1]["state"] in ("new", "poison")
    states = {event_of(pushed.verify(body))[1]["state"] for _, body in endpoint.got[before:]}
    assert "new" in states, "it did not wait for the pause"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (b'{"err":"invalid_key","description":"Key ID 12345 has been revoked."}',
         "invalid_key: Key ID 12345 has been revoked."),  # RFC 8935 section 2.3, figure
        (b'{"err":"authentication_failed","description":"\\u0007\\u00e9' + b"x" * 500 + b'"}',
         ("authentication_failed: ??" + "x" * 500)[:200]),
        (b"<html>", "invalid_request: status 400 without a reason that can be read"),
        (b'{"err":1}', "invalid_request: status 400 without a reason that can be read"),
        (b"[" * 4000, "invalid_request: status 400 without a reason that can be read"),
    ],
)  # fmt: skip
async def test_a_refused_token_is_recorded_and_never_sent_again(
    pushed: Receiver, endpoint: Endpoint, world: World, said: bytes, kept: str
) -> None:
    endpoint.answers = [(400, said)]
    await pushed.ask_verification("x")
    await _push(world)
    world.clock.pass_by(3600)
    assert not await _push(world)
    row = await world.house.db.one("SELECT outcome, sealed FROM signin_signals")
    assert row
    assert (row["outcome"], row["sealed"]) == (kept, None)
    assert len(await ledger(world, "signal.refused")) == 1


@pytest.mark.parametrize("status", [301, 401, 403, 404, 429])
async def test_what_is_wrong_with_the_receiver_can_be_mended_by_it(
    pushed: Receiver, endpoint: Endpoint, world: World, status: int
) -> None:
    """An expired header, a moved address: the stream is changed, and what waited is sent at once."""
    endpoint.answers = [(status, b"")]
    await pushed.ask_verification("x")
    await _push(world)
    assert not await _push(world)
    delivery = {"method": PUSH, "endpoint_url": endpoint.address, "authorization_header": "Bearer fresh"}
    changed = await pushed.call("PATCH", "configuration_endpoint", {"stream_id": pushed.id, "delivery": delivery})
    assert changed.status_code == 200
    assert await _push(world)
    assert [headers["authorization"] for headers, _ in endpoint.got] == ["Bearer receiver-secret", "Bearer fresh"]
    assert len(endpoint.got) == 2, "no redirect was followed"


async def test_an_address_that_is_named_again_keeps_its_hidden_header(
    pushed: Receiver, endpoint: Endpoint, world: World
) -> None:
    """What was read and sent back (section 8.1.1.4) does not lose what is not shown; '' removes it."""
    await pushed.call("PUT", "configuration_endpoint", {**pushed.stream, "description": "x"})
    await pushed.ask_verification("x")
    await _push(world)
    assert endpoint.got[0][0]["authorization"] == "Bearer receiver-secret"
    delivery = {**pushed.stream["delivery"], "authorization_header": ""}
    await pushed.call("PATCH", "configuration_endpoint", {"stream_id": pushed.id, "delivery": delivery})
    await pushed.ask_verification("y")
    await _push(world)
    assert "authorization" not in endpoint.got[1][0]
    other = {"method": PUSH, "endpoint_url": endpoint.address + "2", "authorization_header": "Bearer two"}
    await pushed.call("PATCH", "configuration_endpoint", {"stream_id": pushed.id, "delivery": other})
    back = {"method": PUSH, "endpoint_url": endpoint.address}
    await pushed.call("PATCH", "configuration_endpoint", {"stream_id": pushed.id, "delivery": back})
    await pushed.ask_verification("z")
    await _push(world)
    assert "authorization" not in endpoint.got[2][0], "another address never gets the header of the first"


@pytest.mark.parametrize(
    "address",
    ["https://127.0.0.1/", "https://10.0.0.1/", "https://[::1]/", "https://localhost/", "https://169.254.169.254/latest",
     "http://localhost:9/", "https://192.168.1.1:8443/events"],
)  # fmt: skip
async def test_a_private_address_is_never_called(world: World, address: str) -> None:
    receiver = await Receiver.of(world)
    await receiver.subscribe(delivery={"method": PUSH, "endpoint_url": address})
    await receiver.ask_verification("x")
    calls = []

    class Spy(Egress):
        async def _send(self, *args: Any) -> Any:  # the step that connects
            calls.append(args)
            raise AssertionError("it would have connected")

    await world.house.egress.close()
    object.__setattr__(world.house, "egress", Spy())
    assert await _push(world)
    assert calls == []
    assert not await _push(world)


async def test_a_slow_receiver_holds_up_no_other(pushed: Receiver, endpoint: Endpoint, world: World) -> None:
    endpoint.delay = 2.0
    other = await Receiver.of(world, "other")
    async with Endpoint() as quick:
        await other.subscribe(delivery={"method": PUSH, "endpoint_url": quick.address})
        await pushed.ask_verification("slow")
        assert await push_signals(world.house, world.clock.now)
        await other.ask_verification("quick")
        assert await push_signals(world.house, world.clock.now)
        await asyncio.wait_for(quick.arrived.wait(), 5)
        assert not endpoint.arrived.is_set()
        await asyncio.gather(*signal_delivery._slow)
        assert endpoint.arrived.is_set()
    world.clock.pass_by(60)
    assert not await _push(world), "it arrived all the same, once"


# Each database, and several processes


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_the_whole_walk_on_each_database(kind: str, tmp_path: Path, new_database: Any) -> None:
    async with (
        Endpoint() as endpoint,
        open_world(new_database(kind, tmp_path), tmp_path, allowed_hosts=f"localhost:{endpoint.port}") as world,
    ):
        receiver = await Receiver.of(world)
        await receiver.subscribe()
        got, _, desk = await world.tokens(service=receiver.service)
        subject = {"format": "iss_sub", "iss": ORIGIN, "sub": claims_of(got["id_token"])["sub"]}
        body = {"stream_id": receiver.id, "subject": subject}
        for _ in range(2):
            assert (await receiver.call("POST", "remove_subject_endpoint", body)).status_code == 204
        assert (await receiver.call("POST", "add_subject_endpoint", body)).status_code == 200
        await end_all(desk)
        await receiver.ask_verification("x")
        [revoked, verified] = await receiver.events()
        assert (event_of(revoked)[0], event_of(verified)[1]) == (REVOKED, {"state": "x"})
        await receiver.poll(ack=[revoked["jti"]])
        delivery = {"method": PUSH, "endpoint_url": endpoint.address}
        await receiver.call("PUT", "configuration_endpoint", {"stream_id": receiver.id, "delivery": delivery})
        await receiver.set_status("paused")
        assert not await _push(world)
        await receiver.set_status("enabled")
        endpoint.answers = [(503, b"")]
        await asyncio.gather(*(_push(world) for _ in range(8)))
        assert len(endpoint.got) == 1
        world.clock.pass_by(5)
        await asyncio.gather(*(_push(world) for _ in range(8)))
        assert len(endpoint.got) == 2
        await receiver.ask_verification("y")
        world.clock.pass_by(WEEK)
        await expire_signals(world.house, world.clock.now)
        assert not await _push(world)
        await receiver.authorize()
        gone = await receiver.call("DELETE", "configuration_endpoint", stream_id=receiver.id)
        assert gone.status_code == 204


async def test_two_processes_send_a_token_once(pushed: Receiver, endpoint: Endpoint, world: World) -> None:
    for state in "abc":
        await pushed.ask_verification(state)
    assert any(await asyncio.gather(*(_push(world) for _ in range(8))))
    assert [event_of(pushed.verify(body))[1]["state"] for _, body in endpoint.got] == list("abc")


async def test_a_process_that_dies_while_it_sends_is_replaced(
    pushed: Receiver, endpoint: Endpoint, world: World
) -> None:
    await pushed.ask_verification("x")
    egress = world.house.egress

    class Dies:
        async def post(self, *_: Any, **__: Any) -> Any:
            raise RuntimeError("killed")

        async def close(self) -> None:
            await egress.close()

    object.__setattr__(world.house, "egress", Dies())
    with pytest.raises(RuntimeError):
        await _push(world)
    object.__setattr__(world.house, "egress", egress)
    assert not await _push(world)
    world.clock.pass_by(60)
    assert await _push(world)
    assert len(endpoint.got) == 1


# Poll (RFC 8936)


async def test_a_pushed_stream_is_not_polled(pushed: Receiver, endpoint: Endpoint, world: World) -> None:
    """And one that begins to poll gets what waited."""
    endpoint.answers = [(503, b"")]
    await pushed.ask_verification("x")
    await _push(world)
    address = f"/ssf/streams/{pushed.id}/poll"
    assert (await pushed.call("POST", address, {"returnImmediately": True})).status_code == 400
    change = {"stream_id": pushed.id, "delivery": {"method": POLL}}
    pushed.stream = (await pushed.call("PATCH", "configuration_endpoint", change)).json()
    assert [event_of(claims)[1]["state"] for claims in await pushed.events()] == ["x"]


# Status (SSF section 8.1.2.1)


async def test_a_paused_stream_is_not_pushed_to_until_it_is_enabled(
    pushed: Receiver, endpoint: Endpoint, world: World
) -> None:
    await pushed.set_status("paused")
    await pushed.signal()
    await pushed.signal("bea")
    assert not await _push(world)
    await pushed.set_status("enabled")
    assert await _push(world)
    stamps = [event_of(pushed.verify(body))[1]["event_timestamp"] for _, body in endpoint.got]
    assert stamps == sorted(stamps), "in the order of time that they were generated"
    assert len(stamps) == 2


# Limits, and what is kept


async def test_no_statement_reads_a_table_that_grows(pushed: Receiver, endpoint: Endpoint, world: World) -> None:
    polling = await Receiver.of(world, "polling")
    await polling.subscribe()
    desk, _ = [await receiver.sign_in() for receiver in (pushed, polling)]
    subject = {"format": "iss_sub", "iss": ORIGIN, "sub": "x"}
    with scans(world.house.db) as found:
        await end_all(desk)
        await pushed.ask_verification("x")
        endpoint.answers = [(503, b"")]
        for _ in range(3):
            while await tell_of_credentials(world.house, world.clock.now) or await _push(world):
                pass
            world.clock.pass_by(10)
        await polling.authorize()
        await polling.poll(ack=list((await polling.poll())["sets"]))
        for name in ("remove_subject_endpoint", "add_subject_endpoint"):
            await polling.call("POST", name, {"stream_id": polling.id, "subject": subject})
        await polling.set_status("disabled")
        await expire_signals(world.house, world.clock.now)
        await polling.call("DELETE", "configuration_endpoint", stream_id=polling.id)
    assert [line for line in found if "SCAN signin_streams" not in line] == [], "one for each service"


async def test_a_removed_client_is_told_nothing_more(pushed: Receiver, world: World) -> None:
    desk = await pushed.sign_in()
    await pushed.ask_verification("x")
    outside = await with_outside(world, 202)
    async with world.house.db.transaction() as db:
        await remove_client(db, world.clock.now, world.house.keys, "service")
    await end_all(desk)
    assert not await _push(world)
    assert outside.sent == []
    assert await world.house.db.all("SELECT id FROM signin_signals") == []
