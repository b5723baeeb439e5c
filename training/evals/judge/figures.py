"""Figures over a judge's rows: means a group and overall, with and without what was never judged; pairs by both orders.

`judged` is the mean over what the judge scored, `gated` counts an answer that can't be read as 0, each under its name
and with its n (metrics C2). What the judge itself could not do is in neither, and counted. A pair is won only where
both orders say so, else it is a tie (C1).
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import Any

from training.evals.judge.frame import OVERALL, PAIRWISE, POINTWISE
from training.evals.judge.material import FAILED, REPAIRED
from training.evals.judge.verdict import OK
from training.evals.statistics import bootstrap_mean, exact_sign_test

_GATED = (FAILED, REPAIRED)


@dataclass(frozen=True, slots=True)
class JudgedFigure:
    """A mean 0..10 with its 95 percent interval over documents; None where nothing was scored. `not_applicable`
    documents have a verdict but no score, `unscored` counts the rest by reason."""

    arm: str
    field: str
    mean: float | None
    low: float | None
    high: float | None
    n_scored: int
    n_total: int
    gated_mean: float | None
    gated_n: int
    not_applicable: int
    unscored: dict[str, int]


@dataclass(frozen=True, slots=True)
class PairJudged:
    """Two arms side by side. `wins` are a's. `consistency` is the share of pairs with the same winner in both orders,
    of `n_both`; `first_wins` the share of decisions for whichever stood first. `gated_*` also count documents where
    only one side could be read, as that side's. `by_length` are win rates of a by thirds of the length difference."""

    a: str
    b: str
    wins: int
    ties: int
    losses: int
    n: int
    win_rate: float | None
    p: float | None
    n_both: int
    consistency: float | None
    first_wins: float | None
    gated_wins: int
    gated_losses: int
    unscored: dict[str, int]
    by_length: tuple[tuple[float, float, int], ...]


def arm_figures(rows: Sequence[Mapping[str, Any]], arm: str, field: str = OVERALL) -> JudgedFigure:
    """One arm's figure; repeats are averaged a document first. A field's reasons are those of its whole verdict."""
    mine = [row for row in rows if row["arm"] == arm and row["mode"] == POINTWISE]
    scores: dict[str, list[float]] = defaultdict(list)
    empty: set[str] = set()
    reasons: dict[str, str] = {}
    for row in mine:
        doc = row["doc"]
        if row["field"] == OVERALL and row["status"] != OK:
            reasons[doc] = row["status"]
        if row["field"] != field:
            continue
        if row["status"] == OK and row["score"] is not None:
            scores[doc].append(row["score"])
        elif row["status"] == OK:
            empty.add(doc)
        else:
            reasons[doc] = row["status"]
    values = [fmean(found) for found in scores.values()]
    unscored = Counter(reason for doc, reason in reasons.items() if doc not in scores)
    zeros = sum(unscored[name] for name in _GATED)
    interval = bootstrap_mean(values)
    low, high = interval if interval is not None else (None, None)
    gated = [*values, *([0.0] * zeros)]
    return JudgedFigure(
        arm, field, fmean(values) if values else None, low, high, len(values), len({row["doc"] for row in mine}),
        fmean(gated) if gated else None, len(gated), len(empty - scores.keys()), dict(unscored),
    )  # fmt: skip


def decided(ab: float | None, ba: float | None) -> float | None:
    """A pair's result for its first arm: 1 or 0 where both orders agree, 0.5 where they do not; None without both."""
    if ab is None or ba is None:
        return None
    return ab if ab == ba else 0.5


def pair_figures(rows: Sequence[Mapping[str, Any]], a: str, b: str) -> PairJudged:
    """What came of comparing a with b, whichever of the two the rows put first."""
    orders: dict[str, dict[str, float | None]] = defaultdict(dict)
    about: dict[str, dict[str, Any]] = {}
    unscored: Counter[str] = Counter()
    gated: Counter[str] = Counter()
    for row in rows:
        if row["mode"] != PAIRWISE or {row["arm"], row["other"]} != {a, b}:
            continue
        turned = row["arm"] == b
        evidence = json.loads(row["evidence"])
        if row["status"] != OK:
            unscored[row["status"]] += 1
            side = evidence.get("parsed", "")
            gated["a" if side == a else "b" if side == b else ""] += 1
            continue
        score = row["score"]
        order = str(row["order"])
        order = {"ab": "ba", "ba": "ab"}.get(order, order) if turned else order
        orders[row["doc"]][order] = 1 - score if turned else score
        if "chars" in evidence:
            about[row["doc"]] = {"chars": list(reversed(evidence["chars"])) if turned else evidence["chars"]}
    both = {doc: (found["ab"], found["ba"]) for doc, found in orders.items() if "ab" in found and "ba" in found}
    results = {doc: decided(*pair) for doc, pair in both.items()}
    results |= {doc: 0.5 for doc, found in orders.items() if "same" in found}
    values = {doc: value for doc, value in results.items() if value is not None}
    wins, losses = sum(v == 1 for v in values.values()), sum(v == 0 for v in values.values())
    firsts = [(ab == 1) + (ba == 0) for ab, ba in both.values()]
    decisions = sum((ab != 0.5) + (ba != 0.5) for ab, ba in both.values())
    return PairJudged(
        a, b, wins, len(values) - wins - losses, losses, len(values),
        fmean(values.values()) if values else None, exact_sign_test(wins, losses) if values else None,
        len(both), fmean(float(ab == ba) for ab, ba in both.values()) if both else None,
        sum(firsts) / decisions if decisions else None, wins + gated["a"], losses + gated["b"], dict(unscored),
        _by_length({doc: (about[doc]["chars"], value) for doc, value in values.items() if doc in about}),
    )  # fmt: skip


def _by_length(found: Mapping[str, tuple[Sequence[int], float]]) -> tuple[tuple[float, float, int], ...]:
    """(mean length difference a - b in characters, win rate of a, n) by thirds of the difference; () below 9 pairs."""
    pairs = sorted((float(chars[0] - chars[1]), value) for chars, value in found.values())
    if len(pairs) < 9:
        return ()
    cuts = [0, len(pairs) // 3, 2 * len(pairs) // 3, len(pairs)]
    thirds = [pairs[start:end] for start, end in pairwise(cuts)]
    return tuple((fmean(d for d, _ in third), fmean(v for _, v in third), len(third)) for third in thirds)
