"""The claims about a professional, with Pro Santé Connect's names and structure.

Every value is a string, empties are "", never null; `numeroFinessetablissementJuridique` keeps its
odd capital. The source is the public register alone: no mail, no birth date.
"""

from typing import Any

from lucine.directory import Professional
from lucine.phone.holders import Holder

from .clients import Client
from .grants import AUTH_MODES, Live

SECTOR_OID = "1.2.250.1.71.4.2.4"
ROLE_OID = "1.2.250.1.213.1.1.5.5"
LEVEL = "APPPRIP3^1.2.250.1.213.1.5.1.1.1"
LOCAL_PSI = "1.2.250.1.213.1.3.1.1"

ACTIVITY = (
    "codeModeExercice", "codeSecteurDactivite", "codeSectionPharmacien", "codeRole", "codeGenreActivite",
    "numeroSiretSite", "numeroSirenSite", "numeroFinessSite", "numeroFinessetablissementJuridique",
    "identifiantTechniqueDeLaStructure", "raisonSocialeSite", "enseigneCommercialeSite", "complementDestinataire",
    "complementPointGeographique", "numeroVoie", "indiceRepetitionVoie", "codeTypeDeVoie", "libelleVoie",
    "mentionDistribution", "bureauCedex", "codePostal", "codeCommune", "codePays", "telephone", "telephone2",
    "telecopie", "adresseEMail", "codeDepartement", "ancienIdentifiantDeLaStructure", "autoriteDenregistrement",
)  # fmt: skip


def identity_claims(client: Client, live: Live) -> dict[str, Any]:
    """What the grant's scope shows: `profile` the name, `scope_all` the whole of Pro Santé Connect's userinfo."""
    scopes = live.grant.scope.split()
    claims: dict[str, Any] = {}
    if "profile" in scopes or "scope_all" in scopes:
        claims |= _profile(live.holder, live.professional)
    if "scope_all" in scopes:
        claims |= _everything(live, live.professional)
    return claims


def _profile(holder: Holder, person: Professional | None) -> dict[str, Any]:
    """Who left the register keeps her name, and nothing else."""
    if person is None:
        return {"name": holder.name, "given_name": "", "family_name": ""}
    return {"name": person.full_name, "given_name": person.first_name, "family_name": person.last_name}


def _everything(live: Live, person: Professional | None) -> dict[str, Any]:
    number = live.holder.national_id
    exercices = person.exercices if person else []
    first = exercices[0].activities[0] if exercices else dict.fromkeys(ACTIVITY, "")
    sector = first["codeSecteurDactivite"]
    return {
        "Secteur_Activite": f"{sector}^{SECTOR_OID}" if sector else "",
        "SubjectOrganization": first["enseigneCommercialeSite"] or first["raisonSocialeSite"],
        "SubjectOrganizationID": first["identifiantTechniqueDeLaStructure"],
        "SubjectRole": sorted({f"{exercice.facts['codeProfession']}^{ROLE_OID}" for exercice in exercices}),
        "SubjectNameID": number,
        "preferred_username": number,
        "otherIds": [{"identifiant": number, "origine": "RPPS", "qualite": 1}],
        "codeCivilite": person.civility if person else "",
        "codeGenreActivite": first["codeGenreActivite"],
        "Mode_Acces_Raison": "",
        "Acces_Regulation_Medicale": "FAUX",
        "UITVersion": "1.0",
        "Palier_Authentification": LEVEL,
        "PSI_Locale": LOCAL_PSI,
        "authMode": AUTH_MODES[live.session.method],
        "SubjectRefPro": {
            "exercices": [
                {
                    **exercice.facts,
                    "activities": [{name: activity[name] for name in ACTIVITY} for activity in exercice.activities],
                }
                for exercice in exercices
            ]
        },
    }
