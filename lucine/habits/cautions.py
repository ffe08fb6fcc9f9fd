"""What looks wrong among her answers. Nothing is refused for it: she is asked, above her tasks."""

from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from lucine.web.languages import say, translations

from .duties import BREACH, PATH_DUTIES
from .facts import QUESTIONS, Facts, said

LONG_AGO_SECONDS = 30 * 86400
CLOCKS = ("known_at", "aware_at", "processor_at", "assessed_at", "notified_at")  # each starts one
KNOWN = ("known_at", "aware_at")

UNTOUCHED = say(
    "Vous avez répondu que rien n'est touché : la CNIL et votre registre ne sont plus dans la liste."
    " Des fichiers bloqués comptent aussi."
)
CONTRADICTED = say(
    "Vous avez répondu que rien n'est touché. Pourtant, une autre réponse parle de données ou de leur gravité."
    " L'une des deux est à corriger."
)
YEAR = say("%(question)s Vous avez écrit : %(when)s. Est-ce la bonne année ?")
TOO_EARLY = say("%(question)s Vous avez écrit : %(when)s. C'est avant le début de l'incident. Est-ce la bonne date ?")


def warnings_for(path: str, facts: Facts, opened_at: float, *, zone: str, language: str) -> list[str]:
    """Sentences in a language, with dates on the clocks of ``zone``; the gravest first."""
    spoken = translations(language).gettext

    def about(sentence: str, name: str, moment: float) -> str:
        when = format_datetime(datetime.fromtimestamp(moment, ZoneInfo(zone)), "EEEE d MMMM y, HH:mm", locale=language)
        return spoken(sentence).replace("%(question)s", spoken(QUESTIONS[name].label)).replace("%(when)s", when)

    found = []
    if facts.touched == "no" and {*BREACH} & {*PATH_DUTIES[path].then}:
        found.append(spoken(UNTOUCHED))
        if facts.data or facts.high_risk == "yes" or facts.severity not in ("", "unknown"):
            found.append(spoken(CONTRADICTED))
    dated = {name: moment for name in CLOCKS if (moment := said(getattr(facts, name))) is not None}
    old = [name for name, moment in dated.items() if moment < opened_at - LONG_AGO_SECONDS]
    found += [about(YEAR, name, dated[name]) for name in old]
    began = said(facts.began_at)
    early = [name for name in KNOWN if name in dated and began is not None and dated[name] < began]
    return found + [about(TOO_EARLY, name, dated[name]) for name in early if name not in old]
