"""The queue of a home's runs: one is worked on at a time, the others wait in an order that people may change.

Promise: a run submitted twice under one key is one run; every move of a run is in the table of training.runs.states; a
process that is gone without a word leaves its run `lost`, which whoever looks next finds out. Nothing runs in the
background here: `reconcile` is called by the window, by the command line and by each run's process when it ends, so
that the queue drains with every window closed. What is known of a run is its directory; the index keeps order and keys
and is filled from the directories where it was lost. Safe from several threads and processes. Limits: one machine.
"""

import math
import shutil
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from training.disk import disk
from training.errors import RunError, StorageError, StudioError
from training.runs.advice import kind_of
from training.runs.checks import check_config
from training.runs.config import RunConfig
from training.runs.directory import (
    EXIT,
    KILL,
    PROCESS,
    STOP,
    change_status,
    create_run,
    delete_run,
    last_checkpoint,
    now,
    read_key,
    read_status,
    run_folder,
    run_names,
)  # fmt: skip
from training.runs.executors.launcher import Launcher
from training.runs.executors.local import LocalLauncher
from training.runs.index import reading, transaction
from training.runs.records import RunStatus
from training.runs.states import ACTIVE, FAILED, LOST, OVER, QUEUED, RESUMABLE, STARTING, STOPPED

START_S = 10.0  # that long an active run may have no known process: it is just being started
LOST_KIND = "killed"
Wanted = Literal["run", "stop", "kill"]


@dataclass(frozen=True, slots=True)
class Job:
    """A run that is not over. `position` is 0 for the one at work, 1 for the one that is next."""

    run: str
    state: str
    position: int
    wanted: Wanted = "run"


class Queue:
    """The runs of one home; any number of these, in any number of processes, are the same queue."""

    def __init__(self, home: Path, launcher: Launcher | None = None) -> None:
        self._home = home
        self._launcher: Launcher = launcher or LocalLauncher(home)
        self._compared = False  # whether the index was compared with every status since this object was made

    def submit(self, config: RunConfig, *, key: str = "", dataset_sha256: str = "", sweep: str = "") -> str:
        """Put a run at the end of the queue, and start it where nothing is at work; returns its id.

        The run that was submitted under the same `key` is given once more, whatever became of it. ConfigError, an
        InputError, for settings that can't work; StorageError where the disk refuses.
        """
        check_config(config)
        made = ""
        try:
            with transaction(self._home) as db:
                self._fill(db)
                if key and (row := db.execute("SELECT run FROM jobs WHERE key = ?", [key]).fetchone()):
                    return str(row[0])
                made = create_run(self._home, config, dataset_sha256=dataset_sha256, sweep=sweep, key=key).run
                _insert(db, made, key, QUEUED)
        except BaseException:
            if made:  # the index refused it at the last moment: nobody was told of it
                shutil.rmtree(run_folder(self._home, made), ignore_errors=True)
            raise
        self.reconcile()
        return made

    def jobs(self) -> list[Job]:
        """What is at work, then what waits, in order. Runs that are over are in training.runs.directory.list_runs."""
        with reading(self._home) as db:
            complete = set(run_names(self._home)) == {row[0] for row in db.execute("SELECT run FROM jobs")}
        if not complete:
            with transaction(self._home) as db:
                self._fill(db)
        with reading(self._home) as db:
            found, _ = self._open_runs(db)
        working = [Job(status.run, status.state, 0, self._wanted(status.run)) for status in found if _at_work(status)]
        waiting = [status.run for status in found if status.state == QUEUED]
        return working + [Job(run, QUEUED, place) for place, run in enumerate(waiting, start=1)]

    def move(self, run: str, position: int) -> None:
        """Put a queued run at another place, 1 being the next to start. RunError where it or the place is none."""
        with transaction(self._home) as db:
            self._fill(db)
            self._expect(run, QUEUED)
            waiting = [status.run for status in self._open_runs(db)[0] if status.state == QUEUED]
            if not 1 <= position <= len(waiting):
                raise RunError(f"There is no place {position} in a queue of {len(waiting)}.", fix="Look again.")
            waiting.remove(run)
            waiting.insert(position - 1, run)
            for place, name in enumerate(waiting, start=_last_place(db) + 1):
                db.execute("UPDATE jobs SET position = ? WHERE run = ?", [place, name])

    def stop(self, run: str) -> None:
        """Take a queued run out, or ask the one at work to finish its step, save and stop. Asking twice is no fault.

        RunError for a run that is over.
        """
        with transaction(self._home) as db:
            state = read_status(run_folder(self._home, run)).state
            if state == QUEUED:
                self._settle(db, run, STOPPED, ended=now())
            elif state in ACTIVE:
                self._launcher.cancel(run)
            else:
                raise RunError(f"The run {run} is {state}: there is nothing to stop.", fix="Look again.")

    def kill(self, run: str) -> None:
        """End the run's processes now; what was not saved is lost. RunError where they can't be ended, or it is over.

        The tree is ended inside the transaction: meanwhile the run's process can't start the next run as its child.
        """
        folder = run_folder(self._home, run)
        with transaction(self._home):
            if (state := read_status(folder).state) not in ACTIVE:
                raise RunError(f"The run {run} is {state}: no process works on it.", fix="Look again.")
            with disk("kill the run", folder):
                (folder / KILL).touch()
            self._launcher.cancel(run, kill=True)
        self.reconcile()

    def resume(self, run: str) -> None:
        """Queue a stopped, failed or lost run again: it goes on from its last checkpoint, or begins anew without one.

        RunError where it is in another state.
        """
        folder = run_folder(self._home, run)
        with transaction(self._home) as db:
            self._fill(db)
            self._expect(run, *RESUMABLE)
            with disk("resume the run", folder):
                for name in (STOP, KILL, EXIT, PROCESS):
                    (folder / name).unlink(missing_ok=True)
            self._settle(db, run, QUEUED, ended="", error="", fix="", kind="", phase="")
            db.execute("UPDATE jobs SET position = ? WHERE run = ?", [_last_place(db) + 1, run])
        self.reconcile()

    def delete(self, run: str) -> None:
        """Delete a run and all it made. RunError while it is worked on."""
        with transaction(self._home) as db:
            delete_run(self._home, run)
            db.execute("DELETE FROM jobs WHERE run = ?", [run])

    def reconcile(self) -> list[str]:
        """Bring the queue in line with what is there, and start the next run where nothing is at work.

        Returns a line for each thing that was found or done. Cheap: call it every few seconds.
        """
        with transaction(self._home) as db:
            self._fill(db)
            found, words = self._open_runs(db)
            words += [line for status in found if (line := self._look_after(db, status))]
            return words + self._start_next(db)

    def _look_after(self, db: sqlite3.Connection, status: RunStatus) -> str:
        """Note a run that has ended, with a word or without one; returns what was found."""
        run, folder = status.run, run_folder(self._home, status.run)
        gone = _at_work(status) and self._is_gone(status)
        if gone:
            status = read_status(folder)  # its process may have ended, with its last word, between the two looks
        if status.state in OVER:
            db.execute("UPDATE jobs SET state = ? WHERE run = ?", [status.state, run])
        if not gone or status.state in OVER:
            return ""
        self._launcher.cancel(run, kill=True)  # what its process left behind
        at = f"at step {status.step} of {status.steps}" if status.steps else f"at step {status.step}"
        if (folder / KILL).exists():
            self._settle(db, run, STOPPED, ended=now(), phase="", error=f"Ended by hand {at}.", fix=_go_on(folder))
            return f"{run} was ended by hand {at}."
        said = f"Its process is gone without a word, {at}: it was ended from outside, memory ran out, or power went."
        self._settle(db, run, LOST, ended=now(), phase="", error=said, fix=_go_on(folder), kind=LOST_KIND)
        return f"{run} was lost {at}: its process is gone."

    def _is_gone(self, status: RunStatus) -> bool:
        """No process works on it. One whose process is not known yet is being started, unless that takes too long."""
        state = self._launcher.status(status.run)
        return _age_s(status) > START_S if state == "none" else state == "gone"

    def _start_next(self, db: sqlite3.Connection) -> list[str]:
        """Start the first queued run where nothing is at work. One that can't be started has failed, and says why."""
        found, _ = self._open_runs(db)
        if any(_at_work(status) for status in found):
            return []
        words: list[str] = []
        for status in (status for status in found if status.state == QUEUED):
            self._settle(db, status.run, STARTING, started=now(), attempts=status.attempts + 1)
            try:
                self._launcher.submit(status.run)
            except StudioError as err:
                self._settle(db, status.run, FAILED, ended=now(), error=str(err), fix=err.fix, kind=kind_of(err))
                words.append(f"{status.run} could not be started: {err}")
            else:
                return [*words, f"{status.run} was started."]
        return words

    def _open_runs(self, db: sqlite3.Connection) -> tuple[list[RunStatus], list[str]]:
        """What was not known to be over, by place, and a line for each run that can't be read."""
        marks = ", ".join("?" for _ in OVER)
        rows = db.execute(f"SELECT run FROM jobs WHERE state NOT IN ({marks}) ORDER BY position, run", [*OVER])
        found: list[RunStatus] = []
        words: list[str] = []
        for (run,) in rows.fetchall():
            try:
                found.append(read_status(run_folder(self._home, run)))
            except RunError:  # deleted between two looks
                continue
            except StorageError as err:
                words.append(str(err))
        return found, words

    def _fill(self, db: sqlite3.Connection) -> None:
        """Rows of the runs that are there, and no others; once in the life of this object, states are compared too."""
        known = dict(db.execute("SELECT run, state FROM jobs").fetchall())
        there = run_names(self._home)
        for run in known.keys() - set(there):
            db.execute("DELETE FROM jobs WHERE run = ?", [run])
        news: list[tuple[str, str, str, str]] = []
        for run in there:
            if self._compared and run in known:
                continue
            folder = run_folder(self._home, run)
            try:
                status = read_status(folder)
                news.append((status.created, run, read_key(folder), status.state))
            except StorageError:  # listed as damaged in training.runs.directory.list_runs; the others go on
                continue
        for _, run, key, state in sorted(news):
            if run in known:
                db.execute("UPDATE jobs SET state = ? WHERE run = ?", [state, run])
            else:
                _insert(db, run, key, state)
        self._compared = True

    def _settle(self, db: sqlite3.Connection, run: str, state: str, **changes: Any) -> None:
        change_status(run_folder(self._home, run), state, **changes)
        db.execute("UPDATE jobs SET state = ? WHERE run = ?", [state, run])

    def _expect(self, run: str, *states: str) -> None:
        state = read_status(run_folder(self._home, run)).state
        if state not in states:
            wanted = " or ".join(sorted(states))
            raise RunError(f"The run {run} is {state}, not {wanted}.", fix="Look at the list of runs again.")

    def _wanted(self, run: str) -> Wanted:
        folder = run_folder(self._home, run)
        return "kill" if (folder / KILL).exists() else "stop" if (folder / STOP).exists() else "run"


def _at_work(status: RunStatus) -> bool:
    return status.state in ACTIVE


def _insert(db: sqlite3.Connection, run: str, key: str, state: str) -> None:
    """At the end of the queue. A key that another run has already stays with that one."""
    taken = key and db.execute("SELECT 1 FROM jobs WHERE key = ?", [key]).fetchone()
    db.execute("INSERT INTO jobs VALUES (?, ?, ?, ?)", [run, _last_place(db) + 1, "" if taken else key, state])


def _last_place(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT coalesce(max(position), 0) FROM jobs").fetchone()[0])


def _age_s(status: RunStatus) -> float:
    """Seconds since it was last heard of; a run that names no time was heard of long ago."""
    try:
        return (datetime.now(UTC) - datetime.fromisoformat(status.updated)).total_seconds()
    except (ValueError, TypeError):  # empty or torn, or a time of no time zone
        return math.inf


def _go_on(folder: Path) -> str:
    checkpoint = last_checkpoint(folder)
    if checkpoint is None:
        return "Resume it: without a checkpoint it begins anew."
    return f"Resume it: it goes on from {checkpoint.name}."
