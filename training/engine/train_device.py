"""What a run computes in on this machine, and what the machine can't do: said before anything is loaded."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch

from training.engine.four_bit import can_four_bit
from training.errors import InputError
from training.runs.config import RunConfig

NO_FP16 = "gemma3"  # the beginning of its model types: what its layers say is beyond fp16's largest number
EIGHT_BIT = frozenset({"adamw_8bit", "paged_adamw_8bit"})


@dataclass(frozen=True, slots=True)
class Plan:
    """Device and number types of a run. `weights` is what the base is held in, `autocast` what is computed in.

    `autocast` None computes in the weights' own type; `words` says all of it to a person.
    """

    device: torch.device
    weights: torch.dtype
    autocast: torch.dtype | None
    tf32: bool
    words: str

    @property
    def on_cuda(self) -> bool:
        return self.device.type == "cuda"

    @property
    def device_name(self) -> str:
        if self.on_cuda:
            return torch.cuda.get_device_name(self.device)
        return f"cpu, {torch.get_num_threads()} threads"


def plan_for(config: RunConfig, base: Path | None = None) -> Plan:
    """Choose for this machine, and for the base in that folder. InputError, with the field's name, for what the machine
    can't do."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    _check_bitsandbytes(config, device)
    chosen, why = _compute_type(config, device, base)
    half = None if chosen == torch.float32 else chosen
    # small trained matrices beside frozen weights; what is trained itself needs all its digits
    weights = chosen if device.type == "cuda" and config.method != "full" else torch.float32
    tf32 = device.type == "cuda" and config.dtype != "fp32" and torch.cuda.get_device_capability(device)[0] >= 8
    words = f"{_name(chosen)} ({why}), weights held in {'4 bits' if config.four_bit else _name(weights)}"
    if device.type == "cuda":
        words += f", tf32 {'on' if tf32 else 'off'}"
    return Plan(device, weights, half, tf32, words)


def held_as(config: RunConfig, base: Path | None = None) -> str | None:
    """What `EngineSettings.dtype` has to be for a base to answer in 4 bits as a run of `config` was trained on it; None
    for a run on whole weights, which answer as in Compare."""
    return str(plan_for(config, base).weights).removeprefix("torch.") if config.four_bit else None


def _compute_type(config: RunConfig, device: torch.device, base: Path | None) -> tuple[torch.dtype, str]:
    quick = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    if config.dtype == "auto" and (quick or (device.type == "cpu" and cpu_has_bf16())):
        return torch.bfloat16, "the device has it"
    if config.dtype == "auto" and device.type == "cpu":
        return torch.float32, "the device has no quick bf16"
    if config.dtype == "auto":
        return _without_bf16(config, base)
    if config.dtype == "bf16" and device.type == "cuda" and not quick:
        raise InputError(
            f"dtype is bf16, which {torch.cuda.get_device_name(device)} does not have.",
            fix="Set dtype to auto or fp16.",
        )
    if config.dtype == "fp16" and device.type != "cuda":
        raise InputError("dtype is fp16, which is trained in on a GPU only.", fix="Set dtype to auto, bf16 or fp32.")
    return {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[config.dtype], "asked for"


def _without_bf16(config: RunConfig, base: Path | None) -> tuple[torch.dtype, str]:
    """On an older card: half the digits where that is safe."""
    if config.method == "full":
        return torch.float32, "the card has no bf16, and all weights are trained: they need all their digits"
    if base is not None and _overflows(base):
        return torch.float32, "the card has no bf16, and this base overflows in fp16"
    return torch.float16, "the card has no bf16"


def _overflows(base: Path) -> bool:
    """Whether the base is known to need larger numbers than fp16 has; False where its config can't be read."""
    try:
        config = json.loads((base / "config.json").read_text("utf-8"))
        return str(config.get("model_type", "")).startswith(NO_FP16)
    except (OSError, ValueError, AttributeError):
        return False


def cpu_has_bf16() -> bool:
    """Whether this processor multiplies in bf16 itself (AMX or AVX512-BF16): there it is two to three times faster."""
    ask = getattr(torch.cpu, "get_capabilities", dict[str, bool])  # older torches can't say
    able = ask()
    return bool(able.get("amx_bf16") or able.get("avx512_bf16"))


def _check_bitsandbytes(config: RunConfig, device: torch.device) -> None:
    wanted = ("method", "qlora", "lora") if config.four_bit else None
    if wanted is None and config.optimizer in EIGHT_BIT:
        wanted = ("optimizer", config.optimizer, "adamw_torch")
    if wanted is None or can_four_bit(device):
        return
    field, value, instead = wanted
    lacking = "there is no CUDA GPU here" if device.type != "cuda" else "bitsandbytes can't be imported here"
    raise InputError(
        f"{field} is {value}, which needs a CUDA GPU and bitsandbytes; {lacking}.", fix=f"Set {field} to {instead}."
    )


def _name(dtype: torch.dtype) -> str:
    return {torch.bfloat16: "bf16", torch.float16: "fp16", torch.float32: "fp32"}[dtype]
