"""Whom to tell of an incident, why, how, and by when. What differs from path to path is a table."""

from collections.abc import Callable
from typing import Literal

import msgspec

from lucine.web.languages import say

from . import deadlines
from .deadlines import Deadline
from .facts import Body, Facts, Taken, YesNo

SHOWN_FIRST = 7
Clock = Callable[[Facts, float, str], Deadline | None]


class Contact(msgspec.Struct, frozen=True):
    """``value``: as people read it; ``href``: as a link."""

    kind: Literal["phone", "mail", "site"]
    value: str
    href: str


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """``to``, ``why``, ``how``, ``notes``: French of the catalogue. ``due_at``: None where no hour is set; ``at_once``:
    then without delay. ``legal``: whether law or contract set the hour of ``due_at``; else it is advice, and nothing is
    ever late. ``paper``: its name in `documents`. ``notes``: on what it depends, what was assumed.
    """

    id: str
    to: str
    why: str
    how: list[str]
    contacts: list[Contact]
    paper: str | None
    due_at: float | None
    legal: bool
    at_once: bool
    voluntary: bool
    notes: list[str]


class _Body(msgspec.Struct, frozen=True, kw_only=True):
    """A duty of any path. ``needs``: names of CONDITIONS. ``clock``: None for what has no hour, ``legal`` as of `Duty`.

    ``told``: the answers "who else was told", or ``taken``: what she did, that say it is done.
    """

    to: str
    why: str
    how: tuple[str, ...]
    contacts: tuple[Contact, ...] = ()
    paper: str | None = None
    needs: tuple[str, ...] = ()
    clock: Clock | None = None
    legal: bool = True
    voluntary: bool = False
    told: tuple[Body, ...] = ()
    taken: tuple[Taken, ...] = ()


def _risk(facts: Facts) -> YesNo:
    return "no" if facts.spared in ("unreadable", "removed") else facts.high_risk


# What a duty may depend on: the answer, and what is said while there is none. On "no" the duty falls away.
CONDITIONS: dict[str, tuple[Callable[[Facts], YesNo], str]] = {
    "attack": (lambda facts: facts.attack, say("Seulement si c'est une attaque.")),
    "touched": (lambda facts: facts.touched, say("Seulement si des données de patientes sont touchées.")),
    "risk": (_risk, say("Seulement si le risque pour ces personnes est élevé.")),
    "insured": (lambda facts: facts.insured, say("Seulement si vous êtes assurée contre les attaques informatiques.")),
    "uninsured": (lambda facts: "yes" if facts.insured == "no" else "no", ""),
    "no_clock": (lambda facts: "yes" if "no" in (facts.attack, facts.insured) else "no", ""),
    "unsent": (lambda facts: "no" if facts.notified in ("initial", "complete") else "yes", ""),
    "sent_in_part": (lambda facts: "yes" if facts.notified == "initial" else "no", ""),
}
TO_BE_FILED = say("Vous les avez prévenus. La plainte reste à déposer : c'est elle qui compte pour l'assurance.")
ASSUMED = say(
    "Vous n'avez pas dit quand ce délai a commencé. Lucine compte à partir de la date la plus ancienne possible."
)

E_CPS_DESK = (
    Contact("phone", "0 806 800 213", "tel:+33806800213"),
    Contact("mail", "monserviceclient.e-cps@esante.gouv.fr", "mailto:monserviceclient.e-cps@esante.gouv.fr"),
)
CNIL_SITE = Contact("site", "cnil.fr", "https://www.cnil.fr/fr/notifier-une-violation-de-donnees-personnelles")
HELP = (
    Contact("site", "17cyber.gouv.fr", "https://17cyber.gouv.fr"),
    Contact("phone", "France Victimes : 116 006", "tel:116006"),
)
POLICE: tuple[Body, ...] = ("police", "prosecutor")

BODIES: dict[str, _Body] = {
    "desk": _Body(
        to=say("Le support e-CPS"), paper="desk", contacts=E_CPS_DESK, told=("ans",),
        why=say("Il bloque une e-CPS détournée et empêche d'en créer une autre."),
        how=(say("Appelez, puis envoyez le message par e-mail."),),
    ),
    "services": _Body(
        to=say("Les services ouverts à votre nom"),
        why=say("Un document signé à votre place peut encore être annulé."),
        how=(say("Appelez chaque service où vous trouvez une trace. Demandez d'annuler ce qui n'est pas de vous."),),
    ),
    "operator": _Body(
        to=say("Votre opérateur téléphonique"),
        why=say("Votre ligne reçoit encore des codes."),
        how=(say("Appelez-le depuis un autre téléphone. Faites bloquer la ligne."),),
    ),
    "help": _Body(
        to=say("17Cyber, l'aide de l'État aux victimes"), contacts=HELP,
        why=say("Des policiers et des gendarmes vous répondent jour et nuit, par écrit."),
        how=(say("Sur le site. Pour parler à quelqu'un, appelez France Victimes."),),
    ),
    "editor": _Body(
        to=say("L'éditeur de votre logiciel"), taken=("editor",),
        why=say("Il peut fermer des accès, dire qui a vu quoi, et garder les traces."),
        how=(say("Appelez le numéro de votre contrat. Demandez une réponse écrite."),),
    ),
    "insurance": _Body(
        to=say("Votre caisse d'assurance maladie"), paper="insurance", told=("cpam",),
        contacts=(Contact("phone", "36 08", "tel:3608"),),
        why=say("Elle arrête les paiements et note que ces factures ne sont pas de vous."),
        how=(say("Appelez, puis envoyez le message depuis votre messagerie professionnelle."),),
    ),
    "order": _Body(
        to=say("Votre conseil départemental de l'Ordre"), paper="order", told=("order",),
        contacts=(Contact("site", "ordre-sages-femmes.fr", "https://www.ordre-sages-femmes.fr"),),
        why=say("Il saura que l'on se sert de votre nom, et vous conseillera."),
        how=(say("Par téléphone ou par e-mail. Vérifiez aussi vos coordonnées auprès de lui."),),
    ),
    "complaint": _Body(
        to=say("La police, la gendarmerie ou le procureur"), paper="complaint",
        needs=("attack", "insured"), clock=lambda facts, opened_at, _: deadlines.complaint(facts, opened_at),
        taken=("complaint",),
        why=say("Votre assurance paie seulement si vous portez plainte en 72 heures."
                " Le délai part du moment où vous avez compris l'attaque."),
        how=(say("Sur place, dans n'importe quel commissariat ou brigade. Ou par courrier au procureur."),),
    ),
    "complaint-free": _Body(
        to=say("La police, la gendarmerie ou le procureur"), paper="complaint",
        needs=("attack", "uninsured"), told=POLICE, taken=("complaint",),
        why=say("Une plainte vous protège si l'on se sert encore de votre nom."),
        how=(say("Sur place, dans n'importe quel commissariat ou brigade. Ou par courrier au procureur."),),
    ),
    "fraud": _Body(
        to=say("La police, la gendarmerie ou le procureur"), paper="complaint", needs=("no_clock",),
        told=POLICE, taken=("complaint",),
        why=say("Une plainte montre que ces factures ne sont pas de vous."),
        how=(say("Sur place, dans n'importe quel commissariat ou brigade. Ou par courrier au procureur."),),
    ),
    "theft": _Body(
        to=say("La police ou la gendarmerie"), paper="complaint", told=POLICE, taken=("complaint",),
        why=say("Si l'appareil a été volé, la plainte le prouve. Votre assurance la demandera."),
        how=(say("Sur place. Apportez le numéro de série, ou le numéro IMEI du téléphone."),),
    ),
    "cnil": _Body(
        to=say("La CNIL"), paper="cnil", contacts=(CNIL_SITE,), needs=("touched", "unsent"),
        clock=lambda facts, opened_at, _: deadlines.cnil(facts, opened_at),
        why=say("La loi demande de la prévenir en 72 heures. Vous pourrez compléter ensuite."),
        how=(
            say("En ligne. Recopiez le papier que Lucine a préparé."),
            say("Les 72 heures sont passées ? Envoyez quand même, avec vos raisons."),
            say("Aucun risque possible pour les personnes ? Notez pourquoi dans votre registre : cela suffit."),
        ),
    ),
    "cnil-followup": _Body(
        to=say("La CNIL, pour compléter"), paper="cnil", contacts=(CNIL_SITE,),
        needs=("touched", "sent_in_part"), clock=lambda facts, opened_at, _: deadlines.cnil_followup(facts, opened_at),
        why=say("Votre première notification était incomplète. Si possible, complétez-la en 72 heures."),
        how=(say("En ligne, avec le numéro que la CNIL vous a donné."),),
    ),
    "register": _Body(
        to=say("Votre registre"), paper="register", needs=("touched",), clock=deadlines.register,
        legal=False,
        why=say("Toute violation s'y note, même sans notification. Le jour même, c'est plus sûr."),
        how=(say("Gardez cette page avec vos papiers du cabinet. Elle ne s'envoie à personne."),),
    ),
    "patients": _Body(
        to=say("Les personnes touchées"), paper="patients", needs=("touched", "risk"),
        clock=lambda facts, opened_at, _: deadlines.patients(facts, opened_at),
        why=say("Elles pourront se protéger. La loi le demande, sans attendre, quand le risque est élevé."),
        how=(say("Une lettre ou un message à chacune. Jamais toutes les adresses dans le même envoi."),),
    ),
    "insurer": _Body(
        to=say("Votre assureur"), paper="insurer", needs=("insured",), told=("insurer",),
        why=say("Votre contrat fixe un délai pour déclarer. Il offre souvent une aide technique."),
        how=(say("Appelez le numéro du contrat, puis envoyez la déclaration."),),
    ),
    "cert": _Body(
        voluntary=True, to=say("Le CERT Santé"), paper="cert", told=("cert",),
        contacts=(Contact("site", "cyberveille.esante.gouv.fr", "https://cyberveille.esante.gouv.fr"),),
        why=say("Ses analystes aident les soignants. Votre signalement en protège d'autres."),
        how=(say("Sur le site, si vous le souhaitez."),),
    ),
}  # fmt: skip

BREACH = ("cnil", "cnil-followup", "register", "patients")


class _Path(msgspec.Struct, frozen=True, kw_only=True):
    """Names of BODIES: those to be told at once, and the others; of what is equally urgent the first comes first."""

    at_once: tuple[str, ...] = ()
    then: tuple[str, ...]


PATH_DUTIES: dict[str, _Path] = {
    "approved": _Path(
        at_once=("desk", "services", "order"),
        then=("complaint", "complaint-free", *BREACH, "help", "insurer", "cert"),
    ),
    "phone-lost": _Path(at_once=("operator", "desk"), then=(*BREACH, "theft", "insurer")),
    "computer-lost": _Path(at_once=("editor",), then=(*BREACH, "theft", "insurer")),
    "code-given": _Path(
        at_once=("desk", "services", "order"),
        then=("complaint", "complaint-free", *BREACH, "help", "insurer", "cert"),
    ),
    "files-locked": _Path(at_once=("help", "editor"), then=("complaint", "complaint-free", *BREACH, "insurer", "cert")),
    "data-seen": _Path(at_once=("editor",), then=("complaint", "complaint-free", *BREACH, "help", "insurer", "cert")),
    "wrong-recipient": _Path(then=BREACH),
    "false-invoices": _Path(
        at_once=("insurance", "desk", "order"),
        then=("complaint", "fraud", *BREACH, "services", "help", "insurer", "cert"),
    ),
}
"""For each path of the incident room, whom it concerns."""


def duties_for(path: str, facts: Facts, opened_at: float, zone: str) -> list[Duty]:
    """What is to be told to whom, the most urgent first: at once, then by hour, then the rest, the voluntary last.

    ``path``: a name of PATH_DUTIES. An answer that is not known keeps the duty, with a note of what it depends on.
    """
    at_once = PATH_DUTIES[path].at_once
    found = [_duty(name, facts, opened_at, zone, name in at_once) for name in (*at_once, *PATH_DUTIES[path].then)]
    return sorted((duty for duty in found if duty), key=_urgency)


def told_by_answers(facts: Facts) -> set[str]:
    """The duties that her answers say are done, whatever their path.

    A word to the police is no complaint: where the insurance counts its hours, the duty stays until one is filed.
    """
    told = {
        name for name, body in BODIES.items() if {*body.told} & {*facts.authorities} or {*body.taken} & {*facts.taken}
    }
    return told | ({"patients"} if facts.informed == "yes" and facts.informed_share != "some" else set())


def _urgency(duty: Duty) -> tuple[int, float]:
    if duty.at_once:
        return 0, 0
    if duty.due_at is not None:
        return 1, duty.due_at
    return (3 if duty.voluntary else 2), 0


def _duty(name: str, facts: Facts, opened_at: float, zone: str, at_once: bool) -> Duty | None:
    body = BODIES[name]
    answers = [(CONDITIONS[need][0](facts), CONDITIONS[need][1]) for need in body.needs]
    if any(answer == "no" for answer, _ in answers):
        return None
    clock = body.clock(facts, opened_at, zone) if body.clock else None
    notes = [words for answer, words in answers if answer != "yes"]
    if name == "complaint" and {*POLICE} & {*facts.authorities} and "complaint" not in facts.taken:
        notes.append(TO_BE_FILED)
    # A clock that ends as it starts has no hour: it is at once, and nothing to be reminded of by the minute.
    at_once = at_once or (clock is not None and clock.due_at == clock.starts_at)
    return Duty(
        id=name, voluntary=body.voluntary, to=body.to, why=body.why, how=list(body.how), contacts=list(body.contacts),
        paper=body.paper, due_at=clock.due_at if clock and not at_once else None, at_once=at_once,
        legal=body.legal, notes=[*notes, ASSUMED] if clock and clock.assumed else notes,
    )  # fmt: skip
