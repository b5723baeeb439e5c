"""A run's config as YAML, as `field=value` words and as the command that does the same: one object, three ways in.

Promise: what is read is what was written, field by field; an unknown field, a quoted number or a newer file's version
is told with the field and the fix, and nothing becomes a default unseen. What is written back reads as an equal config.
Limits: types only; whether the values fit together is `training.runs.checks`.
"""

import difflib
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from training.errors import InputError, PackError
from training.home import home_flag
from training.runs.checks import ALL_LINEAR, MOST_NUMBER, ConfigError, Problem, kinds_of, shown, type_problem
from training.runs.config import DEFAULTS, FIELDS, VERSION, RunConfig
from training.task.yamlfile import Reader, parse_yaml, read_utf8
from training.typed_path import typed_path

WHAT = ("version", "task", "dataset", "base")  # always written, so that a file says what it is about
PROGRAM = "python -m training train"
_BARE_POWER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)[eE][-+]?\d+")  # YAML 1.1 reads 3e-3 as text
_WHOLE = re.compile(r"[-+]?\d[\d_]*")
LONGEST = 400  # characters of a number: Python reads no whole ones of thousands
_NUMBER = re.compile(r"[-+]?(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?")


def config_from(data: Mapping[str, Any], where: str = "") -> RunConfig:
    """A config from plain values; what `data` leaves out has its default. `where` is what errors name.

    ConfigError for a field that is not known, a value of another type, or the version of another studio.
    """
    return RunConfig(**values_from(data, where))


def values_from(data: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """The given fields alone, each of its own type."""
    wrong: list[Problem] = []
    values: dict[str, Any] = {}
    for name, given in data.items():
        if name not in FIELDS:
            wrong.append(Problem(str(name), "is no setting of a run", _did_you_mean(str(name))))
            continue
        values[name] = _as_field(name, given)
        if (found := type_problem(name, values[name])) is not None:
            wrong.append(replace(found, fix=_type_fix(name, given, found.fix)))
    version = values.get("version", VERSION)
    if not wrong and version > VERSION:
        wrong.append(Problem("version", f"is {version}, this studio reads {VERSION}", "Update the studio."))
    if not wrong and version < 1:
        wrong.append(Problem("version", f"is {version}, which no studio has written", f"Set version: {VERSION}."))
    if wrong:
        raise ConfigError([replace(item, field=f"{where}: {item.field}" if where else item.field) for item in wrong])
    return values


def read_values(path: Path) -> dict[str, Any]:
    """The fields that a YAML file names. A base or dataset given as ./NAME or ../NAME starts at the file's folder."""
    try:
        values = values_from(read_yaml_mapping(path).rest(), str(path))
    except PackError as err:
        raise InputError(str(err), fix=err.fix) from err
    return absolute_paths(values, path.parent)


def read_config(path: Path) -> RunConfig:
    """A config from its YAML file. InputError with file, field and fix."""
    return RunConfig(**read_values(path))


def read_yaml_mapping(path: Path) -> Reader:
    return parse_yaml(read_utf8(path), path)


def config_yaml(config: RunConfig) -> str:
    """The config as YAML: what it is about, and whatever differs from the defaults."""
    kept = {name: value for name, value in config.to_json().items() if name in WHAT or value != _plain(DEFAULTS[name])}
    return yaml.safe_dump(kept, allow_unicode=True, sort_keys=False, width=120)


def with_settings(config: RunConfig, settings: Sequence[str]) -> RunConfig:
    """The config with each `field=value` in its place; the last one of a field wins."""
    return replace(config, **settings_from(settings))


def settings_from(settings: Sequence[str]) -> dict[str, Any]:
    """`field=value` words as the fields' values. A list is written with commas: report_to=tensorboard,wandb."""
    values: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            fix = "Write field=value, such as rank=32."
            raise InputError(f"--set {shown(setting)} has no value.", fix=fix)
        values[name.strip()] = _from_text(name.strip(), text.strip())
    return values_from(values, "--set")


def command(config: RunConfig, preset: str = "", home: Path | None = None) -> str:
    """The line for a terminal that starts the same run in the same `home`: the preset, and what differs from it."""
    words = PROGRAM.split()
    start = RunConfig()
    if preset:
        from training.runs.presets import apply, preset_of

        words += ["--preset", preset]
        start = apply(preset_of(preset, home), start)
    for name, (_, value) in differences(start, config).items():
        words += ["--set", f"{name}={_as_text(value)}"]
    return shlex.join([*words, *(home_flag(home) if home else ())])


def differences(before: RunConfig, after: RunConfig) -> dict[str, tuple[Any, Any]]:
    """The fields that differ, in their order, as (before, after)."""
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in FIELDS}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def absolute_paths(values: Mapping[str, Any], start: Path) -> dict[str, Any]:
    """The values with a base or dataset that is written as a path made absolute: a run is worked on from elsewhere.

    InputError for what can't be a path.
    """
    found = dict(values)
    for name in ("base", "dataset"):
        text = found.get(name, "")
        if text.startswith(("./", "../", ".\\", "..\\", "~")) or text in (".", ".."):
            found[name] = str(typed_path(text, name, start))
    return found


def settled_paths(config: RunConfig, start: Path) -> RunConfig:
    """The config with its paths made absolute, from `start`."""
    return replace(config, **absolute_paths({"base": config.base, "dataset": config.dataset}, start))


def _as_field(name: str, given: Any) -> Any:
    """What YAML or a form holds as the field has it: a list is a tuple, a whole number a number, 3e-3 a number."""
    kinds = kinds_of(name)
    if tuple in kinds and isinstance(given, list):
        return tuple(given)
    if float in kinds:
        if type(given) is int:
            return float(given) if abs(given) < MOST_NUMBER else given
        if isinstance(given, str) and _BARE_POWER.fullmatch(given):
            return float(given)
    return given


def _from_text(name: str, text: str) -> Any:
    """A word of the command line as the field's type; what can't be read stays text, and is then told."""
    kinds = kinds_of(name) if name in FIELDS else ()
    if tuple in kinds and not (str in kinds and text in (ALL_LINEAR, "")):
        return tuple(part.strip() for part in text.strip("[]").split(",") if part.strip())
    if bool in kinds:
        return {"true": True, "false": False}.get(text.lower(), text)
    if (int in kinds or float in kinds) and len(text) <= LONGEST and _NUMBER.fullmatch(text):
        whole = int in kinds and _WHOLE.fullmatch(text)
        return int(text) if whole else float(text)
    return text


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(value)
    return f"{value!r}" if isinstance(value, float) else str(value)


def _type_fix(name: str, given: Any, fix: str) -> str:
    """Where a number was put into quotes, that is the thing to say."""
    shape = _WHOLE if int in kinds_of(name) else _NUMBER if float in kinds_of(name) else None
    if shape and isinstance(given, str) and len(given) <= LONGEST and shape.fullmatch(given.strip()):
        return f"Write {name}: {given.strip()} without quotes."
    if int in kinds_of(name) and type(given) is float and given.is_integer():
        return f"Write {name}: {int(given)}."
    return fix


def _did_you_mean(name: str) -> str:
    near = difflib.get_close_matches(name, FIELDS, n=1)
    return f"Did you mean {near[0]}?" if near else f"Use one of: {', '.join(FIELDS)}."


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
