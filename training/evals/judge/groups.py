"""What a judge gives one score for: the fields of a pack, grouped by their comparators.

Durations are judged together as `times`, sets as `taxonomy`, lists of ingredients as `ingredients` and so on, so that
recipe-jsonld has name, ingredients, steps, times, yield and taxonomy (metrics C3), and any other pack has what its own
comparators say. Texts are judged together under the first one's name. Constants are not judged.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from training.chat.marks import sendable
from training.task.pack import FieldSpec, Pack
from training.task.score.values import LIST_KINDS, entries, is_empty, set_members

NAMES = {
    "list_ingredient": "ingredients",
    "list_steps": "steps",
    "duration": "times",
    "yield": "yield",
    "set": "taxonomy",
    "relevance": "relevance",
    "insights": "insights",
    "companies": "companies",
    "summary": "summary",
}


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that share one score. `name` is what the judge and the frame call it, unique in a pack."""

    name: str
    comparator: str
    fields: tuple[FieldSpec, ...]

    @property
    def label(self) -> str:
        """For people: the field's own label, or the group's name where it has several."""
        return self.fields[0].label if len(self.fields) == 1 else self.name.capitalize()

    def given(self, obj: Mapping[str, Any]) -> bool:
        """Whether an object says anything here."""
        return any(not is_empty(obj.get(spec.name)) for spec in self.fields)

    def size(self, obj: Mapping[str, Any]) -> int:
        """How many things an object says here: list items, members of sets, values."""
        return sum(_size(spec, obj.get(spec.name)) for spec in self.fields)


def groups_of(pack: Pack) -> tuple[Group, ...]:
    """The groups of a pack, in the order in which their first fields stand there."""
    found: dict[tuple[str, bool], list[FieldSpec]] = {}
    for spec in pack.fields:
        if spec.comparator != "ignore" and spec.kind != "constant":
            found.setdefault((spec.comparator, spec.kind in LIST_KINDS), []).append(spec)
    groups: list[Group] = []
    for (comparator, _), fields in found.items():
        name = NAMES.get(comparator, fields[0].name)
        taken = {group.name for group in groups}
        unique = next(new for n in range(1, len(found) + 2) if (new := name if n == 1 else f"{name}_{n}") not in taken)
        groups.append(Group(unique, comparator, tuple(fields)))
    return tuple(groups)


def canonical_text(pack: Pack, obj: Mapping[str, Any]) -> str:
    """An object as every judge sees it: the pack's order of keys, then others by name, empty and constant ones left
    out, the same indent. Which model wrote it can't be told from its layout."""
    shown = {
        spec.name: obj[spec.name]
        for spec in pack.fields
        if spec.name in obj and spec.kind != "constant" and not is_empty(obj[spec.name])
    }
    known = {spec.name for spec in pack.fields}
    shown |= {key: obj[key] for key in sorted(obj) if key not in known and not is_empty(obj[key])}
    inner = {key: _sorted(value) for key, value in shown.items()}
    return sendable(json.dumps(inner, ensure_ascii=False, indent=2))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _size(spec: FieldSpec, value: Any) -> int:
    if is_empty(value):
        return 0
    if spec.kind in LIST_KINDS:
        return len(entries(spec, value))
    return len(set_members(value)) if spec.comparator == "set" else 1
