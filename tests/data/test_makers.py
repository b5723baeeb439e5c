"""From source records to rows: exact golds, groups kept, nothing invented, nothing lost, the same rows every time."""

import random
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.data.corpus import Dice
from training.data.makers import MENUS, RenderSpec, make_rows
from training.data.news import news_item
from training.data.post_slices import SLICES, page_lines, render_post
from training.data.posts import STYLES
from training.data.recipes import grammar_recipe
from training.data.record_recipes import recipe_of
from training.data.rows import BadRecord, DataRow, SourceRow
from training.errors import DataError, StudioError
from training.task.pack import BUILTIN, Pack, load_pack
from training.task.parse import gold_object
from training.task.score.schema import schema_errors

PACKS = {name: load_pack(BUILTIN / name) for name in ("recipe-jsonld", "recipe-writer", "news-metadata")}
SOUP: dict[str, Any] = {
    "title": "Lentil **Soup**",
    "ingredients": ["- 250 g red lentils", "1 onion,\n chopped", "2 carrots", "1 l stock", "salt"],
    "steps": ["1. Soften the onion.", "Add the rest and simmer for 20 minutes.", "Salt to taste."],
}
FACTS = {"prep_minutes": 10, "cook_minutes": 25, "recipe_yield": 4, "cuisine": "Turkish", "keywords": ["soup", "easy"]}


def source(fields: dict[str, Any] | None = None, group: str = "soup", **more: Any) -> SourceRow:
    return SourceRow(SOUP if fields is None else fields, "table.csv", "line 2", group, "CC0-1.0", **more)


def grammar_rows(count: int) -> list[SourceRow]:
    recipes = [grammar_recipe(random.Random(f"makers test {number}")) for number in range(count)]
    return [
        source({"title": r.title, "ingredients": list(r.ingredients), "steps": list(r.steps)}, f"g{number}")
        for number, r in enumerate(recipes)
    ]


def made(task: str, rows: Iterable[SourceRow | BadRecord], seed: int = 7, **render: Any) -> list[DataRow | BadRecord]:
    return list(make_rows(task, rows, RenderSpec(**render), seed))


def good(task: str, rows: Iterable[SourceRow | BadRecord], seed: int = 7, **render: Any) -> list[DataRow]:
    found = made(task, rows, seed, **render)
    assert not [row for row in found if isinstance(row, BadRecord)]
    return [row for row in found if isinstance(row, DataRow)]


def reason(fields: dict[str, Any], task: str = "recipe-jsonld") -> str:
    (bad,) = made(task, [source(fields)])
    assert isinstance(bad, BadRecord)
    assert (bad.origin, bad.place) == ("table.csv", "line 2")
    return bad.reason


POSTS = good("recipe-jsonld", grammar_rows(120), posts_per_recipe=5)


def squeezed(text: str) -> str:
    return " ".join(text.split())


def said(gold: dict[str, Any]) -> list[str]:
    texts = [gold[key] for key in ("name", "recipeYield", "recipeCuisine", "keywords") if key in gold]
    return [*texts, *gold.get("recipeIngredient", []), *(step["text"] for step in gold.get("recipeInstructions", []))]


def test_every_gold_stands_in_its_post_and_keeps_the_contract() -> None:
    for row in POSTS:
        assert all(squeezed(text) in squeezed(row.source) for text in said(row.gold)), row
        assert schema_errors(row.gold, PACKS["recipe-jsonld"].schema) == (), row


def test_every_style_and_slice_occurs_and_golds_fit_the_slice() -> None:
    assert {row.style for row in POSTS} == set(STYLES)
    assert {row.slice for row in POSTS} == set(SLICES)
    for row in POSTS:
        assert (row.gold == {}) == (row.slice in ("not_recipe", "near_miss"))
        if row.gold:
            assert ("recipeIngredient" in row.gold) == (row.slice != "no_ingredients")
            assert ("recipeInstructions" in row.gold) == (row.slice != "no_steps")


def test_a_recipe_comes_in_all_styles_and_keeps_its_group() -> None:
    by_group: dict[str, list[DataRow]] = {}
    for row in POSTS:
        by_group.setdefault(row.group, []).append(row)
    assert len(by_group) == 120
    for rows in by_group.values():
        styles = [row.style for row in rows if row.slice != "not_recipe"]
        assert len(set(styles)) == len(styles)
        assert {(row.origin, row.place, row.licence) for row in rows} == {("table.csv", "line 2", "CC0-1.0")}
    assert len({row.id for row in POSTS}) == len(POSTS)


def test_the_same_seed_gives_the_same_rows_in_any_company() -> None:
    rows = grammar_rows(6)
    whole = good("recipe-jsonld", rows, posts_per_recipe=2)
    assert good("recipe-jsonld", rows, posts_per_recipe=2) == whole
    turned = good("recipe-jsonld", reversed(rows), posts_per_recipe=2)
    assert sorted(row.id for row in turned) == sorted(row.id for row in whole)
    assert good("recipe-jsonld", [replace(rows[2], place="line 99")])[0].id == good("recipe-jsonld", rows)[2].id
    assert [row.id for row in good("recipe-jsonld", rows, seed=8)] != [row.id for row in whole[::2]]
    assert [row.id for row in good("recipe-jsonld", rows)] == [row.id for row in whole[::2]]


def test_shares_decide_what_is_made() -> None:
    rows = good("recipe-jsonld", grammar_rows(40), styles={"social": 3, "clean": 1}, slices={"plain": 1, "orders": 1})
    counts = Counter(row.style for row in rows), Counter(row.slice for row in rows)
    assert set(counts[0]) == {"social", "clean"} and counts[0]["social"] > counts[0]["clean"]
    assert set(counts[1]) == {"plain", "orders"}


def test_what_the_source_says_is_printed_and_the_rest_is_not_invented() -> None:
    plain = {"slices": {"plain": 1}, "posts_per_recipe": 5}
    for row in good("recipe-jsonld", [source(SOUP | FACTS)], **plain):
        gold = row.gold
        assert (gold["prepTime"], gold["cookTime"], gold["recipeYield"]) == ("PT10M", "PT25M", "4")
        assert (gold["recipeCuisine"], gold["keywords"]) == ("Turkish", "soup, easy")
        assert not {"totalTime", "recipeCategory", "description"} & set(gold)
    for row in good("recipe-jsonld", [source()], **plain):
        assert set(row.gold) == {"@context", "@type", "name", "recipeIngredient", "recipeInstructions"}
    drawn = good("recipe-jsonld", [source(SOUP | {"cuisine": "Turkish"})], facts="random", **plain)
    assert any("prepTime" in row.gold or "recipeYield" in row.gold for row in drawn)
    assert {row.gold["recipeCuisine"] for row in drawn} == {"Turkish"}


def test_list_marks_and_markdown_of_a_record_are_taken_off() -> None:
    recipe = recipe_of(source())
    assert recipe.title == "Lentil Soup"
    assert recipe.ingredients[:2] == ("250 g red lentils", "1 onion, chopped")
    assert recipe.steps[0] == "Soften the onion."


def test_a_time_of_zero_is_no_time() -> None:
    assert recipe_of(source(SOUP | {"prep_minutes": 0, "cook_minutes": 12.4})).prep_minutes is None
    assert recipe_of(source(SOUP | {"prep_minutes": 0, "cook_minutes": 12.4})).cook_minutes == 12


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"title": None}, "no title"), ({"title": " "}, "no title"), ({"title": 3}, "title is a number, not text"),
        ({"ingredients": "salt, water"}, "ingredients are text, not a list"), ({"steps": [3]}, "steps hold a number"),
        ({"ingredients": [], "steps": None}, "neither ingredients nor"), ({"cuisine": ["Thai"]}, "cuisine is a list"),
        ({"prep_minutes": "15 min"}, "prep_minutes is text, not a"), ({"cook_minutes": -5}, "cook_minutes is -5"),
        ({"total_minutes": float("nan")}, "total_minutes is nan"), ({"total_minutes": True}, "true or false"),
        ({"keywords": [["x"]]}, "keywords hold a list"), ({"steps": ["Boil.", None]}, "steps hold nothing"),
    ],
)  # fmt: skip
def test_a_record_that_cannot_be_used_says_why(change: dict[str, Any], complaint: str) -> None:
    assert complaint in reason(SOUP | change)


def test_bad_records_pass_through_and_the_rest_goes_on() -> None:
    broken = BadRecord("table.csv", "line 3", "no JSON")
    found = made("recipe-jsonld", [source(), broken, source({"title": "x"}), source()])
    assert [type(row) for row in found] == [DataRow, BadRecord, BadRecord, DataRow]
    assert found[1] is broken
    shown = found[2]
    assert isinstance(shown, BadRecord) and shown.text == "x"


def test_a_recipe_without_a_part_never_prints_that_part() -> None:
    for part, key in (("ingredients", "recipeIngredient"), ("steps", "recipeInstructions")):
        bare = source({name: value for name, value in SOUP.items() if name != part})
        for row in good("recipe-jsonld", [bare], posts_per_recipe=20):
            assert key not in row.gold
            assert schema_errors(row.gold, PACKS["recipe-jsonld"].schema) == ()


@pytest.mark.parametrize("slice_", SLICES)
@pytest.mark.parametrize("style", STYLES)
def test_every_slice_can_be_had_in_every_style(style: str, slice_: str) -> None:
    post = render_post(recipe_of(source()), style, slice_, Dice(f"{style} {slice_}"))
    assert post.slice == slice_ and post.text.strip()


def texts_of(slice_: str) -> list[DataRow]:
    return [row for row in POSTS if row.slice == slice_]


def test_a_near_miss_talks_about_the_dish_and_gives_no_recipe() -> None:
    for row in texts_of("near_miss"):
        title = row.source.split("\n")[0]
        assert title and row.source.count("\n") >= 3
        assert not re.search(r"\{[tfn]\}", row.source)


def test_temptations_are_on_the_page_and_not_in_the_answer() -> None:
    marks = re.compile(r"schema\.org|recipeIngredient|@type|recipeYield|PT0M|\{\{|itemprop|JSON|P0D|Structured|error")
    for row in texts_of("schema_temptation"):
        assert marks.search(row.source)
        written = str(said(row.gold))
        assert not re.search(
            r"Recipe Name|Your Recipe Title|quantity of ingredient|sample recipe|\[servings\]", written
        )


def test_long_is_long_and_short_is_short() -> None:
    plain = sorted(len(row.source.split()) for row in texts_of("plain"))
    assert min(len(row.source.split()) for row in texts_of("long")) > plain[len(plain) // 2]
    for row in texts_of("short"):
        assert len(row.source.split("\n")) <= 7 and len(row.gold["recipeIngredient"]) <= 4


def test_a_second_recipe_is_not_taken() -> None:
    for row in texts_of("two_recipes"):
        last = row.source.rindex(row.gold["recipeIngredient"][0])
        assert len(row.source) - last > 100


def test_a_dish_and_its_recipe_as_text() -> None:
    rows = good("recipe-writer", [source(SOUP | FACTS)], slices={"plain": 1}, posts_per_recipe=3)
    assert sorted(row.style for row in rows) == ["name", "request", "typed"]
    assert {row.style: row.source for row in rows}["name"] == "Lentil Soup"
    for row in rows:
        assert "lentil soup" in row.source.lower()
        assert row.gold.startswith("RECIPE: Lentil Soup\nINGREDIENTS:\n250 g red lentils\n1 onion, chopped\n")
        assert row.gold.endswith("\nDIRECTIONS:\nSoften the onion.\nAdd the rest and simmer for 20 minutes.\n"
                                 "Salt to taste.\n[END]")  # fmt: skip


def test_what_else_can_stand_in_place_of_a_name() -> None:
    rows = good("recipe-writer", grammar_rows(150))
    assert {row.slice for row in rows} == set(MENUS["recipe-writer"].slices)
    for row in rows:
        value = gold_object(PACKS["recipe-writer"], row.gold)
        if row.slice == "not_dish":
            assert value == {} and row.gold == "[END]" and row.source.startswith(page_lines("no_dishes"))
            continue
        assert value["title"].lower() in row.source.lower()
        if row.slice == "several":
            first, _, rest = row.source.partition("\n")
            assert value["title"].lower() in first.lower() and rest.strip()
        assert schema_errors(value, PACKS["recipe-writer"].schema) == ()


def test_a_writer_needs_both_parts_and_lines_that_the_form_can_hold() -> None:
    assert reason({"title": "Soup", "ingredients": ["water"]}, "recipe-writer") == "it has no steps"
    assert reason({"title": "Soup", "steps": ["Boil."]}, "recipe-writer") == "it has no ingredients"
    assert "can't be written" in reason(SOUP | {"steps": ["Write [END] on the lid."]}, "recipe-writer")


def test_annotated_news_becomes_a_row() -> None:
    item = news_item(3)
    (row,) = good("news-metadata", [source(item.fields, f"issue-{item.issue}", date=item.date)])
    assert (row.source, row.gold, row.group, row.date) == (item.content, item.gold, f"issue-{item.issue}", item.date)
    assert (row.style, row.slice, row.licence) == (item.style, item.slice, "CC0-1.0")
    bare = {"content": "Nothing happened.", "relevance_score": 1, "summary": "Nothing happened."}
    (row,) = good("news-metadata", [source(bare)])
    assert (row.gold["key_insights"], row.gold["company_names"], row.slice) == ([], [], "plain")
    (row,) = good("news-metadata", [source(bare | {"key_insights": "funding", "company_names": ("Kalvane",)})])
    assert (row.gold["key_insights"], row.gold["company_names"]) == ("funding", ["Kalvane"])


@pytest.mark.parametrize("missing", ["content", "relevance_score", "summary"])
def test_news_without_its_annotation_is_refused(missing: str) -> None:
    fields = {name: value for name, value in news_item(3).fields.items() if name != missing}
    assert reason(fields, "news-metadata") == f"it has no {missing}"


def test_finished_rows_pass_through_in_every_task() -> None:
    recipe = {"@context": "https://schema.org", "@type": "Recipe", "name": "Soup"}
    fields = {"source": "Soup!", "gold": recipe, "slice": "hard", "style": "social", "reasoning": "A name is there."}
    (row,) = good("recipe-jsonld", [source(fields)])
    assert (row.source, row.gold, row.slice, row.style) == ("Soup!", recipe, "hard", "social")
    assert row.reasoning == "A name is there."
    (row,) = good("recipe-jsonld", [source({"source": "x", "gold": '{"name": "Soup"}'})])
    assert (row.gold, row.slice) == ({"name": "Soup"}, "plain")
    (row,) = good("recipe-jsonld", [source({"source": "x", "gold": 'Sure: {"name": "Soup"}'})])
    assert row.gold == 'Sure: {"name": "Soup"}', "what is not the contract is left to the gates"
    (row,) = good("my-own-task", [source({"source": "x", "gold": {"a": 1}})])
    assert (row.task, row.gold) == ("my-own-task", {"a": 1})
    text = "RECIPE: Soup\nINGREDIENTS:\nwater\nDIRECTIONS:\nBoil.\n[END]"
    value = gold_object(PACKS["recipe-writer"], text)
    golds = [good("recipe-writer", [source({"source": "Soup", "gold": gold})])[0].gold for gold in (text, value)]
    assert golds == [text, text]


def test_a_worse_answer_and_a_sources_instruction_stay_beside_the_row() -> None:
    fields = {
        "source": "Soup.",
        "gold": '{"name": "Soup"}',
        "rejected": '{"name": "Recipe"}',
        "instruction": "As JSON.",
    }
    (row,) = good("recipe-jsonld", [source(fields)])
    assert row.gold == {"name": "Soup"}
    assert row.notes == {"rejected": {"name": "Recipe"}, "instruction": "As JSON."}
    (plain,) = good("recipe-jsonld", [source({"source": "Soup.", "gold": "{}"})])
    assert plain.notes == {}


def test_an_unfinished_row_of_a_task_without_a_maker_is_refused() -> None:
    assert "my-own-task has no maker" in reason(SOUP, "my-own-task")
    assert reason({"source": "  ", "gold": {}}) == "its text is empty"


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 99) | st.floats() | st.text(max_size=9) | st.just("[END]\n- {t}\ud800"),
    lambda kids: st.lists(kids, max_size=3) | st.dictionaries(st.text(max_size=3), kids, max_size=2),
    max_leaves=4,
)
NAMES = st.sampled_from(
    [*SOUP, *FACTS, "content", "summary", "relevance_score", "source", "gold", "style", "reasoning"]
)


@settings(max_examples=120)
@given(st.dictionaries(NAMES, JUNK), st.sampled_from([*PACKS, "my-own-task"]), st.booleans())
def test_whatever_a_source_holds_it_becomes_rows_or_one_reason(fields: dict[str, Any], task: str, whole: bool) -> None:
    found = made(task, [source(SOUP | fields if whole else fields)])
    assert len(found) == 1
    if isinstance(found[0], DataRow):
        assert found[0].source.strip() and found[0].task == task and found[0].id
    else:
        assert found[0].reason


@pytest.mark.parametrize(
    ("task", "render", "complaint"),
    [
        ("recipe-jsonld", {"styles": {"haiku": 1}}, "styles of render name haiku"),
        ("recipe-jsonld", {"slices": {"several": 1}}, "slices of render name several"),
        ("news-metadata", {"slices": {"advert": 1}}, "news-metadata does not have"),
    ],
)
def test_styles_and_slices_of_another_task_are_refused_at_once(task: str, render: Any, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        make_rows(task, iter(()), RenderSpec(**render), 7)


@pytest.mark.parametrize(
    "render",
    [
        {"posts_per_recipe": 0}, {"posts_per_recipe": 51}, {"facts": "some"}, {"styles": {"clean": -1}},
        {"slices": {"plain": 0}}, {"slices": {"plain": float("nan")}},
    ],
)  # fmt: skip
def test_a_spec_that_makes_no_sense_is_refused(render: dict[str, Any]) -> None:
    with pytest.raises(StudioError):
        RenderSpec(**render)


def test_packs_and_menus_agree() -> None:
    packs: dict[str, Pack] = PACKS
    assert set(MENUS) < set(packs)
    assert set(MENUS["recipe-jsonld"].slices) == set(SLICES)
    for menu in MENUS.values():
        assert sum(menu.slices.values()) == pytest.approx(1.0)
