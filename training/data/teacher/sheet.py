"""A recipe of a source as the sheet a teacher is given and as the gold that its post will be held against.

Both are made from the same recipe, so the sheet tells nothing that the gold lacks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from training.data.durations import iso_minutes
from training.data.record_recipes import recipe_of
from training.data.rows import SourceRow

# The key of the gold, the word on the sheet, the recipe's own name; minutes are written as such on the sheet.
TEXTS = (
    ("description", "Description", "description"),
    ("recipeYield", "Yield", "recipe_yield"),
    ("recipeCategory", "Category", "category"),
    ("recipeCuisine", "Cuisine", "cuisine"),
    ("keywords", "Keywords", "keywords"),
)
TIMES = (
    ("prepTime", "Preparation time", "prep_minutes"),
    ("cookTime", "Cooking time", "cook_minutes"),
    ("totalTime", "Total time", "total_minutes"),
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A recipe: `said` are its facts by the word on the sheet, `facts` the same by the key of the gold."""

    title: str
    ingredients: tuple[str, ...]
    steps: tuple[str, ...]
    said: Mapping[str, str]
    facts: Mapping[str, str]

    def text(self) -> str:
        """What a teacher reads: times in minutes, as a person would say them."""
        lines = [f"Title: {self.title}", *(f"{name}: {value}" for name, value in self.said.items())]
        if self.ingredients:
            lines += ["", "Ingredients:", *(f"- {item}" for item in self.ingredients)]
        if self.steps:
            lines += ["", "Steps:", *(f"{number}. {step}" for number, step in enumerate(self.steps, 1))]
        return "\n".join(lines)

    def gold(self) -> dict[str, Any]:
        """The schema.org Recipe that a post with all of this supports."""
        gold: dict[str, Any] = {"@context": "https://schema.org", "@type": "Recipe", "name": self.title, **self.facts}
        if self.ingredients:
            gold["recipeIngredient"] = list(self.ingredients)
        if self.steps:
            gold["recipeInstructions"] = [{"@type": "HowToStep", "text": step} for step in self.steps]
        return gold


def read_sheet(row: SourceRow) -> Sheet:
    """The sheet of a source row. Raises record_recipes.Unusable, which says what is wrong with it."""
    recipe = recipe_of(row)
    said: dict[str, str] = {}
    facts: dict[str, str] = {}
    for key, name, own in TEXTS:
        if text := getattr(recipe, own):
            said[name] = facts[key] = text
    for key, name, own in TIMES:
        if minutes := getattr(recipe, own):
            said[name], facts[key] = f"{minutes} minutes", iso_minutes(minutes)
    return Sheet(recipe.title, recipe.ingredients, recipe.steps, said, facts)
