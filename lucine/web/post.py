"""Outgoing mail and SMS. For real by SMTP (an SMS through a mail gateway); in the demo, as files."""

import os
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib

from lucine.safe import tokens

SECONDS = 15.0


class PostFailed(Exception):
    """It was not sent; the reason holds no address."""


class Post(Protocol):
    """A way to reach people."""

    async def mail(self, *, now: float, to: str, subject: str, text: str) -> None: ...

    async def sms(self, *, now: float, to: str, text: str) -> None: ...


def open_post(url: str, sender: str, sms_gateway: str = "") -> Post:
    """``folder:PATH``, or ``smtp://``, ``smtps://``, ``smtp+starttls://`` with user, password, host and port."""
    if url.startswith("folder:"):
        return Folder(Path(url.removeprefix("folder:")), sender)
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps", "smtp+starttls") or not parts.hostname:
        raise ValueError("LUCINE_POST is folder:PATH or an smtp://, smtps:// or smtp+starttls:// URL")
    return Smtp(url, sender, sms_gateway)


def _letter(now: float, sender: str, to: str, subject: str, text: str) -> EmailMessage:
    """A plain text letter. PostFailed if a header would break out of its line."""
    letter = EmailMessage()
    try:
        letter["From"], letter["To"], letter["Subject"] = sender, to, subject
    except ValueError:
        raise PostFailed("a header cannot hold a line break") from None
    letter["Date"] = format_datetime(datetime.fromtimestamp(now, UTC))
    letter["Message-ID"] = f"<{tokens.new_secret(128)}@{sender.rpartition('@')[2]}>"
    letter.set_content(text)
    return letter


class Smtp:
    """A mail server. TLS is checked wherever the scheme asks for it."""

    def __init__(self, url: str, sender: str, sms_gateway: str) -> None:
        self._parts, self._sender, self._gateway = urlsplit(url), sender, sms_gateway

    async def mail(self, *, now: float, to: str, subject: str, text: str) -> None:
        parts = self._parts
        try:
            await aiosmtplib.send(
                _letter(now, self._sender, to, subject, text),
                hostname=parts.hostname,
                port=parts.port,
                username=unquote(parts.username) if parts.username else None,
                password=unquote(parts.password) if parts.password else None,
                use_tls=parts.scheme == "smtps",
                start_tls=parts.scheme == "smtp+starttls",
                timeout=SECONDS,
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            raise PostFailed(type(error).__name__) from None

    async def sms(self, *, now: float, to: str, text: str) -> None:
        if not self._gateway:
            raise PostFailed("no SMS gateway (LUCINE_SMS_GATEWAY)")
        number = "".join(character for character in to if character.isdigit())
        await self.mail(now=now, to=self._gateway.replace("{number}", number), subject="SMS", text=text)


class Folder:
    """A folder of letters, for the demo and the tests: each whole or not at all, for this user alone."""

    def __init__(self, path: Path, sender: str) -> None:
        self._path, self._sender = path, sender

    async def mail(self, *, now: float, to: str, subject: str, text: str) -> None:
        self._write(now, "eml", _letter(now, self._sender, to, subject, text).as_bytes())

    async def sms(self, *, now: float, to: str, text: str) -> None:
        self._write(now, "txt", f"To: {to}\n\n{text}\n".encode())

    def _write(self, now: float, ending: str, content: bytes) -> None:
        self._path.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{int(now * 1000)}-{tokens.new_secret(64)}.{ending}"
        half = self._path / f".{name}"
        with open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        half.rename(self._path / name)
