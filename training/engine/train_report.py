"""What is said of a run when it ends: its result, and the provenance beside its adapter."""

import json
import platform
from importlib.metadata import version
from typing import Any, NamedTuple

import torch

from training.disk import disk, write_whole
from training.engine.hashes import hash_files
from training.engine.train_backends import Backend
from training.engine.train_device import Plan
from training.engine.train_job import TrainJob, TrainResult
from training.engine.train_methods import count_parameters
from training.engine.train_rows import TokenRows
from training.engine.train_trainer import RowTrainer
from training.engine.train_watch import Watch


class Made(NamedTuple):
    """What a run was made with."""

    plan: Plan
    backend: Backend
    trainer: RowTrainer
    watch: Watch


def result_of(job: TrainJob, made: Made, rows: TokenRows, best: int | None) -> TrainResult:
    plan, backend, trainer, watch = made
    model: Any = trainer.model
    last = [step.loss for step in watch.steps if step.loss is not None][-10:]
    names = ("torch", "transformers", "peft", "trl")
    names += ("unsloth",) if backend.name == "unsloth" else ()
    names += ("bitsandbytes",) if job.config.four_bit or "8bit" in job.config.optimizer else ()
    return TrainResult(
        state="stopped" if watch.stopped else "finished",
        adapter=job.result,
        steps=trainer.state.global_step,
        loss=sum(last) / len(last),
        dev_loss=watch.dev_loss,
        best_step=best,
        seconds=watch.seconds,
        trainable_parameters=sum(p.numel() for p in model.parameters() if p.requires_grad),
        parameters=count_parameters(job.base),
        device=plan.device_name,
        backend=str(backend),
        rows=len(rows.input_ids),
        rows_dropped=rows.dropped,
        base_sha256=hash_files(sorted(job.base.glob("*.safetensors"))),
        versions={name: version(name) for name in names},
        dtype=plan.words,
    )


def write_provenance(job: TrainJob, rows: TokenRows, result: TrainResult) -> None:
    data = {
        "task": job.config.task,
        "base": job.base_name or str(job.base),
        "base_sha256": result.base_sha256,
        "config": job.config.to_json(),
        "config_sha256": job.config.sha256,
        "rows": {"used": result.rows, "dropped_too_long": result.rows_dropped, "sha256": rows.sha256},
        "tokens_in_rows": sum(rows.lengths),
        "result": {
            "steps": result.steps,
            "best_step": result.best_step,
            "loss_last_10_steps": result.loss,
            "dev_loss": result.dev_loss,
            "seconds": result.seconds,
        },
        "trainable_parameters": result.trainable_parameters,
        "parameters": result.parameters,
        "machine": {"system": platform.platform(), "device": result.device, "threads": torch.get_num_threads()},
        "dtype": result.dtype,
        "backend": result.backend,
        "versions": result.versions,
    }
    with disk("write the provenance", job.result):
        write_whole(job.result / "provenance.json", json.dumps(data, indent=1) + "\n")
