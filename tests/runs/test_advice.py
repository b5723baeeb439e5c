"""Failures are told apart, and what is advised is a change that the checks accept."""

import errno
from dataclasses import replace
from typing import Any

import pytest

from training.errors import (
    BusyError,
    DataError,
    FetchError,
    InputError,
    ModelError,
    OutOfMemoryError,
    PackError,
    StorageError,
)
from training.runs.advice import KINDS, advice, kind_of
from training.runs.checks import check_config, problems
from training.runs.config import METHODS, RunConfig

GOOD = RunConfig(dataset="x", batch_size=8)


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


def config_error() -> InputError:
    try:
        check_config(replace(GOOD, rank=0))
    except InputError as err:
        return err
    raise AssertionError


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OutOfMemoryError("Memory ran out.", fix=""), "out_of_memory"),
        (MemoryError(), "out_of_memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), "out_of_memory"),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"), "out_of_memory"),
        (DataError("x was changed after it was built.", fix=""), "data"),
        (PackError("x: the key 'a' is missing.", fix=""), "data"),
        (InputError("Row 3's completion does not end with '<end>'.", fix=""), "data"),
        (FetchError("no such page", fix=""), "download"),
        (caused(ModelError("The hub can't be reached.", fix=""), ConnectionError("refused")), "download"),
        (ModelError("The loss is not a number any more at step 7.", fix=""), "not_a_number"),
        (FloatingPointError("overflow"), "not_a_number"),
        (ZeroDivisionError("division by zero"), "bug"),
        (StorageError("Could not write.", fix=""), "disk"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk"),
        (caused(RuntimeError("write failed"), OSError(errno.ENOSPC, "No space left")), "disk"),
        (config_error(), "config"),
        (InputError("method is qlora, which needs a CUDA GPU.", fix=""), "config"),
        (ModelError("x can't be loaded.", fix=""), "config"),
        (KeyboardInterrupt(), "killed"),
        (SystemExit(143), "killed"),
        (BusyError("This run waited 30 minutes for the machine.", fix=""), "busy"),
        (InputError("report_to names wandb, which is not installed here.", fix=""), "config"),
        (InputError("backend comes to unsloth here, which is installed but can't be used: no GPU", fix=""), "config"),
        (ModelError("What was trained is not a number any more in a.lora_A.", fix=""), "not_a_number"),
        (KeyError("labels"), "bug"),
        (AssertionError("out of memory bounds"), "bug"),
    ],
)
def test_a_failure_has_a_kind(error: BaseException, kind: str) -> None:
    assert kind_of(error) == kind
    assert kind in KINDS


def test_errors_of_torch_and_the_hub_are_known_by_what_they_are() -> None:
    import torch
    from huggingface_hub.errors import LocalEntryNotFoundError

    assert kind_of(torch.OutOfMemoryError("CUDA out of memory")) == "out_of_memory"
    assert kind_of(caused(ModelError("Not here.", fix=""), LocalEntryNotFoundError("offline"))) == "download"


CONFIGS: list[dict[str, Any]] = [
    {}, {"batch_size": 1}, {"batch_size": 7, "grad_accumulation": 3}, {"max_length": 256}, {"rank": 4, "alpha": 1},
    {"too_long": "drop", "save_steps": 0}, {"dtype": "fp16", "max_grad_norm": 0.0, "warmup": 0.0},
    {"base": "owner/model", "revision": "abc"}, {"dtype": "fp32"}, {"max_steps": 1, "warmup": 0.0},
    {"learning_rate": 1e-9}, {"schedule": "constant", "warmup": 0.0}, {"dropout": 0.1, "target_modules": ("q_proj",)},
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", METHODS)
def test_what_is_advised_changes_something_and_is_sound(kind: str, method: str) -> None:
    for changes in CONFIGS:
        config = replace(GOOD, method=method, **changes)
        before = set(problems(config))
        for gpu in (True, False):
            for longest in (None, 300, 5000):
                found = advice(kind, config, longest=longest, gpu=gpu)
                assert found, (kind, method, changes)
                for item in found:
                    after = replace(config, **item.changes)
                    assert item.words
                    assert (after != config) == bool(item.changes)
                    assert set(problems(after)) <= before
                    assert gpu or after.method == method or after.method != "qlora"


def test_a_loss_that_is_no_number_is_not_sent_back_to_its_checkpoint() -> None:
    """It resumes under the same settings, so it ends in the same place; other settings begin anew."""
    found = advice("not_a_number", replace(GOOD, warmup=0.0, max_grad_norm=0.0, dtype="fp16"))
    assert len(found) == 4 and all(item.changes for item in found)


def test_out_of_memory_halves_the_batch_and_keeps_the_rows_of_a_step() -> None:
    first, *rest = advice("out_of_memory", GOOD, longest=700, gpu=True)
    assert first.changes == {"batch_size": 4, "grad_accumulation": 2}
    assert "half" in first.words
    assert {"max_length": 700, "too_long": "drop"} in [item.changes for item in rest]
    assert {"method": "qlora"} in [item.changes for item in rest]
    assert {"gradient_checkpointing": True} in [item.changes for item in rest]
    on = advice("out_of_memory", replace(GOOD, gradient_checkpointing=True))
    assert not any("gradient_checkpointing" in item.changes for item in on)
    odd, *_ = advice("out_of_memory", replace(GOOD, batch_size=3))
    assert odd.changes == {"batch_size": 1, "grad_accumulation": 3}
    full = advice("out_of_memory", replace(GOOD, method="full"), gpu=False)
    assert {"method": "lora"} in [item.changes for item in full]


def test_a_loss_that_is_no_number_lowers_the_rate_five_times() -> None:
    first, *rest = advice("not_a_number", replace(GOOD, max_grad_norm=0.0))
    assert first.changes == {"learning_rate": 1e-4}
    assert {"max_grad_norm": 1.0} in [item.changes for item in rest]


def test_a_process_that_ended_without_a_word_is_resumed() -> None:
    assert advice("", GOOD) == advice("killed", GOOD)
    assert "Resume" in advice("", GOOD)[0].words
