"""Intervals against known values and simple truths (metrics B)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from training.evals.statistics import bootstrap_mean, bootstrap_ratio, exact_sign_test, mcnemar, wilson


def test_wilson_on_published_cases() -> None:
    """Ninety-six of ninety-six proves more than 96.1 percent, fifteen of fifteen more than 79.6 percent."""
    full, few = wilson(96, 96), wilson(15, 15)
    assert full is not None and few is not None
    assert full.low == pytest.approx(0.9615, abs=5e-4) and full.high == pytest.approx(1.0)
    assert few.low == pytest.approx(0.796, abs=5e-4)
    assert wilson(0, 0) is None


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys_and_holds_the_rate(case: tuple[int, int]) -> None:
    k, n = case
    found = wilson(k, n)
    known = stats.binomtest(k, n).proportion_ci(method="wilson")
    assert found == pytest.approx((known.low, known.high), abs=1e-9)
    assert found is not None and found.low <= k / n + 1e-12 and k / n - 1e-12 <= found.high


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


def test_paired_sign_tests() -> None:
    a = [True] * 8 + [False] * 2 + [True, False]
    b = [False] * 8 + [True] * 2 + [True, False]
    assert mcnemar(a, b) == (8, 2, pytest.approx(stats.binomtest(8, 10).pvalue))
    assert exact_sign_test(0, 0) == 1.0
    with pytest.raises(ValueError, match="zip"):
        mcnemar([True], [])
