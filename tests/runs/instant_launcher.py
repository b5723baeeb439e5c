"""A launcher whose runs are over as soon as they start: their figures are a function of their settings."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from training.runs.config import RunConfig
from training.runs.directory import STOP, change_status, read_config_of, run_folder
from training.runs.executors.launcher import ProcessState

Outcome = Sequence[float] | str  # scores of the dev rows, or what becomes of the run instead


class InstantLauncher:
    """`outcome` gives each run's scores, or a word: failed, lost, stopped, unscored, or waits (it stays running)."""

    def __init__(self, home: Path, outcome: Callable[[RunConfig], Outcome]) -> None:
        self._home, self._outcome = home, outcome
        self.started: list[str] = []
        self.waiting: set[str] = set()

    def submit(self, run: str) -> None:
        folder = run_folder(self._home, run)
        config = read_config_of(folder)
        self.started.append(run)
        found = self._outcome(config)
        change_status(folder, "running", steps=config.max_steps)
        if found == "waits":
            self.waiting.add(run)
        elif found == "failed":
            change_status(folder, "failed", error="No room.", fix="Lower the rank.", kind="out_of_memory")
        elif found in ("lost", "stopped"):
            if found == "stopped":
                change_status(folder, "stopping")
            change_status(folder, str(found), step=1)
        else:
            change_status(folder, "finished", step=config.max_steps, seconds=config.max_steps / 10)
            if not isinstance(found, str):
                scores = [float(score) for score in found]
                report = {"ids": [f"row-{at}" for at in range(len(scores))], "scores": {"adapter": scores}}
                (folder / "evaluation.json").write_text(json.dumps(report), "utf-8")

    def status(self, run: str) -> ProcessState:
        return "alive" if run in self.waiting else "gone" if run in self.started else "none"

    def cancel(self, run: str, *, kill: bool = False) -> None:
        """A run that waits stops at once, as one between two steps would."""
        if run in self.waiting:
            (run_folder(self._home, run) / STOP).touch()
            self.waiting.discard(run)
            change_status(run_folder(self._home, run), "stopped", step=1)

    def logs(self, run: str, lines: int = 200) -> list[str]:
        return []

    def artifacts(self, run: str) -> Iterator[Path]:
        return iter(())
