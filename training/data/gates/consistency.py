"""Label consistency: two rows whose texts are nearly the same may not be labelled against each other.

A difference between two golds is no contradiction where the texts explain it: 2 eggs here and 3 eggs there. It is one

- where a gold says something, both texts have the very words it was taken from, `NEIGHBOURS` words around included, and
  the other gold has nothing like it
- where both golds state a number of the model's own judgement, such as a relevance, further apart than the tolerance
- where both give another value out of a fixed choice (enum) or true against false

Which of the two is right nobody can tell from here, so every row of such a cluster is refused, for a person to see. Not
asked of a task whose answers are made up (`answer.grounded` false) or text: there many answers are right. Limits: two
wordings of one summary are no contradiction, nor is a wrong label that both rows share.
"""

from collections.abc import Iterator
from typing import Any, cast

from training.data.gates.plan import GatePlan
from training.data.gates.similar import words_in
from training.data.gates.supported import own_words
from training.data.rows import DataRow, canonical
from training.task.pack import Pack
from training.task.records import Item
from training.task.score.durations import duration_minutes
from training.task.score.grounding import ground_items
from training.task.score.text import content_keys
from training.task.score.values import set_members, text_of

NEIGHBOURS = 2  # words
WINDOW = 80  # characters of a source in which they are looked for
ALIKE = 0.5  # share of content words from which two items are two wordings of one thing


def can_contradict(plan: GatePlan) -> bool:
    """Whether the gate is on and has a meaning for this task."""
    return plan.consistency and plan.pack.answer.kind == "json" and plan.pack.answer.grounded


def contradiction(left: DataRow, right: DataRow, plan: GatePlan) -> str | None:
    """Why the golds of two rows with nearly the same text can't both be right; None where they can. Symmetric in
    whether, not in the words: those are said from `left`."""
    if canonical(left.gold) == canonical(right.gold):
        return None
    return next(_reasons(left, right, plan), None)


def _reasons(left: DataRow, right: DataRow, plan: GatePlan) -> Iterator[str]:
    mine, other = cast("dict[str, Any]", left.gold), cast("dict[str, Any]", right.gold)
    for name in sorted(set(mine) & set(other)):
        if _choices_differ(plan.pack, name, mine[name], other[name], plan.number_tolerance):
            yield f"{name} is {text_of(mine[name])[:80]!r} here and {text_of(other[name])[:80]!r} there"
    for item in _alone(left, right, plan):
        yield f"both texts say {item.field} {item.text[:80]!r}, only this answer has it"
    for item in _alone(right, left, plan):
        yield f"both texts say {item.field} {item.text[:80]!r}, this answer lacks it"


def _choices_differ(pack: Pack, name: str, mine: Any, other: Any, tolerance: float) -> bool:
    if isinstance(mine, bool) or isinstance(other, bool):
        return mine is not other
    if isinstance(mine, (int, float)) and isinstance(other, (int, float)):
        return abs(mine - other) > tolerance
    declared = cast("dict[str, Any]", pack.schema["properties"].get(name, {}))
    return "enum" in declared and mine != other


def _alone(row: DataRow, other: DataRow, plan: GatePlan) -> Iterator[Item]:
    """What a row's gold says and the other's does not, though both texts do."""
    gold = cast("dict[str, Any]", row.gold)
    said = {name: value for name, value in gold.items() if not own_words(name, value, plan)}
    text = f" {' '.join(words_in(other.source))} "
    for item in ground_items(plan.pack, said, row.source):
        places = [_place(row.source, span) in text for span in item.spans] if item.supported else []
        if places and all(places) and not _has_like(other.gold.get(item.field), item.text):
            yield item


def _place(source: str, span: tuple[int, int]) -> str:
    """The words of a stretch of the source and those beside it: the same word elsewhere says something else."""
    before, after = source[max(0, span[0] - WINDOW) : span[0]], source[span[1] : span[1] + WINDOW]
    inside = words_in(source[span[0] : span[1]])
    return f" {' '.join((*words_in(before)[-NEIGHBOURS:], *inside, *words_in(after)[:NEIGHBOURS]))} "


def _has_like(value: Any, text: str) -> bool:
    minutes = duration_minutes(text)
    if minutes is not None and duration_minutes(value) is not None:
        return duration_minutes(value) == minutes
    listed = [text_of(item) for item in cast("list[Any]", value)] if isinstance(value, list) else []
    pieces = listed or ([text_of(value), *(member for _, member in set_members(value))] if value is not None else [])
    return any(_alike(text, piece) for piece in pieces)


def _alike(left: str, right: str) -> bool:
    """The same numbers, and half of all content words shared."""
    mine, other = set(content_keys(left)), set(content_keys(right))
    numbers = {key for key in mine if key.startswith("#")}, {key for key in other if key.startswith("#")}
    return numbers[0] == numbers[1] and len(mine & other) >= ALIKE * len(mine | other)
