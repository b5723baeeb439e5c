"""Figures that only all documents together have: agreement, rank correlation, R2, skill, quantiles (metrics A8, A11).

Each is written as a `Plan`: sums over documents and what they come to, so that it is drawn, left out and compared like
any mean. A missing or invalid number stands in as the farthest one its gold allows, so that an arm which answers only
what is easy gains nothing. Limits: kappa and correlations have no value where either side never changes.
"""

import numpy as np
from numpy.typing import NDArray

from training.evals.resampling import Figure, Plan

Floats = NDArray[np.float64]
BINS = 400  # different values that a quantile is looked up among
_TINY = 1e-9


def corpus_plan(name: str, columns: tuple[Floats, ...]) -> Plan:
    """The plan of one figure: qwk, spearman, r2 and skill of (gold, counted), latency_p50 and latency_p95 of (values,).

    Every array is whole: a document without a value is left out before. Raises KeyError for an unknown name.
    """
    if name.startswith("latency_p"):
        return _quantile(columns[0], int(name.removeprefix("latency_p")) / 100)
    plans = {"qwk": _qwk, "spearman": _spearman, "r2": _r2, "skill": _skill}
    return plans[name](columns[0], columns[1])


def _qwk(gold: Floats, given: Floats) -> Plan:
    """1 - mean squared error / what it would be between independent draws from both sides' own distributions.

    The same as Cohen's kappa with quadratic weights (Cohen 1968), without a table.
    """
    columns = np.stack([np.ones_like(gold), (gold - given) ** 2, gold, given, gold**2, given**2], axis=1)

    def figure(sums: Floats) -> Floats:
        n, error, g, p, gg, pp = sums.T
        by_chance = (gg + pp) / n - 2 * g * p / n**2
        return np.where(by_chance > _TINY, 1 - error / n / np.where(by_chance > _TINY, by_chance, 1.0), np.nan)

    return Plan(columns, figure)


def _r2(gold: Floats, given: Floats) -> Plan:
    """1 - squared errors / squared distances of the gold from its own mean, over the same documents."""
    columns = np.stack([np.ones_like(gold), (gold - given) ** 2, gold, gold**2], axis=1)

    def figure(sums: Floats) -> Floats:
        n, error, g, gg = sums.T
        spread = gg - g**2 / n
        return np.where(spread > _TINY, 1 - error / np.where(spread > _TINY, spread, 1.0), np.nan)

    return Plan(columns, figure)


def _skill(gold: Floats, given: Floats) -> Plan:
    """1 - mean error / mean error of the best constant, which is the median of these golds."""
    columns = np.stack([np.abs(gold - given), np.abs(gold - np.median(gold))], axis=1)

    def figure(sums: Floats) -> Floats:
        error, constant = sums.T
        return np.where(constant > _TINY, 1 - error / np.where(constant > _TINY, constant, 1.0), np.nan)

    return Plan(columns, figure)


def _spearman(gold: Floats, given: Floats) -> Plan:
    """Pearson's correlation of the ranks, ties sharing their mean rank. Counted per pair of values that occurs."""
    pairs, place = np.unique(np.stack([gold, given], axis=1), axis=0, return_inverse=True)
    columns = np.zeros((len(gold), len(pairs)))
    columns[np.arange(len(gold)), place.ravel()] = 1.0
    sides = [np.unique(pairs[:, side], return_inverse=True)[1].ravel() for side in (0, 1)]

    def figure(sums: Floats) -> Floats:
        middle = (sums.sum(axis=1, keepdims=True) + 1) / 2
        left, right = (_ranks(sums, codes) - middle for codes in sides)
        both = (sums * left * right).sum(axis=1)
        spread = np.sqrt((sums * left**2).sum(axis=1) * (sums * right**2).sum(axis=1))
        return np.where(spread > _TINY, both / np.where(spread > _TINY, spread, 1.0), np.nan)

    return Plan(columns, figure)


def _ranks(sums: Floats, codes: NDArray[np.intp]) -> Floats:
    """Each column's mean rank in each draw, its values being in the order of `codes`."""
    levels = np.zeros((len(codes), int(codes.max()) + 1))
    levels[np.arange(len(codes)), codes] = 1.0
    counts = sums @ levels
    return (np.cumsum(counts, axis=1) - counts / 2 + 0.5)[:, codes]


def _quantile(values: Floats, share: float) -> Plan:
    """The smallest value that at least `share` of the documents do not exceed; coarser above `BINS` values."""
    levels = np.unique(values)
    if len(levels) > BINS:
        levels = np.quantile(levels, np.linspace(0, 1, BINS), method="inverted_cdf")
    place = np.minimum(np.searchsorted(levels, values), len(levels) - 1)
    columns = np.zeros((len(values), len(levels)))
    columns[np.arange(len(values)), place] = 1.0

    def figure(sums: Floats) -> Floats:
        reached = np.cumsum(sums, axis=1)
        return levels[np.argmax(reached >= share * reached[:, -1:] - _TINY, axis=1)]

    return Plan(columns, figure)


def difference(a: Plan, b: Plan) -> Plan:
    """b - a over the same rows, drawn together."""
    cut = a.columns.shape[1]
    figure_a, figure_b = a.figure, b.figure

    def figure(sums: Floats) -> Floats:
        return figure_b(sums[:, cut:]) - figure_a(sums[:, :cut])

    made: Figure = figure
    return Plan(np.concatenate([a.columns, b.columns], axis=1), made)
