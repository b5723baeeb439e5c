"""Preflight on real versions and bases: what can't work is stopped with its reason, what can is estimated."""

import json
import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engine.small_versions import small_version, version_of
from training.data.versions import open_version, rows_of
from training.runs import preflight_needs
from training.runs.config import RunConfig
from training.runs.preflight import preflight, row_examples
from training.runs.records import Check, Preflight


@pytest.fixture(scope="module")
def home(tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("home")
    shutil.copytree(tiny_models / "models" / "llama", root / "models" / "llama")
    small_version(root, "news-metadata", train=8, dev=3, test=2)
    return root


@pytest.fixture(scope="module")
def config(home: Path) -> RunConfig:
    (version,) = (folder.name for folder in (home / "datasets").glob("news-metadata-tiny-*"))
    return RunConfig(
        task="news-metadata", dataset=version, base="llama", rank=4, alpha=4, max_steps=6, batch_size=2,
        max_length=8000, threads=1, dtype="fp32", eval_steps=3,
    )  # fmt: skip


def named(found: Preflight, name: str) -> Check:
    (check,) = (check for check in found.checks if check.name == name)
    return check


def stops(found: Preflight) -> list[str]:
    assert found.ok == (not any(check.state == "stop" for check in found.checks))
    return [check.name for check in found.checks if check.state == "stop"]


def test_a_run_that_can_work_is_looked_at_from_all_sides(config: RunConfig, home: Path) -> None:
    found = preflight(config, home)
    assert stops(found) == []
    names = [check.name for check in found.checks]
    assert names == [
        "settings", "dataset", "task", "held-out rows", "base", "machine", "template", "mask", "answers fit",
        "context step", "answer length", "steps", "memory", "disk", "time",
    ]  # fmt: skip
    assert named(found, "time").state == "wait"
    assert "8 of 8 train rows" in named(found, "template").words
    assert "8 of 8 train rows" in named(found, "mask").words
    estimate = found.estimate
    assert estimate is not None
    assert (estimate.rows, estimate.steps, found.steps) == (8, 6, 6)
    assert estimate.tokens == pytest.approx(6 * estimate.tokens_per_step)
    assert (estimate.seconds, estimate.measured_steps) == (None, 0)
    assert estimate.peak_bytes and "the base's weights" in named(found, "memory").words
    assert estimate.trainable_parameters and estimate.parameters
    assert estimate.trainable_parameters < estimate.parameters


def test_the_shipped_dataset_and_the_embedded_base_can_start(home: Path) -> None:
    found = preflight(RunConfig(task="news-metadata", dataset="news-metadata-small"), home)
    assert stops(found) == []
    assert found.estimate is not None and found.estimate.rows == 374
    assert "None of 78" in named(found, "held-out rows").words


def test_measured_it_says_time_and_memory(config: RunConfig, home: Path) -> None:
    found = preflight(config, home, measure=True)
    assert stops(found) == []
    assert found.estimate is not None
    assert found.estimate.seconds is not None and found.estimate.seconds > 0
    assert found.estimate.peak_bytes is not None and found.estimate.peak_bytes > 10**6
    assert (found.estimate.measured_steps, named(found, "time").state) == (3, "ok")


def test_wrong_settings_are_all_told_and_nothing_else_is_looked_at(config: RunConfig, home: Path) -> None:
    found = preflight(replace(config, rank=0, dataset="", epochs=1.0), home)
    assert stops(found) == ["dataset", "rank", "epochs"]
    assert len(found.checks) == 3 and found.estimate is None


@pytest.mark.parametrize(
    ("changes", "name", "said", "fix"),
    [
        ({"dataset": "nothing"}, "dataset", "no dataset version 'nothing'", "news-metadata-tiny-"),
        ({"task": "recipe-jsonld"}, "task", "is of the task news-metadata", "Set task to news-metadata"),
        ({"base": "nobody"}, "base", "no base 'nobody'", "crumb"),
        ({"base": "nobody/nothing"}, "base", "not on this machine", "Connect"),
        ({"target_modules": ("wqkv",)}, "base", "no layers called wqkv", "q_proj"),
        ({"revision": "abc"}, "base", "revision is 'abc'", "Set revision"),
        ({"max_length": 100}, "answers fit", "No row fits into 100 tokens", "Raise max_length"),
        ({"max_steps": 0, "epochs": 1.0, "warmup": 50.0}, "warm-up", "the run has 4", "Set warmup"),
        (
            {"max_steps": 0, "epochs": 1.0, "eval_steps": 5, "early_stopping": 1},
            "eval_steps", "never come to that", "Set eval_steps to",
        ),
    ],
)  # fmt: skip
def test_a_run_that_can_not_work_is_stopped_with_the_reason(
    config: RunConfig, home: Path, changes: dict[str, Any], name: str, said: str, fix: str
) -> None:
    found = preflight(replace(config, **changes), home)
    assert stops(found) == [name]
    (stop,) = (check for check in found.checks if check.state == "stop")
    assert said in stop.words
    assert fix in stop.fix


@pytest.mark.skipif("__import__('torch').cuda.is_available()", reason="asks what a machine without a GPU says")
@pytest.mark.parametrize(
    "changes", [{"method": "qlora"}, {"optimizer": "adamw_8bit"}, {"dtype": "fp16"}, {"backend": "unsloth"}]
)
def test_what_the_machine_lacks_stops_the_run(config: RunConfig, home: Path, changes: dict[str, Any]) -> None:
    found = preflight(replace(config, **({"dtype": "auto"} | changes)), home)
    assert stops(found) == ["machine"]
    assert next(iter(changes)) in named(found, "machine").words


@pytest.mark.parametrize(
    ("changes", "name", "said"),
    [
        ({"rank": 512, "alpha": 512}, "rank", "learns rows by heart"),
        ({"alpha": 64}, "alpha", "scales the adapter 16 times"),
        ({"rank": 64, "alpha": 4}, "alpha", "hardly heard"),
        ({"learning_rate": 0.1}, "learning rate", "seldom find anything"),
        ({"method": "full", "learning_rate": 1e-3}, "learning rate", "forgets quickly"),
        ({"max_steps": 500}, "steps", "seen 1.2e+02 times"),
        ({"sample_steps": 50}, "sample_steps", "never come to that"),
        ({"answer_only": False}, "mask", "answer_only is false"),
        ({"method": "dora"}, "method", "Compare can't answer with it"),
    ],
)
def test_what_works_and_seldom_helps_is_a_warning(
    config: RunConfig, home: Path, changes: dict[str, Any], name: str, said: str
) -> None:
    found = preflight(replace(config, **changes), home)
    assert stops(found) == []
    assert named(found, name).state == "warn"
    assert said in named(found, name).words


def test_what_method_full_never_reads_is_said(config: RunConfig, home: Path) -> None:
    full = replace(config, method="full", learning_rate=5e-5)
    told = named(preflight(full, home), "rank")
    assert told.state == "warn" and "rank 4 and alpha 4" in told.words and "reads neither" in told.words
    assert named(preflight(replace(full, rank=64, alpha=64), home), "rank").state == "ok", "nobody typed these"


def test_rows_that_do_not_fit_stop_the_run_or_are_left_out_as_it_was_asked(config: RunConfig, home: Path) -> None:
    short, *_, long = sorted(len(row) for row in row_examples(config, home, n=8))
    found = preflight(replace(config, max_length=long - 1), home)
    assert stops(found) == ["answers fit"]
    assert "1 of 8 train rows (12.5%)" in named(found, "answers fit").words
    assert f"Raise max_length to {long}, or set too_long to drop" in named(found, "answers fit").fix
    found = preflight(replace(config, max_length=short, too_long="drop"), home)
    assert stops(found) == []
    assert "7 of 8 train rows" in named(found, "answers fit").words
    assert found.estimate is not None
    assert (found.estimate.rows, found.estimate.tokens_per_step) == (1, 2 * short)


def test_a_version_that_was_changed_is_stopped(config: RunConfig, home: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(home / "datasets" / config.dataset, tmp_path / config.dataset)
    text = (copy / "train.jsonl").read_text("utf-8")
    (copy / "train.jsonl").write_text(text.replace("a", "e", 1), "utf-8")
    found = preflight(replace(config, dataset=str(copy)), home)
    assert stops(found) == ["dataset"]
    assert "train.jsonl was changed" in named(found, "dataset").words


def version_with(home: Path, config: RunConfig, tmp_path: Path, **parts: Any) -> str:
    """The fixture's version with other rows in some parts; each is made of the train rows."""
    shipped = open_version(home / "datasets" / config.dataset)
    rows = {part: list(rows_of(shipped, part)) for part in shipped.rows}
    rows |= {part: make(rows["train"]) for part, make in parts.items()}
    return str(version_of(tmp_path, "news-metadata", {part: found for part, found in rows.items() if found}))


def test_test_and_golden_rows_in_train_stop_the_run(config: RunConfig, home: Path, tmp_path: Path) -> None:
    found = {
        "are train rows": version_with(home, config, tmp_path, test=lambda train: train[:1]),
        "have a train row's text": version_with(
            home, config, tmp_path,
            golden=lambda train: [replace(train[0], source=train[0].source.upper() + "\n", group="other")],
        ),
        "come from what a train row comes from": version_with(
            home, config, tmp_path, adversarial=lambda train: [replace(train[0], source="Something else entirely.")]
        ),
    }  # fmt: skip
    for said, dataset in found.items():
        checked = preflight(replace(config, dataset=dataset), home)
        assert stops(checked) == ["held-out rows"]
        assert said in named(checked, "held-out rows").words


def test_no_held_out_rows_is_a_warning_and_no_dev_rows_stop_what_needs_them(
    config: RunConfig, home: Path, tmp_path: Path
) -> None:
    dataset = version_with(home, config, tmp_path, test=lambda _: [], dev=lambda _: [])
    found = preflight(replace(config, dataset=dataset), home)
    assert named(found, "held-out rows").state == "warn"
    assert stops(found) == ["dev rows"]
    quiet = replace(config, dataset=dataset, eval_steps=0, evaluate_rows=0)
    assert stops(preflight(quiet, home)) == []


def test_a_base_that_has_no_room_for_a_source_is_stopped(config: RunConfig, home: Path) -> None:
    copy = shutil.copytree(home / "models" / "llama", home / "models" / "short")
    data = json.loads((copy / "config.json").read_text("utf-8"))
    (copy / "config.json").write_text(json.dumps(data | {"max_position_embeddings": 400}), "utf-8")
    found = preflight(replace(config, base="short"), home)
    assert stops(found) == ["rows"]
    assert "are left for the source" in named(found, "rows").words


def test_a_run_that_is_reckoned_not_to_fit_is_told_what_to_lower(
    config: RunConfig, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.engine import run_needs

    found = preflight(config, home)
    monkeypatch.setattr(run_needs, "memory_there", lambda: 300_000_000)
    tight = preflight(config, home)
    assert (named(found, "memory").state, named(tight, "memory").state) == ("ok", "warn")
    assert "batch_size" in named(tight, "memory").fix and "gradient_checkpointing" in named(tight, "memory").fix
    assert "2 rows of up to" in named(tight, "memory").words
    monkeypatch.setattr(run_needs, "memory_there", lambda: 1000)
    assert stops(preflight(config, home)) == ["memory"]


def test_what_is_kept_of_a_batch_grows_with_it_and_shrinks_where_it_is_computed_again(
    config: RunConfig, home: Path
) -> None:
    sizes = [
        preflight(changed, home).estimate
        for changed in (
            replace(config, gradient_checkpointing=True), config, replace(config, batch_size=4),
            replace(config, batch_size=4, rank=64, alpha=64),
        )
    ]  # fmt: skip
    peaks = [estimate.peak_bytes for estimate in sizes if estimate is not None and estimate.peak_bytes]
    assert len(peaks) == 4 and peaks == sorted(peaks)


def test_a_full_disk_stops_the_run(config: RunConfig, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(preflight_needs.shutil, "disk_usage", lambda _: usage(1000, 990, 10))
    found = preflight(config, home)
    assert stops(found) == ["disk"]
    assert "Free some space" in named(found, "disk").fix


def test_rows_to_look_at_are_the_runs_own(config: RunConfig, home: Path) -> None:
    rows = row_examples(config, home, n=2)
    assert len(rows) == 2 and len(rows[0]) < len(rows[1])
    for row in rows:
        learnt = [token.text for token in row if token.learned]
        assert learnt[-1] == "<|end|>"
        assert "".join(learnt).startswith("{")
