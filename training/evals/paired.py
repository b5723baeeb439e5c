"""Two arms on the same documents: difference, interval, test, effect and what could have been found (metrics B).

Documents are paired by id, and both arms must have answered the same ones. Differences are always b - a:

- rate    over documents with a value in both arms: Newcombe's interval, McNemar's exact test, Cohen's g
- mean    the same documents: BCa of the mean difference, sign flips, d_z (by ranks on an ordinal scale: Pratt's
          Wilcoxon and the rank-biserial correlation)
- pooled, corpus   over all documents of either arm, drawn together: the difference of the two figures, percentiles;
  tested from `FEWEST_DRAWN` documents or clusters on, quantiles never

Where documents come in clusters, clusters are drawn and flipped. The primary metric is tested without correction, the
confirmatory ones are corrected together (Holm), everything else is exploratory (Benjamini-Hochberg).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.evals.cells import Cells, Floats, Labels
from training.evals.corpus import difference
from training.evals.hypotheses import (
    DETECTED,
    Equivalence,
    benjamini_hochberg,
    d_z,
    hodges_lehmann,
    holm,
    mde_mcnemar,
    mde_mean,
    rank_biserial,
    tost,
    wilcoxon_pratt,
)
from training.evals.measuring import Groups, among, arm_plan, arm_rows, cluster_note, drawn_plan, is_rate
from training.evals.metrics import MetricSpec, confirmatory_metrics, metric_specs
from training.evals.resampling import (
    Drawn,
    Interval,
    Plan,
    bca,
    by_cluster,
    cluster_sign_flip,
    draw_many,
    percentiles,
    ratio,
    sign_flip,
    two_sided,
)
from training.evals.statistics import exact_sign_test, mcnemar_mid_p, newcombe_paired
from training.task.pack import Pack

__all__ = [
    "Family", "PairFigure", "benjamini_hochberg", "cluster_sign_flip", "compare_arms", "compare_metrics",
    "declared_margins", "exact_sign_test", "holm", "mcnemar_mid_p", "mde_mcnemar", "mde_mean", "newcombe_paired",
    "sign_flip", "tost", "wilcoxon_pratt",
]  # fmt: skip
Family = Literal["primary", "confirmatory", "exploratory"]
SAME = 1e-12  # values nearer than this are a tie
FEWEST_DRAWN = 20  # documents or clusters below which a draw's share beyond zero is no p: too many false alarms
NO_MARGINS: Mapping[str, float] = {}


@dataclass(frozen=True, slots=True)
class PairFigure:
    """One metric of two arms. `p` is two-sided; `p_adjusted` after the correction of its `family`.

    `effect` in the sense of `effect_name`; `detectable` is the difference that 80 % of such evaluations would find at
    5 %. `wins` documents are better in b, `losses` in a (higher counts as better where neither way is).

    Where a `margin` was declared before, `p_same` says whether the arms are the same within it (two one-sided tests;
    below 0.05 they are), `same_low` and `same_high` are the 90 % interval that this rests on, and `p_mid` is McNemar's
    mid-p of a rate. `shift` is the Hodges-Lehmann estimate on an ordinal scale.
    """

    a: str
    b: str
    metric: str
    difference: float | None
    ci_low: float | None
    ci_high: float | None
    test: str
    p: float | None
    p_adjusted: float | None
    effect: float | None
    effect_name: str
    detectable: float | None
    n: int
    wins: int
    ties: int
    losses: int
    family: Family = "exploratory"
    n_clusters: int | None = None
    note: str = ""
    margin: float | None = None
    p_same: float | None = None
    same_low: float | None = None
    same_high: float | None = None
    p_mid: float | None = None
    shift: float | None = None


class _Pair(NamedTuple):
    """One metric of both arms on the documents it is compared on."""

    spec: MetricSpec
    a: Cells
    b: Cells
    rows: NDArray[np.bool_]
    groups: Groups  # of the documents in `rows`
    all_groups: Groups  # of all documents

    @property
    def sides(self) -> tuple[Floats, Floats]:
        """Each document's own value in both arms, NaN where it has none."""
        return _own(self.spec, self.a)[self.rows], _own(self.spec, self.b)[self.rows]

    @property
    def differences(self) -> Floats:
        a, b = self.sides
        return b - a

    @property
    def n_clusters(self) -> int | None:
        return int(self.groups.max()) + 1 if self.groups is not None else None


class _Found(NamedTuple):
    interval: Interval | None
    test: str
    p: float | None
    effect: float | None
    effect_name: str
    detectable: float | None
    p_mid: float | None = None
    shift: float | None = None


def compare_arms(pack: Pack, cells_a: Cells, cells_b: Cells, a: str, b: str, clusters: Labels) -> list[PairFigure]:
    """Every metric of the task that both arms have, the primary one first. InputError for different documents.

    `clusters` are labels in the order of `cells_a`'s documents, or by document id; None: every document stands alone.
    """
    specs = metric_specs(pack)
    found = compare_metrics(specs, cells_a, cells_b, (a, b), clusters, declared_margins(pack))
    families: dict[str, Family] = dict.fromkeys(confirmatory_metrics(pack), "confirmatory")
    families[specs[0].name] = "primary"
    return _corrected([replace(figure, family=families.get(figure.metric, "exploratory")) for figure in found])


def compare_metrics(
    specs: Sequence[MetricSpec], cells_a: Cells, cells_b: Cells, names: tuple[str, str], clusters: Labels = None,
    margins: Mapping[str, float] = NO_MARGINS,
) -> list[PairFigure]:  # fmt: skip
    """The metrics among `specs` that both arms have, uncorrected (`p_adjusted` None): for one slice, or one metric.
    `margins` are by metric what was declared to make no difference; those are tested for being the same too."""
    cells_b = cells_b.aligned(cells_a.docs)
    groups = cells_a.groups(clusters)
    pairs = [pair for spec in specs if (pair := _paired(spec, cells_a, cells_b, groups)) is not None]
    plans = [(at, _plan(pair)) for at, pair in enumerate(pairs) if not _exact(pair)]
    drawn = dict(zip([at for at, _ in plans], draw_many([plan for _, plan in plans]), strict=True))
    return [_figure(pair, names, drawn.get(at), margins.get(pair.spec.name)) for at, pair in enumerate(pairs)]


def declared_margins(pack: Pack) -> dict[str, float]:
    """The task's minimum difference: of the primary metric, and of confirmatory ones that are shares as well."""
    specs, chosen = metric_specs(pack), confirmatory_metrics(pack)
    kept = [spec for at, spec in enumerate(specs) if at == 0 or (spec.name in chosen and not spec.unit)]
    return {spec.name: pack.evaluation.minimum_difference for spec in kept}


def _paired(spec: MetricSpec, a: Cells, b: Cells, groups: Groups) -> _Pair | None:
    """Means and rates on documents that both arms have, ratios and corpus figures on those that either has."""
    in_a, in_b = arm_rows(spec, a), arm_rows(spec, b)
    rows = in_a & in_b if spec.kind in ("rate", "mean", "corpus") else in_a | in_b
    if not (in_a.any() and in_b.any() and rows.any()):
        return None
    return _Pair(spec, a, b, rows, among(groups, rows), groups)


def _exact(pair: _Pair) -> bool:
    """Whether the pair is a two by two table of independent documents, for which nothing has to be drawn."""
    return pair.groups is None and is_rate(pair.spec, pair.a) and is_rate(pair.spec, pair.b)


def _plan(pair: _Pair) -> Plan:
    if pair.spec.kind in ("rate", "mean"):
        d = pair.differences
        plan = Plan(np.stack([d, np.ones_like(d)], axis=1), ratio)
    else:
        plan = difference(arm_plan(pair.spec, pair.a, pair.rows), arm_plan(pair.spec, pair.b, pair.rows))
    return drawn_plan(plan, pair.rows, pair.all_groups)


def _figure(pair: _Pair, names: tuple[str, str], drawn: Drawn | None, margin: float | None) -> PairFigure:
    point = float(pair.differences.mean()) if drawn is None else drawn.point
    if drawn is None:
        found = _by_table(pair)
    elif pair.spec.kind in ("rate", "mean"):
        found = _by_mean(pair, drawn)
    else:
        found = _by_draws(drawn, pair)
    low, high = found.interval if found.interval is not None else (None, None)
    wins, ties, losses = _outcomes(pair)
    same = _same(pair, drawn, margin) if margin else None
    return PairFigure(
        *names, pair.spec.name, None if math.isnan(point) else point, low, high, found.test, found.p, None,
        found.effect, found.effect_name, found.detectable, int(pair.rows.sum()), wins, ties, losses,
        n_clusters=pair.n_clusters, note=cluster_note(pair.n_clusters), shift=found.shift,
        margin=margin if same else None, p_same=same.p if same else None, same_low=same.low if same else None,
        same_high=same.high if same else None, p_mid=found.p_mid if margin else None,
    )  # fmt: skip


def _same(pair: _Pair, drawn: Drawn | None, margin: float) -> Equivalence | None:
    """Two one-sided tests: by t over independent documents, else by the draws that the interval is made of."""
    if drawn is None or (pair.groups is None and pair.spec.kind in ("rate", "mean")):
        return tost(pair.differences, margin)
    draws = drawn.draws[~np.isnan(drawn.draws)]
    if not len(draws):
        return None
    low, high = (float(end) for end in np.quantile(draws, [0.05, 0.95]))
    p = max(int((draws <= -margin).sum()), int((draws >= margin).sum())) / len(draws)
    return Equivalence(max(p, 1 / (len(draws) + 1)), low, high)


def _by_table(pair: _Pair) -> _Found:
    a, b = (side > 0.5 for side in pair.sides)
    both, only_a, only_b = int((a & b).sum()), int((a & ~b).sum()), int((~a & b).sum())
    n, apart = len(a), only_a + only_b
    effect = only_b / apart - 0.5 if apart else None
    interval = newcombe_paired(both, only_a, only_b, n - both - apart)
    p = exact_sign_test(only_b, only_a)
    return _Found(interval, "McNemar, exact", p, effect, "Cohen g", mde_mcnemar(n, round(apart / n, 6)),
                  p_mid=mcnemar_mid_p(only_a, only_b))  # fmt: skip


def _by_mean(pair: _Pair, drawn: Drawn) -> _Found:
    d = pair.differences
    interval = Interval(float(d[0]), float(d[0])) if np.ptp(d) == 0 else bca(drawn)
    interval = interval if len(d) > 1 else None
    detectable = mde_mean(_deviation(d, pair.groups), len(d))
    if pair.groups is not None:
        p = cluster_sign_flip(d, pair.groups)
        return _Found(interval, "sign flips by cluster", p, d_z(d), "d_z", detectable)
    if pair.spec.ordinal:
        p, shift = wilcoxon_pratt(d), hodges_lehmann(d)
        return _Found(interval, "Wilcoxon (Pratt)", p, rank_biserial(d), "rank-biserial", detectable, shift=shift)
    return _Found(interval, "sign flips", sign_flip(d), d_z(d), "d_z", detectable)


def _by_draws(drawn: Drawn, pair: _Pair) -> _Found:
    drawable = (pair.n_clusters or int(pair.rows.sum())) >= FEWEST_DRAWN and not pair.spec.name.startswith("latency_p")
    known = not math.isnan(drawn.point) and len(drawn.draws) > 0
    interval = percentiles(drawn.draws) if known else None
    spread = float(drawn.draws.std()) if known else math.nan
    p = two_sided(drawn.draws) if known and drawable else None
    detectable = DETECTED * spread if known else None
    return _Found(interval, "joint bootstrap", p, drawn.point if known else None, "raw difference", detectable)


def _deviation(d: Floats, groups: Groups) -> float:
    """Over the root of n, the mean's standard error, dependence within clusters included: with clusters C/(C-1) times
    the squared sums of each cluster's distances from the mean."""
    sums = by_cluster((d - d.mean())[:, None], groups)[:, 0]
    n_clusters = len(sums)
    return math.sqrt(n_clusters / (n_clusters - 1) * float((sums**2).sum()) / len(d)) if n_clusters > 1 else 0.0


def _own(spec: MetricSpec, cells: Cells) -> Floats:
    """What a document's own value is: its share where the figure is pooled, its distance from the gold of a corpus
    figure about a scale."""
    if spec.kind == "pooled":
        parts, wholes = cells.pooled(spec.keys)
        return np.where(wholes > 0, parts / np.where(wholes > 0, wholes, 1.0), np.nan)
    if spec.kind == "corpus" and len(spec.keys) == 2:
        return np.abs(cells.value(*spec.keys[0]) - cells.value(*spec.keys[1]))
    return cells.value(*spec.keys[0])


def _outcomes(pair: _Pair) -> tuple[int, int, int]:
    d = pair.differences
    d = d[~np.isnan(d)]
    distance = pair.spec.kind == "corpus" and len(pair.spec.keys) == 2
    if distance or pair.spec.better == "lower":
        d = -d
    wins, losses = int((d > SAME).sum()), int((d < -SAME).sum())
    return wins, len(d) - wins - losses, losses


def _corrected(figures: Sequence[PairFigure]) -> list[PairFigure]:
    adjusted = {at: figure.p for at, figure in enumerate(figures) if figure.family == "primary"}
    for family, correct in (("confirmatory", holm), ("exploratory", benjamini_hochberg)):
        tested = [(at, figure.p) for at, figure in enumerate(figures) if figure.family == family]
        tested = [(at, p) for at, p in tested if p is not None]
        adjusted |= dict(zip([at for at, _ in tested], correct([p for _, p in tested]), strict=True))
    return [replace(figure, p_adjusted=adjusted.get(at)) for at, figure in enumerate(figures)]
