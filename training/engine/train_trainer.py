"""The pieces of a LoRA run that differ from a plain TRL one: row order, loss, metrics file."""

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Sampler
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from trl import SFTTrainer

from training.engine.train_rows import IGNORED

Progress = Callable[[dict[str, Any]], None]
_WINDOW = 8  # micro-batches that are sorted by length together


class LengthGroups(Sampler[int]):
    """Shuffled rows, sorted by length inside windows of a few micro-batches, micro-batches shuffled again.

    The first `short` rows given out are of the shortest quarter. Deterministic in (seed, epoch), so a resumed run
    skips exactly the rows it has seen.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, accumulation: int, seed: int, short: int = 0) -> None:
        self._lengths = lengths
        self._short = short
        self._batch = batch_size
        self._window = batch_size * max(accumulation, _WINDOW)
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        rng = random.Random(f"{self._seed}/{self._epoch}")
        order = list(range(len(self._lengths)))
        rng.shuffle(order)
        if self._short and not self._epoch:
            border = sorted(self._lengths)[len(self._lengths) // 4]
            first = [i for i in order if self._lengths[i] <= border][: self._short]
            taken = set(first)
            order = first + [i for i in order if i not in taken]
        full: list[list[int]] = []
        rest: list[int] = []  # a short batch must stay last, or every later one would straddle two
        for start in range(0, len(order), self._window):
            window = sorted(order[start : start + self._window], key=lambda i: self._lengths[i])
            batches = [window[i : i + self._batch] for i in range(0, len(window), self._batch)]
            rest = batches.pop() if len(batches[-1]) < self._batch else rest
            rng.shuffle(batches)
            full += batches
        return iter([index for batch in full for index in batch] + rest)


class MetricsFile(TrainerCallback):
    """One JSON line a step; on resume, lines past the checkpoint are dropped first."""

    def __init__(self, path: Path, from_step: int, tell: Progress | None) -> None:
        self._path = path
        self._tell = tell
        self._start = time.perf_counter()
        kept = [row for row in read_lines(path) if row["step"] <= from_step]
        self._before = kept[-1]["seconds"] if kept else 0.0
        self.tokens_before = int(kept[-1]["tokens"]) if kept else 0
        path.write_text("".join(json.dumps(row) + "\n" for row in kept), "utf-8")

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        if not logs or "loss" not in logs:
            return
        row = {
            "step": state.global_step,
            "loss": logs["loss"],
            "token_accuracy": logs.get("mean_token_accuracy"),
            "learning_rate": logs.get("learning_rate"),
            "grad_norm": logs.get("grad_norm"),
            "tokens": logs.get("num_tokens"),
            "seconds": round(self._before + time.perf_counter() - self._start, 3),
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        if self._tell is not None:
            self._tell(row)


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []


def needed_mask(mask: torch.Tensor) -> torch.Tensor | None:
    """None where every row is padded on the right (rows, places): no real token of a causal model looks there.

    Without a mask the quick attention kernels can be used, on a CPU the only ones that do not hold places x places.
    """
    on_the_right = bool((mask[:, :-1] >= mask[:, 1:]).all())
    return None if on_the_right else mask


class LoraTrainer(SFTTrainer):
    """SFTTrainer over rows that are tokenised and masked already, in our own order, without model cards."""

    def __init__(self, *, sampler: LengthGroups, focal_gamma: float = 0.0, **kwargs: Any) -> None:
        self._sampler = sampler
        self._focal_gamma = focal_gamma
        super().__init__(**kwargs)

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthGroups:
        return self._sampler

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """Cross entropy over completion tokens: they alone pass through the output layer and what follows it.

        TRL's own fused head does as much with Triton, so on a GPU; this does it everywhere and for every model.
        """
        targets = inputs["labels"][:, 1:]
        learned = targets != IGNORED  # (rows, places - 1): places whose next token carries loss
        right = targets[learned]  # (N,)

        def select(_head: Any, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor]:
            return (given[0][:, :-1][learned].unsqueeze(0),)

        hook = model.get_output_embeddings().register_forward_pre_hook(select)
        try:
            seen = model(
                input_ids=inputs["input_ids"], attention_mask=needed_mask(inputs["attention_mask"]), use_cache=False
            )
        finally:
            hook.remove()
        chosen = seen.logits[0].float()  # (N, vocab)
        divisor = learned.sum() if num_items_in_batch is None else num_items_in_batch
        with torch.no_grad():
            self._metrics["train"]["mean_token_accuracy"].append((chosen.argmax(-1) == right).float().mean().item())
            self._total_train_tokens += int(inputs["attention_mask"].sum())
            self._metrics["train"]["num_tokens"] = [self._total_train_tokens]
        nats = torch.nn.functional.cross_entropy(chosen, right, reduction="none")
        if self._focal_gamma:  # Lin et al. 2017: what the model is sure of already counts less
            nats = nats * (1 - torch.exp(-nats.detach())) ** self._focal_gamma
        return nats.sum() / divisor

    def resume_tokens(self, tokens: int) -> None:
        """Go on counting seen tokens where the interrupted run stood."""
        self._total_train_tokens = tokens

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: provenance.json says what a card would, and a checkpoint is no release."""
