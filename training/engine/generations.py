"""Rows that were answered, or never were, as the records that a comparison keeps."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from training.engine.api import EngineStatus, ModelCard, Row
from training.task.records import FinishReason, Generation, Proof, Sampling

if TYPE_CHECKING:
    from training.engine.generate import Answer


def generation(
    card: ModelCard, row: Row, sampling: Sampling, proof: Proof, answer: "Answer", batch_size: int
) -> Generation:
    """One answered row. `sampling` is the row's own, with its temperature of a sweep."""
    return Generation(
        arm=row.arm,
        raw=answer.text,
        finish_reason=answer.finish,
        prompt_sha256=row.prompt.sha256,
        prompt_tokens=row.prompt.tokens,
        new_tokens=answer.new_tokens,
        ttft_s=answer.ttft_s,
        gen_s=answer.gen_s,
        batch_size=batch_size,
        sampling=sampling,
        device=card.device,
        dtype=card.dtype,
        proof=proof,
    )


def never_began(rows: Sequence[Row], sampling: Sampling, status: EngineStatus) -> list[Generation]:
    """Cancelled while waiting: nothing was asked of the model, so nothing is proven and nothing was written."""
    proofs = [Proof("", None, f"on: {a}" if (a := row.arm.adapter) else "off", 0.0, 0.0, passed=False) for row in rows]
    return [
        Generation(
            arm=row.arm,
            raw="",
            finish_reason=FinishReason.CANCELLED,
            prompt_sha256=row.prompt.sha256,
            prompt_tokens=row.prompt.tokens,
            new_tokens=0,
            ttft_s=0.0,
            gen_s=0.0,
            batch_size=len(rows),
            sampling=sampling,
            device=status.device if status.base else "",
            dtype=status.dtype if status.base else "",
            proof=proof,
        )
        for row, proof in zip(rows, proofs, strict=True)
    ]
