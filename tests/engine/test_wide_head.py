"""The quick way through a large output layer gives the layer's own numbers, and is taken where it pays alone."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from training.engine.wide_head import LEAST_WORDS, speed_up_head


def model_of(head: torch.nn.Module) -> Any:
    return SimpleNamespace(get_output_embeddings=lambda: head)


@pytest.mark.parametrize("shape", [(1, 1, 16), (2, 1, 16), (4, 1, 16), (1, 3, 16), (5, 1, 16), (3, 7, 16)])
def test_the_numbers_are_the_layers_own(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    head = torch.nn.Linear(16, LEAST_WORDS, bias=False)
    hidden = torch.randn(shape)
    with torch.inference_mode():
        usual = head(hidden)
        speed_up_head(model_of(head))
        quick = head(hidden)
    assert quick.shape == usual.shape
    assert torch.allclose(quick, usual, atol=1e-5)


@pytest.mark.parametrize(
    "head",
    [
        torch.nn.Linear(16, LEAST_WORDS - 1, bias=False),
        torch.nn.Linear(16, LEAST_WORDS),
        torch.nn.Linear(16, LEAST_WORDS, bias=False).to(torch.bfloat16),
        torch.nn.Embedding(LEAST_WORDS, 16),
    ],
    ids=["small", "with a bias", "half precision", "no linear layer"],
)
def test_other_layers_are_left_alone(head: torch.nn.Module) -> None:
    speed_up_head(model_of(head))
    assert "forward" not in vars(head)


def test_training_goes_the_layers_own_way() -> None:
    head = torch.nn.Linear(16, LEAST_WORDS, bias=False)
    speed_up_head(model_of(head))
    hidden = torch.randn(2, 1, 16, requires_grad=True)
    head(hidden).sum().backward()
    assert hidden.grad is not None
