"""Wall clocks of France: what she types is an hour of her place; what is counted is seconds since 1970 (UTC)."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

PARIS = "Europe/Paris"
# By department: those overseas. Saint-Barthélemy and Saint-Martin keep Guadeloupe's time.
OVERSEAS = {
    "971": "America/Guadeloupe", "972": "America/Martinique", "973": "America/Cayenne", "974": "Indian/Reunion",
    "975": "America/Miquelon", "976": "Indian/Mayotte", "977": "America/Guadeloupe", "978": "America/Guadeloupe",
    "986": "Pacific/Wallis", "987": "Pacific/Tahiti", "988": "Pacific/Noumea",
}  # fmt: skip
PLACES = {
    PARIS: "heure de Paris",
    "America/Guadeloupe": "heure de la Guadeloupe",
    "America/Martinique": "heure de la Martinique",
    "America/Cayenne": "heure de la Guyane",
    "Indian/Reunion": "heure de La Réunion",
    "America/Miquelon": "heure de Saint-Pierre-et-Miquelon",
    "Indian/Mayotte": "heure de Mayotte",
    "Pacific/Wallis": "heure de Wallis-et-Futuna",
    "Pacific/Tahiti": "heure de Tahiti",
    "Pacific/Noumea": "heure de Nouméa",
}
WALL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}")


def zone_of(department: str) -> str:
    """The zone of a department's code (2A, 75, 974 ...); that of Paris for all that are not overseas."""
    return OVERSEAS.get(department, PARIS)


def moment_of(wall: str, zone: str) -> float:
    """Seconds since 1970 of "2026-10-25T02:30" on the clocks of a zone. ValueError for anything else.

    An hour that comes twice is the first of the two: a deadline then comes too early, never too late. An hour that
    the clocks jump over is the instant at which they jump.
    """
    if not WALL.fullmatch(wall):
        raise ValueError("a wall time is YYYY-MM-DDTHH:MM")
    typed = datetime.fromisoformat(wall)
    try:
        # Before the change, for an hour that comes twice (PEP 495); for one that never comes, past the change.
        found = typed.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)
    except OverflowError as error:  # in the year 1 or 9999
        raise ValueError("no instant at this wall time") from error
    if _read(found, zone) == typed:
        return found.timestamp()
    # The clocks of France change on the hour, by one hour: the first minute that they skip is the instant.
    return typed.replace(minute=0, tzinfo=ZoneInfo(zone), fold=0).timestamp()


def _read(instant: datetime, zone: str) -> datetime:
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def wall_of(moment: float, zone: str) -> str:
    """What the clocks of a zone show then, to the minute: the value of a datetime-local input."""
    return f"{datetime.fromtimestamp(moment, ZoneInfo(zone)):%Y-%m-%dT%H:%M}"


def end_of_day(moment: float, zone: str) -> float:
    """The last second of that day on the clocks of a zone, also of a day of 23 or 25 hours."""
    tomorrow = datetime.fromtimestamp(moment, ZoneInfo(zone)).date() + timedelta(days=1)
    return moment_of(f"{tomorrow:%Y-%m-%d}T00:00", zone) - 1


def in_words(moment: float, zone: str) -> str:
    """ "mercredi 25 novembre 2026 à 18:02 (heure de Paris, UTC+1)", in French, for a paper: the hour that comes twice
    is told apart.
    """
    said = format_datetime(_there(moment, zone), "EEEE d MMMM y 'à' HH:mm", locale="fr")
    return f"{said} ({PLACES[zone]}, {_utc(moment, zone)})"


def in_short(moment: float, zone: str) -> str:
    """ "25 novembre 2026, 18:02 (UTC+1)", the same for a line of a list."""
    return f"{format_datetime(_there(moment, zone), 'd MMMM y, HH:mm', locale='fr')} ({_utc(moment, zone)})"


def _there(moment: float, zone: str) -> datetime:
    return datetime.fromtimestamp(moment, ZoneInfo(zone))


def _utc(moment: float, zone: str) -> str:
    hours = (_there(moment, zone).utcoffset() or timedelta()) // timedelta(hours=1)
    return f"UTC{hours:+d}"
