"""Who a provider says that somebody is, as she reads herself.

All of userinfo is another's word. It is read member by member and not as one shape: of what is
missing, of another type or too long, nothing is shown, and nobody is kept out for it.
"""

import csv
import re
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from .provider import Arrived

TEXT_MAX_LENGTH = 200
EXERCICES_MAX = 20
PLACES_MAX = 20

SMALL_WORDS = frozenset(("d", "l", "de", "des", "du", "en", "et", "la", "le", "les", "lès", "aux", "sous", "sur"))
POSTCODE, CEDEX = re.compile(r"^[0-9AB]{5} +"), re.compile(r" +CEDEX( +[0-9]+)?$", re.IGNORECASE)


class Place(msgspec.Struct, frozen=True):
    """Where she works: the name on the door, and the town."""

    name: str
    town: str


class Guest(msgspec.Struct, frozen=True, kw_only=True):
    """A professional who is signed in. ``subject`` and ``sid``: the provider's names for her and her session there."""

    issuer: str
    subject: str
    sid: str
    first_name: str
    last_name: str
    profession: str
    places: list[Place]
    id_token: str


def read_guest(arrived: Arrived) -> Guest:
    """A guest from her ID token and from userinfo in Pro Santé Connect's structure."""
    person, claims = arrived.person, arrived.claims
    exercices = _list(_member(person, "SubjectRefPro"), "exercices")[:EXERCICES_MAX]
    first = exercices[0] if exercices else {}
    places = [
        _read_place(activity) for exercice in exercices for activity in _list(exercice, "activities")[:PLACES_MAX]
    ]
    named = [place for place in dict.fromkeys(places) if place.name]
    workplace = Place(_text(person, "SubjectOrganization"), "")
    return Guest(
        issuer=claims.iss,
        subject=claims.sub,
        sid=claims.sid,
        first_name=write_name(_text(person, "given_name") or _text(first, "prenomDexercice")),
        last_name=_text(person, "family_name") or _text(first, "nomDexercice"),
        profession=_professions().get(_text(first, "codeProfession") or _role(person), ""),
        places=(named or [workplace] * bool(workplace.name))[:PLACES_MAX],
        id_token=arrived.id_token,
    )


def _read_place(activity: Any) -> Place:
    names = ("raisonSocialeSite", "enseigneCommercialeSite", "complementDestinataire")
    town = CEDEX.sub("", POSTCODE.sub("", _text(activity, "bureauCedex")))
    return Place(next((name for name in (_text(activity, one) for one in names) if name), ""), write_name(town))


def write_name(text: str) -> str:
    """What registers write in capitals, as people write it: MARIE-JO is Marie-Jo, LA BAULE SUR MER La Baule sur Mer."""
    if text != text.upper():
        return text
    parts = [re.split(r"([-'’])", word) for word in text.lower().split(" ")]
    return " ".join(
        "".join(
            part if part in SMALL_WORDS and (at, inside) != (0, 0) else part[:1].upper() + part[1:]
            for inside, part in enumerate(some)
        )
        for at, some in enumerate(parts)
    )


def _role(person: Any) -> str:
    """The profession's code of ``50^1.2.250.1.213.1.1.5.5``, for who has no place of exercise."""
    roles = _list(person, "SubjectRole")
    return roles[0].partition("^")[0] if roles and isinstance(roles[0], str) else ""


@cache
def _professions() -> dict[str, str]:
    with (Path(__file__).parent / "data" / "TRE_G15-ProfessionSante.csv").open(encoding="utf-8") as file:
        return {row["code"]: row["libelle"] for row in csv.DictReader(file)}


def _member(said: Any, name: str) -> Any:
    return said.get(name) if isinstance(said, dict) else None


def _text(said: Any, name: str) -> str:
    value = _member(said, name)
    if not isinstance(value, str):
        return ""
    plain = "".join(c if c.isprintable() else " " for c in value[: 4 * TEXT_MAX_LENGTH])
    return " ".join(plain.split())[:TEXT_MAX_LENGTH]


def _list(said: Any, name: str) -> list[Any]:
    value = _member(said, name)
    return value if isinstance(value, list) else []
