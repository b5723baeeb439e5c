"""Which items of a gold a text supports, and the gold without those it does not.

The test is that of the scores (training.task.score.grounding): words and numbers, not meaning.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from training.task.pack import Pack
from training.task.records import Item
from training.task.score.grounding import ground_items
from training.task.score.values import LIST_KINDS, is_empty, set_members

MOST_TRIMMED = 1 / 3  # of a gold's items; past that the text is not about this gold


@dataclass(frozen=True, slots=True)
class Support:
    """The items that could be checked. `n` is their number, `fields` those without a fault."""

    items: tuple[Item, ...]

    @property
    def n(self) -> int:
        return len(self.items)

    @property
    def missing(self) -> tuple[tuple[str, str], ...]:
        """(field, text) of each item that the text does not support."""
        return tuple((item.field, item.text) for item in self.items if not item.supported)

    @property
    def fields(self) -> tuple[str, ...]:
        faulty = {field for field, _ in self.missing}
        return tuple(dict.fromkeys(item.field for item in self.items if item.field not in faulty))

    def trimmed(self, pack: Pack, gold: Mapping[str, Any]) -> dict[str, Any] | None:
        """`gold` without the unsupported items; a field that nothing is left of goes.

        None where more than `MOST_TRIMMED` of the items would go, or a critical field as a whole.
        """
        if len(self.missing) > MOST_TRIMMED * self.n:
            return None
        gone: dict[str, set[int]] = {}
        for item in self.items:
            if not item.supported:
                gone.setdefault(item.field, set()).add(item.index)
        kept: dict[str, Any] = {}
        for name, value in gold.items():
            left = _without(pack, name, value, gone[name]) if name in gone else value
            spec = pack.field(name)
            if name not in gone or not is_empty(left):
                kept[name] = left
            elif spec is not None and spec.critical:
                return None
        return kept


def find_support(pack: Pack, gold: Mapping[str, Any], text: str) -> Support:
    """The checkable items of `gold` held against `text`; also for tasks whose answers are made up on purpose."""
    strict = replace(pack, answer=replace(pack.answer, grounded=True))
    items = ground_items(strict, dict(gold), text)
    return Support(tuple(item for item in items if item.supported is not None))


def unsaid(pack: Pack, wanted: Mapping[str, Any], text: str) -> Sequence[tuple[str, str]]:
    """(field, text) of each wanted item that `text` does not say."""
    return find_support(pack, wanted, text).missing


def _without(pack: Pack, name: str, value: Any, gone: set[int]) -> Any:
    """A field's value without the items at those places; None where it is a single value."""
    spec = pack.field(name)
    if spec is not None and spec.kind in LIST_KINDS and isinstance(value, list):
        return [item for at, item in enumerate(value) if at not in gone]
    if spec is not None and spec.kind == "set":
        members = [member for at, member in set_members(value) if at not in gone]
        return members if isinstance(value, list) else ", ".join(members)
    return None
