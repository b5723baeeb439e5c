"""Intervals around what was measured, all at 95 percent unless told otherwise (metrics B).

The unit is the document. A rate gets Wilson's interval, a mean a bias-corrected bootstrap (BCa, plain percentiles
where every value is equal and BCa has no answer), a pooled ratio a bootstrap over documents.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

RESAMPLES = 9999
Z95 = 1.959963984540054


class Interval(NamedTuple):
    low: float
    high: float


def wilson(successes: float, n: int, z: float = Z95) -> Interval | None:
    """Wilson's score interval of successes / n; None without trials."""
    if n == 0:
        return None
    rate = successes / n
    middle = rate + z * z / (2 * n)
    reach = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    whole = 1 + z * z / n
    return Interval(max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole))


def bootstrap_mean(values: Sequence[float], *, seed: int = 7, resamples: int = RESAMPLES) -> Interval | None:
    """Interval of the mean over documents; None for fewer than two, a point where all are equal."""
    if len(values) < 2:
        return None
    data = np.asarray(values, dtype=float)
    if np.ptp(data) == 0:
        return Interval(float(data[0]), float(data[0]))
    rng = np.random.default_rng(seed)
    got: Any = stats.bootstrap((data,), np.mean, method="BCa", n_resamples=resamples, rng=rng)
    low, high = float(got.confidence_interval.low), float(got.confidence_interval.high)
    if math.isnan(low) or math.isnan(high):
        got = stats.bootstrap((data,), np.mean, method="percentile", n_resamples=resamples, rng=rng)
        low, high = float(got.confidence_interval.low), float(got.confidence_interval.high)
    return Interval(low, high)


def bootstrap_ratio(
    parts: Sequence[float], wholes: Sequence[float], *, seed: int = 7, resamples: int = RESAMPLES
) -> Interval | None:
    """Interval of sum(parts) / sum(wholes) by drawing documents with replacement; None for fewer than two.

    A draw whose documents hold nothing to count is left out.
    """
    if len(parts) < 2:
        return None
    part, whole = np.asarray(parts, dtype=float), np.asarray(wholes, dtype=float)
    drawn = np.random.default_rng(seed).integers(0, len(part), size=(resamples, len(part)))
    below = whole[drawn].sum(axis=1)
    ratios = part[drawn].sum(axis=1)[below > 0] / below[below > 0]
    if not len(ratios):
        return None
    low, high = np.percentile(ratios, [2.5, 97.5])
    return Interval(float(low), float(high))


def mcnemar(a: Sequence[bool], b: Sequence[bool]) -> tuple[int, int, float]:
    """(pairs only a got, pairs only b got, exact two-sided p) for two arms on the same documents, in the same order."""
    only_a = sum(x and not y for x, y in zip(a, b, strict=True))
    only_b = sum(y and not x for x, y in zip(a, b, strict=True))
    return only_a, only_b, exact_sign_test(only_a, only_b)


def exact_sign_test(wins: int, losses: int) -> float:
    """Two-sided exact p that wins and losses are equally likely; ties are left out before. 1.0 without any."""
    got: Any = stats.binomtest(wins, wins + losses) if wins + losses else None
    return float(got.pvalue) if got is not None else 1.0
