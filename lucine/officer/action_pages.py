"""What the officer does about an alarm. Each act is in the ledger under her id, and can be taken back."""

from typing import get_args

from starlette.responses import Response

from lucine.safe import Transaction
from lucine.signin.deliveries import BELL as DELIVERIES
from lucine.signin.respond import tell_service
from lucine.watch.alarms import EVERY_CLIENT, Alarm, acknowledge_alarm, close_alarm
from lucine.watch.measures import Kind, end_measures, take_measure
from lucine.watch.views import people_named
from lucine.web import Refusal, Visit
from lucine.web.pages import redirect

from .sessions import PATH, Session
from .watch_pages import alarm_of, span_of, targets_of

KINDS: tuple[Kind, ...] = get_args(Kind)
LEVELS = ("1", "2", "3", "4")
PEOPLE_PROTECTED_MAX = 500  # by one click: each is a row and a line of the ledger


def _back(visit: Visit, alarm: str, done: str) -> Response:
    visit.house.bell.ring(PATH)
    return redirect(f"{PATH}/alarms/{alarm}?done={done}")


def _already(detail: str) -> Refusal:
    words = "C'était déjà fait, par vous ou par quelqu'un d'autre."
    return Refusal("conflict", words, detail, status=409)


async def acknowledge(visit: Visit, session: Session) -> Response:
    alarm = await alarm_of(visit)
    async with visit.house.db.transaction() as db:
        if not await acknowledge_alarm(db, visit.now, visit.house.keys, alarm=alarm.id, by=session.officer):
            raise _already("acknowledged or closed before")
    return _back(visit, alarm.id, "acknowledged")


async def close(visit: Visit, session: Session) -> Response:
    """It is over: its measures end with it. The form's ``ordinary``: nobody attacked, such days are ordinary now."""
    alarm, ordinary = await alarm_of(visit), (await visit.form()).get("ordinary") == "yes"
    async with visit.house.db.transaction() as db:
        if not await close_alarm(
            db, visit.now, visit.house.keys, alarm=alarm.id, by=session.officer, ordinary=ordinary
        ):
            raise _already("closed before")
        await end_measures(db, visit.now, visit.house.keys, alarm=alarm.id, by=session.officer)
    return _back(visit, alarm.id, "closed")


async def take(visit: Visit, session: Session) -> Response:
    """The form's ``kind``, ``target`` (a service of the alarm) and ``level`` (1 to 4, of the proof of work)."""
    alarm, form = await alarm_of(visit), await visit.form()
    kind = next((kind for kind in KINDS if kind == form.get("kind")), None)
    if kind is None:
        raise Refusal("invalid_request", "Cette demande n'est pas lisible.", "kind of measure")
    async with visit.house.db.transaction() as db:
        if alarm.closed_at is not None:
            raise _already("the alarm is closed")
        if kind == "qr_only":
            await _protect_people(db, visit, session, alarm)
        else:
            level = form.get("level", "") if kind == "proof_of_work" else "0"
            if kind == "proof_of_work" and level not in LEVELS:
                raise Refusal("invalid_request", "Cette demande n'est pas lisible.", "level")
            target = _target(alarm, kind, form.get("target", ""))
            _, fresh = await take_measure(
                db, visit.now, visit.house.keys, kind=kind, target=target, alarm=alarm.id, level=int(level),
                by=session.officer,
            )  # fmt: skip
            if fresh and kind == "service_told":
                await _tell(db, visit, alarm, target)
    visit.house.bell.ring(DELIVERIES)
    return _back(visit, alarm.id, "taken")


async def _tell(db: Transaction, visit: Visit, alarm: Alarm, service: str) -> None:
    """The letter to a service goes with its measure, or neither does."""
    house = visit.house
    if not await tell_service(db, visit.now, house.keys, house.settings, alarm=alarm, service=service):
        words = "Personne à prévenir : ce service n'a laissé aucune adresse."
        raise Refusal("invalid_request", words, "no contact")


def _target(alarm: Alarm, kind: Kind, said: str) -> str:
    """A service of the alarm; the proof of work alone may be asked at all of them, if the alarm is about all."""
    everywhere = kind == "proof_of_work" and alarm.client == EVERY_CLIENT
    if said in targets_of(alarm) or (everywhere and said == EVERY_CLIENT):
        return said
    raise Refusal("invalid_request", "Cette demande n'est pas lisible.", "not a service of this alarm")


async def _protect_people(db: Transaction, visit: Visit, session: Session, alarm: Alarm) -> None:
    people = await people_named(db, **await span_of(db, visit.now, alarm), limit=PEOPLE_PROTECTED_MAX)
    if not people:
        raise Refusal("invalid_request", "Cette alarme ne concerne encore personne ici.", "nobody named")
    for row in people:
        await take_measure(
            db, visit.now, visit.house.keys, kind="qr_only", target=row["holder"], alarm=alarm.id, by=session.officer
        )


async def end_one(visit: Visit, session: Session) -> Response:
    """Take back one measure, whichever alarm it was taken for."""
    async with visit.house.db.transaction() as db:
        done = await end_measures(
            db, visit.now, visit.house.keys, measure=visit.request.path_params["measure"], by=session.officer
        )
        if not done:
            raise _already("no such active measure")
    return _back(visit, (await alarm_of(visit)).id, "ended")


async def end_all(visit: Visit, session: Session) -> Response:
    """Take back every measure of an alarm."""
    alarm = await alarm_of(visit)
    async with visit.house.db.transaction() as db:
        await end_measures(db, visit.now, visit.house.keys, alarm=alarm.id, by=session.officer)
    return _back(visit, alarm.id, "ended")
