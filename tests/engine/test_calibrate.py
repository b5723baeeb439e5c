"""Measured steps: a real process, real steps, figures that stand to reason; failures come back as words."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.engine.training import ROWS
from training.engine import calibrate
from training.engine.calibrate import STEPS, NotMeasured, calibration_config, calibration_rows, measure
from training.runs.checks import problems
from training.runs.config import RunConfig

CONFIG = RunConfig(
    dataset="x", rank=4, batch_size=2, grad_accumulation=2, max_steps=500, eval_steps=10, sample_steps=5, warmup=10.0,
    early_stopping=2, threads=1, dtype="fp32",
)  # fmt: skip


def test_the_steps_are_the_runs_own_and_nothing_beside_them() -> None:
    short = calibration_config(CONFIG)
    assert problems(short) == ()
    assert (short.max_steps, short.rank, short.batch_size, short.grad_accumulation) == (STEPS, 4, 2, 2)
    assert not any((short.eval_steps, short.save_steps, short.sample_steps, short.early_stopping, short.report_to))


def test_rows_hold_the_longest_that_fit_and_a_spread() -> None:
    lengths = list(range(1, 101))
    found = calibration_rows(lengths, lengths, replace(CONFIG, max_length=90))
    assert len(found) == STEPS * 4
    assert found[:2] == [90, 89]
    assert max(found) == 90 and min(found[2:]) < 10
    assert abs(sum(found[2:]) / len(found[2:]) - 45.5) < 3
    assert calibration_rows([1], [5], CONFIG) == [1] * 12
    assert calibration_rows([1], [5], replace(CONFIG, max_length=4)) == []


def test_real_steps_in_a_process_of_their_own(tiny_models: Path) -> None:
    found = measure(CONFIG, tiny_models / "models" / "llama", ROWS[:12], "llama")
    assert found.steps == STEPS
    assert found.tokens_per_s > 0
    assert found.start_s > 0
    assert found.peak_bytes > 10**8 if "cpu" in found.device else found.peak_bytes > 10**6
    assert 0 < found.trainable_parameters < found.parameters


def test_why_the_steps_could_not_be_run_comes_back(tiny_models: Path, tmp_path: Path) -> None:
    with pytest.raises(NotMeasured, match="more than max_length 8") as caught:
        measure(replace(CONFIG, max_length=8), tiny_models / "models" / "llama", ROWS[:12])
    assert caught.value.kind == "data"
    assert "max_length" in caught.value.fix


def test_a_process_that_ends_without_a_word_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nkill -9 $$\n")
    python.chmod(0o755)
    monkeypatch.setattr(calibrate.sys, "executable", str(python))
    with pytest.raises(NotMeasured, match="without a word") as caught:
        measure(CONFIG, tmp_path, ROWS[:2])
    assert caught.value.kind == "killed"
