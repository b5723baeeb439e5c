"""What a run needs, reckoned from the weight files, against what PEFT really trains."""

from dataclasses import replace
from pathlib import Path

import pytest

from training.engine.run_needs import (
    disk_bytes,
    layer_names,
    least_memory,
    machine_words,
    memory_there,
    no_such_layers,
    see_base,
    trainable_parameters,
)
from training.errors import InputError, ModelError
from training.runs.config import RunConfig


def config_for(tiny_models: Path, architecture: str, **changes: object) -> RunConfig:
    base = str(tiny_models / "models" / architecture)
    return replace(RunConfig(dataset="x", base=base, rank=8), **changes)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("architecture", ["llama", "qwen3", "gemma3", "gpt2", "lfm2"])
@pytest.mark.parametrize("method", ["lora", "dora", "full"])
def test_trainable_parameters_are_those_that_are_trained(
    tiny_models: Path, tmp_path: Path, architecture: str, method: str
) -> None:
    from transformers import AutoModelForCausalLM

    from training.engine.train_methods import lora_of

    config = config_for(tiny_models, architecture, method=method)
    model = AutoModelForCausalLM.from_pretrained(config.base)
    if (lora := lora_of(config)) is not None:
        from peft import get_peft_model

        model = get_peft_model(model, lora)
    real = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    assert trainable_parameters(config, see_base(config, tmp_path)) == real


def test_named_layers_are_looked_for(tiny_models: Path, tmp_path: Path) -> None:
    config = config_for(tiny_models, "llama", target_modules=("q_proj", "wqkv"))
    base = see_base(config, tmp_path)
    assert no_such_layers(config, base) == ["wqkv"]
    assert no_such_layers(replace(config, target_modules="all-linear"), base) == []
    assert layer_names(base) == ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"]
    one = trainable_parameters(replace(config, target_modules=("q_proj",)), base)
    assert one is not None and 0 < one < (trainable_parameters(config_for(tiny_models, "llama"), base) or 0)


def test_disk_and_memory_grow_with_what_is_trained(tiny_models: Path, tmp_path: Path) -> None:
    config = config_for(tiny_models, "llama")
    base = see_base(config, tmp_path)
    assert disk_bytes(config, 1000) == 3 * 12_000 + 2_000
    assert disk_bytes(replace(config, optimizer="adamw_8bit"), 1000) == 3 * 6_000 + 2_000
    assert disk_bytes(replace(config, save_steps=0, save_dtype="fp32"), 1000) == 4_000
    assert base.files is not None
    full = least_memory(replace(config, method="full"), base, base.files.parameters)
    assert full == 16 * base.files.parameters
    assert memory_there() > 10**8


def test_a_base_that_is_not_there_is_told_without_a_network(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no base 'nobody'"):
        see_base(RunConfig(dataset="x", base="nobody"), tmp_path)
    with pytest.raises(ModelError, match="is not on this machine"):
        see_base(RunConfig(dataset="x", base="nobody/nothing"), tmp_path)


@pytest.mark.skipif("__import__('torch').cuda.is_available()", reason="asks what a machine without a GPU says")
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"method": "qlora"}, "method is qlora"),
        ({"optimizer": "paged_adamw_8bit"}, "optimizer is paged_adamw_8bit"),
        ({"dtype": "fp16"}, "dtype is fp16"),
        ({"backend": "unsloth", "method": "full"}, "backend is unsloth"),
    ],
)
def test_what_this_machine_can_not_do_names_its_field(changes: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        machine_words(replace(RunConfig(dataset="x"), **changes))
    assert "cpu" in machine_words(RunConfig(dataset="x"))
