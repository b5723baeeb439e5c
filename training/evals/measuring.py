"""One figure of one arm with its interval, from the arm's cells (metrics B).

A rate gets Wilson's interval, a mean BCa over documents, a pooled or corpus figure percentiles of a bootstrap over
documents. Where documents come in clusters, clusters are drawn instead, and a rate's interval is Wilson's at its
effective size. A rate whose documents were answered several times is a mean of shares, and gets a mean's interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from training.evals.cells import Cells, Floats, Labels
from training.evals.corpus import corpus_plan
from training.evals.resampling import RESAMPLES, Drawn, Interval, Plan, bca, by_cluster, draw_many, percentiles, ratio
from training.evals.statistics import FEW_CLUSTERS, clustered_wilson

if TYPE_CHECKING:
    from training.evals.metrics import MetricSpec

Kind = Literal["rate", "mean", "pooled", "corpus"]
SHARED = 400  # documents
Groups = NDArray[np.int64] | None


@dataclass(frozen=True, slots=True)
class Measured:
    """One figure. kind: rate (0/1 a document, Wilson) | mean (over documents, BCa) | pooled (over items, bootstrap) |
    corpus (one number of all documents, bootstrap).

    `n_scored` of `n_total` documents have a value; `n_items` is a pooled figure's denominator. `n_clusters` is how many
    groups of dependent documents were drawn, None where every document stands alone. `note` is what a reader has to
    know of the interval, "" for nothing.
    """

    metric: str
    kind: str
    value: float | None
    low: float | None
    high: float | None
    n_scored: int
    n_total: int
    n_items: int | None = None
    n_clusters: int | None = None
    note: str = ""


def measure(spec: "MetricSpec", cells: Cells, *, clusters: Labels = None, resamples: int = RESAMPLES) -> Measured:
    """The figure over the cells' documents. `clusters` are labels in the documents' order, or by document id."""
    return measure_all([spec], cells, clusters=clusters, resamples=resamples)[spec.name]


def measure_all(
    specs: "Sequence[MetricSpec]", cells: Cells, *, clusters: Labels = None, resamples: int = RESAMPLES
) -> dict[str, Measured]:
    """Every figure by its name, those without any document's value too. Much faster than one by one."""
    groups = cells.groups(clusters)
    plans: dict[str, Plan] = {}
    for spec in specs:
        rows = arm_rows(spec, cells)
        if rows.any() and not is_rate(spec, cells):
            plans[spec.name] = drawn_plan(arm_plan(spec, cells, rows), rows, groups)
    drawn = dict(zip(plans, draw_many(list(plans.values()), resamples), strict=True))
    return {spec.name: _measured(spec, cells, groups, drawn.get(spec.name)) for spec in specs}


def is_rate(spec: "MetricSpec", cells: Cells) -> bool:
    """Whether the metric is a rate and each document's value really 0 or 1."""
    if spec.kind != "rate":
        return False
    values = cells.value(*spec.keys[0])
    values = values[~np.isnan(values)]
    return bool(np.all((values == 0) | (values == 1)))


def arm_rows(spec: "MetricSpec", cells: Cells) -> NDArray[np.bool_]:
    """Which documents have a value."""
    if spec.kind == "pooled":
        return ~np.isnan(cells.pooled(spec.keys)[0])
    return ~np.isnan(np.sum([cells.value(*key) for key in spec.keys], axis=0))


def arm_plan(spec: "MetricSpec", cells: Cells, rows: NDArray[np.bool_]) -> Plan:
    """How the figure comes from sums over these documents; a document without a value counts nothing."""
    if spec.kind == "corpus":
        columns = tuple(cells.value(*key)[rows] for key in spec.keys)
        return corpus_plan(spec.name.partition(":")[0], columns)
    if spec.kind == "pooled":
        parts, wholes = cells.pooled(spec.keys)
        parts = np.nan_to_num(parts)
    else:
        values = cells.value(*spec.keys[0])
        parts, wholes = np.nan_to_num(values), (~np.isnan(values)).astype(float)
    return Plan(np.stack([parts[rows], wholes[rows]], axis=1), ratio)


def drawn_plan(plan: Plan, rows: NDArray[np.bool_], groups: Groups) -> Plan:
    """What is drawn of a plan over the documents in `rows`: those, or the clusters they are in.

    Of more than `SHARED` documents all are drawn along, those without a value counting nothing, so that every metric
    shares one set of draws: how many have a value then varies from draw to draw, by next to nothing.
    """
    if len(rows) <= SHARED:
        return Plan(by_cluster(plan.columns, among(groups, rows)), plan.figure)
    columns = np.zeros((len(rows), plan.columns.shape[1]))
    columns[rows] = plan.columns
    return Plan(by_cluster(columns, groups), plan.figure)


def cluster_note(n_clusters: int | None) -> str:
    """What has to be said of few clusters, "" of enough."""
    few = n_clusters is not None and n_clusters < FEW_CLUSTERS
    return f"Only {n_clusters} groups of dependent documents: the interval promises too much." if few else ""


def _measured(spec: "MetricSpec", cells: Cells, groups: Groups, drawn: Drawn | None) -> Measured:
    rows = arm_rows(spec, cells)
    n, n_items = int(rows.sum()), None
    own = among(groups, rows)
    n_clusters = int(own.max()) + 1 if own is not None and n else None
    value, interval = None, None
    if n and drawn is None:
        values = cells.value(*spec.keys[0])[rows]
        value, interval = float(values.mean()), clustered_wilson(values, own)
    elif drawn is not None:
        value = None if np.isnan(drawn.point) else drawn.point
        interval = _interval(spec, cells, rows, drawn) if value is not None else None
    if spec.kind == "pooled":
        n_items = round(float(cells.pooled(spec.keys)[1][rows].sum()))
    low, high = interval if interval is not None else (None, None)
    note = cluster_note(n_clusters)
    return Measured(spec.name, spec.kind, value, low, high, n, cells.n_docs, n_items, n_clusters, note)


def _interval(spec: "MetricSpec", cells: Cells, rows: NDArray[np.bool_], drawn: Drawn) -> Interval | None:
    if rows.sum() < 2:
        return None
    if spec.kind in ("pooled", "corpus"):
        return percentiles(drawn.draws)
    values: Floats = cells.value(*spec.keys[0])[rows]
    return Interval(float(values[0]), float(values[0])) if np.ptp(values) == 0 else bca(drawn)


def among(groups: Groups, rows: NDArray[np.bool_]) -> Groups:
    """The clusters of the documents that have a value, numbered from 0; None where none shares one."""
    if groups is None:
        return None
    labels, codes = np.unique(groups[rows], return_inverse=True)
    return codes.astype(np.int64) if len(labels) < int(rows.sum()) else None
