"""A gate plan from the settings of a spec: names as in `GatePlan`, nested where its thresholds are.

    personal: refuse
    similarity: 0.8
    trivial: {source_words: 12}
    quotas: {style: 0.4, group: null}
    rubric: null

What is not named keeps its default; a name or a type that is none of the plan's is a DataError that says which. The
parts that are no settings (pack, token counter, evaluation rows, judge) come as arguments.
"""

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from training.data.gates.plan import CountTokens, GatePlan, Judge, Lengths, Quotas, Rubric, Supported, Trivial
from training.data.rows import DataRow
from training.errors import DataError
from training.task.pack import Pack

NESTED: Mapping[str, type] = {"trivial": Trivial, "lengths": Lengths, "quotas": Quotas, "supported": Supported}
GIVEN = frozenset({"pack", "count_tokens", "eval_rows", "rubric"})  # arguments; rubric's thresholds are settings


@dataclass(frozen=True, slots=True)
class Tools:
    """What a plan needs that no file can hold. None and () switch off what depends on it."""

    count_tokens: CountTokens | None = None
    eval_rows: tuple[DataRow, ...] = ()
    judge: Judge | None = None


def plan_from(settings: Mapping[str, Any], pack: Pack, tools: Tools | None = None) -> GatePlan:
    """The plan that `settings` describe. DataError where one is unknown, of the wrong type or out of range."""
    tools = tools or Tools()
    hints = get_type_hints(GatePlan)
    values: dict[str, Any] = {}
    for name, given in settings.items():
        if name == "rubric" or name in NESTED:
            continue
        if name not in hints or name in GIVEN:
            raise _unknown(name, [*(key for key in hints if key not in GIVEN), "rubric"])
        values[name] = _typed(name, given, hints[name])
    for name, kind in NESTED.items():
        if name in settings:
            values[name] = _nested(name, settings[name], kind(), optional=type(None) in get_args(hints[name]))
    rubric = _rubric(settings.get("rubric"), tools.judge)
    return GatePlan(pack, tools.count_tokens, eval_rows=tools.eval_rows, rubric=rubric, **values)


def _rubric(given: Any, judge: Judge | None) -> Rubric | None:
    if given is None:
        return None
    if judge is None:
        fix = "Name one under judge:, or remove rubric."
        raise DataError("The gates ask for a rubric, but no judge is set up.", fix=fix)
    return cast("Rubric", _nested("rubric", given, Rubric(judge), optional=True))


def _nested(name: str, given: Any, default: Any, optional: bool) -> Any:
    if given is None and optional:
        return None
    if not isinstance(given, Mapping):
        raise _wrong(name, given, "a mapping of its thresholds")
    hints = get_type_hints(type(default))
    known = [item.name for item in fields(default) if item.name != "judge"]
    settings = cast("Mapping[str, Any]", given)
    for key in settings:
        if key not in known:
            raise _unknown(f"{name}.{key}", known)
    return replace(default, **{key: _typed(f"{name}.{key}", value, hints[key]) for key, value in settings.items()})


def _typed(name: str, given: Any, hint: Any) -> Any:
    """The value as its field's type has it: a list for a tuple of texts, 1 for 1.0; anything else is a DataError."""
    options = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    for option in options:
        if get_origin(option) is Literal and given in get_args(option):
            return given
        if get_origin(option) is tuple and isinstance(given, Sequence) and not isinstance(given, str):
            if all(isinstance(item, str) for item in cast("Sequence[Any]", given)):
                return tuple(cast("Sequence[str]", given))
        elif option is float and isinstance(given, int) and not isinstance(given, bool):
            return float(given)
        elif isinstance(option, type) and isinstance(given, option) and (option is bool or not isinstance(given, bool)):
            return given
    raise _wrong(name, given, " or ".join(_words(option) for option in options))


def _words(option: Any) -> str:
    if get_origin(option) is Literal:
        return ", ".join(get_args(option))
    if get_origin(option) is tuple:
        return "a list of texts"
    names = {float: "a number", int: "a whole number", bool: "true or false", str: "text", type(None): "null"}
    return names[option]


def _unknown(name: str, known: Sequence[str]) -> DataError:
    return DataError(f"The gates have no setting {name!r}.", fix=f"Use one of: {', '.join(known)}.")


def _wrong(name: str, given: Any, wanted: str) -> DataError:
    return DataError(f"The gates' {name} is {given!r}.", fix=f"Give it {wanted}.")
