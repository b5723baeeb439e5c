"""What of a task is decided by, and what it has to reach before it ships: the `evaluation` part of task.yaml.

evaluation:
  primary: "f1:recipeIngredient"       the one figure that says whether tuning helped, declared before
  confirmatory: [strict, schema_valid]  tested beside it, corrected together (Holm)
  minimum_difference: 0.02              less than that is no help, however sure
  gates: {strict_point: 0.99, strict_low: 0.97}   thresholds that differ from the usual ones
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from training.task.yamlfile import Reader

GATES: Mapping[str, float] = {
    "strict_point": 0.99,  # strict parse: the rate itself, and its interval's lower bound
    "strict_low": 0.97,
    "schema_point": 0.99,  # schema kept without repair
    "schema_low": 0.97,
    "halluc_docs_high": 0.10,  # documents with something made up: upper bound, and how much worse than the base
    "halluc_margin": 0.02,
    "abstain_low": 0.80,  # left out where the text has none, over at least so many cases
    "abstain_n": 50,
    "slice_n": 20,  # a slice of so many documents must not fall by more
    "slice_drop": 0.05,
    "eos_point": 0.99,  # answers that end by themselves
    "latency_p95_s": 30.0,  # one document, on the device that was measured
    "memory_gb": 8.0,
    "parity_margin": 0.02,  # exported against adapter
}


@dataclass(frozen=True, slots=True)
class EvaluationSpec:
    """`primary` "" is the first list's F1, or what the first field is compared by. `gates` holds every threshold."""

    primary: str = ""
    confirmatory: tuple[str, ...] = ()
    minimum_difference: float = 0.02
    gates: Mapping[str, float] = field(default_factory=lambda: dict(GATES))


def read_evaluation(row: Reader) -> EvaluationSpec:
    """The part of a pack, checked to its last key. PackError for a threshold that is none."""
    spec = EvaluationSpec(
        primary=row.take("primary", str, ""),
        confirmatory=row.strings("confirmatory") if row.has("confirmatory") else (),
        minimum_difference=row.take("minimum_difference", float, 0.02),
        gates=dict(GATES) | (_gates(row.sub("gates")) if row.has("gates") else {}),
    )
    row.finish()
    return spec


def _gates(row: Reader) -> dict[str, float]:
    found = {name: row.take(name, float) for name in GATES if row.has(name)}
    row.finish()
    return found
