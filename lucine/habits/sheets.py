"""The questions about an incident, on four short sheets."""

from typing import Literal

import msgspec

from lucine.web.languages import say

from .choices import (
    BEFORE,
    BODIES,
    CAUSES,
    DATA,
    EFFECTS,
    ENDINGS,
    ESTABLISHED,
    ESTABLISHED_WRITTEN,
    FOUND_BY,
    HARMS,
    INFORMED,
    INFORMED_WRITTEN,
    LATE,
    MEANS,
    NATURES,
    NOTIFIED,
    ORIGINS,
    PARTIES,
    PEOPLE,
    PLANNED,
    SEVERITIES,
    SHARE,
    SPARED,
    SUPPORTS,
    TAKEN,
    WHO,
    YES_NO,
    Choices,
)

TEXT_MAX_LENGTH = 4000
LINE_MAX_LENGTH = 200
NUMBER_MAX_LENGTH = 40  # "environ 200 dossiers" is a number to her


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """``label``, ``hint``, labels of ``choices``: French of the catalogue. ``written``: labels that papers use instead.
    ``length``: of a text or a number, in characters. ``future``: a moment that may lie ahead.
    """

    name: str
    kind: Literal["choice", "choices", "moment", "text", "number"]
    label: str
    choices: Choices = ()
    written: Choices = ()
    hint: str = ""
    length: int = TEXT_MAX_LENGTH
    future: bool = False


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A page of questions."""

    name: str
    title: str
    questions: tuple[Question, ...]


HAPPENED = Sheet(name="happened", title=say("Ce qui s'est passé"), questions=(
    Question(name="attack", kind="choice", label=say("Est-ce une attaque ?"), choices=YES_NO,
             hint=say("Par exemple : quelqu'un entre dans vos comptes, bloque ou copie vos fichiers.")),
    Question(name="known_at", kind="moment", label=say("Quand avez-vous compris que c'était une attaque ?"),
             hint=say("Le délai de la plainte part de là.")),
    Question(name="aware_at", kind="moment", label=say("Quand avez-vous su que des données étaient touchées ?"),
             hint=say("Le délai de la CNIL part de là. Cela peut être plus tard que l'attaque.")),
    Question(name="processor_at", kind="moment", label=say("Quand votre éditeur ou hébergeur vous a-t-il prévenue ?"),
             hint=say("Laissez vide s'il n'y est pour rien.")),
    Question(name="found_by", kind="choice", label=say("Qui l'a découvert ?"), choices=FOUND_BY),
    Question(name="account", kind="text", label=say("Racontez : où, comment, ce que vous avez vu"),
             hint=say("Ce récit figurera tel quel dans les papiers pour la CNIL, la police et l'assureur."
                      " N'écrivez aucun nom de patiente.")),
    Question(name="established", kind="choice", label=say("Est-ce sûr ?"), choices=ESTABLISHED,
             written=ESTABLISHED_WRITTEN),
    Question(name="origin", kind="choice", label=say("D'où cela vient-il ?"), choices=ORIGINS),
    Question(name="cause", kind="choice", label=say("Quelle en est la cause ?"), choices=CAUSES),
    Question(name="nature", kind="choices", label=say("Qu'est-il arrivé aux données ?"), choices=NATURES,
             hint=say("Vues par d'autres, changées, ou perdues. Plusieurs réponses possibles.")),
    Question(name="supports", kind="choices", label=say("Sur quoi étaient-elles ?"), choices=SUPPORTS),
    Question(name="began_at", kind="moment", label=say("Quand cela a-t-il commencé ?")),
    Question(name="ending", kind="choice", label=say("Est-ce terminé ?"), choices=ENDINGS),
    Question(name="ended_at", kind="moment", label=say("Quand cela s'est-il terminé ?")),
    Question(name="parties", kind="choices", label=say("Qui d'autre est concerné ?"), choices=PARTIES),
))  # fmt: skip
DATA_SHEET = Sheet(name="data", title=say("Les personnes et les données"), questions=(
    Question(name="touched", kind="choice", label=say("Des données de patientes sont-elles touchées ?"), choices=YES_NO,
             hint=say("Vues, copiées, changées, perdues, ou bloquées, même pour quelques jours.")),
    Question(name="people", kind="choice", label=say("Combien de personnes, environ ?"), choices=PEOPLE),
    Question(name="who", kind="choices", label=say("Qui sont ces personnes ?"), choices=WHO),
    Question(name="vulnerable", kind="choice", label=say("Certaines sont-elles vulnérables ?"), choices=YES_NO,
             hint=say("Par exemple des mineures, ou des femmes en danger.")),
    Question(name="data", kind="choices", label=say("Quelles données ?"), choices=DATA),
    Question(name="records", kind="number", label=say("Combien de dossiers, environ ?"),
             hint=say("Par exemple : environ 200."), length=NUMBER_MAX_LENGTH),
    Question(name="identifiable", kind="choice", label=say("Peut-on reconnaître les personnes directement ?"),
             choices=YES_NO),
    Question(name="effects", kind="choices", label=say("Que peut-il en résulter ?"), choices=EFFECTS),
    Question(name="harms", kind="choices", label=say("Que risquent les personnes ?"), choices=HARMS),
    Question(name="severity", kind="choice", label=say("Quelle est la gravité pour elles ?"), choices=SEVERITIES),
    Question(name="high_risk", kind="choice", label=say("Le risque pour elles est-il élevé ?"), choices=YES_NO,
             hint=say("Avec des données de santé, il l'est souvent. Dans le doute, répondez oui.")),
    Question(name="assessed_at", kind="moment", label=say("Quand avez-vous jugé ce risque ?")),
))  # fmt: skip
DONE = Sheet(name="done", title=say("Ce que vous avez fait"), questions=(
    Question(name="before", kind="choices", label=say("Qu'est-ce qui protégeait déjà les données ?"), choices=BEFORE),
    Question(name="taken", kind="choices", label=say("Qu'avez-vous fait depuis ?"), choices=TAKEN,
             hint=say("En dehors de Lucine : les papiers disent déjà ce que Lucine a arrêté.")),
    Question(name="planned", kind="choices", label=say("Que prévoyez-vous pour la suite ?"), choices=PLANNED),
    Question(name="spared", kind="choice", label=say("Est-ce que l'un de ces cas s'applique ?"), choices=SPARED,
             hint=say("La loi permet alors de ne pas écrire à chaque personne.")),
    Question(name="late", kind="choices", label=say("Plus de 72 heures ont passé ? Pourquoi ?"), choices=LATE,
             hint=say("La CNIL accepte une notification tardive. Elle demande seulement les raisons.")),
))  # fmt: skip
TOLD = Sheet(name="told", title=say("Qui est prévenu"), questions=(
    Question(name="contact", kind="text", label=say("Comment vous joindre ?"), length=LINE_MAX_LENGTH,
             hint=say("Un numéro et une adresse e-mail. Ils figurent dans vos documents.")),
    Question(name="insured", kind="choice", label=say("Avez-vous une assurance contre les attaques informatiques ?"),
             choices=YES_NO,
             hint=say("Regardez votre contrat. L'assurance paie seulement si vous portez plainte en 72 heures.")),
    Question(name="notified", kind="choice", label=say("Qu'avez-vous envoyé à la CNIL ?"), choices=NOTIFIED),
    Question(name="notified_at", kind="moment",
             label=say("Quand avez-vous envoyé la première notification à la CNIL ?")),
    Question(name="reference", kind="text", label=say("Le numéro que la CNIL vous a donné"), length=LINE_MAX_LENGTH),
    Question(name="informed", kind="choice", label=say("Les personnes touchées sont-elles prévenues ?"),
             choices=INFORMED, written=INFORMED_WRITTEN),
    Question(name="informed_at", kind="moment", label=say("Quand ont-elles été prévenues, ou quand le seront-elles ?"),
             future=True),
    Question(name="informed_by", kind="choices", label=say("Par quel moyen ?"), choices=MEANS),
    Question(name="informed_share", kind="choice", label=say("Toutes, ou une partie ?"), choices=SHARE),
    Question(name="authorities", kind="choices", label=say("Qui d'autre avez-vous prévenu ?"), choices=BODIES),
    Question(name="abroad", kind="choice", label=say("Des personnes d'un autre pays d'Europe sont-elles touchées ?"),
             choices=YES_NO),
))  # fmt: skip
SHEETS = (HAPPENED, DATA_SHEET, DONE, TOLD)
