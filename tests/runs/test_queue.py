"""One queue, whoever looks at it: order, keys and states hold through any mix of wishes, ends and losses."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from training.errors import InputError, RunError, StorageError
from training.runs.config import RunConfig
from training.runs.directory import (
    change_status,
    create_run,
    list_runs,
    read_facts,
    read_status,
    run_folder,
    run_names,
    write_status,
)
from training.runs.executors.launcher import ProcessState
from training.runs.index import index_path, journal_for, transaction
from training.runs.queue import Queue
from training.runs.states import ACTIVE, ALLOWED, OVER, RESUMABLE, STATES, check_move

ROOT = Path(__file__).resolve().parents[2]
CONFIG = RunConfig(dataset="small-0123")


class Pretend:
    """A launcher whose processes are names in a dict: what it is told, and how each process stands."""

    def __init__(self, home: Path) -> None:
        self.home, self.processes = home, dict[str, ProcessState]()
        self.refuses = ""

    def submit(self, run: str) -> None:
        if self.refuses:
            raise StorageError(self.refuses, fix="Free some space.")
        assert "alive" not in self.processes.values(), "one at a time"
        self.processes[run] = "alive"

    def status(self, run: str) -> ProcessState:
        return self.processes.get(run, "none")

    def cancel(self, run: str, *, kill: bool = False) -> None:
        if kill:
            self.processes[run] = "gone"
        else:
            (run_folder(self.home, run) / "stop").touch()

    def logs(self, run: str, lines: int = 200) -> list[str]:
        return []

    def artifacts(self, run: str) -> Iterator[Path]:
        return iter(())


def order(queue: Queue) -> list[str]:
    return [job.run for job in queue.jobs() if job.position]


class AnyMix(RuleBasedStateMachine):
    """Clicks, ends, deaths of processes, new windows and a lost index, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp())
        self.launcher = Pretend(self.home)
        self.queue = Queue(self.home, self.launcher)
        self.made: list[str] = []  # the runs there are; drawn by number, for their names are chance
        self.waiting: list[str] = []  # what the queue should hold, in order
        self.keys: dict[str, str] = {}
        self.before: dict[str, str] = {}

    def teardown(self) -> None:
        shutil.rmtree(self.home)

    def state(self, run: str) -> str:
        return read_status(run_folder(self.home, run)).state

    def drop_started(self) -> None:
        """The queue starts the first one by itself when nothing is at work."""
        for run in list(self.waiting):
            if self.state(run) != "queued":
                assert run == self.waiting[0]
                self.waiting.remove(run)

    @rule(key=st.sampled_from(["", "a", "b"]))
    def submit(self, key: str) -> None:
        run = self.queue.submit(CONFIG, key=key)
        if key in self.keys and self.keys[key] in run_names(self.home):
            assert run == self.keys[key]
            return
        if key:
            self.keys[key] = run
        self.made.append(run)
        self.waiting.append(run)
        self.drop_started()

    @precondition(lambda self: self.made)
    @rule(number=st.integers(0, 99), wish=st.sampled_from(["stop", "kill", "resume", "delete"]))
    def wish(self, number: int, wish: str) -> None:
        run = self.made[number % len(self.made)]
        state = self.state(run)
        can = {
            "stop": state == "queued" or state in ACTIVE, "kill": state in ACTIVE, "resume": state in RESUMABLE,
            "delete": state not in ACTIVE,
        }  # fmt: skip
        if not can[wish]:
            with pytest.raises(RunError):
                getattr(self.queue, wish)(run)
            assert self.state(run) == state
            return
        getattr(self.queue, wish)(run)
        if run in self.waiting:
            self.waiting.remove(run)
        if wish == "kill":
            assert self.state(run) == "stopped"
        if wish == "stop":
            assert self.state(run) == ("stopped" if state == "queued" else "stopping")
        if wish == "resume":
            self.waiting.append(run)
        if wish == "delete":
            self.keys = {key: name for key, name in self.keys.items() if name != run}
            self.before.pop(run)
            self.made.remove(run)
        self.drop_started()

    @precondition(lambda self: self.waiting)
    @rule(number=st.integers(0, 99), place=st.integers(0, 4))
    def move(self, number: int, place: int) -> None:
        run = self.waiting[number % len(self.waiting)]
        if not 1 <= place <= len(self.waiting):
            with pytest.raises(RunError, match="no place"):
                self.queue.move(run, place)
            return
        self.queue.move(run, place)
        self.waiting.remove(run)
        self.waiting.insert(place - 1, run)

    def alive(self) -> str:
        return next((run for run, state in self.launcher.processes.items() if state == "alive"), "")

    @precondition(lambda self: self.alive())
    @rule(end=st.sampled_from(["begins", "finished", "stopped", "failed", "dies"]))
    def process(self, end: str) -> None:
        """What a run's process may do next, as far as the table allows it."""
        run = self.alive()
        if end == "begins":
            if self.state(run) == "starting":
                change_status(run_folder(self.home, run), "running")
            return
        if end != "dies":
            if end not in ALLOWED[self.state(run)]:
                return
            change_status(run_folder(self.home, run), end)
        self.launcher.processes[run] = "gone"

    @rule()
    def new_window(self) -> None:
        self.queue = Queue(self.home, self.launcher)

    @rule()
    def index_is_lost(self) -> None:
        for path in index_path(self.home).parent.glob("queue.sqlite*"):
            path.unlink()
        self.waiting.sort(key=lambda run: (read_status(run_folder(self.home, run)).created, run))

    @rule()
    def reconcile(self) -> None:
        self.queue.reconcile()
        self.drop_started()
        states = [self.state(run) for run in run_names(self.home)]
        for run in run_names(self.home):
            assert (self.state(run) in ACTIVE) == (self.launcher.status(run) == "alive")
        assert "queued" not in states or ACTIVE & set(states)

    @invariant()
    def the_queue_is_in_order(self) -> None:
        assert order(self.queue) == self.waiting
        assert [job.position for job in self.queue.jobs() if job.position] == [*range(1, len(self.waiting) + 1)]

    @invariant()
    def all_runs_are_there(self) -> None:
        assert run_names(self.home) == sorted(self.made)

    @invariant()
    def one_is_at_work_at_most(self) -> None:
        assert sum(self.state(run) in ACTIVE for run in run_names(self.home)) <= 1

    @invariant()
    def what_is_finished_stays_so(self) -> None:
        for run, before in self.before.items():
            assert before != "finished" or self.state(run) == "finished"
        self.before = {run: self.state(run) for run in run_names(self.home)}


TestAnyMix = AnyMix.TestCase
TestAnyMix.settings = settings(
    max_examples=12,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


@pytest.fixture
def launcher(tmp_path: Path) -> Pretend:
    return Pretend(tmp_path)


@pytest.fixture
def queue(tmp_path: Path, launcher: Pretend) -> Queue:
    return Queue(tmp_path, launcher)


def test_the_table_is_whole_and_every_end_but_success_can_be_taken_up_again() -> None:
    assert set(ALLOWED) == set(STATES) == ACTIVE | OVER | {"queued"}
    assert all(after <= set(STATES) for after in ALLOWED.values())
    assert all(ALLOWED[state] == {"queued"} for state in RESUMABLE) and not ALLOWED["finished"]
    assert all("lost" in ALLOWED[state] for state in ACTIVE)


@pytest.mark.parametrize("before", STATES)
@pytest.mark.parametrize("after", STATES)
def test_a_move_is_in_the_table_or_refused_in_words(before: str, after: str) -> None:
    if after in ALLOWED[before]:
        check_move("a-run", before, after)
    else:
        with pytest.raises(RunError, match=f"a-run is {before} and can't become {after}"):
            check_move("a-run", before, after)


def test_a_double_click_starts_one_run(tmp_path: Path, queue: Queue) -> None:
    found: list[str] = []
    clicks = [
        threading.Thread(target=lambda: found.append(Queue(tmp_path, queue._launcher).submit(CONFIG, key="click")))
        for _ in range(6)
    ]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()
    assert len(found) == 6 and len(set(found)) == 1
    assert run_names(tmp_path) == [found[0]]
    assert queue.submit(CONFIG, key="another") != found[0]


def test_two_processes_that_look_at_once_start_one_run(tmp_path: Path) -> None:
    """Real processes, real locks: each of them submits under one key and then looks after the queue."""
    code = (
        "import sys, pathlib\n"
        "from training.runs.queue import Queue\nfrom training.runs.config import RunConfig\n"
        "from training.runs.executors.local import LocalLauncher\n"
        "home = pathlib.Path(sys.argv[1])\n"
        "queue = Queue(home, LocalLauncher(home, ('-c', 'import time; time.sleep(20)')))\n"
        "print(queue.submit(RunConfig(dataset='small-0123'), key='one'), *queue.reconcile())"
    )
    words = [sys.executable, "-c", code, str(tmp_path)]
    processes = [subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [process.communicate(timeout=120)[0].split() for process in processes]
    run = said[0][0]
    assert said == [[run]] * 3 and run_names(tmp_path) == [run]
    queue = Queue(tmp_path)
    assert queue.jobs()[0].state == "starting" and read_status(run_folder(tmp_path, run)).attempts == 1
    queue.kill(run)


def test_settings_that_can_not_work_are_refused_and_leave_nothing(tmp_path: Path, queue: Queue) -> None:
    with pytest.raises(InputError, match="rank"):
        queue.submit(replace(CONFIG, rank=0))
    assert run_names(tmp_path) == [] and queue.jobs() == []


def test_what_a_run_was_given_is_kept(tmp_path: Path, queue: Queue) -> None:
    run = queue.submit(CONFIG, dataset_sha256="d" * 64, sweep="s1")
    facts = read_facts(run_folder(tmp_path, run))
    assert (facts.config, facts.dataset_sha256, facts.sweep) == (CONFIG, "d" * 64, "s1")


def test_a_run_is_stopped_at_its_next_step_and_a_queued_one_at_once(tmp_path: Path, queue: Queue) -> None:
    first, second = queue.submit(CONFIG), queue.submit(CONFIG)
    queue.stop(second)
    assert read_status(run_folder(tmp_path, second)).state == "stopped"
    assert [(job.run, job.state, job.wanted) for job in queue.jobs()] == [(first, "starting", "run")]
    queue.stop(first)
    queue.stop(first)
    assert [(job.run, job.state, job.wanted) for job in queue.jobs()] == [(first, "stopping", "stop")]
    with pytest.raises(RunError, match="nothing to stop"):
        queue.stop(second)


def test_a_run_that_can_not_be_started_says_why_and_does_not_hold_up_the_others(
    tmp_path: Path, queue: Queue, launcher: Pretend
) -> None:
    launcher.refuses = "No process could be made."
    run = queue.submit(CONFIG)
    status = read_status(run_folder(tmp_path, run))
    assert (status.state, status.error, status.fix) == ("failed", launcher.refuses, "Free some space.")
    launcher.refuses = ""
    queue.resume(run)
    assert read_status(run_folder(tmp_path, run)).state == "starting"
    assert read_status(run_folder(tmp_path, run)).error == ""


def test_a_process_that_is_just_being_started_is_given_time(tmp_path: Path, queue: Queue, launcher: Pretend) -> None:
    """Whoever started it may have been ended before it told the number."""
    run = create_run(tmp_path, CONFIG).run
    folder = run_folder(tmp_path, run)
    change_status(folder, "starting")
    assert queue.reconcile() == []
    old = json.loads((folder / "status.json").read_text()) | {"updated": "2026-01-01T00:00:00.000+00:00"}
    (folder / "status.json").write_text(json.dumps(old))
    assert "was lost" in queue.reconcile()[0]


def test_a_damaged_run_holds_up_nobody(tmp_path: Path, queue: Queue, launcher: Pretend) -> None:
    first, second, third = (queue.submit(CONFIG) for _ in range(3))
    (run_folder(tmp_path, second) / "status.json").write_text("{")
    launcher.processes[first] = "gone"
    words = queue.reconcile()
    assert any(second in line and "damaged" in line for line in words)
    assert words[-1] == f"{third} was started."
    assert any(second in line for line in list_runs(tmp_path)[1])


def test_a_damaged_index_is_set_aside_and_made_anew(tmp_path: Path, queue: Queue) -> None:
    runs = [queue.submit(CONFIG, key=f"key {at}") for at in range(3)]
    before = queue.jobs()
    path = index_path(tmp_path)
    for name in ("queue.sqlite-wal", "queue.sqlite-shm"):
        path.with_name(name).unlink(missing_ok=True)
    path.write_bytes(b"no database at all" * 100)
    assert [job.run for job in queue.jobs()] == [job.run for job in before]
    assert [queue.submit(CONFIG, key=f"key {at}") for at in range(3)] == runs
    assert len(list(path.parent.glob("queue.sqlite.damaged-*"))) == 1


def test_an_index_of_a_newer_studio_is_left_alone(tmp_path: Path, queue: Queue) -> None:
    queue.submit(CONFIG)
    with closing(sqlite3.connect(index_path(tmp_path))) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StorageError, match="newer Taste Test"):
        queue.jobs()


def test_a_refused_submission_leaves_no_run(tmp_path: Path, queue: Queue) -> None:
    queue.jobs()
    with closing(sqlite3.connect(index_path(tmp_path))) as db, db:
        db.execute("CREATE TRIGGER full BEFORE INSERT ON jobs BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
    with pytest.raises(StorageError, match="disk is full"):
        queue.submit(CONFIG)
    assert run_names(tmp_path) == []


def test_a_folder_that_was_copied_into_the_home_is_a_run(tmp_path: Path, queue: Queue) -> None:
    other = tmp_path / "other"
    run = create_run(other, CONFIG).run
    folder = run_folder(other, run)
    for state in ("starting", "running", "finished"):
        change_status(folder, state)
    queue.jobs()
    shutil.move(folder, tmp_path / "runs" / run)
    assert queue.reconcile() == [] and run_names(tmp_path) == [run]
    shutil.rmtree(tmp_path / "runs" / run)
    assert queue.reconcile() == [] and queue.jobs() == []


def test_the_journal_is_left_off_where_the_environment_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert journal_for(tmp_path) in ("wal", "delete")
    monkeypatch.setenv("TASTE_TEST_JOURNAL", "delete")
    with transaction(tmp_path) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert not os.path.exists(f"{index_path(tmp_path)}-wal")
    monkeypatch.setenv("TASTE_TEST_JOURNAL", "of whales")
    with pytest.raises(InputError, match="of whales"):
        journal_for(tmp_path)


def test_a_transaction_that_breaks_changes_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), transaction(tmp_path) as db:
        db.execute("INSERT INTO jobs VALUES ('a', 1, '', 'queued')")
        raise RuntimeError
    with transaction(tmp_path) as db:
        assert db.execute("SELECT count(*) FROM jobs").fetchone() == (0,)


def test_a_status_that_a_crash_left_ahead_of_the_index_is_believed(tmp_path: Path, queue: Queue) -> None:
    """Resumed on the disk, and the process ended before the index knew: the next window's queue sees it."""
    run = queue.submit(CONFIG)
    queue.kill(run)
    folder = run_folder(tmp_path, run)
    for name in ("stop", "kill"):
        (folder / name).unlink(missing_ok=True)
    write_status(folder, replace(read_status(folder), state="queued"))
    assert Queue(tmp_path, queue._launcher).reconcile() == [f"{run} was started."]


@pytest.mark.parametrize("updated", ["", "yesterday", "2026-11-20T10:00:00"])
def test_a_run_that_names_no_time_was_heard_of_long_ago(tmp_path: Path, updated: str) -> None:
    launcher = Pretend(tmp_path)
    queue = Queue(tmp_path, launcher)
    run = queue.submit(CONFIG)
    launcher.processes.clear()  # no process of it is known
    path = run_folder(tmp_path, run) / "status.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"updated": updated}))
    queue.reconcile()
    assert read_status(run_folder(tmp_path, run)).state == "lost"
