"""Proof of sides: numbers that show which weights answered.

A fixed row of ids goes through the bare base before any adapter is near, at each batch size a comparison can have.
Later, base rows of a mixed batch must give those logits again, adapter rows must not, and each adapter must give the
logits it gave when it was attached. Batch sizes are kept apart because a matrix product may round differently at
another size; at the same size a base row repeats bit for bit on a CPU. The tolerance is 16 units of rounding of the
largest logit, or twice what the batch size alone was seen to change, whichever is more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from training.engine.api import MAX_ARMS
from training.engine.sides import BASE_ROW
from training.errors import ProofError
from training.task.records import Proof

_PROBE_TOKENS = 16
_UNITS = 16
_FOUR_BIT_TOLERANCE = 1e-2


@dataclass(frozen=True, slots=True)
class Pristine:
    """Logits of the bare base at the probe's last position: `logits[n]` is (n, vocab) fp32 on the CPU."""

    ids: torch.Tensor  # (_PROBE_TOKENS,)
    logits: dict[int, torch.Tensor]
    tolerance: float

    @classmethod
    def take(cls, model: Any, device: torch.device, dtype: torch.dtype, four_bit: bool) -> "Pristine":
        """Run the bare model; call before PEFT wraps it. ProofError where it gives no finite numbers."""
        vocab = model.get_input_embeddings().weight.shape[0]
        ids = torch.tensor([(7919 * n + 104729) % vocab for n in range(_PROBE_TOKENS)], device=device)
        logits = {size: run_probe(model, ids, size) for size in range(1, MAX_ARMS + 1)}
        one = logits[1][0]
        if not torch.isfinite(one).all():
            raise ProofError("The base gives no finite numbers.", fix="Its weights are damaged; fetch them again.")
        floor = max(float((rows - one).abs().max()) for rows in logits.values())
        rounding = _UNITS * torch.finfo(dtype).eps * max(1.0, float(one.abs().max()))
        least = _FOUR_BIT_TOLERANCE if four_bit else 0.0
        return cls(ids, logits, max(2 * floor, rounding, least))

    def difference(self, found: torch.Tensor, row: int, size: int) -> float:
        """Largest absolute difference of one row's logits (vocab,) from the bare base's at that batch size."""
        return float((found - self.logits[size][row]).abs().nan_to_num(nan=torch.inf).max())


@torch.inference_mode()
def run_probe(model: Any, ids: torch.Tensor, size: int) -> torch.Tensor:
    """Last-position logits (size, vocab) of `size` equal rows, fp32 on the CPU."""
    batch = ids.unsqueeze(0).repeat(size, 1)
    return model(input_ids=batch, use_cache=False, logits_to_keep=1).logits[:, -1].float().cpu().clone()


def prove(
    pristine: Pristine,
    names: Sequence[str],
    run: Callable[[], torch.Tensor],
    references: dict[str, torch.Tensor],
) -> list[float]:
    """Probe a batch whose row n is answered by `names[n]`; returns each row's difference from the bare base.

    `run` gives the batch's probe logits (len(names), vocab); `references` each adapter's own logits (vocab,) from when
    it was attached. Raises ProofError for a base row that differs, an adapter row that does not, or an adapter that
    no longer is what it was.
    """
    found = run()
    differences: list[float] = []
    for row, name in enumerate(names):
        difference = pristine.difference(found[row], row, len(names))
        differences.append(difference)
        if name == BASE_ROW:
            if not difference <= pristine.tolerance:
                raise ProofError(
                    f"The base arm is not the pristine base: its logits differ by {difference:.3g}.",
                    fix="Load the model again; nothing of this comparison may be trusted.",
                )
            continue
        if not difference > pristine.tolerance:
            raise ProofError(
                f"The adapter changes nothing: its logits are the base's (within {pristine.tolerance:.1g}).",
                fix="Check that the right adapter was trained and saved; load the model again.",
            )
        drift = float((found[row] - references[name]).abs().nan_to_num(nan=torch.inf).max())
        if not drift <= _adapter_tolerance(pristine, references[name]):
            raise ProofError(
                f"The adapter is not the one that was loaded: its logits moved by {drift:.3g}.",
                fix="Load the model again; nothing of this comparison may be trusted.",
            )
    return differences


def _adapter_tolerance(pristine: Pristine, reference: torch.Tensor) -> float:
    return 8 * pristine.tolerance + 1e-4 * float(reference.abs().max())


def make_proof(pristine: Pristine, base_sha256: str, adapter: tuple[str, str] | None, difference: float) -> Proof:
    """A passed proof for one row; `adapter` is (label, sha256). Only called after `prove` let the batch pass."""
    return Proof(
        base_sha256=base_sha256,
        adapter_sha256=None if adapter is None else adapter[1],
        adapter_state="off" if adapter is None else f"on: {adapter[0]}",
        probe_max_logit_diff=difference,
        tolerance=pristine.tolerance,
        passed=True,
    )
