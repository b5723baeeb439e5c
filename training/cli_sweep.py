"""`sweep`: many runs from one spec, told one by one, and which of them are tied with the best.

Started again with the same spec it goes on where it was, and says again what it found when it is done. Ctrl-C leaves
the run that is worked on to itself. Exit codes: 0 finished, 2 what was given can't work, 1 no run could be scored or it
was stopped from elsewhere, 130 left from here.
"""

import argparse
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from training.cli_data import say, say_json

if TYPE_CHECKING:
    from collections.abc import Generator

    from training.runs.sweep_records import Sweep, Trial
    from training.runs.sweep_spec import SweepSpec


def add(verbs: Any) -> None:
    parser = verbs.add_parser(
        "sweep",
        help="train a grid or a search of settings and compare them on dev",
        description="Train a grid or a search of settings, one run after the other, and compare them on dev rows.",
    )
    parser.add_argument("spec", type=Path, metavar="SPEC.yaml", help="base config, fields with values, search")
    parser.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="a setting of the base config; again for more"
    )
    parser.add_argument("--check", action="store_true", help="check and estimate with a few measured steps; no run")
    parser.add_argument("--quick", action="store_true", help="start without measuring steps for the estimate")
    parser.add_argument("--home", metavar="DIR", help="where your datasets, models and runs live")
    parser.add_argument("--json", action="store_true", help="JSON, one object a line")
    parser.set_defaults(run=sweep)


def sweep(arguments: argparse.Namespace) -> int:
    """Estimate, then drive the sweep to its end. InputError for a spec that can't work, with every reason."""
    from training.home import home_dir
    from training.runs.config_file import absolute_paths, settings_from
    from training.runs.queue import Queue
    from training.runs.sweep import run_sweep
    from training.runs.sweep_check import check_sweep
    from training.runs.sweep_spec import read_spec, settled

    home = home_dir(arguments.home)
    spec = read_spec(arguments.spec, home)
    given = absolute_paths(settings_from(arguments.set), Path.cwd())
    spec, _ = settled(replace(spec, config=replace(spec.config, **given)), home)
    if arguments.quick:
        check_sweep(spec, home)
    else:
        _tell_estimate(spec, home, arguments.json)
    if arguments.check:
        return 0
    told: set[tuple[int, str]] = set()
    last: Sweep | None = None
    states = cast("Generator[Sweep, None, None]", run_sweep(spec, home, Queue(home)))
    try:
        with closing(states):
            for last in states:
                _tell_trials(last, told, arguments.json)
    except KeyboardInterrupt:
        running = last.running if last else None
        goes_on = f"{running.run} goes on by itself. " if running else ""
        sys.stderr.write(f"{goes_on}The same command goes on with the sweep {spec.sweep}.\n")
        return 130
    return 1 if last is None else tell_end(last, arguments.json)


def table(sweep: "Sweep") -> list[str]:
    """The runs by score, those tied with the best first and marked with *."""
    tied = {number: place for place, number in enumerate(sweep.tied)}
    done = [trial for trial in sweep.trials if trial.state == "done"]
    done.sort(key=lambda trial: (tied.get(trial.number, len(tied)), -(trial.score or 0.0), trial.number))
    heads = ["", *sweep.fields, sweep.metric, "95 % interval", "seconds", "run"]
    rows = [
        [
            "*" if trial.number in tied else "",
            *(_said(trial.values[name]) for name in sweep.fields),
            f"{trial.score or 0.0:.3f}",
            "" if trial.low is None else f"{trial.low:.3f} to {trial.high:.3f}",
            f"{trial.seconds:.0f}",
            trial.run,
        ]
        for trial in done
    ]
    widths = [max(len(row[at]) for row in [heads, *rows]) for at in range(len(heads))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in [heads, *rows]
    ]


def _tell_estimate(spec: "SweepSpec", home: Path, as_json: bool) -> None:
    from training.runs.sweep_time import estimate_sweep
    from training.task.records import to_json

    found = estimate_sweep(spec, home)
    if as_json:
        say_json({"sweep": spec.sweep, "estimate": to_json(found)})
        return
    say(f"{spec.sweep}: up to {found.runs} runs over {', '.join(spec.fields)}")
    if found.seconds is None or found.shortest is None or found.longest is None:
        say(f"How long they train could not be measured. {found.why}".rstrip())
        return
    say(
        f"about {duration(found.seconds)} of training, {duration(found.shortest)} to {duration(found.longest)} a run; "
        f"the answers to {found.rows_evaluated} dev rows a run come on top"
    )


def _tell_trials(sweep: "Sweep", told: set[tuple[int, str]], as_json: bool) -> None:
    """What is new since the last look."""
    from training.task.records import to_json

    for trial in sweep.trials:
        if (trial.number, trial.state) in told or (trial.state == "running" and not trial.run):
            continue
        told.add((trial.number, trial.state))
        if as_json:
            say_json({"sweep": sweep.sweep, "done": sweep.done, "total": sweep.total, "trial": to_json(trial)})
        else:
            say(f"{sweep.done}/{sweep.total}  {trial_words(trial, sweep)}")
    for value in sweep.pruned:
        mark = (-1, f"{value.field} {value.value}")
        if mark not in told:
            told.add(mark)
            if as_json:
                say_json({"sweep": sweep.sweep, "pruned": to_json(value)})
            else:
                say(f"left out from here on: {value.field} {_said(value.value)}, {value.reason}")


def trial_words(trial: "Trial", sweep: "Sweep") -> str:
    """One combination for people: what it is, how it stands."""
    values = " ".join(f"{name}={_said(value)}" for name, value in trial.values.items())
    if trial.state == "done":
        inside = "" if trial.low is None else f" ({trial.low:.3f} to {trial.high:.3f})"
        left = "" if sweep.left_s is None else f"; about {duration(sweep.left_s)} left"
        return f"{values}  {sweep.metric} {trial.score:.3f}{inside} in {duration(trial.seconds)}{left}"
    if trial.state == "running":
        return f"{values}  {trial.run}"
    return f"{values}  {'left out' if trial.state == 'pruned' else 'failed'}: {trial.reason}"


def tell_end(sweep: "Sweep", as_json: bool) -> int:
    """What came out of it; returns the exit code."""
    from training.task.records import to_json

    if as_json:
        say_json(to_json(sweep))
    if sweep.state != "finished":
        sys.stderr.write(f"{sweep.sweep} was stopped. The same command goes on with it.\n")
        return 1
    if sweep.best is None:
        sys.stderr.write(f"{sweep.sweep}: no run could be scored; {_first_reason(sweep)}\n")
        return 1
    if not as_json:
        for line in table(sweep):
            say(line)
        n = len(sweep.tied)
        say("The first is clearly the best." if n == 1 else f"* {n} runs that chance may have put in this order.")
    return 0


def _first_reason(sweep: "Sweep") -> str:
    return next((trial.reason for trial in sweep.trials if trial.reason), "nothing was tried")


def duration(seconds: float) -> str:
    """Rounded for people: 45 s, 12 min, 3.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _said(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(str(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
