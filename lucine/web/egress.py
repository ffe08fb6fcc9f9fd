"""The one guarded way out for HTTP.

Logout, ping, push and webhooks all go to addresses that others chose. So: https only, the name is
resolved once and every address it has must be public, the connection goes to that very address
(no rebinding) with the certificate checked against the name, no redirect is followed, the answer is
short, and the wait is short. Hosts that an operator allows by name may be private and plain http.
No black hole holds the others up: places are few for each host and each address, threads for each name.
"""

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from functools import cache
from urllib.parse import urlsplit

import httpx
import msgspec

ANSWER_MAX_BYTES = 4096
URL_MAX_LENGTH = 2048
SECONDS = 5.0
TOGETHER_MAX = 100
TOGETHER_PER_HOST_MAX = 8
LOOKUPS_TOGETHER_MAX = 32
ADDRESSES_MAX = 3  # of one name, tried in turn until one lets us connect
RETRY_AFTER_MAX_SECONDS = 86400

# Written out, because the lists of the ipaddress module differ between the versions of Python that we run on.
# Sources: the IANA special-purpose registries (RFC 6890), multicast, and what leads to IPv4 addresses inside.
CLOSED_IPV4 = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/3",
    "168.63.129.16/32",  # public by the registry, the machine's own host on Azure
)  # fmt: skip
OPEN_IPV6 = ipaddress.ip_network("2000::/3")  # all that IANA has given out; not fc00::/7, fe80::/10, ::ffff:0:0/96 ...
CLOSED_IPV6 = ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")  # Teredo and others, examples, 6to4, examples
CLOSED = [ipaddress.ip_network(text) for text in (*CLOSED_IPV4, *CLOSED_IPV6)]

URL = re.compile(r"[!-\[\]-~]+")  # printable ASCII without space and backslash: parsers read those in different ways
NETLOC = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::(?P<port>[0-9]{1,5}))?", re.IGNORECASE | re.ASCII)
LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
HEADER_NAME, HEADER_VALUE = re.compile(r"[A-Za-z0-9-]+"), re.compile(r"[ -~]*")


class EgressRefused(Exception):
    """This address will never be called."""


class EgressFailed(Exception):
    """It did not answer this time."""


class Answer(msgspec.Struct, frozen=True):
    """What came back: the status, at most ANSWER_MAX_BYTES of the body, and when to try again (seconds)."""

    status: int
    body: bytes
    retry_after: int = 0


class Target(msgspec.Struct, frozen=True):
    """A web address taken apart: host in small letters (IPv6 in brackets), port, path with query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def netloc(self) -> str:
        """Host, and the port unless the scheme implies it."""
        usual = {"https": 443, "http": 80}[self.scheme]
        return self.host if self.port == usual else f"{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        """As RFC 6454 section 6.2 writes it."""
        return f"{self.scheme}://{self.netloc}"


def split_url(url: str) -> Target:
    """Take an address apart, if all parsers would read it in the same way. EgressRefused otherwise."""
    if len(url) > URL_MAX_LENGTH or not URL.fullmatch(url):
        raise EgressRefused("odd characters in the address, or too many")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise EgressRefused("not an address") from None
    found = NETLOC.fullmatch(parts.netloc)
    if parts.scheme not in ("https", "http") or not found:
        raise EgressRefused("not a plain web address")
    host = found["host"].lower()
    port = int(found["port"] or (443 if parts.scheme == "https" else 80))
    if not 0 < port < 65536 or not _is_host(host):
        raise EgressRefused("not a host and port")
    return Target(parts.scheme, host, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


def _is_host(host: str) -> bool:
    """Whether it is a name, or an IP address in its one usual form: not 0x7f.1, not 2130706433, not 010.0.0.1."""
    labels = host.split(".")
    if host.startswith("[") or NUMBER.fullmatch(labels[-1]):
        try:
            return ipaddress.ip_address(host.strip("[]")).version == (6 if host.startswith("[") else 4)
        except ValueError:
            return False
    return len(host) <= 253 and all(LABEL.fullmatch(label) for label in labels)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open Internet. ValueError if it is not an address."""
    ip = ipaddress.ip_address(address)
    if ip.version == 6 and ip not in OPEN_IPV6:
        return False
    return ip.is_global and not any(ip in closed for closed in CLOSED)


@cache
def _tls(ca_file: str | None) -> ssl.SSLContext:
    """Who may certify a name. Kept, because reading the authorities takes a tenth of a second."""
    made = ssl.create_default_context()
    if ca_file:
        made.load_verify_locations(ca_file)
    return made


class Egress:
    """Sends POST requests to addresses that nobody here chose.

    ``allow``: each a ``host:port`` or a ``host`` that may be private and plain http. ``ca_file``:
    more certificate authorities (PEM). ``together``, ``per_host``: how many requests run at once.
    """

    def __init__(
        self,
        allow: frozenset[str] = frozenset(),
        ca_file: str | None = None,
        *,
        together: int = TOGETHER_MAX,
        per_host: int = TOGETHER_PER_HOST_MAX,
    ) -> None:
        self._allow = frozenset(host.lower() for host in allow)
        # The bare transport: no cookies (two clients may share an address), no redirects, no proxy of the
        # environment. No connection is kept: the pool knows addresses, the certificate was checked for a name.
        self._http = httpx.AsyncHTTPTransport(
            verify=_tls(ca_file),
            trust_env=False,
            limits=httpx.Limits(max_connections=together, max_keepalive_connections=0),
        )
        self._together = asyncio.Semaphore(together)
        self._hosts, self._addresses = _Places(per_host), _Places(per_host)
        self._names = _Names()

    async def close(self) -> None:
        """Give up what is under way."""
        self._names.close()
        await self._http.aclose()

    async def post(self, url: str, *, headers: Mapping[str, str], content: bytes, seconds: float = SECONDS) -> Answer:
        """One request, one try, ``seconds`` in all (waiting for a place too).

        EgressRefused is final; EgressFailed is worth another try.
        """
        target, allowed = self._check(url)
        if not all(HEADER_NAME.fullmatch(name) and HEADER_VALUE.fullmatch(headers[name]) for name in headers):
            raise EgressRefused("odd characters in a header")
        try:
            async with asyncio.timeout(seconds), self._hosts.one(target.netloc if allowed else target.host):
                addresses = await self._resolve(target, allowed)
                # Many names may lead to one black hole. Allowed hosts are trusted, and often all on one machine.
                key = f"{addresses[0]}:{target.port}" if allowed else addresses[0]
                async with self._addresses.one(key), self._together:
                    return await self._send(target, addresses, headers, content, seconds)
        except TimeoutError:
            raise EgressFailed("no answer in time") from None

    def _check(self, url: str) -> tuple[Target, bool]:
        """The address taken apart, and whether the operator allows it by name."""
        target = split_url(url)
        if not self._allow.isdisjoint((target.host, f"{target.host}:{target.port}")):
            return target, True
        if target.scheme != "https":
            raise EgressRefused("only https")
        if target.port != 443 and target.port < 1024:
            raise EgressRefused("a port of another protocol")
        if "." not in target.host and ":" not in target.host:
            raise EgressRefused("not a full name")
        return target, False

    async def _resolve(self, target: Target, allowed: bool) -> list[str]:
        """Where to connect. One private address among several is enough to refuse."""
        try:
            addresses = await self._names.addresses(target.host.strip("[]"))
        except (OSError, UnicodeError):
            raise EgressFailed("the name cannot be resolved") from None
        if not addresses:
            raise EgressFailed("the name has no address")
        if not allowed and not all(is_public(address) for address in addresses):
            raise EgressRefused("the name leads to a private address")
        return addresses[:ADDRESSES_MAX]

    async def _send(
        self, target: Target, addresses: list[str], headers: Mapping[str, str], content: bytes, seconds: float
    ) -> Answer:
        """Ask the first address that lets us connect: until then nothing was said, so the next may be tried."""
        connect_seconds = seconds / len(addresses)
        try:
            for address in addresses[:-1]:
                try:
                    return await self._ask(target, address, headers, content, connect_seconds)
                except (httpx.ConnectError, httpx.ConnectTimeout):
                    continue
            return await self._ask(target, addresses[-1], headers, content, connect_seconds)
        # ssl.SSLError (an OSError) passes through httpx when the other side breaks TLS after the handshake.
        except (httpx.HTTPError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise EgressFailed(type(error).__name__) from None

    async def _ask(
        self, target: Target, address: str, headers: Mapping[str, str], content: bytes, connect_seconds: float
    ) -> Answer:
        sent = httpx.Headers(dict(headers))
        sent.update({"Host": target.netloc, "User-Agent": "Lucine", "Connection": "close"})
        request = httpx.Request(
            "POST",
            httpx.URL(scheme=target.scheme, host=address, port=target.port, raw_path=target.path.encode()),
            headers=sent,
            content=content,
            extensions={"sni_hostname": target.host.strip("[]"), "timeout": {"connect": connect_seconds}},
        )
        answer = await self._http.handle_async_request(request)
        try:
            body = b""
            async for part in answer.aiter_raw():
                body += part
                if len(body) >= ANSWER_MAX_BYTES:
                    break
        finally:
            await answer.aclose()
        return Answer(answer.status_code, body[:ANSWER_MAX_BYTES], retry_after_of(answer.headers))


def retry_after_of(headers: Mapping[str, str]) -> int:
    """Seconds to wait (RFC 9110 section 10.2.3), a day at most; 0 if none are said. Dates count by their own clock."""
    later = headers.get("retry-after", "")
    if re.fullmatch(r"[0-9]{1,9}", later):
        return min(int(later), RETRY_AFTER_MAX_SECONDS)
    try:
        wait = (parsedate_to_datetime(later) - parsedate_to_datetime(headers.get("date", ""))).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0
    return int(min(max(wait, 0), RETRY_AFTER_MAX_SECONDS))


class _Places:
    """So many at once for each key; a key that nobody uses is forgotten, for outsiders choose the keys."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._used: dict[str, tuple[asyncio.Semaphore, int]] = {}

    @asynccontextmanager
    async def one(self, key: str) -> AsyncIterator[None]:
        semaphore, users = self._used.get(key) or (asyncio.Semaphore(self._width), 0)
        self._used[key] = semaphore, users + 1
        try:
            async with semaphore:
                yield
        finally:
            users = self._used.pop(key)[1] - 1
            if users:
                self._used[key] = semaphore, users


class _Names:
    """Names to addresses, in threads of their own.

    A thread that waits for a dead name server cannot be stopped; so a name holds one thread at most,
    and never one of those that the rest of the program uses.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS_TOGETHER_MAX, "egress-names")
        self._asked: dict[str, asyncio.Future[list[str]]] = {}

    async def addresses(self, host: str) -> list[str]:
        """All addresses of a name, each once. OSError if it has none."""
        asked = self._asked.get(host)
        if asked is None:
            asked = asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host)
            self._asked[host] = asked
            asked.add_done_callback(lambda done: self._forget(host, done))
        return await asyncio.shield(asked)

    def _forget(self, host: str, done: "asyncio.Future[list[str]]") -> None:
        self._asked.pop(host, None)
        if not done.cancelled():
            done.exception()  # perhaps nobody waits for it any more

    def close(self) -> None:
        for asked in list(self._asked.values()):
            asked.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
