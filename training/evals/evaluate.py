"""Many answers of several arms on the same documents -> one summary an arm, with denominators and intervals.

Every arm must answer every row. A failed parse stays in as a 0; a value that does not apply leaves its document out of
that metric alone, which n_scored of n_total shows. Means are over documents, pooled ratios over all their items.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.errors import InputError
from training.evals.statistics import RESAMPLES, bootstrap_mean, bootstrap_ratio, wilson
from training.task.pack import Pack
from training.task.parse import parse_answer
from training.task.records import FinishReason, Score
from training.task.score.answer import score_answer
from training.task.score.values import LIST_KINDS

RATES = ("strict", "usable", "repaired", "schema_valid", "multi_object", "template_echo", "prompt_leak",
         "hallucinated_docs", "exact_record")  # fmt: skip
WRITING = ("repetition", "amounts_given", "named_in_steps", "on_title")  # of text answers, shares of each


@dataclass(frozen=True, slots=True)
class Row:
    """A document. `gold` {} means that no answer is right, None that nobody knows."""

    id: str
    source: str
    gold: dict[str, Any] | None
    slice: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """One figure. kind: rate (0/1 a document, Wilson) | mean (over documents, BCa) | pooled (over items, bootstrap).

    `n_scored` of `n_total` documents have a value; `n_items` is a pooled figure's denominator.
    """

    metric: str
    kind: str
    value: float | None
    low: float | None
    high: float | None
    n_scored: int
    n_total: int
    n_items: int | None = None


@dataclass(frozen=True, slots=True)
class ArmSummary:
    """An arm's figures by metric, over all documents and slice by slice; `scores` are each document's own, in order."""

    arm: str
    overall: dict[str, Measured]
    slices: dict[str, dict[str, Measured]]
    scores: tuple[tuple[Score, ...], ...]


def evaluate(
    pack: Pack,
    rows: Sequence[Row | Mapping[str, Any]],
    answers: Mapping[str, Sequence[tuple[str, FinishReason | str]]],
    *,
    tier: str = "strict",
    resamples: int = RESAMPLES,
) -> dict[str, ArmSummary]:
    """Score `answers[arm][i]`, a pair of raw text and finish reason, against rows[i].

    Rows may be mappings with id, source, gold and perhaps slice. Raises InputError when an arm has not one answer a
    row, or two rows share an id.
    """
    documents = [row if isinstance(row, Row) else _row(row) for row in rows]
    _check(documents, answers)
    scored: dict[str, list[tuple[Score, ...]]] = {arm: [] for arm in answers}
    for at, row in enumerate(documents):  # rows outside, arms inside: arms share the reading of a source
        for arm, given in answers.items():
            raw, reason = given[at]
            parsed = parse_answer(pack, raw, FinishReason(reason))
            scored[arm].append(score_answer(pack, parsed, row.source, row.gold, tier=tier, raw=raw))
    names = sorted({row.slice for row in documents if row.slice})
    summaries: dict[str, ArmSummary] = {}
    for arm, scores in scored.items():
        slices = {
            name: summarise(pack, [s for s, row in zip(scores, documents, strict=True) if row.slice == name], resamples)
            for name in names
        }
        summaries[arm] = ArmSummary(arm, summarise(pack, scores, resamples), slices, tuple(scores))
    return summaries


def summarise(pack: Pack, scores: Sequence[Sequence[Score]], resamples: int = RESAMPLES) -> dict[str, Measured]:
    """Figures over documents, keyed by metric or metric:field.

    Rates of `RATES`; f1, ordered_f1 and recall of each list as means and f1 pooled; abstain by section and pooled;
    hallucinated and omitted pooled; mae_penalised (a missing number costs the most), rouge_l and what text answers
    are judged by as means, within_one as a rate; duration_exact pooled over every duration that gold or answer has.
    """
    cells = [
        {(score.metric, score.field): score for score in document if score.status == "scored"} for document in scores
    ]
    found = [_measure("rate", name, [(name, "")], cells, resamples) for name in RATES]
    for spec in pack.fields:
        if spec.kind in LIST_KINDS:
            names = (
                ("f1", "recall", "precision", "ordered_f1")
                if spec.comparator == "list_steps"
                else ("f1", "recall", "precision")
            )
            found += [_measure("mean", f"{name}:{spec.name}", [(name, spec.name)], cells, resamples) for name in names]
            found.append(_measure("pooled", f"micro_f1:{spec.name}", [("f1", spec.name)], cells, resamples))
            found.append(
                _measure("pooled", f"hallucinated:{spec.name}", [("hallucinated", spec.name)], cells, resamples)
            )
        if spec.comparator == "list_ingredient":
            found.append(_measure("pooled", f"qty_acc:{spec.name}", [("qty_acc", spec.name)], cells, resamples))
        if spec.comparator == "relevance":
            found.append(
                _measure("mean", f"mae_penalised:{spec.name}", [("mae_penalised", spec.name)], cells, resamples)
            )
            found.append(_measure("rate", f"within_one:{spec.name}", [("within_one", spec.name)], cells, resamples))
        if spec.comparator == "summary":
            found.append(_measure("mean", f"rouge_l:{spec.name}", [("rouge_l", spec.name)], cells, resamples))
        if spec.comparator != "ignore":
            found.append(_measure("rate", f"abstain:{spec.name}", [("abstain", spec.name)], cells, resamples))
            if spec.kind not in LIST_KINDS:
                found.append(_measure("rate", f"slot:{spec.name}", [("slot", spec.name)], cells, resamples))
    if pack.answer.kind == "text":
        found.append(_measure("rate", "end_marker", [("end_marker", "")], cells, resamples))
        found += [_measure("mean", name, [(name, "")], cells, resamples) for name in WRITING]
    durations = [("slot", spec.name) for spec in pack.fields if spec.comparator == "duration"]
    sections = [("abstain", spec.name) for spec in pack.fields if spec.comparator != "ignore"]
    found += [
        _measure("pooled", "duration_exact", durations, cells, resamples),
        _measure("pooled", "abstain_acc", sections, cells, resamples),
        _measure("rate", "abstain_record", [("abstain", "")], cells, resamples),
        _measure("pooled", "hallucinated", [("hallucinated", "")], cells, resamples),
        _measure("pooled", "omitted", [("omitted", "")], cells, resamples),
        _measure("mean", "schema_errors", [("schema_errors", "")], cells, resamples),
    ]
    return {measured.metric: measured for measured in found}


def _measure(
    kind: str, metric: str, keys: Sequence[tuple[str, str]], cells: Sequence[Mapping[Any, Score]], resamples: int
) -> Measured:
    """One figure from the scores under `keys`. Pooled takes value times n over n, summed over keys and documents."""
    found = [[document[key] for key in keys if key in document] for document in cells]
    found = [[(score.value, score.n or 0) for score in scores if score.value is not None] for scores in found]
    parts = [sum(value * n for value, n in values) for values in found if values]
    wholes = [float(sum(n for _, n in values)) for values in found if values]
    firsts = [float(values[0][0]) for values in found if values]
    value, n_items, interval = None, None, None
    if kind == "pooled":
        n_items = round(sum(wholes))
        value = sum(parts) / n_items if n_items else None
        interval = bootstrap_ratio(parts, wholes, resamples=resamples) if n_items else None
    elif firsts:
        value = sum(firsts) / len(firsts)
        interval = wilson(sum(firsts), len(firsts)) if kind == "rate" else bootstrap_mean(firsts, resamples=resamples)
    low, high = interval if interval is not None else (None, None)
    return Measured(metric, kind, value, low, high, len(firsts), len(cells), n_items)


def _row(row: Mapping[str, Any]) -> Row:
    return Row(str(row["id"]), row["source"], row["gold"], row.get("slice") or "")


def _check(rows: Sequence[Row], answers: Mapping[str, Sequence[Any]]) -> None:
    for arm, given in answers.items():
        if len(given) != len(rows):
            raise InputError(
                f"Arm {arm!r} has {len(given)} answers for {len(rows)} documents.",
                fix="Give one answer a document, in the documents' order; a failed generation is an empty answer.",
            )
    ids = [row.id for row in rows]
    if len(set(ids)) < len(ids):
        twice = next(name for name in ids if ids.count(name) > 1)
        raise InputError(f"The document id {twice!r} stands twice.", fix="Give each document its own id.")
