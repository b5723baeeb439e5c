"""One frozen description of a LoRA run, and how it is read from a YAML file. No torch.

A run is this record and nothing else: what is not written here is not varied. Each default is stated once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from training.errors import InputError

SAVE_DTYPES = ("fp16", "bf16", "fp32")
TOO_LONG = ("error", "drop")
_FLOATS = frozenset({"dropout", "learning_rate", "warmup", "weight_decay", "adam_beta2", "max_grad_norm"})

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LoraRunConfig:
    """A LoRA fine-tuning run with the loss on the completion tokens alone.

    `rows` is a JSONL file, or rows in memory, of {"prompt": rendered text, "completion": text ending with the chat
    template's end token}. A step sees `batch_size * grad_accumulation` rows; rows of one micro-batch have like lengths.
    `warmup` counts steps when >= 1, else it is a share of `steps`. `save_steps` 0 keeps no checkpoints, `threads` 0
    leaves torch's choice, `max_grad_norm` 0 switches clipping off. `too_long` says what happens to rows of more than
    `max_length` tokens: `error` refuses the run, `drop` leaves them out and counts them in provenance.json.
    `focal_gamma` > 0 weighs each token's loss by (1 - p) ** gamma: where most of an answer is copied, the few tokens
    that decide what is left out would drown otherwise; 0 is plain cross-entropy. The first `short_first_steps` steps
    see the shortest quarter of the rows alone (a curriculum: what is found in a long text is found in a short one
    first); 0 shuffles all from the start. `bf16` computes in bfloat16 (weights
    stay as loaded); None means where a GPU can. On a CPU with AVX512-BF16 or AMX it is two to three times faster, on
    others slower. `base_name` is the name written into the adapter for its base,
    None takes the path as given.
    """

    base: Path
    rows: Path | Sequence[Row]
    out: Path
    steps: int
    rank: int = 64
    alpha: int = 64
    dropout: float = 0.0
    target_modules: str | tuple[str, ...] = "all-linear"
    learning_rate: float = 3e-3
    batch_size: int = 4
    grad_accumulation: int = 1
    warmup: float = 0.05
    schedule: str = "cosine"
    weight_decay: float = 0.0
    optimizer: str = "adamw_torch"
    adam_beta2: float = 0.999
    max_grad_norm: float = 1.0
    seed: int = 7
    max_length: int = 2048
    too_long: str = "error"
    save_steps: int = 0
    threads: int = 0
    bf16: bool | None = None
    focal_gamma: float = 0.0
    short_first_steps: int = 0
    resume: bool = False
    save_dtype: str = "fp16"
    base_name: str | None = None
    task: str | None = None

    def __post_init__(self) -> None:
        for name in ("steps", "rank", "alpha", "batch_size", "grad_accumulation", "max_length"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; a run needs at least 1.", fix=f"Raise {name}.")
        if self.learning_rate <= 0:
            raise InputError(f"learning_rate is {self.learning_rate}; nothing would be learned.", fix="Use 1e-5..1e-2.")
        if self.save_dtype not in SAVE_DTYPES:
            raise InputError(f"save_dtype is {self.save_dtype!r}.", fix=f"Use one of {', '.join(SAVE_DTYPES)}.")
        if self.too_long not in TOO_LONG:
            raise InputError(f"too_long is {self.too_long!r}.", fix=f"Use one of {', '.join(TOO_LONG)}.")

    @property
    def warmup_steps(self) -> int:
        return round(self.warmup if self.warmup >= 1 else self.warmup * self.steps)

    def to_json(self) -> dict[str, Any]:
        """The config as plain JSON; rows in memory become their count."""
        data = {f.name: getattr(self, f.name) for f in fields(self)}
        data["base"], data["out"] = str(self.base), str(self.out)
        data["rows"] = str(self.rows) if isinstance(self.rows, Path) else f"{len(self.rows)} rows in memory"
        return data


def read_config(path: Path) -> LoraRunConfig:
    """Read a run from YAML; relative paths start at the file's folder. An unknown or missing key is an InputError."""
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except OSError as err:
        raise InputError(f"{path} can't be read: {err.strerror}.", fix="Give the path of a YAML file.") from err
    except yaml.YAMLError as err:
        raise InputError(f"{path} is no YAML: {str(err).splitlines()[0]}.", fix="Mend the file.") from err
    if not isinstance(data, dict):
        raise InputError(f"{path} holds no mapping of settings.", fix="Write one `key: value` a line.")
    known = {f.name: f for f in fields(LoraRunConfig)}
    if unknown := sorted(set(data) - set(known)):
        raise InputError(f"{path} has unknown keys: {', '.join(unknown)}.", fix=f"Known: {', '.join(known)}.")
    if missing := [n for n, f in known.items() if f.default is MISSING and n not in data]:
        raise InputError(f"{path} lacks {', '.join(missing)}.", fix="Add them.")
    for key in ("base", "rows", "out"):
        data[key] = (path.parent / Path(data[key]).expanduser()).resolve()
    for key in _FLOATS & set(data):
        data[key] = _number(path, key, data[key])
    if isinstance(data.get("target_modules"), list):
        data["target_modules"] = tuple(data["target_modules"])
    try:
        return LoraRunConfig(**data)
    except TypeError as err:
        raise InputError(f"{path} holds a value of the wrong type: {err}.", fix="Numbers need no quotes.") from err


def _number(path: Path, key: str, value: Any) -> float:
    """YAML reads 3e-3 as text where people mean a number."""
    try:
        return float(value)
    except (TypeError, ValueError) as err:
        raise InputError(f"{path}: {key} is {value!r}.", fix="Write a number such as 0.003.") from err
