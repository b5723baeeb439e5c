"""A home in which tiny runs can be worked on: a tiny base, a small dataset version, and tasks with short answers."""

import re
import shutil
from pathlib import Path
from typing import Any

from tests.engine.small_versions import small_version
from training.engine.train_job import TrainResult
from training.runs.config import RunConfig
from training.task.pack import BUILTIN

TINY: dict[str, Any] = {
    "base": "llama", "max_steps": 2, "rank": 4, "alpha": 4, "batch_size": 2, "learning_rate": 1e-2, "max_length": 8192,
    "save_steps": 0, "threads": 1, "dtype": "fp32", "backend": "trl", "evaluate_rows": 3,
}  # fmt: skip


def make_home(home: Path, tiny_models: Path, task: str = "recipe-writer", tokens: int = 12, **sizes: int) -> RunConfig:
    """Fill `home` and return the config of a run of two steps in it. Answers have at most `tokens` tokens."""
    shutil.copytree(tiny_models / "models" / "llama", home / "models" / "llama")
    pack = home / "tasks" / task
    shutil.copytree(BUILTIN / task, pack)
    text = (pack / "task.yaml").read_text("utf-8")
    (pack / "task.yaml").write_text(re.sub(r"max_new_tokens: \d+", f"max_new_tokens: {tokens}", text), "utf-8")
    version = small_version(home, task, **sizes)
    values: dict[str, Any] = {**TINY, "task": task, "dataset": version.name}
    return RunConfig(**values)


def result_of(adapter: Path, **changes: Any) -> TrainResult:
    """What a run of two steps that left `adapter` says of itself."""
    told: dict[str, Any] = {
        "state": "finished", "adapter": adapter, "steps": 2, "loss": 2.0, "dev_loss": None, "best_step": None,
        "seconds": 1.0, "trainable_parameters": 10, "parameters": 100, "device": "cpu", "backend": "trl", "rows": 6,
        "rows_dropped": 0, "base_sha256": "b" * 64,
    }  # fmt: skip
    return TrainResult(**(told | changes))
