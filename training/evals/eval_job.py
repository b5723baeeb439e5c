"""An evaluation as a process of its own, which a window can leave, find again and cancel.

HOME/evals/<id>/ is the evaluation itself (see training.evals.records) with process.json, log.txt and cancel beside it
while it works. Promise: starting the same job again goes on with the one that was stopped, from its answers; a process
that is gone without having said how it ended is told as lost. The accelerator is asked for in the process, where it
waits for a run and says so. Limits: evaluations do not queue; two at once share the machine as their leases allow.
"""

import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from training.background import CANCEL, PROCESS, UNDER_WAY, gone, kill, now, spawn
from training.disk import disk
from training.errors import BusyError, InputError, StudioError
from training.evals.directory import (
    evals_root,
    find_evaluation,
    new_id,
    read_job,
    read_status,
    write_job,
    write_status,
)
from training.evals.records import JOB, STATUS, EvalJob, EvalStatus, read_arm
from training.typed_path import typed_path

MODULE = "training.evals.eval_job"
LOST = "The evaluation's process is gone."


def start_evaluation(job: EvalJob, home: Path) -> str:
    """Start in the background; returns the evaluation's id.

    The same job that is under way is given; one that was stopped, failed or lost goes on. InputError for a job that can
    be seen to be wrong; what needs a look into files is told by the status.
    """
    if not job.arms and not job.predictions:
        raise InputError("Nobody would answer.", fix="Name an arm, or a file of predictions.")
    for arm in job.arms:
        read_arm(arm)
    job = _absolute(job)
    status = _unfinished(job, home)
    if status is not None and status.state in UNDER_WAY:
        return status.id
    folder = evals_root(home) / (status.id if status else new_id())
    fresh = EvalStatus(folder.name, job.name or folder.name, job.task, created=status.created if status else now())
    with disk("start the evaluation", folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_job(folder, job)
        (folder / PROCESS).unlink(missing_ok=True)
        write_status(folder, fresh)
        spawn(MODULE, folder, [str(home.absolute())])
    return folder.name


def read_evaluation(home: Path, evaluation: str) -> EvalStatus:
    """How an evaluation stands. InputError where there is none of that id."""
    folder = find_evaluation(home, evaluation)
    if not (folder / STATUS).is_file():
        return EvalStatus(folder.name, folder.name, "", "finished")
    status = read_status(folder)
    if folder.parent != evals_root(home) or not gone(folder, status.state, status.updated):
        return status
    after = read_status(folder)  # it may have ended between the two looks
    if after.state not in UNDER_WAY:
        return after
    return replace(after, state="lost", eta_s=None, error=LOST, fix="Start it again: it goes on from its answers.")


def list_evaluations(home: Path) -> list[EvalStatus]:
    """Every own evaluation, the newest first."""
    root = evals_root(home)
    found = [path.parent.name for path in root.glob(f"*/{STATUS}")] if root.is_dir() else []
    return sorted((read_evaluation(home, name) for name in found), key=lambda s: (s.created, s.id), reverse=True)


def cancel_evaluation(home: Path, evaluation: str, *, force: bool = False) -> None:
    """Ask one to stop; its answers stay. `force` ends a process that hangs, and no other one."""
    folder = _own(home, evaluation)
    with disk("cancel the evaluation", folder):
        (folder / CANCEL).touch()
    if force and kill(folder):
        write_status(folder, replace(read_status(folder), state="cancelled", eta_s=None, error="", fix=""))


def forget_evaluation(home: Path, evaluation: str) -> None:
    """Delete an own evaluation with all it holds. InputError while it works, and for one that ships."""
    folder = _own(home, evaluation)
    if read_evaluation(home, evaluation).state in UNDER_WAY:
        raise InputError(f"The evaluation {evaluation} is under way.", fix="Cancel it first.")
    with disk("delete the evaluation", folder):
        shutil.rmtree(folder)


def run_job(folder: Path, home: Path, stopped: Callable[[], bool] = lambda: False) -> EvalStatus:
    """Do the evaluation of a folder in this process; returns its last status.

    What a person can mend ends as failed, with its fix; anything else too, and is then raised: its trace is the log's.
    """
    from training.evals.runner import run_evaluation

    cancel = folder / CANCEL
    try:
        return run_evaluation(read_job(folder), folder, home, stop=lambda: stopped() or cancel.exists())
    except BusyError as err:  # the status is the other process' to write
        return replace(read_status(folder), state="failed", error=str(err), fix=err.fix)
    except StudioError as err:
        return write_status(
            folder, replace(read_status(folder), state="failed", eta_s=None, error=str(err), fix=err.fix)
        )
    except BaseException as err:
        words = f"A fault of the studio: {err!r}"
        write_status(
            folder, replace(read_status(folder), state="failed", eta_s=None, error=words, fix="See log.txt beside it.")
        )
        raise


def _unfinished(job: EvalJob, home: Path) -> EvalStatus | None:
    """The newest own evaluation that asks exactly this and is not finished."""
    for status in list_evaluations(home):
        folder = evals_root(home) / status.id
        if status.state != "finished" and (folder / JOB).is_file() and _same(folder, job):
            return status
    return None


def _same(folder: Path, job: EvalJob) -> bool:
    try:
        return read_job(folder) == job
    except StudioError:
        return False


def _absolute(job: EvalJob) -> EvalJob:
    """The job with its files named in full: the process works in another folder."""
    data, predictions = typed_path(job.data, "data"), typed_path(job.predictions, "predictions")
    return replace(
        job,
        data=str(data.absolute()) if data.exists() else job.data,
        predictions=str(predictions.absolute()) if job.predictions else "",
    )


def _own(home: Path, evaluation: str) -> Path:
    folder = find_evaluation(home, evaluation)
    if folder.parent != evals_root(home):
        raise InputError(f"The evaluation {evaluation} ships with the studio.", fix="Only your own can be changed.")
    return folder


def main() -> int:
    """The process itself: it is given the evaluation's folder and the home. SIGTERM stops it at the next answer."""
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    try:
        status = run_job(Path(sys.argv[1]), Path(sys.argv[2]), stopped=lambda: bool(asked))
    except Exception:
        traceback.print_exc()
        return 1
    return 0 if status.state in ("finished", "cancelled") else 2


if __name__ == "__main__":
    sys.exit(main())
