"""Her number as others use it: how often strangers tried it, when, through which services, and what Lucine does."""

from datetime import date

import msgspec
from babel.dates import format_date
from starlette.responses import Response

from lucine.phone.digests import want_digest, wants_digest
from lucine.phone.holders import Holder, channels_of
from lucine.safe import Reader
from lucine.watch.alarms import EVERY_CLIENT
from lucine.watch.measures import Kind, Measure, active_measures
from lucine.watch.tries import Day, tries_by_day
from lucine.web import Visit
from lucine.web.pages import redirect

from .clients import find_client
from .sessions import Session
from .starts import OWN_PAGES

CHART_HEIGHT = 56
BAR_MIN = 4  # one try among thousands is seen too


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """A day of the chart: its name, its tries, and its height of CHART_HEIGHT."""

    name: str
    tries: int
    height: int


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """A measure that holds now and concerns her. ``service``: '' for all of them."""

    kind: Kind
    service: str
    since: float


class MyNumber(msgspec.Struct, frozen=True, kw_only=True):
    """What the section shows. ``services``: name and tries, most first. ``digest``: None without a mail address."""

    tries: int
    last_at: float | None
    most: int
    bars: list[Bar]
    services: list[tuple[str, int]]
    done: list[Done]
    digest: bool | None


async def my_number(visit: Visit, holder: Holder) -> MyNumber:
    db, keys = visit.house.db, visit.house.keys
    tried = await tries_by_day(db, visit.now, keys, holder.national_id)
    names = {client: await _name_of(visit, client) for client in tried.clients}
    done = [
        Done(kind=measure.kind, service=await _target_of(visit, measure), since=measure.began_at)
        for measure in await active_measures(db, visit.now)
        if _concerns(measure, holder.id, set(tried.clients))
    ]
    most = max(day.tries for day in tried.days)
    return MyNumber(
        tries=sum(day.tries for day in tried.days), last_at=tried.last_at, most=most,
        bars=[_bar(day, most, visit.language) for day in tried.days],
        services=sorted(((names[client], tries) for client, tries in tried.clients.items()), key=lambda one: -one[1]),
        done=sorted(done, key=lambda one: one.kind != "qr_only"), digest=await _digest(db, visit, holder.id),
    )  # fmt: skip


def _concerns(measure: Measure, holder: str, clients: set[str]) -> bool:
    if measure.kind == "qr_only":
        return measure.target == holder
    return measure.target in clients or (measure.target == EVERY_CLIENT and bool(clients))


def _bar(day: Day, most: int, language: str) -> Bar:
    height = max(BAR_MIN, round(CHART_HEIGHT * day.tries / most)) if day.tries else 0
    return Bar(name=_day_name(day.date, language), tries=day.tries, height=height)


def _day_name(day: date, language: str) -> str:
    return format_date(day, "d MMMM", locale=language)


async def _target_of(visit: Visit, measure: Measure) -> str:
    return "" if measure.kind == "qr_only" or measure.target == EVERY_CLIENT else await _name_of(visit, measure.target)


async def _name_of(visit: Visit, client: str) -> str:
    if client == OWN_PAGES:
        return visit.house.settings.name
    found = await find_client(visit.house.db, client)
    return found[0].name if found else visit.words("Un service qui n'est plus ici")


async def _digest(db: Reader, visit: Visit, holder: str) -> bool | None:
    if "mail" not in await channels_of(db, visit.house.keys, holder):
        return None
    return await wants_digest(db, holder)


async def choose_digest(visit: Visit, session: Session) -> Response:
    """A mail each month, or none."""
    wanted = (await visit.form()).get("digest") == "yes"
    async with visit.house.db.transaction() as db:
        await want_digest(db, visit.now, holder=session.holder, wanted=wanted)
    return redirect("/security?done=digest#number")
