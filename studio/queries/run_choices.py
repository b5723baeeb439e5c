"""What the run form offers: dataset versions of a task, bases, presets, and real rows as the model would learn them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.deps import Deps
from studio.queries import datasets
from studio.queries.choices import base_choices, default_base, default_task, task_choices
from training.runs.config import FIELDS, RunConfig
from training.runs.config_file import command, config_yaml, differences
from training.runs.preflight import row_examples
from training.runs.presets import Preset, apply, find_presets

if TYPE_CHECKING:
    from training.engine.row_tokens import RowToken

__all__ = ["FIELDS", "base_choices"]

FIRST = "crumb-two-minutes"  # the preset that a new form holds, where it is there
OWN = ""  # no preset
ROWS = 2


def presets(deps: Deps) -> Mapping[str, Preset]:
    return find_presets(None if deps.settings.space else deps.settings.home)


def preset_choices(deps: Deps) -> list[tuple[str, str]]:
    return [("my own settings", OWN), *((preset.title, name) for name, preset in presets(deps).items())]


def dataset_choices(deps: Deps, task: str) -> list[tuple[str, str]]:
    """(label, name) of a task's versions that have training rows; own ones, newest first, then those that ship."""
    found, _ = datasets.versions(deps)
    fitting = [version for version in found if version.task == task and version.rows.get("train")]
    return [
        (f"{v.name} ({v.rows['train']:,} to train on{', ships' if datasets.ships(v) else ''})", v.name) for v in fitting
    ]


class Start(NamedTuple):
    """A config for a new form, and the preset that it comes from."""

    config: RunConfig
    preset: str


def first_config(deps: Deps, task: str = "") -> Start:
    """What a new form holds: settings that work here at once."""
    task = task or default_task(deps) or ""
    versions = dataset_choices(deps, task)
    config = RunConfig(task=task, dataset=versions[0][1] if versions else "", base=default_base(deps))
    offered = presets(deps)
    name = FIRST if FIRST in offered else next(iter(offered), OWN)
    first = with_preset(deps, config, name)
    known = {value for _, value in base_choices(deps)}
    return Start(first if first.base in known else replace(first, base=config.base), name)


def with_preset(deps: Deps, config: RunConfig, name: str) -> RunConfig:
    """The recipe of a preset for this task and dataset; the config itself for one's own settings."""
    found = presets(deps).get(name)
    return apply(found, config) if found else config


def preset_of(deps: Deps, name: str) -> Preset | None:
    return presets(deps).get(name)


def learned_rows(deps: Deps, config: RunConfig) -> "list[tuple[RowToken, ...]]":
    """Real training rows as the run would learn them, short to long, the loss marked. Slow the first time."""
    return list(row_examples(config, deps.settings.home, ROWS))


def lists_for(deps: Deps, config: RunConfig) -> dict[str, list[tuple[str, str]]]:
    """What the lists of the form offer for a config, by field."""
    return {"dataset": dataset_choices(deps, config.task), "base": base_choices(deps)}


def lists_of(deps: Deps, task: str) -> dict[str, list[tuple[str, str]]]:
    """The same for a task by its name, the list of tasks as well."""
    return {"task": task_choices(deps), "dataset": dataset_choices(deps, task), "base": base_choices(deps)}


def command_of(deps: Deps, config: RunConfig, preset: str) -> str:
    """The line for a terminal; it names a preset only where every checkout has it, and this home unless it is a
    Space's, which nobody has at hand."""
    return command(
        config, preset if preset in find_presets() else "", None if deps.settings.space else deps.settings.home
    )


def yaml_of(config: RunConfig) -> str:
    return config_yaml(config)


def differing(before: RunConfig, after: RunConfig) -> list[tuple[str, Any, Any]]:
    """(field, before, after) of the settings that differ."""
    return [(name, *pair) for name, pair in differences(before, after).items()]
