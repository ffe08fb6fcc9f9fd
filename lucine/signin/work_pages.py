"""How a screen earns its code while a service is under attack: by work, or by being a known browser."""

import msgspec
from starlette.responses import Response

from lucine.phone import asks
from lucine.watch.browsers import proves_known
from lucine.web import Refusal, Visit, json_answer

from .proof_of_work import is_solved, take_work
from .start_pages import BROWSER_COOKIE, Signed, not_recognised, screen_key
from .starts import Start


class Solution(msgspec.Struct, frozen=True, rename="camel"):
    """The key that was found, in hexadecimal (of ALTCHA's solution, which names its counter too)."""

    derived_key: str


async def take_solution(visit: Visit, start: Start, said: Solution) -> Response:
    """The work is done: the key from which this screen draws its code. Asked again, the same answer."""
    house = visit.house
    if start.work:
        if (await asks.find_ask(house.db, start.ask)).expires_at <= visit.now:
            raise asks.gone()
        if not is_solved(house.keys, start.work, said.derived_key):
            words = "Ce calcul n'est pas juste. Rechargez la page."
            raise Refusal("invalid_solution", words, "proof of work", status=403)
        async with house.db.transaction() as db:
            await take_work(db, start=start.id, work=start.work)
    return json_answer({"key": screen_key(house, start)})


async def take_proof(visit: Visit, start: Start, said: Signed) -> Response:
    """The same key for a known browser, which owes no work. A cookie alone proves nothing."""
    house = visit.house
    if not await proves_known(
        house.db, house.keys, cookie=visit.cookie(BROWSER_COOKIE), start=start.id, nonce=start.nonce,
        signature=said.signature,
    ):  # fmt: skip
        raise not_recognised()
    if start.work:
        async with house.db.transaction() as db:
            await take_work(db, start=start.id, work=start.work)
    return json_answer({"key": screen_key(house, start)})
