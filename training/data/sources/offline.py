"""The built-in sources: our own recipe grammar, the recipes in `assets/corpus`, and our own AI-news items.

No network and no key. A row depends on the seed and its number alone: asking for more rows keeps the first ones. Each
row carries its licence. News runs on day by day from where the seed starts, and its group is the issue. A recipe's
group is its title here, in whatever case: variants of one dish stay together.
"""

import hashlib
import random
from collections.abc import Iterator, Mapping
from itertools import count, islice
from typing import Any

from training.data.corpus import Recipe, training_recipes
from training.data.news import news_item
from training.data.recipes import grammar_recipe, with_facts
from training.data.rows import SourceRow
from training.data.sources.groups import recipe_group
from training.errors import DataError

KINDS = ("grammar", "corpus", "news")
NEWS_LICENCE = "Apache-2.0"  # ours, as the grammar's
NEWS_STARTS, NEWS_STEP = 900, 996  # a seed starts at one of so many items, whole issues apart


def offline_rows(
    kind: str, seed: int, origin: str = "", shares: Mapping[str, float] | None = None
) -> Iterator[SourceRow]:
    """Rows of one built-in source from its number 1 on; `corpus` ends, the others do not. `shares` are of news."""
    origin = origin or kind
    if kind == "grammar":
        return (_grammar_row(seed, number, origin) for number in count(1))
    if kind == "corpus":
        return _corpus_rows(seed, origin)
    if kind == "news":
        return (_news_row(seed, number, origin, shares) for number in count(1))
    raise DataError(f"There is no built-in source {kind!r}.", fix=f"Use one of: {', '.join(KINDS)}.")


def recipe_fields(recipe: Recipe) -> dict[str, Any]:
    """A corpus recipe under the fields' names; what it does not say is absent."""
    fields = {
        "title": recipe.title,
        "ingredients": list(recipe.ingredients),
        "steps": list(recipe.steps),
        "description": recipe.description,
        "prep_minutes": recipe.prep_minutes,
        "cook_minutes": recipe.cook_minutes,
        "total_minutes": recipe.total_minutes,
        "recipe_yield": recipe.recipe_yield,
        "category": recipe.category,
        "cuisine": recipe.cuisine,
        "keywords": recipe.keywords,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _recipe_row(recipe: Recipe, origin: str, place: str) -> SourceRow:
    return SourceRow(recipe_fields(recipe), origin, place, recipe_group(recipe.title), recipe.licence)


def _grammar_row(seed: int, number: int, origin: str) -> SourceRow:
    rng = random.Random(f"grammar|{seed}|{number}")
    return _recipe_row(with_facts(grammar_recipe(rng), rng), origin, f"number {number}")


def _corpus_rows(seed: int, origin: str) -> Iterator[SourceRow]:
    """Every recipe that may train, in an order that the seed decides. The held-out hundred are not among them."""

    def rank(numbered: tuple[int, Recipe]) -> str:
        number, recipe = numbered
        return hashlib.sha256(f"corpus|{seed}|{recipe.source}|{recipe.title}|{number}".encode()).hexdigest()

    for number, recipe in sorted(enumerate(training_recipes(), 1), key=rank):
        yield _recipe_row(recipe, origin, f"number {number} of the corpus ({recipe.source})")


def _news_row(seed: int, number: int, origin: str, shares: Mapping[str, float] | None) -> SourceRow:
    item = news_item(seed % NEWS_STARTS * NEWS_STEP + number - 1, shares)
    return SourceRow(item.fields, origin, f"number {number}", f"issue-{item.issue}", NEWS_LICENCE, item.date)


def take(rows: Iterator[SourceRow], wanted: int, called: str) -> Iterator[SourceRow]:
    """The first `wanted` rows. DataError where there are fewer: a smaller set than asked for is not made in silence."""
    given = 0
    for row in islice(rows, wanted):
        given += 1
        yield row
    if given < wanted:
        raise DataError(
            f"{called} holds {given:,} rows, not the {wanted:,} asked for.", fix=f"Ask for {given:,} or fewer."
        )
