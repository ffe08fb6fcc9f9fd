"""A sign-in that is odd for her: one more proof on the same screen, or nothing and a message; never a locked door."""

from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from lucine.phone.notices import deliver_notices
from lucine.signin.chores import clean_signin
from lucine.signin.watching import note_starts
from lucine.watch import histories
from lucine.watch.risk import Signs
from tests.world import Desk, Phone, Service, World, read_data

from .kit import from_address

HOME, ABROAD = "90.0.0.1", "185.220.101.4"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)


def desk_at(world: World, address: str, agent: str = "") -> Desk:
    http = from_address(world, address)
    http.headers["User-Agent"] = agent or world.browser().headers["User-Agent"]
    return Desk(world, http)


async def approve(desk: Desk, phone: Phone, *, keep: bool = False) -> httpx.Response:
    """Scan what the desk shows, approve, and finish."""
    scanned = await phone.scan(desk.qr())
    assert scanned.status_code == 200, scanned.text
    approved = await phone.approve(scanned.json(), keep=keep)
    assert approved.status_code == 200, approved.text
    return await desk.finish()


async def start(desk: Desk, service: Service, *, key: bool = False) -> None:
    await desk.open_start(await desk.authorize(service))
    if key:
        assert (await desk.show_key()).status_code == 200


async def reload(desk: Desk) -> str:
    """The page of the start as it is now."""
    shown = await desk.http.get(f"/start/{desk.start}")
    assert shown.status_code == 200
    desk.facts = read_data(shown.text)
    return shown.text


async def used_to_home(world: World, person: str = "ana", times: int = 3) -> tuple[Phone, Service]:
    """She signed in from home, day after day."""
    phone, service = await world.phone(person), await world.service()
    for _ in range(times):
        desk = desk_at(world, HOME)
        await start(desk, service)
        assert (await approve(desk, phone)).status_code == 200
        world.clock.pass_by(86400)
    while await histories.count_sign_ins(world.house.db, world.clock.now):
        pass
    return phone, service


async def odd_desk(world: World, service: Service, *, key: bool = False) -> Desk:
    desk = desk_at(world, ABROAD, CHROME)
    await start(desk, service, key=key)
    return desk


async def security(world: World, desk: Desk) -> str:
    page = await desk.http.get("/security")
    assert page.status_code == 200
    return str(page.text)


async def letters(world: World) -> str:
    await deliver_notices(world.house, world.clock.now)
    return "\n".join(path.read_text() for path in (world.folder / "post").glob("[!.]*"))


async def test_one_more_proof_on_the_same_screen(world: World) -> None:
    phone, service = await used_to_home(world)
    desk = await odd_desk(world, service)
    first = desk.facts["ask"]
    answer = await approve(desk, phone)
    assert (answer.status_code, answer.json()["error"]) == (409, "one_more_proof")
    text = await reload(desk)
    assert desk.facts["ask"] != first
    assert "data-proof" in text
    assert "jamais vu" not in text, "whoever sits before this screen is not told what is ordinary for her"
    assert (await approve(desk, phone)).status_code == 200
    page = await security(world, desk)
    assert 'data-verdict="one_more_proof"' in page
    assert "une preuve de plus a été demandée" in page
    assert "Rien d’inhabituel" in page
    assert "Première connexion" in page
    # What she has shown once is hers: the next time nothing is asked.
    again = await odd_desk(world, service)
    assert (await approve(again, phone)).status_code == 200


async def test_where_she_always_is_nothing_is_asked(small_world: World) -> None:
    phone, _ = await used_to_home(small_world, times=12)
    small_world.clock.pass_by(5 * 3600)
    desk = desk_at(small_world, HOME)
    await start(desk, await small_world.service("other"))
    assert (await approve(desk, phone)).status_code == 200
    assert 'data-verdict="one_more_proof"' not in await security(small_world, desk)


async def test_her_first_sign_in_asks_nothing_wherever_it_is(small_world: World) -> None:
    await used_to_home(small_world, "bea")
    phone = await small_world.phone("ana")
    desk = await odd_desk(small_world, await small_world.service("other"))
    assert (await approve(desk, phone)).status_code == 200


async def test_a_browser_that_she_kept_passes_from_anywhere(small_world: World) -> None:
    phone, service = await used_to_home(small_world)
    desk = desk_at(small_world, HOME)
    await start(desk, service, key=True)
    assert (await approve(desk, phone, keep=True)).status_code == 200
    moved = desk_at(small_world, ABROAD)
    moved.key = desk.key
    await start(moved, service, key=True)  # by its key alone: she scans, and does not even tap
    assert (await approve(moved, phone)).status_code == 200
    stranger = desk_at(small_world, "51.15.2.3", CHROME)
    await start(stranger, service, key=True)
    assert (await approve(stranger, phone)).json()["error"] == "one_more_proof"


async def test_the_browser_that_a_colleague_kept_does_not_vouch_for_her(small_world: World) -> None:
    phone, service = await used_to_home(small_world)
    theirs, shared = await small_world.phone("bea"), desk_at(small_world, ABROAD, CHROME)
    await start(shared, service, key=True)
    assert (await approve(shared, theirs, keep=True)).status_code == 200
    await shared.post("/logout")
    hers = desk_at(small_world, ABROAD, CHROME)
    hers.key = shared.key
    await start(hers, service, key=True)
    assert (await approve(hers, phone)).json()["error"] == "one_more_proof"


async def test_a_kept_choice_of_the_first_approval_is_not_lost(small_world: World) -> None:
    phone, service = await used_to_home(small_world)
    desk = await odd_desk(small_world, service, key=True)
    assert (await approve(desk, phone, keep=True)).status_code == 409
    await reload(desk)
    assert (await desk.show_key()).status_code == 200
    assert (await approve(desk, phone)).status_code == 200
    assert "__Host-browser" in desk.http.cookies


async def test_the_watch_sees_one_start_that_was_completed(small_world: World) -> None:
    phone, service = await used_to_home(small_world)
    await note_starts(small_world.house, small_world.clock.now)
    desk = await odd_desk(small_world, service)
    small_world.clock.pass_by(100)
    assert (await approve(desk, phone)).status_code == 409
    small_world.clock.pass_by(100)
    await note_starts(small_world.house, small_world.clock.now)
    await reload(desk)
    assert (await approve(desk, phone)).status_code == 200
    while await note_starts(small_world.house, small_world.clock.now):
        pass
    rows = await small_world.house.db.all("SELECT outcome FROM watch_events ORDER BY over_at")
    assert [row["outcome"] for row in rows] == ["completed"] * 4


async def test_nobody_else_can_give_the_second_proof(small_world: World) -> None:
    phone, service = await used_to_home(small_world)
    other = await small_world.phone("bea")
    desk = await odd_desk(small_world, service)
    assert (await approve(desk, phone)).status_code == 409
    await reload(desk)
    assert (await approve(desk, other)).status_code == 410
    assert (await desk.finish()).status_code == 410


async def test_the_first_approval_alone_opens_nothing(small_world: World) -> None:
    phone, service = await used_to_home(small_world)
    desk = await odd_desk(small_world, service)
    assert (await approve(desk, phone)).status_code == 409
    for _ in range(3):
        assert (await desk.finish()).status_code == 410
    small_world.clock.pass_by(300)
    await reload(desk)
    assert (await phone.scan(desk.qr())).status_code == 410
    assert (await desk.finish()).status_code == 410


async def test_not_me_between_the_two_ends_it(small_world: World) -> None:
    phone, service = await used_to_home(small_world)
    desk = await odd_desk(small_world, service)
    first = desk.facts["ask"]
    assert (await approve(desk, phone)).status_code == 409
    await reload(desk)
    scanned = await phone.scan(desk.qr())
    assert (await phone.post(f"history/{first}/not-me")).status_code == 200
    assert (await phone.approve(scanned.json())).status_code == 410
    assert (await desk.finish()).status_code == 410


async def test_not_me_of_the_first_approval_ends_the_session_it_led_to(small_world: World) -> None:
    phone, service = await used_to_home(small_world)
    desk = await odd_desk(small_world, service)
    first = desk.facts["ask"]
    assert (await approve(desk, phone)).status_code == 409
    await reload(desk)
    assert (await approve(desk, phone)).status_code == 200
    assert (await phone.post(f"history/{first}/not-me")).status_code == 200
    assert (await desk.http.get("/security")).status_code == 303


async def test_nothing_is_learnt_from_what_was_not_her(world: World) -> None:
    phone, service = await used_to_home(world)
    desk = await odd_desk(world, service)
    assert (await approve(desk, phone)).status_code == 409
    await reload(desk)
    second = desk.facts["ask"]
    assert (await approve(desk, phone)).status_code == 200
    await histories.count_sign_ins(world.house.db, world.clock.now)
    before = await traits(world)
    assert before[""] == 4
    assert (await phone.post(f"history/{second}/not-me")).status_code == 200
    assert (await traits(world))[""] == 3
    assert (await traits(world))["prefix 185.220.101.0/24"] == 0
    again = await odd_desk(world, service)
    assert (await approve(again, phone)).json()["error"] == "one_more_proof"


async def traits(world: World) -> dict[str, int]:
    return {row["trait"]: row["sign_ins"] for row in await world.house.db.all("SELECT * FROM watch_traits")}


async def remember(world: World, person: str, signs: Signs, times: int) -> None:
    holder = await world.holder(person)
    for number in range(times):
        async with world.house.db.transaction() as db:
            await histories.remember_sign_in(
                db, world.clock.now - 3600 * (number + 1), session=f"s{number}", holder=holder, signs=signs
            )
    await histories.count_sign_ins(world.house.db, world.clock.now)


@pytest.fixture
async def long_known(small_world: World) -> tuple[World, Phone, Service]:
    """She signed in forty times from a browser that she keeps, at one service, by day."""
    phone, service = await small_world.phone("ana"), await small_world.service("new")
    signs = histories.signs_of(
        small_world.clock.now, address=HOME, browser="Firefox sur Windows", client="agenda", method="phone", known=True
    )
    await remember(small_world, "ana", replace(signs, hour=10), 40)
    small_world.clock.pass_by(3600 * ((3 - small_world.clock.now // 3600) % 24))  # three in the morning
    return small_world, phone, service


async def held(world: World, phone: Phone, service: Service) -> Desk:
    desk = desk_at(world, ABROAD, CHROME.replace("Windows NT 10.0; Win64; x64", "X11; Linux x86_64"))
    await start(desk, service)
    answer = await approve(desk, phone)
    assert (answer.status_code, answer.json()["error"]) == (409, "hold")
    return desk


async def test_nothing_like_her_is_held_and_she_is_told(long_known: Any) -> None:
    world, phone, service = long_known
    desk = await held(world, phone, service)
    text = await reload(desk)
    assert desk.facts["state"] == "held"
    assert "jamais vu" not in text
    assert (await desk.finish()).status_code == 410
    sent = await letters(world)
    assert "Le service new" in sent
    assert ABROAD not in sent
    assert not await world.house.db.all("SELECT id FROM signin_sessions")


async def test_held_once_she_is_then_asked_for_one_more_proof_only(long_known: Any) -> None:
    world, phone, service = long_known
    desk = await held(world, phone, service)
    await clean_signin(world.house, world.clock.now)
    world.clock.pass_by(600)
    again = Desk(world, desk.http)
    await start(again, service)
    assert (await approve(again, phone)).json()["error"] == "one_more_proof"
    await reload(again)
    assert (await approve(again, phone)).status_code == 200
