"""What the watch is told of starts, through the doors: each once, whatever it came to."""

import random

from lucine.app.chores import clean_watch
from lucine.app.demo import PEOPLE
from lucine.phone.chores import clean_phone
from lucine.signin.chores import clean_signin
from lucine.signin.discovery import PATHS
from lucine.signin.watching import note_starts, watch_sources
from lucine.watch.alarms import close_alarm, open_alarms
from lucine.watch.campaign import Weighed, weigh
from lucine.watch.detector import Named
from lucine.watch.events import ADDRESS_KEPT_SECONDS, Event, Outcome, hourly, number_digest, recent_events
from tests.world import World

CIBA = PATHS["backchannel_authentication_endpoint"]
STRANGER = "899700123456"


async def noted(world: World) -> list[tuple[str, str, str]]:
    """After everything is over: channel, outcome and whether the browser was known, oldest first."""
    world.clock.pass_by(world.house.settings.long_start_seconds + 1)
    await note_starts(world.house, world.clock.now)
    rows = await recent_events(world.house.db, since=0)
    return [(row["channel"], row["outcome"], "known" if row["known"] else "unknown") for row in reversed(rows)]


def number(person: str) -> str:
    return f"8{PEOPLE[person][0]}"


async def test_a_completed_sign_in_and_whose_it_was(world: World) -> None:
    service, phone = await world.service(), await world.phone("ana")
    await world.sign_in(world.desk(), phone, service)
    assert await noted(world) == [("page", "completed", "unknown")]
    row = (await recent_events(world.house.db, since=0))[0]
    assert row["number"] == number_digest(world.house.keys, number("ana"))
    assert row["holder"] == await world.holder("ana")
    assert row["newcomer"] == 1
    assert row["client"] == "service"


async def test_who_came_before_is_no_newcomer(world: World) -> None:
    service, phone = await world.service(), await world.phone("ana")
    await world.sign_in(world.desk(), phone, service)
    await note_starts(world.house, world.clock.now)
    await world.sign_in(world.desk(), phone, service)
    await noted(world)
    assert [row["newcomer"] for row in await recent_events(world.house.db, since=0)] == [0, 1]


async def test_each_end_has_its_name(world: World) -> None:
    service, phone = await world.service(), await world.phone("ana")
    left, cancelled, refused, frightened = (world.desk() for _ in range(4))
    await left.open_start(await left.authorize(service, login_hint=number("ana")))
    await cancelled.open_start(await cancelled.authorize(service))
    await cancelled.post(f"/start/{cancelled.start}/cancel")
    for desk, reason in ((refused, "changed_mind"), (frightened, "not_me")):
        await desk.open_start(await desk.authorize(service))
        ask = (await phone.scan(desk.qr())).json()
        assert (await phone.post(f"asks/{ask['id']}/refuse", {"reason": reason})).status_code == 200
    nobody, unenrolled = world.desk(), world.desk()
    await nobody.open_start(await nobody.authorize(service, login_hint=STRANGER))
    await unenrolled.open_start(await unenrolled.authorize(service, login_hint=number("bea")))
    outcomes = sorted(outcome for _, outcome, _ in await noted(world))
    assert outcomes == ["abandoned", "changed_mind", "expired", "not_me", "unknown_number", "unknown_number"]


async def test_requests_of_ciba_too(world: World) -> None:
    service = await world.service("ciba", ciba="poll")
    await world.phone("ana")
    for named in (number("ana"), STRANGER):
        asked = await world.browser().post(CIBA, data={"scope": "openid", "login_hint": named}, auth=service.basic)
        assert asked.status_code == 200, asked.text
    found = await noted(world)
    assert sorted(found) == [("ciba", "expired", "unknown"), ("ciba", "unknown_number", "unknown")]


async def test_a_known_browser_is_known(world: World) -> None:
    service, phone, desk = await world.service(), await world.phone("ana"), world.desk()
    await world.sign_in(desk, phone, service, keep=True)
    await desk.open_start(await desk.authorize(service, prompt="login"))
    rung = await desk.ring()
    assert rung.status_code == 200, rung.text
    assert [known for _, _, known in await noted(world)] == ["unknown", "known"]


async def test_each_is_noted_once_and_counted_by_the_hour(world: World) -> None:
    service, phone = await world.service(), await world.phone("ana")
    await world.sign_in(world.desk(), phone, service)
    for _ in range(3):
        await note_starts(world.house, world.clock.now)
    assert len(await noted(world)) == 1
    counted = await hourly(world.house.db, since=0, before=world.clock.now)
    assert [(row["outcome"], row["events"]) for row in counted] == [("completed", 1)]


async def test_not_me_afterwards_corrects_the_event_and_its_hour(world: World) -> None:
    service, phone = await world.service(), await world.phone("ana")
    await world.sign_in(world.desk(), phone, service)
    await noted(world)
    ask = (await recent_events(world.house.db, since=0))[0]["id"]
    assert (await phone.post(f"history/{ask}/not-me")).status_code == 200
    assert (await recent_events(world.house.db, since=0))[0]["outcome"] == "not_me"
    counted = await hourly(world.house.db, since=0, before=world.clock.now)
    assert {row["outcome"]: row["events"] for row in counted} == {"completed": 0, "not_me": 1}


async def test_nothing_is_forgotten_before_the_watch_was_told(world: World) -> None:
    """The cleaning runs for a day while the watch stands still: the start is still there to be told of."""
    service, phone, desk = await world.service(), await world.phone("ana"), world.desk()
    await desk.open_start(await desk.authorize(service, login_hint=number("ana")))
    refused = world.desk()
    await refused.open_start(await refused.authorize(service))
    ask = (await phone.scan(refused.qr())).json()
    await phone.post(f"asks/{ask['id']}/refuse", {"reason": "changed_mind"})
    world.clock.pass_by(2 * 86400)
    await clean_phone(world.house, world.clock.now)
    await clean_signin(world.house, world.clock.now)
    assert sorted(outcome for _, outcome, _ in await noted(world)) == ["changed_mind", "expired"]
    await clean_signin(world.house, world.clock.now)
    assert await world.house.db.all("SELECT id FROM signin_starts") == []


async def test_addresses_go_after_thirty_days_and_their_hash_stays(world: World) -> None:
    service, phone = await world.service(), await world.phone("ana")
    await world.sign_in(world.desk(), phone, service)
    await noted(world)
    before = await world.house.db.one("SELECT address, source FROM watch_events")
    assert before is not None
    assert before["address"]
    world.clock.pass_by(ADDRESS_KEPT_SECONDS + 1)
    await clean_watch(world.house, world.clock.now)
    after = await world.house.db.one("SELECT address, source FROM watch_events")
    assert after is not None
    assert (after["address"], after["source"]) == (None, before["source"])


async def feed(world: World, many: int, outcome: Outcome, *, chance: random.Random, address: str = "") -> None:
    """Synthetic events, as the chore hands them down, one every twenty seconds."""
    for begin in range(0, many, 500):
        batch = []
        for _ in range(min(500, many - begin)):
            world.clock.pass_by(20)
            value = chance.randrange(10**9)
            end: Outcome = outcome if outcome != "completed" or chance.random() < 0.94 else "expired"
            event = Event(
                id=f"{chance.getrandbits(64):x}", at=world.clock.now, over_at=world.clock.now, client="service",
                channel="page", known=False, number=value.to_bytes(32), holder="",
                newcomer=int(end == "unknown_number"), near="", address=address or f"10.{chance.randrange(99)}.0.1",
                outcome=end,
            )  # fmt: skip
            named = None if end == "completed" else Named(number=value, town=str(value % 3000), profession="")
            batch.append(Weighed(event=event, named=named, repeated=False))
        async with world.house.db.transaction() as db:
            await weigh(db, world.clock.now, world.house.keys, batch)


async def test_a_walk_through_the_doors_raises_an_alarm_that_says_what_it_saw(world: World) -> None:
    service, chance = await world.service(), random.Random(1)
    await feed(world, 20_000, "completed", chance=chance)
    assert await open_alarms(world.house.db) == []
    for tried in range(40):
        desk = world.desk()
        await desk.authorize(service, login_hint=f"8997001{tried:05d}")
        world.clock.pass_by(300)
        await note_starts(world.house, world.clock.now)
    alarms = [alarm for alarm in await open_alarms(world.house.db) if alarm.family == "outcomes"]
    assert {alarm.client for alarm in alarms} == {"", "service"}
    alarm = next(alarm for alarm in alarms if alarm.client == "service")
    evidence = alarm.evidence
    assert evidence.seen["unknown_number"] >= 10
    assert evidence.seen["unknown_number"] > evidence.expected["unknown_number"]
    assert evidence.numbers >= 10
    assert evidence.certainty > 10
    assert evidence.services == {"service": evidence.events - int(evidence.seen["completed"])}
    lines = await world.house.db.all("SELECT act FROM safe_ledger WHERE act = 'alarm.opened'")
    assert len(lines) >= 2

    # It grows, it is one alarm, and when an officer closes it as ordinary it is learned.
    world.clock.pass_by(120)
    await feed(world, 50, "unknown_number", chance=chance)
    grown = next(a for a in await open_alarms(world.house.db) if a.client == "service" and a.feature == "outcomes")
    assert grown.id == alarm.id
    assert grown.grown_at > alarm.grown_at
    async with world.house.db.transaction() as db:
        for one in await open_alarms(db):
            await close_alarm(db, world.clock.now, world.house.keys, alarm=one.id, by="officer", ordinary=True)
    await feed(world, 2, "unknown_number", chance=chance)
    assert await open_alarms(world.house.db) == []


async def test_one_network_that_names_many_who_do_not_come(world: World) -> None:
    chance = random.Random(2)
    await feed(world, 600, "completed", chance=chance)
    await feed(world, 60, "expired", chance=chance, address="192.0.2.7")
    await watch_sources(world.house, world.clock.now)
    sources = {alarm.feature: alarm for alarm in await open_alarms(world.house.db) if alarm.family == "sources"}
    assert sources["prefix"].evidence.sources == {"192.0.2.0/24": 60}
    assert "network" not in sources


async def test_the_browser_that_leaves_without_a_number_tells_little(world: World) -> None:
    service, desk = await world.service(), world.desk()
    await desk.open_start(await desk.authorize(service))
    assert await noted(world) == [("page", "expired", "unknown")]
    row = (await recent_events(world.house.db, since=0))[0]
    assert (row["number"], row["holder"], row["newcomer"]) == (None, "", -1)
