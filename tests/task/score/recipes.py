"""A post, its right answer and the ways to get it wrong, for the scoring tests."""

import json
from typing import Any

from training.task.pack import BUILTIN, load_pack
from training.task.parse import parse
from training.task.records import FinishReason, Parsed

PACK = load_pack(BUILTIN / "recipe-jsonld")
POST = """# Grandma's Lemon Cake

My neighbour asked for this one. Serves 8. Prep: 20 minutes. Cook: 1 hour 15 minutes.

Ingredients
* 1½ cups sugar
* 2 cups all-purpose flour
* three eggs, beaten
* a pinch of salt

Steps
1. Whisk the eggs and sugar until pale.
2. Fold in the flour and salt. Bake at 350°F until golden.
"""
GOLD: dict[str, Any] = {
    "@context": "https://schema.org",
    "@type": "Recipe",
    "name": "Grandma's Lemon Cake",
    "recipeIngredient": ["1½ cups sugar", "2 cups all-purpose flour", "three eggs, beaten", "a pinch of salt"],
    "recipeInstructions": [
        {"@type": "HowToStep", "text": "Whisk the eggs and sugar until pale."},
        {"@type": "HowToStep", "text": "Fold in the flour and salt. Bake at 350°F until golden."},
    ],
    "prepTime": "PT20M",
    "cookTime": "PT1H15M",
    "recipeYield": "8",
}


def parsed(obj: Any, finish_reason: FinishReason = FinishReason.EOS) -> Parsed:
    """An answer that is `obj`, written as JSON unless it is text already."""
    return parse(obj if isinstance(obj, str) else json.dumps(obj), finish_reason)


def step(text: str) -> dict[str, str]:
    return {"@type": "HowToStep", "text": text}
