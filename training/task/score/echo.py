"""Answers that repeat the request instead of answering it: template echo and prompt leak (metrics A7).

A value counts as an echo when it is one of the contract's own words or examples and the source does not say it; a
leak is a run of `LEAK_CHARS` characters of the instructions that is not in the source.
"""

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
    """Whether a value is one of the `template_values` and the source gives no reason for it."""
    folded = fold(value)
    if folded not in templates:
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
    shown = set(_schema_strings(pack.schema, constants=False))
    for section in pack.answer.sections:
        shown |= {section.hint, f"<{section.hint}>"}
    for prompt in (pack.system, pack.user, pack.prompted_user):
        shown.update(match[1] or match[2] for match in _EXAMPLE.finditer(prompt))
    return frozenset(fold(text) for text in shown) - {
        fold(text) for text in _schema_strings(pack.schema, constants=True)
    }


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
