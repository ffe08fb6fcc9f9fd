"""What she alone knows of an incident: short codes, read from a form, kept as they were said."""

import re
from typing import Any, Literal, get_type_hints

import msgspec

from lucine.web import Refusal
from lucine.web.languages import say

from .sheets import NUMBER_MAX_LENGTH, SHEETS, Question
from .zones import moment_of, wall_of

YesNo = Literal["", "yes", "no", "unknown"]
# Seconds since 1970 (UTC); "unknown": she does not know; None: she has not said yet.
Moment = float | Literal["unknown"] | None
Origin = Literal[
    "", "device", "paper", "post", "attack", "paper_thrown", "device_thrown", "published", "wrong_person",
    "wrong_recipient", "spoken", "other",
]  # fmt: skip
Cause = Literal[
    "", "internal_malicious", "internal_accident", "external_malicious", "external_accident", "other", "unknown",
]  # fmt: skip
Nature = Literal["confidentiality", "integrity", "availability"]
Support = Literal["server", "desktop", "laptop", "backup", "key", "phone", "paper"]
FoundBy = Literal["", "me", "colleague", "patient", "editor", "lucine", "body", "other"]
Party = Literal["editor", "host", "colleague", "secretary", "helper"]
People = Literal["", "p5", "p50", "p300", "p5000", "more", "unknown"]
Who = Literal["patients", "children", "relatives", "staff", "professionals"]
Data = Literal[
    "surname", "first_name", "birth", "civil", "parents", "gender", "nir", "contact", "ip", "transactions",
    "connections", "places", "official", "offences", "money", "behaviour", "sensitive",
]  # fmt: skip
Effect = Literal["wider", "crossed", "misused", "falsified", "delayed"]
Harm = Literal[
    "control", "rights", "discrimination", "identity", "fraud", "pseudonym", "money", "reputation", "privacy",
    "secrecy",
]  # fmt: skip
Severity = Literal["", "negligible", "limited", "important", "maximal", "unknown"]
Before = Literal[
    "passwords", "second", "encryption", "backups", "antivirus", "updates", "lock", "own_accounts", "traces",
    "premises", "secure_mail",
]  # fmt: skip
Taken = Literal["cut", "passwords", "isolated", "wiped", "recalled", "evidence", "editor", "restored", "complaint"]
Planned = Literal["passkeys", "encryption", "backups", "rights", "reminder", "addresses", "contracts", "disposal"]
Spared = Literal["", "none", "unreadable", "removed", "effort"]
Late = Literal["scope", "editor", "care", "checks", "unaware", "absent"]
Means = Literal["letter", "mail", "secure_mail", "phone", "person", "public"]
Body = Literal["police", "prosecutor", "ans", "order", "cpam", "cert", "insurer"]


class Facts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every default means "not known yet". ``*_at``: when. What each code says stands in `sheets`.

    attack: is it an attack punished by the penal code. known_at: when she knew of it (the complaint's clock).
    aware_at: when she became aware that data are touched, processor_at: when her software's editor told her
    (CNIL's clock: the earlier). notified_at: when the first notification was sent.
    """

    attack: YesNo = ""
    known_at: Moment = None
    established: Literal["", "established", "suspected"] = ""
    origin: Origin = ""
    cause: Cause = ""
    nature: list[Nature] = []
    supports: list[Support] = []
    began_at: Moment = None
    ending: Literal["", "ended", "ongoing", "long", "unknown"] = ""
    ended_at: Moment = None
    aware_at: Moment = None
    found_by: FoundBy = ""
    processor_at: Moment = None
    parties: list[Party] = []
    account: str = ""

    touched: YesNo = ""
    people: People = ""
    who: list[Who] = []
    vulnerable: YesNo = ""
    data: list[Data] = []
    records: int | None = None
    identifiable: YesNo = ""
    effects: list[Effect] = []
    harms: list[Harm] = []
    severity: Severity = ""
    high_risk: YesNo = ""
    assessed_at: Moment = None

    before: list[Before] = []
    taken: list[Taken] = []
    planned: list[Planned] = []
    spared: Spared = ""
    late: list[Late] = []

    contact: str = ""
    insured: YesNo = ""
    notified: Literal["", "nothing", "initial", "complete"] = ""
    notified_at: Moment = None
    reference: str = ""
    informed: Literal["", "yes", "will", "no", "undecided"] = ""
    informed_at: Moment = None
    informed_by: list[Means] = []
    informed_share: Literal["", "all", "some"] = ""
    authorities: list[Body] = []
    abroad: YesNo = ""

    def form(self, zone: str) -> dict[str, str]:
        """The form that says these facts: what a page shows as given. `read_facts` reads it back."""
        form: dict[str, str] = {}
        for name, question in QUESTIONS.items():
            value = getattr(self, name)
            if question.kind == "choices":
                form |= {f"{name}.{code}": "yes" for code in value}
            elif question.kind == "moment" and value == "unknown":
                form[f"{name}.unknown"] = "yes"
            elif question.kind == "moment" and value is not None:
                form[name] = wall_of(value, zone)
            elif value not in ("", None):
                form[name] = str(value)
        return form


IMPOSSIBLE = say("Cette réponse n'est pas possible. Rechargez la page.")
RECORDS_MAX = 100_000_000
MINUS = re.compile(r"[-\u2212] ?[0-9]")
# Digits, or groups of three as they are written by hand: "1 200", "1.200".
NUMBERS = re.compile(r"(?<![0-9])[0-9]{1,3}(?:[ .\u00a0\u202f][0-9]{3})+(?![0-9])|[0-9]+")
EARLIEST = 946_684_800.0  # 2000-01-01T00:00Z
PLANNED_MAX_SECONDS = 366 * 86400
QUESTIONS = {question.name: question for sheet in SHEETS for question in sheet.questions}
LISTS = {name for name, question in QUESTIONS.items() if question.kind == "choices"}


class BadAnswer(Refusal):
    """An answer that cannot be. ``question``: the name of the one that it is about, so that a page can point at it."""

    def __init__(self, question: str, words: str, detail: str) -> None:
        super().__init__("invalid_request", words, f"{question} {detail}")
        self.question = question


def said(moment: Moment) -> float | None:
    """A moment that she knows; None for one that she does not know or has not said yet."""
    return moment if isinstance(moment, float) else None


def kept_facts(kept: bytes) -> Facts:
    """What was kept by this version, or by one that knew other questions or codes: those answers are dropped."""
    said_before = msgspec.json.decode(kept, type=dict[str, Any])
    types = get_type_hints(Facts)
    facts = Facts()
    for name, value in said_before.items():
        try:
            if name in LISTS:
                codes = {code for code, _ in QUESTIONS[name].choices}
                value = [code for code in msgspec.convert(value, list[str]) if code in codes]
            facts = msgspec.structs.replace(facts, **{name: msgspec.convert(value, types[name])})
        except (KeyError, msgspec.ValidationError):
            continue
    return facts


def read_facts(form: dict[str, str], before: Facts, zone: str, now: float) -> Facts:
    """What a form changes. BadAnswer for an answer that cannot be, Refusal for what no page sends; nothing is changed.

    Names are those of `Facts`: a code, a text, a number, or "YYYY-MM-DDTHH:MM" on the clocks of ``zone``; besides
    ``aware_at.unknown=yes`` and, for a list, ``nature.integrity=yes``. With ``sheet=<name>`` the form is that whole
    sheet: what is missing in it is taken back (a browser sends no unticked box). Without, only what is there changes.
    """
    form = dict(form)
    whole = form.pop("sheet", "")
    if whole and whole not in {sheet.name for sheet in SHEETS}:
        raise _refuse("sheet")
    names = {name.partition(".")[0] for name in form}
    asked = {question.name for sheet in SHEETS if sheet.name == whole for question in sheet.questions}
    if not names <= (asked or set(QUESTIONS)):
        raise _refuse("names of no question")  # never what she typed: it would be in the log
    changed = {
        name: _read(now, form, before, question, zone) for name, question in QUESTIONS.items() if name in names | asked
    }
    for name in form:
        _require_part(name)
    facts = msgspec.structs.replace(before, **changed)
    _require_order(now, facts)
    return facts


def require_added(before: Facts, after: Facts) -> None:
    """BadAnswer if an answer was changed or taken back: a phone alone, which may be stolen, only adds some."""
    for name in QUESTIONS:
        old, new = getattr(before, name), getattr(after, name)
        kept = set(old) <= set(new) if name in LISTS else old in ("", None, new)
        if not kept:
            words = "Pour changer une réponse déjà donnée, confirmez d'abord que c'est vous : connectez-vous."
            raise BadAnswer(name, words, "changed from a phone alone")


def _require_part(name: str) -> None:
    """``list.code`` and ``moment.unknown`` are the only names with a dot; a list has no other."""
    first, dot, code = name.partition(".")
    question = QUESTIONS[first]
    codes = {"unknown"} if question.kind == "moment" else {code for code, _ in question.choices if first in LISTS}
    if (dot and code not in codes) or (not dot and first in LISTS):
        raise _refuse(f"a part of {first} that it does not have")


def _read(now: float, form: dict[str, str], before: Facts, question: Question, zone: str) -> Any:
    value = form.get(question.name, "")
    if question.kind == "choices":
        ticked = [code for code, _ in question.choices if f"{question.name}.{code}" in form]
        if any(form[f"{question.name}.{code}"] != "yes" for code in ticked):
            raise _bad(question.name, "is ticked by yes")
        return ticked
    if question.kind == "choice":
        if value and value not in {code for code, _ in question.choices}:
            raise _bad(question.name, "has no such code")
        return value
    if question.kind == "moment":
        return _read_moment(now, form, getattr(before, question.name), question, zone)
    if question.kind == "number":
        return _read_number(question.name, value)
    value = value.replace("\r\n", "\n")  # as a browser sends a line's end, which its page counts as one character
    if len(value) > question.length:
        words = "Ce texte est trop long. Raccourcissez-le."
        raise BadAnswer(question.name, words, f"over {question.length}")
    return value.strip()


def _read_moment(now: float, form: dict[str, str], before: Moment, question: Question, zone: str) -> Moment:
    wall, unknown = form.get(question.name, ""), form.get(f"{question.name}.unknown")
    if unknown not in (None, "yes"):
        raise _bad(question.name, "is ticked by yes")
    kept = said(before)
    # A page shows minutes: an hour that stayed as it was shown keeps its seconds, and which of two hours it was.
    same = kept is not None and wall == wall_of(kept, zone)
    if not wall or (unknown and same):
        return "unknown" if unknown else None
    if same:
        return kept
    try:
        moment = moment_of(wall, zone)
    except ValueError as error:
        words = "Cette date n'existe pas. Vérifiez le jour et l'heure."
        raise BadAnswer(question.name, words, str(error)) from None
    if moment > now + (PLANNED_MAX_SECONDS if question.future else 0):
        words = "Cette date est dans le futur. Vérifiez le jour et l'heure."
        raise BadAnswer(question.name, words, "in the future")
    if moment < EARLIEST:
        words = "Cette date est trop ancienne. Vérifiez l'année."
        raise BadAnswer(question.name, words, "before 2000")
    return moment


def _read_number(question: str, value: str) -> int | None:
    """The one number in her words: "environ 200" is 200. Between two numbers she has to choose."""
    if not value.strip():
        return None
    found = [int(re.sub("[^0-9]", "", number)) for number in NUMBERS.findall(value[:NUMBER_MAX_LENGTH])]
    if len(value) > NUMBER_MAX_LENGTH or len(found) != 1 or found[0] > RECORDS_MAX or MINUS.search(value):
        words = "Écrivez un seul nombre, en chiffres. Par exemple : environ 200."
        raise BadAnswer(question, words, "is not one number")
    return found[0]


def _require_order(now: float, facts: Facts) -> None:
    began, ended, informed = said(facts.began_at), said(facts.ended_at), said(facts.informed_at)
    if began is not None and ended is not None and ended < began:
        words = "La fin vient avant le début. Vérifiez les deux dates."
        raise BadAnswer("ended_at", words, "before began_at")
    if facts.informed == "yes" and informed is not None and informed > now:
        words = "Vous dites avoir prévenu les personnes, mais la date est dans le futur."
        raise BadAnswer("informed_at", words, "in the future")


def _bad(question: str, detail: str) -> BadAnswer:
    return BadAnswer(question, IMPOSSIBLE, detail)


def _refuse(detail: str) -> Refusal:
    return Refusal("invalid_request", IMPOSSIBLE, detail)
