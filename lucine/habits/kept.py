"""The evidence that is put aside when an incident begins: what Connect knows of her last month."""

from typing import Any

import msgspec

from lucine.phone.asks import past_asks
from lucine.phone.credentials import Kind, devices_of, state_of
from lucine.phone.holders import Holder
from lucine.safe import Keys, Reader
from lucine.signin.clients import names_of_clients
from lucine.signin.sessions import past_sessions, services_of
from lucine.watch.browsers import browsers_of
from lucine.watch.tries import tries_by_day

KEPT_SECONDS = 30 * 86400
KEPT_MAX = 2000  # sign-ins, and approvals: more than anybody makes by hand


async def gather(db: Reader, now: float, keys: Keys, holder: Holder) -> bytes:
    """Her sign-ins, approvals, phones, passkeys, known browsers and the tries of her number, as JSON."""
    since = now - KEPT_SECONDS
    tried = await tries_by_day(db, now, keys, holder.national_id)
    return msgspec.json.encode(
        {
            "gathered_at": now,
            "since": since,
            "sign_ins": [await _sign_in(db, row) for row in await past_sessions(db, holder.id, KEPT_MAX)
                         if row["auth_time"] >= since],
            "asks": [
                {"id": ask.id, "service": ask.shown.service, "browser": ask.shown.browser, "place": ask.shown.place,
                 "opened_at": ask.opened_at, "answered_at": ask.answered_at, "answer": ask.answer or "none",
                 "disowned_at": ask.disowned_at}
                for ask in await past_asks(db, holder.id, KEPT_MAX) if ask.opened_at >= since
            ],
            "phones": await _credentials(db, now, holder, "phone"),
            "passkeys": await _credentials(db, now, holder, "computer"),
            "browsers": [dict(row) for row in await browsers_of(db, holder.id)],
            "tries": [{"day": day.date.isoformat(), "tries": day.tries} for day in tried.days if day.tries],
        }
    )  # fmt: skip


async def _sign_in(db: Reader, row: Any) -> dict[str, Any]:
    services = await names_of_clients(db, await services_of(db, row["id"]))
    named = ("id", "method", "browser_name", "place", "auth_time", "ended_at", "why", "disowned_at", "verdict")
    return {**{name: row[name] for name in named}, "services": services}


async def _credentials(db: Reader, now: float, holder: Holder, kind: Kind) -> list[dict[str, Any]]:
    return [
        {
            "id": one.id,
            "name": one.name,
            "added_at": one.created_at,
            "used_at": one.used_at,
            "state": state_of(one, now),
        }
        for one in await devices_of(db, holder.id, kind)
    ]
