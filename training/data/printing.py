"""The printed pieces of a food blog post: titles and stories, facts, ingredient and step lines, page ends, by style."""

import re
from collections.abc import Callable

from training.data.corpus import Dice, Recipe
from training.data.durations import write_minutes
from training.data.noise import date, noise_line
from training.data.parts import pair_lines, told
from training.data.wordlists import words


def story(rng: Dice, n: int) -> str:
    """n following sentences of a book: chat that holds no recipe."""
    start = rng.randrange(len(rng.sentences) - n)
    return " ".join(rng.sentences[start : start + n])


def cased(text: str, rng: Dice) -> str:
    return rng.choice((text, text, text, text, text.upper(), text.lower()))


def head(names: tuple[str, ...], rng: Dice) -> str:
    return rng.choice(("{}", "{}:", "{}", "{}:", "## {}", "**{}**", "{} -", "*{}*", "~ {} ~")).format(rng.choice(names))


def printed_minutes(minutes: int, rng: Dice) -> str:
    """A duration as written, or as recipe plug-ins leave it in a page's text (the unit twice)."""
    if rng.random() > 0.12:
        return write_minutes(minutes, rng)
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours} hour{'s' * (hours > 1)} hr{'s' * (hours > 1)}"] * (hours > 0) + [
        f"{rest} minute{'s' * (rest > 1)} min{'s' * (rest > 1)}"
    ] * (rest > 0)
    return " ".join(parts)


def talk(recipe: Recipe, rng: Dice) -> list[str]:
    """What a long blog says about the recipe before its card: notes on ingredients, reasons, questions."""
    lines: list[str] = []
    for _ in range(rng.randint(1, 3)):
        lines += ["", head(words("talk_heads"), rng)]
        for item in rng.sample(recipe.ingredients, min(len(recipe.ingredients), rng.randint(1, 5))):
            food = " ".join(re.sub(r"[(,].*", "", item).split()[-2:]).strip(" .:").capitalize() or "Salt"
            mark = rng.choice(("- ", "", "* "))
            lines.append(
                mark
                + food
                + rng.choice((": ", " - ", " – "))
                + rng.choice((*words("tips"), *words("remarks"), rng.choice(rng.sentences)))
            )
        if rng.random() < 0.4:
            lines += ["", story(rng, rng.randint(1, 3))]
    return lines


def unasked(rng: Dice) -> list[tuple[str, str]]:
    """Facts of recipe cards that the answer has no place for."""
    return [
        (rng.choice(("Calories", "Calories per serving", "Energy")), f"{rng.randint(8, 90) * 10} kcal"),
        (rng.choice(("Author", "Recipe by")), rng.choice(words("first_names"))),
        (rng.choice(("Difficulty", "Level", "Skill level")), rng.choice(("Easy", "Medium", "Hard", "easy"))),
        (
            rng.choice(("Resting time", "Chill time", "Rising time", "Marinating time")),
            write_minutes(rng.randint(1, 16) * 15, rng),
        ),
        (rng.choice(("Diet", "Suitable for")), rng.choice(("Vegetarian", "Vegan", "Gluten free"))),
        (rng.choice(("Rating", "Votes")), f"{rng.choice('345')}.{rng.randint(0, 9)}"),
    ]


def facts(recipe: Recipe, style: str, rng: Dice) -> tuple[list[str], list[str]]:
    """Times, servings and labels as lines, one line, or sentences; and the keys of the answer in that order."""
    found: list[tuple[str, str, str]] = []  # key, name, value
    for key, minutes, names in (
        ("prepTime", recipe.prep_minutes, ("Prep time", "Prep Time", "Prep", "Preparation time", "Preparation")),
        ("cookTime", recipe.cook_minutes, ("Cook time", "Cook Time", "Cooking time", "Cook", "Baking time")),
        ("totalTime", recipe.total_minutes, ("Total time", "Total Time", "Total", "Ready in", "Time")),
    ):
        if minutes:
            found.append((key, rng.choice(names), printed_minutes(minutes, rng)))
    if recipe.recipe_yield:
        counted = ("Servings", "Yield", "Serves", "Makes", "Portions", "Serving size")
        names = counted if recipe.recipe_yield[0].isdigit() else ("Yield", "Makes")
        found.append(("recipeYield", rng.choice(names), recipe.recipe_yield))
    for key, value, names in (
        ("recipeCategory", recipe.category, ("Course", "Category", "Type", "Recipe category")),
        ("recipeCuisine", recipe.cuisine, ("Cuisine", "Cuisine", "Kitchen")),
        ("keywords", recipe.keywords, ("Keywords", "Keyword", "Tags", "Tagged")),
    ):
        if value:
            found.append((key, rng.choice(names), value))
    if rng.random() < 0.5:
        rng.shuffle(found)
    if rng.random() < 0.3:  # what cards say as well and no key asks for
        for name, value in rng.sample(unasked(rng), rng.randint(1, 2)):
            found.insert(rng.randint(0, len(found)), ("", name, value))
    if not found:
        return [], []
    keys, pairs = [key for key, _, _ in found if key], [(name, value) for _, name, value in found]
    if style == "rambling" and rng.random() < 0.5 and not (recipe.category or recipe.cuisine or recipe.keywords):
        return [told(pairs, rng)], keys
    return pair_lines(pairs, rng), keys


def ingredient_lines(items: list[str], style: str, rng: Dice) -> list[str]:
    if (
        style in ("social", "rambling", "scraped")
        and rng.random() < 0.18
        and all("," not in i and len(i) < 40 for i in items)
    ):
        return [rng.choice((", ", ", ", " + ", " / ")).join(items)]
    mark = rng.choice(
        {
            "social": ("+ ", "• ", "", "- ", "👉 "),
            "clean": ("- ", "* ", "• ", ""),
            "fluffy": ("- ", "• ", "", "* "),
            "scraped": ("▢ ", "", "", "[ ] ", "- ", "□ "),
            "rambling": ("", "- ", "* ", "-"),
        }[style]
    )
    return [mark + item for item in items]


def step_lines(items: list[str], style: str, rng: Dice) -> tuple[list[str], list[str]]:
    """The printed lines, and the steps as they are to be read off them."""
    sentences = all(not re.search(r"[.!?:] ", item) for item in items)
    if sentences and len(items) > 1 and rng.random() < (0.3 if style in ("social", "rambling") else 0.08):
        items = [item.rstrip(".!? ,;") + "." for item in items]
        return [" ".join(items)], items
    roll = rng.random()
    if roll < {"clean": 0.75, "fluffy": 0.55, "scraped": 0.45}.get(style, 0.3):
        form = rng.choice(("{}. ", "{}. ", "{}. ", "{}) ", "Step {}: ", "Step {}. ", "{} ", "STEP {} - "))
        if rng.random() < 0.08:
            form = "Step {}\n"
        return [form.format(i + 1) + item for i, item in enumerate(items)], items
    mark = rng.choice(("", "", "", "- ", "* ", "• ", "-> "))
    gap = mark == "" and rng.random() < 0.4
    return [line for item in items for line in ([mark + item, ""] if gap else [mark + item])], items


def sprinkle(lines: list[str], rate: float, rng: Dice, make: Callable[[Dice], str] = noise_line) -> list[str]:
    out: list[str] = []
    for line in lines:
        out.append(line)
        if rng.random() < rate:
            out.append(make(rng))
    return out


def chatter(rng: Dice) -> str:
    return rng.choice(
        (
            noise_line(rng),
            rng.choice(words("chatter")),
            rng.choice(words("chatter")).upper() + "!!!",
            "",
            rng.choice(rng.sentences),
        )
    )


def intro(recipe: Recipe, style: str, rng: Dice) -> list[str]:
    """What stands before the recipe: title, description, byline, stories, adverts."""
    title = recipe.title
    if style == "social":
        lines = [
            rng.choice(
                (
                    title,
                    f"{title} {rng.choice(words('emoji'))}",
                    f"{rng.choice(words('emoji'))} {title} {rng.choice(words('emoji'))}",
                    title,
                )
            )
        ]
        return lines + ([recipe.description] if recipe.description else [story(rng, 1)] if rng.random() < 0.4 else [])
    lines = [rng.choice(("", "", "", "# ")) + title]
    if style == "clean":
        return lines + (
            [recipe.description]
            if recipe.description
            else [story(rng, rng.randint(1, 2))]
            if rng.random() < 0.5
            else []
        )
    before: list[str] = []
    if style == "scraped":
        before = [noise_line(rng) for _ in range(rng.randint(0, 5))]
        lines = [*lines, *([title] if rng.random() < 0.3 else [])]
    elif rng.random() < 0.4:
        before = [noise_line(rng)]
    lines += (
        [f"by {rng.choice(('Anna', 'Ben', 'The Editor', 'Chef Luca'))} | {date(rng)}"] if rng.random() < 0.3 else []
    )
    if recipe.description:
        lines.append(recipe.description)
    many = {"fluffy": (2, 9), "scraped": (0, 3), "rambling": (3, 12)}[style]
    left = rng.randint(*many)
    while left > 0:
        n = min(left, rng.randint(1, 4))
        lines += ["", story(rng, n)]
        left -= n
        if rng.random() < 0.35:
            lines.append(noise_line(rng))
    if style in ("fluffy", "scraped") and rng.random() < 0.35:
        lines += talk(recipe, rng)
        if rng.random() < 0.5:  # the recipe card repeats the name, and the description stands there
            lines += ["", title]
    return before + lines


def outro(style: str, rng: Dice) -> list[str]:
    lines: list[str] = []
    if rng.random() < 0.35:
        lines += [rng.choice(("Tip: ", "Note: ", "Notes\n", "Tips\n", "Storage: ")) + rng.choice(words("tips"))]
    if style == "social":
        return lines + (
            [" ".join(f"#{rng.choice(words('dishes')).lower()}" for _ in range(rng.randint(1, 5)))]
            if rng.random() < 0.5
            else []
        )
    if style == "clean":
        return lines + (
            [rng.choice(("Enjoy!", "Bon appetit!", "Let me know how it went."))] if rng.random() < 0.3 else []
        )
    for _ in range(rng.randint(0, 3)):
        lines.append(rng.choice((noise_line(rng), rng.choice(words("scraps")), story(rng, rng.randint(1, 3)))))
    return lines
