"""Reads one base into memory: device and type chosen, memory asked for first, pristine logits taken at once."""

import ctypes
import gc
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import training.engine.transformers_once  # noqa: F401  (first)

import psutil
import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from training.engine.api import EngineSettings, ModelCard, Progress
from training.engine.four_bit import can_four_bit
from training.engine.hub import BaseFiles
from training.engine.probe import Pristine
from training.engine.sides import Sides
from training.engine.tokens import end_ids
from training.engine.whole import TOLD, check_whole
from training.engine.wide_head import speed_up_head
from training.errors import ModelError, OutOfMemoryError

if TYPE_CHECKING:
    from training.engine.constrained import Grammar

_BYTES = {torch.float32: 4, torch.bfloat16: 2, torch.float16: 2}
_TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_FOUR_BIT_BYTES = 0.6  # a weight, scales and the layers that stay whole included
_ALL_THREADS = torch.get_num_threads()  # before anything here changed it
_C = ctypes.CDLL(None) if sys.platform == "linux" else None
_SMALL = 50_000_000
_HEADROOM = 1.15  # weights are not all: activations and the cache need room as well


@dataclass(slots=True)
class LoadedBase:
    """A base in memory. `peft` wraps `model` in place once an adapter is attached; `adapters` maps sha256 to its name
    inside PEFT, `sides` says to every layer which of them answers which row. `grammars` are kept by schema."""

    card: ModelCard
    files: BaseFiles
    tokenizer: Any
    model: Any
    device: torch.device
    end_ids: frozenset[int]
    pristine: Pristine
    threads: int
    peft: Any = None
    adapters: dict[str, str] = field(default_factory=dict)
    references: dict[str, torch.Tensor] = field(default_factory=dict)  # each adapter's own probe logits (vocab,)
    sides: Sides = field(default_factory=Sides)
    grammars: "dict[str, Grammar]" = field(default_factory=dict)


def load_base(files: BaseFiles, settings: EngineSettings, progress: Progress) -> LoadedBase:
    """Load a checked base. ModelError where Transformers can't, OutOfMemoryError where it would not fit.

    BusyError where the settings' `claim` says that somebody else has the device.
    """
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    device = pick_device(settings)
    if settings.claim is not None:
        settings.claim(str(device))
    dtype = pick_dtype(device, settings)
    four_bit = pick_four_bit(files, device, dtype, settings)
    _check_memory(files, device, _FOUR_BIT_BYTES if four_bit else float(_BYTES[dtype]))
    with memory_errors(files.name):
        tokenizer, model = _read(files, device, dtype, four_bit)
        progress(f"Checking {files.name}", None)
        if tokenizer.pad_token_id is None and tokenizer.eos_token is not None:
            tokenizer.pad_token = tokenizer.eos_token
        kind = "4-bit" if four_bit else str(dtype).removeprefix("torch.")
        text_config = model.config.get_text_config()
        card = ModelCard(
            base=files.name,
            sha256=files.sha256,
            context_tokens=_context(text_config, tokenizer),
            dtype=kind,
            device=str(device),
            parameters=files.parameters,
        )
        ends = end_ids(tokenizer, model.generation_config.eos_token_id)
        threads = pick_threads(files.parameters, device, settings)
        use_threads(threads)
        pristine = Pristine.take(model, device, dtype, four_bit)
        return LoadedBase(card, files, tokenizer, model, device, ends, pristine, threads)


def _read(files: BaseFiles, device: torch.device, dtype: torch.dtype, four_bit: bool) -> tuple[Any, Any]:
    options = dict(TOLD)
    if four_bit:
        options |= {"quantization_config": four_bit_weights(dtype), "device_map": {"": device}}
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(files.folder), trust_remote_code=False, local_files_only=True)
        read: Any = AutoModelForCausalLM.from_pretrained(
            str(files.folder),
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            **options,
        )
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as err:
        if is_out_of_memory(err):
            raise
        reason = " ".join(str(err).split())[:300]
        raise ModelError(
            f"{files.name} can't be loaded: {reason}",
            fix="Take a causal language model that this Transformers version knows without remote code.",
        ) from err
    model, info = read
    check_whole(files.name, info)
    if not four_bit:
        model.to(device)
    model.eval()
    model.requires_grad_(False)
    speed_up_head(model)
    return tokenizer, model


def four_bit_weights(compute: torch.dtype) -> Any:
    """How a base is held in 4 bits here, to train on it and to answer with it alike: as QLoRA does (Dettmers et al.
    2023), in NF4 with its scales packed once more. `compute` is what its products are computed in."""
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute,
    )


def pick_device(settings: EngineSettings) -> torch.device:
    """The settings' device, else the first of CUDA, Apple's GPU and the CPU that works."""
    if settings.device is not None:
        return torch.device(settings.device)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def pick_dtype(device: torch.device, settings: EngineSettings) -> torch.dtype:
    """fp32 on CPU and Apple's GPU; on CUDA bf16, or fp32 on cards without it (fp16 overflows in Gemma 3)."""
    if settings.dtype is not None:
        if settings.dtype not in _TYPES:
            raise ModelError(f"dtype {settings.dtype!r} is not known.", fix=f"Use one of {', '.join(_TYPES)}.")
        return _TYPES[settings.dtype]
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    return torch.float32


def pick_four_bit(files: BaseFiles, device: torch.device, dtype: torch.dtype, settings: EngineSettings) -> bool:
    """Whether a base is held in 4 bits, where that works: as the settings say, or, left open, where it would not fit.

    Never the embedded one, which is small.
    """
    wanted = settings.four_bit
    if wanted is None:
        wanted = _needed(files, float(_BYTES[dtype])) > _free(device)
    return wanted and not files.embedded and can_four_bit(device)


def pick_threads(parameters: int, device: torch.device, settings: EngineSettings) -> int:
    """Threads for a forward pass: one for a small model on a CPU, else what torch chose for this machine."""
    if settings.threads is not None:
        return settings.threads
    return 1 if device.type == "cpu" and parameters < _SMALL else _ALL_THREADS


def use_threads(threads: int) -> None:
    """Set torch's threads for whoever runs now: the setting belongs to a thread, and a stream may change threads."""
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)


def _context(config: Any, tokenizer: Any) -> int:
    stated = getattr(config, "max_position_embeddings", None) or 2048
    return min(int(stated), int(min(tokenizer.model_max_length, 10**9)))


def _check_memory(files: BaseFiles, device: torch.device, bytes_each: float) -> None:
    needed, free = _needed(files, bytes_each), _free(device)
    if needed > free:
        fix = "Pick a smaller model, or close what uses the memory."
        if device.type == "cuda" and not can_four_bit(device):
            fix += " With bitsandbytes (requirements-gpu.txt) it would be held in 4 bits, in a third of that."
        raise OutOfMemoryError(
            f"{files.name} needs about {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free on {device.type}.", fix=fix
        )


def _needed(files: BaseFiles, bytes_each: float) -> int:
    return int(files.parameters * bytes_each * _HEADROOM)


def _free(device: torch.device) -> int:
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available


@contextmanager
def memory_errors(what: str) -> Iterator[None]:
    """Turns the ways in which a device says it is full into OutOfMemoryError, after giving back what can be."""
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError, RuntimeError) as err:
        if not is_out_of_memory(err):
            raise
        message = f"Memory ran out with {what}."
    else:
        return
    release_memory()  # after the except block: the traceback no longer holds the tensors
    raise OutOfMemoryError(message, fix="Pick a smaller model, fewer arms or a shorter text; the studio goes on.")


def is_out_of_memory(err: BaseException) -> bool:
    text = str(err).lower()
    told = "out of memory" in text or "can't allocate memory" in text or "not enough memory" in text
    return isinstance(err, (MemoryError, torch.OutOfMemoryError)) or told


def release_memory() -> None:
    """Collect what nobody holds, and hand cached device memory and what malloc keeps free back."""
    gc.collect()
    trim_heap()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def trim_heap() -> None:
    """Hand the free pages of the heap back to the system where the C library can (glibc); nothing elsewhere.

    Tensors of many sizes leave holes that malloc keeps: a run on rows of mixed length grew from 3 to 10 GB.
    """
    trim = getattr(_C, "malloc_trim", None)
    if trim is not None:
        trim(0)
