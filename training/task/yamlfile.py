"""YAML and JSON read strictly: a key that is double, unknown, missing or wrongly typed is an error that names it."""

import json
import math
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml

from training.errors import PackError

T = TypeVar("T")
DEPTH = 64  # mappings and lists within each other, in whatever file
# What PyYAML raises over a value that looks like a date, a number or a tagged thing and is none.
_NO_VALUE = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError)


class _NoValueError(yaml.MarkedYAMLError):
    """A value that is not what it looks like."""


class _StrictLoader(yaml.SafeLoader):
    """Safe YAML that refuses a key given twice, which PyYAML would let the last one win, and says where a value is none
    (`2024-13-45` is read as a date)."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return cast("Any", super().construct_object(node, deep))  # pyright: ignore[reportUnknownMemberType]
        except _NO_VALUE as error:
            kind = str(node.tag).rpartition(":")[2]
            problem = f"{str(node.value)[:60]!r} is no {kind} ({error})"
            raise _NoValueError(problem=problem, problem_mark=node.start_mark) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key!r} stands twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


class Reader:
    """One mapping of a file. `take` each key, then `finish` refuses what was not taken."""

    def __init__(self, values: Any, file: Path, path: str = "") -> None:
        self.file, self.path = file, path
        if not isinstance(values, Mapping):
            raise self.error("", f"holds {_kind(values)}", "Write it as `key: value` lines.")
        self._values = dict(cast("Mapping[str, Any]", values))
        self._known: list[str] = []

    def take(self, key: str, kind: type[T], default: T | None = None) -> T:
        """The value of `key`, which must be of `kind` (a bool is no number, an int is a float)."""
        self._known.append(key)
        if key not in self._values:
            if default is None:
                raise self.error(key, "is missing", f"Add `{key}:` with {_NAMES[kind]}.")
            return default
        value = self._values.pop(key)
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise self.error(key, f"holds {_kind(value)}", f"Give it {_NAMES[kind]}.")
        if isinstance(value, float) and not math.isfinite(value):
            raise self.error(key, f"is {value}", "Give it a finite number.")
        return value

    def at_least(self, key: str, least: int, default: int | None = None) -> int:
        """A whole number that may not be smaller than `least`."""
        value = self.take(key, int, default)
        if value < least:
            raise self.error(key, f"is {value}", f"Give it a whole number from {least} up.")
        return value

    def has(self, key: str) -> bool:
        return key in self._values

    def is_null(self, key: str) -> bool:
        """True where the key stands there with nothing, or null, behind it."""
        return key in self._values and self._values[key] is None

    def each(self, key: str, build: Callable[["Reader"], T], *, required: bool = True) -> tuple[T, ...]:
        """A list of mappings, each built and checked to its last key."""
        rows: list[T] = []
        for index, values in enumerate(self.take(key, list, None if required else [])):
            row = Reader(values, self.file, f"{self._at(key)}[{index}]")
            rows.append(build(row))
            row.finish()
        return tuple(rows)

    def sub(self, key: str) -> "Reader":
        return Reader(self.take(key, dict), self.file, self._at(key))

    def strings(self, key: str) -> tuple[str, ...]:
        values = cast("list[Any]", self.take(key, list))
        for value in values:
            if type(value) is not str or not value:
                raise self.error(key, f"holds {_kind(value)} among its items", "Give it a list of strings.")
        return tuple(values)

    def one_of(self, key: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        value = self.take(key, str, default)
        if value not in allowed:
            raise self.error(key, f"is {value!r}", f"Use one of: {', '.join(allowed)}.")
        return value

    def rest(self) -> dict[str, Any]:
        """What was not taken, as it was read: for a mapping whose keys the caller checks."""
        left, self._values = self._values, {}
        return left

    def finish(self) -> None:
        for key in self._values:
            raise self.error(key, "is not known here", f"Remove it, or use one of: {', '.join(self._known)}.")

    def error(self, key: str, what: str, fix: str) -> PackError:
        at = self._at(key)
        return PackError(f"{self.file}: {f'the key {at!r}' if at else 'the file'} {what}.", fix=fix)

    def _at(self, key: str) -> str:
        return f"{self.path}.{key}".strip(".") if key else self.path


_NAMES: dict[type, str] = {
    str: "a string",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a mapping",
}


def _kind(value: Any) -> str:
    return "nothing" if value is None else _NAMES.get(cast("type[Any]", type(value)), type(value).__name__)


def read_utf8(file: Path) -> str:
    """The file's text. Raises PackError when it is missing, unreadable or not UTF-8."""
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        raise PackError(f"{file}: the file is missing.", fix=f"Add {file.name} to {file.parent}.") from None
    except UnicodeDecodeError as error:
        raise PackError(f"{file}: the file is not UTF-8 ({error}).", fix="Save it as UTF-8.") from None
    except OSError as error:
        raise PackError(f"{file}: the file can't be read ({error.strerror}).", fix="Check its permissions.") from error


def read_yaml(file: Path) -> Reader:
    return parse_yaml(read_utf8(file), file)


def parse_yaml(text: str, file: Path) -> Reader:
    """YAML text as a Reader; `file` is what errors name."""
    try:
        value: Any = yaml.load(text, Loader=_StrictLoader)
    except _NoValueError as error:  # a number of thousands of digits, a day that no month has
        words = f"{file}: the file holds a value that can't be read: {error}."
        raise PackError(words, fix="Correct that value, or put it into quotes.") from error
    except yaml.YAMLError as error:
        raise PackError(f"{file}: the file is no valid YAML: {error}.", fix="Correct it at that line.") from error
    except RecursionError:
        raise _too_deep(file) from None
    if deeper(value, DEPTH):
        raise _too_deep(file)
    return Reader(value, file)


def read_json(file: Path) -> dict[str, Any]:
    """A JSON object. Raises PackError when it is none, and for a key that stands twice in one object."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            doubled = next(name for name in names if names.count(name) > 1)
            raise PackError(f"{file}: the key {doubled!r} stands twice in one object.", fix="Keep one of the two.")
        return found

    def no_number(name: str) -> Any:
        raise PackError(f"{file}: the file holds {name}, which is no JSON.", fix="Write a number.")

    try:
        value: Any = json.loads(read_utf8(file), object_pairs_hook=once, parse_constant=no_number)
    except ValueError as error:  # besides broken JSON a number of thousands of digits
        raise PackError(f"{file}: the file is no valid JSON: {error}.", fix="Correct it at that place.") from None
    except RecursionError:
        raise _too_deep(file) from None
    if deeper(value, DEPTH):
        raise _too_deep(file)
    if type(value) is not dict:
        raise PackError(f"{file}: the file holds {_kind(value)}, no JSON object.", fix="Write one object.")
    return cast("dict[str, Any]", value)


def deeper(value: Any, most: int) -> bool:
    """Whether more than `most` mappings and lists lie within each other; an anchor within itself has no end.

    Calls nothing by itself, however deep.
    """
    level: dict[int, Any] = {id(value): value}
    for _ in range(most + 1):
        inner: dict[int, Any] = {}
        for one in level.values():
            if isinstance(one, Mapping):
                inner |= {id(child): child for child in cast("Mapping[Any, Any]", one).values()}
            elif isinstance(one, list):
                inner |= {id(child): child for child in cast("list[Any]", one)}
        if not inner:
            return False
        level = inner
    return True


def _too_deep(file: Path) -> PackError:
    return PackError(
        f"{file}: the file holds more than {DEPTH} mappings and lists within each other.", fix="Write it flatter."
    )
