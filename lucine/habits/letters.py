"""The letters about an incident, and the entry of her register. What differs from path to path is a table."""

from .dossier import NOT_APPLICABLE, TODO, Case, answered, answers, dates, filled, identity, listed, measures, signature
from .duties import E_CPS_DESK, PATH_DUTIES
from .papers import Field, Paper, Part

HAPPENED = {
    "approved": "J'ai approuvé par erreur une demande de connexion que je n'avais pas faite."
    " Quelqu'un a pu se connecter à ma place.",
    "phone-lost": "Mon téléphone, qui sert à mes connexions professionnelles, a été perdu ou volé.",
    "computer-lost": "Un appareil de travail (ordinateur, tablette, clé ou disque) a été perdu ou volé.",
    "code-given": "Une personne inconnue m'a fait donner un code de connexion.",
    "files-locked": "Mes fichiers professionnels ne s'ouvrent plus. Un logiciel malveillant a pu les bloquer.",
    "data-seen": "Une personne sans autorisation a pu voir des données de mes patientes.",
    "wrong-recipient": "Un envoi qui contient des données de patiente est arrivé chez une autre personne.",
    "false-invoices": "Des actes que je n'ai pas faits ont été facturés ou prescrits à mon nom.",
}
TOLD = {"police": "police ou gendarmerie prévenue", "prosecutor": "procureur de la République prévenu"}


def _account(case: Case) -> list[str]:
    return [text for text in (HAPPENED[case.path], case.facts.account) if text]


def write_register_entry(case: Case) -> Paper:
    """An entry of her register of breaches: facts, effects, remedies (GDPR 33(5))."""
    facts, who = case.facts, case.professional
    sent = facts.notified in ("initial", "complete")
    return Paper(
        title="Registre des violations de données", language="fr", made=case.made,
        intro=["Cette page se garde au cabinet, même si la CNIL n'est pas prévenue (RGPD, article 33, paragraphe 5)."],
        parts=[
            Part(title="Qui tient ce registre", fields=[
                Field("Nom", filled(who.name)),
                Field("Cabinet", filled(who.practice)),
                Field("Numéro RPPS", filled(who.rpps)),
            ]),
            Part(title="Les faits", paragraphs=_account(case), fields=[
                *dates(case, both=True),
                Field("Origine", answered(facts, "origin")),
                Field("Cause", answered(facts, "cause")),
                Field("Nature", answered(facts, "nature")),
                Field("Personnes", "\n".join([*answers(facts, "who"), answered(facts, "people")])),
                Field("Données", answered(facts, "data")),
                Field("Supports", answered(facts, "supports")),
            ]),
            Part(title="Les effets", fields=[
                Field("Conséquences", answered(facts, "effects")),
                Field("Préjudices possibles", answered(facts, "harms")),
                Field("Gravité", answered(facts, "severity")),
                Field("Risque élevé pour les personnes", answered(facts, "high_risk")),
                Field("Risque jugé le", case.when(facts.assessed_at)),
            ]),
            Part(title="Les mesures", fields=[
                Field("Prises", "\n".join(measures(case)) or TODO),
                Field("Prévues", answered(facts, "planned")),
            ]),
            Part(title="Les notifications", fields=[
                Field("CNIL", answered(facts, "notified")),
                Field("Date d'envoi à la CNIL", case.when(facts.notified_at) if sent else TODO),
                Field("Numéro donné par la CNIL", filled(facts.reference)),
                Field("Si la CNIL n'est pas prévenue, pourquoi", NOT_APPLICABLE if sent else TODO),
                Field("Information des personnes", answered(facts, "informed")),
                Field("Autres organismes prévenus", "\n".join(answers(facts, "authorities")) or "Aucun à ce jour"),
            ]),
        ],
    )  # fmt: skip


def write_to_desk(case: Case) -> Paper:
    """To the help desk of the e-CPS."""
    return _letter(
        case, "Message au support e-CPS", " · ".join(contact.value for contact in reversed(E_CPS_DESK)),
        "Objet : usage frauduleux possible de mon e-CPS ou de mon numéro RPPS",
        asks=[
            "Bloquer mon e-CPS et toutes les sessions ouvertes à mon nom.",
            "Empêcher toute nouvelle activation jusqu'à ce que je vous rappelle.",
            "M'écrire la liste des connexions et des activations récentes à mon nom.",
            "Garder les traces techniques pour l'enquête.",
        ],
    )  # fmt: skip


def write_to_insurance(case: Case) -> Paper:
    """To her health-insurance fund, about invoices that are not hers."""
    invoices = Part(title="Les factures en cause", fields=[
        Field("Dates", TODO), Field("Montants", TODO), Field("Numéros de lot ou de facture", TODO),
    ])  # fmt: skip
    return _letter(
        case, "Message à la caisse d'assurance maladie", "36 08 · messagerie de votre compte professionnel",
        "Objet : factures ou prescriptions que je n'ai pas établies",
        asks=[
            "Suspendre le paiement de ces factures.",
            "Noter que je ne les ai pas établies.",
            "Me dire si des sommes ont été versées pour ces factures, et ce que je dois faire.",
            "M'envoyer la liste des facturations et des accès récents à mon compte.",
            "Me dire quelle personne suit ce dossier.",
        ],
        more=[invoices],
    )  # fmt: skip


def write_to_order(case: Case) -> Paper:
    """To the departmental council of the Order."""
    return _letter(
        case, "Message au conseil départemental de l'Ordre", "",
        "Objet : usage possible de mon identité professionnelle par une autre personne",
        asks=[
            "Noter ce signalement dans mon dossier.",
            "Vérifier avec moi mon adresse e-mail et mon téléphone enregistrés.",
            "Ne changer ces coordonnées qu'après m'avoir parlé de vive voix.",
            "Me conseiller sur ce que je dois aux personnes touchées.",
        ],
    )  # fmt: skip


def write_to_insurer(case: Case) -> Paper:
    """To her insurer."""
    contract = Part(title="Le contrat et le dommage", fields=[
        Field("Numéro du contrat", TODO),
        Field("Plainte", _complaint(case)),
        Field("Dommage connu (matériel, jours d'arrêt, frais)", TODO),
    ])  # fmt: skip
    return _letter(
        case, "Déclaration à l'assureur", "",
        "Objet : déclaration d'un incident informatique",
        asks=[
            "Ouvrir un dossier et m'en donner le numéro.",
            "Me dire ce que le contrat couvre, et quelles pièces vous attendez.",
            "M'envoyer l'aide technique ou juridique prévue par le contrat.",
        ],
        more=[contract],
    )  # fmt: skip


def _complaint(case: Case) -> str:
    """Only what she says that she filed: a false declaration would cost her the insurance."""
    facts = case.facts
    if "complaint" in facts.taken:
        return "Déposée : récépissé joint"
    if facts.attack == "no" and "complaint-free" in PATH_DUTIES[case.path].then:
        return NOT_APPLICABLE
    told = [words for body, words in TOLD.items() if body in facts.authorities]
    words = " ; ".join([*told, "plainte à déposer" if told else "à déposer"])
    return words[:1].upper() + words[1:]


def write_to_cert(case: Case) -> Paper:
    """To the CERT Santé, of her own will."""
    return _letter(
        case, "Signalement volontaire au CERT Santé", "cyberveille.esante.gouv.fr",
        "Objet : signalement volontaire d'un incident dans un cabinet libéral",
        asks=[
            "Me dire si d'autres soignants vivent la même chose.",
            "Me conseiller sur les traces à garder et sur la remise en service.",
        ],
        more=[Part(title="Technique", fields=[
            Field("Origine", answered(case.facts, "origin")),
            Field("Nature", answered(case.facts, "nature")),
            Field("Supports", answered(case.facts, "supports")),
            Field("Soins touchés", TODO),
        ])],
    )  # fmt: skip


def _letter(case: Case, title: str, to: str, about: str, *, asks: list[str], more: list[Part] | None = None) -> Paper:
    intro = [line for line in (to, about, "Madame, Monsieur,", *_account(case)) if line]
    return Paper(
        title=title, language="fr", made=f"Le {case.day(case.now)}", intro=intro,
        parts=[
            Part(title="Qui écrit", fields=identity(case)),
            Part(title="Les dates", fields=dates(case)),
            *(more or []),
            listed("Ce qui a déjà été fait", measures(case), "les mesures prises"),
            Part(title="Ce que je demande", items=asks),
            Part(title="", paragraphs=["Je vous remercie de votre aide."]),
            signature(case),
        ],
    )  # fmt: skip
