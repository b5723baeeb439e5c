"""Each way to train leaves what it promises, and what this machine can't do is refused before anything is read."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.engine.training import ROWS, chat, curve, train_tiny
from training.engine import load as engine_load
from training.engine import train_device, train_methods
from training.engine.api import EngineSettings
from training.engine.hub import check_base
from training.engine.train import Hooks
from training.engine.train_device import cpu_has_bf16
from training.engine.train_job import TrainJob
from training.errors import InputError, ModelError
from training.runs.advice import kind_of
from training.runs.config import RunConfig

NO_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="says what a machine without a GPU says")


def test_all_weights_move_and_a_plain_model_with_its_tokenizer_is_left(tiny_models: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    result = train_tiny(tiny_models, tmp_path, "qwen3", method="full", learning_rate=3e-3, max_steps=80)
    assert result.adapter == tmp_path / "model"
    assert not (tmp_path / "adapter").exists()
    assert result.trainable_parameters == result.parameters
    tokenizer = AutoTokenizer.from_pretrained(result.adapter)
    model: Any = AutoModelForCausalLM.from_pretrained(result.adapter, dtype=torch.float32)
    ids = tokenizer(chat("say yes"), add_special_tokens=False, return_tensors="pt")["input_ids"]
    given = model.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False, repetition_penalty=1.0, max_new_tokens=20,
        eos_token_id=tokenizer.convert_tokens_to_ids("<|end|>"),
    )  # fmt: skip
    assert tokenizer.decode(given[0, ids.shape[1] :], skip_special_tokens=True) == '{"said": "yes"}'
    assert tokenizer.chat_template
    assert {v.dtype for v in load_file(str(result.adapter / "model.safetensors")).values()} == {torch.float16}
    assert json.loads((result.adapter / "provenance.json").read_text("utf-8"))["config"]["method"] == "full"


@pytest.mark.parametrize(("method", "key"), [("rslora", "use_rslora"), ("dora", "use_dora")])
def test_the_other_lora_kinds_learn_and_say_what_they_are(
    tiny_models: Path, tmp_path: Path, method: str, key: str
) -> None:
    result = train_tiny(tiny_models, tmp_path, "llama", method=method, max_steps=25)
    config = json.loads((result.adapter / "adapter_config.json").read_text("utf-8"))
    assert config[key] is True
    assert config["use_rslora"] + config["use_dora"] == 1
    assert config["target_modules"] == sorted(config["target_modules"]), "the same adapter has the same hash"
    losses = [line[1] for line in curve(tmp_path)]
    assert losses[-1] < losses[0] / 3
    state = load_file(str(result.adapter / "adapter_model.safetensors"))
    assert any("lora_magnitude_vector" in name for name in state) is (method == "dora")


def test_chosen_layers_alone_are_adapted(tiny_models: Path, tmp_path: Path) -> None:
    result = train_tiny(tiny_models, tmp_path, "llama", target_modules=("q_proj", "v_proj"), max_steps=1)
    state = load_file(str(result.adapter / "adapter_model.safetensors"))
    assert {key.split(".lora_")[0].rsplit(".", 1)[-1] for key in state} == {"q_proj", "v_proj"}


@pytest.mark.parametrize("seed", [7, 8])
def test_where_a_run_begins_hangs_on_the_seed_alone(tiny_models: Path, tmp_path: Path, seed: int) -> None:
    """Matrices are filled by name: leaving a layer out does not change how the others begin."""
    some = train_tiny(
        tiny_models, tmp_path / "some", "llama", target_modules=("v_proj",), max_steps=1, learning_rate=1e-12, seed=seed
    )
    every = train_tiny(tiny_models, tmp_path / "every", "llama", max_steps=1, learning_rate=1e-12, seed=7)
    one, other = (load_file(str(result.adapter / "adapter_model.safetensors")) for result in (some, every))
    assert all(torch.equal(one[key], other[key]) is (seed == 7) for key in one if ".lora_A." in key)


def test_a_base_in_4_bits_answers_as_it_was_trained_on(
    tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The card is make-believe: what the run and its evaluation ask Transformers for is the same."""
    from transformers import AutoModelForCausalLM

    asked: list[dict[str, Any]] = []

    def without_a_card(_: str, **options: Any) -> Any:
        asked.append(options)
        raise OSError("no card")

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", without_a_card)
    monkeypatch.setattr(engine_load, "can_four_bit", lambda _: True)
    monkeypatch.setattr(engine_load, "_check_memory", lambda *_: None)
    half = train_device.Plan(torch.device("cuda"), torch.float16, torch.float16, tf32=False, words="")
    monkeypatch.setattr(train_device, "plan_for", lambda *_: half)
    config = RunConfig(dataset="x", base="llama", method="qlora", dtype="fp16")
    folder = tiny_models / "models" / "llama"
    with pytest.raises(ModelError, match="no card"):
        train_methods.load(TrainJob(config, folder, [], tmp_path), half)
    settings = EngineSettings(device="cuda", dtype=train_device.held_as(config), four_bit=config.four_bit)
    with pytest.raises(ModelError, match="no card"):
        engine_load.load_base(check_base("llama", folder), settings, lambda *_: None)
    trained, answering = asked
    held = trained["quantization_config"].to_dict()
    assert held == answering["quantization_config"].to_dict()
    assert (held["bnb_4bit_quant_type"], held["bnb_4bit_use_double_quant"]) == ("nf4", True)
    assert held["bnb_4bit_compute_dtype"] in (torch.float16, "float16")
    assert trained["dtype"] == answering["dtype"] == torch.float16
    assert train_device.held_as(RunConfig(dataset="x")) is None


@NO_GPU
@pytest.mark.parametrize(
    ("changes", "said", "fix"),
    [
        ({"method": "qlora"}, "method is qlora, which needs a CUDA GPU and bitsandbytes", "method to lora"),
        ({"optimizer": "adamw_8bit"}, "optimizer is adamw_8bit, which needs a CUDA GPU", "optimizer to adamw_torch"),
        ({"optimizer": "paged_adamw_8bit"}, "optimizer is paged_adamw_8bit", "optimizer to adamw_torch"),
        ({"dtype": "fp16"}, "dtype is fp16, which is trained in on a GPU only", "dtype to auto"),
    ],
)
def test_what_needs_a_gpu_is_refused_by_name(
    tiny_models: Path, tmp_path: Path, changes: dict[str, Any], said: str, fix: str
) -> None:
    with pytest.raises(InputError, match=said) as caught:
        train_tiny(tiny_models, tmp_path, max_steps=1, **changes)
    assert fix in caught.value.fix


@NO_GPU
def test_auto_takes_what_the_processor_is_quick_in(tiny_models: Path, tmp_path: Path) -> None:
    result = train_tiny(tiny_models, tmp_path, max_steps=2, dtype="auto")
    assert result.dtype.startswith("bf16 (the device has it)" if cpu_has_bf16() else "fp32 (the device has no quick")
    assert result.dtype.endswith("weights held in fp32")
    assert result.device == "cpu, 1 threads"


def test_bf16_learns_as_fp32_does_to_its_digits(tiny_models: Path, tmp_path: Path) -> None:
    for dtype in ("bf16", "fp32"):
        train_tiny(tiny_models, tmp_path / dtype, "llama", dtype=dtype, max_steps=12, learning_rate=1e-3)
    half, full = ([line[1] for line in curve(tmp_path / dtype)] for dtype in ("bf16", "fp32"))
    assert half != full
    assert half == pytest.approx(full, rel=0.05)


def test_the_fused_optimizer_takes_the_same_steps(tiny_models: Path, tmp_path: Path) -> None:
    for name in ("adamw_torch", "adamw_torch_fused"):
        train_tiny(tiny_models, tmp_path / name, "llama", optimizer=name, max_steps=5)
    plain, fused = ([line[1] for line in curve(tmp_path / name)] for name in ("adamw_torch", "adamw_torch_fused"))
    assert fused == pytest.approx(plain, rel=1e-3)


@pytest.mark.parametrize(("architecture", "method"), [("lfm2", "lora"), ("gemma3", "lora"), ("gpt2", "full")])
def test_computing_again_gives_the_numbers_that_keeping_gives(
    tiny_models: Path, tmp_path: Path, architecture: str, method: str
) -> None:
    """With dropout in the adapter, which must fall the same way the second time."""
    dropout = 0.1 if method == "lora" else 0.0
    given: dict[str, Any] = {"method": method, "dropout": dropout, "max_steps": 4, "learning_rate": 1e-3}
    for on in (False, True):
        train_tiny(tiny_models, tmp_path / str(on), architecture, gradient_checkpointing=on, **given)
    kept, again = (curve(tmp_path / str(on)) for on in (False, True))
    assert [line[1] for line in again] == pytest.approx([line[1] for line in kept], rel=1e-4)
    assert [line[3] for line in again] == pytest.approx([line[3] for line in kept], rel=1e-3), "gradient norms"


def test_layers_are_really_run_again(tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import modeling_utils

    ways: list[bool] = []
    real = modeling_utils.checkpoint

    def watched(*args: Any, **given: Any) -> Any:
        ways.append(given["use_reentrant"])
        return real(*args, **given)

    monkeypatch.setattr(modeling_utils, "checkpoint", watched)
    for on in (False, True):
        train_tiny(tiny_models, tmp_path / str(on), gradient_checkpointing=on, max_steps=1, rows=ROWS[:8])
        assert bool(ways) is on
    assert set(ways) == {False}


def test_a_model_that_can_not_compute_again_is_named(tiny_models: Path, tmp_path: Path) -> None:
    from transformers import LlamaForCausalLM

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LlamaForCausalLM, "supports_gradient_checkpointing", False)
        with pytest.raises(InputError, match="gradient_checkpointing is on, which LlamaForCausalLM") as caught:
            train_tiny(tiny_models, tmp_path, "llama", gradient_checkpointing=True, max_steps=1)
    assert "false" in caught.value.fix


def test_focal_loss_and_short_rows_first_change_what_is_learnt(tiny_models: Path, tmp_path: Path) -> None:
    kinds: dict[str, dict[str, Any]] = {"plain": {}, "focal": {"focal_gamma": 2.0}, "short": {"short_first_steps": 8}}
    for name, changes in kinds.items():
        train_tiny(tiny_models, tmp_path / name, "llama", batch_size=2, max_steps=6, **changes)
    plain, focal, short = (curve(tmp_path / name) for name in ("plain", "focal", "short"))
    assert focal[0][1] < plain[0][1]
    assert short[-1][5] < plain[-1][5], "fewer tokens in as many rows"


def test_a_mirror_that_is_not_installed_is_named_before_the_run(tiny_models: Path, tmp_path: Path) -> None:
    import importlib.util

    missing = [name for name in ("trackio", "tensorboard", "wandb") if importlib.util.find_spec(name) is None]
    if not missing:
        pytest.skip("all mirrors are installed here")
    with pytest.raises(InputError, match=f"report_to names {missing[0]}") as caught:
        train_tiny(tiny_models, tmp_path, max_steps=1, report_to=(missing[0],))
    assert "pip install" in caught.value.fix and kind_of(caught.value) == "config"


def test_what_was_trained_to_no_numbers_is_no_fault_of_the_settings_alone() -> None:
    with pytest.raises(ModelError, match="lora_A") as caught:
        train_methods._check_finite({"base.lora_A": torch.tensor([1.0, float("nan")])})
    assert kind_of(caught.value) == "not_a_number"


def test_nobody_is_told_of_a_run(tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TRL would report which trainer ran; were HF_HUB_OFFLINE off, nothing may go out all the same."""
    import trl.trainer.base_trainer as base

    told: list[Any] = []
    monkeypatch.setattr(base, "send_telemetry", lambda *args, **_: told.append(args))
    steps: list[int] = []
    train_tiny(
        tiny_models, tmp_path, max_steps=1, hooks=Hooks(step=lambda step: steps.append(step.step)), rows=ROWS[:8]
    )
    assert (steps, told) == ([1], [])
