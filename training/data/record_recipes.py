"""A source record as a recipe to render: checked field by field, nothing added that the source does not say.

List marks and markdown emphasis go, lines become one line each: a post prints its own marks. A time of 0 minutes is how
tables say that they do not know, and is left out. Anything else that can't be used is a `BadRecord` with its reason.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from training.data.corpus import Recipe, clean
from training.data.rows import BadRecord, SourceRow
from training.task.sections import LIST_MARK

MINUTES = ("prep_minutes", "cook_minutes", "total_minutes")
TEXTS = ("description", "recipe_yield", "category", "cuisine")
SHOWN = 200  # characters of a bad record that are kept


class Unusable(ValueError):
    """Why a record can't be used, in words that go on from the record's place."""


def recipe_of(row: SourceRow) -> Recipe:
    """The row's recipe. `ingredients` or `steps` may be empty, not both. Raises Unusable."""
    title = _text(row.fields, "title")
    if title is None:
        raise Unusable("it has no title")
    ingredients, steps = _lines(row.fields, "ingredients"), _lines(row.fields, "steps")
    if not ingredients and not steps:
        raise Unusable("it has neither ingredients nor steps")
    said: dict[str, Any] = {name: _minutes(row.fields, name) for name in MINUTES}
    said |= {name: _text(row.fields, name) for name in TEXTS}
    said["keywords"] = _keywords(row.fields)
    return Recipe(title, ingredients, steps, row.origin, row.licence, **said)


def bad_record(row: SourceRow, reason: str) -> BadRecord:
    """The row as a record that could not be used, with its beginning."""
    first = next((str(value) for value in row.fields.values() if isinstance(value, str) and value.strip()), "")
    return BadRecord(row.origin, row.place, reason, first[:SHOWN])


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and name == "recipe_yield":
        return str(value)
    if not isinstance(value, str):
        raise Unusable(f"its {name} is {_kind(value)}, not text")
    return clean(value) or None


def _lines(fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = fields.get(name)
    if value is None:
        return ()
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise Unusable(f"its {name} are {_kind(value)}, not a list")
    if wrong := [item for item in value if not isinstance(item, str)]:
        raise Unusable(f"its {name} hold {_kind(wrong[0])}, not text alone")
    return tuple(filter(None, (LIST_MARK.sub("", clean(item), count=1) for item in value)))


def _minutes(fields: Mapping[str, Any], name: str) -> int | None:
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Unusable(f"its {name} is {_kind(value)}, not a number of minutes")
    if value != value or value < 0 or value == float("inf"):
        raise Unusable(f"its {name} is {value:g}")
    return round(value) or None


def _keywords(fields: Mapping[str, Any]) -> str | None:
    value = fields.get("keywords")
    if value is None or isinstance(value, str):
        return _text(fields, "keywords")
    return ", ".join(_lines(fields, "keywords")) or None


def _kind(value: Any) -> str:
    kinds: dict[type, str] = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    kinds |= {int: "a number", float: "a number", type(None): "nothing"}
    return kinds.get(type(value), type(value).__name__)
