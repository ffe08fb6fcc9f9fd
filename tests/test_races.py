"""One-time things, sent eight times at once on eight connections to two processes of Connect: exactly one wins.

The processes are the program itself, on one database, with a real clock. What is not the race is set up
straight in the database. LUCINE_RACE_ROUNDS sets how often each race is run.
"""

import asyncio
import base64
import hashlib
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from lucine.app.bench.soft_key import SoftKey
from lucine.app.bench.stage import Person, furnish
from lucine.app.bench.wire import Answer, Wire
from lucine.app.connect import open_house
from lucine.phone import asks
from lucine.phone.enrolment import make_voucher
from lucine.safe import tokens
from lucine.signin.authorization import Request
from lucine.signin.client_auth import ASSERTION_TYPE
from lucine.signin.clients import Client, add_client
from lucine.signin.discovery import PATHS
from lucine.signin.grants import Grant, add_grant, issue_code, issue_refresh
from lucine.signin.sessions import Session, open_session
from lucine.web import House

from .running import Running, running

ROUNDS = int(os.environ.get("LUCINE_RACE_ROUNDS", "100"))
TIMES, PROCESSES = 8, 2
TOKEN, REVOKE = PATHS["token_endpoint"], PATHS["revocation_endpoint"]
PAR = PATHS["pushed_authorization_request_endpoint"]
CIBA_GRANT = "urn:openid:params:grant-type:ciba"
CALLBACK = "https://service.test/callback"
KINDS = [pytest.param(kind, marks=pytest.mark.xdist_group(f"races-{kind}")) for kind in ("sqlite", "postgresql")]


@pytest.fixture(scope="module", params=KINDS)
def twins(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, new_database: Any
) -> Iterator[Running]:
    """Two processes of Connect on a database of each kind."""
    folder = tmp_path_factory.mktemp(request.param)
    # A whole race may last longer than an access token usually does.
    with running(new_database(request.param, folder), folder, PROCESSES, LUCINE_ACCESS_TOKEN_SECONDS="900") as made:
        yield made


@dataclass
class Course:
    """Eight connections, who runs, and a house of ours on the same database to set a race up."""

    house: House
    wires: list[Wire]
    person: Person
    secret: str
    session: Session
    session_cookie: str

    @property
    def origin(self) -> str:
        return self.house.settings.origin

    @property
    def basic(self) -> dict[str, str]:
        return {"Authorization": "Basic " + base64.b64encode(f"bench-ES256:{self.secret}".encode()).decode()}

    async def race(
        self, send: Callable[[Wire], Awaitable[Answer]], *, good: int = 200, lost: int = 400, **cookies: str
    ) -> Answer:
        """Eight times at once, from browsers with these cookies: the one that wins. Every other is refused as ``lost``."""
        for wire in self.wires:
            wire.cookies = {f"__Host-{name}": value for name, value in cookies.items()}
        answers = await asyncio.gather(*(send(wire) for wire in self.wires))
        found = sorted(answer.status for answer in answers)
        assert found == sorted([good] + [lost] * (TIMES - 1)), [
            (answer.status, answer.body[:200]) for answer in answers
        ]
        return next(answer for answer in answers if answer.status == good)

    async def race_json(self, path: str, body: Any, *, lost: int = 410, **cookies: str) -> Answer:
        return await self.race(lambda wire: wire.post_json(path, body, Origin=self.origin), lost=lost, **cookies)

    async def redeem(self, form: dict[str, str]) -> Answer:
        return await self.race(lambda wire: wire.post_form(TOKEN, form, **self.basic))

    async def alone(self, path: str, body: Any, **cookies: str) -> Any:
        """One request that is not raced."""
        wire = self.wires[-1]
        wire.cookies = {f"__Host-{name}": value for name, value in cookies.items()}
        answer = await wire.post_json(path, body, Origin=self.origin)
        assert answer.status == 200, answer.body
        return answer.json()

    def proof(self, key: ECKey, method: str, path: str, **more: str) -> str:
        """A DPoP proof (RFC 9449 section 4.2)."""
        claims = {"htm": method, "htu": self.origin + path, "iat": int(time.time()), "jti": tokens.new_secret(), **more}
        return _sign(key, {"typ": "dpop+jwt", "jwk": key.as_dict(private=False)}, claims)


def _sign(key: ECKey, header: dict[str, Any], claims: dict[str, Any]) -> str:
    return jws.serialize_compact({"alg": "ES256", **header}, json.dumps(claims).encode(), key, algorithms=["ES256"])


@pytest.fixture
async def course(twins: Running) -> AsyncIterator[Course]:
    wires = [Wire(twins.ports[number % PROCESSES]) for number in range(TIMES)]
    async with open_house(twins.settings) as house:
        async with house.db.transaction() as db:  # each test has people and services of its own
            for table in ("signin_clients", "phone_credentials", "phone_holders"):
                await db.run(f"DELETE FROM {table}")
        people, secrets = await furnish(house, 1, twins.settings.origin)
        async with house.db.transaction() as db:
            session, cookie = await open_session(
                db, time.time(), house.keys, house.settings, holder=people[0].holder, method="phone", ask="",
                browser=None, browser_name="", place="",
            )  # fmt: skip
        yield Course(house, wires, people[0], secrets["ES256"], session, cookie)
    for wire in wires:
        await wire.close()


def _grant(course: Course) -> Grant:
    return Grant(
        id=tokens.new_secret(128), session=course.session.id, client="bench-ES256", scope="openid", nonce="",
        dpop_key="", certificate="",
    )  # fmt: skip


async def _code(course: Course) -> dict[str, str]:
    """A code, as single sign-on gives it, and the form that redeems it."""
    request = Request(client="bench-ES256", redirect_uri=CALLBACK, scope="openid")
    async with course.house.db.transaction() as db:
        code = await issue_code(db, time.time(), course.house.keys, request=request, session=course.session)
    return {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}


async def test_c10_codes(course: Course) -> None:
    for _ in range(ROUNDS):
        assert (await course.redeem(await _code(course))).json()["access_token"]


async def test_c15_refresh_tokens(course: Course) -> None:
    house = course.house
    for _ in range(ROUNDS):
        async with house.db.transaction() as db:
            await add_grant(db, time.time(), grant := _grant(course))
            refresh = await issue_refresh(db, time.time(), house.keys, house.settings, grant)
        assert not isinstance(refresh, str), refresh
        await course.redeem({"grant_type": "refresh_token", "refresh_token": refresh.token})


async def test_p4_pushed_requests(course: Course) -> None:
    form = {"client_id": "bench-ES256", "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid"}
    for _ in range(ROUNDS):
        pushed = await course.wires[0].post_form(PAR, form, **course.basic)
        assert pushed.status == 201, pushed.body
        asked = f"/auth?{urlencode({'client_id': 'bench-ES256', 'request_uri': pushed.json()['request_uri']})}"
        back = await course.race(lambda wire, asked=asked: wire.get(asked), good=303, connect=course.session_cookie)
        assert back.headers["location"].startswith(f"{CALLBACK}?code=")


async def test_k5_auth_req_ids(course: Course) -> None:
    phone = course.person.cookie
    form = {"scope": "openid", "login_hint": "99000000000"}
    for _ in range(ROUNDS):
        begun = await course.wires[0].post_form(PATHS["backchannel_authentication_endpoint"], form, **course.basic)
        started = begun.json()
        ask = await course.alone("/phone/api/waiting", {"code": started["screen_code"]}, phone=phone)
        await course.alone(f"/phone/api/asks/{ask['id']}/approve", _approval(course.person.key, ask), phone=phone)
        await course.redeem({"grant_type": CIBA_GRANT, "auth_req_id": started["auth_req_id"]})


def _approval(key: SoftKey, ask: dict[str, Any]) -> dict[str, Any]:
    key.count += 1
    return {"credential": key.get(ask["options"]), "keep": False}


async def test_approvals_and_finishes(course: Course) -> None:
    query = {"client_id": "bench-ES256", "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid"}
    desk, phone = course.wires[0], course.person.cookie
    for _ in range(ROUNDS):
        desk.cookies = {}
        start = (await desk.get(f"/auth?{urlencode(query)}")).headers["location"]
        visit = desk.cookies["__Host-visit"]
        row = await course.house.db.one("SELECT ask FROM signin_starts WHERE id = :id", id=start.rpartition("/")[2])
        assert row
        second = int(time.time())
        mac = asks.screen_mac(asks.screen_key(course.house.keys, row["ask"]), row["ask"], second)
        ask = await course.alone("/phone/api/claims", {"code": f"scan={row['ask']}.{second}.{mac}"}, phone=phone)
        await course.race_json(f"/phone/api/asks/{ask['id']}/approve", _approval(course.person.key, ask), phone=phone)
        done = await course.race_json(f"{start}/finish", {}, visit=visit)
        assert parse_qs(urlsplit(done.json()["location"]).query)["code"]


async def test_w1_enrolment_challenges(course: Course) -> None:
    """Both one-time things of an enrolment: the voucher that asks for a challenge, and the challenge."""
    for _ in range(ROUNDS):
        async with course.house.db.transaction() as db:
            voucher = await make_voucher(
                db, time.time(), course.house.keys, holder=course.person.holder, kind="operator"
            )
        begun = await course.race_json("/phone/api/enrolments/options", {"voucher": voucher})
        credential = SoftKey(course.origin).create(begun.json()["options"])
        body = {"voucher": voucher, "credential": credential, "name": "Téléphone"}
        assert (await course.race_json("/phone/api/enrolments", body)).json()["usable_at"]
        # Else each round's list of her phones, which no key may be twice on, is longer than the last one's.
        async with course.house.db.transaction() as db:
            await db.run("DELETE FROM phone_credentials WHERE holder = :holder", holder=course.person.holder)


async def test_w1_passkey_challenges(course: Course) -> None:
    for _ in range(ROUNDS):
        options = await course.alone("/security/passkeys/options", {}, connect=course.session_cookie)
        body = {"credential": SoftKey(course.origin).create(options["options"]), "name": "Ordinateur"}
        await course.race_json("/security/passkeys", body, connect=course.session_cookie)
        async with course.house.db.transaction() as db:
            await db.run("DELETE FROM phone_credentials WHERE kind = 'computer'")


async def test_d2_dpop_proofs(course: Course) -> None:
    key, path = ECKey.generate_key("P-256"), PATHS["userinfo_endpoint"]
    proof = course.proof(key, "POST", TOKEN)
    got = (await course.wires[0].post_form(TOKEN, await _code(course), **course.basic, DPoP=proof)).json()
    ath = tokens.encode(hashlib.sha256(got["access_token"].encode()).digest())
    for _ in range(ROUNDS):
        headers = {"Authorization": f"DPoP {got['access_token']}", "DPoP": course.proof(key, "GET", path, ath=ath)}
        said = await course.race(lambda wire, headers=headers: wire.get(path, **headers), lost=401)
        assert said.json()["sub"]


async def test_c14_client_assertions(course: Course) -> None:
    key = ECKey.generate_key("P-256")
    client = Client(
        id="keyed", name="Keyed", redirect_uris=[CALLBACK], auth_method="private_key_jwt",
        jwks={"keys": [key.as_dict(private=False)]},
    )  # fmt: skip
    async with course.house.db.transaction() as db:
        await add_client(db, time.time(), course.house.keys, client)
    for _ in range(ROUNDS):
        now = int(time.time())
        said = {"iss": "keyed", "sub": "keyed", "aud": course.origin, "exp": now + 60, "jti": tokens.new_secret()}
        form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": _sign(key, {}, said), "token": "unknown"}
        await course.race(lambda wire, form=form: wire.post_form(REVOKE, form), lost=401)
