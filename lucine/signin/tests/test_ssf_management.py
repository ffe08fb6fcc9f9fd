"""The stream management API, with the bodies of the specification's own examples.

Sections are those of OpenID Shared Signals Framework 1.0 (final) unless another text is named.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.world import ORIGIN, World, open_world

from .kit import claims_of
from .ssf_kit import EVERYTHING, METADATA, POLL, PUSH, REVOKED, Receiver, ledger

# Section 8.1.1.1, figure "Create Stream Request".
CREATE: dict[str, Any] = {
    "delivery": {"method": "urn:ietf:rfc:8935", "endpoint_url": "https://receiver.example.com/events"},
    "events_requested": [
        "urn:example:secevent:events:type_2",
        "urn:example:secevent:events:type_3",
        "urn:example:secevent:events:type_4",
    ],
    "description": "Stream for Receiver A using events type_2, type_3, type_4",
}


@pytest.fixture
async def receiver(small_world: World) -> Receiver:
    return await Receiver.of(small_world)


# The metadata (section 7)


async def test_the_metadata_says_what_there_is(small_world: World) -> None:
    answer = await small_world.browser().get(METADATA)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    said = answer.json()
    assert said["issuer"] == ORIGIN, "7.2.4: identical to the address it was asked at, byte by byte"
    assert said["spec_version"] == "1_0"
    assert said["delivery_methods_supported"] == [PUSH, POLL]
    assert said["default_subjects"] == "ALL"
    assert {"spec_urn": "urn:ietf:rfc:6749"} in said["authorization_schemes"]
    assert said["jwks_uri"] == (await small_world.browser().get("/.well-known/openid-configuration")).json()["jwks_uri"]
    for name in ("configuration", "status", "add_subject", "remove_subject", "verification"):
        address = said[f"{name}_endpoint"]
        assert address.startswith(f"{ORIGIN}/ssf/")
        method = "GET" if name in ("configuration", "status") else "POST"
        refused = await small_world.browser().request(method, address)
        assert refused.status_code == 401, "8.1: standard HTTP authorization"
        assert refused.headers["www-authenticate"] == "Bearer"
    assert not [value for value in said.values() if value in ([], None)], "7.2.3: nothing empty"


# The configuration (section 8.1.1)


async def test_create_as_the_specification_writes_it(receiver: Receiver) -> None:
    """8.1.1.1: the request of the figure, and the response's members; unknown events are kept, and not delivered."""
    made = await receiver.call("POST", "configuration_endpoint", CREATE)
    assert (made.status_code, made.headers["content-type"]) == (201, "application/json")
    stream = made.json()
    assert stream["iss"] == ORIGIN
    assert stream["aud"] == "service"
    assert stream["delivery"] == CREATE["delivery"]
    assert stream["events_requested"] == CREATE["events_requested"]
    assert stream["events_supported"] == EVERYTHING
    assert stream["events_delivered"] == []
    assert stream["description"] == CREATE["description"]
    assert stream["min_verification_interval"] == 30
    assert len(stream["stream_id"]) == 22
    assert (await receiver.call("GET", "status_endpoint", stream_id=stream["stream_id"])).json()["status"] == "enabled"
    again = await receiver.call("POST", "configuration_endpoint", CREATE)
    assert (again.status_code, again.json()["error"]) == (409, "conflict"), "one for each receiver"


async def test_without_a_delivery_the_receiver_polls(receiver: Receiver) -> None:
    """8.1.1.1: the method is then poll, and the address is the transmitter's."""
    stream = await receiver.subscribe()
    assert stream["delivery"]["method"] == POLL
    assert stream["delivery"]["endpoint_url"] == f"{ORIGIN}/ssf/streams/{receiver.id}/poll"
    assert stream["events_delivered"] == EVERYTHING
    assert "description" not in stream


async def test_read_one_or_all(receiver: Receiver) -> None:
    """8.1.1.2."""
    nothing = await receiver.call("GET", "configuration_endpoint")
    assert (nothing.status_code, nothing.json()) == (200, [])
    assert nothing.headers["cache-control"] == "no-store"
    stream = await receiver.subscribe()
    assert (await receiver.call("GET", "configuration_endpoint")).json() == [stream]
    assert (await receiver.call("GET", "configuration_endpoint", stream_id=receiver.id)).json() == stream
    assert (
        await receiver.call("GET", "configuration_endpoint", stream_id="f67e39a0a4d34d56b3aa1bc4cff0069f")
    ).status_code == 404


async def test_update_changes_only_what_it_names(receiver: Receiver) -> None:
    """8.1.1.3, with the figure's body."""
    before = (await receiver.call("POST", "configuration_endpoint", CREATE)).json()
    body = {
        "stream_id": before["stream_id"],
        "events_requested": ["urn:example:secevent:events:type_2", REVOKED],
        "description": "Stream for Receiver B using events type_2, type_3, type_4",
    }
    after = await receiver.call("PATCH", "configuration_endpoint", body)
    assert after.status_code == 200
    changed = {name: body[name] for name in ("events_requested", "description")}
    assert after.json() == {**before, **changed, "events_delivered": [REVOKED]}
    assert (await receiver.call("GET", "configuration_endpoint", stream_id=before["stream_id"])).json() == after.json()
    polled = await receiver.call(
        "PATCH", "configuration_endpoint", {"stream_id": before["stream_id"], "delivery": {"method": POLL}}
    )
    assert polled.json()["delivery"]["endpoint_url"].endswith("/poll")
    assert polled.json()["description"] == body["description"]


async def test_replace_deletes_what_it_does_not_name(receiver: Receiver) -> None:
    """8.1.1.4, with the figure's body; and a body that was read, changed and sent back."""
    before = (await receiver.call("POST", "configuration_endpoint", CREATE)).json()
    body = {**CREATE, "stream_id": before["stream_id"], "description": "Stream for Receiver C"}
    after = await receiver.call("PUT", "configuration_endpoint", body)
    assert after.json() == {**before, "description": "Stream for Receiver C"}
    sent_back = await receiver.call("PUT", "configuration_endpoint", {**after.json(), "description": "D"})
    assert (sent_back.status_code, sent_back.json()["description"]) == (200, "D")
    bare = (await receiver.call("PUT", "configuration_endpoint", {"stream_id": before["stream_id"]})).json()
    assert (bare["events_requested"], "description" in bare) == ([], False)
    assert bare["delivery"]["method"] == POLL
    sent_back = await receiver.call("PUT", "configuration_endpoint", bare)
    assert sent_back.json() == bare, "the transmitter's own poll address may be repeated"


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_what_the_transmitter_says_is_not_the_receivers_to_change(receiver: Receiver, method: str) -> None:
    """8.1.1.3 and 8.1.1.4: Transmitter-Supplied properties must match."""
    stream = await receiver.subscribe()
    for name, value in (
        ("iss", "https://evil.test"), ("aud", "other"), ("aud", ["service", "other"]), ("events_supported", []),
        ("events_delivered", [REVOKED]), ("min_verification_interval", 1),
    ):  # fmt: skip
        refused = await receiver.call(method, "configuration_endpoint", {**stream, name: value})
        assert refused.status_code == 400, name
        assert name in refused.json()["error_description"]
    good = {**stream, "aud": ["service"], "events_supported": EVERYTHING[::-1]}
    assert (await receiver.call(method, "configuration_endpoint", good)).status_code == 200
    del good["stream_id"]
    assert (await receiver.call(method, "configuration_endpoint", good)).status_code == 400
    missing = await receiver.call(method, "configuration_endpoint", {**good, "stream_id": "x"})
    assert missing.status_code == 404


async def test_delete(receiver: Receiver) -> None:
    """8.1.1.5; and then another may be made."""
    await receiver.subscribe()
    assert (await receiver.call("DELETE", "configuration_endpoint")).status_code == 404
    gone = await receiver.call("DELETE", "configuration_endpoint", stream_id=receiver.id)
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await receiver.call("DELETE", "configuration_endpoint", stream_id=receiver.id)).status_code == 404
    assert (await receiver.call("GET", "configuration_endpoint")).json() == []
    before = receiver.id
    assert (await receiver.subscribe())["stream_id"] != before, "8.1.1: unique"


async def test_the_authorization_header_is_never_shown_again(receiver: Receiver) -> None:
    secret = "Bearer eyJ0b2tlbiI6ImV4YW1wbGUifQo="
    delivery = {**CREATE["delivery"], "authorization_header": secret}
    stream = await receiver.subscribe(delivery=delivery)
    assert "eyJ" not in json.dumps(stream)
    assert stream["delivery"] == CREATE["delivery"]
    row = await receiver.world.house.db.one("SELECT push FROM signin_streams")
    assert row
    assert b"eyJ" not in row["push"]


# The status (section 8.1.2)


async def test_status_as_the_specification_writes_it(receiver: Receiver) -> None:
    await receiver.subscribe()
    body = {"stream_id": receiver.id, "status": "paused", "reason": "Disabled by administrator action."}
    paused = await receiver.call("POST", "status_endpoint", body)
    assert (paused.status_code, paused.json()) == (200, body)
    assert (await receiver.call("GET", "status_endpoint", stream_id=receiver.id)).json() == body
    plain = {"stream_id": receiver.id, "status": "enabled"}
    assert (await receiver.call("POST", "status_endpoint", plain)).json() == plain
    assert (await receiver.call("GET", "status_endpoint", stream_id=receiver.id)).json() == plain
    for wrong in ("stopped", "", "ENABLED"):
        assert (await receiver.call("POST", "status_endpoint", {**plain, "status": wrong})).status_code == 400
    assert (await receiver.call("GET", "status_endpoint")).status_code == 404
    assert (await receiver.call("POST", "status_endpoint", {**plain, "stream_id": "x"})).status_code == 404


# Subjects (section 8.1.3)


async def test_subjects_answer_alike_for_whom_connect_knows_and_whom_it_does_not(small_world: World) -> None:
    """8.1.3.2, 8.1.3.3 and 9.1: who probes the public numbers learns nothing, whatever form of sub it has."""
    receiver = await Receiver.of(small_world, subject="psc")
    await receiver.subscribe()
    got, _, _ = await small_world.tokens(service=receiver.service)
    known = claims_of(got["id_token"])["sub"]
    for sub in (known, known[:-1] + ("0" if known[-1] != "0" else "1"), "nobody"):
        subject = {"format": "iss_sub", "iss": ORIGIN, "sub": sub}
        for whole in (subject, {"format": "complex", "user": subject}):
            body = {"stream_id": receiver.id, "subject": whole, "verified": True}
            removed = await receiver.call("POST", "remove_subject_endpoint", body)
            assert (removed.status_code, removed.content) == (204, b"")
            rows = await small_world.house.db.all("SELECT subject FROM signin_unheard")
            assert len(rows) == 1, "written alike too"
            added = await receiver.call("POST", "add_subject_endpoint", body)
            assert (added.status_code, added.content) == (200, b"")
            assert not await small_world.house.db.all("SELECT subject FROM signin_unheard")
    assert len(await ledger(small_world, "stream.subject_removed")) == 6
    assert len(await ledger(small_world, "stream.subject_added")) == 6


@pytest.mark.parametrize("name", ["add_subject_endpoint", "remove_subject_endpoint"])
async def test_subjects_that_connect_has_no_word_for(receiver: Receiver, name: str) -> None:
    await receiver.subscribe()
    user = {"format": "iss_sub", "iss": ORIGIN, "sub": "x"}
    for subject, status in (
        ({"format": "email", "email": "example.user@example.com"}, 404),
        ({"format": "phone_number", "phone_number": "+12065550123"}, 404),
        ({"format": "iss_sub", "iss": "https://elsewhere.test", "sub": "x"}, 404),
        ({"format": "complex", "user": user, "device": {"format": "opaque", "id": "d"}}, 404),
        ({"format": "complex", "user": {"format": "complex", "user": user}}, 404),
        ({"format": "iss_sub", "iss": ORIGIN}, 400),
        ({"format": "iss_sub", "iss": ORIGIN, "sub": "x" * 256}, 400),
        ("x", 400),
    ):
        answer = await receiver.call("POST", name, {"stream_id": receiver.id, "subject": subject})
        assert answer.status_code == status, subject
    assert (await receiver.call("POST", name, {"stream_id": "x", "subject": user})).status_code == 404
    assert (await receiver.call("POST", name, {"stream_id": receiver.id})).status_code == 400


async def test_removed_subjects_have_a_limit(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lucine.signin.ssf_streams.UNHEARD_MAX", 3)
    await receiver.subscribe()
    answers = [
        await receiver.call("POST", "remove_subject_endpoint", {
            "stream_id": receiver.id, "subject": {"format": "iss_sub", "iss": ORIGIN, "sub": f"s{number}"}})
        for number in range(4)
    ]  # fmt: skip
    assert [answer.status_code for answer in answers] == [204, 204, 204, 403]


# Between receivers, and from outside


async def test_no_receiver_sees_or_touches_the_stream_of_another(small_world: World) -> None:
    mine, theirs = await Receiver.of(small_world), await Receiver.of(small_world, "other")
    await mine.subscribe()
    await theirs.subscribe()
    which = mine.id
    subject = {"format": "iss_sub", "iss": ORIGIN, "sub": "x"}
    for method, name, body, query in (
        ("GET", "configuration_endpoint", None, {"stream_id": which}),
        ("PATCH", "configuration_endpoint", {"stream_id": which, "description": "theirs"}, {}),
        ("PUT", "configuration_endpoint", {"stream_id": which}, {}),
        ("DELETE", "configuration_endpoint", None, {"stream_id": which}),
        ("GET", "status_endpoint", None, {"stream_id": which}),
        ("POST", "status_endpoint", {"stream_id": which, "status": "disabled"}, {}),
        ("POST", "add_subject_endpoint", {"stream_id": which, "subject": subject}, {}),
        ("POST", "remove_subject_endpoint", {"stream_id": which, "subject": subject}, {}),
        ("POST", "verification_endpoint", {"stream_id": which}, {}),
        ("POST", mine.stream["delivery"]["endpoint_url"], {"returnImmediately": True}, {}),
    ):
        assert (await theirs.call(method, name, body, **query)).status_code == 404, name
    assert [stream["stream_id"] for stream in (await theirs.call("GET", "configuration_endpoint")).json()] == [
        theirs.id
    ]
    assert (await mine.call("GET", "configuration_endpoint", stream_id=which)).json() == mine.stream


@pytest.mark.parametrize(
    "address",
    ["http://receiver.example.com/events", "https://user:word@receiver.example.com/", "ftp://receiver.example.com/",
     "https://receiver.example.com/#x", "receiver.example.com", "https:///events", "https://a.example/\r\nX: y", "",
     "javascript:alert(1)", "https://" + "a" * 3000 + ".example/", "https://receiver.example.com:0/"],
)  # fmt: skip
async def test_addresses_that_no_receiver_may_have(receiver: Receiver, address: str) -> None:
    refused = await receiver.call(
        "POST", "configuration_endpoint", {"delivery": {"method": PUSH, "endpoint_url": address}}
    )
    assert refused.status_code == 400
    assert (await receiver.call("GET", "configuration_endpoint")).json() == []


@pytest.mark.parametrize(
    "body",
    [
        {"delivery": {"method": "urn:ietf:rfc:9999"}}, {"delivery": {"method": PUSH}}, {"delivery": "push"},
        {"delivery": {"method": POLL, "endpoint_url": "https://receiver.example.com/"}}, {"delivery": None},
        {"delivery": {**CREATE["delivery"], "authorization_header": "Bearer x\r\nX-Evil: y"}},
        {"delivery": {**CREATE["delivery"], "authorization_header": "é"}},
        {"delivery": {**CREATE["delivery"], "authorization_header": "x" * 5000}},
        {"events_requested": REVOKED}, {"events_requested": [1]}, {"events_requested": ["x"] * 101 + ["y"]},
        {"events_requested": [str(number) for number in range(101)]}, {"events_requested": ["x" * 513]},
        {"description": "x" * 1001}, {"description": 1}, {"description": "a\x00b"}, [], "x", 1, None,
    ],
)  # fmt: skip
async def test_bodies_of_the_wrong_shape_make_nothing(receiver: Receiver, body: Any) -> None:
    content = json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {receiver.token}"}
    made = await receiver.http.post(receiver.metadata["configuration_endpoint"], content=content, headers=headers)
    if body == {"events_requested": ["x"] * 101 + ["y"]}:
        assert made.json()["events_requested"] == ["x", "y"], "said often, kept once"
        return
    assert made.status_code == 400, made.text
    assert (await receiver.call("GET", "configuration_endpoint")).json() == []


async def test_huge_bodies_are_not_read(receiver: Receiver) -> None:
    answer = await receiver.call("POST", "configuration_endpoint", {"description": "x" * 70_000})
    assert answer.status_code == 413


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
MEMBERS = ["stream_id", "status", "reason", "subject", "state", "verified", "events_requested", "delivery", "description",
           "iss", "aud", "events_delivered", "maxEvents", "returnImmediately", "ack", "setErrs"]  # fmt: skip
DOORS = [("POST", "configuration_endpoint"), ("PATCH", "configuration_endpoint"), ("PUT", "configuration_endpoint"),
         ("POST", "status_endpoint"), ("POST", "add_subject_endpoint"), ("POST", "remove_subject_endpoint"),
         ("POST", "verification_endpoint"), ("POST", "poll")]  # fmt: skip


@settings(max_examples=150, deadline=None, derandomize=True, database=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(
    st.sampled_from(DOORS),
    st.dictionaries(
        st.sampled_from(MEMBERS), ANYTHING | st.text(st.characters(exclude_categories=()), max_size=30), max_size=6
    )
    | ANYTHING,
    st.booleans(),
)
def test_no_body_makes_a_door_stumble(
    fuzzed: tuple[Callable[[Any], Any], Receiver], door: tuple[str, str], body: Any, right: bool
) -> None:
    run, receiver = fuzzed
    method, name = door
    if name == "poll":
        name = f"/ssf/streams/{receiver.id}/poll"
        if isinstance(body, dict):
            body["returnImmediately"] = True
    if right and isinstance(body, dict):
        body["stream_id"] = receiver.id
    answer = run(receiver.call(method, name, body))
    assert answer.status_code in (200, 201, 204, 400, 403, 404, 409, 429), answer.text
    assert answer.status_code < 400 or set(answer.json()) == {"error", "error_description"}


@pytest.fixture
def fuzzed(tmp_path: Path) -> Iterator[tuple[Callable[[Any], Any], Receiver]]:
    """Hypothesis is not asynchronous: the world has a loop of its own."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        world = runner.run(stack.enter_async_context(open_world(f"sqlite:///{tmp_path}/t.db", tmp_path)))
        receiver = runner.run(Receiver.of(world))
        runner.run(receiver.subscribe())
        yield runner.run, receiver
        runner.run(stack.aclose())
