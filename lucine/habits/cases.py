"""An incident with what the register knows of her: what is due, and what the papers are made of."""

from lucine.directory import Professional as Registered
from lucine.directory import find_professional
from lucine.phone.holders import Holder, find_holder
from lucine.safe import Keys, Reader

from .containment import did
from .dossier import Case, Professional
from .duties import Duty, duties_for
from .groups import PROFESSIONS, groups_of
from .incidents import Incident
from .timeline import timeline_of
from .zones import zone_of


async def zone_of_holder(db: Reader, holder: str) -> str:
    """Where her clocks are: that of her practice's department."""
    found = await find_professional(db, (await find_holder(db, holder)).national_id)
    return zone_of(groups_of(found)["department"])


async def duties_of(db: Reader, incident: Incident) -> list[Duty]:
    """Most urgent first."""
    zone = await zone_of_holder(db, incident.holder)
    return duties_for(incident.path, incident.facts, incident.opened_at, zone)


async def case_of(db: Reader, now: float, keys: Keys, incident: Incident) -> Case:
    """All that a paper may say."""
    holder = await find_holder(db, incident.holder)
    registered = await find_professional(db, holder.national_id)
    zone = zone_of(groups_of(registered)["department"])
    timeline = await timeline_of(db, keys, incident)
    return Case(
        path=incident.path, facts=incident.facts, opened_at=incident.opened_at, now=now, zone=zone,
        professional=_professional(holder, registered),
        timeline=[(moment.at, moment.words or moment.note) for moment in timeline],
        done=[words % {"count": count} for words, count in did(incident.done)],
        duties=duties_for(incident.path, incident.facts, incident.opened_at, zone),
    )  # fmt: skip


def _professional(holder: Holder, registered: Registered | None) -> Professional:
    """By the first place of work that the register names."""
    exercices = registered.exercices if registered else []
    place = exercices[0].activities[0] if exercices and exercices[0].activities else {}
    street = " ".join(place.get(name, "") for name in ("numeroVoie", "libelleTypeDeVoie", "libelleVoie"))
    return Professional(
        name=holder.name, rpps=holder.national_id.removeprefix("8"),
        practice=place.get("enseigneCommercialeSite") or place.get("raisonSocialeSite", ""),
        address="\n".join(line for line in (" ".join(street.split()), place.get("bureauCedex", "")) if line),
        profession=PROFESSIONS.get(groups_of(registered)["profession"], ""), siret=place.get("numeroSiretSite", ""),
    )  # fmt: skip
