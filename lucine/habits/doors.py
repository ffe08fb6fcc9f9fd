"""Every door of the room, on one page."""

from lucine.web import Door

from . import card_pages, drill_pages, habits_pages, incident_pages, room_pages

DOORS: list[Door] = [
    *card_pages.DOORS,
    *habits_pages.DOORS,
    *drill_pages.DOORS,
    *incident_pages.DOORS,
    *room_pages.DOORS,
]
