"""Whether this machine holds weights in 4 bits. Apart from what loads them, so that a run is checked without it."""

import importlib

import torch


def can_four_bit(device: torch.device) -> bool:
    """True where bitsandbytes imports and a CUDA device is there."""
    if device.type != "cuda":
        return False
    try:
        importlib.import_module("bitsandbytes")
    except (ImportError, RuntimeError, OSError):
        return False
    return True
