"""The timeline of an incident: it fills itself from the ledger; her notes stand in between."""

import msgspec

from lucine.phone.asks import past_asks
from lucine.phone.credentials import names_of_credentials
from lucine.safe import Keys, Reader, Row
from lucine.safe.ledger import FOREVER, lines_about
from lucine.signin.sessions import past_sessions
from lucine.watch.browsers import names_of_browsers
from lucine.web.languages import say

from .incidents import Incident, notes_of
from .measuring import SESSIONS_MAX

BEFORE_SECONDS = 48 * 3600
LINES_MAX = 300  # of the beginning, and of what came later
TURN_SECONDS = 3600


# What each act of the ledger about a holder is called, on her page and in the papers. A test holds that all are here.
WORDS = {
    "holder.added": say("Coordonnées enregistrées"),
    "session.opened": say("Session ouverte"),
    "session.ended": say("Session fermée"),
    "ask.approved": say("Demande approuvée"),
    "ask.not_me": say("Demande refusée, faite par quelqu'un d'autre"),
    "ask.changed_mind": say("Demande refusée"),
    "sign_in.one_more_proof": say("Connexion inhabituelle : une preuve de plus est demandée"),
    "sign_in.held": say("Connexion trop inhabituelle : arrêtée"),
    "disowned": say("Connexion signalée comme faite par quelqu'un d'autre"),
    "browser.paired": say("Ordinateur gardé"),
    "browser.forgotten": say("Ordinateur oublié"),
    "phone.enrolled": say("Téléphone ajouté"),
    "phone.revoked": say("Téléphone désactivé"),
    "phone.frozen": say("Téléphone gelé"),
    "phone.thawed": say("Téléphone dégelé"),
    "computer.enrolled": say("Clé d'accès créée"),
    "computer.revoked": say("Clé d'accès supprimée"),
    "computer.frozen": say("Clé d'accès gelée"),
    "computer.thawed": say("Clé d'accès dégelée"),
    "credential.counter_went_back": say("Clé peut-être copiée"),
    "enrolments.held": say("Ajouts de téléphones et de clés arrêtés"),
    "enrolments.released": say("Ajouts de téléphones et de clés permis à nouveau"),
    "recovery_codes.made": say("Nouveaux codes de secours créés"),
    "recovery_code.used": say("Code de secours utilisé"),
    "recovery_codes.voided": say("Codes de secours récents annulés"),
    "typed_code.armed": say("Code à recopier demandé"),
    "typed_code.disarmed": say("Code à recopier annulé"),
    "cancelled": say("Ajout annulé depuis un message"),
    "incident.opened": say("Incident signalé"),
    "incident.reopened": say("Incident rouvert"),
    "incident.closed": say("Incident clos"),
}
# What she, or whoever sits there, can do a thousand times: it is in the ledger, and pushes nothing out of here.
LEFT_OUT = (
    "voucher.made", "incident.answered", "incident.task_done", "incident.task_undone", "incident.note_removed",
    "incident.bundled",
)  # fmt: skip


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A line. ``words``: French of the catalogue, ``detail``: of what; or ``note``: her own, with its id."""

    at: float
    words: str = ""
    detail: str = ""
    note: str = ""
    id: str = ""


async def timeline_of(db: Reader, keys: Keys, incident: Incident) -> list[Entry]:
    """From two days before it began, in the order of time."""
    names = await _names_of(db, incident)
    entries = []
    for line in await lines_of(db, incident, incident.opened_at - BEFORE_SECONDS, LINES_MAX, but=LEFT_OUT):
        act, facts = line["act"], msgspec.json.decode(line["facts"], type=dict[str, str])
        if act in WORDS and facts.get("incident", incident.id) == incident.id:
            entries.append(Entry(at=line["at"], words=WORDS[act], detail=_detail(facts, names)))
    entries += [Entry(at=note.at, note=note.text, id=note.id) for note in await notes_of(db, keys, incident)]
    return sorted(entries, key=lambda entry: entry.at)


async def _names_of(db: Reader, incident: Incident) -> dict[str, str]:
    """What people call what the ledger knows by its id."""
    holder = incident.holder
    asks = {
        ask.id: _joined(ask.shown.service, ask.shown.browser, ask.shown.place) for ask in await past_asks(db, holder)
    }
    sessions = {
        row["id"]: _joined(row["browser_name"], row["place"]) for row in await past_sessions(db, holder, SESSIONS_MAX)
    }
    return asks | sessions | await names_of_credentials(db, holder) | await names_of_browsers(db, holder)


def _detail(facts: dict[str, str], names: dict[str, str]) -> str:
    return next((names[value] for value in facts.values() if value in names), "")


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


async def lines_of(db: Reader, incident: Incident, since: float, most: int, *, but: tuple[str, ...] = ()) -> list[Row]:
    """The ledger's lines about her until it was closed, oldest first: until an hour after the beginning the ``most``
    oldest and the newest, and the newest of the rest. Whatever fills the ledger pushes neither end of it out.
    """
    turn, until = incident.opened_at + TURN_SECONDS, incident.closed_at if incident.closed_at is not None else FOREVER
    who, early = incident.holder, min(turn, until)
    first = await lines_about(db, who, since, most, until=early, but=but, oldest=True)
    press = await lines_about(db, who, since, most, until=early, but=but)
    rest = await lines_about(db, who, turn, most, until=until, but=but) if turn < until else []
    return sorted({line["seq"]: line for line in [*first, *press, *rest]}.values(), key=lambda line: line["seq"])
