"""Models of real sizes with random weights, to train at the speed of a GPU; and what the chips can do at most.

Tokenizer and chat template are the embedded model's: its rows are shorter in a larger vocabulary, its steps are not.
"""

import shutil
from pathlib import Path
from typing import Any

GEMMA = {
    "vocab_size": 262_144, "hidden_size": 640, "intermediate_size": 2048, "num_hidden_layers": 18,
    "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 256, "sliding_window": 512,
    "max_position_embeddings": 32_768,
}  # fmt: skip
LLAMA = {
    "vocab_size": 128_256, "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
    "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64, "max_position_embeddings": 131_072,
}  # fmt: skip
SHAPES: dict[str, dict[str, Any]] = {"gemma3-270m": GEMMA, "llama3.2-1b": LLAMA}
# Dense 16-bit matrix products a second, from the makers' data sheets, without sparsity. The first that fits counts.
PEAKS: tuple[tuple[str, float], ...] = (
    ("H100 PCIe", 756e12), ("H100 NVL", 835e12), ("H100", 989e12), ("H200", 989e12), ("A100", 312e12),
    ("L40S", 362e12), ("L4", 121e12), ("A10G", 70e12), ("A10", 125e12), ("RTX 4090", 165e12), ("T4", 65e12),
    ("V100", 125e12),
)  # fmt: skip


def build(folder: Path, shape: str) -> Path:
    """A model of that shape with random bf16 weights in `folder`."""
    import torch
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig, LlamaConfig, LlamaForCausalLM

    from training.engine.api import ASSETS

    torch.manual_seed(0)
    ids: dict[str, Any] = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "tie_word_embeddings": True}
    made: Any
    if shape == "gemma3-270m":
        made = Gemma3ForCausalLM(Gemma3TextConfig(**SHAPES[shape], **ids))
    else:
        made = LlamaForCausalLM(LlamaConfig(**SHAPES[shape], **ids))
    made.to(torch.bfloat16).save_pretrained(folder)
    crumb = ASSETS / "models" / "crumb"
    for path in (*crumb.glob("*token*"), crumb / "chat_template.jinja"):
        shutil.copy(path, folder)
    return folder


def peak_of(device: str) -> float | None:
    """What a chip can do at most, in 16-bit operations a second; None for one that is not known, or a part of one."""
    if "MIG" in device or "Laptop" in device:
        return None
    words = f" {device.replace('-', ' ')} "
    return next((peak for name, peak in PEAKS if f" {name} " in words), None)


def share_of_limit(parameters: int, tokens_per_s: float, device: str) -> float | str:
    """6 N operations a token over the chip's most; in words where the chip is not known.

    6 N is what a step takes that moves all N weights (Kaplan et al. 2020). An adapter's step needs about 4 N, for
    nothing is added up for frozen weights: two thirds of the limit are then all that can be reached.
    """
    peak = peak_of(device)
    return f"unknown chip: {device}" if peak is None else round(6 * parameters * tokens_per_s / peak, 4)
