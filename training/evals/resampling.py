"""Drawing documents with replacement, and flipping signs: fast, repeatable, and in memory that does not grow.

A statistic is given as sums: a matrix with one row a document (or cluster), whose columns are added up over the drawn
rows, and a function from those sums to the figure. So a mean, a ratio and a kappa are all drawn by one matrix product,
two arms are drawn together by laying their columns side by side, and leaving one row out costs nothing.

The same seed draws the same documents for every metric and arm of an evaluation. Up to `LARGE` rows the draws are those
of scipy.stats.bootstrap with that seed; above, `MANY` draws are enough (an end of the interval is then within a
sixteenth of a standard error). Draws are kept for the next metric over equally many rows, within `_KEPT` bytes.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Figure = Callable[[Floats], Floats]  # (draws, columns) sums -> (draws,) figures, NaN where they have none

RESAMPLES = 9999
LARGE, MANY = 2000, 1999
SEED = 7
NORMAL = NormalDist()
EXACT_FLIPS = 13  # so many rows or fewer: every flip of signs is tried
_KEPT = 32_000_000  # bytes of draws that are kept of one number of rows, for two of them; up to
_SMALL = 4_000_000  # so many for `_SIZES` of them
_SIZES = 24
_BLOCK = 2_000_000  # numbers looked at together


class Interval(NamedTuple):
    low: float
    high: float


class Plan(NamedTuple):
    """What is drawn: (rows, columns), one row a document or cluster, and the figure of the columns' sums."""

    columns: Floats
    figure: Figure


class Drawn(NamedTuple):
    """A statistic over all rows (`point`), over each draw (NaN left out) and with each row left out."""

    point: float
    draws: Floats
    left_out: Floats


def draws_for(n: int, resamples: int = RESAMPLES) -> int:
    """How many draws are made of n rows."""
    return min(resamples, MANY) if n > LARGE else resamples


def draw(columns: Floats, figure: Figure, resamples: int = RESAMPLES, seed: int = SEED) -> Drawn:
    """Draws of rows of `columns` (rows, columns) with replacement. At least one row."""
    return draw_many([Plan(columns, figure)], resamples, seed)[0]


def draw_many(plans: Sequence[Plan], resamples: int = RESAMPLES, seed: int = SEED) -> list[Drawn]:
    """Each plan's draws, in the plans' order. Those with equally many rows share the same draws, and their cost."""
    drawn: dict[int, Drawn] = {}
    sizes = {len(plan.columns) for plan in plans}
    for size in sizes:
        places = [at for at, plan in enumerate(plans) if len(plan.columns) == size]
        chosen = [plans[at] for at in places]
        drawn |= dict(zip(places, _draw_alike(chosen, draws_for(size, resamples), seed), strict=True))
    return [drawn[at] for at in range(len(plans))]


def _draw_alike(plans: Sequence[Plan], resamples: int, seed: int) -> list[Drawn]:
    columns = np.concatenate([plan.columns for plan in plans], axis=1)
    ends = np.cumsum([plan.columns.shape[1] for plan in plans])[:-1]
    found: list[list[Floats]] = [[] for _ in plans]
    with np.errstate(invalid="ignore", divide="ignore"):
        for counts in _counts(len(columns), resamples, seed):
            sums = counts.astype(np.float64) @ columns
            for plan, part, kept in zip(plans, np.split(sums, ends, axis=1), found, strict=True):
                kept.append(plan.figure(part))
        return [_drawn(plan, np.concatenate(kept)) for plan, kept in zip(plans, found, strict=True)]


def _drawn(plan: Plan, draws: Floats) -> Drawn:
    total = plan.columns.sum(axis=0)[None]
    point = float(plan.figure(total)[0])
    return Drawn(point, draws[~np.isnan(draws)], plan.figure(total - plan.columns))


def ratio(sums: Floats) -> Floats:
    """First column over second: a mean, or a pooled share. NaN where there is nothing to divide by."""
    there = sums[:, 1] > 0
    shares: Floats = np.where(there, sums[:, 0] / np.where(there, sums[:, 1], 1.0), np.nan)
    return shares


def by_cluster(columns: Floats, groups: NDArray[np.int64] | None) -> Floats:
    """Rows added up by cluster; the rows as they are without clusters."""
    if groups is None:
        return columns
    n = int(groups.max()) + 1
    sums = [np.bincount(groups, weights=column, minlength=n).astype(float) for column in columns.T]
    return np.stack(sums, axis=1)


def percentiles(draws: Floats, level: float = 0.95) -> Interval | None:
    """The middle `level` of the draws; None without any."""
    if not len(draws):
        return None
    tail = 50 * (1 - level)
    low, high = np.percentile(draws, [tail, 100 - tail])
    return Interval(float(low), float(high))


def bca(drawn: Drawn, level: float = 0.95) -> Interval | None:
    """Bias-corrected and accelerated interval (Efron 1987); plain percentiles where it has no answer.

    It has none where every draw is equal or lies on one side of the point, and where rows left out change nothing.
    """
    draws, point = drawn.draws, drawn.point
    if not len(draws) or math.isnan(point):
        return None
    near = 1e-12 * max(1.0, abs(point))
    below = (np.count_nonzero(draws < point - near) + np.count_nonzero(draws <= point + near)) / 2 / len(draws)
    left = drawn.left_out[~np.isnan(drawn.left_out)]
    away = left.mean() - left if len(left) else left
    spread = float((away**2).sum())
    if not 0 < below < 1 or spread <= near**2:
        return percentiles(draws, level)
    z, skew = NORMAL.inv_cdf(below), float((away**3).sum()) / (6 * spread**1.5)
    ends: list[float] = []
    for edge in (NORMAL.inv_cdf((1 - level) / 2), NORMAL.inv_cdf((1 + level) / 2)):
        bent = 1 - skew * (z + edge)
        if bent <= 0:
            return percentiles(draws, level)
        ends.append(100 * NORMAL.cdf(z + (z + edge) / bent))
    low, high = np.percentile(draws, ends)
    return Interval(float(low), float(high))


def two_sided(draws: Floats) -> float | None:
    """How far out 0 lies among draws of a difference: the level at which their percentiles begin to leave it out."""
    if not len(draws):
        return None
    n = len(draws) + 1
    one_side = min(np.count_nonzero(draws <= 0) + 1, np.count_nonzero(draws >= 0) + 1) / n
    return min(1.0, 2 * one_side)


def sign_flip(differences: Floats, resamples: int = RESAMPLES, seed: int = SEED) -> float:
    """Two-sided p that the mean difference is 0: how many flips of signs give a sum as far from 0.

    Exact for up to `EXACT_FLIPS` differences that are not 0, else drawn; above `LARGE` of them by the normal law, which
    the sum then follows to more digits than a draw would give. 1.0 without any.
    """
    moved = differences[np.abs(differences) > 0]
    if not len(moved):
        return 1.0
    reached = abs(float(moved.sum())) * (1 - 1e-12)
    if len(moved) <= EXACT_FLIPS:
        signs = 1 - 2 * ((np.arange(2 ** len(moved))[:, None] >> np.arange(len(moved))) & 1)
        return float((np.abs(signs @ moved) >= reached).mean())
    if len(moved) > LARGE:
        return math.erfc(reached / math.sqrt(2 * float((moved**2).sum())))
    far = sum(int((np.abs(block @ moved) >= reached).sum()) for block in _signs(len(moved), resamples, seed))
    return (far + 1) / (resamples + 1)


def cluster_sign_flip(differences: Floats, groups: NDArray[np.int64] | None, resamples: int = RESAMPLES) -> float:
    """`sign_flip` where documents of a cluster flip together, because they are not independent."""
    return sign_flip(by_cluster(differences[:, None], groups)[:, 0], resamples)


def _counts(n: int, resamples: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    """How often each of n rows is drawn, in blocks of draws. A count past 255 of more than 255 rows never comes."""
    rows = max(1, _BLOCK // n)
    if n * resamples > _KEPT:
        yield from _count_blocks(n, resamples, seed, rows)
        return
    kept = (_kept_small if n * resamples <= _SMALL else _kept_large)(n, resamples, seed)
    for start in range(0, resamples, rows):
        yield kept[start : start + rows]


def _whole(n: int, resamples: int, seed: int) -> NDArray[np.uint8]:
    return np.concatenate(list(_count_blocks(n, resamples, seed, max(1, _BLOCK // n))))


_kept_small = lru_cache(maxsize=_SIZES)(_whole)
_kept_large = lru_cache(maxsize=2)(_whole)


def _count_blocks(n: int, resamples: int, seed: int, rows: int) -> Iterator[NDArray[np.uint8]]:
    rng = np.random.default_rng(seed)
    for start in range(0, resamples, rows):
        size = min(rows, resamples - start)
        drawn = rng.integers(0, n, size=(size, n)) + n * np.arange(size)[:, None]
        yield np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(np.uint8)


def _signs(n: int, resamples: int, seed: int) -> Iterator[Floats]:
    rng = np.random.default_rng(seed)
    rows = max(1, _BLOCK // n)
    for start in range(0, resamples, rows):
        yield (1 - 2 * rng.integers(0, 2, size=(min(rows, resamples - start), n), dtype=np.int8)).astype(np.float64)
