"""The systems of her phones, as these say themselves: whether they still get every security fix.

A major version and nothing else is kept, for as long as the phone is hers. What a phone says may be wrong, and only
ever brings up an advice card.
"""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from lucine.phone.credentials import devices_of
from lucine.safe import Reader, Transaction, among

Platform = Literal["android", "ios"]


class System(msgspec.Struct, frozen=True):
    """``version``: the major one, such as 16."""

    platform: Platform
    version: Annotated[int, msgspec.Meta(ge=1, le=999)]


class Oldest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``oldest``: the major version that still gets every security fix, by its maker's page."""

    oldest: int
    source: str


class Systems(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """data/systems.json."""

    about: str
    android: Oldest
    ios: Oldest
    reviewed: date
    review_by: date

    def outdated(self, system: System) -> bool:
        return system.version < (self.android if system.platform == "android" else self.ios).oldest


SYSTEMS = msgspec.json.decode((Path(__file__).parent / "data" / "systems.json").read_bytes(), type=Systems)


async def note_system(db: Transaction, now: float, *, holder: str, credential: str, system: System) -> None:
    """Keep what this phone of hers runs now; phones that are no longer hers are forgotten."""
    await db.run(
        "INSERT INTO habits_systems (credential, holder, platform, version, seen_at)"
        " VALUES (:credential, :holder, :platform, :version, :now) ON CONFLICT (credential) DO UPDATE"
        " SET holder = excluded.holder, platform = excluded.platform, version = excluded.version,"
        " seen_at = excluded.seen_at",
        credential=credential, holder=holder, platform=system.platform, version=system.version, now=now,
    )  # fmt: skip
    which, values = among([phone.id for phone in await devices_of(db, holder, "phone")])
    await db.run(f"DELETE FROM habits_systems WHERE holder = :holder AND credential NOT IN {which}",
                 holder=holder, **values)  # fmt: skip


async def systems_of(db: Reader, holder: str) -> dict[str, tuple[System, float]]:
    """What each of her phones runs, as far as it said so, and when it did."""
    rows = await db.all("SELECT credential, platform, version, seen_at FROM habits_systems WHERE holder = :holder",
                        holder=holder)  # fmt: skip
    return {row["credential"]: (System(row["platform"], row["version"]), row["seen_at"]) for row in rows}
