from studio.views.diff import diff_lines, diff_table
from studio.views.looks import GOLD_LOOK, arm_looks
from tests.studio.views import samples
from tests.studio.views.pages import Page
from tests.studio.views.samples import Diff

BASE, TUNED = arm_looks([samples.BASE_ARM, samples.TUNED_ARM])


def test_rows_are_fields_and_items_columns_are_arms_with_gold_first() -> None:
    diffs = [samples.naive_diff(samples.GOLD, result.parsed.object) for result in (samples.REPAIRED, samples.GOOD)]
    page = Page(diff_table(GOLD_LOOK, [BASE, TUNED], diffs, samples.PACK))
    assert [attrs.get("scope") for tag, attrs in page.elements if tag == "th"][:4] == ["col"] * 4
    for word in ("known answer", "changed", "wrong type", "left out", "added", "1 teaspoon vanilla extract"):
        assert word in page.text
    assert len(page.with_class("tt-differs") + page.with_class("tt-same")) == len(diff_lines(diffs, samples.PACK))


def test_the_sentence_counts_rows_an_arm() -> None:
    diffs = [
        [Diff("name", 0, "same", "a", "a"), Diff("x", 0, "changed", "a", "b")],
        [Diff("name", 0, "changed", "a", "c")],
    ]
    page = Page(diff_table(GOLD_LOOK, [BASE, TUNED], diffs, samples.PACK))
    assert "Rows that differ from the known answer: base 1, crumb-recipe-jsonld 1 of 2." in page.text


def test_kinds_have_a_shape_and_a_word_besides_their_colour() -> None:
    kinds = ("added", "removed", "changed", "wrong_type", "missing")
    diffs = [[Diff("name", i, kind, "a", "b") for i, kind in enumerate(kinds)]]
    page = Page(diff_table(GOLD_LOOK, [BASE], diffs, samples.PACK))
    icons = {name for name in page.classes() if name.startswith("tt-i-")}
    assert icons == {"tt-i-plus", "tt-i-minus", "tt-i-change", "tt-i-type", "tt-i-missing"}


def test_items_only_others_have_share_a_line_when_their_words_are_equal() -> None:
    diffs = [
        [Diff("recipeIngredient", 0, "same", "a", "a"), Diff("recipeIngredient", 3, "added", None, "salt")],
        [Diff("recipeIngredient", 1, "added", None, "salt"), Diff("recipeIngredient", 2, "added", None, "milk")],
    ]
    lines = {line.reference or line.cells[1][1]: sorted(line.cells) for line in diff_lines(diffs, samples.PACK)}
    assert lines == {"a": [0], "salt": [0, 1], "milk": [1]}


def test_constants_come_last_and_fields_in_the_packs_order() -> None:
    diffs = [[Diff(name, 0, "same", "a", "a") for name in ("keywords", "@type", "unknown", "name")]]
    assert [line.field for line in diff_lines(diffs, samples.PACK)] == ["name", "keywords", "@type", "unknown"]


def test_an_arm_without_an_object_has_a_column_that_says_so() -> None:
    page = Page(diff_table(GOLD_LOOK, [BASE, TUNED], [None, [Diff("name", 0, "same", "a", "a")]], samples.PACK))
    assert "no object" in page.text
    assert "base" not in page.text.split(" of 1.")[0].split("known answer:")[1]


def test_a_reference_without_an_object_says_so_in_every_row() -> None:
    diffs = [samples.naive_diff({}, samples.GOOD.parsed.object)]
    page = Page(diff_table(BASE, [TUNED], diffs, samples.PACK, readable=False))
    rows = len(diff_lines(diffs, samples.PACK))
    assert rows > 3 and page.text.count("no object") == rows and "–" not in page.text
    assert "no object" not in Page(diff_table(BASE, [TUNED], diffs, samples.PACK)).text


def test_nothing_to_compare_is_said() -> None:
    assert "only known answer can be read" in Page(diff_table(GOLD_LOOK, [BASE], [None], samples.PACK)).text
    assert "One column alone" in Page(diff_table(BASE, [], [], samples.PACK)).text


def test_differences_only_is_a_labelled_box_with_an_id_of_its_own() -> None:
    diffs = [[Diff("name", 0, "same", "a", "a")]]
    page = Page(diff_table(GOLD_LOOK, [BASE], diffs, samples.PACK, uid="second"))
    (box,) = page.with_class("tt-only")
    assert box["id"] == "second-only"
    assert [attrs["for"] for tag, attrs in page.elements if tag == "label"] == ["second-only"]


def test_long_values_are_folded_and_whole() -> None:
    long = "word " * 100
    page = Page(diff_table(GOLD_LOOK, [BASE], [[Diff("name", 0, "changed", long, "x")]], samples.PACK))
    assert page.with_class("tt-long")
    assert long in page.text
