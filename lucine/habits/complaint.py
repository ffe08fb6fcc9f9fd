"""The summary for a complaint. Whoever reads it does not know her: nothing in it speaks to her, or as her."""

from .deadlines import complaint
from .dossier import TODO, Case, answered, dates, gap, history, identity, listed, measures, signature
from .duties import PATH_DUTIES
from .papers import Field, Paper, Part
from .zones import in_words

REPORTED = {
    "approved": "Une demande de connexion faite par une autre personne a été approuvée par erreur."
    " Cette personne a pu se connecter sous l'identité de la personne qui porte plainte.",
    "phone-lost": "Un téléphone qui sert aux connexions professionnelles a été perdu ou volé.",
    "computer-lost": "Un appareil de travail (ordinateur, tablette, clé ou disque) a été perdu ou volé.",
    "code-given": "Une personne inconnue s'est fait donner un code de connexion.",
    "files-locked": "Les fichiers professionnels du cabinet ne s'ouvrent plus."
    " Un logiciel malveillant a pu les bloquer.",
    "data-seen": "Une personne sans autorisation a pu voir des données de patientes du cabinet.",
    "wrong-recipient": "Un envoi qui contient des données de patiente est arrivé chez une autre personne.",
    "false-invoices": "Des actes ont été facturés ou prescrits sous l'identité de la personne qui porte plainte."
    " Elle ne les a pas faits.",
}
ENTRY = "Code pénal, article 323-1 : accès frauduleux à un système de traitement automatisé de données"
HINDRANCE = "Code pénal, article 323-2 : entrave au fonctionnement d'un tel système"
EXTRACTION = "Code pénal, article 323-3 : extraction, modification ou suppression frauduleuse de données"
IDENTITY = "Code pénal, article 226-4-1 : usurpation d'identité"
FORGERY = "Code pénal, article 441-1 : faux et usage de faux"
FRAUD = "Code pénal, article 313-1 : escroquerie"
EXTORTION = "Code pénal, article 312-1 : extorsion"
THEFT = "Code pénal, article 311-1 : vol"
ON_SYSTEMS = (ENTRY, HINDRANCE, EXTRACTION)  # fall away once she says that it was no attack
LAW: dict[str, tuple[str, ...]] = {
    "approved": (ENTRY, IDENTITY),
    "phone-lost": (THEFT,),
    "computer-lost": (THEFT,),
    "code-given": (ENTRY, IDENTITY, FRAUD),
    "files-locked": (ENTRY, HINDRANCE, EXTRACTION, EXTORTION),
    "data-seen": (ENTRY, EXTRACTION),
    "wrong-recipient": (),
    "false-invoices": (IDENTITY, FORGERY, FRAUD, ENTRY),
}


def write_complaint(case: Case) -> Paper:
    """Who, what, when, how much, and the articles that may fit."""
    facts = case.facts
    clock = complaint(facts, case.opened_at)
    articles = [one for one in LAW[case.path] if facts.attack != "no" or one not in ON_SYSTEMS]
    parts = [
        Part(title="La personne qui porte plainte", fields=identity(case)),
        Part(title="Les faits", paragraphs=[REPORTED[case.path]], fields=[
            *dates(case), Field("Découvert par", _found_by(case)), Field("Auteur", "Inconnu à ce jour"),
        ]),
        Part(title="Le récit de la personne qui porte plainte",
             paragraphs=[facts.account or gap("ce qui s'est passé, où et comment")]),
        listed("Le déroulement, heure par heure", history(case), "les heures et les faits"),
        Part(title="Ce qui est touché", fields=[
            Field("Matériel", answered(facts, "supports")),
            Field("Données", answered(facts, "data")),
            Field("Personnes", answered(facts, "people")),
            Field("Préjudice (argent, temps, soins)", TODO),
        ]),
        listed("Ce qui a été fait", measures(case), "les mesures prises"),
    ]  # fmt: skip
    if articles:
        about = "Ces textes peuvent s'appliquer. La police ou le procureur en décide."
        parts.append(Part(title="Textes de loi", paragraphs=[about], items=articles))
    if "complaint" in PATH_DUTIES[case.path].then and clock is not None:
        parts.append(Part(title="Délai pour l'assurance", paragraphs=[
            "Code des assurances, article L. 12-10-1 : si le contrat couvre les attaques informatiques, l'assureur paie"
            " seulement si la plainte est déposée dans les 72 heures où l'attaque est connue.",
            f"Au plus tard : {in_words(clock.due_at, case.zone)}.",
        ]))  # fmt: skip
    parts += [Part(title="Pièces à apporter", items=[
        "Une pièce d'identité et la carte professionnelle",
        "Les photos d'écran, les messages et les numéros reçus",
        "Le dossier de preuves de Lucine (fichier signé)",
        "Le contrat d'assurance, s'il couvre les attaques informatiques",
    ]), signature(case)]  # fmt: skip
    intro = ["À remettre à la police ou à la gendarmerie, ou à joindre à une lettre au procureur de la République."]
    return Paper(title="Résumé pour une plainte", language="fr", made=case.made, intro=intro, parts=parts)


def _found_by(case: Case) -> str:
    return "La personne qui porte plainte" if case.facts.found_by == "me" else answered(case.facts, "found_by")
