"""A schema as a grammar that lets the answer's keys come in any order, each at most once. No torch.

JSON gives an object's keys no order, and an adapter writes them in the order it was trained on: forced into another, it
is measured out of its element. The decoder's own reading of a schema fixes their order, so the outermost object is
spelt out here: one bit a key says whether it was written, and the object may close once the required ones were. What
stands inside the keys is left to the decoder, in the schema's order. A blank may come before it, as many tokenizers
begin every text with one.

Limits: only a plain object at the top (its keys known, no others allowed, required keys alone or in an anyOf), of at
most `MOST_KEYS` keys; anything else keeps the schema's order.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from training.engine.constrained_schema import plain_schema

MOST_KEYS = 64  # bits that the decoder keeps
_KNOWN = {"type", "properties", "required", "additionalProperties", "anyOf", "$defs", "$schema", "title", "description"}


def any_order(schema: Mapping[str, Any], options: Mapping[str, Any]) -> str | None:
    """The grammar of a schema in the decoder's language, None where the schema is not as plain as it takes.

    `options` are the decoder's for JSON, `whitespace_pattern` among them. InputError for a pattern that it can't hold.
    """
    names = _keys(schema)
    wanted = _required(schema) if names else None
    if names is None or wanted is None or not 0 < len(names) <= MOST_KEYS:
        return None
    may_be_empty, groups = wanted
    blanks = f"({options['whitespace_pattern']})?"
    empty = "EMPTY | " if may_be_empty else ""
    enough = _any([_all([f"bit_set({names.index(name)})" for name in group] or ["true"]) for group in groups])
    keys = [f"{_text(name)} COLON value{at} after::set_bit({at}) %if bit_clear({at})" for at, name in enumerate(names)]
    rules = [
        f"OPEN: /[ \\n]?\\{{{blanks}/",  # blanks are part of the signs: ignored, they would never have to end
        f"EMPTY: /[ \\n]?\\{{{blanks}\\}}/",
        f"CLOSE: /{blanks}\\}}/",
        f"COLON: /:{blanks}/",
        f"COMMA: /,{blanks}/",
        f"start: {empty}OPEN key::0x0",
        "key::_ : " + "\n | ".join(keys),
        f"after::_ : CLOSE %if {enough}\n | COMMA key::_",
    ]
    shared = {"x-guidance": dict(options), "$defs": plain_schema(schema.get("$defs", {}))}
    for at, value in enumerate(schema["properties"].values()):
        whole = {**plain_schema(value), **shared} if isinstance(value, dict) else shared
        rules.append(f"value{at}: %json {json.dumps(whole, ensure_ascii=True)}")
    return "\n".join(rules) + "\n"


def _keys(schema: Mapping[str, Any]) -> list[str] | None:
    """The names of a plain object's keys, None where it is not one."""
    names = schema.get("properties")
    plain = schema.get("type") == "object" and schema.get("additionalProperties") is False
    if not plain or not isinstance(names, dict) or set(schema) - _KNOWN or False in names.values():
        return None
    return list(names)


def _required(schema: Mapping[str, Any]) -> tuple[bool, list[list[str]]] | None:
    """Whether no key at all will do, and the groups of keys of which one must be whole. None: not plain."""
    always = schema.get("required", [])
    groups: list[list[str]] = []
    may_be_empty = False
    for choice in schema.get("anyOf", [{"required": []}]):
        if choice == {"maxProperties": 0} and not always:
            may_be_empty = True
        elif isinstance(choice, dict) and set(choice) == {"required"}:
            groups.append(list(dict.fromkeys([*always, *choice["required"]])))
        else:
            return None
    known = all(set(group) <= set(schema["properties"]) for group in groups)
    return (may_be_empty or [] in groups, groups) if known and groups else None


def _all(conditions: Sequence[str]) -> str:
    return conditions[0] if len(conditions) == 1 else f"and({conditions[0]}, {_all(conditions[1:])})"


def _any(conditions: Sequence[str]) -> str:
    return conditions[0] if len(conditions) == 1 else f"or({conditions[0]}, {_any(conditions[1:])})"


def _text(name: str) -> str:
    """A key with its quotes as a literal of the grammar: JSON text of JSON text."""
    return json.dumps(json.dumps(name, ensure_ascii=False), ensure_ascii=True)
