"""A visit: one request, with the house it came to, the time and the visitor's language."""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import ClientDisconnect, Request

from lucine.safe import Database, Keys, tokens

from .bell import Bell
from .egress import Egress
from .languages import choose_language, translations
from .post import Post
from .refusal import Refusal
from .settings import Settings
from .streams import Streams

BODY_MAX_BYTES = 64 * 1024
BODY_MAX_SECONDS = 10
LANGUAGE_COOKIE = "language"


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class House:
    """What every room may use, made once by ``app``."""

    settings: Settings
    db: Database
    keys: Keys
    bell: Bell
    egress: Egress
    post: Post
    streams: Streams = field(default_factory=Streams)


class Visit:
    """A request on its way to one act."""

    __slots__ = ("_body", "_reference", "house", "language", "language_chosen", "now", "request")

    def __init__(self, request: Request, house: House, now: float) -> None:
        self.request, self.house, self.now = request, house, now
        self._body: bytes | None = None
        self._reference = ""
        asked = request.query_params.get("ui_locales") if b"ui_locales" in request.scope["query_string"] else None
        self.language = choose_language(
            asked or request.cookies.get(f"__Host-{LANGUAGE_COOKIE}"), request.headers.get("accept-language")
        )
        self.language_chosen = asked is not None and request.method == "GET"

    @property
    def reference(self) -> str:
        """What a refused visitor tells the support, who finds it in the log."""
        self._reference = self._reference or tokens.new_code(8)
        return self._reference

    @property
    def address(self) -> str:
        """The visitor's address: the last hop that no trusted proxy added (RFC 7239 section 7.5)."""
        peer = self.request.client.host if self.request.client else ""
        trusted = {proxy.strip() for proxy in self.house.settings.trusted_proxies.split(",") if proxy}
        # Several headers are one list (RFC 9110 section 5.2): a proxy may add its own after the visitor's.
        said = ",".join(self.request.headers.getlist("x-forwarded-for"))
        hops = [hop.strip() for hop in said.split(",") if hop.strip()]
        while peer in trusted and hops:
            peer = hops.pop()
        return peer

    @property
    def from_trusted_proxy(self) -> bool:
        peer = self.request.client.host if self.request.client else ""
        return peer in {proxy.strip() for proxy in self.house.settings.trusted_proxies.split(",") if proxy}

    def words(self, french: str) -> str:
        """A sentence of the catalogue in the visitor's language."""
        return translations(self.language).gettext(french)

    def cookie(self, name: str) -> str | None:
        """A ``__Host-`` cookie of ours."""
        value = self.request.cookies.get(f"__Host-{name}")
        # A quoted cookie can spell U+0000, which PostgreSQL keeps in no text.
        return None if value and "\x00" in value else value

    async def body(self) -> bytes:
        """The body, once, never more than BODY_MAX_BYTES, never waited for longer than BODY_MAX_SECONDS."""
        if self._body is None:
            words = "Cette demande n'est pas arrivée en entier. Réessayez."
            try:
                async with asyncio.timeout(BODY_MAX_SECONDS):
                    self._body = await self._read_body()
            except TimeoutError:
                raise Refusal(
                    "invalid_request", words, "body too slow", status=408, headers={"Connection": "close"}
                ) from None
            except ClientDisconnect:  # nobody reads this refusal; the log shows it among the others
                raise Refusal("invalid_request", words, "the visitor left while sending") from None
        return self._body

    async def _read_body(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in self.request.stream():
            size += len(part)
            if size > BODY_MAX_BYTES:
                raise Refusal("invalid_request", "Cette demande est trop longue.", "body over the limit", status=413)
            parts.append(part)
        return b"".join(parts)

    def query(self) -> dict[str, str]:
        """The query's parameters, each at most once (RFC 6749 section 3.1)."""
        return _single(self.request.scope["query_string"].decode("latin-1"))

    async def form(self) -> dict[str, str]:
        """The parameters of an application/x-www-form-urlencoded body, each at most once."""
        kind = self.request.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            raise Refusal(
                "invalid_request", "Cette demande n'est pas lisible.", f"content type {kind[:40]!r}", status=400
            )
        try:
            return _single((await self.body()).decode())
        except UnicodeDecodeError:
            raise Refusal("invalid_request", "Cette demande n'est pas lisible.", "body is not UTF-8") from None

    async def json(self, shape: type[Any]) -> Any:
        """The JSON body as a value of this shape. U+0000 is refused: PostgreSQL keeps it in no text."""
        body = await self.body()
        if rb"\u0000" in body:
            raise Refusal("invalid_request", "Cette demande n'est pas lisible.", "U+0000 in the body")
        try:
            return msgspec.json.decode(body, type=shape)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Refusal("invalid_request", "Cette demande n'est pas lisible.", str(error)) from None


def _single(text: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError:
        raise Refusal("invalid_request", "Cette demande n'est pas lisible.", "parameters cannot be parsed") from None
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refusal("invalid_request", "Cette demande n'est pas lisible.", "a parameter occurs twice")
    # An empty parameter counts as absent (RFC 6749 section 3.1).
    return {name: value for name, value in found.items() if value and "\x00" not in value}
