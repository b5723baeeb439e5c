"""Rows that share a line: each is read as if it were alone, on a model of each architecture, or the run is refused."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.engine.training import ROWS, curve, train_tiny
from training.engine.train_order import packed
from training.engine.train_packing import check_packing
from training.errors import InputError

CPU = torch.device("cpu")
APART = ("gpt2", "llama", "qwen3", "gemma3")


def model_of(tiny_models: Path, architecture: str, attention: str = "sdpa") -> Any:
    from transformers import AutoModelForCausalLM

    folder = tiny_models / "models" / architecture
    return AutoModelForCausalLM.from_pretrained(folder, attn_implementation=attention).eval()


def ids_of(length: int, seed: int) -> list[int]:
    return torch.randint(7, 200, (length,), generator=torch.Generator().manual_seed(seed)).tolist()


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("architecture", APART)
def test_every_row_on_a_line_is_read_as_if_it_were_alone(tiny_models: Path, architecture: str, attention: str) -> None:
    """Rows longer than Gemma's window of 16, and one of a single token."""
    model = model_of(tiny_models, architecture, attention)
    rows = [ids_of(40, 1), ids_of(1, 2), ids_of(23, 3), ids_of(55, 4)]
    line = packed([{"input_ids": row, "labels": row} for row in rows])
    with torch.no_grad():
        shared = model(input_ids=line["input_ids"], position_ids=line["position_ids"], use_cache=False).logits[0]
        at = 0
        for row in rows:
            alone = model(input_ids=torch.tensor([row]), use_cache=False).logits[0]
            torch.testing.assert_close(shared[at : at + len(row)], alone, rtol=1e-4, atol=1e-4)
            at += len(row)
    check_packing(model, CPU)


def test_a_model_that_mixes_neighbours_is_refused_with_the_reason(tiny_models: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lfm2 has conv layers, which reach over the border") as caught:
        train_tiny(tiny_models, tmp_path, "lfm2", packing=True, max_steps=1)
    assert caught.value.fix.startswith("Set packing to false")


def test_a_leak_is_found_whatever_the_config_says(tiny_models: Path) -> None:
    """The proof looks at logits: a model that names no other kinds of layers and leaks is caught as well."""
    model = model_of(tiny_models, "llama")
    layer = model.model.layers[0].mlp
    plain = layer.forward
    layer.forward = lambda x: plain(x) + 0.1 * x.roll(1, dims=1)
    with pytest.raises(InputError, match="llama was seen to let one row change another"):
        check_packing(model, CPU)


@pytest.mark.parametrize("architecture", ["llama", "gemma3"])
def test_packing_learns_the_very_same_steps_without_padding(
    tiny_models: Path, tmp_path: Path, architecture: str
) -> None:
    changes: dict[str, Any] = {
        "max_steps": 6,
        "batch_size": 4,
        "grad_accumulation": 2,
        "rows": ROWS,
        "dev_rows": ROWS[:6],
    }
    for packing in (False, True):
        train_tiny(tiny_models, tmp_path / str(packing), architecture, packing=packing, eval_steps=3, **changes)
    apart, together = (curve(tmp_path / str(packing)) for packing in (False, True))
    for one, other in zip(apart, together, strict=True):
        assert (one[0], one[4], one[5]) == (other[0], other[4], other[5]), "step, rate and tokens"
        assert other[1] == pytest.approx(one[1], rel=2e-3)
        assert (one[2] is None) is (other[2] is None)


def test_the_prompt_is_learnt_as_well_where_asked_and_no_border_is(tiny_models: Path, tmp_path: Path) -> None:
    for packing in (False, True):
        train_tiny(tiny_models, tmp_path / str(packing), "llama", packing=packing, answer_only=False, max_steps=3)
    apart, together = ([line[1] for line in curve(tmp_path / str(packing))] for packing in (False, True))
    assert together == pytest.approx(apart, rel=2e-3)
