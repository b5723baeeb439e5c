"""Tests by ranks, of equivalence, of several arms; corrections for many tests; what could have been found (metrics B).

Every p is two-sided unless the name says otherwise, and every function is about paired differences d = b - a, one a
document (or one a cluster, added up before). Nothing here prints power after the fact: it is a function of p alone.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from training.evals.resampling import RESAMPLES, SEED, Interval, percentiles

Floats = NDArray[np.float64]
POWER, ALPHA = 0.8, 0.05
DETECTED = 1.959963984540054 + 0.8416212335729143  # quantiles of 97.5 and 80 percent: standard errors
_EXACT_DOCUMENTS = 1000  # up to here the power of McNemar's test is added up exactly


def _stats() -> Any:
    """scipy.stats, imported when something is tested: a page that only names metrics need not wait for it."""
    from scipy import stats

    return stats


def wilcoxon_pratt(differences: ArrayLike) -> float:
    """p of the signed-rank test with zeros ranked along and then dropped (Pratt 1959); 1.0 where every one is 0.

    Ties make up most of a 0-10 scale, and dropping zeros first calls chance a finding.
    """
    data = np.asarray(differences, dtype=float)
    if not np.any(data):
        return 1.0
    found: Any = _stats().wilcoxon(data, zero_method="pratt", method="approx")
    return float(found.pvalue)


def hodges_lehmann(differences: ArrayLike, most: int = 2000, seed: int = SEED) -> float:
    """The median of the means of all pairs of differences; above `most` differences of as many drawn ones."""
    data = np.asarray(differences, dtype=float)
    if len(data) > most:
        data = np.random.default_rng(seed).choice(data, most, replace=False)
    rows, columns = np.triu_indices(len(data))
    return float(np.median((data[rows] + data[columns]) / 2))


def rank_biserial(differences: ArrayLike) -> float | None:
    """Ranks of positive minus ranks of negative differences over all, -1..1 (Kerby 2014); None where all are 0."""
    data = np.asarray(differences, dtype=float)
    data = data[data != 0]
    if not len(data):
        return None
    ranks = _stats().rankdata(np.abs(data))
    return float((ranks[data > 0].sum() - ranks[data < 0].sum()) / ranks.sum())


def d_z(differences: ArrayLike) -> float | None:
    """Mean over standard deviation of the differences; None where they do not differ.

    The pooled-deviation d of two independent groups is another number and does not belong on paired data.
    """
    data = np.asarray(differences, dtype=float)
    spread = float(data.std(ddof=1)) if len(data) > 1 else 0.0
    return float(data.mean()) / spread if spread > 0 else None


def better_share(wins: int, ties: int, losses: int) -> float | None:
    """P(better) + half P(tie), 0..1; None without documents."""
    n = wins + ties + losses
    return (wins + ties / 2) / n if n else None


class Equivalence(NamedTuple):
    """Two one-sided t tests: p that the mean difference lies outside -margin..margin, and its 90 percent interval."""

    p: float
    low: float
    high: float


def tost(differences: ArrayLike, margin: float) -> Equivalence | None:
    """Are two arms the same within `margin`, fixed beforehand? p < 0.05 says yes. None for fewer than two of them."""
    data = np.asarray(differences, dtype=float)
    n = len(data)
    if n < 2:
        return None
    mean, error = float(data.mean()), float(data.std(ddof=1)) / math.sqrt(n)
    if error == 0:
        return Equivalence(0.0 if abs(mean) < margin else 1.0, mean, mean)
    above = float(_stats().t.sf((mean + margin) / error, n - 1))
    below = float(_stats().t.cdf((mean - margin) / error, n - 1))
    reach = float(_stats().t.ppf(0.95, n - 1)) * error
    return Equivalence(max(above, below), mean - reach, mean + reach)


class Friedman(NamedTuple):
    """`ranks` are the arms' mean ranks (1 is the lowest value), with the interval of each over documents."""

    statistic: float
    p: float
    ranks: tuple[float, ...]
    intervals: tuple[Interval, ...]


def friedman(values: ArrayLike, *, resamples: int = RESAMPLES, seed: int = SEED) -> Friedman | None:
    """Do K arms differ at all? `values` (documents, arms), whole. None for fewer than three arms or two documents."""
    table = np.asarray(values, dtype=float)
    if table.ndim != 2 or table.shape[1] < 3 or len(table) < 2:
        return None
    ranks = _stats().rankdata(table, axis=1)
    means = tuple(float(mean) for mean in ranks.mean(axis=0))
    if np.all(ranks == ranks[:, :1]):
        return Friedman(0.0, 1.0, means, tuple(Interval(mean, mean) for mean in means))
    found: Any = _stats().friedmanchisquare(*table.T)
    rng = np.random.default_rng(seed)
    drawn = np.stack([ranks[rng.integers(0, len(ranks), len(ranks))].mean(axis=0) for _ in range(resamples)])
    intervals = [percentiles(column) or Interval(math.nan, math.nan) for column in drawn.T]
    return Friedman(float(found.statistic), float(found.pvalue), means, tuple(intervals))


def holm(ps: Sequence[float]) -> list[float]:
    """Adjusted p in the given order: with these, all tests together err in at most 5 percent (Holm 1979)."""
    adjusted = [0.0] * len(ps)
    reached = 0.0
    for rank, at in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        reached = max(reached, min(1.0, (len(ps) - rank) * ps[at]))
        adjusted[at] = reached
    return adjusted


def benjamini_hochberg(ps: Sequence[float]) -> list[float]:
    """Adjusted p in the given order: of what these call a finding, 5 percent are none (Benjamini & Hochberg 1995)."""
    adjusted = [0.0] * len(ps)
    reached = 1.0
    for left, at in enumerate(sorted(range(len(ps)), key=lambda i: ps[i], reverse=True)):
        reached = min(reached, ps[at] * len(ps) / (len(ps) - left))
        adjusted[at] = reached
    return adjusted


def mde_mean(sd: float, n: int) -> float | None:
    """The mean difference that 80 percent of evaluations of this size find at 5 percent, in the metric's own unit."""
    return DETECTED * sd / math.sqrt(n) if n > 1 else None


@lru_cache(maxsize=512)
def mde_mcnemar(n: int, discordant: float) -> float | None:
    """The difference of two rates that McNemar's exact test finds in 80 percent of evaluations of n documents.

    `discordant` is the share of documents on which the arms differ; a larger difference than that needs more of them
    and is looked for with as many. None where even a difference on every document is too little to find. Above
    `_EXACT_DOCUMENTS` by the normal law.
    """
    if n > _EXACT_DOCUMENTS:
        share = max(discordant, DETECTED**2 / (n + DETECTED**2))
        return min(1.0, DETECTED * math.sqrt(share) / math.sqrt(n + DETECTED**2))
    if n < 1 or mcnemar_power(n, 1.0, 1.0) < POWER:
        return None
    low, high = 0.0, 1.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        if mcnemar_power(n, max(discordant, middle), middle) < POWER:
            low = middle
        else:
            high = middle
    return high


def mcnemar_power(n: int, discordant: float, difference: float) -> float:
    """The chance that the exact test finds `difference` at 5 percent when the arms differ on `discordant` of n."""
    if discordant <= 0:
        return 0.0
    law: Any = _stats().binom
    low, high = (int(edge) for edge in law.ppf([1e-9, 1 - 1e-9], n, discordant))
    differing = np.arange(max(low, 1), high + 1)
    losses = law.ppf(ALPHA / 2, differing, 0.5)  # the most losses that the test still calls a finding
    losses = losses - (law.cdf(losses, differing, 0.5) > ALPHA / 2)
    share = min(1.0, (discordant + difference) / (2 * discordant))
    ends = law.cdf(losses, differing, 1 - share) + law.cdf(losses, differing, share)
    return float((law.pmf(differing, n, discordant) * np.where(losses >= 0, ends, 0.0)).sum())
