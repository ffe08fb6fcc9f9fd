"""The 56 columns of PS_LibreAcces_Personne_activite, matched by name, never by rank.

Labels change by a letter between years; `plain` makes them comparable. What is kept of a line is
the codes and texts that userinfo shows; the labels of codes come from the nomenclatures.
"""

import unicodedata
from functools import lru_cache


@lru_cache(maxsize=200_000)
def plain(text: str) -> str:
    """Without accents, apostrophes, case and doubled spaces: what two spellings have in common."""
    spread = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("Œ", "OE"))
    kept = "".join(c if c.isalnum() else " " for c in spread if not unicodedata.combining(c))
    return " ".join(kept.lower().split())


# What we call a column, and the plain spellings under which it has been published.
COLUMNS: dict[str, tuple[str, ...]] = {
    "type": ("type d identifiant pp",),
    "number": ("identifiant pp",),
    "national_id": ("identification nationale pp",),
    "codeCiviliteDexercice": ("code civilite d exercice", "code civilite exercice"),
    "codeCivilite": ("code civilite",),
    "nomDexercice": ("nom d exercice",),
    "prenomDexercice": ("prenom d exercice",),
    "codeProfession": ("code profession",),
    "codeCategorieProfessionnelle": ("code categorie professionnelle",),
    "codeTypeSavoirFaire": ("code type savoir faire",),
    "codeSavoirFaire": ("code savoir faire",),
    "codeModeExercice": ("code mode exercice",),
    "numeroSiretSite": ("numero siret site",),
    "numeroSirenSite": ("numero siren site",),
    "numeroFinessSite": ("numero finess site",),
    "numeroFinessetablissementJuridique": ("numero finess etablissement juridique",),
    "identifiantTechniqueDeLaStructure": ("identifiant technique de la structure",),
    "raisonSocialeSite": ("raison sociale site",),
    "enseigneCommercialeSite": ("enseigne commerciale site",),
    "complementDestinataire": ("complement destinataire coord structure",),
    "complementPointGeographique": ("complement point geographique coord structure",),
    "numeroVoie": ("numero voie coord structure",),
    "indiceRepetitionVoie": ("indice repetition voie coord structure",),
    "codeTypeDeVoie": ("code type de voie coord structure",),
    "libelleVoie": ("libelle voie coord structure",),
    "mentionDistribution": ("mention distribution coord structure",),
    "bureauCedex": ("bureau cedex coord structure",),
    "codePostal": ("code postal coord structure",),
    "codeCommune": ("code commune coord structure",),
    "libelleCommune": ("libelle commune coord structure",),
    "codePays": ("code pays coord structure",),
    "telephone": ("telephone coord structure",),
    "telephone2": ("telephone 2 coord structure",),
    "telecopie": ("telecopie coord structure",),
    "adresseEMail": ("adresse e mail coord structure",),
    "codeDepartement": ("code departement coord structure", "code departement structure"),
    "ancienIdentifiantDeLaStructure": ("ancien identifiant de la structure",),
    "autoriteDenregistrement": ("autorite d enregistrement",),
    "codeSecteurDactivite": ("code secteur d activite",),
    "codeSectionPharmacien": ("code section tableau pharmaciens",),
    "codeRole": ("code fonction", "code role"),
    "codeGenreActivite": ("code genre d activite", "code genre activite"),
}  # fmt: skip

# A newer layout leaves these to other files, and the 2021 one had no last four.
OPTIONAL = frozenset(
    {"codeTypeSavoirFaire", "codeSavoirFaire", "codeRole", "codeGenreActivite", "codeSectionPharmacien"}
)
KEPT = [name for name in COLUMNS if name not in ("type", "number", "national_id")]


def find_columns(header: list[str]) -> dict[str, int]:
    """Where each of our columns stands in this file. ValueError names those that are missing or doubled."""
    places: dict[str, list[int]] = {}
    for place, label in enumerate(header):
        places.setdefault(plain(label), []).append(place)
    found: dict[str, int] = {}
    missing = []
    for name, spellings in COLUMNS.items():
        at = [place for spelling in spellings for place in places.get(spelling, [])]
        if len(at) > 1:
            raise ValueError(f"the column {spellings[0]!r} stands {len(at)} times in the header")
        if at:
            found[name] = at[0]
        elif name not in OPTIONAL:
            missing.append(spellings[0])
    if missing:
        raise ValueError(f"the header lacks: {', '.join(missing)}")
    return found
