"""Each document's own value of the primary metric, for the strip: of many documents some, and quantiles of all."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evals.cells import Cells
from training.evals.metrics import MetricSpec
from training.evals.tables.cells import own_values

MOST = 200  # documents that stand in the table one by one
ENDS = 8  # of each pair, the largest losses and gains, when not all stand there
STEPS = 51
EVEN = 1e-9


def strip_table(
    spec: MetricSpec, tiers: Mapping[str, Mapping[str, Cells]], pairs: Sequence[tuple[str, str]], seed: int = 7
) -> dict[str, Any]:
    """docs and their values by tier and arm; for more than `MOST` documents each pair's quantiles and counts too."""
    strict = next(iter(tiers.values()), {})
    names = list(dict.fromkeys(name for pair in pairs for name in pair)) or list(strict)
    if not names:
        return {}
    docs = strict[names[0]].docs
    values = {tier: {arm: own_values(spec, arms[arm]) for arm in names} for tier, arms in tiers.items()}
    chosen = _chosen(next(iter(values.values())), pairs, len(docs), seed)
    found: dict[str, Any] = {"metric": spec.name, "n": len(docs), "docs": [docs[at] for at in chosen], "tiers": {}}
    found["pairs"] = {}
    for tier, arms in values.items():
        found["tiers"][tier] = {arm: [_short(held[at]) for at in chosen] for arm, held in arms.items()}
        if len(chosen) < len(docs):
            told = {f"{a}|{b}": _told(arms[b] - arms[a], spec.better) for a, b in pairs}
            found["pairs"][tier] = {key: one for key, one in told.items() if one}
    return found


def _short(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)


def _chosen(arms: Mapping[str, NDArray[Any]], pairs: Sequence[tuple[str, str]], n: int, seed: int) -> list[int]:
    if n <= MOST:
        return list(range(n))
    kept = set(np.random.default_rng(seed).choice(n, size=MOST // 2, replace=False).tolist())
    for a, b in pairs:
        differences = arms[b] - arms[a]
        known = np.flatnonzero(~np.isnan(differences))
        order = known[np.argsort(differences[known], kind="stable")]
        kept |= set(order[:ENDS].tolist()) | set(order[-ENDS:].tolist())
    return sorted(kept)


def _told(differences: NDArray[Any], better: str) -> dict[str, Any]:
    gains = differences[~np.isnan(differences)] * (-1 if better == "lower" else 1)
    if not len(gains):
        return {}
    curve = np.quantile(gains, np.linspace(0, 1, STEPS))
    wins, losses = int((gains > EVEN).sum()), int((gains < -EVEN).sum())
    return {"quantiles": [round(float(value), 4) for value in curve], "wins": wins, "losses": losses,
            "ties": len(gains) - wins - losses}  # fmt: skip
