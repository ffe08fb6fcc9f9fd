"""Who writes: one of her profession, at an address as one writes it, and nothing that the register does not say."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucine import directory
from lucine.directory import Exercice, Professional
from lucine.directory.columns import KEPT
from lucine.habits.groups import OTHER, PROFESSIONS
from lucine.habits.letterhead import PROFESSION, address_of, professional_of
from lucine.phone.holders import Holder
from tests.world import World

from .incident_kit import begin

TILLEULS = {
    "numeroVoie": "1", "codeTypeDeVoie": "R", "libelleVoie": "DES TILLEULS", "bureauCedex": "69003 LYON",
    "codePostal": "69003", "libelleCommune": "Lyon",
}  # fmt: skip


def line(**changed: str) -> str:
    return address_of({**TILLEULS, **changed}).split("\n")[0]


def registered(**facts: str) -> Professional:
    place = {**dict.fromkeys(KEPT, ""), **TILLEULS, "raisonSocialeSite": "CABINET TEST"}
    exercice = Exercice(facts={"codeProfession": "50", **facts}, activities=[place])
    return Professional(national_id="8", last_name="TEST", first_name="Ana", civility="MME", exercices=[exercice])


def test_every_profession_has_its_singular_and_it_is_that_of_the_nomenclature() -> None:
    assert set(PROFESSION) == set(PROFESSIONS) - {OTHER}
    named = json.loads(gzip.decompress((Path(directory.__file__).parent / "data" / "invented.json.gz").read_bytes()))
    for code, label in named["professions"].items():
        known = PROFESSION[code].casefold().replace("é", "e")
        assert label.casefold().replace("é", "e").startswith(known), label
    assert PROFESSION["50"] == "Sage-femme"


@pytest.mark.parametrize(("changed", "written"), [
    ({}, "1 rue des Tilleuls"),
    ({"indiceRepetitionVoie": "B"}, "1 bis rue des Tilleuls"),
    ({"indiceRepetitionVoie": "bis"}, "1 bis rue des Tilleuls"),
    ({"indiceRepetitionVoie": "C"}, "1 c rue des Tilleuls"),
    ({"codeTypeDeVoie": "AV", "libelleVoie": "JEAN-JAURÈS"}, "1 avenue Jean-Jaurès"),
    ({"codeTypeDeVoie": "BD", "libelleVoie": "DE L EGLISE"}, "1 boulevard de l'Eglise"),
    ({"codeTypeDeVoie": "PL", "libelleVoie": "LOUIS XIV"}, "1 place Louis XIV"),
    ({"codeTypeDeVoie": "ZA", "libelleVoie": "DU 8 MAI 1945"}, "1 ZA du 8 Mai 1945"),
    ({"codeTypeDeVoie": "CLOS", "libelleVoie": "FLEURI"}, "1 clos Fleuri"),
    ({"codeTypeDeVoie": ""}, "1 des Tilleuls"),
    ({"libelleVoie": "Quai d'Orsay", "codeTypeDeVoie": ""}, "1 Quai d'Orsay"),
    ({"numeroVoie": "", "codeTypeDeVoie": "LD", "libelleVoie": "LA GRANGE"}, "lieu-dit la Grange"),
])  # fmt: skip
def test_a_street_is_written_as_one_writes_it(changed: dict[str, str], written: str) -> None:
    assert line(**changed) == written


def test_an_address_has_the_lines_that_the_register_knows() -> None:
    assert address_of(TILLEULS) == "1 rue des Tilleuls\n69003 LYON"
    whole = {**TILLEULS, "complementPointGeographique": "Bâtiment C", "mentionDistribution": "BP 12"}
    assert address_of(whole) == "Bâtiment C\n1 rue des Tilleuls\nBP 12\n69003 LYON"
    assert address_of({**TILLEULS, "bureauCedex": ""}) == "1 rue des Tilleuls\n69003 LYON"
    assert address_of({}) == address_of(dict.fromkeys(KEPT, "")) == ""


@given(st.dictionaries(st.sampled_from(KEPT), st.text(max_size=30)))
def test_no_register_makes_an_address_fail(place: dict[str, str]) -> None:
    written = address_of(place)
    assert "  " not in written
    assert "None" not in written


def test_she_is_one_of_her_profession_and_who_left_the_register_has_none() -> None:
    ana = Holder(id="h", national_id="899700999917", name="Ana Test", language="fr")
    found = professional_of(ana, registered())
    assert (found.name, found.rpps, found.practice) == ("Ana Test", "99700999917", "CABINET TEST")
    assert (found.profession, found.address) == ("Sage-femme", "1 rue des Tilleuls\n69003 LYON")
    assert professional_of(ana, registered(codeProfession="zz")).profession == ""
    gone = professional_of(ana, None)
    assert (gone.profession, gone.practice, gone.address, gone.siret) == ("", "", "", "")


async def test_a_paper_says_sage_femme_in_its_fields_and_under_its_signature(small_world: World) -> None:
    phone = await small_world.phone("ana")
    incident = await begin(phone.http, "files-locked")
    paper = (await phone.http.get(f"/incident/{incident}/papers/register.txt")).text
    assert "Qui tient ce registre" in paper
    letter = (await phone.http.get(f"/incident/{incident}/papers/insurer.txt")).text
    assert "Profession : Sage-femme\n" in letter
    assert "\nSage-femme\nRPPS 99700999917" in letter
    assert "Sages-femmes" not in letter


async def test_a_paper_says_of_lucine_only_what_it_did(small_world: World) -> None:
    phone = await small_world.phone("ana")
    incident = await begin(phone.http, "files-locked")
    letter = " ".join((await phone.http.get(f"/incident/{incident}/papers/patients.txt")).text.split())
    assert "J'ai fermé" not in letter, "nothing was open but what she holds"
    register = " ".join((await phone.http.get(f"/incident/{incident}/papers/register.txt")).text.split())
    assert "Sur Lucine (le service de connexion) : preuves" in register
    assert "Accès coupés" not in register
    assert register.count("reuves") == 1
