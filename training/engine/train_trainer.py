"""TRL's trainer over rows that are tokenised and masked already: our order, loss and dev loss, whole checkpoints."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import training.engine.transformers_once  # noqa: F401  (first)

import torch
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR
from trl import SFTTrainer

from training.engine.train_checkpoints import mark_whole
from training.engine.train_order import LengthGroups, round_up, rows_in, tokens_in
from training.engine.train_rows import IGNORED

HEIGHTS = 256  # the output layer is given a multiple of so many tokens: a CPU keeps kernels for each shape it meets


def needed_mask(mask: torch.Tensor) -> torch.Tensor | None:
    """None where every row is padded on the right (rows, places): no real token of a causal model looks there.

    Without a mask the quick attention kernels can be used, on a CPU the only ones that do not hold places x places.
    """
    on_the_right = bool((mask[:, :-1] >= mask[:, 1:]).all())
    return None if on_the_right else mask


@contextmanager
def undisturbed(model: Any) -> Iterator[None]:
    """Whatever runs inside leaves training as it was: random numbers, and which layers are in training mode."""
    modes = [(module, module.training) for module in model.modules()]
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=devices), torch.no_grad():
        model.eval()
        try:
            yield
        finally:
            for module, mode in modes:
                module.training = mode


class RowTrainer(SFTTrainer):
    """Sums what is learnt over completion tokens alone; says nothing to anyone, writes no model card."""

    def __init__(
        self, *, sampler: LengthGroups, dev: list[dict[str, torch.Tensor]], focal_gamma: float = 0.0, **kwargs: Any
    ) -> None:
        self._sampler = sampler
        self._dev = dev
        self._focal_gamma = focal_gamma
        self.tokens_seen = 0
        self.rows_seen = 0
        self.right = torch.zeros(())  # tokens of the step whose likeliest guess was right
        self.asked = torch.zeros(())  # tokens of the step that were learnt
        super().__init__(**kwargs)
        self.model_accepts_loss_kwargs = True  # our loss divides by all of a step's tokens, whatever the model takes

    def _send_telemetry(self) -> None:
        """Nothing: TRL would tell its makers which trainer ran."""

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthGroups:
        return self._sampler

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """Cross entropy over learnt tokens, summed and divided by the step's number of them."""
        chosen, right = learned_logits(model, inputs)
        divisor = len(right) if num_items_in_batch is None else num_items_in_batch
        with torch.no_grad():
            self.right = self.right.to(right.device) + (chosen.argmax(-1) == right).sum()
            self.asked = self.asked.to(right.device) + len(right)
        self.tokens_seen += tokens_in(inputs)
        self.rows_seen += rows_in(inputs)
        nats = torch.nn.functional.cross_entropy(chosen, right, reduction="none")
        if self._focal_gamma:  # Lin et al. 2017: what the model is sure of already counts less
            nats = nats * (1 - torch.exp(-nats.detach())) ** self._focal_gamma
        return nats.sum() / divisor

    def step_accuracy(self) -> float | None:
        """Share of the learnt tokens since the last call whose likeliest guess was right; None for none."""
        share = float(self.right / self.asked) if self.asked else None
        self.right, self.asked = torch.zeros_like(self.right), torch.zeros_like(self.asked)
        return share

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Loss on the dev rows: nats a learnt token, each token counted once, plain whatever is trained with."""
        found = {"eval_loss": self.dev_loss()}
        self.log(dict(found))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, found)
        return found

    def dev_loss(self) -> float:
        total, tokens = 0.0, 0
        with undisturbed(self.model):
            for batch in self._dev:
                chosen, right = learned_logits(self.model, self._prepare_inputs(dict(batch)))
                total += float(torch.nn.functional.cross_entropy(chosen, right, reduction="sum"))
                tokens += len(right)
        return total / tokens

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """A checkpoint counts once its last file is written and it was marked whole."""
        super()._save_checkpoint(model, trial)
        mark_whole(Path(self._get_output_dir(trial)) / f"{PREFIX_CHECKPOINT_DIR}-{self.state.global_step}")

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: provenance.json says what a card would, and a checkpoint is no release."""


def learned_logits(model: Any, inputs: Mapping[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (N, vocab) in fp32 before each of the batch's N learnt tokens, and those tokens (N,).

    They alone pass through the output layer and what follows it. TRL's own fused head does as much with Triton, so on a
    GPU; this does it everywhere and for every model.
    """
    targets = inputs["labels"][:, 1:]
    learned = targets != IGNORED  # (rows, places - 1): places whose next token carries loss

    def select(_head: Any, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor]:
        chosen = given[0][:, :-1][learned]
        spare = round_up(len(chosen), HEIGHTS) - len(chosen)
        return (torch.nn.functional.pad(chosen, (0, 0, 0, spare)).unsqueeze(0),)

    if "attention_mask" in inputs:
        shown = {"attention_mask": needed_mask(inputs["attention_mask"])}
    else:
        shown = {"position_ids": inputs["position_ids"]}
    hook = model.get_output_embeddings().register_forward_pre_hook(select)
    try:
        seen = model(input_ids=inputs["input_ids"], use_cache=False, **shown)
    finally:
        hook.remove()
    right = targets[learned]
    return seen.logits[0, : len(right)].float(), right
