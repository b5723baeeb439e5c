"""Small runs for tests of the trainer: rows that a tiny model learns in seconds, and a job around them."""

import json
from pathlib import Path
from typing import Any

from tests.tiny_models import END
from training.engine.train import Hooks, TrainJob, TrainResult, train
from training.runs.config import RunConfig


def chat(text: str) -> str:
    return f"<|bos|><|user|>\n{text}{END}\n<|assistant|>\n"


ROWS = [
    {"prompt": chat(f"say {word}" + " please" * (n % 4)), "completion": json.dumps({"said": word}) + END}
    for n in range(24)
    for word in ("yes", "no")
]
TINY: dict[str, Any] = {
    "task": "say", "max_steps": 150, "rank": 16, "alpha": 16, "learning_rate": 1e-2, "batch_size": 8, "save_steps": 0,
    "threads": 1, "dtype": "fp32", "backend": "trl",
}  # fmt: skip
JOB_FIELDS = ("rows", "dev_rows", "samples", "resume", "base_name", "start")


def job_for(tiny_models: Path, out: Path, architecture: str = "lfm2", **changes: Any) -> TrainJob:
    """A job on a tiny model; `changes` are fields of RunConfig or of TrainJob."""
    given: dict[str, Any] = {name: changes.pop(name) for name in JOB_FIELDS if name in changes}
    given.setdefault("rows", ROWS)
    config = RunConfig(**(TINY | changes))
    base = tiny_models / "models" / architecture
    return TrainJob(config=config, base=base, out=out, **given)


def train_tiny(
    tiny_models: Path, out: Path, architecture: str = "lfm2", hooks: Hooks | None = None, **changes: Any
) -> TrainResult:
    return train(job_for(tiny_models, out, architecture, **changes), hooks)


def curve(out: Path) -> list[tuple[Any, ...]]:
    """What of a run's lines depends on the run alone, not on the machine's speed."""
    return [
        (line["step"], line["loss"], line["dev_loss"], line["grad_norm"], line["learning_rate"], line["tokens"])
        for line in map(json.loads, (out / "metrics.jsonl").read_text("utf-8").splitlines())
    ]
