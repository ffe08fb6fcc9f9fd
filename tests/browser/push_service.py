"""A push service (RFC 8030) of the tests, and the subscription of a browser that it serves."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lucine.safe import tokens


@dataclass(frozen=True)
class Message:
    """What an application server sent, before anybody opens it."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class PushService:
    """Takes every message, and keeps it."""

    origin: str
    messages: list[Message] = field(default_factory=list)

    def sent_to(self, phone: "Subscription") -> list[Message]:
        return [message for message in self.messages if message.path == phone.path]


class Subscription:
    """A browser's place at the service (Push API section 8), and the keys that open what comes there (RFC 8291)."""

    def __init__(self, service: PushService) -> None:
        self.path = f"/push/{tokens.new_secret()}"
        self.endpoint = service.origin + self.path
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.secret = tokens.decode(tokens.new_secret(128))

    def as_json(self) -> dict[str, Any]:
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"p256dh": tokens.encode(point), "auth": tokens.encode(self.secret)}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}

    def open(self, message: Message) -> bytes:
        """What the browser would hand to its service worker."""
        opened = http_ece.decrypt(message.body, private_key=self.key, auth_secret=self.secret, version="aes128gcm")
        return bytes(opened)


@contextmanager
def push_service() -> Iterator[PushService]:
    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.messages.append(Message(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(201)
            self.send_header("Location", f"{made.origin}/message/{len(made.messages)}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """The tests' output is theirs."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    made = PushService(f"http://localhost:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
