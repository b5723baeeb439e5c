"""ANLS*: one number for two nested objects, to stand beside figures that others publish (metrics A4, secondary).

Two texts are 1 - edit distance / the longer one's length, 0 below THRESHOLD; dicts are compared key by key, lists by
the best one-to-one assignment; the score is the sum over all leaves of either side over how many there are. It knows
nothing of amounts, synonyms or order: reversed steps score 1, "rice flour" for "wheat flour" 0.55.

Source: Peer and others 2024, ANLS* (arXiv 2402.03848); the tests hold it against the authors' own package, which is not
used here because it takes some hundred times as long.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from rapidfuzz.distance import Levenshtein

THRESHOLD = 0.5  # the paper's: less alike than this is not alike
TIE = 1e-12  # equal values go together where others are as good


class Told(NamedTuple):
    """The similarities of the leaves of a pair added up, and how many leaves that is out of."""

    sum: float
    leaves: int

    @property
    def share(self) -> float:
        return self.sum / self.leaves if self.leaves else 1.0


def anls_star(right: Any, given: Any) -> float | None:
    """0 to 1 over the leaves of two JSON values; None where both are empty. Never raises on values read from JSON."""
    return None if _nothing(right) and _nothing(given) else _pair(right, given).share


def _pair(right: Any, given: Any) -> Told:
    if right is None:
        return Told(float(_nothing(given)), max(1, _leaves(given)))
    if isinstance(right, dict) and isinstance(given, dict):
        return _dicts(cast("dict[str, Any]", right), cast("dict[str, Any]", given))
    if isinstance(right, list) and isinstance(given, list):
        return _lists(cast("list[Any]", right), cast("list[Any]", given))
    if isinstance(right, (dict, list)) or isinstance(given, (dict, list)) or given is None:
        return Told(0.0, max(_leaves(right), _leaves(given)))
    alike = Levenshtein.normalized_similarity(_plain(right), _plain(given))
    return Told(alike if alike >= THRESHOLD else 0.0, 1)


def _dicts(right: Mapping[str, Any], given: Mapping[str, Any]) -> Told:
    total, leaves = 0.0, 0
    for key in dict.fromkeys((*right, *given)):
        told = _pair(right.get(key), given.get(key))
        # An empty value under a key of its own adds nothing and counts as a leaf, as the authors have it.
        total += told.sum if key in right or not _nothing(given[key]) else 0.0
        leaves += told.leaves
    return Told(total, leaves)


def _lists(right: list[Any], given: list[Any]) -> Told:
    pairs = [[_pair(one, other) for other in given] for one in right]
    chosen: list[tuple[int, int]] = []
    if right and given:
        # Imported here: half a second that the first page need not wait for.
        from scipy.optimize import linear_sum_assignment  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

        worth = [
            [told.share + (TIE if one == other else 0.0) for told, other in zip(row, given, strict=True)]
            for row, one in zip(pairs, right, strict=True)
        ]
        rows, columns = cast("tuple[list[int], list[int]]", linear_sum_assignment(worth, maximize=True))
        chosen = [(int(row), int(column)) for row, column in zip(rows, columns, strict=True)]
    alone = sum(_leaves(one) for at, one in enumerate(right) if at not in {row for row, _ in chosen})
    alone += sum(_leaves(one) for at, one in enumerate(given) if at not in {column for _, column in chosen})
    matched = [pairs[row][column] for row, column in chosen]
    return Told(sum(told.sum for told in matched), sum(told.leaves for told in matched) + alone)


def _leaves(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_leaves, cast("dict[str, Any]", value).values()))
    return sum(map(_leaves, cast("list[Any]", value))) if isinstance(value, list) else 1


def _nothing(value: Any) -> bool:
    return value is None or value in ({}, [], "")


def _plain(value: Any) -> str:
    return " ".join(str(value).lower().split())
