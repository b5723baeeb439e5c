"""Where posts get their recipes: real training recipes, our own grammar, and remixes of real lines.

The grammar is the built-in offline source: it needs no network and no key. Facts beside title, ingredients and steps
(times, yield, category, cuisine, keywords, description) are drawn here, so that a post's gold is exact.
"""

import functools
import random
from dataclasses import replace

from training.data.corpus import Recipe, training_recipes
from training.data.durations import random_minutes
from training.data.wordlists import words


@functools.cache
def modern_recipes() -> tuple[Recipe, ...]:
    return tuple(r for r in training_recipes() if "Beeton" not in r.source)


def ingredient(rng: random.Random) -> tuple[str, str]:
    """One grammar line and the food in it."""
    food = rng.choice(
        rng.choice(
            (
                words("flours"),
                words("dairy"),
                words("produce"),
                words("produce"),
                words("meat"),
                words("spice"),
                words("spice"),
                words("pantry"),
                words("pantry"),
            )
        )
    )
    roll = rng.random()
    if roll < 0.1:
        return rng.choice(
            (food, f"{food} to taste", f"a pinch of {food}", f"some {food}", f"{food} for serving", food.capitalize())
        ), food
    amount = rng.choice(words("amounts"))
    unit = "" if rng.random() < 0.2 else rng.choice(words("units"))
    if amount.isdigit() and int(amount) > 20:
        unit = rng.choice(("g", "g", "ml"))
    elif unit in ("g", "ml"):
        amount = rng.choice(("50", "100", "150", "200", "250", "300", "400", "500", "750"))
    glue = "" if unit in ("g", "ml", "kg", "oz", "l") and rng.random() < 0.5 else " "
    head = f"{amount}{glue}{unit} " if unit else f"{amount} "
    of = "of " if unit and rng.random() < 0.15 else ""
    tail = ""
    if rng.random() < 0.3:
        tail = f", {rng.choice(words('cuts'))}"
    elif rng.random() < 0.15:
        note = rng.choice(words("cuts")), f"{rng.choice(words('amounts'))} {rng.choice(words('units'))}"
        tail = f" ({rng.choice(note)})"
    return f"{head}{of}{food}{tail}", food


def grammar_recipe(rng: random.Random) -> Recipe:
    """A recipe of our own words: 3 to 18 ingredients, 2 to 10 steps that use them."""
    drawn = [ingredient(rng) for _ in range(rng.choice((3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 18)))]
    pairs = list({food: line for line, food in drawn}.items())
    foods = [food for food, _ in pairs]
    star = rng.choice(foods).title()
    title = rng.choice(
        ("{m} {s} {d}", "{s} {d}", "{m} {d} with {s}", "{c} {s} {d}", "{s} and {o} {d}", "{d} with {s}")
    ).format(
        m=rng.choice(words("moods")),
        s=star,
        d=rng.choice(words("dishes")),
        c=rng.choice(words("cuisines")),
        o=rng.choice(foods).title(),
    )
    steps = []
    for _ in range(rng.choice((2, 3, 4, 4, 5, 6, 7, 8, 10))):
        a, b, c = (rng.choice(foods) for _ in range(3))
        steps.append(
            rng.choice(words("step_forms")).format(
                a=a,
                b=b,
                c=c,
                n=rng.choice((2, 3, 5, 8, 10, 12, 15, 20, 25, 30, 40, 45)),
                t=rng.choice((160, 180, 200, 350, 375, 400, 425)),
                d=rng.choice("CF"),
                p=rng.choice(words("vessels")),
            )
        )
    return Recipe(
        title, tuple(line for _, line in pairs), tuple(dict.fromkeys(steps)), "Taste Test grammar 1", "Apache-2.0"
    )


def remix_recipe(rng: random.Random) -> Recipe:
    """Real lines shuffled across recipes: nothing to remember, only to copy."""
    pool = training_recipes()
    lines = [
        rng.choice(rng.choice(pool).ingredients) if rng.random() < 0.75 else ingredient(rng)[0]
        for _ in range(rng.choice((2, 4, 6, 8, 10, 12, 15, 20, 24)))
    ]
    steps = [rng.choice(rng.choice(pool).steps) for _ in range(rng.choice((1, 2, 3, 4, 5, 6, 8, 10)))]
    return Recipe(
        rng.choice(pool).title, tuple(lines), tuple(steps), "remix of training recipes", "Unlicense and public domain"
    )


def describe(recipe: Recipe, rng: random.Random) -> str:
    mood, dish = rng.choice(words("moods")).lower(), rng.choice(words("dishes")).lower()
    return rng.choice(words("descriptions")).format(
        m=mood,
        d=dish,
        t=recipe.title,
        T=recipe.title,
        c=rng.choice(words("cuisines")),
        w=rng.choice(("a cold evening", "busy weeknights", "a picnic", "Sunday lunch", "guests", "a lazy morning")),
    )


def with_facts(recipe: Recipe, rng: random.Random) -> Recipe:
    """The recipe with facts drawn at random; each is left out about half of the time."""

    def maybe(share: float) -> bool:
        return rng.random() < share

    prep = random_minutes(rng) if maybe(0.55) else None
    cook = random_minutes(rng) if maybe(0.55) else None
    total = (prep + cook if prep and cook and maybe(0.8) else random_minutes(rng)) if maybe(0.4) else None
    people = rng.choice((1, 2, 2, 3, 4, 4, 4, 5, 6, 6, 8, 10, 12, 16, 24))
    servings = rng.choice(
        (
            str(people),
            str(people),
            str(people),
            f"{people} servings",
            f"{people} people",
            f"{people}-{people + 2}",
            f"{people} portions",
            f"{people} {rng.choice(words('dishes')).lower()}",
            "1 loaf",
            f"{people} to {people + 2} servings",
            f"about {people} pieces",
        )
    )
    return replace(
        recipe,
        prep_minutes=prep,
        cook_minutes=cook,
        total_minutes=total,
        recipe_yield=servings if maybe(0.6) else None,
        description=describe(recipe, rng) if maybe(0.4) else None,
        category=rng.choice(words("categories")) if maybe(0.3) else None,
        cuisine=rng.choice(words("cuisines")) if maybe(0.3) else None,
        keywords=", ".join(rng.sample(words("keywords"), rng.randint(2, 5))) if maybe(0.25) else None,
    )


def train_recipe(rng: random.Random) -> Recipe:
    """A recipe to train on: real ones most often, modern before Mrs Beeton's, then remixes and the grammar."""
    roll, pool = rng.random(), training_recipes()
    if roll < 0.3:
        return with_facts(rng.choice(modern_recipes()), rng)
    if roll < 0.42:
        return with_facts(rng.choice(pool), rng)
    return with_facts(remix_recipe(rng) if roll < 0.72 else grammar_recipe(rng), rng)
