"""Attackers, one class each. They know every number, and no phone, no known browser's key and no private address.

An attacker names a number and strikes; what it may later try to finish is its hold. ``ATTACKERS`` is
the mix that the goals run, in this order again and again.
"""

import random
from collections.abc import Iterator
from typing import Protocol
from urllib.parse import urlencode

import msgspec

from lucine.app.bench.soft_key import SoftBrowserKey
from lucine.app.bench.stage import Stage, number_of
from lucine.safe import tokens
from lucine.signin.discovery import PATHS

from .cast import QUERY, Desk, Lines, Service


class Loot(msgspec.Struct, frozen=True, kw_only=True):
    """What was stolen from a known browser: its cookie and an old signature, never its key."""

    cookie: str
    signature: str


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """What Oscar may try to finish: a start in his browser, or a request of his service."""

    desk: Desk | None = None
    auth_req_id: str = ""


class Oscar:
    """What every attacker has: connections, a service of his own, a key of his own, and the loot."""

    def __init__(self, stage: Stage, lines: Lines, loot: Loot) -> None:
        self.lines, self.loot, self.service = lines, loot, Service(stage, lines)
        self.key = SoftBrowserKey()
        self.refused_proofs = 0

    async def open(self, number: str = "", cookie: str = "") -> Desk:
        """A start in a browser of his; its page is not needed."""
        desk = Desk(self.lines, key=self.key)
        if cookie:
            desk.cookies["__Host-browser"] = cookie
        opened = await desk.get(f"/auth?{urlencode({**QUERY, **({'login_hint': number} if number else {})})}")
        assert opened.status == 303, opened.body
        desk.start = opened.headers["location"].partition("?")[0]
        return desk

    async def ring(self, desk: Desk, signature: str) -> None:
        """Say that the browser is known, with this as its proof."""
        rung = await desk.post(f"{desk.start}/ring", {"signature": signature})
        assert rung.status == 409, rung.body
        self.refused_proofs += 1

    async def finish(self, hold: Hold) -> bool:
        """Whether it became a session or a token of his."""
        if hold.desk:
            return (await hold.desk.finish()).status == 200
        return bool(hold.auth_req_id) and (await self.service.fetch(hold.auth_req_id)).status == 200


class Attacker(Protocol):
    """A way to attack. ``people``: that many numbers are enrolled, and as many again are not."""

    kind: str

    def choose(self, chance: random.Random, people: int) -> str:
        """Whom to name."""

    async def strike(self, oscar: Oscar, number: str) -> Hold:
        """Do it once. AssertionError if Connect answers anything that was not foreseen."""


class DirectoryWalk:
    """Names numbers by chance from the public directory, through the page."""

    kind = "login hint"

    def choose(self, chance: random.Random, people: int) -> str:
        return number_of(chance.randrange(2 * people))

    async def strike(self, oscar: Oscar, number: str) -> Hold:
        return Hold(desk=await oscar.open(number))


class NoCookie(DirectoryWalk):
    """Starts without naming anybody: the page asks for no number."""

    kind = "no cookie"

    async def strike(self, oscar: Oscar, number: str) -> Hold:
        return Hold(desk=await oscar.open())


class ForgedCookie(DirectoryWalk):
    """Says that its browser is known, with a cookie and a signature that it made up."""

    kind = "forged cookie"

    async def strike(self, oscar: Oscar, number: str) -> Hold:
        desk = await oscar.open(number, f"{tokens.new_secret(128)}.{tokens.new_secret()}")
        await oscar.ring(desk, oscar.key.sign(desk.start.rpartition("/")[2], tokens.new_secret()))
        return Hold(desk=desk)


class StolenProof(DirectoryWalk):
    """Has copied a known browser's cookie, and signs with what that browser signed before."""

    kind = "stolen proof"

    async def strike(self, oscar: Oscar, number: str) -> Hold:
        desk = await oscar.open(number, oscar.loot.cookie)
        await oscar.ring(desk, oscar.loot.signature)
        return Hold(desk=desk)


class CibaByNumber(DirectoryWalk):
    """A rogue service that asks for numbers behind the scenes."""

    kind = "ciba by number"

    async def strike(self, oscar: Oscar, number: str) -> Hold:
        answer = await oscar.service.ask_by_number(number, binding_message="42")
        assert answer.status in (200, 403), answer.body  # 403: closed, by a measure against this service
        return Hold(auth_req_id=answer.json().get("auth_req_id", ""))


class CibaForgedBond(CibaByNumber):
    """The same service claims a bond that it does not have: a hint token that it wrote itself."""

    kind = "ciba with a forged bond"

    async def strike(self, oscar: Oscar, number: str) -> Hold:
        parts = (b'{"alg":"none","typ":"login-hint+jwt"}', f'{{"sub":"{number}"}}'.encode(), b"")
        token = ".".join(tokens.encode(part) for part in parts)
        form = {"scope": "openid", "login_hint_token": token}
        answer = await oscar.service.post(PATHS["backchannel_authentication_endpoint"], form)
        assert answer.status == 400, answer.body
        return Hold()


class LeakedList(DirectoryWalk):
    """Knows from a leak who is enrolled, and wastes no try on others."""

    kind = "leaked list of enrolled numbers"

    def choose(self, chance: random.Random, people: int) -> str:
        return number_of(chance.randrange(people))


class Bombing(DirectoryWalk):
    """One number, again and again."""

    kind = "bombing of one number"

    def choose(self, chance: random.Random, people: int) -> str:
        return number_of(0)


ATTACKERS: tuple[Attacker, ...] = (
    NoCookie(), DirectoryWalk(), ForgedCookie(), StolenProof(), CibaByNumber(), CibaForgedBond(), LeakedList(),
    Bombing(),
)  # fmt: skip


class Attack(msgspec.Struct, frozen=True):
    """One try of a trace."""

    attacker: Attacker
    number: str


def trace(seed: int, people: int) -> Iterator[Attack]:
    """Tries without end, the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311
    while True:
        for attacker in ATTACKERS:
            yield Attack(attacker, attacker.choose(chance, people))
