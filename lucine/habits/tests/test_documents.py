"""The papers of an incident, field by field against the vocabulary of CNIL's form."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from lucine.habits import choices, papers, sheets
from lucine.habits.complaint import ENTRY, EXTORTION, FORGERY, FRAUD, IDENTITY, LAW, REPORTED, THEFT
from lucine.habits.documents import PAPERS, blanks_of, build
from lucine.habits.dossier import GAP, NOT_APPLICABLE, TODO, Case, Professional, answers, blanks, gap
from lucine.habits.duties import PATH_DUTIES, duties_for
from lucine.habits.facts import QUESTIONS, Facts, read_facts
from lucine.habits.letters import HAPPENED
from lucine.habits.papers import Field, Paper, as_pdf, as_text
from lucine.habits.patients_letter import ADVICE_ON, HAPPENED_TO_YOU, PLAIN
from lucine.habits.zones import moment_of
from lucine.web import Refusal

PARIS = "Europe/Paris"
VOCABULARY = json.loads((Path(__file__).parent / "breach-form-vocabulary.json").read_text())
FORM, OPEN_DATA = VOCABULARY["form_choice_lists"], VOCABULARY["open_data_csv"]
OPENED = moment_of("2026-11-25T14:00", PARIS)
NOW = moment_of("2026-11-25T18:00", PARIS)
ANA = Professional(
    name="Ana Meridientest", rpps="99700999917", practice="Cabinet de la Lagune", address="1 quai du Port, 44000 Nantes",
    profession="Sage-femme", siret="00000000000000",
)  # fmt: skip
TYPED = {
    "aware_at": "2026-11-25T13:30", "began_at": "2026-11-25T08:00", "ended_at": "2026-11-25T14:00",
    "account": "Un appel du faux support, au cabinet.", "contact": "02 00 00 00 00, ana@exemple.fr", "records": "40",
}  # fmt: skip
CHOSEN = {
    "attack": "yes", "established": "established", "origin": "attack", "cause": "external_malicious",
    "nature.confidentiality": "yes", "supports.phone": "yes", "ending": "ended", "found_by": "me", "touched": "yes",
    "people": "p50", "who.patients": "yes", "vulnerable": "yes", "data.surname": "yes", "data.sensitive": "yes",
    "identifiable": "yes", "effects.misused": "yes", "harms.secrecy": "yes", "severity": "important", "high_risk": "yes",
    "before.lock": "yes", "taken.passwords": "yes", "planned.passkeys": "yes", "informed": "undecided", "abroad": "no",
}  # fmt: skip


def case(facts: Facts | None = None, path: str = "code-given", now: float = NOW) -> Case:
    said = facts or Facts()
    return Case(
        path=path, facts=said, opened_at=OPENED, now=now, zone=PARIS, professional=ANA,
        timeline=[(OPENED - 60, "Un téléphone est ajouté"), (OPENED, "L'incident commence : tout est arrêté")],
        done=["3 sessions fermées"], duties=duties_for(path, said, OPENED, PARIS),
    )  # fmt: skip


def whole() -> Facts:
    return read_facts({**TYPED, **CHOSEN}, Facts(), PARIS, NOW)


def fields(paper: Paper) -> dict[str, str]:
    return {field.label: field.value for part in paper.parts for field in part.fields}


def part(paper: Paper, title: str) -> str:
    found = next(part for part in paper.parts if part.title == title)
    return "\n".join([*found.paragraphs, *(f"{one.label} : {one.value}" for one in found.fields), *found.items])


# CNIL

# Each list of the form: where the answers stand on the paper, and which question gives them.
LISTS = {
    "origins": ("Origines de l'incident", "origin"),
    "circumstances": ("Natures de la violation", "nature"),
    "causes": ("Causes de l'incident", "cause"),
    "supports": ("Supports touchés", "supports"),
    "consequences_confidentiality": ("En cas de perte de confidentialité", "effects"),
    "consequences_integrity": ("En cas de perte d'intégrité", "effects"),
    "harms": ("Préjudices possibles pour les personnes", "harms"),
    "data_types": ("Typologies des données impactées", "data"),
}
OPEN_LISTS = {
    "Causes de l'incident": "cause",
    "Nombre de personnes impactées": "people",
    "Information des personnes": "informed",
}
TIMELINE = {
    "violation established or suspected": "La violation est",
    "date-time of discovery (or unknown)": "Date et heure de la découverte",
    "date-time of start (or unknown)": "Date et heure du début",
    "date-time of end (or unknown / still going on / over a long period)": "Date et heure de la fin",
    "date-time the processor told the controller": "Date et heure de l'information par le sous-traitant",
    "circumstances of discovery (who, where, how)": "Circonstances de la découverte (qui, où, comment)",
    "reasons for delay if later than 72 h": "Raisons d'une notification après 72 heures",
}


def with_answer(name: str, label: str) -> Facts:
    question = QUESTIONS[name]
    code = next(code for code, words in {**dict(question.choices), **dict(question.written)}.items() if words == label)
    return msgspec.structs.replace(Facts(), **{name: [code] if QUESTIONS[name].kind == "choices" else code})


CHOICES = [
    *((where, name, label) for key, (where, name) in LISTS.items() for label in FORM[key]),
    *((where, name, label) for where, name in OPEN_LISTS.items() for label in OPEN_DATA["values"][where]),
]


def test_no_list_of_the_vocabulary_is_left_out() -> None:
    assert set(LISTS) == set(FORM)
    assert set(OPEN_LISTS) | {"Natures de la violation"} == set(OPEN_DATA["values"])
    assert set(TIMELINE) == set(VOCABULARY["timeline_fields"])


@pytest.mark.parametrize(("where", "name", "label"), CHOICES)
def test_a_chosen_value_stands_in_its_field_in_cnils_words(where: str, name: str, label: str) -> None:
    assert fields(build("cnil", case(with_answer(name, label))))[where] == label


def test_the_choices_are_cnils_and_no_others() -> None:
    assert [label for _, label in choices.ORIGINS] == FORM["origins"]
    assert [label for _, label in choices.CAUSES] == [*FORM["causes"], "Inconnu"]
    assert [label for _, label in choices.NATURES] == FORM["circumstances"]
    assert [label for _, label in choices.SUPPORTS] == FORM["supports"]
    assert [label for _, label in choices.HARMS] == FORM["harms"]
    assert [label for _, label in choices.DATA] == FORM["data_types"]
    ours = "Soins retardés, ou faits sans le dossier"  # the vocabulary has no consequence of a loss of availability
    assert [label for _, label in choices.EFFECTS] == [
        *FORM["consequences_confidentiality"],
        *FORM["consequences_integrity"],
        ours,
    ]
    assert [label for _, label in choices.PEOPLE][:-1] == OPEN_DATA["values"]["Nombre de personnes impactées"]
    said = msgspec.structs.replace
    informed = [answers(said(Facts(), informed=code), "informed") for code, _ in choices.INFORMED]
    assert informed == [[label] for label in OPEN_DATA["values"]["Information des personnes"]]


def test_words_of_a_paper_that_she_does_not_read_are_for_codes_that_she_can_choose() -> None:
    written = {name: dict(question.written) for name, question in QUESTIONS.items() if question.written}
    assert written == {
        "established": {"established": "Avérée", "suspected": "Supposée"}, "informed": {"no": "Non ils ne le seront pas"},
    }  # fmt: skip
    for name, labels in written.items():
        shown = dict(QUESTIONS[name].choices)
        assert set(labels) <= set(shown)
        assert not set(labels.values()) & set(shown.values())


def test_every_header_and_every_date_of_the_form_has_its_field() -> None:
    labels = fields(build("cnil", case()))
    assert set(OPEN_DATA["headers"]) <= set(labels)
    assert set(TIMELINE.values()) <= set(labels)


def test_the_form_has_its_17_groups_in_order() -> None:
    titles = [part.title for part in build("cnil", case()).parts]
    assert [title.split(".")[0] for title in titles] == [str(number) for number in range(1, 18)]
    assert all(part.fields for part in build("cnil", case()).parts)


def test_what_is_not_known_is_to_be_completed_and_what_is_known_of_her_is_filled() -> None:
    found = fields(build("cnil", case()))
    assert found["Nom"] == "Ana Meridientest"
    assert found["Numéro RPPS"] == "99700999917"
    assert found["SIREN ou SIRET"] == "00000000000000"
    assert found["Immédiatement"] == "Sur Lucine (le service de connexion) : 3 sessions fermées"
    assert found["Type de notification"] == "Notification initiale (un complément suivra)"
    for label in (
        "Origines de l'incident",
        "Date et heure de la découverte",
        "Mesures de sécurité",
        "Données sensibles",
    ):
        assert found[label] == TODO
    intro = " ".join(build("cnil", case()).intro)
    assert "formulaire en ligne a pu changer" in intro
    assert "Lucine n'envoie rien à votre place" in intro


def test_a_complete_draft_needs_at_most_six_typed_answers() -> None:
    assert all(QUESTIONS[name].kind in ("moment", "text", "number") for name in TYPED)
    assert len(TYPED) <= 6
    assert all(QUESTIONS[name.partition(".")[0]].kind in ("choice", "choices") for name in CHOSEN)
    paper = build("cnil", case(whole()))
    assert blanks(paper.parts) == 0
    assert fields(paper)["Type de notification"] == "Notification complète"


def test_every_field_of_a_whole_draft_says_what_she_answered() -> None:
    assert fields(build("cnil", case(whole()))) == {
        "Type de notification": "Notification complète",
        "Référence de la notification initiale": "Sans objet : première notification",
        "Date de réception de la notification": "Donnée par la CNIL à l'envoi",
        "Nom": "Ana Meridientest", "Profession": "Sage-femme", "Numéro RPPS": "99700999917",
        "Cabinet": "Cabinet de la Lagune", "Adresse": "1 quai du Port, 44000 Nantes",
        "Téléphone et e-mail": "02 00 00 00 00, ana@exemple.fr", "SIREN ou SIRET": "00000000000000",
        "Secteur d'activité de l'organisme concerné": "Santé humaine", "Taille de l'organisme": "Exercice libéral",
        "Délégué à la protection des données": "Aucun (exercice individuel), sauf désignation",
        "Autres organismes concernés (sous-traitant, responsable conjoint)": "Aucun indiqué",
        "La violation est": "Avérée",
        "Date et heure de la découverte": "mercredi 25 novembre 2026 à 13:30 (heure de Paris, UTC+1)",
        "Date et heure du début": "mercredi 25 novembre 2026 à 08:00 (heure de Paris, UTC+1)",
        "Date et heure de la fin": "mercredi 25 novembre 2026 à 14:00 (heure de Paris, UTC+1)",
        "Date et heure de l'information par le sous-traitant": "Sans objet",
        "Circonstances de la découverte (qui, où, comment)": "Moi-même\nUn appel du faux support, au cabinet.",
        "Fin du délai de 72 heures": "samedi 28 novembre 2026 à 13:30 (heure de Paris, UTC+1)",
        "Raisons d'une notification après 72 heures": "Sans objet : moins de 72 heures",
        "Origines de l'incident": "Piratage, logiciel malveillant (par exemple rançongiciel) et/ou hameçonnage",
        "Causes de l'incident": "Acte externe malveillant", "Natures de la violation": "Perte de confidentialité",
        "Catégories de personnes": "Patientes", "Personnes vulnérables": "Oui",
        "Nombre de personnes impactées": "Entre 6 et 50 personnes",
        "Typologies des données impactées": "Nom\nDonnées sensibles (dont santé)",
        "Nombre approximatif d'enregistrements": "40", "Personnes directement identifiables": "Oui",
        "Données sensibles": "Oui", "Numéro de sécurité sociale": "Non", "Supports touchés": "Téléphone portable",
        "Mesures de sécurité": "Un verrouillage automatique de l'écran",
        "En cas de perte de confidentialité": "Détournement vers d'autres fins ou usage malveillant",
        "En cas de perte d'intégrité": "Sans objet", "En cas de perte de disponibilité": "Sans objet",
        "Préjudices possibles pour les personnes":
            "Perte de confidentialité de données protégées par un secret professionnel",
        "Gravité": "Importante",
        "Immédiatement": "Mots de passe changés\nSur Lucine (le service de connexion) : 3 sessions fermées",
        "À moyen et long terme": "Des clés d'accès à la place des mots de passe",
        "Information des personnes": "Non déterminé pour le moment",
        "Autres organismes prévenus": "Aucun à ce jour", "Personnes d'un autre pays de l'Union européenne": "Non",
        "À joindre si vous les avez":
            "Le fil daté de l'incident (Lucine)\nLa lettre aux personnes\nLe récépissé de plainte",
    }  # fmt: skip


@pytest.mark.parametrize(("facts", "label", "value"), [
    (Facts(ending="ongoing"), "Date et heure de la fin", "La violation est toujours en cours"),
    (Facts(ending="long"), "Date et heure de la fin", "La violation s'étale sur une longue période"),
    (Facts(ending="unknown"), "Date et heure de la fin", "Date et heure inconnues"),
    (Facts(began_at="unknown"), "Date et heure du début", "Date et heure inconnues"),
    (Facts(processor_at=OPENED), "Date et heure de l'information par le sous-traitant",
     "mercredi 25 novembre 2026 à 14:00 (heure de Paris, UTC+1)"),
    (Facts(established="suspected"), "La violation est", "Supposée"),
    (Facts(parties=["editor", "host"]), "Autres organismes concernés (sous-traitant, responsable conjoint)",
     "L'éditeur du logiciel\nL'hébergeur des données"),
    (Facts(data=["nir"]), "Numéro de sécurité sociale", "Oui"),
    (Facts(data=["nir"]), "Données sensibles", "Non"),
    (Facts(nature=["integrity"]), "En cas de perte d'intégrité", TODO),
    (Facts(nature=["integrity"]), "En cas de perte de disponibilité", NOT_APPLICABLE),
    (Facts(effects=["delayed"]), "En cas de perte de disponibilité", "Soins retardés, ou faits sans le dossier"),
    (Facts(informed="yes", informed_share="some"), "Nombre de personnes informées", "Une partie"),
    (Facts(informed="will", informed_by=["letter", "person"]), "Moyen", "Courrier\nDe vive voix"),
    (Facts(informed="no", spared="unreadable"), "Motif", "Les données étaient illisibles, par exemple chiffrées"),
    (Facts(informed="no"), "Motif", TODO),
    (Facts(notified="initial", reference="N-1"), "Référence de la notification initiale", "N-1"),
    (Facts(notified="initial"), "Type de notification", "Notification complémentaire"),
    (Facts(authorities=["police", "cpam"]), "Autres organismes prévenus", "Police ou gendarmerie\nCaisse d'assurance maladie"),
    (Facts(people="unknown"), "Nombre de personnes impactées", "Inconnu à ce jour"),
    (Facts(vulnerable="unknown"), "Personnes vulnérables", "Inconnu à ce jour"),
    (Facts(severity="unknown"), "Gravité", "Inconnu à ce jour"),
    (Facts(cause="unknown"), "Causes de l'incident", "Inconnu"),
    (Facts(records=0), "Nombre approximatif d'enregistrements", "0"),
])  # fmt: skip
def test_each_answer_reaches_its_field(facts: Facts, label: str, value: str) -> None:
    assert fields(build("cnil", case(facts)))[label] == value


def test_a_late_notification_asks_for_its_reasons_and_only_a_late_one() -> None:
    label = "Raisons d'une notification après 72 heures"
    aware = Facts(aware_at=OPENED)
    assert fields(build("cnil", case(aware, now=OPENED + 72 * 3600)))[label].startswith(NOT_APPLICABLE)
    assert fields(build("cnil", case(aware, now=OPENED + 72 * 3600 + 1)))[label] == TODO
    said = msgspec.structs.replace(aware, late=["scope", "absent"])
    reasons = fields(build("cnil", case(said, now=OPENED + 1e6)))[label]
    assert reasons == "L'ampleur n'a été comprise que plus tard\nUne absence : congé, maladie"
    in_time = msgspec.structs.replace(aware, notified="initial", notified_at=OPENED + 60)
    assert fields(build("cnil", case(in_time, now=OPENED + 1e6)))[label].startswith(NOT_APPLICABLE)


def test_a_clock_whose_start_is_assumed_says_so() -> None:
    assert fields(build("cnil", case()))["Fin du délai de 72 heures"] == (
        "samedi 28 novembre 2026 à 14:00 (heure de Paris, UTC+1), à partir de la date la plus ancienne possible"
    )


# The letters


def test_a_complaint_names_only_the_articles_that_fit() -> None:
    assert set(LAW) == set(REPORTED) == set(HAPPENED) == set(HAPPENED_TO_YOU) == set(PATH_DUTIES)
    expected = {
        "code-given": {ENTRY, IDENTITY, FRAUD},
        "phone-lost": {THEFT},
        "false-invoices": {IDENTITY, FORGERY, FRAUD, ENTRY},
    }
    for path, articles in expected.items():
        text = as_text(build("complaint", case(path=path)))
        said = set(re.findall(r"article (\d+(?:-\d+)+)", text))
        assert said == {re.findall(r"article ([\d-]+)", article)[0] for article in articles}
    assert "Textes de loi" not in [part.title for part in build("complaint", case(path="wrong-recipient")).parts]


def test_without_an_attack_a_complaint_names_no_article_on_attacks() -> None:
    text = as_text(build("complaint", case(Facts(attack="no"), path="files-locked")))
    assert "323-" not in text
    assert EXTORTION in part(build("complaint", case(Facts(attack="no"), path="files-locked")), "Textes de loi")


def test_a_complaint_tells_the_insurers_hour_where_it_counts() -> None:
    known = Facts(attack="yes", insured="yes", known_at=OPENED - 3600)
    said = part(build("complaint", case(known)), "Délai pour l'assurance")
    assert "L. 12-10-1" in said
    assert "samedi 28 novembre 2026 à 13:00" in said
    for facts, path in ((Facts(insured="no"), "code-given"), (Facts(attack="no"), "code-given"), (known, "phone-lost")):
        titles = [part.title for part in build("complaint", case(facts, path=path)).parts]
        assert "Délai pour l'assurance" not in titles


def test_a_complaint_holds_who_when_and_the_timeline() -> None:
    paper = build("complaint", case(whole()))
    found = fields(paper)
    assert found["Nom"] == "Ana Meridientest"
    assert found["Début"] == "mercredi 25 novembre 2026 à 08:00 (heure de Paris, UTC+1)"
    assert found["Signalé sur Lucine le"] == "mercredi 25 novembre 2026 à 14:00 (heure de Paris, UTC+1)"
    assert part(paper, "Le récit de la personne qui porte plainte") == "Un appel du faux support, au cabinet."
    assert part(paper, "Le déroulement, heure par heure").split("\n") == [
        "25 novembre 2026, 13:59 (UTC+1) : Un téléphone est ajouté",
        "25 novembre 2026, 14:00 (UTC+1) : L'incident commence : tout est arrêté",
    ]
    assert (
        part(paper, "Ce qui a été fait")
        == "Mots de passe changés\nSur Lucine (le service de connexion) : 3 sessions fermées"
    )


SPOKEN = re.compile(r"\b(vous|votre|vos|je|j'|mon|ma|mes|m'|moi|moi-même|nous)\b", re.IGNORECASE)


@pytest.mark.parametrize("path", PATH_DUTIES)
def test_a_complaint_speaks_neither_to_her_nor_as_her(path: str) -> None:
    for facts in (Facts(), msgspec.structs.replace(whole(), account="")):
        text = as_text(build("complaint", case(facts, path=path)))
        assert not SPOKEN.search(text), SPOKEN.search(text)
        assert "Auteur : Inconnu à ce jour" in text


def test_the_letter_to_patients_has_what_the_law_asks_in_plain_words() -> None:
    paper = build("patients", case(msgspec.structs.replace(whole(), notified="initial", data=["nir", "sensitive"])))
    happened = part(paper, "Ce qui s'est passé")
    assert "Cela a commencé le 25 novembre 2026. Je l'ai appris le 25 novembre 2026." in happened
    assert (
        part(paper, "Les données concernées")
        == "Votre numéro de sécurité sociale\nDes informations sur votre santé et votre suivi"
    )
    assert "Ce que vous m'avez confié, et que le secret professionnel protège, peut être connu." in part(
        paper, "Ce qui peut en résulter"
    )
    assert part(paper, "Ce que j'ai fait") == (
        "J'ai changé mes mots de passe.\nJ'ai prévenu la CNIL, qui veille sur les données personnelles."
    )
    assert ADVICE_ON["nir"] in part(paper, "Ce que vous pouvez faire")
    assert "02 00 00 00 00, ana@exemple.fr" in part(paper, "Pour me joindre")
    text = as_text(paper)
    assert TODO not in text
    assert text.startswith(
        "Cabinet de la Lagune\nAna Meridientest\n1 quai du Port, 44000 Nantes\n\nInformation sur vos"
    )
    jargon = (
        "confidentialité",
        "intégrité",
        "pseudonym",
        "NIR",
        "rançongiciel",
        "hameçonnage",
        "violation",
        "RGPD",
        "323",
    )
    assert not [word for word in jargon if word in text]
    assert whole().account not in text  # her account is for the police


def test_she_tells_patients_that_accesses_are_closed_only_if_one_was() -> None:
    closed = "J'ai fermé les accès ouverts à mon nom."
    nothing = part(build("patients", case()), "Ce que j'ai fait")
    assert nothing == gap("les mesures prises")
    by_lucine = msgspec.structs.replace(case(), closed=True)
    assert part(build("patients", by_lucine), "Ce que j'ai fait") == closed
    both = msgspec.structs.replace(case(Facts(taken=["cut", "evidence"])), closed=True)
    assert part(build("patients", both), "Ce que j'ai fait").split("\n")[0] == closed
    assert as_text(build("patients", both)).count(closed) == 1
    assert "Lucine" not in as_text(build("patients", both))


def test_what_is_missing_in_a_letter_to_patients_is_no_sentence_and_no_item() -> None:
    paper = build("patients", msgspec.structs.replace(case(), professional=Professional(name="Ana", rpps="1")))
    text = as_text(paper)
    assert text.startswith("Ana\n[à compléter : l'adresse du cabinet]\n")
    assert "Je réponds à vos questions : [à compléter : téléphone et e-mail]\n" in text
    gaps = [item for one in paper.parts for item in one.items if GAP in item]
    assert len(gaps) == 4
    assert all(re.fullmatch(r"\[à compléter : [^\]]+\]", item) for item in gaps)
    assert text.count(TODO) == text.count(GAP)
    assert as_pdf(paper).startswith(b"%PDF-")


def test_every_code_has_plain_words_for_patients() -> None:
    for name, words in PLAIN.items():
        assert list(words) == [code for code, _ in QUESTIONS[name].choices]
    assert set(ADVICE_ON) <= set(PLAIN["data"])


def test_the_register_holds_facts_effects_and_remedies() -> None:
    found = fields(build("register", case(whole())))
    assert found["Origine"] == FORM["origins"][3]
    assert found["Nature"] == "Perte de confidentialité"
    assert found["Conséquences"] == "Détournement vers d'autres fins ou usage malveillant"
    assert found["Prises"] == "Mots de passe changés\nSur Lucine (le service de connexion) : 3 sessions fermées"
    assert part(build("register", case(whole())), "Qui tient ce registre") == (
        "Nom : Ana Meridientest\nCabinet : Cabinet de la Lagune\nNuméro RPPS : 99700999917"
    )
    assert found["Si la CNIL n'est pas prévenue, pourquoi"] == TODO
    sent = fields(
        build("register", case(msgspec.structs.replace(whole(), notified="complete", notified_at=NOW, reference="N-1")))
    )
    assert sent["Si la CNIL n'est pas prévenue, pourquoi"] == "Sans objet"
    assert sent["Date d'envoi à la CNIL"].startswith("mercredi 25 novembre 2026 à 18:00")
    assert sent["Numéro donné par la CNIL"] == "N-1"


@pytest.mark.parametrize(("name", "words"), [
    ("desk", "monserviceclient.e-cps@esante.gouv.fr"), ("desk", "Bloquer mon e-CPS"), ("insurance", "36 08"),
    ("insurance", "Suspendre le paiement"), ("order", "Vérifier avec moi mon adresse e-mail"),
    ("insurer", "Numéro du contrat : à compléter"), ("cert", "Signalement volontaire"),
])  # fmt: skip
def test_each_message_says_who_writes_what_happened_and_what_she_asks(name: str, words: str) -> None:
    text = as_text(build(name, case(whole())))
    assert words in text
    assert "Ana Meridientest" in text
    assert HAPPENED["code-given"] in text.replace("\n", " ")
    assert "Ce que je demande" in text


@pytest.mark.parametrize(("facts", "said"), [
    (Facts(taken=["complaint"]), "Déposée : récépissé joint"),
    (Facts(taken=["complaint"], authorities=["police"]), "Déposée : récépissé joint"),
    (Facts(authorities=["police"]), "Police ou gendarmerie prévenue ; plainte à déposer"),
    (Facts(authorities=["prosecutor"]), "Procureur de la République prévenu ; plainte à déposer"),
    (Facts(authorities=["police", "prosecutor"]),
     "Police ou gendarmerie prévenue ; procureur de la République prévenu ; plainte à déposer"),
    (Facts(authorities=["insurer", "order"]), "À déposer"),
    (Facts(), "À déposer"),
    (Facts(attack="no"), NOT_APPLICABLE),
])  # fmt: skip
def test_the_insurer_reads_that_a_complaint_was_filed_only_if_it_was(facts: Facts, said: str) -> None:
    assert fields(build("insurer", case(facts)))["Plainte"] == said


def test_a_stolen_phone_needs_a_complaint_without_any_attack() -> None:
    assert fields(build("insurer", case(Facts(attack="no"), path="phone-lost")))["Plainte"] == "À déposer"


def test_the_fund_reads_no_promise_and_no_claim_about_money() -> None:
    text = as_text(build("insurance", case(whole(), path="false-invoices")))
    assert "Noter que je ne les ai pas établies." in text
    assert "Me dire si des sommes ont été versées pour ces factures, et ce que je dois" in text
    assert "rendrai" not in text
    assert "rien reçu" not in text


# What was done, and when


def test_only_what_was_really_done_stands_on_any_paper() -> None:
    nothing = msgspec.structs.replace(case(), done=[])
    for name in PAPERS:
        assert "Sur Lucine (" not in as_text(build(name, nothing)), name
    lines = ["Sessions fermées, services prévenus : 3.", "Ajouts de téléphones et de clés arrêtés."]
    by_lucine = fields(build("cnil", msgspec.structs.replace(case(), done=lines)))["Immédiatement"]
    assert by_lucine == (
        "Sur Lucine (le service de connexion) : sessions fermées, services prévenus (3) ; ajouts de téléphones et de clés"
        " arrêtés"
    )
    assert fields(build("register", nothing))["Prises"] == TODO


def test_two_moments_of_knowing_are_told_apart_by_their_names() -> None:
    facts = Facts(attack="yes", touched="yes", known_at=OPENED - 7200, aware_at=OPENED - 1800)
    for name in ("register", "insurer", "complaint", "order"):
        found = fields(build(name, case(facts)))
        assert found["Attaque comprise le"].startswith("mercredi 25 novembre 2026 à 12:00"), name
        assert found["Données touchées, su le"].startswith("mercredi 25 novembre 2026 à 13:30"), name
        assert not {"Découverte", "Connaissance de l'attaque"} & set(found)
    assert fields(build("cnil", case(facts)))["Date et heure de la découverte"].startswith(
        "mercredi 25 novembre 2026 à 13:30"
    )


def test_a_moment_of_something_that_was_not_is_not_asked_for() -> None:
    facts = Facts(attack="no", touched="no")
    register = fields(build("register", case(facts)))
    assert (register["Attaque comprise le"], register["Données touchées, su le"]) == (NOT_APPLICABLE, NOT_APPLICABLE)
    assert not {"Attaque comprise le", "Données touchées, su le"} & set(fields(build("insurer", case(facts))))
    theft = fields(build("insurer", case(path="phone-lost")))
    assert "Attaque comprise le" not in theft, "nobody has spoken of an attack"


# All of them


@pytest.mark.parametrize("name", PAPERS)
def test_every_paper_can_be_written_on_every_path_from_nothing_and_from_all(name: str) -> None:
    for path in PATH_DUTIES:
        for facts in (Facts(), whole()):
            paper = build(name, case(facts, path=path))
            assert paper.language == "fr"
            assert paper.title
            assert paper.title in as_text(paper)
        assert as_pdf(build(name, case(whole(), path=path))).startswith(b"%PDF-1.")


def test_nothing_of_a_professional_who_is_not_in_the_register_is_invented() -> None:
    unknown = msgspec.structs.replace(case(), professional=Professional(name="", rpps=""))
    for name in PAPERS:
        assert "None" not in as_text(build(name, unknown))
    assert fields(build("cnil", unknown))["Nom"] == TODO


def test_the_blanks_of_every_paper_are_counted_without_a_pdf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(papers, "_compiler", None)
    known = msgspec.structs.replace(whole(), known_at=OPENED)
    empty, full = blanks_of(case()), blanks_of(case(known))
    assert set(empty) == set(full) == set(PAPERS)
    assert all(full[name] <= empty[name] for name in PAPERS)
    assert (full["cnil"], full["patients"], full["desk"]) == (0, 0, 0)
    assert full["insurer"] == 2, "the contract and the damage: nobody but she knows them"
    assert empty["patients"] == 5, "how data were touched, which, risks, measures, how to reach her"
    for name in PAPERS:
        text = as_text(build(name, case()))
        legend = "porte la mention « à compléter »" in text.replace("\n", " ")
        assert text.count(TODO) - legend == empty[name], name


def test_another_name_is_not_found() -> None:
    for name in ("", "CNIL", "../cnil", "cnil.pdf"):
        with pytest.raises(Refusal) as refused:
            build(name, case())
        assert refused.value.status == 404


def test_no_question_asks_for_a_patients_name() -> None:
    for sheet in sheets.SHEETS:
        for question in sheet.questions:
            assert question.kind != "text" or question.name in ("account", "contact", "reference")
    assert "N'écrivez aucun nom de patiente" in QUESTIONS["account"].hint


def test_blanks_are_counted_by_field() -> None:
    one = build("cnil", case()).parts[0]
    assert blanks([one]) == 0
    assert (
        blanks(
            [msgspec.structs.replace(one, fields=[Field("a", TODO), Field("b", f"Moi-même\n{TODO}"), Field("c", "x")])]
        )
        == 2
    )
