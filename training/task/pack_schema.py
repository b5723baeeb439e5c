"""A task's contract, output_schema.json: read, checked to its last key, and the only way to hold an answer to it.

Promise: a schema that passes `read_schema` can be held against any answer without an error and without a look at the
network. Every `$ref` leads to a place in the file itself, no chain of references comes back to where it began, every
pattern is a regular expression, every word is one of draft 2020-12. An error names the file, the place and the fix.
"""

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

from jsonschema import Draft202012Validator, SchemaError
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from training.errors import PackError
from training.task.yamlfile import Reader, read_json

DRAFT = "https://json-schema.org/draft/2020-12/schema"
NOWHERE: Registry[Any] = Registry()  # knows no schema and fetches none
ONE = ("items", "additionalProperties", "propertyNames", "contains", "unevaluatedItems", "unevaluatedProperties",
       "contentSchema", "not", "if", "then", "else")  # fmt: skip
LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
NAMED = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
REFERENCES = ("$ref", "$dynamicRef")
# Words whose schemas are held against the same value again: a circle of these has no end.
SAME_VALUE = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", *REFERENCES})
KEYWORDS = frozenset({
    *ONE, *LISTS, *NAMED, *REFERENCES,
    "$schema", "$id", "$anchor", "$dynamicAnchor", "$comment", "type", "const", "enum", "multipleOf",
    "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength", "minLength", "pattern", "maxItems",
    "minItems", "uniqueItems", "maxContains", "minContains", "maxProperties", "minProperties", "required",
    "dependentRequired", "title", "description", "default", "deprecated", "readOnly", "writeOnly", "examples", "format",
    "contentEncoding", "contentMediaType",
})  # fmt: skip


class _Part(NamedTuple):
    """A schema within the schema, where it stands, and the word by which its parent holds it."""

    schema: dict[str, Any]
    path: str
    word: str


def checker(schema: Mapping[str, Any]) -> Any:
    """What holds values to a schema, without ever fetching another one."""
    return Draft202012Validator(schema, registry=NOWHERE)


def read_schema(file: Path) -> dict[str, Any]:
    """A pack's output_schema.json. PackError with file, place and fix for whatever could not be held to an answer."""
    schema = read_json(file)
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        at = "/".join(str(part) for part in error.absolute_path) or "the root"
        raise PackError(f"{file}: the schema is broken at {at}: {error.message}.", fix="Correct that key.") from None
    if not isinstance(schema.get("properties"), dict):
        raise PackError(f"{file}: the key 'properties' is missing.", fix="List the answer's keys there.")
    if str(schema.get("$schema", DRAFT)).rstrip("#") != DRAFT:
        raise PackError(f"{file}: '$schema' is {schema['$schema']!r}.", fix=f"Write it for {DRAFT}, or leave it out.")
    _check_parts(schema, file)
    return schema


def read_profiles(row: Reader, folder: Path) -> dict[str, dict[str, Any]]:
    """The pack's `profiles`: other schemas by name, each a file beside task.yaml that passes `read_schema`."""
    found: dict[str, dict[str, Any]] = {}
    for name, file in row.rest().items():
        if type(file) is not str or Path(file).name != file or not (folder / file).is_file():
            raise row.error(
                name, f"names {file!r}, and no such file lies beside task.yaml", "Name a file of this folder."
            )
        found[name] = read_schema(folder / file)
    return found


def _check_parts(schema: dict[str, Any], file: Path) -> None:
    """Walk every schema within the schema, the targets of its references too."""
    resolver = NOWHERE.resolver_with_root(DRAFT202012.create_resource(schema))
    again: dict[int, list[_Part]] = {}  # what is held against the same value as a part, by the part's identity
    waiting = [_Part(schema, "", "")]
    while waiting:
        part = waiting.pop()
        if id(part.schema) in again:
            continue
        _check_words(part, file)
        inner = list(_inner(part))
        for word in REFERENCES:
            if isinstance(reference := part.schema.get(word), str):
                inner.append(_target(resolver, reference, _Part(part.schema, part.path, word), file))
        again[id(part.schema)] = [one for one in inner if one.word in SAME_VALUE]
        waiting += inner
    _check_ends(again, file)


def _check_words(part: _Part, file: Path) -> None:
    for word in part.schema:
        if word not in KEYWORDS:
            near = difflib.get_close_matches(word, sorted(KEYWORDS), 1, 0.75)
            fix = f"Did you mean {near[0]!r}?" if near else "Remove it, or write it as a $comment."
            raise PackError(f"{file}: the key {_at(part.path, word)!r} is not known to JSON Schema 2020-12.", fix=fix)
        if word == "$id" and part.path:
            raise PackError(
                f"{file}: the key {_at(part.path, word)!r} gives a part of the schema an address of its own.",
                fix="Remove it; refer to parts by #/$defs/NAME.",
            )


def _inner(part: _Part) -> Iterator[_Part]:
    for word, value in part.schema.items():
        found: list[tuple[str, Any]] = []
        if word in ONE:
            found = [("", value)]
        elif word in LISTS and isinstance(value, list):
            found = [(str(index), one) for index, one in enumerate(cast("list[Any]", value))]
        elif word in NAMED and isinstance(value, dict):
            found = list(cast("dict[str, Any]", value).items())
        for name, one in found:
            if isinstance(one, dict):  # true and false hold nothing
                path = _at(part.path, word)
                yield _Part(cast("dict[str, Any]", one), _at(path, name) if name else path, word)


def _target(resolver: Any, reference: str, part: _Part, file: Path) -> _Part:
    """What a reference leads to, within the file. PackError where it leads elsewhere or nowhere."""
    place = _at(part.path, part.word)
    try:
        found = resolver.lookup(reference).contents
    except (Unresolvable, ValueError, TypeError, LookupError) as error:
        raise PackError(
            f"{file}: the key {place!r} refers to {reference[:200]!r}, which is not in this file.",
            fix="Write what it should lead to under $defs, and refer to it as #/$defs/NAME; nothing is fetched.",
        ) from error
    if not isinstance(found, dict | bool):
        raise PackError(
            f"{file}: the key {place!r} refers to {reference[:200]!r}, which is no schema.", fix="Refer to a schema."
        )
    return _Part(cast("dict[str, Any]", found) if isinstance(found, dict) else {}, reference, part.word)


def _check_ends(again: Mapping[int, list[_Part]], file: Path) -> None:
    """No part may be held against the same value by way of itself: that would never end."""
    done: set[int] = set()
    for start in again:
        open_: set[int] = set()
        steps: list[tuple[int, bool]] = [(start, False)]
        while steps:
            here, leaving = steps.pop()
            if leaving:
                open_.discard(here)
                done.add(here)
                continue
            if here in done:
                continue
            open_.add(here)
            steps.append((here, True))
            for part in again.get(here, ()):
                if id(part.schema) in open_:
                    raise PackError(
                        f"{file}: {part.path or '#'} refers to itself without going into a key or an item.",
                        fix="Let it refer to another schema.",
                    )
                steps.append((id(part.schema), False))


def _at(path: str, key: str) -> str:
    return f"{path}/{key}" if path else key
