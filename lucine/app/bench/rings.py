"""Rings caused by hostile starts of every kind: pushes that would be sent, and asks that appear unasked.

The starts go through the doors (in-process ASGI calls, no network in between), against people who are
all enrolled, with push subscriptions and their apps open. A ring is an ask with `ring_at` set: that
alone is pushed, and that alone is shown unasked.
"""

import asyncio
import multiprocessing
import random
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import httpx

from lucine.app.connect import build_connect
from lucine.safe import tokens
from lucine.signin.clients import Client, add_client
from lucine.signin.discovery import PATHS
from lucine.watch.browsers import PublicKey, pair_browser
from lucine.web.settings import Settings

from .soft_key import SoftBrowserKey
from .stage import furnish

SEED = 1
TOGETHER = 16
QUICK_STARTS = 6_000
ORIGIN = "https://connect.test"
CLIENT = "rogue"

KINDS = ("no cookie", "login hint", "forged cookie", "replayed proof", "ciba by number")


def bench(starts: int = 1_500_000, people: int = 1000, quick: bool = False) -> Iterator[dict[str, Any]]:
    """All kinds in turn, every enrolled number in turn; the upper bound is the rule of three."""
    starts = QUICK_STARTS if quick else starts
    processes = min(2, multiprocessing.cpu_count())
    began = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        parts = pool.starmap(_run, [(starts // processes, people, SEED + n) for n in range(processes)])
    done = sum(part["starts"] for part in parts)
    rings = sum(part["rings"] for part in parts)
    yield {
        "bench": "rings", "value": rings, "n": done, "seed": SEED, "people": people, "kinds": list(KINDS),
        "upper_95": (3 / done if rings == 0 else None), "refused_proofs": sum(part["proofs"] for part in parts),
        "seconds": round(time.perf_counter() - began), "goal": 0, "met": rings == 0, "quick": quick,
    }  # fmt: skip


def _run(starts: int, people: int, seed: int) -> dict[str, int]:
    return asyncio.run(_attack(starts, people, seed))


async def _attack(starts: int, people: int, seed: int) -> dict[str, int]:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            origin=ORIGIN, database=f"sqlite:///{folder}/i.db", keys=f"{folder}/k", post=f"folder:{folder}/p",
            log_level="critical",
        )  # fmt: skip
        app = build_connect(settings, chores=False)
        async with app.router.lifespan_context(app):
            house = app.state.house
            active, _ = await furnish(house, people, ORIGIN)
            key = SoftBrowserKey()
            async with house.db.transaction() as db:
                rogue = Client(
                    id=CLIENT, name="Rogue", redirect_uris=["https://rogue.test/cb"], alg="ES256", ciba="poll"
                )
                secret = await add_client(db, time.time(), house.keys, rogue)
                known = await pair_browser(
                    db, time.time(), house.keys, holder=active[0].holder, name="hers", key=PublicKey(**key.jwk)
                )
            attacker = _Attacker(app, random.Random(seed), secret, known.cookie, people)  # noqa: S311
            each = starts // TOGETHER
            await asyncio.gather(*(attacker.walk(each) for _ in range(TOGETHER)))
            row = await house.db.one("SELECT COUNT(*) AS rings FROM phone_asks WHERE ring_at IS NOT NULL")
            await attacker.http.aclose()
    assert row is not None
    return {"starts": each * TOGETHER, "rings": int(row["rings"]), "proofs": attacker.refused_proofs}


class _Attacker:
    """Knows every number, a stolen cookie of Ana's browser (not its key), and old signatures."""

    def __init__(self, app: Any, chance: random.Random, secret: str, cookie: str, people: int) -> None:
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN)
        self.chance, self.secret, self.cookie, self.people = chance, secret, cookie, people
        self.refused_proofs = 0
        self.key = SoftBrowserKey()

    def number(self) -> str:
        return f"8{99_000_000_000 + self.chance.randrange(self.people)}"

    async def walk(self, starts: int) -> None:
        for index in range(starts):
            kind = KINDS[index % len(KINDS)]
            if kind == "ciba by number":
                form = {"scope": "openid", "login_hint": self.number(), "binding_message": "42"}
                answer = await self.http.post(
                    PATHS["backchannel_authentication_endpoint"], data=form, auth=(CLIENT, self.secret)
                )
                assert answer.status_code == 200, answer.text
                continue
            await self._browser(kind)

    async def _browser(self, kind: str) -> None:
        said = {
            "client_id": CLIENT,
            "redirect_uri": "https://rogue.test/cb",
            "response_type": "code",
            "scope": "openid",
        }
        if kind == "login hint":
            said["login_hint"] = self.number()
        headers = {}
        if kind in ("forged cookie", "replayed proof"):
            forged = self.cookie if kind == "replayed proof" else f"{tokens.new_secret(128)}.{tokens.new_secret()}"
            headers["Cookie"] = f"__Host-browser={forged}"
        # A jar shared by all walks would mix their visits: each start brings its own cookies.
        self.http.cookies.clear()
        opened = await self.http.get("/auth", params=said, headers=headers)
        assert opened.status_code == 303, opened.text
        if headers:
            visit = opened.cookies.get("__Host-visit")
            headers["Cookie"] += f"; __Host-visit={visit}"
            start = opened.headers["location"].rpartition("/")[2]
            signature = self.key.sign(start, tokens.new_secret())
            rung = await self.http.post(
                f"/start/{start}/ring", json={"signature": signature}, headers={"Origin": ORIGIN, **headers}
            )
            assert rung.status_code == 409, rung.text
            self.refused_proofs += 1
