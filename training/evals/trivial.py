"""The arms that need no model: what any trained one has to beat, and what shows a metric that is wrong.

empty     nothing at all
constant  one answer to every document, the best guess that the right answers allow: their most frequent values, the
          median of a rating, what at least half of them leave out left out
echo      the request's own template sent back: every key, with a placeholder word where a value should be
regex     plain patterns over the document, as good as an afternoon of them gets; see training.evals.patterns

Promise: the same documents give the same answers. The constant is allowed to see the right answers of these very
documents, which a model never does: it is a floor, not a competitor.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from statistics import median_low
from typing import Any, cast

from training.errors import InputError
from training.evals.patterns import extract
from training.evals.records import EvalRow
from training.task.pack import FieldSpec, Pack
from training.task.score.news import relevance_value
from training.task.score.values import LIST_KINDS, asserts_anything, entries, is_empty
from training.task.sections import layout, write_sections

MOST_GOLDS = 5_000  # of which the constant is made; memory stays flat beyond
Answer = Callable[[EvalRow], str]


def trivial_arm(name: str, pack: Pack, rows: Iterable[EvalRow]) -> Answer:
    """What an arm of `evals.records.TRIVIAL` answers to a document. `rows` are read by the constant alone.

    Raises KeyError for a name that is none.
    """
    if name == "constant":
        said = constant_answer(pack, rows)
        return lambda _row: said
    if name == "echo":
        echoed = echo_answer(pack)
        return lambda _row: echoed
    return {"empty": lambda _row: "", "regex": lambda row: _regex(pack, row)}[name]


def constant_answer(pack: Pack, rows: Iterable[EvalRow]) -> str:
    """The one answer of the constant arm; the empty object where most documents have no answer."""
    golds = list(islice((row.gold for row in rows if row.gold is not None), MOST_GOLDS))
    full = [gold for gold in golds if asserts_anything(pack, gold)]
    if 2 * len(full) <= len(golds):
        return _written(pack, {})
    found: dict[str, Any] = {}
    for spec in pack.fields:
        value = _usual(spec, [gold.get(spec.name) for gold in full])
        if value is not None:
            found[spec.name] = value
    return _written(pack, _ordered(found, full))


def echo_answer(pack: Pack) -> str:
    """The template of the task with a word in place of each value, as JSON or as the task's sections."""
    if pack.answer.kind == "text":
        return layout(pack.answer)
    schema = pack.schema
    definitions = cast("Mapping[str, Any]", schema.get("$defs", {}))
    properties = cast("Mapping[str, Any]", schema.get("properties", {}))
    return json.dumps({name: _placeholder(name, node, definitions) for name, node in properties.items()})


def _usual(spec: FieldSpec, values: Sequence[Any]) -> Any:
    """The most usual value of a field; None where at least half leave it out."""
    there = [value for value in values if not is_empty(value)]
    if 2 * len(there) <= len(values):
        lists = spec.kind in LIST_KINDS and any(value == [] for value in values)
        return [] if lists else None
    if spec.comparator == "relevance":
        known = [number for value in there if (number := relevance_value(value)) is not None]
        return median_low(known) if known else None
    if spec.kind in LIST_KINDS:
        return _usual_list(spec, there)
    most = Counter(json.dumps(value, sort_keys=True) for value in there).most_common(1)[0][0]
    return json.loads(most)


def _usual_list(spec: FieldSpec, lists: Sequence[Any]) -> list[Any]:
    """The items that the most lists have, as many as the median list has."""
    counts: Counter[str] = Counter()
    for value in lists:
        counts.update({json.dumps(entry.value, sort_keys=True) for entry in entries(spec, value)})
    size = median_low([len(entries(spec, value)) for value in lists])
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[: max(1, size)]
    return [json.loads(text) for text, _ in most]


def _ordered(found: dict[str, Any], golds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Keys in the order in which a right answer has them."""
    order = list(dict.fromkeys(key for gold in golds[:50] for key in gold))
    return {key: found[key] for key in sorted(found, key=lambda key: order.index(key) if key in order else len(order))}


def _placeholder(name: str, node: Any, definitions: Mapping[str, Any]) -> Any:
    """A word for a value of the schema: its key, or its type where it is no text; constants stay as they are."""
    spec = cast("Mapping[str, Any]", node) if isinstance(node, dict) else {}
    if "$ref" in spec:
        target = str(spec["$ref"]).rsplit("/", 1)[-1]
        return _placeholder(target, definitions.get(target, {}), definitions)
    if "const" in spec or "enum" in spec:
        return spec["const"] if "const" in spec else spec["enum"][0]
    kind = spec.get("type", "string")
    if kind == "array":
        return [_placeholder(name, spec.get("items", {}), definitions)]
    if kind == "object":
        inner = cast("Mapping[str, Any]", spec.get("properties", {}))
        return {key: _placeholder(key, value, definitions) for key, value in inner.items()}
    return name if kind == "string" else str(kind)


def _regex(pack: Pack, row: EvalRow) -> str:
    return _written(pack, extract(pack, row.source))


def _written(pack: Pack, obj: dict[str, Any]) -> str:
    """An object as a model of this task would write it."""
    if pack.answer.kind != "text":
        return json.dumps(obj, ensure_ascii=False)
    try:
        return write_sections(pack.answer, obj)
    except InputError:  # a form that can't hold it: then this arm has no answer to give
        return write_sections(pack.answer, {})
