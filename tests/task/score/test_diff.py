"""What differs between two answers."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.task.score.recipes import GOLD, PACK, step
from training.task.score.diff import FieldDiff, field_diff


def rows(changes: dict[str, Any], drop: str = "") -> list[FieldDiff]:
    other = {key: value for key, value in {**GOLD, **changes}.items() if key != drop}
    return [row for row in field_diff(GOLD, other, PACK) if row.kind != "same"]


def test_an_answer_does_not_differ_from_itself() -> None:
    assert all(row.kind == "same" and row.left == row.right for row in field_diff(GOLD, GOLD, PACK))


def test_an_item_put_in_between_is_one_row() -> None:
    lines = GOLD["recipeIngredient"]
    (row,) = rows({"recipeIngredient": [lines[0], "1 lemon", *lines[1:]]})
    assert row == FieldDiff("recipeIngredient", 1, "added", None, "1 lemon")


def test_an_item_left_out_and_an_item_changed() -> None:
    left_out, changed = rows({"recipeIngredient": ["1½ cups sugar", "3 cups all-purpose flour", "three eggs, beaten"]})[
        ::-1
    ]
    assert left_out == FieldDiff("recipeIngredient", 3, "removed", "a pinch of salt", None)
    assert (changed.index, changed.kind, changed.right) == (1, "changed", "3 cups all-purpose flour")


def test_a_whole_field_left_out_is_missing() -> None:
    assert [row.kind for row in rows({}, drop="recipeIngredient")] == ["missing"] * 4
    assert rows({}, drop="cookTime") == [FieldDiff("cookTime", None, "missing", "PT1H15M", None)]


def test_another_spelling_of_a_value_is_the_same() -> None:
    assert rows({"cookTime": "PT75M", "recipeYield": "Serves 8", "name": "GRANDMA'S LEMON CAKE"}) == []


def test_values_changed_added_and_of_the_wrong_type() -> None:
    found = rows({"cookTime": "PT5M", "totalTime": "PT1H", "name": ["x"], "author": "me", "recipeYield": {"value": 8}})
    assert {(row.field, row.kind) for row in found} == {
        ("cookTime", "changed"), ("totalTime", "added"), ("name", "wrong_type"), ("author", "added"),
        ("recipeYield", "wrong_type"),
    }  # fmt: skip


def test_steps_of_the_wrong_type() -> None:
    kinds = [row.kind for row in rows({"recipeInstructions": ["Whisk the eggs and sugar until pale."]})]
    assert kinds == ["removed", "removed", "wrong_type"]


def test_steps_that_moved_are_paired() -> None:
    found = field_diff(
        {"recipeInstructions": [step("Mix flour."), step("Bake it.")]},
        {"recipeInstructions": [step("Bake it."), step("Mix flour.")]},
        PACK,
    )
    assert [(row.index, row.kind) for row in found] == [(0, "same"), (1, "same")]


def test_against_no_object_everything_is_missing_or_added() -> None:
    assert {row.kind for row in field_diff(GOLD, None, PACK)} == {"missing"}
    assert {row.kind for row in field_diff(None, GOLD, PACK)} == {"added"}
    assert field_diff(None, None, PACK) == []


LINES = st.lists(st.sampled_from(["2 eggs", "3 eggs", "salt", "1 cup milk", "sea salt", "flour"]), max_size=6)


@settings(deadline=None)
@given(LINES, LINES)
def test_every_item_of_both_sides_stands_in_exactly_one_row(left: list[str], right: list[str]) -> None:
    found = field_diff({"recipeIngredient": left}, {"recipeIngredient": right}, PACK)
    assert sorted(row.left for row in found if row.left is not None) == sorted(left)
    assert sorted(row.right for row in found if row.right is not None) == sorted(right)
