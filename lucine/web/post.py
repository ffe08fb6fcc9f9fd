"""Outgoing mail and SMS. For real by SMTP (an SMS through a mail gateway); in the demo, as files.

No address stands in a log or in the text of an error.
"""

import asyncio
import contextlib
import os
import re
import ssl
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, unquote, urlsplit

import aiosmtplib

from lucine.safe import tokens

SECONDS = 15.0
SUBJECT_MAX_LENGTH = 200
TEXT_MAX_LENGTH = 20_000

# One plain address, as browsers check it (HTML, "valid e-mail address") and by the lengths of RFC 5321
# section 4.5.3.1: no list, no comment, no quotes, so that nobody can be slipped in beside the one meant.
ADDRESS = re.compile(
    r"(?=.{1,254}\Z)[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*"
    r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z",
    re.IGNORECASE | re.ASCII,  # without ASCII, "K" (Kelvin) would pass for a k
)
SENDER = re.compile(r"(?:(?P<name>[^<>@,;:\"\\\\]+) <(?P<named>[^<> ]+)>|(?P<bare>[^<> ]+))")
NUMBER = re.compile(r"\+?[0-9]{4,15}")  # ITU-T E.164: 15 digits at most
BETWEEN_DIGITS = re.compile(r"[ .()\u00a0\u202f-]")


class PostFailed(Exception):
    """It was not sent; the reason holds no address."""


class Post(Protocol):
    """A way to reach people. ``now``: epoch seconds. PostFailed if it could not be handed over."""

    async def mail(self, *, now: float, to: str, subject: str, text: str) -> None:
        """Send a letter of plain text to one address."""

    async def sms(self, *, now: float, to: str, text: str) -> None:
        """Send a short text to one telephone number."""


def open_post(url: str, sender: str, sms_gateway: str = "", *, ca_file: str | None = None) -> Post:
    """``folder:PATH``, or ``smtp://``, ``smtps://``, ``smtp+starttls://`` with user, password, host and port.

    ``sender``: an address, with a name if wanted. ``sms_gateway``: the mail address that turns into
    an SMS, with ``{number}`` for the digits. ``smtp://`` is never encrypted: for a server on this
    machine. ValueError says what is wrong, without the password.
    """
    if _address_of(sender) is None:
        raise ValueError("LUCINE_POST_FROM is a mail address")
    if url.startswith("folder:") and len(url) > len("folder:"):
        return Folder(Path(url.removeprefix("folder:")), sender)
    if sms_gateway and ("{number}" not in sms_gateway or not ADDRESS.match(_to_gateway(sms_gateway, "0600000000"))):
        raise ValueError("LUCINE_SMS_GATEWAY is a mail address with {number} in it")
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("smtp", "smtps", "smtp+starttls") and parts.hostname and parts.port != 0
    except ValueError:
        right = False
    if not right:
        raise ValueError("LUCINE_POST is folder:PATH or an smtp://, smtps:// or smtp+starttls:// URL")
    return Smtp(parts, sender, sms_gateway, ca_file)


def _address_of(sender: str) -> Address | None:
    """The sender's name and address, or None if it is neither ``a@b`` nor ``Name <a@b>``."""
    found = SENDER.fullmatch(sender)
    address = (found["named"] or found["bare"]) if found else ""
    if found is None or not sender.isprintable() or not ADDRESS.match(address):
        return None
    return Address(found["name"] or "", addr_spec=address)


def _to_gateway(gateway: str, digits: str) -> str:
    return gateway.replace("{number}", digits)


def _number(to: str) -> str:
    """A telephone number without what people write between the digits. PostFailed if it is none."""
    number = BETWEEN_DIGITS.sub("", to)
    if not NUMBER.fullmatch(number):
        raise PostFailed("not a telephone number")
    return number


def _letter(now: float, sender: str, to: str, subject: str, text: str) -> EmailMessage:
    """A plain text letter (RFC 5322). PostFailed if a header would break out of its line."""
    from_ = _address_of(sender)
    if from_ is None or not ADDRESS.match(to):
        raise PostFailed("not a mail address")
    if not subject.isprintable() or len(subject) > SUBJECT_MAX_LENGTH or len(text) > TEXT_MAX_LENGTH:
        raise PostFailed("a subject is one short line, a text has an end")
    letter = EmailMessage()
    try:
        letter["From"], letter["To"], letter["Subject"] = from_, to, subject
        letter["Date"] = format_datetime(datetime.fromtimestamp(now, UTC))
        letter["Message-ID"] = f"<{tokens.new_secret(128)}@{from_.domain}>"
        letter["Auto-Submitted"] = "auto-generated"  # no "I am on holiday" in return (RFC 3834 section 5)
        letter.set_content(text)
    except (ValueError, UnicodeError):
        raise PostFailed("the letter cannot be written") from None
    return letter


class Smtp:
    """A mail server. TLS, where the scheme asks for it, is checked and never left out."""

    def __init__(self, parts: SplitResult, sender: str, sms_gateway: str, ca_file: str | None) -> None:
        self._parts, self._sender, self._gateway = parts, sender, sms_gateway
        self._tls = ssl.create_default_context() if parts.scheme != "smtp" else None
        if self._tls and ca_file:
            self._tls.load_verify_locations(ca_file)

    async def mail(self, *, now: float, to: str, subject: str, text: str) -> None:
        parts, letter = self._parts, _letter(now, self._sender, to, subject, text)
        try:
            async with asyncio.timeout(SECONDS):
                await aiosmtplib.send(
                    letter,
                    recipients=[to],
                    hostname=parts.hostname,
                    port=parts.port,
                    username=unquote(parts.username) if parts.username else None,
                    password=unquote(parts.password) if parts.password else None,
                    use_tls=parts.scheme == "smtps",
                    start_tls=parts.scheme == "smtp+starttls",
                    tls_context=self._tls,
                    timeout=SECONDS,
                )
        # A server's words may repeat the address: only the kind of the error goes further.
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise PostFailed(type(error).__name__) from None

    async def sms(self, *, now: float, to: str, text: str) -> None:
        if not self._gateway:
            raise PostFailed("no SMS gateway (LUCINE_SMS_GATEWAY)")
        address = _to_gateway(self._gateway, _number(to).removeprefix("+"))
        await self.mail(now=now, to=address, subject="SMS", text=text)


class Folder:
    """A folder of letters, for the demo and the tests: each whole or not at all, for this user alone."""

    def __init__(self, path: Path, sender: str) -> None:
        self._path, self._sender = path, sender

    async def mail(self, *, now: float, to: str, subject: str, text: str) -> None:
        self._write(now, "eml", _letter(now, self._sender, to, subject, text).as_bytes())

    async def sms(self, *, now: float, to: str, text: str) -> None:
        self._write(now, "txt", f"To: {_number(to)}\n\n{text}\n".encode(errors="replace"))

    def _write(self, now: float, ending: str, content: bytes) -> None:
        name = f"{int(now * 1000)}-{tokens.new_secret(64)}.{ending}"
        half = self._path / f".{name}"
        try:
            self._path.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
            half.rename(self._path / name)
        except OSError as error:
            with contextlib.suppress(OSError):
                half.unlink()
            raise PostFailed(f"the folder cannot be written: {type(error).__name__}") from None
