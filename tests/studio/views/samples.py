"""A comparison as it really looks: a cut-off answer, a mended one, a good one with one made-up item. Our own words."""

import json
from dataclasses import dataclass
from typing import Any

from training.task.parse import parse
from training.task.records import (
    Arm,
    ArmKind,
    ArmResult,
    Comparison,
    Context,
    FinishReason,
    Generation,
    Item,
    LeftOut,
    Message,
    Parsed,
    Prompt,
    Proof,
    Receipt,
    Sampling,
    SchemaError,
    Score,
    Source,
    sha256_text,
)


@dataclass(frozen=True)
class Field:
    name: str
    label: str
    kind: str


@dataclass(frozen=True)
class SamplePack:
    fields: tuple[Field, ...]


PACK = SamplePack(
    (
        Field("@context", "Vocabulary", "constant"),
        Field("@type", "Type", "constant"),
        Field("name", "Name", "scalar"),
        Field("description", "Description", "scalar"),
        Field("recipeIngredient", "Ingredients", "list"),
        Field("recipeInstructions", "Steps", "steps"),
        Field("prepTime", "Preparation", "duration"),
        Field("cookTime", "Cooking", "duration"),
        Field("totalTime", "Total time", "duration"),
        Field("recipeYield", "Yield", "scalar"),
        Field("recipeCategory", "Category", "set"),
        Field("keywords", "Keywords", "set"),
    )
)

SOURCE = """My grandmother never owned a scale, and still her lemon loaf came out the same every single Sunday.

ADVERTISEMENT

I have made this Sunday Lemon Loaf more often than I can count. Bright, soft, and keeps for four days, if you let it.

Pin it | Share | 1,204 comments

You will need:
2 cups plain flour
1 ½ teaspoons baking powder
¼ teaspoon salt
3 eggs
1 cup sugar
zest of 2 lemons
½ cup melted butter
½ cup yoghurt

Heat the oven to 350 F and butter a loaf tin. Whisk the flour, baking powder and salt in a bowl.
In a second bowl rub the sugar with the lemon zest until it smells wonderful, then beat in the eggs.
Stir in the melted butter and the yoghurt, then fold in the flour mixture. Do not overmix!
Bake for 50 minutes, until a skewer comes out clean. Cool for 15 minutes in the tin.

Takes about 15 minutes of work. Makes 10 slices.

Sign up for my newsletter and never miss a bake!
"""

INGREDIENTS = [
    "2 cups plain flour",
    "1 ½ teaspoons baking powder",
    "¼ teaspoon salt",
    "3 eggs",
    "1 cup sugar",
    "zest of 2 lemons",
    "½ cup melted butter",
    "½ cup yoghurt",
]
STEPS = [
    "Heat the oven to 350 F and butter a loaf tin. Whisk the flour, baking powder and salt in a bowl.",
    "In a second bowl rub the sugar with the lemon zest until it smells wonderful, then beat in the eggs.",
    "Stir in the melted butter and the yoghurt, then fold in the flour mixture.",
    "Bake for 50 minutes, until a skewer comes out clean. Cool for 15 minutes in the tin.",
]


def recipe(**changes: Any) -> dict[str, Any]:
    """The right answer, with keys changed or, where the value is None, left out."""
    whole = {
        "@context": "https://schema.org",
        "@type": "Recipe",
        "name": "Sunday Lemon Loaf",
        "description": "Bright, soft, and keeps for four days, if you let it.",
        "recipeIngredient": INGREDIENTS,
        "recipeInstructions": [{"@type": "HowToStep", "text": step} for step in STEPS],
        "prepTime": "PT15M",
        "cookTime": "PT50M",
        "recipeYield": "10 slices",
        "keywords": "lemon, loaf",
    } | changes
    return {key: value for key, value in whole.items() if value is not None}


GOLD = recipe(keywords=None)
TUNED = recipe(
    recipeIngredient=[*INGREDIENTS[:6], "1 teaspoon vanilla extract", *INGREDIENTS[6:]],
    prepTime=None,
    keywords=["lemon", "loaf"],
)
BROKEN = (
    '{"@context": "https://schema.org", "@type": "Recipe", "name": "Recipe Name", "recipeIngredient": ["quantity of '
    'ingredient 1", "quantity of ingredient 2", '
    + ", ".join(['"2 cups plain flour"', '"2 cups plain flour, and 2 cups plain flour"'] * 6)
    + ', "2 cups plain fl'
)
MENDED = (
    "Sure! Here is the recipe you asked for:\n{'name': 'Sunday Lemon Loaf', 'recipeIngredient': '2 cups plain flour, "
    "3 eggs, 1 cup sugar, 1 cup milk', 'cookTime': '50 minutes', 'recipeInstructions': [{'@type': 'HowToStep', "
    "'text': 'Bake for 50 minutes, until a skewer comes out clean.'}], 'author': 'Grandmother'}"
)


def items_of(obj: dict[str, Any] | None, source: str = SOURCE) -> tuple[Item, ...]:
    """Items by plain substring search: enough to stand in for the scorer."""
    items: list[Item] = []
    for name, value in (obj or {}).items():
        if name.startswith("@") or name.endswith("Time"):
            continue
        for index, entry in enumerate(value if isinstance(value, list) else [value]):
            text = str(entry.get("text", entry)) if isinstance(entry, dict) else str(entry)
            start = source.lower().find(text.lower().rstrip("."))
            spans = ((start, start + len(text.rstrip("."))),) if start >= 0 else ()
            known = None if name in ("description", "keywords") and start < 0 else start >= 0
            items.append(Item(name, index, text, known, spans))
    return tuple(items)


def result(
    arm: Arm,
    raw: str,
    finish: FinishReason = FinishReason.STOP,
    *,
    schema_errors: tuple[SchemaError, ...] = (),
    parsed: Parsed | None = None,
    new_tokens: int = 214,
) -> ArmResult:
    """One finished column; the parser is the real one unless `parsed` is given."""
    parsed = parsed or parse(raw, finish)
    adapter = arm.adapter
    proof = Proof(
        base_sha256=sha256_text("base"),
        adapter_sha256=sha256_text(adapter) if adapter else None,
        adapter_state=f"on: {adapter}" if adapter else "off",
        probe_max_logit_diff=3.41 if adapter else 0.0,
        tolerance=0.0,
        passed=True,
    )
    text = f"user\n{SOURCE}\nassistant\n"
    prompt = Prompt((Message("user", SOURCE),), text, tuple(range(412)), sha256_text(text))
    generation = Generation(
        arm, raw, finish, prompt.sha256, prompt.tokens, new_tokens, 0.31, new_tokens / 22.4, 2, Sampling(), "cpu",
        "float32", proof,
    )  # fmt: skip
    scores = (
        Score("ingredient_f1", 0.94 if parsed.object else 0.0, "recipeIngredient", n=8, explanation="matched 8 of 9"),
        Score("order_tau", None, "recipeInstructions", n=0, explanation="fewer than two matched steps"),
    )
    return ArmResult(generation, prompt, parsed, schema_errors, scores, items_of(parsed.object))


BASE_ARM = Arm(ArmKind.BASE, "base")
PROMPTED_ARM = Arm(ArmKind.PROMPTED, "prompted base")
TUNED_ARM = Arm(ArmKind.ADAPTER, "crumb-recipe-jsonld", "crumb-recipe-jsonld")

FAILED = result(BASE_ARM, BROKEN, FinishReason.LENGTH, new_tokens=512)
REPAIRED = result(
    PROMPTED_ARM,
    MENDED,
    FinishReason.EOS,
    schema_errors=(
        SchemaError("@context", "missing", "", "'@context' is a required property"),
        SchemaError("recipeIngredient", "type", "/recipeIngredient", "a string stands where an array is asked for"),
        SchemaError("cookTime", "pattern", "/cookTime", "'50 minutes' does not match an ISO 8601 duration"),
    ),
    new_tokens=121,
)
GOOD = result(TUNED_ARM, json.dumps(TUNED, ensure_ascii=False))
NOTHING = result(TUNED_ARM, "{}", new_tokens=2)

CONTEXT = Context(
    shown=SOURCE.split("You will need:")[1].split("Sign up")[0].strip(),
    left_out=(
        LeftOut("ADVERTISEMENT", "advert", 5),
        LeftOut("Pin it | Share | 1,204 comments", "share bar", 11),
        LeftOut("Sign up for my newsletter and never miss a bake!", "newsletter", 14),
        LeftOut(SOURCE.split("\n", maxsplit=1)[0], "budget", 1461),
    ),
    source_tokens=1903,
    shown_tokens=412,
    budget_tokens=700,
    enabled=True,
)
RECEIPT = Receipt(
    equal={
        "base": "crumb",
        "base_sha256": sha256_text("base"),
        "prompt_sha256": sha256_text(f"user\n{SOURCE}\nassistant\n"),
        "seed": 7,
        "temperature": 0.0,
        "max_new_tokens": 512,
        "dtype": "float32",
        "device": "cpu",
        "versions": {"torch": "2.13.0", "transformers": "5.17.0", "peft": "0.21.2"},
    },
    differs={
        "adapter": {"base": None, "prompted base": None, "crumb-recipe-jsonld": "crumb-recipe-jsonld"},
        "prompt": {
            "base": sha256_text("a"),
            "prompted base": sha256_text("b"),
            "crumb-recipe-jsonld": sha256_text("a"),
        },
    },
)


def comparison(*arms: ArmResult, gold: dict[str, Any] | None = None, source: str = SOURCE) -> Comparison:
    return Comparison(
        id="20261120-231500-3f9a",
        created="2026-11-20T23:15:00+00:00",
        task="recipe-jsonld",
        base="crumb",
        source=Source(source, origin="sunday-lemon-loaf.md"),
        context=CONTEXT,
        arms=arms or (FAILED, GOOD),
        receipt=RECEIPT,
        gold=gold,
        versions={"python": "3.11.4", "torch": "2.13.0"},
    )


@dataclass(frozen=True)
class Diff:
    """The shape of training.task.score.diff.FieldDiff."""

    field: str
    index: int | None
    kind: str
    left: Any
    right: Any


def naive_diff(left: dict[str, Any], right: dict[str, Any] | None) -> list[Diff] | None:
    """Pairs by position or equal words: enough to stand in for the scorer's field_diff."""
    if right is None:
        return None
    found: list[Diff] = []
    for name in [*left, *(key for key in right if key not in left)]:
        a, b = left.get(name), right.get(name)
        if isinstance(a, list) and isinstance(b, list):
            found += [
                Diff(name, i, "same" if entry in b else "removed", entry, entry if entry in b else None)
                for i, entry in enumerate(a)
            ]
            found += [Diff(name, i, "added", None, entry) for i, entry in enumerate(b) if entry not in a]
        elif a is None or b is None:
            found.append(Diff(name, None, "added" if a is None else "missing", a, b))
        else:
            kind = "same" if a == b else "changed" if type(a) is type(b) else "wrong_type"
            found.append(Diff(name, None, kind, a, b))
    return found
