"""The fairness receipt: which settings every arm shared, and which not."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.task.records import ArmResult, Receipt


def build_receipt(results: Sequence[ArmResult], versions: Mapping[str, str]) -> Receipt:
    """Compare the arms setting by setting. A setting stands in `equal` once, or in `differs` by arm label."""
    columns = {result.generation.arm.label: _settings(result) for result in results}
    equal: dict[str, Any] = {}
    differs: dict[str, dict[str, Any]] = {}
    for name in next(iter(columns.values()), {}):
        values = {label: column[name] for label, column in columns.items()}
        first = next(iter(values.values()))
        if all(value == first for value in values.values()):
            equal[name] = first
        else:
            differs[name] = values
    return Receipt(equal | {"versions": dict(versions)}, differs)


def _settings(result: ArmResult) -> dict[str, Any]:
    generation = result.generation
    sampling, proof = generation.sampling, generation.proof
    return {
        "prompt_sha256": generation.prompt_sha256,
        "prompt_tokens": generation.prompt_tokens,
        "seed": sampling.seed,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "repetition_penalty": sampling.repetition_penalty,
        "no_repeat_ngram": sampling.no_repeat_ngram,
        "constrained": sampling.constrained,
        "max_new_tokens": sampling.max_new_tokens,
        "dtype": generation.dtype,
        "device": generation.device,
        "batch_size": generation.batch_size,
        "base_sha256": proof.base_sha256,
        "adapter_sha256": proof.adapter_sha256,
    }
