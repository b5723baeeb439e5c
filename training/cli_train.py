"""`train`: one run, from a YAML file, a preset or words alone, followed until it ends or left to itself.

The run's own process does the work: this one submits it to the queue and reads its directory. Ctrl-C asks the run to
finish its step, save and stop; a second one leaves it to itself. Exit codes: 0 finished, 2 what was given can't work, 1
the run failed, was lost or was stopped by someone else, 130 stopped from here.
"""

import argparse
import json
import shlex
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.cli_data import say, say_json
from training.cli_sweep import duration
from training.errors import InputError, RunError

if TYPE_CHECKING:
    from training.runs.config import RunConfig
    from training.runs.queue import Queue
    from training.runs.records import Preflight, RunStatus, Step

LOOK_S = 0.5  # between two looks at a run's directory
SHOWN = ("strict", "schema_valid")  # figures that are told beside the primary one
LINES = 25  # of progress that a run prints at most, its first step and its evaluations aside


def add(verbs: Any) -> None:
    from training import cli_runs

    parser = verbs.add_parser(
        "train", help="fine-tune a base on a dataset version", description="Fine-tune a base on a dataset version."
    )
    parser.add_argument("config", nargs="?", type=Path, metavar="CONFIG.yaml", help="the settings that differ")
    parser.add_argument(
        "--preset", default="", metavar="NAME", help="start from a preset; what the file and --set say goes over it"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="a setting, over all else; again for more"
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--detach", action="store_true", help="submit it and return at once")
    way.add_argument("--check", action="store_true", help="check and estimate with a few measured steps; start nothing")
    parser.add_argument("--home", metavar="DIR", help="where your datasets, models and runs live")
    parser.add_argument("--json", action="store_true", help="JSON, one object a line")
    parser.set_defaults(run=train)
    cli_runs.add(verbs)


def train(arguments: argparse.Namespace) -> int:
    """Check, submit, follow. InputError for settings that can't work, with every reason."""
    from training.home import home_dir
    from training.runs.checks import check_config

    home = home_dir(arguments.home)
    config = config_of(arguments, home)
    check_config(config)
    found = _checked(config, home, arguments)
    if arguments.check:
        return 0
    from training.runs.queue import Queue

    queue = Queue(home)
    run = queue.submit(config, dataset_sha256=_dataset_hash(config, home))
    if arguments.detach:
        told = {"run": run, "folder": str(_folder(home, run)), "steps": found.steps}
        say_json(told) if arguments.json else say(f"{run}: {told['folder']}")
        return 0
    return Follower(queue, home, run, arguments.json).follow()


def config_of(arguments: argparse.Namespace, home: Path) -> "RunConfig":
    """The preset, the file over it, the words over both."""
    from training.runs.config import RunConfig
    from training.runs.config_file import absolute_paths, read_values, settings_from
    from training.runs.presets import apply, preset_of

    config = RunConfig()
    if arguments.preset:
        config = apply(preset_of(arguments.preset, home), config)
    if arguments.config is not None:
        config = replace(config, **read_values(arguments.config))
    return replace(config, **absolute_paths(settings_from(arguments.set), Path.cwd()))


def _checked(config: "RunConfig", home: Path, arguments: argparse.Namespace) -> "Preflight":
    """The preflight, told; InputError with what stops the run."""
    from training.runs.preflight import preflight
    from training.task.records import to_json

    found = preflight(config, home, measure=arguments.check)
    if arguments.json:
        say_json({"preflight": to_json(found), "ok": found.ok})
    else:
        for check in found.checks:
            if arguments.check or check.state == "warn":
                say(f"{check.state}: {check.words} {check.fix}".rstrip())
        if arguments.check and found.ok:
            say(time_line(found))
    if not found.ok:
        stops = [check for check in found.checks if check.state == "stop"]
        raise InputError(
            " ".join(check.words for check in stops), fix=" ".join(check.fix for check in stops if check.fix)
        )
    return found


def time_line(found: "Preflight") -> str:
    """How long it will train, and what comes on top of that."""
    if found.estimate is None or found.estimate.seconds is None:
        return "How long it trains was not measured."
    on_top = f"; on top come {'; '.join(found.estimate.on_top)}" if found.estimate.on_top else ""
    return f"about {duration(found.estimate.seconds)} of training for {found.estimate.steps:,} steps{on_top}"


def _dataset_hash(config: "RunConfig", home: Path) -> str:
    from training.data.versions import read_version
    from training.engine.run_rows import find_dataset

    return read_version(find_dataset(home, config.dataset)).sha256


def _folder(home: Path, run: str) -> Path:
    from training.runs.directory import run_folder

    return run_folder(home, run)


class Follower:
    """Tells what a run writes, until it ends. Its directory is all that is read."""

    def __init__(self, queue: "Queue", home: Path, run: str, as_json: bool) -> None:
        self.queue, self.home, self.run, self.as_json = queue, home, run, as_json
        self.folder = _folder(home, run)
        self.told_step, self.told_state, self.asked_to_stop = 0, "", False

    def follow(self) -> int:
        """The exit code of the verb."""
        while True:
            try:
                status = self._until_over()
            except KeyboardInterrupt:
                if self.asked_to_stop:
                    return self._leave()
                self._ask_to_stop()
                continue
            return self._end(status)

    def _until_over(self) -> "RunStatus":
        from training.runs.directory import read_status
        from training.runs.states import OVER

        while True:
            self.queue.reconcile()
            status = read_status(self.folder)
            self._tell_state(status)
            self._tell_steps(status)
            if status.state in OVER:
                return status
            time.sleep(LOOK_S)

    def _tell_state(self, status: "RunStatus") -> None:
        words = f"{status.state}, {status.phase}" if status.phase else status.state
        if status.state == "queued":
            words += next((f", number {job.position}" for job in self.queue.jobs() if job.run == self.run), "")
        if words == self.told_state:
            return
        self.told_state = words
        if self.as_json:
            say_json({"run": self.run, "state": status.state, "phase": status.phase})
        else:
            say(f"{self.run}: {words}")

    def _tell_steps(self, status: "RunStatus") -> None:
        from training.runs.directory import read_metrics
        from training.runs.states import OVER
        from training.task.records import to_json

        if status.step <= self.told_step and status.state not in OVER:
            return
        every = max(1, status.steps // LINES)
        for step in read_metrics(self.folder, after=self.told_step):
            self.told_step = max(self.told_step, step.step)
            if self.as_json:
                say_json({"run": self.run, **to_json(step)})
            elif step.step % every == 0 or step.step in (1, status.steps) or step.dev_loss is not None:
                say(step_line(step, status.steps))

    def _ask_to_stop(self) -> None:
        self.asked_to_stop = True
        with suppress(RunError):  # it has just ended by itself: the next look tells how
            self.queue.stop(self.run)
            sys.stderr.write("Stopping after this step, with a checkpoint. Ctrl-C again leaves it to itself.\n")

    def _leave(self) -> int:
        sys.stderr.write(f"{self.run} goes on without you: `{runs_line(self.home, 'show', self.run)}`.\n")
        return 130

    def _end(self, status: "RunStatus") -> int:
        from training.task.records import to_json

        if self.as_json:
            say_json(to_json(status))
        if status.state == "finished":
            if not self.as_json:
                for line in figure_lines(self.folder):
                    say(line)
                say(f"{self.run}: {status.step} steps in {status.seconds:.0f} s, {status.adapter}")
            return 0
        sys.stderr.write(" ".join(ending_words(status, self.home).split()) + "\n")
        self._advise(status)
        return 130 if status.state == "stopped" and self.asked_to_stop else 1

    def _advise(self, status: "RunStatus") -> None:
        from training.runs.advice import advice
        from training.runs.directory import read_config_of

        if status.state == "failed" and not self.as_json:
            for item in advice(status.kind, read_config_of(self.folder)):
                say(f"try: {item.words}")


def runs_line(home: Path, verb: str, run: str) -> str:
    """The line that does something with a run of this home."""
    from training.home import home_flag

    return shlex.join(["python", "-m", "training", "runs", verb, run, *home_flag(home)])


def ending_words(status: "RunStatus", home: Path) -> str:
    """Why a run that did not finish ended, and what goes on from there."""
    if status.state == "failed":
        return f"{status.run} failed: {status.error} {status.fix}"
    again = f"Go on with `{runs_line(home, 'resume', status.run)}`."
    if status.state == "lost":
        return f"{status.run} was lost at step {status.step}: its process ended without a word. {again}"
    return f"{status.run} was stopped at step {status.step} of {status.steps}. {again}"


def step_line(step: "Step", steps: int) -> str:
    """One step for people: only what was measured."""
    parts = [f"step {step.step}/{steps}" if steps else f"step {step.step}"]
    shown: list[tuple[Any, Callable[[Any], str]]] = [
        (step.loss, lambda value: f"loss {value:.4f}"),
        (step.dev_loss, lambda value: f"dev loss {value:.4f}"),
        (step.learning_rate, lambda value: f"rate {value:.2e}"),
        (step.tokens_per_s, lambda value: f"{value:,.0f} tokens/s"),
        (step.memory_bytes, lambda value: f"{value / 1e6:,.0f} MB"),
    ]
    parts += [words(value) for value, words in shown if value is not None]
    return "  ".join([*parts, f"{step.seconds:.0f} s"])


def figure_lines(folder: Path) -> list[str]:
    """What the evaluation at the end of a run said, base and trained beside each other; none where there was none."""
    from training.runs.executors.local import EVALUATION

    path = folder / EVALUATION
    if not path.is_file():
        return []
    found = json.loads(path.read_text("utf-8"))
    names = [found["primary"], *(name for name in SHOWN if name in found["adapter"] and name != found["primary"])]
    return [_figure_line(name, found["base"][name], found["adapter"][name]) for name in names]


def _figure_line(name: str, base: dict[str, Any], trained: dict[str, Any]) -> str:
    values = [f"{arm['value']:.3f}" if arm["value"] is not None else "none" for arm in (base, trained)]
    interval = f" ({trained['low']:.3f} to {trained['high']:.3f})" if trained.get("low") is not None else ""
    return f"{name}: base {values[0]}, trained {values[1]}{interval}, of {trained['n_scored']} dev rows"
