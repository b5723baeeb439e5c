"""Release gates: may this adapter ship, by rules that were fixed before (metrics E).

    gates = check_gates(folder, pack)
    sys.exit(exit_code(gates))        0 every gate passes or does not apply, 1 one fails, 3 none fails, data is short

A pass needs the interval's bound, never the point alone; a target inside the interval is insufficient data, and the
table says how many documents would settle it. Limit: gates see what was evaluated. They don't know what a model does on
texts of another kind.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.evals import gate_floors as floors
from training.evals import gate_records as records
from training.evals import gate_rules as rules
from training.evals.figures import asked_pair, figures_of, read_aggregates
from training.evals.gate_numbers import FAIL, UNSURE, GateVerdict
from training.evals.gate_rules import Ask, Gate
from training.evals.manifest import read_manifest
from training.task.pack import Pack

__all__ = ["EXIT_FAIL", "EXIT_PASS", "EXIT_UNSURE", "Gate", "GateVerdict", "check_gates", "exit_code"]

EXIT_PASS, EXIT_FAIL, EXIT_UNSURE = 0, 1, 3
GATES = (
    records.data, rules.strict, rules.schema, rules.primary, floors.trivial, rules.invention, rules.abstention,
    records.golden, rules.slices, rules.stop, rules.latency, floors.parity, records.judge, records.reproducibility,
)  # fmt: skip


def check_gates(source: Path | Mapping[str, Any], pack: Pack, arm: str = "", base: str = "") -> list[Gate]:
    """Every gate for one tuned arm against one untuned arm, in the order of a page.

    `source` is an evaluation's folder, or its aggregates alone. Without `arm` the first tuned one is asked, without
    `base` the best untuned one. InputError for an arm that the evaluation does not have.
    """
    folder = source if isinstance(source, Path) else None
    aggregates = read_aggregates(source) if isinstance(source, Path) else source
    manifest = read_manifest(folder) if folder else {}
    arm, pair = asked_pair(aggregates, arm, base)
    ask = Ask(figures_of(aggregates, pack, pair), folder, manifest, arm)
    return [rule(ask) for rule in GATES]


def exit_code(gates: Sequence[Gate]) -> int:
    """0 all pass or do not apply, 1 one fails, 3 none fails but data is insufficient."""
    verdicts = {gate.verdict for gate in gates}
    return EXIT_FAIL if FAIL in verdicts else EXIT_UNSURE if UNSURE in verdicts else EXIT_PASS
