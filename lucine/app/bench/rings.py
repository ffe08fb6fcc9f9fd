"""Rings caused by hostile starts of every kind: pushes that arrive, and asks that appear unasked.

Over HTTP, against a running Connect whose people are all enrolled and whose phones can all be woken, at
a push service of the bench. A ring is a push that arrives there, or an ask with `ring_at` set, which
alone is shown unasked. At the end her own browser rings, once: the bench does see a ring.
"""

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lucine.app.lab.attackers import ATTACKERS, Loot, Oscar, trace
from lucine.app.lab.cast import Desk, Lines, known_desk
from lucine.app.lab.officer import lenient, take_back
from lucine.app.lab.pace import Pace
from lucine.safe import tokens
from lucine.web import House

from .stage import LOAD_CORE, Stage, free_port, on_core, staged

SEED = 1
CONNECTIONS = 16
QUICK_STARTS = 6_000
QUICK_SECONDS, SECONDS = 22.0, 3600.0
HEARD_SECONDS = 3.0  # a push that was due has come by then


def bench(starts: int = 1_500_000, people: int = 1000, quick: bool = False) -> Iterator[dict[str, Any]]:
    """All attackers in turn, numbers by chance; the upper bound is the rule of three."""
    starts, seconds = (QUICK_STARTS, QUICK_SECONDS) if quick else (starts, SECONDS)
    before = os.sched_getaffinity(0)
    try:
        yield {**asyncio.run(_attack(starts, seconds, people)), "quick": quick}
    finally:
        os.sched_setaffinity(0, before)


async def _attack(starts: int, most_seconds: float, people: int) -> dict[str, Any]:
    gateway = Gateway()
    port = free_port()
    listening = await asyncio.start_server(gateway.answer, "127.0.0.1", port)
    async with listening, staged(people, LUCINE_ALLOWED_HOSTS=f"localhost:{port}") as stage, lenient(stage) as house:
        lines = Lines(stage.port, CONNECTIONS)
        await wake_at(house, port)
        hers = await known_desk(lines, stage.people[0])
        on_core(LOAD_CORE)
        oscar = Oscar(stage, lines, await steal(hers))
        before = gateway.pushes, asks_that_ring(stage)
        pace, tries = Pace("rings", starts, most_seconds), trace(SEED, people)

        async def strike(_: int) -> None:
            attack = next(tries)
            await attack.attacker.strike(oscar, attack.number)

        await pace.spend(strike, CONNECTIONS)
        seconds = pace.seconds
        await asyncio.sleep(HEARD_SECONDS)
        pushes, asks = gateway.pushes - before[0], asks_that_ring(stage) - before[1]
        await take_back(house)
        await hers.open()
        assert (await hers.ring()).status == 200
        await asyncio.sleep(HEARD_SECONDS)
        seen = gateway.pushes - before[0] - pushes
        await lines.close()
    rings = pushes + asks
    return {
        "bench": "rings", "value": rings, "n": pace.done, "seed": SEED, "people": people,
        "kinds": [attacker.kind for attacker in ATTACKERS], "pushes": pushes, "asks_shown_unasked": asks,
        "upper_95": 3 / pace.done if rings == 0 else None, "refused_proofs": oscar.refused_proofs,
        "her_own_ring_seen": seen, "seconds": round(seconds), "goal": 0, "met": rings == 0 and seen == 1,
    }  # fmt: skip


class Gateway:
    """A push service that counts."""

    pushes = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.pushes += head.startswith(b"POST ")
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()


async def wake_at(house: House, port: int) -> None:
    """Every phone can be woken, at a push service on this port."""
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


async def steal(hers: Desk) -> Loot:
    """Her known browser's cookie, and what it signed for a start of its own; not its key."""
    await hers.open()
    signature = hers.key.sign(hers.start.rpartition("/")[2], hers.facts["nonce"])
    return Loot(cookie=hers.cookies["__Host-browser"], signature=signature)


def asks_that_ring(stage: Stage) -> int:
    """How many asks a phone was ever shown unasked."""
    with sqlite3.connect(stage.settings.database.removeprefix("sqlite:///")) as file:
        return int(file.execute("SELECT COUNT(*) FROM phone_asks WHERE ring_at IS NOT NULL").fetchone()[0])
