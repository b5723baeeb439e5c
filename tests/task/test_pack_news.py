"""The pack of news-metadata: its contract, its prompts, its examples, and the rule of relevance they follow."""

import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from training.data.news import news_item
from training.task.context import build_context
from training.task.pack import BUILTIN, DEFAULT_TASK, Example, find_packs, load_pack
from training.task.prompt import messages_for
from training.task.records import Source
from training.task.score.grounding import ground_items

PACK = load_pack(BUILTIN / "news-metadata")
KEYS = ("relevance_score", "key_insights", "company_names", "summary")
EXAMPLES = [pytest.param(example, id=example.id) for example in PACK.examples]


def shown(text: str) -> str:
    return build_context(Source(text), PACK.context, lambda piece: len(piece) // 3).shown


def test_the_recipe_task_stays_the_first_choice() -> None:
    packs = find_packs(BUILTIN)
    assert list(packs) == [DEFAULT_TASK, "news-metadata", "recipe-writer"]
    assert [pack.title for pack in packs.values()] == [
        "Recipe to JSON-LD",
        "AI news to metadata",
        "Dish name to recipe",
    ]
    assert all(pack.description.endswith(".") for pack in packs.values())


@pytest.mark.parametrize("prompted", [False, True])
def test_every_key_is_named_in_the_prompt(prompted: bool) -> None:
    asked = messages_for(PACK, "ITEM", prompted)[-1].content
    instructions = asked.replace('"$', "")
    for key in KEYS:
        assert re.search(rf"(?<![\"\w]){key}(?![\"\w])", instructions), key
    assert asked.endswith("ITEM")


def test_the_contract_of_an_item() -> None:
    item: dict[str, Any] = {
        "relevance_score": 5,
        "key_insights": [],
        "company_names": [],
        "summary": "Something happened.",
    }
    validator = Draft202012Validator(PACK.schema)
    assert validator.is_valid(item)
    wrong: list[dict[str, Any]] = [
        {"relevance_score": 0}, {"relevance_score": 11}, {"relevance_score": 5.5}, {"relevance_score": "5"},
        {"key_insights": "none"}, {"key_insights": [""]}, {"key_insights": [1]}, {"company_names": None},
        {"summary": ""}, {"summary": "Short."}, {"summary": ["x" * 20]}, {"action_items": []},
    ]  # fmt: skip
    for change in wrong:
        assert not validator.is_valid(item | change), change
    for key in KEYS:
        assert not validator.is_valid({name: value for name, value in item.items() if name != key}), key


@pytest.mark.parametrize("example", EXAMPLES)
def test_what_an_example_asks_for_stands_in_what_the_model_is_shown(example: Example) -> None:
    assert example.gold is not None and example.note
    text = shown(example.text)
    for item in [*example.gold["key_insights"], *example.gold["company_names"]]:
        assert item in text, item
    assert all(item.supported is not False for item in ground_items(PACK, example.gold, text))
    for furniture in ("Home |", "Subscribe", "ADVERTISEMENT", "We use cookies", "Copy link", "minute read"):
        assert furniture not in text


def test_the_examples_are_of_every_hard_kind() -> None:
    golds = [example.gold or {} for example in PACK.examples]
    assert len(golds) >= 9
    advert = next(e.gold for e in PACK.examples if "sponsor" in e.text)
    assert advert is not None and (advert["relevance_score"], advert["key_insights"]) == (1, [])
    assert any(not gold["company_names"] and gold["relevance_score"] >= 5 for gold in golds)
    orders = next(e for e in PACK.examples if "HACKED" in e.text)
    assert orders.gold is not None and "Merbit" not in orders.gold["company_names"]
    assert any(len(gold["summary"].split(". ")) == 2 and len(gold["company_names"]) == 2 for gold in golds)
    assert len({gold["relevance_score"] for gold in golds}) >= 5


def test_a_sponsored_item_reaches_the_model_and_page_furniture_does_not() -> None:
    sponsored = "A word from our sponsor\nThis issue is brought to you by Merbit.\nUse the code NEWS40 at the counter."
    assert shown(sponsored) == sponsored
    assert (
        shown(f"Home | News | About | Contact\nAdvertisement\n{sponsored}\nShare on Facebook\n4 min read") == sponsored
    )


def test_what_our_own_items_ask_for_reaches_the_model() -> None:
    for seed in range(0, 900, 9):
        item = news_item(seed)
        text = shown(item.content)
        assert all(piece in text for piece in (*item.insights, *item.companies)), seed


def test_the_rule_of_relevance_is_written_down() -> None:
    scores = re.findall(r"^\| (\d+) \|", PACK.task_md, re.MULTILINE)
    assert scores == ["1", "2", "3", "4", "5", "6", "7", "8"]
    assert "One is added" in PACK.task_md and "One is taken off" in PACK.task_md
