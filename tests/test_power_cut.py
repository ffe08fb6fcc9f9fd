"""The power goes while midwives approve, enrol and revoke: what Connect acknowledged is there afterwards."""

import asyncio
import base64
import contextlib
import json
import os
import re
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from lucine.app.bench.soft_key import SoftBrowserKey, SoftKey
from lucine.app.bench.stage import Person, furnish, walk
from lucine.app.bench.wire import Answer, Wire
from lucine.app.connect import open_house
from lucine.safe import Keys, connect, tokens, verify_ledger
from lucine.signin.discovery import PATHS

from .running import Running, running
from .tools import after_the_cut, loop_disk

MIDWIVES = 4
ENOUGH = 80  # acknowledged acts, of every kind
SECONDS_MAX = 20
THAW_SECONDS = 1
CALLBACK = "https://service.test/callback"


@dataclass
class Acknowledged:
    """What Connect said was done, by its id."""

    approved: list[str] = field(default_factory=list)
    enrolled: list[str] = field(default_factory=list)
    switched_off: list[str] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.approved) + len(self.enrolled) + len(self.switched_off) + len(self.revoked)


async def midwife(made: Running, person: Person, secret: str, done: Acknowledged) -> None:
    """She signs in, her service revokes its token, she enrols a second phone and switches it off; again and again."""
    desk, phone, second = (Wire(made.ports[0]) for _ in range(3))
    key, origin = SoftBrowserKey(), made.settings.origin
    basic = "Basic " + base64.b64encode(f"bench-ES256:{secret}".encode()).decode()
    query = {"client_id": "bench-ES256", "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid",
             "prompt": "login"}  # fmt: skip
    phone.post_json = _noting(phone, done)  # type: ignore[method-assign]
    while True:
        location = await walk(desk, phone, person, key, f"/auth?{urlencode(query)}")
        form = {"grant_type": "authorization_code", "code": parse_qs(urlsplit(location).query)["code"][0],
                "redirect_uri": CALLBACK}  # fmt: skip
        got = (await phone.post_form(PATHS["token_endpoint"], form, Authorization=basic)).json()
        revoke = {"token": got["refresh_token"]}
        assert (await phone.post_form(PATHS["revocation_endpoint"], revoke, Authorization=basic)).status == 200
        claims = json.loads(tokens.decode(got["access_token"].split(".")[1]))
        done.revoked.append(claims["jti"].partition(".")[0])

        page = (await desk.post_form("/security/phones/voucher", {}, Origin=origin)).body.decode()
        voucher = (re.search(r"#enrol=([\w-]+)", page) or [""])[1]
        begun = await second.post_json("/phone/api/enrolments/options", {"voucher": voucher})
        body = {"voucher": voucher, "credential": SoftKey(origin).create(begun.json()["options"]), "name": "Second"}
        assert (await second.post_json("/phone/api/enrolments", body)).status == 200
        # Its id is in the database alone and on the phone's own page: the enrolment was acknowledged before.
        device = (await second.get("/phone/api/me")).json()["device"]["id"]
        done.enrolled.append(device)
        off = await desk.post_form(f"/security/phones/{device}/off", {}, Origin=origin)
        assert off.status == 303, off.body
        done.switched_off.append(device)


def _noting(wire: Wire, done: Acknowledged) -> Callable[..., object]:
    """Send as before, and note each approval when its answer comes."""
    send = wire.post_json

    async def sent(path: str, body: object, **headers: str) -> Answer:
        answer = await send(path, body, **headers)
        if path.endswith("/approve") and answer.status == 200:
            done.approved.append(path.split("/")[-2])
        return answer

    return sent


async def test_a_power_cut_loses_no_approval_enrolment_or_revocation(tmp_path: Path) -> None:
    with loop_disk(tmp_path) as disk, running(f"sqlite:///{disk}/identity.db", disk) as made:
        async with open_house(made.settings) as house:
            people, secrets = await furnish(house, MIDWIVES, made.settings.origin)
        done = Acknowledged()
        at_work = [asyncio.create_task(midwife(made, person, secrets["ES256"], done)) for person in people]
        async with asyncio.timeout(SECONDS_MAX):
            while len(done) < ENOUGH:
                assert not any(task.done() for task in at_work), [task.exception() for task in at_work if task.done()]
                await asyncio.sleep(0.01)
        for program in made.programs:
            os.killpg(program.pid, signal.SIGSTOP)
        try:
            with after_the_cut(tmp_path) as left:
                await asyncio.sleep(0.2)  # answers that were on their way are acknowledgements too
                for task in at_work:
                    task.cancel()
                await asyncio.gather(*at_work, return_exceptions=True)
                await _check(left, done)
        finally:
            for program in made.programs:
                os.killpg(program.pid, signal.SIGCONT)
            # A signal that comes with the thaw goes to any thread: it would not wake the one that is to stop.
            await asyncio.sleep(THAW_SECONDS)


async def _check(left: Path, done: Acknowledged) -> None:
    """Everything is there, and the ledger tells the same story."""
    with contextlib.closing(sqlite3.connect(left / "identity.db")) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db = connect(f"sqlite:///{left}/identity.db")
    await db.open()
    try:
        for what, sql in (
            (done.approved, "SELECT id FROM phone_asks WHERE answer = 'approved'"),
            (done.enrolled, "SELECT id FROM phone_credentials"),
            (done.switched_off, "SELECT id FROM phone_credentials WHERE revoked_at IS NOT NULL AND cookie IS NULL"),
            (done.revoked, "SELECT id FROM signin_grants WHERE ended_at IS NOT NULL"),
        ):
            assert len(what) > ENOUGH / 10
            assert set(what) <= {row["id"] for row in await db.all(sql)}, sql
        lines, _ = await verify_ledger(db, Keys.load(left / "keys"))
        assert lines > len(done)
        told = await db.all("SELECT act, facts FROM safe_ledger")
        for act, fact, what in (
            ("ask.approved", "ask", done.approved),
            ("phone.enrolled", "credential", done.enrolled),
            ("phone.revoked", "credential", done.switched_off),
            ("grant.ended", "grant", done.revoked),
        ):
            assert set(what) <= {json.loads(line["facts"])[fact] for line in told if line["act"] == act}, act
    finally:
        await db.close()
