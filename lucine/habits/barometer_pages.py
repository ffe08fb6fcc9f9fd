"""The barometer on her page of habits: two questions, once a quarter."""

from starlette.responses import Response

from lucine.web import Door, Visit
from lucine.web.pages import redirect

from .barometer import answer_barometer
from .people import Person, known_person

PATH = "/habits/barometer"


async def take_answers(visit: Visit, person: Person) -> Response:
    form = await visit.form()
    async with visit.house.db.transaction() as db:
        await answer_barometer(
            db, visit.now, holder=person.holder, attacked=form.get("attacked", ""), masters=form.get("masters", "")
        )
    return redirect("/habits#barometer")


DOORS = [Door(method="POST", path=PATH, guard=known_person, act=take_answers)]
