"""What a run will hold at its peak, reckoned from base, settings and rows, part by part; no weight is read. No torch.

Counted are the process with its libraries (on a GPU its context is not), the weights, what is trained with gradient and
optimizer, what the layers keep of the largest batch for the way back, and the scores over the vocabulary of every token
that is learnt in it. What layers keep was counted on LFM2 with LoRA by autograd's own hooks (138.7 kB a token for
crumb; the formula gives 138.2) and is taken for every other decoder. A base with dropout in its attention (GPT-2) also
keeps every place's weights for every other place on a CPU, which has no kernel that does without. Limits: kernels' own
workspace and a fragmented heap are a flat share on top; other programs are not in it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.engine.hub import BaseFiles
from training.runs.config import RunConfig

PROCESS_BYTES = 600_000_000  # Python with torch, transformers, peft and trl once a step has run, on a CPU
SPARE = 1.1  # times activations and scores: workspaces, buffers that are about to go, holes in the heap
WIDTHS = 10  # numbers a token and layer, of the model's width: norms, projections' inputs, queries, keys, values
INNER = 4  # numbers a token and layer, of the inner width: gate, up, what the gate lets through, their product
MATRICES = 6  # adapters a layer; each keeps `rank` numbers a token
PLACES = 12  # bytes a token, head and place where attention drops some: weights, mask, what is left, all in fp32
DROPOUT = ("attn_pdrop", "attention_dropout", "attention_probs_dropout_prob")
SCORES = 4  # scores of a token at once: themselves, their logarithms, two gradients
HALF = 0.75  # of fp32 where a half type is computed in: norms and the residual path stay in fp32
ROUND = 32  # a batch's width is a multiple of it, see training.engine.train_order


@dataclass(frozen=True, slots=True)
class MemoryParts:
    """Bytes of each part at the peak. `rows` and `width` are of the largest batch, in rows and tokens."""

    process: int
    weights: int
    trained: int
    layers: int
    scores: int
    rows: int
    width: int

    @property
    def total(self) -> int:
        return self.process + self.weights + self.trained + self.layers + self.scores


@dataclass(frozen=True, slots=True)
class Machine:
    """Where the run computes: on a GPU or not, and whether in a half type."""

    on_cuda: bool
    half: bool


def memory_parts(
    config: RunConfig, files: BaseFiles, trained: int, rows: Sequence[tuple[int, int]], machine: Machine
) -> MemoryParts | None:
    """The parts of a run over `rows`, each (tokens, tokens that are learnt); None where no row fits or the base's
    config does not state its shape. `trained` is the number of trained parameters."""
    shape = _shape(files.folder)
    largest = sorted((row for row in rows if row[0] <= config.max_length), reverse=True)[: config.batch_size]
    if shape is None or not largest:
        return None
    width = -(-largest[0][0] // ROUND) * ROUND
    tokens = sum(row[0] for row in largest) if config.packing else width * len(largest)
    learnt = sum(row[1] for row in largest)
    size = 4 * (HALF if machine.half else 1)
    adapters = 0 if config.method == "full" else MATRICES * config.rank
    a_layer = WIDTHS * shape["width"] + INNER * shape["inner"] + adapters
    places = 0 if machine.on_cuda else PLACES * shape["dropping_heads"] * (tokens if config.packing else width)
    if config.gradient_checkpointing:  # the inputs of all layers, and one layer at a time in full
        kept = tokens * (shape["layers"] * shape["width"] * 4 + a_layer * size + places)
    else:
        kept = tokens * shape["layers"] * (a_layer * size + places)
    return MemoryParts(
        process=0 if machine.on_cuda else PROCESS_BYTES,
        weights=round(files.parameters * held_bytes(config, machine)),
        trained=trained_bytes(config, trained),
        layers=round(kept * SPARE),
        scores=round(learnt * shape["vocabulary"] * 4 * SCORES * SPARE),
        rows=len(largest),
        width=width,
    )


def held_bytes(config: RunConfig, machine: Machine) -> float:
    """Bytes a weight of the base takes while it is trained on."""
    if config.four_bit:
        return 0.55
    return 2 if machine.on_cuda and machine.half and config.method != "full" else 4


def trained_bytes(config: RunConfig, trained: int) -> int:
    """Bytes of `trained` parameters with gradient and optimizer; those of `full` are counted as weights."""
    weights = 0 if config.method == "full" else 4
    return trained * (weights + 4 + moment_bytes(config))


def moment_bytes(config: RunConfig) -> int:
    """Bytes that the optimizer keeps of a trained parameter."""
    return 2 if "8bit" in config.optimizer else 8


def _shape(folder: Path) -> dict[str, int] | None:
    """Width, inner width, layers and vocabulary as the base's config states them, by any of their usual names; and the
    heads of each layer whose attention has dropout, 0 for none."""
    try:
        data: Any = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    data = data.get("text_config", data)
    names = {
        "width": ("hidden_size", "n_embd", "d_model"),
        "inner": ("intermediate_size", "n_inner", "ffn_dim"),
        "layers": ("num_hidden_layers", "n_layer"),
        "vocabulary": ("vocab_size",),
    }
    found = {name: next((data[key] for key in keys if data.get(key)), 0) for name, keys in names.items()}
    found["inner"] = found["inner"] or 4 * found["width"]  # GPT-2 leaves it out
    if not all(isinstance(value, int) and value > 0 for value in found.values()):
        return None
    heads = next((data[key] for key in ("num_attention_heads", "n_head", "num_heads") if data.get(key)), 0)
    dropping = isinstance(heads, int) and any(data.get(key) for key in DROPOUT)
    return found | {"dropping_heads": heads if dropping else 0}
