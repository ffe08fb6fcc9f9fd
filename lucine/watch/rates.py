"""What is ordinary: the share of each kind of outcome, by hour of the week, learned from ordinary days alone.

share = level x shape. The level follows slow drift: an average of about three days, carried forward by how it
differs from one of twice that age, within a third. The shape is the hour of the week against the level,
over about six weeks. Both are learned an hour at a time, and only from hours that the test has cleared.
"""

import math
from typing import Final

import msgspec

HOURS: Final = 168  # of a week
LEVEL_HOURS: Final = 72.0
SHAPE_HOURS: Final = 6 * 168.0
SHAPE_PRIOR: Final = 20.0  # expected events that an hour of the week must have seen before it is half believed
LEVEL_PRIOR: Final = 300.0  # events that the level of all services together counts for in one of them
SHARE_MIN: Final = 2e-4


class Rates(msgspec.Struct, kw_only=True):
    """The state of what was learned: for kind ``c`` and hour of the week ``h``.

    ``prior``: what is believed before anything is seen, and still counts for LEVEL_PRIOR events.
    ``seen``, ``due``: discounted counts and what the shape alone made of them, for the two averages of the level.
    ``hour_seen``, ``hour_due``: the same for each hour of the week against the level.
    """

    prior: tuple[float, ...]
    seen: list[list[float]]
    due: list[list[float]]
    hour_seen: list[list[float]]
    hour_due: list[list[float]]
    hour: int  # the last hour learned

    @classmethod
    def start(cls, prior: tuple[float, ...], hour: int) -> "Rates":
        """Before anything is known."""
        zeros = [0.0 for _ in prior]
        return cls(
            prior=prior, seen=[[*zeros], [*zeros]], due=[[*zeros], [*zeros]],
            hour_seen=[[*zeros] for _ in range(HOURS)], hour_due=[[*zeros] for _ in range(HOURS)], hour=hour,
        )  # fmt: skip

    @property
    def known(self) -> float:
        """How many events of late the level rests on."""
        return sum(self.seen[0])

    def level(self) -> list[float]:
        """The share of each kind now, whatever the hour of the week; sums to about one."""
        quick, slow = (
            [
                (seen + LEVEL_PRIOR * prior) / (due + LEVEL_PRIOR)
                for seen, due, prior in zip(self.seen[which], self.due[which], self.prior, strict=True)
            ]
            for which in range(2)
        )
        # 2 ln quick - ln slow, kept within a third of what was seen: a trend is a hint, not a fact.
        return [q * min(1.33, max(0.75, q / s)) for q, s in zip(quick, slow, strict=True)]

    def shape(self, week_hour: int) -> list[float]:
        """How this hour of the week differs from the level, as a factor for each kind."""
        return [
            (seen + SHAPE_PRIOR) / (due + SHAPE_PRIOR)
            for seen, due in zip(self.hour_seen[week_hour], self.hour_due[week_hour], strict=True)
        ]

    def shares(self, hour: int) -> list[float]:
        """The share of each kind in an hour (hours since 1970); sums to one, none below SHARE_MIN."""
        raw = [
            max(SHARE_MIN, level * shape) for level, shape in zip(self.level(), self.shape(hour % HOURS), strict=True)
        ]
        total = sum(raw)
        return [share / total for share in raw]

    def learn(self, hour: int, counts: list[int]) -> None:
        """An hour that was ordinary, with its counts of each kind. Hours come in order."""
        many, week_hour = sum(counts), hour % HOURS
        shape, level = self.shape(week_hour), self.level()
        passed = max(0, hour - self.hour)
        self.hour = max(hour, self.hour)
        for which, age in ((0, LEVEL_HOURS), (1, 2 * LEVEL_HOURS)):
            kept = math.exp(-passed / age)
            for kind, count in enumerate(counts):
                self.seen[which][kind] = kept * self.seen[which][kind] + count
                self.due[which][kind] = kept * self.due[which][kind] + many * shape[kind]
        kept = math.exp(-HOURS / SHAPE_HOURS)
        for kind, count in enumerate(counts):
            self.hour_seen[week_hour][kind] = kept * self.hour_seen[week_hour][kind] + count
            self.hour_due[week_hour][kind] = kept * self.hour_due[week_hour][kind] + many * level[kind]
