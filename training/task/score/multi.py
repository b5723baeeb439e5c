"""Answers of several recipes against golds of several (metrics A10).

An object is one recipe, or holds several under @graph; what says nothing is none. Recipes are paired by optimal
assignment on half the likeness of their names and half their ingredients' F1, from `RECIPE_TAU` on; items are compared
inside a pair only, so what leaks from one recipe into another is found and not praised. For tasks whose answers are
JSON and have an ingredient list; a list at the root counts where the answer's form allows one, which no pack here does.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from training.task.pack import FieldSpec, Pack
from training.task.records import Score
from training.task.score.content import match_field
from training.task.score.lists import match_lists
from training.task.score.slots import text_similarity
from training.task.score.text import fold
from training.task.score.values import Entry, asserts_anything, entries

RECIPE_TAU = 0.3
GRAPH = "@graph"


class _Recipe(NamedTuple):
    name: str
    items: list[Entry]


def recipes_in(pack: Pack, value: Any) -> list[dict[str, Any]]:
    """The recipes of an answer: a list's members, what stands under @graph, or the object; none that is empty."""
    if isinstance(value, list):
        members = cast("list[Any]", value)
    elif isinstance(value, dict):
        record = cast("dict[str, Any]", value)
        members = cast("list[Any]", record[GRAPH]) if isinstance(record.get(GRAPH), list) else [record]
    else:
        members = []
    found = [cast("dict[str, Any]", member) for member in members if isinstance(member, dict)]
    return [member for member in found if asserts_anything(pack, member)]


def multi_scores(pack: Pack, obj: Mapping[str, Any] | None, gold: Any) -> list[Score]:
    """`recipe_count`, `recipe_f1`, and of golds with several recipes `cross_leak` and `recipe_item_f1`.

    () for tasks without ingredients or with text answers. A failed answer has the wrong count and F1 0.
    """
    spec = next((spec for spec in pack.fields if spec.comparator == "list_ingredient"), None)
    if spec is None or pack.answer.kind == "text":
        return []
    wanted = [_read(pack, spec, recipe) for recipe in recipes_in(pack, gold)]
    given = [_read(pack, spec, recipe) for recipe in recipes_in(pack, obj)]
    right = obj is not None and len(wanted) == len(given)
    pairs = _pair(spec, wanted, given)
    total = len(wanted) + len(given)
    f1 = 2 * len(pairs) / total if total else (None if obj is not None else 0.0)
    what = f"{len(given)} recipes are here, {len(wanted)} in the right answer"
    scores = [
        Score("recipe_count", float(right), n=1, explanation=f"{what}."),
        Score("recipe_f1", f1, n=total, explanation=f"{what}; {len(pairs)} are the same."),
    ]
    return scores + _inside(spec, wanted, given, pairs) if len(wanted) > 1 or len(given) > 1 else scores


def _read(pack: Pack, spec: FieldSpec, recipe: Mapping[str, Any]) -> _Recipe:
    field = next((field.name for field in pack.fields if field.comparator == "text"), "name")
    name = recipe.get(field)
    return _Recipe(name if isinstance(name, str) else "", entries(spec, recipe.get(spec.name)))


def _pair(spec: FieldSpec, wanted: Sequence[_Recipe], given: Sequence[_Recipe]) -> list[tuple[int, int]]:
    def likeness(left: str, right: str) -> float:
        a, b = wanted[int(left)], given[int(right)]
        if len(wanted) == len(given) == 1 and fold(a.name) == fold(b.name) != "":
            return 1.0  # one recipe a side, of one name: a pair whatever its ingredients
        shared = match_field(spec, a.items, b.items).f1 or 0.0
        return 0.5 * text_similarity(a.name, b.name) + 0.5 * shared

    places = [str(at) for at in range(len(wanted))], [str(at) for at in range(len(given))]
    return [(i, j) for i, j, _ in match_lists(*places, likeness, RECIPE_TAU).pairs]


def _inside(
    spec: FieldSpec, wanted: Sequence[_Recipe], given: Sequence[_Recipe], pairs: Sequence[tuple[int, int]]
) -> list[Score]:
    """Ingredients inside pairs; those of a recipe without a pair are all missing, or all too much."""
    shared, leaked, asked = 0, 0, 0
    for i, j in pairs:
        own = {place for _, place, _ in match_field(spec, wanted[i].items, given[j].items).pairs}
        others = [entry for at, recipe in enumerate(wanted) if at != i for entry in recipe.items]
        rest = [entry for at, entry in enumerate(given[j].items) if at not in own]
        shared += len(own)
        leaked += len(match_field(spec, others, rest).pairs)
        asked += len(given[j].items)
    total = sum(len(recipe.items) for side in (wanted, given) for recipe in side)
    return [
        Score("recipe_item_f1", 2 * shared / total if total else None, n=total,
              explanation=f"{shared} ingredients stand in the recipe they belong to."),
        Score("cross_leak", leaked / asked if asked else None, n=asked,
              explanation=f"{leaked} of {asked} ingredients belong to another recipe of the text."),
    ]  # fmt: skip
