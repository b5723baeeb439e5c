"""How much of an ingredient: a line's amount in base units, compared within 2 percent (metrics A6).

Volumes are brought to millilitres and masses to grams; a volume never equals a mass, because no density is known.
Everything else is counted by its own noun (2 cloves, 1 can). Limit: the units are those of English recipes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from training.task.score.lists import UNIT_WORDS
from training.task.score.text import Token, tokenise

MILLILITERS = {
    "milliliter": 1.0, "centiliter": 10.0, "deciliter": 100.0, "liter": 1000.0, "teaspoon": 4.92892,
    "tablespoon": 14.7868, "cup": 236.588, "fluid ounce": 29.5735, "pint": 473.176, "quart": 946.353,
    "gallon": 3785.41,
}  # fmt: skip
GRAMS = {"milligram": 0.001, "gram": 1.0, "kilogram": 1000.0, "ounce": 28.3495, "pound": 453.592}
COUNTED = frozenset(UNIT_WORDS - MILLILITERS.keys() - GRAMS.keys() - {"fluid", "fl", "inch", "centimeter", "dozen"})
TOLERANCE = 0.02


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount `low`..`high` (equal where it is no range) as written, and `unit` by its long name, "" for none."""

    low: float
    high: float
    unit: str

    @property
    def dimension(self) -> str:
        """volume | mass | the noun that is counted."""
        if self.unit in MILLILITERS:
            return "volume"
        return "mass" if self.unit in GRAMS else self.unit

    @property
    def base(self) -> tuple[float, float]:
        """Both ends in millilitres, grams or pieces."""
        factor = MILLILITERS.get(self.unit) or GRAMS.get(self.unit) or 1.0
        return self.low * factor, self.high * factor


def parse_quantity(line: str) -> Quantity | None:
    """The first amount of an ingredient line; None where it has none. "a pinch" is 1 pinch, "a dozen eggs" is 12."""
    bare = re.sub(r"\([^()]*\)", " ", line)
    tokens = [token for token in tokenise(bare) if token.key not in ("about", "approximately", "of")]
    for at, token in enumerate(tokens):
        following = tokens[at + 1 :]
        if token.key in ("a", "an") and following and (following[0].key in UNIT_WORDS):
            return _measured(1.0, 1.0, following)
        if token.number is not None:
            low = high = token.number
            after = next((place for place, other in enumerate(following[:2]) if other.number is not None), None)
            if after is not None and _is_range(bare, token, following[after]):
                high, following = following[after].number or low, following[after + 1 :]
            return _measured(low, high, following)
    return None


def numbers_of(text: str) -> set[float]:
    """Every number a text states, words, fractions and glyphs alike; "a" before a unit is 1 ("a pinch")."""
    return token_numbers(tokenise(text))


def token_numbers(tokens: Sequence[Token]) -> set[float]:
    """`numbers_of` a text that is tokenised already."""
    stated = {token.number for token in tokens if token.number is not None}
    for token, after in pairwise(tokens):
        if token.key in ("a", "an") and after.key in UNIT_WORDS:
            stated.add(12.0 if after.key == "dozen" else 1.0)
        elif token.number is not None and after.key == "dozen":
            stated.add(token.number * 12)
    return stated


def same_quantity(gold: Quantity, pred: Quantity | None) -> bool:
    """Same dimension, and both ends within 2 percent in base units."""
    if pred is None or gold.dimension != pred.dimension:
        return False
    return all(abs(a - b) <= TOLERANCE * max(abs(a), abs(b)) for a, b in zip(gold.base, pred.base, strict=True))


@dataclass(frozen=True, slots=True)
class QuantityCounts:
    """Over matched ingredient pairs. `quantity_n` pairs have an amount in the gold, `unit_n` a unit there."""

    pairs: int
    quantity_ok: int
    quantity_n: int
    unit_ok: int
    unit_n: int
    invented: int  # pairs whose predicted line states a number that neither the gold nor the source has
    with_number: int  # pairs whose predicted line states a number
    exact: int  # pairs whose amount is right, or absent on both sides


def count_quantities(pairs: Sequence[tuple[str, str]], source_numbers: set[float]) -> QuantityCounts:
    """Amounts over (gold line, predicted line) pairs that name the same ingredient."""
    quantity_ok = quantity_n = unit_ok = unit_n = invented = with_number = exact = 0
    for gold_line, pred_line in pairs:
        gold, pred = parse_quantity(gold_line), parse_quantity(pred_line)
        right = same_quantity(gold, pred) if gold else pred is None
        exact += right
        quantity_n += gold is not None
        quantity_ok += gold is not None and right
        if gold is not None and gold.unit:
            unit_n += 1
            unit_ok += pred is not None and pred.unit == gold.unit
        stated = numbers_of(pred_line)
        with_number += bool(stated)
        invented += bool(stated - numbers_of(gold_line) - source_numbers)
    return QuantityCounts(len(pairs), quantity_ok, quantity_n, unit_ok, unit_n, invented, with_number, exact)


def _measured(low: float, high: float, following: Sequence[Token]) -> Quantity:
    if following and following[0].key == "dozen":
        return Quantity(low * 12, high * 12, "")
    keys = [token.key for token in following]
    if keys[:2] == ["fluid", "ounce"] or keys[:2] == ["fl", "ounce"]:
        return Quantity(low, high, "fluid ounce")
    if keys and (keys[0] in MILLILITERS or keys[0] in GRAMS):
        return Quantity(low, high, keys[0])
    return Quantity(low, high, next((key for key in keys if key in COUNTED), ""))


def _is_range(line: str, low: Token, high: Token) -> bool:
    between = line[low.end : high.start].strip().lower()
    return between in ("-", "–", "—", "to", "or") and (high.number or 0) >= (low.number or 0)
