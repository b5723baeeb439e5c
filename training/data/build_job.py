"""A build as a process of its own, which a window can leave, find again and cancel.

HOME/datasets/.building/<hash of the spec>/ holds job.json (the spec), process.json (who works on it), status.json and
log.txt. The status is written whole or not at all, at most twice a second. A process that is gone without having said
how it ended is told as lost; building again goes on from the stages it finished.
"""

import json
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from training.background import CANCEL, PROCESS, UNDER_WAY, WRITE_EVERY_S, gone, kill, now, spawn
from training.chat.cost import Caps, Spending
from training.data.build import Parts, Progress, build, building_folder
from training.data.spec import DatasetSpec, spec_from, write_spec
from training.data.version_files import SCRATCH
from training.disk import disk, write_whole
from training.errors import BusyError, DataError, StudioError
from training.task.records import to_json

__all__ = [
    "UNDER_WAY", "JobStatus", "cancel_job", "forget_job", "list_jobs", "main", "read_job", "run_job", "start_build",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class JobStatus:
    """What is known of a build. `state`: queued, running, finished, failed, cancelled, or lost: its process is gone.

    `stage`, `done`, `total` and `counts` are the last `Progress`; `version` is the finished one's name; `error` and
    `fix` say why it failed; `updated` is ISO 8601 UTC. `spending` is the last word on what each endpoint was paid.
    """

    id: str
    name: str
    task: str
    state: str = "queued"
    stage: str = ""
    done: int = 0
    total: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    version: str = ""
    error: str = ""
    fix: str = ""
    updated: str = ""
    spending: tuple[Spending, ...] = ()


def start_build(spec: DatasetSpec, home: Path) -> str:
    """Start building in the background; returns the job's id. The job of the same spec that runs already is given."""
    folder = building_folder(home, spec)
    status = JobStatus(folder.name, spec.name, spec.task)
    if (folder / "status.json").is_file() and read_job(home, folder.name).state in UNDER_WAY:
        return folder.name
    with disk("start the build", folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / PROCESS).unlink(missing_ok=True)
        job = {"spec": write_spec(spec), "folder": spec.folder, "home": str(home.absolute())}
        write_whole(folder / "job.json", json.dumps(job))
        _write(folder, status)
        spawn("training.data.build_job", folder)
    return folder.name


def read_job(home: Path, job: str) -> JobStatus:
    """How a build stands. DataError where there is no such job."""
    path = _folder(home, job) / "status.json"
    with disk("read the build's status", path):
        status = _status(path)
    if gone(path.parent, status.state, status.updated):
        after = _status(path)  # it may have ended between the two looks
        if after.state not in UNDER_WAY:
            return after
        return replace(after, state="lost", error="The build's process is gone.", fix="Build again: it goes on.")
    return status


def list_jobs(home: Path) -> list[JobStatus]:
    """Every build that is under way or was, the latest word first."""
    root = home / "datasets" / SCRATCH
    found = [path.parent.name for path in root.glob("*/status.json")] if root.is_dir() else []
    return sorted((read_job(home, job) for job in found), key=lambda status: status.updated, reverse=True)


def cancel_job(home: Path, job: str, *, force: bool = False) -> None:
    """Ask a build to stop; its finished stages stay. `force` ends a process that hangs, and no other one."""
    folder = _folder(home, job)
    with disk("cancel the build", folder):
        (folder / CANCEL).touch()
    if force and kill(folder):
        _write(folder, replace(read_job(home, job), state="cancelled", error="", fix=""))


def forget_job(home: Path, job: str) -> None:
    """Delete what is left of a build that is over: stages, status and log. Versions stay. DataError while it runs."""
    if read_job(home, job).state in UNDER_WAY:
        raise DataError(f"The build {job} is under way.", fix="Cancel it first.")
    with disk("delete the build's files", _folder(home, job)):
        shutil.rmtree(_folder(home, job))


def run_job(folder: Path, parts: Parts | None = None, stopped: Callable[[], bool] = lambda: False) -> JobStatus:
    """Do the build that `folder` describes, in this process, and keep its status up to date; returns the last one.

    What a person can mend ends as failed, with its fix; anything else too, and is then raised: its trace is the log's.
    """
    job = json.loads((folder / "job.json").read_text("utf-8"))
    spec = replace(spec_from(job["spec"], folder / "job.json"), folder=job["folder"])
    status = JobStatus(folder.name, spec.name, spec.task, "running")
    written = 0.0
    try:
        cancel = folder / CANCEL
        progress = Progress("")
        for progress in build(spec, Path(job["home"]), parts=parts, cancelled=lambda: stopped() or cancel.exists()):
            status = _with(status, progress)
            if time.monotonic() - written >= WRITE_EVERY_S:
                _write(folder, status)
                written = time.monotonic()
        state = "cancelled" if progress.stage == "cancelled" else "finished"
        status = replace(status, state=state)
    except BusyError as err:  # the status is the other process' to write
        return replace(status, state="failed", error=str(err), fix=err.fix)
    except StudioError as err:
        status = replace(status, state="failed", error=str(err), fix=err.fix)
    except BaseException as err:
        status = replace(status, state="failed", error=f"A fault of the studio: {err!r}", fix="See log.txt beside it.")
        _write(folder, status)
        raise
    _write(folder, status)
    return status


def _with(status: JobStatus, progress: Progress) -> JobStatus:
    """The status after a word of progress; the stage at which it was cancelled stays."""
    if progress.stage == "cancelled":
        return status
    return replace(
        status, stage=progress.stage, done=progress.done, total=progress.total, counts=dict(progress.counts),
        version=progress.version, spending=_spent(status.spending, progress.spending),
    )  # fmt: skip


def _spent(before: tuple[Spending, ...], last: Spending | None) -> tuple[Spending, ...]:
    """One word for each endpoint, the latest."""
    return before if last is None else (*(told for told in before if told.whose != last.whose), last)


def _status(path: Path) -> JobStatus:
    data: dict[str, Any] = json.loads(path.read_text("utf-8"))
    told = [{**given, "caps": Caps(**given["caps"])} for given in data.pop("spending", ())]
    return JobStatus(**data, spending=tuple(Spending(**given) for given in told))


def _write(folder: Path, status: JobStatus) -> None:
    data: dict[str, Any] = to_json(replace(status, updated=now()))
    with disk("keep the build's status", folder):
        write_whole(folder / "status.json", json.dumps(data))


def _folder(home: Path, job: str) -> Path:
    folder = home / "datasets" / SCRATCH / job
    if not job.isalnum() or not (folder / "status.json").is_file():
        raise DataError(f"There is no build {job!r}.", fix="Look at the list of builds, or start a new one.")
    return folder


def main() -> int:
    """The process itself: its one argument is the job's folder. SIGTERM stops it at the next row."""
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    try:
        status = run_job(Path(sys.argv[1]), stopped=lambda: bool(asked))
    except Exception:
        traceback.print_exc()
        return 1
    return 0 if status.state in ("finished", "cancelled") else 2


if __name__ == "__main__":
    sys.exit(main())
