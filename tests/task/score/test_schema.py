"""Violations of the contract as records (metrics A2)."""

from typing import Any

import pytest

from tests.task.score.recipes import GOLD, PACK, step
from training.task.score.schema import schema_errors


def found(changes: dict[str, Any], drop: str = "") -> list[tuple[str, str, str]]:
    obj = {key: value for key, value in {**GOLD, **changes}.items() if key != drop}
    return [(error.field, error.kind, error.path) for error in schema_errors(obj, PACK.schema)]


def test_a_right_answer_and_an_empty_one_keep_the_contract() -> None:
    assert schema_errors(GOLD, PACK.schema) == ()
    assert schema_errors({}, PACK.schema) == ()


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
