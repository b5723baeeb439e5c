"""What a sweep tries: a base config, fields with the values to try, and how the next ones are chosen. No torch.

    name: sources-grid
    config: {task: recipe-jsonld, dataset: recipe-jsonld-small, base: crumb}   # or `preset: NAME` below it
    fields:                               # left out: the grid of the sources, DEFAULT_FIELDS
      rank: [64, 128, 256]
      learning_rate: {low: 1.0e-5, high: 5.0e-4, log: true}    # a range: for search tpe only
    search: grid                          # every combination, see training.runs.sweep_order; tpe: the best guess
    trials: 0                             # at most so many runs; 0: the whole grid. tpe needs a number
    prune: true                           # leave out values that clearly hurt, see training.runs.sweep_compare
    seed: 7                               # of the order, and of the search

Promise: a combination that can't work is told before anything starts, with field, reason and fix. The same spec is the
same sweep: its id is made of what it says, so that to start it again is to go on with it. What it is chosen by is the
task's primary dev metric; a sweep that asks for a loss is refused.
"""

import hashlib
import itertools
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from training.data.versions import open_version
from training.errors import InputError, PackError
from training.runs.checks import LIMITS, ConfigError, Problem, kinds_of, problems
from training.runs.config import FIELDS, RunConfig
from training.runs.config_file import absolute_paths, config_yaml, values_from
from training.runs.directory import slug
from training.task.yamlfile import Reader, parse_yaml, read_utf8

Value = str | int | float | bool
DEFAULT_FIELDS: Mapping[str, tuple[Any, ...]] = {
    "rank": (64, 128, 256),
    "max_steps": (50, 150, 350),
    "grad_accumulation": (1, 4, 6),
    "learning_rate": (5e-4, 2e-5, 1e-5),
}
SEARCHES = ("grid", "tpe")
PRIMARY = "primary"
NEVER = ("version", "task", "dataset", "name", "evaluate_rows", "report_to")
MOST_COMBINATIONS = 10_000


@dataclass(frozen=True, slots=True)
class Range:
    """From `low` to `high`, both included; `log` where each factor counts the same."""

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True, slots=True)
class SweepSpec:
    """`fields` maps a field of RunConfig to its values, or for search tpe to a Range. `trials` 0: the whole grid."""

    name: str
    config: RunConfig
    fields: Mapping[str, tuple[Any, ...] | Range] = field(default_factory=lambda: dict(DEFAULT_FIELDS))
    search: str = "grid"
    trials: int = 0
    metric: str = PRIMARY
    prune: bool = True
    seed: int = 7

    @property
    def combinations(self) -> int | None:
        """Of the whole grid; None where a range has no number of values."""
        sizes = [None if isinstance(values, Range) else len(values) for values in self.fields.values()]
        return None if None in sizes else math.prod(size for size in sizes if size is not None)

    @property
    def total(self) -> int:
        """Runs at most."""
        whole = self.combinations
        return min(self.trials or whole or 0, whole or self.trials) if self.search == "grid" else self.trials

    @property
    def sweep(self) -> str:
        """The sweep's id: its name, and six digits of what it says."""
        return f"{slug(self.name)}-{hashlib.sha256(json.dumps(self.to_json()).encode()).hexdigest()[:6]}"

    def config_of(self, values: Mapping[str, Any], number: int | None = None) -> RunConfig:
        """The config of one combination, named after the sweep."""
        name = self.name if number is None else f"{self.name} {number + 1:03d}"
        return replace(self.config, **values, name=name)

    def to_json(self) -> dict[str, Any]:
        """Plain values: what the spec says, and what its id is made of."""
        fields = {
            name: {"low": values.low, "high": values.high, "log": values.log}
            if isinstance(values, Range)
            else [list(value) if isinstance(value, tuple) else value for value in values]
            for name, values in self.fields.items()
        }
        config = self.config.identity(("name", "report_to"))
        return {
            "name": self.name, "config": config, "fields": fields, "search": self.search, "trials": self.trials,
            "metric": self.metric, "prune": self.prune, "seed": self.seed,
        }  # fmt: skip


def read_spec(path: Path, home: Path | None = None) -> SweepSpec:
    """A spec from its YAML file, checked. InputError with file, key and fix."""
    try:
        return spec_from(parse_yaml(read_utf8(path), path), home)
    except PackError as err:
        raise InputError(str(err), fix=err.fix) from err


def spec_from(reader: Reader, home: Path | None = None) -> SweepSpec:
    """The same from a mapping at hand; PackError, or InputError, for what it can't be."""
    from training.runs.presets import apply, preset_of

    where = str(reader.file)
    config = RunConfig()
    if preset := reader.take("preset", str, ""):
        config = apply(preset_of(preset, home), config)
    given = values_from(reader.take("config", dict), f"{where}: config")
    config = replace(config, **absolute_paths(given, reader.file.parent))
    fields: Mapping[str, tuple[Any, ...] | Range] = DEFAULT_FIELDS
    if reader.has("fields"):
        fields = {name: field_values(name, given, where) for name, given in reader.take("fields", dict).items()}
    fields = absolute_values(fields, reader.file.parent)
    spec = SweepSpec(
        reader.take("name", str),
        config,
        fields,
        reader.one_of("search", SEARCHES, "grid"),
        reader.take("trials", int, 0),
        reader.take("metric", str, PRIMARY),
        reader.take("prune", bool, True),
        reader.take("seed", int, 7),
    )
    reader.finish()
    check_spec(spec, where)
    return spec


def spec_yaml(spec: SweepSpec) -> str:
    """The spec as a file that reads as an equal one."""
    data = spec.to_json()
    data["config"] = yaml.safe_load(config_yaml(replace(spec.config, name="", report_to=())))
    return yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=120, default_flow_style=None)


def check_spec(spec: SweepSpec, where: str = "the sweep") -> None:
    """InputError for a spec that can't work, combinations included."""
    if not spec.name.strip() or len(spec.name) > 60:
        raise InputError(f"{where}: name is {spec.name!r}.", fix="Give the sweep a name of up to 60 letters.")
    if spec.metric != PRIMARY:
        raise InputError(
            f"{where}: metric is {spec.metric!r}. A sweep chooses by the task's primary dev metric, never by a loss.",
            fix=f"Write metric: {PRIMARY}, or leave it out.",
        )
    if not spec.fields:
        raise InputError(f"{where}: fields is empty.", fix="Name at least one field with two values.")
    for name in spec.fields:
        if name in NEVER or name not in FIELDS:
            why = "is no setting of a run" if name not in FIELDS else "has to be the same in all runs of a sweep"
            raise InputError(f"{where}: {name} {why}.", fix="Sweep over another field.")
    if void := [name for name in ("rank", "alpha") if name in spec.fields and _never_read(spec)]:
        raise InputError(
            f"{where}: method is full, which reads no {void[0]}: its values would all give the same run.",
            fix=f"Leave {void[0]} out of the sweep, or pick another method.",
        )
    ranges = [name for name, values in spec.fields.items() if isinstance(values, Range)]
    if spec.search == "grid" and ranges:
        raise InputError(f"{where}: {ranges[0]} is a range, a grid needs values.", fix="List values, or search: tpe.")
    if spec.trials < 0 or (spec.search == "tpe" and not spec.trials):
        raise InputError(f"{where}: trials is {spec.trials}.", fix="Say how many runs a search may take, such as 20.")
    if not LIMITS["seed"].holds(spec.seed):
        raise InputError(f"{where}: seed is {spec.seed}.", fix=f"Choose a seed {LIMITS['seed'].words}.")
    if not spec.config.evaluate_rows:
        raise InputError(f"{where}: evaluate_rows is 0, so nothing could be compared.", fix="Set it to 20 or more.")
    _check_combinations(spec, where)


def _never_read(spec: SweepSpec) -> bool:
    """Whether no run of the sweep has an adapter."""
    methods = spec.fields.get("method", (spec.config.method,))
    return not isinstance(methods, Range) and set(methods) == {"full"}


def settled(spec: SweepSpec, home: Path) -> tuple[SweepSpec, str]:
    """The spec with its dataset version's whole name, and that version's hash: what it means may not change later.

    The StudioErrors of a spec, a dataset or a task that can't be used.
    """
    from training.engine.run_rows import SHIPPED, find_dataset

    check_spec(spec)
    version = open_version(find_dataset(home, spec.config.dataset))
    if version.task != spec.config.task:
        raise InputError(f"{version.name} is of the task {version.task}, not {spec.config.task}.", fix="Name another.")
    if "dev" not in version.rows:
        raise InputError(f"{version.name} has no dev rows, so nothing could be compared.", fix="Build it with dev.")
    at_home = version.folder.parent in (home / "datasets", SHIPPED)
    named = version.folder.name if at_home else str(version.folder.absolute())
    return replace(spec, config=replace(spec.config, dataset=named)), version.sha256


def combinations(spec: SweepSpec) -> Iterator[dict[str, Any]]:
    """Every combination of the values, of a range its two ends."""
    names = list(spec.fields)
    choices = [_ends(name, v) if isinstance(v, Range) else v for name, v in spec.fields.items()]
    for chosen in itertools.product(*choices):
        yield dict(zip(names, chosen, strict=True))


def _check_combinations(spec: SweepSpec, where: str) -> None:
    """What is wrong with any of them, each thing once."""
    count = math.prod(2 if isinstance(values, Range) else len(values) for values in spec.fields.values())
    if count > MOST_COMBINATIONS:
        raise InputError(f"{where}: {count:,} combinations.", fix=f"Take at most {MOST_COMBINATIONS:,}.")
    found: dict[Problem, None] = {}
    for values in combinations(spec):
        found |= dict.fromkeys(problems(spec.config_of(values)))
    if found:
        raise ConfigError([replace(problem, field=f"{where}: {problem.field}") for problem in found])


def field_values(name: str, given: Any, where: str) -> tuple[Any, ...] | Range:
    """The values of a field, each of its type, or of {low, high, log} a range of numbers. InputError names `where`."""
    if isinstance(given, Mapping):
        return _range(name, given, where)
    if not isinstance(given, list) or not given:
        raise InputError(f"{where}: fields.{name} is {given!r}.", fix="Give a list of values, or low and high.")
    values = tuple(values_from({name: value}, f"{where}: fields")[name] for value in given)
    if len(set(values)) < len(values):
        raise InputError(f"{where}: fields.{name} has a value twice.", fix="Name each value once.")
    return values


def absolute_values(fields: Mapping[str, tuple[Any, ...] | Range], start: Path) -> dict[str, tuple[Any, ...] | Range]:
    """The fields with bases that are written as paths made absolute, as those of a config are."""
    found = dict(fields)
    bases = found.get("base", ())
    if "base" in found and not isinstance(bases, Range):
        found["base"] = tuple(absolute_paths({"base": base}, start)["base"] for base in bases)
    return found


def _range(name: str, given: Mapping[str, Any], where: str) -> Range:
    known = {"low", "high", "log"}
    numeric = name in FIELDS and {int, float} & set(kinds_of(name))
    if not numeric or not {"low", "high"} <= set(given) <= known:
        raise InputError(
            f"{where}: fields.{name} is {dict(given)!r}.", fix="A range of numbers is {low: ..., high: ..., log: true}."
        )
    ends = [values_from({name: given[key]}, f"{where}: fields")[name] for key in ("low", "high")]
    if ends[0] >= ends[1] or (given.get("log") and ends[0] <= 0):
        raise InputError(f"{where}: fields.{name} goes from {ends[0]} to {ends[1]}.", fix="Give low < high, above 0.")
    return Range(ends[0], ends[1], bool(given.get("log", False)))


def _ends(name: str, values: Range) -> tuple[Any, ...]:
    whole = float not in kinds_of(name)
    return (int(values.low), int(values.high)) if whole else (values.low, values.high)
