"""The sketches of a day in the database: each batch adds its own, a chore melts them into one and looks.

So several processes share them, and a process that dies takes nothing with it.
"""

from lucine.safe import Database, Keys, Transaction, sweep, tokens

from .alarms import Alarm, Evidence, closed_today, open_alarm, raise_alarm
from .events import DAY_SECONDS
from .sources import KINDS, Kind, Sources, Suspect, merge, suspects

DAYS_KEPT = 2


async def keep_sketches(db: Transaction, now: float, sources: Sources) -> None:
    """Add what a batch has seen to the sketches of today."""
    await db.many(
        "INSERT INTO watch_sketches (id, day, kind, sketch) VALUES (:id, :day, :kind, :sketch)",
        [{"id": tokens.new_secret(128), "day": int(now // DAY_SECONDS), "kind": kind, "sketch": sketch}
         for kind, sketch in sources.dump().items()],
    )  # fmt: skip


async def merge_sketches(db: Transaction, day: int, kind: str) -> bytes | None:
    """The sketch of a day, melted into one row; None if nothing was seen."""
    rows = await db.all("DELETE FROM watch_sketches WHERE day = :day AND kind = :kind RETURNING sketch",
                        day=day, kind=kind)  # fmt: skip
    if not rows:
        return None
    melted = merge([bytes(row["sketch"]) for row in rows])
    await db.run("INSERT INTO watch_sketches (id, day, kind, sketch) VALUES (:id, :day, :kind, :sketch)",
                 id=tokens.new_secret(128), day=day, kind=kind, sketch=melted)  # fmt: skip
    return melted


async def weigh_sources(db: Transaction, now: float, keys: Keys) -> list[tuple[Alarm, bool]]:
    """Alarms about sources that named many numbers today which did not come."""
    day = int(now // DAY_SECONDS)
    raised = []
    for kind in KINDS:
        everything = await merge_sketches(db, day, f"{kind} all")
        unanswered = await merge_sketches(db, day, f"{kind} unanswered")
        found = suspects(kind, everything, unanswered) if everything and unanswered else []
        # A network is one of many; a service is told of itself.
        groups = [[suspect] for suspect in found] if kind == "client" else [found] if found else []
        raised += [one for group in groups if (one := await _raise(db, now, keys, kind, group))]
    return raised


async def _raise(
    db: Transaction, now: float, keys: Keys, kind: Kind, found: list[Suspect]
) -> tuple[Alarm, bool] | None:
    """None while there is no news: the sketches of a day stay as they are when its alarm was seen and closed."""
    numbers, client = sum(suspect.numbers for suspect in found), found[0].source if kind == "client" else ""
    since = now // DAY_SECONDS * DAY_SECONDS
    before = await open_alarm(db, family="sources", client=client, feature=kind)
    seen = before.evidence.numbers if before else 2 * await closed_today(db, client=client, feature=kind, since=since)
    if numbers <= seen:
        return None
    evidence = Evidence(
        events=numbers, numbers=numbers, certainty=0.0,
        seen={"unanswered": float(numbers)}, expected={"unanswered": 0.0},
        services={suspect.source: suspect.numbers for suspect in found} if kind == "client" else {},
        sources={} if kind == "client" else {suspect.source: suspect.numbers for suspect in found},
    )  # fmt: skip
    return await raise_alarm(
        db, now, keys, family="sources", client=client, feature=kind, since=since, evidence=evidence
    )


async def forget_old_sketches(db: Database, now: float) -> bool:
    """The sketches of days before yesterday. Whether more are left to forget."""
    return await sweep(db, "watch_sketches", "id", "day < :old", old=int(now // DAY_SECONDS) - DAYS_KEPT + 1)
