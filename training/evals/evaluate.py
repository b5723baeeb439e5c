"""Many answers of several arms on the same documents -> one summary an arm, with denominators and intervals.

Every arm must answer every row. A failed parse stays in as a 0; a value that does not apply leaves its document out of
that metric alone, which n_scored of n_total shows. Means are over documents, pooled ratios over all their items.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.errors import InputError
from training.evals.measuring import Measured, measure_all
from training.evals.metrics import Cells, metric_specs
from training.evals.statistics import RESAMPLES
from training.task.pack import Pack
from training.task.parse import parse_answer
from training.task.records import FinishReason, Score
from training.task.score.answer import score_answer
from training.task.score.values import LIST_KINDS

__all__ = ["ArmSummary", "Measured", "Row", "evaluate", "summarise"]
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
    """Figures over documents, keyed by metric or metric:field: those of a run's evaluation, a part of `metric_specs`.

    Rates of `RATES`; f1, ordered_f1 and recall of each list as means and f1 pooled; abstain by section and pooled;
    hallucinated and omitted pooled; mae_penalised (a missing number costs the most), rouge_l and what text answers
    are judged by as means, within_one as a rate; duration_exact pooled over every duration that gold or answer has.
    """
    cells = Cells.from_scores(scores)
    known = {spec.name: spec for spec in metric_specs(pack)}
    names = _names(pack)
    found = measure_all([known[name] for name in names if name in known], cells, resamples=resamples)
    return {name: found[name] if name in found else _nothing(name, len(scores)) for name in names}


def _names(pack: Pack) -> list[str]:
    """What a run's evaluation holds, in its order."""
    names = list(RATES)
    for spec in pack.fields:
        of_field: list[str] = []
        if spec.kind in LIST_KINDS:
            of_field += ["f1", "recall", "precision"]
            of_field += ["ordered_f1"] if spec.comparator == "list_steps" else []
            of_field += ["micro_f1", "hallucinated"]
        of_field += ["qty_acc"] if spec.comparator == "list_ingredient" else []
        of_field += ["mae_penalised", "within_one"] if spec.comparator == "relevance" else []
        of_field += ["rouge_l"] if spec.comparator == "summary" else []
        of_field += ["abstain"] if spec.comparator != "ignore" else []
        of_field += ["slot"] if spec.comparator != "ignore" and spec.kind not in LIST_KINDS else []
        names += [f"{name}:{spec.name}" for name in of_field]
    if pack.answer.kind == "text":
        names += ["end_marker", *WRITING]
    return [*names, "duration_exact", "abstain_acc", "abstain_record", "hallucinated", "omitted", "schema_errors"]


def _nothing(name: str, n: int) -> Measured:
    """A figure that this task can't have, such as made-up items where everything is made up."""
    pooled = name.startswith(("hallucinated", "duration")) and name != "hallucinated_docs"
    return Measured(name, "pooled" if pooled else "rate", None, None, None, 0, n, 0 if pooled else None)


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
