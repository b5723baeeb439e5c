"""Pairing lists: the cases of metrics A4 and A5, and what must hold for any lists."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.task.score.lists import (
    INGREDIENT_TAU,
    ListMatch,
    ingredient_similarity,
    match_lists,
    name_keys,
    sentences,
    step_content,
    step_similarity,
)

WORDS = st.sampled_from(
    ["salt", "sugar", "brown", "flour", "eggs", "egg", "yolks", "2", "cups", "1½", "(8 oz)", ",", "chopped", "broth"]
)
LINES = st.lists(st.lists(WORDS, min_size=1, max_size=5).map(" ".join) | st.text(min_size=1, max_size=12), max_size=7)


def ingredients(gold: list[str], pred: list[str]) -> ListMatch:
    return match_lists(gold, pred, ingredient_similarity, INGREDIENT_TAU)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1 cup sugar", "2 cups of sugar", True),
        ("2 large eggs, beaten", "2 eggs", True),
        ("boneless, skinless chicken thighs", "1 lb chicken thighs", True),
        ("1 (14 oz) can diced tomatoes, drained", "1 can tomatoes", True),
        ("parmesan", "parmesean cheese", True),
        ("scallions, sliced", "3 green onions", True),
        ("2 cloves garlic, minced", "garlic", True),
        ("chicken broth", "chicken breast", False),
        ("baking soda", "baking powder", False),
        ("rice flour", "wheat flour", False),
        ("1 tsp ground cloves", "1 lb ground beef", False),
        ("salt", "sugar", False),
        ("2 cups", "3 cups", False),
    ],
)
def test_which_ingredients_are_the_same(one: str, other: str, same: bool) -> None:
    assert (ingredient_similarity(one, other) >= INGREDIENT_TAU) is same


@pytest.mark.parametrize(("one", "other"), [("sugar", "brown sugar"), ("eggs", "egg yolks")])
def test_known_misses(one: str, other: str) -> None:
    """Counted as the same though they are not: word overlap can't tell. Kept so that a change is noticed."""
    assert ingredient_similarity(one, other) == pytest.approx(2 / 3)


def test_a_spice_that_is_also_a_unit_keeps_its_name() -> None:
    assert name_keys("1 tsp ground cloves") == ("ground", "clove")
    assert name_keys("3 cloves garlic") == ("garlic",)


def test_an_item_said_thrice_matches_once() -> None:
    match = ingredients(["salt"], ["salt", "salt", "salt"])
    assert (match.precision, match.recall, match.f1) == (pytest.approx(1 / 3), 1.0, 0.5)


def test_an_inserted_item_shifts_nothing() -> None:
    gold = ["2 cups flour", "1 cup milk", "3 eggs"]
    assert ingredients(gold, ["a pinch of salt", *gold]).f1 == pytest.approx(6 / 7)


def test_nothing_against_nothing_does_not_apply() -> None:
    empty = ingredients([], [])
    assert (empty.precision, empty.recall, empty.f1, empty.soft_f1, empty.ordered_f1) == (None,) * 5


def test_one_side_empty() -> None:
    assert (ingredients([], ["salt"]).f1, ingredients(["salt"], []).f1) == (0.0, 0.0)
    assert ingredients(["salt"], []).precision is None
    assert ingredients([], ["salt"]).recall is None


def test_the_best_pairing_is_not_the_greedy_one() -> None:
    match = ingredients(["brown sugar", "sugar"], ["sugar", "dark brown sugar"])
    assert [(i, j) for i, j, _ in match.pairs] == [(0, 1), (1, 0)]


def test_order() -> None:
    steps = ["Whisk the eggs.", "Fold in flour.", "Bake until golden.", "Cool on a rack."]
    swapped = [steps[0], steps[2], steps[1], steps[3]]
    straight, crossed = (match_lists(steps, other, step_similarity, 0.5) for other in (steps, swapped))
    assert (straight.order_lis, straight.order_tau, straight.ordered_f1) == (1.0, 1.0, 1.0)
    assert (crossed.f1, crossed.order_lis, crossed.ordered_f1) == (1.0, 0.75, 0.75)
    assert crossed.order_tau == pytest.approx(2 / 3)
    assert match_lists(steps, steps[::-1], step_similarity, 0.5).order_tau == -1.0
    assert match_lists(steps[:1], steps[:1], step_similarity, 0.5).order_tau is None


def test_repeated_items_lie_in_order_against_themselves() -> None:
    steps = ["Stir.", "Add salt.", "Stir.", "Bake.", "Stir."]
    assert match_lists(steps, steps, step_similarity, 0.5).ordered_f1 == 1.0


def test_sentences_and_steps() -> None:
    assert sentences(["1. Mix. Bake for 20 min. at 350.", "Step 2: Cool!"]) == [
        "Mix.",
        "Bake for 20 min. at 350.",
        "Cool!",
    ]
    assert step_content(["Mix flour. Bake."], ["Mix flour.", "Bake."]) == (1.0, 1.0)
    assert step_content([], []) == (None, None)


@settings(deadline=None)
@given(LINES)
def test_a_list_is_perfect_against_itself(lines: list[str]) -> None:
    match = ingredients(lines, lines)
    expected = 1.0 if lines else None
    assert (match.f1, match.ordered_f1) == (expected, expected)


@settings(deadline=None)
@given(LINES, LINES)
def test_swapping_the_sides_swaps_precision_and_recall(gold: list[str], pred: list[str]) -> None:
    one, other = ingredients(gold, pred), ingredients(pred, gold)
    assert (one.f1, one.precision, one.recall) == (other.f1, other.recall, other.precision)
    assert one.soft_f1 == (None if other.soft_f1 is None else pytest.approx(other.soft_f1))
    assert len({i for i, _, _ in one.pairs}) == len({j for _, j, _ in one.pairs}) == len(one.pairs)


@settings(deadline=None)
@given(st.text(max_size=30), st.text(max_size=30))
def test_similarity_is_symmetric_and_bounded(one: str, other: str) -> None:
    for similarity in (ingredient_similarity, step_similarity):
        assert similarity(one, other) == similarity(other, one)
        assert 0.0 <= similarity(one, other) <= 1.0
        assert similarity(one, one) == 1.0
