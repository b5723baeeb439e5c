"""Everything that can be known of a run before it starts, as checks with words, and what the run will take.

Promise: a run for which a check says "stop" can't work, and nothing starts one; a run without stops was rendered,
masked and, with `measure`, really stepped on the rows it will learn from. No weights are read here and none are
fetched; the measured steps run in a process of their own. Limits: a base on the Hub whose weights are not here yet
can't be measured, and of a large dataset a spread of rows is looked at (training.engine.row_checks).
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from training.data.versions import Version
from training.errors import StudioError
from training.runs.checks import problems
from training.runs.config import RunConfig
from training.runs.preflight_data import data_checks, find_version_of, packs_of
from training.runs.preflight_memory import gb, memory_checks, whole_run
from training.runs.preflight_rows import adapter_checks, length_checks, row_checks
from training.runs.records import Check, Estimate, Preflight
from training.task.pack import Pack, pack_named

if TYPE_CHECKING:
    from training.engine.calibrate import Measured
    from training.engine.row_checks import RowsSeen
    from training.engine.row_tokens import RowToken
    from training.engine.run_needs import BaseSeen

ROOM = 1.1  # times what is reckoned must be free on the disk


@dataclass(frozen=True, slots=True)
class _Known:
    """What the checks found on their way, as far as they came."""

    version: Version
    pack: Pack
    base: "BaseSeen"
    seen: "RowsSeen"


def preflight(config: RunConfig, home: Path, *, measure: bool = False) -> Preflight:
    """All checks, as far as one makes the next possible. With `measure` a few real steps are timed."""
    wrong = problems(config)
    if wrong:
        return Preflight(tuple(Check(p.field, "stop", f"{p.field} {p.reason}.", p.fix) for p in wrong), None)
    checks = [Check("settings", "ok", "Every value is within its limits, and none contradicts another.")]
    known = _look(config, home, checks)
    if known is None or any(check.state == "stop" for check in checks):
        return Preflight(tuple(checks), None)
    from training.engine.run_needs import reckoned_memory, trainable_parameters

    rows, trainable = known.seen.usable(config), trainable_parameters(config, known.base)
    memory = reckoned_memory(config, known.base, trainable, known.seen) if trainable else None
    checks += [*length_checks(config, rows), *adapter_checks(config)]
    checks += [*memory_checks(config, known.base, trainable, memory), *_disk(config, home, trainable)]
    measured = _measured(config, known, checks) if measure and _ok(checks) else None
    estimate = _estimate(config, known, rows, measured)
    estimate = replace(
        estimate,
        trainable_parameters=estimate.trainable_parameters or trainable,
        peak_bytes=estimate.peak_bytes or (memory.total if memory else None),
    )
    if not measure:
        checks.append(Check("time", "wait", "Not measured yet: a few real steps would tell."))
    return Preflight(tuple(checks), estimate, estimate.steps)


def row_examples(config: RunConfig, home: Path, n: int = 3) -> "tuple[tuple[RowToken, ...], ...]":
    """Real train rows as the run would learn them, short to long: each token with its text and whether it is learnt.

    The StudioErrors of a preflight where version, task or base can't be used.
    """
    from training.engine.row_checks import coloured, see_rows
    from training.engine.run_needs import see_base

    version, base = find_version_of(config, home), see_base(config, home)
    seen = see_rows(version.folder, pack_named(version.task, packs_of(home)), base.folder, home=home)
    return coloured(seen, base.folder, config, n)


def _ok(checks: list[Check]) -> bool:
    return all(check.state != "stop" for check in checks)


def _look(config: RunConfig, home: Path, checks: list[Check]) -> _Known | None:
    """Dataset, task, base, machine and rows, each check appended; None where one makes the next impossible."""
    from training.engine.row_checks import see_rows
    from training.engine.run_needs import machine_words, see_base

    name = "dataset"
    try:
        version = find_version_of(config, home)
        checks.extend(data_checks(config, version))
        name = "task"
        pack = pack_named(config.task, packs_of(home))
        name = "base"
        base = see_base(config, home)
        checks.append(_base_words(config, base))
        name = "machine"
        checks.append(Check("machine", "ok", f"{machine_words(config)}."))
        if not _ok(checks):
            return None
        name = "rows"
        seen = see_rows(version.folder, pack, base.folder, home=home)
        checks.extend(row_checks(config, seen))
        return _Known(version, pack, base, seen)
    except StudioError as err:
        checks.append(Check(name, "stop", str(err), err.fix))
        return None


def _base_words(config: RunConfig, base: "BaseSeen") -> Check:
    from training.engine.run_needs import layer_names, no_such_layers

    if config.revision and not base.on_hub:
        words = f"revision is {config.revision!r}, and {base.name} is a folder, which has none."
        return Check("base", "stop", words, "Set revision to nothing.")
    if base.files is None:
        words = f"{base.name} has a tokenizer; its weights are fetched when the run starts."
        return Check("base", "warn", words, "Load it once in Compare to have them here before.")
    if missing := no_such_layers(config, base):
        known = ", ".join(layer_names(base)) or "none"
        words = f"{base.name} has no layers called {', '.join(missing)}."
        return Check("base", "stop", words, f"Set target_modules to all-linear, or choose of: {known}.")
    words = f"{base.name}: {base.files.parameters:,} parameters, {base.files.weight_bytes / 1e6:,.0f} MB."
    return Check("base", "ok", words)


def _disk(config: RunConfig, home: Path, trainable: int | None) -> Iterator[Check]:
    """Room on the disk, from the counted weights."""
    from training.engine.run_needs import disk_bytes

    if trainable is None:
        return
    wanted = disk_bytes(config, trainable)
    free = shutil.disk_usage(next(place for place in (home, *home.parents) if place.exists())).free
    words = f"Checkpoints and result take about {gb(wanted)}; {gb(free)} are free."
    if free < wanted * ROOM:
        yield Check("disk", "stop", words, "Free some space, set save_steps to 0, or move the home with --home.")
    else:
        yield Check("disk", "ok", words)


def _measured(config: RunConfig, known: _Known, checks: list[Check]) -> "Measured | None":
    """The figures of a few real steps; what kept them from running stops the run as well."""
    from training.engine.calibrate import NotMeasured, calibration_rows, measure

    if known.base.files is None:
        checks.append(Check("time", "wait", f"Can't be measured before the weights of {known.base.name} are here."))
        return None
    rows = calibration_rows(known.seen.rows, known.seen.lengths, config)
    try:
        found = measure(config, known.base.folder, rows, known.base.name)
    except NotMeasured as err:
        state = "warn" if err.kind == "slow" else "stop"
        checks.append(Check("memory" if err.kind in ("out_of_memory", "killed") else "time", state, str(err), err.fix))
        return None
    words = f"{found.steps} real steps ran: {found.tokens_per_s:,.0f} tokens/s, at most {gb(found.peak_bytes)} held."
    checks.append(Check("time", "ok", words))
    return found


def _estimate(config: RunConfig, known: _Known, rows: int, found: "Measured | None") -> Estimate:
    fitting = [length for length in known.seen.lengths if length <= config.max_length]
    steps = config.steps_of(rows)
    a_step = fmean(fitting) * config.batch_size * config.grad_accumulation
    parameters = known.base.files.parameters if known.base.files else None
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
    )
