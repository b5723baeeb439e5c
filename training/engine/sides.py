"""Which adapter answers which row, told to every LoRA layer of a model.

PEFT can mix adapters in a batch, at the price of gathering and scattering rows in every layer of every step. Rows of
one side stand together here, so a layer adds its low-rank part to a slice in place: the same sums, a third less time
a token on a CPU. Layers of other kinds (embeddings, 4-bit, variants of LoRA) take PEFT's own mixed path. A layer that
is run while no side is set refuses: nothing is ever answered by chance.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple
from weakref import WeakSet

import training.engine.transformers_once  # noqa: F401  (first)

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
        self.turn = 0  # counts calls of `set`, so that a layer knows when to look again

    @property
    def names(self) -> list[str]:
        """The adapter of every row. ProofError where none was said."""
        if self._names is None:
            raise ProofError("A layer was run without saying which adapter answers.", fix="Report this as a bug.")
        return self._names

    def set(self, names: Sequence[str] | None) -> None:
        """Say which adapter, or BASE_ROW, answers each row of the next forward passes; None: nobody may run."""
        self._names = None if names is None else list(names)
        self.turn += 1

    def teach(self, model: torch.nn.Module) -> None:
        """Have every adapter layer of a model ask here; layers that do already are left alone."""
        for layer in model.modules():
            if isinstance(layer, (LoraLayer, AuxiliaryTrainingWrapper)) and layer not in self._told:
                self._told.add(layer)
                _teach(layer, self)


class _Part(NamedTuple):
    """What one adapter adds to neighbouring rows of a layer: `scale * up(down(x))`, `up` (r, out) already turned."""

    rows: slice
    down: torch.Tensor
    up: torch.Tensor
    bias: torch.Tensor | None
    scale: float


def _teach(layer: Any, sides: Sides) -> None:
    original: Any = layer.forward
    base: Any = getattr(layer, "base_layer", None)
    looked, parts = -1, list[_Part]()

    def by_peft(*args: Any, **kwargs: Any) -> Any:
        return original(*args, adapter_names=sides.names, **kwargs)

    def by_slice(x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        nonlocal looked, parts
        if layer.lora_variant:
            return by_peft(x, *args, **kwargs)
        if looked != sides.turn:
            parts = _parts(layer, sides.names, len(x))
            looked = sides.turn
        result = base(x, *args, **kwargs)
        for part in parts:
            _add(result[part.rows], x[part.rows], part)
        return result

    layer.forward = by_slice if type(layer) is Linear else by_peft


def _parts(layer: Any, names: Sequence[str], rows: int) -> list[_Part]:
    if len(names) != rows:
        raise ProofError(f"{rows} rows came for {len(names)} sides.", fix="Report this as a bug.")
    found: list[_Part] = []
    stop = 0
    for name, group in groupby(names):
        start, stop = stop, stop + len(list(group))
        if name in layer.scaling:  # BASE_ROW never is, nor an adapter that leaves this layer alone
            down, up = layer.lora_A[name].weight, layer.lora_B[name]
            found.append(_Part(slice(start, stop), down, up.weight.t(), up.bias, layer.scaling[name]))
    return found


def _add(result: torch.Tensor, x: torch.Tensor, part: _Part) -> None:
    """Add a part to a slice of a layer's result, in place. (rows, n, out) and (rows, n, in)."""
    low = linear(x.to(part.down.dtype), part.down)
    if part.bias is None and low.dtype == result.dtype:
        result.view(-1, result.shape[-1]).addmm_(low.view(-1, low.shape[-1]), part.up, alpha=part.scale)
    else:
        result.add_(linear(low, part.up.t(), part.bias).to(result.dtype), alpha=part.scale)
