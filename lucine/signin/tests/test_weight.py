"""Whoever sends much weighs little: what is stored is small and soon gone, and nothing that grows is read whole."""

from collections.abc import Callable

import pytest

from lucine.app.chores import CHORES
from lucine.phone.asks import cancel_asks, past_asks, ringing_asks
from lucine.phone.credentials import devices_of
from lucine.safe.broom import SWEEP_BATCH
from lucine.signin import ciba
from lucine.signin.chores import clean_signin
from lucine.signin.watching import note_starts
from tests.plans import plans, scans
from tests.world import World

from .kit import CIBA, PAR, asking, came_back, refreshing
from .test_ciba import NUMBER, approve, ask, error, poll, started

LIVE = "SEARCH phone_asks USING COVERING INDEX phone_asks_live (holder=? AND expires_at>?)"
# Few keys; one stream for each service; what is not yet delivered; who is signed in now; what is done about attacks,
# the alarms that are open, and the officers: read whole.
MAY_BE_READ_WHOLE = (
    "signin_keys", "signin_streams", "signin_deliveries_due", "signin_sessions_open", "watch_measures_active",
    "watch_alarms_open", "officer_people", "officer_passkeys",
)  # fmt: skip


async def _count(world: World, table: str, where: str = "1 = 1", **values: object) -> int:
    row = await world.house.db.one(f"SELECT COUNT(*) AS rows FROM {table} WHERE {where}", **values)
    assert row
    return int(row["rows"])


async def test_no_statement_of_a_walk_reads_a_table_that_grows(small_world: World) -> None:
    """A sign-in, a refresh, its replay, a silent request, her pages, "not me", and every chore."""
    world = small_world
    service = await world.service(ciba="poll", logout_uri="https://service.test/out")
    with scans(world.house.db) as found:
        got, _, desk = await world.tokens(service=service)
        for _ in range(2):
            await world.token(service, refreshing(got))
        phone = await world.phone("ana")
        request = await started(world, service)
        assert (await phone.get("waiting")).json()["waiting"]
        await approve(phone, request)
        assert (await desk.http.get("/security")).status_code == 200
        for device in await devices_of(world.house.db, await world.holder("ana"), "phone"):
            await ringing_asks(world.house.db, world.clock.now, device)
        await phone.post("codes", {"number": NUMBER, "mail": "ana@exemple.invalid", "mobile": "06 00 00 00 01"})
        history = (await phone.get("history")).json()["history"]
        assert (await phone.post(f"history/{history[0]['ask']}/not-me")).status_code == 200
        for chore, _, _ in CHORES:
            await chore(world.house, world.clock.now)
    whole = [line for line in found if not any(name in line.partition(":")[0] for name in MAY_BE_READ_WHOLE)]
    assert not whole, "\n".join(whole)


async def test_only_the_newest_silent_requests_of_one_client_for_one_number_wait(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad client cannot pile them up; the newest, which she may have begun, is always good; other clients' too."""
    monkeypatch.setattr(ciba, "WAITING_MAX", 3)
    service, other = await small_world.service(ciba="poll"), await small_world.service("other", ciba="poll")
    phone = await small_world.phone("ana")
    elsewhere = await started(small_world, other)
    requests = []
    for _ in range(6):
        requests.append(await started(small_world, service))
        small_world.clock.pass_by(1)
    live = "expires_at > :now AND holder IS NOT NULL"
    assert await _count(small_world, "phone_asks", live, now=small_world.clock.now) == 4
    for late in requests[:3]:
        assert error(await poll(small_world, service, late)) == "expired_token"
    for good, asker in ((requests[3], service), (requests[5], service), (elsewhere, other)):
        await approve(phone, good)
        assert (await poll(small_world, asker, good)).status_code == 200


async def test_what_her_phone_has_opened_gives_way_to_nothing(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ciba, "WAITING_MAX", 2)
    service, phone = await small_world.service(ciba="poll"), await small_world.phone("ana")
    opened, approved = await started(small_world, service), await started(small_world, service)
    shown = (await phone.post("waiting", {"code": opened["screen_code"]})).json()
    await approve(phone, approved)
    for _ in range(5):
        small_world.clock.pass_by(1)
        await started(small_world, service)
    assert (await phone.approve(shown)).status_code == 200
    for request in (opened, approved):
        assert (await poll(small_world, service, request)).status_code == 200


async def test_a_number_that_nobody_has_is_answered_and_written_alike_however_often(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ciba, "WAITING_MAX", 2)
    service = await small_world.service(ciba="poll")
    await small_world.phone("ana")
    answers, rows = {}, {}
    tables = ("phone_asks", "signin_ciba", "watch_tries")
    for number in (NUMBER, "99700000000", "not a number"):
        before = [await _count(small_world, table) for table in tables]
        answers[number] = []
        for _ in range(5):
            small_world.clock.pass_by(1)
            answer = await ask(small_world, service, login_hint=number)
            answers[number].append((answer.status_code, sorted(answer.json())))
        after = [await _count(small_world, table) for table in tables]
        rows[number] = [y - x for x, y in zip(before, after, strict=True)]
        live = await _count(small_world, "phone_asks", "expires_at > :now", now=small_world.clock.now)
        rows[number].append(live % 2)
    assert len({str(answer) for answer in answers.values()}) == 1
    assert list(rows.values()) == [[5, 5, 1, 0]] * 3


async def test_not_me_is_as_long_as_what_lives(small_world: World) -> None:
    """Thousands of requests that are over cost her "not me" nothing."""
    holder, now = await small_world.holder("ana"), small_world.clock.now
    async with small_world.house.db.transaction() as db:
        await db.many(
            "INSERT INTO phone_asks (id, kind, shown, browser_key, nonce, return_to, holder, opened_at, expires_at,"
            " keep) VALUES (:id, 'silent', '{}', '', '', '', :holder, :now, :now, 0)",
            [{"id": str(number), "holder": holder, "now": now - 1} for number in range(3000)],
        )
    request = await small_world.browser().post(
        CIBA, data={"scope": "openid", "login_hint": NUMBER}, auth=(await small_world.service(ciba="poll")).basic
    )
    assert request.status_code == 200
    with plans(small_world.house.db) as lines:
        async with small_world.house.db.transaction() as db:
            assert len(await cancel_asks(db, now, holder=holder)) == 1
    assert [line.partition(":")[0] for line in lines] == [LIVE]


async def test_what_waits_in_silence_slows_neither_her_rings_nor_her_history_nor_her_code(small_world: World) -> None:
    phone = await small_world.phone("ana")
    holder, db = await small_world.holder("ana"), small_world.house.db
    (device,) = await devices_of(db, holder, "phone")
    with plans(db) as ringing:
        await ringing_asks(db, small_world.clock.now, device)
    with plans(db) as past:
        await past_asks(db, holder)
    with plans(db) as carried:
        await phone.post("waiting", {"code": "0000 0000"})
    assert "phone_asks_ringing (holder=? AND expires_at>?)" in ringing[0]
    assert "phone_asks_past (holder=?)" in past[0]
    assert [line for line in carried if "phone_asks_code (code=? AND holder=? AND expires_at>?)" in line]


async def test_unfinished_starts_go_an_hour_after_they_expired(small_world: World) -> None:
    service, desk = await small_world.service(), small_world.desk()
    await small_world.sign_in(desk, await small_world.phone("ana"), service)
    for _ in range(3):
        await small_world.desk().authorize(service, state="x" * 2000)
    for seconds, left in ((3600 + 299, 4), (2, 1)):
        small_world.clock.pass_by(seconds)
        await note_starts(small_world.house, small_world.clock.now)
        await clean_signin(small_world.house, small_world.clock.now)
        assert await _count(small_world, "signin_starts") == left, "what became a session stays"


async def test_a_million_old_starts_go_a_few_at_a_time(small_world: World) -> None:
    now, count = small_world.clock.now, int(SWEEP_BATCH * 2.5)
    async with small_world.house.db.transaction() as db:
        await db.many(
            "INSERT INTO signin_starts (id, client, request, visit, ask, nonce, browser_name, place, opened_at,"
            " noted_at) VALUES (:id, '', '', '', '', '', '', '', :now, :now)",
            [{"id": str(number), "now": now - 7200} for number in range(count)],
        )
    left = []
    more = True
    while more:
        more = await clean_signin(small_world.house, now)
        left.append(await _count(small_world, "signin_starts"))
    assert left == [count - SWEEP_BATCH, count - 2 * SWEEP_BATCH, 0]


async def test_old_sessions_go_with_their_grants_and_not_before(small_world: World) -> None:
    now, old = small_world.clock.now, small_world.clock.now - 181 * 86400
    grants = SWEEP_BATCH + 5
    async with small_world.house.db.transaction() as db:
        await db.run(
            "INSERT INTO signin_sessions (id, holder, method, ask, browser_name, place, auth_time, seen_at, expires_at,"
            " ended_at) VALUES ('s', 'h', 'phone', 'a', '', '', :old, :old, :old, :old)", old=old,
        )  # fmt: skip
        await db.many(
            "INSERT INTO signin_grants (id, session, client, scope, nonce, dpop_key, certificate, made_at)"
            " VALUES (:id, 's', 'c', 'openid', '', '', '', :old)",
            [{"id": str(number), "old": old} for number in range(grants)],
        )
    assert await clean_signin(small_world.house, now)
    assert (await _count(small_world, "signin_sessions"), await _count(small_world, "signin_grants")) == (1, 5)
    assert not await clean_signin(small_world.house, now)
    assert (await _count(small_world, "signin_sessions"), await _count(small_world, "signin_grants")) == (0, 0)


@pytest.mark.parametrize("passed", [0, 90 + 3600 - 1, 90 + 3600 + 1])
async def test_a_pushed_request_keeps_what_was_read_and_goes_an_hour_after(small_world: World, passed: float) -> None:
    service = await small_world.service(auth_method="none")
    form = {**asking(service), **{f"extra{number}": "x" * 2000 for number in range(25)}}
    pushed = await small_world.browser().post(PAR, data=form)
    assert pushed.status_code == 201
    row = await small_world.house.db.one("SELECT SUM(LENGTH(request)) AS kept FROM signin_pushed")
    assert row
    assert row["kept"] < 1000
    small_world.clock.pass_by(passed)
    await clean_signin(small_world.house, small_world.clock.now)
    assert await _count(small_world, "signin_pushed") == (1 if passed < 90 + 3600 else 0)


async def test_a_pushed_request_is_the_one_that_was_pushed(small_world: World) -> None:
    """Every parameter that is read comes back from the database as it was sent."""
    service, desk = await small_world.service(), small_world.desk()
    more = {"nonce": "n", "prompt": "login", "max_age": "7", "login_hint": NUMBER, "ui_locales": "fr", "dpop_jkt": "k"}
    pushed = await small_world.browser().post(PAR, data=asking(service, **more), auth=service.basic)
    query = {"client_id": service.client.id, "request_uri": pushed.json()["request_uri"]}
    assert (await desk.http.get("/auth", params=query)).status_code == 303
    assert (await desk.authorize(service, **asking(service, **more))).status_code == 303
    kept = [row["request"] for row in await small_world.house.db.all("SELECT request FROM signin_starts")]
    address = query["request_uri"]
    pushed_one, plain = sorted(kept, key=len, reverse=True)
    assert pushed_one.replace(f',"pushed":"{address}"', "") == plain
    assert came_back(await desk.authorize(service, prompt="none"))["error"] == "login_required"


def test_every_chore_says_whether_more_is_left() -> None:
    chores: list[Callable[..., object]] = [chore for chore, _, _ in CHORES]
    assert {chore.__annotations__["return"] for chore in chores} == {bool}
