"""Her answers: a form is read strictly, shown as it was said, and never half-kept."""

import re
from functools import cache
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lucine.habits.facts import QUESTIONS, BadAnswer, Facts, read_facts
from lucine.habits.sheets import SHEETS
from lucine.habits.zones import PLACES, moment_of
from lucine.web import Refusal
from lucine.web.pages import _environment
from tests.catalogue import collect

PARIS = "Europe/Paris"
NOW = moment_of("2026-11-25T18:00", PARIS)
catalogue = cache(collect)


def read(form: dict[str, str], before: Facts | None = None, zone: str = PARIS, now: float = NOW) -> Facts:
    return read_facts(form, before or Facts(), zone, now)


def codes_of(name: str) -> set[str]:
    """What the type of a field allows."""
    kind = {field.name: field.type for field in msgspec.structs.fields(Facts)}[name]
    inner = get_args(kind)
    return set(get_args(inner[0]) if getattr(kind, "__origin__", None) is list else inner) - {""}


def some_facts() -> st.SearchStrategy[Facts]:
    def value(name: str) -> st.SearchStrategy[Any]:
        question = QUESTIONS[name]
        codes = [code for code, _ in question.choices]
        if question.kind == "choice":
            return st.sampled_from(["", *codes])
        if question.kind == "choices":
            return st.lists(st.sampled_from(codes), unique=True).map(
                lambda ticked: [code for code in codes if code in ticked]
            )
        if question.kind == "moment":
            return st.one_of(st.none(), st.just("unknown"), st.floats(1.2e9, NOW))
        if question.kind == "number":
            return st.one_of(st.none(), st.integers(0, 100_000_000))
        return st.text(max_size=200).map(str.strip)

    return st.fixed_dictionaries({name: value(name) for name in QUESTIONS}).map(lambda values: Facts(**values))


def test_there_is_one_question_for_each_fact_and_its_choices_are_those_of_its_type() -> None:
    names = [question.name for sheet in SHEETS for question in sheet.questions]
    assert sorted(names) == sorted(Facts.__struct_fields__)
    assert len(SHEETS) == 4
    for question in QUESTIONS.values():
        codes = [code for code, _ in question.choices]
        assert len(set(codes)) == len(codes)
        if question.kind in ("choice", "choices"):
            assert set(codes) == codes_of(question.name), question.name


def test_nothing_is_known_before_she_answers() -> None:
    assert read({}) == Facts() == msgspec.json.decode(b"{}", type=Facts)
    assert Facts().form(PARIS) == {}


@given(facts=some_facts(), zone=st.sampled_from(sorted(PLACES)))
def test_what_the_page_shows_is_read_back_as_it_was(facts: Facts, zone: str) -> None:
    form = facts.form(zone)
    began, ended = facts.began_at, facts.ended_at
    if isinstance(began, float) and isinstance(ended, float) and ended < began:
        with pytest.raises(Refusal):
            read(form, facts, zone)
        return
    assert read(form, facts, zone) == facts
    for sheet in SHEETS:
        names = {question.name for question in sheet.questions}
        part = {name: value for name, value in form.items() if name.partition(".")[0] in names}
        assert read({**part, "sheet": sheet.name}, facts, zone) == facts


@given(facts=some_facts())
def test_facts_are_kept_as_they_are(facts: Facts) -> None:
    assert msgspec.json.decode(msgspec.json.encode(facts), type=Facts) == facts


def test_a_part_of_a_form_changes_only_what_it_says() -> None:
    before = read({"attack": "yes", "nature.integrity": "yes", "records": "12", "aware_at": "2026-11-25T14:05"})
    after = read({"touched": "unknown", "known_at.unknown": "yes"}, before)
    assert after == msgspec.structs.replace(before, touched="unknown", known_at="unknown")
    assert before.nature == ["integrity"]
    assert before.records == 12
    assert before.aware_at == moment_of("2026-11-25T14:05", PARIS)


def test_a_whole_sheet_takes_back_what_it_no_longer_says_and_leaves_the_other_sheets() -> None:
    before = read(
        {"nature.integrity": "yes", "attack": "yes", "aware_at": "2026-11-25T14:05", "account": "vu", "people": "p50"}
    )
    after = read({"sheet": "happened", "nature.availability": "yes"}, before)
    assert after == Facts(nature=["availability"], people="p50")


def test_a_new_date_wins_over_the_tick_that_she_forgot_and_the_tick_over_the_old_date() -> None:
    dated = read({"aware_at": "2026-11-25T14:05"})
    assert read({"aware_at": "2026-11-25T14:05", "aware_at.unknown": "yes"}, dated).aware_at == "unknown"
    unknown = read({"aware_at.unknown": "yes"})
    assert read({"aware_at": "2026-11-25T14:05", "aware_at.unknown": "yes"}, unknown) == dated


def test_a_date_that_she_did_not_touch_keeps_its_seconds_and_which_of_two_hours_it_was() -> None:
    second = moment_of("2026-10-25T02:30", PARIS) + 3600 + 41
    assert read({"aware_at": "2026-10-25T02:30"}, Facts(aware_at=second)).aware_at == second


def test_a_date_is_an_hour_of_her_place() -> None:
    here, there = read({"aware_at": "2026-11-25T10:00"}), read({"aware_at": "2026-11-25T10:00"}, zone="Indian/Reunion")
    assert isinstance(here.aware_at, float)
    assert there.aware_at == here.aware_at - 3 * 3600


@pytest.mark.parametrize("form", [
    {"attack": "maybe"}, {"attack": "Oui"}, {"attack": "yes "}, {"people": "p51"}, {"origin": "yes"},
    {"nature": "confidentiality"}, {"nature.confidentiality": "on"}, {"nature.secret": "yes"}, {"nature.": "yes"},
    {"attack.yes": "yes"}, {"account.unknown": "yes"}, {"records.unknown": "yes"}, {"aware_at.known": "yes"},
    {"aware_at.unknown": "no"}, {"surprise": "1"}, {"": "1"}, {".": "yes"}, {"__class__": "x"}, {"form": "x"},
    {"sheet": "nowhere"}, {"sheet": "told", "attack": "yes"}, {"nature.integrity.unknown": "yes"}, {"csrf": "x"},
    {"records": "-1"}, {"records": "1e3"}, {"records": "١٢"}, {"records": "100000001"}, {"records": "beaucoup"},
    {"records": "9" * 400}, {"records": "1.5"}, {"records": "1,5"}, {"records": "entre 200 et 300"}, {"records": "2 00"},
    {"aware_at": "yesterday"}, {"aware_at": "2026-02-30T10:00"}, {"aware_at": "2026-11-25"}, {"aware_at": "1795000000"},
    {"aware_at": "2026-11-25T18:01"}, {"aware_at": "2036-11-25T18:00"}, {"aware_at": "1999-12-31T10:00"},
    {"aware_at": "0001-01-01T00:00"}, {"aware_at": "9999-12-31T23:59"}, {"aware_at": "nan"},
    {"informed_at": "2028-11-25T18:00"}, {"informed": "yes", "informed_at": "2026-11-26T18:00"},
    {"account": "a" * 4001}, {"contact": "a" * 201}, {"reference": "a" * 201},
    {"began_at": "2026-11-25T10:00", "ended_at": "2026-11-25T09:59"},
])  # fmt: skip
def test_bad_input_is_refused_in_words(form: dict[str, str]) -> None:
    with pytest.raises(Refusal) as refused:
        read(form)
    assert refused.value.status == 400
    assert refused.value.words in catalogue()
    assert len(refused.value.detail) < 600


@pytest.mark.parametrize(("form", "question"), [
    ({"records": "beaucoup"}, "records"), ({"aware_at": "2036-11-25T18:00"}, "aware_at"),
    ({"known_at": "2026-02-30T10:00"}, "known_at"), ({"notified_at": "1999-12-31T10:00"}, "notified_at"),
    ({"informed": "yes", "informed_at": "2026-11-26T18:00"}, "informed_at"), ({"account": "a" * 4001}, "account"),
    ({"began_at": "2026-11-25T10:00", "ended_at": "2026-11-25T09:59"}, "ended_at"), ({"attack": "maybe"}, "attack"),
    ({"nature.integrity": "on"}, "nature"), ({"aware_at.unknown": "no"}, "aware_at"),
    ({"assessed_at": "2036-01-01T10:00", "aware_at": "2036-01-01T10:00"}, "aware_at"),  # the first on her sheets
])  # fmt: skip
def test_a_refusal_names_the_question_that_it_is_about(form: dict[str, str], question: str) -> None:
    with pytest.raises(BadAnswer) as refused:
        read(form)
    assert refused.value.question == question
    assert refused.value.words in catalogue()
    assert not any(value in refused.value.detail for value in form.values() if len(value) > 5), "never what she typed"


@pytest.mark.parametrize(("typed", "number"), [
    ("200", 200), ("environ 200", 200), ("Environ 200 dossiers", 200), ("~200", 200), ("200+", 200), ("1 200", 1200),
    ("12\u00a0000", 12_000), ("1.200", 1200), ("100 000 000", 100_000_000), ("0", 0), ("", None), ("  ", None),
])  # fmt: skip
def test_a_number_is_read_among_her_words(typed: str, number: int | None) -> None:
    assert read({"records": typed}).records == number


@given(
    st.integers(0, 100_000_000),
    st.sampled_from(["", "environ ", "à peu près ", "≈"]),
    st.sampled_from(["", " dossiers"]),
)
def test_whatever_stands_around_it_the_number_is_the_same(number: int, before: str, after: str) -> None:
    for shown in (str(number), f"{number:,}".replace(",", " "), f"{number:,}".replace(",", "\u202f")):
        assert read({"records": f"{before}{shown}{after}"}).records == number


@given(form=st.dictionaries(
    st.one_of(st.sampled_from([*QUESTIONS, "nature.integrity", "aware_at.unknown", "sheet", "data.nir"]), st.text(max_size=12)),
    st.one_of(st.text(max_size=30), st.sampled_from(["yes", "no", "unknown", "2026-11-25T10:00"])), max_size=6,
))  # fmt: skip
def test_no_form_does_worse_than_a_refusal(form: dict[str, str]) -> None:
    try:
        found = read(form)
    except Refusal:
        return
    assert msgspec.json.decode(msgspec.json.encode(found), type=Facts) == found


def test_the_limits_themselves_are_accepted() -> None:
    lines = read({"account": "a\r\n" * 1999 + "bc"})
    assert lines.account == "a\n" * 1999 + "bc"
    long = read({"account": "é" * 4000, "records": "100000000", "aware_at": "2026-11-25T18:00"})
    assert len(long.account) == 4000
    assert long.aware_at == NOW
    planned = read({"informed": "will", "informed_at": "2026-12-24T18:00"})
    assert planned.informed_at == moment_of("2026-12-24T18:00", PARIS)


def test_a_refused_form_leaves_the_facts_as_they_were() -> None:
    before = read({"attack": "yes", "data.nir": "yes"})
    kept = msgspec.json.encode(before)
    with pytest.raises(Refusal):
        read({"attack": "no", "data.surname": "yes", "people": "many"}, before)
    assert msgspec.json.encode(before) == kept


def shown(facts: Facts, language: str = "fr", more: str = "", **given: Any) -> str:
    source = (
        '{% from "habits/facts.html" import sheet_form with context %}'
        "{% for sheet in sheets %}<form>{{ sheet_form(sheet, facts, zone" + more + ") }}</form>{% endfor %}"
    )
    page = _environment(language).from_string(source)
    return page.render(sheets=SHEETS, facts=facts, zone=PARIS, language=language, **given)


def tag_of(html: str, name: str) -> str:
    """The input of a question."""
    return re.findall(rf'<(?:input|textarea)[^>]* name="{name}"[^>]*>', html)[0]


def test_a_date_ends_with_the_present_minute_unless_it_may_lie_ahead() -> None:
    html = shown(Facts(), more=', wall="2026-11-25T18:00"')
    assert 'max="2026-11-25T18:00"' in tag_of(html, "aware_at")
    assert "max=" not in tag_of(html, "informed_at")
    assert "max=" not in shown(Facts()).replace("maxlength", "")


def test_a_number_may_be_typed_with_words_around_it() -> None:
    tag = tag_of(shown(Facts()), "records")
    assert "pattern=" not in tag
    assert 'maxlength="40"' in tag
    assert re.search(r'title="[^"]*200', tag)


def test_a_refused_sheet_comes_back_as_she_typed_it_with_the_words_at_the_question() -> None:
    form = {"aware_at": "2036-11-25T18:00", "attack": "yes", "account": "<b>moi</b>", "nature.integrity": "yes"}
    with pytest.raises(BadAnswer) as refused:
        read(form)
    html = shown(Facts(attack="no"), more=", bad=bad, typed=typed", bad=refused.value, typed=form)
    tag = tag_of(html, "aware_at")
    assert 'value="2036-11-25T18:00"' in tag
    assert 'aria-invalid="true" autofocus aria-describedby="fact-aware_at-bad"' in tag
    assert html.count(' id="fact-aware_at-bad"') == html.count("aria-invalid") == 1
    assert "Cette date est dans le futur" in html
    assert '<input type="radio" name="attack" value="yes" checked>' in html
    assert '<input type="checkbox" name="nature.integrity" value="yes" checked>' in html
    assert "&lt;b&gt;moi&lt;/b&gt;" in html


@pytest.mark.parametrize("name", ["records", "account", "attack", "reference"])
def test_every_kind_of_question_can_show_what_is_wrong_with_it(name: str) -> None:
    html = shown(Facts(), more=", bad=bad", bad=BadAnswer(name, "Ce texte est trop long. Raccourcissez-le.", ""))
    described = re.findall(rf'aria-describedby="([^"]*fact-{name}-bad[^"]*)"', html)
    assert len(described) == 1
    assert all(f' id="{one}"' in html for one in described[0].split())


def test_she_reads_that_her_account_goes_out_as_it_is() -> None:
    hint = QUESTIONS["account"].hint
    assert "tel quel" in hint
    assert hint in shown(Facts()).replace("\u2019", "'").replace("\u00a0", " ")


def test_a_sheet_shows_each_question_with_its_label_and_what_she_said() -> None:
    facts = read({"attack": "yes", "nature.integrity": "yes", "aware_at": "2026-11-25T14:05", "known_at.unknown": "yes",
                  "account": "<script>alert(1)</script> & co", "records": "12"})  # fmt: skip
    html = shown(facts)
    for name, question in QUESTIONS.items():
        assert f'data-fact="{name}"' in html
        assert question.kind in ("choice", "choices") or f'for="fact-{name}"' in html
    assert html.count(" checked") == 3
    assert '<input type="radio" name="attack" value="yes" checked>' in html
    assert '<input type="checkbox" name="nature.integrity" value="yes" checked>' in html
    assert 'name="aware_at" value="2026-11-25T14:05"' in html
    assert 'name="known_at.unknown" value="yes" checked' in html
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co</textarea>" in html
    assert html.count('type="hidden" name="sheet"') == len(SHEETS)
    assert " style=" not in html
    assert html.count("<fieldset") == html.count("<legend") == html.count("</fieldset>")


def test_a_sheet_never_needs_more_names_than_a_form_may_have() -> None:
    for sheet in SHEETS:
        names = sum(len(question.choices) if question.kind == "choices" else 2 for question in sheet.questions)
        assert names < 100, sheet.name  # Visit.form's limit
