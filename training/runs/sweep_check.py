"""The preflight of every run of a sweep, before the first one starts: nothing is measured, no weight is read.

Promise: a sweep of which a combination can't work is not started; what is told names the combination. The dataset is
opened once, its rows become tokens once, and combinations that look alike to a preflight are looked at once. Limits: of
a range its two ends.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from training.errors import InputError
from training.runs.config import RunConfig
from training.runs.measured import remembered
from training.runs.preflight import preflight
from training.runs.preflight_looks import Looks
from training.runs.records import Check
from training.runs.sweep_spec import SweepSpec, combinations, settled

# what no check stops a run for
ALIKE = ("learning_rate", "seed", "schedule", "weight_decay", "adam_beta2", "max_grad_norm", "focal_gamma")
TOLD = 3  # kinds of stop that are told


def check_sweep(spec: SweepSpec, home: Path) -> None:
    """InputError with what stops which combinations. The StudioErrors of `settled` before that."""
    spec, dataset_sha256 = settled(spec, home)
    looks, known = Looks(), dict[RunConfig, tuple[Check, ...]]()
    found: dict[str, list[tuple[dict[str, Any], Check]]] = {}
    every = list(combinations(spec))
    alike = {name: getattr(spec.config_of(every[0]), name) for name in ALIKE}
    for values in every:
        config = spec.config_of(values)
        like = replace(config, **alike)
        if like not in known:
            checks = preflight(like, home, looks=looks).checks
            known[like] = tuple(check for check in checks if check.state == "stop")
        stops = known[like]
        if not stops and (stop := remembered(config, dataset_sha256, home)) is not None:
            stops = (stop,)
        for stop in stops:
            found.setdefault(stop.name, []).append((values, stop))
    if found:
        told = [_words(places, len(every)) for places in list(found.values())[:TOLD]]
        raise InputError(" ".join(told), fix=" ".join(places[0][1].fix for places in list(found.values())[:TOLD]))


def _words(places: list[tuple[dict[str, Any], Check]], total: int) -> str:
    """How many combinations it stops, the first of them, and why that one."""
    values, stop = places[0]
    if len(places) == total:
        return f"No combination can start: {stop.words}"
    first = ", ".join(f"{name} {_said(value)}" for name, value in values.items())
    return f"{len(places):,} of {total:,} combinations can't start, the first with {first}: {stop.words}"


def _said(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)
