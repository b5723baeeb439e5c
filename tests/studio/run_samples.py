"""Runs on the disk as workers leave them: finished, at work, failed, waiting; and a queue that starts no process."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from studio.deps import Deps
from tests.fakes import BASE, make_deps
from tests.studio.dataset_samples import NASTY, make_version
from training.runs import directory
from training.runs.config import RunConfig
from training.runs.executors.launcher import ProcessState
from training.runs.queue import Queue
from training.runs.records import RunNotes, Sample, Step
from training.runs.sharing import Sharing
from training.task.records import to_json


@dataclass
class StillLauncher:
    """Starts nothing; says of every run that was handed to it that its process lives, until it is told otherwise."""

    submitted: list[str] = field(default_factory=list)
    asked: list[tuple[str, bool]] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)

    def submit(self, run: str) -> None:
        self.submitted.append(run)

    def status(self, run: str) -> ProcessState:
        return "gone" if run in self.gone else "alive"

    def cancel(self, run: str, *, kill: bool = False) -> None:
        self.asked.append((run, kill))
        if kill:
            self.gone.add(run)

    def logs(self, run: str, lines: int = 200) -> list[str]:
        return []

    def artifacts(self, run: str) -> Iterator[Path]:
        return iter(())


def run_deps(home: Path, **more: Any) -> tuple[Deps, StillLauncher]:
    """A studio with a queue whose processes are make-believe, and a dataset version to learn from."""
    launcher = StillLauncher()
    return replace(make_deps(home, **more), queue=Queue(home, launcher), sharing=Sharing(home)), launcher


def make_dataset(home: Path) -> str:
    return make_version(home / "datasets", train=12).name


def config(**changes: Any) -> RunConfig:
    return replace(RunConfig(dataset="soups", base=BASE, max_steps=50, evaluate_rows=20), **changes)


def steps(count: int, start: float = 2.0) -> list[Step]:
    """Losses that fall, dev loss every ten steps."""
    return [
        Step(
            at, loss=start / at**0.5, dev_loss=start / at**0.4 if at % 10 == 0 else None, learning_rate=5e-4,
            tokens=400 * at, tokens_per_s=380.0 + at, memory_bytes=900_000_000, seconds=2.0 * at,
        )
        for at in range(1, count + 1)
    ]  # fmt: skip


def write_steps(folder: Path, found: list[Step]) -> None:
    (folder / "metrics.jsonl").write_text("".join(json.dumps(to_json(step)) + "\n" for step in found), "utf-8")


def figure(value: float, reach: float = 0.05) -> dict[str, Any]:
    return {
        "metric": "", "kind": "rate", "value": value, "low": max(0.0, value - reach), "high": min(1.0, value + reach),
        "n_scored": 20, "n_total": 20, "n_items": None,
    }  # fmt: skip


def finished_run(home: Path, count: int = 50, **changes: Any) -> str:
    """All there is of one: curves, samples, log, figures, an adapter."""
    facts = directory.create_run(home, config(**changes))
    folder = directory.run_folder(home, facts.run)
    write_steps(folder, steps(count))
    for at, tier, raw in ((10, "failed", f"Lovely! {NASTY}"), (50, "strict", '{"name": "Soup"}')):
        directory.append_sample(folder, Sample(at, "row1", f"A soup {NASTY}", raw, tier, "eos", 1.0))
    (folder / "log.txt").write_text(f"loading\n{NASTY}\ntrained\n", "utf-8")
    report = {
        "primary": "list_f1", "rows": 20,
        "adapter": {"list_f1": figure(0.9), "strict": figure(0.95)},
        "base": {"list_f1": figure(0.1), "strict": figure(0.0, 0.1)},
    }  # fmt: skip
    (folder / "evaluation.json").write_text(json.dumps(report), "utf-8")
    (folder / "adapter").mkdir()
    end(folder, "finished", count, adapter=str(folder / "adapter"))
    return facts.run


def running_run(home: Path, at: int = 31) -> str:
    facts = directory.create_run(home, config())
    folder = directory.run_folder(home, facts.run)
    write_steps(folder, steps(at))
    end(folder, "running", at)
    return facts.run


def failed_run(home: Path, kind: str = "out_of_memory", **changes: Any) -> str:
    facts = directory.create_run(home, config(**changes))
    folder = directory.run_folder(home, facts.run)
    write_steps(folder, steps(3))
    end(folder, "failed", 3, kind=kind, error=f"Memory ran out {NASTY}", fix=f"Lower it {NASTY}")
    return facts.run


def waiting_run(home: Path, **changes: Any) -> str:
    return directory.create_run(home, config(**changes)).run


def end(folder: Path, state: str, step: int, **changes: Any) -> None:
    """The status as a worker would have written it; the moves before are not the test's matter."""
    status = directory.read_status(folder)
    directory.write_status(
        folder, replace(status, state=state, step=step, steps=50, seconds=2.0 * step, attempts=1, **changes)
    )


def damage(home: Path, run: str, name: str = "run.json") -> None:
    """Settings as a newer studio may write them, or a file that is cut off."""
    path = directory.run_folder(home, run) / name
    if name == "run.json":
        facts = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps(facts | {"config": facts["config"] | {"planet": "Mars"}}), "utf-8")
    else:
        path.write_text('{"run": ', "utf-8")


def tag(home: Path, run: str, *tags: str, text: str = "") -> None:
    directory.write_notes(directory.run_folder(home, run), RunNotes(tags, text))
