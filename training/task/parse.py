"""An answer's text -> the tier of help it needed to become one JSON object, or the sections of a text answer.

Five tiers, best first (metrics A1): strict, extracted, repaired, repaired_truncated, failed. Nothing is mended
silently: the tier says how far the text was from an object, and every score is told which tiers count. The promise
is that `parse` returns for any string at all; the limit is `MAX_NESTING`, past which an answer counts as failed.
"""

import json
import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import json_repair
from rapidfuzz.distance import Indel

from training.errors import InputError
from training.task.pack import Pack
from training.task.records import FinishReason, Parsed, Tier
from training.task.sections import parse_sections

T = TypeVar("T")

# RFC 8259 section 9 lets a reader limit depth. No task comes near it, and what is read here can be walked recursively.
MAX_NESTING = 64
_BRACKET = re.compile(r'"(?:[^"\\\n]|\\.)*"|(?P<bracket>[{}\[\]])')
CUT_SHORT = frozenset({FinishReason.LENGTH, FinishReason.CANCELLED, FinishReason.TIME_LIMIT, FinishReason.ERROR})


class _Found(NamedTuple):
    """The first object of a text, and the offset just past it."""

    value: dict[str, Any]
    start: int
    end: int


def parse_answer(pack: Pack, raw: str, finish_reason: FinishReason) -> Parsed:
    """What `raw` counts as for this task: one JSON object (`parse`) or text in sections. Never raises."""
    if pack.answer.kind == "text":
        return parse_sections(pack.answer, raw, finish_reason)
    return parse(raw, finish_reason)


def gold_object(pack: Pack, gold: Any) -> dict[str, Any]:
    """A row's right answer as the object that answers are scored against: itself, or what its text reads as.

    Raises InputError for text that is not exactly in the task's form, and for what is neither text nor object.
    """
    if isinstance(gold, dict):
        return cast(dict[str, Any], gold)
    if not isinstance(gold, str):
        raise InputError(f"This gold is {type(gold).__name__}.", fix="Give an object, or the answer's text.")
    parsed = parse_answer(pack, gold, FinishReason.EOS)
    if parsed.tier is not Tier.STRICT or parsed.object is None:
        raise InputError(f"This gold is not in the task's form: {parsed.error}.", fix="Correct the gold.")
    return parsed.object


def parse(raw: str, finish_reason: FinishReason) -> Parsed:
    """What `raw` counts as. Never raises, whatever the string.

    - strict: the whole text, outer whitespace aside, is one object without duplicate keys, NaN or infinite numbers.
    - extracted: such an object begins at the first `{`, with prose or a fence around it. An object inside an array is a
      child, not an answer, and where the first object is broken nothing inside it or after it is taken instead.
    - repaired: json_repair makes a non-empty object of it and the model ended by itself.
    - repaired_truncated: the same, where the budget, a person or a failure cut the answer short.
    - failed: everything else.
    """
    strict, complaint = _attempt(lambda: _object_of(_load(raw.strip())))
    if strict is not None:
        return Parsed(Tier.STRICT, strict, n_objects=1)
    error = complaint or "not a JSON object"
    found, _ = _attempt(lambda: _first_object(raw))
    if found is not None:
        return Parsed(
            Tier.EXTRACTED,
            found.value,
            n_objects=1 + _count_objects(raw, found.end),
            prefix_chars=found.start,
            suffix_chars=len(raw) - found.end,
            error=error,
        )
    return _repair(raw, finish_reason, error)


def nesting(value: Any) -> int:
    """How many lists and objects the deepest leaf sits in; 0 for a scalar. Walks without recursion."""
    deepest = 0
    stack: list[tuple[Any, int]] = [(value, 0)]
    while stack:
        item, depth = stack.pop()
        deepest = max(deepest, depth)
        children: list[Any] = []
        if isinstance(item, dict):
            children = list(cast(dict[str, Any], item).values())
        elif isinstance(item, list):
            children = cast(list[Any], item)
        else:
            continue
        deepest = max(deepest, depth + 1)
        stack.extend((child, depth + 1) for child in children)
    return deepest


def _attempt(read: Callable[[], T]) -> tuple[T | None, str | None]:
    """The value, or the complaint. ValueError is bad JSON, a duplicate key or an integer past Python's limit."""
    try:
        return read(), None
    except RecursionError:
        return None, f"nested deeper than {MAX_NESTING} levels"
    except ValueError as error:
        return None, str(error)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for key, value in pairs:
        if key in seen:
            raise ValueError(f"the key {key[:60]!r} stands twice in one object")
        seen[key] = value
    return seen


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number is too large to be read")
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_no_duplicates, parse_constant=_no_constant, parse_float=_finite)


def _load(text: str) -> Any:
    return _DECODER.decode(text)


def _object_of(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        kinds = {list: "an array", str: "a string", bool: "true or false", type(None): "null"}
        kind = next((word for of, word in kinds.items() if isinstance(value, of)), "a number")
        raise ValueError(f"the root is {kind}, not an object")
    if nesting(value) > MAX_NESTING:
        raise ValueError(f"nested deeper than {MAX_NESTING} levels")
    return cast(dict[str, Any], value)


def _first_object(raw: str) -> _Found:
    start = raw.find("{")
    if start < 0:
        raise ValueError("no object begins in the text")
    if _inside_array(raw[:start]):
        raise ValueError("the root is an array, not an object")
    value, end = _DECODER.raw_decode(raw, start)
    return _Found(_object_of(value), start, end)


def _inside_array(prefix: str) -> bool:
    """Whether the text before the first `{` ends in an open array: `[`, or `[` and complete values and a comma."""
    unclosed: list[int] = []
    for position, char in enumerate(prefix):
        if char == "[":
            unclosed.append(position)
        elif char == "]" and unclosed:
            unclosed.pop()
    if not unclosed:
        return False
    between = prefix[unclosed[-1] + 1 :].strip()
    if not between:
        return True
    values, _ = _attempt(lambda: _load(f"[{between.removesuffix(',')}]"))
    return between.endswith(",") and values is not None


def _count_objects(raw: str, position: int = 0) -> int:
    """Complete objects from `position` on, none counted inside another."""
    count = 0
    start = raw.find("{", position)
    while start >= 0:
        end = _balanced_end(raw, start)
        if end is None:
            break
        value, _ = _attempt(lambda text=raw[start:end]: _object_of(_load(text)))
        count += value is not None
        start = raw.find("{", end)
    return count


def _balanced_end(raw: str, start: int) -> int | None:
    """The offset past the brace that closes the one at `start`, braces in strings aside; None where it stays open."""
    depth = 0
    quoted = escaped = False
    for position in range(start, len(raw)):
        char = raw[position]
        if escaped:
            escaped = False
        elif quoted:
            escaped = char == "\\"
            quoted = char != '"'
        elif char == '"':
            quoted = True
        elif char in "{}":
            depth += 1 if char == "{" else -1
            if depth == 0:
                return position + 1
    return None


def _opens_too_deep(raw: str) -> bool:
    """Whether more than `MAX_NESTING` brackets are ever open at once, those in well-formed strings aside."""
    depth = 0
    for piece in _BRACKET.finditer(raw):
        if piece.lastgroup == "bracket":
            depth += 1 if piece.group() in "{[" else -(depth > 0)
            if depth > MAX_NESTING:
                return True
    return False


def _repair(raw: str, finish_reason: FinishReason, error: str) -> Parsed:
    failed = Parsed(Tier.FAILED, None, error=error)
    start = raw.find("{")
    if start < 0:
        return failed
    if _opens_too_deep(raw):  # the repair tool's time grows with the square of the depth
        return Parsed(Tier.FAILED, None, error=f"nested deeper than {MAX_NESTING} levels")
    try:
        # skip_json_loads: Python's own reader would let NaN, infinity and duplicate keys through without a trace.
        repaired, actions = cast(
            tuple[Any, list[Any]],
            json_repair.repair_json(raw, return_objects=True, logging=True, skip_json_loads=True),
        )
        value = _object_of(repaired)
        written = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except Exception as problem:  # the repair tool may fail in any way on a model's text; that is a failed answer
        return Parsed(Tier.FAILED, None, n_objects=0, error=f"{error}; repair: {str(problem)[:160]}")
    if not value:
        return failed
    return Parsed(
        Tier.REPAIRED_TRUNCATED if finish_reason in CUT_SHORT else Tier.REPAIRED,
        value,
        n_objects=_count_objects(raw),
        prefix_chars=start,
        repairs=len(actions),
        repair_similarity=Indel.normalized_similarity(raw, written),
        error=error,
    )
