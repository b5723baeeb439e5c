"""Proof that rows which share a line do not see each other, on the very model that is to be trained.

Transformers keeps packed rows apart by their positions: where they begin anew it builds a block-diagonal mask, or tells
a flash kernel where rows end. Layers that are no attention (convolutions, state spaces) may not look at positions at
all, so no list of architectures is believed: a line of two rows is run before the first step.
"""

from collections.abc import Sequence
from typing import Any

import torch

from training.engine.train_order import packed
from training.engine.train_rows import IGNORED
from training.errors import InputError

FIX = "Set packing to false: rows of like lengths share a batch anyway."
_ROW = 24  # tokens, more than any convolution reaches back
_OTHER_KINDS = ("conv", "mamba", "linear_attention", "recurrent", "rwkv")


def check_packing(model: Any, device: torch.device) -> None:
    """InputError where what stands before a row on its line changes what the model says in it."""
    with torch.no_grad():
        rows = [_row(model, seed, device) for seed in range(3)]
        alone, after_one, after_other = (
            _logits(model, line, device)[:, -_ROW:] for line in ([rows[2]], [rows[0], rows[2]], [rows[1], rows[2]])
        )
    spread = float(alone.std())
    noise = {torch.bfloat16: 0.1, torch.float16: 0.02}.get(next(model.parameters()).dtype, 1e-3)
    if torch.is_autocast_enabled(device.type):
        noise = 0.1
    leak = float((after_one - after_other).abs().max())
    moved = float((after_one - alone).abs().max())
    if leak > noise * spread or moved > 3 * noise * spread:
        raise InputError(f"packing is on, but {_reason(model)}: rows on one line would see each other.", fix=FIX)


def _row(model: Any, seed: int, device: torch.device) -> list[int]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(model.config.get_text_config().vocab_size, (_ROW,), generator=generator).tolist()


def _logits(model: Any, rows: Sequence[list[int]], device: torch.device) -> torch.Tensor:
    """Logits (1, tokens, vocab) of rows on one line, in fp32."""
    line = packed([{"input_ids": row, "labels": [IGNORED] * len(row)} for row in rows])
    seen = model(input_ids=line["input_ids"].to(device), position_ids=line["position_ids"].to(device), use_cache=False)
    return seen.logits.float()


def _reason(model: Any) -> str:
    config = model.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or ())
    if found := sorted(kind for kind in kinds if any(other in kind for other in _OTHER_KINDS)):
        return f"{config.model_type} has {' and '.join(found)} layers, which reach over the border between two rows"
    return f"{config.model_type} was seen to let one row change another"
