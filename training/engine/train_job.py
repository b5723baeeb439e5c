"""What a training run is given, what it tells while it runs, and what it leaves. No torch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from training.runs.config import RunConfig
from training.runs.records import Step

Row = Mapping[str, str]  # {"prompt": rendered text, "completion": text that ends with the chat template's end token}


@dataclass(frozen=True, slots=True)
class SamplePrompt:
    """A fixed dev row that is answered while the run goes on. `prompt` is rendered text.

    `stop_json` ends an answer at a whole object, `marker` at this text ("" at none); the end token and
    `max_new_tokens` end it in any case.
    """

    row: str
    source: str
    prompt: str
    max_new_tokens: int
    stop_json: bool
    marker: str = ""


@dataclass(frozen=True, slots=True)
class TrainJob:
    """One run: `config` says how, the rest where.

    `base` is a model folder, `rows` a JSONL file or rows in memory, `out` the folder that gets metrics.jsonl,
    checkpoints/ and adapter/ (method full: model/). `resume` goes on from the last whole checkpoint in `out`, and
    begins anew where there is none. `start` is an adapter of the same base, rank and layers whose weights a new run
    begins with; None begins with matrices that change nothing. `base_name` is written into the adapter as its base's
    name, None writes the path.
    """

    config: RunConfig
    base: Path
    rows: Path | Sequence[Row]
    out: Path
    dev_rows: Sequence[Row] = ()
    samples: Sequence[SamplePrompt] = ()
    resume: bool = False
    base_name: str | None = None
    start: Path | None = None

    @property
    def checkpoints(self) -> Path:
        return self.out / "checkpoints"

    @property
    def metrics(self) -> Path:
        return self.out / "metrics.jsonl"

    @property
    def result(self) -> Path:
        """Where the adapter, or for method full the model, will be."""
        return self.out / ("model" if self.config.method == "full" else "adapter")


def _nothing(*_: object) -> None:
    """A hook that nobody wanted."""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Hooks:
    """Who is told what. `step` gets each line of metrics.jsonl, `phase` what the process does now in a word.

    `sample` gets (step, prompt, raw answer, why it ended, seconds). `stop` is asked after each step: True finishes it,
    saves a checkpoint and ends the run. All of them run in the training process and hold it up.
    """

    step: Callable[[Step], None] = _nothing
    sample: Callable[[int, SamplePrompt, str, str, float], None] = _nothing
    phase: Callable[[str], None] = _nothing
    stop: Callable[[], bool] = _never


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a run left. `state` is "finished" or "stopped"; a stopped run has checkpoints and no adapter yet.

    `loss` is the mean of its last ten steps (nats a learnt token). `dev_loss` is the kept weights' own, `best_step`
    the step they are from where early stopping chose it. `seconds` counts resumed time as well. `dtype` and `backend`
    say in words what was chosen and why.
    """

    state: str
    adapter: Path
    steps: int
    loss: float
    dev_loss: float | None
    best_step: int | None
    seconds: float
    trainable_parameters: int
    parameters: int
    device: str
    backend: str
    rows: int
    rows_dropped: int
    base_sha256: str
    versions: Mapping[str, str] = field(default_factory=dict[str, str])
    dtype: str = ""
