"""Sweeps as the Train tab shows them. Reads only; on a Space there are none."""

from pathlib import Path
from typing import Any, NamedTuple

from studio.deps import Deps
from studio.queries.stamps import stamp
from training.errors import RunError
from training.processes import alive, read_mark
from training.runs.directory import PROCESS, log_tail
from training.runs.sweep_records import FILE, ID, SPEC, Column, Sweep, columns, list_sweeps, read_sweep, sweeps_folder
from training.task.records import to_json


class SweepFacts(NamedTuple):
    """A sweep with its axes; `sweep` None where its process has not written it yet. `driven` while one works on it.

    `last_word` is the last line of its log, told where it never began.
    """

    sweep: dict[str, Any] | None
    columns: tuple[Column, ...]
    driven: bool
    last_word: str


def sweep_choices(deps: Deps) -> list[tuple[str, str]]:
    """(label, id), the newest first; one that is only just starting among them."""
    if deps.settings.space:
        return []
    found = {sweep.sweep: sweep for sweep in list_sweeps(deps.settings.home)[0]}
    root = sweeps_folder(deps.settings.home)
    begun = [path.parent.name for path in sorted(root.glob(f"*/{SPEC}")) if path.parent.name not in found]
    return [*((name, name) for name in begun), *((_label(sweep), name) for name, sweep in found.items())]


def _label(sweep: Sweep) -> str:
    return f"{sweep.sweep} ({sweep.state}, {sweep.done} of {sweep.total} runs)"


def sweep_facts(deps: Deps, name: str) -> SweepFacts:
    folder = _folder(deps, name)
    driven = alive(read_mark(folder / PROCESS))
    if not (folder / FILE).is_file():
        return SweepFacts(None, (), driven, next(iter(log_tail(folder, 1)), ""))
    found = read_sweep(folder)
    return SweepFacts(to_json(found), columns(found), driven, next(iter(log_tail(folder, 1)), ""))


def sweep_stamp(deps: Deps, name: str) -> str:
    """Words that change when the chosen sweep or the list has, or this window may do more or less with it; cheap:
    nothing is read but who drives it."""
    if deps.settings.space:
        return ""
    root = sweeps_folder(deps.settings.home)
    found = sorted([*root.glob(f"*/{SPEC}"), *root.glob(f"*/{FILE}")]) if root.is_dir() else []
    driven = bool(name) and alive(read_mark(_folder(deps, name) / PROCESS))
    return f"{name} {stamp(*found)} {driven} {bool(deps.read_only.words)}"


def _folder(deps: Deps, name: str) -> Path:
    """RunError for a name of no sweep; a path is never followed."""
    folder = sweeps_folder(deps.settings.home) / name
    if not ID.fullmatch(name) or not (folder / SPEC).is_file():
        raise RunError(f"There is no sweep {name!r} on this machine.", fix="Look at the list of sweeps.")
    return folder
