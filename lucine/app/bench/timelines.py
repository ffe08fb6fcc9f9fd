"""Generated incidents, and what is due in each by a second reckoning that shares nothing with the product's.

Here the calendar is integer arithmetic, the changes of the clocks are written down as their laws say them, and an hour
that is typed is searched among all instants that show it. No zone file, no `datetime`, none of the rooms' code.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

HOUR, DAY = 3600, 86400
YEARS = (2024, 2031)

# Hours east of Greenwich, all year.
FIXED = {
    "America/Guadeloupe": -4, "America/Martinique": -4, "America/Cayenne": -3, "Indian/Reunion": 4, "Indian/Mayotte": 3,
    "Pacific/Wallis": 12, "Pacific/Noumea": 11, "Pacific/Tahiti": -10,
}  # fmt: skip
# Winter's and summer's hours east of Greenwich. Paris: directive 2000/84/EC. Miquelon follows Canada.
SEASONS = {"Europe/Paris": (1, 2), "America/Miquelon": (-3, -2)}
ZONES = (*FIXED, *SEASONS)


def day_number(year: int, month: int, day: int) -> int:
    """Days since 1 January 1970 (Fliegel and Van Flandern 1968, by the Julian day)."""
    a = (14 - month) // 12
    y, m = year + 4800 - a, month + 12 * a - 3
    return day + (153 * m + 2) // 5 + 365 * y + y // 4 - y // 100 + y // 400 - 32045 - 2440588


def calendar_day(number: int) -> tuple[int, int, int]:
    """Year, month and day of a day number: the inverse, by search."""
    year = 1970 + number * 400 // 146097
    while day_number(year + 1, 1, 1) <= number:
        year += 1
    while day_number(year, 1, 1) > number:
        year -= 1
    month = next(month for month in range(12, 0, -1) if day_number(year, month, 1) <= number)
    return year, month, number - day_number(year, month, 1) + 1


def _sunday(year: int, month: int, which: int) -> int:
    """The day number of the which-th Sunday of a month; the last one for -1."""
    length = day_number(year + month // 12, month % 12 + 1, 1) - day_number(year, month, 1)
    days = range(day_number(year, month, 1), day_number(year, month, 1) + length)
    return [day for day in days if day % 7 == 3][which if which < 0 else which - 1]  # 1 January 1970 was a Thursday


def changes(zone: str, year: int) -> list[tuple[int, int, int]]:
    """When the clocks of a zone change in a year: the instant, the hours before, the hours after."""
    if zone not in SEASONS:
        return []
    winter, summer = SEASONS[zone]
    if zone == "Europe/Paris":  # at 1:00 UTC, on the last Sundays of March and October
        spring, autumn = _sunday(year, 3, -1) * DAY + HOUR, _sunday(year, 10, -1) * DAY + HOUR
    else:  # at 2:00 on the clocks, on the second Sunday of March and the first of November
        spring = _sunday(year, 3, 2) * DAY + (2 - winter) * HOUR
        autumn = _sunday(year, 11, 1) * DAY + (2 - summer) * HOUR
    return [(spring, winter, summer), (autumn, summer, winter)]


def hours_east(instant: int, zone: str) -> int:
    """What the clocks of a zone are ahead of UTC."""
    if zone in FIXED:
        return FIXED[zone]
    (spring, winter, summer), (autumn, _, _) = changes(zone, calendar_day(instant // DAY)[0])
    return summer if spring <= instant < autumn else winter


def search_instant(local: int, zone: str) -> int:
    """The first instant at which the clocks show ``local`` (seconds of their calendar); where none does, the change."""
    offsets = {FIXED[zone]} if zone in FIXED else set(SEASONS[zone])
    found = [local - hours * HOUR for hours in offsets if hours_east(local - hours * HOUR, zone) == hours]
    if found:
        return min(found)
    year = calendar_day(local // DAY)[0]
    return next(at for at, before, after in changes(zone, year) if at + before * HOUR <= local < at + after * HOUR)


def last_second(instant: int, zone: str) -> int:
    """The last second of the day that the clocks show."""
    local = instant + hours_east(instant, zone) * HOUR
    return search_instant((local // DAY + 1) * DAY, zone) - 1


@dataclass(frozen=True)
class Timeline:
    """An incident as she types it. ``typed``: for each moment its wall time, "unknown" or ""."""

    zone: str
    opened_at: int
    now: int
    typed: dict[str, str]
    said: dict[str, str]
    known: dict[str, int]

    def form(self) -> dict[str, str]:
        walls = {name: wall for name, wall in self.typed.items() if wall not in ("", "unknown")}
        unknown = {f"{name}.unknown": "yes" for name, wall in self.typed.items() if wall == "unknown"}
        return walls | unknown | {name: value for name, value in self.said.items() if value}


MOMENTS = ("began_at", "known_at", "aware_at", "processor_at", "assessed_at", "notified_at")
SAID = {
    "attack": ("", "yes", "no", "unknown"), "insured": ("", "yes", "no", "unknown"),
    "touched": ("", "yes", "yes", "no", "unknown"), "high_risk": ("", "yes", "yes", "no", "unknown"),
    "spared": ("", "", "none", "unreadable", "removed", "effort"),
    "notified": ("", "", "nothing", "initial", "complete"),
}  # fmt: skip


def generate(seed: int, n: int) -> Iterator[Timeline]:
    """Half of them within four days of a change of the clocks, in zones that have one; many at night."""
    chance = random.Random(seed)  # noqa: S311  # a sample, no secret
    for _ in range(n):
        zone = chance.choice(ZONES) if chance.random() < 0.5 else chance.choice(tuple(SEASONS))
        year = chance.randint(*YEARS)
        if zone in SEASONS and chance.random() < 0.7:
            centre = chance.choice(changes(zone, year))[0] + chance.choice((0, 0, -72 * HOUR, 72 * HOUR))
        else:
            centre = day_number(year, 1, 1) * DAY + chance.randrange(365 * DAY)
        typed, known = {}, {}
        for name in MOMENTS:
            drawn = chance.random()
            typed[name] = "" if drawn < 0.25 else "unknown"
            if drawn > 0.4:
                local, typed[name] = _type(chance, centre, zone)
                known[name] = search_instant(local, zone)
        opened_at = centre + chance.randint(-2 * DAY, 2 * DAY)
        now = max([opened_at, *known.values()]) + chance.choice((0, 60, 72 * HOUR, 72 * HOUR + 1, 10 * DAY))
        said = {name: chance.choice(choices) for name, choices in SAID.items()}
        yield Timeline(zone, opened_at, now, typed, said, known)


def _type(chance: random.Random, centre: int, zone: str) -> tuple[int, str]:
    """A wall time near an instant: as seconds of the calendar, and as she types it."""
    spread = chance.choice((2 * HOUR, 2 * HOUR, 12 * HOUR, 4 * DAY))
    local = (centre + hours_east(centre, zone) * HOUR + chance.randint(-spread, spread)) // 60 * 60
    year, month, day = calendar_day(local // DAY)
    minutes = local % DAY // 60
    return local, f"{year:04}-{month:02}-{day:02}T{minutes // 60:02}:{minutes % 60:02}"


THREE_DAYS = 72 * HOUR


def _learned(timeline: Timeline) -> list[int]:
    """Every moment at which she knew something of it. When it began is none."""
    return [moment for name, moment in timeline.known.items() if name != "began_at"]


def _aware(timeline: Timeline) -> int:
    told = [timeline.known[name] for name in ("aware_at", "processor_at") if name in timeline.known]
    return min(told or [timeline.opened_at, *_learned(timeline)])


def _sent(timeline: Timeline) -> int | None:
    return timeline.known.get("notified_at") if timeline.said["notified"] in ("initial", "complete") else None


def reckon(timeline: Timeline) -> dict[str, tuple[int, int] | None]:
    """For each clock its start and its end, None where it does not run."""
    said, known, aware, sent = timeline.said, timeline.known, _aware(timeline), _sent(timeline)
    attacked = known.get("known_at", min([timeline.opened_at, *_learned(timeline)]))
    noted, risk = max(aware, timeline.opened_at), known.get("assessed_at", aware)
    follow = aware if sent is None else sent
    at_risk = said["high_risk"] == "yes" and said["spared"] not in ("unreadable", "removed")
    return {
        "cnil": (aware, aware + THREE_DAYS),
        "cnil-followup": (follow, follow + THREE_DAYS) if said["notified"] == "initial" else None,
        "complaint": (attacked, attacked + THREE_DAYS) if "no" not in (said["attack"], said["insured"]) else None,
        "register": (noted, last_second(noted, timeline.zone)),
        "patients": (risk, risk) if at_risk else None,
    }


def reckon_late(timeline: Timeline) -> bool:
    """Have CNIL's hours passed, or had they when the notification was sent?"""
    sent = _sent(timeline)
    return (timeline.now if sent is None else sent) > _aware(timeline) + THREE_DAYS


def expect(timeline: Timeline) -> set[str]:
    """Which of the duties with a clock are shown: those that no answer of hers has ended."""
    said = timeline.said
    kept = {
        "complaint": "no" not in (said["attack"], said["insured"]),
        "cnil": said["touched"] != "no" and said["notified"] in ("", "nothing"),
        "cnil-followup": said["touched"] != "no" and reckon(timeline)["cnil-followup"] is not None,
        "register": said["touched"] != "no",
        "patients": "no" not in (said["touched"], said["high_risk"])
        and said["spared"] not in ("unreadable", "removed"),
    }
    return {name for name, shown in kept.items() if shown}
