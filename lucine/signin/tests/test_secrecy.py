"""Nothing that opens a door, and nobody's name or number, is written where it should not be (C23)."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.world import World

from .kit import came_back, claims_of, header_of

# Runs in a process of its own: loggers are set up once in each. Prints the secrets it saw on standard output,
# one a line, and logs at debug level, with everything the libraries have to say, on standard error.
WALK = """
import asyncio, json, logging, pathlib, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
from joserfc.jwk import ECKey
from lucine.app.demo import PEOPLE
from lucine.signin.chores import clean_signin
from lucine.signin.deliveries import deliver
from lucine.signin.discovery import PATHS
from lucine.signin.tests.kit import *
from tests.world import ORIGIN, SERVICE, open_world

async def walk(folder):
    seen = []
    async with open_world(f"sqlite:///{folder}/t.db", folder) as world:
        await with_outside(world, 500)
        world.house.egress.status = 500
        service = await world.service(ciba="poll", logout_uri=f"{SERVICE}/told")
        desk, phone = world.desk(), world.bare_phone()
        voucher = await world.voucher("ana")
        enrolled = await phone.enrol(voucher)
        seen += [voucher, *enrolled.json()["recovery_codes"]]
        await desk.open_start(await desk.authorize(service, login_hint=PEOPLE["ana"][0], state="secret-state"))
        seen += [desk.facts["key"], desk.qr().rpartition(".")[2]]
        await desk.show_key()
        await phone.approve((await phone.scan(desk.qr())).json(), keep=True)
        back = await desk.code()
        seen += [back["code"], desk.verifier, service.secret]
        key = ECKey.generate_key("P-256")
        text = proof(world, key, TOKEN)
        form = redeeming(desk, service, back)
        await world.token(service, {**form, "code_verifier": "x" * 43 + "wrong-verifier"}, headers={"DPoP": text})
        back = came_back(await desk.authorize(service))
        got = (await world.redeem(desk, service, back)).json()
        seen += [back["code"], text]
        seen += [got[name] for name in ("access_token", "refresh_token", "id_token", "login_hint_token")]
        for token in (got["access_token"], got["refresh_token"]):
            await world.userinfo(token)
            await world.userinfo(token + "x")
            await world.browser().post(INTROSPECT, data={"token": token}, auth=service.basic)
        await world.token(service, refreshing(got))
        await world.token(service, refreshing(got))
        await world.token(service, refreshing(got), auth=("service", "wrong-secret-of-somebody"))
        seen.append("wrong-secret-of-somebody")
        started = await world.browser().post(
            CIBA, data={"scope": "openid", "login_hint": PEOPLE["ana"][0]}, auth=service.basic)
        seen += [started.json()["auth_req_id"], started.json()["screen_code"].replace(" ", "")]
        await phone.post("waiting", {"code": started.json()["screen_code"]})
        for address in (f"/auth?client_id=nobody&state={back['code']}", f"/start/{got['refresh_token']}",
                        f"/nowhere/{got['refresh_token']}", f"{LOGOUT}?id_token_hint={got['id_token']}x"):
            await desk.http.get(address)
        await phone.post("claims", {"code": desk.qr()})
        hers = {"number": PEOPLE["ana"][0], "mail": "ana@exemple.invalid", "mobile": "06 00 00 00 01"}
        await phone.post("codes", hers)
        await desk.http.post("/lost", data={"code": enrolled.json()["recovery_codes"][0]}, headers={"Origin": ORIGIN})
        await desk.http.get(LOGOUT, params={"id_token_hint": got["id_token"]})
        await deliver(world.house, world.clock.now)
        await clean_signin(world.house, world.clock.now)
        for client in (desk.http, phone.http):
            seen += [cookie.value for cookie in client.cookies.jar if cookie.name != "__Host-language"]
        seen.append(json.loads((folder / "keys.json").read_text())["master"])
        for person in PEOPLE.values():
            seen += [person[0], person[1]]
        seen += ["ana@exemple", "0600000001"]
    return seen

print("\\n".join(value for value in asyncio.run(walk(pathlib.Path(sys.argv[1]))) if value))
"""


def _walk(folder: Path) -> tuple[list[str], str]:
    environment = {**os.environ, "LUCINE_TEST_LOG": "debug"}
    done = subprocess.run(
        [sys.executable, "-c", WALK, str(folder)], capture_output=True, text=True, env=environment, timeout=120,
        cwd=Path(__file__).parents[3], check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.split("\n"), done.stderr


def test_c23_a_whole_sign_in_leaves_no_secret_and_no_person_in_the_logs(tmp_path: Path) -> None:
    """Nor does the database hold anything as it is presented: digests and sealed values only."""
    secrets, log = _walk(tmp_path)
    secrets = [secret for secret in secrets if secret]
    assert len(secrets) > 25
    ours = [line for line in log.splitlines() if line.startswith("{")]
    assert len(ours) > 5, "there is a log at all"
    events = {json.loads(line)["event"] for line in ours}
    assert {"refused", "delivery"} <= events
    # The libraries' own debug lines of the test's client name the addresses it calls: those are the client's, not ours.
    server = "\n".join(line for line in log.splitlines() if not re.match(r"(DEBUG|INFO):(httpx|httpcore)", line))
    assert [secret for secret in secrets if secret in server] == []
    numbers = re.findall(r"(?<!\d)\d{11,12}(?!\d)", "\n".join(ours))
    assert numbers == []
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("t.db*"))
    opening = [secret for secret in secrets if len(secret) > 20 and secret.encode() in stored]
    assert opening == []


async def test_c23_ids_of_the_ledger_are_opaque(small_world: World) -> None:
    await small_world.tokens()
    lines = await small_world.house.db.all("SELECT act, who, facts FROM safe_ledger")
    assert len(lines) > 4
    whole = "\n".join(f"{line['act']} {line['who']} {line['facts']}" for line in lines)
    for word in ("99700999917", "MERIDIEN", "Ana", "@"):
        assert word not in whole


async def test_c23_no_address_that_a_browser_follows_carries_a_token(small_world: World) -> None:
    got, service, desk = await small_world.tokens()
    answer = await desk.authorize(service)
    back = came_back(answer)
    assert set(back) == {"code", "state", "iss"}
    assert got["access_token"] not in answer.text
    assert header_of(got["id_token"])["typ"] == "JWT"
    assert claims_of(got["id_token"])["sub"]
