"""Rows of an adapter's own mistakes: where an answer went wrong, and the right way on from there."""

import json
from typing import Any

import pytest
from transformers import AutoTokenizer

from training.data.general import compact
from training.engine.api import ASSETS
from training.engine.pretrain.own_mistakes import first_difference, first_fault, rows_from

STEPS = [{"@type": "HowToStep", "text": text} for text in ("Chop.", "Boil.", "Serve.")]
GOLD: dict[str, Any] = {
    "name": "Soup",
    "recipeIngredient": ["1 leek", "2 eggs", "salt"],
    "prepTime": "PT5M",
    "recipeInstructions": STEPS,
    "recipeYield": "4",
}
RIGHT = compact(GOLD)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(ASSETS / "models" / "crumb")


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({key for key, _ in pairs}) == len(pairs)
    return dict(pairs)


@pytest.mark.parametrize(
    ("raw", "own", "whole"),
    [
        pytest.param(
            '{"name":"Stew","prepTime":"PT5M","name":"Soup"}',
            '{"name":"Stew","prepTime":"PT5M"',
            {**GOLD, "name": "Stew"},
            id="a key written twice",
        ),
        pytest.param(
            '{"name":"Stew","recipeIngredient":["1 leek","2 eggs","prepTime":"PT5M"}',
            '{"name":"Stew","recipeIngredient":["1 leek","2 eggs","prepTime"',
            {**GOLD, "name": "Stew", "recipeIngredient": ["1 leek", "2 eggs", "prepTime", "salt"]},
            id="a list that was not closed",
        ),
        pytest.param(
            '{"name":"Stew","recipeIngredient":["1 leek","2 eg',
            '{"name":"Stew","recipeIngredient":["1 leek"',
            {**GOLD, "name": "Stew"},
            id="cut off inside an item",
        ),
        pytest.param(
            '{"name":"Stew","recipeYield":"4 Chop.","text":"Boil."}]}',
            '{"name":"Stew","recipeYield":"4 Chop.","text":"Boil."',
            {**GOLD, "name": "Stew", "recipeYield": "4 Chop.", "text": "Boil."},
            id="a bracket too many",
        ),
        pytest.param(
            '{"name":"Stew","prepTime":"PT5M',
            '{"name":"Stew"',
            {**GOLD, "name": "Stew"},
            id="cut off inside a fact",
        ),
    ],
)
def test_a_fault_is_found_and_what_is_left_of_the_gold_follows(raw: str, own: str, whole: dict[str, Any]) -> None:
    found = first_fault(raw, GOLD)
    assert found is not None
    assert found[0] == own
    assert json.loads("".join(found), object_pairs_hook=once) == whole


@pytest.mark.parametrize("raw", [RIGHT, '{"name":"Stew"}', "Sorry", ""])
def test_a_strict_answer_and_none_at_all_have_no_fault_to_go_on_from(raw: str) -> None:
    assert first_fault(raw, GOLD) is None


@pytest.mark.parametrize(("raw", "at"), [(RIGHT, None), (RIGHT[:30], 30), (RIGHT + "}", len(RIGHT)), ("[", 0)])
def test_the_first_difference_is_where_an_answer_leaves_the_gold(raw: str, at: int | None) -> None:
    assert first_difference(raw, RIGHT) == at


def test_rows_hold_the_answer_so_far_as_prompt_and_the_right_way_on_as_completion(tokenizer: Any) -> None:
    row = {"prompt": "<|bos|>Post<|assistant|>", "completion": RIGHT + tokenizer.eos_token}
    written = compact({**GOLD, "recipeIngredient": ["1 leek", "3 eggs", "salt"]})
    raw = written[:-1] + ',"prepTime":"PT5M"}'
    made = {kind: (one["prompt"], one["completion"]) for kind, one in rows_from(row, raw, tokenizer)}
    assert {kind: "".join(texts) for kind, texts in made.items()} == {
        "fault": row["prompt"] + written + tokenizer.eos_token,
        "difference": row["prompt"] + row["completion"],
    }
    assert made["fault"][0] == row["prompt"] + written[:-2]  # `"}` and `","` are one token each
    assert made["difference"][0] == row["prompt"] + RIGHT.partition("2 eggs")[0]


def test_a_right_answer_gives_no_row(tokenizer: Any) -> None:
    row = {"prompt": "<|bos|>Post<|assistant|>", "completion": RIGHT + tokenizer.eos_token}
    assert list(rows_from(row, RIGHT, tokenizer)) == []
