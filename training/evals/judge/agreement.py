"""How well a judge agrees: with rules, with itself, with people (metrics C9). Plain arrays in, figures out.

Krippendorff's alpha for ordinal data after Krippendorff, Content Analysis (2004), chapter 11; limits of agreement after
Bland and Altman (1986); quadratic weighted kappa after Cohen (1968); the correction by a small set of human scores is
prediction-powered inference (Angelopoulos and others, 2023) for a mean. Every figure is None where it has no meaning.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, stdev
from typing import NamedTuple

import numpy as np
from scipy import stats

from training.evals.statistics import Z95, Interval


class Limits(NamedTuple):
    """Mean of judge - person, and where 95 percent of the differences lie."""

    bias: float
    low: float
    high: float


def spearman(left: Sequence[float], right: Sequence[float]) -> float | None:
    """Rank correlation; None for fewer than three pairs or a side without spread."""
    if len(left) < 3 or len(set(left)) < 2 or len(set(right)) < 2:
        return None
    return float(stats.spearmanr(left, right).statistic)  # pyright: ignore[reportAttributeAccessIssue]


def follows(judge: Sequence[float], known: Sequence[float]) -> float | None:
    """Rank correlation of a judge's scores with what is known; 0 for a judge that says the same of everything.

    None for fewer than three pairs, or where nothing differs in what is known.
    """
    if len(judge) < 3 or len(set(known)) < 2:
        return None
    return spearman(judge, known) or 0.0


def worse_of_two(pairs: Sequence[tuple[float, float, float, float]]) -> tuple[float | None, int]:
    """(AUC, n): of pairs (rule a, judge a, rule b, judge b) with different rule scores, how often the judge gives the
    lower score to the one that the rules call worse; ties count half."""
    points = [_agrees(judge_a, judge_b, rule_a < rule_b) for rule_a, judge_a, rule_b, judge_b in pairs
              if rule_a != rule_b]  # fmt: skip
    return (fmean(points), len(points)) if points else (None, 0)


def _agrees(judge_a: float, judge_b: float, a_worse: bool) -> float:
    if judge_a == judge_b:
        return 0.5
    return float((judge_a < judge_b) == a_worse)


def partial_correlation(x: Sequence[float], y: Sequence[float], given: Sequence[float]) -> float | None:
    """Rank correlation of x and y with `given` held still, 0 where x is always the same; None for fewer than five
    points, or where y is always the same."""
    if len(x) < 5 or len(set(y)) < 2:
        return None
    xy, xz, yz = spearman(x, y), spearman(x, given), spearman(y, given)
    if xy is None:
        return 0.0
    if xz is None or yz is None:  # nothing varies in what is held still
        return xy
    below = (1 - xz**2) * (1 - yz**2)
    return None if below <= 1e-12 else max(-1.0, min(1.0, (xy - xz * yz) / math.sqrt(below)))


def ordinal_alpha(units: Sequence[Sequence[float]]) -> float | None:
    """Krippendorff's alpha with ordinal distances: 1 agreement, 0 chance. A unit holds its raters' values; those with
    fewer than two are left out. None where nothing can be paired or all values are the same."""
    rated = [unit for unit in units if len(unit) > 1]
    values = sorted({value for unit in rated for value in unit})
    if len(values) < 2:
        return None
    place = {value: at for at, value in enumerate(values)}
    coincidence = np.zeros((len(values), len(values)))
    for unit in rated:
        counts = np.zeros(len(values))
        for value in unit:
            counts[place[value]] += 1
        coincidence += (np.outer(counts, counts) - np.diag(counts)) / (len(unit) - 1)
    totals = coincidence.sum(axis=1)
    n = totals.sum()
    running = np.cumsum(totals)
    spans = running[None, :] - (running - totals)[:, None]  # values from c to k, both included
    upper = np.triu((spans - (totals[:, None] + totals[None, :]) / 2) ** 2, 1)
    distance = upper + upper.T
    observed = float((coincidence * distance).sum())
    expected = float((np.outer(totals, totals) * distance).sum()) / (n - 1)
    return 1 - observed / expected if expected > 0 else None


def weighted_kappa(left: Sequence[float], right: Sequence[float], most: int = 10) -> float | None:
    """Quadratic weighted kappa of two raters over whole numbers 0..most (values are rounded)."""
    if not left:
        return None
    seen = np.zeros((most + 1, most + 1))
    for a, b in zip(left, right, strict=True):
        seen[round(a), round(b)] += 1
    grid = np.arange(most + 1)
    weights = (grid[:, None] - grid[None, :]) ** 2
    chance = np.outer(seen.sum(axis=1), seen.sum(axis=0)) / len(left)
    below = float((weights * chance).sum())
    return 1 - float((weights * seen).sum()) / below if below > 0 else None


def plain_kappa(left: Sequence[str], right: Sequence[str]) -> float | None:
    """Cohen's kappa of two raters over names; None without spread."""
    if not left:
        return None
    agreed = fmean(a == b for a, b in zip(left, right, strict=True))
    of_left, of_right = Counter(left), Counter(right)
    chance = sum(of_left[name] * of_right[name] for name in of_left) / len(left) ** 2
    return (agreed - chance) / (1 - chance) if chance < 1 else None


def limits_of_agreement(judge: Sequence[float], person: Sequence[float]) -> Limits | None:
    """Bland and Altman; None for fewer than two."""
    gaps = [a - b for a, b in zip(judge, person, strict=True)]
    if len(gaps) < 2:
        return None
    middle, reach = fmean(gaps), Z95 * stdev(gaps)
    return Limits(middle, middle - reach, middle + reach)


def corrected_mean(judge_all: Sequence[float], judged: Sequence[float], person: Sequence[float]) -> Interval | None:
    """95 percent interval of the mean that people would have given: the judge's mean over everything, put right by how
    far it was off on the documents that people scored. None for fewer than two of those."""
    if len(person) < 2 or len(judge_all) < 2:
        return None
    gaps = [p - j for p, j in zip(person, judged, strict=True)]
    middle = fmean(judge_all) + fmean(gaps)
    spread = math.sqrt(stdev(judge_all) ** 2 / len(judge_all) + stdev(gaps) ** 2 / len(gaps))
    return Interval(middle - Z95 * spread, middle + Z95 * spread)


def repeat_spread(repeats: Mapping[str, Sequence[float]]) -> tuple[float | None, float | None, int]:
    """(mean standard deviation within a document, share of documents with the same score each time, documents)."""
    found = [values for values in repeats.values() if len(values) > 1]
    if not found:
        return None, None, 0
    return fmean(stdev(values) for values in found), fmean(len(set(values)) == 1 for values in found), len(found)


def mean_interval(values: Sequence[float], bootstrap: Callable[..., Interval | None]) -> tuple[float | None, ...]:
    """(mean, low, high) of values."""
    if not values:
        return None, None, None
    found = bootstrap(values)
    return (fmean(values), *(found if found is not None else (None, None)))
