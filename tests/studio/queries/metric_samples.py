"""Metrics and figures made by hand, for views."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from studio.queries.evaluation_metrics import Metric

F1 = Metric("f1:recipeIngredient", "Ingredients: F1", "mean", "higher", "", "content", "lists", ("f1", "x"))
STRICT = Metric("strict", "Parses as it stands", "rate", "higher", "", "form", "parse-tiers", ("strict", ""))


@dataclass(frozen=True)
class Shown:
    metric: Metric
    figures: Mapping[str, Mapping[str, Any]]
    pair: Mapping[str, Any] | None = None
    primary: bool = False


def figure(value: float | None, n: int = 20, total: int = 20) -> dict[str, Any]:
    low, high = (None, None) if value is None else (value - 0.1, value + 0.1)
    return {"kind": "mean", "value": value, "low": low, "high": high, "n_scored": n, "n_total": total}


def paired(difference: float, low: float, high: float, **more: Any) -> dict[str, Any]:
    return {"a": "base", "b": "mine", "metric": F1.name, "difference": difference, "ci_low": low, "ci_high": high,
            "test": "sign flip", "p": 0.01, "p_adjusted": None, "effect": 1.0, "detectable": None, "wins": 3, "ties": 1,
            "losses": 1, **more}  # fmt: skip
