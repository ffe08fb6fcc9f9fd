"""Every JSON door, asked by schemathesis with whatever its published document allows and forbids.

What comes in is hostile, and the same at each run; no door may stumble, and each answers as the document says.
First from a stranger; then from a browser whose cookies open the door, where what else is right (the start, the
code, the key's signature) may be there, so that the hostile rest is really looked at.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from lucine.app.answers import with_answers
from lucine.app.bench.soft_key import SoftKey
from lucine.app.connect import DOORS
from lucine.app.demo import PEOPLE
from lucine.officer.tests.kit import Officer, invite
from lucine.phone.enrolment import send_codes
from lucine.phone.notices import deliver_notices
from lucine.signin.discovery import PATHS
from lucine.web.openapi import openapi_document

from .world import ORIGIN, Desk, Phone, Service, World, open_world

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 30
HARD = settings(
    max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip

SCHEMA = schemathesis.openapi.from_dict(openapi_document(with_answers(DOORS), "Lucine Connect", ORIGIN))
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations()}
# A stream of events ends when its reader goes: only strangers ask for one here. What it says is tested elsewhere.
STREAMS = {label for label in OPERATIONS if label.endswith("/events")}

SUBSCRIPTION = {
    "endpoint": "https://push.example.com/x",
    # The point and the secret of RFC 8291 section 5.
    "keys": {
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg",
    },
}


class Ana:
    """Her phone, her desk where she is signed in and known, and a service; in a world with a loop of its own."""

    desk: Desk
    phone: Phone
    service: Service
    computer: SoftKey

    def __init__(self, world: World, run: Callable[[Any], Any]) -> None:
        self.world, self.run = world, run

    async def settle(self) -> None:
        self.service = await self.world.service(ciba="poll")
        self.phone = await self.world.phone("ana")

    async def sign_in(self) -> None:
        """Anew, in a browser that also holds her phone's cookie."""
        self.desk = self.world.desk()
        await self.world.sign_in(self.desk, self.phone, self.service, keep=True)
        for cookie in self.phone.http.cookies.jar:
            self.desk.http.cookies.jar.set_cookie(cookie)

    async def start(self) -> None:
        """A fresh start on her desk."""
        await self.desk.open_start(await self.desk.authorize(self.service, prompt="login"))

    async def scan(self) -> Any:
        return (await self.phone.scan(self.desk.qr())).json()

    async def phone_in_quarantine(self) -> str:
        """The id of another phone of hers, which codes alone have enrolled."""
        phone = self.world.bare_phone()
        assert (await phone.enrol(await self.world.voucher("ana", "codes"))).status_code == 200
        return str((await phone.get("me")).json()["device"]["id"])

    async def codes(self) -> dict[str, str]:
        """A request for codes, and the codes that her mail and her mobile were sent."""
        self.world.clock.pass_by(86401)  # she may ask three times a day
        asked = await self.phone.post("codes", await number_and_channels(self))
        for chore in (send_codes, deliver_notices):
            while await chore(self.world.house, self.world.clock.now):
                pass
        found = {"request": asked.json()["request"]}
        for letter in sorted(Path(f"{self.world.folder}/post").glob("[!.]*")):
            text = letter.read_text().replace("=\n", "")
            if code := re.search(r"code est (\w{8})", text):
                found["mail_code" if "To: ana@exemple.invalid" in text else "sms_code"] = code[1]
        return found


# What is right in the body of each door at this moment, made by the door's own rules.


async def browser_key(ana: Ana) -> dict[str, Any]:
    return {"jwk": ana.desk.key.jwk, **await signature(ana)}


async def signature(ana: Ana) -> dict[str, Any]:
    return {"signature": ana.desk.key.sign(ana.desk.start, ana.desk.facts["nonce"])}


async def typed_code(ana: Ana) -> dict[str, Any]:
    ana.world.clock.pass_by(86401)  # it is armed three times a day
    await ana.phone.post("fallback")
    ana.world.clock.pass_by(3601)
    code = (await ana.phone.get("fallback")).json()["code"]
    # The start is older than that by now: the same again, with time for it.
    await ana.start()
    return {"code": code}


async def computer_key(ana: Ana) -> dict[str, Any]:
    """A passkey of her computer, and its signature for the start that is open."""
    registered = await new_passkey(ana)
    await ana.desk.post("/security/passkeys", registered)
    options = (await ana.desk.post(f"/start/{ana.desk.start}/passkey/options")).json()["options"]
    return {"credential": ana.computer.get(options)}


async def new_passkey(ana: Ana) -> dict[str, Any]:
    ana.computer = SoftKey(ORIGIN)
    options = (await ana.desk.post("/security/passkeys/options")).json()["options"]
    return {"credential": ana.computer.create(options), "name": "Ordinateur"}


async def approved(ana: Ana) -> dict[str, Any]:
    assert (await ana.phone.approve(await ana.scan())).status_code == 200
    return {}


async def approval(ana: Ana) -> dict[str, Any]:
    ask = await ana.scan()
    ana.phone.key.count += 1
    return {"credential": ana.phone.key.get(ask["options"])}


async def scanned(ana: Ana) -> dict[str, Any]:
    await ana.scan()
    return {"reason": "changed_mind"}


async def screen(ana: Ana) -> dict[str, Any]:
    return {"code": ana.desk.qr()}


async def screen_code(ana: Ana) -> dict[str, Any]:
    form = {"scope": "openid", "login_hint": PEOPLE["ana"][0]}
    path = PATHS["backchannel_authentication_endpoint"]
    begun = await ana.world.browser().post(path, data=form, auth=ana.service.basic)
    return {"code": begun.json()["screen_code"]}


async def voucher(ana: Ana) -> dict[str, Any]:
    return {"voucher": await ana.world.voucher("ana")}


async def enrolment(ana: Ana) -> dict[str, Any]:
    secret = await voucher(ana)
    options = (await ana.phone.post("enrolments/options", secret)).json()["options"]
    return {**secret, "credential": SoftKey(ORIGIN).create(options), "name": "Téléphone"}


async def subscription(_: Ana) -> dict[str, Any]:
    return {"subscription": SUBSCRIPTION}


async def number_and_channels(ana: Ana) -> dict[str, Any]:
    return {"number": PEOPLE["ana"][0], "mail": "ana@exemple.invalid", "mobile": "0600000001"}


async def invitation(ana: Ana) -> dict[str, Any]:
    return {"invitation": (await invite(ana.world))[1]}


async def officers_new_key(ana: Ana) -> dict[str, Any]:
    invited = await invitation(ana)
    options = (await ana.desk.post("/watch/invitation/options", invited)).json()["options"]
    return {**invited, "credential": SoftKey(ORIGIN).create(options)}


async def officers_key(ana: Ana) -> dict[str, Any]:
    """The answer of an officer's passkey to what this browser was asked."""
    officer = Officer(ana.world, ana.desk.http)
    assert (await officer.accept((await invite(ana.world))[1])).status_code == 200
    return await officer.assertion()


RIGHT: dict[str, Callable[[Ana], Awaitable[dict[str, Any]]]] = {
    "POST /start/{start}/browser": browser_key,
    "POST /start/{start}/proof": signature,
    "POST /start/{start}/ring": signature,
    "POST /start/{start}/typed": typed_code,
    "POST /start/{start}/passkey": computer_key,
    "POST /start/{start}/finish": approved,
    "POST /security/passkeys": new_passkey,
    "POST /watch/invitation/options": invitation,
    "POST /watch/invitation": officers_new_key,
    "POST /watch/sign-in": officers_key,
    "POST /phone/api/asks/{ask}/approve": approval,
    "POST /phone/api/asks/{ask}/refuse": scanned,
    "POST /phone/api/history/{ask}/not-me": scanned,
    "POST /phone/api/push": subscription,
    "POST /phone/api/claims": screen,
    "POST /phone/api/waiting": screen_code,
    "POST /phone/api/enrolments/options": voucher,
    "POST /phone/api/enrolments": enrolment,
    "POST /phone/api/codes": number_and_channels,
    "POST /phone/api/codes/check": Ana.codes,
}


@pytest.fixture(scope="module")
def ana(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ana]:
    """Hypothesis is not asynchronous: the world has a loop that is run for one request after the other."""
    folder = tmp_path_factory.mktemp("openapi")
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        world = runner.run(stack.enter_async_context(open_world(f"sqlite:///{folder}/test.db", folder)))
        made = Ana(world, runner.run)
        runner.run(made.settle())
        yield made
        runner.run(stack.aclose())


def hostile(label: str) -> "st.SearchStrategy[Case]":
    """Requests that the document allows, and where there is something to be wrong, requests that it forbids."""
    operation = OPERATIONS[label]
    allowed, forbidden = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)
    return allowed | forbidden if operation.body else allowed


async def send(client: httpx.AsyncClient, case: Case) -> httpx.Response:
    asked = case.as_transport_kwargs(base_url=ORIGIN)
    content = {"json": asked["json"]} if "json" in asked else {"content": asked.get("data")}
    # As the browser that opened the start: another one would be odd for her, and asked for one more proof.
    headers = {name: value for name, value in asked["headers"].items() if name.lower() != "user-agent"}
    headers["Origin"] = ORIGIN
    return await client.request(asked["method"], asked["url"], headers=headers, **content)


def test_the_document_is_published(ana: Ana) -> None:
    assert ana.run(ana.world.browser().get("/openapi.json")).json() == SCHEMA.raw_schema


@pytest.mark.parametrize("label", OPERATIONS)
def test_a_stranger(ana: Ana, label: str) -> None:
    @HARD
    @given(hostile(label))
    def ask(case: Case) -> None:
        answer = ana.run(send(ana.world.browser(), case))
        case.validate_response(answer, checks=CHECKS)

    ask()


@pytest.mark.parametrize("label", [label for label in OPERATIONS if label not in STREAMS])
def test_ana(ana: Ana, label: str) -> None:
    seen = set()
    # Where the path is right and there is no body, every request is the same.
    hard = HARD if OPERATIONS[label].body else settings(HARD, max_examples=3)

    @hard
    @given(hostile(label), st.sampled_from(["hostile", "all but the key's answer", "right"]))
    def ask(case: Case, how: str) -> None:
        known = ana.run(prepare(ana, label, case))
        if isinstance(case.body, dict) and how != "hostile":
            case.body |= {name: known[name] for name in known if how == "right" or name != "credential"}
        answer = ana.run(send(ana.desk.http, case))
        seen.add(answer.status_code)
        case.validate_response(answer, checks=CHECKS)

    ana.run(ana.sign_in())
    ask()
    assert 200 in seen, "the document's answer was looked at"


async def prepare(ana: Ana, label: str, case: Case) -> dict[str, Any]:
    """A right path, and what would be right in the body."""
    await ana.start()
    known = await RIGHT[label](ana) if label in RIGHT else {}
    path = {"start": ana.desk.start, "ask": ana.desk.facts["ask"], "card": "refused"}
    if "{device}" in label:
        path["device"] = await ana.phone_in_quarantine()
    case.path_parameters = {name: path[name] for name in case.path_parameters}
    return known
