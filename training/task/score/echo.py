"""Answers that repeat the request instead of answering it: template echo and prompt leak (metrics A7).

A value counts as an echo when it is one of the contract's own words or examples, or a word that stands for a value
("Recipe Name", "ingredient 1", "..."), and the source does not say it. An answer most of whose values are echoes is the
template sent back. A leak is a run of `LEAK_CHARS` characters of the instructions that is not in the source.
"""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, cast

from training.task.pack import Pack
from training.task.records import Score
from training.task.score.durations import duration_minutes
from training.task.score.reading import read_source
from training.task.score.text import fold
from training.task.score.values import text_of

LEAK_CHARS = 40
_CONTRACT_WORDS = frozenset({"const", "enum"})
_EXAMPLE = re.compile(r'"([^"\n]{1,80})"|\b(PT[0-9]+[HM](?:[0-9]+M)?)\b')


# What people write where a value is to go, folded.
_NOUN = r"(?:recipe|dish|ingredient|instruction|step|direction|company|insight|summary|title|author|item)s?"
_BEFORE = r"(?:your|insert|quantity of|name of|list of|description of)"
_AFTER = r"(?:name|title|text|description|goes here|here|no\.? ?\d+|\d+)"
_PLACEHOLDER = re.compile(
    rf"\.{{2,}}|…|<[^<>]*>|\{{[a-z_ ]+\}}|\[(?:your |insert |the )[a-z ]+\]|string|integer|placeholder|todo|tbd|xxx+"
    rf"|(?:{_BEFORE} )+(?:the )?{_NOUN}(?: {_AFTER})*|{_NOUN}(?: {_AFTER})+"
)


def is_template(pack: Pack, obj: dict[str, Any] | None, source_text: str) -> bool:
    """Whether an answer is the template sent back: two of its values or more are echoes, and more than half of them."""
    values = [] if obj is None else list(_checked_leaves(pack, obj))
    templates = template_values(pack)
    echoes = sum(is_echo(value, templates, source_text) for value in values)
    return echoes > 1 and 2 * echoes > len(values)


def echo_scores(pack: Pack, obj: dict[str, Any] | None, source_text: str, raw: str | None) -> list[Score]:
    """`template_echo` 1 where any value is an echo (n values), `prompt_leak` 1 where the instructions are repeated."""
    values = [] if obj is None else list(_checked_leaves(pack, obj))
    templates = template_values(pack)
    echoes = [value for value in values if is_echo(value, templates, source_text)]
    words = f"{len(echoes)} of {len(values)} values repeat the request's own words or examples."
    text = raw if raw is not None else "\n".join(values) if obj is not None else None
    leak = None if text is None else float(leaks_prompt(pack, text, source_text))
    return [
        Score("template_echo", float(bool(echoes)) if values else None, n=len(values), explanation=words),
        Score("prompt_leak", leak, n=1, explanation=(
            "The answer repeats part of its instructions." if leak else "No part of the instructions is repeated.")),
    ]  # fmt: skip


def is_echo(value: str, templates: frozenset[str], source_text: str) -> bool:
    """Whether a value is one of the `template_values`, or stands for one, and the source gives no reason for it."""
    folded = fold(value)
    if folded not in templates and not _PLACEHOLDER.fullmatch(folded):
        return False
    minutes = duration_minutes(value)
    if minutes is not None:
        return not any(abs(minutes - m) < 1 / 60 for found in read_source(source_text).times for m in found.minutes)
    return folded not in _folded(source_text)


def leaks_prompt(pack: Pack, text: str, source_text: str) -> bool:
    """Whether `text` shares a run of `LEAK_CHARS` characters with the instructions that the source does not hold."""
    given, source = fold(text), _folded(source_text)
    known = _instruction_runs(pack.system, pack.user, pack.prompted_user)
    runs = (given[at : at + LEAK_CHARS] for at in range(len(given) - LEAK_CHARS + 1))
    return any(run in known and run not in source for run in runs)


def template_values(pack: Pack) -> frozenset[str]:
    """The strings of the schema (its keys, types, descriptions, examples), the examples in the prompts and the hints of
    a text answer's sections, folded.

    Values the contract asks for word by word (const, enum) are no echo.
    """
    hints = tuple(section.hint for section in pack.answer.sections)
    return _template_values(json.dumps(pack.schema), hints, pack.system, pack.user, pack.prompted_user)


@lru_cache(maxsize=8)
def _template_values(schema_text: str, hints: tuple[str, ...], *prompts: str) -> frozenset[str]:
    schema = json.loads(schema_text)
    shown = set(_schema_strings(schema, constants=False))
    for hint in hints:
        shown |= {hint, f"<{hint}>"}
    for prompt in prompts:
        shown.update(match[1] or match[2] for match in _EXAMPLE.finditer(prompt))
    return frozenset(fold(text) for text in shown) - {fold(text) for text in _schema_strings(schema, constants=True)}


@lru_cache(maxsize=2)
def _folded(text: str) -> str:
    return fold(text)


@lru_cache(maxsize=8)
def _instruction_runs(*prompts: str) -> frozenset[str]:
    parts = [fold(part) for prompt in prompts for part in re.split(r"\{source\}|\{schema\}", prompt)]
    return frozenset(part[at : at + LEAK_CHARS] for part in parts for at in range(len(part) - LEAK_CHARS + 1))


def _schema_strings(node: Any, constants: bool, inside: bool = False) -> Iterator[str]:
    """Strings of a schema: those under const and enum, or all others, keys of `properties` included."""
    if isinstance(node, str):
        if inside == constants:
            yield node
    elif isinstance(node, list):
        for item in cast(list[Any], node):
            yield from _schema_strings(item, constants, inside)
    elif isinstance(node, dict):
        for key, item in cast(dict[str, Any], node).items():
            if key == "properties" and isinstance(item, dict) and not constants:
                yield from cast(dict[str, Any], item)
            yield from _schema_strings(item, constants, inside or key in _CONTRACT_WORDS)


def _checked_leaves(pack: Pack, obj: dict[str, Any]) -> Iterator[str]:
    constants = {spec.name for spec in pack.fields if spec.kind == "constant"}
    for key, value in obj.items():
        if key not in constants:
            yield from _leaves(value)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in cast(dict[str, Any], value).items():
            if key != "@type":
                yield from _leaves(item)
    elif isinstance(value, list):
        for item in cast(list[Any], value):
            yield from _leaves(item)
    elif text_of(value).strip():
        yield text_of(value)
