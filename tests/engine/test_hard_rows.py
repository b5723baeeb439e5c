"""Rows that an adapter does not get right: answers that went astray and are led on, and what reading a row tells."""

import json
import random
from collections import Counter
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from training.data.general import compact
from training.engine.api import ASSETS
from training.engine.pretrain.hard_rows import KINDS, astray, surprise

STEPS = [{"@type": "HowToStep", "text": text} for text in ("Chop the leek.", "Boil.", "Serve it hot.")]
SOUP: dict[str, Any] = {
    "@context": "https://schema.org",
    "@type": "Recipe",
    "name": "Leek Soup",
    "prepTime": "PT5M",
    "recipeIngredient": ["1 leek", "2 eggs", "salt"],
    "recipeInstructions": STEPS,
    "recipeYield": "4",
}
STEW = {"@type": "Recipe", "name": "Stew", "recipeCuisine": "French", "keywords": "quick", "recipeYield": "6 bowls"}
PAGE = ["Leek Soup", "My aunt's favourite on cold days.", "1 leek", "2 eggs", "salt", "Chop the leek.", "Leave a note"]
CRUMB = ASSETS / "models" / "crumb"


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(CRUMB)


@pytest.fixture(scope="module")
def model() -> Any:
    return AutoModelForCausalLM.from_pretrained(CRUMB, dtype=torch.float32).eval()


def row(gold: dict[str, Any], tokenizer: Any) -> dict[str, str]:
    head = "<|bos|><|system|>Answer.<|end|><|user|>The recipe as JSON.\n\nText:"
    return {
        "prompt": "\n".join([head, *PAGE, "<|end|><|assistant|>", ""]),
        "completion": compact(gold) + tokenizer.eos_token,
    }


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({key for key, _ in pairs}) == len(pairs), "a key stands twice"
    return dict(pairs)


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_went_astray_ends_as_strict_json_with_every_key_once(kind: str) -> None:
    make = KINDS[kind][0]
    seen: set[str] = set()
    right = 0
    for seed in range(80):
        found = make(SOUP, STEW, PAGE, random.Random(seed))
        if found is None:
            continue
        whole = json.loads("".join(found), object_pairs_hook=once)
        assert list(whole)[:2] == ["@context", "@type"], "the marks stand first and once"
        assert whole.keys() >= SOUP.keys()
        right += list(whole.items()) == list(SOUP.items())  # by chance
        seen.add("".join(found))
    assert len(seen) > 30
    assert right < 20


def test_a_fact_behind_the_lists_is_followed_by_the_end_or_by_what_is_left() -> None:
    make = KINDS["late facts"][0]
    ends = Counter(found[1] == "}" for seed in range(80) if (found := make(SOUP, STEW, PAGE, random.Random(seed))))
    assert ends[True] > 20
    assert ends[False] > 5


def test_a_list_that_went_astray_goes_on_with_the_items_that_are_left() -> None:
    make = KINDS["list astray"][0]
    for seed in range(80):
        found = make(SOUP, STEW, PAGE, random.Random(seed))
        assert found is not None
        own, right = found
        key = "recipeInstructions" if '"recipeInstructions"' in own else "recipeIngredient"
        left = json.loads(f"[{right.split(']')[0].removeprefix(',')}]")
        assert SOUP[key][len(SOUP[key]) - len(left) :] == left


def test_a_text_runs_on_into_the_words_behind_it_or_into_the_space_alone() -> None:
    page, soup = ["Leek Soup 🍲 to share"], {"@type": "Recipe", "name": "Leek Soup"}
    states = [KINDS["other words"][0](soup, STEW, page, random.Random(seed)) for seed in range(80)]
    names = Counter(own.split(':"')[-1] for own, right in filter(None, states) if right == '"}')
    assert {"Leek Soup ", "Leek Soup 🍲", "Leek Soup 🍲 to share"} <= names.keys()
    assert names["Leek Soup "] > 5


def test_a_page_without_a_recipe_has_no_state(tokenizer: Any) -> None:
    assert list(astray([row({}, tokenizer), row({}, tokenizer)], 40, random.Random(1), tokenizer)) == []


def test_rows_are_split_where_tokens_part(tokenizer: Any) -> None:
    rows = [row(SOUP, tokenizer), row(STEW, tokenizer)]
    made = list(astray(rows, 100, random.Random(1), tokenizer))
    assert {kind for kind, _ in made} == set(KINDS)
    for _, one in made:
        assert one["prompt"].startswith(rows[0]["prompt"])
        whole = one["prompt"] + one["completion"]
        assert tokenizer.encode(one["prompt"]) + tokenizer.encode(one["completion"]) == tokenizer.encode(whole)
        json.loads(whole.removeprefix(rows[0]["prompt"]).removesuffix(tokenizer.eos_token), object_pairs_hook=once)


def test_what_reading_tells_is_what_the_model_would_have_written(model: Any, tokenizer: Any) -> None:
    prompts = [row(SOUP, tokenizer)["prompt"], "<|bos|>One, two, three, four<|end|>"]
    written = []
    for prompt in prompts:
        ids = torch.tensor([tokenizer.encode(prompt, add_special_tokens=False)])
        out = model.generate(ids, max_new_tokens=6, do_sample=False)[0, ids.shape[1] :]
        written.append({"prompt": prompt, "completion": tokenizer.decode(out)})
    wrong = {**written[0], "completion": "zebra" + written[0]["completion"]}
    own, short, astray_on = surprise(model, tokenizer, [written[0], written[1], wrong])
    assert own[1] == short[1] == 0
    assert astray_on[1] > 0
    assert astray_on[0] > own[0]
    [first] = surprise(model, tokenizer, [wrong], look_ahead=1)
    assert 0 < first[0] <= astray_on[0]
    assert first[1] == 1
