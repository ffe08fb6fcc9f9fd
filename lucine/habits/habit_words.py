"""What themes, answers and scores are called."""

from lucine.web.languages import say

from .assessment import BANDS
from .scoring import Answer, Theme

THEMES: dict[Theme, str] = {
    "identity": say("Identité"),
    "devices": say("Téléphone et ordinateur"),
    "accounts": say("Mots de passe et comptes"),
    "patients": say("Données des patientes"),
    "backups": say("Sauvegardes et mises à jour"),
    "premises": say("Personnes et locaux"),
}
ANSWERS: dict[Answer, str] = {
    "yes": say("Oui"),
    "partly": say("En partie"),
    "no": say("Non"),
    "unknown": say("Je ne sais pas"),
    "not_concerned": say("Cela ne me concerne pas"),
}
VERDICTS = {
    "0-39": say("Commençons par l'essentiel"),
    "40-69": say("On continue"),
    "70-100": say("Vos habitudes vous protègent bien"),
}


def verdict(score: int) -> str:
    """A score in words, to be translated where it is shown."""
    return next(VERDICTS[name] for name, (low, high) in BANDS.items() if low <= score <= high)
