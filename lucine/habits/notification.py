"""CNIL's form for a breach of personal data, group by group, filled where the answer is known (GDPR 33(3)).

The live form could not be read: its groups are rebuilt from CNIL's open data and from a public copy of its choices
(``tests/breach-form-vocabulary.json``). The paper says so.
"""

from .deadlines import cnil, is_late
from .dossier import NOT_APPLICABLE, TODO, Case, answered, answers, blanks, filled, identity, measures
from .facts import Facts
from .papers import Field, Paper, Part
from .zones import in_words

INTRO = [
    "Ce document suit les rubriques du formulaire de la CNIL, sur cnil.fr. Recopiez chaque réponse en ligne.",
    "Le formulaire en ligne a pu changer. S'il diffère, suivez-le : vos réponses restent bonnes.",
    "Ce qui manque encore porte la mention « à compléter ». Envoyez sans attendre : vous compléterez ensuite."
    " Lucine n'envoie rien à votre place.",
]
YES, NO = "Oui", "Non"


def write_notification(case: Case) -> Paper:
    """The form's 17 groups."""
    parts = [*_who(case), *_when(case), *_how(case.facts), *_what(case.facts), *_done(case)]
    return Paper(
        title="Notification d'une violation de données personnelles", language="fr", made=case.made, intro=INTRO,
        parts=[_kind(case, parts), *parts],
    )  # fmt: skip


def _kind(case: Case, parts: list[Part]) -> Part:
    facts = case.facts
    if facts.notified in ("initial", "complete"):
        kind, reference = "Notification complémentaire", filled(facts.reference)
    else:
        kind = "Notification initiale (un complément suivra)" if blanks(parts) else "Notification complète"
        reference = f"{NOT_APPLICABLE} : première notification"
    return Part(title="1. Type de notification", fields=[
        Field("Type de notification", kind),
        Field("Référence de la notification initiale", reference),
        Field("Date de réception de la notification", "Donnée par la CNIL à l'envoi"),
    ])  # fmt: skip


def _who(case: Case) -> list[Part]:
    return [
        Part(title="2. Déclarant et responsable du traitement", fields=[
            *identity(case),
            Field("SIREN ou SIRET", filled(case.professional.siret)),
            Field("Secteur d'activité de l'organisme concerné", "Santé humaine"),
            Field("Taille de l'organisme", "Exercice libéral"),
            Field("Délégué à la protection des données", "Aucun (exercice individuel), sauf désignation"),
            Field("Autres organismes concernés (sous-traitant, responsable conjoint)",
                  "\n".join(answers(case.facts, "parties")) or "Aucun indiqué"),
        ]),
        Part(title="3. Violation avérée ou supposée", fields=[
            Field("La violation est", answered(case.facts, "established")),
        ]),
    ]  # fmt: skip


def _when(case: Case) -> list[Part]:
    facts = case.facts
    clock = cnil(facts, case.opened_at)
    late = is_late(facts, case.opened_at, case.now)
    processor = NOT_APPLICABLE if facts.processor_at is None else case.when(facts.processor_at)
    return [
        Part(title="4. Chronologie", fields=[
            Field("Date et heure de la découverte", case.when(facts.aware_at)),
            Field("Date et heure du début", case.when(facts.began_at)),
            Field("Date et heure de la fin", _end(case)),
            Field("Date et heure de l'information par le sous-traitant", processor),
            Field("Circonstances de la découverte (qui, où, comment)",
                  "\n".join([*answers(facts, "found_by"), filled(facts.account)])),
            Field("Fin du délai de 72 heures", in_words(clock.due_at, case.zone) + (
                ", à partir de la date la plus ancienne possible" if clock.assumed else "")),
        ]),
        Part(title="5. Retard", fields=[
            Field("Raisons d'une notification après 72 heures",
                  answered(facts, "late") if late else f"{NOT_APPLICABLE} : moins de 72 heures"),
        ]),
    ]  # fmt: skip


def _end(case: Case) -> str:
    facts = case.facts
    if facts.ending == "ongoing":
        return "La violation est toujours en cours"
    if facts.ending == "long":
        return "La violation s'étale sur une longue période"
    if facts.ending == "unknown":
        return case.when("unknown")
    return case.when(facts.ended_at)


def _how(facts: Facts) -> list[Part]:
    return [
        Part(title="6. Origine", fields=[Field("Origines de l'incident", answered(facts, "origin"))]),
        Part(title="7. Cause", fields=[Field("Causes de l'incident", answered(facts, "cause"))]),
        Part(title="8. Nature", fields=[Field("Natures de la violation", answered(facts, "nature"))]),
    ]


def _what(facts: Facts) -> list[Part]:
    def holds(kind: str) -> str:
        return (YES if kind in facts.data else NO) if facts.data else TODO

    return [
        Part(title="9. Personnes", fields=[
            Field("Catégories de personnes", answered(facts, "who")),
            Field("Personnes vulnérables", answered(facts, "vulnerable")),
            Field("Nombre de personnes impactées", answered(facts, "people")),
        ]),
        Part(title="10. Données", fields=[
            Field("Typologies des données impactées", answered(facts, "data")),
            Field("Nombre approximatif d'enregistrements", TODO if facts.records is None else str(facts.records)),
            Field("Personnes directement identifiables", answered(facts, "identifiable")),
            Field("Données sensibles", holds("sensitive")),
            Field("Numéro de sécurité sociale", holds("nir")),
        ]),
        Part(title="11. Supports", fields=[Field("Supports touchés", answered(facts, "supports"))]),
        Part(title="12. Mesures en place avant la violation", fields=[
            Field("Mesures de sécurité", answered(facts, "before")),
        ]),
        Part(title="13. Conséquences probables", fields=[
            *(Field(f"En cas de {label}", _effects(facts, nature)) for nature, label in EFFECT_LABELS.items()),
            Field("Préjudices possibles pour les personnes", answered(facts, "harms")),
            Field("Gravité", answered(facts, "severity")),
        ]),
    ]  # fmt: skip


EFFECT_LABELS = {
    "confidentiality": "perte de confidentialité", "integrity": "perte d'intégrité",
    "availability": "perte de disponibilité",
}  # fmt: skip
EFFECTS_OF = {
    "confidentiality": ("wider", "crossed", "misused"), "integrity": ("falsified",), "availability": ("delayed",),
}  # fmt: skip


def _effects(facts: Facts, nature: str) -> str:
    ticked = [effect for effect in facts.effects if effect in EFFECTS_OF[nature]]
    if not ticked:
        return TODO if nature in facts.nature or not facts.nature else NOT_APPLICABLE
    return answered(Facts(effects=ticked), "effects")


def _done(case: Case) -> list[Part]:
    facts = case.facts
    return [
        Part(title="14. Mesures prises ou prévues", fields=[
            Field("Immédiatement", "\n".join(measures(case)) or TODO),
            Field("À moyen et long terme", answered(facts, "planned")),
        ]),
        Part(title="15. Information des personnes", fields=_informed(case)),
        Part(title="16. Autres autorités et dimension européenne", fields=[
            Field("Autres organismes prévenus", "\n".join(answers(facts, "authorities")) or "Aucun à ce jour"),
            Field("Personnes d'un autre pays de l'Union européenne", answered(facts, "abroad")),
        ]),
        Part(title="17. Pièces jointes", fields=[
            Field("À joindre si vous les avez",
                  "Le fil daté de l'incident (Lucine)\nLa lettre aux personnes\nLe récépissé de plainte"),
        ]),
    ]  # fmt: skip


def _informed(case: Case) -> list[Field]:
    facts = case.facts
    fields = [Field("Information des personnes", answered(facts, "informed"))]
    if facts.informed in ("yes", "will"):
        fields.append(Field("Date de l'information", case.when(facts.informed_at)))
        fields.append(Field("Moyen", answered(facts, "informed_by")))
    if facts.informed == "yes":
        fields.append(Field("Nombre de personnes informées", answered(facts, "informed_share")))
        fields.append(Field("Texte envoyé", "Joint : la lettre aux personnes"))
    if facts.informed == "no":
        why = answers(facts, "spared") if facts.spared not in ("", "none") else []
        fields.append(Field("Motif", "\n".join(why) or TODO))
    return fields
