"""What a click on the Train tab means: check, start, stop, resume, delete, order, note. No Gradio.

A run starts only where its checks let it. Nothing changes on a Space, nor in a window that only reads because another
studio has this home: there every action is a RunError that says so. Starting twice with the same `nonce` and settings
is starting once.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from studio.actions.form import check_base
from studio.actions.run_form import filled
from studio.deps import Deps
from studio.queries import datasets, runs
from training.errors import RunError
from training.runs.advice import advice
from training.runs.checks import ConfigError
from training.runs.config import RunConfig
from training.runs.config_file import settled_paths
from training.runs.directory import write_notes
from training.runs.preflight import preflight
from training.runs.records import Advice, Check, Preflight, RunNotes
from training.runs.states import FAILED, LOST

if TYPE_CHECKING:
    from training.runs.queue import Queue

NOT_HERE = "Nothing is trained on this Space."
AT_HOME = "Run the studio on your own machine: it trains there, offline and without a GPU too."
MOST_TAGS = 12


def queue_of(deps: Deps) -> "Queue":
    """The queue, where this window may change it."""
    if deps.queue is None:
        raise RunError(NOT_HERE, fix=AT_HOME)
    if deps.read_only.words:
        raise RunError("This window only reads runs.", fix=deps.read_only.words)
    return deps.queue


def config_of(deps: Deps, values: Sequence[object]) -> RunConfig:
    """The config that the form says, fit for this studio. ConfigError with every field that is wrong."""
    config, problems = filled(values)
    if config is None or problems:
        raise ConfigError(problems)
    check_base(config.base, deps)
    found = datasets.find(deps, config.dataset)
    if found.task != config.task:
        raise RunError(
            f"The dataset {config.dataset} is for {found.task}, the run for {config.task}.",
            fix="Choose a dataset of this task, or the other task.",
        )
    return config


def check(deps: Deps, values: Sequence[object], *, measure: bool = True) -> Preflight:
    """Every check of the run that the form describes; with `measure` a few real steps are timed.

    Not while a run is at work: each would slow the other down and take its memory. The check of the time says so then.
    """
    if deps.queue is None:
        raise RunError(NOT_HERE, fix=AT_HOME)
    config = config_of(deps, values)
    busy = runs.active(deps) if measure else None
    found = preflight(config, deps.settings.home, measure=measure and busy is None)
    if busy is None:
        return found
    return replace(found, checks=tuple(_not_beside(check, busy.run) for check in found.checks))


def _not_beside(check: Check, run: str) -> Check:
    """The check of the time, with the run that kept it from being measured; every other one as it is."""
    if (check.name, check.state) != ("time", "wait"):
        return check
    words = f"Not measured: the run {run} is at work, and steps beside it would time the two together."
    return replace(check, words=words, fix="Check again when it is over, or start: this run then waits for its turn.")


class Ready(NamedTuple):
    """A run that may be started where nothing `found` stops it."""

    config: RunConfig
    found: Preflight


def ready(deps: Deps, values: Sequence[object]) -> Ready:
    """The run that the form describes, with every check but the measured steps: what `start` goes by."""
    queue_of(deps)
    config = config_of(deps, values)
    return Ready(config, preflight(config, deps.settings.home))


def start(deps: Deps, given: Ready, nonce: str) -> str:
    """Queue the run, and start it where nothing else runs; returns its id. RunError where a check stops it."""
    queue, config = queue_of(deps), settled_paths(given.config, Path.cwd())  # the run's own process works elsewhere
    stops = [check for check in given.found.checks if check.state == "stop"]
    if stops:
        more = f" {len(stops) - 1} more of its checks, listed below Start, stopped it too." if stops[1:] else ""
        raise RunError(f"This run can't start: {stops[0].name}: {stops[0].words}{more}", fix=stops[0].fix)
    version = datasets.find(deps, given.config.dataset)
    return queue.submit(config, key=f"{nonce}-{config.sha256[:16]}-{config.name}", dataset_sha256=version.sha256)


def stop(deps: Deps, run: str) -> None:
    """A waiting run is taken out; one that trains finishes its step, saves and stops."""
    queue_of(deps).stop(run)


def kill(deps: Deps, run: str) -> None:
    """End the run's processes now; what was saved stays."""
    queue_of(deps).kill(run)


def resume(deps: Deps, run: str) -> None:
    """Queue it again: it goes on from its last checkpoint."""
    queue_of(deps).resume(run)


def delete(deps: Deps, run: str) -> None:
    """Remove a run with its adapter. RunError while a process works on it."""
    queue_of(deps).delete(run)


def move(deps: Deps, run: str, by: int) -> None:
    """A waiting run earlier (-1) or later (1); at an end it stays."""
    queue = queue_of(deps)
    order = runs.waiting(deps)
    if run not in order:
        raise RunError(f"The run {run} does not wait any more.", fix="Only waiting runs have an order.")
    at = order.index(run) + by
    if 0 <= at < len(order):
        queue.move(run, at + 1)


def write(deps: Deps, run: str, tags: str, text: str) -> RunNotes:
    """Keep what a person wrote about a run; tags are parted by spaces or commas."""
    queue_of(deps)
    words = tuple(dict.fromkeys(tag.lstrip("#") for tag in re.split(r"[\s,]+", tags) if tag.lstrip("#")))
    if len(words) > MOST_TAGS:
        raise RunError(f"These are {len(words)} tags.", fix=f"Keep {MOST_TAGS} at most; the rest fits into the notes.")
    notes = RunNotes(words, text.strip())
    write_notes(runs.folder_of(deps, run), notes)
    return notes


def advised(deps: Deps, run: str) -> tuple[Advice, ...]:
    """What would help a run that failed or was lost; nothing for another one."""
    found = runs.run_of(deps, run)
    return advice(found.status.kind, found.config) if found.status.state in (FAILED, LOST) else ()


def changes_of(deps: Deps, run: str) -> tuple[Advice, ...]:
    """The advice that changes a setting, most worth first; words alone are left out."""
    return tuple(item for item in advised(deps, run) if item.changes)


def settings_of(deps: Deps, run: str, item: int | None = None) -> RunConfig:
    """A run's settings for the form; with `item` the changes of that one of `changes_of`, and no others.

    RunError where the run has no such advice any more.
    """
    config = runs.run_of(deps, run).config
    if item is None:
        return config
    found = changes_of(deps, run)
    if not 0 <= item < len(found):
        raise RunError(f"The run {run} has no such advice any more.", fix="Look at how it stands now.")
    return replace(config, **found[item].changes)  # pyright: ignore[reportArgumentType]
