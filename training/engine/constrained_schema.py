"""A task's JSON Schema in the words that the constrained decoder knows, for the same answers. No torch.

The decoder knows no look-around in patterns and no maxProperties beside optional keys. Both are said another way here,
so that what it lets through is what the schema allows: an empty object as one whose keys are all forbidden; "not the
end" and "next comes a digit", where only optional groups follow up to the end, as one alternative for each group that
may come first. Whatever else it does not know is refused by name, never loosened.

One thing is narrower: where a pattern lets digits run on for ever, `DIGITS` of them are let through. A model that a
grammar drives into a number it would never have begun writes digits until its budget ends (the embedded base did, in
three answers of three), and an arm that is measured for its form would be measured for that.
"""

import re
from collections.abc import Sequence
from typing import Any

from training.errors import InputError

DIGITS = 6
_ENDLESS = re.compile(r"(?<!\\)(\[0-9\]|\\d)([+*])")
_NOT_EMPTY, _STRICT_END = "(?!$)", "(?!\\n)"
_NEXT = re.compile(r"\(\?=(\[[^\]]+\])\)")
_ITEM = re.compile(r"(?:\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[^()\[\]\\|])(?:[?*+]|\{\d+(?:,\d*)?\})?\??")
_STEP = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[^()]")
_QUANTIFIER = re.compile(r"(?:[?*+]|\{\d+(?:,\d*)?\})?\??")


def plain_schema(schema: Any) -> Any:
    """The schema without look-arounds and without maxProperties 0. InputError for a pattern that can't be said so."""
    if isinstance(schema, list):
        return [plain_schema(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    names = schema.get("properties")
    said: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "$schema":
            continue
        if key == "pattern" and isinstance(value, str):
            said[key] = plain_pattern(value)
        elif key == "anyOf" and isinstance(names, dict):
            said[key] = [_empty(names) if part == {"maxProperties": 0} else plain_schema(part) for part in value]
        elif key in ("const", "enum", "default", "examples"):
            said[key] = value
        else:
            said[key] = plain_schema(value)
    return said


def _empty(names: dict[str, Any]) -> dict[str, Any]:
    """An object that may hold none of the names."""
    return {"properties": dict.fromkeys(names, False)}


def plain_pattern(pattern: str) -> str:
    """A pattern of the same texts without look-arounds, runs of digits bounded. InputError where there is none."""
    said = _say(pattern, pattern, at_end=True) if "(?" in pattern else pattern
    return _ENDLESS.sub(lambda found: f"{found[1]}{{{int(found[2] == '+')},{DIGITS}}}", said)


def _say(part: str, whole: str, at_end: bool) -> str:
    """One alternative after the other; `at_end`: nothing but the text's end comes behind this part."""
    return "|".join(_say_items(items, whole, at_end) for items in _alternatives(part, whole))


def _say_items(items: Sequence[str], whole: str, at_end: bool) -> str:
    said: list[str] = []
    for at, item in enumerate(items):
        rest = [other for other in items[at + 1 :] if other not in ("$", _STRICT_END)]
        if item == _STRICT_END and at and items[at - 1] == "$":
            continue  # `$` is the end itself here, not the place before a last line break
        follows = _NEXT.fullmatch(item)
        if item == _NOT_EMPTY or follows:
            if not at_end:
                raise _refused(whole)
            firsts = _not_empty([_say_items([other], whole, n == len(rest) - 1) for n, other in enumerate(rest)], whole)
            if follows and not all(first.startswith(follows[1]) for first in firsts):
                raise _refused(whole)
            return "".join([*said, "(", "|".join(firsts), ")", *(["$"] if "$" in items[at + 1 :] else [])])
        said.append(_say_group(item, whole, at_end and not rest) if item.startswith("(") else item)
    return "".join(said)


def _say_group(item: str, whole: str, at_end: bool) -> str:
    close = _closing(item, 0, whole)
    start = 3 if item.startswith("(?:") else 1
    if start == 1 and item.startswith("(?"):
        raise _refused(whole)
    return item[:start] + _say(item[start:close], whole, at_end and item[close + 1 :] in ("", "?")) + item[close:]


def _not_empty(items: Sequence[str], whole: str) -> list[str]:
    """The sequence as alternatives that each begin with something: with the first group, else with the second ..."""
    found: list[str] = []
    for at, item in enumerate(items):
        optional = item.startswith("(") and item.endswith(")?")
        inner = item[1:-2].removeprefix("?:") if optional else item
        if re.fullmatch(inner, "") is not None:
            raise _refused(whole)
        inner = f"(?:{inner})" if len(_alternatives(inner, whole)) > 1 else inner
        found.append("".join([inner, *items[at + 1 :]]))
        if not optional:
            break
    return found


def _alternatives(part: str, whole: str) -> list[list[str]]:
    """A pattern as its alternatives, each as its items: an atom or a group with its quantifier."""
    found: list[list[str]] = [[]]
    at = 0
    while at < len(part):
        if part[at] == "|":
            found.append([])
            at += 1
            continue
        end = _closing(part, at, whole) + 1 if part[at] == "(" else at
        match = _QUANTIFIER.match(part, end) if part[at] == "(" else _ITEM.match(part, at)
        if match is None:
            raise _refused(whole)
        found[-1].append(part[at : match.end()])
        at = match.end()
    return found


def _closing(part: str, at: int, whole: str) -> int:
    """Where the group that opens at `at` closes."""
    depth = 0
    while at < len(part):
        if part[at] == "(":
            depth += 1
        elif part[at] == ")":
            depth -= 1
            if depth == 0:
                return at
        if part[at] in "()":
            at += 1
            continue
        match = _STEP.match(part, at)
        if match is None:
            break
        at = match.end()
    raise _refused(whole)


def _refused(pattern: str) -> InputError:
    return InputError(
        f"The schema's pattern {pattern!r} can't be held to while an answer is written.",
        fix="Write it without look-arounds, or leave the constrained arms out.",
    )
