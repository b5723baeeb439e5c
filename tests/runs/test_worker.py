"""Real processes of runs, stopped, killed and left alone; only what they learn is make-believe (worker_double)."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.runs.worker_double import DEVICE_FULL, MODULE, PARTS
from tests.studio.run_samples import make_dataset
from training.engine.train_job import Hooks, TrainJob, TrainResult
from training.errors import DataError, RunError
from training.processes import mark_of, read_mark
from training.runs import heartbeat, worker
from training.runs.advice import kind_of
from training.runs.config import RunConfig
from training.runs.directory import (
    change_status,
    create_run,
    last_step,
    list_runs,
    log_tail,
    read_facts,
    read_metrics,
    read_status,
    run_folder,
)
from training.runs.executors.local import LocalLauncher, end_tree
from training.runs.index import transaction
from training.runs.lease import Lease
from training.runs.queue import Queue
from training.runs.records import RunStatus
from training.runs.registry import entries
from training.runs.work import Work, make_job
from training.runs.worker import NOT_MY_TURN, run_worker

ROOT = Path(__file__).resolve().parents[2]
SHORT = RunConfig(dataset="small-0123", name="short", max_steps=6, save_steps=5)
LONG = RunConfig(dataset="small-0123", name="long", max_steps=100_000, save_steps=5)


class Studio:
    """A home with its queue, as one process sees it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.queue = Queue(home, LocalLauncher(home, MODULE))

    def folder(self, run: str) -> Path:
        return run_folder(self.home, run)

    def status(self, run: str) -> RunStatus:
        return read_status(self.folder(run))

    def until(self, run: str, true: Callable[[RunStatus], object]) -> RunStatus:
        deadline = time.monotonic() + 90
        while not true(status := self.status(run)):
            assert time.monotonic() < deadline, (status, log_tail(self.folder(run)))
            time.sleep(0.03)
        return status

    def over(self, run: str) -> RunStatus:
        """How the run ended, its process gone."""
        status = self.until(run, lambda status: status.ended)
        deadline = time.monotonic() + 60
        while LocalLauncher(self.home).status(run) == "alive" and time.monotonic() < deadline:
            time.sleep(0.03)
        return status

    def pid(self, run: str) -> int:
        mark = read_mark(self.folder(run) / "process.json")
        assert mark is not None
        return int(mark["pid"])


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    yield Studio(tmp_path)
    for status in list_runs(tmp_path)[0]:
        end_tree(read_mark(run_folder(tmp_path, status.run) / "process.json"))


def test_a_run_goes_to_its_end_and_its_process_starts_the_next_one(studio: Studio) -> None:
    """The queue drains without a window: nobody looks after it here."""
    first, second = studio.queue.submit(SHORT), studio.queue.submit(replace(SHORT, seed=8))
    assert [(job.run, job.position) for job in studio.queue.jobs()] == [(first, 0), (second, 1)]
    for run in (first, second):
        status = studio.over(run)
        assert (status.state, status.step, status.steps, status.attempts) == ("finished", 6, 6, 1), status
        assert Path(status.adapter).is_dir() and status.started < status.ended and not status.error
        record = json.loads((studio.folder(run) / "exit.json").read_text())
        assert (record["code"], record["state"]) == (0, "finished")
        facts = read_facts(studio.folder(run))
        assert (facts.device, facts.backend, facts.rows, facts.base_sha256) == ("cpu", "double", 1, "f" * 64)
        assert not (studio.folder(run) / ".room").exists()
    assert [(entry.run, entry.state) for entry in entries(studio.home)] == [(second, "finished"), (first, "finished")]
    assert studio.queue.jobs() == []
    assert Lease(studio.home).holder() is None


def test_a_stopped_run_saves_and_goes_on_where_it_was(studio: Studio) -> None:
    run = studio.queue.submit(LONG)
    studio.until(run, lambda status: status.step > 3)
    studio.queue.stop(run)
    assert studio.status(run).state in ("stopping", "stopped")
    status = studio.over(run)
    assert (status.state, status.kind, status.adapter) == ("stopped", "", "")
    steps = [step.step for step in read_metrics(studio.folder(run))]
    assert last_step(studio.folder(run)) == status.step == steps[-1]
    studio.queue.resume(run)
    studio.until(run, lambda now: now.state == "running" and now.step > status.step)
    assert studio.status(run).attempts == 2
    studio.queue.stop(run)
    assert studio.over(run).state == "stopped"
    steps = [step.step for step in read_metrics(studio.folder(run))]
    assert steps == [*range(1, len(steps) + 1)]


def test_sigterm_is_a_wish_to_stop(studio: Studio) -> None:
    run = studio.queue.submit(LONG)
    studio.until(run, lambda status: status.step > 0)
    os.kill(studio.pid(run), signal.SIGTERM)
    status = studio.over(run)
    assert status.state == "stopped" and last_step(studio.folder(run)) == status.step


def test_a_killed_process_is_found_lost_by_anyone_and_can_be_resumed(studio: Studio) -> None:
    run = studio.queue.submit(LONG)
    studio.until(run, lambda status: status.step > 6)
    assert Queue(studio.home).reconcile() == []
    began = time.monotonic()
    os.kill(studio.pid(run), signal.SIGKILL)
    words: list[str] = []
    while not words and time.monotonic() - began < 15:
        words = Queue(studio.home).reconcile()
    assert words and "was lost" in words[0]
    status = studio.status(run)
    assert (status.state, status.kind) == ("lost", "killed")
    assert "without a word" in status.error and "checkpoint-" in status.fix
    saved = last_step(studio.folder(run))
    assert saved >= 5 and saved % 5 == 0
    studio.queue.resume(run)
    studio.until(run, lambda status: status.state == "running" and status.step > saved)
    assert saved + 1 in [step.step for step in read_metrics(studio.folder(run))][saved:]
    studio.queue.kill(run)
    assert studio.status(run).state == "stopped"


def test_kill_ends_the_process_and_all_it_started(studio: Studio) -> None:
    run = studio.queue.submit(replace(LONG, name="child"))
    waiting = studio.queue.submit(SHORT)
    child = studio.folder(run) / "child.txt"
    studio.until(run, lambda status: status.step > 4)
    number = int(child.read_text())
    studio.queue.kill(run)
    status = studio.status(run)
    assert (status.state, status.kind) == ("stopped", "")
    assert "by hand at step" in status.error
    assert not lives(number)
    assert studio.over(waiting).state == "finished"


def test_what_a_lost_process_left_behind_is_ended(studio: Studio) -> None:
    run = studio.queue.submit(replace(LONG, name="child"))
    studio.until(run, lambda status: status.step > 4)
    child = int((studio.folder(run) / "child.txt").read_text())
    os.kill(studio.pid(run), signal.SIGKILL)
    until_gone(studio.pid(run))
    assert lives(child)
    Queue(studio.home).reconcile()
    assert studio.status(run).state == "lost" and not lives(child)


def test_a_run_outlives_the_process_that_started_it(studio: Studio) -> None:
    """The studio is killed with its session; another one finds the run where it should be."""
    code = (
        "import sys, pathlib, tests.runs.test_worker as t\n"
        "print(t.Studio(pathlib.Path(sys.argv[1])).queue.submit(t.LONG), flush=True)\n"
        "sys.stdin.read()"
    )
    words = [sys.executable, "-c", code, str(studio.home)]
    first = subprocess.Popen(
        words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert first.stdout is not None
    run = first.stdout.readline().strip()
    studio.until(run, lambda status: status.step > 0)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    step = studio.status(run).step
    studio.until(run, lambda status: status.step > step + 5)
    assert [job.run for job in studio.queue.jobs()] == [run]
    assert studio.queue.reconcile() == []
    studio.queue.stop(run)
    assert studio.over(run).state == "stopped"


def test_the_number_of_a_dead_process_that_came_again_is_not_its_run(studio: Studio) -> None:
    """Also what a restart of the machine looks like: another boot, or another moment at which the process began."""
    for change in ({"began": 1.0}, {"boot": "an earlier one"}):
        run = create_run(studio.home, LONG).run
        folder = studio.folder(run)
        change_status(folder, "starting")
        change_status(folder, "running", step=12)
        (folder / "process.json").write_text(json.dumps(mark_of(os.getpid()) | change))
        assert any(run in line for line in studio.queue.reconcile())
        assert studio.status(run).state == "lost"


@pytest.mark.parametrize(
    ("name", "kind", "error", "fix"),
    [
        ("refused", "disk", "could not be written", "Free some space"),
        ("nan", "not_a_number", "not a number at step 3", "Lower the learning rate"),
        ("memory", "out_of_memory", "MemoryError", "batch_size"),
        ("fault", "bug", "nobody foresaw this", "log"),
        ("half", "disk", "No space left", "Free space"),
    ],
)
def test_a_failure_says_what_it_was_and_what_to_do(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str, kind: str, error: str, fix: str
) -> None:
    folder = ready(tmp_path, replace(SHORT, name=name))
    assert run_worker(folder, PARTS) == 1
    status = read_status(folder)
    assert (status.state, status.kind) == ("failed", kind)
    assert error in status.error and fix in status.fix
    record = json.loads((folder / "exit.json").read_text())
    assert (record["code"], record["state"]) == (1, "failed")
    assert "Traceback" in capfd.readouterr().err
    assert Lease(tmp_path).holder() is None


@pytest.mark.skipif(not DEVICE_FULL.exists(), reason="no device here on which every write finds a full disk")
def test_a_full_disk_fails_with_the_reason_and_keeps_the_last_checkpoint(studio: Studio) -> None:
    run = studio.queue.submit(replace(LONG, name="full"))
    status = studio.over(run)
    assert (status.state, status.kind) == ("failed", "disk")
    assert os.strerror(errno.ENOSPC) in status.error
    assert last_step(studio.folder(run)) == 3
    assert "Traceback" in "\n".join(log_tail(studio.folder(run)))
    studio.queue.resume(run)
    studio.until(run, lambda status: status.step > 3)
    assert studio.status(run).attempts == 2
    studio.queue.kill(run)


def test_a_half_written_checkpoint_is_not_gone_on_from(tmp_path: Path) -> None:
    folder = ready(tmp_path, replace(SHORT, name="half"))
    assert run_worker(folder, PARTS) == 1
    assert last_step(folder) == 2


def test_an_evaluation_that_fails_leaves_the_adapter_and_says_so(tmp_path: Path) -> None:
    folder = ready(tmp_path, replace(SHORT, name="unscored"))
    assert run_worker(folder, PARTS) == 0
    status = read_status(folder)
    assert status.state == "finished" and Path(status.adapter).is_dir()
    assert "could not be evaluated" in status.error and "Fetch it again" in status.fix
    assert [(entry.run, entry.state) for entry in entries(tmp_path)] == [(folder.name, "finished")]


def test_a_wish_that_came_before_the_process_stops_it_before_it_learns(tmp_path: Path) -> None:
    folder = ready(tmp_path, SHORT)
    (folder / "stop").touch()
    assert run_worker(folder, PARTS) == 0
    assert read_status(folder).state == "stopped"
    assert read_metrics(folder) == []


@pytest.mark.parametrize("state", ["queued", "stopped", "finished"])
def test_a_process_that_has_no_turn_changes_nothing(tmp_path: Path, state: str) -> None:
    folder = run_folder(tmp_path, create_run(tmp_path, SHORT).run)
    for after in {"queued": [], "stopped": ["stopped"], "finished": ["starting", "running", "finished"]}[state]:
        change_status(folder, after)
    before = (folder / "status.json").read_bytes()
    assert run_worker(folder, PARTS) == NOT_MY_TURN
    assert (folder / "status.json").read_bytes() == before


def test_a_second_process_of_a_run_leaves_it_to_the_first(studio: Studio) -> None:
    run = studio.queue.submit(LONG)
    studio.until(run, lambda status: status.step > 0)
    assert run_worker(studio.folder(run), PARTS) == NOT_MY_TURN
    studio.queue.kill(run)


def test_a_run_waits_until_compare_gives_its_memory_back(studio: Studio) -> None:
    engine = Lease(studio.home)
    assert engine.acquire("Compare", "engine")
    run = studio.queue.submit(SHORT)
    status = studio.until(run, lambda status: "waiting" in status.phase)
    assert "Compare" in status.phase and status.state == "starting"
    wish = engine.wanted()
    assert wish and wish.holder == run
    engine.release()
    assert studio.over(run).state == "finished"


def test_a_run_waits_however_long_it_takes_and_tells_who_holds_the_machine_by_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LOOKS", 1)
    assert Lease(tmp_path).acquire("the evaluation soups", "engine")
    folder = ready(tmp_path, SHORT)
    told: list[str] = []

    def asked() -> bool:
        """Looks on as a person would, and stops the run when another one holds the machine."""
        told.append(read_status(folder).phase)
        if "soups" in told[-1]:
            with transaction(tmp_path) as db:
                db.execute("UPDATE leases SET holder = 'Compare'")
        return "Compare" in told[-1]

    assert run_worker(folder, PARTS, asked) == 0
    assert f"waiting until the evaluation soups (process {os.getpid()}) gives the machine back" in told
    status = read_status(folder)
    assert (status.state, status.kind, status.error) == ("stopped", "", "")
    assert Lease(tmp_path).wanted() is None


def test_a_dataset_that_changed_while_the_run_waited_is_told_as_such(tmp_path: Path) -> None:
    facts = create_run(tmp_path, replace(SHORT, dataset=make_dataset(tmp_path)), dataset_sha256="0" * 64)
    with pytest.raises(DataError, match="submitted with") as caught:
        make_job(Work(tmp_path, run_folder(tmp_path, facts.run), facts), lambda _: None)
    assert kind_of(caught.value) == "data"


def test_a_waiting_run_can_be_stopped(studio: Studio) -> None:
    engine = Lease(studio.home)
    assert engine.acquire("Compare", "engine")
    run = studio.queue.submit(SHORT)
    studio.until(run, lambda status: "waiting" in status.phase)
    studio.queue.stop(run)
    assert studio.over(run).state == "stopped"
    assert engine.wanted() is None


def test_a_sign_of_life_comes_while_a_step_takes_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "SIGN_S", 0.0)
    folder = ready(tmp_path, SHORT)
    signs: set[str] = set()

    def train(job: TrainJob, hooks: Hooks) -> TrainResult:
        deadline = time.monotonic() + 60
        while len(signs) < 3 and time.monotonic() < deadline:
            status = read_status(folder)
            if (status.state, status.phase) == ("running", "loading"):
                signs.add(status.updated)
            time.sleep(0.02)
        raise RunError("That is all.", fix="None is needed.")

    assert run_worker(folder, replace(PARTS, train=train)) == 1
    assert len(signs) == 3


def test_a_disk_that_refuses_the_status_for_a_while_ends_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = ready(tmp_path, SHORT)
    beat = heartbeat.Heartbeat(folder, change_status(folder, "running"))
    (folder / "status.json").unlink()
    (folder / "status.json").mkdir()
    beat.start()
    beat.tell(step=3)
    told = ""
    deadline = time.monotonic() + 60
    while "keep the run's status.json" not in told and time.monotonic() < deadline:
        told += capfd.readouterr().err
        time.sleep(0.02)
    (folder / "status.json").rmdir()
    while not (folder / "status.json").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert read_status(folder).step == 3
    beat.end(state="stopped", ended="now")
    assert (read_status(folder).state, read_status(folder).ended) == ("stopped", "now")


def ready(home: Path, config: RunConfig) -> Path:
    """A run whose process is to start: this one."""
    folder = run_folder(home, create_run(home, config).run)
    change_status(folder, "starting", attempts=1)
    return folder


def lives(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def until_gone(pid: int) -> None:
    deadline = time.monotonic() + 60
    while lives(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
