"""A LoRA folder, checked before PEFT sees it: safe, whole, of a kind that can share a batch, and made for this base."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.engine.hashes import TensorInfo, hash_files, read_header
from training.errors import AdapterError

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt")
_DRESSES = re.compile(r"(-unsloth)?(-bnb-4bit)?$")  # the same weights, packed for training


@dataclass(frozen=True, slots=True)
class AdapterFiles:
    """An adapter folder that passed the checks. `base` is the base it names, None where it names none."""

    name: str
    folder: Path
    weights: Path
    config: dict[str, Any]
    tensors: dict[str, TensorInfo]
    base: str | None
    rank: int | None
    task: str | None
    note: str
    four_bit: bool = False  # trained on a base held in 4 bits, as our own training wrote beside it

    @property
    def sha256(self) -> str:
        """Over config and weights: a changed alpha changes the answers as much as changed weights."""
        return hash_files((self.folder / CONFIG, self.weights))


def check_adapter(
    name: str, folder: Path, base: str | None, base_sha256: str | None, *, beside: bool = True
) -> AdapterFiles:
    """Check a folder; `base` None skips the question whether it belongs to a base. Raises AdapterError.

    `beside` False lets DoRA through, for an adapter that will be merged and not run in one batch with its base.
    """
    weights = folder / WEIGHTS
    config = read_config(name, folder)
    if not weights.is_file():
        pickles = [p.name for p in folder.iterdir() if p.suffix in _PICKLES]
        if pickles:
            raise AdapterError(
                f"{name} has its weights as a pickle ({pickles[0]}), which can run code when opened.",
                fix=f"Save it as {WEIGHTS}.",
            )
        raise AdapterError(f"{name} has no {WEIGHTS}.", fix="Copy the whole adapter folder again.")
    try:
        tensors = read_header(weights)
    except ValueError as err:
        raise AdapterError(f"{name}: {WEIGHTS} is damaged: {err}.", fix="Copy the file again.") from err
    _check_kind(name, config, beside)
    provenance = _read_provenance(folder)
    named = config.get("base_model_name_or_path") or None
    if not isinstance(named, str | None):
        raise AdapterError(
            f"{name}: {CONFIG} gives {type(named).__name__} as base_model_name_or_path.",
            fix="Write the name of its base there, or null.",
        )
    if base is not None and named is not None and not same_base(named, base):
        trained_on = provenance.get("base_sha256")
        if trained_on is None or trained_on != base_sha256:
            raise AdapterError(
                f"Adapter {name} was trained on {named}, the base here is {base}.",
                fix=f"Load {named}, or pick an adapter of {base}.",
            )
    rank = config.get("r") if isinstance(config.get("r"), int) else None
    task, note = provenance.get("task"), str(provenance.get("note") or "")
    return AdapterFiles(name, folder, weights, config, tensors, named, rank, task, note, _four_bit(provenance))


def same_base(one: str, other: str) -> bool:
    """Whether two names mean one base: equal, or a folder and an id that end alike, a 4-bit packing aside.

    Two hub ids of different owners are different bases.
    """
    left, right = _normal(one), _normal(other)
    if left == right:
        return True
    short = left.rsplit("/", 1)[-1], right.rsplit("/", 1)[-1]
    if short[0] != short[1]:
        return False
    packed = _packed(one) or _packed(other)
    return packed or not (_is_id(one) and _is_id(other))


def _normal(name: str) -> str:
    return _DRESSES.sub("", name.replace("\\", "/").rstrip("/").lower())


def _packed(name: str) -> bool:
    return name.lower().startswith("unsloth/")


def _is_id(name: str) -> bool:
    return bool(re.fullmatch(r"[\w.-]+/[\w.-]+", name)) and not name.startswith(".")


def read_config(name: str, folder: Path) -> dict[str, Any]:
    """The settings of an adapter folder. AdapterError where there are none that can be read."""
    try:
        config = json.loads((folder / CONFIG).read_text("utf-8"))
    except OSError as err:
        raise AdapterError(f"{name} has no {CONFIG} that can be read.", fix="Give a PEFT adapter folder.") from err
    except (ValueError, RecursionError) as err:  # RecursionError: brackets within brackets, thousands deep
        raise AdapterError(f"{name}: {CONFIG} is no JSON.", fix="Copy the adapter folder again.") from err
    if not isinstance(config, dict):
        raise AdapterError(f"{name}: {CONFIG} holds no settings.", fix="Copy the adapter folder again.")
    return config


def _read_provenance(folder: Path) -> dict[str, Any]:
    """What our own training wrote beside the adapter; an adapter from elsewhere has none."""
    path = folder / "provenance.json"
    if not path.is_file():
        return {}
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as err:
        raise AdapterError(f"{path} can't be read.", fix="Mend or remove it.") from err
    return data if isinstance(data, dict) else {}


def _four_bit(provenance: dict[str, Any]) -> bool:
    """Whether the run that it tells of, its own or one that was shipped, was one of QLoRA."""
    for told in (provenance, provenance.get("run")):
        config = told.get("config") if isinstance(told, dict) else None
        if isinstance(config, dict) and config.get("method") == "qlora":
            return True
    return False


def _check_kind(name: str, config: dict[str, Any], beside: bool) -> None:
    kind = config.get("peft_type")
    if kind != "LORA":
        raise AdapterError(f"{name} is of kind {kind}, only LoRA can run beside its base.", fix="Use a LoRA adapter.")
    if beside and config.get("use_dora"):
        raise AdapterError(f"{name} uses DoRA, which can't share a batch with its base.", fix="Use a plain LoRA.")
    if config.get("task_type") not in (None, "CAUSAL_LM"):
        raise AdapterError(f"{name} is for {config['task_type']}, not for writing text.", fix="Use a CAUSAL_LM LoRA.")
