"""One training run as one frozen record: what is not written here is not varied. No torch.

The window's form, a YAML file and the command line fill the same record, each default is stated here once, and each
field says its unit and which value switches it off. Nothing is changed in silence: a value that can't work, or that
contradicts another one, is an InputError with the field's name, the reason and the fix.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any

VERSION = 1  # of this record's shape
METHODS = ("lora", "qlora", "rslora", "dora", "full")
DTYPES = ("auto", "fp32", "bf16", "fp16")
BACKENDS = ("auto", "trl", "unsloth")
SCHEDULES = ("cosine", "linear", "constant", "constant_with_warmup")
OPTIMIZERS = ("adamw_torch", "adamw_torch_fused", "adamw_8bit", "paged_adamw_8bit")
SAVE_DTYPES = ("fp16", "bf16", "fp32")
TOO_LONG = ("error", "drop")
MIRRORS = ("trackio", "tensorboard", "wandb")
_LATER = ("rows",)  # fields that came after runs had been made; a file without one means its off-value
_SAME_WEIGHTS = ("name", "report_to", "gradient_checkpointing")  # fields that no number of the result hangs on
GROUPS = ("what", "main", "length", "learning", "watching", "machine")


def knob(
    default: Any,
    about: str,
    *,
    group: str,
    unit: str = "",
    off: str = "",
    choices: tuple[str, ...] = (),
) -> Any:
    """A field of RunConfig with what a form shows: `about` in plain words, its unit, the value that switches it off."""
    facts = {"about": about, "group": group, "unit": unit, "off": off, "choices": choices}
    return field(default=default, metadata=facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """A fine-tuning run. `training.runs.checks` says what is wrong with one, `sha256` names what it would do."""

    version: int = knob(VERSION, "Shape of this record.", group="what")
    task: str = knob("recipe-jsonld", "The task pack.", group="what")
    dataset: str = knob("", "The dataset version to learn from.", group="what")
    base: str = knob("crumb", "The model to start from: a name, a folder or a Hub id.", group="what")
    revision: str = knob("", "A commit of a base on the Hub.", group="what", off="empty: the newest")
    name: str = knob("", "What the adapter will be called.", group="what", off="empty: made from task and settings")
    method: str = knob(
        "lora", "What is trained: small matrices beside the weights, or all of them. Compare can't answer with dora.",
        group="main", choices=METHODS,
    )  # fmt: skip
    rank: int = knob(
        64, "How much an adapter can take in. 4-8 for a change of style, 16 for a plain task, 32 for a harder one, "
        "64 and more for new structure. More costs memory and can learn by heart.",
        group="main", unit="rows of each small matrix",
    )  # fmt: skip
    alpha: int = knob(
        64, "How loudly the adapter speaks: its output is scaled by alpha over rank.", group="learning", unit="scale"
    )
    dropout: float = knob(
        0.0, "Share of the adapter's inputs dropped at random while it learns.", group="learning", unit="share", off="0"
    )
    target_modules: str | tuple[str, ...] = knob(
        "all-linear", "Which layers get small matrices.", group="learning", unit="layer names"
    )
    max_steps: int = knob(
        50, "How many times the weights are moved. Too few: it still answers like the base. Too many: it learns the "
        "examples by heart.",
        group="main", unit="steps", off="0: epochs decide",
    )  # fmt: skip
    epochs: float = knob(
        0.0, "How many times all rows are seen.", group="main", unit="passes over the rows", off="0: max_steps decides"
    )
    rows: int = knob(
        0, "The first so many train rows of the version and no others; their order is that of a hash.", group="main",
        unit="rows", off="0: all of them",
    )  # fmt: skip
    batch_size: int = knob(4, "Rows in memory at a time.", group="main", unit="rows")
    grad_accumulation: int = knob(
        1, "Batches that are added up before the weights move once. Steadier steps for the same memory, each takes "
        "longer.",
        group="main", unit="batches a step",
    )  # fmt: skip
    learning_rate: float = knob(
        5e-4, "How far each step moves. Too small: nothing changes. Too large: the loss jumps, answers turn to noise.",
        group="main", unit="per step",
    )  # fmt: skip
    schedule: str = knob(
        "cosine", "How the rate falls after the warm-up; constant has no warm-up.", group="learning", choices=SCHEDULES
    )
    warmup: float = knob(
        0.05,
        "How long the rate rises at first.",
        group="learning",
        unit="steps when >= 1, else a share of them",
        off="0",
    )
    weight_decay: float = knob(
        0.0, "Pull of every trained weight towards zero.", group="learning", unit="share of the rate", off="0"
    )
    optimizer: str = knob(
        "adamw_torch", "8-bit ones need a GPU and bitsandbytes.", group="learning", choices=OPTIMIZERS
    )
    adam_beta2: float = knob(
        0.999, "How long the optimizer remembers how large gradients were.", group="learning", unit="share kept a step"
    )
    max_grad_norm: float = knob(1.0, "Longer gradients are shortened to it.", group="learning", unit="norm", off="0")
    max_length: int = knob(2048, "The longest row, prompt and answer together.", group="length", unit="tokens")
    too_long: str = knob(
        "error", "Longer rows: refuse the run, or leave them out and say how many.", group="length", choices=TOO_LONG
    )
    packing: bool = knob(
        False, "Rows share a batch line without padding; none sees another.", group="length", off="false"
    )
    answer_only: bool = knob(
        True, "Learn from the answer alone, not from the prompt before it.", group="length", off="false: the prompt too"
    )
    short_first_steps: int = knob(
        0, "The first steps see the shortest quarter of the rows alone.", group="learning", unit="steps", off="0"
    )
    focal_gamma: float = knob(
        0.0, "Above 0, tokens the model is sure of already count less.", group="learning", unit="exponent", off="0"
    )
    dtype: str = knob(
        "auto",
        "What is computed in. auto: bf16 where the device has it, fp16 on an older GPU, else fp32.",
        group="machine",
        choices=DTYPES,
    )
    gradient_checkpointing: bool = knob(
        False, "What a layer computed is not kept for the way back but computed again: the same numbers, much less "
        "memory for long rows, each step about a third longer. unsloth does it in a way of its own.",
        group="machine", off="false",
    )  # fmt: skip
    seed: int = knob(7, "Same seed, same run.", group="learning")
    eval_steps: int = knob(0, "Loss on the dev rows every so many steps.", group="watching", unit="steps", off="0")
    save_steps: int = knob(
        50, "A checkpoint every so many steps: a stopped run goes on from it.", group="watching", unit="steps", off="0"
    )
    sample_steps: int = knob(
        0, "Two dev posts are answered every so many steps.", group="watching", unit="steps", off="0"
    )
    early_stopping: int = knob(
        0, "Stop after so many evaluations without a better dev loss, and go back to the best checkpoint.",
        group="watching", unit="evaluations", off="0",
    )  # fmt: skip
    evaluate_rows: int = knob(
        50, "Dev rows that are answered and scored when the run ends.", group="watching", unit="rows", off="0"
    )
    backend: str = knob(
        "auto",
        "auto: unsloth where it is installed and there is a CUDA GPU, else trl.",
        group="machine",
        choices=BACKENDS,
    )
    report_to: tuple[str, ...] = knob(
        (), "Also tell these; nothing leaves this machine otherwise.", group="watching", off="empty", choices=MIRRORS
    )
    threads: int = knob(0, "Processor threads.", group="machine", unit="threads", off="0: torch decides")
    save_dtype: str = knob("fp16", "What the adapter's file holds.", group="machine", choices=SAVE_DTYPES)

    def steps_of(self, rows: int) -> int:
        """Steps that a run over so many rows takes: `max_steps`, or what `epochs` come to."""
        if self.max_steps:
            return self.max_steps
        a_pass = -(-rows // (self.batch_size * self.grad_accumulation))
        return max(1, round(self.epochs * a_pass))

    def warmup_steps(self, steps: int) -> int:
        return round(self.warmup if self.warmup >= 1 else self.warmup * steps)

    @property
    def four_bit(self) -> bool:
        """The base's weights are held in 4 bits: what QLoRA means."""
        return self.method == "qlora"

    @property
    def comparable(self) -> bool:
        """Compare can answer with what comes out. DoRA rescales whole weights: it can't share a batch with its base."""
        return self.method != "dora"

    @property
    def label(self) -> str:
        """The adapter's name: the given one, or task and what matters most."""
        size = "full" if self.method == "full" else f"r{self.rank}"
        length = f"s{self.max_steps}" if self.max_steps else f"e{self.epochs:g}"
        return self.name or f"{self.task}-{size}-{length}"

    def to_json(self) -> dict[str, Any]:
        """Plain values, in the order of the fields."""
        data = {f.name: getattr(self, f.name) for f in fields(self)}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in data.items()}

    def identity(self, without: Collection[str]) -> dict[str, Any]:
        """The plain values that a hash is made of, but those left out. A field that older studios did not know is in it
        only where it is on: what they made keeps its hash."""
        later = {name for name in _LATER if getattr(self, name) == FIELDS[name].default}
        return {key: value for key, value in self.to_json().items() if key not in {*without, *later}}

    @property
    def sha256(self) -> str:
        """Hex SHA-256 of everything that can change the weights; the name, the mirrors and what is kept can't."""
        data = self.identity(_SAME_WEIGHTS)
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


FIELDS: Mapping[str, Field[Any]] = {f.name: f for f in fields(RunConfig)}
DEFAULTS: Mapping[str, Any] = {name: f.default for name, f in FIELDS.items()}
