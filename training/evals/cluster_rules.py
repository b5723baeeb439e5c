"""The clusters of form: does the answer keep to what was asked for, and if not, for which fields ("" for the whole).

A rule yields nothing where it does not fit. Order and words are in clusters.py, the rules of content in
cluster_content.py, the reading of an answer in cluster_case.py.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from training.evals.cluster_case import Case
from training.task.records import FinishReason, SchemaError, Tier
from training.task.score.durations import duration_minutes
from training.task.score.echo import is_echo, template_values

Rule = Callable[[Case], Iterable[str]]
LOOP = 0.5  # of the runs of four words came before
SHAPE = frozenset({"type", "enum", "pattern", "range", "other"})


def fits(found: bool) -> Iterator[str]:
    """The answer as a whole, where `found`."""
    if found:
        yield ""


def _cut(case: Case) -> bool:
    return case.answer.finish == FinishReason.LENGTH


def no_json(case: Case) -> Iterator[str]:
    if case.parsed.object is not None or _cut(case):
        return
    if case.pack.answer.kind == "text":
        yield from fits(not any(section.head in case.answer.raw for section in case.pack.answer.sections))
    else:
        yield from fits(case.root is None and "{" not in case.answer.raw)


def prose_wrapped(case: Case) -> Iterator[str]:
    return fits(bool(re.sub(r"[\s`]|json", "", case.outside)) or "```" in case.outside)


def truncated(case: Case) -> Iterator[str]:
    return fits(_cut(case) and case.parsed.tier not in (Tier.STRICT, Tier.EXTRACTED))


def never_stops(case: Case) -> Iterator[str]:
    """A loop, or an answer that is whole and goes on until the budget ends it."""
    return fits(case.repetition > LOOP or (_cut(case) and case.parsed.tier is Tier.EXTRACTED))


def multi_object(case: Case) -> Iterator[str]:
    return fits(case.parsed.n_objects > 1)


def duplicate_keys(case: Case) -> Iterator[str]:
    start = case.answer.raw.find("{")
    if case.parsed.tier is Tier.STRICT or case.pack.answer.kind == "text" or start < 0:
        return
    doubled = False

    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal doubled
        doubled = doubled or len({key for key, _ in pairs}) < len(pairs)
        return dict(pairs)

    try:
        json.JSONDecoder(object_pairs_hook=note).raw_decode(case.answer.raw, start)
    except (ValueError, RecursionError):
        return
    yield from fits(doubled)


def _echoed(case: Case, durations: bool) -> bool:
    if case.figure("template_echo") == 0.0:
        return False
    templates = template_values(case.pack)
    return any(
        is_echo(text, templates, case.source)
        for spec, text in case.leaves()
        if (spec is not None and spec.comparator == "duration") is durations
    )


def template_echo(case: Case) -> Iterator[str]:
    return fits(_echoed(case, durations=False))


def prompt_leak(case: Case) -> Iterator[str]:
    return fits(case.figure("prompt_leak") == 1.0)


def wrong_root(case: Case) -> Iterator[str]:
    return fits(case.pack.answer.kind == "json" and case.root is not None and not isinstance(case.root, dict))


def broken_form(case: Case) -> Iterator[str]:
    """What is neither strict nor told by one of the other clusters of form: each unreadable answer has a name."""
    if case.parsed.tier is Tier.STRICT:
        return
    told = (no_json, prose_wrapped, truncated, never_stops, multi_object, duplicate_keys, wrong_root)
    yield from fits(not any("" in rule(case) for rule in told))


def missing_required(case: Case) -> Iterator[str]:
    return (error.field for error in case.contract if error.kind == "missing")


def _of_duration(case: Case, error: SchemaError) -> bool:
    return any(spec.name == error.field for spec in case.having("duration"))


def type_errors(case: Case) -> Iterator[str]:
    return (
        error.field
        for error in case.contract
        if error.kind in SHAPE and not (error.kind == "pattern" and _of_duration(case, error))
    )


def extra_keys(case: Case) -> Iterator[str]:
    return fits(any(error.kind == "extra" for error in case.contract))


def bad_duration(case: Case) -> Iterator[str]:
    values = [(case.obj or {}).get(spec.name) for spec in case.having("duration")]
    return fits(any(isinstance(v, str) and v.strip() and duration_minutes(v) is None for v in values))


def wrong_refusal(case: Case) -> Iterator[str]:
    return fits(case.obj is not None and not case.says_something and case.gold_says_something)


def default_value_copied(case: Case) -> Iterator[str]:
    return fits(_echoed(case, durations=True))
