"""Which adapter answers which row, told to every LoRA layer of a model.

PEFT can mix adapters in a batch, at the price of gathering and scattering rows in every layer of every step. Rows of
one side stand together here, so a layer adds its low-rank part to a slice in place: the same sums, a third less time
a token on a CPU. Layers of other kinds (embeddings, 4-bit, variants of LoRA) take PEFT's own mixed path. A layer that
is run while no side is set refuses: nothing is ever answered by chance.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any
from weakref import WeakSet

import torch
from peft.tuners.lora import Linear, LoraLayer
from peft.utils.other import AuxiliaryTrainingWrapper
from torch.nn.functional import linear

from training.errors import ProofError

BASE_ROW = "__base__"  # PEFT's word for a row without an adapter


class Sides:
    """The sides of the batch that runs now; shared by all layers of one model."""

    def __init__(self) -> None:
        self._names: list[str] | None = None
        self._told: WeakSet[Any] = WeakSet()
        self.runs: list[tuple[slice, str]] = []  # neighbouring rows of one adapter; base rows stand in none

    @property
    def names(self) -> list[str]:
        """The adapter of every row. ProofError where none was said."""
        if self._names is None:
            raise ProofError("A layer was run without saying which adapter answers.", fix="Report this as a bug.")
        return self._names

    def set(self, names: Sequence[str] | None) -> None:
        """Say which adapter, or BASE_ROW, answers each row of the next forward passes; None: nobody may run."""
        self._names = None if names is None else list(names)
        self.runs, start = [], 0
        for name, rows in groupby(names or ()):
            stop = start + len(list(rows))
            if name != BASE_ROW:
                self.runs.append((slice(start, stop), name))
            start = stop

    def teach(self, model: torch.nn.Module) -> None:
        """Have every adapter layer of a model ask here; layers that do already are left alone."""
        for layer in model.modules():
            if isinstance(layer, (LoraLayer, AuxiliaryTrainingWrapper)) and layer not in self._told:
                self._told.add(layer)
                _teach(layer, self)


def _teach(layer: Any, sides: Sides) -> None:
    original = layer.forward

    def by_peft(*args: Any, **kwargs: Any) -> Any:
        return original(*args, adapter_names=sides.names, **kwargs)

    def by_slice(x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        if layer.lora_variant:
            return by_peft(x, *args, **kwargs)
        if len(sides.names) != len(x):
            raise ProofError(f"{len(x)} rows came for {len(sides.names)} sides.", fix="Report this as a bug.")
        result = layer.base_layer(x, *args, **kwargs)
        for rows, name in sides.runs:
            if name in layer.scaling:
                _add(result[rows], x[rows], layer.lora_A[name], layer.lora_B[name], layer.scaling[name])
        return result

    layer.forward = by_slice if type(layer) is Linear else by_peft


def _add(result: torch.Tensor, x: torch.Tensor, down: Any, up: Any, scale: float) -> None:
    """Add `scale * up(down(x))` to a slice of a layer's result, in place. (rows, n, out) and (rows, n, in)."""
    low = linear(x.to(down.weight.dtype), down.weight)
    if up.bias is None and low.dtype == result.dtype:
        result.view(-1, result.shape[-1]).addmm_(low.view(-1, low.shape[-1]), up.weight.t(), alpha=scale)
    else:
        result.add_(linear(low, up.weight, up.bias).to(result.dtype), alpha=scale)
