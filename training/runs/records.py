"""What is known of a run, as frozen records: written into its directory by the worker, read by everyone. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from training.runs.config import RunConfig


@dataclass(frozen=True, slots=True)
class RunStatus:
    """status.json. `step` of `steps`; `seconds` is training time, resumed time counted; times are ISO 8601 UTC.

    `phase` is what the process does in words (loading, training, evaluating). `error` and `fix` say why it failed;
    `kind` is the failure's type, see training.runs.advice. `adapter` is the folder of the finished adapter.
    """

    run: str
    state: str
    phase: str = ""
    step: int = 0
    steps: int = 0
    seconds: float = 0.0
    created: str = ""
    started: str = ""
    ended: str = ""
    updated: str = ""
    error: str = ""
    fix: str = ""
    kind: str = ""
    adapter: str = ""
    attempts: int = 0  # how many processes worked on it


@dataclass(frozen=True, slots=True)
class RunNotes:
    """notes.json: what a person wrote about a run; not part of what it does."""

    tags: tuple[str, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A line of metrics.jsonl. `loss` in nats a learnt token; `tokens` seen so far; `seconds` since the run began.

    `dev_loss` only at evaluations. Rates are over the step; memory is the process', or the GPU's where one is used.
    """

    step: int
    loss: float | None = None
    dev_loss: float | None = None
    token_accuracy: float | None = None
    learning_rate: float | None = None
    grad_norm: float | None = None
    tokens: int | None = None
    tokens_per_s: float | None = None
    samples_per_s: float | None = None
    memory_bytes: int | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Sample:
    """A line of samples.jsonl: what the adapter answered to one fixed dev row at a step. `tier` is the parse tier."""

    step: int
    row: str  # id of the dev row
    source: str
    raw: str
    tier: str
    finish: str
    seconds: float


@dataclass(frozen=True, slots=True)
class RunFacts:
    """run.json: what a run was given and made with, written once when it is submitted, and completed by the worker."""

    run: str
    config: RunConfig
    config_sha256: str
    dataset: str
    dataset_sha256: str
    created: str
    command: str
    base_sha256: str = ""
    rows: int = 0
    rows_dropped: int = 0
    trainable_parameters: int = 0
    parameters: int = 0
    device: str = ""
    backend: str = ""
    git: str = ""  # commit, with "+" where files had changed
    versions: Mapping[str, str] = field(default_factory=dict[str, str])
    sweep: str = ""  # id of the sweep it belongs to


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the preflight. `state`: ok, warn (told, may start), stop (may not start), or wait (not measured)."""

    name: str
    state: str
    words: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will take. None where nothing was measured. Memory is the peak of the process or of its GPU.

    `seconds` are of loading and training alone; what comes on top is named in `on_top`.
    """

    rows: int
    steps: int
    tokens_per_step: float
    tokens: float
    seconds: float | None
    peak_bytes: int | None
    measured_steps: int
    trainable_parameters: int | None = None
    parameters: int | None = None
    device: str = ""
    on_top: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preflight:
    """All checks of a run before it starts, and what it will take. `ok` where none of them stops it."""

    checks: tuple[Check, ...]
    estimate: Estimate | None
    steps: int = 0

    @property
    def ok(self) -> bool:
        return all(check.state != "stop" for check in self.checks)


@dataclass(frozen=True, slots=True)
class Advice:
    """What to change after a failure: the field, its value now, the one to try, and what that would do."""

    words: str
    changes: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class RegistryEntry:
    """A line of HOME/runs/registry.jsonl: a run that ended, its lineage and its figures on dev.

    `figures` is metric -> {"value", "low", "high", "n_scored", "n_total"} for the adapter, `base_figures` for the base.
    """

    run: str
    name: str
    task: str
    base: str
    base_sha256: str
    dataset: str
    dataset_sha256: str
    config_sha256: str
    state: str
    steps: int
    seconds: float
    loss: float | None
    dev_loss: float | None
    ended: str
    git: str = ""
    versions: Mapping[str, str] = field(default_factory=dict[str, str])
    figures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    base_figures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    sweep: str = ""
