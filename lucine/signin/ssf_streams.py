"""Streams: what a service wants to be told about, and how (OpenID Shared Signals Framework 1.0 section 8.1).

    enabled <--> paused <--> disabled --(deleted, its client removed)--> gone

One for each client. A paused stream keeps its signals, a disabled one drops them. Only the receiver changes the
status: Connect never does, so it has no `stream-updated` to send (section 8.1.5).
"""

from typing import Any, Literal, get_args

import msgspec

from lucine.safe import Keys, Reader, Row, Transaction, tokens, write_ledger
from lucine.web import Refusal, not_found
from lucine.web.egress import HEADER_VALUE, URL_MAX_LENGTH

from .clients import check_address

PUSH, POLL = "urn:ietf:rfc:8935", "urn:ietf:rfc:8936"
Status = Literal["enabled", "paused", "disabled"]

SESSION_REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
CREDENTIAL_CHANGE = "https://schemas.openid.net/secevent/caep/event-type/credential-change"
CREDENTIAL_COMPROMISE = "https://schemas.openid.net/secevent/risc/event-type/credential-compromise"
VERIFICATION = "https://schemas.openid.net/secevent/ssf/event-type/verification"
SUPPORTED = (SESSION_REVOKED, CREDENTIAL_CHANGE, CREDENTIAL_COMPROMISE)  # what Connect knows, and no more

REQUESTED_MAX, EVENT_MAX_LENGTH = 100, 512
TEXT_MAX_LENGTH = 1000  # descriptions, reasons, states
HEADER_MAX_LENGTH = 4096
UNHEARD_MAX = 10_000  # removed subjects of a stream
VERIFICATION_SECONDS = 30  # at least, between two
WORDS = "Cette demande n'est pas lisible."


class Push(msgspec.Struct, frozen=True):
    """Where the receiver listens, and the Authorization header that it wants to see ('' for none)."""

    endpoint_url: str
    authorization_header: str = ""


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """A stream of one client; ``push`` is None when the receiver polls."""

    id: str
    client: str
    requested: list[str]
    description: str
    push: Push | None
    status: Status
    reason: str

    @property
    def delivered(self) -> list[str]:
        """Asking for nothing is being told nothing: deny by default (section 8.1.1)."""
        return [event for event in SUPPORTED if event in self.requested]


COLUMNS = "id, client, requested, description, push, status, reason"


def read_stream(keys: Keys, row: Row) -> Stream:
    """The stream of a row with COLUMNS."""
    sealed = row["push"]
    push = msgspec.json.decode(keys.unseal(f"signin_streams.{row['id']}", sealed), type=Push) if sealed else None
    kept = {name: row[name] for name in ("id", "client", "description", "status", "reason")}
    return Stream(**kept, requested=msgspec.json.decode(row["requested"], type=list[str]), push=push)


def refuse(detail: str) -> Refusal:
    """400: the request cannot be read, or is otherwise not right."""
    return Refusal("invalid_request", WORDS, detail)


def check_stream(stream: Stream) -> None:
    """Refusal `invalid_request` for the first thing that is wrong."""
    if len(stream.requested) > REQUESTED_MAX or any(len(event) > EVENT_MAX_LENGTH for event in stream.requested):
        raise refuse(f"events_requested: at most {REQUESTED_MAX}, each of {EVENT_MAX_LENGTH} characters")
    if len(stream.description) > TEXT_MAX_LENGTH:
        raise refuse(f"description: at most {TEXT_MAX_LENGTH} characters")
    if stream.push is None:
        return
    try:
        check_address("endpoint_url", stream.push.endpoint_url)
    except ValueError as error:
        raise refuse(str(error)) from None
    if len(stream.push.endpoint_url) > URL_MAX_LENGTH:
        raise refuse(f"endpoint_url: at most {URL_MAX_LENGTH} characters")
    header = stream.push.authorization_header
    if len(header) > HEADER_MAX_LENGTH or not HEADER_VALUE.fullmatch(header):
        raise refuse(f"authorization_header: at most {HEADER_MAX_LENGTH} printable ASCII characters")


async def find_stream(db: Reader, keys: Keys, *, client: str) -> Stream | None:
    """The client's stream, if it has one."""
    row = await db.one(f"SELECT {COLUMNS} FROM signin_streams WHERE client = :client", client=client)
    return read_stream(keys, row) if row else None


async def stream_of(db: Reader, keys: Keys, *, client: str, stream: str) -> Stream:
    """The client's stream with this id. Another's, or none, is "not found"."""
    found = await find_stream(db, keys, client=client)
    if found is None or found.id != stream:
        raise not_found("no such stream of this client")
    return found


def _values(keys: Keys, stream: Stream) -> dict[str, Any]:
    sealed = keys.seal(f"signin_streams.{stream.id}", msgspec.json.encode(stream.push)) if stream.push else None
    requested = msgspec.json.encode(stream.requested).decode()
    return {"id": stream.id, "requested": requested, "description": stream.description, "push": sealed}


async def add_stream(db: Transaction, now: float, keys: Keys, stream: Stream) -> None:
    """Keep a new stream. 409 if the client has one (section 8.1.1.1)."""
    check_stream(stream)
    if not await db.run(
        "INSERT INTO signin_streams (id, client, requested, description, push, status, reason, made_at, claimed_until,"
        " tried_at, due_at, tries)"
        " VALUES (:id, :client, :requested, :description, :push, 'enabled', '', :now, :now, :now, :now, 0)"
        " ON CONFLICT (client) DO NOTHING",
        **_values(keys, stream), client=stream.client, now=now,
    ):  # fmt: skip
        raise Refusal("conflict", WORDS, "this client has a stream: one is the limit", status=409)
    await write_ledger(db, now, keys, "stream.created", "", {"client": stream.client, "stream": stream.id})


async def change_stream(db: Transaction, now: float, keys: Keys, stream: Stream) -> None:
    """Keep what the receiver changed; a new address is tried at once."""
    check_stream(stream)
    if not await db.run(
        "UPDATE signin_streams SET requested = :requested, description = :description, push = :push,"
        " claimed_until = :now, due_at = :now, tries = 0 WHERE id = :id",
        **_values(keys, stream), now=now,
    ):  # fmt: skip
        raise not_found("deleted meanwhile")
    await write_ledger(db, now, keys, "stream.changed", "", {"client": stream.client, "stream": stream.id})


async def delete_stream(db: Transaction, now: float, keys: Keys, stream: Stream) -> None:
    """It is gone, with what waited on it."""
    await db.run("DELETE FROM signin_streams WHERE id = :id", id=stream.id)
    await db.run("DELETE FROM signin_unheard WHERE stream = :id", id=stream.id)
    await db.run("DELETE FROM signin_signals WHERE stream = :id AND done_at IS NULL", id=stream.id)
    await write_ledger(db, now, keys, "stream.deleted", "", {"client": stream.client, "stream": stream.id})


async def set_status(db: Transaction, now: float, keys: Keys, stream: Stream, status: str, reason: str) -> None:
    """Enable, pause or disable (section 8.1.2.2); a disabled stream holds nothing for later."""
    if status not in get_args(Status) or len(reason) > TEXT_MAX_LENGTH:
        raise refuse(f"status is one of {', '.join(get_args(Status))}; reason has at most {TEXT_MAX_LENGTH} characters")
    await db.run(
        "UPDATE signin_streams SET status = :status, reason = :reason, claimed_until = :now, due_at = :now, tries = 0"
        " WHERE id = :id",
        status=status, reason=reason, now=now, id=stream.id,
    )  # fmt: skip
    if status == "disabled":
        await db.run("DELETE FROM signin_signals WHERE stream = :id AND done_at IS NULL", id=stream.id)
    await write_ledger(db, now, keys, "stream.status", "", {"stream": stream.id, "status": status})


def _subject(keys: Keys, subject: str) -> bytes:
    return keys.mac("unheard", subject.encode())


async def remove_subject(db: Transaction, now: float, keys: Keys, *, stream: str, subject: str) -> None:
    """Say no more about this `sub`. One that is nobody's is kept alike: who probes sees no difference (section 9.1).

    The ledger keeps it, for whoever removes somebody may have reasons to (section 9.3).
    """
    row = await db.one("SELECT COUNT(*) AS subjects FROM signin_unheard WHERE stream = :stream", stream=stream)
    if row and row["subjects"] >= UNHEARD_MAX:
        raise Refusal("forbidden", WORDS, f"at most {UNHEARD_MAX} removed subjects", status=403)
    mark = _subject(keys, subject)
    if await db.run(
        "INSERT INTO signin_unheard (stream, subject) VALUES (:stream, :subject) ON CONFLICT DO NOTHING",
        stream=stream, subject=mark,
    ):  # fmt: skip
        facts = {"stream": stream, "subject": tokens.encode(mark)}
        await write_ledger(db, now, keys, "stream.subject_removed", "", facts)


async def readd_subject(db: Transaction, now: float, keys: Keys, *, stream: str, subject: str) -> None:
    """All are in by default: only who was removed can be added."""
    mark = _subject(keys, subject)
    if await db.run("DELETE FROM signin_unheard WHERE stream = :stream AND subject = :subject",
                    stream=stream, subject=mark):  # fmt: skip
        facts = {"stream": stream, "subject": tokens.encode(mark)}
        await write_ledger(db, now, keys, "stream.subject_added", "", facts)


async def hears_of(db: Reader, keys: Keys, *, stream: str, subject: str) -> bool:
    """Whether the receiver has not removed this `sub`."""
    row = await db.one("SELECT stream FROM signin_unheard WHERE stream = :stream AND subject = :subject",
                       stream=stream, subject=_subject(keys, subject))  # fmt: skip
    return row is None


async def claim_verification(db: Transaction, now: float, *, stream: str) -> bool:
    """Whether the last one was long enough ago, which this one now is."""
    return bool(
        await db.run(
            "UPDATE signin_streams SET verified_at = :now WHERE id = :id"
            " AND (verified_at IS NULL OR verified_at <= :before)",
            now=now, id=stream, before=now - VERIFICATION_SECONDS,
        )
    )  # fmt: skip
