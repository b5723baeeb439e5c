"""A job as a process of its own, which a window can leave, find again and end: what such jobs share.

A job is a folder with status.json, process.json (who works on it), log.txt and, when somebody asks it to stop, cancel.
Promise: a process that is gone without having said how it ended is told as gone, a moment after its start aside; no
other process is ever ended. Limits: one machine, see training.processes.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil

from training.disk import write_whole
from training.processes import alive, mark_of, read_mark

ROOT = Path(__file__).resolve().parents[1]
UNDER_WAY = ("queued", "running")
WRITE_EVERY_S = 0.5
START_S = 30.0  # that long a job may be queued before its process is there
PROCESS, LOG, CANCEL = "process.json", "log.txt", "cancel"


def spawn(module: str, folder: Path, arguments: Sequence[str] = ()) -> None:
    """Start `python -m module FOLDER ...`, apart from this process and its window. OSError where that is refused."""
    for name in (CANCEL, PROCESS):
        (folder / name).unlink(missing_ok=True)
    with (folder / LOG).open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", module, str(folder.absolute()), *arguments],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    with suppress(psutil.NoSuchProcess):  # over already: the status says how, or that it was lost
        write_whole(folder / PROCESS, json.dumps(mark_of(child.pid)))


def gone(folder: Path, state: str, updated: str) -> bool:
    """Whether a status that says `state` since `updated` (ISO 8601) has no process behind it any more."""
    if state not in UNDER_WAY:
        return False
    if state == "queued" and not (folder / PROCESS).exists():
        age = datetime.now(UTC) - datetime.fromisoformat(updated)
        if age.total_seconds() < START_S:
            return False
    return not alive(read_mark(folder / PROCESS))


def kill(folder: Path) -> bool:
    """End the job's own process at once; False where it is not there."""
    mark = read_mark(folder / PROCESS)
    if mark is None or not alive(mark):
        return False
    psutil.Process(int(mark["pid"])).kill()
    return True


def now() -> str:
    """ISO 8601 UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
