"""While a service is under attack, the screen of a browser that nobody knows works before it can show a code."""

import html
import json
import time
from collections.abc import Callable

import altcha
import httpx
import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from lucine.phone import asks
from lucine.safe import Keys, tokens
from lucine.signin.proof_of_work import COST, LEVEL_FACTOR, TRIES, challenge_of, counter_of, is_solved, new_work
from lucine.watch.measures import Measure, end_measures, take_measure
from tests.world import Desk, Service, World

KEYS = Keys(bytes(32))


async def attacked(world: World, client: str = "service", level: int = 1) -> Measure:
    async with world.house.db.transaction() as db:
        measure, _ = await take_measure(
            db, world.clock.now, world.house.keys, kind="proof_of_work", target=client, alarm="alarm", level=level
        )
    return measure


async def opened(world: World, service: Service, desk: Desk | None = None) -> Desk:
    desk = desk or world.desk()
    await desk.open_start(await desk.authorize(service, prompt="login"))
    return desk


def challenge(desk: Desk) -> altcha.Challenge:
    parameters = json.loads(html.unescape(desk.facts["challenge"]))
    return altcha.Challenge(altcha.ChallengeParameters.from_dict(parameters))


def solution(desk: Desk) -> dict[str, object]:
    """By ALTCHA's own solver, which knows nothing of us."""
    found = altcha.solve_challenge(challenge(desk))
    assert found
    return {"counter": found.counter, "derivedKey": found.derived_key}


async def work(desk: Desk, said: dict[str, object]) -> httpx.Response:
    return await desk.post(f"/start/{desk.start}/work", said)


async def prove(desk: Desk, signature: str | None = None) -> httpx.Response:
    signature = desk.key.sign(desk.start, desk.facts["nonce"]) if signature is None else signature
    return await desk.post(f"/start/{desk.start}/proof", {"signature": signature})


async def known(world: World, service: Service) -> Desk:
    desk = world.desk()
    await world.sign_in(desk, await world.phone("ana"), service, keep=True)
    return desk


async def test_who_works_gets_the_code_and_signs_in(world: World) -> None:
    service, phone = await world.service(), await world.phone("ana")
    await attacked(world)
    desk = await opened(world, service)
    assert desk.facts["key"] == ""
    answer = await work(desk, solution(desk))
    assert answer.status_code == 200
    desk.facts["key"] = answer.json()["key"]
    asked = (await phone.scan(desk.qr())).json()
    assert (await phone.approve(asked)).status_code == 200
    assert (await world.redeem(desk, service, await desk.code())).status_code == 200


async def test_nothing_on_the_page_draws_the_code_before(small_world: World) -> None:
    """Nor anywhere else: the key is no function of what the page tells."""
    service, phone = await small_world.service(), await small_world.phone("ana")
    await attacked(small_world)
    desk = await opened(small_world, service)
    shown = (await desk.http.get(f"/start/{desk.start}")).text
    assert tokens.encode(asks.screen_key(small_world.house.keys, desk.facts["ask"])) not in shown
    for guess in ("", desk.facts["nonce"], json.loads(html.unescape(desk.facts["challenge"]))["keyPrefix"]):
        desk.facts["key"] = guess
        assert (await phone.scan(desk.qr())).status_code == 410


async def test_the_page_is_of_one_size_for_everyone(small_world: World) -> None:
    service = await small_world.service()
    await attacked(small_world)
    forger, plain = small_world.desk(), small_world.desk()
    forger.http.cookies.set("__Host-browser", "made.up", domain="connect.test")
    sizes = set()
    for desk in (forger, plain):
        await opened(small_world, service, desk)
        sizes.add(len((await desk.http.get(f"/start/{desk.start}")).text))
        assert (desk.facts["key"], desk.facts["known"]) == ("", "no")
    assert len(sizes) == 1


async def test_wrong_solutions(small_world: World) -> None:
    service = await small_world.service()
    await attacked(small_world)
    desk, other = await opened(small_world, service), await opened(small_world, service)
    right, elsewhere = solution(desk), solution(other)
    key = str(right["derivedKey"])
    prefix = challenge(desk).parameters.key_prefix
    for said in ("", "zz", key[:-2], f"{key[:-2]}{'00' if key[-2:] != '00' else '01'}", key + "00", prefix,
                 prefix + "0" * 32, elsewhere["derivedKey"]):  # fmt: skip
        assert (await work(desk, {**right, "derivedKey": said})).status_code == 403
    assert (await work(other, right)).status_code == 403, "a solution fits one start"
    stranger = small_world.desk()
    stranger.start = desk.start
    assert (await work(stranger, right)).status_code == 404, "and the browser that opened it"
    assert (await work(desk, right)).status_code == 200


async def test_a_lost_answer_is_given_again_and_the_page_keeps_its_code(small_world: World) -> None:
    service = await small_world.service()
    await attacked(small_world)
    desk = await opened(small_world, service)
    said = solution(desk)
    first, second = await work(desk, said), await work(desk, said)
    assert first.json() == second.json()
    shown = await desk.http.get(f"/start/{desk.start}")
    assert f'data-key="{first.json()["key"]}" data-challenge=""' in shown.text
    fresh = await opened(small_world, service, desk)
    assert fresh.facts["key"] == "", "another start is other work"


async def test_a_solution_dies_with_its_start(small_world: World) -> None:
    service = await small_world.service()
    await attacked(small_world)
    desk, slow = await opened(small_world, service), await opened(small_world, service)
    said, late = solution(desk), solution(slow)
    assert (await slow.post(f"/start/{slow.start}/more-time")).status_code == 200
    small_world.clock.pass_by(small_world.house.settings.start_seconds + 1)
    assert (await work(desk, said)).status_code == 410
    assert (await work(slow, late)).status_code == 200, "who needs more time has it for this too"


async def test_a_known_browser_proves_itself_and_does_not_work(small_world: World) -> None:
    service = await small_world.service()
    desk = await known(small_world, service)
    await attacked(small_world)
    await opened(small_world, service, desk)
    assert (desk.facts["known"], desk.facts["key"]) == ("yes", "")
    cookie = desk.http.cookies["__Host-browser"]
    answer = await prove(desk)
    assert tokens.decode(answer.json()["key"]) == asks.screen_key(small_world.house.keys, desk.facts["ask"])
    assert desk.http.cookies["__Host-browser"] == cookie, "two windows may ask at once: the cookie stays"
    assert f'data-key="{answer.json()["key"]}"' in (await desk.http.get(f"/start/{desk.start}")).text
    assert (await desk.ring()).status_code == 200, "and its one tap needs neither"


async def test_no_forged_copied_or_outdated_browser_goes_without_work(small_world: World) -> None:
    service = await small_world.service()
    desk = await known(small_world, service)
    first = desk.http.cookies["__Host-browser"]
    for _ in range(2):
        await opened(small_world, service, desk)
        await desk.ring()
    now_good = desk.http.cookies["__Host-browser"]
    await attacked(small_world)
    thief = small_world.desk()
    for cookie, key in (
        ("made.up", desk.key), (now_good, thief.key), (now_good.partition(".")[0] + ".x", desk.key), (first, desk.key)
    ):  # fmt: skip
        thief.http.cookies.set("__Host-browser", cookie, domain="connect.test")
        await opened(small_world, service, thief)
        assert thief.facts["key"] == ""
        signature = key.sign(thief.start, thief.facts["nonce"])
        assert (await prove(thief, signature)).status_code == 409
    await opened(small_world, service, desk)
    assert (await prove(desk, thief.key.sign(desk.start, desk.facts["nonce"]))).status_code == 409
    assert (await prove(desk)).status_code == 200


async def test_a_passkey_and_a_typed_code_go_without(small_world: World) -> None:
    service, phone = await small_world.service(), await small_world.phone("ana")
    await attacked(small_world)
    await phone.post("fallback")
    small_world.clock.pass_by(3601)
    code = (await phone.get("fallback")).json()["code"]
    desk = await opened(small_world, service)
    assert (await desk.post(f"/start/{desk.start}/passkey/options")).status_code == 200
    assert (await desk.post(f"/start/{desk.start}/typed", {"code": code})).status_code == 200


async def test_the_measure_holds_for_its_service_and_can_be_taken_back(small_world: World) -> None:
    service, other = await small_world.service(), await small_world.service("other")
    measure = await attacked(small_world)
    assert (await opened(small_world, service)).facts["key"] == ""
    assert (await opened(small_world, other)).facts["key"] != ""
    async with small_world.house.db.transaction() as db:
        await end_measures(db, small_world.clock.now, small_world.house.keys, measure=measure.id, by="officer")
    assert (await opened(small_world, service)).facts["key"] != ""
    await attacked(small_world, client="")
    for each in (service, other):
        assert (await opened(small_world, each)).facts["key"] == "", "every service"


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_each_level_is_four_times_the_work(level: int) -> None:
    """The counter is drawn evenly below the level's bound: the mean of many is half of it."""
    bound, many = TRIES * LEVEL_FACTOR ** (level - 1), 400
    drawn = [counter_of(KEYS, str(number), level) for number in range(many)]
    assert max(drawn) < bound
    assert abs(sum(drawn) / many / bound - 0.5) < 0.08


def test_the_server_works_a_thousandth_of_what_a_stranger_does() -> None:
    """At level 1, on the same processor and with the fastest PBKDF2 at hand."""

    def server(number: int) -> None:
        start = str(number)
        owed = new_work(KEYS, start, 1)
        challenge_of(KEYS, start, owed)
        assert not is_solved(KEYS, owed, "00" * 32)

    def stranger(number: int) -> None:
        PBKDF2HMAC(SHA256(), 32, b"salt" * 4, COST).derive(b"nonce" * 3 + number.to_bytes(4))

    def cost(act: Callable[[int], None]) -> float:
        """Seconds of processor for one, in the quietest of ten rounds."""
        rounds = []
        for _ in range(10):
            began = time.process_time()
            for number in range(200):
                act(number)
            rounds.append((time.process_time() - began) / 200)
        return min(rounds)

    mine, his = cost(server), cost(stranger) * TRIES / 2
    print(f"server {mine * 1e6:.0f} us, stranger {his * 1e3:.0f} ms on average: {his / mine:.0f} times")
    assert his / mine >= 1000
