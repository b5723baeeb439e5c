"""The forms that data usually comes in, known by the names of their columns; and the fields a source row may have.

A shape only says which columns to look at. What their values hold decides the rule, in `mapping.py`, and a person
confirms both.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# Field -> kind of its value. What makers and gates know a source row by.
FIELDS: Mapping[str, str] = {
    "title": "text", "ingredients": "texts", "steps": "texts", "description": "text",
    "prep_minutes": "minutes", "cook_minutes": "minutes", "total_minutes": "minutes",
    "recipe_yield": "text", "category": "text", "cuisine": "text", "keywords": "text",
    "content": "text", "relevance_score": "integer", "key_insights": "texts", "company_names": "texts",
    "summary": "text", "source": "text", "gold": "answer", "rejected": "answer", "instruction": "text",
    "reasoning": "text", "slice": "text", "style": "text", "id": "text", "link": "text",
    "group": "text", "date": "date", "licence": "text",
}  # fmt: skip
# A record without one of these, where it is mapped, is a broken one; any other field may be empty and is then absent.
# A recipe may lack ingredients or steps: what can be made of it is for its maker to say.
NEEDED = frozenset({"title", "content", "source", "gold", "rejected", "group"})


@dataclass(frozen=True, slots=True)
class Shape:
    """`needs`: of each tuple one column has to be there. `columns`: field -> names, the surest first."""

    name: str
    needs: tuple[tuple[str, ...], ...]
    columns: Mapping[str, tuple[str, ...]]


_TITLE = ("title", "name", "recipe_name", "recipe_title", "recipe", "dish", "headline")
_INGREDIENTS = (
    "ingredients", "recipe_ingredient", "recipe_ingredients", "ingredient", "ingredient_list", "ingredients_raw",
    "ingredients_raw_str", "recipe_ingredient_parts", "translated_ingredients",
)  # fmt: skip
_STEPS = (
    "steps", "directions", "instructions", "recipe_instructions", "method", "process", "preparation",
    "cooking_directions", "translated_instructions",
)  # fmt: skip
_KEPT = {
    "group": ("group", "group_id"), "date": ("date", "published", "date_published", "published_at"),
    "licence": ("licence", "license"), "link": ("link", "url"),
}  # fmt: skip
_FACTS = {
    "description": ("description", "summary"),
    "prep_minutes": ("prep_time", "preparation_time", "prep_time_in_mins", "prep_minutes"),
    "cook_minutes": ("cook_time", "cooking_time", "cook_time_in_mins", "cook_minutes"),
    "total_minutes": ("total_time", "total_time_in_mins", "total_minutes", "minutes", "ready_in"),
    "recipe_yield": ("recipe_yield", "yield", "servings", "recipe_servings", "serves"),
    "category": ("recipe_category", "category", "course"),
    "cuisine": ("recipe_cuisine", "cuisine", "cuisine_path"),
    "keywords": ("keywords", "tags"),
}
_RECIPE = {"title": _TITLE, "ingredients": _INGREDIENTS, "steps": _STEPS} | _FACTS | _KEPT
_FINISHED = {
    "id": ("id",), "slice": ("slice",), "style": ("style",), "reasoning": ("reasoning", "reasoning_content"),
} | _KEPT  # fmt: skip
SHAPES = (
    Shape("rows of our own", (("source",), ("gold",)), {"source": ("source",), "gold": ("gold",)} | _FINISHED),
    Shape(
        "preference rows",
        (("prompt",), ("chosen",), ("rejected",)),
        {"source": ("prompt",), "gold": ("chosen",), "rejected": ("rejected",)} | _FINISHED,
    ),
    Shape("chat rows", (("messages",),), {"source": ("messages",), "gold": ("messages",)} | _FINISHED),
    Shape(
        "instruction rows",
        (("instruction",), ("output", "response")),
        {"instruction": ("instruction",), "source": ("input", "context"), "gold": ("output", "response")} | _FINISHED,
    ),
    Shape(
        "prompt and completion",
        (("prompt",), ("completion", "response")),
        {"source": ("prompt",), "gold": ("completion", "response")} | _FINISHED,
    ),
    Shape(
        "schema.org Recipe objects",
        (("recipe_ingredient",), ("recipe_instructions",), ("@type", "@context", "name")),
        _RECIPE
        | {"title": ("name", "headline"), "ingredients": ("recipe_ingredient",), "steps": ("recipe_instructions",)},
    ),
    Shape(
        "RecipeNLG",
        (("title",), ("ingredients",), ("directions",), ("ner",)),
        {"title": ("title",), "ingredients": ("ingredients",), "steps": ("directions",), "link": ("link",)},
    ),
    Shape("recipe table", (_TITLE, _INGREDIENTS, _STEPS), _RECIPE),
    Shape("recipe table without steps", (_TITLE, _INGREDIENTS), _RECIPE),
    Shape(
        "news items",
        (("content", "text", "article", "body", "news", "item"),),
        {
            "content": ("content", "text", "article", "body", "news", "item"),
            "relevance_score": ("relevance_score", "relevance"),
            "key_insights": ("key_insights", "insights"),
            "company_names": ("company_names", "companies"),
            "summary": ("summary",),
        }
        | _KEPT
        | {"group": ("newsletter", "issue", "newsletter_id", "issue_id", "edition", "group")},
    ),
)
UNKNOWN = Shape("no known form", (), _RECIPE)


def plain_name(column: str) -> str:
    """A column's name without case, spaces and marks: "Recipe Name", "recipeName" and "recipe_name" are one."""
    return re.sub(r"[\W_]+", "", column.casefold())


def find_column(names: Iterable[str], columns: Iterable[str]) -> tuple[str, int] | None:
    """The first of `names` that is among `columns`, as it is written there, and its place in `names`."""
    known = {plain_name(column): column for column in reversed(list(columns))}
    for place, name in enumerate(names):
        if plain_name(name) in known:
            return known[plain_name(name)], place
    return None


def find_shape(columns: Iterable[str]) -> Shape:
    """The first shape whose needed columns are all there, `UNKNOWN` where none is."""
    given = list(columns)
    for shape in SHAPES:
        if all(find_column(names, given) for names in shape.needs):
            return shape
    return UNKNOWN
