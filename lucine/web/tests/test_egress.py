"""The way out: what it delivers, what it never calls, and how little a hostile answer can do."""

import asyncio
import contextlib
import datetime
import gzip
import ipaddress
import logging
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given, settings
from hypothesis import strategies as st

from lucine.web import egress as egress_module
from lucine.web.egress import (
    ANSWER_MAX_BYTES,
    CLOSED,
    Answer,
    Egress,
    EgressFailed,
    EgressRefused,
    is_public,
    retry_after_of,
    split_url,
)

OK = b"HTTP/1.1 204 No Content\r\n\r\n"


class Request(NamedTuple):
    line: str
    headers: dict[str, str]
    body: bytes


Handler = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


async def read_request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    line, *rest = head.strip().split("\r\n")
    headers = {name.lower(): value for name, value in (one.split(": ", 1) for one in rest)}
    return Request(line, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


@contextlib.asynccontextmanager
async def serve(
    handler: Handler, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[int]:
    """A real server on loopback; its port."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await handler(await read_request(reader), writer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(connected, host, port, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def answer(raw: bytes) -> Handler:
    async def handler(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)

    return handler


async def black_hole(_request: Request, _writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


class Authority(NamedTuple):
    ca_file: str
    context: Callable[[str], ssl.SSLContext]


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def make_authority(folder: Path) -> Authority:
    """A certificate authority of the tests, and server contexts for names."""
    now = datetime.datetime.now(datetime.UTC)

    def certify(
        name: str, key: ec.EllipticCurvePrivateKey, issuer: str, signer: ec.EllipticCurvePrivateKey
    ) -> x509.Certificate:
        return (
            x509.CertificateBuilder()
            .subject_name(_named(name))
            .issuer_name(_named(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=name == issuer, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .sign(signer, SHA256())
        )

    def pem(certificate: x509.Certificate) -> bytes:
        return certificate.public_bytes(serialization.Encoding.PEM)

    root = ec.generate_private_key(ec.SECP256R1())
    ca_file = folder / "ca.pem"
    ca_file.write_bytes(pem(certify("ca.test", root, "ca.test", root)))

    def context(name: str) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        file = folder / f"{name}.pem"
        form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        file.write_bytes(key.private_bytes(*form) + pem(certify(name, key, "ca.test", root)))
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(file)
        return made

    return Authority(str(ca_file), context)


@contextlib.asynccontextmanager
async def opened(egress: Egress) -> AsyncIterator[Egress]:
    try:
        yield egress
    finally:
        await egress.close()


def local(*ports: int) -> Egress:
    return Egress(allow=frozenset(f"127.0.0.1:{port}" for port in ports))


class Names:
    """A name server of the tests: answers in turn, the last one for good; notes who asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **names: Sequence[Sequence[str]]) -> None:
        self.asked: list[str] = []
        self._names = {name.replace("_", "."): list(answers) for name, answers in names.items()}
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self._answer)

    def _answer(self, host: str, *rest: object, **more: object) -> list[tuple[object, ...]]:
        if host not in self._names:
            return self._real(host, *rest, **more)  # type: ignore[arg-type, return-value]
        self.asked.append(host)
        answers = self._names[host]
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET6 if ":" in ip else socket.AF_INET, 1, 6, "", (ip, 0)) for ip in found]


# --- what it delivers


async def test_a_post_arrives_whole() -> None:
    seen: list[Request] = []

    async def handler(request: Request, writer: asyncio.StreamWriter) -> None:
        seen.append(request)
        writer.write(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nhi")

    async with serve(handler) as port, opened(local(port)) as egress:
        url = f"http://127.0.0.1:{port}/a%20b/../c?x=1&y=%2F#part"
        got = await egress.post(url, headers={"Authorization": "Bearer b", "host": "evil.example"}, content=b"body")
        await egress.post(url, headers={}, content=b"")
    assert (got.status, got.body, got.retry_after) == (200, b"hi", 7)
    assert seen[0].line == "POST /c?x=1&y=%2F HTTP/1.1"
    assert seen[0].body == b"body"
    assert seen[0].headers["host"] == f"127.0.0.1:{port}"
    assert seen[0].headers["authorization"] == "Bearer b"
    assert seen[0].headers["user-agent"] == "Lucine"
    assert "cookie" not in seen[1].headers
    assert seen[1].headers["content-length"] == "0"


async def test_a_host_may_be_allowed_with_every_port() -> None:
    async with serve(answer(OK)) as port, opened(Egress(allow=frozenset({"LocalHost"}))) as egress:
        got = await egress.post(f"http://localhost:{port}/", headers={}, content=b"")
    assert got.status == 204


async def test_the_next_address_is_tried_when_one_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    Names(monkeypatch, two_test=[["127.0.0.9", "127.0.0.1"]])
    async with serve(answer(OK)) as port, opened(Egress(allow=frozenset({"two.test"}))) as egress:
        assert (await egress.post(f"http://two.test:{port}/", headers={}, content=b"")).status == 204


# --- what it never calls

REFUSED = [
    "http://example.org/",
    "ftp://example.org/",
    "file:///etc/passwd",
    "//example.org/",
    "example.org",
    "",
    "https://",
    "https:///path",
    "https://user@example.org/",
    "https://user:word@example.org/",
    "https://@example.org/",
    "https://example.org\\@127.0.0.1/",
    "https://example.org:0/",
    "https://example.org:99999/",
    "https://example.org:/",
    "https://example.org:25/",
    "https://example.org:80/",
    "https://exa mple.org/",
    "https://example.org/\r\nHost: x",
    "https://exam\tple.org/",
    "https://example.org/é",
    "https://ⓛocalhost/",
    "https://127。0。0。1/",
    "https://localhost/",
    "https://intranet/",
    "https://example.org./",
    "https://example..org/",
    "https://-a.example/",
    "https://%6cocalhost/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://0x7f.1/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://100.64.0.1/",
    "https://168.63.129.16/",
    "https://169.254.169.254/latest/meta-data/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://192.0.0.192/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[::]/",
    "https://[::1]/",
    "https://[::127.0.0.1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:8.8.8.8]/",
    "https://[64:ff9b::a00:1]/",
    "https://[64:ff9b:1::a00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:7f00:1::]/",
    "https://[2001:db8::1]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25lo]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://[v1.x]/",
    "https://[localhost]/",
    "https://[8.8.8.8]/",
    "https://8.8.8/",
    "https://example.org/" + "a" * 3000,
]


@pytest.fixture(scope="module")
def strict() -> Egress:
    """One for all the refusals: reading the authorities takes a tenth of a second."""
    return Egress(allow=frozenset({"other.example:443"}))


@pytest.mark.parametrize("url", REFUSED)
async def test_it_refuses_and_calls_nobody(url: str, strict: Egress, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> None:
        raise AssertionError("it was called")

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", never)
    with pytest.raises(EgressRefused):
        await strict.post(url, headers={}, content=b"")


async def test_one_private_address_among_public_ones_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    Names(monkeypatch, mixed_example=[["90.3.12.40", "2a01:e0a::1", "10.0.0.1"]])
    async with opened(Egress()) as egress:
        with pytest.raises(EgressRefused, match="private"):
            await egress.post("https://mixed.example/", headers={}, content=b"")


async def test_an_allowed_port_opens_no_other() -> None:
    async with serve(answer(OK)) as port, opened(local(port)) as egress:
        with pytest.raises(EgressRefused):
            await egress.post(f"https://127.0.0.1:{port + 1}/", headers={}, content=b"")


@pytest.mark.parametrize(
    "headers",
    [{"Authorization": "Bearer a\r\nX-Evil: 1"}, {"Authorization": "é"}, {"A b": "c"}, {"A": "b\0"}, {"": "c"}],
)
async def test_a_header_cannot_leave_its_line(headers: dict[str, str]) -> None:
    seen: list[Request] = []

    async def handler(request: Request, writer: asyncio.StreamWriter) -> None:
        seen.append(request)

    async with serve(handler) as port, opened(local(port)) as egress:
        with pytest.raises(EgressRefused, match="header"):
            await egress.post(f"http://127.0.0.1:{port}/", headers=headers, content=b"")
    assert seen == []


@settings(deadline=None)
@given(st.one_of(st.sampled_from(CLOSED).flatmap(lambda net: st.ip_addresses(network=net)), st.ip_addresses()))
def test_what_any_list_calls_special_is_not_public(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    special = (
        ip.is_private or ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_reserved or ip.is_unspecified
    )
    if special or any(ip in closed for closed in CLOSED):
        assert not is_public(str(ip))
    if ip.version == 4:
        assert not is_public(f"::ffff:{ip}")
        assert not is_public(f"::{ip}")
        assert not is_public(str(ipaddress.IPv6Address((0x64FF9B << 96) + int(ip))))
        assert not is_public(str(ipaddress.IPv6Address((0x2002 << 112) + (int(ip) << 80))))


@pytest.mark.parametrize("address", ["8.8.8.8", "90.3.12.40", "100.128.0.1", "172.32.0.1", "2a01:e0a::1", "2606::1"])
def test_the_open_internet_is_public(address: str) -> None:
    assert is_public(address)


HOSTS = st.sampled_from(["a.example", "127.0.0.1", "[::1]", "0x7f.1", "a_b.c", "a@b.c", "xn--e-ga.fr", "A.B", "a%2e.b"])


@settings(deadline=None)
@given(
    st.one_of(
        st.text(max_size=60),
        st.builds(
            "{}://{}{}{}".format,
            st.sampled_from(["https", "HTTPS", "http", "ws"]),
            HOSTS,
            st.sampled_from(["", ":443", ":08443", ":x", ":"]),
            st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7F), max_size=20),
        ),
    )
)
def test_what_is_accepted_reads_the_same_to_another_parser(url: str) -> None:
    try:
        target = split_url(url)
    except EgressRefused:
        return
    other = httpx.URL(url)
    assert other.scheme == target.scheme
    assert other.raw_host.decode() == target.host.strip("[]")
    assert (other.port or {"https": 443, "http": 80}[target.scheme]) == target.port
    assert not other.userinfo


# --- names that change their mind


async def test_the_name_is_asked_once_and_the_connection_goes_there(monkeypatch: pytest.MonkeyPatch) -> None:
    hits: list[str] = []

    def note(who: str) -> Handler:
        async def handler(request: Request, writer: asyncio.StreamWriter) -> None:
            hits.append(f"{who} {request.headers['host']}")
            writer.write(OK)

        return handler

    names = Names(monkeypatch, rebind_test=[["127.0.0.1"], ["127.0.0.2"]])
    async with (
        serve(note("first")) as port,
        serve(note("second"), host="127.0.0.2", port=port),
        opened(Egress(allow=frozenset({f"rebind.test:{port}"}))) as egress,
    ):
        await egress.post(f"http://rebind.test:{port}/", headers={}, content=b"")
    assert hits == [f"first rebind.test:{port}"]
    assert names.asked == ["rebind.test"]


async def test_the_checked_address_is_the_one_that_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []

    async def note(_self: object, request: httpx.Request) -> httpx.Response:
        called.append(f"{request.url} {request.headers['host']} {request.extensions['sni_hostname']}")
        return httpx.Response(204, stream=httpx.ByteStream(b""))

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", note)
    Names(monkeypatch, rebind_example=[["90.3.12.40"], ["127.0.0.1"]])
    async with opened(Egress()) as egress:
        await egress.post("https://rebind.example/x", headers={}, content=b"")
        with pytest.raises(EgressRefused):
            await egress.post("https://rebind.example/x", headers={}, content=b"")
    assert called == ["https://90.3.12.40/x rebind.example rebind.example"]


async def test_a_name_without_address_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "none")

    monkeypatch.setattr(socket, "getaddrinfo", nothing)
    async with opened(Egress()) as egress:
        with pytest.raises(EgressFailed, match="resolved"):
            await egress.post("https://nowhere.example/", headers={}, content=b"")
    Names(monkeypatch, empty_example=[[]])
    async with opened(Egress()) as egress:
        with pytest.raises(EgressFailed, match="no address"):
            await egress.post("https://empty.example/", headers={}, content=b"")


# --- certificates


async def test_the_certificate_is_checked_for_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = make_authority(tmp_path)
    Names(monkeypatch, good_test=[["127.0.0.1"]], other_test=[["127.0.0.1"]])
    shown: list[str | None] = []
    tls = authority.context("good.test")
    tls.sni_callback = lambda _socket, name, _context: shown.append(name)
    allow = frozenset({"good.test", "other.test"})
    async with serve(answer(OK), tls) as port:
        async with opened(Egress(allow, authority.ca_file)) as egress:
            assert (await egress.post(f"https://good.test:{port}/", headers={}, content=b"")).status == 204
            with pytest.raises(EgressFailed, match="ConnectError"):
                await egress.post(f"https://other.test:{port}/", headers={}, content=b"")
        async with opened(Egress(allow)) as stranger:
            with pytest.raises(EgressFailed, match="ConnectError"):
                await stranger.post(f"https://good.test:{port}/", headers={}, content=b"")
    assert shown == ["good.test", "other.test", "good.test"]


# --- hostile answers


async def test_no_redirect_is_followed() -> None:
    hits: list[Request] = []

    async def trap(request: Request, writer: asyncio.StreamWriter) -> None:
        hits.append(request)

    async with serve(trap) as second:
        for status in (301, 302, 303, 307, 308):
            raw = f"HTTP/1.1 {status} Go\r\nLocation: http://127.0.0.1:{second}/\r\nContent-Length: 0\r\n\r\n"
            async with serve(answer(raw.encode())) as first, opened(local(first, second)) as egress:
                assert (await egress.post(f"http://127.0.0.1:{first}/", headers={}, content=b"")).status == status
    assert hits == []


async def slow_head(_request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(200):
        writer.write(b"X-Slow: 1\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def slow_body(_request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(200):
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def endless_hints(_request: Request, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("handler", [slow_head, slow_body, black_hole, endless_hints])
async def test_time_has_an_end(handler: Handler) -> None:
    async with serve(handler) as port, opened(local(port)) as egress:
        began = time.monotonic()
        with pytest.raises(EgressFailed, match="in time"):
            await egress.post(f"http://127.0.0.1:{port}/", headers={}, content=b"", seconds=0.2)
        assert time.monotonic() - began < 2.0  # they would go on for ten


async def test_a_long_answer_is_cut() -> None:
    async def endless(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(100_000):
            writer.write(b"2000\r\n" + b"x" * 8192 + b"\r\n")
            await writer.drain()

    async with serve(endless) as port, opened(local(port)) as egress:
        got = await egress.post(f"http://127.0.0.1:{port}/", headers={}, content=b"")
    assert got.body == b"x" * ANSWER_MAX_BYTES


async def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b"\0" * 1_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    async with serve(answer(head + bomb)) as port, opened(local(port)) as egress:
        assert (await egress.post(f"http://127.0.0.1:{port}/", headers={}, content=b"")).body == bomb


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"SSH-2.0-OpenSSH_9\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX\0: 1\r\n\r\n",
        b"HTTP/1.1 999999 OK\r\n\r\n",
    ],
)
async def test_nonsense_is_a_failure_and_nothing_worse(raw: bytes) -> None:
    async with serve(answer(raw)) as port, opened(local(port)) as egress:
        with pytest.raises(EgressFailed):
            await egress.post(f"http://127.0.0.1:{port}/", headers={}, content=b"")


async def test_a_closed_port_is_a_failure() -> None:
    async with serve(answer(OK)) as port:
        pass
    async with opened(local(port)) as egress:
        with pytest.raises(EgressFailed, match="ConnectError"):
            await egress.post(f"http://127.0.0.1:{port}/", headers={}, content=b"")


async def test_tls_broken_off_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    async def garbage(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x16\x03\x03\xff\xffgarbage")
        writer.close()

    server = await asyncio.start_server(garbage, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with opened(local(port)) as egress:
        with pytest.raises(EgressFailed):
            await egress.post(f"https://127.0.0.1:{port}/", headers={}, content=b"")
    server.close()

    async def ssl_error(*_: object) -> httpx.Response:
        raise ssl.SSLError("bad record")

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", ssl_error)
    async with opened(local(port)) as egress:
        with pytest.raises(EgressFailed, match="SSLError"):
            await egress.post(f"https://127.0.0.1:{port}/", headers={}, content=b"")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"retry-after": "120"}, 120),
        ({"retry-after": "999999999"}, 86400),
        ({"retry-after": "9" * 9000}, 0),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "٣"}, 0),
        ({"retry-after": "Fri, 31 Dec 2027 23:59:59 GMT"}, 0),
        ({"retry-after": "Fri, 31 Dec 2027 23:59:59 GMT", "date": "Fri, 31 Dec 2027 23:58:59 GMT"}, 60),
        ({"retry-after": "Fri, 31 Dec 2027 23:58:59 GMT", "date": "Fri, 31 Dec 2027 23:59:59 GMT"}, 0),
        ({"retry-after": "Fri, 31 Dec 2027 23:59:59 -0000", "date": "Fri, 31 Dec 2027 23:58:59 GMT"}, 0),
    ],
)
def test_when_to_try_again(headers: dict[str, str], seconds: int) -> None:
    assert retry_after_of(headers) == seconds


@settings(deadline=None)
@given(st.text(), st.text())
def test_no_date_breaks_it(later: str, date: str) -> None:
    assert 0 <= retry_after_of({"retry-after": later, "date": date}) <= 86400


# --- black holes


async def test_black_holes_hold_up_nobody() -> None:
    async with contextlib.AsyncExitStack() as stack:
        good = [await stack.enter_async_context(serve(answer(OK))) for _ in range(17)]
        dead = [await stack.enter_async_context(serve(black_hole)) for _ in range(3)]
        egress = await stack.enter_async_context(opened(local(*good, *dead)))

        async def post(port: int) -> Answer:
            return await egress.post(f"http://127.0.0.1:{port}/", headers={}, content=b"", seconds=10)

        waiting = [asyncio.create_task(post(port)) for port in dead]
        got = await asyncio.gather(*(post(port) for port in good))
        assert [one.status for one in got] == [204] * 17
        assert not any(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_one_black_hole_cannot_take_all_places() -> None:
    async with serve(black_hole) as dead, serve(answer(OK)) as good:
        allow = frozenset({f"127.0.0.1:{dead}", f"127.0.0.1:{good}"})
        async with opened(Egress(allow, together=6, per_host=4)) as egress:
            waiting = [
                asyncio.create_task(egress.post(f"http://127.0.0.1:{dead}/", headers={}, content=b"", seconds=3.0))
                for _ in range(50)
            ]
            await asyncio.sleep(0.05)
            got = await egress.post(f"http://127.0.0.1:{good}/", headers={}, content=b"", seconds=2.5)
            assert got.status == 204
            ended = await asyncio.gather(*waiting, return_exceptions=True)
            assert all(isinstance(one, EgressFailed) for one in ended)
            assert egress._hosts._used == egress._addresses._used == {}


async def test_many_names_of_one_black_hole_cannot_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = make_authority(tmp_path)
    monkeypatch.setattr(egress_module, "is_public", lambda _address: True)
    evil = {f"e{number}_test": [["127.0.0.1"]] for number in range(10)}
    Names(monkeypatch, good_test=[["127.0.0.2"]], **evil)
    async with (
        serve(black_hole) as port,
        serve(answer(OK), authority.context("good.test"), "127.0.0.2", port),
        opened(Egress(ca_file=authority.ca_file, together=3, per_host=2)) as egress,
    ):
        waiting = [
            asyncio.create_task(egress.post(f"https://e{number}.test:{port}/", headers={}, content=b"", seconds=3.0))
            for number in range(10)
        ]
        await asyncio.sleep(0.1)
        assert (await egress.post(f"https://good.test:{port}/", headers={}, content=b"", seconds=2.5)).status == 204
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(one, EgressFailed) for one in ended)


async def test_a_dead_name_server_holds_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    release, asked = threading.Event(), []
    real = socket.getaddrinfo

    def slow(host: str, *rest: object, **more: object) -> object:
        if host == "dead.example":
            asked.append(host)
            release.wait(10)
            raise socket.gaierror(socket.EAI_AGAIN, "later")
        return real(host, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    try:
        async with serve(answer(OK)) as port, opened(local(port)) as egress:
            posts = [egress.post("https://dead.example/", headers={}, content=b"", seconds=0.2) for _ in range(40)]
            waiting = asyncio.gather(*posts, return_exceptions=True)
            assert (await egress.post(f"http://127.0.0.1:{port}/", headers={}, content=b"")).status == 204
            assert all(isinstance(one, EgressFailed) for one in await waiting)
            assert asked == ["dead.example"]
    finally:
        release.set()


# --- silence


async def test_neither_body_nor_bearer_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nanswer-words"
    with caplog.at_level(logging.DEBUG):
        async with serve(answer(raw)) as port, opened(local(port)) as egress:
            headers = {"Authorization": "Bearer bearer-words"}
            await egress.post(f"http://127.0.0.1:{port}/path-words", headers=headers, content=b"body-words")
            with pytest.raises(EgressRefused) as refused:
                await egress.post("https://user:pass-words@example.org/", headers={}, content=b"")
    assert "words" not in caplog.text + str(refused.value)
