"""What themes, answers and scores are called."""

from lucine.web.languages import say

from .scoring import Answer, Theme, Unscored

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
UNSCORED: dict[Unscored, str] = {
    "early": say("Pas encore évalué"),
    "not_concerned": say("Ne vous concerne pas"),
}
# From this score on: the bands that an operator counts, too.
VERDICTS = {
    70: say("Vos habitudes vous protègent bien"),
    40: say("On continue"),
    0: say("Commençons par l'essentiel"),
}


def verdict(score: int) -> str:
    """A score in words, to be translated where it is shown."""
    return next(words for least, words in VERDICTS.items() if score >= least)
