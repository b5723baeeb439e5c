"""A sweep from the window: a small form becomes a spec, an estimate, a process of its own that drives it. No Gradio.

The runs go through the queue like any other. Nothing starts on a Space or in a window that only reads.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil

from studio.actions.runs import config_of, queue_of
from studio.deps import Deps
from training.disk import disk, write_whole
from training.errors import InputError
from training.home import VARIABLE
from training.processes import alive, mark_of, read_mark
from training.runs.config_file import settings_from
from training.runs.directory import LOG, PROCESS
from training.runs.executors.local import ROOT, detached
from training.runs.sweep_check import check_sweep
from training.runs.sweep_records import SPEC, sweeps_folder
from training.runs.sweep_spec import DEFAULT_FIELDS, SweepSpec, read_spec, settled, spec_yaml
from training.runs.sweep_time import SweepEstimate, estimate_sweep

KNOBS = tuple(DEFAULT_FIELDS)
DRIVER = ("-m", "training", "sweep")


def usual(knob: str) -> str:
    """The sources' values of a knob, as they are typed."""
    return ", ".join(f"{value:g}" for value in DEFAULT_FIELDS[knob])


def spec_of(
    deps: Deps, name: str, typed: Mapping[str, str], trials: float | None, values: Sequence[object]
) -> SweepSpec:
    """The spec that the sweep form and the run form say; an empty knob keeps the run form's value.

    InputError names the knob that can't be read, or the combination that can't work.
    """
    if trials is None or trials != int(trials):
        raise InputError(f"Runs at most is {trials!r}.", fix="Give a whole number; 0 tries every combination.")
    config = config_of(deps, values)
    fields = {knob: _values(knob, text) for knob, text in typed.items() if (text or "").strip()}
    if not fields:
        raise InputError("No knob has values to try.", fix="Give at least one of them two values.")
    if "max_steps" in fields:
        config = replace(config, epochs=0.0)
    spec = SweepSpec((name or "").strip(), replace(config, name=""), fields, trials=int(trials))
    return settled(spec, deps.settings.home)[0]


def _values(knob: str, text: str) -> tuple[object, ...]:
    parts = [part.strip() for part in text.replace(";", ",").split(",") if part.strip()]
    values = tuple(settings_from([f"{knob}={part}"])[knob] for part in parts)
    if len(set(values)) < len(values):
        raise InputError(f"{knob} names a value twice: {text}.", fix="Write each value once.")
    return values


def estimate(deps: Deps, spec: SweepSpec) -> SweepEstimate:
    """What it will take, from a few real steps of its heaviest combination."""
    queue_of(deps)
    return estimate_sweep(spec, deps.settings.home)


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
