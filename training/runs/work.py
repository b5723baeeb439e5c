"""What a run's process does, part by part, between its start and its end. Torch is loaded by the parts themselves.

`Parts()` are the real ones; a test gives its own to see how the process around them behaves.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from training.engine.train_job import Hooks, TrainJob, TrainResult
from training.errors import DataError, PackError
from training.runs.directory import read_facts, write_facts
from training.runs.executors.launcher import Launcher
from training.runs.executors.local import ROOT, LocalLauncher
from training.runs.records import RunFacts

Phase = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Work:
    """A run as its process sees it."""

    home: Path
    folder: Path
    facts: RunFacts


def make_job(work: Work, phase: Phase) -> TrainJob:
    """The rows and the base of a run, found and read. StudioError where one is missing or is not what it was."""
    from training.data.versions import open_version
    from training.engine.api import EngineSettings
    from training.engine.hub import resolve_base
    from training.engine.run_rows import find_dataset, rows_for, sample_prompts
    from training.engine.train_device import plan_for
    from training.runs.registry import git_state
    from training.task.pack import BUILTIN, find_packs, pack_named

    config = work.facts.config
    pack = pack_named(config.task, find_packs(BUILTIN, work.home / "tasks"), PackError)
    version = find_dataset(work.home, config.dataset)
    found = open_version(version).sha256
    if work.facts.dataset_sha256 not in ("", found):
        raise DataError(
            f"The dataset {config.dataset} is not the one that this run was submitted with.",
            fix="Restore it from a backup, or start a new run with it as it is now.",
        )
    phase("looking for the base")
    base = resolve_base(config.base, EngineSettings(home=work.home), lambda words, _: phase(words), config.revision)
    phase("reading the rows")
    rows: list[Any] = [*rows_for(version, "train", pack, base.folder, config, work.home)]
    dev: list[Any] = []
    if config.eval_steps:
        dev += rows_for(version, "dev", pack, base.folder, config, work.home)
    samples = sample_prompts(version, pack, base.folder) if config.sample_steps else []
    device = plan_for(config).device_name  # told now: whoever compares meanwhile must know whose memory is taken
    facts = replace(work.facts, dataset_sha256=found, rows=len(rows), git=git_state(ROOT), device=device)
    write_facts(work.folder, facts)
    return TrainJob(config, base.folder, rows, work.folder, dev, samples, resume=True, base_name=base.name)


def train_it(job: TrainJob, hooks: Hooks) -> TrainResult:
    from training.engine.train import train

    return train(job, hooks)


def evaluate_it(work: Work, result: TrainResult, phase: Phase, stop: Callable[[], bool]) -> None:
    """Figures of adapter and base on dev rows, in the run's folder; none where the config wants none, or on `stop`."""
    from training.runs.evaluation import Watching, evaluate_run

    watch = Watching(lambda arm, done, of: phase(f"evaluating: {arm}, {done} of {of} rows"), stop)
    evaluate_run(work.folder, work.home, work.facts.config, result, watch)


def register_it(home: Path, folder: Path) -> None:
    from training.runs.registry import append, entry_from

    append(home, entry_from(folder))


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a run's process. `register` is given a run that has ended; `launcher` starts the next run."""

    job: Callable[[Work, Phase], TrainJob] = make_job
    train: Callable[[TrainJob, Hooks], TrainResult] = train_it
    evaluate: Callable[[Work, TrainResult, Phase, Callable[[], bool]], None] = evaluate_it
    register: Callable[[Path, Path], None] = register_it
    launcher: Callable[[Path], Launcher] = LocalLauncher


def tier_of(work: Work) -> Callable[[str, str], str]:
    """(raw answer, why it ended) -> the task's parse tier."""
    from training.task.pack import BUILTIN, find_packs, pack_named
    from training.task.parse import parse_answer
    from training.task.records import FinishReason

    pack = pack_named(work.facts.config.task, find_packs(BUILTIN, work.home / "tasks"), PackError)
    return lambda raw, finish: str(parse_answer(pack, raw, FinishReason(finish)).tier)


def complete_facts(folder: Path, result: TrainResult) -> None:
    """run.json with what only the end of a run knows."""
    facts = replace(
        read_facts(folder), base_sha256=result.base_sha256, rows=result.rows, rows_dropped=result.rows_dropped,
        trainable_parameters=result.trainable_parameters, parameters=result.parameters, device=result.device,
        backend=result.backend, versions=dict(result.versions),
    )  # fmt: skip
    write_facts(folder, facts)
