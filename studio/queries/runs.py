"""Training runs as the Train tab shows them: the list, the queue, one run in all its parts. Reads only.

Everything comes from the run directories, so that a refresh, another window or a run started from a terminal shows the
same. A tick asks for `stamps` first: sizes and times of a few files, by which it is told whether anything changed. A
run that can't be read is listed with the reason and hides no other one. On a Space there are only the runs that ship,
in assets/runs, and no queue.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from studio.deps import Deps
from studio.queries.stamps import stamp
from training.errors import RunError, StudioError
from training.runs.config import RunConfig
from training.runs.directory import (
    FACTS,
    NOTES,
    list_runs,
    log_tail,
    read_facts,
    read_metrics,
    read_notes,
    read_samples,
    read_status,
    run_folder,
    runs_folder,
)
from training.runs.records import RunFacts, RunNotes, RunStatus, Sample, Step
from training.runs.states import ACTIVE, QUEUED
from training.runs.symptoms import Finding, findings
from training.task.records import to_json

SHIPPED = Path(__file__).resolve().parents[2] / "assets"  # its runs/ folder, where a checkout has one
LOG_LINES = 200
Evaluation = Mapping[str, Any]


def home_of(deps: Deps) -> Path:
    """Where the runs lie that this window shows."""
    return SHIPPED if deps.settings.space else deps.settings.home


def folder_of(deps: Deps, run: str) -> Path:
    """RunError where there is no such run; a path is never followed."""
    return run_folder(home_of(deps), run)


class Stamps(NamedTuple):
    """Words that change when a part of the page has to be sent again; "" where its files are not there."""

    queue: str
    head: str
    curves: str
    samples: str
    scores: str
    log: str


FILES: Mapping[str, tuple[str, ...]] = {
    "head": ("status.json", "stop", "run.json", "notes.json"),
    "curves": ("metrics.jsonl",),
    "samples": ("samples.jsonl",),
    "scores": ("evaluation.json",),
    "log": ("log.txt",),
}


def stamps(deps: Deps, run: str) -> Stamps:
    """Cheap: one look at each run's status file, and at the files of `run`; nothing is read."""
    root = runs_folder(home_of(deps))
    folder = root / run if run else None
    parts = {part: stamp(*(folder / name for name in names)) if folder else "" for part, names in FILES.items()}
    every = sorted([*root.glob("*/status.json"), *root.glob("*/stop")]) if root.is_dir() else []
    return Stamps(stamp(*every) + ",".join(waiting(deps)), **parts)


@dataclass(frozen=True, slots=True)
class Line:
    """A run of the list with what a person wrote about it; `fault` says why no more of it can be read than its state.

    `said` is what a search looks through.
    """

    status: RunStatus
    notes: RunNotes
    said: str
    fault: str = ""


def lines(deps: Deps, search: str = "") -> tuple[list[Line], list[str]]:
    """Runs, newest first, whose id, task, tags, notes or settings hold every word searched for; and what is no run."""
    found, notices = list_runs(home_of(deps))
    words = search.casefold().split()
    every = [_line(deps, status) for status in found]
    unread = [f"{line.status.run} can't be read: {line.fault}" for line in every if line.fault]
    return [line for line in every if all(word in line.said for word in words)], [*notices, *unread]


def _line(deps: Deps, status: RunStatus) -> Line:
    own = f"{status.run} {status.state}".casefold()
    try:
        folder = folder_of(deps, status.run)
        said, notes = _about(folder, stamp(folder / FACTS, folder / NOTES))
    except StudioError as err:  # a newer studio's settings, say
        return Line(status, RunNotes(), own, words_of(err))
    return Line(status, notes, f"{own} {said}")


@lru_cache(maxsize=4096)
def _about(folder: Path, stamp: str) -> tuple[str, RunNotes]:
    """What a search finds of a run, and what was written about it, as of its files' stamp."""
    config, notes = read_facts(folder).config, read_notes(folder)
    said = (config.task, config.base, config.dataset, config.method, config.name, *notes.tags, notes.text)
    return " ".join(said).casefold(), notes


def words_of(err: StudioError) -> str:
    """What happened and what to do, in one line."""
    return f"{err} {err.fix}".strip()


def fault_of(deps: Deps, run: str) -> str:
    """Why a run can't be shown; "" where it can."""
    try:
        run_of(deps, run)
    except StudioError as err:
        return words_of(err)
    return ""


def known(deps: Deps, run: str) -> bool:
    """Whether there is such a run; it may have been deleted elsewhere."""
    try:
        folder_of(deps, run)
    except RunError:
        return False
    return True


def waiting(deps: Deps) -> list[str]:
    """Queued runs in the order in which they will run."""
    if deps.queue is None:
        return []
    return [job.run for job in deps.queue.jobs() if job.state == QUEUED]


def active(deps: Deps) -> RunStatus | None:
    """The run that is worked on, None where nothing is."""
    if deps.queue is None:
        return None
    run = next((job.run for job in deps.queue.jobs() if job.state in ACTIVE), None)
    return read_status(folder_of(deps, run)) if run else None


def place(deps: Deps, run: str) -> int | None:
    """A waiting run's place, 1 the next."""
    order = waiting(deps)
    return order.index(run) + 1 if run in order else None


class Run(NamedTuple):
    """One run's status, what it was given, and what a person wrote."""

    status: RunStatus
    facts: RunFacts
    notes: RunNotes

    @property
    def config(self) -> RunConfig:
        return self.facts.config


def run_of(deps: Deps, run: str) -> Run:
    folder = folder_of(deps, run)
    return Run(read_status(folder), read_facts(folder), read_notes(folder))


def steps_of(deps: Deps, run: str) -> list[Step]:
    return read_metrics(folder_of(deps, run))


def findings_of(deps: Deps, run: str) -> tuple[Finding, ...]:
    """What the curves show that something should be changed for; () where they show nothing of the kind."""
    return findings(steps_of(deps, run), run_of(deps, run).config)


def samples_of(deps: Deps, run: str) -> list[Sample]:
    return read_samples(folder_of(deps, run))


def log_of(deps: Deps, run: str) -> list[str]:
    return log_tail(folder_of(deps, run), LOG_LINES)


def evaluation_of(deps: Deps, run: str) -> Evaluation | None:
    """What the end of the run measured on dev rows; None where nothing was, or it can't be read."""
    path = folder_of(deps, run) / "evaluation.json"
    try:
        return _evaluation(path, path.stat().st_mtime_ns)
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=32)
def _evaluation(path: Path, stamp: int) -> Evaluation | None:
    found = json.loads(path.read_bytes())
    return found if isinstance(found, dict) else None


class Figures(NamedTuple):
    """Metric -> figure with its interval, for the adapter and for its base; empty before the run was scored."""

    figures: Mapping[str, Any]
    base: Mapping[str, Any]
    primary: str


def figures_of(deps: Deps, run: str) -> Figures:
    found = evaluation_of(deps, run) or {}
    return Figures(_figures(found.get("adapter")), _figures(found.get("base")), str(found.get("primary") or ""))


def _figures(found: Any) -> Mapping[str, Any]:
    """Metric -> figure of what was read; what is no figure is left out."""
    return {name: one for name, one in found.items() if isinstance(one, dict)} if isinstance(found, dict) else {}


def records(found: Any) -> Any:
    """Records as views take them: plain JSON."""
    return [to_json(item) for item in found] if isinstance(found, list | tuple) else to_json(found)
