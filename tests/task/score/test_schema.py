"""Violations of the contract as records (metrics A2)."""

import json
from typing import Any

import pytest

from tests.task.score.recipes import GOLD, PACK, step
from training.task.pack import BUILTIN, load_pack
from training.task.parse import parse_answer
from training.task.records import FinishReason
from training.task.score.answer import score_answer
from training.task.score.schema import contract_classes, schema_classes, schema_errors

NEWS = load_pack(BUILTIN / "news-metadata")
EOS = FinishReason.EOS


def found(changes: dict[str, Any], drop: str = "") -> list[tuple[str, str, str]]:
    obj = {key: value for key, value in {**GOLD, **changes}.items() if key != drop}
    return [(error.field, error.kind, error.path) for error in schema_errors(obj, PACK.schema)]


def test_a_right_answer_and_an_empty_one_keep_the_contract() -> None:
    assert schema_errors(GOLD, PACK.schema) == ()
    assert schema_errors({}, PACK.schema) == ()


def classes(changes: dict[str, Any], drop: str = "") -> dict[tuple[str, str], bool]:
    obj = {key: value for key, value in {**GOLD, **changes}.items() if key != drop}
    return {(kind, name): bad for kind, name, bad in schema_classes(obj, PACK.schema, schema_errors(obj, PACK.schema))}


def test_each_field_has_the_classes_that_its_own_rules_can_raise() -> None:
    known = set(contract_classes(PACK.schema))
    assert {("missing", "name"), ("range", "name"), ("enum", "@type"), ("pattern", "prepTime"), ("extra", "")} <= known
    assert {("missing", "prepTime"), ("enum", "name"), ("pattern", "name"), ("range", "prepTime")}.isdisjoint(known)
    assert ("extra", "recipeInstructions") in known and ("missing", "recipeInstructions") in known, "of its steps"
    assert set(contract_classes(NEWS.schema)) >= {("range", "relevance_score"), ("missing", "summary")}


def test_what_is_broken_is_told_by_field_and_class_over_what_was_given() -> None:
    right = classes({})
    assert not any(right.values()) and right[("pattern", "cookTime")] is False
    assert classes({"cookTime": "15 min"})[("pattern", "cookTime")] is True
    assert ("pattern", "cookTime") not in classes({}, drop="cookTime"), "what is not given breaks no form"
    assert classes({}, drop="name")[("missing", "name")] is True
    assert ("range", "name") not in classes({}, drop="name")
    assert classes({"author": "x"})[("extra", "")] is True
    assert classes({"recipeIngredient": []})[("range", "recipeIngredient")] is True
    assert classes({"recipeInstructions": [{**step("Mix."), "x": 1}]})[("extra", "recipeInstructions")] is True
    assert classes({"recipeInstructions": [{**step("Mix."), "x": 1}]})[("extra", "")] is False


def test_classes_are_scores_of_objects_alone() -> None:
    raw = json.dumps({**GOLD, "prepTime": "15 min"})
    found = {
        (s.metric, s.field): (s.value, s.n) for s in score_answer(PACK, parse_answer(PACK, raw, EOS), "text", None)
    }
    assert found[("schema_pattern", "prepTime")] == (1.0, 1) and found[("schema_missing", "name")] == (0.0, 1)
    failed = score_answer(PACK, parse_answer(PACK, "no recipe", EOS), "text", None)
    assert not any(s.metric in ("schema_missing", "schema_pattern", "schema_extra") for s in failed)


def test_no_object_has_no_violations_to_tell() -> None:
    assert schema_errors(None, PACK.schema) == ()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"recipeIngredient": "2 eggs"}, ("recipeIngredient", "type", "/recipeIngredient")),
        ({"recipeIngredient": ["2 eggs", 3]}, ("recipeIngredient", "type", "/recipeIngredient/1")),
        ({"recipeIngredient": []}, ("recipeIngredient", "range", "/recipeIngredient")),
        ({"recipeInstructions": ["Mix."]}, ("recipeInstructions", "type", "/recipeInstructions/0")),
        ({"recipeInstructions": [{"text": "Mix."}]}, ("recipeInstructions", "missing", "/recipeInstructions/0/@type")),
        ({"cookTime": "20 min"}, ("cookTime", "pattern", "/cookTime")),
        ({"cookTime": "PT20M\n"}, ("cookTime", "pattern", "/cookTime")),
        ({"cookTime": "PT"}, ("cookTime", "pattern", "/cookTime")),
        ({"@type": "Thing"}, ("@type", "enum", "/@type")),
        ({"author": "x"}, ("author", "extra", "/author")),
        ({"a/b~c": 1}, ("a/b~c", "extra", "/a~1b~0c")),
        ({"recipeYield": 8}, ("recipeYield", "type", "/recipeYield")),
    ],
)
def test_one_mistake_one_record(changes: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert found(changes) == [expected]


def test_a_missing_key_of_one_alternative_is_told_by_its_name() -> None:
    assert found({}, drop="name") == [("name", "missing", "/name")]


def test_each_missing_key_is_told_once() -> None:
    errors = schema_errors({"recipeYield": "8"}, PACK.schema)
    assert [(e.field, e.kind) for e in errors] == [("@context", "missing"), ("@type", "missing"), ("name", "missing")]


def test_messages_are_short_and_name_the_place() -> None:
    (error,) = schema_errors({**GOLD, "recipeInstructions": [step("Mix."), "x" * 9000]}, PACK.schema)
    assert error.message == "recipeInstructions 2 is text, not an object"
    (error,) = schema_errors({**GOLD, "cookTime": "m" * 9000}, PACK.schema)
    assert len(error.message) < 200


def test_true_is_no_integer_and_seven_point_zero_is() -> None:
    schema = {"properties": {"n": {"type": "integer"}}}
    assert schema_errors({"n": 7.0}, schema) == ()
    assert [error.kind for error in schema_errors({"n": True}, schema)] == ["type"]


def test_the_longest_number_that_parses_is_told_without_being_printed() -> None:
    (error,) = schema_errors({"n": 10**4000}, {"properties": {"n": {"maximum": 5}}})
    assert (error.kind, len(error.message) < 200) == ("range", True)


LENIENT = PACK.profiles["schema.org-lenient"]


@pytest.mark.parametrize(
    "changes",
    [
        {"recipeInstructions": "Mix. Bake."},
        {"recipeInstructions": ["Mix.", step("Bake.")]},
        {"recipeInstructions": [{"@type": "HowToSection", "name": "Dough", "itemListElement": [step("Mix.")]}]},
        {"recipeIngredient": "2 lemons"},
        {"recipeYield": 8},
        {"recipeYield": {"@type": "QuantitativeValue", "value": 8, "unitText": "slices"}},
        {"recipeYield": ["8", "8 slices"]},
        {"keywords": ["cake", {"@type": "DefinedTerm", "name": "lemon"}]},
        {"recipeCuisine": ["French"]},
        {"@context": "http://schema.org/"},
        {"@type": ["Recipe", "NewsArticle"]},
        {"author": {"@type": "Person", "name": "Anna"}, "image": "cake.jpg"},
    ],
)
def test_schema_org_allows_more_forms_than_the_contract_asks_for(changes: dict[str, Any]) -> None:
    assert schema_errors({**GOLD, **changes}, LENIENT) == ()
    assert schema_errors({**GOLD, **changes}, PACK.schema) != ()


@pytest.mark.parametrize(
    "changes",
    [
        {"@type": "Cake"}, {"name": ""}, {"prepTime": "15 min"}, {"recipeYield": {"value": 8}}, {"recipeYield": []},
        {"recipeInstructions": [{"@type": "HowToStep"}]}, {"recipeInstructions": [{"text": "Mix."}]},
        {"recipeInstructions": []}, {"recipeIngredient": [1]}, {"@context": "https://example.org"},
    ],
)  # fmt: skip
def test_what_schema_org_has_no_place_for_falls_through(changes: dict[str, Any]) -> None:
    assert schema_errors({**GOLD, **changes}, LENIENT) != ()


def test_the_profile_is_a_figure_of_its_own() -> None:
    def told(raw: str) -> dict[str, float | None]:
        parsed = parse_answer(PACK, raw, EOS)
        wanted = ("schema_valid", "schema_profile")
        return {s.metric: s.value for s in score_answer(PACK, parsed, "Cake", None) if s.metric in wanted}

    bare = {"@type": "Recipe", "name": "Cake", "recipeYield": 8}
    assert told(json.dumps(bare)) == {"schema_valid": 0.0, "schema_profile": 1.0}
    assert told("no object") == {"schema_valid": 0.0, "schema_profile": 0.0}
    assert told("{}") == {"schema_valid": 1.0, "schema_profile": 1.0}
