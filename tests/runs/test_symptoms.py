"""Curves: what they show is named with its figures, what they do not show is not."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from training.runs.checks import problems
from training.runs.config import METHODS, RunConfig
from training.runs.records import Step
from training.runs.symptoms import SYMPTOMS, findings, help_for

GOOD = RunConfig(dataset="x")


def curve(loss: Callable[[int], float], steps: int = 40, dev: dict[int, float] | None = None) -> list[Step]:
    return [Step(n, loss=loss(n), dev_loss=(dev or {}).get(n)) for n in range(1, steps + 1)]


def names(steps: Sequence[Step]) -> list[str]:
    return [found.symptom for found in findings(steps, GOOD)]


def falling(n: int) -> float:
    return 3.0 * 0.95**n + 0.2


def test_a_run_that_learns_has_no_symptom() -> None:
    assert names(curve(falling)) == []
    assert names(curve(falling, dev={10: 2.0, 20: 1.5, 30: 1.2, 40: 1.1})) == []


def test_nothing_is_said_too_early() -> None:
    assert names(curve(lambda _: 3.0, steps=19)) == []
    assert names([]) == []


@pytest.mark.parametrize(
    ("steps", "symptom"),
    [
        (curve(lambda _: 3.0), "flat"),
        (curve(lambda n: 1.0 + 0.05 * n), "rising"),
        (curve(lambda n: 9.0 if n == 30 else falling(n)), "jumping"),
        (curve(falling, dev={10: 2.0, 20: 1.5, 30: 1.7, 40: 1.9}), "overfit"),
    ],
)
def test_each_symptom_is_named_with_figures_and_help(steps: list[Step], symptom: str) -> None:
    found = findings(steps, replace(GOOD, eval_steps=10))
    assert [item.symptom for item in found] == [symptom]
    assert any(char.isdigit() for char in found[0].words)
    assert found[0].advice


def test_a_dev_loss_that_rose_once_is_no_overfitting() -> None:
    assert names(curve(falling, dev={10: 2.0, 20: 1.5, 30: 1.2, 40: 1.3})) == []


def test_overfitting_advises_to_stop_at_the_best() -> None:
    changes = [item.changes for item in help_for("overfit", replace(GOOD, eval_steps=10))]
    assert {"early_stopping": 3, "save_steps": 10} in changes
    assert {"max_steps": 25} in changes


@pytest.mark.parametrize("symptom", list(SYMPTOMS))
def test_help_is_always_sound(symptom: str) -> None:
    for method in METHODS:
        for config in (GOOD, replace(GOOD, max_steps=0, epochs=3.0), replace(GOOD, max_steps=1, rank=4, alpha=4)):
            config = replace(config, method=method)
            found = help_for(symptom, config)
            assert found
            for item in found:
                assert problems(replace(config, **item.changes)) == ()
