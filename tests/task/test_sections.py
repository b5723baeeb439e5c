"""A text answer is read back as it was written, and nothing else passes for one."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.errors import InputError, PackError
from training.task.pack import BUILTIN, load_pack
from training.task.parse import gold_object, parse_answer
from training.task.records import FinishReason, Parsed, Tier
from training.task.sections import AnswerSpec, layout, parse_sections, read_answer, write_sections
from training.task.yamlfile import parse_yaml

PACK = load_pack(BUILTIN / "recipe-writer")
SPEC = PACK.answer
SOUP: dict[str, Any] = {
    "title": "Lentil Soup",
    "ingredients": ["250 g red lentils", "1 onion, chopped"],
    "directions": ["Soften the onion.", "Add the lentils and simmer for 20 minutes."],
}
WRITTEN = """RECIPE: Lentil Soup
INGREDIENTS:
250 g red lentils
1 onion, chopped
DIRECTIONS:
Soften the onion.
Add the lentils and simmer for 20 minutes.
[END]"""


def read(raw: str, reason: FinishReason = FinishReason.EOS) -> Parsed:
    return parse_sections(SPEC, raw, reason)


def test_an_object_is_written_in_the_form_and_read_back() -> None:
    assert write_sections(SPEC, SOUP) == WRITTEN
    assert read(WRITTEN) == Parsed(Tier.STRICT, SOUP, n_objects=1, form="text")
    assert parse_answer(PACK, WRITTEN, FinishReason.STOP).object == SOUP
    assert read(f"\n {WRITTEN.replace('DIRECTIONS', chr(10) + 'DIRECTIONS')}\r\n").tier is Tier.STRICT


def test_nothing_to_write_is_the_end_marker_alone() -> None:
    assert write_sections(SPEC, {}) == "[END]"
    assert (read(" [END]\n").tier, read("[END]").object) == (Tier.STRICT, {})
    assert read("I can't cook that. [END]").tier is Tier.FAILED


def test_a_json_task_is_still_read_as_json() -> None:
    news = load_pack(BUILTIN / "news-metadata")
    assert parse_answer(news, '{"summary": "x"}', FinishReason.EOS).object == {"summary": "x"}
    assert parse_answer(news, WRITTEN, FinishReason.EOS).form == "json"


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (f"Sure, here it is:\n\n{WRITTEN}", "where RECIPE: should be"),
        (f"{WRITTEN}\nEnjoy!", "does not end with [END]"),
        (WRITTEN.removesuffix("\n[END]"), "does not end with [END]"),
        (WRITTEN.replace("\n[END]", " [END]"), "does not end with [END]"),
        (WRITTEN.replace("250 g", "- 250 g").replace("Soften", "1. Soften"), "list mark"),
    ],
    ids=["prose before", "prose behind", "no end marker", "marker on the last line", "list marks"],
)
def test_the_form_with_something_around_it_is_extracted(raw: str, complaint: str) -> None:
    parsed = read(raw)
    assert (parsed.tier, parsed.object) == (Tier.EXTRACTED, SOUP)
    assert complaint in (parsed.error or "")


def test_what_is_around_is_measured_in_characters_of_the_answer() -> None:
    raw = f"Sure:\n{WRITTEN}\nEnjoy! 🍲"
    parsed = read(raw)
    assert raw[parsed.prefix_chars : len(raw) - parsed.suffix_chars] == WRITTEN


def test_a_second_answer_is_counted_and_not_taken() -> None:
    parsed = read(f"{WRITTEN}\n{WRITTEN.replace('Lentil', 'Bean')}\nand {WRITTEN[:40]}")
    assert (parsed.tier, parsed.n_objects) == (Tier.EXTRACTED, 2)
    assert parsed.object == SOUP


@pytest.mark.parametrize("reason", [FinishReason.LENGTH, FinishReason.CANCELLED, FinishReason.ERROR])
def test_an_answer_cut_short_is_never_a_whole_one(reason: FinishReason) -> None:
    assert read(WRITTEN.removesuffix("\n[END]"), reason).tier is Tier.FAILED
    assert "cut short" in (read(WRITTEN[:60], reason).error or "")
    assert read(WRITTEN, reason).tier is Tier.STRICT


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        ("", "no line begins with RECIPE:"),
        ("A recipe for soup: boil water.", "no line begins with RECIPE:"),
        (WRITTEN.replace("RECIPE: Lentil Soup", "RECIPE:"), "RECIPE: says nothing"),
        (WRITTEN.replace("INGREDIENTS:", "Ingredients:"), "where INGREDIENTS: should be"),
        (WRITTEN.replace("INGREDIENTS:\n", "INGREDIENTS: salt\n"), "on the same line"),
        (WRITTEN.replace("250 g red lentils\n1 onion, chopped\n", ""), "INGREDIENTS: lists nothing"),
        (WRITTEN.replace("[END]", "INGREDIENTS:\nsalt\n[END]"), "behind the last section"),
        ("RECIPE: x\nDIRECTIONS:\nBoil.\nINGREDIENTS:\nwater\n[END]", "where INGREDIENTS: should be"),
        ("RECIPE: x\n[END]", "where INGREDIENTS: should be, the text ends"),
        ('{"title": "Lentil Soup"}', "no line begins with RECIPE:"),
    ],
)
def test_what_is_not_the_form_has_failed_and_says_where(raw: str, complaint: str) -> None:
    parsed = read(raw)
    assert (parsed.tier, parsed.object) == (Tier.FAILED, None)
    assert complaint in (parsed.error or "")


PIECES = st.sampled_from(
    ["RECIPE:", "INGREDIENTS:", "DIRECTIONS:", "[END]", "\n", " ", "- ", "1. ", "salt", "\r", "\x00"]
)


@given(st.lists(PIECES | st.text(max_size=4), max_size=25).map("".join), st.sampled_from(FinishReason))
def test_reading_never_raises_and_an_object_always_keeps_the_form(raw: str, reason: FinishReason) -> None:
    parsed = read(raw, reason)
    assert (parsed.object is None) == (parsed.tier is Tier.FAILED)
    assert 0 <= parsed.prefix_chars + parsed.suffix_chars <= len(raw)
    if parsed.object:
        assert list(parsed.object) == ["title", "ingredients", "directions"]
        assert parsed.object["title"].strip() and all(parsed.object["ingredients"]) and all(parsed.object["directions"])


LINES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(st.fixed_dictionaries({"title": LINES, "ingredients": st.lists(LINES), "directions": st.lists(LINES)}))
def test_an_object_is_written_word_for_word_or_refused(value: dict[str, Any]) -> None:
    try:
        text = write_sections(SPEC, value)
    except InputError:
        return
    parsed = read(text)
    assert (parsed.tier, parsed.object) == (Tier.STRICT, value)


@pytest.mark.parametrize(
    "change",
    [
        {"title": "two\nlines"}, {"title": ""}, {"ingredients": []}, {"ingredients": ["- salt"]}, {"title": 3},
        {"ingredients": "salt"}, {"directions": ["Say [END] and stop."]}, {"directions": ["DIRECTIONS: none"]},
        {"directions": [" indented"]}, {"notes": "more"},
    ],
)  # fmt: skip
def test_what_the_form_cannot_hold_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="can't be written"):
        write_sections(SPEC, SOUP | change)


def test_a_gold_of_either_kind_becomes_the_object_it_means() -> None:
    assert gold_object(PACK, WRITTEN) == gold_object(PACK, SOUP) == SOUP
    assert gold_object(PACK, "[END]") == {}
    for wrong in (f"Sure: {WRITTEN}", 3, None, ["x"]):
        with pytest.raises(InputError):
            gold_object(PACK, wrong)


def test_the_layout_is_what_a_model_is_shown() -> None:
    assert layout(SPEC).splitlines()[0] == "RECIPE: <name of the dish>"
    assert layout(SPEC).endswith("\n[END]")
    assert [line for line in layout(SPEC).splitlines() if line.endswith(":")] == ["INGREDIENTS:", "DIRECTIONS:"]


TEXT = """kind: text
end: "[END]"
sections:
  - {field: title, head: "RECIPE:", form: line, hint: a name}
  - {field: items, head: "ITEMS:", form: list, hint: items}
"""


def answer(text: str) -> AnswerSpec:
    return read_answer(parse_yaml(text, Path("task.yaml")))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("kind: text", "kind: prose", "'kind' is 'prose'"),
        ('end: "[END]"\n', "", "'end' is missing"),
        ('end: "[END]"', 'end: " "', "holds ' '"),
        ('head: "ITEMS:"', 'head: "RECIPE: and more"', "another head begins with it"),
        ("form: list", "form: table", "form' is 'table'"),
        ("hint: items", "hints: items", "hint' is missing"),
        ("kind: text", "kind: text\ncolour: red", "'colour' is not known"),
    ],
)
def test_a_broken_form_is_refused_with_its_key(old: str, new: str, complaint: str) -> None:
    assert answer(TEXT).end == "[END]"
    assert old in TEXT
    with pytest.raises(PackError) as refusal:
        answer(TEXT.replace(old, new))
    assert complaint in str(refusal.value)


def test_json_needs_no_sections() -> None:
    assert answer("kind: json") == AnswerSpec()
    assert answer("kind: json\ngrounded: false").grounded is False
