"""Which runs are better by more than chance: the pruning rule and the tied set, on scores made for the purpose."""

import itertools
import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from training.runs.sweep_compare import (
    LEAST_DOCUMENTS,
    Failure,
    PrunedValue,
    Scored,
    best_of,
    holm,
    paired,
    tied_with_best,
    values_that_hurt,
)

GRID = {"rank": (64, 128, 256), "learning_rate": (5e-4, 2e-5, 1e-5), "max_steps": (50, 150)}
Worth = Callable[[Mapping[str, Any]], float]


def sweep_of(worth: Worth, documents: int = 40, noise: float = 0.1, **grid: Any) -> list[Scored]:
    """A run a combination: documents of different difficulty, the settings' worth, and noise of each its own."""
    dice = random.Random(11)
    hard = [dice.uniform(-0.2, 0.2) for _ in range(documents)]
    names = grid or GRID
    found: list[Scored] = []
    for number, chosen in enumerate(itertools.product(*names.values())):
        values = dict(zip(names, chosen, strict=True))
        scores = (worth(values) + shift + dice.gauss(0, noise) for shift in hard)
        found.append(Scored(number, values, tuple(min(1.0, max(0.0, score)) for score in scores)))
    return found


def pruned(found: list[PrunedValue]) -> set[tuple[str, Any]]:
    return {(value.field, value.value) for value in found}


def test_a_rate_that_clearly_hurts_is_left_out_with_its_reason() -> None:
    found = values_that_hurt(sweep_of(lambda v: 0.3 if v["learning_rate"] == 1e-5 else 0.7))
    assert pruned(found) == {("learning_rate", 1e-5)}
    assert "pairs of runs that differ in nothing else, on 40 documents" in found[0].reason


def test_nothing_is_left_out_where_only_chance_differs() -> None:
    assert values_that_hurt(sweep_of(lambda _: 0.6)) == []


def test_a_difference_too_small_to_matter_is_not_pruned_however_sure() -> None:
    trials = sweep_of(lambda v: 0.61 if v["rank"] == 64 else 0.6, documents=400, noise=0.001)
    assert values_that_hurt(trials) == []


def test_a_value_that_hurts_only_beside_some_settings_stays() -> None:
    """Long runs want the small rate, short ones the large: neither value is ahead in every pair."""

    def worth(values: Mapping[str, Any]) -> float:
        return 0.8 if (values["max_steps"] == 150) == (values["learning_rate"] == 1e-5) else 0.4

    trials = sweep_of(worth, rank=(64, 128), learning_rate=(5e-4, 1e-5), max_steps=(50, 150))
    assert values_that_hurt(trials) == []


def test_two_pairs_are_not_enough_and_unmatched_runs_are_no_pair() -> None:
    trials = sweep_of(lambda v: 0.2 if v["learning_rate"] == 1e-5 else 0.9)
    assert values_that_hurt([t for t in trials if t.values["rank"] == 64]) == []
    assert values_that_hurt([t for t in trials if t.values["rank"] != 64]) != []
    mixed = [trials[0], trials[7], trials[11], trials[16]]  # no two of them differ in one field alone
    assert values_that_hurt(mixed) == []


@pytest.mark.parametrize("documents", [1, LEAST_DOCUMENTS - 1])
def test_a_handful_of_documents_prunes_nothing(documents: int) -> None:
    assert values_that_hurt(sweep_of(lambda v: 0.2 if v["rank"] == 64 else 0.9, documents)) == []


def test_the_last_value_of_a_field_is_never_left_out() -> None:
    trials = sweep_of(lambda v: {64: 0.2, 128: 0.5, 256: 0.8}[v["rank"]])
    found = values_that_hurt(trials)
    assert pruned(found) == {("rank", 64), ("rank", 128)}
    assert values_that_hurt(trials, known=found) == []


def test_a_value_of_which_every_run_failed_is_left_out() -> None:
    went_well = sweep_of(lambda _: 0.5, rank=(64, 128), max_steps=(50, 150))
    failures = [Failure({"rank": 256, "max_steps": steps}, "out_of_memory") for steps in (50, 150)]
    (found,) = values_that_hurt(went_well, failures)
    assert (found.field, found.value) == ("rank", 256) and "out_of_memory" in found.reason
    assert values_that_hurt(went_well, failures[:1]) == []
    assert values_that_hurt([], failures) == []  # nothing went well: the fault may lie elsewhere


def test_a_value_that_failed_beside_another_one_only_is_not_blamed() -> None:
    went_well = sweep_of(lambda _: 0.5, rank=(64,), max_steps=(50, 150))
    failures = [Failure({"rank": 256, "max_steps": 350}, "out_of_memory")] * 2
    assert values_that_hurt(went_well, failures) == [], "rank 256 or 350 steps"
    more = [*failures, Failure({"rank": 256, "max_steps": 50}, "out_of_memory")]
    assert pruned(values_that_hurt(went_well, more)) == {("rank", 256)}


def test_the_best_stands_first_and_what_chance_may_have_put_below_it_is_tied() -> None:
    trials = sweep_of(lambda v: 0.7 if v["rank"] == 256 else 0.3, rank=(64, 128, 256), max_steps=(50, 150))
    tied = tied_with_best(trials)
    best = best_of(trials)
    assert best is not None and tied[0] == best.number
    assert {trials[number].values["rank"] for number in tied} == {256} and len(tied) == 2


def test_equal_runs_are_all_tied_and_few_documents_tell_nothing_apart() -> None:
    same = [Scored(number, {"rank": number}, (0.5, 0.7, 0.9)) for number in range(4)]
    assert tied_with_best(same) == (0, 1, 2, 3)
    one = [Scored(number, {"rank": number}, (number / 10,)) for number in range(3)]
    assert tied_with_best(one) == (2, 1, 0)
    assert tied_with_best([]) == () and best_of([]) is None


def test_intervals_hold_the_difference_and_p_falls_with_it() -> None:
    dice = random.Random(3)
    base = [dice.random() for _ in range(60)]
    rights = [[score - gap + dice.gauss(0, 0.05) for score in base] for gap in (0.0, 0.01, 0.2)]
    found = paired([base] * 3, rights)
    assert [round(gap.value, 1) for gap in found] == [0.0, 0.0, 0.2]
    assert all(gap.low <= gap.value <= gap.high for gap in found)
    assert found[2].p == 0.0001 <= found[1].p < found[0].p < 1
    assert paired([[0.5, 0.5]], [[0.5, 0.5]])[0].p == 1.0


def test_holm_is_the_textbooks() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0] and holm([]) == []
