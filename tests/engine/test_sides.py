"""The short way through a LoRA layer gives what PEFT's own mixed batch gives, for every kind of layer."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModelForCausalLM
from transformers import AutoModelForCausalLM

from tests.tiny_models import ARCHITECTURES
from training.engine.sides import BASE_ROW, Sides
from training.errors import ProofError

IDS = torch.tensor([[5, 6, 7, 8]] * 4)


def wrapped(base: Path, dtype: torch.dtype = torch.float32, **options: Any) -> PeftModelForCausalLM:
    """A base with two random adapters, a and b."""
    torch.manual_seed(0)
    model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=dtype)
    chosen: dict[str, Any] = {"target_modules": "all-linear"} | options
    config = LoraConfig(task_type="CAUSAL_LM", r=4, lora_alpha=7, **chosen)
    peft_model = PeftModelForCausalLM(model, config, adapter_name="a")
    peft_model.add_adapter("b", config)
    with torch.no_grad():
        for name, weight in peft_model.named_parameters():
            if "lora_" in name:
                weight.normal_(0.0, 0.2)
    return peft_model.eval()


@torch.inference_mode()
def both_ways(model: PeftModelForCausalLM, names: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits by PEFT's mixed batch, then by the sides."""
    theirs = model(input_ids=IDS, adapter_names=names).logits
    sides = Sides()
    sides.teach(model.get_base_model())
    sides.set(names)
    return theirs, model.get_base_model()(input_ids=IDS).logits


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(
    "names", [[BASE_ROW, "a", "b", BASE_ROW], ["a", BASE_ROW, "a", "b"], [BASE_ROW] * 4, ["b"] * 4]
)
def test_rows_get_what_peft_gives_them(tiny_models: Path, architecture: str, names: list[str]) -> None:
    theirs, ours = both_ways(wrapped(tiny_models / "models" / architecture), names)
    assert torch.allclose(theirs, ours, atol=1e-4)
    base_rows = [n for n, name in enumerate(names) if name == BASE_ROW]
    assert torch.equal(theirs[base_rows], ours[base_rows]), "base rows are the base's to the bit"


@pytest.mark.parametrize(
    "options",
    [
        {"target_modules": ["q_proj", "embed_tokens"]},
        {"target_modules": ["q_proj"], "modules_to_save": ["lm_head"]},
        {"target_modules": ["q_proj", "v_proj"], "use_rslora": True},
    ],
    ids=["embedding", "saved head", "rank-stabilised"],
)
def test_layers_that_have_no_short_way_take_pefts(tiny_models: Path, options: dict[str, Any]) -> None:
    theirs, ours = both_ways(wrapped(tiny_models / "models" / "llama", **options), [BASE_ROW, "a", "b", "a"])
    assert torch.allclose(theirs, ours, atol=1e-4)
    assert not torch.allclose(ours[0], ours[1], atol=1e-2)


def test_half_precision_bases_keep_their_type(tiny_models: Path) -> None:
    theirs, ours = both_ways(wrapped(tiny_models / "models" / "llama", torch.bfloat16), [BASE_ROW, "a", "b", "a"])
    assert ours.dtype == torch.bfloat16
    apart = (theirs.float() - ours.float()).abs().mean()
    assert apart < 0.02 * (theirs[1].float() - theirs[0].float()).abs().mean(), "only rounding may differ"
    assert torch.equal(theirs[0], ours[0])


def test_a_layer_never_answers_for_nobody_or_for_too_few(tiny_models: Path) -> None:
    model = wrapped(tiny_models / "models" / "llama")
    sides = Sides()
    sides.teach(model.get_base_model())
    with pytest.raises(ProofError, match="which adapter"):
        model.get_base_model()(input_ids=IDS)
    sides.set(["a"])
    with pytest.raises(ProofError, match="4 rows came for 1 sides"):
        model.get_base_model()(input_ids=IDS)
    sides.set(None)
    with pytest.raises(ProofError, match="which adapter"):
        _ = sides.names
