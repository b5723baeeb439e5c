"""Sweeps through the queue: each combination once, in the same order again, resumed wherever they were left."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engine.small_versions import small_version
from tests.runs.instant_launcher import InstantLauncher, Outcome
from training.errors import BusyError, InputError, RunError, StorageError
from training.runs.config import RunConfig
from training.runs.directory import delete_run, list_runs, read_facts, run_folder
from training.runs.queue import Queue
from training.runs.sweep import run_sweep, stop_sweep
from training.runs.sweep_records import (
    FILE,
    Sweep,
    columns,
    list_sweeps,
    read_sweep,
    sweep_folder,
    sweeps_folder,
)
from training.runs.sweep_search import STUDY
from training.runs.sweep_spec import Range, SweepSpec

ROOT = Path(__file__).resolve().parents[2]
ROWS = 20
FIELDS = {"rank": (4, 8), "learning_rate": (1e-2, 1e-3), "max_steps": (2, 4)}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("home")
    small_version(root, "recipe-writer", train=2, dev=2, test=1)
    return root


@pytest.fixture
def home(shared: Path, tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "datasets").symlink_to(shared / "datasets")
    return tmp_path / "home"


def spec_of(**changes: Any) -> SweepSpec:
    config = RunConfig(task="recipe-writer", dataset="recipe-writer-tiny", base="llama")
    return replace(SweepSpec("try", config, FIELDS), **changes)


def scores(level: float, noise: float = 0.0, seed: int = 0) -> list[float]:
    return [round(level + 0.01 * (at % 5) + noise * ((at * 7 + seed) % 3 - 1), 6) for at in range(ROWS)]


def by_rank(config: RunConfig) -> Outcome:
    """A larger rank is better, a little so by the number of steps; the rate makes no difference."""
    return scores(config.rank / 10 + config.max_steps / 100)


def drive(home: Path, spec: SweepSpec, outcome: Callable[[RunConfig], Outcome] = by_rank) -> tuple[Sweep, list[str]]:
    """The last word of a sweep, and the runs that were really started."""
    launcher = InstantLauncher(home, outcome)
    *_, last = run_sweep(spec, home, Queue(home, launcher), poll_s=0.0)
    return last, launcher.started


def test_every_combination_runs_once_and_the_best_is_told_with_what_is_tied(home: Path) -> None:
    spec = spec_of(prune=False)
    last, started = drive(home, spec)
    assert (last.state, last.total, last.done, last.metric) == ("finished", 8, 8, "list_f1")
    assert len(started) == len({tuple(trial.values.items()) for trial in last.trials}) == 8
    best = last.trials[last.best or 0]
    assert best.values["rank"] == 8 and best.values["max_steps"] == 4 and best.score == pytest.approx(0.86)
    assert {last.trials[number].values["learning_rate"] for number in last.tied} == {1e-2, 1e-3}
    assert all(last.trials[n].values["rank"] == 8 and last.trials[n].values["max_steps"] == 4 for n in last.tied)
    assert best.low is not None and best.low < 0.86 < (best.high or 0) and best.n == ROWS
    assert read_sweep(sweep_folder(home, last.sweep)) == last
    facts = read_facts(run_folder(home, best.run))
    assert facts.sweep == last.sweep and facts.config.rank == 8 and facts.config.name.startswith("try ")
    again, more = drive(home, spec)
    assert more == [] and again.trials == last.trials and again.tied == last.tied


def test_what_clearly_hurts_is_left_out_and_says_why(home: Path) -> None:
    fields = {"rank": (4, 8), "learning_rate": (1e-2, 1e-3), "max_steps": (2, 3, 4)}
    last, started = drive(home, spec_of(fields=fields))
    assert last.state == "finished" and [(p.field, p.value) for p in last.pruned] == [("rank", 4)]
    left_out = [trial for trial in last.trials if trial.state == "pruned"]
    assert left_out and len(started) + len(left_out) == 12
    assert all(trial.values["rank"] == 4 and "rank 4: 0.4" in trial.reason and not trial.run for trial in left_out)


def test_a_chart_has_an_axis_for_each_field_and_one_for_the_metric(home: Path) -> None:
    last, _ = drive(home, spec_of(prune=False))
    axes = columns(last)
    assert [axis.name for axis in axes] == ["rank", "learning_rate", "max_steps", "list_f1"]
    assert all(len(axis.values) == len(axis.places) == 8 for axis in axes)
    assert all((place == 1.0) == (value == 8) for value, place in zip(axes[0].values, axes[0].places, strict=True))
    assert {0.0, 1.0} <= set(axes[-1].places)


def test_a_failed_run_is_told_and_a_value_that_always_fails_is_left_out(home: Path) -> None:
    last, started = drive(home, spec_of(), lambda c: "failed" if c.rank == 8 else scores(0.5))
    failed = [trial for trial in last.trials if trial.state == "failed"]
    assert len(failed) == 2 and failed[0].reason == "No room."
    assert [(p.field, p.value) for p in last.pruned] == [("rank", 8)] and "out_of_memory" in last.pruned[0].reason
    assert len(started) == 6 and last.best is not None


def test_runs_without_figures_or_on_other_rows_are_no_scores(home: Path) -> None:
    def outcome(config: RunConfig) -> Outcome:
        if config.rank == 8:
            return "unscored"
        return scores(0.5) if config.max_steps == 2 else scores(0.5)[:-1]

    last, _ = drive(home, spec_of(), outcome)
    reasons = {trial.values["rank"]: trial.reason for trial in last.trials if trial.state == "failed"}
    assert "not evaluated" in reasons[8] and "other dev rows" in reasons[4]
    assert last.pruned == ()


def test_a_lost_run_goes_on_and_one_that_is_lost_again_and_again_has_failed(home: Path) -> None:
    lost: dict[str, int] = {}

    def outcome(config: RunConfig) -> Outcome:
        lost[config.name] = lost.get(config.name, 0) + 1
        return scores(0.5) if config.rank == 4 and lost[config.name] == 2 else "lost"

    last, started = drive(home, spec_of(fields={"rank": (4, 8)}), outcome)
    assert {trial.values["rank"]: trial.state for trial in last.trials} == {4: "done", 8: "failed"}
    assert len(started) == 2 + 3 and len(set(started)) == 2


def test_it_goes_on_wherever_it_was_left(home: Path) -> None:
    spec = spec_of(prune=False)
    whole, _ = drive(home, spec)
    order = [trial.values for trial in whole.trials]
    shutil.rmtree(home / "runs")
    shutil.rmtree(home / "sweeps")
    launchers: list[InstantLauncher] = []
    for looks in (1, 2, 3, 5, 8, 50):  # each time another process, which is gone after so many looks
        launchers.append(InstantLauncher(home, by_rank))
        states: Any = run_sweep(spec, home, Queue(home, launchers[-1]), poll_s=0.0)
        with closing(states):
            for _ in zip(range(looks), states, strict=False):
                pass
    last = read_sweep(sweep_folder(home, spec_sweep(home)))
    assert last.state == "finished" and [trial.values for trial in last.trials] == order
    started = [run for launcher in launchers for run in launcher.started]
    assert len(started) == len(set(started)) == 8


def spec_sweep(home: Path) -> str:
    return list_sweeps(home)[0][0].sweep


def test_stop_ends_the_run_and_the_same_spec_resumes_it(home: Path) -> None:
    spec = spec_of(fields={"rank": (4, 8)})
    launcher = InstantLauncher(home, lambda _: "waits")
    seen: list[Sweep] = []
    for state in run_sweep(spec, home, Queue(home, launcher), poll_s=0.0):
        seen.append(state)
        if state.running and state.running.run and state.steps:
            stop_sweep(home, state.sweep)
    assert seen[-1].state == "stopped" and len(launcher.started) == 1
    assert list_runs(home)[0][0].state == "stopped"
    last, started = drive(home, spec)
    assert last.state == "finished" and last.done == 2 and set(launcher.started) < set(started)
    with pytest.raises(RunError):
        stop_sweep(home, "none-000000")


def test_a_run_stopped_by_hand_is_no_score_and_no_fault_of_its_settings(home: Path) -> None:
    last, _ = drive(home, spec_of(), lambda c: "stopped" if c.rank == 8 else scores(0.5))
    assert [trial.reason for trial in last.trials if trial.values["rank"] == 8] == ["stopped by hand"] * 4
    assert last.pruned == ()


def test_a_lost_or_damaged_store_is_made_anew_without_training_anything_again(home: Path) -> None:
    spec = spec_of(prune=False)
    last, _ = drive(home, spec)
    folder = sweep_folder(home, last.sweep)
    study = folder / STUDY
    study.write_bytes(b"SQLite format 3\0" + b"\xff" * 4000)
    again, started = drive(home, spec)
    assert started == [] and again.trials == last.trials
    assert list(folder.glob(f"{STUDY}.damaged-*"))
    (folder / FILE).write_text("{", "utf-8")
    assert list_sweeps(home)[1][0].startswith(str(folder / FILE))
    with pytest.raises(StorageError, match="is damaged"):
        read_sweep(folder)
    third, started = drive(home, spec)
    assert started == [] and third.tied == last.tied


def test_a_deleted_run_keeps_its_score_and_a_sweep_survives_it(home: Path) -> None:
    spec = spec_of(prune=False)
    last, _ = drive(home, spec)
    delete_run(home, last.trials[3].run)
    again, started = drive(home, spec)
    assert started == [] and again.trials[3].score == last.trials[3].score


def test_a_search_takes_its_trials_and_no_combination_twice(home: Path) -> None:
    fields = {"rank": (4, 8), "learning_rate": Range(1e-4, 1e-2, True), "max_steps": Range(2, 6)}
    spec = spec_of(fields=fields, search="tpe", trials=12)

    def outcome(config: RunConfig) -> Outcome:
        return scores(min(0.9, config.learning_rate * 50 + config.rank / 100))

    last, started = drive(home, spec, outcome)
    assert last.state == "finished" and last.done == 12 and len(started) == len(set(started)) <= 12
    assert all(1e-4 <= t.values["learning_rate"] <= 1e-2 and 2 <= t.values["max_steps"] <= 6 for t in last.trials)
    scored = [trial.score or 0.0 for trial in last.trials]
    assert max(scored[4:]) >= max(scored[:4]) and last.best is not None
    assert [axis.name for axis in columns(last)][:1] == ["rank"]


def test_only_one_process_drives_and_bad_specs_start_nothing(home: Path) -> None:
    spec = spec_of(fields={"rank": (4, 8)})
    launcher = InstantLauncher(home, lambda _: "waits")
    states = run_sweep(spec, home, Queue(home, launcher), poll_s=0.0)
    assert next(states).state == "running"
    with pytest.raises(BusyError, match="worked on by another process"):
        next(run_sweep(spec, home, Queue(home, launcher)))
    close: Any = states
    close.close()
    with pytest.raises(InputError, match="rank is 0"):
        next(run_sweep(spec_of(fields={"rank": (0, 8)}), home, Queue(home, launcher)))
    assert len(list(sweeps_folder(home).iterdir())) == 1


def test_a_driver_that_is_killed_leaves_a_sweep_that_goes_on(home: Path) -> None:
    """A real process, ended without a word while its run is at work."""
    code = (
        "import os, sys; from pathlib import Path; from tests.runs.test_sweep import *\n"
        "home = Path(sys.argv[1]); spec = spec_of(prune=False)\n"
        "for state in run_sweep(spec, home, Queue(home, InstantLauncher(home, by_rank)), poll_s=0.0):\n"
        "    if state.done == 3: os._exit(9)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code, str(home)], cwd=ROOT, env=environment, timeout=200, check=False)
    assert done.returncode == 9
    last, started = drive(home, spec_of(prune=False))
    assert last.state == "finished" and last.done == 8 and len(started) == 5
    with closing(sqlite3.connect(sweep_folder(home, last.sweep) / STUDY)) as db:
        assert db.execute("SELECT count(*) FROM trials").fetchone()[0] == 8
