"""summary.json: the figures of the strict tier for other programs, and the pairs of arms that were compared.

    {"arms": {ARM: {METRIC: {"value", "ci_low", "ci_high", "n_scored", "n_total"}}},
     "pairs": [{"a", "b", "metric", "difference", "ci_low", "ci_high", "test", "p", "p_adjusted", "effect",
                "detectable"}]}

A METRIC is `name` or `name:field`. Arms are called as in the frames, imported ones by their own name alone. Promise:
every number is the one that pages and report show, for all are read from aggregates.json; null is "no value".
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.disk import disk, write_whole
from training.evals.arms import shown_name
from training.evals.records import SUMMARY

TIER = "strict"
_PAIR_KEYS = ("metric", "difference", "ci_low", "ci_high", "test", "p", "p_adjusted", "effect", "detectable")


def summary_of(aggregates: Mapping[str, Any]) -> dict[str, Any]:
    """The summary of an evaluation from its aggregates."""
    found: Mapping[str, Mapping[str, Any]] = aggregates["tiers"][TIER]
    order = [str(arm["name"]) for arm in aggregates["arms"]]
    arms = {
        shown_name(arm): {metric: _figure(measured) for metric, measured in found[arm].items()}
        for arm in order
        if arm in found
    }
    pairs = [_pair(pair) for pair in aggregates.get("pairs", {}).get(TIER, ())]
    return {"arms": arms, "pairs": pairs}


def write_summary(folder: Path, aggregates: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the summary beside the frames; returns it. No number in it is NaN or infinite."""
    found = summary_of(aggregates)
    with disk("keep the summary", folder):
        write_whole(folder / SUMMARY, json.dumps(found, indent=1, allow_nan=False) + "\n")
    return found


def _figure(measured: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "value": _number(measured.get("value")),
        "ci_low": _number(measured.get("low")),
        "ci_high": _number(measured.get("high")),
        "n_scored": measured.get("n_scored"),
        "n_total": measured.get("n_total"),
    }


def _pair(pair: Mapping[str, Any]) -> dict[str, Any]:
    names = {"a": shown_name(str(pair["a"])), "b": shown_name(str(pair["b"]))}
    return names | {key: _number(pair.get(key)) for key in _PAIR_KEYS}


def _number(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
