"""What an alarm shows: counts of what was seen since it began, beside what an ordinary day would have made of it."""

import math
from typing import Any

from lucine.safe import Reader

from .alarms import EVERY_CLIENT, Evidence
from .detector import END_NAMES, ENDS
from .views import count_named, networks_named, newest

TOP_SOURCES = 8
LOOKED_AT = 20_000  # of a flood, the newest events: everybody waits while they are read
SINCE = "FROM watch_events WHERE over_at >= :since AND known = 0 AND (client = :client OR :client = '')"


async def gather_evidence(
    db: Reader, *, client: str = EVERY_CLIENT, since: float, certainty: float, shares: dict[str, float]
) -> Evidence:
    """The evidence of a client's starts from unknown browsers. ``shares``: what is ordinary, by what is counted.

    What is counted: the ends (END_NAMES), ``newcomers`` among all; of the numbers that did not come those that
    were like the ones before (``order``, ``town``, ``profession``).
    """
    since = await newest(db, since=since, before=math.inf, most=LOOKED_AT)
    of = {"since": since, "client": client}
    ends = await db.all(f"SELECT outcome, COUNT(*) AS events, SUM(CASE WHEN newcomer = 1 OR outcome = 'unknown_number'"
                        f" THEN 1 ELSE 0 END) AS new {SINCE} GROUP BY outcome", **of)  # fmt: skip
    seen: dict[str, float] = dict.fromkeys(END_NAMES, 0)
    for row in ends:
        seen[END_NAMES[ENDS[row["outcome"]]]] += row["events"]
    events = int(sum(row["events"] for row in ends))
    seen["newcomers"] = float(sum(row["new"] for row in ends))
    unanswered = events - seen["completed"]
    for likeness in ("order", "town", "profession"):
        if likeness in shares:
            like = await db.one(f"SELECT COUNT(*) AS events {SINCE} AND near LIKE :like", like=f"%{likeness}%", **of)
            seen[likeness] = like["events"] if like else 0
    span: dict[str, Any] = {"since": since, "before": math.inf, "client": client or None}
    named = await count_named(db, **span)
    services = await db.all(f"SELECT client, COUNT(*) AS events {SINCE} AND outcome <> 'completed' GROUP BY client"
                            " ORDER BY events DESC, client", **of)  # fmt: skip
    sources = await networks_named(db, **span, limit=TOP_SOURCES)
    base = {**dict.fromkeys(END_NAMES, events), "newcomers": events}
    return Evidence(
        events=events,
        numbers=int(named["numbers"]),
        certainty=round(certainty, 2),
        seen={name: seen[name] for name in shares},
        expected={name: round(share * base.get(name, unanswered), 1) for name, share in shares.items()},
        services={row["client"]: int(row["events"]) for row in services},
        sources={row["network"]: int(row["numbers"]) for row in sources},
    )
