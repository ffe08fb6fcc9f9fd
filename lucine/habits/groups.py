"""The groups that the barometer counts by: a fixed list, public, and the same whatever people answer.

Every profession of the nomenclature TRE_G15 (Agence du Numérique en Santé), every department of the postcodes, and
for each a place for whoever has no other. Never a profession within a department: such groups are small.
"""

from pathlib import Path

import msgspec

from lucine.directory import Professional
from lucine.web.languages import say

OTHER = "other"

PROFESSIONS = {
    "10": say("Médecins"), "21": say("Pharmaciens"), "26": say("Audioprothésistes"), "28": say("Opticiens-lunetiers"),
    "31": say("Assistants dentaires"), "32": say("Physiciens médicaux"), "35": say("Aides-soignants"),
    "36": say("Ambulanciers"), "37": say("Auxiliaires de puériculture"),
    "38": say("Préparateurs en pharmacie hospitalière"), "39": say("Préparateurs en pharmacie"),
    "40": say("Chirurgiens-dentistes"), "50": say("Sages-femmes"), "60": say("Infirmiers"),
    "69": say("Infirmiers psychiatriques"), "70": say("Masseurs-kinésithérapeutes"),
    "80": say("Pédicures-podologues"), "81": say("Orthoprothésistes"), "82": say("Podo-orthésistes"),
    "83": say("Orthopédistes-orthésistes"), "84": say("Ocularistes"), "85": say("Épithésistes"),
    "86": say("Techniciens de laboratoire médical"), "91": say("Orthophonistes"), "92": say("Orthoptistes"),
    "93": say("Psychologues"), "94": say("Ergothérapeutes"), "95": say("Diététiciens"), "96": say("Psychomotriciens"),
    "98": say("Manipulateurs ERM"), OTHER: say("Autres professions"),
}  # fmt: skip

DEPARTMENTS = {
    **msgspec.json.decode((Path(__file__).parent / "data" / "departments.json").read_bytes(), type=dict[str, str]),
    OTHER: say("Ailleurs, ou non renseigné"),
}

GROUPS = {"all": [""], "profession": list(PROFESSIONS), "department": list(DEPARTMENTS)}


def groups_of(professional: Professional | None) -> dict[str, str]:
    """Where somebody is counted: by each breakdown of GROUPS, one of its groups. The register's first words decide."""
    exercices = professional.exercices if professional else []
    professions = [exercice.facts["codeProfession"] for exercice in exercices]
    postcodes = [activity["codePostal"] for exercice in exercices for activity in exercice.activities]
    departments = [found for found in map(department_of, postcodes) if found != OTHER]
    return {
        "all": "",
        "profession": professions[0] if professions and professions[0] in PROFESSIONS else OTHER,
        "department": departments[0] if departments else OTHER,
    }


def department_of(postcode: str) -> str:
    """Its department: three digits overseas, else two; Corsica is one. OTHER for what is none."""
    if len(postcode) != 5 or not postcode.isascii() or not postcode.isdecimal():
        return OTHER
    found = postcode[: 3 if postcode.startswith(("97", "98")) else 2]
    return found if found in DEPARTMENTS else OTHER
