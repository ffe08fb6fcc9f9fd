"""Waking a phone (RFC 8030, 8291, 8292). The message says nothing: no name, no service, no code.

A push service is somebody else's computer, and a lock screen is public. The woken app asks Connect
itself what waits, with its own cookie.
"""

import binascii
import enum
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02, VapidException
from pywebpush import WebPusher

from lucine.safe import tokens
from lucine.web.egress import Egress, EgressFailed, EgressRefused, split_url

WAKE = b'{"wake":1}'  # always the same bytes, so always the same length
VAPID_SECONDS = 12 * 3600  # RFC 8292 section 2 allows 24 hours
ENDPOINT_MAX_LENGTH = 1024
SUBSCRIPTION_MAX_BYTES = 4096
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
HOME = ("localhost", "127.0.0.1", "[::1]")  # where the demo and the tests keep their push service
TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")  # RFC 8030 section 5.4


class Keys(msgspec.Struct, frozen=True):
    """The browser's public point (65 bytes) and the secret it shares with us (16 bytes), base64url."""

    p256dh: str
    auth: str


class Subscription(msgspec.Struct, frozen=True):
    """Where a browser wants to be woken (Push API section 8)."""

    endpoint: str
    keys: Keys


class Outcome(enum.Enum):
    """What became of a wake-up. It is never proof that the phone rang."""

    DELIVERED = "delivered"
    GONE = "gone"  # the subscription is over: delete it (RFC 8030 section 7.3)
    RETRY = "retry"
    REFUSED = "refused"


class Sent(msgspec.Struct, frozen=True):
    """An outcome, and with RETRY the seconds that the push service asked to wait, 0 if it said none."""

    outcome: Outcome
    retry_after: int = 0


def parse_subscription(data: bytes | Mapping[str, Any]) -> Subscription:
    """A subscription as `PushSubscription.toJSON` writes it. ValueError in plain words otherwise.

    Plain http is taken for this machine alone; whether an address is called at all, Egress decides.
    """
    if isinstance(data, bytes) and len(data) > SUBSCRIPTION_MAX_BYTES:
        raise ValueError(f"a subscription has at most {SUBSCRIPTION_MAX_BYTES} bytes")
    try:
        if isinstance(data, bytes):
            found = msgspec.json.decode(data, type=Subscription)
        else:
            found = msgspec.convert(dict(data), Subscription)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"not a subscription: {error}") from None
    _check_endpoint(found.endpoint)
    if len(_bytes_of(found.keys.auth, "auth")) != 16:
        raise ValueError("the auth secret has 16 bytes (RFC 8291 section 3.2)")
    _check_point(_bytes_of(found.keys.p256dh, "p256dh"))
    return found


def _check_endpoint(endpoint: str) -> None:
    if len(endpoint) > ENDPOINT_MAX_LENGTH:
        raise ValueError(f"the endpoint has at most {ENDPOINT_MAX_LENGTH} characters")
    try:
        target = split_url(endpoint)
    except EgressRefused as refusal:
        raise ValueError(f"the endpoint: {refusal}") from None
    if target.scheme != "https" and target.host not in HOME:
        raise ValueError("the endpoint must be https")


def _bytes_of(text: str, name: str) -> bytes:
    try:
        return tokens.decode(text)
    except (ValueError, binascii.Error):
        raise ValueError(f"{name} is not base64url without padding") from None


def _check_point(point: bytes) -> None:
    """The whole point, and on the curve: a point elsewhere would leak about our key (RFC 8291 section 7)."""
    if len(point) != 65:
        raise ValueError("p256dh is an uncompressed point of 65 bytes (RFC 8291 section 3.1)")
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise ValueError("p256dh is not a point of P-256") from None


class Pusher:
    """Sends wake-ups, signed with one key (VAPID). ``secret``: 32 bytes that the key follows from.

    ``contact``: a ``mailto:`` or ``https:`` address of whoever runs this; ValueError if it is not one.
    """

    def __init__(self, egress: Egress, secret: bytes, contact: str) -> None:
        if len(secret) != 32:
            raise ValueError("the secret has 32 bytes")
        self._egress, self._contact = egress, contact
        scalar = int.from_bytes(secret) % (P256_ORDER - 1) + 1
        self._vapid = Vapid02(ec.derive_private_key(scalar, ec.SECP256R1()))
        try:  # once now, rather than at the first ring
            self._sign(0, "https://push.example")
        except VapidException:
            raise ValueError("the contact is a mailto: or https: address (RFC 8292 section 2.1)") from None

    @property
    def public_key(self) -> str:
        """For the page's `applicationServerKey`: the uncompressed point, base64url."""
        point = self._vapid.public_key.public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return tokens.encode(point)

    async def send(self, now: float, subscription: Subscription, *, ttl_seconds: int, topic: str) -> Outcome:
        """One wake-up, one try; see `try_send`."""
        return (await self.try_send(now, subscription, ttl_seconds=ttl_seconds, topic=topic)).outcome

    async def try_send(self, now: float, subscription: Subscription, *, ttl_seconds: int, topic: str) -> Sent:
        """One wake-up, one try, kept for ``ttl_seconds`` if the phone is away.

        A newer one with the same topic replaces it (RFC 8030 section 5.4). ValueError if the topic
        is not 1 to 32 letters of base64url, or the time is negative.
        """
        if ttl_seconds < 0 or not TOPIC.fullmatch(topic):
            raise ValueError("a topic is 1 to 32 letters of base64url, a time is not negative")
        try:
            headers = {
                **self._sign(now, split_url(subscription.endpoint).origin),
                "Content-Encoding": "aes128gcm",
                "Content-Type": "application/octet-stream",
                "TTL": str(ttl_seconds),
                "Urgency": "high",
                "Topic": topic,
            }
            sealed = WebPusher(msgspec.to_builtins(subscription)).encode(WAKE, content_encoding="aes128gcm")
            answer = await self._egress.post(subscription.endpoint, headers=headers, content=sealed["body"])
        except (EgressRefused, VapidException):
            return Sent(Outcome.REFUSED)
        except EgressFailed:
            return Sent(Outcome.RETRY)
        if answer.status in (404, 410):
            return Sent(Outcome.GONE)
        if answer.status == 429 or answer.status >= 500:
            return Sent(Outcome.RETRY, answer.retry_after)
        return Sent(Outcome.DELIVERED if 200 <= answer.status < 300 else Outcome.REFUSED)

    def _sign(self, now: float, origin: str) -> dict[str, str]:
        """The Authorization header for one push service: a token for another is refused there (RFC 8292 section 2)."""
        claims = {"aud": origin, "exp": int(now) + VAPID_SECONDS, "sub": self._contact}
        signed: dict[str, str] = self._vapid.sign(claims)
        return signed
