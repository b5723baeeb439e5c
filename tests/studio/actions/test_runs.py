"""The form and the record are one thing, and what a click does is done once, or refused with its reason."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.actions import compare as comparing
from studio.actions import runs as acts
from studio.actions.run_form import SHOWN, filled, values_of
from studio.queries import runs
from tests.studio.run_samples import config, failed_run, finished_run, run_deps, running_run, waiting_run
from training.errors import BusyError, RunError
from training.runs.checks import ConfigError
from training.runs.config import RunConfig
from training.runs.presets import apply, find_presets


@pytest.mark.parametrize("name", ["", *find_presets()])
def test_a_config_goes_into_the_form_and_comes_out_equal(name: str) -> None:
    given = config(report_to=("tensorboard",)) if not name else apply(find_presets()[name], config())
    assert filled(values_of(given)) == (given, ())


def test_what_numbers_boxes_and_lists_give_is_read_as_the_field_has_it() -> None:
    values = dict(zip(SHOWN, values_of(config()), strict=True))
    values |= {"rank": 32.0, "learning_rate": 1, "target_modules": "q_proj,  v_proj", "report_to": None, "name": None}
    found = filled([values[name] for name in SHOWN])
    assert found.config == config(rank=32, learning_rate=1.0, target_modules=("q_proj", "v_proj"))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("rank", None, "is empty"),
        ("rank", 3.5, "3.5"),
        ("rank", "many", "many"),
        ("learning_rate", None, "is empty"),
        ("packing", None, "is empty"),
        ("learning_rate", 7.0, "is 7"),
        ("schedule", "sawtooth", "sawtooth"),
        ("epochs", 3.0, "while max_steps is 50"),
        ("dataset", None, "is empty"),
    ],
)
def test_what_can_not_be_used_is_told_by_its_field(field: str, value: Any, words: str) -> None:
    values = dict(zip(SHOWN, values_of(config()), strict=True)) | {field: value}
    found = filled([values[name] for name in SHOWN])
    assert [problem.field for problem in found.problems] == [field] and words in found.problems[0].reason
    assert found.problems[0].fix


def test_a_missing_value_fails_at_once() -> None:
    with pytest.raises(ValueError, match="shorter"):
        filled(values_of(config())[:-1])


def test_advice_is_joined_and_the_first_word_on_a_field_counts(tmp_path: Path) -> None:
    deps, _ = run_deps(tmp_path)
    run = failed_run(tmp_path, batch_size=8)
    found = acts.advised(deps, run)
    assert found and any(item.changes for item in found)
    helped = acts.settings_of(deps, run, helped=True)
    first: dict[str, Any] = {}
    for item in found:
        first = {**item.changes, **first}
    assert helped == replace(runs.run_of(deps, run).config, **first) != acts.settings_of(deps, run)
    assert acts.advised(deps, finished_run(tmp_path)) == ()


def test_notes_are_kept_and_too_many_tags_are_not(tmp_path: Path) -> None:
    deps, _ = run_deps(tmp_path)
    run = finished_run(tmp_path)
    assert acts.write(deps, run, " #a, b  a", " words ").tags == ("a", "b")
    assert runs.run_of(deps, run).notes.text == "words"
    with pytest.raises(RunError, match="13 tags"):
        acts.write(deps, run, " ".join(f"t{n}" for n in range(13)), "")


def test_only_waiting_runs_have_an_order_and_only_idle_ones_go(tmp_path: Path) -> None:
    deps, _ = run_deps(tmp_path)
    run, waits = running_run(tmp_path), waiting_run(tmp_path)
    with pytest.raises(RunError, match="does not wait"):
        acts.move(deps, run, 1)
    with pytest.raises(RunError, match="running"):
        acts.delete(deps, run)
    acts.delete(deps, waits)
    assert runs.waiting(deps) == []


def test_settings_that_can_not_work_are_all_told(tmp_path: Path) -> None:
    deps, _ = run_deps(tmp_path)
    with pytest.raises(ConfigError) as err:
        acts.config_of(deps, values_of(RunConfig(rank=0, batch_size=0, dataset="x")))
    assert {problem.field for problem in err.value.problems} == {"rank", "batch_size"}


def test_a_comparison_waits_for_a_run_that_has_the_gpu(tmp_path: Path) -> None:
    deps, _ = run_deps(tmp_path)
    running_run(tmp_path)
    deps.runs_told.words = "the comparison model gave its memory back"
    with pytest.raises(BusyError, match="has the GPU"):
        next(comparing.compare(deps, "page", None))  # pyright: ignore[reportArgumentType]
