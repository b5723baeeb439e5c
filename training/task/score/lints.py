"""Contradictions inside one answer: not invalid, but worth a look (metrics A2, semantic lints).

Every lint is 1 where it fires, 0 where it does not, None where the answer lacks what it needs. Limit: foods that steps
use but the list lacks are found for `COMMON_FOODS` alone.
"""

from typing import Any

from training.task.pack import Pack
from training.task.records import Score
from training.task.score.durations import duration_minutes
from training.task.score.text import keys_of, words_of
from training.task.score.values import asserts_anything, entries, is_empty

COMMON_FOODS = words_of(
    "flour sugar butter milk egg onion garlic tomato potato carrot celery cheese parmesan mozzarella cheddar rice "
    "pasta spaghetti chicken beef pork bacon ham sausage salmon tuna shrimp tofu bean lentil chickpea spinach mushroom "
    "broccoli zucchini eggplant cucumber avocado lemon lime orange apple banana strawberry blueberry honey vinegar "
    "mustard mayonnaise ketchup cinnamon cumin paprika oregano basil thyme rosemary parsley cilantro ginger turmeric "
    "nutmeg vanilla chocolate cocoa yeast yogurt almond walnut pecan peanut raisin oat coconut"
)


def lint_scores(pack: Pack, obj: dict[str, Any]) -> list[Score]:
    """`lint:empty_critical`, and for tasks with such fields `lint:total_time` and `lint:food_not_listed`."""
    scores = [_empty_critical(pack, obj)]
    if pack.field("totalTime") is not None:
        scores.append(_total_time(obj))
    if any(spec.comparator == "list_ingredient" for spec in pack.fields):
        scores.append(_food_not_listed(pack, obj))
    return scores


def _empty_critical(pack: Pack, obj: dict[str, Any]) -> Score:
    empty = [spec.label for spec in pack.fields if spec.critical and is_empty(obj.get(spec.name))]
    words = f"Without content: {', '.join(empty)}." if empty else "Everything a usable record needs is there."
    value = float(bool(empty)) if asserts_anything(pack, obj) else None
    return Score("lint:empty_critical", value, n=sum(spec.critical for spec in pack.fields), explanation=words)


def _total_time(obj: dict[str, Any]) -> Score:
    parts = [duration_minutes(obj.get(name)) for name in ("prepTime", "cookTime")]
    total = duration_minutes(obj.get("totalTime"))
    if total is None or None in parts:
        return Score("lint:total_time", None, "totalTime", explanation="Not all three times are given.")
    off = abs(total - sum(part for part in parts if part is not None))
    words = f"The total time differs from preparation plus cooking by {off:g} minutes." if off else "The times add up."
    return Score("lint:total_time", float(off > 0), "totalTime", n=1, explanation=words)


def _food_not_listed(pack: Pack, obj: dict[str, Any]) -> Score:
    def keys(comparator: str) -> set[str]:
        specs = [spec for spec in pack.fields if spec.comparator == comparator]
        return {key for spec in specs for entry in entries(spec, obj.get(spec.name)) for key in keys_of(entry.text)}

    listed, used = keys("list_ingredient"), keys("list_steps") & COMMON_FOODS
    if not listed or not used:
        return Score(
            "lint:food_not_listed", None, explanation="Needs both a list of ingredients and steps that name food."
        )
    stray = sorted(used - listed)
    words = (
        f"Steps use what the list lacks: {', '.join(stray)}." if stray else "Every food in the steps is in the list."
    )
    return Score("lint:food_not_listed", float(bool(stray)), n=len(used), explanation=words)
