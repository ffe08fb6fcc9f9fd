"""The smallest HTTP/1.1 client that a load generator needs: keep-alive, cookies, nothing else.

A full client would be the bottleneck: it costs more per request than the server that is measured.
"""

import asyncio
import base64
import json
from typing import Any
from urllib.parse import urlencode


def basic(client: str, secret: str) -> dict[str, str]:
    """The header of a service that proves itself with its secret."""
    return {"Authorization": "Basic " + base64.b64encode(f"{client}:{secret}".encode()).decode()}


class Answer:
    """What came back."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """One connection, and one browser's cookies."""

    def __init__(self, port: int) -> None:
        self.port, self.cookies = port, dict[str, str]()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def get(self, path: str, **headers: str) -> Answer:
        return await self._send("GET", path, b"", headers)

    async def post_json(self, path: str, body: Any, **headers: str) -> Answer:
        content = json.dumps(body).encode()
        return await self._send(
            "POST",
            path,
            content,
            {"Origin": f"http://localhost:{self.port}", "Content-Type": "application/json", **headers},
        )

    async def post_form(self, path: str, form: dict[str, str], **headers: str) -> Answer:
        content = urlencode(form).encode()
        return await self._send("POST", path, content, {"Content-Type": "application/x-www-form-urlencoded", **headers})

    async def close(self) -> None:
        if self._writer:
            self._writer.close()

    async def _send(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> Answer:
        if self._writer is None or self._writer.is_closing():
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port)
        assert self._reader is not None
        lines = [f"{method} {path} HTTP/1.1", f"Host: localhost:{self.port}", "User-Agent: bench"]
        if self.cookies:
            lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if method == "POST":
            lines.append(f"Content-Length: {len(content)}")
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + content)
        return await self._read(self._reader)

    async def _read(self, reader: asyncio.StreamReader) -> Answer:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers: dict[str, str] = {}
        for line in head[1:]:
            name, _, value = line.partition(": ")
            if name.lower() == "set-cookie":
                cookie, _, text = value.partition(";")[0].partition("=")
                self.cookies[cookie] = text
            else:
                headers[name.lower()] = value
        if "content-length" in headers:
            body = await reader.readexactly(int(headers["content-length"]))
        elif headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(await reader.readline(), 16):
                body += await reader.readexactly(size)
                await reader.readline()
            await reader.readline()
        else:
            body = b""
        return Answer(int(head[0].split()[1]), headers, body)
