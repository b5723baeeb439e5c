"""From a recipe to a food blog post in one of five styles, with its exact gold.

Deterministic from a seed. The gold repeats what the post prints, word for word; what a post leaves out is not in the
gold. Slices beside the happy path: no_ingredients, no_steps, two_recipes, not_recipe, orders (text that tries to
command the reader) and components (one dish, several ingredient groups).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from training.data.corpus import Dice, Recipe
from training.data.durations import iso_minutes
from training.data.general import compact, document_sample
from training.data.noise import noise_line
from training.data.printing import chatter, facts, head, ingredient_lines, intro, outro, sprinkle, step_lines, story
from training.data.recipes import describe, grammar_recipe, train_recipe, with_facts
from training.data.wordlists import words

STYLES = ("social", "clean", "fluffy", "scraped", "rambling")
SLICES = ("plain", "no_ingredients", "no_steps", "two_recipes", "not_recipe", "orders", "components")
TRAIN_SHARES = (0.54, 0.1, 0.08, 0.08, 0.08, 0.04, 0.08)
TEST_SHARES = (0.34, 0.13, 0.13, 0.13, 0.13, 0.05, 0.09)


@dataclass(frozen=True, slots=True)
class Post:
    """A post, the object it supports ({} where it holds no recipe), its style and slice.

    The keys of the gold stand in the order in which the post says them. `told` are the printed lines that the facts
    beside name, ingredients and steps are read off.
    """

    text: str
    gold: dict[str, Any]
    style: str
    slice: str
    told: tuple[str, ...] = ()


def put_orders(lines: list[str], rng: Dice) -> None:
    """One or two sentences that try to command the reader, each behind one of the lines."""
    for _ in range(rng.randint(1, 2)):
        lines.insert(rng.randint(1, len(lines)), rng.choice(words("orders")).format())


def body(recipe: Recipe, style: str, slice_: str, rng: Dice) -> tuple[list[str], dict[str, Any]]:
    """Ingredients and steps as printed, and the part of the gold that they support."""
    rate = {"social": 0.0, "clean": 0.0, "fluffy": 0.03, "scraped": 0.05, "rambling": 0.1}[style] * rng.choice(
        (0, 1, 1, 2)
    )
    noise = chatter if style == "rambling" else noise_line
    bare = style in ("social", "rambling", "scraped") and slice_ == "plain" and rng.random() < 0.25
    lines: list[str] = []
    gold: dict[str, Any] = {}
    items, steps = list(recipe.ingredients), list(recipe.steps)
    if slice_ != "no_ingredients":
        gold["recipeIngredient"] = items
        printed = ingredient_lines(items, style, rng)
        if slice_ == "components" and len(printed) == len(items) > 3:
            at = rng.randint(1, len(items) - 1)
            names = rng.sample(words("components"), 2)
            mark = rng.choice((":", "", ":"))
            printed = [
                *([names[0] + mark] if rng.random() < 0.7 else []),
                *printed[:at],
                *([""] if rng.random() < 0.3 else []),
                names[1] + mark,
                *printed[at:],
            ]
        lines += (
            []
            if bare
            else [
                head(words("ingredient_heads"), rng),
                *(["1x 2x 3x"] if style == "scraped" and rng.random() < 0.15 else []),
            ]
        ) + sprinkle(printed, rate, rng, noise)
        lines += [""] if bare or rng.random() < 0.7 else []
    if slice_ != "no_steps":
        printed, steps = step_lines(steps, style, rng)
        gold["recipeInstructions"] = [{"@type": "HowToStep", "text": step} for step in steps]
        lines += ([] if bare else [head(words("step_heads"), rng)]) + sprinkle(printed, rate, rng, noise)
    return lines, gold


def recipe_post(recipe: Recipe, style: str, slice_: str, rng: Dice) -> Post:
    """Render one recipe. `slice_` is any of SLICES but not_recipe."""
    lines, lists = body(recipe, style, slice_, rng)
    meta, keys = facts(recipe, style, rng)
    text = intro(recipe, style, rng)
    before = rng.random() < 0.8
    if before:
        text += [*([""] if rng.random() < 0.5 else []), *meta, *([""] if rng.random() < 0.6 else []), *lines]
    else:
        text += ["", *lines, "", *meta]
    text += ([""] if rng.random() < 0.5 else []) + outro(style, rng)
    if slice_ == "orders":
        put_orders(text, rng)
    if slice_ == "two_recipes":
        other = train_recipe(rng)
        second = replace(other, ingredients=other.ingredients[:8], steps=other.steps[:4], description=None)
        text += [
            "",
            rng.choice(("# ", "", "Bonus: ", "Recipe 2: ", "And now: ")) + second.title,
            *body(second, style, "components", rng)[0],
        ]
    said = {
        "prepTime": recipe.prep_minutes and iso_minutes(recipe.prep_minutes),
        "cookTime": recipe.cook_minutes and iso_minutes(recipe.cook_minutes),
        "totalTime": recipe.total_minutes and iso_minutes(recipe.total_minutes),
        "recipeYield": recipe.recipe_yield,
        "recipeCategory": recipe.category,
        "recipeCuisine": recipe.cuisine,
        "keywords": recipe.keywords,
    }
    gold: dict[str, Any] = {"@context": "https://schema.org", "@type": "Recipe", "name": recipe.title}
    if recipe.description:
        gold["description"] = recipe.description
    told = {key: said[key] for key in keys}
    gold |= {**told, **lists} if before else {**lists, **told}
    return Post("\n".join(text), gold, style, slice_, (*meta, *([recipe.description] if recipe.description else [])))


def other_post(rng: Dice) -> Post:
    """A page without a recipe: a story, a report, a list of something else, or a talk about food. Gold {}."""
    roll = rng.random()
    style = rng.choice(STYLES)
    if roll < 0.35:
        text = "".join(part for part, learn in document_sample(rng, compact) if not learn)
        text = (
            re.sub(r"^.*?\n\n|<\|[a-z]+\|>.*", "", text.replace("<|bos|>", ""), flags=re.S)
            if "\n\n" in text
            else story(rng, 5)
        )
    elif roll < 0.7:
        title = rng.choice(
            (
                "A week in {c}",
                "My favourite {d} places",
                "Why I stopped eating {d}",
                "News from the kitchen",
                "Where to eat {d} in {c}",
                "How I found my love for {d}",
                "Ten questions about {d}",
                "We are moving!",
            )
        ).format(c=rng.choice(("Rome", "Lima", "Hanoi", "Lyon", "Oslo")), d=rng.choice(words("dishes")).lower())
        chunks = [
            rng.choice((story(rng, rng.randint(1, 4)), noise_line(rng), describe(train_recipe(rng), rng)))
            for _ in range(rng.randint(3, 8))
        ]
        text = "\n\n".join((title, *chunks))
    else:
        text = "\n\n".join(
            rng.choice((story(rng, rng.randint(1, 6)), noise_line(rng))) for _ in range(rng.randint(2, 7))
        )
    return Post(text.strip() or story(rng, 4), {}, style, "not_recipe")


def train_post(seed: int) -> Post:
    """The training post of that number; the same on every machine."""
    return _post(Dice(f"post 1|{seed}"), train_recipe, shares=TRAIN_SHARES)


def held_out_post(seed: int) -> Post:
    """The test post of that number: grammar recipes of another stream, held-out stories, slices in even shares."""
    return _post(
        Dice(f"test post 1|{seed}", held_out=True), lambda rng: with_facts(grammar_recipe(rng), rng), TEST_SHARES
    )


def real_post(recipe: Recipe, seed: int = 0) -> Post:
    """A real held-out recipe as a plain post, style and facts drawn from its title."""
    rng = Dice(f"real post 1|{seed}|{recipe.title}", held_out=True)
    return recipe_post(with_facts(recipe, rng), rng.choice(STYLES), "plain", rng)


def _post(rng: Dice, recipe: Callable[[Dice], Recipe], shares: tuple[float, ...]) -> Post:
    slice_, style = rng.choices(SLICES, shares)[0], rng.choice(STYLES)
    return other_post(rng) if slice_ == "not_recipe" else recipe_post(recipe(rng), style, slice_, rng)
