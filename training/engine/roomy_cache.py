"""Keys and values in tensors with room to grow: a step writes its token beside the others in place of copying them all.

The library's own layer joins old and new into a fresh tensor at each token, which for eight rows of a thousand tokens
cost as much as a fifth of a step on a CPU. Promise: the same keys and values; every other kind of layer (sliding
windows, convolution states) stays the library's. Limit: up to `ROOM` tokens a row more memory than are held.
"""

from typing import Any

import training.engine.transformers_once  # noqa: F401  (first)

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

ROOM = 256  # tokens


class RoomyLayer(DynamicLayer):
    """`keys` and `values` are the filled part of larger tensors; whoever replaces them makes the next update copy."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._stores: tuple[torch.Tensor, torch.Tensor] | None = None
        self._given: tuple[torch.Tensor, torch.Tensor] | None = None  # what `keys` and `values` were set to here

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Add (rows, heads, n, width) of each and return all so far."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        if not self._fits(end):
            old = (self.keys, self.values) if start else (None, None)
            self._stores = _grown(key_states, old[0], end), _grown(value_states, old[1], end)
        assert self._stores is not None
        keys, values = self._stores
        keys[:, :, start:end] = key_states
        values[:, :, start:end] = value_states
        self.keys, self.values = self._given = keys[:, :, :end], values[:, :, :end]
        return self._given

    def _fits(self, end: int) -> bool:
        """Whether the filled part is still ours and the store holds `end` tokens."""
        if self._stores is None or self._given is None:
            return False
        ours = self.keys is self._given[0] and self.values is self._given[1]
        return ours and self._stores[0].shape[-2] >= end


def _grown(states: torch.Tensor, old: torch.Tensor | None, end: int) -> torch.Tensor:
    rows, heads, _, width = states.shape
    store = states.new_empty((rows, heads, end + ROOM, width))
    if old is not None:
        store[:, :, : old.shape[-2]] = old
    return store


def roomy_cache(config: Any) -> DynamicCache:
    """A cache for a model of that config, its plain layers with room to grow."""
    cache = DynamicCache(config=config)
    cache.layers = [RoomyLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache
