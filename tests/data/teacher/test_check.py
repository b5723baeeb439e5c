"""What a teacher wrote is checked before it is a row: each way to get it wrong has its kind and its sentence."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.teacher.server import clean_post, recipe
from training.chat.exchange import Reply
from training.data.rows import BadRecord, DataRow, SourceRow
from training.data.teacher.check import Checked, Judge, garbage, shared_run
from training.data.teacher.plan import TeacherSpec
from training.data.teacher.prompts import Ask, asks, load_prompts
from training.task.pack import BUILTIN, Pack, load_pack
from training.task.score.schema import schema_errors

PACK = load_pack(BUILTIN / "recipe-jsonld")
PROMPTS = load_prompts(PACK.path)
SPEC = TeacherSpec("http://localhost:8000/v1", "tiny")


def asked(row: SourceRow, style: str = "clean", pack: Pack = PACK) -> Ask:
    return next(asks(load_prompts(pack.path), pack, row, replace(SPEC, styles=(style,))))


ASK = asked(recipe(1))
POST = clean_post(ASK.given)


def check(text: str, ask: Ask = ASK, policy: str = "refuse", pack: Pack = PACK, **reply: Any) -> Checked:
    return Judge(load_prompts(pack.path), pack, policy).check(ask, Reply(text, **reply))


def kept(checked: Checked) -> DataRow:
    assert isinstance(checked.result, DataRow), checked.result
    return checked.result


def why(checked: Checked) -> str:
    assert isinstance(checked.result, BadRecord), checked.result
    return checked.result.reason


def test_a_row_keeps_the_slice_that_its_source_names() -> None:
    for said, slice_ in (("orders", "orders"), ("", "plain")):
        ask = asked(recipe(1, slice=said))
        assert kept(check(clean_post(ask.given), ask)).slice == slice_


def test_a_good_post_becomes_a_row_with_the_recipes_gold_and_its_origin() -> None:
    row = kept(check(POST, reasoning="Onions first.", model="tiny-0001"))
    assert (row.task, row.source, row.style, row.slice) == ("recipe-jsonld", POST, "clean", "plain")
    assert (row.group, row.origin, row.place) == ("group-1", "recipes.csv", "line 1")
    assert (row.licence, row.date, row.reasoning) == ("CC0-1.0", "2025-03-01", "Onions first.")
    assert row.gold["name"] == "Number 1 Lentil Soup" and len(row.gold["recipeIngredient"]) == 4
    assert not schema_errors(row.gold, PACK.schema)
    assert row.notes["teacher"]["model"] == "tiny" and row.notes["teacher"]["served_by"] == "tiny-0001"
    assert row.notes["teacher"]["prompt"] == "recipe-jsonld 1" and ASK.request.key.startswith(
        row.notes["teacher"]["key"]
    )
    assert {"name", "recipeIngredient", "prepTime", "totalTime"} <= set(row.notes["supported"])


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("I'm sorry, but I can't help with that request.", "declined", "declined"),
        ("Sure! Here is the page you wanted:\n\n" + POST, "leaked", "remark on the answer"),
        ("Here's your blog post:\n" + POST, "leaked", "remark on the answer"),
        (POST + "\n\nLet me know if you want another.", "leaked", "speaks of the request"),
        (POST + "\n\nWord count: 200", "leaked", "speaks of the request"),
        (POST + "\nAs an AI language model I have never eaten this.", "leaked", "as a model"),
        (f"<<DATA-{ASK.mark}>>\n{POST}", "leaked", "marks of the prompt"),
        (f"{POST}\n{ASK.mark}", "leaked", "marks of the prompt"),
        (f"```\n{POST}\n```", "leaked", "backticks"),
        (POST + "\nNo time, yield, cuisine or temperature is there that the recipe does not give", "leaked", "repeats"),
        ("1234 5678 ---- //// 99 88 77 !! ??", "garbage", "hardly text"),
        ("and then we stir the pot " * 40, "garbage", "repeats itself"),
        ("Number 1 Lentil Soup\n1. Fry the onion.", "style", "8 words; clean is 50 to 399"),
        (POST + "\nand so on and on it goes" * 60, "garbage", "repeats itself"),
        (POST + "\n\nADVERTISEMENT\n\nBuy pans.", "style", "holds advertising"),
        (POST.replace("1. ", "").replace("2. ", "").replace("3. ", ""), "style", "lacks a numbered step (0 of 1)"),
        (POST + "\nCuisine: Indian", "invented", "recipeCuisine"),
        (POST + "\nCook time: 25 minutes", "invented", "cookTime"),
        (POST + "\n- 2 cups coconut milk", "invented", "'2 cups coconut milk'"),
        (POST.replace("2 tbsp olive oil", "3 tbsp olive oil", 1), "invented", "'3 tbsp olive oil'"),
    ],
)  # fmt: skip
def test_each_way_to_get_it_wrong_has_its_kind(text: str, kind: str, words: str) -> None:
    checked = check(text)
    assert checked.kind == kind and words in why(checked)
    record = checked.result
    assert isinstance(record, BadRecord)
    assert record.place == "line 1, clean" and record.text == text[:2000] and f"Teacher, {kind}:" in record.reason


def test_a_phrase_of_the_recipe_itself_is_no_leak() -> None:
    row = recipe(1, steps=["Mix as you asked for.", "Simmer for 25 minutes.", "Serves well cold."])
    ask = asked(row)
    assert kept(check(clean_post(ask.given), ask)).gold["recipeInstructions"][0]["text"].startswith("Mix as you asked")


def test_styles_have_their_own_marks() -> None:
    social = asked(recipe(1), "social")
    assert "an emoji" in why(check(POST, social))
    assert kept(check("🍲 " + POST, social)).style == "social"
    fluffy = asked(recipe(1), "fluffy")
    assert "words; fluffy is 220" in why(check(POST, fluffy))


LESS = POST.replace("- 1 tsp cumin\n", "").replace(" and stir in the cumin", "")


def test_an_unsupported_item_refuses_the_row_and_is_named() -> None:
    checked = check(LESS)
    assert (
        checked.kind == "unsupported"
        and "'1 tsp cumin'" in why(checked)
        and "of the gold are not in the text" in why(checked)
    )


def test_or_sends_it_to_review_with_everything_in_place() -> None:
    checked = check(LESS, policy="review")
    row = kept(checked)
    assert checked.kind == "review" and ["recipeIngredient", "1 tsp cumin"] in row.notes["not_in_text"]
    assert "1 tsp cumin" in row.gold["recipeIngredient"] and "not in the text" in row.notes["review"]


def test_or_the_gold_loses_the_item_and_the_row_says_so() -> None:
    checked = check(LESS, policy="trim")
    row = kept(checked)
    assert checked.kind == "" and row.gold["recipeIngredient"] == [
        "3 cups red lentils",
        "1 onion, chopped",
        "2 tbsp olive oil",
    ]
    assert row.notes["trimmed"] == [["recipeIngredient", "1 tsp cumin"]] and not schema_errors(row.gold, PACK.schema)
    assert "recipeIngredient" not in row.notes["supported"]
    no_time = kept(
        check(POST.replace("Total time: 35 minutes\n", "").replace("Preparation time: 10 minutes\n", ""), policy="trim")
    )
    assert "prepTime" not in no_time.gold and "totalTime" not in no_time.gold


def test_a_gold_that_would_lose_too_much_or_its_name_is_refused() -> None:
    other = clean_post(asked(recipe(1, ingredients=["3 eggs", "2 pears"], steps=["Whisk the eggs."])).given)
    assert "too many to cut" in why(check(other, policy="trim"))
    assert "too many to cut" in why(check(POST.replace("Lentil Soup", "Dish"), policy="trim"))


def test_keywords_lose_single_words() -> None:
    ask = asked(recipe(1, keywords="soup, winter, lentils"))
    row = kept(check(clean_post(ask.given).replace(", winter", ""), ask, policy="trim"))
    assert row.gold["keywords"] == "soup, lentils" and row.notes["trimmed"] == [["keywords", "winter"]]


WRITER = load_pack(BUILTIN / "recipe-writer")
COOK = asked(recipe(1), "book", WRITER)
BOOK = """RECIPE: Number 1 Lentil Soup
INGREDIENTS:
3 cups red lentils
1 onion, chopped
2 tbsp olive oil
1 tsp cumin
DIRECTIONS:
Fry the onion in the olive oil until golden.
Add the lentils and 4 cups of water.
Simmer for 25 minutes.
Stir in the cumin.
[END]"""


def test_a_recipe_for_the_book_is_text_in_the_tasks_form() -> None:
    row = kept(check(BOOK, COOK, pack=WRITER))
    assert row.source == "Number 1 Lentil Soup" and row.gold == BOOK and row.task == "recipe-writer"


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        (BOOK.replace("1 tsp cumin\n", "").replace("Stir in the cumin.\n", ""), "incomplete", "'1 tsp cumin'"),
        (BOOK.replace("1 tsp cumin", "1 tsp cumin\n2 bay leaves"), "unsupported", "'2 bay leaves'"),
        (BOOK.replace("25 minutes", "55 minutes"), "unsupported", "55 minutes"),
        (BOOK.replace("DIRECTIONS:", "How to do it:"), "garbage", "form of the task"),
    ],
)
def test_a_recipe_for_the_book_holds_what_was_given_and_nothing_else(text: str, kind: str, words: str) -> None:
    checked = check(text, COOK, pack=WRITER)
    assert checked.kind == kind and words in why(checked)


NEWS = load_pack(BUILTIN / "news-metadata")
ITEM = (
    "Acme Robotics released a small open model named Pip on Monday. It beats the company's own larger model on 4 of 6 "
    "tests. Borealis will run it in 12 warehouses from June."
)
DESK = asked(SourceRow({"content": ITEM}, "letter.jsonl", "line 3", "issue-9"), "annotation", NEWS)
METADATA = (
    '{"relevance_score": 6, "key_insights": ["Borealis will run it in 12 warehouses from June"], "company_names": '
    '["Acme Robotics", "Borealis"], "summary": "Acme Robotics released a small open model named Pip on Monday."}'
)


def test_an_annotation_becomes_an_object_whose_score_nobody_could_check() -> None:
    row = kept(check(METADATA, DESK, pack=NEWS))
    assert row.source == ITEM and row.gold["company_names"] == ["Acme Robotics", "Borealis"] and row.group == "issue-9"
    assert row.notes["unchecked"] == ["relevance_score"] and "summary" in row.notes["supported"]


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        (METADATA.replace('"Borealis"]', '"Borealis", "Velora"]'), "unsupported", "'Velora'"),
        (METADATA.replace("12 warehouses", "15 warehouses"), "unsupported", "15 warehouses"),
        (METADATA.replace(": 6,", ": 16,"), "schema", "relevance_score"),
        (METADATA.replace('"summary"', '"abstract"'), "schema", "abstract"),
        (METADATA[:-60], "garbage", "form of the task"),
        (METADATA + METADATA, "garbage", "Extra data"),
        ('["no", "object", "at", "all", "here"]', "garbage", "form of the task"),
    ],
)
def test_an_annotation_is_held_against_the_item_and_the_contract(text: str, kind: str, words: str) -> None:
    checked = check(text, DESK, pack=NEWS)
    assert checked.kind == kind and words in why(checked)


def test_a_trimmed_annotation_keeps_the_contract() -> None:
    row = kept(check(METADATA.replace('"Borealis"]', '"Borealis", "Velora"]'), DESK, "trim", NEWS))
    assert row.gold["company_names"] == ["Acme Robotics", "Borealis"] and row.notes["trimmed"] == [
        ["company_names", "Velora"]
    ]
    text = METADATA.replace(
        "Acme Robotics released a small open model named Pip on Monday.", "Velora fired 300 people in Lima."
    )
    assert check(text, DESK, "trim", NEWS).kind == "unsupported", "the summary is critical and can't go"


def test_garbage_and_shared_runs_on_ordinary_text() -> None:
    assert garbage(POST) == "" and garbage("") == "" and garbage("{}") != ""
    words = "one two three four five six seven eight nine ten"
    assert (
        shared_run(words, words, "") and not shared_run(words, words, words) and not shared_run(words[:40], words, "")
    )


TASKS = [(ASK, PACK, POST), (COOK, WRITER, BOOK), (DESK, NEWS, METADATA)]


@settings(deadline=None)
@given(st.sampled_from(TASKS), st.sampled_from(["refuse", "review", "trim"]), st.data())
def test_whatever_a_teacher_writes_there_is_a_verdict(
    task: tuple[Ask, Pack, str], policy: str, data: st.DataObject
) -> None:
    """Any text, and any damage to a good one: a row that keeps the contract, or a reason."""
    ask, pack, text = task
    at, end = sorted((data.draw(st.integers(0, len(text))), data.draw(st.integers(0, len(text)))))
    checked = check(text[:at] + data.draw(st.text(max_size=40)) + text[end:], ask, policy, pack)
    if isinstance(checked.result, BadRecord):
        assert checked.kind not in ("", "review") and checked.result.reason.startswith(f"Teacher, {checked.kind}: ")
    else:
        assert checked.kind in ("", "review") and (policy == "review" or checked.kind == "")
        if pack.answer.kind == "json":
            assert not schema_errors(checked.result.gold, pack.schema)
        if checked.kind == "" and "trimmed" not in checked.result.notes and policy == "refuse":
            assert checked.result.notes["supported"]


def test_an_answer_for_the_book_that_cannot_be_written_back_is_refused() -> None:
    twice = BOOK.replace("1 tsp cumin", "- - 1 tsp cumin").replace("[END]", "")
    assert check(twice, COOK, pack=WRITER).kind == "garbage"
