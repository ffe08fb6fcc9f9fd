"""An invented register in the format of the public one. Nobody in it exists.

RPPS numbers are Luhn-valid. The first 100,000 people take the test range 99700nnnnnK; more people
than that range holds take 99nnnnnnnnK, which is not given out either. Surnames end in TEST.
"""

import gzip
import json
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, TextIO

from .numbers import luhn_key

TEST_RANGE = 100_000
SEVERAL_ACTIVITIES = 0.2
INDEPENDENT = 0.5

# Rough sizes of the professions, by hand: only their order matters.
WEIGHTS = {
    "10": 230, "21": 75, "26": 5, "28": 45, "40": 45, "50": 24, "60": 600, "70": 100, "80": 14, "86": 50, "91": 25,
    "92": 6, "94": 15, "95": 15, "96": 16, "98": 40,
}  # fmt: skip


@cache
def _invented() -> dict[str, Any]:
    path = Path(__file__).parent / "data" / "invented.json.gz"
    found: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return found


def invented_number(index: int) -> str:
    """The RPPS number of the index-th invented person."""
    body = f"99700{index:05d}" if index < TEST_RANGE else f"99{index + 700_000:08d}"
    return body + luhn_key(body)


def write_sample(path: Path, rows: int, seed: int) -> int:
    """Write at least ``rows`` lines of activities; the number of people. The same seed writes the same bytes."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        return write_sample_to(file, rows, seed)


def write_sample_to(file: TextIO, rows: int, seed: int) -> int:
    """The same, to an open file."""
    chance = random.Random(seed)  # noqa: S311  (invented people need no secrecy)
    columns: list[str] = _invented()["columns"]
    file.write("|".join(columns) + "|\n")
    written = people = 0
    numbers = _numbers(rows, chance)
    while written < rows:
        person = _person(next(numbers), chance)
        people += 1
        for _ in range(2 if chance.random() < SEVERAL_ACTIVITIES else 1):
            values = {**person, **_place(person, chance)}
            file.write("|".join(values.get(column, "") for column in columns) + "|\n")
            written += 1
            if written == rows:
                break
    return people


def _numbers(rows: int, chance: random.Random) -> Iterator[str]:
    indexes = range(rows)
    order = chance.sample(indexes, rows) if rows <= TEST_RANGE else indexes
    return (invented_number(index) for index in order)


def _person(number: str, chance: random.Random) -> dict[str, str]:
    data = _invented()
    (profession,) = chance.choices(_professions(), _weights())
    first, sex = chance.choice(data["first_names"])
    doctor = profession in ("10", "40")
    return {
        "Type d'identifiant PP": "8",
        "Identifiant PP": number,
        "Identification nationale PP": f"8{number}",
        "Code civilité d'exercice": "DR" if doctor else "",
        "Libellé civilité d'exercice": "Docteur" if doctor else "",
        "Code civilité": "MME" if sex == "F" else "M",
        "Libellé civilité": "Madame" if sex == "F" else "Monsieur",
        "Nom d'exercice": f"{chance.choice(data['surnames']).upper()}TEST",
        "Prénom d'exercice": first,
        "Code profession": profession,
        "Libellé profession": data["professions"][profession],
        "Code catégorie professionnelle": "C",
        "Libellé catégorie professionnelle": "Civil",
    }


@cache
def _professions() -> list[str]:
    return [code for code in WEIGHTS if code in _invented()["professions"]]


@cache
def _weights() -> list[int]:
    return [WEIGHTS[code] for code in _professions()]


@cache
def _populations() -> list[int]:
    """Cumulated, so that one draw costs one search."""
    total, sums = 0, []
    for *_, population in _invented()["towns"]:
        total += population
        sums.append(total)
    return sums


def _place(person: dict[str, str], chance: random.Random) -> dict[str, str]:
    data = _invented()
    ((town, insee, postcode, department, _),) = chance.choices(data["towns"], cum_weights=_populations())
    alone = chance.random() < INDEPENDENT
    name = person["Nom d'exercice"]
    sector, function = ("SA07", "FON-01") if alone else ("SA01", "FON-33")
    return {
        "Code mode exercice": "L" if alone else "S",
        "Libellé mode exercice": "Libéral, indépendant, artisan, commerçant" if alone else "Salarié",
        "Raison sociale site": f"CABINET {name}" if alone else f"ETABLISSEMENT FICTIF {town.upper()}",
        "Identifiant technique de la structure": f"{'R' if alone else 'F'}{person['Identifiant PP']}",
        "Numéro Voie (coord. structure)": str(chance.randrange(1, 200)),
        "Code type de voie (coord. structure)": "R",
        "Libellé type de voie (coord. structure)": "Rue",
        "Libellé Voie (coord. structure)": "DES TESTS",
        "Bureau cedex (coord. structure)": f"{postcode} {town.upper()}",
        "Code postal (coord. structure)": postcode,
        "Code commune (coord. structure)": insee,
        "Libellé commune (coord. structure)": town,
        "Code pays (coord. structure)": "99000",
        "Libellé pays (coord. structure)": "France",
        "Téléphone (coord. structure)": f"0199{chance.randrange(10**6):06d}",
        "Code Département (structure)": department,
        "Code secteur d'activité": sector,
        "Libellé secteur d'activité": data["sectors"][sector],
        "Code rôle": function,
        "Libellé rôle": data["functions"][function],
        "Code genre activité": "GENR01",
        "Libellé genre activité": "Activité standard de soin ou de pharmacien",
    }
