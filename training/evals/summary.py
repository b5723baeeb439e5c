"""summary.json: the figures of the strict tier for other programs, and the pairs of arms that were compared.

    {"arms": {ARM: {METRIC: {"value", "ci_low", "ci_high", "n_scored", "n_total"}}},
     "pairs": [{"a", "b", "metric", "difference", "ci_low", "ci_high", "test", "p", "p_adjusted", "effect",
                "detectable"}],
     "several": {"metric", "n", "statistic", "p", "arms": [{"arm", "rank", "low", "high"}]}}

A METRIC is `name` or `name:field`. Arms are called as in the frames, imported ones by their own name alone. Of declared
metrics a pair also has "margin" and "p_same" (two one-sided tests: below 0.05 the arms are the same within the margin),
and of rates "p_mid" (McNemar's mid-p). "several" is Friedman's test over all arms with a model; it is left out where
there are fewer than three. Promise: every number is the one that pages and report show, for all are read from
aggregates.json; null is "no value".
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
_BESIDE = ("margin", "p_same", "p_mid")  # where a margin was declared
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
    told = aggregates.get("several") or {}
    ranks = [{**row, "arm": shown_name(str(row["arm"]))} for row in told.get("arms") or ()]
    return {"arms": arms, "pairs": pairs} | ({"several": {**told, "arms": ranks}} if told else {})


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
    beside = {key: _number(pair[key]) for key in _BESIDE if pair.get(key) is not None}
    return names | {key: _number(pair.get(key)) for key in _PAIR_KEYS} | beside


def _number(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
