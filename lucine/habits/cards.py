"""Advice cards: one at a time, when what it is about happens. ``cards/*.md``, read at the start.

    due --(shown)--> open --(closed)--> quiet for 30 days, an urgent one until it happens anew

Nobody closes a card to see the next: what was already so waits a day then, and only what happens later comes at once.
"""

import math
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import msgspec
from babel.dates import format_date

from lucine.safe import Reader, Transaction
from lucine.web import Visit, not_found

from .people import Person
from .texts import BadText, Text, read_texts
from .triggers import TRIGGERS, Trigger, look_at

QUIET_SECONDS = 30 * 86400
REST_SECONDS = 86400
SECTIONS = {"happened", "now", "done", "why"}


class CardFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``source``, ``url``: the official text it rests on. ``review_by``: read again by then, or the build fails."""

    trigger: Trigger
    urgent: bool
    source: str
    url: str
    reviewed: date
    review_by: date


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A card in somebody's language, plain text. ``reviewed``: a day as she reads it."""

    name: str
    title: str
    urgent: bool
    happened: str
    now: str
    done: str
    why: str
    source: str
    url: str
    reviewed: str


class Kept(msgspec.Struct, frozen=True):
    """That she was shown a card, and closed it or not."""

    shown_at: float
    closed_at: float | None


def in_order(texts: Mapping[str, Text[CardFacts]]) -> dict[str, Text[CardFacts]]:
    """The cards in the order of their triggers. BadText unless each trigger has its one card."""
    triggers = [text.facts.trigger for text in texts.values()]
    if sorted(triggers) != sorted(TRIGGERS):
        raise BadText(f"cards for {sorted(triggers)} instead of {sorted(TRIGGERS)}")
    order = list(TRIGGERS)
    return {text.name: text for text in sorted(texts.values(), key=lambda text: order.index(text.facts.trigger))}


CARDS = in_order(read_texts(Path(__file__).parent / "cards", CardFacts, SECTIONS))


def choose(now: float, happened: Mapping[str, float], kept: Mapping[str, Kept]) -> str | None:
    """The one card to show, of those whose triggers hold and ``happened`` last then; None if none is due.

    Urgent ones first, then the one that lies open, then the order of CARDS.
    """
    closed = {name: one.closed_at for name, one in kept.items() if one.closed_at is not None}
    open_since = {name: one.shown_at for name, one in kept.items() if one.closed_at is None}
    last_closed = max(closed.values(), default=-math.inf)

    def due(name: str) -> bool:
        if name in open_since:
            return True
        quiet = name in closed and now < closed[name] + QUIET_SECONDS
        if CARDS[name].facts.urgent:
            return not quiet or happened[name] > closed[name]
        return not quiet and (happened[name] > last_closed or now >= last_closed + REST_SECONDS)

    def rank(name: str) -> tuple[bool, float]:
        return not CARDS[name].facts.urgent, -open_since.get(name, 0.0)

    # min() keeps the first of equals, and CARDS is in order.
    return min((name for name in CARDS if name in happened and due(name)), key=rank, default=None)


async def card_for(visit: Visit, person: Person) -> Card | None:
    """The card that she is to see now, if any; that she saw it is kept."""
    db, now = visit.house.db, visit.now
    seen = await look_at(visit, person)
    happened = {}
    for name, text in CARDS.items():
        at = await TRIGGERS[text.facts.trigger](seen)
        if at is not None:
            happened[name] = at
    kept = await _kept(db, person)
    card = choose(now, happened, kept)
    if card is None:
        return None
    if card not in kept or kept[card].closed_at is not None:
        await _keep(visit, person, card)
    text, language = CARDS[card], visit.language
    facts = text.facts
    return Card(
        name=text.name, title=text.title(language), urgent=facts.urgent,
        happened=text.plain(language, "happened"), now=text.plain(language, "now"),
        done=text.plain(language, "done"), why=text.plain(language, "why"),
        source=facts.source, url=facts.url,
        reviewed=format_date(facts.reviewed, "d MMMM y", locale=language),
    )  # fmt: skip


def _place(card: str, person: Person) -> str:
    """Where a card is closed: an urgent one on her phone stays there, whatever somebody closes in a session of hers."""
    if not CARDS[card].facts.urgent:
        return "everywhere"
    return "desk" if person.session else "phone"


async def close_card(db: Transaction, now: float, *, person: Person, card: str) -> None:
    """She has understood. Refusal if there is no such card; one that does not lie open stays as it is."""
    if card not in CARDS:
        raise not_found("no such card")
    await db.run(
        "UPDATE habits_cards SET closed_at = :now WHERE holder = :holder AND card = :card AND place = :place"
        " AND closed_at IS NULL",
        now=now, holder=person.holder, card=card, place=_place(card, person),
    )  # fmt: skip


async def _kept(db: Reader, person: Person) -> dict[str, Kept]:
    rows = await db.all(
        "SELECT card, place, shown_at, closed_at FROM habits_cards WHERE holder = :holder", holder=person.holder
    )
    return {
        row["card"]: Kept(row["shown_at"], row["closed_at"])
        for row in rows
        if row["card"] in CARDS and row["place"] == _place(row["card"], person)
    }


async def _keep(visit: Visit, person: Person, card: str) -> None:
    async with visit.house.db.transaction() as db:
        await db.run(
            "INSERT INTO habits_cards (holder, card, place, shown_at) VALUES (:holder, :card, :place, :now)"
            " ON CONFLICT (holder, card, place) DO UPDATE SET shown_at = excluded.shown_at, closed_at = NULL",
            holder=person.holder, card=card, place=_place(card, person), now=visit.now,
        )  # fmt: skip
