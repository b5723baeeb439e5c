"""One value against one value (metrics A3)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.task.score.recipes import PACK
from training.task.pack import FieldSpec
from training.task.score.slots import Outcome, count_outcomes, equal_values, set_f1, slot_outcome


def spec(name: str) -> FieldSpec:
    found = PACK.field(name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("field", "gold", "pred", "outcome"),
    [
        ("name", "Lemon Cake", " lemon  CAKE", Outcome.CORRECT),
        ("name", "Lemon Cake", "Lemon Cakes", Outcome.INCORRECT),
        ("name", "Lemon Cake", ["Lemon Cake"], Outcome.INCORRECT),
        ("name", "Lemon Cake", "  ", Outcome.MISSING),
        ("name", None, "Lemon Cake", Outcome.SPURIOUS),
        ("name", "", None, Outcome.NULL_OK),
        ("cookTime", "PT90M", "PT1H30M", Outcome.CORRECT),
        ("cookTime", "PT90M", "90 minutes", Outcome.INCORRECT),
        ("cookTime", "PT90M", 90, Outcome.INCORRECT),
        ("recipeYield", "8", "Serves 8", Outcome.CORRECT),
        ("recipeYield", "4-6 servings", "4 to 6", Outcome.CORRECT),
        ("recipeYield", "4-6 servings", "4", Outcome.INCORRECT),
        ("recipeYield", "one loaf", "1 loaf", Outcome.CORRECT),
        ("recipeYield", "a loaf", "A Loaf", Outcome.CORRECT),
        ("recipeYield", "8", True, Outcome.INCORRECT),
        ("keywords", "lemon, cake", "Cake; lemon", Outcome.CORRECT),
        ("keywords", "lemon, cake", ["cake", "lemon"], Outcome.CORRECT),
        ("keywords", "lemon, cake", "lemon", Outcome.INCORRECT),
        ("keywords", "", [], Outcome.NULL_OK),
    ],
)
def test_outcomes(field: str, gold: Any, pred: Any, outcome: Outcome) -> None:
    assert slot_outcome(spec(field), gold, pred) is outcome


def test_ratios_of_outcomes() -> None:
    counts = count_outcomes(
        [Outcome.CORRECT] * 3 + [Outcome.INCORRECT, Outcome.MISSING, Outcome.SPURIOUS, Outcome.NULL_OK]
    )
    assert (counts.precision, counts.recall, counts.f1) == (3 / 5, 3 / 5, 6 / 10)
    assert counts.abstain_acc == 0.5


def test_abstaining_everywhere_is_no_success() -> None:
    counts = count_outcomes([Outcome.NULL_OK] * 4)
    assert (counts.precision, counts.recall, counts.f1, counts.abstain_acc) == (None, None, None, 1.0)


def test_shares_of_a_set() -> None:
    assert set_f1("a, b", "b, c") == 0.5
    assert set_f1("", None) is None


VALUES = st.text(max_size=12) | st.integers() | st.lists(st.text(max_size=5), max_size=3) | st.none()


@given(st.sampled_from(PACK.fields), VALUES, VALUES)
def test_equality_is_symmetric_and_holds_for_a_value_and_itself(field: FieldSpec, one: Any, other: Any) -> None:
    assert equal_values(field, one, other) == equal_values(field, other, one)
    if isinstance(one, str):
        assert equal_values(field, one, one)
