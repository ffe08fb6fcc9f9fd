"""Security event tokens on their way: pushed (RFC 8935) or fetched (RFC 8936). The row is the queue.

waiting --(acknowledged)--> done --(refused by the receiver: recorded)--> done --(a week old, too many)--> expired

A stream's signals go in their order, one round of one process at a time. Failures make the pauses of the stream
grow, for it is the receiver that is down. Yet one signal that makes a receiver stumble (5xx) holds up none of those
behind it, and a new one does not wait for the pause: it may be the news that the receiver is back for.
"""

import asyncio
from typing import Any, Literal

import msgspec
import structlog

from lucine.safe import Keys, Row, Transaction, write_ledger
from lucine.web import House
from lucine.web.egress import Answer, EgressFailed, EgressRefused

from .deliveries import PAUSE_MAX_SECONDS
from .signals import Signal
from .signing_keys import sign
from .ssf_streams import Push, Stream

log = structlog.get_logger()

ALG = "RS256"  # whatever the client's ID tokens are signed with: the CAEP Interoperability Profile asks for this one
TYP = "secevent+jwt"
CLAIM_SECONDS = 60  # by then its round is over, or the process that began it is dead
ROUND = 10  # signals of a stream: with five seconds for each, less than CLAIM_SECONDS
STREAMS = 50
TAKEN_MAX = 50  # signatures that one poll may cost
KEPT_SECONDS = 7 * 86400
WAITING_MAX = 10_000  # of a stream
EXPIRED_AT_ONCE = 1000
OUTCOME_MAX_LENGTH = 200

PATIENCE_SECONDS = 0.2

Sent = Literal["done", "stumbled", "down"]
_slow: set[asyncio.Task[None]] = set()  # somebody must hold a task, or it may vanish


class Problem(msgspec.Struct, frozen=True):
    """Why a receiver takes no delivery of a token (RFC 8935 section 2.4, RFC 8936 section 2.4.4)."""

    err: str
    description: str = ""

    def __str__(self) -> str:
        # Somebody else's words, for the database and the ledger.
        return "".join(c if " " <= c <= "~" else "?" for c in f"{self.err}: {self.description}")[:OUTCOME_MAX_LENGTH]


async def write_set(house: House, now: float, client: str, row: Row) -> str:
    """The security event token of a row (SSF section 4.1): the same claims each time, no `sub` and no `exp`."""
    sealed = house.keys.unseal(f"signin_signals.{row['id']}", row["sealed"])
    claims: dict[str, Any] = msgspec.to_builtins(msgspec.json.decode(sealed, type=Signal))
    claims |= {"iss": house.settings.origin, "aud": client, "jti": row["id"], "iat": int(row["made_at"])}
    return await sign(house, now, ALG, claims, typ=TYP)


async def finish_signal(
    db: Transaction, now: float, keys: Keys, *, stream: str, signal: str, problem: Problem | None = None
) -> None:
    """It is acknowledged, or will never be: what it said is forgotten, once."""
    if await db.run(
        "UPDATE signin_signals SET done_at = :now, outcome = :outcome, sealed = NULL"
        " WHERE id = :id AND stream = :stream AND done_at IS NULL",
        now=now, outcome=str(problem) if problem else "acknowledged", id=signal, stream=stream,
    ) and problem:  # fmt: skip
        facts = {"stream": stream, "signal": signal, "problem": str(problem)}
        await write_ledger(db, now, keys, "signal.refused", "", facts)


async def push_signals(house: House, now: float) -> bool:
    """Chore: one round for each stream that has something to push: what is new at once, the rest after its pause."""
    until = now + CLAIM_SECONDS
    async with house.db.transaction() as db:
        rows = await db.all(
            "UPDATE signin_streams SET claimed_until = :until WHERE id IN (SELECT id FROM signin_streams"
            " WHERE push IS NOT NULL AND status = 'enabled' AND claimed_until <= :now AND EXISTS"
            " (SELECT 1 FROM signin_signals WHERE stream = signin_streams.id AND done_at IS NULL"
            " AND made_at > CASE WHEN due_at <= :now THEN 0 ELSE tried_at END)"
            " ORDER BY claimed_until LIMIT :most) AND claimed_until <= :now"
            " RETURNING id, client, push, tries, CASE WHEN due_at <= :now THEN 0 ELSE tried_at END AS after",
            until=until, now=now, most=STREAMS,
        )  # fmt: skip
    rounds = [asyncio.create_task(_push_round(house, now, row, until)) for row in rows]
    if rounds:
        # A slow receiver goes on by itself, with its stream claimed: no other waits for it.
        done, slow = await asyncio.wait(rounds, timeout=PATIENCE_SECONDS)
        _slow.update(slow)
        for one in slow:
            one.add_done_callback(_slow.discard)
        for one in done:
            one.result()
    return bool(rows)


async def _push_round(house: House, now: float, stream: Row, until: float) -> None:
    push = msgspec.json.decode(house.keys.unseal(f"signin_streams.{stream['id']}", stream["push"]), type=Push)
    last, tries = (float(stream["after"]), "~"), 0  # no id is as great as that
    for _ in range(ROUND):
        row = await house.db.one(
            "SELECT w.id, w.sealed, w.made_at FROM signin_signals w JOIN signin_streams s ON s.id = w.stream"
            # A stream that is paused meanwhile sends no more.
            " WHERE w.stream = :stream AND w.done_at IS NULL AND s.status = 'enabled'"
            " AND (w.made_at, w.id) > (:at, :id) ORDER BY w.made_at, w.id LIMIT 1",
            stream=stream["id"], at=last[0], id=last[1],
        )  # fmt: skip
        if row is None:
            break
        last = (row["made_at"], row["id"])
        sent = await _send(house, now, stream, push, row)
        if sent != "done":
            tries = stream["tries"] + 1
        if sent == "down":
            break
    async with house.db.transaction() as db:
        # Unless the receiver has changed its stream meanwhile, which may be tried at once.
        await db.run(
            "UPDATE signin_streams SET claimed_until = :now, tried_at = :now, due_at = :due, tries = :tries"
            " WHERE id = :id AND claimed_until = :until",
            now=now, due=now + min(5 * tries * tries, PAUSE_MAX_SECONDS), tries=tries, id=stream["id"], until=until,
        )  # fmt: skip


async def _send(house: House, now: float, stream: Row, push: Push, row: Row) -> Sent:
    """RFC 8935 section 2: 202 is taken, 400 is refused for good. Every other status is about the receiver, not
    the token (an expired Authorization header, a moved address, a fall): that can be mended within the week.
    """
    headers = {"Content-Type": f"application/{TYP}", "Accept": "application/json"}
    if push.authorization_header:
        headers["Authorization"] = push.authorization_header
    content = (await write_set(house, now, stream["client"], row)).encode()
    try:
        answer = await house.egress.post(push.endpoint_url, headers=headers, content=content)
    except (EgressRefused, EgressFailed) as error:
        log.info("signal", stream=stream["id"], tries=stream["tries"], outcome=f"{type(error).__name__}: {error}")
        return "down"
    log.info("signal", stream=stream["id"], tries=stream["tries"], outcome=f"status {answer.status}")
    if answer.status != 400 and not 200 <= answer.status < 300:
        return "stumbled" if answer.status >= 500 else "down"
    problem = _problem(answer) if answer.status == 400 else None
    async with house.db.transaction() as db:
        await finish_signal(db, now, house.keys, stream=stream["id"], signal=row["id"], problem=problem)
    return "done"


def _problem(answer: Answer) -> Problem:
    try:
        return msgspec.json.decode(answer.body, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Problem("invalid_request", "status 400 without a reason that can be read")


async def take_signals(house: House, now: float, stream: Stream, most: int) -> tuple[dict[str, str], bool]:
    """What waits, oldest first, each by its `jti`, and whether there is more. They go on waiting until acknowledged."""
    rows = await house.db.all(
        "SELECT w.id, w.sealed, w.made_at FROM signin_signals w JOIN signin_streams s ON s.id = w.stream"
        " WHERE w.stream = :stream AND w.done_at IS NULL AND s.status = 'enabled' ORDER BY w.made_at, w.id LIMIT :most",
        stream=stream.id, most=most + 1,
    )  # fmt: skip
    return {row["id"]: await write_set(house, now, stream.client, row) for row in rows[:most]}, len(rows) > most


async def expire_signals(house: House, now: float) -> bool:
    """Chore: a receiver that is away for a week loses the oldest, and so does one with too many; the ledger says so."""
    async with house.db.transaction() as db:
        rows = await db.all(
            "DELETE FROM signin_signals WHERE id IN (SELECT id FROM signin_signals WHERE done_at IS NULL"
            " AND made_at <= :old LIMIT :batch) RETURNING stream",
            old=now - KEPT_SECONDS, batch=EXPIRED_AT_ONCE,
        )  # fmt: skip
        for stream in await db.all("SELECT id FROM signin_streams"):
            rows += await db.all(
                "DELETE FROM signin_signals WHERE id IN (SELECT id FROM signin_signals WHERE stream = :stream"
                " AND done_at IS NULL ORDER BY made_at DESC, id DESC LIMIT :batch OFFSET :kept) RETURNING stream",
                stream=stream["id"], batch=EXPIRED_AT_ONCE, kept=WAITING_MAX,
            )  # fmt: skip
        for lost in sorted({row["stream"] for row in rows}):
            count = sum(row["stream"] == lost for row in rows)
            await write_ledger(db, now, house.keys, "signals.expired", "", {"stream": lost, "signals": str(count)})
    return len(rows) >= EXPIRED_AT_ONCE
