"""Rings caused by hostile starts of every kind: pushes that arrive, and asks that appear unasked.

Over HTTP, against a running Connect whose people are all enrolled and whose phones can all be woken, at
a push service of the bench. A ring is a push that arrives there, or an ask with `ring_at` set, which
alone is shown unasked. At the end her own browser rings, once: the bench does see a ring.
"""

import asyncio
import os
import random
import sqlite3
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lucine.app.connect import open_house
from lucine.phone.holders import holder_of_number
from lucine.safe import tokens
from lucine.signin.discovery import PATHS
from lucine.watch.browsers import PublicKey, pair_browser

from .soft_key import SoftBrowserKey
from .stage import LOAD_CORE, Stage, facts_of, free_port, number_of, on_core, staged
from .wire import Wire, basic

SEED = 1
ATTACKERS = 16
QUICK_STARTS = 6_000
CLIENT = "bench-ES256"
KINDS = ("no cookie", "login hint", "forged cookie", "replayed proof", "ciba by number")
HEARD_SECONDS = 3.0  # a push that was due has come by then


def bench(starts: int = 1_500_000, people: int = 1000, quick: bool = False) -> Iterator[dict[str, Any]]:
    """All kinds in turn, numbers by chance; the upper bound is the rule of three."""
    starts = QUICK_STARTS if quick else starts
    before = os.sched_getaffinity(0)
    try:
        yield {**asyncio.run(_attack(starts, people)), "quick": quick}
    finally:
        os.sched_setaffinity(0, before)


async def _attack(starts: int, people: int) -> dict[str, Any]:
    gateway = _Gateway()
    port = free_port()
    listening = await asyncio.start_server(gateway.answer, "127.0.0.1", port)
    async with listening, staged(people, LUCINE_ALLOWED_HOSTS=f"localhost:{port}") as stage:
        key = SoftBrowserKey()
        cookie = await _furnish(stage, port, key)
        on_core(LOAD_CORE)
        oscar = _Oscar(stage, random.Random(SEED), cookie, people)  # noqa: S311
        began = time.perf_counter()
        await asyncio.gather(*(oscar.walk(starts // ATTACKERS) for _ in range(ATTACKERS)))
        seconds = time.perf_counter() - began
        await asyncio.sleep(HEARD_SECONDS)
        pushes, asks = gateway.pushes, _asks_that_ring(stage)
        await _ring_as_owner(stage, cookie, key)
        await asyncio.sleep(HEARD_SECONDS)
        seen = gateway.pushes - pushes
    done, rings = starts // ATTACKERS * ATTACKERS, pushes + asks
    return {
        "bench": "rings", "value": rings, "n": done, "seed": SEED, "people": people, "kinds": list(KINDS),
        "pushes": pushes, "asks_shown_unasked": asks, "upper_95": 3 / done if rings == 0 else None,
        "refused_proofs": oscar.refused_proofs, "her_own_ring_seen": seen, "seconds": round(seconds),
        "goal": 0, "met": rings == 0 and seen == 1,
    }  # fmt: skip


class _Gateway:
    """A push service that counts."""

    pushes = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.pushes += head.startswith(b"POST ")
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()


async def _furnish(stage: Stage, port: int, key: SoftBrowserKey) -> str:
    """Every phone can be woken; the first person keeps a browser, whose cookie was stolen but not its key."""
    async with open_house(stage.settings) as house:
        point = ec.generate_private_key(ec.SECP256R1()).public_key()
        raw = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        subscription = (
            f'{{"endpoint":"http://localhost:{port}/push","keys":'
            f'{{"p256dh":"{tokens.encode(raw)}","auth":"{tokens.encode(bytes(16))}"}}}}'
        ).encode()
        phones = [row["id"] for row in await house.db.all("SELECT id FROM phone_credentials")]
        async with house.db.transaction() as db:
            await db.many(
                "UPDATE phone_credentials SET push = :push WHERE id = :id",
                [{"id": phone, "push": house.keys.seal(f"phone_credentials.push.{phone}", subscription)}
                 for phone in phones],
            )  # fmt: skip
            holder = await holder_of_number(db, number_of(0))
            assert holder is not None
            known = await pair_browser(
                db, time.time(), house.keys, holder=holder.id, name="hers", key=PublicKey(**key.jwk)
            )
    return known.cookie


def _asks_that_ring(stage: Stage) -> int:
    with sqlite3.connect(stage.settings.database.removeprefix("sqlite:///")) as file:
        return int(file.execute("SELECT COUNT(*) FROM phone_asks WHERE ring_at IS NOT NULL").fetchone()[0])


QUERY = {
    "client_id": CLIENT, "redirect_uri": "https://service.test/callback", "response_type": "code", "scope": "openid",
}  # fmt: skip


async def _ring_as_owner(stage: Stage, cookie: str, key: SoftBrowserKey) -> None:
    desk = Wire(stage.port)
    desk.cookies["__Host-browser"] = cookie
    start = (await desk.get(f"/auth?{urlencode(QUERY)}")).headers["location"]
    facts = facts_of(await desk.get(start))
    rung = await desk.post_json(f"{start}/ring", {"signature": key.sign(start.rpartition("/")[2], facts["nonce"])})
    assert rung.status == 200, rung.body
    await desk.close()


class _Oscar:
    """Knows every number, a stolen cookie of hers (not its key), and old signatures; owns a service."""

    def __init__(self, stage: Stage, chance: random.Random, cookie: str, people: int) -> None:
        self.stage, self.chance, self.cookie, self.people = stage, chance, cookie, people
        self.refused_proofs = 0
        self.key = SoftBrowserKey()

    async def walk(self, starts: int) -> None:
        wire = Wire(self.stage.port)
        for index in range(starts):
            wire.cookies.clear()
            kind = KINDS[index % len(KINDS)]
            number = number_of(self.chance.randrange(self.people))
            if kind == "ciba by number":
                await self._by_number(wire, number)
            else:
                await self._by_browser(wire, kind, number)
        await wire.close()

    async def _by_number(self, wire: Wire, number: str) -> None:
        form = {"scope": "openid", "login_hint": number, "binding_message": "42"}
        secret = self.stage.secrets["ES256"]
        answer = await wire.post_form(PATHS["backchannel_authentication_endpoint"], form, **basic(CLIENT, secret))
        assert answer.status == 200, answer.body

    async def _by_browser(self, wire: Wire, kind: str, number: str) -> None:
        query = {**QUERY, "login_hint": number} if kind == "login hint" else QUERY
        if kind == "forged cookie":
            wire.cookies["__Host-browser"] = f"{tokens.new_secret(128)}.{tokens.new_secret()}"
        elif kind == "replayed proof":
            wire.cookies["__Host-browser"] = self.cookie
        opened = await wire.get(f"/auth?{urlencode(query)}")
        assert opened.status == 303, opened.body
        if kind in ("forged cookie", "replayed proof"):
            start = opened.headers["location"]
            signature = self.key.sign(start.rpartition("/")[2], tokens.new_secret())
            rung = await wire.post_json(f"{start}/ring", {"signature": signature})
            assert rung.status == 409, rung.body
            self.refused_proofs += 1
