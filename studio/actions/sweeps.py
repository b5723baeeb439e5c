"""A sweep from the window: a small form becomes a spec, an estimate, a process of its own that drives it. No Gradio.

The runs go through the queue like any other. Nothing starts on a Space or in a window that only reads.
"""

import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from studio.actions.runs import config_of, queue_of
from studio.deps import Deps
from training.disk import disk, write_whole
from training.errors import InputError
from training.home import VARIABLE
from training.processes import alive, mark_of, read_mark
from training.runs.config import RunConfig
from training.runs.config_file import settings_from, settled_paths
from training.runs.directory import LOG, PROCESS
from training.runs.executors.local import ROOT, detached
from training.runs.sweep_check import check_sweep
from training.runs.sweep_order import runs_needed
from training.runs.sweep_records import SPEC, sweeps_folder
from training.runs.sweep_spec import (
    DEFAULT_FIELDS,
    SweepSpec,
    absolute_values,
    field_values,
    read_spec,
    settled,
    spec_yaml,
)
from training.runs.sweep_time import SweepEstimate, estimate_sweep

KNOBS = tuple(DEFAULT_FIELDS)
SEED = 7  # of a new form
_RANGE = re.compile(r"([^\s,;]+)\s*\.\.\s*([^\s,;]+)(?:\s+(log))?")
DRIVER = ("-m", "training", "sweep")


def usual(knob: str) -> str:
    """The sources' values of a knob, as they are typed."""
    return ", ".join(f"{value:g}" for value in DEFAULT_FIELDS[knob])


@dataclass(frozen=True, slots=True)
class SweepForm:
    """What is typed: values of each knob, of `more` fields as lines `field = values`, how the next ones are found.

    Values are parted by commas; `1e-5..5e-4 log` is a range, for search tpe alone. `trials` 0 is the whole grid; `seed`
    is that of the order.
    """

    name: str
    knobs: Mapping[str, str]
    more: str
    search: str
    trials: float | None
    seed: float | None = SEED
    prune: bool = True


def spec_of(deps: Deps, form: SweepForm, values: Sequence[object]) -> SweepSpec:
    """The spec that the sweep form and the run form say; an empty knob keeps the run form's value.

    InputError names the field that can't be read, or the combination that can't work.
    """
    trials = _whole("Runs at most", form.trials, "Give a whole number; 0 tries every combination.")
    seed = _whole("The sweep's seed", form.seed, "Give a whole number.")
    config = config_of(deps, values)
    typed = [(knob, text or "") for knob, text in form.knobs.items() if (text or "").strip()] + _lines(form.more or "")
    if not typed:
        raise InputError("No knob has values to try.", fix="Give at least one of them two values.")
    names = [name for name, _ in typed]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"{twice[0]} has values in two places.", fix="Keep one of them.")
    fields = {name: field_values(name, _given(name, text), "the sweep") for name, text in typed}
    if "max_steps" in fields and config.epochs:
        raise InputError(
            f"The sweep tries numbers of steps, and the form above goes by epochs: {config.epochs:g}.",
            fix="Set epochs to 0 above, or empty the sweep's Steps.",
        )
    here = Path.cwd()  # the file of the spec will lie elsewhere
    config, fields = settled_paths(replace(config, name=""), here), absolute_values(fields, here)
    spec = SweepSpec((form.name or "").strip(), config, fields, form.search, trials, prune=bool(form.prune), seed=seed)
    return settled(spec, deps.settings.home)[0]


def _whole(name: str, value: float | None, fix: str) -> int:
    if value is None or not math.isfinite(value) or value != int(value):
        raise InputError(f"{name} is {value!r}.", fix=fix)
    return int(value)


def _lines(text: str) -> list[tuple[str, str]]:
    """(field, values) of each line."""
    found: list[tuple[str, str]] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        name, equals, values = line.partition("=")
        if not equals or not values.strip():
            raise InputError(f"{line!r} is no setting with values.", fix="Write it as alpha = 64, 128.")
        found.append((name.strip(), values))
    return found


def _given(name: str, text: str) -> Any:
    """What is typed, as a spec's YAML would say it."""
    if found := _RANGE.fullmatch(text.strip()):
        low, high, log = found.groups()
        return {"low": _value(name, low), "high": _value(name, high), "log": bool(log)}
    return [_value(name, part) for part in map(str.strip, text.replace(";", ",").split(",")) if part]


def _value(name: str, text: str) -> object:
    return settings_from([f"{name}={text}"])[name]


def estimate(deps: Deps, spec: SweepSpec) -> SweepEstimate:
    """What it will take, from a few real steps of its heaviest combination."""
    queue_of(deps)
    return estimate_sweep(spec, deps.settings.home)


def runs_for_pruning(spec: SweepSpec | None = None) -> int | None:
    """How many runs a grid needs, so that a value can be left out on the way, of the usual grid where none is given;
    None where none can ever be, and for a search."""
    spec = spec or SweepSpec("usual", RunConfig(), seed=SEED)
    return runs_needed(spec) if spec.search == "grid" and spec.prune else None


def start(deps: Deps, spec: SweepSpec) -> str:
    """Drive it in a process of its own, which outlives the window; returns its id. One that is driven is left alone.

    InputError where the preflight of any combination stops it.
    """
    queue_of(deps)
    folder = sweeps_folder(deps.settings.home) / spec.sweep
    if not alive(read_mark(folder / PROCESS)):
        check_sweep(spec, deps.settings.home)
    with disk("start the sweep", folder):
        folder.mkdir(parents=True, exist_ok=True)
        if alive(read_mark(folder / PROCESS)):
            return spec.sweep
        write_whole(folder / SPEC, spec_yaml(spec))
        _drive(folder, deps.settings.home)
    return spec.sweep


def go_on(deps: Deps, sweep: str) -> None:
    """Take up a sweep that was stopped, or whose process is gone, where it was."""
    queue_of(deps)
    folder = sweeps_folder(deps.settings.home) / sweep
    if not alive(read_mark(folder / PROCESS)):
        check_sweep(read_spec(folder / SPEC, deps.settings.home), deps.settings.home)
        with disk("go on with the sweep", folder):
            _drive(folder, deps.settings.home)


def stop(deps: Deps, sweep: str) -> None:
    """Its run stops after the step, with a checkpoint, and no other one starts."""
    from training.runs.sweep import stop_sweep  # it loads scipy, which the first page does without

    queue_of(deps)
    stop_sweep(deps.settings.home, sweep)


def _drive(folder: Path, home: Path) -> None:
    environment = os.environ | {"PYTHONUNBUFFERED": "1", VARIABLE: str(home.absolute())}
    with (folder / LOG).open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, *DRIVER, str((folder / SPEC).absolute()), "--quick"],
            cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **detached(sys.platform),
        )  # fmt: skip
    with suppress(psutil.NoSuchProcess):  # over already: its log says why
        write_whole(folder / PROCESS, json.dumps(mark_of(child.pid)))
