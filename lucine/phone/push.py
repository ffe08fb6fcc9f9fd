"""Waking a phone (RFC 8030, 8291, 8292). The message says nothing: no name, no service, no code.

A push service is somebody else's computer, and a lock screen is public. The woken app asks Connect
itself what waits, with its own cookie.
"""

import enum
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02
from pywebpush import WebPusher

from lucine.safe import tokens
from lucine.web.egress import Egress, EgressFailed, EgressRefused

WAKE = b'{"wake":1}'  # always the same bytes, so always the same length
VAPID_SECONDS = 12 * 3600  # RFC 8292 section 2 allows 24 hours
ENDPOINT_MAX_LENGTH = 1024
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Keys(msgspec.Struct, frozen=True):
    p256dh: str
    auth: str


class Subscription(msgspec.Struct, frozen=True):
    """Where a browser wants to be woken (Push API section 8)."""

    endpoint: str
    keys: Keys


class Outcome(enum.Enum):
    DELIVERED = "delivered"
    GONE = "gone"
    RETRY = "retry"
    REFUSED = "refused"


def parse_subscription(data: bytes) -> Subscription:
    """A subscription as `PushSubscription.toJSON` writes it. ValueError in plain words otherwise."""
    try:
        found = msgspec.json.decode(data, type=Subscription)
    except msgspec.DecodeError as error:
        raise ValueError(f"not a subscription: {error}") from None
    parts = urlsplit(found.endpoint)
    if parts.scheme not in ("https", "http") or not parts.hostname or len(found.endpoint) > ENDPOINT_MAX_LENGTH:
        raise ValueError("the endpoint is not a web address")
    if len(tokens.decode(found.keys.auth)) != 16:
        raise ValueError("the auth secret has 16 bytes (RFC 8291 section 3.2)")
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), tokens.decode(found.keys.p256dh))
    return found


class Pusher:
    """Sends wake-ups, signed with one key (VAPID). ``secret``: 32 bytes that the key follows from."""

    def __init__(self, egress: Egress, secret: bytes, contact: str) -> None:
        self._egress, self._contact = egress, contact
        scalar = int.from_bytes(secret) % (P256_ORDER - 1) + 1
        self._vapid = Vapid02(ec.derive_private_key(scalar, ec.SECP256R1()))

    @property
    def public_key(self) -> str:
        """For the page's `applicationServerKey`."""
        point = self._vapid.public_key.public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return tokens.encode(point)

    async def send(self, now: float, subscription: Subscription, *, ttl_seconds: int, topic: str) -> Outcome:
        """One wake-up. A newer one with the same topic replaces it (RFC 8030 section 5.4)."""
        parts = urlsplit(subscription.endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int(now) + VAPID_SECONDS,
            "sub": self._contact,
        }
        sealed = WebPusher(msgspec.to_builtins(subscription)).encode(WAKE, content_encoding="aes128gcm")
        headers = {
            **self._vapid.sign(claims),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(ttl_seconds),
            "Urgency": "high",
            "Topic": topic,
        }
        try:
            answer = await self._egress.post(subscription.endpoint, headers=headers, content=sealed["body"])
        except EgressRefused:
            return Outcome.REFUSED
        except EgressFailed:
            return Outcome.RETRY
        if answer.status in (404, 410):
            return Outcome.GONE
        if answer.status == 429 or answer.status >= 500:
            return Outcome.RETRY
        return Outcome.DELIVERED if answer.status < 300 else Outcome.REFUSED
