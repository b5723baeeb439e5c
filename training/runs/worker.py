"""The process of one run: takes its turn at the accelerator, trains, evaluates, says how it ended, starts the next run.

    python -m training.runs.worker RUN_FOLDER

Promise: whatever can be said about the end is said, in status.json and exit.json: finished, stopped, or failed with the
reason and the fix; the trace is in the log. A full disk leaves room for that word, because a little was set aside. A
word on the disk (`stop`) or SIGTERM ends the run after its step, with a checkpoint. Limits: a process that is killed
says nothing; whoever looks next finds it lost. The process gives way to others on the same cores (nice).
Exit codes: 0 finished or stopped, 1 failed, 2 it was not this process' turn.
"""

import itertools
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from training.disk import disk, write_whole
from training.engine.train_job import Hooks, SamplePrompt, TrainResult
from training.errors import StudioError
from training.processes import alive, mark_of, read_mark
from training.runs.advice import BUG, advice, kind_of
from training.runs.config import RunConfig
from training.runs.directory import (
    PROCESS,
    append_sample,
    cut_samples,
    last_step,
    now,
    read_facts,
    read_status,
    write_exit,
)
from training.runs.heartbeat import Heartbeat
from training.runs.lease import Lease
from training.runs.queue import Queue
from training.runs.records import Sample, Step
from training.runs.states import FAILED, FINISHED, RUNNING, STARTING, STOPPED, STOPPING
from training.runs.work import Parts, Work, complete_facts, tier_of

FINISHED_CODE, FAILED_CODE, NOT_MY_TURN = 0, 1, 2
ROOM, ROOM_BYTES = ".room", 256 * 1024  # set aside, so that a run on a full disk can still say so
FOREVER_S = 10**9  # so long a run waits for the accelerator: it is in a queue, and may be taken out of it
LOOKS = 25  # at the lease, five times a second, before who holds it is told anew
NICE = 10  # of 19: a page that somebody waits for comes first, and alone a run has all cores as ever
ERROR_CHARS = 1000


class StopAsked(Exception):
    """The run was asked to stop before it had begun to learn."""


def run_worker(folder: Path, parts: Parts | None = None, asked: Callable[[], bool] = lambda: False) -> int:
    """Do the run of `folder` in this process, to its end; returns the exit code. `asked` is another wish to stop."""
    parts = parts or Parts()
    folder = folder.absolute()
    home = folder.parent.parent
    if not _is_my_turn(folder):
        _say(f"{folder.name} is not to be started, or another process works on it.")
        return NOT_MY_TURN
    lease, beat, code = Lease(home), Heartbeat(folder, read_status(folder), asked), FINISHED_CODE
    try:
        with disk("begin the run", folder):
            write_whole(folder / PROCESS, json.dumps(mark_of(os.getpid())))
            (folder / ROOM).write_bytes(os.urandom(ROOM_BYTES))
        beat.start()
        _take_turn(lease, beat)
        end = _work(Work(home, folder, read_facts(folder)), parts, beat)
    except StopAsked:
        end = {"state": STOPPED}
    except BaseException as err:
        traceback.print_exc()
        end, code = _failure(err, folder), FAILED_CODE
    (folder / ROOM).unlink(missing_ok=True)
    _all_of(
        lambda: beat.end(ended=now(), phase="", **end),
        lambda: write_exit(folder, code, end["state"]),
        lambda: parts.register(home, folder),
        lease.release,
        lambda: _say(*Queue(home, parts.launcher(home)).reconcile()),
    )
    return code


def _is_my_turn(folder: Path) -> bool:
    """Whether the run is to be started, and no process but this one, or the shim that started it, has its mark."""
    mark = read_mark(folder / PROCESS)
    if mark is not None and alive(mark) and mark["pid"] not in (os.getpid(), os.getppid()):
        return False
    return read_status(folder).state in (STARTING, STOPPING)


def _take_turn(lease: Lease, beat: Heartbeat) -> None:
    """Hold the accelerator, however long others do. StopAsked where the run is to end before that."""
    run = beat.status.run
    if beat.stopping():
        raise StopAsked
    if not lease.acquire(run, "run"):
        _tell_holder(lease, beat)
        if not lease.acquire(run, "run", FOREVER_S, _given_up(lease, beat)):
            raise StopAsked
    beat.tell(state=STOPPING if beat.stopping() else RUNNING, phase="starting")


def _tell_holder(lease: Lease, beat: Heartbeat) -> None:
    """What the run waits for, as its phase."""
    holder = lease.holder()
    beat.tell(phase=f"waiting until {holder.words} gives the machine back" if holder else "waiting for the machine")


def _given_up(lease: Lease, beat: Heartbeat) -> Callable[[], bool]:
    """Whether somebody wants the waiting run to end; tells who holds the machine by now."""
    looks = itertools.count(1)

    def asked() -> bool:
        if next(looks) % LOOKS == 0:
            _tell_holder(lease, beat)
        return beat.stopping()

    return asked


def _work(work: Work, parts: Parts, beat: Heartbeat) -> dict[str, Any]:
    """Train and evaluate; returns the last changes of the status."""
    done = last_step(work.folder)
    cut_samples(work.folder, done)
    _say(f"--- {work.facts.run}, attempt {beat.status.attempts}, {now()}")
    job = parts.job(work, lambda phase: beat.tell(phase=phase))
    if not isinstance(job.rows, Path):
        beat.tell(steps=job.config.steps_of(len(job.rows)))
    beat.tell(step=max(0, done), phase="loading")
    if beat.stopping():
        raise StopAsked
    result = parts.train(job, _hooks(work, beat))
    end = {"state": result.state, "step": result.steps, "seconds": result.seconds}
    complete_facts(work.folder, result)
    if result.state == STOPPED:
        return end
    return end | {"state": FINISHED, "adapter": str(result.adapter)} | _evaluate(work, parts, beat, result)


def _evaluate(work: Work, parts: Parts, beat: Heartbeat, result: TrainResult) -> dict[str, str]:
    """What fails here is told, and leaves the adapter as good as it is. A wish to stop ends it without figures."""
    beat.tell(phase="evaluating", adapter=str(result.adapter), step=result.steps, seconds=result.seconds)
    try:
        parts.evaluate(work, result, lambda phase: beat.tell(phase=phase), beat.stopping)
    except Exception as err:
        traceback.print_exc()
        told = _failure(err, work.folder)
        return {"error": f"It is trained, but could not be evaluated: {told['error']}", "fix": told["fix"]}
    return {}


def _hooks(work: Work, beat: Heartbeat) -> Hooks:
    """What the training loop tells, as words on the disk."""
    tiers: list[Callable[[str, str], str]] = []

    def step(line: Step) -> None:
        beat.tell(step=line.step, seconds=line.seconds)

    def sample(at: int, prompt: SamplePrompt, raw: str, finish: str, seconds: float) -> None:
        if not tiers:
            tiers.append(tier_of(work))
        append_sample(
            work.folder, Sample(at, prompt.row, prompt.source, raw, tiers[0](raw, finish), finish, round(seconds, 3))
        )

    return Hooks(step=step, sample=sample, phase=lambda words: beat.tell(phase=words), stop=beat.stopping)


def _failure(err: BaseException, folder: Path) -> dict[str, str]:
    """The status of a failed run: what happened, what to do, and the kind of it."""
    kind = kind_of(err)
    if isinstance(err, StudioError):
        return {"state": FAILED, "error": str(err)[:ERROR_CHARS], "fix": err.fix, "kind": kind}
    said = f"A fault of the studio: {err!r}" if kind == BUG else f"{type(err).__name__}: {err}".strip(": ")
    words = _first_advice(kind, folder)
    return {"state": FAILED, "error": said[:ERROR_CHARS], "fix": words, "kind": kind}


def _first_advice(kind: str, folder: Path) -> str:
    try:
        config = read_facts(folder).config
    except StudioError:  # it may be what failed
        config = RunConfig()
    found = advice(kind, config)
    return found[0].words if found else "See log.txt in the run's folder."


def _all_of(*steps: Callable[[], None]) -> None:
    """Each step, whatever becomes of those before it: the run has ended, and each of them stands for itself."""
    for step in steps:
        try:
            step()
        except Exception:
            traceback.print_exc()


def _say(*lines: str) -> None:
    """Into the run's log."""
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _give_way() -> None:
    """Others on the same cores, the studio's page above all, go first."""
    process = psutil.Process()
    process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else max(process.nice(), NICE))


def main(words: Sequence[str] = tuple(sys.argv[1:]), parts: Parts | None = None) -> int:
    """The process itself: its one argument is the run's folder. SIGTERM stops it after its step."""
    asked = threading.Event()
    for name in ("SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: asked.set())
    _give_way()
    return run_worker(Path(words[0]), parts, asked.is_set)


if __name__ == "__main__":
    sys.exit(main())
