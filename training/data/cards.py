"""Pages as the text of a blog with a recipe plug-in: the site's head, talk, the card with all its buttons, comments.

What stands there and belongs to no answer is the point: the site's own name, equipment, the switch of units, the
yield as an introduction, credits between the steps, nutrition, reviews. The gold repeats what the card prints, in its
order. Deterministic from the dice; the embedded adapter's training rows are made of these beside `posts`.
"""

from dataclasses import replace
from typing import Any

from training.data.corpus import Dice, Recipe
from training.data.durations import iso_minutes
from training.data.noise import PRAISE, date, noise_line
from training.data.posts import Post
from training.data.printing import printed_minutes, story, talk
from training.data.recipes import train_recipe, with_facts
from training.data.wordlists import words

TOOLS = (
    "Large skillet", "9x13 inch baking dish", "Stand mixer", "Dutch oven", "Sheet pan", "Blender", "Food processor",
    "Rolling pin", "Wire rack", "Loaf pan", "Muffin tin", "Slow cooker", "Wok", "Measuring cups", "Mixing bowl",
    "Parchment paper", "Instant-read thermometer", "Pastry brush", "Saucepan", "Air fryer",
)  # fmt: skip
MENU = (
    "Home", "About", "About me", "Recipes", "All recipes", "Shop", "Contact", "Search", "Menu", "Skip to content",
    "Subscribe", "Newsletter", "Log in", "My saved recipes", "Breakfast", "Dinner", "Desserts", "Videos", "Cookbook",
)  # fmt: skip
BUTTONS = (
    "Jump to Recipe", "Print Recipe", "Print", "Pin", "Pin Recipe", "Save", "Save Recipe", "Rate", "Share",
    "Jump to Video", "Email", "Leave a review", "Add to collection",
)  # fmt: skip
SCALERS = (
    "1x 2x 3x", "US Customary  Metric", "US Customary – Metric", "Scale 1/2x 1x 2x", "Cook Mode: keep the screen on",
    "Units: US | Metric", "Prevent your screen from going dark", "- 1x +",
)  # fmt: skip
ASKS = (
    "Did you make this recipe?", "Tried it? Tell us below.", "Leave a comment and a rating!",
    "Tag us when you make it.", "Want more? Join the newsletter.", "Let us know how it was!",
)  # fmt: skip
PARTS = ("Storage", "How to store it", "Freezing", "Substitutions", "Tips", "FAQ", "More to cook", "You may also like",
         "What to serve with it", "Notes", "Cook's note", "Variations")  # fmt: skip


def site_name(rng: Dice) -> str:
    """What a food blog may be called."""
    mood, dish, tool = rng.choice(words("moods")), rng.choice(words("dishes")), rng.choice(TOOLS).split()[-1].title()
    name = rng.choice(("The {m} {t}", "{n}'s Kitchen", "{m} {d}", "{n} Cooks", "{d} & Co", "A {m} Table", "{n} and {o}",
                       "{m} Eats", "The {t} Diaries", "{d} and {t}"))  # fmt: skip
    name = name.format(m=mood, d=dish, t=tool, n=rng.choice(words("first_names")), o=rng.choice(words("first_names")))
    return name.upper() if rng.random() < 0.4 else name


def card_post(recipe: Recipe, rng: Dice) -> Post:
    """One page. What the recipe lacks is not printed, and what it has is printed once, on the card."""
    facts, keys = _facts(recipe, rng)
    told = [recipe.description] if recipe.description else []
    gold: dict[str, Any] = {"@context": "https://schema.org", "@type": "Recipe", "name": recipe.title}
    if recipe.description:
        gold["description"] = recipe.description
    gold |= keys
    lines = _head(recipe, rng)
    lines += [*_card_title(recipe, lines, rng), *facts]
    lost = "no_ingredients" if not recipe.ingredients else "" if recipe.steps else "no_steps"
    if recipe.ingredients:
        gold["recipeIngredient"] = list(recipe.ingredients)
        lines += _ingredients(recipe, rng)
    if recipe.steps:
        gold["recipeInstructions"] = [{"@type": "HowToStep", "text": step} for step in recipe.steps]
        lines += _steps(recipe, rng)
    return Post("\n".join([*lines, *_end(recipe, rng)]), gold, "scraped", lost or "plain", (*facts, *told))


def train_card(seed: int) -> Post:
    """The training page of that number; the same on every machine."""
    rng = Dice(f"card 1|{seed}")
    recipe = with_facts(train_recipe(rng), rng)
    lost = rng.random()
    if lost < 0.06 and recipe.steps:
        recipe = replace(recipe, ingredients=())
    elif lost < 0.1 and recipe.ingredients:
        recipe = replace(recipe, steps=())
    return card_post(recipe, rng)


def _row(found: list[str], rng: Dice) -> list[str]:
    """Labels of a page's bar as one line, or one below the other."""
    return [rng.choice((" ", "  ", "   ", " · ", " | ")).join(found)] if rng.random() < 0.6 else found


def _head(recipe: Recipe, rng: Dice) -> list[str]:
    """From the top of the page to the card: menu, name of the site, title, byline, buttons, talk."""
    site = site_name(rng)
    lines = _row(rng.sample(MENU, rng.randint(2, 7)), rng) if rng.random() < 0.6 else []
    if rng.random() < 0.7:
        lines += [rng.choice((site, f"{site} » Recipes » {recipe.title}", f"{recipe.title} | {site}", site))]
    lines += ["", recipe.title] if rng.random() < 0.8 else []
    if rng.random() < 0.6:
        name = rng.choice(words("first_names"))
        day = date(rng)
        by = (f"By {name}", f"By {name} · Updated {day}", f"Published {day} by {name}", f"{name} | {day}",
              f"Submitted by {name} | Tested by {site}")  # fmt: skip
        lines += [rng.choice(by)]
    if rng.random() < 0.5:
        lines += [f"{rng.choice('345')}.{rng.randint(0, 9)} ({rng.randint(2, 2400):,})  {rng.randint(2, 999)} Reviews"]
    if rng.random() < 0.75:
        lines += _row(rng.sample(BUTTONS, rng.randint(1, 4)), rng)
    for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
        lines += ["", story(rng, rng.randint(1, 4))]
        if rng.random() < 0.3:
            lines += [noise_line(rng)]
    if rng.random() < 0.4 and recipe.ingredients:
        lines += talk(recipe, rng)
    return lines


def _card_title(recipe: Recipe, above: list[str], rng: Dice) -> list[str]:
    """The name again, always where it does not stand above as a line of its own."""
    lines = ["", recipe.title] if rng.random() < 0.75 or recipe.title not in above else [""]
    if rng.random() < 0.4:
        votes = rng.randint(2, 900)
        lines += [rng.choice((f"{rng.choice('45')} from {votes} votes", "★★★★★", f"{votes} ratings"))]
    if rng.random() < 0.35:
        lines += _row(rng.sample(BUTTONS, rng.randint(1, 3)), rng)
    if recipe.description:
        lines += [*rng.choice(((), (), ("Description",), ("Summary",))), recipe.description]
    return lines


def _facts(recipe: Recipe, rng: Dice) -> tuple[list[str], dict[str, str]]:
    """The card's facts as printed, with some that nobody asks for; and the gold's, in that order."""
    found: list[tuple[str, str, str, str]] = []  # key, label, printed, value of the gold
    for key, label, minutes in (
        ("prepTime", "Prep", recipe.prep_minutes), ("cookTime", "Cook", recipe.cook_minutes),
        ("totalTime", "Total", recipe.total_minutes),
    ):  # fmt: skip
        if minutes:
            found.append((key, f"{label} Time", printed_minutes(minutes, rng), iso_minutes(minutes)))
    if recipe.recipe_yield:
        name = rng.choice(("Servings", "Yield", "Serves")) if recipe.recipe_yield[0].isdigit() else "Yield"
        found.append(("recipeYield", name, recipe.recipe_yield, recipe.recipe_yield))
    for key, names, value in (
        ("recipeCategory", ("Course", "Category"), recipe.category), ("recipeCuisine", ("Cuisine",), recipe.cuisine),
        ("keywords", ("Keyword", "Keywords"), recipe.keywords),
    ):  # fmt: skip
        if value:
            found.append((key, rng.choice(names), value, value))
    extra = (("Calories", f"{rng.randint(8, 90) * 10} kcal"), ("Author", rng.choice(words("first_names"))),
             ("Method", rng.choice(("Stovetop", "Bake", "No cook", "Grill"))),
             ("Level", rng.choice(("Easy", "Medium"))), ("Chill Time", f"{rng.randint(1, 12)} hours"),
             ("Diet", rng.choice(("Vegetarian", "Gluten free"))))  # fmt: skip
    for label, value in rng.sample(extra, rng.randint(0, 3)):
        found.insert(rng.randint(0, len(found)), ("", label, value, ""))
    form, case = rng.choice(("{}: {}", "{}: {}", "{} {}", "{}\n{}", "{}:\n{}")), rng.choice((str, str, str.lower))
    lines = [form.format(case(label), value) for _, label, value, _ in found]
    if "\n" not in form and form != "{} {}" and rng.random() < 0.25:
        lines = [rng.choice(("   ", " | ", "  ")).join(lines)] if lines else []
    return lines, {key: value for key, _, _, value in found if key}


def _ingredients(recipe: Recipe, rng: Dice) -> list[str]:
    lines: list[str] = []
    if rng.random() < 0.3:
        lines += ["", "Equipment", *rng.sample(TOOLS, rng.randint(1, 4))]
    lines += ["", rng.choice(("Ingredients", "Ingredients", "INGREDIENTS", "Ingredients:"))]
    if rng.random() < 0.35:
        lines += _row(rng.sample(SCALERS, rng.randint(1, 2)), rng)
    if recipe.recipe_yield and rng.random() < 0.25:  # said once more, where an item might stand
        said = rng.choice(("Original recipe (1X) yields {}", "For {}", "Adjust for {}", "Original recipe yields {}"))
        lines += [said.format(recipe.recipe_yield)]
    mark = rng.choice(("", "", "", "▢ ", "▢ ", "• ", "- ", "☐ "))
    printed = [mark + item for item in recipe.ingredients]
    if len(printed) > 3 and rng.random() < 0.25:
        at, (first, second) = rng.randint(1, len(printed) - 1), rng.sample(words("components"), 2)
        colon = rng.choice((":", "", ":"))
        printed = [*([first + colon] if rng.random() < 0.7 else []), *printed[:at], second + colon, *printed[at:]]
    return lines + printed


def _steps(recipe: Recipe, rng: Dice) -> list[str]:
    lines = ["", rng.choice(("Instructions", "Instructions", "Directions", "Method", "Preparation", "Steps"))]
    if rng.random() < 0.12:
        lines += [rng.choice(SCALERS)]
    form = rng.choice(
        ("{s}", "{s}", "{s}", "{n}. {s}", "{n}. {s}", "Step {n}\n{s}", "{n}\n{s}", "{n}) {s}", "Step {n}: {s}")
    )
    for number, step in enumerate(recipe.steps, 1):
        lines += [form.format(n=number, s=step)]
        if rng.random() < 0.06:
            lines += [rng.choice((f"{site_name(rng)} / {rng.choice(words('first_names'))}", f"Photo: {site_name(rng)}",
                                  "Advertisement", noise_line(rng)))]  # fmt: skip
    return lines


def _end(recipe: Recipe, rng: Dice) -> list[str]:
    """Notes, nutrition, requests, related pages and reviews."""
    lines: list[str] = []
    for part in rng.sample(PARTS, rng.choice((0, 1, 1, 2, 3))):
        text = rng.choice((rng.choice(words("tips")), rng.choice(words("remarks")), story(rng, 1), site_name(rng)))
        lines += ["", part, text]
    if rng.random() < 0.45:
        carbs, protein, fat = rng.randint(2, 90), rng.randint(1, 60), rng.randint(1, 50)
        sep = rng.choice((" | ", "  ", "\n"))
        facts = (
            f"Calories: {rng.randint(8, 90) * 10}kcal",
            f"Carbohydrates: {carbs}g",
            f"Protein: {protein}g",
            f"Fat: {fat}g",
        )
        lines += ["", rng.choice(("Nutrition", "Nutrition Facts (per serving)", "Nutrition facts")), sep.join(facts)]
    if rng.random() < 0.5:
        lines += [rng.choice(ASKS)]
    for _ in range(rng.choice((0, 0, 1, 2, 3))):
        name = rng.choice(words("first_names"))
        lines += [f"{name} says: {date(rng)}", rng.choice((*PRAISE, rng.choice(rng.sentences)))]
        lines += ["Reply"] if rng.random() < 0.5 else []
    return lines
