"""Letters and short messages: by a real SMTP server, by TLS, as files; and nothing slips into a header."""

import asyncio
import contextlib
import email
import email.policy
import ssl
import stat
from collections.abc import AsyncIterator
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lucine.web import post as post_module
from lucine.web.post import ADDRESS, PostFailed, open_post
from lucine.web.tests.test_egress import make_authority

NOW = 1_795_000_000.25
SENDER = "Lucine Connect <ne-pas-repondre@lucine.example>"
LETTER: dict[str, Any] = {
    "now": NOW,
    "to": "ana@cabinet.example",
    "subject": "Votre téléphone « neuf »",
    "text": "Bonjour Ana,\n\nà bientôt.\n.\n" + "x" * 1200 + "\n",
}


class Mailbox:
    """What the server took; or what it says no with."""

    def __init__(self) -> None:
        self.took: list[Envelope] = []
        self.users: list[bytes] = []
        self.refusal = ""

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.took.append(envelope)
        return self.refusal or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if "unknown" in address:
            return f"550 <{address}> is not here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    def authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, who: object) -> AuthResult:
        assert isinstance(who, LoginPassword)
        self.users.append(who.login)
        return AuthResult(success=who.password == b"p@ss/word", handled=False)

    def letters(self) -> list[EmailMessage]:
        return [read(envelope.original_content or b"") for envelope in self.took]

    def letter(self) -> EmailMessage:
        (letter,) = self.letters()
        return letter


def read(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, _class=EmailMessage, policy=email.policy.default)


@contextlib.asynccontextmanager
async def running(box: Mailbox, tls: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[int]:
    """A real SMTP server on loopback; its port. ``tls``: from the first byte."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, hostname="mail.test", **options), "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def check_letter(letter: EmailMessage) -> None:
    assert letter["From"] == SENDER
    assert letter["To"] == LETTER["to"]
    assert letter["Subject"] == LETTER["subject"]
    assert parsedate_to_datetime(letter["Date"]).timestamp() == int(NOW)
    assert letter["Message-ID"].endswith("@lucine.example>")
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter.get_content_type() == "text/plain"
    assert letter.get_content().replace("\r\n", "\n") == LETTER["text"]


# --- for real


async def test_a_letter_arrives_by_smtp() -> None:
    box = Mailbox()
    async with running(box) as port:
        await open_post(f"smtp://127.0.0.1:{port}", SENDER).mail(**LETTER)
    check_letter(box.letter())
    assert box.took[0].mail_from == "ne-pas-repondre@lucine.example"
    assert box.took[0].rcpt_tos == ["ana@cabinet.example"]


async def test_each_letter_has_its_own_id() -> None:
    box = Mailbox()
    async with running(box) as port:
        post = open_post(f"smtp://127.0.0.1:{port}", SENDER)
        await asyncio.gather(*(post.mail(**LETTER) for _ in range(5)))
    assert len({letter["Message-ID"] for letter in box.letters()}) == 5


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # aiosmtpd does not see that smtps is TLS already
@pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
async def test_a_letter_arrives_by_tls_with_a_password(scheme: str, tmp_path: Path) -> None:
    authority, box = make_authority(tmp_path), Mailbox()
    tls = authority.context("localhost")
    options: dict[str, Any] = {"tls": tls} if scheme == "smtps" else {"tls_context": tls, "require_starttls": True}
    options |= {"authenticator": box.authenticate, "auth_required": True, "auth_require_tls": scheme != "smtps"}
    async with running(box, **options) as port:
        place = f"localhost:{port}"
        post = open_post(f"{scheme}://ana%40x:p%40ss%2Fword@{place}", SENDER, ca_file=authority.ca_file)
        await post.mail(**LETTER)
        check_letter(box.letter())
        assert box.users == [b"ana@x"]
        with pytest.raises(PostFailed):  # a wrong password
            await open_post(f"{scheme}://ana:x@{place}", SENDER, ca_file=authority.ca_file).mail(**LETTER)
        with pytest.raises(PostFailed):  # an authority that we do not know
            await open_post(f"{scheme}://ana%40x:p%40ss%2Fword@{place}", SENDER).mail(**LETTER)
    assert len(box.took) == 1


async def test_starttls_is_never_left_out() -> None:
    box = Mailbox()
    async with running(box) as port:
        post = open_post(f"smtp+starttls://127.0.0.1:{port}", SENDER)
        with pytest.raises(PostFailed):
            await post.mail(**LETTER)
    assert box.took == []


async def test_an_sms_goes_to_its_gateway() -> None:
    box = Mailbox()
    async with running(box) as port:
        post = open_post(f"smtp://127.0.0.1:{port}", SENDER, "{number}@sms.example.net")
        await post.sms(now=NOW, to="+33 6 12.34-56 78", text="Code : é1")
    assert box.took[0].rcpt_tos == ["33612345678@sms.example.net"]
    assert box.letter().get_content().strip() == "Code : é1"


async def test_without_gateway_there_is_no_sms() -> None:
    with pytest.raises(PostFailed, match="gateway"):
        await open_post("smtp://127.0.0.1:1", SENDER).sms(now=NOW, to="0612345678", text="x")


# --- failures say nothing about the person


async def test_no_failure_tells_the_address(caplog: pytest.LogCaptureFixture) -> None:
    box, said = Mailbox(), []
    box.refusal = "554 <ana@cabinet.example> is spam"
    caplog.set_level("DEBUG")
    async with running(box) as port:
        post = open_post(f"smtp://127.0.0.1:{port}", SENDER, "{number}@sms.example.net")
        for to in ("ana@cabinet.example", "unknown.ana@cabinet.example", "ana@cabinet.example\nBcc: x@y.example"):
            with pytest.raises(PostFailed) as failed:
                await post.mail(**{**LETTER, "to": to})
            said.append(f"{failed.value!r} {failed.value.__cause__}")
            assert failed.value.__suppress_context__ or failed.value.__context__ is None
        with pytest.raises(PostFailed) as failed:
            await post.sms(now=NOW, to="06ana", text="x")
        said.append(repr(failed.value))
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("mail.")]  # not the server's
    assert "ana" not in " ".join(said + ours)


async def test_a_closed_port_is_a_failure() -> None:
    box = Mailbox()
    async with running(box) as port:
        pass
    with pytest.raises(PostFailed):
        await open_post(f"smtp://127.0.0.1:{port}", SENDER).mail(**LETTER)


async def test_a_silent_server_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            for _ in range(100):  # a word now and then, so that no single wait is long
                writer.write(b"220-wait\r\n")
                await writer.drain()
                await asyncio.sleep(0.05)
        writer.close()

    monkeypatch.setattr(post_module, "SECONDS", 0.3)
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    with pytest.raises(PostFailed):
        async with asyncio.timeout(3):
            await open_post(f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}", SENDER).mail(**LETTER)
    server.close()


# --- nothing slips in


@pytest.mark.parametrize(
    "to",
    [
        "",
        "ana",
        "@cabinet.example",
        "ana@",
        "ana@cabinet.example\r\nBcc: oscar@evil.example",
        "ana@cabinet.example\n",
        "ana@cabinet.example, oscar@evil.example",
        "ana@cabinet.example oscar@evil.example",
        "Ana <ana@cabinet.example>",
        '"oscar@evil.example"@cabinet.example',
        "ana@[127.0.0.1]",
        "ana@cabinet..example",
        "ana@-cabinet.example",
        "ana(x)@cabinet.example",
        "ana\0@cabinet.example",
        "anaé@cabinet.example",
        "a" * 65 + "@cabinet.example",
        "ana@" + "a." * 126 + "fr",
    ],
)
async def test_only_one_plain_address_is_written_to(to: str, tmp_path: Path) -> None:
    with pytest.raises(PostFailed, match="not a mail address"):
        await open_post(f"folder:{tmp_path}", SENDER).mail(**{**LETTER, "to": to})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "subject", ["a\r\nBcc: x@y.example", "a\nb", "a\rb", "a\x0bb", "a\x85b", "a\u2028b", "a\0b", "x" * 201, "\ud800"]
)
async def test_a_subject_stays_on_its_line(subject: str, tmp_path: Path) -> None:
    with pytest.raises(PostFailed):
        await open_post(f"folder:{tmp_path}", SENDER).mail(**{**LETTER, "subject": subject})
    assert list(tmp_path.iterdir()) == []


async def test_a_text_that_is_no_text_fails(tmp_path: Path) -> None:
    for text in ("\ud800", "x" * 20_001):
        with pytest.raises(PostFailed):
            await open_post(f"folder:{tmp_path}", SENDER).mail(**{**LETTER, "text": text})


@settings(deadline=None)
@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80))
def test_whatever_is_asked_the_headers_are_ours(to: str, subject: str, text: str) -> None:
    try:
        letter = post_module._letter(NOW, SENDER, f"{to}@cabinet.example", subject, text)
    except PostFailed:
        return
    head = letter.as_bytes().partition(b"\n\n")[0]
    names = {line.partition(b":")[0].lower() for line in head.split(b"\n") if not line.startswith((b" ", b"\t"))}
    assert names == {
        b"from", b"to", b"subject", b"date", b"message-id", b"auto-submitted", b"content-type",
        b"content-transfer-encoding", b"mime-version",
    }  # fmt: skip
    back = read(letter.as_bytes())
    assert [one.addr_spec for one in back["To"].addresses] == [f"{to}@cabinet.example"]


LOCAL = st.text("aZ0.!#$%&'*+/=?^_`{|}~-K", min_size=1, max_size=20)  # the last letter is no K


@settings(deadline=None)
@given(st.builds("{}@{}".format, LOCAL, st.sampled_from(["a.fr", "A-1.b.example", "K.fr", "localhost"])))
def test_what_we_call_an_address_is_one_for_the_mail_library(address: str) -> None:
    assume(ADDRESS.match(address))
    assert address.isascii()
    letter = post_module._letter(NOW, SENDER, address, "x", "x")
    assert [one.addr_spec for one in read(letter.as_bytes())["To"].addresses] == [address]


# --- files


async def test_a_letter_becomes_a_file_for_us_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "post"
    await open_post(f"folder:{folder}", SENDER).mail(**LETTER)
    (path,) = folder.iterdir()
    assert path.suffix == ".eml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    check_letter(read(path.read_bytes()))


async def test_an_sms_becomes_a_file(tmp_path: Path) -> None:
    post = open_post(f"folder:{tmp_path}", SENDER)
    await post.sms(now=NOW, to="06 12 34 56 78", text="Code : ABC")
    (path,) = tmp_path.iterdir()
    assert path.suffix == ".txt"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == "To: 0612345678\n\nCode : ABC\n"
    for to in ("", "123", "06123456789012345", "0612345678\nX", "06/12", "٠٦١٢٣٤٥٦٧٨", "++33612345678"):
        with pytest.raises(PostFailed, match="telephone"):
            await post.sms(now=NOW, to=to, text="x")


async def test_a_folder_that_cannot_be_written_fails_and_leaves_no_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PostFailed, match="folder"):
        await open_post(f"folder:{tmp_path}/file", SENDER).mail(**LETTER)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(PostFailed, match="folder"):
        await open_post(f"folder:{tmp_path}/post", SENDER).mail(**LETTER)
    assert list((tmp_path / "post").iterdir()) == []


# --- settings


@pytest.mark.parametrize(
    ("url", "sender", "gateway", "said"),
    [
        ("", SENDER, "", "LUCINE_POST "),
        ("folder:", SENDER, "", "LUCINE_POST "),
        ("http://mail.example", SENDER, "", "LUCINE_POST "),
        ("smtp://", SENDER, "", "LUCINE_POST "),
        ("smtp://user:secret/word@mail.example", SENDER, "", "LUCINE_POST "),
        ("smtp://mail.example:99999", SENDER, "", "LUCINE_POST "),
        ("smtp://mail.example", "nobody", "", "LUCINE_POST_FROM"),
        ("smtp://mail.example", "a@b.example\nBcc: c@d.example", "", "LUCINE_POST_FROM"),
        ("smtp://mail.example", "Lucine, Connect <a@b.example>", "", "LUCINE_POST_FROM"),
        ("smtp://mail.example", "a@b.example, c@d.example", "", "LUCINE_POST_FROM"),
        ("smtp://mail.example", SENDER, "sms@gateway.example", "LUCINE_SMS_GATEWAY"),
        ("smtp://mail.example", SENDER, "{number}", "LUCINE_SMS_GATEWAY"),
    ],
)
def test_a_wrong_setting_is_named(url: str, sender: str, gateway: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as wrong:
        open_post(url, sender, gateway)
    assert "secret" not in str(wrong.value)
