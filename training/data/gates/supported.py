"""Gold supported by its source, licence known, and the rubric of a judge.

Support is the studio's own grounding (`training.task.score.grounding`), so a gold is held to what an answer will be
held to later. Not looked up: constants, numbers and summaries, the plan's `free_fields`, and every
answer of a task whose pack says that answers are made up (`answer.grounded` false).
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

from training.data.gates.plan import DIMENSIONS, GatePlan, Opinion, Rubric
from training.data.gates.report import FIXED, SCORES, UNSCORED
from training.data.gates.rows import answer_object
from training.data.rows import UNKNOWN_LICENCE, DataRow, Refusal
from training.task.records import Item
from training.task.score.grounding import ground_items

SHOWN = 3  # unsupported items that a refusal lists


def unsupported(row: DataRow, plan: GatePlan) -> tuple[Item, ...]:
    """The items of the gold that the source does not say; () where the task's answers are not grounded."""
    gold = answer_object(row, plan.pack)
    if gold is None or not plan.pack.answer.grounded or plan.supported.policy == "off":
        return ()
    looked_up = {name: value for name, value in gold.items() if not own_words(name, value, plan)}
    items = ground_items(plan.pack, looked_up, row.source)
    return tuple(item for item in items if item.supported is False)


def own_words(name: str, value: Any, plan: GatePlan) -> bool:
    """Whether a field is the writer's own: a number that judges, a summary, or one of the plan's free fields."""
    spec = plan.pack.field(name)
    summary = spec is not None and spec.comparator == "summary"
    return summary or name in plan.supported.free_fields or isinstance(value, (int, float))


def supported(row: DataRow, plan: GatePlan) -> Refusal | None:
    """Refused where the gold says more than `max_unsupported` things that its source does not."""
    lacking = unsupported(row, plan) if plan.supported.policy == "refuse" else ()
    if len(lacking) <= plan.supported.max_unsupported:
        return None
    shown = [f"{item.field}: {item.text[:120]}" for item in lacking[:SHOWN]]
    more = f", and {len(lacking) - 1} more" if len(lacking) > 1 else ""
    return Refusal("supported", f"The source does not say {shown[0]}{more}.", "; ".join(shown))


def licence(row: DataRow, plan: GatePlan) -> Refusal | None:
    """Refused where nobody knows under which licence the row may be used, or where it is none of those allowed."""
    if not plan.licence_known:
        return None
    given = row.licence.strip()
    if not given or given == UNKNOWN_LICENCE:
        return Refusal("licence", f"Nobody said under which licence {row.origin} may be used.", row.origin)
    if plan.licences is not None and given not in plan.licences:
        return Refusal("licence", f"The licence {given!r} is none of: {', '.join(plan.licences)}.", given)
    return None


def rubric(row: DataRow, opinion: Opinion, rule: Rubric) -> tuple[DataRow, Refusal | None]:
    """The row with the judge's scores in its notes, and the refusal where they break the rule or the judge rejects it.

    No scores is its own outcome, never a zero. A judge that leaves a dimension out, or scores outside 1-5, has not
    scored. What the judge would have in the place of a refused row is noted for a person and used by nobody.
    """
    scores = opinion.scores
    if scores is None or not _whole(scores):
        what = "gave no score" if scores is None else f"gave scores that are no rubric: {dict(scores)}"
        reason = f"The judge {what}; whether the row is good is not known.{_said(opinion)}"
        return _noted(row, {UNSCORED: True}), Refusal("rubric", reason, UNSCORED) if rule.unscored == "refuse" else None
    notes: dict[str, Any] = {SCORES: dict(scores)}
    broken = next(_broken(scores, rule), None)
    if broken is None and not opinion.rejects:
        return _noted(row, notes), None
    shown = ", ".join(f"{name} {scores[name]}" for name in DIMENSIONS)
    what = (
        f"The judge's scores do not pass: {broken}." if broken else "The judge rejects the row, though its scores pass."
    )
    if opinion.fixed_row is not None:
        notes[FIXED] = dict(opinion.fixed_row)
    return _noted(row, notes), Refusal("rubric", what + _said(opinion), shown)


def _said(opinion: Opinion) -> str:
    return f" {opinion.reason}" if opinion.reason else ""


def _noted(row: DataRow, notes: Mapping[str, Any]) -> DataRow:
    return replace(row, notes={**row.notes, **notes})


def _whole(scores: Mapping[str, Any]) -> bool:
    values = [scores.get(name) for name in DIMENSIONS]
    return all(isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 5 for value in values)


def _broken(scores: Mapping[str, int], rule: Rubric) -> Iterator[str]:
    least = {"correctness": rule.least_correctness, "format": rule.least_format, "safety": rule.least_safety}
    for name, wanted in cast("dict[str, int]", least).items():
        if scores[name] < wanted:
            yield f"{name} is {scores[name]}, the least is {wanted}"
    if (total := sum(scores[name] for name in DIMENSIONS)) < rule.least_total:
        yield f"the total is {total} of {5 * len(DIMENSIONS)}, the least is {rule.least_total}"
