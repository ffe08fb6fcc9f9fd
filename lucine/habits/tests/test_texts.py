"""A text that is not as promised stops the program at its start, and says which file and why."""

from pathlib import Path

import msgspec
import pytest

from lucine.habits.texts import BadText, Text, read_texts

GOOD = """---
weight: 3
---
# fr L'heure du thé ?

## what

On s'assoit, *puis* on boit.

## why

- Parce que.
- Voilà !

# en Tea time

## what

One sits down, then one drinks. It's good.

## why

Because.
"""


class Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    weight: int


def read(folder: Path, text: str | bytes, **more: frozenset[str]) -> dict[str, Text[Facts]]:
    (folder / "tea.md").write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_texts(folder, Facts, {"what", "why"}, **more)


def test_a_good_text_is_read(tmp_path: Path) -> None:
    (text,) = read(tmp_path, GOOD).values()
    assert (text.name, text.facts.weight) == ("tea", 3)
    assert text.title("fr") == "L\u2019heure du thé\u00a0?"
    assert text.title("en") == "Tea time"
    assert text.plain("en", "what") == "One sits down, then one drinks. It\u2019s good."
    assert text.html("fr", "what") == "<p>On s\u2019assoit, <em>puis</em> on boit.</p>\n"
    assert text.html("fr", "why").count("<li>") == 2
    assert text.plain("fr", "why").endswith("Voilà\u00a0!")
    assert text.plain("fr", "nothing") == ""


def test_markup_of_a_page_is_text(tmp_path: Path) -> None:
    (text,) = read(tmp_path, GOOD.replace("Because.", "Because <b>of</b> <script>1</script>")).values()
    assert text.html("en", "why") == "<p>Because &lt;b&gt;of&lt;/b&gt; &lt;script&gt;1&lt;/script&gt;</p>\n"


def test_texts_are_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.md").write_text(GOOD)
    assert list(read(tmp_path, GOOD)) == ["a", "b", "tea"]


def test_a_section_may_be_left_out_where_that_is_allowed(tmp_path: Path) -> None:
    more = "\n## more\n\nPlus.\n"
    both = GOOD.replace("\n# en", f"{more}\n# en") + more
    assert read(tmp_path, GOOD, optional=frozenset({"more"}))
    (text,) = read(tmp_path, both, optional=frozenset({"more"})).values()
    assert text.plain("en", "more") == "Plus."
    with pytest.raises(BadText, match="the languages have other sections"):
        read(tmp_path, GOOD + more, optional=frozenset({"more"}))
    with pytest.raises(BadText, match="sections"):
        read(tmp_path, both)


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (("weight: 3", "weight: heavy"), "weight"),
        (("weight: 3", "weight: 3\ncolour: red"), "colour"),
        (("weight: 3", ""), "weight"),
        (("---\nweight: 3\n---\n", ""), "weight"),
        (("weight: 3", "weight: [3"), "flow sequence"),
        (("# en Tea time", "# de Teezeit"), "languages"),
        (("# en Tea time", "En Tea time"), "twice"),
        (("# fr L'heure", "Bonjour.\n\n# fr L'heure"), "outside of every section"),
        (("# en Tea time", "# en Tea time\n\nA stray word."), "outside of every section"),
        (("# en Tea time", "# en"), "title"),
        (("# en Tea time", "# fr Encore"), "twice"),
        (("\n## why\n\nBecause.", ""), "sections"),
        (("\n## why\n\nBecause.", "\n## why\n"), "empty"),
        (("## why\n\nBecause.", "## why\n\nBecause.\n\n## how\n\nSo."), "how"),
        (("## why\n\nBecause.", "## why\n\nBecause.\n\n## what\n\nAgain."), "twice"),
    ],
    ids=lambda one: one if isinstance(one, str) else one[1].replace("\n", " ") or "nothing",
)
def test_each_kind_of_harm_is_named(tmp_path: Path, harm: tuple[str, str], why: str) -> None:
    assert harm[0] in GOOD
    with pytest.raises(BadText) as refused:
        read(tmp_path, GOOD.replace(harm[0], harm[1]))
    assert str(refused.value).startswith("tea.md")
    assert why in str(refused.value)


def test_a_text_in_another_encoding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadText, match=r"tea\.md"):
        read(tmp_path, GOOD.encode("latin-1"))


def test_a_folder_without_texts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadText, match="holds no text"):
        read_texts(tmp_path, Facts, {"what"})
