"""What is wrong with a run's settings, each thing with the field's name, the reason and the fix. No torch, no disk.

Promise: a config without problems holds values of the right type within their limits that do not contradict each other;
nothing is mended on the way. Limits: what depends on this machine, the base or the rows (does the version exist, is
there a GPU, do the answers fit) is the preflight's part, see training.runs.preflight.
"""

import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from training.errors import InputError
from training.runs.config import FIELDS, VERSION, RunConfig

ALL_LINEAR = "all-linear"
SHOWN = 200  # characters of a value that an error repeats
_TYPES = get_type_hints(RunConfig)
_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false", tuple: "a list of names"}


MOST_NUMBER = 10**15  # beyond every limit; a longer one has to be told before anything counts with it


@dataclass(frozen=True, slots=True)
class Limit:
    """`least <= value <= most`, or `least < value` where `open_` is set."""

    least: float
    most: float
    open_: bool = False

    def holds(self, value: float) -> bool:
        return (self.least < value if self.open_ else self.least <= value) and value <= self.most

    @property
    def words(self) -> str:
        start = f"above {self.least:g}, up to" if self.open_ else f"from {self.least:g} to"
        return f"{start} {self.most:,.15g}"


LIMITS: dict[str, Limit] = {
    "rank": Limit(1, 4096),
    "alpha": Limit(1, 65536),
    "dropout": Limit(0, 0.9),
    "max_steps": Limit(0, 10_000_000),
    "epochs": Limit(0, 10_000),
    "rows": Limit(0, 100_000_000),
    "batch_size": Limit(1, 4096),
    "grad_accumulation": Limit(1, 4096),
    "learning_rate": Limit(0, 1, open_=True),
    "warmup": Limit(0, 10_000_000),
    "weight_decay": Limit(0, 1),
    "adam_beta2": Limit(0, 0.999999, open_=True),
    "max_grad_norm": Limit(0, 1_000_000),
    "max_length": Limit(8, 1_048_576),
    "short_first_steps": Limit(0, 10_000_000),
    "focal_gamma": Limit(0, 10),
    "seed": Limit(0, 2**32 - 1),
    "eval_steps": Limit(0, 10_000_000),
    "save_steps": Limit(0, 10_000_000),
    "sample_steps": Limit(0, 10_000_000),
    "early_stopping": Limit(0, 10_000),
    "evaluate_rows": Limit(0, 1_000_000),
    "threads": Limit(0, 1024),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `reason` goes on from the field's name: "is 0; a run needs at least 1"."""

    field: str
    reason: str
    fix: str

    def __str__(self) -> str:
        return f"{self.field} {self.reason}. {self.fix}"


class ConfigError(InputError):
    """Settings that can't work. `problems` has each of them."""

    def __init__(self, problems: Collection[Problem]) -> None:
        told = [f"{problem.field} {problem.reason}." for problem in problems]
        super().__init__(" ".join(told), fix=" ".join(problem.fix for problem in problems))
        self.problems = tuple(problems)


def problems(config: RunConfig) -> tuple[Problem, ...]:
    """Everything that is wrong with it, in the order of the fields; first the types, for the rest needs them right."""
    wrong = [found for name in FIELDS if (found := type_problem(name, getattr(config, name))) is not None]
    if wrong:
        return tuple(wrong)
    found = [*_single(config), *_contradictions(config)]
    order = list(FIELDS)
    return tuple(sorted(found, key=lambda problem: order.index(problem.field)))


def check_config(config: RunConfig) -> None:
    """ConfigError (an InputError) with every problem, where there is any."""
    if found := problems(config):
        raise ConfigError(found)


def kinds_of(name: str) -> tuple[type, ...]:
    """The types a field's value may have; a whole number counts as a number where `float` is among them."""
    hint = _TYPES[name]
    arms = get_args(hint) if get_origin(hint) is UnionType or isinstance(hint, UnionType) else (hint,)
    return tuple(get_origin(arm) or arm for arm in arms)


def shown(value: Any) -> str:
    """A value as an error repeats it: whole, or the beginning of it and how long it is."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text):,} characters)"


def type_problem(name: str, value: Any) -> Problem | None:
    """Where a value is of another type than its field."""
    kinds = kinds_of(name)
    wanted = " or ".join(_WORDS[kind] for kind in kinds)
    if type(value) is int and {int, float} & set(kinds) and abs(value) >= MOST_NUMBER:
        return Problem(name, "is a number of more than 15 digits", f"Give {name} a number that is meant.")
    if type(value) is int and float in kinds:
        return None
    if type(value) not in kinds:
        return Problem(name, f"is {shown(value)}, which is not {wanted}", f"Give {name} {wanted}.")
    if type(value) is float and not math.isfinite(value):
        return Problem(name, f"is {value}", f"Give {name} a finite number.")
    if type(value) is tuple and not all(type(item) is str and item for item in value):
        return Problem(name, f"holds {shown(value)}, and not names alone", f"Give {name} {wanted}.")
    return None


def _single(config: RunConfig) -> Iterator[Problem]:
    """Each field by itself."""
    if config.version != VERSION:
        yield _version(config.version)
    for name in ("task", "dataset", "base"):
        if not getattr(config, name).strip():
            yield Problem(name, "is empty", _NEEDED[name])
    if config.name and not re.fullmatch(r"[\w][\w .+-]{0,79}", config.name):
        yield Problem("name", f"is {shown(config.name)}", "Use up to 80 letters, digits, spaces, dots and hyphens.")
    for name, limit in LIMITS.items():
        value = getattr(config, name)
        if not limit.holds(value):
            yield Problem(name, f"is {value:g}", f"Choose {name} {limit.words}.")
    for name, field in FIELDS.items():
        choices = field.metadata["choices"]
        given = getattr(config, name)
        for value in given if isinstance(given, tuple) else (given,):
            if choices and value not in choices:
                yield Problem(name, f"is {shown(value)}", f"Use one of: {', '.join(choices)}.")
    if config.warmup > 1 and config.warmup != int(config.warmup):
        yield Problem("warmup", f"is {config.warmup:g}; from 1 on it counts steps", "Give whole steps, or a share.")
    yield from _targets(config)


_NEEDED = {
    "task": "Name a task pack, such as recipe-jsonld.",
    "dataset": "Name a dataset version: the Data tab makes and `python -m training data list` shows them.",
    "base": "Name a base: crumb, a folder or a Hub id.",
}


def _version(given: int) -> Problem:
    if given > VERSION:
        return Problem("version", f"is {given}, this studio reads {VERSION}", "Update the studio.")
    return Problem("version", f"is {given}, which no studio has written", f"Set version: {VERSION}.")


def _targets(config: RunConfig) -> Iterator[Problem]:
    targets = config.target_modules
    if isinstance(targets, str) and targets != ALL_LINEAR:
        fix = f"Use {ALL_LINEAR}, or a list of layer names such as [q_proj, v_proj]."
        yield Problem("target_modules", f"is {shown(targets)}", fix)
    if not targets:
        yield Problem("target_modules", "is empty: nothing would be trained", f"Use {ALL_LINEAR}, or name layers.")
    if isinstance(targets, tuple) and len(set(targets)) < len(targets):
        yield Problem("target_modules", "names a layer twice", "Name each layer once.")


def _contradictions(config: RunConfig) -> Iterator[Problem]:
    """Fields that deny each other."""
    yield from _length(config)
    yield from _stopping(config)
    if config.schedule == "constant" and config.warmup:
        reason = f"is {config.warmup:g}, and schedule constant has the whole rate from the first step on"
        yield Problem("warmup", reason, "Set schedule: constant_with_warmup, or warmup: 0.")
    if config.method == "full":
        if config.dropout:
            yield Problem("dropout", "is the adapter's, and method full has no adapter", "Set dropout: 0.")
        if config.target_modules != ALL_LINEAR:
            fix = f"Set target_modules: {ALL_LINEAR}, or pick another method."
            yield Problem("target_modules", "names layers, and method full trains all weights", fix)
    if config.method == "qlora" and config.dtype == "fp32":
        fix = "Set dtype: auto, or method: lora."
        yield Problem("dtype", "is fp32, and qlora holds the base in 4 bits to save memory", fix)


def _length(config: RunConfig) -> Iterator[Problem]:
    if config.max_steps and config.epochs:
        fix = "Set epochs: 0 to go by steps, or max_steps: 0 to go by epochs."
        yield Problem("epochs", f"is {config.epochs:g} while max_steps is {config.max_steps}", fix)
    if not config.max_steps and not config.epochs:
        yield Problem("max_steps", "and epochs are both 0: the run has no length", "Give one of them.")
    if config.max_steps and config.warmup_steps(config.max_steps) >= config.max_steps > 1:
        fix = f"Warm up for less than max_steps, {config.max_steps}."
        yield Problem("warmup", f"is {config.warmup:g}: the rate would rise until the run ends", fix)
    if config.max_steps and config.short_first_steps > config.max_steps:
        fix = f"Give at most max_steps, {config.max_steps}."
        yield Problem("short_first_steps", f"is {config.short_first_steps}, more than the run has", fix)


def _stopping(config: RunConfig) -> Iterator[Problem]:
    if not config.early_stopping:
        return
    if not config.eval_steps:
        fix = "Set eval_steps, or early_stopping: 0."
        yield Problem("early_stopping", "needs the dev loss, and eval_steps is 0", fix)
    elif config.max_steps and config.eval_steps > config.max_steps:
        reason = f"needs the dev loss, and eval_steps is {config.eval_steps} in a run of {config.max_steps}"
        yield Problem("early_stopping", reason, "Lower eval_steps, or set early_stopping: 0.")
