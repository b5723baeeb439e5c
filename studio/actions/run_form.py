"""The run form as plain values by field, and the RunConfig that they are: the one place between components and record.

Promise: a config goes into the form and comes out equal; what can't be read is a problem with the field's name, and
nothing that was typed is changed or becomes a default. No Gradio, no disk.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from training.runs.checks import ALL_LINEAR, Problem, kinds_of, problems, type_problem
from training.runs.config import FIELDS, RunConfig

SHOWN = tuple(name for name in FIELDS if name != "version")  # every field but the record's own shape


class Filled(NamedTuple):
    """What the form says: a config, None where a field can't be read, and all that is wrong."""

    config: RunConfig | None
    problems: tuple[Problem, ...]


def filled(values: Sequence[Any]) -> Filled:
    """`values` in the order of `SHOWN`; a missing one fails here, not one component further."""
    given = {name: _typed(name, value) for name, value in zip(SHOWN, values, strict=True)}
    wrong = tuple(found for name in SHOWN if (found := _unreadable(name, given[name])) is not None)
    if wrong:
        return Filled(None, wrong)
    config = RunConfig(**given)
    return Filled(config, problems(config))


def _unreadable(name: str, value: Any) -> Problem | None:
    if value is None:
        off = FIELDS[name].metadata["off"]
        return Problem(name, "is empty", f"Give a value; {off}." if off else "Give a value.")
    return type_problem(name, value)


def _typed(name: str, value: Any) -> Any:
    """A component's value as the field has it. What does not fit stays as it is, and is then told."""
    kinds = kinds_of(name)
    if tuple in kinds:
        return _names(value, all_linear=str in kinds)
    if isinstance(value, bool):
        return value
    if int in kinds and isinstance(value, float) and value.is_integer():
        return int(value)
    if float in kinds and isinstance(value, int):
        return float(value)
    if str in kinds:
        return "" if value is None else value.strip() if isinstance(value, str) else value
    return value


def _names(value: Any, *, all_linear: bool) -> Any:
    """A list of names, from a list of boxes or from text with commas."""
    if value is None or isinstance(value, list | tuple):
        return tuple(value or ())
    if all_linear and str(value).strip() in (ALL_LINEAR, ""):
        return str(value).strip()
    return tuple(part for part in str(value).replace(",", " ").split() if part)


def values_of(config: RunConfig) -> list[Any]:
    """The form's values of a config, in the order of `SHOWN`."""
    return [_shown(name, getattr(config, name)) for name in SHOWN]


def _shown(name: str, value: Any) -> Any:
    if isinstance(value, tuple):
        return ", ".join(value) if str in kinds_of(name) else list(value)
    return value
