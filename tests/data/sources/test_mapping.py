"""Known forms are recognised, proposed with reasons and real values, and applied only as a person confirms them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from training.data.sources.mapping import (
    SURENESS,
    MappingProposal,
    apply_mapping,
    check_mapping,
    propose_mapping,
)
from training.data.sources.rules import RULES, RuleError
from training.data.sources.shapes import FIELDS, SHAPES
from training.data.spec import FieldMapping, spec_from
from training.errors import DataError

TURN = [{"role": "user", "content": "Post"}, {"role": "assistant", "content": '{"name": "Soup"}'}]
STEPS = [{"@type": "HowToStep", "text": "Boil."}, {"@type": "HowToStep", "text": "Serve."}]
RECIPE = {"title": "Soup", "ingredients": ["1 l water", "salt"], "steps": ["Boil.", "Serve."]}
FORMS: Mapping[str, tuple[str, Mapping[str, Any], Mapping[str, Any]]] = {
    "RecipeNLG": (
        "RecipeNLG",
        {
            "column 1": "0", "title": "Soup", "ingredients": '["1 l water", "salt"]',
            "directions": '["Boil.", "Serve."]', "link": "www.example.org/1", "source": "Gathered", "NER": '["water"]',
        },
        RECIPE | {"link": "www.example.org/1"},
    ),
    "Kaggle, lists as Python prints them": (
        "recipe table",
        {"Title": "Soup", "Ingredients": "['1 l water', 'salt']", "Instructions": "Boil.\nServe.", "Image": "a"},
        RECIPE,
    ),
    "Kaggle, all as text": (
        "recipe table",
        {
            "recipe_name": "Soup", "prep_time": "5 mins", "cook_time": "1 hrs 10 mins", "total_time": "1 hrs 15 mins",
            "servings": "4", "ingredients": "1 l water, salt", "directions": "Boil.\nServe.", "rating": "4.5",
        },
        RECIPE | {"prep_minutes": 5, "cook_minutes": 70, "total_minutes": 75, "recipe_yield": "4"},
    ),
    "Kaggle, R vectors": (
        "recipe table",
        {
            "Name": "Soup", "CookTime": "PT1H", "RecipeIngredientParts": 'c("1 l water", "salt")',
            "RecipeInstructions": 'c("Boil.", "Serve.")', "RecipeYield": "",
        },
        RECIPE | {"cook_minutes": 60},
    ),
    "pipes": ("recipe table", {"name": "Soup", "ingredients": "1 l water|salt", "method": "Boil.|Serve."}, RECIPE),
    "no steps, and a column that news items have too": (
        "recipe table without steps",
        {"title": "Soup", "ingredients": '["1 l water", "salt"]', "content": "A story."},
        {"title": "Soup", "ingredients": ["1 l water", "salt"]},
    ),
    "schema.org": (
        "schema.org Recipe objects",
        {
            "@type": "Recipe", "name": "Soup", "recipeIngredient": ["1 l water", "salt"], "recipeInstructions": STEPS,
            "prepTime": "PT5M", "recipeYield": ["4", "4 bowls"], "keywords": "hot, quick", "recipeCuisine": "French",
        },
        RECIPE | {"prep_minutes": 5, "recipe_yield": "4, 4 bowls", "keywords": "hot, quick", "cuisine": "French"},
    ),
    "ours": (
        "rows of our own",
        {"id": "a1", "source": "Post", "gold": {"name": "Soup"}, "group": "g1", "slice": "plain"},
        {"id": "a1", "source": "Post", "gold": {"name": "Soup"}, "group": "g1", "slice": "plain"},
    ),
    "chat": ("chat rows", {"messages": TURN}, {"source": "Post", "gold": {"name": "Soup"}}),
    "chat in a table": ("chat rows", {"messages": json.dumps(TURN)}, {"source": "Post", "gold": {"name": "Soup"}}),
    "instruction": (
        "instruction rows",
        {"instruction": "Extract.", "input": "Post", "output": "RECIPE: Soup"},
        {"instruction": "Extract.", "source": "Post", "gold": "RECIPE: Soup"},
    ),
    "instruction without input": (
        "instruction rows",
        {"instruction": "Garlic soup", "input": "", "output": "RECIPE: Soup"},
        {"source": "Garlic soup", "gold": "RECIPE: Soup"},
    ),
    "preference": (
        "preference rows",
        {"prompt": "Post", "chosen": '{"name": "Soup"}', "rejected": '{"name": "Recipe Name"}'},
        {"source": "Post", "gold": {"name": "Soup"}, "rejected": {"name": "Recipe Name"}},
    ),
    "preference as chats": (
        "preference rows",
        {"prompt": TURN[:1], "chosen": TURN[1:], "rejected": [{"role": "assistant", "content": "{}"}]},
        {"source": "Post", "gold": {"name": "Soup"}, "rejected": {}},
    ),
    "news": (
        "news items",
        {
            "content": "A launches B.", "relevance_score": "7", "key_insights": '["B is out"]',
            "company_names": "['A']", "summary": "B is out.", "newsletter": "12", "date": "2025-03-01",
        },
        {
            "content": "A launches B.", "relevance_score": 7, "key_insights": ["B is out"], "company_names": ["A"],
            "summary": "B is out.", "group": "12", "date": "2025-03-01",
        },
    ),
}  # fmt: skip


def propose(*rows: Mapping[str, Any]) -> MappingProposal:
    return propose_mapping(list(rows[0]), rows)


@pytest.mark.parametrize("form", FORMS)
def test_a_known_form_is_recognised_and_makes_the_right_fields(form: str) -> None:
    shape, row, fields = FORMS[form]
    proposal = propose(row, row)
    assert proposal.shape == shape
    assert apply_mapping(proposal.mapping, row) == fields
    check_mapping(proposal.mapping, row, form)


def test_every_shape_is_reached_by_a_form() -> None:
    assert {shape for shape, _, _ in FORMS.values()} >= {shape.name for shape in SHAPES} - {"prompt and completion"}
    assert propose({"prompt": "Post", "completion": "{}"}).shape == "prompt and completion"


def test_how_sure_a_proposal_is_follows_from_name_and_values() -> None:
    def sure(row: Mapping[str, Any], *others: Mapping[str, Any]) -> dict[str, str]:
        return {found.field: found.sure for found in propose(row, *others).fields}

    assert set(sure(FORMS["RecipeNLG"][1]).values()) == {"sure"}
    commas = sure(FORMS["Kaggle, all as text"][1])
    assert commas["ingredients"] == "unsure" and commas["steps"] == "likely" and commas["title"] == "likely"
    mixed = {"title": "Soup", "ingredients": '["salt"]', "directions": "Boil.\nServe."}
    assert sure(mixed, mixed | {"ingredients": "salt and water"})["ingredients"] == "unsure"
    numbers = {"title": "Soup", "ingredients": ["salt"], "steps": ["Boil."], "cook_time": "30"}
    assert sure(numbers)["cook_minutes"] == "likely"  # a bare number does not say minutes


def test_a_date_that_can_be_read_two_ways_is_left_to_the_person() -> None:
    found = {p.field: p for p in propose({"content": "News.", "date": "03/04/2025"}).fields}
    assert found["date"].sure == "unsure" and found["date"].rule == "date_mdy"
    found = {p.field: p for p in propose({"content": "News.", "date": "23/04/2025"}).fields}
    assert found["date"].rule == "date_dmy"


def test_the_samples_are_shown_before_and_after() -> None:
    found = {p.field: p for p in propose(FORMS["RecipeNLG"][1]).fields}
    assert found["steps"].before == ("""'["Boil.", "Serve."]'""",)
    assert found["steps"].after == ("['Boil.', 'Serve.']",)
    assert "JSON list" in found["steps"].why


def test_columns_that_say_nothing_are_listed_and_not_guessed() -> None:
    proposal = propose({"a": "Soup", "b": "salt"})
    assert proposal.shape == "no known form" and proposal.mapping == () and proposal.unused == ("a", "b")
    assert "fields are title, ingredients" in proposal.lines()
    assert "mapping: []" in proposal.lines() and "not used: 'a', 'b'" in proposal.lines()
    half = propose({"title": "Soup", "calories": "4"})
    assert [p.field for p in half.fields] == ["title"] and half.fields[0].sure == "likely"


def test_a_column_whose_values_fit_no_rule_is_not_proposed() -> None:
    rows = [
        {"title": "Soup", "ingredients": ["salt"], "steps": ["Boil."], "prep_time": t} for t in ("varies", "a while")
    ]
    assert "prep_time" in propose(*rows).unused


def test_the_lines_can_be_pasted_into_a_spec() -> None:
    row = FORMS["Kaggle, all as text"][1]
    proposal = propose(row)
    pasted = "".join(f"    {line}\n" for line in proposal.lines({"encoding": "cp1252"}).splitlines())
    text = f"task: recipe-jsonld\nname: soups\nsources:\n  - kind: file\n    path: soups.csv\n{pasted}"
    spec = spec_from(text, Path("spec.yaml"))
    assert spec.sources[0].mapping == proposal.mapping and spec.sources[0].encoding == "cp1252"


names = st.text(min_size=1, max_size=20)


@given(st.lists(names, min_size=1, max_size=6, unique=True), names, st.data())
def test_any_column_and_value_survive_the_way_through_yaml(
    columns: Sequence[str], value: str, data: st.DataObject
) -> None:
    title = data.draw(st.sampled_from(["title", "Recipe Name", "TITLE", "name"]))
    printable = [column for column in columns if column.encode("utf-8", "replace").decode() == column]
    proposal = propose_mapping([title, *printable], [{title: value, **dict.fromkeys(printable, value)}])
    again = yaml.safe_load(proposal.lines())["mapping"]
    assert tuple(FieldMapping(**mapped) for mapped in again) == proposal.mapping
    assert all(p.sure in SURENESS and p.rule in RULES and p.field in FIELDS for p in proposal.fields)
    assert {p.column for p in proposal.fields} | set(proposal.unused) == {title, *printable}


@given(
    st.dictionaries(names, st.none() | st.text(max_size=8) | st.integers() | st.lists(st.text(max_size=4)), max_size=6)
)
def test_what_is_proposed_applies_to_the_samples_or_says_why_not(row: dict[str, Any]) -> None:
    given_row = row | {"title": "Soup", "ingredients": row.get("a", "salt")}
    proposal = propose_mapping(list(given_row), [given_row])
    applied = apply_mapping(proposal.mapping, given_row)
    assert applied.keys() <= {found.field for found in proposal.fields}
    if proposal.shape.startswith(("recipe", "no known")):  # finished rows (a column "messages") have no title
        assert applied["title"] == "Soup"


def test_empty_fields_are_left_out_where_they_may_be_and_told_where_not() -> None:
    mapping = (FieldMapping("title", "name", "text"), FieldMapping("cuisine", "from", "text"))
    assert apply_mapping(mapping, {"name": "Soup", "from": " "}) == {"title": "Soup"}
    steps = FieldMapping("steps", "how", "json_list")
    assert apply_mapping((*mapping, steps), {"name": "Soup", "how": "[]"}) == {"title": "Soup"}
    with pytest.raises(RuleError, match=r"title \(from 'name'\) is empty"):
        apply_mapping(mapping, {"name": "", "from": "France"})
    with pytest.raises(RuleError, match=r"title \(from 'name'\) is missing from the record"):
        apply_mapping(mapping, {"from": "France"})


def test_an_empty_answer_is_an_answer() -> None:
    mapping = (FieldMapping("source", "s"), FieldMapping("gold", "g", "json"))
    assert apply_mapping(mapping, {"s": "No recipe here.", "g": "{}"})["gold"] == {}
    assert apply_mapping((FieldMapping("gold", "g"),), {"g": {}})["gold"] == {}


def test_without_a_rule_a_value_is_taken_as_it_is_or_refused() -> None:
    assert apply_mapping((FieldMapping("ingredients", "i"),), {"i": ["salt"]}) == {"ingredients": ["salt"]}
    with pytest.raises(RuleError, match="no list"):
        apply_mapping((FieldMapping("ingredients", "i"),), {"i": '["salt"]'})


@pytest.mark.parametrize(
    ("mapped", "words", "fix"),
    [
        (FieldMapping("titel", "name", "text"), "'titel', which is no field", "title"),
        (FieldMapping("title", "name", "json_list"), "can't fill title", "text"),
        (FieldMapping("title", "name", "upper"), "'upper' can't fill", "text"),
        (FieldMapping("title", "nmae", "text"), "no column 'nmae'", "'name'"),
    ],
)
def test_a_mapping_that_can_not_work_is_an_error_before_any_row(mapped: FieldMapping, words: str, fix: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        check_mapping([mapped], ["name"], "soups.csv")
    assert fix in caught.value.fix and "soups.csv" in str(caught.value)


def test_only_columns_with_the_fields_own_names_and_values_need_no_confirming() -> None:
    ours = propose(FORMS["ours"][1])
    assert {mapped.field for mapped in ours.as_they_are} == {"id", "source", "gold", "group", "slice"}
    assert propose({"source": "Dish", "gold": "RECIPE: Soup"}).as_they_are
    assert propose(RECIPE).as_they_are
    assert not propose({"source": "Post", "gold": '{"name": "Soup"}'}).as_they_are  # is it text or an object?
    assert not propose(RECIPE | {"steps": '["Boil."]'}).as_they_are
    assert not propose({"title": "Soup", "ingredients": ["salt"], "directions": ["Boil."]}).as_they_are
