"""Where she stands, as a paper that she may hand to an insurer or the Order: what was seen told apart from her word."""

from datetime import datetime

from babel.dates import format_date, format_timedelta

from lucine.web.languages import say, translations
from lucine.web.pages import PARIS

from .assessment import QUESTIONS, Assessment
from .habit_words import ANSWERS, THEMES
from .papers import Field, Paper, Part
from .scoring import Item, Theme

TITLE = say("Mes habitudes de sécurité")
CAUTION = say("Ceci est une auto-évaluation, pas un certificat. Personne n'a vérifié ce qui est déclaré.")
HOW = say(
    "Le score va de 0 à 100. Une habitude indispensable qui manque le limite. Ce qui est déclaré perd de sa valeur"
    " avec le temps. « Je ne sais pas » n'ajoute rien."
)
RULES = say("Les questions suivent les règles publiques de l'ANS, de l'ANSSI, de la CNIL et des Ordres.")
SUMMARY = say("En résumé")
NAME, DATE, SCORE = say("Nom"), say("Date"), say("Score")
OUT_OF = say("%(score)s sur 100")
MEASURED, DECLARED, UNKNOWN = say("Part mesurée par Lucine"), say("Part déclarée"), say("Part pas encore connue")
NO_SCORE = say("Pas encore : moins de la moitié des habitudes est connue.")
THEME = say("%(theme)s : %(score)s sur 100")
THEME_UNSCORED = say("%(theme)s : pas encore évalué")
SEEN = say("%(answer)s. Mesuré par Lucine.")
SAID_TODAY = say("%(answer)s. Déclaré aujourd'hui.")
SAID = say("%(answer)s. Déclaré il y a %(time)s.")
NOT_ASKED = say("Pas encore de réponse.")
DAY = 86400


def report_of(assessment: Assessment, now: float, *, name: str, language: str) -> Paper:
    """The paper: who, when, the score, what was measured and what was declared, theme by theme."""

    def words(french: str, **named: object) -> str:
        text = translations(language).gettext(french)
        for key, value in named.items():
            text = text.replace(f"%({key})s", str(value))
        return text

    def answer_of(item: Item) -> str:
        if item.given is None:
            return words(NOT_ASKED)
        answer = words(ANSWERS[item.given.answer])
        if item.given.measured:
            return words(SEEN, answer=answer)
        if item.given.age < DAY:
            return words(SAID_TODAY, answer=answer)
        return words(SAID, answer=answer, time=format_timedelta(int(item.given.age), locale=language))

    def score_in_words() -> str:
        if not assessment.well_known:
            return words(NO_SCORE)
        return words(OUT_OF, score=assessment.score)

    def title_of(theme: Theme) -> str:
        name, score = words(THEMES[theme]), assessment.themes[theme]
        if score is not None:
            return words(THEME, theme=name, score=score)
        return words(THEME_UNSCORED, theme=name)

    today = format_date(datetime.fromtimestamp(now, PARIS).date(), "d MMMM y", locale=language)
    shares = assessment.shares
    summary = Part(
        title=words(SUMMARY),
        fields=[
            Field(words(NAME), name),
            Field(words(DATE), today),
            Field(words(SCORE), score_in_words()),
            Field(words(MEASURED), f"{shares.measured} %"),
            Field(words(DECLARED), f"{shares.declared} %"),
            Field(words(UNKNOWN), f"{shares.unknown} %"),
        ],
    )
    themes = [
        Part(
            title=title_of(theme),
            fields=[
                Field(QUESTIONS[item.name].title(language), answer_of(item))
                for item in sorted(
                    assessment.items, key=lambda item: (not (item.given and item.given.measured), item.name)
                )
                if item.question.theme == theme
            ],
        )
        for theme in assessment.themes
    ]
    return Paper(
        title=words(TITLE), language=language, made=f"{name}, {today}",
        intro=[words(CAUTION), words(HOW), words(RULES)], parts=[summary, *themes],
    )  # fmt: skip
