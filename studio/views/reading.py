"""Read an answer by its pack's field kinds: which fields there are, what they hold, what has the wrong type. Pure.

Views know a pack only by `PackLike`; without one (its folder is gone) the kinds are guessed from the values, so that
an old comparison still opens.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

LIST_KINDS = frozenset({"list", "steps"})
WORDS_FOR_TYPE = {
    dict: "an object",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
}
DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


class FieldLike(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def kind(self) -> str: ...


class PackLike(Protocol):
    @property
    def fields(self) -> Sequence[FieldLike]: ...


@dataclass(frozen=True, slots=True)
class PlainField:
    """A field as the views need it. `kind` is scalar | list | steps | duration | set | constant."""

    name: str
    label: str
    kind: str


def fields_of(pack: PackLike | None, *objects: Mapping[str, Any] | None) -> tuple[PlainField, ...]:
    """The pack's fields in its order, or a guess from the objects' own keys."""
    if pack is not None:
        return tuple(PlainField(f.name, f.label or spaced(f.name), f.kind) for f in pack.fields)
    seen: dict[str, PlainField] = {}
    for obj in objects:
        for name, value in (obj or {}).items():
            seen.setdefault(name, PlainField(name, spaced(name), _guess_kind(name, value)))
    return tuple(seen.values())


def _guess_kind(name: str, value: Any) -> str:
    if name.startswith("@"):
        return "constant"
    if isinstance(value, list):
        return "steps" if any(isinstance(entry, dict) for entry in value) else "list"
    return "duration" if isinstance(value, str) and is_duration(value) else "scalar"


def spaced(name: str) -> str:
    """'recipeIngredient' -> 'recipe ingredient', for a field that has no label."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name).lower()


def item_label(field: PlainField, index: int, total: int) -> str:
    """'ingredient 3', 'step 2', 'name': one item of a field, as small labels say it."""
    label = field.label.lower()
    if total < 2:
        return label
    return f"{label[:-1] if label.endswith('s') and not label.endswith('ss') else label} {index + 1}"


def is_duration(text: str) -> bool:
    return bool(DURATION.fullmatch(text)) and any(char.isdigit() for char in text)


def duration_words(text: str) -> str:
    """'PT1H30M' -> '1 h 30 min'. The text itself where it is no ISO 8601 duration of days to seconds."""
    match = DURATION.fullmatch(text)
    if not match or not is_duration(text):
        return text
    units = zip(match.groups(), ("d", "h", "min", "s"), strict=True)
    words = " ".join(f"{int(value)} {unit}" for value, unit in units if value and int(value))
    return words or "0 min"


def compact(value: Any) -> str:
    """A value as one line of JSON, as text where it is text."""
    return value if isinstance(value, str) else json_line(value)


def json_line(value: Any) -> str:
    """One line of JSON. What is nested deeper than Python goes is said to be so."""
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:
        return "(nested too deeply to show)"


def entry_text(entry: Any) -> str:
    """What a person reads of a list entry: the text of a step object, the string itself, else its JSON."""
    if isinstance(entry, dict):
        for key in ("text", "name"):
            if isinstance(entry.get(key), str) and set(entry) <= {"@type", "text", "name", "position", "url", key}:
                return entry[key]
    return compact(entry)


def entries(field: PlainField, value: Any) -> list[str]:
    """The field's items as texts: one for a scalar, one an entry for a list, one a word group for a set."""
    if isinstance(value, list):
        return [entry_text(entry) for entry in value]
    if field.kind == "set" and isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [compact(value)]


def wrong_type(field: PlainField, value: Any) -> str | None:
    """'wrong type: text where a list was asked for', or None where the type fits the field's kind."""
    given = WORDS_FOR_TYPE.get(type(value), "nothing" if value is None else type(value).__name__)
    if field.kind in LIST_KINDS:
        return None if isinstance(value, list) else f"wrong type: {given} where a list was asked for"
    if field.kind in ("scalar", "duration", "constant") and not isinstance(value, (str, int, float)):
        return f"wrong type: {given} where text was asked for"
    if field.kind == "set" and not isinstance(value, (str, list)):
        return f"wrong type: {given} where words were asked for"
    return None
