"""One field of an answer against the gold's: list F1 and amounts, or a slot's outcome (metrics A3 to A6).

Without an object (a failed answer, or a tier that doesn't count) a field scores 0 even where the gold is empty: a
failure abstains from nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from training.task.pack import FieldSpec
from training.task.records import Score
from training.task.score.durations import duration_minutes
from training.task.score.lists import (
    INGREDIENT_TAU,
    STEP_TAU,
    ListMatch,
    Similarity,
    ingredient_similarity,
    match_lists,
    sentences,
    step_content,
    step_similarity,
)
from training.task.score.news import (
    INSIGHT_TAU,
    LEAST,
    MOST,
    company_key,
    relevance_error,
    relevance_value,
    rouge_l,
    tag_key,
    tag_like,
)
from training.task.score.overlap import rouge_scores
from training.task.score.quantities import count_quantities
from training.task.score.reading import read_source
from training.task.score.slots import Outcome, set_f1, set_overlap, slot_outcome, text_similarity
from training.task.score.text import fold
from training.task.score.values import LIST_KINDS, Entry, entries, is_empty, text_of


class FieldScores(NamedTuple):
    """A field's scores and its outcome as one slot; a list is correct at F1 1 (amounts included where it has them)."""

    scores: list[Score]
    outcome: Outcome


def field_scores(spec: FieldSpec, gold: Any, obj: dict[str, Any] | None, source_text: str) -> FieldScores:
    """All content scores of one field. `gold` is the right value or None, `obj` the whole answer or None."""
    pred = None if obj is None else obj.get(spec.name)
    scored = (
        _list_scores(spec, gold, pred, obj, source_text) if spec.kind in LIST_KINDS else _slot(spec, gold, pred, obj)
    )
    if is_empty(gold):
        left_out = obj is not None and is_empty(pred)
        said = "left it out" if left_out else "gave one" if obj is not None else "gave no readable answer"
        why = f"{spec.label}: the right answer has none, and the model {said}."
        scored.scores.append(Score("abstain", float(left_out), spec.name, n=1, explanation=why))
    return scored


def match_field(spec: FieldSpec, gold: Sequence[Entry], pred: Sequence[Entry]) -> ListMatch:
    """The pairing of two list fields' items as they stand, steps uncut. Entries of the wrong type match nothing.

    Names of companies and tags are sets: what a side says twice counts once. Insights are tags where the gold's are.
    """
    if (key := _set_key(spec, gold)) is not None:
        return _match_keys(gold, pred, key)
    similarity, tau = _rule(spec)
    fitting = [(at, entry.text) for at, entry in enumerate(pred) if entry.fits]
    found = match_lists([entry.text for entry in gold], [text for _, text in fitting], similarity, tau)
    pairs = tuple((i, fitting[j][0], score) for i, j, score in found.pairs)
    return ListMatch(pairs, len(gold), len(pred))


def _rule(spec: FieldSpec) -> tuple[Similarity, float]:
    if spec.comparator == "list_ingredient":
        return ingredient_similarity, INGREDIENT_TAU
    if spec.comparator in ("list_steps", "text"):
        return step_similarity, STEP_TAU
    if spec.comparator == "insights":
        return rouge_l, INSIGHT_TAU
    return _equal, 1.0


def _set_key(spec: FieldSpec, gold: Sequence[Entry]) -> Callable[[str], str] | None:
    """What makes two items of a set the same, None where the field's items are paired by similarity."""
    if spec.comparator == "companies":
        return company_key
    return tag_key if spec.comparator == "insights" and tag_like([entry.text for entry in gold]) else None


def _match_keys(gold: Sequence[Entry], pred: Sequence[Entry], key: Callable[[str], str]) -> ListMatch:
    wanted: dict[str, int] = {}
    given: dict[str, int] = {}
    for at, entry in enumerate(gold):
        wanted.setdefault(key(entry.text), at)
    for at, entry in enumerate(pred):
        if entry.fits:
            given.setdefault(key(entry.text), at)
    pairs = tuple((at, given[name], 1.0) for name, at in wanted.items() if name in given)
    return ListMatch(pairs, len(wanted), len(given) + sum(not entry.fits for entry in pred))


def _equal(left: str, right: str) -> float:
    return float(fold(left) == fold(right))


def _list_scores(
    spec: FieldSpec, gold_value: Any, pred_value: Any, obj: dict[str, Any] | None, source_text: str
) -> FieldScores:
    gold, pred = entries(spec, gold_value), entries(spec, pred_value)
    whole = match_field(spec, gold, pred)
    steps = spec.comparator == "list_steps"  # objects with a text, or plain text where the answer is text
    match = _match_sentences(spec, gold, pred) if steps else whole
    what = f"{spec.label}: {len(match.pairs)} of {match.n_gold} in the right answer are here"
    why = f"{what}, among {match.n_pred} given."
    if obj is None:
        why = f"{spec.label}: no readable answer."
    total = match.n_gold + match.n_pred
    f1 = 0.0 if obj is None else match.f1
    name = spec.name
    scores = [
        Score("f1", f1, name, n=total, explanation=why),
        Score("precision", match.precision, name, n=match.n_pred, explanation=why),
        Score("recall", match.recall, name, n=match.n_gold, explanation=why),
        Score(
            "soft_f1",
            0.0 if obj is None else match.soft_f1,
            name,
            n=total,
            explanation=f"{why} Near matches count less.",
        ),
        Score("jaccard", 0.0 if obj is None else match.jaccard, name, n=total - len(match.pairs), explanation=why),
        Score("missing", float(whole.n_gold - _covered(whole, match)), name, n=whole.n_gold, explanation=why),
    ]
    if steps:
        scores += _order_scores(spec, match, failed=obj is None) + _word_scores(spec, gold, pred, failed=obj is None)
    exact = match.f1 == 1.0 and (match.ordered_f1 == 1.0 or not steps)
    if spec.comparator == "list_ingredient":
        pairs = [(gold[i].text, pred[j].text) for i, j, _ in match.pairs]
        amounts, amounts_right = _amount_scores(spec, pairs, source_text)
        scores += amounts
        exact = exact and amounts_right
    return FieldScores(scores, _list_outcome(gold, pred, obj, exact))


def _match_sentences(spec: FieldSpec, gold: Sequence[Entry], pred: Sequence[Entry]) -> ListMatch:
    """Steps paired sentence by sentence; a step of the wrong type counts its sentences and pairs none."""
    similarity, tau = _rule(spec)
    wanted = sentences([entry.text for entry in gold])
    fitting = sentences([entry.text for entry in pred if entry.fits])
    unfit = sentences([entry.text for entry in pred if not entry.fits])
    found = match_lists(wanted, fitting, similarity, tau)
    return ListMatch(found.pairs, len(wanted), len(fitting) + len(unfit))


def _covered(whole: ListMatch, match: ListMatch) -> float:
    """How many gold items are there: for steps the share of their sentences that are paired, scaled to steps."""
    if match is whole or not match.n_gold:
        return len(whole.pairs)
    return whole.n_gold * len(match.pairs) / match.n_gold


def _list_outcome(gold: Sequence[Entry], pred: Sequence[Entry], obj: dict[str, Any] | None, exact: bool) -> Outcome:
    if not gold:
        return Outcome.NULL_OK if obj is not None and not pred else Outcome.SPURIOUS
    if not pred:
        return Outcome.MISSING
    return Outcome.CORRECT if exact else Outcome.INCORRECT


def _order_scores(spec: FieldSpec, match: ListMatch, failed: bool) -> list[Score]:
    """Metrics A5. `ordered_f1` is the one to test on; the other two look at paired sentences only."""
    why = f"{spec.label}: sentences of the right answer that are here and in the same order."
    ordered = 0.0 if failed else match.ordered_f1
    n = len(match.pairs)
    return [
        Score("ordered_f1", ordered, spec.name, n=match.n_gold + match.n_pred, explanation=why),
        Score("order_lis", match.order_lis, spec.name, n=n, explanation=f"{spec.label}: share of pairs in order."),
        Score("order_tau", match.order_tau, spec.name, n=n, explanation=f"{spec.label}: Kendall tau of the pairs."),
    ]


def _word_scores(spec: FieldSpec, gold: Sequence[Entry], pred: Sequence[Entry], failed: bool) -> list[Score]:
    fitting = [entry.text for entry in pred if entry.fits]
    precision, recall = step_content([entry.text for entry in gold], fitting)
    why = f"{spec.label}: words shared with the right answer, however they are cut into steps."
    recall = 0.0 if failed and gold else recall
    return [
        Score("content_precision", precision, spec.name, explanation=why),
        Score("content_recall", recall, spec.name, explanation=why),
    ]


def _amount_scores(spec: FieldSpec, pairs: Sequence[tuple[str, str]], source_text: str) -> tuple[list[Score], bool]:
    got = count_quantities(pairs, read_source(source_text).numbers)
    name, label = spec.name, spec.label

    def share(part: int, whole: int) -> float | None:
        return part / whole if whole else None

    scores = [
        Score("qty_acc", share(got.quantity_ok, got.quantity_n), name, n=got.quantity_n,
              explanation=f"{label}: {got.quantity_ok} of {got.quantity_n} amounts of matched items are right."),
        Score("unit_acc", share(got.unit_ok, got.unit_n), name, n=got.unit_n,
              explanation=f"{label}: {got.unit_ok} of {got.unit_n} units of matched items are right."),
        Score("qty_halluc", share(got.invented, got.with_number), name, n=got.with_number,
              explanation=f"{label}: {got.invented} of {got.with_number} amounts are in no text that was given."),
        Score("ingredient_exact", share(got.exact, got.pairs), name, n=got.pairs,
              explanation=f"{label}: {got.exact} of {got.pairs} matched items also have the right amount."),
    ]  # fmt: skip
    return scores, got.exact == got.pairs


def _slot(spec: FieldSpec, gold: Any, pred: Any, obj: dict[str, Any] | None) -> FieldScores:
    """Value 1 correct, 0 incorrect, missing or spurious, None where both are empty: that is abstention."""
    outcome = slot_outcome(spec, gold, pred)
    if obj is None:
        outcome = Outcome.SPURIOUS if is_empty(gold) else Outcome.MISSING
    words = {
        Outcome.CORRECT: "the same as in the right answer",
        Outcome.INCORRECT: "not the same as in the right answer",
        Outcome.MISSING: "in the right answer, but not here",
        Outcome.SPURIOUS: "not in the right answer, but here" if obj is not None else "no readable answer",
        Outcome.NULL_OK: "in neither",
    }[outcome]
    why = f"{spec.label}: {words}."
    name = spec.name
    value = None if outcome is Outcome.NULL_OK else float(outcome is Outcome.CORRECT)
    scores = [
        Score("slot", value, name, n=0 if value is None else 1, explanation=why),
        Score("missing", float(outcome is Outcome.MISSING), name, n=int(not is_empty(gold)), explanation=why),
    ]
    if spec.comparator == "text" and not is_empty(gold):
        near = text_similarity(gold, pred) if isinstance(pred, str) else 0.0
        scores.append(Score("text_similarity", near, name, n=1, explanation=f"{spec.label}: shared wording, 0 to 1."))
    if spec.comparator == "summary" and not is_empty(gold):
        said = pred if isinstance(gold, str) and isinstance(pred, str) else ""
        near = rouge_l(text_of(gold), said)
        scores.append(Score("rouge_l", near, name, n=1, explanation=f"{spec.label}: words shared in order, 0 to 1."))
        scores += rouge_scores(name, spec.label, text_of(gold), said)
    if spec.comparator == "relevance":
        scores += _relevance_scores(spec, gold, pred)
    if spec.comparator == "set":
        shared, size = set_overlap(gold, pred)
        for metric, value in (("set_f1", set_f1(gold, pred)), ("jaccard", shared / size if size else None)):
            scores.append(
                Score(metric, 0.0 if obj is None else value, name, n=size, explanation=f"{spec.label}: shared entries.")
            )
    left, right = duration_minutes(gold), duration_minutes(pred)
    if spec.comparator == "duration" and left is not None and right is not None:
        words = f"{spec.label}: {abs(left - right):g} minutes from the right answer."
        scores.append(Score("duration_error_minutes", abs(left - right), name, n=1, explanation=words))
    return FieldScores(scores, outcome)


def _relevance_scores(spec: FieldSpec, gold: Any, pred: Any) -> list[Score]:
    """Metrics A8. A missing or invalid number is an error as large as the gold allows; no gold, no value."""
    right = relevance_value(gold)
    if right is None:
        return []
    error = relevance_error(right, pred)
    given = relevance_value(pred)
    words = f"{error:g} from the right {right}" if given is not None else f"no valid number, counted as {error:g} off"
    why = f"{spec.label}: {words}."
    counted = given if given is not None else (LEAST if right - LEAST > MOST - right else MOST)
    return [
        Score("mae_penalised", error, spec.name, n=1, explanation=why),
        Score("mae_parsed", None if given is None else error, spec.name, n=1, explanation=why),
        Score("relevance_gold", float(right), spec.name, n=1, explanation=f"{spec.label}: {right} is right."),
        Score("relevance_counted", float(counted), spec.name, n=1, explanation=f"{spec.label}: counted as {counted}."),
        Score("within_one", float(given is not None and error <= 1), spec.name, n=1, explanation=why),
    ]
