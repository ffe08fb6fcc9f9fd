"""Who writes, in the words of a letter: the register keeps codes and capitals."""

import re

from lucine.directory import Professional as Registered
from lucine.phone.holders import Holder

from .dossier import Professional
from .groups import groups_of

# One of each profession, as the nomenclature TRE_G15 (Agence du Numérique en Santé) names it.
PROFESSION = {
    "10": "Médecin", "21": "Pharmacien", "26": "Audioprothésiste", "28": "Opticien-lunetier",
    "31": "Assistant dentaire", "32": "Physicien médical", "35": "Aide-soignant", "36": "Ambulancier",
    "37": "Auxiliaire de puériculture", "38": "Préparateur en pharmacie hospitalière",
    "39": "Préparateur en pharmacie", "40": "Chirurgien-dentiste", "50": "Sage-femme", "60": "Infirmier",
    "69": "Infirmier psychiatrique", "70": "Masseur-kinésithérapeute", "80": "Pédicure-podologue",
    "81": "Orthoprothésiste", "82": "Podo-orthésiste", "83": "Orthopédiste-orthésiste", "84": "Oculariste",
    "85": "Épithésiste", "86": "Technicien de laboratoire médical", "91": "Orthophoniste", "92": "Orthoptiste",
    "93": "Psychologue", "94": "Ergothérapeute", "95": "Diététicien", "96": "Psychomotricien", "98": "Manipulateur ERM",
}  # fmt: skip

# The kinds of street that addresses mostly name (JDV_J103-TypeVoie-RASS); many other codes are the word itself.
STREETS = {
    "ALL": "allée", "AV": "avenue", "BD": "boulevard", "CAR": "carrefour", "CHE": "chemin", "CHEM": "chemin",
    "CHS": "chaussée", "CITE": "cité", "COTE": "côte", "CRS": "cours", "CTRE": "centre", "CCAL": "centre commercial",
    "DOM": "domaine", "ESP": "esplanade", "ESPA": "espace", "FG": "faubourg", "GR": "grande rue", "HAM": "hameau",
    "IMM": "immeuble", "IMP": "impasse", "JARD": "jardin", "LD": "lieu-dit", "LOT": "lotissement", "MTE": "montée",
    "PAS": "passage", "PL": "place", "PROM": "promenade", "PRV": "parvis", "QU": "quai", "QUA": "quartier", "R": "rue",
    "RES": "résidence", "RLE": "ruelle", "ROC": "rocade", "RPT": "rond-point", "RTE": "route", "SEN": "sentier",
    "SQ": "square", "TRA": "traverse", "TSSE": "terrasse", "VEN": "venelle", "VLA": "villa", "VLGE": "village",
    "VGE": "village", "VOI": "voie", "HLM": "HLM", "ZA": "ZA", "ZAC": "ZAC", "ZI": "ZI",
}  # fmt: skip
REPEATED = {"B": "bis", "T": "ter", "Q": "quater"}
SMALL = ("à", "au", "aux", "d", "de", "des", "du", "en", "et", "l", "la", "le", "les", "sous", "sur")
ELIDED = re.compile(r"\b([dl]) (?=[AEIOUYHÀÂÉÈÊÎÔ])")  # the register has no apostrophes
ROMAN = re.compile("(?=[IVX]{2,})X{0,3}(?:IX|IV|V?I{0,3})")  # Louis XIV


def professional_of(holder: Holder, registered: Registered | None) -> Professional:
    """By the first place of work that the register names."""
    exercices = registered.exercices if registered else []
    place = exercices[0].activities[0] if exercices and exercices[0].activities else {}
    return Professional(
        name=holder.name, rpps=holder.national_id.removeprefix("8"),
        practice=place.get("enseigneCommercialeSite") or place.get("raisonSocialeSite", ""),
        address=address_of(place), profession=PROFESSION.get(groups_of(registered)["profession"], ""),
        siret=place.get("numeroSiretSite", ""),
    )  # fmt: skip


def address_of(place: dict[str, str]) -> str:
    """The lines of a postal address, from the facts of a place of work; '' where the register has none."""
    town = place.get("bureauCedex") or f"{place.get('codePostal', '')} {place.get('libelleCommune', '').upper()}"
    lines = (place.get("complementPointGeographique", ""), _street(place), place.get("mentionDistribution", ""), town)
    return "\n".join(" ".join(line.split()) for line in lines if line.strip())


def _street(place: dict[str, str]) -> str:
    """1 bis rue des Tilleuls."""
    again, kind = place.get("indiceRepetitionVoie", ""), place.get("codeTypeDeVoie", "")
    number = f"{place.get('numeroVoie', '')} {REPEATED.get(again, again.lower())}"
    return f"{number} {STREETS.get(kind, kind.lower())} {_lower(place.get('libelleVoie', ''))}"


def _lower(name: str) -> str:
    """ "DES TILLEULS" as one writes it; a name that is not all in capitals was written by somebody who knew."""
    if not name.isupper():
        return name
    return ELIDED.sub(r"\1'", re.sub(r"[^\W\d_]+", lambda word: _word(word[0]), name))


def _word(word: str) -> str:
    if word.lower() in SMALL:
        return word.lower()
    return word if ROMAN.fullmatch(word) else word.capitalize()
