"""Aggregates made by hand, for tests of what reads them: three arms and the figures that are asked for."""

from collections.abc import Mapping
from typing import Any

from training.evals.statistics import wilson
from training.task.pack import Pack

ARMS = ({"name": "regex", "kind": "trivial", "label": "regex", "colour_role": "trivial"},
        {"name": "base", "kind": "base", "label": "base", "colour_role": "base"},
        {"name": "prompted", "kind": "base", "label": "prompted", "colour_role": "prompted"},
        {"name": "adapter:x", "kind": "adapter", "label": "adapter x", "colour_role": "tuned"})  # fmt: skip


def rate(value: float, n: int, metric: str = "") -> dict[str, Any]:
    low, high = wilson(value * n, n) or (0.0, 1.0)
    return {"metric": metric, "kind": "rate", "value": value, "low": low, "high": high, "n_scored": n, "n_total": n}


def mean(value: float, low: float, high: float, n: int, metric: str = "") -> dict[str, Any]:
    return {"metric": metric, "kind": "mean", "value": value, "low": low, "high": high, "n_scored": n, "n_total": n}


def pair(metric: str, difference: float, low: float, high: float, n: int, **more: Any) -> dict[str, Any]:
    """A figure of prompted against adapter:x."""
    made = {"a": "prompted", "b": "adapter:x", "metric": metric, "difference": difference, "ci_low": low,
            "ci_high": high, "test": "sign flip", "p": 0.001 if low > 0 or high < 0 else 0.4,
            "p_adjusted": 0.002 if low > 0 or high < 0 else 0.4, "effect": 1.0, "effect_name": "d_z",
            "detectable": (high - low) / 2 * 1.43, "n": n, "wins": n, "ties": 0, "losses": 0}  # fmt: skip
    return made | more


def made(
    pack: Pack, pairs: list[dict[str, Any]], tuned: Mapping[str, Any], *, n: int = 300, **more: Any
) -> dict[str, Any]:
    """A whole aggregates.json. `tuned` replaces figures of the tuned arm, `pairs` are its differences."""
    usual = {
        "f1:recipeIngredient": mean(0.71, 0.66, 0.76, n),
        "strict": rate(1.0, n),
        "schema_valid": rate(1.0, n),
        "truncated": rate(0.0, n),
        "ends": rate(1.0, n),
        "multi_object": rate(0.0, n),
        "prompt_leak": rate(0.0, n),
        "hallucinated_docs": rate(0.03, n),
        "abstain_acc": {**mean(0.95, 0.91, 0.98, n), "kind": "pooled", "n_items": 240},
    }
    weak = {"f1:recipeIngredient": mean(0.1, 0.07, 0.13, n), "strict": rate(0.1, n), "hallucinated_docs": rate(0.34, n)}
    arms = {
        "regex": {"f1:recipeIngredient": mean(0.2, 0.17, 0.23, n)},
        "base": {**weak, "f1:recipeIngredient": mean(0.02, 0.0, 0.04, n)},
        "prompted": weak,
        "adapter:x": {**usual, **tuned},
    }
    return {
        "format": 1, "task": pack.name, "name": "made", "arms": list(ARMS), "n_docs": n, "samples": 1,
        "primary": pack.evaluation.primary, "tiers": {"strict": arms}, "pairs": {"strict": pairs}, "slices": {},
        "tables": {"leakage": {"n_test": n, "n_docs": n, "exact": 0, "near": 0, "groups": 0}},
    } | more  # fmt: skip
