"""What is seen of a run while it goes on, and what ends it before its last step."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import training.engine.transformers_once  # noqa: F401  (first)

import psutil
import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from training.disk import disk, write_whole
from training.engine.load import trim_heap
from training.engine.train_checkpoints import last_whole, step_of
from training.engine.train_job import Hooks, TrainJob
from training.errors import ModelError
from training.runs.records import Step

TRIM_STEPS = 10  # a trim takes 0.2 s of some 20


def read_steps(path: Path) -> list[Step]:
    """The lines of a metrics.jsonl; [] where there is none. A last line that was not written to its end is left out."""
    if not path.is_file():
        return []
    text = path.read_text("utf-8")
    return [Step(**json.loads(line)) for line in text[: text.rfind("\n") + 1].splitlines()]


def memory_bytes() -> int:
    """What the GPU gave this process where there is one, else what the process holds."""
    return torch.cuda.memory_reserved() if torch.cuda.is_available() else psutil.Process().memory_info().rss


class Watch(TrainerCallback):
    """Writes metrics.jsonl, one line a step, tells the hooks, answers samples, and stops where there is a reason.

    `seen` gives (tokens, rows) seen by this process; `accuracy` the step's share of right guesses; `answer` runs the
    samples of a step. On resume, lines past `reached` are dropped first.
    """

    def __init__(
        self,
        job: TrainJob,
        hooks: Hooks,
        reached: int,
        *,
        seen: Callable[[], tuple[int, int]],
        accuracy: Callable[[], float | None],
        answer: Callable[[int], None],
    ) -> None:
        self._job, self._hooks = job, hooks
        self._seen, self._accuracy, self._answer = seen, accuracy, answer
        self.steps = [step for step in read_steps(job.metrics) if step.step <= reached]
        last = self.steps[-1] if self.steps else Step(0)
        self._seconds_before, self._tokens_before = last.seconds, last.tokens or 0
        self._start = self._mark = 0.0
        self._counted = (0, 0)
        self._fp16 = False  # what is computed in, once it begins
        self._held: Step | None = None  # a line that waits for its dev loss
        self.stopped = False
        self.dev_loss: float | None = next((s.dev_loss for s in reversed(self.steps) if s.dev_loss is not None), None)
        with disk("write the run's metrics", job.metrics):
            write_whole(job.metrics, "".join(json.dumps(asdict(step)) + "\n" for step in self.steps))

    @property
    def seconds(self) -> float:
        """Training time, of earlier processes as well."""
        return self.steps[-1].seconds if self.steps else 0.0

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._start, self._fp16 = time.perf_counter(), args.fp16
        if state.best_global_step:  # the run's folder may have been moved since
            state.best_model_checkpoint = str(self._job.checkpoints / f"checkpoint-{state.best_global_step}")
        self._hooks.phase("training")

    def on_step_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._mark = self._mark or time.perf_counter()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if state.global_step % TRIM_STEPS == 0:
            trim_heap()
        if state.global_step < state.max_steps and self._hooks.stop():
            self.stopped = True
            control.should_save = control.should_training_stop = True
            control.should_evaluate = False  # who stops a run waits for its checkpoint, and for nothing else

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        if not logs or "loss" not in logs:
            return
        self._check_numbers(state.global_step, logs["loss"], logs.get("grad_norm"))
        step = self._step(state.global_step, logs)
        if control.should_evaluate:
            self._held = step
        else:
            self._write(step)
        every = 0 if self.stopped else self._job.config.sample_steps
        if every and (state.global_step % every == 0 or state.global_step >= state.max_steps):
            self._answer(state.global_step)
        self._mark = time.perf_counter()

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float],
        **_: Any,
    ) -> None:
        loss = metrics["eval_loss"]
        if not math.isfinite(loss):
            raise self._broken(state.global_step, "dev loss")
        self.dev_loss = loss
        if self._held is not None:
            held, self._held = self._held, None
            self._write(replace(held, dev_loss=loss))
        patience = self._job.config.early_stopping
        if patience and (state.best_metric is None or loss < state.best_metric):
            control.should_save = True  # what may be gone back to must be there
        elif patience and state.global_step - (state.best_global_step or 0) >= patience * self._job.config.eval_steps:
            control.should_training_stop = True
        self._mark = time.perf_counter()

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._mark = time.perf_counter()

    def _step(self, number: int, logs: dict[str, Any]) -> Step:
        now = time.perf_counter()
        tokens, rows = self._seen()
        span = max(now - self._mark, 1e-9)
        new_tokens, new_rows = tokens - self._counted[0], rows - self._counted[1]
        self._counted = (tokens, rows)
        grad_norm = logs.get("grad_norm")
        return Step(
            step=number,
            loss=logs["loss"],
            token_accuracy=self._accuracy(),
            learning_rate=logs.get("learning_rate"),
            grad_norm=None if grad_norm is None or not math.isfinite(grad_norm) else float(grad_norm),
            tokens=self._tokens_before + tokens,
            tokens_per_s=round(new_tokens / span, 1),
            samples_per_s=round(new_rows / span, 3),
            memory_bytes=memory_bytes(),
            seconds=round(self._seconds_before + now - self._start, 3),
        )

    def _write(self, step: Step) -> None:
        self.steps.append(step)
        with disk("write the run's metrics", self._job.metrics), self._job.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(step)) + "\n")
        self._hooks.step(step)

    def _check_numbers(self, step: int, loss: float, grad_norm: float | None) -> None:
        """Before anything is saved: weights after such a step are worth nothing."""
        if not math.isfinite(loss):
            raise self._broken(step, "loss")
        if (
            grad_norm is not None and not math.isfinite(grad_norm) and not self._fp16
        ):  # there such a step is passed over
            raise self._broken(step, "gradient")

    def _broken(self, step: int, what: str) -> ModelError:
        config = self._job.config
        before = next((f"; the loss was {s.loss:.4f} at step {s.step}" for s in self.steps[-1:] if s.loss), "")
        advice = [f"lower learning_rate from {config.learning_rate:g} to {config.learning_rate / 5:g}"]
        if not config.max_grad_norm:
            advice.append("set max_grad_norm to 1")
        if self._fp16:  # asked for, or auto's choice on a card without bf16
            advice.append("set dtype to fp32")
        kept = last_whole(self._job.checkpoints)
        kept_words = f" The checkpoint of step {step_of(kept)} is kept." if kept else ""
        words = " and ".join(advice)
        return ModelError(
            f"The {what} is not a number any more at step {step}{before}.",
            fix=f"{words[0].upper()}{words[1:]}, then start again.{kept_words}",
        )
