"""Our calls to the provider. The operator chose its address, so it is trusted to be there; what it
answers is not: short, in time, without redirects, without cookies (two people must not share one).
"""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any

import httpx
import msgspec

from lucine.web import Refusal

ANSWER_MAX_BYTES = 256 * 1024
SECONDS = 10.0


def refuse(detail: str) -> Refusal:
    """The provider, or somebody in its place, said something that cannot be believed."""
    return Refusal("provider", "La connexion n'a pas abouti. Réessayez.", detail, status=502)


def unreachable(detail: str) -> Refusal:
    """The provider says nothing: the same may work later."""
    words = "Le service de connexion ne répond pas. Réessayez dans un instant."
    return Refusal("temporarily_unavailable", words, detail, status=503, headers={"Retry-After": "10"})


class Answer(msgspec.Struct, frozen=True):
    """What came back, whole."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body as JSON. Refusal if it is none."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise refuse("the answer is not JSON") from None


class Channel:
    """The way to one provider, with our certificate where it asks for one (RFC 8705)."""

    def __init__(self, ca_file: str | None = None, certificate: str | None = None) -> None:
        tls = ssl.create_default_context()
        if ca_file:
            tls.load_verify_locations(ca_file)
        if certificate:
            tls.load_cert_chain(certificate)
        self._http = httpx.AsyncHTTPTransport(verify=tls, trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

    async def ask(
        self,
        method: str,
        address: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request. Refusal: ``temporarily_unavailable`` where a second try may help, else ``provider``."""
        plain = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "Lucine"}
        request = httpx.Request(
            method, address, headers={**plain, **(headers or {})}, data=form,
            extensions={"timeout": httpx.Timeout(SECONDS).as_dict()},
        )  # fmt: skip
        try:
            async with asyncio.timeout(SECONDS):
                answer = await self._http.handle_async_request(request)
                try:
                    body = await _read(answer)
                finally:
                    await answer.aclose()
        except (httpx.HTTPError, OSError) as error:  # among them TimeoutError and ssl.SSLError
            raise unreachable(type(error).__name__) from None
        if answer.status_code >= 500 or answer.status_code == 429:
            raise unreachable(f"status {answer.status_code}")
        return Answer(answer.status_code, body)

    async def get_json(self, address: str, **headers: str) -> Any:
        """A JSON document that must be there."""
        answer = await self.ask("GET", address, headers=headers)
        if answer.status != 200:
            raise refuse(f"status {answer.status}")
        return answer.json()


async def _read(answer: httpx.Response) -> bytes:
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise refuse("a packed answer that was not asked for")
    body = b""
    async for part in answer.aiter_raw():
        body += part
        if len(body) > ANSWER_MAX_BYTES:
            raise refuse("the answer is too long")
    return body
