"""One run from its rows to its adapter: everything is put together here, in the order in which it happens."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import training.engine.transformers_once  # noqa: F401  (first)

import torch
from datasets import Dataset
from transformers import PrinterCallback, TrainerState
from transformers.utils import logging as transformers_logging
from trl import SFTConfig

from training.disk import disk
from training.engine.train_backends import Backend
from training.engine.train_checkpoints import begin_with, step_of
from training.engine.train_device import Plan, plan_for
from training.engine.train_faults import said_by_the_machine
from training.engine.train_job import Hooks, TrainJob, TrainResult
from training.engine.train_methods import begin_alike, load, lora_of, save, start_from
from training.engine.train_order import LengthGroups, packed, padded
from training.engine.train_packing import check_packing
from training.engine.train_report import Made, result_of, write_provenance
from training.engine.train_rows import IGNORED, TokenRows, tokenize_rows
from training.engine.train_samples import Sampler
from training.engine.train_trainer import RowTrainer
from training.engine.train_watch import Watch
from training.errors import InputError

NEVER = 10**9  # steps


def run(job: TrainJob, hooks: Hooks, backend: Backend) -> TrainResult:
    """See training.engine.train.train."""
    transformers_logging.disable_progress_bar()
    config = job.config
    _check_dev(job)
    if config.threads:
        torch.set_num_threads(config.threads)
    with disk("make the run's folder", job.out):
        job.checkpoints.mkdir(parents=True, exist_ok=True)
    plan = plan_for(config, job.base)
    with said_by_the_machine(job):
        tokenizer, model = _read(job, plan, backend)
        rows = tokenize_rows(job.rows, tokenizer, config)
        dev = tokenize_rows(job.dev_rows, tokenizer, config, "Dev row") if job.dev_rows else None
        checkpoint = begin_with(job, rows.sha256)
        trainer = _trainer(job, plan, tokenizer, model, rows, dev)
        watch = _watch(job, hooks, trainer, step_of(checkpoint) if checkpoint else 0)
        _check_first_batch(trainer, config.answer_only)
        if config.packing:
            check_packing(trainer.model, plan.device)
        if checkpoint is not None and _is_over(job, trainer, checkpoint):
            trainer._load_from_checkpoint(str(checkpoint))
        else:
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        best = _go_back_to_best(job, trainer, watch)
        result = result_of(job, Made(plan, backend, trainer, watch), rows, best)
        if not watch.stopped:
            hooks.phase("saving")
            save(trainer.model, tokenizer, job)
            write_provenance(job, rows, result)
    return result


def _check_dev(job: TrainJob) -> None:
    config = job.config
    if config.early_stopping and not config.eval_steps:
        raise InputError(
            f"early_stopping is {config.early_stopping}, but eval_steps is 0: nothing is evaluated.",
            fix="Set eval_steps, or early_stopping to 0.",
        )
    if config.eval_steps and not job.dev_rows:
        raise InputError(
            f"eval_steps is {config.eval_steps}, but there are no dev rows.",
            fix="Set eval_steps and early_stopping to 0, or take a dataset version with a dev part.",
        )


def _read(job: TrainJob, plan: Plan, backend: Backend) -> tuple[Any, Any]:
    """Tokenizer and model; unsloth's comes with its small matrices on."""
    if backend.name == "unsloth":
        from training.engine import train_unsloth

        return train_unsloth.load(job, plan)
    return load(job, plan)


def _trainer(
    job: TrainJob, plan: Plan, tokenizer: Any, model: Any, rows: TokenRows, dev: TokenRows | None
) -> RowTrainer:
    config, pad = job.config, int(tokenizer.pad_token_id or 0)
    with _mirrors(job):
        trainer = RowTrainer(
            sampler=_sampler(job, rows),
            dev=_dev_batches(dev, config.batch_size, pad),
            focal_gamma=config.focal_gamma,
            model=model,
            args=_arguments(job, plan, len(rows.input_ids), dev is not None, _recomputes(job, model)),
            train_dataset=_dataset(rows),
            eval_dataset=_dataset(dev) if dev is not None and config.eval_steps else None,
            data_collator=packed if config.packing else lambda batch: padded(batch, pad),
            processing_class=tokenizer,
            peft_config=None if hasattr(model, "peft_config") else lora_of(config),
        )
    trainer.remove_callback(PrinterCallback)
    begin_alike(trainer.model, config.seed)
    if job.start is not None:
        start_from(trainer.model, job.start)
    return trainer


@contextmanager
def _mirrors(job: TrainJob) -> Iterator[None]:
    """Where mirrors write, and what is said where one is not installed."""
    if "tensorboard" in job.config.report_to:
        os.environ.setdefault("TENSORBOARD_LOGGING_DIR", str(job.out / "tensorboard"))
    try:
        yield
    except (RuntimeError, ImportError) as err:
        named = [name for name in job.config.report_to if name in str(err).lower()]
        if not named:
            raise
        raise InputError(
            f"report_to names {named[0]}, which is not installed here.",
            fix=f"Install it (pip install {named[0]}), or take it out of report_to.",
        ) from err


def _recomputes(job: TrainJob, model: Any) -> bool:
    """Whether the trainer is to switch gradient checkpointing on; unsloth's model has done so itself by now."""
    if not job.config.gradient_checkpointing or hasattr(model, "peft_config"):
        return False
    if not getattr(model, "supports_gradient_checkpointing", False):
        raise InputError(
            f"gradient_checkpointing is on, which {type(model).__name__} does not know.",
            fix="Set gradient_checkpointing to false; a smaller batch_size saves memory too.",
        )
    return True


def _arguments(job: TrainJob, plan: Plan, rows: int, has_dev: bool, recomputes: bool) -> SFTConfig:
    config = job.config
    steps = config.steps_of(rows)
    saves = bool(config.save_steps or config.early_stopping)
    evaluates = bool(has_dev and config.eval_steps)
    return SFTConfig(
        output_dir=str(job.checkpoints),
        run_name=job.out.name,
        max_steps=steps,
        per_device_train_batch_size=config.batch_size,
        gradient_accumulation_steps=config.grad_accumulation,
        learning_rate=config.learning_rate,
        lr_scheduler_type=config.schedule,
        warmup_steps=config.warmup_steps(steps),
        weight_decay=config.weight_decay,
        optim=config.optimizer,
        adam_beta2=config.adam_beta2,
        max_grad_norm=config.max_grad_norm,
        seed=config.seed,
        data_seed=config.seed,
        max_length=None,  # the rows were checked against it; nothing may be cut
        completion_only_loss=config.answer_only,
        dataset_kwargs={"skip_prepare_dataset": True},
        gradient_checkpointing=recomputes,
        gradient_checkpointing_kwargs={"use_reentrant": False} if recomputes else None,
        bf16=plan.autocast == torch.bfloat16,
        fp16=plan.autocast == torch.float16,
        tf32=True if plan.tf32 else None,
        use_cpu=not plan.on_cuda,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="steps" if saves else "no",
        save_steps=config.save_steps or NEVER,
        save_total_limit=2,
        eval_strategy="steps" if evaluates else "no",
        eval_steps=config.eval_steps or None,
        metric_for_best_model="eval_loss" if evaluates else None,
        greater_is_better=False if evaluates else None,
        dataloader_pin_memory=plan.on_cuda,
        report_to=list(config.report_to) or "none",
        disable_tqdm=True,
    )


def _dataset(rows: TokenRows) -> Dataset:
    return Dataset.from_dict({"input_ids": rows.input_ids, "labels": rows.labels})


def _sampler(job: TrainJob, rows: TokenRows) -> LengthGroups:
    config = job.config
    short = config.short_first_steps * config.batch_size * config.grad_accumulation
    return LengthGroups(rows.lengths, config.batch_size, config.grad_accumulation, config.seed, short)


def _dev_batches(dev: TokenRows | None, size: int, pad: int) -> list[dict[str, torch.Tensor]]:
    """Dev rows of like lengths together, padded."""
    if dev is None:
        return []
    order = sorted(range(len(dev.input_ids)), key=lambda n: dev.lengths[n])
    rows = [{"input_ids": dev.input_ids[n], "labels": dev.labels[n]} for n in order]
    return [padded(rows[at : at + size], pad) for at in range(0, len(rows), size)]


def _watch(job: TrainJob, hooks: Hooks, trainer: RowTrainer, reached: int) -> Watch:
    config = job.config
    tokenizer: Any = trainer.processing_class
    sampler = Sampler(trainer.model, tokenizer, trainer.args.device) if job.samples and config.sample_steps else None

    def answer(step: int) -> None:
        if sampler is not None:
            for prompt in job.samples:
                raw, finish, seconds = sampler.answer(prompt)
                hooks.sample(step, prompt, raw, finish, seconds)

    watch = Watch(
        job, hooks, reached,
        seen=lambda: (trainer.tokens_seen, trainer.rows_seen), accuracy=trainer.step_accuracy, answer=answer,
    )  # fmt: skip
    trainer.add_callback(watch)
    return watch


def _check_first_batch(trainer: RowTrainer, answer_only: bool) -> None:
    """What reaches the model must carry a mask with both sides: prompt without loss, completion with it."""
    batch = next(iter(trainer.get_train_dataloader()))
    learned = batch["labels"] != IGNORED
    right = (batch["labels"][learned] == batch["input_ids"][learned]).all()
    if not (learned.any(1).all() and ((~learned).any(1).all() or not answer_only) and right):
        raise RuntimeError("the collated batch lost the completion mask: nothing was trained")


def _is_over(job: TrainJob, trainer: RowTrainer, checkpoint: Path) -> bool:
    """Whether the run ended between this checkpoint and its adapter; the trainer then stands where it stood."""
    state = TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))
    patience = job.config.early_stopping * job.config.eval_steps
    given_up = patience and state.best_global_step and state.global_step - state.best_global_step >= patience
    if state.global_step < trainer.args.max_steps and not given_up:
        return False
    trainer.state = state
    return True


def _go_back_to_best(job: TrainJob, trainer: RowTrainer, watch: Watch) -> int | None:
    """Put the weights with the lowest dev loss back, where early stopping was asked for; returns their step."""
    best = trainer.state.best_global_step
    if not job.config.early_stopping or not best or watch.stopped:
        return None
    watch.dev_loss = trainer.state.best_metric
    if best != trainer.state.global_step:
        trainer._load_from_checkpoint(str(job.checkpoints / f"checkpoint-{best}"))
    return best
