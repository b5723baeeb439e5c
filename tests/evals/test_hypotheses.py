"""Rank tests, equivalence, corrections and detectable differences against scipy, statsmodels and known numbers."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

from training.evals.hypotheses import (
    benjamini_hochberg,
    better_share,
    d_z,
    friedman,
    hodges_lehmann,
    holm,
    mcnemar_power,
    mde_mcnemar,
    mde_mean,
    rank_biserial,
    tost,
    wilcoxon_pratt,
)
from training.evals.resampling import cluster_sign_flip, draw, ratio, sign_flip, two_sided

PS = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@settings(max_examples=8)  # a third of a second each, over there
@given(PS)
def test_corrections_are_statsmodels(ps: list[float]) -> None:
    for ours, method in ((holm, "holm"), (benjamini_hochberg, "fdr_bh")):
        known: Any = multipletests(ps, method=method)
        assert ours(ps) == pytest.approx(list(known[1]), abs=1e-9)


def test_corrections_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert benjamini_hochberg([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.04, 0.04])
    assert holm([]) == benjamini_hochberg([]) == []


def test_sign_flips_are_all_tried_where_there_are_few() -> None:
    """Three positive differences: 1 of 8 flips reaches as far up, 1 as far down."""
    assert sign_flip(np.array([1.0, 2.0, 3.0])) == 2 / 8
    assert sign_flip(np.array([1.0, 2.0, 3.0, 0.0, 0.0])) == 2 / 8, "a tie tells nothing"
    assert sign_flip(np.zeros(5)) == 1.0
    values = np.random.default_rng(1).normal(0.4, 1, 12)
    known: Any = stats.permutation_test((values,), np.mean, permutation_type="samples", n_resamples=2**12)
    assert sign_flip(values) == pytest.approx(known.pvalue, abs=1e-9)


def test_sign_flips_are_drawn_where_there_are_many_and_reckoned_where_there_are_very_many() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(0.25, 1, 60)
    known: Any = stats.permutation_test((values,), np.mean, permutation_type="samples", rng=np.random.default_rng(1))
    assert sign_flip(values) == pytest.approx(known.pvalue, abs=0.015)
    assert sign_flip(values) == sign_flip(values)
    many = rng.normal(0.03, 1, 5000)
    by_t: Any = stats.ttest_1samp(many, 0)
    assert sign_flip(many) == pytest.approx(by_t.pvalue, rel=0.02)


def test_clusters_flip_together() -> None:
    """Four documents of one text that all moved by 1 are one finding, not four."""
    moved, groups = np.array([1.0, 1.0, 1.0, 1.0, 2.0, 3.0]), np.array([0, 0, 0, 0, 1, 2])
    assert sign_flip(moved) == 2 / 64
    assert cluster_sign_flip(moved, groups) == 2 / 8
    assert cluster_sign_flip(moved, None) == sign_flip(moved)


def test_ties_on_a_scale_are_ranked_before_they_are_dropped() -> None:
    """84 of 96 differences are 0: whether they are ranked along or dropped first makes another p."""
    values = np.concatenate([np.zeros(84), [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -4, -5]])
    known: Any = stats.wilcoxon(values, zero_method="pratt", method="approx")
    dropped: Any = stats.wilcoxon(values, zero_method="wilcox", method="approx")
    assert wilcoxon_pratt(values) == known.pvalue and abs(known.pvalue - dropped.pvalue) > 0.02
    assert wilcoxon_pratt([0, 0, 0]) == 1.0


def test_effects_by_hand() -> None:
    """|d| ranks 1, 2, 3, 4 with 2 negative: (1 + 3 + 4 - 2) / 10. Walsh averages of 1, 2, 6: 1 1.5 3.5 2 4 6."""
    assert rank_biserial([1, -2, 3, 4, 0]) == pytest.approx(0.6)
    assert rank_biserial([0, 0]) is None and rank_biserial([2, 1]) == 1.0
    assert hodges_lehmann([1, 2, 6]) == pytest.approx(2.75)
    assert d_z([1, 2, 3]) == pytest.approx(2.0) and d_z([1, 1]) is None and d_z([1]) is None
    assert better_share(3, 2, 1) == pytest.approx(4 / 6) and better_share(0, 0, 0) is None


def test_pooled_d_is_another_number() -> None:
    """Two arms that disagree by documents: d of independent groups .35 looks small where every document moved up."""
    a = np.array([1.0, 3, 5, 7, 9, 11, 13, 15])
    b = a + np.array([2.0, 1, 2, 1, 3, 2, 1, 2])
    pooled = (b.mean() - a.mean()) / np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2)
    found = d_z(b - a)
    assert found is not None and pooled < 0.4 and found > 2


def test_equivalence_is_statsmodels() -> None:
    rng = np.random.default_rng(4)
    a = rng.random(40)
    b = a + rng.normal(0.005, 0.03, 40)
    known: Any = ttost_paired(b, a, -0.02, 0.02)
    found = tost(b - a, 0.02)
    assert found is not None and found.p == pytest.approx(float(known[0]), abs=1e-9)
    assert (found.p < 0.05) == (found.low > -0.02 and found.high < 0.02)
    assert tost([0.0, 0.0], 0.1) == (0.0, 0.0, 0.0) and tost([1.0], 1) is None
    wide = tost(b - a, 0.001)
    assert wide is not None and wide.p > 0.05


def test_friedman_is_scipys_and_tells_ranks() -> None:
    rng = np.random.default_rng(6)
    table = rng.random((25, 4)) + np.array([0, 0.1, 0.2, 0.5])
    known: Any = stats.friedmanchisquare(*table.T)
    found = friedman(table, resamples=400)
    assert found is not None
    assert (found.statistic, found.p) == pytest.approx((known.statistic, known.pvalue))
    assert sum(found.ranks) == pytest.approx(10) and found.ranks[3] == max(found.ranks)
    assert all(low <= rank <= high for rank, (low, high) in zip(found.ranks, found.intervals, strict=True))
    same = friedman(np.ones((5, 3)), resamples=10)
    assert same is not None and same.p == 1.0
    assert friedman(np.ones((5, 2))) is None


@pytest.mark.parametrize(("n", "d"), [(30, 0.53), (50, 0.40), (96, 0.29), (200, 0.20), (310, 0.16), (500, 0.13)])
def test_detectable_mean_differences(n: int, d: float) -> None:
    """In standard deviations of the differences, at 80 percent: the numbers that metrics B gives."""
    found = mde_mean(1.0, n)
    assert found is not None and found == pytest.approx(d, abs=0.02)


@pytest.mark.parametrize(("n", "points"), [(50, 18), (100, 13), (200, 10), (310, 8), (500, 6)])
def test_detectable_rate_differences(n: int, points: int) -> None:
    """With 20 percent discordant documents, in whole points, by the exact test."""
    found = mde_mcnemar(n, 0.2)
    assert found is not None and np.ceil(100 * found) == points


def test_power_is_what_simulated_tests_find() -> None:
    rng = np.random.default_rng(8)
    tables = rng.multinomial(60, [0.25, 0.07, 0.68], size=2000)
    found = sum(b + c > 0 and stats.binomtest(int(b), int(b + c)).pvalue <= 0.05 for b, c, _ in tables) / len(tables)
    assert mcnemar_power(60, 0.32, 0.18) == pytest.approx(found, abs=0.03)


def test_detectable_differences_at_their_edges() -> None:
    assert mde_mean(1.0, 1) is None
    assert mde_mcnemar(4, 0.5) is None, "four documents can't reach 5 percent"
    small, large = mde_mcnemar(1000, 0.1), mde_mcnemar(1001, 0.1)
    assert small is not None and large is not None and small == pytest.approx(large, rel=0.06)
    assert mde_mcnemar(60, 0.0) == pytest.approx(mde_mcnemar(60, 0.05), abs=0.01), "more than 5 percent must differ"


def test_a_difference_far_from_0_is_found_by_its_draws() -> None:
    rng = np.random.default_rng(9)
    moved = np.stack([rng.normal(1, 0.3, 50), np.ones(50)], axis=1)
    still = np.stack([rng.normal(0, 1, 50), np.ones(50)], axis=1)
    assert (two_sided(draw(moved, ratio).draws) or 1) < 0.001 < 0.05 < (two_sided(draw(still, ratio).draws) or 0)
    assert two_sided(np.array([])) is None
