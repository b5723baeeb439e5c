"""What differs between the answers of a kept comparison. Reads the JSON form."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.task.pack import Pack
from training.task.score.diff import FieldDiff, field_diff

Diffs = Sequence[Sequence[FieldDiff] | None]


def differences(arms: Sequence[Mapping[str, Any]], gold: dict[str, Any] | None, pack: Pack | None) -> Diffs:
    """Each arm against the known answer; without one, each other arm against the first. None: no object there."""
    if pack is None:
        return []
    objects = [arm["parsed"]["object"] for arm in arms]
    left, others = (gold, objects) if gold is not None else (objects[0], objects[1:])
    return [None if right is None else field_diff(left, right, pack) for right in others]
