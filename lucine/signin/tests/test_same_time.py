"""Nobody learns from the time of an answer whose number is enrolled: the number is public, its use is not."""

import random
import statistics
import time
from collections.abc import Awaitable, Callable

import pytest

from lucine.signin.discovery import PATHS
from tests.world import ORIGIN, Service, World

PAIRS, TRIES = 200, 3
# Over a network a few per cent of a few milliseconds are not seen; one more write, or one message sent at once, is.
APART_MAX = 0.15
ENROLLED, NOBODY = "99700999917", "99700000001"

Ask = Callable[[World, Service, str], Awaitable[None]]


async def by_page(world: World, service: Service, number: str) -> None:
    assert (await world.desk().authorize(service, login_hint=number)).status_code == 303


async def by_ciba(world: World, service: Service, number: str) -> None:
    form = {"scope": "openid", "login_hint": number}
    path = PATHS["backchannel_authentication_endpoint"]
    assert (await world.browser().post(path, data=form, auth=service.basic)).status_code == 200


async def by_codes(world: World, _: Service, number: str) -> None:
    """What a thief of numbers can say: her number, and channels that are not hers."""
    body = {"number": number, "mail": "oscar@exemple.invalid", "mobile": "0699999999"}
    answer = await world.browser().post("/phone/api/codes", json=body, headers={"Origin": ORIGIN})
    assert answer.status_code == 200


@pytest.mark.parametrize("ask", [by_page, by_ciba, by_codes])
async def test_k13_w10_an_enrolled_number_takes_as_long_as_any_other(small_world: World, ask: Ask) -> None:
    service = await small_world.service(ciba="poll")
    await small_world.phone("ana")
    chance = random.Random(1)
    # A real difference is there each time; a busy machine's is not.
    apart = [await measure(small_world, service, ask, chance)]
    while abs(apart[-1]) >= APART_MAX and len(apart) < TRIES:
        apart.append(await measure(small_world, service, ask, chance))
    assert abs(apart[-1]) < APART_MAX, apart


async def measure(world: World, service: Service, ask: Ask, chance: random.Random) -> float:
    """How much longer the enrolled number takes, as a share of the quick answers, which nothing else held up.

    In the processor's time: a query more, a seal that is opened, a letter that is written cost it; a busy
    neighbour does not.
    """
    took: dict[str, list[float]] = {ENROLLED: [], NOBODY: []}
    for _ in range(PAIRS):
        for number in chance.sample([ENROLLED, NOBODY], 2):  # whatever slows the machine meets both alike
            began = time.process_time()
            await ask(world, service, number)
            took[number].append(time.process_time() - began)
    enrolled, nobody = (statistics.quantiles(took[number], n=5)[0] for number in (ENROLLED, NOBODY))
    return enrolled / nobody - 1
