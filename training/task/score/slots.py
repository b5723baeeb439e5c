"""One value against one value: the five MUC outcomes and what they add up to (metrics A3).

correct, incorrect, missing (only the gold has it), spurious (only the answer has it), null_ok (neither). Each field is
compared by the comparator its pack declares. null_ok is no success of extraction: it counts for abstention alone.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

from rapidfuzz import fuzz

from training.task.pack import FieldSpec
from training.task.score.durations import same_duration
from training.task.score.news import relevance_value
from training.task.score.text import fold, tokenise
from training.task.score.values import is_empty, number_text, right_type, set_members, text_of


class Outcome(StrEnum):
    CORRECT = "correct"
    INCORRECT = "incorrect"
    MISSING = "missing"
    SPURIOUS = "spurious"
    NULL_OK = "null_ok"


@dataclass(frozen=True, slots=True)
class SlotCounts:
    """Outcomes counted. Every ratio is None where its denominator is 0 (metrics A3)."""

    correct: int
    incorrect: int
    missing: int
    spurious: int
    null_ok: int

    @property
    def precision(self) -> float | None:
        return _ratio(self.correct, self.correct + self.incorrect + self.spurious)

    @property
    def recall(self) -> float | None:
        return _ratio(self.correct, self.correct + self.incorrect + self.missing)

    @property
    def f1(self) -> float | None:
        return _ratio(2 * self.correct, 2 * self.correct + 2 * self.incorrect + self.spurious + self.missing)

    @property
    def abstain_acc(self) -> float | None:
        """Of the slots the gold leaves empty, how many the answer left empty too."""
        return _ratio(self.null_ok, self.null_ok + self.spurious)


def count_outcomes(outcomes: Iterable[Outcome]) -> SlotCounts:
    """Counts of each outcome, ready for the ratios."""
    found = Counter(outcomes)
    return SlotCounts(*(found[outcome] for outcome in Outcome))


def slot_outcome(spec: FieldSpec, gold: Any, pred: Any) -> Outcome:
    """How a value stands against the gold's. A value of the wrong type is incorrect, never read as if it were right."""
    if is_empty(gold):
        return Outcome.NULL_OK if is_empty(pred) else Outcome.SPURIOUS
    if is_empty(pred):
        return Outcome.MISSING
    return Outcome.CORRECT if right_type(spec, pred) and equal_values(spec, gold, pred) else Outcome.INCORRECT


def equal_values(spec: FieldSpec, left: Any, right: Any) -> bool:
    """Equality as the field's comparator means it; symmetric. Comparators of lists compare item by item, in order."""
    if spec.comparator == "duration":
        return same_duration(left, right) or (left == right and isinstance(left, str))
    if spec.comparator == "set":
        return value_set(left) == value_set(right)
    if spec.comparator == "yield":
        return _same_yield(left, right)
    if spec.comparator == "relevance":
        return relevance_value(left) is not None and relevance_value(left) == relevance_value(right)
    if spec.comparator == "exact":
        return text_of(left).strip() == text_of(right).strip()
    return fold(text_of(left)) == fold(text_of(right))


def text_similarity(left: Any, right: Any) -> float:
    """Words of two texts in any order, 0..1 (token sort ratio): the graded value beside exact equality."""
    return fuzz.token_sort_ratio(fold(text_of(left)), fold(text_of(right))) / 100


def value_set(value: Any) -> frozenset[str]:
    """The members of a set field: a list's items, or text cut at commas and semicolons, folded."""
    return frozenset(filter(None, (fold(member) for _, member in set_members(value))))


def set_f1(gold: Any, pred: Any) -> float | None:
    """2 * shared members / all members; None where both are empty."""
    left, right = value_set(gold), value_set(pred)
    return _ratio(2 * len(left & right), len(left) + len(right))


def set_overlap(gold: Any, pred: Any) -> tuple[int, int]:
    """(members of both, members of either) of two set fields: Jaccard's two numbers."""
    left, right = value_set(gold), value_set(pred)
    return len(left & right), len(left | right)


def _same_yield(left: Any, right: Any) -> bool:
    """Equal first number, both ends where it is a range, whatever the noun; without numbers, equal words."""
    a, b = _yield_numbers(left), _yield_numbers(right)
    return a == b if a or b else fold(text_of(left)) == fold(text_of(right))


def _yield_numbers(value: Any) -> tuple[float, ...]:
    text = number_text(value) if isinstance(value, (int, float)) else text_of(value)
    tokens = tokenise(text)
    for at, token in enumerate(tokens):
        if token.number is None:
            continue
        after = next((other for other in tokens[at + 1 :] if other.number is not None), None)
        if after and re.fullmatch(r"\s*(?:-|–|—|to|or)\s*", text[token.end : after.start]):
            return (token.number, cast(float, after.number))
        return (token.number,)
    return ()


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
