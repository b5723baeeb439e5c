"""Frozen records from YAML, field by field and strictly; and back again, leaving out what was not changed.

A record's type hints are its schema: text, numbers, true or false, lists and mappings of those, a record inside, or a
tuple of records. Unknown, missing and wrongly typed keys are errors that name the file and the key. A rule of the
record's own (`__post_init__`) that speaks as a StudioError is told with file and key as well.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from training.errors import StudioError
from training.task.records import to_json
from training.task.yamlfile import Reader

T = TypeVar("T")
_PLAIN = (str, int, float, bool)


class Problem(StudioError):
    """A rule of a record that a value breaks. `key` is the field, the message goes on from its name."""

    def __init__(self, key: str, what: str, *, fix: str) -> None:
        super().__init__(f"{key} {what}", fix=fix)
        self.key, self.what = key, what


def check_shares(key: str, shares: Mapping[str, float]) -> None:
    """Problem for weights of which one is below 0 or endless, or none above 0. None at all are fine."""
    for name, share in shares.items():
        if not 0 <= share < float("inf"):
            raise Problem(key, f"gives {name} {share}", fix="A share is 0 or more.")
    if shares and not any(shares.values()):
        raise Problem(key, "gives nothing a share", fix="Give one of them a share above 0.")


def read_record(reader: Reader, cls: type[T]) -> T:
    """An instance of the dataclass `cls` from one mapping, which may hold its fields and nothing else."""
    hints = get_type_hints(cls)
    given: dict[str, Any] = {}
    for field in fields(cast("Any", cls)):
        if not field.init or field.metadata.get("unwritten"):
            continue
        if reader.has(field.name):
            given[field.name] = _value(reader, field.name, hints[field.name])
        elif field.default is MISSING and field.default_factory is MISSING:
            reader.take(field.name, _kind(hints[field.name]))  # raises: it is missing
    _refuse_unknown(reader, cls)
    try:
        return cls(**given)
    except Problem as err:
        raise reader.error(err.key, err.what, err.fix) from err
    except StudioError as err:
        raise reader.error("", f"can't be used: {err}", err.fix) from err


def changed(record: Any) -> dict[str, Any]:
    """The fields of a record that differ from their defaults, as plain JSON; a field without default is always there.

    What a spec is hashed over: a field that is added later with a default changes no hash of today.
    """
    found: dict[str, Any] = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if field.metadata.get("unwritten") or _is_default(field, value):
            continue
        if is_dataclass(value):
            found[field.name] = changed(value)
        elif isinstance(value, tuple) and value and is_dataclass(value[0]):
            found[field.name] = [changed(item) for item in value]
        else:
            found[field.name] = to_json(value)
    return found


def _is_default(field: Field[Any], value: Any) -> bool:
    if field.default is not MISSING:
        return bool(value == field.default)
    if field.default_factory is not MISSING:
        return bool(value == field.default_factory())
    return False


def _refuse_unknown(reader: Reader, cls: type[Any]) -> None:
    for field in fields(cls):
        if field.init and not field.metadata.get("unwritten") and not reader.has(field.name):
            reader.take(field.name, str, "")  # known, and not given: so that the list of known keys is whole
    reader.finish()


def _kind(hint: Any) -> type[Any]:
    """What YAML must hold for a field of this type."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return _kind(next(arm for arm in get_args(hint) if arm is not NoneType))
    if origin is tuple or origin is list:
        return list
    if origin in (dict, Mapping) or is_dataclass(hint):
        return dict
    return hint if hint in _PLAIN else str


def _value(reader: Reader, key: str, hint: Any) -> Any:
    arms = [arm for arm in get_args(hint) if arm is not NoneType]
    if get_origin(hint) in (Union, UnionType):
        if NoneType in get_args(hint) and reader.is_null(key):
            return reader.take(key, NoneType)
        return _value(reader, key, arms[0])
    if is_dataclass(hint):
        return read_record(reader.sub(key), cast("type[Any]", hint))
    if get_origin(hint) is tuple:
        return _items(reader, key, arms[0])
    if get_origin(hint) in (dict, Mapping):
        return _mapping(reader, key, arms[1])
    return reader.take(key, _kind(hint))


def _items(reader: Reader, key: str, item: Any) -> tuple[Any, ...]:
    if is_dataclass(item):
        build = cast("Callable[[Reader], Any]", lambda row: read_record(row, cast("type[Any]", item)))
        return reader.each(key, build)
    values = reader.take(key, list)
    for value in values:
        if type(value) is not item and not (item is float and type(value) is int):
            raise reader.error(key, f"holds {value!r} among its items", f"Give it a list of {item.__name__}.")
    return tuple(item(value) for value in values)


def _mapping(reader: Reader, key: str, item: Any) -> dict[str, Any]:
    raw = cast("dict[Any, Any]", reader.take(key, dict))
    for name in raw:
        if type(name) is not str:
            raise reader.error(key, f"has the key {name!r}, which is no text", "Put it in quotes.")
    if item is Any:
        return cast("dict[str, Any]", raw)
    inside = Reader(raw, reader.file, f"{reader.path}.{key}".strip("."))
    return {name: _value(inside, name, item) for name in raw}
