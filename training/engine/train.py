"""Train a LoRA adapter with TRL's SFTTrainer from one frozen config.

Promise: the loss is on completion tokens alone, the same config on the same
machine gives the same adapter, an interrupted run goes on from its last checkpoint, and the folder left behind is
complete: adapter, metrics.jsonl (one line a step), config.json, provenance.json. Limits: one process, one device.
"""

import json
import platform
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, PrinterCallback
from transformers.trainer_utils import get_last_checkpoint
from trl import SFTConfig

from training.engine.hashes import hash_files
from training.engine.train_config import LoraRunConfig
from training.engine.train_rows import IGNORED, TokenRows, tokenize_rows
from training.engine.train_trainer import LengthGroups, LoraTrainer, MetricsFile, Progress, read_lines
from training.errors import ModelError, StorageError

_TORCH_DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a finished run left. `loss` is the mean of its last ten logged steps (nats a completion token)."""

    adapter: Path
    steps: int
    loss: float
    seconds: float
    trainable_parameters: int


def train_lora(config: LoraRunConfig, progress: Progress | None = None) -> TrainResult:
    """Run `config` to its end and leave the adapter in `config.out`; `progress` is given each line of metrics.jsonl.

    Raises InputError for rows that can't be trained on, ModelError for a base that can't be read and StorageError
    when the disk refuses.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    started = time.perf_counter()
    try:
        config.out.mkdir(parents=True, exist_ok=True)
        (config.out / "config.json").write_text(json.dumps(config.to_json(), indent=1) + "\n", "utf-8")
    except OSError as err:
        raise StorageError(f"{config.out} can't be written: {err.strerror}.", fix="Pick another folder.") from err
    tokenizer, model = _load(config)
    rows = tokenize_rows(config, tokenizer)
    checkpoint = get_last_checkpoint(str(config.out / "checkpoints")) if _can_resume(config) else None
    trainer = _build_trainer(config, tokenizer, model, rows)
    metrics = config.out / "metrics.jsonl"
    reached = int(checkpoint.rsplit("-", 1)[-1]) if checkpoint else 0
    lines = MetricsFile(metrics, reached, progress)
    trainer.resume_tokens(lines.tokens_before)
    trainer.add_callback(lines)
    trainer.remove_callback(PrinterCallback)
    _check_first_batch(trainer)
    trainer.train(resume_from_checkpoint=checkpoint)
    trainable = save_adapter(trainer.model, config)
    last = [row["loss"] for row in read_lines(metrics)][-10:]
    result = TrainResult(
        adapter=config.out,
        steps=trainer.state.global_step,
        loss=sum(last) / len(last),
        seconds=round(time.perf_counter() - started, 3),
        trainable_parameters=trainable,
    )
    _write_provenance(config, rows, result)
    return result


def _can_resume(config: LoraRunConfig) -> bool:
    return config.resume and (config.out / "checkpoints").is_dir()


def _load(config: LoraRunConfig) -> tuple[Any, Any]:
    on_cuda = torch.cuda.is_available()
    dtype = torch.bfloat16 if on_cuda and torch.cuda.is_bf16_supported() else torch.float32
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(config.base), trust_remote_code=False)
        model = AutoModelForCausalLM.from_pretrained(
            str(config.base), dtype=dtype, use_safetensors=True, trust_remote_code=False
        )
    except (OSError, ValueError) as err:
        reason = str(err).splitlines()[0]
        raise ModelError(f"{config.base} can't be loaded: {reason}", fix="Give a model folder.") from err
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer, model


def _build_trainer(config: LoraRunConfig, tokenizer: Any, model: Any, rows: TokenRows) -> LoraTrainer:
    on_cuda = torch.cuda.is_available()
    targets = config.target_modules if isinstance(config.target_modules, str) else list(config.target_modules)
    lora = LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
    )
    arguments = SFTConfig(
        output_dir=str(config.out / "checkpoints"),
        max_steps=config.steps,
        per_device_train_batch_size=config.batch_size,
        gradient_accumulation_steps=config.grad_accumulation,
        learning_rate=config.learning_rate,
        lr_scheduler_type=config.schedule,
        warmup_steps=config.warmup_steps,
        weight_decay=config.weight_decay,
        optim=config.optimizer,
        adam_beta2=config.adam_beta2,
        max_grad_norm=config.max_grad_norm,
        seed=config.seed,
        data_seed=config.seed,
        max_length=None,  # the rows were checked against it; nothing may be cut
        completion_only_loss=True,
        dataset_kwargs={"skip_prepare_dataset": True},
        gradient_checkpointing=False,
        bf16=(on_cuda and torch.cuda.is_bf16_supported()) if config.bf16 is None else config.bf16,
        use_cpu=not on_cuda,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="steps" if config.save_steps else "no",
        save_steps=config.save_steps or 500,
        save_total_limit=2,
        dataloader_pin_memory=on_cuda,
        report_to="none",
        disable_tqdm=True,
    )
    return LoraTrainer(
        focal_gamma=config.focal_gamma,
        sampler=_sampler(config, rows),
        model=model,
        args=arguments,
        train_dataset=Dataset.from_dict({"input_ids": rows.input_ids, "labels": rows.labels}),
        processing_class=tokenizer,
        peft_config=lora,
    )


def _sampler(config: LoraRunConfig, rows: TokenRows) -> LengthGroups:
    short = config.short_first_steps * config.batch_size * config.grad_accumulation
    return LengthGroups(rows.lengths, config.batch_size, config.grad_accumulation, config.seed, short)


def _check_first_batch(trainer: LoraTrainer) -> None:
    """What reaches the model must carry a mask with both sides: prompt without loss, completion with it."""
    batch = next(iter(trainer.get_train_dataloader()))
    learned = batch["labels"] != IGNORED
    right = (batch["labels"][learned] == batch["input_ids"][learned]).all()
    if not (learned.any(1).all() and (~learned).any(1).all() and right):
        raise RuntimeError("the collated batch lost the completion mask: nothing was trained")


def save_adapter(model: Any, config: LoraRunConfig) -> int:
    """Write adapter_model.safetensors in `config.save_dtype` and adapter_config.json; returns trainable parameters."""
    dtype = _TORCH_DTYPES[config.save_dtype]
    weights = get_peft_model_state_dict(model, save_embedding_layers=False)  # "auto" would ask the hub
    state = {name: value.detach().cpu().to(dtype).contiguous() for name, value in weights.items()}
    if broken := [name for name, value in state.items() if not torch.isfinite(value).all()]:
        raise ModelError(f"The adapter holds non-finite numbers in {broken[0]}.", fix="Lower the learning rate.")
    peft_config = model.peft_config["default"]
    peft_config.inference_mode = True
    peft_config.base_model_name_or_path = config.base_name or str(config.base)
    try:
        save_file(state, config.out / "adapter_model.safetensors", metadata={"format": "pt"})
        peft_config.save_pretrained(str(config.out))
    except OSError as err:
        raise StorageError(f"{config.out} refused the adapter: {err}.", fix="Free space and resume the run.") from err
    return sum(value.numel() for value in state.values())


def _write_provenance(config: LoraRunConfig, rows: TokenRows, result: TrainResult) -> None:
    data = {
        "task": config.task,
        "base_sha256": hash_files(sorted(config.base.glob("*.safetensors"))),
        "config": config.to_json(),
        "rows": {"used": len(rows.input_ids), "dropped_too_long": rows.dropped, "sha256": rows.sha256},
        "tokens_in_rows": sum(rows.lengths),
        "result": {"steps": result.steps, "loss_last_10_steps": result.loss, "seconds": result.seconds},
        "trainable_parameters": result.trainable_parameters,
        "machine": {"system": platform.platform(), "threads": torch.get_num_threads()},
        "versions": {name: version(name) for name in ("torch", "transformers", "peft", "trl")},
    }
    (config.out / "provenance.json").write_text(json.dumps(data, indent=1) + "\n", "utf-8")
