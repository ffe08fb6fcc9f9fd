"""Complete sign-ins per second on one core, beside npm's oidc-provider in the same run.

Connect: authorization, start page, browser key, scan, approval by passkey, finish, token, userinfo
(8 requests, durable on SQLite with synchronous FULL). The peer: authorization, login, resumption,
token, userinfo (5 requests, in memory). Rounds alternate; the interval is a bootstrap over rounds.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import random
import shutil
import statistics
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from lucine.safe import tokens

from .soft_key import SoftBrowserKey
from .stage import LOAD_CORE, Stage, free_port, on_core, redeem_and_ask, server, sign_in, staged
from .wire import Wire

SEED = 1
USERS = 32  # virtual users at once
ROUNDS = 5
GOAL_RATIO = 1.0
PEER = Path(__file__).parent / "peer"
BOOTSTRAPS = 2000


def bench(seconds: float = 20, people: int = 0, quick: bool = False) -> Iterator[dict[str, Any]]:
    """``people`` 0: at 1,000 and at 1,500,000 enrolled; quick: 1,000 and 20,000, shorter rounds."""
    if not (PEER / "node_modules").exists():
        subprocess.run([str(shutil.which("npm")), "ci", "--silent", "--no-audit", "--no-fund"], cwd=PEER, check=True)
    counts = [people] if people else [1000, 20_000 if quick else 1_500_000]
    round_seconds = (1.5 if quick else seconds) / (1 if quick else ROUNDS)
    rounds = 2 if quick else ROUNDS
    found: dict[tuple[str, int], float] = {}
    for count in counts:
        for line in asyncio.run(_compare(count, round_seconds, rounds, peer=count == counts[0] or not quick)):
            found[line["alg"], count] = line["per_s"]
            yield {**line, "quick": quick}
    if len(counts) == 2:
        for alg in ("ES256", "RS256"):
            cost = found[alg, counts[0]] / found[alg, counts[1]]
            yield {
                "bench": "signin", "what": f"cost at {counts[1]} over {counts[0]}", "alg": alg,
                "value": round(cost, 3), "goal": 1.2, "met": cost <= 1.2,
            }  # fmt: skip


async def _compare(people: int, seconds: float, rounds: int, *, peer: bool) -> list[dict[str, Any]]:
    before = os.sched_getaffinity(0)
    lines = []
    try:
        async with staged(people) as stage, _peer(peer) as peer_port:
            on_core(LOAD_CORE)
            for alg in ("ES256", "RS256"):
                ours: list[float] = []
                theirs: list[float] = []
                done = 0
                for number in range(rounds + 1):
                    rate, count = await _rate(partial(_ours, stage, alg), seconds)
                    other = (await _rate(partial(_theirs, peer_port, alg), seconds))[0] if peer else 0.0
                    if number:  # the first round warms both up
                        ours.append(rate)
                        theirs.append(other)
                        done += count
                lines.append(_line(alg, people, ours, theirs if peer else [], done))
    finally:
        os.sched_setaffinity(0, before)
    return lines


def _line(alg: str, people: int, ours: list[float], theirs: list[float], done: int) -> dict[str, Any]:
    line: dict[str, Any] = {
        "bench": "signin", "alg": alg, "people": people, "per_s": round(statistics.median(ours), 1), "n": done,
        "seed": SEED,
    }  # fmt: skip
    if theirs:
        chance = random.Random(SEED)  # noqa: S311
        pairs = list(zip(ours, theirs, strict=True))
        ratios = sorted(
            statistics.median(one / other for one, other in chance.choices(pairs, k=len(pairs)))
            for _ in range(BOOTSTRAPS)
        )
        line |= {
            "peer": "oidc-provider", "peer_version": _peer_version(), "peer_per_s": round(statistics.median(theirs), 1),
            "ratio": round(statistics.median(one / other for one, other in pairs), 3),
            "low": round(ratios[int(0.025 * BOOTSTRAPS)], 3), "high": round(ratios[int(0.975 * BOOTSTRAPS)], 3),
        }  # fmt: skip
        line |= {"goal_ratio": GOAL_RATIO, "met": line["ratio"] >= GOAL_RATIO}
    return line


async def _rate(user: Callable[[int], Awaitable[Callable[[], Awaitable[None]]]], seconds: float) -> tuple[float, int]:
    """Sign-ins per second of USERS at once, and how many there were."""
    walks = [await user(number) for number in range(USERS)]
    deadline, done = time.perf_counter() + seconds, 0

    async def live(walk: Callable[[], Awaitable[None]]) -> None:
        nonlocal done
        while time.perf_counter() < deadline:
            await walk()
            done += 1

    began = time.perf_counter()
    await asyncio.gather(*(live(walk) for walk in walks))
    return done / (time.perf_counter() - began), done


async def _ours(stage: Stage, alg: str, user: int) -> Callable[[], Awaitable[None]]:
    desk, phone, key = Wire(stage.port), Wire(stage.port), SoftBrowserKey()
    person = stage.people[user % len(stage.people)]

    async def walk() -> None:
        desk.cookies.clear()
        await sign_in(stage, desk, phone, person, alg, key)

    return walk


async def _theirs(port: int, alg: str, _: int) -> Callable[[], Awaitable[None]]:
    desk, service = Wire(port), Wire(port)

    async def walk() -> None:
        desk.cookies.clear()
        verifier = tokens.new_secret()
        query = {
            "client_id": f"peer-{alg}", "redirect_uri": "https://service.test/callback", "response_type": "code",
            "scope": "openid profile", "state": "s", "nonce": "n",
            "code_challenge": tokens.encode(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }  # fmt: skip
        location = f"/auth?{urlencode(query)}"
        for _ in range(3):
            answer = await desk.get(location.removeprefix(f"http://localhost:{port}"))
            assert answer.status == 303, answer.body
            location = answer.headers["location"]
        code = parse_qs(urlsplit(location).query)["code"][0]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": query["redirect_uri"],
                "code_verifier": verifier}  # fmt: skip
        await redeem_and_ask(service, "/token", "/me", form, f"peer-{alg}", "peer-secret-peer-secret-peer-secret")

    return walk


@contextlib.asynccontextmanager
async def _peer(wanted: bool) -> AsyncIterator[int]:
    if not wanted:
        yield 0
        return
    port = free_port()
    with server([str(shutil.which("node")), "server.js", str(port)], {**os.environ, "NODE_ENV": "production"}, PEER):
        for _ in range(200):
            with contextlib.suppress(OSError):
                await Wire(port).get("/.well-known/openid-configuration")
                break
            await asyncio.sleep(0.05)
        yield port


def _peer_version() -> str:
    package = json.loads((PEER / "node_modules" / "oidc-provider" / "package.json").read_text())
    return str(package["version"])
