"""All chores, on one page. Each is called until it says that nothing is left."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from lucine.phone.chores import clean_phone, wake_phones
from lucine.phone.notices import deliver_notices
from lucine.reception import clean_reception
from lucine.signin.chores import clean_signin
from lucine.signin.ciba import ping_clients
from lucine.signin.deliveries import deliver
from lucine.signin.sessions import end_idle_sessions
from lucine.signin.signing_keys import rotate_if_old
from lucine.watch.tries import forget_old_tries
from lucine.web import House

log = structlog.get_logger()

Chore = Callable[[House, float], Awaitable[bool]]
Chores = tuple[tuple[Chore, str, float], ...]


async def clean_watch(house: House, now: float) -> bool:
    return await forget_old_tries(house.db, now)


#  chore              the bell that calls it   else every (seconds)
CHORES: Chores = (
    (wake_phones,       "wake",                  1),
    (deliver,           "deliveries",            1),
    (ping_clients,      "answered",              1),
    (deliver_notices,   "notices",               5),
    (end_idle_sessions, "",                      20),
    (rotate_if_old,     "",                      600),
    (clean_phone,       "",                      600),
    (clean_signin,      "",                      600),
    (clean_watch,      "",                      3600),
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
