import json

from studio.views.card import card_html, object_card
from studio.views.panes import json_html, raw_html
from studio.views.reading import duration_words, fields_of, is_duration
from tests.studio.views import samples
from tests.studio.views.pages import Page
from training.task.records import FinishReason


def test_a_card_reads_like_a_recipe() -> None:
    page = Page(card_html(samples.GOOD, samples.PACK))
    tags = [tag for tag, _ in page.elements]
    assert tags.count("ol") == 1
    assert tags.count("ul") == 1
    assert tags.count("li") == 9 + 4
    assert "50 min" in page.text
    assert "schema.org" not in page.text  # constants are for the JSON pane


def test_unsupported_items_are_underlined_marked_and_named() -> None:
    page = Page(card_html(samples.GOOD, samples.PACK))
    (unsupported,) = page.with_class("tt-unsup")
    assert unsupported["title"] == "Not found in the source text"
    assert page.with_class("tt-i-warn")
    assert "1 teaspoon vanilla extract not in the text" in page.text


def test_an_empty_object_is_an_answer_of_its_own() -> None:
    page = Page(card_html(samples.NOTHING, samples.PACK))
    assert "None: the model says that this text holds nothing of the kind." in page.text


def test_a_failure_is_shown_as_written_and_never_as_a_card_or_indented() -> None:
    raw = '{"name": "x" oops} and more'
    failed = samples.result(samples.BASE_ARM, "Just words, no object.", FinishReason.EOS)
    assert "Just words, no object." in Page(card_html(failed, samples.PACK)).text
    assert not Page(card_html(failed, samples.PACK)).with_class("tt-facts")
    assert not Page(json_html(failed)).with_class("tt-json")
    assert "Not JSON." in Page(json_html(failed)).text
    assert raw in Page(raw_html(samples.result(samples.BASE_ARM, raw, FinishReason.EOS))).text


def test_a_mended_answer_carries_the_word_on_both_faces() -> None:
    for face in (card_html(samples.REPAIRED, samples.PACK), json_html(samples.REPAIRED)):
        page = Page(face)
        assert "Repaired. A program mended this answer (4 repairs)." in page.text
        assert page.with_class("tt-note-warn")


def test_wrong_types_and_keys_nobody_asked_for_are_shown_as_they_are() -> None:
    page = Page(card_html(samples.REPAIRED, samples.PACK))
    assert "wrong type: text where a list was asked for" in page.text
    assert "2 cups plain flour, 3 eggs" in page.text
    assert "not an ISO 8601 duration" in page.text
    assert "Not asked for" in page.text
    assert "author" in page.text


def test_what_the_known_answer_has_and_this_one_not_is_called_missing() -> None:
    page = Page(card_html(samples.GOOD, samples.PACK, gold=samples.GOLD))
    assert "Missing, though the known answer has it: Preparation" in page.text
    assert not Page(card_html(samples.GOOD, samples.PACK)).with_class("tt-missing")


def test_without_its_pack_a_card_is_guessed_from_the_values() -> None:
    page = Page(object_card({"name": "Soup", "recipeIngredient": ["1 onion"], "cookTime": "PT1H5M"}))
    assert "recipe ingredient" in page.text
    assert "1 h 5 min" in page.text
    assert [field.kind for field in fields_of(None, {"@type": "x", "steps": [{}], "n": 1})] == [
        "constant",
        "steps",
        "scalar",
    ]


def test_durations_are_words_and_anything_else_stays_itself() -> None:
    assert [duration_words(t) for t in ("PT90M", "P1DT2H", "PT0M", "PT", "50 minutes", "P1M")] == [
        "90 min",
        "1 d 2 h",
        "0 min",
        "PT",
        "50 minutes",
        "P1M",
    ]
    assert not is_duration("PT")


def test_the_json_pane_holds_the_object_and_folds_its_lists() -> None:
    page = Page(json_html(samples.GOOD))
    shown = json.loads(page.text.replace("9 …],", "").replace("4 …],", "").replace("2 …]", ""))
    assert shown == samples.TUNED
    assert [attrs for tag, attrs in page.elements if tag == "details"] == [{"open": None}] * 3


def test_text_around_an_extracted_object_is_set_apart() -> None:
    result = samples.result(samples.BASE_ARM, 'Here: {"name": "x"} Enjoy', FinishReason.EOS)
    page = Page(raw_html(result))
    assert page.text == 'Here: {"name": "x"} Enjoy'
    assert len(page.with_class("tt-around")) == 2


def test_what_is_nested_deeper_than_python_goes_is_said_to_be_so() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert "nested too deeply" in object_card({"name": "x", "recipeIngredient": [deep]}, samples.PACK)
