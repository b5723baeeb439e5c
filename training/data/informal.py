"""Pages on which somebody tells a recipe as people do: in letters, forum posts and running text, mostly without heads.

Ingredients stand in a sentence, behind a colon or food first ("flour - 2 cups"), steps as the sentences of a paragraph
or a paragraph each; stories stand between. The gold repeats what is printed, in its order. A share of the pages talks
in the same voice and holds no recipe. Deterministic from the dice; the embedded adapter's training rows are made of
these beside `posts` and `cards`.
"""

import re
from dataclasses import replace
from typing import Any

from training.data.corpus import Dice, Recipe
from training.data.durations import iso_minutes, write_minutes
from training.data.noise import PRAISE, date, noise_line
from training.data.post_slices import render_post
from training.data.posts import STYLES, Post
from training.data.printing import story
from training.data.recipes import train_recipe, with_facts
from training.data.wordlists import words

NEEDS = (  # before the items in one sentence
    "You'll need", "You will need", "For this you need", "I used", "Take", "Get yourself", "It takes", "You want",
    "All it takes is", "What goes in:", "Shopping list:", "The ingredients are", "Here is what you need:", "Stuff:",
    "Ingredients:", "ingredients -", "First gather", "Have ready", "I always have the following at home:", "In it:",
)  # fmt: skip
LISTED = (  # before the items as lines
    "Here's what you need:", "You'll need:", "you will need", "For it you need:", "What went into the pot:", "I took:",
    "The list:", "Off to the shop for:", "What I used", "Gather this:", "This is what I put in:", "STUFF", "You need",
)  # fmt: skip
GOES = (  # before the steps
    "How I do it:", "Here's how it goes.", "And this is how:", "It goes like this:", "Now to work.", "What to do:",
    "how to make it", "Then it is easy:", "This is how she made it:", "The making of:", "Do this:", "Let's go!",
)  # fmt: skip
TITLED = (
    "{t}", "{t}", "{t}", "# {t}", "Recipe: {t}", "recipe for {t}", "Re: {t}", "Subject: {t}", "[Homemade] {t}",
    "Today I made {t}.", "Here is my recipe for {t}:", "This week: {t}", "{t}, as promised", "{t} - my way",
    "Somebody asked for my {t}, so here it is.", "We all love {t}.", "I have to tell you about {t}!",
)  # fmt: skip
FORUM = (
    "Posted by u/{n} · {d} hours ago", "{n} wrote:", "{d} points", "{d} comments · share · save", "r/cooking",
    "Thread: what are you cooking this week?", "Quote", "Like · Reply · {d}h", "{n} • {d}d",
    "Joined: 2014 · Posts: {d}",
)  # fmt: skip
HELLO = (
    "Hi {n},", "Dear {n},", "Hello everybody!", "hey {n}", "Hi all,", "Hello from the kitchen,", "Good morning {n},",
)  # fmt: skip
BYE = (
    "Love, {n}", "Best, {n}", "Let me know how it goes! {n}", "xx {n}", "Enjoy!", "That's all.", "Done!",
    "Happy cooking", "Tell me if you try it.", "Hope that helps", "Thanks for reading", "Sent from my phone",
    "Back soon.",
)  # fmt: skip
ORDINALS = ("First, {s}", "Then {s}", "Next, {s}", "After that {s}", "Now {s}", "Finally {s}")
AMOUNT = re.compile(
    r"(?P<amount>(?:[\d½¼¾⅓⅔][\d½¼¾⅓⅔/., -]*)"
    r"(?:(?:cups?|tablespoons?|tbsp|teaspoons?|tsp|pounds?|lbs?|oz|ounces?|g|kg|ml|l|cloves?|cans?|slices?)\b\.?)?)"
    r"\s+(?:of )?(?P<food>[a-z][\w' -]+)"
)


def informal_page(recipe: Recipe, rng: Dice) -> Post:
    """One page. What the recipe lacks is not printed."""
    recipe = _own_way(recipe, rng)
    facts, keys = _facts(recipe, rng)
    gold: dict[str, Any] = {"@context": "https://schema.org", "@type": "Recipe", "name": recipe.title}
    told = [recipe.description] if recipe.description else []
    if recipe.description:
        gold["description"] = recipe.description
    lines = [*_begin(recipe, rng), *told]
    for _ in range(rng.choice((0, 0, 1, 1, 2, 4))):
        lines += ["", story(rng, rng.randint(1, 5))]
    facts_first = rng.random() < 0.6
    if facts_first:
        lines, gold = [*lines, *facts], gold | keys
    lists: list[list[str]] = []
    if recipe.ingredients:
        lists += [_ingredients(recipe.ingredients, rng)]
        gold["recipeIngredient"] = list(recipe.ingredients)
    if recipe.steps:
        printed, steps = _steps(recipe.steps, rng)
        lists += [printed]
        gold["recipeInstructions"] = [{"@type": "HowToStep", "text": step} for step in steps]
    gap = rng.choice(("", "", story(rng, rng.randint(1, 2)), noise_line(rng)))
    for number, part in enumerate(lists):
        lines += ["", *([gap, ""] if gap and number else []), *part]
    if not facts_first:
        lines, gold = [*lines, "", *facts], gold | keys
    text = "\n".join([*lines, *_end(rng)])
    lost = "no_ingredients" if not recipe.ingredients else "" if recipe.steps else "no_steps"
    return Post(text, gold, "rambling", lost or "plain", (*facts, *told))


def train_informal(seed: int) -> Post:
    """The training page of that number; the same on every machine. One in eight holds no recipe."""
    rng = Dice(f"informal 1|{seed}")
    recipe = with_facts(train_recipe(rng), rng)
    roll = rng.random()
    if roll < 0.12:
        return _no_recipe(recipe, rng)
    if roll < 0.16 and recipe.steps:
        recipe = replace(recipe, ingredients=())
    elif roll < 0.19 and recipe.ingredients:
        recipe = replace(recipe, steps=())
    return informal_page(recipe, rng)


def _no_recipe(recipe: Recipe, rng: Dice) -> Post:
    """The same voice about a dish, or a page of `post_slices` about one, without its recipe."""
    if rng.random() < 0.5:
        return render_post(recipe, rng.choice(STYLES), "near_miss", rng)
    lines = _begin(recipe, rng)
    for _ in range(rng.randint(1, 6)):
        lines += ["", rng.choice((story(rng, rng.randint(1, 5)), rng.choice(words("remarks")), noise_line(rng)))]
    return Post("\n".join([*lines, *_end(rng)]), {}, "rambling", "not_recipe")


def _own_way(recipe: Recipe, rng: Dice) -> Recipe:
    """The recipe as this writer spells it: all in lower case, foods first, steps told one after the other."""
    if rng.random() < 0.2:  # foods first
        form = rng.choice(("{f} - {a}", "{f}: {a}", "{f} – {a}", "{f} ({a})", "{f} {a}"))
        turned = []
        for item in recipe.ingredients:
            found = AMOUNT.fullmatch(item)
            turned += [form.format(f=found["food"].strip(), a=found["amount"].strip()) if found else item]
        recipe = replace(recipe, ingredients=tuple(turned))
    if rng.random() < 0.2 and len(recipe.steps) > 1:
        told = [recipe.steps[0], *(_after(step, rng) for step in recipe.steps[1:])]
        recipe = replace(recipe, steps=tuple(told))
    if rng.random() < 0.25:
        lower = {name: value.lower() for name in ("title", "description", "recipe_yield")
                 if (value := getattr(recipe, name))}  # fmt: skip
        lists = {name: tuple(text.lower() for text in getattr(recipe, name)) for name in ("ingredients", "steps")}
        recipe = replace(recipe, **lower, **lists)
    return recipe


def _after(step: str, rng: Dice) -> str:
    """ "Then stir" of "Stir", now and then."""
    if rng.random() < 0.5 or not re.match(r"[A-Z][a-z]", step):
        return step
    return rng.choice(ORDINALS).format(s=step[0].lower() + step[1:])


def _begin(recipe: Recipe, rng: Dice) -> list[str]:
    """The name of the dish, alone or in a sentence, in a letter, a forum post or a plain text."""
    name = rng.choice(words("first_names"))
    lines: list[str] = []
    roll = rng.random()
    if roll < 0.25:
        lines += [line.format(n=name, d=rng.randint(2, 400)) for line in rng.sample(FORUM, rng.randint(1, 3))]
    elif roll < 0.45:
        lines += [rng.choice(HELLO).format(n=name), *([story(rng, 1)] if rng.random() < 0.4 else [])]
    elif roll < 0.6:
        lines += [rng.choice((date(rng), f"{name}'s notebook", noise_line(rng)))]
    title = rng.choice(TITLED).format(t=recipe.title)
    if rng.random() < 0.2:
        title = f"{title} {story(rng, rng.randint(1, 2))}"
    return [*lines, title]


def _facts(recipe: Recipe, rng: Dice) -> tuple[list[str], dict[str, str]]:
    """Times, yield and labels as sentences, all on one line or a line each; and the gold's, in that order."""
    found: list[tuple[str, str, str]] = []  # key, sentence, value of the gold
    for key, forms, minutes in (
        ("prepTime", ("Preparation takes {v}.", "Prep is {v}.", "{v} to prepare."), recipe.prep_minutes),
        ("cookTime", ("Cooking takes {v}.", "It cooks for {v}.", "{v} to cook."), recipe.cook_minutes),
        ("totalTime", ("All in all {v}.", "Takes {v} in total.", "Ready in {v}."), recipe.total_minutes),
    ):
        if minutes:
            found += [(key, rng.choice(forms).format(v=write_minutes(minutes, rng)), iso_minutes(minutes))]
    if recipe.recipe_yield:
        forms = ("Serves {v}.", "Enough for {v}.", "Makes {v}.", "For {v}.", "Yield: {v}")
        found += [("recipeYield", rng.choice(forms).format(v=recipe.recipe_yield), recipe.recipe_yield)]
    for key, forms, value in (
        ("recipeCategory", ("Type: {v}", "Category: {v}"), recipe.category),
        ("recipeCuisine", ("Cuisine: {v}", "It is a {v} dish."), recipe.cuisine),
        ("keywords", ("Tags: {v}", "Keywords: {v}"), recipe.keywords),
    ):
        if value and rng.random() < 0.5:
            found += [(key, rng.choice(forms).format(v=value), value)]
    rng.shuffle(found)
    lines = [sentence.replace("..", ".") for _, sentence, _ in found]
    if rng.random() < 0.5 and lines and all(line.endswith(".") for line in lines):
        lines = [" ".join(lines)]
    return lines, {key: value for key, _, value in found}


def _ingredients(items: tuple[str, ...], rng: Dice) -> list[str]:
    """The items in one sentence where their own commas allow it, else as lines behind a few words or none."""
    roll = rng.random()
    plain = all("," not in item and ";" not in item and not item.endswith(".") for item in items)
    if roll < 0.5 and len(items) > 1 and (plain or all(";" not in item for item in items)):
        comma = ", " if plain else "; "
        end = rng.choice((" and ", ", and ", " and ", comma)) if plain else rng.choice(("; ", "; and "))
        said = comma.join(items[:-1]) + end + items[-1]
        after = rng.choice((".", ".", "", f". {story(rng, 1)}"))
        return [f"{rng.choice(NEEDS)} {said}{after.removeprefix('.') if said.endswith('.') else after}"]
    mark = rng.choice(("", "", "", "- ", "* ", "> ", "-", "• "))
    lines = [mark + item for item in items]
    if rng.random() < 0.15:
        lines = [part for line in lines for part in (line, "")]
    opening = rng.choice((*LISTED, "")) if rng.random() < 0.85 else f"{story(rng, 1)} {rng.choice(LISTED)}"
    return [*([opening] if opening else []), *([""] if rng.random() < 0.3 else []), *lines]


def _steps(steps: tuple[str, ...], rng: Dice) -> tuple[list[str], list[str]]:
    """The printed lines, and the steps to be read off them.

    One paragraph is taken apart at its full stops, of several each is one step.
    """
    opening = rng.choice(GOES) if rng.random() < 0.6 else ""
    sentences = [step.rstrip(" .!?,;:") + "." for step in steps]
    single = len(steps) > 1 and not any(re.search(r"[.!?:] ", step) for step in steps)
    if single and rng.random() < 0.55:
        paragraph = " ".join(sentences)
        joined = opening and rng.random() < 0.4 and opening[-1] in ".:!"
        return ([f"{opening} {paragraph}"] if joined else [*([opening] if opening else []), paragraph]), sentences
    told = list(steps)
    if single and len(steps) > 3 and rng.random() < 0.5:  # two or three sentences a paragraph
        told, left = [], sentences
        while left:
            count = min(len(left), rng.randint(1, 3))
            told, left = [*told, " ".join(left[:count])], left[count:]
    gap = rng.random() < 0.6
    mark = rng.choice(("", "", "", "", "- ", "> ", "{n}) ", "{n}. ", "step {n}: "))
    lines = [mark.format(n=n) + step for n, step in enumerate(told, 1)]
    if len(told) == 1:  # a single paragraph would be taken apart
        told = re.split(r"(?<=[.!?]) (?=[A-Z])|(?<=[a-z]{5}[.!?]) (?=[a-z])", told[0])
    lines = [part for line in lines for part in ((line, "") if gap else (line,))]
    return [*([opening] if opening else []), *lines], told


def _end(rng: Dice) -> list[str]:
    lines = ["", rng.choice(BYE).format(n=rng.choice(words("first_names")))] if rng.random() < 0.6 else []
    if rng.random() < 0.3:
        lines += ["", story(rng, rng.randint(1, 3))]
    for _ in range(rng.choice((0, 0, 0, 1, 3))):
        name = rng.choice(words("first_names"))
        lines += [rng.choice((f"{name}: {rng.choice(PRAISE)}", f"{name} · {date(rng)}", rng.choice(PRAISE)))]
    return lines
