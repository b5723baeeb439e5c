"""A recipe row that passes every gate, packs to hold rows against, and a few ways to run the gates."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from training.data.gates.plan import GatePlan
from training.data.gates.report import Gated
from training.data.gates.run import run_gates
from training.data.rows import DataRow
from training.task.pack import BUILTIN, FieldSpec, Pack, load_pack
from training.task.sections import AnswerSpec, Section

SOUP = """Leek soup for a cold evening

Serves 4, ready in 40 minutes.

You need:
- 3 leeks
- 2 potatoes
- 1 litre of vegetable stock

Slice the leeks and fry them gently in a pot.
Add the potatoes and the stock and simmer until soft.
"""
SOUP_GOLD: dict[str, Any] = {
    "@context": "https://schema.org",
    "@type": "Recipe",
    "name": "Leek soup",
    "recipeYield": "4",
    "totalTime": "PT40M",
    "recipeIngredient": ["3 leeks", "2 potatoes", "1 litre of vegetable stock"],
    "recipeInstructions": [
        {"@type": "HowToStep", "text": "Slice the leeks and fry them gently in a pot."},
        {"@type": "HowToStep", "text": "Add the potatoes and the stock and simmer until soft."},
    ],
}
LOAF = (
    "A plain rye loaf. Mix 500 g rye flour with 350 ml warm water and a spoon of salt, leave it to rise overnight "
    "under a damp cloth, then bake it for 1 hour in a hot oven until the crust is dark."
)
LOAF_GOLD: dict[str, Any] = {
    "@context": "https://schema.org",
    "@type": "Recipe",
    "name": "plain rye loaf",
    "recipeIngredient": ["500 g rye flour", "350 ml warm water"],
    "cookTime": "PT1H",
}
CAKE = """RECIPE: Lemon cake
INGREDIENTS:
2 lemons
200 g flour
DIRECTIONS:
Grate the lemons into the flour and bake it all for half an hour.
[END]"""


@cache
def recipe_pack() -> Pack:
    return load_pack(BUILTIN / "recipe-jsonld")


@cache
def writer_pack() -> Pack:
    """A task whose answer is made-up text in sections."""
    sections = (
        Section("title", "RECIPE:", "line", "title"),
        Section("ingredients", "INGREDIENTS:", "list", "one a line"),
        Section("directions", "DIRECTIONS:", "list", "one a line"),
    )
    texts: dict[str, Any] = {"type": "array", "items": {"type": "string"}, "minItems": 1}
    schema = {
        "type": "object",
        "properties": {"title": {"type": "string"}, "ingredients": texts, "directions": texts},
        "additionalProperties": False,
    }
    fields = tuple(FieldSpec(name, "text", True, name, "list") for name in schema["properties"])
    answer = AnswerSpec("text", "[END]", sections, grounded=False)
    return replace(recipe_pack(), name="writer", fields=fields, schema=schema, answer=answer)


@cache
def news_pack() -> Pack:
    """A task with a judgement, a fixed choice and words of its own."""
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            "relevance": {"type": "integer", "minimum": 1, "maximum": 10},
            "topic": {"enum": ["models", "policy"]},
            "companies": {"type": "array", "items": {"type": "string"}},
            "summary": {"type": "string"},
        },
        "additionalProperties": False,
    }
    fields = (
        FieldSpec("relevance", "exact", True, "Relevance", "scalar"),
        FieldSpec("topic", "exact", True, "Topic", "scalar"),
        FieldSpec("companies", "list_ingredient", False, "Companies", "list"),
        FieldSpec("summary", "text", False, "Summary", "scalar"),
    )
    return replace(recipe_pack(), name="news", fields=fields, schema=schema)


def soup(**changes: Any) -> DataRow:
    row = DataRow("recipe-jsonld", SOUP, SOUP_GOLD, "leek soup", "kitchen.csv", "line 2", licence="CC0-1.0")
    return replace(row, **changes)


def loaf(**changes: Any) -> DataRow:
    return replace(soup(source=LOAF, gold=LOAF_GOLD, group="rye loaf", place="line 3"), **changes)


def cake(**changes: Any) -> DataRow:
    row = DataRow("writer", "lemon cake", CAKE, "lemon cake", "kitchen.csv", "line 9", licence="CC0-1.0")
    return replace(row, **changes)


def item(source: str, gold: dict[str, Any], **changes: Any) -> DataRow:
    row = DataRow("news", source, gold, "issue 1", "letters.csv", "line 5", licence="CC0-1.0")
    return replace(row, **changes)


def plan(**settings: Any) -> GatePlan:
    return GatePlan(**{"pack": recipe_pack(), **settings})


def gated(rows: Iterable[DataRow], **settings: Any) -> list[Gated]:
    return list(run_gates(rows, plan(**settings)))


def gates_of(results: Sequence[Gated]) -> list[tuple[str, ...]]:
    """The gates that refused each row."""
    return [tuple(refusal.gate for refusal in refusals) for _, refusals in results]
