"""Finding professionals in the current register."""

from collections.abc import Iterable

import msgspec

from lucine.safe import Reader, Row, among

from .columns import KEPT, plain

FOUND_MAX = 50
WORDS_MAX = 4

# The facts that describe the exercice of a profession; the rest describes a place of it.
EXERCICE = (
    "codeProfession",
    "codeCategorieProfessionnelle",
    "codeCiviliteDexercice",
    "nomDexercice",
    "prenomDexercice",
    "codeTypeSavoirFaire",
    "codeSavoirFaire",
)


class Exercice(msgspec.Struct, frozen=True, kw_only=True):
    """A profession that somebody exercises, and where. Names and codes are those of userinfo."""

    facts: dict[str, str]
    activities: list[dict[str, str]]


class Professional(msgspec.Struct, frozen=True, kw_only=True):
    """A person of the register. Every fact is a string, '' where the register says nothing."""

    national_id: str
    last_name: str
    first_name: str
    civility: str
    exercices: list[Exercice]

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a search's answer."""

    national_id: str
    last_name: str
    first_name: str
    profession: str
    practice: str
    town: str


def _facts(text: str) -> dict[str, str]:
    return dict(zip(KEPT, text.split("|"), strict=True))


async def find_professional(db: Reader, national_id: str) -> Professional | None:
    """Everything that the register says of a person; None if she is not in it."""
    rows = await db.all("SELECT facts FROM directory_lines WHERE national_id = :id", id=national_id)
    if not rows:
        return None
    lines = [_facts(row["facts"]) for row in rows]
    grouped: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for line in lines:
        grouped.setdefault(tuple(line[name] for name in EXERCICE), []).append(line)
    exercices = [
        Exercice(
            facts=dict(zip(EXERCICE, key, strict=True)),
            activities=[
                {name: line[name] for name in KEPT if name not in (*EXERCICE, "codeCivilite")} for line in group
            ],
        )
        for key, group in grouped.items()
    ]
    first = lines[0]
    return Professional(
        national_id=national_id, last_name=first["nomDexercice"], first_name=first["prenomDexercice"],
        civility=first["codeCivilite"], exercices=exercices,
    )  # fmt: skip


async def towns_and_professions(db: Reader, national_ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """For each number that the register knows: the code of its first town and of its first profession."""
    which, values = among(national_ids)
    rows = await db.all(f"SELECT national_id, facts FROM directory_lines WHERE national_id IN {which}", **values)
    found: dict[str, tuple[str, str]] = {}
    for row in rows:
        facts = _facts(row["facts"])
        found.setdefault(row["national_id"], (facts["codeCommune"], facts["codeProfession"]))
    return found


async def search(db: Reader, text: str = "", town: str = "", profession: str = "", limit: int = 20) -> list[Found]:
    """People by the beginnings of their names in any order, by town and by profession code; by name.

    One of the words must begin a surname. Without a name and a town nobody: the register is not for
    paging through.
    """
    words, place = plain(text).split()[:WORDS_MAX], plain(town)
    if not words and not place:
        return []
    found: dict[str, Found] = {}
    for surname in words or [""]:
        others = [word for word in words if word != surname]
        for row in await _look_up(db, surname, others, place, profession, min(limit, FOUND_MAX) * 3):
            if len(found) < limit:
                found.setdefault(row["national_id"], _found(row["national_id"], _facts(row["facts"])))
    return list(found.values())


async def _look_up(db: Reader, surname: str, others: list[str], town: str, profession: str, limit: int) -> list[Row]:
    """Every condition stands in one of the indexes, so that rows are fetched only when they fit."""
    values: dict[str, object] = {"limit": limit}
    conditions = []
    if town:
        values["town"] = town
        conditions.append("town_key = :town")
    if profession:
        values["profession"] = profession
        conditions.append("profession = :profession")
    if surname:
        values |= {"low": surname, "high": surname + "\U0010ffff"}
        conditions.append("name_key >= :low AND name_key < :high")
    for number, word in enumerate(others):
        values[f"word{number}"] = f"% {word}%"
        conditions.append(f"(' ' || name_key) LIKE :word{number}")
    where = " AND ".join(conditions)
    return await db.all(
        f"SELECT national_id, facts FROM directory_lines WHERE {where} ORDER BY name_key LIMIT :limit", **values
    )


def _found(national_id: str, facts: dict[str, str]) -> Found:
    return Found(
        national_id=national_id, last_name=facts["nomDexercice"], first_name=facts["prenomDexercice"],
        profession=facts["codeProfession"], practice=facts["enseigneCommercialeSite"] or facts["raisonSocialeSite"],
        town=facts["libelleCommune"],
    )  # fmt: skip
