"""Posts with two recipes: how many, which is which, and what leaks from one into the other (metrics A10)."""

import json
from typing import Any

import pytest

from tests.task.score.recipes import GOLD, PACK
from training.task.pack import BUILTIN, find_packs
from training.task.score.multi import multi_scores, recipes_in


def recipe(name: str, *items: str) -> dict[str, Any]:
    return {"@type": "Recipe", "name": name, "recipeIngredient": list(items)}


CAKE = recipe("Lemon cake", "2 lemons", "200 g flour", "3 eggs")
SOUP = recipe("Leek soup", "4 leeks", "1 l stock", "1 potato")
BOTH = {"@graph": [CAKE, SOUP]}


def values(answer: Any, gold: Any) -> dict[str, float | None]:
    return {score.metric: score.value for score in multi_scores(PACK, answer, gold)}


def test_an_answer_is_read_as_its_recipes() -> None:
    assert recipes_in(PACK, BOTH) == [CAKE, SOUP] == recipes_in(PACK, [CAKE, SOUP, "x", {}])
    assert recipes_in(PACK, CAKE) == [CAKE] and recipes_in(PACK, {}) == recipes_in(PACK, None) == []
    assert recipes_in(PACK, {"@graph": [{"@type": "Recipe"}]}) == []


def test_one_recipe_a_side() -> None:
    assert values(GOLD, GOLD) == {"recipe_count": 1.0, "recipe_f1": 1.0}
    assert values({}, GOLD) == {"recipe_count": 0.0, "recipe_f1": 0.0} == values(None, GOLD)
    assert values({}, {}) == {"recipe_count": 1.0, "recipe_f1": None}
    assert values(None, {}) == {"recipe_count": 0.0, "recipe_f1": 0.0}
    assert values(SOUP, CAKE)["recipe_f1"] == 0.0


def test_two_recipes_in_either_order() -> None:
    turned = {"@graph": [SOUP, CAKE]}
    assert values(turned, BOTH) == {"recipe_count": 1.0, "recipe_f1": 1.0, "recipe_item_f1": 1.0, "cross_leak": 0.0}


def test_two_recipes_made_into_one() -> None:
    """All six ingredients under the cake: three are the soup's, and the soup itself is missing."""
    merged = recipe("Lemon cake", *CAKE["recipeIngredient"], *SOUP["recipeIngredient"])
    found = values(merged, BOTH)
    assert found["recipe_count"] == 0.0 and found["recipe_f1"] == pytest.approx(2 / 3)
    assert found["cross_leak"] == 0.5
    assert found["recipe_item_f1"] == pytest.approx(2 * 3 / 12)


def test_an_ingredient_in_the_wrong_recipe_leaks() -> None:
    leaky = {"@graph": [recipe("Lemon cake", *CAKE["recipeIngredient"], "4 leeks"), SOUP]}
    assert values(leaky, BOTH)["cross_leak"] == pytest.approx(1 / 7)


def test_tasks_without_recipes_have_none() -> None:
    packs = find_packs(BUILTIN)
    assert multi_scores(packs["news-metadata"], {}, {}) == multi_scores(packs["recipe-writer"], {}, {}) == []
    assert json.dumps([score.explanation for score in multi_scores(PACK, BOTH, CAKE)])
