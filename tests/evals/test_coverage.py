"""Do 95-percent intervals hold the truth 95 times in 100, and do tests cry wolf 5 times in 100? Simulated, fixed seeds.

The quick ones would notice a wrong formula, the slow ones a slightly wrong one.
"""

from collections.abc import Callable

import numpy as np
import pytest

from training.evals.resampling import Interval, cluster_sign_flip, sign_flip
from training.evals.statistics import (
    bootstrap_mean,
    bootstrap_ratio,
    cluster_bootstrap,
    clustered_wilson,
    newcombe_paired,
    wilson,
)

DRAWS = 599
Make = Callable[[np.random.Generator, int], Interval | None]


def mean_of_shares(rng: np.random.Generator, n: int) -> Interval | None:
    return bootstrap_mean(rng.beta(4, 1, n), resamples=DRAWS)


def skewed_differences(rng: np.random.Generator, n: int) -> Interval | None:
    return bootstrap_mean(rng.beta(0.5, 2, n) - rng.beta(0.5, 2, n), resamples=DRAWS)


def share_of_items(rng: np.random.Generator, n: int) -> Interval | None:
    items = rng.poisson(4, n) + 1
    return bootstrap_ratio(rng.binomial(items, 0.1), items, resamples=DRAWS)


def one_rate(rng: np.random.Generator, n: int) -> Interval | None:
    return wilson(int(rng.binomial(n, 0.9)), n)


def two_rates(rng: np.random.Generator, n: int) -> Interval | None:
    both, only_a, only_b, neither = (int(count) for count in rng.multinomial(n, [0.5, 0.05, 0.25, 0.2]))
    return newcombe_paired(both, only_a, only_b, neither)


def mean_of_clusters(rng: np.random.Generator, n: int) -> Interval | None:
    groups = np.repeat(np.arange(n // 5), 5)
    values = rng.normal(0, 1, n // 5)[groups] + rng.normal(0, 1, n)
    return cluster_bootstrap(values, np.ones(n), groups, resamples=DRAWS)


def rate_of_clusters(rng: np.random.Generator, n: int) -> Interval | None:
    groups = np.repeat(np.arange(n // 5), 5)
    return clustered_wilson(rng.random(n) < rng.beta(4, 1, n // 5)[groups], groups)


def mean_as_if_there_were_no_clusters(rng: np.random.Generator, n: int) -> Interval | None:
    groups = np.repeat(np.arange(n // 5), 5)
    return bootstrap_mean(rng.normal(0, 1, n // 5)[groups] + rng.normal(0, 1, n), resamples=DRAWS)


CASES: list[tuple[Make, float, int]] = [
    (mean_of_shares, 0.8, 50), (skewed_differences, 0.0, 50), (share_of_items, 0.1, 50), (one_rate, 0.9, 50),
    (two_rates, 0.2, 50), (mean_of_clusters, 0.0, 150), (rate_of_clusters, 0.8, 150),
]  # fmt: skip


def coverage(make: Make, truth: float, n: int, times: int) -> float:
    rng = np.random.default_rng(11)
    found = [make(rng, n) for _ in range(times)]
    return float(np.mean([it is not None and it.low <= truth <= it.high for it in found]))


@pytest.mark.parametrize(("make", "truth", "n"), CASES)
def test_an_interval_holds_the_truth(make: Make, truth: float, n: int) -> None:
    assert coverage(make, truth, n, 200) >= 0.89


@pytest.mark.slow
@pytest.mark.parametrize("n", [50, 100, 300])
@pytest.mark.parametrize(("make", "truth", "_n"), CASES)
def test_an_interval_holds_the_truth_nearly_95_times_in_100(make: Make, truth: float, _n: int, n: int) -> None:
    if "clusters" in make.__name__ and n < 100:
        pytest.skip("ten clusters: that promises too much, and is said")
    assert 0.92 <= coverage(make, truth, n, 4000) <= 0.98


def test_dependent_documents_taken_for_independent_promise_too_much() -> None:
    assert coverage(mean_as_if_there_were_no_clusters, 0.0, 150, 200) < 0.8


def test_few_clusters_promise_too_much() -> None:
    """Why fewer than 20 are said: four clusters hold the truth in some 80 of 100."""
    assert coverage(mean_of_clusters, 0.0, 20, 200) < 0.88


def errors(clusters: bool, times: int) -> float:
    rng = np.random.default_rng(12)
    groups = np.repeat(np.arange(25), 4)
    wrong = 0
    for _ in range(times):
        values = rng.normal(0, 1, 25)[groups] + rng.normal(0, 0.5, 100)
        p = cluster_sign_flip(values, groups, DRAWS) if clusters else sign_flip(values, DRAWS)
        wrong += p <= 0.05
    return wrong / times


def test_sign_flips_by_cluster_cry_wolf_5_times_in_100() -> None:
    assert errors(clusters=True, times=300) <= 0.08
    assert errors(clusters=False, times=100) > 0.2


@pytest.mark.slow
def test_sign_flips_cry_wolf_5_times_in_100_and_no_more() -> None:
    assert 0.035 <= errors(clusters=True, times=4000) <= 0.065
