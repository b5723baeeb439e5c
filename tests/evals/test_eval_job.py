"""An evaluation as a process of its own: started, followed, cancelled, lost, taken up again, forgotten."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.evals.eval_rows import ROWS, lines, right
from training.background import PROCESS, now
from training.errors import InputError
from training.evals import eval_job
from training.evals.directory import evals_root, open_evaluation, read_status, write_job, write_status
from training.evals.eval_job import (
    cancel_evaluation,
    forget_evaluation,
    list_evaluations,
    read_evaluation,
    run_job,
    start_evaluation,
)
from training.evals.records import EvalJob, EvalStatus
from training.processes import mark_of
from training.runs.lease import Lease
from training.task.records import Sampling

WAIT_S = 240.0


@pytest.fixture
def job(tmp_path: Path) -> EvalJob:
    data = lines(tmp_path / "data.jsonl", ROWS)
    predictions = lines(tmp_path / "p.jsonl", [right(row) for row in ROWS])
    return EvalJob("recipe-jsonld", str(data), ("empty",), predictions=str(predictions), name="mine")


@pytest.fixture
def children() -> Iterator[None]:
    """Whatever a test leaves running is ended."""
    yield
    for child in psutil.Process().children(recursive=True):
        child.kill()


def ended(home: Path, evaluation: str) -> EvalStatus:
    deadline = time.monotonic() + WAIT_S
    while (status := read_evaluation(home, evaluation)).state in ("queued", "running"):
        assert time.monotonic() < deadline, status
        time.sleep(0.1)
    return status


@pytest.mark.usefixtures("children")
def test_a_job_runs_apart_and_ends_whole(tmp_path: Path, job: EvalJob) -> None:
    home = tmp_path / "home"
    evaluation = start_evaluation(job, home)
    assert start_evaluation(job, home) == evaluation, "the same job under way is the same evaluation"
    assert read_evaluation(home, evaluation).state in ("queued", "running")
    status = ended(home, evaluation)
    assert (status.state, status.name, status.task, status.error) == ("finished", "mine", "recipe-jsonld", ""), status
    folder = evals_root(home) / evaluation
    assert json.loads((folder / "summary.json").read_text("utf-8"))["arms"]["p"]["strict"]["value"] == 1.0
    assert (folder / "report.html").stat().st_size > 1000 and (folder / "log.txt").exists()
    assert [s.id for s in list_evaluations(home)] == [evaluation]
    assert open_evaluation(home, evaluation) == folder == open_evaluation(home, str(folder))
    forget_evaluation(home, evaluation)
    assert not folder.exists() and list_evaluations(home) == []


@pytest.mark.usefixtures("children")
def test_one_that_waits_for_a_run_says_so_and_can_be_cancelled(tmp_path: Path, job: EvalJob, tiny_models: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "models").symlink_to(tiny_models / "models", target_is_directory=True)
    lease = Lease(home)
    assert lease.acquire("the-run", "run")
    what = replace(job, arms=("base",), base="llama", predictions="", sampling=Sampling(max_new_tokens=4), limit=1)
    evaluation = start_evaluation(what, home)
    deadline = time.monotonic() + WAIT_S
    while "waiting until the run the-run" not in read_evaluation(home, evaluation).phase:
        assert time.monotonic() < deadline and read_evaluation(home, evaluation).state != "failed"
        time.sleep(0.1)
    with pytest.raises(InputError, match="is under way"):
        forget_evaluation(home, evaluation)
    cancel_evaluation(home, evaluation)
    assert ended(home, evaluation).state == "cancelled"
    lease.release()
    assert start_evaluation(what, home) == evaluation, "a stopped one goes on in its own folder"
    assert ended(home, evaluation).state == "finished"
    assert start_evaluation(what, home) != evaluation, "a finished one is left as it is"


def make(home: Path, evaluation: str, job: EvalJob, **status: Any) -> Path:
    folder = evals_root(home) / evaluation
    write_job(folder, job)
    write_status(folder, EvalStatus(evaluation, "mine", job.task, **{"state": "running", "created": now(), **status}))
    return folder


def test_a_process_that_is_gone_is_lost_and_starting_again_goes_on(
    tmp_path: Path, job: EvalJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make(tmp_path, "20250101-000000-abcdef", job)
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    (folder / PROCESS).write_text(json.dumps(mark_of(child.pid)))
    child.wait()
    status = read_evaluation(tmp_path, folder.name)
    assert status.state == "lost" and "goes on" in status.fix
    spawned: list[Path] = []
    monkeypatch.setattr(eval_job, "spawn", lambda _module, where, _arguments: spawned.append(where))
    assert start_evaluation(job, tmp_path) == folder.name and spawned == [folder]
    assert read_evaluation(tmp_path, folder.name).state == "queued"
    assert start_evaluation(replace(job, seed=8), tmp_path) != folder.name


def test_one_that_is_just_starting_is_not_lost(tmp_path: Path, job: EvalJob) -> None:
    folder = make(tmp_path, "new", job, state="queued")
    assert read_evaluation(tmp_path, "new").state == "queued"
    (folder / PROCESS).write_text(json.dumps(mark_of(os.getpid())))
    assert read_evaluation(tmp_path, "new").state == "queued"


@pytest.mark.usefixtures("children")
def test_force_ends_its_own_process_and_no_other(tmp_path: Path, job: EvalJob) -> None:
    folder = make(tmp_path, "hangs", job)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (folder / PROCESS).write_text(json.dumps(mark_of(child.pid)))
    cancel_evaluation(tmp_path, "hangs", force=True)
    assert child.wait(20) == -signal.SIGKILL
    assert read_evaluation(tmp_path, "hangs").state == "cancelled"
    (folder / PROCESS).write_text(json.dumps({"pid": os.getpid(), "began": 0.0, "boot": ""}))
    cancel_evaluation(tmp_path, "hangs", force=True)  # this very process has the id, and began at another time


def test_what_can_be_mended_ends_as_failed_with_its_fix(tmp_path: Path, job: EvalJob) -> None:
    folder = make(tmp_path, "broken", replace(job, data="no-such-version"))
    assert run_job(folder, tmp_path).state == "failed"
    status = read_status(folder)
    assert "no-such-version" in status.error and status.fix


def test_a_job_that_can_be_seen_to_be_wrong_is_not_started(tmp_path: Path, job: EvalJob) -> None:
    with pytest.raises(InputError, match="Nobody would answer"):
        start_evaluation(EvalJob("recipe-jsonld", job.data), tmp_path)
    with pytest.raises(InputError, match="no arm 'nobody'"):
        start_evaluation(replace(job, arms=("nobody",)), tmp_path)
    assert list_evaluations(tmp_path) == []


def test_nothing_outside_is_read_or_changed(tmp_path: Path, job: EvalJob, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("../x", "", ".", "a/b", "none"):
        with pytest.raises(InputError, match="There is no evaluation"):
            read_evaluation(tmp_path, name)
    shipped = tmp_path / "shipped"
    write_status(make(tmp_path, "x", job), EvalStatus("x", "x", "recipe-jsonld"))
    (shipped / "theirs").mkdir(parents=True)
    (shipped / "theirs" / "aggregates.json").write_text("{}")
    monkeypatch.setattr("training.evals.directory.SHIPPED", shipped)
    assert read_evaluation(tmp_path, "theirs").state == "finished"
    for action in (cancel_evaluation, forget_evaluation):
        with pytest.raises(InputError, match="ships with the studio"):
            action(tmp_path, "theirs")
    assert [status.id for status in list_evaluations(tmp_path)] == ["x"]
