"""The form and the record are one thing, and what a click does is done once, or refused with its reason."""

from pathlib import Path
from typing import Any

import pytest

from studio.actions import compare as comparing
from studio.actions import runs as acts
from studio.actions.run_form import SHOWN, filled, values_of
from studio.queries import runs
from studio.tabs.train_parts import ADVISED
from tests.studio.run_samples import config, failed_run, finished_run, make_dataset, run_deps, running_run, waiting_run
from training.errors import BusyError, RunError
from training.runs.advice import KINDS, advice
from training.runs.checks import ConfigError
from training.runs.config import FIELDS, METHODS, RunConfig
from training.runs.lease import Lease
from training.runs.presets import apply, find_presets
from training.runs.records import Check, Preflight


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


def test_each_item_of_advice_fills_the_form_with_its_change_alone(tmp_path: Path) -> None:
    deps, _ = run_deps(tmp_path)
    run = failed_run(tmp_path, batch_size=8)
    before, found = runs.run_of(deps, run).config, acts.changes_of(deps, run)
    assert len(found) > 2 and all(item.changes for item in found)
    for place, item in enumerate(found):
        after = acts.settings_of(deps, run, place)
        changed = {name for name in FIELDS if getattr(after, name) != getattr(before, name)}
        assert changed == set(item.changes)
    assert acts.settings_of(deps, run) == before
    with pytest.raises(RunError, match="no such advice"):
        acts.settings_of(deps, run, len(found))
    assert acts.advised(deps, finished_run(tmp_path)) == ()


def test_there_is_a_button_for_all_that_may_be_advised() -> None:
    for kind in KINDS:
        for method in METHODS:
            given = config(method=method, batch_size=8, save_steps=0, dtype="fp16", max_grad_norm=0.0, warmup=0.0)
            assert sum(bool(item.changes) for item in advice(kind, given, gpu=True)) <= len(ADVISED)


def test_a_check_beside_a_run_says_why_it_measured_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deps, _ = run_deps(tmp_path)
    run = running_run(tmp_path)
    asked: list[bool] = []

    def unmeasured(given: RunConfig, home: Path, *, measure: bool = False) -> Preflight:
        asked.append(measure)
        return Preflight((Check("rows", "ok", "Fine."), Check("time", "wait", "Not measured yet.")), None)

    monkeypatch.setattr(acts, "preflight", unmeasured)
    values = values_of(config(dataset=make_dataset(tmp_path)))
    rows, time = acts.check(deps, values).checks
    assert asked == [False] and rows.words == "Fine." and run in time.words and "again" in time.fix
    *_, time = acts.check(deps, values, measure=False).checks
    assert time.words == "Not measured yet."


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
    run = running_run(tmp_path)
    lease = Lease(tmp_path)
    assert lease.acquire(run, "run") and deps.sharing is not None
    deps.sharing.claim("cpu")  # a studio without a GPU asks nobody
    with pytest.raises(BusyError, match="has the GPU"):
        deps.sharing.claim("cuda:0")
    with pytest.raises(BusyError, match=run):
        next(comparing.compare(deps, "page", None))  # pyright: ignore[reportArgumentType]
    assert deps.line.counts() == (0, 0)
