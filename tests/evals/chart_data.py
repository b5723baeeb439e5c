"""A whole aggregates.json by hand: every chart has something to draw, and each figure can be set as a test wants it."""

from typing import Any

from training.evals.statistics import wilson

N = 100
A, B = "prompted", "adapter:x"
ARMS = [
    {"name": "empty", "kind": "trivial", "label": "empty", "colour_role": "trivial"},
    {"name": "base", "kind": "base", "label": "base", "colour_role": "base"},
    {"name": A, "kind": "base", "label": "prompted base", "colour_role": "prompted"},
    {"name": B, "kind": "adapter", "label": "x", "colour_role": "tuned"},
]
QUALITY = {"empty": 0.0, "base": 0.1, A: 0.3, B: 0.8}
METRICS = {
    "f1:ingredients": ("Ingredients: F1", "higher", ""),
    "precision:ingredients": ("Ingredients: precision", "higher", ""),
    "recall:ingredients": ("Ingredients: recall", "higher", ""),
    "strict": ("Parses as it stands", "higher", ""),
    "hallucinated": ("Made-up items", "lower", ""),
    "omitted": ("Left out", "lower", ""),
    "slot:name": ("Name: right", "higher", ""),
    "rouge1:summary": ("Summary: ROUGE-1", "higher", ""),
    "mae_penalised:relevance": ("Relevance: error", "lower", "points"),
    "chars": ("Length", "none", "characters"),
}


def figure(value: float | None, n: int = N) -> dict[str, Any]:
    low, high = wilson(value * n, n) or (0.0, 1.0) if value is not None and 0 <= value <= 1 else (value, value)
    return {"kind": "mean", "value": value, "low": low, "high": high, "n_scored": n if value is not None else 0,
            "n_total": n}  # fmt: skip


def difference(metric: str, d: float, reach: float = 0.05, **more: Any) -> dict[str, Any]:
    """prompted against x: b - a is `d`, its interval `reach` to both sides."""
    sure = abs(d) > reach
    wins, losses = (60, 10) if d > 0 else (10, 60) if d < 0 else (0, 0)
    if METRICS.get(metric, ("", "higher"))[1] == "lower":
        wins, losses = losses, wins
    return {
        "a": A, "b": B, "metric": metric, "difference": d, "ci_low": d - reach, "ci_high": d + reach,
        "test": "sign flips", "p": 0.0001 if sure else 0.4, "p_adjusted": 0.0003 if sure else 0.8, "effect": d / 0.2,
        "effect_name": "d_z", "detectable": 0.07, "n": N, "wins": wins, "ties": N - wins - losses, "losses": losses,
        "family": "primary" if metric == "f1:ingredients" else "exploratory", **more,
    }  # fmt: skip


def aggregates(pairs: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    """Everything; `pairs` are the strict tier's differences, `more` replaces whole parts."""
    better = {name: row[1] for name, row in METRICS.items()}
    strict = {
        arm: {m: figure(1 - q if better[m] == "lower" else q) for m in METRICS if (arm, m) != ("empty", "hallucinated")}
        for arm, q in QUALITY.items()
    }
    usual = [difference(m, -0.5 if better[m] == "lower" else 0.5) for m in METRICS if better[m] != "none"]
    docs = [f"doc-{at}" for at in range(N)]
    return {
        "format": 1, "task": "t", "name": "made", "arms": ARMS, "n_docs": N, "samples": 3, "primary": "f1:ingredients",
        "confirmatory": ["strict"],
        "fields": [{"name": "ingredients", "label": "Ingredients", "kind": "list"},
                   {"name": "name", "label": "Name", "kind": "scalar"}],
        "metrics": {m: {"label": row[0], "better": row[1], "unit": row[2], "group": "content", "kind": "mean"}
                    for m, row in METRICS.items()},
        "tiers": {"strict": strict, "usable": strict, "repaired": strict},
        "pairs": {"strict": usual if pairs is None else pairs},
        "slices": {f"{kind}={name}": {arm: {"f1:ingredients": figure(q, 20)} for arm, q in QUALITY.items()}
                   for kind, name in (("style", "clean"), ("length", "1"), ("length", "2"))},
        "tables": _tables(docs),
        **more,
    }  # fmt: skip


def _tables(docs: list[str]) -> dict[str, Any]:
    outcomes = {arm: {"COR": int(60 * q), "NUL": 10, "INC": 10, "MIS": 80 - int(60 * q), "SPU": 5, "low": 0.1,
                      "high": 0.9} for arm, q in QUALITY.items()}  # fmt: skip
    values = {arm: [min(1.0, q + at / 500) for at in range(N)] for arm, q in QUALITY.items()}
    cells = [{"a": A, "b": B, "slice": "style=clean", "metric": "f1:ingredients", "difference": 0.4, "ci_low": 0.3,
              "ci_high": 0.5, "p": 0.001, "p_adjusted": 0.002, "n": 20},
             {"a": A, "b": B, "slice": "length=1", "metric": "omitted", "difference": 0.2, "ci_low": 0.1,
              "ci_high": 0.3, "p": 0.001, "p_adjusted": 0.002, "n": 20}]  # fmt: skip
    lengths = {"n": N, "cut": 3, "tokens": list(range(21)), "chars": list(range(0, 210, 10)), "words": list(range(21))}
    alike = {arm: {"value": q, "low": q / 2, "high": 1, "n": N} for arm, q in QUALITY.items()}
    return {
        "tiers": {"counts": {arm: {"strict": int(N * q), "failed": N - int(N * q)} for arm, q in QUALITY.items()}},
        "outcomes": {"fields": {name: {"label": name, "arms": outcomes} for name in ("ingredients", "name")}},
        "strip": {"metric": "f1:ingredients", "docs": docs, "pairs": {},
                  "tiers": {"strict": values}},
        "slices": {"metrics": ["f1:ingredients", "omitted"], "cells": cells, "rows": [
            {"slice": "style=clean", "label": "clean", "n": 20, "where": {"style": "clean"}},
            {"slice": "length=1", "label": "short", "n": 20, "docs": docs[:3]}]},
        "lengths": {"max_new_tokens": 30, "arms": dict.fromkeys(QUALITY, lengths),
                    "counts": {"ingredients": {"label": "Ingredients", "arms": {B: {"points": [[3, 2, 9]], "n": 9}}}}},
        "relevance": {"field": "relevance", "constant": 9.0, "mae_constant": 2.42,
                      "arms": {arm: {"counts": [[9, 9, 50], [8, 9, 10]], "invalid": 40, "docs": {"9,9": ["doc-1"]}}
                               for arm in (A, B)}},
        "clusters": {"arms": {arm: {"n": N, "clusters": {"no_json": {"n": 40 if arm == A else 3, "docs": docs[:2]}}}
                              for arm in (A, B)},
                     "titles": {"no_json": "No answer"}, "owners": {"no_json": "training"},
                     "moved": {f"{A}|{B}": {"no_json": [38, 1]}}},
        "consistency": {"samples": 3, "temperature": 0.7, "fields": {"name": {"label": "Name", "arms": alike}}},
        "cost": {"arms": {arm: {"seconds": 1 + q, "low": 0.9 + q, "high": 1.2 + q, "n": 20, "how": "alone",
                                "memory_bytes": 2e9} for arm, q in QUALITY.items() if arm != "empty"}},
        "judge": {"overall": {arm: {"value": 10 * q, "low": 9 * q, "high": 10 * q, "n": 50, "unscored": 2}
                              for arm, q in QUALITY.items()},
                  "scatter": {B: [["doc-1", 0.8, 9], ["doc-2", 0.1, 2]]}, "spearman": 0.8, "spearman_n": 2,
                  "doses": [{"kind": "all", "dose": at, "score": 9 - 2 * at, "low": 1, "high": 9} for at in range(3)],
                  "pairwise": [{"a": B, "b": A, "wins": 30, "ties": 15, "losses": 5, "n": 50, "consistent": 0.8}]},
        "sweep": {"metric": "f1:ingredients", "checkpoints": [{"label": "1", "loss": 1.0, "score": 0.5}],
                  "trials": [{"label": "rank 8", "score": 0.5, "low": 0.4, "high": 0.6, "n": 20, "tied": False},
                             {"label": "rank 16", "score": 0.7, "low": 0.6, "high": 0.8, "n": 20, "tied": True}]},
        "leakage": {"n_train": 900, "n_test": N, "threshold": 0.8, "edges": [0, 0.5, 1], "counts": [99, 1], "near": 1,
                    "exact": 0, "groups": 0, "answers": 0, "highest": 0.9, "examples": {"1": ["doc-7"]}, "dates": ""},
    }  # fmt: skip
