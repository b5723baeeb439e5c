"""Runs as processes of this machine, each in a session of its own, so that it outlives the window and the studio.

Promise: a process is started once a run; stopping is a word on the disk, killing ends the process and all it started,
and no other one that has its id by now. Limits: this machine only. A process that is waiting for a broken disk can't be
ended by anyone; that is told.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from training.disk import disk, write_whole
from training.errors import RunError
from training.processes import Mark, alive, mark_of, read_mark
from training.runs.directory import LOG, PROCESS, STOP, log_tail, run_folder
from training.runs.executors.launcher import ProcessState

ROOT = Path(__file__).resolve().parents[3]
WORKER = ("-m", "training.runs.worker")
END_S = 10.0  # that long a killed process may take to be gone
ADAPTERS = ("adapter", "model")
EVALUATION = "evaluation.json"
CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW = 0x200, 0x08000000  # subprocess names them on Windows alone


def detached(platform: str) -> dict[str, Any]:
    """What Popen is told so that the child lives on when its parent, or its terminal, ends."""
    if platform == "win32":
        return {"creationflags": CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW}
    return {"start_new_session": True}


class LocalLauncher:
    """Starts `python WORKER... RUN_FOLDER` for a run of `home`, in the folder of the checkout."""

    def __init__(self, home: Path, worker: Sequence[str] = WORKER, platform: str = sys.platform) -> None:
        self._home, self._worker, self._platform = home, tuple(worker), platform

    def submit(self, run: str) -> None:
        """Start the run's process; returns at once. Where one works on it already, nothing happens."""
        folder = run_folder(self._home, run)
        if self.status(run) == "alive":
            return
        environment = os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1"}
        with disk("start the run's process", folder), (folder / LOG).open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, *self._worker, str(folder.absolute())],
                cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                **detached(self._platform),
            )  # fmt: skip
            with suppress(psutil.NoSuchProcess):  # over already: its status says how, or that it was lost
                write_whole(folder / PROCESS, json.dumps(mark_of(child.pid)))

    def status(self, run: str) -> ProcessState:
        mark = self._mark(run)
        if mark is None:
            return "none"
        return "alive" if alive(mark) else "gone"

    def cancel(self, run: str, *, kill: bool = False) -> None:
        """Ask the run to stop; with `kill` end its process tree. RunError where a process can't be ended."""
        folder = run_folder(self._home, run)
        if not kill:
            with disk("stop the run", folder):
                (folder / STOP).touch()
            return
        if left := end_tree(self._mark(run), self._platform):
            numbers = ", ".join(str(process.pid) for process in left)
            raise RunError(f"Process {numbers} of the run {run} can't be ended.", fix="End it by hand, or restart.")

    def logs(self, run: str, lines: int = 200) -> list[str]:
        return log_tail(run_folder(self._home, run), lines)

    def artifacts(self, run: str) -> Iterator[Path]:
        folder = run_folder(self._home, run)
        for name in ADAPTERS:
            yield from sorted(path for path in (folder / name).rglob("*") if path.is_file())
        if (folder / EVALUATION).is_file():
            yield folder / EVALUATION

    def _mark(self, run: str) -> Mark | None:
        return read_mark(run_folder(self._home, run) / PROCESS)


def end_tree(mark: Mark | None, platform: str = sys.platform, wait_s: float = END_S) -> list[psutil.Process]:
    """End the process of a mark and all it started, also what it left behind; returns those that would not end."""
    found = tree(mark, platform)
    seen: set[psutil.Process] = set()
    while new := [process for process in found if process not in seen]:
        for process in new:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        seen.update(new)
        found = tree(mark, platform)  # what was started while the others were ended
    return psutil.wait_procs(seen, timeout=wait_s)[1]


def tree(mark: Mark | None, platform: str = sys.platform) -> list[psutil.Process]:
    """The living processes of a mark, its own first: its children, and on POSIX all of its session.

    Of a dead process only its session is left; its number names no other one while members of the session live.
    """
    if mark is None:
        return []
    pid = int(mark["pid"])
    found: list[psutil.Process] = []
    if alive(mark):
        with suppress(psutil.NoSuchProcess):
            leader = psutil.Process(pid)
            found = [leader, *leader.children(recursive=True)]
    elif psutil.pid_exists(pid) and not _is_zombie(pid):
        return []  # another process has the number by now, and its session is its own
    if platform != "win32":
        found += [process for process in _session(pid) if process not in found]
    return [process for process in found if _lives(process)]


def _session(leader: int) -> list[psutil.Process]:
    members: list[psutil.Process] = []
    for process in psutil.process_iter():
        with suppress(OSError, psutil.NoSuchProcess):
            if process.pid != leader and os.getsid(process.pid) == leader:
                members.append(process)
    return members


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _is_zombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
