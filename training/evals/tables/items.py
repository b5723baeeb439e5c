"""What the items frame says, in one pass over its blocks: outcomes by field, list lengths, relevance.

Kept of a document: its right and its counted items by field, and of a list how many were right and given. An answer
that is not strict gives no item, as the frame has it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from training.evals.cells import Cells
from training.evals.frames import read_frame_blocks
from training.evals.measuring import measure_all
from training.evals.metrics import MetricSpec
from training.evals.records import ITEMS, EvalArm
from training.task.pack import FieldSpec, Pack
from training.task.score.news import relevance_value
from training.task.score.values import LIST_KINDS

COLUMNS = ("arm", "doc", "k", "field", "side", "idx", "text", "outcome")
OUTCOMES = ("COR", "NUL", "INC", "MIS", "SPU")
MOST_ITEMS = 24  # list lengths from here on count as one
EXAMPLES = 3
Place = tuple[str, str]  # arm, field


@dataclass(slots=True)
class Items:
    """Sums over the frame. `right` and `all_` are by document; `lengths` counts (right, given) list lengths;
    `relevance` counts (right, given) numbers, `invalid` answers without a valid one."""

    outcomes: dict[Place, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    right: dict[Place, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    all_: dict[Place, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    lengths: dict[Place, Counter[tuple[int, int]]] = field(default_factory=lambda: defaultdict(Counter))
    relevance: dict[str, Counter[tuple[int, int]]] = field(default_factory=lambda: defaultdict(Counter))
    relevance_docs: dict[tuple[str, int, int], list[str]] = field(default_factory=lambda: defaultdict(list))
    invalid: Counter[str] = field(default_factory=Counter[str])
    golds: Counter[int] = field(default_factory=Counter[int])


def read_items(folder: Path, pack: Pack) -> Items:
    """One pass over the items frame."""
    lists = frozenset(spec.name for spec in pack.fields if spec.kind in LIST_KINDS)
    scale = next((spec.name for spec in pack.fields if spec.comparator == "relevance"), "")
    known = frozenset(spec.name for spec in compared(pack))
    found = Items()
    for block in read_frame_blocks(folder, ITEMS, COLUMNS):
        frame = block[block["field"].isin(known)]
        for (arm, doc), rows in _documents(frame):
            _outcomes(found, arm, doc, rows)
            by_answer: dict[tuple[int, str], list[Any]] = defaultdict(list)
            for row in rows:
                by_answer[(int(row.k), str(row.field))].append(row)
            for (_, name), leaves in by_answer.items():
                if name in lists:
                    _length(found, (arm, name), leaves)
                if name == scale:
                    _number(found, arm, doc, leaves)
    return found


def compared(pack: Pack) -> tuple[FieldSpec, ...]:
    return tuple(spec for spec in pack.fields if spec.comparator != "ignore")


def _documents(frame: Any) -> Iterator[tuple[tuple[str, str], list[Any]]]:
    """((arm, document), its rows); a document of an arm stands in one block whole."""
    rows: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for row in frame.itertuples(index=False):
        rows[(str(row.arm), str(row.doc))].append(row)
    yield from rows.items()


def _outcomes(found: Items, arm: str, doc: str, rows: Sequence[Any]) -> None:
    """What both sides have counts once, on the gold's side; what only the answer has, on its own."""
    for row in rows:
        outcome = str(row.outcome or "")
        if outcome not in OUTCOMES or (row.side == "pred") != (outcome == "SPU"):
            continue
        at = (arm, str(row.field))
        found.outcomes[at][outcome] += 1
        found.all_[at][doc] = found.all_[at].get(doc, 0.0) + 1
        found.right[at][doc] = found.right[at].get(doc, 0.0) + (outcome in ("COR", "NUL"))


def _length(found: Items, at: Place, leaves: Sequence[Any]) -> None:
    counts = [sum(row.side == side and row.idx >= 0 for row in leaves) for side in ("gold", "pred")]
    found.lengths[at][(min(MOST_ITEMS, counts[0]), min(MOST_ITEMS, counts[1]))] += 1


def _number(found: Items, arm: str, doc: str, leaves: Sequence[Any]) -> None:
    sides = {str(row.side): _relevance(row.text) for row in leaves if row.idx >= 0}
    right, given = sides.get("gold"), sides.get("pred")
    if right is None:
        return
    found.golds[right] += 1
    if given is None:
        found.invalid[arm] += 1
        return
    found.relevance[arm][(right, given)] += 1
    kept = found.relevance_docs[(arm, right, given)]
    if len(kept) < EXAMPLES and doc not in kept:
        kept.append(doc)


def _relevance(text: Any) -> int | None:
    try:
        return relevance_value(float(text))
    except (TypeError, ValueError):
        return None


def outcomes_table(found: Items, pack: Pack, clusters: Mapping[str, str]) -> dict[str, Any]:
    """Counts of each outcome by field and arm, with the interval of the share that is right, over documents."""
    fields: dict[str, Any] = {}
    for spec in compared(pack):
        arms = {arm: counts for (arm, name), counts in found.outcomes.items() if name == spec.name}
        if not arms:
            continue
        fields[spec.name] = {"label": spec.label, "arms": {}}
        for arm, counts in arms.items():
            right, whole = found.right[(arm, spec.name)], found.all_[(arm, spec.name)]
            ends = _ratio_ends(list(whole), [right[doc] for doc in whole], list(whole.values()), clusters)
            fields[spec.name]["arms"][arm] = {name: counts[name] for name in OUTCOMES} | ends
    return {"fields": fields}


def _ratio_ends(
    docs: Sequence[str], parts: Sequence[float], wholes: Sequence[float], clusters: Mapping[str, str]
) -> dict[str, Any]:
    key = ("right", "")
    cells = Cells(tuple(docs), {}, {key: np.asarray(parts)}, {key: np.asarray(wholes)})
    return _ends(MetricSpec("right", "pooled", (key,), "right"), cells, clusters)


def _ends(spec: MetricSpec, cells: Cells, clusters: Mapping[str, str]) -> dict[str, Any]:
    labels = [clusters.get(doc, doc) for doc in cells.docs]
    measured = measure_all([spec], cells, clusters=labels)[spec.name]
    return {"low": measured.low, "high": measured.high}


def counts_table(found: Items, pack: Pack) -> dict[str, Any]:
    """Items right against items given, by answer, the first list of the task first."""
    tables: dict[str, Any] = {}
    for spec in compared(pack):
        arms = {
            arm: {"points": [[a, b, n] for (a, b), n in sorted(counts.items())], "n": counts.total()}
            for (arm, name), counts in found.lengths.items()
            if name == spec.name
        }
        if arms and len(tables) < 2:
            tables[spec.name] = {"label": spec.label, "arms": arms}
    return tables


def relevance_table(found: Items, pack: Pack) -> dict[str, Any]:
    """Right against given, and what the best constant would have got: the median's mean error."""
    name = next((spec.name for spec in pack.fields if spec.comparator == "relevance"), "")
    if not name or not found.golds:
        return {}
    values = np.repeat(list(found.golds), list(found.golds.values()))
    constant = float(np.median(values))
    arms = {
        arm: {
            "counts": [[right, given, n] for (right, given), n in sorted(found.relevance[arm].items())],
            "invalid": found.invalid[arm],
            "docs": {f"{a},{b}": ids for (who, a, b), ids in found.relevance_docs.items() if who == arm},
        }
        for arm in dict.fromkeys([*found.relevance, *found.invalid])
    }
    error = float(np.abs(values - constant).mean())
    return {"field": name, "constant": constant, "mae_constant": round(error, 4), "arms": arms}


def consistency_table(
    figures: Mapping[str, Mapping[str, Any]], pack: Pack, samples: int, temperature: float | None,
    heated: Mapping[str, EvalArm] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Agreement of two samples by field and arm: the metric `agreement` of `figures` (arm -> metric -> figure), so that
    chart and scorecard can't differ. A sample without an object agrees with none. `heated` are the arms that a model
    answered: under "heats" stands which arm each is, and at which temperature it was asked."""
    fields: dict[str, Any] = {}
    for spec in compared(pack) if samples > 1 else ():
        known = {arm: of.get(f"agreement:{spec.name}") or {} for arm, of in figures.items()}
        arms = {
            arm: {"value": found["value"], "low": found["low"], "high": found["high"], "n": found["n_scored"]}
            for arm, found in known.items()
            if found.get("value") is not None
        }
        if arms:
            fields[spec.name] = {"label": spec.label, "arms": arms}
    heats = {
        name: {"of": arm.without_heat, "temperature": temperature if arm.temperature is None else arm.temperature}
        for name, arm in (heated or {}).items()
    }
    return {"samples": samples, "temperature": temperature, "fields": fields, "heats": heats}
