import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from studio.views.looks import arm_looks
from studio.views.marks import marked_source
from tests.studio.views import samples
from tests.studio.views.pages import Page
from training.task.records import Item

LOOKS = arm_looks([samples.BASE_ARM, samples.TUNED_ARM])


def marked(text: str, *items: tuple[Item, ...]) -> str:
    results = [replace(samples.GOOD, items=of) for of in items]
    return marked_source(text, results, LOOKS[: len(items)], samples.PACK)


def source_of(markup: str) -> str:
    """What stands inside the source box."""
    return markup.split('class="tt-source', 1)[1].split(">", 1)[1].split('<div class="tt-callouts"', 1)[0]


def pieces(markup: str) -> list[tuple[str, str]]:
    """(lanes, text) of every marked piece."""
    return re.findall(r'<mark class="([^"]*)"[^>]*>([^<]*)</mark>', markup)


def item(start: int, end: int, text: str = "x", index: int = 0) -> Item:
    return Item("recipeIngredient", index, text, True, ((start, end),))


def test_overlapping_spans_are_cut_where_they_meet_and_carry_both_lanes() -> None:
    markup = marked("abcdefgh", (item(0, 5),), (item(3, 8),))
    assert pieces(markup) == [("m0", "abc"), ("m0 m1", "de"), ("m1", "fgh")]


def test_spans_inside_one_another_and_equal_ones_keep_their_lanes() -> None:
    markup = marked("abcdef", (item(0, 6), item(2, 4, index=1)), (item(2, 4),))
    assert pieces(markup) == [("m0", "ab"), ("m0 m1", "cd"), ("m0", "ef")]


def test_titles_say_whose_and_what() -> None:
    page = Page(marked("abcdef", (item(0, 6), item(2, 4, index=1)), (item(2, 4),)))
    titles = [attrs["title"] for tag, attrs in page.elements if tag == "mark"]
    assert titles[1] == "base: ingredient 1; base: ingredient 2; crumb-recipe-jsonld: ingredients"


def test_labels_stand_behind_words_never_inside_them() -> None:
    markup = marked("plain flour here", (item(0, 8),))
    assert re.search(r"<mark[^>]*>plain fl</mark>our<span class=\"tt-tag\"", markup)
    assert Page(markup).with_class("tt-tag")[0]["data-l"] == "● ingredients"


@given(
    st.text(max_size=60),
    st.lists(st.tuples(st.integers(-5, 70), st.integers(-5, 70)), max_size=12),
    st.lists(st.tuples(st.integers(-5, 70), st.integers(-5, 70)), max_size=12),
)
def test_marks_never_change_the_text_whatever_the_spans(
    text: str, left: list[tuple[int, int]], right: list[tuple[int, int]]
) -> None:
    markup = marked(
        text, tuple(item(a, b, index=i) for i, (a, b) in enumerate(left)), tuple(item(a, b) for a, b in right)
    )
    plain = marked(text, (), ())
    assert Page(source_of(markup)).text == Page(source_of(plain)).text
    covered = {k for a, b in left for k in range(max(0, a), min(len(text), b))}
    assert sum(len(Page(piece).text) >= 1 for lanes, piece in pieces(markup) if "m0" in lanes.split()) >= bool(covered)


def test_ten_thousand_overlapping_spans_stay_in_proportion() -> None:
    """Work per span is bounded: every title names at most four items, however many lie on top of each other."""
    text = "x" * 10_000
    items = tuple(item(i % 100, 10_000 - i % 97, index=i) for i in range(10_000))
    markup = marked(text, items)
    assert len(pieces(markup)) < 250
    assert max(len(attrs.get("title") or "") for _, attrs in Page(markup).elements) < 200


def test_ten_thousand_separate_spans_give_one_piece_each() -> None:
    text = "ab " * 10_000
    markup = marked(text, tuple(item(3 * i, 3 * i + 2, index=i) for i in range(10_000)))
    assert len(pieces(markup)) == 10_000


def test_items_that_stand_nowhere_are_called_out_under_their_arm_once() -> None:
    lost = tuple(Item("recipeIngredient", i, "1 pinch saffron", False) for i in range(3))
    page = Page(marked("text", (), lost))
    assert len(page.with_class("tt-callout")) == 1
    assert "3 items not in the text" in page.text
    assert page.text.count("1 pinch saffron") == 1
    assert "3 times" in page.text


def test_the_legend_counts_what_was_found() -> None:
    page = Page(marked_source(samples.SOURCE, [samples.FAILED, samples.GOOD], LOOKS, samples.PACK))
    assert "7 of 16 items in the text" in page.text
    assert "17 of 18 items in the text" in page.text
