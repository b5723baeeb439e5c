"""Intervals and exact tests against scipy, statsmodels and published cases, and against simple truths (metrics B)."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as mcnemar_of
from statsmodels.stats.proportion import proportion_confint

from training.evals.resampling import RESAMPLES
from training.evals.statistics import (
    bootstrap_mean,
    bootstrap_ratio,
    cluster_bootstrap,
    clustered_wilson,
    exact_sign_test,
    mcnemar,
    mcnemar_mid_p,
    newcombe_paired,
    wilson,
)

COUNTS = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
TABLES = st.tuples(*[st.integers(0, 60)] * 4).filter(lambda table: sum(table) > 0)


def test_wilson_on_published_cases() -> None:
    """Ninety-six of ninety-six proves more than 96.1 percent, fifteen of fifteen more than 79.6 percent."""
    full, few = wilson(96, 96), wilson(15, 15)
    assert full is not None and few is not None
    assert full.low == pytest.approx(0.9615, abs=5e-4) and full.high == pytest.approx(1.0)
    assert few.low == pytest.approx(0.796, abs=5e-4)
    assert wilson(0, 0) is None


@pytest.mark.parametrize(("bound", "n"), [(0.95, 73), (0.98, 189), (0.99, 381), (0.995, 765)])
def test_how_many_without_a_failure_prove_a_bound(bound: float, n: int) -> None:
    enough, short = wilson(n, n), wilson(n - 1, n - 1)
    assert enough is not None and short is not None
    assert enough.low >= bound > short.low


@given(COUNTS)
def test_wilson_is_scipys_and_statsmodels_and_holds_the_rate(case: tuple[int, int]) -> None:
    k, n = case
    found = wilson(k, n)
    known = stats.binomtest(k, n).proportion_ci(method="wilson")
    assert found == pytest.approx((known.low, known.high), abs=1e-9)
    assert found == pytest.approx(proportion_confint(k, n, method="wilson"), abs=1e-9)
    assert found is not None and found.low <= k / n + 1e-12 and k / n - 1e-12 <= found.high


def test_newcombe_on_cases_worked_by_hand() -> None:
    """36 pass both, 2 only a, 14 only b, 8 neither. p_a = 38/60, p_b = 50/60, Wilson 38/60: .5068 .7438, 50/60: .7196
    .9069; phi = max(36*8 - 2*14 - 30, 0) / sqrt(38*22*50*10) = .3558; low = .2 - sqrt(.1137^2 - 2*.3558*.1137*.1105 +
    .1105^2), high likewise with .0735 and .1265."""
    found = newcombe_paired(both=36, only_a=2, only_b=14, neither=8)
    assert found == pytest.approx((0.0727, 0.3202), abs=2e-3)
    assert newcombe_paired(0, 0, 0, 0) is None
    assert newcombe_paired(30, 0, 0, 0) == pytest.approx((-0.1135, 0.1135), abs=1e-3)


@given(TABLES)
def test_newcombe_holds_the_difference_and_turns_with_the_arms(table: tuple[int, int, int, int]) -> None:
    both, a, b, neither = table
    found, turned = newcombe_paired(both, a, b, neither), newcombe_paired(both, b, a, neither)
    assert found is not None and turned is not None
    assert (
        -1 - 1e-9 <= found.low <= (b - a) / sum(table) + 1e-9 and (b - a) / sum(table) - 1e-9 <= found.high <= 1 + 1e-9
    )
    assert found == pytest.approx((-turned.high, -turned.low), abs=1e-9)


def test_the_mean_is_drawn_as_scipy_draws_it() -> None:
    """The same seed, the same documents, the same BCa: in memory that does not grow with the draws."""
    values = np.random.default_rng(3).beta(2, 1, 60)
    known: Any = stats.bootstrap((values,), np.mean, method="BCa", n_resamples=RESAMPLES, rng=np.random.default_rng(7))
    assert bootstrap_mean(values) == pytest.approx(tuple(known.confidence_interval), abs=1e-12)
    wide: Any = stats.bootstrap(
        (values,), np.mean, method="BCa", n_resamples=RESAMPLES, confidence_level=0.9, rng=np.random.default_rng(7)
    )
    assert bootstrap_mean(values, level=0.9) == pytest.approx(tuple(wide.confidence_interval), abs=1e-12)


def test_the_bootstrap_is_repeatable_and_holds_the_mean() -> None:
    values = [0.1, 0.4, 0.4, 0.9, 1.0, 0.0, 0.7]
    first = bootstrap_mean(values)
    assert first == bootstrap_mean(values)
    assert first is not None and first.low < sum(values) / len(values) < first.high


def test_the_bootstrap_at_its_edges() -> None:
    assert bootstrap_mean([]) is None and bootstrap_mean([0.5]) is None
    assert bootstrap_mean([0.5, 0.5, 0.5]) == (0.5, 0.5)


def test_a_pooled_ratio_is_drawn_by_document() -> None:
    """Two documents with all the items at the extremes: the interval spans both, however many items they have."""
    found = bootstrap_ratio([0.0, 100.0], [100.0, 100.0])
    assert found == (0.0, 1.0)
    assert bootstrap_ratio([1.0], [2.0]) is None
    assert bootstrap_ratio([0.0, 0.0], [0.0, 0.0]) is None


def test_documents_that_come_together_are_worth_one() -> None:
    """Each of 30 documents five times over: the interval is that of 30, not of 150."""
    rng = np.random.default_rng(5)
    once = rng.random(30)
    five, groups = np.repeat(once, 5), np.repeat(np.arange(30), 5)
    by_cluster = cluster_bootstrap(five, np.ones(150), groups)
    assert by_cluster == pytest.approx(bootstrap_mean(once), abs=1e-9)
    naive = bootstrap_mean(five)
    assert naive is not None and by_cluster is not None
    assert (by_cluster.high - by_cluster.low) > 2 * (naive.high - naive.low)
    assert cluster_bootstrap([1.0, 0.0], [1.0, 1.0], np.array([0, 0])) is None


def test_a_rate_of_clusters_is_as_wide_as_its_effective_size() -> None:
    passed = (np.arange(40) < 30).astype(float)
    five, groups = np.repeat(passed, 5), np.repeat(np.arange(40), 5)
    found, alone = clustered_wilson(five, groups), wilson(30, 40)
    assert found == pytest.approx(alone, abs=0.01)
    assert clustered_wilson(passed, None) == alone
    assert clustered_wilson(np.ones(200), groups) == wilson(40, 40), "equal clusters tell no spread: each counts once"
    lone = clustered_wilson(passed, np.arange(40))
    assert lone == pytest.approx(alone, abs=0.01)


def test_paired_sign_tests() -> None:
    a = [True] * 8 + [False] * 2 + [True, False]
    b = [False] * 8 + [True] * 2 + [True, False]
    assert mcnemar(a, b) == (8, 2, pytest.approx(stats.binomtest(8, 10).pvalue))
    assert exact_sign_test(0, 0) == 1.0
    with pytest.raises(ValueError, match="zip"):
        mcnemar([True], [])


@settings(max_examples=50)
@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_is_statsmodels_and_mid_p_is_less_cautious(only_a: int, only_b: int) -> None:
    exact = exact_sign_test(only_a, only_b)
    if only_a + only_b:
        known: Any = mcnemar_of([[50, only_a], [only_b, 50]], exact=True)
        assert exact == pytest.approx(min(1.0, float(known.pvalue)), abs=1e-9)
    assert 0.0 <= mcnemar_mid_p(only_a, only_b) <= exact


def test_mid_p_by_hand() -> None:
    """1 against 9: exact 2 * (1 + 10) / 1024, mid-p takes half of P(table) = 10 / 1024 twice, once a side."""
    assert exact_sign_test(1, 9) == pytest.approx(22 / 1024)
    assert mcnemar_mid_p(1, 9) == pytest.approx(12 / 1024)
    assert mcnemar_mid_p(0, 0) == 1.0


@pytest.mark.parametrize("n", [1, 3, 10, 97, 320])
def test_the_interval_of_none_and_of_all_holds_its_rate_exactly(n: int) -> None:
    none, every = wilson(0, n), wilson(n, n)
    assert none is not None and every is not None
    assert none.low == 0.0 and every.high == 1.0
