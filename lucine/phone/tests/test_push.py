"""Wake-ups: what a push service receives (and cannot read), and what it can answer."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import http_ece
import msgspec
import pytest
import pywebpush
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey

from lucine.phone.push import WAKE, Keys, Outcome, Pusher, Sent, Subscription, parse_subscription
from lucine.safe import tokens
from lucine.web.egress import Egress

NOW = 1_795_000_000.0
VECTOR = json.loads((Path(__file__).parent / "vectors" / "rfc8291-webpush.json").read_text())
CREATED = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"


def private_key(scalar: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(tokens.decode(scalar)), ec.SECP256R1())


class Phone:
    """The receiving end: a browser's subscription, and the key that opens what is sent to it."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = tokens.decode(tokens.new_secret(128))

    def subscription(self, endpoint: str) -> Subscription:
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        written = {
            "endpoint": endpoint,
            "expirationTime": None,
            "keys": {"p256dh": tokens.encode(point), "auth": tokens.encode(self.auth)},
        }
        return parse_subscription(json.dumps(written).encode())

    def read(self, body: bytes) -> bytes:
        plain: bytes = http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")
        return plain


class Received(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


class Service:
    """A push service of RFC 8030, in as much as we need: it checks, notes, and answers what it was told."""

    def __init__(self) -> None:
        self.answer = CREATED
        self.received: list[Received] = []
        self.origin = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *rest = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (one.split(": ", 1) for one in rest)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.received.append(Received(line.split()[1], headers, body))
        writer.write(self.answer if headers.get("ttl", "").isdigit() else b"HTTP/1.1 400 No TTL\r\n\r\n")
        writer.close()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Service"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()

    def claims(self, received: Received) -> dict[str, Any]:
        """What the VAPID token says, its signature checked with the key beside it (RFC 8292 section 3)."""
        scheme, _, fields = received.headers["authorization"].partition(" ")
        assert scheme == "vapid"
        said = dict(field.strip().split("=", 1) for field in fields.split(","))
        point = tokens.decode(said["k"])
        assert len(point) == 65
        key = ECKey.import_key(
            {"kty": "EC", "crv": "P-256", "x": tokens.encode(point[1:33]), "y": tokens.encode(point[33:])}
        )
        token = jwt.decode(said["t"], key, algorithms=["ES256"])
        return {**token.claims, "k": said["k"]}


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with Service().open() as opened:
        yield opened


@pytest.fixture
async def pusher(service: Service) -> AsyncIterator[Pusher]:
    egress = Egress(allow=frozenset({"127.0.0.1"}))
    yield Pusher(egress, b"\x07" * 32, "mailto:ops@lucine.example")
    await egress.close()


# --- what is sent


async def test_n3_n4_n6_a_wake_up_says_nothing_and_is_signed_for_this_service(service: Service, pusher: Pusher) -> None:
    phone = Phone()
    subscription = phone.subscription(f"{service.origin}/push/abc")
    assert await pusher.send(NOW, subscription, ttl_seconds=60, topic="ask") is Outcome.DELIVERED
    (got,) = service.received
    assert got.path == "/push/abc"
    assert phone.read(got.body) == WAKE == b'{"wake":1}'
    wanted = {"content-encoding": "aes128gcm", "ttl": "60", "urgency": "high", "topic": "ask"}
    assert {name: got.headers[name] for name in wanted} == wanted
    assert service.claims(got) == {
        "aud": service.origin,
        "exp": int(NOW) + 12 * 3600,
        "sub": "mailto:ops@lucine.example",
        "k": pusher.public_key,
    }


async def test_n2_every_message_has_the_same_length_and_other_bytes(service: Service, pusher: Pusher) -> None:
    for number in range(5):
        subscription = Phone().subscription(f"{service.origin}/{'x' * number}")
        await pusher.send(NOW + number, subscription, ttl_seconds=number, topic=f"t{number}")
    bodies = [got.body for got in service.received]
    assert len({len(body) for body in bodies}) == 1
    assert len(bodies[0]) <= 4096
    assert len(set(bodies)) == 5
    assert int.from_bytes(bodies[0][16:20]) <= 4096  # the record size, RFC 8291 section 4


def test_the_public_key_follows_from_the_secret() -> None:
    egress = Egress()
    one, same, other = (Pusher(egress, secret * 32, "mailto:a@b.example") for secret in (b"\1", b"\1", b"\2"))
    assert one.public_key == same.public_key != other.public_key
    point = tokens.decode(one.public_key)
    assert (len(point), point[0]) == (65, 4)
    for edge in (b"\0" * 32, b"\xff" * 32):
        assert Pusher(egress, edge, "mailto:a@b.example").public_key


def test_a_wrong_contact_or_secret_is_found_at_once() -> None:
    with pytest.raises(ValueError, match="contact"):
        Pusher(Egress(), b"\1" * 32, "nobody")
    with pytest.raises(ValueError, match="32"):
        Pusher(Egress(), b"\1" * 31, "mailto:a@b.example")


@pytest.mark.parametrize(("ttl", "topic"), [(-1, "ask"), (1, ""), (1, "a" * 33), (1, "a b"), (1, "a\r\nX: y")])
async def test_a_wrong_topic_or_time_is_a_fault_of_ours(pusher: Pusher, ttl: int, topic: str) -> None:
    with pytest.raises(ValueError, match="topic"):
        await pusher.send(NOW, Phone().subscription("http://127.0.0.1:1/"), ttl_seconds=ttl, topic=topic)


# --- what it answers


@pytest.mark.parametrize(
    ("status", "sent"),
    [
        (200, Sent(Outcome.DELIVERED)),
        (201, Sent(Outcome.DELIVERED)),
        (202, Sent(Outcome.DELIVERED)),
        (404, Sent(Outcome.GONE)),
        (410, Sent(Outcome.GONE)),
        (429, Sent(Outcome.RETRY, 17)),
        (500, Sent(Outcome.RETRY, 17)),
        (503, Sent(Outcome.RETRY, 17)),
        (301, Sent(Outcome.REFUSED)),
        (307, Sent(Outcome.REFUSED)),
        (400, Sent(Outcome.REFUSED)),
        (401, Sent(Outcome.REFUSED)),
        (403, Sent(Outcome.REFUSED)),
        (413, Sent(Outcome.REFUSED)),
    ],
)
async def test_n5_each_answer_has_its_outcome(service: Service, pusher: Pusher, status: int, sent: Sent) -> None:
    service.answer = f"HTTP/1.1 {status} X\r\nLocation: /\r\nRetry-After: 17\r\nContent-Length: 0\r\n\r\n".encode()
    subscription = Phone().subscription(f"{service.origin}/p")
    assert await pusher.try_send(NOW, subscription, ttl_seconds=60, topic="ask") == sent
    assert len(service.received) == 1


async def test_a_service_that_is_away_may_be_tried_again(service: Service, pusher: Pusher) -> None:
    service.answer = b""
    subscription = Phone().subscription(f"{service.origin}/p")
    assert await pusher.send(NOW, subscription, ttl_seconds=60, topic="ask") is Outcome.RETRY


@pytest.mark.parametrize(
    "endpoint",
    ["https://169.254.169.254/p", "https://localhost/p", "https://[2a01:e0a::1]/p", "http://10.0.0.1/p", "nonsense"],
)
async def test_n1_an_endpoint_inside_is_refused(endpoint: str) -> None:
    egress = Egress()
    pusher = Pusher(egress, b"\1" * 32, "mailto:a@b.example")
    keys = Phone().subscription("https://push.example/").keys
    outcome = await pusher.send(NOW, Subscription(endpoint, keys), ttl_seconds=1, topic="ask")
    assert outcome is Outcome.REFUSED
    await egress.close()


# --- RFC 8291, both ways


def test_the_example_of_the_standard_opens() -> None:
    plain = http_ece.decrypt(
        tokens.decode(VECTOR["body"]),
        private_key=private_key(VECTOR["ua_private"]),
        auth_secret=tokens.decode(VECTOR["auth_secret"]),
        version="aes128gcm",
    )
    assert plain.decode() == VECTOR["plaintext"]


@pytest.fixture
def fixed_chance() -> Iterator[None]:
    """The ephemeral key and the salt of the example instead of random ones."""
    with pytest.MonkeyPatch.context() as patch:
        key = private_key(VECTOR["as_private"])
        patch.setattr(pywebpush.ec, "generate_private_key", lambda *_: key)
        patch.setattr(http_ece.os, "urandom", lambda _count: tokens.decode(VECTOR["salt"]))
        yield


def test_the_encryption_we_use_writes_the_example_of_the_standard(fixed_chance: None) -> None:
    written = {"endpoint": "https://push.example/", "keys": {"p256dh": VECTOR["ua_public"]}}
    written["keys"]["auth"] = VECTOR["auth_secret"]  # type: ignore[index]
    subscription = parse_subscription(written)
    pusher = pywebpush.WebPusher(msgspec.to_builtins(subscription))
    sealed = pusher.encode(VECTOR["plaintext"].encode(), content_encoding="aes128gcm")
    assert sealed["body"] == tokens.decode(VECTOR["body"])


# --- subscriptions

GOOD = {
    "endpoint": "https://push.example/p/1",
    "keys": {"p256dh": VECTOR["ua_public"], "auth": VECTOR["auth_secret"]},
}


def changed(**changes: Any) -> bytes:
    keys = {**GOOD["keys"], **{name: value for name, value in changes.items() if name != "endpoint"}}  # type: ignore[dict-item]
    return json.dumps({"endpoint": changes.get("endpoint", GOOD["endpoint"]), "keys": keys}).encode()


def test_a_subscription_is_read_from_bytes_and_from_a_mapping() -> None:
    wanted = Subscription("https://push.example/p/1", Keys(VECTOR["ua_public"], VECTOR["auth_secret"]))
    assert parse_subscription(changed()) == parse_subscription(GOOD) == wanted
    assert parse_subscription(changed(endpoint="http://localhost:9/p")).endpoint == "http://localhost:9/p"


POINT = tokens.decode(VECTOR["ua_public"])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a subscription"),
        (b"\xff", "not a subscription"),
        (b"[]", "not a subscription"),
        (b'{"endpoint": "https://push.example/"}', "keys"),
        (changed(endpoint=1), "not a subscription"),
        (changed(endpoint="http://push.example/"), "https"),
        (changed(endpoint="ftp://push.example/"), "endpoint"),
        (changed(endpoint="https://user@push.example/"), "endpoint"),
        (changed(endpoint="https://push.example\\@localhost/"), "endpoint"),
        (changed(endpoint="https://push.example/é"), "endpoint"),
        (changed(endpoint="https://push.example/\r\nX: y"), "endpoint"),
        (changed(endpoint="https://0x7f.1/"), "endpoint"),
        (changed(endpoint="https://push.example/" + "a" * 1024), "1024"),
        (changed(endpoint="https://push.example/" + "a" * 9000), "4096"),
        (changed(auth=""), "16 bytes"),
        (changed(auth=tokens.encode(b"a" * 15)), "16 bytes"),
        (changed(auth=tokens.encode(b"a" * 17)), "16 bytes"),
        (changed(auth=VECTOR["auth_secret"] + "=="), "base64url"),
        (changed(auth="é" * 22), "base64url"),
        (changed(auth="a"), "base64url"),
        (changed(p256dh=tokens.encode(POINT[:64])), "65 bytes"),
        (changed(p256dh=tokens.encode(b"\2" + POINT[1:33])), "65 bytes"),
        (changed(p256dh=tokens.encode(b"\0")), "65 bytes"),
        (changed(p256dh=tokens.encode(POINT[:64] + b"\0")), "point of P-256"),
        (changed(p256dh=tokens.encode(b"\4" + b"\0" * 64)), "point of P-256"),
        (changed(p256dh=tokens.encode(b"\5" + POINT[1:])), "point of P-256"),
    ],
)
def test_a_subscription_that_cannot_be_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_subscription(data)


@settings(deadline=None)
@given(st.one_of(st.binary(), st.text().map(lambda text: changed(auth=text, p256dh=text, endpoint="https://" + text))))
def test_no_bytes_break_it(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        parse_subscription(data)
