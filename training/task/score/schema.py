"""Does an object keep the contract: JSON Schema violations as records with a field and a kind (metrics A2).

The schema is the one the task pack shows in its prompt, draft 2020-12. One SchemaError stands for one missing key, one
surplus key or one bad value; nothing is repaired first. Durations are checked by the schema's own pattern, because
JSON Schema libraries leave `format: duration` unchecked unless a further package is there.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, cast

from jsonschema.exceptions import ValidationError

from training.task.pack_schema import checker
from training.task.records import SchemaError
from training.task.score.values import number_text

KINDS = {
    "required": "missing", "dependentRequired": "missing",
    "type": "type",
    "enum": "enum", "const": "enum",
    "pattern": "pattern", "format": "pattern",
    "minimum": "range", "maximum": "range", "exclusiveMinimum": "range", "exclusiveMaximum": "range",
    "minLength": "range", "maxLength": "range", "minItems": "range", "maxItems": "range", "multipleOf": "range",
    "uniqueItems": "range", "minProperties": "range", "maxProperties": "range",
    "additionalProperties": "extra", "unevaluatedProperties": "extra",
}  # fmt: skip
TYPE_WORDS = {
    "object": "an object", "array": "a list", "string": "text", "integer": "a whole number", "number": "a number",
    "boolean": "true or false", "null": "null",
}  # fmt: skip
# An alternative that fails only in one of these was most likely not the one meant.
DISCRIMINATORS = frozenset({"type", "const", "enum", "maxProperties"})


def schema_errors(obj: dict[str, Any] | None, schema: dict[str, Any]) -> tuple[SchemaError, ...]:
    """Every violation in `obj`, ordered by path. No object, no violations: a failed parse is told by its tier.

    kind: missing | type | enum | pattern | range | extra | other. Where a schema offers alternatives (anyOf, oneOf),
    the violations of the nearest one are told, in its own words.
    """
    if obj is None:
        return ()
    errors: Iterable[ValidationError] = checker(schema).iter_errors(obj)
    found = {error: None for raised in errors for error in _records(raised)}
    return tuple(sorted(found, key=lambda error: (error.path, error.kind, error.message)))


# Classes that a field's figures stand for; a wrong type has one of its own, `type_error`.
CLASSES = {
    "missing": "missing though required", "enum": "none of the values allowed", "pattern": "not in the form asked for",
    "range": "outside its limits", "extra": "has a key of its own",
}  # fmt: skip


class SchemaClass(NamedTuple):
    """Whether one field breaks the contract in one way; `field` "" with "extra": a key that the contract lacks."""

    kind: str
    field: str
    broken: bool


def contract_classes(schema: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """(kind, field) of every class of `CLASSES` that the schema's rules can raise, fields in the schema's order."""
    required = {name for branch in _branches(schema) for name in branch.get("required") or ()}
    found: list[tuple[str, str]] = [("extra", "")]
    for name, rule in cast(Mapping[str, Any], schema.get("properties") or {}).items():
        kinds = {KINDS[word] for word in _keywords(rule, schema, 0) if word in KINDS}
        kinds |= {"missing"} if name in required else set()
        found += [(kind, name) for kind in CLASSES if kind in kinds]
    return tuple(found)


def schema_classes(
    obj: dict[str, Any], schema: Mapping[str, Any], errors: Iterable[SchemaError]
) -> Iterator[SchemaClass]:
    """Each class that applies to this object: what is missing of every object, the rest of the fields it gives."""
    broken = {(error.kind, error.field) for error in errors}
    known = set(schema.get("properties") or {})
    for kind, name in contract_classes(schema):
        if not name:
            yield SchemaClass(kind, "", any(other not in known for wrong, other in broken if wrong == kind))
        elif kind == "missing" or name in obj:
            yield SchemaClass(kind, name, (kind, name) in broken)


def _branches(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The schema and its alternatives at the root."""
    return [schema, *(branch for word in ("anyOf", "oneOf", "allOf") for branch in schema.get(word) or ())]


def _keywords(rule: Any, schema: Mapping[str, Any], depth: int) -> Iterator[str]:
    """Every word of a field's rule, those of its items and keys too; references within the schema are followed."""
    if not isinstance(rule, Mapping) or depth > 8:
        return
    here = cast(Mapping[str, Any], rule)
    for word, value in here.items():
        if word == "$ref":
            target: Any = schema
            for part in str(value).removeprefix("#/").split("/"):
                target = cast(Mapping[str, Any], target).get(part, {}) if isinstance(target, Mapping) else {}
            yield from _keywords(target, schema, depth + 1)
        elif word == "properties":
            for inner in value.values():
                yield from _keywords(inner, schema, depth + 1)
        elif word in ("items", "anyOf", "oneOf", "allOf"):
            for inner in cast(list[Any], value) if isinstance(value, list) else [value]:
                yield from _keywords(inner, schema, depth + 1)
        elif value is not True or word == "uniqueItems":
            yield str(word)


def _records(error: ValidationError) -> Iterator[SchemaError]:
    keyword, path = str(error.validator), list(error.absolute_path)
    if keyword in ("anyOf", "oneOf") and error.context:
        for inner in _nearest(error.context):
            yield from _records(inner)
        return
    kind = KINDS.get(keyword, "other")
    if kind == "missing":
        for name in _missing(error):
            yield _record(kind, [*path, name], "is missing")
    elif kind == "extra":
        for name in _surplus(error):
            yield _record(kind, [*path, name], "is not a key of this contract")
    else:
        yield _record(kind, path, _complaint(error, keyword))


def _record(kind: str, path: list[Any], complaint: str) -> SchemaError:
    field = str(path[0]) if path else ""
    pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)
    place = field or ("the empty key" if path else "the answer")
    if len(path) > 1:
        place += "".join(f" {part + 1}" if isinstance(part, int) else f" {part}" for part in path[1:])
    return SchemaError(field, kind, pointer, f"{place[:120]} {complaint}")


def _nearest(context: list[ValidationError]) -> list[ValidationError]:
    """The errors of the alternative that comes closest: not failing by a discriminator alone, deepest, then fewest."""
    branches: dict[Any, list[ValidationError]] = {}
    for error in context:
        branches.setdefault(error.relative_schema_path[0], []).append(error)

    def distance(branch: list[ValidationError]) -> tuple[bool, int, int]:
        elsewhere = any(str(error.validator) in DISCRIMINATORS and not error.relative_path for error in branch)
        return elsewhere, -max(len(error.absolute_path) for error in branch), len(branch)

    return min(branches.values(), key=distance)


def _missing(error: ValidationError) -> list[str]:
    wanted, instance = cast(Any, error.validator_value), cast(dict[str, Any], error.instance)
    if isinstance(wanted, dict):  # dependentRequired: key -> the keys that come with it
        rules = cast(dict[str, list[str]], wanted)
        wanted = [name for key, names in rules.items() if key in instance for name in names]
    return [name for name in cast(list[str], wanted) if name not in instance]


def _surplus(error: ValidationError) -> list[str]:
    schema, instance = cast(dict[str, Any], error.schema), cast(dict[str, Any], error.instance)
    known = cast(dict[str, Any], schema.get("properties", {}))
    return [name for name in instance if name not in known]


def _complaint(error: ValidationError, keyword: str) -> str:
    wanted, instance = cast(Any, error.validator_value), cast(Any, error.instance)
    if keyword == "type":
        types = cast(list[str], wanted if isinstance(wanted, list) else [wanted])
        return f"is {_type_of(instance)}, not {' or '.join(TYPE_WORDS.get(name, name) for name in types)}"
    if keyword in ("const", "enum"):
        allowed = cast(list[Any], [wanted] if keyword == "const" else wanted)
        return f"is {_shown(instance)}, not {' or '.join(_shown(value) for value in allowed[:8])}"
    if keyword in ("pattern", "format"):
        return f"is {_shown(instance)}, which is not in the form the contract asks for"
    if keyword in ("minLength", "minItems", "minProperties") and wanted == 1:
        return "is empty"
    return f"is {_shown(instance)}, which breaks {keyword} {_shown(wanted)}"


def _type_of(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return next((word for of, word in names.items() if isinstance(value, of)), "a number")


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value[:60]}…"' if len(value) > 60 else f'"{value}"'
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        digits = number_text(value)
        return digits if len(digits) <= 60 else f"{digits[:60]}…"
    return _type_of(value)
