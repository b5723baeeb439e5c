"""Slices of posts beside those of `posts.py`, made around its posts: near misses, temptations, long and short ones.

Deterministic from the dice they are given. As there, the gold repeats what the post prints, and `{}` is the answer to a
page that gives no recipe, however much it talks about one.
"""

import functools
import re
from dataclasses import replace
from typing import Any

from training.data.corpus import CORPUS, Dice, Recipe
from training.data.posts import SLICES as PLAIN_SLICES
from training.data.posts import Post, body, other_post, recipe_post
from training.data.printing import outro, story
from training.data.recipes import grammar_recipe

FOLDER = CORPUS.parent / "pages"
SLICES = (*PLAIN_SLICES, "near_miss", "schema_temptation", "long", "short")
DEFAULT_SHARES = {
    "plain": 0.42, "no_ingredients": 0.08, "no_steps": 0.06, "two_recipes": 0.08, "not_recipe": 0.06, "orders": 0.05,
    "components": 0.08, "near_miss": 0.06, "schema_temptation": 0.04, "long": 0.04, "short": 0.03,
}  # fmt: skip
SHORT_ITEMS, SHORT_STEPS = 4, 2


@functools.cache
def page_lines(name: str) -> tuple[str, ...]:
    """The lines of `assets/pages/<name>.txt`, in file order; their order is part of the seed's meaning."""
    return tuple((FOLDER / f"{name}.txt").read_text("utf-8").splitlines())


def render_post(recipe: Recipe, style: str, slice_: str, rng: Dice) -> Post:
    """A post about the recipe in any of SLICES. What the recipe itself lacks is never printed, whatever the slice."""
    if slice_ == "not_recipe":
        return other_post(rng)
    if slice_ == "near_miss":
        return _near_miss(recipe, style, rng)
    missing = "no_ingredients" if not recipe.ingredients else "no_steps" if not recipe.steps else ""
    if missing:
        return recipe_post(recipe, style, missing, rng)
    if slice_ in ("no_ingredients", "no_steps", "orders", "components", "plain"):
        return recipe_post(recipe, style, slice_, rng)
    made = {"two_recipes": _two_recipes, "schema_temptation": _tempting, "long": _long, "short": _short}[slice_]
    return made(recipe, style, rng)


def _near_miss(recipe: Recipe, style: str, rng: Dice) -> Post:
    """A page about the dish without its recipe."""
    food = "salt"
    if recipe.ingredients:
        line = rng.choice(recipe.ingredients)
        food = " ".join(re.sub(r"[(,].*", "", line).split()[-2:]).strip(" .:").lower() or food
    chosen = rng.sample(page_lines("near_misses"), rng.randint(3, 7))
    parts = [_filled(line, recipe.title, food, rng) for line in chosen]
    for _ in range(rng.randint(0, 4)):
        parts.insert(rng.randint(0, len(parts)), story(rng, rng.randint(1, 4)))
    text = rng.choice(("\n\n", "\n\n", "\n")).join([recipe.title, *parts])
    return Post(text, {}, style, "near_miss")


def _tempting(recipe: Recipe, style: str, rng: Dice) -> Post:
    """A post whose page shows JSON and keys of the contract that are not the answer."""
    post = recipe_post(recipe, style, "plain", rng)
    return replace(post, text=with_temptations(post.text, recipe.title, rng), slice="schema_temptation")


def with_temptations(text: str, title: str, rng: Dice) -> str:
    """A page with one to three lines more that look like an answer and are none."""
    lines = text.split("\n")
    for line in rng.sample(page_lines("temptations"), rng.randint(1, 3)):
        blank = [0, len(lines), *(at for at, other in enumerate(lines) if not other.strip())]
        lines.insert(rng.choice(blank), line.replace("{t}", title))
    return "\n".join(lines)


def _long(recipe: Recipe, style: str, rng: Dice) -> Post:
    """A post that takes its time: some hundred words of story more, before and behind."""
    post = recipe_post(recipe, style, "plain", rng)
    first, _, rest = post.text.partition("\n")
    before = [story(rng, rng.randint(4, 8)) for _ in range(rng.randint(3, 8))]
    after = [story(rng, rng.randint(3, 6)) for _ in range(rng.randint(1, 4))]
    return replace(post, text="\n\n".join([first, *before, rest, *outro("fluffy", rng), *after]), slice="long")


def _short(recipe: Recipe, style: str, rng: Dice) -> Post:
    """A few lines: the title, at most four ingredients and two steps, nothing else."""
    items, steps = list(recipe.ingredients[:SHORT_ITEMS]), list(recipe.steps[:SHORT_STEPS])
    joined = all("," not in item for item in items) and rng.random() < 0.5
    mark = rng.choice(("", "- ", "• "))
    lines = [recipe.title, *([", ".join(items)] if joined else [mark + item for item in items]), *steps]
    gold: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Recipe",
        "name": recipe.title,
        "recipeIngredient": items,
        "recipeInstructions": [{"@type": "HowToStep", "text": step} for step in steps],
    }
    return Post("\n".join(lines), gold, style, "short")


def _two_recipes(recipe: Recipe, style: str, rng: Dice) -> Post:
    """A second recipe behind the first, of our own grammar: a real one might belong to another group."""
    post = recipe_post(recipe, style, "plain", rng)
    return replace(post, text="\n".join([post.text, "", *second_recipe(style, rng)]), slice="two_recipes")


def second_recipe(style: str, rng: Dice) -> list[str]:
    """The lines of a recipe of our own grammar, to stand behind another one."""
    other = grammar_recipe(rng)
    second = replace(other, ingredients=other.ingredients[:8], steps=other.steps[:4])
    title = rng.choice(("# ", "", "Bonus: ", "Recipe 2: ", "And now: ")) + second.title
    return [title, *body(second, style, "components", rng)[0]]


def _filled(line: str, title: str, food: str, rng: Dice) -> str:
    return line.replace("{t}", title).replace("{f}", food).replace("{n}", str(rng.randint(12, 95)))
