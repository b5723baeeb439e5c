"""What is known of a sweep, as frozen records: HOME/sweeps/<id>/sweep.json, written whole by who drives it. No torch.

A table and a chart of parallel coordinates need nothing else: `columns` gives both their axes.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from training.disk import disk, write_whole
from training.errors import RunError, StorageError
from training.runs.sweep_compare import PrunedValue
from training.task.records import to_json

FILE, SPEC, STOP = "sweep.json", "spec.yaml", "stop"
ID = re.compile(r"[a-z0-9][a-z0-9-]*-[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class Trial:
    """One combination. state: running | done | failed | pruned. `score` is the mean primary score over `n` dev rows,
    with its 95 % interval; `seconds` training time. `reason` says why it failed or was left out."""

    number: int
    state: str
    values: Mapping[str, Any]
    run: str = ""
    score: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    seconds: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep as it stands. state: running | stopped | finished. `total` runs at most, `best` and `tied` are numbers of
    trials; the tied ones, the best first, are those that it is not clearly better than. Times ISO 8601 UTC.

    `step` of `steps` is where the run that is worked on stands, `left_s` about how long the rest takes.
    """

    sweep: str
    name: str
    state: str
    task: str
    base: str
    dataset: str
    metric: str
    search: str
    fields: Mapping[str, Any]
    total: int
    trials: tuple[Trial, ...] = ()
    pruned: tuple[PrunedValue, ...] = ()
    best: int | None = None
    tied: tuple[int, ...] = ()
    created: str = ""
    updated: str = ""
    step: int = 0
    steps: int = 0
    left_s: float | None = None

    @property
    def done(self) -> int:
        """Trials that are over, one way or another."""
        return sum(trial.state in ("done", "failed") for trial in self.trials)

    @property
    def running(self) -> Trial | None:
        return next((trial for trial in self.trials if trial.state == "running"), None)


@dataclass(frozen=True, slots=True)
class Column:
    """An axis: its name, every trial's value, and where that stands on it from 0 to 1 (None: no score)."""

    name: str
    values: tuple[Any, ...]
    places: tuple[float | None, ...]


def columns(sweep: Sweep) -> tuple[Column, ...]:
    """The swept fields and then the metric, over the trials that are done: what parallel coordinates are drawn from.

    Values of a list stand evenly in their order, small to large where they are numbers; those of a range and scores
    stand where they are between the least and the largest.
    """
    done = [trial for trial in sweep.trials if trial.state == "done"]
    found: list[Column] = []
    for name in sweep.fields:
        values = tuple(trial.values.get(name) for trial in done)
        listed = isinstance(sweep.fields[name], (list, tuple))
        found.append(Column(name, values, _evenly(values) if listed else _between(values)))
    scores = tuple(trial.score for trial in done)
    return (*found, Column(sweep.metric, scores, _between(scores)))


def sweeps_folder(home: Path) -> Path:
    return home / "sweeps"


def sweep_folder(home: Path, sweep: str) -> Path:
    """RunError where there is no such sweep, or the name is a path."""
    folder = sweeps_folder(home) / sweep
    if not ID.fullmatch(sweep) or not (folder / FILE).is_file():
        raise RunError(f"There is no sweep {sweep!r} on this machine.", fix="Look at the list of sweeps.")
    return folder


def write_sweep(folder: Path, sweep: Sweep) -> None:
    with disk("keep the sweep", folder / FILE):
        write_whole(folder / FILE, json.dumps(to_json(sweep), indent=1) + "\n")


def read_sweep(folder: Path) -> Sweep:
    """StorageError for a file that can't be read; to start the same spec again writes it anew."""
    try:
        with disk("read the sweep", folder / FILE):
            data: dict[str, Any] = json.loads((folder / FILE).read_text("utf-8"))
        trials = tuple(Trial(**trial) for trial in data["trials"])
        pruned = tuple(PrunedValue(**value) for value in data["pruned"])
        known = {field.name for field in fields(Sweep)} - {"trials", "pruned", "tied"}
        rest = {name: value for name, value in data.items() if name in known}
        return Sweep(**rest, trials=trials, pruned=pruned, tied=tuple(data["tied"]))
    except (ValueError, TypeError, KeyError, AttributeError) as err:
        raise StorageError(
            f"{folder / FILE} is damaged: {err}.", fix=f"Start the sweep again with {folder / SPEC}: it goes on."
        ) from err


def list_sweeps(home: Path) -> tuple[list[Sweep], list[str]]:
    """The newest first, and a line for each folder that can't be read as one."""
    found: list[Sweep] = []
    notices: list[str] = []
    root = sweeps_folder(home)
    for folder in sorted(root.iterdir()) if root.is_dir() else []:
        if (folder / FILE).is_file():
            try:
                found.append(read_sweep(folder))
            except StorageError as err:
                notices.append(str(err))
    return sorted(found, key=lambda sweep: (sweep.created, sweep.sweep), reverse=True), notices


def _evenly(values: tuple[Any, ...]) -> tuple[float | None, ...]:
    different = list(dict.fromkeys(values))
    if all(isinstance(value, (int, float)) for value in different):
        different = sorted(different)
    last = max(1, len(different) - 1)
    return tuple(different.index(value) / last for value in values)


def _between(values: tuple[Any, ...]) -> tuple[float | None, ...]:
    known = [value for value in values if value is not None]
    if not known:
        return tuple(None for _ in values)
    low, wide = min(known), max(known) - min(known)
    return tuple(None if value is None else (value - low) / wide if wide else 0.5 for value in values)
