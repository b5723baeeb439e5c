"""The process of a run whose training is make-believe, with everything around it real.

    python -m tests.runs.worker_double RUN_FOLDER

Each step takes `STEP_S` and writes a line of metrics; each `save_steps` leaves a checkpoint, from which a resumed run
goes on. The config's name says what goes wrong: see `MISHAPS`.
"""

import errno
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from training.engine.train_checkpoints import last_whole, mark_whole, step_of
from training.engine.train_job import Hooks, TrainJob, TrainResult
from training.errors import ModelError, StorageError
from training.runs.directory import read_facts
from training.runs.executors.local import LocalLauncher
from training.runs.records import Step
from training.runs.work import Parts, Phase, Work, register_it
from training.runs.worker import main
from training.task.records import to_json

STEP_S = 0.02
MODULE = ("-m", "tests.runs.worker_double")
DEVICE_FULL = Path("/dev/full")  # where every write finds a full disk


def launcher(home: Path) -> LocalLauncher:
    return LocalLauncher(home, MODULE)


def job(work: Work, phase: Phase) -> TrainJob:
    phase("reading the rows")
    return TrainJob(work.facts.config, work.home, [{"prompt": "a", "completion": "b"}], work.folder, resume=True)


def train(job: TrainJob, hooks: Hooks) -> TrainResult:
    hooks.phase("training")
    mishap = MISHAPS.get(job.config.name, lambda _: None)
    checkpoint = last_whole(job.checkpoints)
    at = 0 if checkpoint is None else step_of(checkpoint)
    while at < job.config.max_steps:
        at += 1
        time.sleep(STEP_S)
        step = Step(at, loss=1 / at, seconds=at * STEP_S)
        with job.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(to_json(step)) + "\n")
        hooks.step(step)
        stop = hooks.stop()
        if stop or (job.config.save_steps and at % job.config.save_steps == 0):
            save(job.checkpoints / f"checkpoint-{at}")
        if stop:
            return result(job, "stopped", at)
        if at == 3:
            mishap(job)
    job.result.mkdir(exist_ok=True)
    (job.result / "adapter_model.safetensors").write_bytes(b"weights")
    return result(job, "finished", at)


def save(checkpoint: Path) -> None:
    checkpoint.mkdir(parents=True, exist_ok=True)
    mark_whole(checkpoint)


def result(job: TrainJob, state: str, steps: int) -> TrainResult:
    return TrainResult(
        state, job.result, steps, 1 / steps, None, None, steps * STEP_S, 10, 100, "cpu", "double", 1, 0, "f" * 64
    )


def full_disk(job: TrainJob) -> None:
    save(job.checkpoints / "checkpoint-3")
    with DEVICE_FULL.open("wb", buffering=0) as file:
        file.write(b"the next checkpoint")


def refused_disk(job: TrainJob) -> None:
    raise StorageError("The checkpoint could not be written.", fix="Free some space.")


def not_a_number(job: TrainJob) -> None:
    raise ModelError("The loss is not a number at step 3.", fix="Lower the learning rate.")


def fault(job: TrainJob) -> None:
    raise AttributeError("nobody foresaw this")


def no_memory(job: TrainJob) -> None:
    raise MemoryError


def with_a_child(job: TrainJob) -> None:
    """A process of its own, as a data loader has, that would outlive this one; its number is in child.txt."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (job.out / "child.txt").write_text(str(child.pid))


def half_saved(job: TrainJob) -> None:
    save(job.checkpoints / "checkpoint-2")
    (job.checkpoints / "checkpoint-3").mkdir()
    raise OSError(errno.ENOSPC, "No space left on device")


MISHAPS: dict[str, Callable[[TrainJob], None]] = {
    "full": full_disk, "refused": refused_disk, "nan": not_a_number, "fault": fault, "memory": no_memory,
    "child": with_a_child, "half": half_saved,
}  # fmt: skip


def evaluate(work: Work, result: TrainResult, phase: Phase, stop: Callable[[], bool]) -> None:
    phase("evaluating")
    if work.facts.config.name == "unscored":
        raise ModelError("The base can't be read any more.", fix="Fetch it again.")


def register(home: Path, folder: Path) -> None:
    """The real register, for the runs whose test looks into it: it takes a second to load."""
    if read_facts(folder).config.name in ("short", "unscored"):
        register_it(home, folder)


PARTS = Parts(job, train, evaluate, register, launcher)

if __name__ == "__main__":
    sys.exit(main(parts=PARTS))
