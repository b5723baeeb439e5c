"""A cache with room to grow holds what the library's own holds, whatever is done to either."""

from pathlib import Path

import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers.cache_utils import DynamicLayer

from training.engine.roomy_cache import ROOM, RoomyLayer, roomy_cache

WIDTH = 3
STEPS = st.lists(
    st.tuples(st.just("add"), st.sampled_from((1, 1, 2, 40, ROOM + 1)))
    | st.tuples(st.just("keep"), st.integers(0, 99)),
    max_size=12,
)


@given(STEPS)
def test_it_holds_the_same_after_any_steps(steps: list[tuple[str, int]]) -> None:
    ours, theirs, rows = RoomyLayer(), DynamicLayer(), 3
    generator = torch.Generator().manual_seed(1)
    for what, number in steps:
        if what == "add":
            new = [torch.rand((rows, 2, number, WIDTH), generator=generator) for _ in range(2)]
            for found, expected in zip(ours.update(*new), theirs.update(*new), strict=True):
                assert torch.equal(found, expected)
        elif theirs.get_seq_length() and rows > 1:
            kept = torch.tensor([at for at in range(rows) if at != number % rows])
            rows = len(kept)
            for layer in (ours, theirs):
                layer.reorder_cache(kept)  # pyright: ignore[reportArgumentType]
        assert ours.get_seq_length() == theirs.get_seq_length()
        assert ours.get_mask_sizes(1) == theirs.get_mask_sizes(1)


def test_a_step_does_not_copy_what_is_there() -> None:
    layer = RoomyLayer()
    start = torch.ones((1, 1, 5, WIDTH))
    places = {layer.update(start, start)[0].data_ptr() for _ in range(20)}
    assert len(places) == 1 and layer.get_seq_length() == 100


def test_only_plain_layers_are_replaced(tiny_models: Path) -> None:
    from transformers import AutoConfig

    def kinds(name: str) -> list[bool]:
        config = AutoConfig.from_pretrained(str(tiny_models / "models" / name))
        return [isinstance(layer, RoomyLayer) for layer in roomy_cache(config).layers]

    assert kinds("llama") == [True] * 3
    assert kinds("gemma3") == [False, True, False] == kinds("lfm2")
