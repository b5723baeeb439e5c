"""What is wrong with a config is told with field, reason and fix, all of it at once, and nothing is mended."""

from dataclasses import replace
from typing import Any

import pytest

from training.errors import InputError
from training.runs.checks import LIMITS, ConfigError, Problem, check_config, problems
from training.runs.config import FIELDS, RunConfig

GOOD = RunConfig(dataset="recipe-jsonld-small")


def wrong(**changes: Any) -> tuple[Problem, ...]:
    return problems(replace(GOOD, **changes))


def test_the_defaults_with_a_dataset_are_fine() -> None:
    assert problems(GOOD) == ()
    check_config(GOOD)


@pytest.mark.parametrize("field", list(LIMITS))
def test_a_number_outside_its_limits_names_its_field(field: str) -> None:
    limit = LIMITS[field]
    kind = type(FIELDS[field].default)
    below = kind(limit.least if limit.open_ else limit.least - 1)
    above = kind(limit.most + 1)
    for value in (below, above):
        found = [problem for problem in wrong(**{field: value}) if problem.field == field]
        assert found, (field, value)
        assert all(problem.reason and problem.fix.endswith(".") for problem in found)


@pytest.mark.parametrize("field", [name for name in FIELDS if name != "version"])
def test_a_value_of_another_type_names_its_field(field: str) -> None:
    for value in (None, {"a": 1}, b"x"):
        (found,) = wrong(**{field: value})
        assert found.field == field
        assert repr(value) in found.reason


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("rank", "64"),
        ("rank", 64.0),
        ("rank", True),
        ("packing", 1),
        ("learning_rate", "5e-4"),
        ("learning_rate", float("nan")),
        ("learning_rate", float("inf")),
        ("report_to", ["wandb"]),
        ("target_modules", ("q_proj", 3)),
        ("task", "  "),
        ("base", ""),
        ("dataset", ""),
        ("method", "lorra"),
        ("optimizer", "adam"),
        ("schedule", "sine"),
        ("dtype", "fp8"),
        ("backend", "axolotl"),
        ("save_dtype", "int8"),
        ("too_long", "cut"),
        ("report_to", ("wandb", "mlflow")),
        ("target_modules", "q_proj"),
        ("target_modules", ""),
        ("target_modules", ()),
        ("target_modules", ("q_proj", "q_proj")),
        ("name", "../elsewhere"),
        ("warmup", 10.5),
        ("version", 2),
        ("version", 0),
    ],
)
def test_each_single_fault_is_one_problem_of_that_field(field: str, value: Any) -> None:
    found = wrong(**{field: value})
    assert {problem.field for problem in found} == {field}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"epochs": 3.0}, "epochs"),
        ({"max_steps": 0}, "max_steps"),
        ({"early_stopping": 3}, "early_stopping"),
        ({"early_stopping": 3, "eval_steps": 80}, "early_stopping"),
        ({"warmup": 50.0}, "warmup"),
        ({"schedule": "constant"}, "warmup"),
        ({"schedule": "constant", "warmup": 10.0}, "warmup"),
        ({"short_first_steps": 51}, "short_first_steps"),
        ({"method": "full", "dropout": 0.1}, "dropout"),
        ({"method": "full", "target_modules": ("q_proj",)}, "target_modules"),
        ({"method": "qlora", "dtype": "fp32"}, "dtype"),
    ],
)
def test_fields_that_deny_each_other_are_told(changes: dict[str, Any], field: str) -> None:
    (found,) = wrong(**changes)
    assert found.field == field


@pytest.mark.parametrize(
    "changes",
    [
        {"max_steps": 0, "epochs": 0.5},
        {"sample_steps": 10},
        {"early_stopping": 3, "eval_steps": 10},
        {"early_stopping": 3, "eval_steps": 10, "save_steps": 0},
        {"packing": True, "focal_gamma": 1.0},
        {"max_steps": 1, "warmup": 0.9},
        {"method": "qlora", "optimizer": "paged_adamw_8bit"},
        {"learning_rate": 1, "warmup": 0},
        {"schedule": "constant", "warmup": 0.0},
        {"schedule": "constant_with_warmup"},
        {"target_modules": ("q_proj", "v_proj"), "report_to": ("wandb", "tensorboard")},
    ],
)
def test_what_may_stand_together(changes: dict[str, Any]) -> None:
    assert wrong(**changes) == ()


def test_a_warm_up_that_its_schedule_has_not_says_both_ways_out() -> None:
    (found,) = wrong(schedule="constant")
    assert "is 0.05" in found.reason and "constant_with_warmup" in found.fix and "warmup: 0" in found.fix


def test_all_problems_come_at_once_in_the_order_of_the_fields() -> None:
    found = wrong(rank=0, learning_rate=-1.0, schedule="sine", epochs=1.0)
    assert [problem.field for problem in found] == ["rank", "epochs", "learning_rate", "schedule"]
    with pytest.raises(ConfigError) as caught:
        check_config(replace(GOOD, rank=0, schedule="sine"))
    assert isinstance(caught.value, InputError)
    assert [problem.field for problem in caught.value.problems] == ["rank", "schedule"]
    assert "rank is 0" in str(caught.value)
    assert "cosine" in caught.value.fix
