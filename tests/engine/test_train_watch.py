"""What is watched does not change what happens: samples and dev losses leave the curve as it is."""

from pathlib import Path
from typing import Any

import pytest

from tests.engine.training import ROWS, chat, curve, train_tiny
from tests.tiny_models import END
from training.engine.hashes import hash_files
from training.engine.train import Hooks, SamplePrompt
from training.engine.train_watch import read_steps
from training.errors import InputError

PROMPTS = [
    SamplePrompt("a", "say yes", chat("say yes"), 24, stop_json=False),
    SamplePrompt("b", "say no please", chat("say no please"), 24, stop_json=True),
]
DROPPING: dict[str, Any] = {"max_steps": 9, "dropout": 0.2, "grad_accumulation": 2, "batch_size": 4}


@pytest.mark.parametrize("architecture", ["lfm2", "gemma3"])
def test_samples_and_dev_losses_change_nothing_of_the_run(tiny_models: Path, tmp_path: Path, architecture: str) -> None:
    told: list[tuple[int, str]] = []
    hooks = Hooks(sample=lambda step, prompt, *_: told.append((step, prompt.row)))
    plain = train_tiny(tiny_models, tmp_path / "plain", architecture, **DROPPING)
    watched = train_tiny(
        tiny_models, tmp_path / "watched", architecture, hooks,
        samples=PROMPTS, sample_steps=2, dev_rows=ROWS[:6], eval_steps=4, **DROPPING,
    )  # fmt: skip
    assert told == [(step, row) for step in (2, 4, 6, 8, 9) for row in ("a", "b")], "and once at the end"
    one, other = ([line[:2] + line[3:] for line in curve(tmp_path / name)] for name in ("plain", "watched"))
    assert one == other, "the dev loss aside"
    folders = (plain.adapter, watched.adapter)
    assert len({hash_files([folder / "adapter_model.safetensors"]) for folder in folders}) == 1


def test_a_sample_is_what_the_current_weights_answer(tiny_models: Path, tmp_path: Path) -> None:
    told: dict[int, dict[str, tuple[str, str]]] = {}

    def keep(step: int, prompt: SamplePrompt, raw: str, finish: str, seconds: float) -> None:
        told.setdefault(step, {})[prompt.row] = (raw, finish)
        assert seconds > 0

    marker = SamplePrompt("c", "say yes", chat("say yes"), 24, stop_json=False, marker="ye")
    short = SamplePrompt("d", "say yes", chat("say yes"), 3, stop_json=False)
    train_tiny(
        tiny_models, tmp_path, max_steps=120, samples=[*PROMPTS, marker, short], sample_steps=119,
        hooks=Hooks(sample=keep),
    )  # fmt: skip
    assert sorted(told) == [119, 120]
    assert told[120] == {
        "a": ('{"said": "yes"}', "eos"),
        "b": ('{"said": "no"}', "stop"),
        "c": ('{"said": "ye', "stop"),
        "d": ('{"s', "length"),
    }


def test_a_stop_at_a_step_that_is_watched_saves_and_does_nothing_else(tiny_models: Path, tmp_path: Path) -> None:
    told: list[int] = []
    hooks = Hooks(stop=stop_after(4).stop, sample=lambda step, *_: told.append(step))
    watched: dict[str, Any] = {
        "max_steps": 8, "dev_rows": ROWS[:4], "eval_steps": 2, "samples": PROMPTS[:1], "sample_steps": 4,
    }  # fmt: skip
    result = train_tiny(tiny_models, tmp_path, hooks=hooks, **watched)
    lines = read_steps(tmp_path / "metrics.jsonl")
    assert (result.state, result.steps) == ("stopped", 4) and told == []
    assert [line.dev_loss is not None for line in lines] == [False, True, False, False]
    assert (tmp_path / "checkpoints" / "checkpoint-4").is_dir()
    train_tiny(tiny_models, tmp_path, hooks=Hooks(sample=hooks.sample), resume=True, **watched)
    after = read_steps(tmp_path / "metrics.jsonl")
    assert told == [8] and [line.step for line in after if line.dev_loss is not None] == [2, 6, 8]


def test_a_dev_loss_stands_in_the_line_of_its_step(tiny_models: Path, tmp_path: Path) -> None:
    lines: list[Any] = []
    result = train_tiny(
        tiny_models, tmp_path, max_steps=5, dev_rows=ROWS[:4], eval_steps=2, hooks=Hooks(step=lines.append)
    )
    assert lines == read_steps(tmp_path / "metrics.jsonl")
    assert [line.step for line in lines if line.dev_loss is not None] == [2, 4, 5], "the last step as well"
    assert result.dev_loss == lines[-1].dev_loss


# What helps with these rows hurts with dev rows that say the opposite: the dev loss falls at first, then rises.
OPPOSITE = [
    {"prompt": chat(f"say {word}"), "completion": f'{{"said": "{other}"}}{END}'}
    for word, other in (("yes", "no"), ("no", "yes"))
]


def test_early_stopping_goes_back_to_the_best_weights(tiny_models: Path, tmp_path: Path) -> None:
    watched: dict[str, Any] = {
        "max_steps": 150, "dev_rows": OPPOSITE, "eval_steps": 5, "early_stopping": 3, "save_steps": 0,
    }  # fmt: skip
    result = train_tiny(tiny_models, tmp_path / "run", **watched)
    losses = {s.step: s.dev_loss for s in read_steps(tmp_path / "run" / "metrics.jsonl") if s.dev_loss is not None}
    best = min(losses, key=lambda step: losses[step])
    assert result.state == "finished"
    assert result.best_step == best < result.steps < 150
    assert result.steps == best + 15, "three evaluations without a better one"
    assert result.dev_loss == losses[best]
    kept = hash_files([result.adapter / "adapter_model.safetensors"])
    plain: dict[str, Any] = watched | {"early_stopping": 0}
    again = train_tiny(tiny_models, tmp_path / "best", hooks=stop_after(best), **plain)
    assert again.state == "stopped"
    resumed = checkpoint_bytes(tmp_path / "best", best)
    assert kept == resumed
    over = train_tiny(tiny_models, tmp_path / "run", resume=True, **watched)
    assert (over.steps, over.best_step) == (result.steps, best), "it had ended: nothing is trained again"
    assert hash_files([over.adapter / "adapter_model.safetensors"]) == kept


def test_what_needs_dev_rows_is_refused_without_them(tiny_models: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="eval_steps is 5, but there are no dev rows"):
        train_tiny(tiny_models, tmp_path, eval_steps=5)
    with pytest.raises(InputError, match="early_stopping is 2, but eval_steps is 0"):
        train_tiny(tiny_models, tmp_path, early_stopping=2, dev_rows=ROWS[:2])


def stop_after(step: int) -> Hooks:
    taken: list[int] = []
    return Hooks(stop=lambda: taken.append(1) or len(taken) >= step)


def checkpoint_bytes(out: Path, step: int) -> str:
    """The hash that a checkpoint's weights would have as an adapter file, which holds fp16."""
    import torch
    from safetensors.torch import load_file, save_file

    state = load_file(str(out / "checkpoints" / f"checkpoint-{step}" / "adapter_model.safetensors"))
    target = out / "adapter_model.safetensors"
    save_file({name: value.to(torch.float16) for name, value in state.items()}, target, metadata={"format": "pt"})
    return hash_files([target])
