"""The timeline of an incident: it fills itself from the ledger; her notes stand in between."""

import msgspec

from lucine.safe import Keys, Reader
from lucine.safe.ledger import lines_about
from lucine.web.languages import say

from .incidents import Incident, notes_of

BEFORE_SECONDS = 48 * 3600
LINES_MAX = 300

# What each act of the ledger about a holder says to her. A test holds that none is missing.
WORDS = {
    "holder.added": say("Vos coordonnées sont enregistrées"),
    "session.opened": say("Une session s'ouvre"),
    "session.ended": say("Une session se ferme"),
    "ask.approved": say("Une demande est approuvée"),
    "ask.not_me": say("Une demande est refusée : ce n'était pas vous"),
    "ask.changed_mind": say("Une demande est refusée"),
    "sign_in.one_more_proof": say("Une connexion inhabituelle doit se prouver deux fois"),
    "sign_in.held": say("Une connexion trop inhabituelle est arrêtée"),
    "disowned": say("Une connexion est annulée : ce n'était pas vous"),
    "browser.paired": say("Un ordinateur est gardé"),
    "browser.forgotten": say("Un ordinateur est oublié"),
    "voucher.made": say("L'ajout d'un téléphone est proposé"),
    "phone.enrolled": say("Un téléphone est ajouté"),
    "phone.revoked": say("Un téléphone est désactivé"),
    "phone.frozen": say("Un téléphone est gelé"),
    "phone.thawed": say("Un téléphone est dégelé"),
    "computer.enrolled": say("Une clé d'accès est créée"),
    "computer.revoked": say("Une clé d'accès est supprimée"),
    "computer.frozen": say("Une clé d'accès est gelée"),
    "computer.thawed": say("Une clé d'accès est dégelée"),
    "credential.counter_went_back": say("Une clé a peut-être été copiée"),
    "enrolments.held": say("Les ajouts sont arrêtés"),
    "enrolments.released": say("Les ajouts sont permis à nouveau"),
    "recovery_codes.made": say("De nouveaux codes de secours sont créés"),
    "recovery_code.used": say("Un code de secours a servi"),
    "typed_code.armed": say("Le code à recopier est demandé"),
    "typed_code.disarmed": say("Le code à recopier est annulé"),
    "cancelled": say("Un ajout est annulé depuis un message"),
    "incident.opened": say("L'incident commence"),
    "incident.task_done": say("Une démarche est faite"),
    "incident.task_undone": say("Une démarche est à refaire"),
    "incident.bundled": say("Le dossier de preuves est téléchargé"),
    "incident.closed": say("L'incident est clos"),
}


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """A line. ``words``: French of the catalogue, or ``note``: her own."""

    at: float
    words: str = ""
    note: str = ""


async def timeline_of(db: Reader, keys: Keys, incident: Incident) -> list[Moment]:
    """From two days before it began, in the order of time."""
    lines = await lines_about(db, incident.holder, incident.opened_at - BEFORE_SECONDS, LINES_MAX)
    until = incident.closed_at or float("inf")
    moments = [
        Moment(at=line["at"], words=WORDS[line["act"]])
        for line in reversed(lines)
        if line["act"] in WORDS and line["at"] <= until
    ]
    moments += [Moment(at=note.at, note=note.text) for note in await notes_of(db, keys, incident.id)]
    return sorted(moments, key=lambda moment: moment.at)
