"""The letter to the people whose data are touched: what happened, what may follow, what they can do (GDPR 34(2)).

One letter for all of them, without a name, in words that everybody reads: not those of CNIL's form.
"""

from .dossier import Case, answers, gap, listed, signature
from .facts import said
from .papers import Paper, Part

HAPPENED_TO_YOU = {
    "approved": "Une personne inconnue a pu se connecter à ma place à un service de santé.",
    "phone-lost": "Un téléphone de mon cabinet a été perdu ou volé.",
    "computer-lost": "Un appareil de mon cabinet a été perdu ou volé.",
    "code-given": "Une personne inconnue a obtenu un code et a pu se connecter à ma place.",
    "files-locked": "Les fichiers de mon cabinet ont été bloqués. Ils ont pu être copiés.",
    "data-seen": "Une personne sans autorisation a pu voir des données de mon cabinet.",
    "wrong-recipient": "Un envoi de mon cabinet est arrivé chez une autre personne.",
    "false-invoices": "Une personne inconnue s'est servie de mon nom pour facturer ou prescrire.",
}
PLAIN: dict[str, dict[str, str]] = {
    "nature": {
        "confidentiality": "Des données ont pu être vues par quelqu'un d'autre.",
        "integrity": "Des données ont pu être changées.",
        "availability": "Des données n'étaient plus accessibles, ou sont perdues.",
    },
    "data": {
        "surname": "Votre nom",
        "first_name": "Votre prénom",
        "birth": "Votre date de naissance",
        "civil": "Votre situation de famille",
        "parents": "Le nom de vos parents ou de vos enfants",
        "gender": "Votre genre",
        "nir": "Votre numéro de sécurité sociale",
        "contact": "Votre adresse, votre téléphone ou votre e-mail",
        "ip": "L'adresse de votre connexion à Internet",
        "transactions": "Des paiements ou des factures",
        "connections": "Vos identifiants de connexion",
        "places": "Des lieux où vous avez été",
        "official": "La copie d'un document officiel",
        "offences": "Des informations de justice",
        "money": "Des informations sur vos revenus ou votre banque",
        "behaviour": "Vos habitudes",
        "sensitive": "Des informations sur votre santé et votre suivi",
    },
    "effects": {
        "wider": "Vos données peuvent circuler sans votre accord.",
        "crossed": "On peut les rapprocher d'autres informations sur vous.",
        "misused": "On peut s'en servir pour autre chose, ou contre vous.",
        "falsified": "Une information de votre dossier peut être fausse.",
        "delayed": "Un soin ou un rendez-vous a pu être retardé.",
    },
    "harms": {
        "control": "Vous ne choisissez plus qui connaît ces données.",
        "rights": "Vos droits peuvent être plus difficiles à exercer.",
        "discrimination": "Quelqu'un peut vous traiter autrement à cause de ces données.",
        "identity": "Quelqu'un peut se faire passer pour vous.",
        "fraud": "Quelqu'un peut essayer de vous tromper.",
        "pseudonym": "Des données sans nom peuvent être reliées à vous.",
        "money": "Vous pouvez perdre de l'argent.",
        "reputation": "Votre réputation peut en souffrir.",
        "privacy": "Votre vie privée est touchée.",
        "secrecy": "Ce que vous m'avez confié, et que le secret professionnel protège, peut être connu.",
    },
    "taken": {
        "cut": "J'ai fermé les accès ouverts à mon nom.",
        "passwords": "J'ai changé mes mots de passe.",
        "isolated": "J'ai débranché l'appareil du réseau.",
        "wiped": "J'ai verrouillé ou effacé l'appareil à distance.",
        "recalled": "J'ai rappelé le message, ou demandé qu'on l'efface.",
        "evidence": "J'ai mis de côté ce qui peut servir à l'enquête.",
        "editor": "J'ai prévenu l'éditeur de mon logiciel ou mon hébergeur.",
        "restored": "J'ai remis les données en place depuis une sauvegarde.",
        "complaint": "J'ai porté plainte.",
    },
}
ADVICE = (
    "Un appel ou un message parle de votre santé ? Méfiez-vous. Raccrochez, puis rappelez le cabinet.",
    "Ne donnez jamais un code, un mot de passe ou un numéro de carte. Même à quelqu'un qui connaît votre dossier.",
    "Un doute, une menace, une arnaque ? L'aide de l'État répond jour et nuit sur 17cyber.gouv.fr.",
)
# What more can be done about some of the data.
ADVICE_ON = {
    "nir": "Regardez vos remboursements. Un soin que vous n'avez pas eu ? Prévenez votre caisse d'assurance maladie.",
    "connections": "Changez votre mot de passe, partout où vous vous en servez.",
    "money": "Regardez vos comptes. Une dépense inconnue ? Prévenez votre banque.",
}


def _plainly(case: Case, name: str) -> list[str]:
    return [PLAIN[name][code] for code in getattr(case.facts, name)]


def _done(case: Case) -> list[str]:
    """What Lucine closed counts as hers; what it only made ready or kept says nothing to a patient."""
    facts = case.facts
    lines = [PLAIN["taken"]["cut"]] if case.closed else []
    lines += _plainly(case, "taken")
    if facts.notified in ("initial", "complete"):
        lines.append("J'ai prévenu la CNIL, qui veille sur les données personnelles.")
    return list(dict.fromkeys(lines))


def _sender(case: Case) -> str:
    who = case.professional
    lines = [who.practice, who.name, who.address or gap("l'adresse du cabinet")]
    return "\n".join(line for line in lines if line)


def write_to_patients(case: Case) -> Paper:
    """One letter for all people concerned; it names none of them."""
    facts = case.facts
    dates = [("Cela a commencé le", facts.began_at), ("Je l'ai appris le", facts.aware_at)]
    when = [f"{words} {case.day(at)}." for words, moment in dates if (at := said(moment)) is not None]
    return Paper(
        sender=_sender(case), title="Information sur vos données", language="fr", made=f"Le {case.day(case.now)}",
        intro=[
            "Madame, Monsieur,",
            "Un incident a touché des données de mon cabinet. Certaines vous concernent, ou peuvent vous concerner."
            " Je vous dois des explications claires.",
        ],
        parts=[
            Part(title="Ce qui s'est passé", paragraphs=[" ".join([HAPPENED_TO_YOU[case.path], *when])],
                 items=_plainly(case, "nature") or [gap("données vues, changées ou perdues")]),
            listed("Les données concernées", _plainly(case, "data"), "quelles données"),
            listed("Ce qui peut en résulter", [*_plainly(case, "effects"), *_plainly(case, "harms")],
                   "ce que ces personnes risquent"),
            listed("Ce que j'ai fait", _done(case), "les mesures prises"),
            *([Part(title="Ce que je prévois", items=answers(facts, "planned"))] if facts.planned else []),
            Part(title="Ce que vous pouvez faire", items=[
                *(words for code, words in ADVICE_ON.items() if code in facts.data), *ADVICE,
            ]),
            Part(title="Pour me joindre", paragraphs=[
                f"Je réponds à vos questions : {facts.contact or gap('téléphone et e-mail')}",
                "Je regrette cet incident et le souci qu'il vous cause.",
            ]),
            signature(case),
        ],
    )  # fmt: skip
