"""Which library trains: `trl` everywhere, `unsloth` where it is installed and has a GPU. No torch until one must look.

unsloth changes trl and transformers for the whole process, so it is imported in a worker process only, and only where
a run is to use it.
"""

import importlib.util
from dataclasses import dataclass

from training.errors import InputError
from training.runs.config import RunConfig

FIX = "Set backend to trl."


@dataclass(frozen=True, slots=True)
class Backend:
    """The library and why it was taken."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


def choose_backend(config: RunConfig) -> Backend:
    """What `config.backend` comes to here. InputError where unsloth was asked for and can't do it."""
    if config.backend == "trl":
        return Backend("trl", "asked for")
    unfit = unsuited(config)
    if config.backend == "unsloth":
        if unfit:
            raise InputError(f"backend is unsloth, but {unfit}.", fix=FIX)
        if not installed():
            raise InputError(
                "backend is unsloth, which is not installed here.",
                fix="Install requirements-gpu.txt, or set backend to auto or trl.",
            )
        return Backend("unsloth", "asked for")
    if not installed():
        return Backend("trl", "unsloth is not installed")
    if unfit:
        return Backend("trl", unfit)
    if not cuda_usable():
        return Backend("trl", "unsloth is installed, but there is no CUDA GPU (its CPU mode only when asked for)")
    return Backend("unsloth", "installed, and a CUDA GPU is there")


def unsuited(config: RunConfig) -> str:
    """Why unsloth can't do what `config` wants; empty where it can."""
    if config.method in ("dora", "full"):
        return f"method {config.method} runs with trl alone here"
    if config.packing:
        return "packing runs with trl alone: unsloth's own attention was not shown to keep rows apart"
    return ""


def installed() -> bool:
    """Whether unsloth and its other half can be found; nothing is imported."""
    return all(importlib.util.find_spec(name) is not None for name in ("unsloth", "unsloth_zoo"))


def cuda_usable() -> bool:
    import torch

    return torch.cuda.is_available()
