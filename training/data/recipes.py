"""Where posts get their recipes: real training recipes, our own grammar, and remixes of real lines.

The grammar is the built-in offline source: it needs no network and no key. Facts beside title, ingredients and steps
(times, yield, category, cuisine, keywords, description) are drawn here, so that a post's gold is exact.
"""

import functools
import random
from dataclasses import replace

from training.data.corpus import Recipe, training_recipes
from training.data.durations import random_minutes

FLOURS = [
    "flour",
    "plain flour",
    "bread flour",
    "rice flour",
    "cornstarch",
    "semolina",
    "rolled oats",
    "almond flour",
    "cornmeal",
    "rye flour",
]
DAIRY = [
    "milk",
    "whole milk",
    "cream",
    "heavy cream",
    "sour cream",
    "yogurt",
    "Greek yogurt",
    "butter",
    "cream cheese",
    "ricotta",
    "feta",
    "mozzarella",
    "parmesan",
    "grated cheddar",
    "buttermilk",
    "coconut milk",
    "ghee",
]
PRODUCE = [
    "onion",
    "red onion",
    "garlic",
    "carrot",
    "celery",
    "leek",
    "potatoes",
    "sweet potatoes",
    "tomatoes",
    "cherry tomatoes",
    "zucchini",
    "eggplant",
    "bell pepper",
    "spinach",
    "kale",
    "cabbage",
    "broccoli",
    "cauliflower",
    "mushrooms",
    "peas",
    "corn",
    "cucumber",
    "pumpkin",
    "beets",
    "lemons",
    "limes",
    "apples",
    "pears",
    "bananas",
    "strawberries",
    "blueberries",
    "oranges",
    "ginger",
    "scallions",
    "shallots",
    "green beans",
    "avocado",
    "fennel",
    "radishes",
    "chickpeas",
    "black beans",
    "lentils",
    "kidney beans",
]
MEAT = [
    "chicken thighs",
    "chicken breast",
    "ground beef",
    "beef chuck",
    "pork belly",
    "bacon",
    "smoked ham",
    "lamb shoulder",
    "salmon fillet",
    "cod",
    "shrimp",
    "tuna",
    "turkey",
    "sausage",
    "firm tofu",
    "tempeh",
    "duck legs",
    "mussels",
]
SPICE = [
    "salt",
    "black pepper",
    "paprika",
    "smoked paprika",
    "cumin",
    "coriander seeds",
    "turmeric",
    "cinnamon",
    "nutmeg",
    "chili flakes",
    "oregano",
    "thyme",
    "rosemary",
    "basil",
    "parsley",
    "cilantro",
    "mint",
    "dill",
    "bay leaves",
    "vanilla extract",
    "cardamom",
    "cloves",
    "star anise",
    "curry powder",
    "garam masala",
    "sesame seeds",
    "saffron",
]
PANTRY = [
    "olive oil",
    "vegetable oil",
    "sesame oil",
    "soy sauce",
    "fish sauce",
    "rice vinegar",
    "white wine",
    "red wine",
    "vegetable stock",
    "chicken stock",
    "honey",
    "maple syrup",
    "sugar",
    "brown sugar",
    "powdered sugar",
    "baking powder",
    "baking soda",
    "dry yeast",
    "cocoa powder",
    "dark chocolate",
    "tomato paste",
    "canned tomatoes",
    "mustard",
    "mayonnaise",
    "peanut butter",
    "tahini",
    "walnuts",
    "almonds",
    "raisins",
    "rice",
    "jasmine rice",
    "spaghetti",
    "penne",
    "egg noodles",
    "bread crumbs",
    "tortillas",
    "puff pastry",
    "water",
    "eggs",
]
CUTS = [
    "finely chopped",
    "chopped",
    "diced",
    "sliced",
    "minced",
    "grated",
    "peeled",
    "peeled and diced",
    "crushed",
    "melted",
    "softened",
    "at room temperature",
    "cut into strips",
    "drained",
    "toasted",
    "optional",
    "to taste",
    "divided",
    "thinly sliced",
    "halved",
]
UNITS = [
    "cup",
    "cups",
    "tbsp",
    "tablespoons",
    "tsp",
    "teaspoon",
    "g",
    "g",
    "ml",
    "oz",
    "pound",
    "pounds",
    "kg",
    "cloves",
    "cans",
    "pinch",
    "handful",
    "slices",
    "sticks",
    "l",
]
AMOUNTS = [
    "1",
    "1",
    "2",
    "2",
    "3",
    "4",
    "5",
    "6",
    "8",
    "½",
    "¼",
    "¾",
    "1/2",
    "1/4",
    "3/4",
    "1/3",
    "1 1/2",
    "1½",
    "2 1/2",
    "2-3",
    "100",
    "150",
    "200",
    "250",
    "300",
    "400",
    "500",
    "750",
    "1.5",
    "0.5",
    "12",
]
DISHES = [
    "Soup",
    "Stew",
    "Curry",
    "Salad",
    "Bowl",
    "Pie",
    "Tart",
    "Cake",
    "Cookies",
    "Muffins",
    "Bread",
    "Rolls",
    "Pancakes",
    "Waffles",
    "Pasta",
    "Lasagna",
    "Risotto",
    "Noodles",
    "Stir-Fry",
    "Casserole",
    "Gratin",
    "Tacos",
    "Burritos",
    "Dumplings",
    "Fritters",
    "Patties",
    "Skewers",
    "Roast",
    "Omelette",
    "Frittata",
    "Quiche",
    "Pizza",
    "Focaccia",
    "Chili",
    "Chowder",
    "Porridge",
    "Smoothie",
    "Dip",
    "Hummus",
    "Pesto",
    "Chutney",
    "Jam",
    "Pickles",
    "Brownies",
    "Crumble",
    "Pudding",
    "Cheesecake",
    "Scones",
    "Ragu",
    "Paella",
]
MOODS = [
    "Easy",
    "Grandma's",
    "Spicy",
    "Creamy",
    "Crispy",
    "Rustic",
    "Roasted",
    "Quick",
    "Smoky",
    "Golden",
    "Weeknight",
    "One-Pot",
    "Classic",
    "Vegan",
    "Sticky",
    "Cheesy",
    "Sweet",
    "Tangy",
    "Slow-Cooked",
    "Lemony",
    "Garlicky",
    "Summer",
    "Winter",
    "The Best",
    "My Favourite",
    "Simple",
    "Fluffy",
    "Hearty",
]
CUISINES = [
    "Italian",
    "French",
    "Mexican",
    "Thai",
    "Indian",
    "Vietnamese",
    "Greek",
    "Spanish",
    "Japanese",
    "Korean",
    "Chinese",
    "Turkish",
    "Lebanese",
    "American",
    "German",
    "Swiss",
    "Moroccan",
    "Ethiopian",
    "Polish",
    "British",
    "Brazilian",
    "Peruvian",
]
CATEGORIES = [
    "Dessert",
    "Main course",
    "Main Dish",
    "Dinner",
    "Lunch",
    "Breakfast",
    "Appetizer",
    "Side dish",
    "Snack",
    "Soup",
    "Salad",
    "Bread",
    "Drink",
    "Sauce",
    "Starter",
    "Side",
]
KEYWORDS = [
    "easy",
    "quick",
    "vegetarian",
    "vegan",
    "comfort food",
    "family",
    "weeknight",
    "baking",
    "cheap",
    "healthy",
    "gluten free",
    "party",
    "kids",
    "summer",
    "winter",
    "one pot",
    "make ahead",
    "holiday",
    "spicy",
    "budget",
]
STEP_FORMS = (
    "Preheat the oven to {t}°{d}.",
    "Heat the {a} in a large {p} over medium heat.",
    "Add the {a} and {b} and cook for {n} minutes.",
    "Stir in the {a}, {b} and {c}.",
    "Bring to a boil, then simmer for {n} minutes.",
    "Season with {a} and {b} to taste.",
    "Mix the {a} with the {b} until smooth.",
    "Whisk {a} and {b} in a {p}.",
    "Fold in the {a}.",
    "Pour over the {a} and bake for {n} minutes until golden.",
    "Let it rest for {n} minutes before serving.",
    "Cut the {a} into bite-sized pieces and set aside.",
    "Meanwhile, cook the {a} according to the package.",
    "Drain the {a}, reserve a little of the liquid.",
    "Knead the dough for {n} minutes, cover and let rise.",
    "Spread the {a} in the {p} and top with {b}.",
    "Fry the {a} in batches, about {n} minutes per side.",
    "Reduce the heat, cover and cook for another {n} minutes, stirring from time to time.",
    "Serve warm with {a}.",
    "Garnish with {a} and serve.",
    "Taste and adjust the {a}.",
    "Toss everything with the {a} and {b} and chill for {n} minutes.",
    "Grease a {p} with {a}.",
    "Blend the {a}, {b} and {c} until completely smooth, then strain if you like.",
    "When the {a} starts to brown, turn the heat down and add the {b}. Stir well.",
    "Beat the {a} for {n} minutes. Add the {b} little by little.",
)
VESSELS = [
    "pan",
    "pot",
    "skillet",
    "bowl",
    "baking dish",
    "wok",
    "saucepan",
    "Dutch oven",
    "blender",
    "loaf tin",
    "sheet pan",
]
DESCRIPTIONS = (
    "A {m} {d} that is ready in no time.",
    "This {t} is {m}, filling and great for {w}.",
    "{T} is a {m} {d} my family asks for every week.",
    "These are the {m} {d} you dream of on {w}.",
    "A {m} take on {c} {d}, made with what you have at home.",
    "This {m} {d} tastes even better the next day.",
    "{T}: {m}, warm and just right for {w}.",
    "An honest {c} {d} with a {m} twist.",
    "This is the {m} {d} I learned from my aunt.",
    "A {c} classic, {m} and very easy to make.",
)


@functools.cache
def modern_recipes() -> tuple[Recipe, ...]:
    return tuple(r for r in training_recipes() if "Beeton" not in r.source)


def ingredient(rng: random.Random) -> tuple[str, str]:
    """One grammar line and the food in it."""
    food = rng.choice(rng.choice((FLOURS, DAIRY, PRODUCE, PRODUCE, MEAT, SPICE, SPICE, PANTRY, PANTRY)))
    roll = rng.random()
    if roll < 0.1:
        return rng.choice(
            (food, f"{food} to taste", f"a pinch of {food}", f"some {food}", f"{food} for serving", food.capitalize())
        ), food
    amount = rng.choice(AMOUNTS)
    unit = "" if rng.random() < 0.2 else rng.choice(UNITS)
    if amount.isdigit() and int(amount) > 20:
        unit = rng.choice(("g", "g", "ml"))
    elif unit in ("g", "ml"):
        amount = rng.choice(("50", "100", "150", "200", "250", "300", "400", "500", "750"))
    glue = "" if unit in ("g", "ml", "kg", "oz", "l") and rng.random() < 0.5 else " "
    head = f"{amount}{glue}{unit} " if unit else f"{amount} "
    of = "of " if unit and rng.random() < 0.15 else ""
    tail = (
        f", {rng.choice(CUTS)}"
        if rng.random() < 0.3
        else f" ({rng.choice((rng.choice(CUTS), f'{rng.choice(AMOUNTS)} {rng.choice(UNITS)}'))})"
        if rng.random() < 0.15
        else ""
    )
    return f"{head}{of}{food}{tail}", food


def grammar_recipe(rng: random.Random) -> Recipe:
    """A recipe of our own words: 3 to 18 ingredients, 2 to 10 steps that use them."""
    pairs = list(dict(ingredient(rng)[::-1] for _ in range(rng.choice((3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 18)))).items())
    foods = [food for food, _ in pairs]
    star = rng.choice(foods).title()
    title = rng.choice(
        ("{m} {s} {d}", "{s} {d}", "{m} {d} with {s}", "{c} {s} {d}", "{s} and {o} {d}", "{d} with {s}")
    ).format(m=rng.choice(MOODS), s=star, d=rng.choice(DISHES), c=rng.choice(CUISINES), o=rng.choice(foods).title())
    steps = []
    for _ in range(rng.choice((2, 3, 4, 4, 5, 6, 7, 8, 10))):
        a, b, c = (rng.choice(foods) for _ in range(3))
        steps.append(
            rng.choice(STEP_FORMS).format(
                a=a,
                b=b,
                c=c,
                n=rng.choice((2, 3, 5, 8, 10, 12, 15, 20, 25, 30, 40, 45)),
                t=rng.choice((160, 180, 200, 350, 375, 400, 425)),
                d=rng.choice("CF"),
                p=rng.choice(VESSELS),
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
    mood, dish = rng.choice(MOODS).lower(), rng.choice(DISHES).lower()
    return rng.choice(DESCRIPTIONS).format(
        m=mood,
        d=dish,
        t=recipe.title,
        T=recipe.title,
        c=rng.choice(CUISINES),
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
            f"{people} {rng.choice(DISHES).lower()}",
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
        category=rng.choice(CATEGORIES) if maybe(0.3) else None,
        cuisine=rng.choice(CUISINES) if maybe(0.3) else None,
        keywords=", ".join(rng.sample(KEYWORDS, rng.randint(2, 5))) if maybe(0.25) else None,
    )


def train_recipe(rng: random.Random) -> Recipe:
    """A recipe to train on: real ones most often, modern before Mrs Beeton's, then remixes and the grammar."""
    roll, pool = rng.random(), training_recipes()
    if roll < 0.3:
        return with_facts(rng.choice(modern_recipes()), rng)
    if roll < 0.42:
        return with_facts(rng.choice(pool), rng)
    return with_facts(remix_recipe(rng) if roll < 0.72 else grammar_recipe(rng), rng)
