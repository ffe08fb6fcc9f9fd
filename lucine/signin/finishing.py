"""The end of a start: a session, one more proof first, or nothing today.

approved --(nothing odd, or her key proved it)--> session
approved --(odd for her)--> a second ask on the same screen --(she approves it too)--> session
approved --(nothing like her)--> held: over, and she is told
"""

from typing import get_args

import msgspec

from lucine.phone import asks
from lucine.phone.holders import hold_holder
from lucine.phone.notices import tell_holder
from lucine.safe import Keys, Reader, Transaction, write_ledger
from lucine.watch.browsers import Known, PublicKey, pair_browser, thumbprint
from lucine.watch.histories import is_hers, judge_sign_in, remember_sign_in, signs_of
from lucine.watch.place import prefix_of
from lucine.watch.risk import Judged, Verdict
from lucine.web.settings import Settings

from .sessions import Method, Session, open_session
from .starts import Start

METHODS: dict[str, Method] = {"scan": "phone", "ring": "known", "typed": "typed"}
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)  # from mild to strict
HELD_SECONDS = 3600  # she has been told: from the same place she is asked for one more proof, never kept out


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """A start that became a session; ``known`` when the holder kept this browser."""

    session: Session
    cookie: str
    known: Known | None


async def finish_start(
    db: Transaction, now: float, keys: Keys, settings: Settings, *, start: Start, before: Session | None, address: str,
    browser: str,
) -> Finished | Judged:  # fmt: skip
    """Turn an approved start into a session, once; or what was found odd. Keep the transaction either way.

    ``address``, ``browser``: of who finishes. One request through a house of hers would clear all others if only
    the opening were judged: the odder of the two counts.
    """
    ask = await _approved(db, now, start)
    assert ask.holder is not None
    first = await asks.find_ask(db, start.first_ask) if start.first_ask else None
    if first and (first.holder != ask.holder or first.disowned_at):
        raise asks.gone()
    method = METHODS[ask.kind] if ask.claimed_at or ask.ring_at else "passkey"
    known = await is_hers(db, holder=ask.holder, browser=start.browser, key=start.browser_key)
    opened, finished = (
        signs_of(now, address=where, browser=name, client=start.client,
                 method="phone" if method == "known" else method, known=known)
        for where, name in ((start.address, start.browser_name), (address, browser))
    )  # fmt: skip
    signs, judged = opened, await judge_sign_in(db, now, holder=ask.holder, signs=opened)
    if finished != opened:
        other = await judge_sign_in(db, now, holder=ask.holder, signs=finished)
        if _strictness(other) > _strictness(judged):
            signs, judged = finished, other
    if first:
        judged = Judged(judged.score, tuple(start.reasons.split()), "one_more_proof")
    elif judged.verdict == "hold" and not await _was_held(db, now, ask.holder, address):
        return await _hold(db, now, keys, start, ask, judged)
    elif judged.verdict != "allow":
        return await _ask_again(db, now, keys, settings, start, ask, judged)
    if not await db.run(
        "UPDATE signin_starts SET finished_at = :now WHERE id = :id AND finished_at IS NULL AND ask = :ask",
        now=now, id=start.id, ask=ask.id,
    ):  # fmt: skip
        raise asks.gone()
    kept = await _keep(db, now, keys, start, ask if ask.keep or not first else first)
    session, cookie = await open_session(
        db, now, keys, settings, holder=ask.holder, method=method, ask=ask.id,
        browser=kept.id if kept else start.browser if known else None, browser_name=start.browser_name,
        place=start.place, before=before, judged=judged,
    )  # fmt: skip
    await remember_sign_in(db, now, session=session.id, holder=ask.holder, signs=signs)
    await db.run("UPDATE signin_starts SET session = :session WHERE id = :id", session=session.id, id=start.id)
    return Finished(session=session, cookie=cookie, known=kept)


def _strictness(judged: Judged) -> tuple[int, float]:
    return VERDICTS.index(judged.verdict), judged.score


async def _approved(db: Transaction, now: float, start: Start) -> asks.Ask:
    """Its ask, approved and not taken back; from here on her acts wait for this one."""
    ask = await asks.find_ask(db, start.ask)
    if ask.holder:
        await hold_holder(db, ask.holder)
        ask = await asks.find_ask(db, start.ask)
    if ask.answer != "approved" or ask.holder is None or ask.disowned_at or ask.expires_at <= now:
        raise asks.gone()
    return ask


async def _keep(db: Transaction, now: float, keys: Keys, start: Start, ask: asks.Ask) -> Known | None:
    if not ask.keep or not start.browser_key or ask.holder is None:
        return None
    key = msgspec.json.decode(start.browser_key, type=PublicKey)
    if thumbprint(key) != ask.browser_key:  # the key that the approval committed to, no other
        return None
    return await pair_browser(db, now, keys, holder=ask.holder, name=start.browser_name, key=key)


async def _ask_again(
    db: Transaction, now: float, keys: Keys, settings: Settings, start: Start, ask: asks.Ask, judged: Judged
) -> Judged:
    """A second ask for the same screen; only the same holder's approval of it finishes the start."""
    second = await asks.open_ask(
        db, now, shown=ask.shown, seconds=settings.start_seconds, visit=ask.visit, return_to=ask.return_to
    )
    if not await db.run(
        "UPDATE signin_starts SET ask = :second, first_ask = :first, reasons = :reasons, expires_at = :expires"
        " WHERE id = :id AND ask = :first AND first_ask IS NULL AND finished_at IS NULL",
        second=second, first=ask.id, reasons=" ".join(judged.reasons), expires=now + settings.start_seconds,
        id=start.id,
    ):  # fmt: skip
        raise asks.gone()
    await _write(db, now, keys, "sign_in.one_more_proof", ask, judged)
    return msgspec.structs.replace(judged, verdict="one_more_proof")


async def _hold(db: Transaction, now: float, keys: Keys, start: Start, ask: asks.Ask, judged: Judged) -> Judged:
    if not await db.run(
        "UPDATE signin_starts SET finished_at = :now, held = :holder, reasons = :reasons"
        " WHERE id = :id AND ask = :ask AND finished_at IS NULL",
        now=now, holder=ask.holder, reasons=" ".join(judged.reasons), id=start.id, ask=ask.id,
    ):  # fmt: skip
        raise asks.gone()
    await tell_holder(db, now, keys, holder=str(ask.holder), what="held", service=ask.shown.service)
    await _write(db, now, keys, "sign_in.held", ask, judged)
    return judged


async def _write(db: Transaction, now: float, keys: Keys, act: str, ask: asks.Ask, judged: Judged) -> None:
    facts = {"ask": ask.id, "score": f"{judged.score:.2f}", "reasons": " ".join(judged.reasons)}
    await write_ledger(db, now, keys, act, str(ask.holder), facts)


async def _was_held(db: Reader, now: float, holder: str, address: str) -> bool:
    """Whether a sign-in from this very place was held just now, of which she was told and said nothing bad."""
    rows = await db.all(
        "SELECT ask, address FROM signin_starts WHERE held = :holder AND finished_at > :since",
        holder=holder, since=now - HELD_SECONDS,
    )  # fmt: skip
    held = await asks.kept_asks(db, (row["ask"] for row in rows if prefix_of(row["address"]) == prefix_of(address)))
    return any(not ask.disowned_at for ask in held.values())
