"""Four weeks that the demo's Connect has lived through, with a campaign in them, so that an officer sees one.

Simulated people of the attack lab, weighed by the code that weighs real starts, at the times when it would have
been. The campaign ended four days ago: its alarms are open, its measures are over.
"""

import random
import time
from typing import Final

from lucine.directory import find_professional
from lucine.directory.people import towns_and_professions
from lucine.habits.barometer import count_answers, period_of
from lucine.habits.groups import groups_of
from lucine.habits.release import released_periods
from lucine.phone.credentials import holders_of_numbers
from lucine.safe import tokens
from lucine.signin.respond import respond
from lucine.watch.campaign import Weighed, weigh
from lucine.watch.detector import Named, Seen
from lucine.watch.events import Event, number_digest
from lucine.web import House

from .lab.population import START, Population

SEED: Final = 2
DAYS: Final = 28
PER_DAY: Final = 900
ATTACK_HOURS: Final = range((DAYS - 5) * 24, (DAYS - 4) * 24)
ATTACKS_AN_HOUR: Final = 9
QUARTER_SECONDS: Final = 92 * 86400
CLIENTS: Final = ("cabinet", "espace")  # the lab knows more services: the others' people come to the second


async def live_through(house: House) -> None:
    """Once, before anything has happened."""
    row = await house.db.one("SELECT COUNT(*) AS events FROM watch_events")
    if row and row["events"]:
        return
    begin = (time.time() - DAYS * 86400) // 604800 * 604800  # whole weeks: the lab's begin on a Monday
    shift = begin - START + (time.time() - begin) % 604800 // 86400 * 86400
    people, chance = Population(SEED, per_day=PER_DAY), random.Random(SEED)  # noqa: S311
    numbers = await _registered(house)
    for hour in range(DAYS * 24):
        batch = [_weighed(house, seen, shift, chance, numbers) for seen in people.hour(hour)]
        if hour in ATTACK_HOURS:
            batch += [await _tried(house, START + shift + 3600 * (hour + chance.random()), chance, numbers)
                      for _ in range(ATTACKS_AN_HOUR)]  # fmt: skip
        now = START + shift + 3600 * (hour + 1)
        if batch:
            async with house.db.transaction() as db:
                for alarm, _ in await weigh(db, now, house.keys, batch):
                    await respond(db, now, house.keys, house.settings, alarm)


async def answer_for_all(house: House) -> None:
    """Last quarter's barometer, answered by everybody of the invented register; a chore releases it."""
    period, chance = period_of(time.time() - QUARTER_SECONDS), random.Random(SEED)  # noqa: S311
    if period in await released_periods(house.db):
        return
    answers = []
    for number in await _registered(house):
        groups = groups_of(await find_professional(house.db, number))
        attacked = chance.choices(("yes", "no", "unsure"), (14, 71, 15))[0]
        masters = chance.choices(("yes", "partly", "no"), (22, 51, 27))[0]
        answers.append((groups, {"attacked": attacked, "masters": masters}))
    async with house.db.transaction() as db:
        await count_answers(db, period, answers)


async def _registered(house: House) -> list[str]:
    """The numbers of the invented register, or of a large one as many as a demo has time for."""
    rows = await house.db.all("SELECT DISTINCT national_id FROM directory_lines ORDER BY national_id LIMIT 5000")
    return [row["national_id"] for row in rows]


def _weighed(house: House, seen: Seen, shift: float, chance: random.Random, numbers: list[str]) -> Weighed:
    at = seen.at + shift
    event = Event(
        id=tokens.new_secret(128), at=at - 30, over_at=at, channel="page", known=False,
        client=seen.client if seen.client in CLIENTS else CLIENTS[1],
        number=number_digest(house.keys, chance.choice(numbers)), holder="", newcomer=seen.newcomer, near="",
        address=f"192.0.2.{chance.randrange(256)}", outcome=seen.outcome,
    )  # fmt: skip
    return Weighed(event=event, named=seen.named, repeated=False)


async def _tried(house: House, at: float, chance: random.Random, numbers: list[str]) -> Weighed:
    """One try of the campaign: a number of the register, of which nobody but the cast has a phone."""
    number = chance.choice(numbers)
    holders = await holders_of_numbers(house.db, at, [number])
    town, profession = (await towns_and_professions(house.db, [number])).get(number, ("", ""))
    event = Event(
        id=tokens.new_secret(128), at=at - 120, over_at=at, client="cabinet", channel="page", known=False,
        number=number_digest(house.keys, number), holder=holders.get(number, ("", False))[0], newcomer=1, near="",
        address=f"198.51.100.{chance.randrange(256)}", outcome="expired" if number in holders else "unknown_number",
    )  # fmt: skip
    named = Named(number=int(number[1:]) // 10, town=town, profession=profession)
    return Weighed(event=event, named=named, repeated=False)
