"""What differs between two answers, field by field and item by item.

Lists are lined up by their best pairing first, so an item that moved or was put in between makes one row and not a
cascade. Rows follow the pack's fields, then keys it doesn't know; within a list the left side's order, then what only
the right side has.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from training.task.pack import FieldSpec, Pack
from training.task.score.content import match_field
from training.task.score.slots import equal_values
from training.task.score.text import fold
from training.task.score.values import LIST_KINDS, Entry, entries, is_empty, right_type


@dataclass(frozen=True, slots=True)
class FieldDiff:
    """One row. `left` and `right` are the values as the answers hold them, None where a side has none.

    kind: same | changed | added (only the right has it) | removed (a list item only the left has) | missing (the right
    lacks the whole field) | wrong_type (the right's value has not the field's type). `index` is the item's place in the
    left list, in the right one for added items, None for fields that are no lists.
    """

    field: str
    index: int | None
    kind: str
    left: Any
    right: Any


def field_diff(a: dict[str, Any] | None, b: dict[str, Any] | None, pack: Pack) -> list[FieldDiff]:
    """Rows of `b` (right) against `a` (left). Fields that neither has are left out; no object is an empty one."""
    left, right = a or {}, b or {}
    rows: list[FieldDiff] = []
    for spec in _specs(pack, left, right):
        before, after = left.get(spec.name), right.get(spec.name)
        if is_empty(before) and is_empty(after):
            continue
        if spec.kind in LIST_KINDS:
            rows += _list_rows(spec, before, after)
        else:
            rows.append(_row(spec, before, after))
    return rows


def _specs(pack: Pack, left: dict[str, Any], right: dict[str, Any]) -> list[FieldSpec]:
    known = {spec.name for spec in pack.fields}
    extra = dict.fromkeys(name for side in (left, right) for name in side if name not in known)
    return [*pack.fields, *(FieldSpec(name, "exact", False, name, "scalar") for name in extra)]


def _row(spec: FieldSpec, before: Any, after: Any) -> FieldDiff:
    if is_empty(after):
        return FieldDiff(spec.name, None, "missing", before, None)
    left = None if is_empty(before) else before
    if not right_type(spec, after):
        kind = "wrong_type"
    elif left is None:
        kind = "added"
    else:
        kind = "same" if equal_values(spec, left, after) else "changed"
    return FieldDiff(spec.name, None, kind, left, after)


def _list_rows(spec: FieldSpec, before: Any, after: Any) -> Iterator[FieldDiff]:
    left, right = entries(spec, before), entries(spec, after)
    match = match_field(spec, left, right)
    partner = {i: j for i, j, _ in match.pairs}
    for i, entry in enumerate(left):
        if i in partner:
            other = right[partner[i]]
            yield FieldDiff(spec.name, entry.place, _pair_kind(entry, other), entry.value, other.value)
        else:
            yield FieldDiff(spec.name, entry.place, "removed" if right else "missing", entry.value, None)
    paired = set(partner.values())
    for j, entry in enumerate(right):
        if j not in paired:
            kind = "added" if entry.fits else "wrong_type"
            yield FieldDiff(spec.name, entry.place, kind, None, entry.value)


def _pair_kind(left: Entry, right: Entry) -> str:
    return "same" if fold(left.text) == fold(right.text) else "changed"
