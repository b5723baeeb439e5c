"""Reading an answer's values as its pack declares them: what is empty, what an item says, what type is wrong.

An item that has the wrong type for its field still counts as something the answer asserted, but it can match nothing:
a failure of form is worth 0, not a second reading (metrics rule 1 and A4).
"""

import re
from typing import Any, NamedTuple, cast

from training.task.pack import FieldSpec, Pack
from training.task.score.news import relevance_value

LIST_KINDS = frozenset({"list", "steps"})


class Entry(NamedTuple):
    """One item of a field: what it says, whether its type is the field's, and its place in the answer's list."""

    text: str
    fits: bool
    value: Any
    place: int


def is_empty(value: Any) -> bool:
    """Nothing asserted: null, blank text, or a container of such. 0 and false are values."""
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, dict):
        return all(is_empty(item) for item in cast(dict[str, Any], value).values())
    if isinstance(value, (list, tuple)):
        return all(is_empty(item) for item in cast(list[Any], value))
    return value is None


def text_of(value: Any) -> str:
    """What a value says to a person: text as it is, an object by its text or name, anything else by its leaves."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value).lower()
    if isinstance(value, (int, float)):
        return number_text(value)
    if isinstance(value, dict):
        record = cast(dict[str, Any], value)
        spoken = next((record[key] for key in ("text", "name") if isinstance(record.get(key), str)), None)
        return spoken if spoken is not None else "; ".join(filter(None, (text_of(item) for item in record.values())))
    if isinstance(value, (list, tuple)):
        return "; ".join(filter(None, (text_of(item) for item in cast(list[Any], value))))
    return ""


def number_text(value: int | float) -> str:
    """A number as digits; one past Python's limit for printing integers is said to be that."""
    try:
        return f"{value:g}" if isinstance(value, float) else str(value)
    except ValueError:
        return "a number with thousands of digits"


def entries(spec: FieldSpec, value: Any) -> list[Entry]:
    """The non-empty items of a list or steps field. A value that is no list is one entry that does not fit."""
    if is_empty(value):
        return []
    if not isinstance(value, list):
        return [Entry(text_of(value), False, value, 0)]
    items = enumerate(cast(list[Any], value))
    return [Entry(text_of(item), _fits(spec, item), item, at) for at, item in items if not is_empty(item)]


def set_members(value: Any) -> list[tuple[int, str]]:
    """The members of a set field with their places: a list's items, or text cut at commas and semicolons."""
    parts = cast(list[Any], value) if isinstance(value, list) else re.split(r"[,;]", text_of(value))
    return [(at, text_of(part).strip()) for at, part in enumerate(parts) if not is_empty(part)]


def asserts_anything(pack: Pack, obj: dict[str, Any]) -> bool:
    """Whether an object says anything beside its constants. {} and a bare @context and @type say nothing."""
    constants = {spec.name for spec in pack.fields if spec.kind == "constant"}
    return any(not is_empty(value) for key, value in obj.items() if key not in constants)


def right_type(spec: FieldSpec, value: Any) -> bool:
    """Whether a non-empty value has the field's kind of type; items of lists are judged one by one in `entries`."""
    if spec.kind in LIST_KINDS:
        return isinstance(value, list)
    if spec.kind == "set" and isinstance(value, list):
        return all(isinstance(item, str) for item in cast(list[Any], value))
    if spec.comparator == "relevance":
        return relevance_value(value) is not None
    if spec.comparator == "yield":
        return isinstance(value, (str, int, float)) and not isinstance(value, bool)
    return isinstance(value, str) or (spec.comparator == "exact" and isinstance(value, (int, float)))


def _fits(spec: FieldSpec, item: Any) -> bool:
    if spec.kind == "steps":
        return isinstance(item, dict) and isinstance(cast(dict[str, Any], item).get("text"), str)
    return isinstance(item, str)
