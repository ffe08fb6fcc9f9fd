"""What the tests of the incident room share."""

import json
from urllib.parse import urlencode

import httpx

from lucine.app.bench.soft_key import SoftKey
from lucine.habits.facts import Facts
from lucine.habits.incidents import find_incident
from lucine.phone.enrolment import new_recovery_codes
from lucine.phone.notices import Message
from tests.world import ORIGIN, Desk, Phone, World


async def post(http: httpx.AsyncClient, path: str, **form: str) -> httpx.Response:
    headers = {"Origin": ORIGIN, "Content-Type": "application/x-www-form-urlencoded"}
    return await http.post(path, content=urlencode(form), headers=headers)


async def signed_in(world: World, phone: Phone) -> Desk:
    """A desk with a session on Connect itself."""
    desk = world.desk()
    world.clock.pass_by(1)
    await desk.open_start(await desk.http.get("/security"))
    await phone.approve((await phone.scan(desk.qr())).json())
    assert (await desk.finish()).status_code == 200
    return desk


async def begin(http: httpx.AsyncClient, path: str, **form: str) -> str:
    """The id of the incident."""
    answer = await post(http, f"/incident/new/{path}", **form)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].rpartition("/")[2]


async def in_session(desk: Desk) -> bool:
    return (await desk.http.get("/security")).status_code == 200


async def codes_of(world: World, person: str) -> list[str]:
    holder = await world.holder(person)
    async with world.house.db.transaction() as db:
        return await new_recovery_codes(db, world.clock.now, world.house.keys, holder=holder)


async def told(world: World) -> list[Message]:
    rows = await world.house.db.all("SELECT id, sealed FROM phone_notices ORDER BY made_at, id")
    sealed = [world.house.keys.unseal(f"phone_notices.{row['id']}", row["sealed"]) for row in rows]
    return [Message(**json.loads(one)) for one in sealed]


async def facts_of(world: World, person: str, incident: str) -> Facts:
    """What she said, as it is kept."""
    found = await find_incident(world.house.db, world.house.keys, holder=await world.holder(person), incident=incident)
    return found.facts


async def state(phone: Phone) -> str:
    return str((await phone.get("me")).json()["state"])


async def show_passkey(world: World, key: SoftKey) -> tuple[Desk, httpx.Response]:
    """At another computer: that desk, and what the passkey is answered."""
    desk = world.desk()
    world.clock.pass_by(1)
    await desk.open_start(await desk.http.get("/security"))
    options = (await desk.post(f"/start/{desk.start}/passkey/options")).json()["options"]
    key.count += 1
    return desk, await desk.post(f"/start/{desk.start}/passkey", {"credential": key.get(options)})


async def passkey_sign_in(world: World, key: SoftKey) -> bool:
    """Whether who has this passkey gets in, at another computer."""
    _, answer = await show_passkey(world, key)
    return answer.status_code == 200
