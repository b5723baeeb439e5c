"""The first three gates: a row can be read, its answer keeps the schema, and it is the contract to the letter.

A text answer (a pack whose `answer.kind` is text) is read into its object first, so the same three hold for it. Nothing
here depends on the order of an answer's keys.
"""

import json
import math
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast

from training.data.gates.plan import GatePlan
from training.data.rows import DataRow, Refusal, canonical
from training.task.pack import FieldSpec, Pack
from training.task.parse import MAX_NESTING, nesting, parse, parse_answer
from training.task.records import FinishReason, Tier
from training.task.score.schema import schema_errors
from training.task.score.values import LIST_KINDS, entries, is_empty, right_type, text_of

LONGEST_NUMBER = 1024  # bits; a longer one is no answer to anything, and past 4,300 digits can't be written out
_SURROGATE = re.compile("[\ud800-\udfff]")
EVIDENCE = 200  # characters of what was found that a refusal repeats


def parses(row: DataRow, plan: GatePlan) -> Refusal | None:
    """A row of this task with a source text, a group, a readable date and a gold of the task's kind."""
    complaint = next(_complaints(row, plan.pack), None)
    return Refusal("parses", complaint) if complaint else None


def schema(row: DataRow, plan: GatePlan) -> Refusal | None:
    """The gold keeps the pack's output schema. A text answer that can't be read is left to `contract`."""
    errors = schema_errors(answer_object(row, plan.pack), plan.pack.schema)
    for first in errors[:1]:
        more = f" ({len(errors)} rules broken)" if len(errors) > 1 else ""
        return Refusal("schema", f"The answer breaks the contract: {first.message}{more}.", first.path)
    return None


def contract(row: DataRow, plan: GatePlan) -> Refusal | None:
    """The gold is what a perfect model would write: nothing surplus, nothing empty, each value of its field's type.

    A field that the source does not fill is left out, so an empty value is a fault; only where the schema wants the
    key in every answer does it take an empty list. Written out and read back, the answer is strict and the same.
    """
    if isinstance(row.gold, str):
        parsed = parse_answer(plan.pack, row.gold, FinishReason.EOS)
        if parsed.tier is not Tier.STRICT:
            return Refusal("contract", f"The answer is not in the exact form: {parsed.error}.", row.gold[:EVIDENCE])
        return None
    gold = cast("dict[str, Any]", row.gold)
    for name, value in gold.items():
        if complaint := _field_complaint(plan.pack, name, value):
            return Refusal("contract", complaint, canonical(value)[:EVIDENCE])
    parsed = parse(json.dumps(gold, ensure_ascii=False), FinishReason.EOS)
    if parsed.tier is not Tier.STRICT or canonical(parsed.object) != canonical(gold):
        return Refusal("contract", f"Written out, the answer does not read back the same: {parsed.error}.")
    return None


def answer_object(row: DataRow, pack: Pack) -> dict[str, Any] | None:
    """The gold as an object; None for a text that is not in the form of the task."""
    if isinstance(row.gold, str):
        return parse_answer(pack, row.gold, FinishReason.EOS).object
    return cast("dict[str, Any]", row.gold)


def answer_text(row: DataRow) -> str:
    """What the gold says, without keys: its leaves, one a line, or the text itself."""
    return row.gold if isinstance(row.gold, str) else "\n".join(leaves(row.gold))


def leaves(value: Any) -> Iterator[str]:
    """Every text and number of a JSON value, in its order."""
    if isinstance(value, dict):
        for item in cast("dict[str, Any]", value).values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from leaves(item)
    elif said := text_of(value):
        yield said


def _complaints(row: DataRow, pack: Pack) -> Iterator[str]:
    if row.task != pack.name:
        yield f"The row is of the task {row.task!r}, not of {pack.name!r}."
    for name in ("source", "group", "origin"):
        value = getattr(row, name)
        if not isinstance(value, str) or not value.strip():
            yield f"The row's {name} is {'empty' if isinstance(value, str) else 'no text'}."
    for name in ("licence", "place", "style", "slice"):
        if not isinstance(getattr(row, name), str):
            yield f"The row's {name} is no text."
    if isinstance(row.source, str):
        yield from _unreadable("source", row.source)
    if row.date is not None and not _is_date(row.date):
        yield f"The row's date {row.date!r} is not ISO 8601, such as 2025-03-31."
    yield from _gold_complaints(row.gold, pack)


def _gold_complaints(gold: Any, pack: Pack) -> Iterator[str]:
    is_text = pack.answer.kind == "text"
    if not isinstance(gold, str if is_text else dict):
        found = "missing" if gold is None else f"of type {type(gold).__name__}"
        yield f"The answer is {found}; this task's is {'text' if is_text else 'a JSON object'}."
        return
    if isinstance(gold, str):
        yield from [] if gold.strip() else ["The answer is an empty text."]
        yield from _unreadable("answer", gold)
        return
    if nesting(gold) > MAX_NESTING:
        yield f"The answer is nested deeper than {MAX_NESTING} levels."
        return
    yield from _json_complaints(gold)


def _json_complaints(value: Any) -> Iterator[str]:
    """What in a value JSON does not have. No deeper than MAX_NESTING."""
    if isinstance(value, dict):
        for key, item in cast("dict[Any, Any]", value).items():
            if not isinstance(key, str):
                yield f"The answer has the key {key!r}, which is no text."
            else:
                yield from _unreadable("answer", key)
            yield from _json_complaints(item)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _json_complaints(item)
    elif isinstance(value, str):
        yield from _unreadable("answer", value)
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"The answer holds {value}, which JSON does not have."
    elif isinstance(value, int) and value.bit_length() > LONGEST_NUMBER:
        yield "The answer holds a number of hundreds of digits."
    elif value is not None and not isinstance(value, (bool, int, float)):
        yield f"The answer holds a {type(value).__name__}, which JSON does not have."


def _unreadable(name: str, text: str) -> Iterator[str]:
    """Half a surrogate pair can't be written to a file; a NUL is a sign of binary data."""
    if "\0" in text:
        yield f"The row's {name} holds a NUL character: binary data read as text."
    if _SURROGATE.search(text):
        yield f"The row's {name} holds half a character, which no file can store: broken encoding."


def _is_date(text: Any) -> bool:
    try:
        datetime.fromisoformat(text)
    except (ValueError, TypeError):
        return False
    return True


def _field_complaint(pack: Pack, name: str, value: Any) -> str | None:
    spec = pack.field(name)
    if spec is None:
        return f"{name[:80]!r} is not a key of this contract."
    if value == [] and name in pack.schema.get("required", ()):
        return None
    if is_empty(value):
        return f"{spec.name} is empty: what a text does not say is left out."
    if not _right(spec, value):
        return f"{spec.name} has the wrong type for a field of kind {spec.kind}."
    if isinstance(value, list) and any(is_empty(item) for item in cast("list[Any]", value)):
        return f"{spec.name} has an empty entry."
    if any(leaf != leaf.strip() for leaf in leaves(value)):
        return f"{spec.name} begins or ends with a blank."
    return None


def _right(spec: FieldSpec, value: Any) -> bool:
    """Constants are the schema's business; of a list every entry has to be of its kind."""
    if spec.kind == "constant":
        return True
    if spec.kind in LIST_KINDS:
        return right_type(spec, value) and all(entry.fits for entry in entries(spec, value))
    return isinstance(value, (int, float)) or right_type(spec, value)
