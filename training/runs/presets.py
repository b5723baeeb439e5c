"""Presets: whole recipes for a run, each with a title and one sentence on when to use it.

They stand in assets/presets and in the presets folder of a home, where one of the same name replaces ours. A preset is
a whole recipe: applied to a config it sets what it names, puts everything else that shapes the learning back to its
default, and leaves alone what the run is about, where it runs and whom it tells.

    title: First small run
    when: To see that everything works.
    order: 1        # its place in the list; one without comes last
    values: {max_steps: 30, rank: 16}
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from training.errors import InputError, PackError
from training.runs.checks import ConfigError, problems
from training.runs.config import DEFAULTS, FIELDS, RunConfig
from training.runs.config_file import read_yaml_mapping, values_from

BUILTIN = Path(__file__).resolve().parents[2] / "assets" / "presets"
_KEPT_GROUPS = ("what", "machine")  # what a preset leaves as it was, unless it names it
_KEPT = ("report_to", "seed")
_LAST = 1000
_FORBIDDEN = ("version", "name", "dataset", "revision")  # these make a run, not a recipe


@dataclass(frozen=True, slots=True)
class Preset:
    """`name` is the file's. `values` has the fields that differ from the defaults."""

    name: str
    title: str
    when: str
    values: Mapping[str, Any]


def find_presets(home: Path | None = None) -> dict[str, Preset]:
    """Every preset by its name, in their order, then by name. A person's own replaces ours of the same name.

    InputError names the file and the field of one that can't be used.
    """
    found: dict[str, tuple[int, Preset]] = {}
    for root in (BUILTIN, *([home / "presets"] if home else [])):
        for file in sorted(root.glob("*.yaml")):
            found[file.stem] = read_preset(file)
    return {name: preset for name, (_, preset) in sorted(found.items(), key=lambda item: (item[1][0], item[0]))}


def read_preset(file: Path) -> tuple[int, Preset]:
    """One preset with its place, checked: applied to a config it gives one without problems."""
    try:
        reader = read_yaml_mapping(file)
        preset = Preset(
            file.stem,
            reader.take("title", str),
            reader.take("when", str),
            values_from(reader.take("values", dict), str(file)),
        )
        order = reader.take("order", int, _LAST)
        reader.finish()
    except PackError as err:
        raise InputError(str(err), fix=err.fix) from err
    for name in _FORBIDDEN:
        if name in preset.values:
            raise InputError(f"{file}: {name} is no part of a preset.", fix=f"Remove {name} from its values.")
    if wrong := problems(apply(preset, RunConfig(dataset="any"))):
        raise ConfigError([replace(problem, field=f"{file}: {problem.field}") for problem in wrong])
    return order, preset


def apply(preset: Preset, config: RunConfig) -> RunConfig:
    """The recipe for this config's task, dataset, base and machine."""
    reset = {
        name: DEFAULTS[name]
        for name, field in FIELDS.items()
        if field.metadata["group"] not in _KEPT_GROUPS and name not in _KEPT
    }
    return replace(config, **{**reset, **preset.values})


def preset_of(name: str, home: Path | None = None) -> Preset:
    """The preset of that name. InputError lists those there are."""
    presets = find_presets(home)
    if name not in presets:
        raise InputError(f"There is no preset {name!r}.", fix=f"Choose one of: {', '.join(presets)}.")
    return presets[name]
