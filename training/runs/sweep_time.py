"""How long a sweep will take: before it starts from a few measured steps, then from the runs it has done. No torch.

Training alone is reckoned, as rows a step times steps; a larger rank is a little slower than that. What the answers on
dev rows take comes on top, and what is pruned comes off.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.errors import InputError
from training.runs.config import RunConfig
from training.runs.sweep_records import Sweep
from training.runs.sweep_spec import SweepSpec, combinations, settled

A_VERSION = 1000  # rows, where a pass over them has to be reckoned without knowing them
HEAVY = ("rank", "batch_size", "max_length")  # what decides how much memory a step needs


@dataclass(frozen=True, slots=True)
class SweepEstimate:
    """What a sweep will take, training alone. `seconds` None where nothing was measured, for the reason in `why`;
    `shortest` and `longest` are of one run. Values that are pruned make it less."""

    runs: int
    seconds: float | None
    shortest: float | None
    longest: float | None
    peak_bytes: int | None
    rows_evaluated: int
    why: str = ""


def estimate_sweep(spec: SweepSpec, home: Path) -> SweepEstimate:
    """A few real steps of the combination that needs most memory, spread over all combinations.

    InputError with what stops it where that combination, or any other, can't work.
    """
    from training.runs.preflight import preflight
    from training.runs.sweep_check import check_sweep

    spec, _ = settled(spec, home)
    every = [spec.config_of(values) for values in combinations(spec)]
    heaviest = max(every, key=lambda config: [getattr(config, name) for name in HEAVY])
    found = preflight(heaviest, home, measure=True)
    if not found.ok:
        stops = [check for check in found.checks if check.state == "stop"]
        fixes = " ".join(check.fix for check in stops if check.fix)
        raise InputError(" ".join(check.words for check in stops), fix=fixes or "Correct the spec.")
    check_sweep(spec, home)  # after the measurement: what stopped one before may not any more
    known = found.estimate
    if known is None or known.seconds is None or not known.steps:
        peak = None if known is None else known.peak_bytes
        why = next((check.words for check in found.checks if check.name == "time"), "")
        return SweepEstimate(spec.total, None, None, None, peak, spec.config.evaluate_rows, why)
    one = known.seconds / _rows_seen(heaviest, known.rows)
    each = [one * _rows_seen(config, known.rows) for config in every]
    return SweepEstimate(
        spec.total, sum(each) / len(each) * spec.total, min(each), max(each), known.peak_bytes,
        spec.config.evaluate_rows,
    )  # fmt: skip


def left_s(spec: SweepSpec, sweep: Sweep, spent_s: float = 0.0) -> float | None:
    """About how long the rest trains: what the runs so far took a row, times what is left. None before the first.

    `spent_s` is what the run that is worked on has trained.
    """
    done = [trial for trial in sweep.trials if trial.state == "done" and trial.seconds]
    if not done:
        return None
    sizes = [_rows_seen(spec.config_of(trial.values), A_VERSION) for trial in done]
    pace = sum(trial.seconds for trial in done) / sum(sizes)
    left = max(0, sweep.total - sweep.done)
    each = sum(sizes) / len(sizes)
    if spec.combinations is not None:
        tried = {_key(trial.values) for trial in sweep.trials if trial.state != "running"}
        gone = {(out.field, _plain(out.value)) for out in sweep.pruned}
        open_ = [
            _rows_seen(spec.config_of(values), A_VERSION)
            for values in combinations(spec)
            if _key(values) not in tried and not any((name, _plain(value)) in gone for name, value in values.items())
        ]
        left = min(left, len(open_)) if spec.search == "grid" else left
        each = sum(open_) / len(open_) if open_ else each
    return max(0.0, pace * each * left - spent_s)


def _key(values: Mapping[str, Any]) -> str:
    return json.dumps({name: _plain(value) for name, value in values.items()})


def _plain(value: Any) -> Any:
    """A list of names as one text: what JSON brings back as another type."""
    return ",".join(value) if isinstance(value, (list, tuple)) else value


def _rows_seen(config: RunConfig, rows: int) -> int:
    return config.steps_of(rows) * config.batch_size * config.grad_accumulation
