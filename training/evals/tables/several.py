"""All arms with a model at once: do they differ at all, and which ranks do they take (Friedman 1937; metrics B)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from training.evals.cells import Cells
from training.evals.hypotheses import friedman
from training.evals.metrics import MetricSpec
from training.evals.resampling import by_cluster
from training.evals.tables.cells import own_values

DRAWS = 999  # of the ranks' intervals


def several(spec: MetricSpec, arms: Mapping[str, Cells]) -> dict[str, Any]:
    """{"metric", "n", "statistic", "p", "arms": [{"arm", "rank", "low", "high"}]} over the documents that every arm has
    a value of; rank 1 is the best, ties share theirs. A group of dependent documents counts once, by its mean. {} for
    fewer than three arms, or two such documents.
    """
    names = list(arms)
    if len(names) < 3:
        return {}
    table = np.stack([own_values(spec, arms[name]) for name in names], axis=1)
    whole = ~np.isnan(table).any(axis=1)
    if whole.sum() < 2:
        return {}
    first = arms[names[0]]
    groups = first.groups(first.clusters or None)
    table, groups = table[whole], None if groups is None else groups[whole]
    if groups is not None:
        groups = np.unique(groups, return_inverse=True)[1]
        table = by_cluster(table, groups) / by_cluster(np.ones((len(table), 1)), groups)
    found = friedman(table if spec.better == "lower" else -table, resamples=DRAWS)
    if found is None:
        return {}
    ranked = [
        {"arm": name, "rank": rank, "low": ends.low, "high": ends.high}
        for name, rank, ends in zip(names, found.ranks, found.intervals, strict=True)
    ]
    ranked.sort(key=lambda row: row["rank"])
    return {"metric": spec.name, "n": len(table), "statistic": found.statistic, "p": found.p, "arms": ranked}
