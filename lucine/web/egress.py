"""The one guarded way out for HTTP.

Logout, ping, push and webhooks all go to addresses that others chose. So: https only, the name is
resolved once and every address it has must be public, the connection goes to that very address
(no rebinding) with the certificate checked against the name, no redirect is followed, the answer is
short, and the wait is short. Hosts that an operator allows by name may be private and plain http.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections import defaultdict
from urllib.parse import SplitResult, urlsplit

import httpx
import msgspec

ANSWER_MAX_BYTES = 4096
SECONDS = 5.0
TOGETHER_MAX = 100
TOGETHER_PER_HOST_MAX = 8  # one black hole must not hold all the places

# Ranges that are not private by the registry's word, and still lead inside (RFC 6598, 6052, 8215, 3056, 4380).
INSIDE = [
    ipaddress.ip_network(range_)
    for range_ in ("100.64.0.0/10", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
]


class EgressRefused(Exception):
    """This address will never be called."""


class EgressFailed(Exception):
    """It did not answer this time."""


class Answer(msgspec.Struct, frozen=True):
    """What came back: the status, at most ANSWER_MAX_BYTES of the body, and when to try again (seconds)."""

    status: int
    body: bytes
    retry_after: int = 0


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open Internet."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return ip.is_global and not ip.is_multicast and not any(ip in inside for inside in INSIDE)


class Egress:
    """Sends POST requests to addresses that nobody here chose. ``allow``: ``host:port`` that may be private."""

    def __init__(self, allow: frozenset[str] = frozenset(), ca_file: str | None = None) -> None:
        self._allow = allow
        tls = ssl.create_default_context()
        if ca_file:
            tls.load_verify_locations(ca_file)
        # The pool is keyed by address, the certificate by name: no connection is kept for another name.
        self._http = httpx.AsyncClient(
            verify=tls, follow_redirects=False, trust_env=False,
            limits=httpx.Limits(max_connections=TOGETHER_MAX, max_keepalive_connections=0),
        )  # fmt: skip
        self._together = asyncio.Semaphore(TOGETHER_MAX)
        self._per_host: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(TOGETHER_PER_HOST_MAX)
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def post(self, url: str, *, headers: dict[str, str], content: bytes, seconds: float = SECONDS) -> Answer:
        """One request, one try. EgressRefused is final, EgressFailed is not."""
        parts, allowed = self._check(url)
        try:
            async with asyncio.timeout(seconds), self._per_host[parts.netloc], self._together:
                address = await self._resolve(parts, allowed)
                return await self._send(parts, address, headers, content)
        except TimeoutError:
            raise EgressFailed("no answer in time") from None

    def _check(self, url: str) -> tuple[SplitResult, bool]:
        try:
            parts = urlsplit(url)
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            raise EgressRefused("not an address") from None
        if not url.isascii() or any(character in url for character in "\\ \t\r\n") or not parts.hostname:
            raise EgressRefused("odd characters in the address")
        if parts.username or parts.password:
            raise EgressRefused("a user name in the address")
        allowed = f"{parts.hostname}:{port}" in self._allow
        if parts.scheme != "https" and not (allowed and parts.scheme == "http"):
            raise EgressRefused("only https")
        return parts, allowed

    async def _resolve(self, parts: SplitResult, allowed: bool) -> str:
        """One address to connect to. One private address among several is enough to refuse."""
        assert parts.hostname
        try:
            found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, None, type=socket.SOCK_STREAM)
        except OSError:
            raise EgressFailed("the name cannot be resolved") from None
        addresses = [str(entry[4][0]) for entry in found]
        if not addresses:
            raise EgressFailed("the name has no address")
        if not allowed and not all(is_public(address) for address in addresses):
            raise EgressRefused("the name leads to a private address")
        return addresses[0]

    async def _send(self, parts: SplitResult, address: str, headers: dict[str, str], content: bytes) -> Answer:
        host = f"[{address}]" if ":" in address else address
        netloc = f"{host}:{parts.port}" if parts.port else host
        request = self._http.build_request(
            "POST", parts._replace(netloc=netloc, fragment="").geturl(),
            headers={**headers, "Host": parts.netloc}, content=content,
            extensions={"sni_hostname": parts.hostname}, timeout=httpx.Timeout(None),
        )  # fmt: skip
        try:
            answer = await self._http.send(request, stream=True)
            try:
                body = b""
                async for part in answer.aiter_raw():
                    body += part
                    if len(body) >= ANSWER_MAX_BYTES:
                        break
            finally:
                await answer.aclose()
        except httpx.HTTPError as error:
            raise EgressFailed(type(error).__name__) from None
        later = answer.headers.get("retry-after", "")
        return Answer(answer.status_code, body[:ANSWER_MAX_BYTES], int(later) if later.isdecimal() else 0)
