"""All chores, on one page. Each is called until it says that nothing is left."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from lucine.habits import clean_habits, release_barometer, remind_of_deadlines
from lucine.officer import clean_officer, tell_officers
from lucine.phone.chores import clean_phone, wake_phones
from lucine.phone.enrolment import send_codes
from lucine.phone.notices import deliver_notices
from lucine.reception import clean_reception
from lucine.signin.chores import clean_signin
from lucine.signin.ciba import ping_clients
from lucine.signin.deliveries import deliver
from lucine.signin.digests import send_digests
from lucine.signin.sessions import end_idle_sessions
from lucine.signin.signal_delivery import expire_signals, push_signals
from lucine.signin.signals import tell_of_credentials
from lucine.signin.signing_keys import rotate_if_old
from lucine.signin.watching import note_starts, watch_sources
from lucine.watch.events import forget_old_events
from lucine.watch.histories import count_sign_ins, forget_old_sign_ins
from lucine.watch.measures import end_old_measures
from lucine.watch.sketches import forget_old_sketches
from lucine.watch.tries import forget_old_tries
from lucine.web import House

log = structlog.get_logger()

Chore = Callable[[House, float], Awaitable[bool]]
Chores = tuple[tuple[Chore, str, float], ...]


async def clean_watch(house: House, now: float) -> bool:
    forgets = (forget_old_tries, forget_old_events, forget_old_sketches, forget_old_sign_ins, count_sign_ins)
    more = [await forget(house.db, now) for forget in forgets]
    return any([*more, await end_old_measures(house.db, now, house.keys)])


#  chore              the bell that calls it   else every (seconds)
CHORES: Chores = (
    (wake_phones,       "wake",                  1),
    (deliver,           "deliveries",            1),
    (ping_clients,      "answered",              1),
    (push_signals,      "deliveries",            1),
    (tell_of_credentials, "notices",             1),
    (expire_signals,    "",                      600),
    (send_codes,        "",                      0.25),  # no bell: an answer would wait for it
    (deliver_notices,   "notices",               5),
    (end_idle_sessions, "",                      20),
    (tell_officers,     "",                      20),
    (rotate_if_old,     "",                      600),
    (send_digests,      "",                      600),
    (clean_phone,       "",                      600),
    (clean_signin,      "",                      600),
    (clean_officer,     "",                      3600),
    (clean_habits,      "",                      3600),
    (remind_of_deadlines, "",                    60),
    (note_starts,       "",                      1),
    (watch_sources,     "",                      60),
    (clean_watch,      "",                      3600),
    (release_barometer, "",                      3600),
)  # fmt: skip


CARE_CHORES: Chores = (
    (clean_reception,   "",                      600),
)  # fmt: skip


async def do_chores(house: House, chores: Chores) -> None:
    """All of them, until cancelled."""
    async with asyncio.TaskGroup() as group:
        for chore, bell, seconds in chores:
            group.create_task(_loop(house, chore, bell, seconds))


async def _loop(house: House, chore: Chore, bell: str, seconds: float) -> None:
    while True:
        try:
            if await chore(house, time.time()):
                continue
        except Exception as error:
            # A chore must outlive a bad hour of the disk or the network; the row is still there.
            log.error("chore_failed", chore=chore.__name__, error=type(error).__name__, exc_info=True)
        await house.bell.wait(bell or chore.__name__, seconds)
