"""Figures that only all documents together have, against sklearn's and scipy's numbers and by hand (metrics A8)."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from training.evals.corpus import corpus_plan, difference
from training.evals.resampling import draw

GOLD = np.array([1, 3, 5, 5, 8, 10, 2, 7], dtype=float)
GIVEN = np.array([2, 3, 6, 4, 8, 7, 2, 9], dtype=float)
SCALES = st.lists(st.tuples(st.integers(1, 10), st.integers(1, 10)), min_size=2, max_size=40)


def point(name: str, *columns: np.ndarray) -> float:
    plan = corpus_plan(name, columns)
    return float(plan.figure(plan.columns.sum(axis=0)[None])[0])


def kappa_by_table(gold: np.ndarray, given: np.ndarray) -> float:
    """Cohen's kappa with quadratic weights as it is written in textbooks, from the table of counts."""
    levels = np.arange(1, 11)
    seen = np.array([[np.sum((gold == i) & (given == j)) for j in levels] for i in levels]) / len(gold)
    chance = np.outer(seen.sum(axis=1), seen.sum(axis=0))
    weights = (levels[:, None] - levels[None]) ** 2
    return 1 - (weights * seen).sum() / (weights * chance).sum()


def test_weighted_kappa() -> None:
    """The number is cohen_kappa_score(GOLD, GIVEN, weights="quadratic", labels=range(1, 11)) of scikit-learn 1.9.1."""
    assert point("qwk", GOLD, GIVEN) == pytest.approx(kappa_by_table(GOLD, GIVEN)) == pytest.approx(0.8663883089770354)
    assert point("qwk", GOLD, GOLD) == 1.0
    assert point("qwk", GOLD, np.full(8, 5.0)) == pytest.approx(0.0), "a constant agrees by chance alone"
    assert np.isnan(point("qwk", np.full(8, 5.0), np.full(8, 5.0)))


@given(SCALES)
def test_kappa_rank_correlation_and_r2_are_the_textbooks(pairs: list[tuple[int, int]]) -> None:
    gold, given = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    found = point("qwk", gold, given)
    if not np.isnan(found):
        assert found == pytest.approx(kappa_by_table(gold, given), abs=1e-9)
    ranks = point("spearman", gold, given)
    if np.ptp(gold) and np.ptp(given):
        known: Any = stats.spearmanr(gold, given)
        assert ranks == pytest.approx(known.statistic, abs=1e-9)
    else:
        assert np.isnan(ranks)
    if np.ptp(gold):
        spread = ((gold - gold.mean()) ** 2).sum()
        assert point("r2", gold, given) == pytest.approx(1 - ((gold - given) ** 2).sum() / spread, abs=1e-9)


def test_an_impossible_r2_cannot_come_out() -> None:
    """MAE 6.98 on golds within 1..10 leaves R2 below -1.4; a README said -0.089 (metrics 0)."""
    rng = np.random.default_rng(1)
    gold = np.where(rng.random(96) < 0.5, 1.0, 10.0)
    given = np.where(gold == 1, 8.0, 3.0)
    assert np.abs(gold - given).mean() == 7.0 and point("r2", gold, given) < -1.4


def test_skill_is_measured_against_the_best_constant() -> None:
    assert point("skill", GOLD, np.full(8, np.median(GOLD))) == 0.0
    assert point("skill", GOLD, GOLD) == 1.0
    for constant in range(1, 11):
        assert point("skill", GOLD, np.full(8, float(constant))) <= 0.0
    errors = np.abs(GOLD - GIVEN).mean() / np.abs(GOLD - 5).mean()
    assert point("skill", GOLD, GIVEN) == pytest.approx(1 - errors)


def test_quantiles_are_times_that_were_measured() -> None:
    times = np.array([0.5, 0.9, 0.4, 3.0, 0.6, 0.7, 0.8, 0.55, 0.65, 0.45])
    for share in (50, 95):
        known = np.quantile(times, share / 100, method="inverted_cdf")
        assert point(f"latency_p{share}", times) == known
    many = np.random.default_rng(1).random(5000)
    assert point("latency_p95", many) == pytest.approx(np.quantile(many, 0.95), abs=0.01)


def test_two_arms_are_drawn_together() -> None:
    """An arm against itself differs by nothing in any draw, however far the draws of each alone spread."""
    plan = corpus_plan("qwk", (GOLD, GIVEN))
    both = difference(plan, plan)
    drawn = draw(both.columns, both.figure, resamples=200)
    assert drawn.point == 0.0 and np.abs(drawn.draws).max() == 0.0
    better = difference(plan, corpus_plan("qwk", (GOLD, GOLD)))
    assert draw(better.columns, better.figure, resamples=200).point == pytest.approx(1 - point("qwk", GOLD, GIVEN))


def test_what_a_draw_leaves_out_is_left_out() -> None:
    drawn = draw(corpus_plan("r2", (GOLD, GIVEN)).columns, corpus_plan("r2", (GOLD, GIVEN)).figure, resamples=50)
    without = [point("r2", np.delete(GOLD, at), np.delete(GIVEN, at)) for at in range(len(GOLD))]
    assert drawn.left_out == pytest.approx(without)
