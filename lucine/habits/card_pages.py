"""Where cards are shown: on the security page, and on her phone. And what her phone says of its system."""

import msgspec
from starlette.responses import Response

from lucine.phone.credentials import Device
from lucine.phone.guards import active_phone
from lucine.signin.security_pages import PATH, show_security
from lucine.web import Door, Visit, anyone, json_answer
from lucine.web.pages import fragment, redirect

from .cards import Card, card_for, close_card
from .people import Person, known_person, person_of
from .systems import System, note_system

HABITS = "/habits"
BACK = (HABITS, PATH)  # pages that show a card, to which closing it leads back


class PhoneCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the phone shows, if anything."""

    card: Card | None


async def show_security_with_card(visit: Visit, _: None) -> Response:
    """Her security page, with the card of the moment on top."""
    person = await person_of(visit)
    card = await card_for(visit, person) if person and person.session else None
    above = fragment(visit, "habits/above.html", card=card, back=PATH) if card else ""
    return await show_security(visit, None, above=above)


async def close_on_page(visit: Visit, person: Person) -> Response:
    back = (await visit.form()).get("back", HABITS)
    await _close(visit, person)
    return redirect(back if back in BACK else HABITS)


async def show_on_phone(visit: Visit, device: Device) -> Response:
    return json_answer(PhoneCard(await card_for(visit, _in_hand(device))))


async def close_on_phone(visit: Visit, device: Device) -> Response:
    await _close(visit, _in_hand(device))
    return json_answer({})


def _in_hand(device: Device) -> Person:
    return Person(holder=device.holder, phone=device.id)


async def _close(visit: Visit, person: Person) -> None:
    async with visit.house.db.transaction() as db:
        await close_card(db, visit.now, person=person, card=visit.request.path_params["card"])


async def take_system(visit: Visit, device: Device, system: System) -> Response:
    async with visit.house.db.transaction() as db:
        await note_system(db, visit.now, holder=device.holder, credential=device.id, system=system)
    return json_answer({})


DOORS = [
    Door(method="GET", path=PATH, guard=anyone, act=show_security_with_card),
    Door(method="POST", path="/habits/cards/{card}/close", guard=known_person, act=close_on_page),
    Door(method="GET", path="/habits/card", guard=active_phone, act=show_on_phone, speaks="json", answer=PhoneCard),
    Door(method="POST", path="/habits/card/{card}/close", guard=active_phone, act=close_on_phone, speaks="json"),
    Door(method="POST", path="/habits/system", guard=active_phone, act=take_system, speaks="json", body=System),
]
