"""Everything that can be known of a run before it starts, as checks with words, and what the run will take.

Promise: a run for which a check says "stop" can't work, and nothing starts one; a run without stops was rendered,
masked and, with `measure`, really stepped on the rows it will learn from. No weights are read here and none are
fetched; the measured steps run in a process of their own. Limits: a base on the Hub whose weights are not here yet
can't be measured, and of a large dataset a spread of rows is looked at (training.engine.row_checks).
"""

from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from training.errors import StudioError
from training.runs.checks import problems
from training.runs.config import RunConfig
from training.runs.measured import remembered
from training.runs.preflight_data import data_checks, find_version_of, packs_of
from training.runs.preflight_looks import Looks
from training.runs.preflight_measure import Known, measured_steps
from training.runs.preflight_memory import gb, memory_checks, whole_run
from training.runs.preflight_needs import disk_checks, mirror_checks
from training.runs.preflight_rows import adapter_checks, answer_checks, length_checks, row_checks
from training.runs.records import Check, Estimate, Preflight
from training.task.pack import pack_named

if TYPE_CHECKING:
    from training.engine.calibrate import Measured
    from training.engine.row_tokens import RowToken
    from training.engine.run_needs import BaseSeen


def preflight(config: RunConfig, home: Path, *, measure: bool = False, looks: Looks | None = None) -> Preflight:
    """All checks, as far as one makes the next possible. With `measure` a few real steps are timed; without it what
    stopped them the last time stops the run. `looks` is shared by the preflights of many runs."""
    wrong = problems(config)
    if wrong:
        return Preflight(tuple(Check(p.field, "stop", f"{p.field} {p.reason}.", p.fix) for p in wrong), None)
    checks = [Check("settings", "ok", "Every value is within its limits, and none contradicts another.")]
    known = _look(config, home, checks, looks or Looks())
    if known is None or any(check.state == "stop" for check in checks):
        return Preflight(tuple(checks), None)
    from training.engine.run_needs import reckoned_memory, trainable_parameters

    rows, trainable = known.seen.usable(config), trainable_parameters(config, known.base)
    memory = reckoned_memory(config, known.base, trainable, known.seen) if trainable else None
    checks += [*length_checks(config, rows), *adapter_checks(config)]
    checks += [*memory_checks(config, known.base, trainable, memory), *disk_checks(config, known.base, home, trainable)]
    measured = _time(config, known, home, checks, measure)
    estimate = _estimate(config, known, rows, measured)
    estimate = replace(
        estimate,
        trainable_parameters=estimate.trainable_parameters or trainable,
        peak_bytes=estimate.peak_bytes or (memory.total if memory else None),
    )
    return Preflight(tuple(checks), estimate, estimate.steps)


def row_examples(config: RunConfig, home: Path, n: int = 3) -> "tuple[tuple[RowToken, ...], ...]":
    """Real train rows as the run would learn them, short to long: each token with its text and whether it is learnt.

    The StudioErrors of a preflight where version, task or base can't be used.
    """
    from training.engine.row_checks import coloured, see_rows
    from training.engine.run_needs import see_base

    version, base = find_version_of(config, home), see_base(config, home)
    pack = pack_named(version.task, packs_of(home))
    seen = see_rows(version.folder, pack, base.folder, rows=config.rows, home=home)
    return coloured(seen, base.folder, config, n)


def _ok(checks: list[Check]) -> bool:
    return all(check.state != "stop" for check in checks)


def _time(config: RunConfig, known: Known, home: Path, checks: list[Check], measure: bool) -> "Measured | None":
    """Measure where that is asked for and nothing stops the run; where it is not done, what stopped it before does."""
    measured, told = None, Check("time", "wait", "Not measured yet: a few real steps would tell.")
    if measure and not _ok(checks):
        return None
    if measure:
        measured, told = measured_steps(config, known, home)
    stop = remembered(config, known.version.sha256, home) if told.state == "wait" else None
    checks += [check for check in (stop, told) if check is not None]
    return measured


def _look(config: RunConfig, home: Path, checks: list[Check], looks: Looks) -> Known | None:
    """Dataset, task, base, machine and rows, each check appended; None where one makes the next impossible."""
    from training.engine.row_checks import see_rows
    from training.engine.run_needs import machine_words, see_base

    name = "dataset"
    try:
        checks.extend(mirror_checks(config))
        version = looks.once(("version", config.dataset), lambda: find_version_of(config, home))
        checks.extend(data_checks(config, version))
        name = "task"
        pack = pack_named(config.task, packs_of(home))
        name = "base"
        base = looks.once(("base", config.base, config.revision), lambda: see_base(config, home))
        checks.append(_base_words(config, base))
        name = "machine"
        checks.append(Check("machine", "ok", f"{machine_words(config, base.folder)}."))
        if not _ok(checks):
            return None
        name = "rows"
        seen = see_rows(version.folder, pack, base.folder, rows=config.rows, home=home)
        checks.extend([*row_checks(config, seen), *answer_checks(seen, pack.sampling.max_new_tokens)])
        return Known(version, base, seen)
    except StudioError as err:
        checks.append(Check(name, "stop", str(err), err.fix))
        return None


def _base_words(config: RunConfig, base: "BaseSeen") -> Check:
    from training.engine.run_needs import layer_names, no_such_layers

    if config.revision and not base.on_hub:
        words = f"revision is {config.revision!r}, and {base.name} is a folder, which has none."
        return Check("base", "stop", words, "Set revision to nothing.")
    if missing := no_such_layers(config, base):
        known = ", ".join(layer_names(base)) or "none"
        words = f"{base.name} has no layers called {', '.join(missing)}."
        return Check("base", "stop", words, f"Set target_modules to all-linear, or choose of: {known}.")
    if base.files is None:
        weights = f"its weights ({gb(base.remote.fetched)}) are" if base.remote else "its weights are"
        words = f"{base.name} has a tokenizer; {weights} fetched when the run starts."
        return Check("base", "warn", words, "Load it once in Compare to have them here before.")
    words = f"{base.name}: {base.files.parameters:,} parameters, {base.files.weight_bytes / 1e6:,.0f} MB."
    return Check("base", "ok", words)


def _estimate(config: RunConfig, known: Known, rows: int, found: "Measured | None") -> Estimate:
    fitting = [length for length in known.seen.lengths if length <= config.max_length]
    steps = config.steps_of(rows)
    a_step = fmean(fitting) * config.batch_size * config.grad_accumulation
    parameters = known.base.counted.parameters if known.base.counted else None
    return Estimate(
        rows=rows,
        steps=steps,
        tokens_per_step=a_step,
        tokens=a_step * steps,
        seconds=found.start_s + a_step * steps / found.tokens_per_s if found else None,
        peak_bytes=whole_run(config, found.peak_bytes) if found else None,
        measured_steps=found.steps if found else 0,
        trainable_parameters=found.trainable_parameters if found else None,
        parameters=found.parameters if found else parameters,
        device=found.device if found else "",
        on_top=_on_top(config) if found else (),
    )


def _on_top(config: RunConfig) -> tuple[str, ...]:
    """What a run does beside its steps, which are all that is timed."""
    told = [
        (config.eval_steps, f"the dev loss every {config.eval_steps:,} steps"),
        (config.sample_steps, f"two sample answers every {config.sample_steps:,} steps"),
        (config.evaluate_rows, f"the answers of base and result to up to {config.evaluate_rows:,} dev rows at its end"),
    ]
    return tuple(words for count, words in told if count)
