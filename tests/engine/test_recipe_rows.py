"""Rows that the embedded recipe adapter learns from: the studio's prompt, and an answer that ends with its lists."""

import json
from typing import Any

import pytest
from transformers import AutoTokenizer

from training.data.posts import train_post
from training.engine.api import ASSETS
from training.engine.pretrain.recipe_rows import lists_last, train_rows
from training.task.pack import BUILTIN, load_pack


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(ASSETS / "models" / "crumb")


def test_facts_come_first_and_keep_their_order() -> None:
    gold = {"@type": "Recipe", "name": "Soup", "recipeIngredient": [], "recipeInstructions": [], "cookTime": "PT5M"}
    assert list(lists_last(gold)) == ["@type", "name", "cookTime", "recipeIngredient", "recipeInstructions"]
    assert lists_last(gold) == gold
    assert lists_last({}) == {}


def test_an_answer_is_the_gold_of_its_post_with_the_lists_at_its_end(tokenizer: Any) -> None:
    pack = load_pack(BUILTIN / "recipe-jsonld")
    posts = [train_post(number) for number in range(12)]
    behind = sum(list(lists_last(post.gold)) != list(post.gold) for post in posts)
    assert behind, "some posts state facts behind their lists"
    rows = list(train_rows(posts, pack, tokenizer, 2048))
    golds = [json.loads(row["completion"].removesuffix(tokenizer.eos_token)) for row in rows]
    assert len(golds) >= 8
    for gold in golds:
        assert gold in [post.gold for post in posts]
        kinds = [isinstance(value, list) for value in gold.values()]
        assert kinds == sorted(kinds)


def test_a_row_that_is_too_long_is_left_out(tokenizer: Any) -> None:
    pack = load_pack(BUILTIN / "recipe-jsonld")
    assert list(train_rows([train_post(1)], pack, tokenizer, 50)) == []
