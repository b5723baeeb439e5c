"""What the engine is asked and what it answers: records, and the protocol that tests fake. No torch."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from training.task.pack import Pack
from training.task.records import Arm, Generation, Prompt, Sampling

MAX_ARMS = 4
ASSETS = Path(__file__).resolve().parents[2] / "assets"

Progress = Callable[[str, float | None], None]
State = Literal["idle", "loading", "generating"]


@dataclass(frozen=True, slots=True)
class EndMarker:
    """End an answer where it has written this text."""

    text: str


Stop = Literal["json"] | EndMarker | None  # "json": end at a whole top-level object


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Where models are looked for and what a person may name.

    `home` holds a user's own `models/` and `adapters/`; None: there is no home. On a Space `allow_paths` is off and
    `hub` is "presets". `device` and `dtype` None are chosen (fp32 on CPU, bf16 where the GPU has it), and so is
    `threads`: one for a small model on a CPU, whose steps are too short to share and stall where another program has
    a core. `four_bit` counts where bitsandbytes works; None: only for bases that would not fit otherwise.
    `max_wait_s` is how long a request waits for the model before BusyError. `claim` is called with the device before a
    base is read onto it, and raises where somebody else has it, see training.runs.sharing.
    """

    home: Path | None = None
    models: Path = ASSETS / "models"
    adapters: Path = ASSETS / "adapters"
    allow_paths: bool = True
    hub: Literal["any", "presets", "none"] = "any"
    device: str | None = None
    dtype: str | None = None
    four_bit: bool | None = False
    threads: int | None = None
    max_wait_s: float = 600.0
    claim: Callable[[str], None] | None = None


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """The status bar. Bytes are of the device the model is on: its GPU's memory on CUDA, else process and machine."""

    device: str
    dtype: str
    memory_used_bytes: int
    memory_total_bytes: int
    base: str | None
    adapters: tuple[str, ...]
    state: State
    cores: int
    waiting: int


@dataclass(frozen=True, slots=True)
class BaseInfo:
    """A base a person can pick. `parameters` and `bytes` (on disk) are None where only a download would tell."""

    name: str
    label: str
    path_or_id: str
    parameters: int | None
    bytes: int | None
    embedded: bool


@dataclass(frozen=True, slots=True)
class AdapterInfo:
    """An adapter that says it belongs to a base. `bytes` is the weight file's size."""

    name: str
    label: str
    path: str
    base: str
    rank: int | None
    task: str | None
    bytes: int
    note: str


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A loaded base. `sha256` is of its safetensors files, see training.engine.hashes."""

    base: str
    sha256: str
    context_tokens: int
    dtype: str
    device: str
    parameters: int


@dataclass(frozen=True, slots=True)
class Row:
    """One arm to answer. `base` is the base its prompt was rendered for; None takes the one loaded last."""

    arm: Arm
    prompt: Prompt
    base: str | None = None


@dataclass(frozen=True, slots=True)
class Delta:
    """A row's text so far. `index` is its place in the rows, `elapsed_s` wall seconds since the batch began."""

    index: int
    text: str
    new_tokens: int
    elapsed_s: float


class EngineLike(Protocol):
    """What the flow of a comparison needs of an engine."""

    def prepare(self, base: str, adapters: Sequence[str], progress: Progress) -> ModelCard: ...

    def count_tokens(self, text: str) -> int: ...

    @property
    def tokenizer(self) -> Any: ...

    def generate(
        self, rows: Sequence[Row], sampling: Sampling, stop: Stop, cancel: threading.Event, pack: Pack | None = None
    ) -> Iterator[Delta | Generation]: ...
