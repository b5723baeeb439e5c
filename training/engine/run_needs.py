"""What a run needs of a base, of this machine and of the disk, before any weight is read.

Limits: trainable parameters are counted from the shapes in the weight files, with what looks like an embedding or an
output layer left out, as `all-linear` does; the run itself counts exactly. torch is loaded by `machine_words` alone.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from training.engine.api import EngineSettings
from training.engine.download import fetch_repo
from training.engine.hashes import TensorInfo, read_header
from training.engine.hub import BaseFiles, check_base, resolve_base
from training.engine.hub_facts import Remote, ask_hub
from training.engine.row_checks import RowsSeen
from training.engine.run_memory import (
    Machine,
    MemoryParts,
    held_bytes,
    memory_parts,
    moment_bytes,
    trained_bytes,
)
from training.errors import ModelError
from training.runs.config import RunConfig
from training.typed_path import typed_path

_SMALL = ("*.json", "tokenizer.model", "*.jinja", "vocab.txt", "merges.txt", "spiece.model")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_NO_TARGET = re.compile(r"embed|wte|wpe|lm_head|norm|ln_")
_TURNED = re.compile(r"\.c_(?:attn|proj|fc)\.")  # GPT-2 writes these as (inputs, outputs)
_KEPT_CHECKPOINTS = 3  # two, and one more while it is written
_BYTES = {"fp16": 2, "bf16": 2, "fp32": 4}
_LORA_FILE = 4  # bytes a parameter in a checkpoint


@dataclass(frozen=True, slots=True)
class BaseSeen:
    """A base's folder with at least config and tokenizer. `files` is None where the weights are yet to be fetched;
    `remote` is then what the hub says of them, None where it says nothing."""

    name: str
    folder: Path
    files: BaseFiles | None
    on_hub: bool = False
    remote: Remote | None = None

    @property
    def counted(self) -> BaseFiles | None:
        """The base as far as its size can be counted: its files, or what the hub says of them."""
        if self.files is not None or self.remote is None:
            return self.files
        parameters = sum(tensor.numel for tensor in self.remote.tensors.values())
        return BaseFiles(self.name, self.folder, (), parameters, self.remote.fetched, False)

    @property
    def tensors(self) -> list[tuple[str, TensorInfo]]:
        """Of all weight files; none where nothing is known of them."""
        if self.files is not None:
            return [item for path in self.files.weights for item in read_header(path).items()]
        return list(self.remote.tensors.items()) if self.remote else []


def see_base(config: RunConfig, home: Path) -> BaseSeen:
    """The base, its weights looked for but never fetched. ModelError where there is none, or no tokenizer of it;
    InputError for what can't be a path."""
    local = EngineSettings(home=home, hub="none")
    try:
        files = resolve_base(config.base, local, lambda *_: None)
    except ModelError:
        if not _HUB_ID.fullmatch(config.base) or typed_path(config.base, "base").is_dir():
            raise
        return _on_the_hub(config)
    return BaseSeen(files.name, files.folder, files)


def _on_the_hub(config: RunConfig) -> BaseSeen:
    folder = fetch_repo(config.base, lambda *_: None, ModelError, config.revision or None, _SMALL)
    if not (folder / "config.json").is_file():
        raise ModelError(f"{config.base} holds no model: it has no config.json.", fix="Name a model's repository.")
    try:
        return BaseSeen(config.base, folder, check_base(config.base, folder), on_hub=True)
    except ModelError:
        return BaseSeen(config.base, folder, None, on_hub=True, remote=ask_hub(config.base, config.revision))


def trainable_parameters(config: RunConfig, base: BaseSeen) -> int | None:
    """How many numbers the run trains; None where nothing is known of the weights."""
    if base.counted is None:
        return None
    if config.method == "full":
        return base.counted.parameters
    targets = [(name, info) for name, info in base.tensors if _is_target(name, info, config.target_modules)]
    outputs = sum(info.shape[1 if _TURNED.search(name) else 0] for name, info in targets)
    return config.rank * sum(sum(info.shape) for _, info in targets) + (outputs if config.method == "dora" else 0)


def no_such_layers(config: RunConfig, base: BaseSeen) -> list[str]:
    """Named target modules that the base does not have."""
    if base.counted is None or isinstance(config.target_modules, str):
        return []
    names = [name for name, _ in base.tensors]
    return [wanted for wanted in config.target_modules if not any(_ends(name, wanted) for name in names)]


def layer_names(base: BaseSeen) -> list[str]:
    """The names a person may give as target modules."""
    found = {name.removesuffix(".weight").rpartition(".")[2] for name, info in base.tensors
             if _is_target(name, info, "all-linear")}  # fmt: skip
    return sorted(found)


def _is_target(name: str, info: TensorInfo, wanted: str | tuple[str, ...]) -> bool:
    if len(info.shape) != 2 or not name.endswith(".weight"):
        return False
    if isinstance(wanted, str):
        return _NO_TARGET.search(name) is None
    return any(_ends(name, layer) for layer in wanted)


def _ends(name: str, layer: str) -> bool:
    stem = name.removesuffix(".weight")
    return stem == layer or stem.endswith(f".{layer}")


def disk_bytes(config: RunConfig, trainable: int) -> int:
    """What the run writes: its checkpoints with the optimizer's memory, and what it leaves."""
    saves = bool(config.save_steps or config.early_stopping)
    checkpoints = _KEPT_CHECKPOINTS * trainable * (_LORA_FILE + moment_bytes(config)) if saves else 0
    return checkpoints + trainable * _BYTES[config.save_dtype]


def least_memory(config: RunConfig, base: BaseSeen, trainable: int) -> int | None:
    """Bytes that weights, gradients and optimizer take at least; what the rows take comes on top."""
    if base.counted is None:
        return None
    held = held_bytes(config, Machine(_on_cuda(), half=True))
    return round(base.counted.parameters * held) + trained_bytes(config, trainable)


def reckoned_memory(config: RunConfig, base: BaseSeen, trainable: int, seen: RowsSeen) -> MemoryParts | None:
    """What the run will hold at its peak, part by part; None where base or rows do not say enough."""
    from training.engine.train_device import plan_for

    if base.counted is None:
        return None
    plan = plan_for(config, base.folder)
    learnt = seen.sizes if config.answer_only else [(length, length) for length in seen.lengths]
    return memory_parts(config, base.counted, trainable, learnt, Machine(plan.on_cuda, plan.autocast is not None))


def _on_cuda() -> bool:
    from training.engine.train_backends import cuda_usable

    return cuda_usable()


def memory_there() -> int:
    """All the memory there is on what a run computes on, in bytes."""
    if _on_cuda():
        import torch

        return int(torch.cuda.get_device_properties(0).total_memory)
    import psutil

    return int(psutil.virtual_memory().total)


def machine_words(config: RunConfig, base: Path | None = None) -> str:
    """Device, number type and library that the run would take. InputError with the field for what can't be done."""
    from training.engine.train_backends import choose_backend
    from training.engine.train_device import plan_for

    backend, plan = choose_backend(config), plan_for(config, base)
    return f"{plan.device_name}; {plan.words}; {backend}"
