"""What a run computes in, on cards that are make-believe: bf16 where there is some, else fp16 where that is safe."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from training.engine import train_device
from training.engine.train_device import plan_for
from training.engine.train_job import Hooks, TrainJob
from training.engine.train_watch import Watch
from training.errors import InputError, ModelError
from training.runs.config import RunConfig

CONFIG = RunConfig(dataset="x")
Card = Callable[..., None]


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Card:
    def pretend(*, bf16: bool, capability: tuple[int, int]) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: bf16)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: capability)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda *_: "Make-believe")
        monkeypatch.setattr(train_device, "can_four_bit", lambda _: True)

    return pretend


def model(folder: Path, kind: str) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": kind}), "utf-8")
    return folder


def test_a_card_with_bf16_computes_in_it(card: Card) -> None:
    card(bf16=True, capability=(9, 0))
    plan = plan_for(CONFIG)
    assert (plan.autocast, plan.weights, plan.tf32) == (torch.bfloat16, torch.bfloat16, True)


@pytest.mark.parametrize("method", ["lora", "rslora", "dora", "qlora"])
def test_an_older_card_computes_in_fp16_and_says_so(card: Card, method: str) -> None:
    card(bf16=False, capability=(7, 5))
    plan = plan_for(replace(CONFIG, method=method))
    assert (plan.autocast, plan.weights, plan.tf32) == (torch.float16, torch.float16, False)
    assert "fp16 (the card has no bf16)" in plan.words
    assert train_device.held_as(replace(CONFIG, method=method)) == ("float16" if method == "qlora" else None)
    with pytest.raises(InputError, match="dtype is bf16, which Make-believe does not have"):
        plan_for(replace(CONFIG, method=method, dtype="bf16"))


def test_an_older_card_trains_all_weights_in_fp32_and_says_so(card: Card) -> None:
    card(bf16=False, capability=(7, 0))
    plan = plan_for(replace(CONFIG, method="full"))
    assert (plan.autocast, plan.weights) == (None, torch.float32)
    assert "fp32 (the card has no bf16, and all weights are trained" in plan.words


def test_a_base_that_overflows_in_fp16_is_computed_in_fp32(card: Card, tmp_path: Path) -> None:
    card(bf16=False, capability=(7, 5))
    plan = plan_for(CONFIG, model(tmp_path / "gemma", "gemma3_text"))
    assert plan.autocast is None and "overflows in fp16" in plan.words
    assert plan_for(CONFIG, model(tmp_path / "qwen", "qwen3")).autocast == torch.float16
    assert plan_for(CONFIG, tmp_path / "none").autocast == torch.float16
    asked = replace(CONFIG, dtype="fp16")
    assert plan_for(asked, tmp_path / "gemma").autocast == torch.float16, "what was asked for is done"


def test_a_processor_without_bf16_computes_in_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(train_device, "cpu_has_bf16", lambda: False)
    assert plan_for(CONFIG).autocast is None


def test_a_loss_that_is_lost_in_fp16_says_to_leave_it(tmp_path: Path) -> None:
    watch = Watch(
        TrainJob(CONFIG, tmp_path, [], tmp_path), Hooks(), 0, seen=lambda: (0, 0), accuracy=lambda: None,
        answer=lambda _: None,
    )  # fmt: skip
    state: Any = SimpleNamespace(best_global_step=None, global_step=1, max_steps=5)
    control: Any = SimpleNamespace(should_evaluate=False)
    args: Any = SimpleNamespace(fp16=True)
    watch.on_train_begin(args, state, control)
    watch.on_log(args, state, control, {"loss": 1.0, "grad_norm": float("inf")})  # the scaler passes over such a step
    with pytest.raises(ModelError) as caught:
        watch.on_log(args, state, control, {"loss": float("nan")})
    assert "set dtype to fp32" in caught.value.fix
