"""The order of a grid: no other combinations than a shuffle's, and those that values can be judged by early."""

from dataclasses import replace
from itertools import combinations as two_of
from typing import Any

import pytest

from training.runs.config import RunConfig
from training.runs.sweep_compare import LEAST_PAIRS
from training.runs.sweep_order import in_order, runs_needed
from training.runs.sweep_spec import SweepSpec, combinations

GRID = SweepSpec("a", RunConfig(dataset="d"))


def key(values: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(values.items())


def judged(tried: list[dict[str, Any]]) -> dict[tuple[Any, ...], int]:
    """How often each two values of a field met in runs that differ in nothing else."""
    met: dict[tuple[Any, ...], int] = {}
    for one, other in two_of(tried, 2):
        if len(differs := [name for name in one if one[name] != other[name]]) == 1:
            duel = (differs[0], *sorted((one[differs[0]], other[differs[0]])))
            met[duel] = met.get(duel, 0) + 1
    return met


@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1])
def test_each_combination_comes_once_and_the_same_spec_gives_the_same_order(seed: int) -> None:
    spec = replace(GRID, seed=seed)
    order = in_order(spec)
    assert order == in_order(replace(spec, name="b")) and in_order(replace(spec, seed=1)) != order
    assert sorted(map(key, order)) == sorted(map(key, combinations(spec))) and len(order) == 81


@pytest.mark.parametrize("trials", [2, 12, 40, 81])
def test_a_cut_leaves_what_a_plain_shuffle_leaves_and_the_rest_follows(trials: int) -> None:
    some = in_order(replace(GRID, trials=trials))
    more = in_order(replace(GRID, trials=trials + 1))
    assert len(some) == 81 and {key(values) for values in some[:trials]} <= {
        key(values) for values in more[: trials + 1]
    }


def test_the_first_values_can_be_judged_after_six_runs_and_all_of_them_by_the_half() -> None:
    for seed in range(20):
        order = in_order(replace(GRID, seed=seed))
        assert max(judged(order[:6]).values()) == LEAST_PAIRS, seed
        met = judged(order[:45])
        assert len(met) == 12 and min(met.values()) >= LEAST_PAIRS, (seed, met)


def test_values_are_judged_beside_settings_that_differ() -> None:
    """Not beside one and the same number of steps: what hurts there may help elsewhere."""
    for seed in range(20):
        first = in_order(replace(GRID, seed=seed))[:6]
        duel = next(name for (name, *_), count in judged(first).items() if count == LEAST_PAIRS)
        for other in (name for name in first[0] if name != duel):
            assert len({values[other] for values in first}) > 1, (seed, duel, other)


def test_how_many_runs_it_takes_to_leave_a_value_out_is_known_before() -> None:
    needed = runs_needed(GRID)
    assert needed is not None and 9 <= needed <= 24
    enough, few = (in_order(replace(GRID, trials=trials))[:trials] for trials in (needed, needed - 1))
    assert max(judged(enough).values()) == LEAST_PAIRS and max(judged(few).values()) < LEAST_PAIRS
    assert max(judged(enough[:6]).values()) == LEAST_PAIRS, "and then it takes no longer than in the whole"
    assert runs_needed(replace(GRID, fields={"rank": (4, 8), "alpha": (4, 8)})) is None


def test_a_field_of_very_many_values_is_only_shuffled() -> None:
    spec = replace(GRID, fields={"seed": tuple(range(5000)), "rank": (4, 8)})
    order = in_order(spec)
    assert len(order) == 10_000 and max(judged(order[:6]).values()) == LEAST_PAIRS
