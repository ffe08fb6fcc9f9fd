"""Questions of people who watch: what ended in a span of time, who and what was named, from where.

``client`` None: at every service. ``before`` is not in the span. Events are kept for 180 days.
"""

from lucine.safe import Reader, Row

from .events import COLUMNS

# A number that was named by a browser that nobody knows, and nobody came of it.
IN_VAIN = (
    "over_at >= :since AND over_at < :before AND known = 0 AND outcome <> 'completed' AND number IS NOT NULL"
    " AND (client = :client OR CAST(:client AS TEXT) IS NULL)"
)


async def events_between(
    db: Reader, *, since: float, before: float, after: tuple[float, str] = (0.0, ""), client: str | None = None,
    strangers: bool = False, limit: int = 1000,
) -> list[Row]:  # fmt: skip
    """What ended in the span, oldest first, every column but the address. ``after``: over_at and id of the last one.

    ``strangers``: only what began in unknown browsers.
    """
    return await db.all(
        f"SELECT {COLUMNS} FROM watch_events WHERE over_at >= :since AND over_at < :before"
        " AND (over_at, id) > (:at, :id) AND (client = :client OR CAST(:client AS TEXT) IS NULL)"
        " AND known <= :known ORDER BY over_at, id LIMIT :limit",
        since=max(since, after[0]), before=before, at=after[0], id=after[1], client=client,
        known=0 if strangers else 1, limit=limit,
    )  # fmt: skip


async def newest(db: Reader, *, since: float, before: float, most: int) -> float:
    """Since when about ``most`` events ended, not earlier than ``since``: what is asked of a flood must end too."""
    row = await db.one(
        "SELECT over_at FROM watch_events WHERE over_at >= :since AND over_at < :before"
        " ORDER BY over_at DESC LIMIT 1 OFFSET :most",
        since=since, before=before, most=most,
    )  # fmt: skip
    return row["over_at"] if row else since


async def count_named(db: Reader, *, since: float, before: float, client: str | None) -> Row:
    """What was tried in vain: tries, numbers (distinct), people (those of them who have an account here)."""
    row = await db.one(
        "SELECT COUNT(*) AS tries, COUNT(DISTINCT number) AS numbers, COUNT(DISTINCT NULLIF(holder, '')) AS people"
        f" FROM watch_events WHERE {IN_VAIN}",
        since=since, before=before, client=client,
    )  # fmt: skip
    assert row is not None
    return row


async def people_named(
    db: Reader, *, since: float, before: float, client: str | None, limit: int, skip: int = 0
) -> list[Row]:
    """Holders whose number was tried in vain, most tried first: holder, tries, last_at."""
    return await db.all(
        f"SELECT holder, COUNT(*) AS tries, MAX(over_at) AS last_at FROM watch_events WHERE {IN_VAIN}"
        " AND holder <> '' GROUP BY holder ORDER BY COUNT(*) DESC, holder LIMIT :limit OFFSET :skip",
        since=since, before=before, client=client, limit=limit, skip=skip,
    )  # fmt: skip


async def networks_named(db: Reader, *, since: float, before: float, client: str | None, limit: int = 10) -> list[Row]:
    """Networks that tried numbers in vain, most numbers first: network, country, kind, numbers, tries."""
    return await db.all(
        "SELECT network, country, kind, COUNT(DISTINCT number) AS numbers, COUNT(*) AS tries FROM watch_events"
        f" WHERE {IN_VAIN} GROUP BY network, country, kind"
        " ORDER BY COUNT(DISTINCT number) DESC, network LIMIT :limit",
        since=since, before=before, client=client, limit=limit,
    )  # fmt: skip
