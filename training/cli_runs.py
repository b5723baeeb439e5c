"""`runs`: what was run and what runs: list, show, log, stop, kill, resume, delete.

Results go to standard output, as text or with --json as JSON, one object a line.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from training.cli_data import say, say_json

Verb = Callable[[argparse.Namespace], int]


def add(verbs: Any) -> None:
    parser = verbs.add_parser("runs", help="list, show, stop, resume and delete runs")
    own = parser.add_subparsers(dest="runs_verb", required=True, metavar="VERB")
    _verb(own, "list", list_, "every run, newest first", run=False)
    _verb(own, "show", show, "how a run stands, its settings and figures")
    log = _verb(own, "log", log_, "the last lines of a run's log")
    log.add_argument("--lines", type=int, default=200, metavar="N", help="how many (default 200)")
    _verb(own, "stop", stop, "finish the step, save and stop; a queued run is taken out of the queue")
    _verb(own, "kill", kill, "end its processes now, without saving")
    _verb(own, "resume", resume, "go on from the last checkpoint")
    _verb(own, "delete", delete, "remove a run that is over, its adapter included")


def _verb(own: Any, name: str, run_verb: Verb, text: str, run: bool = True) -> argparse.ArgumentParser:
    parser = own.add_parser(name, help=text)
    if run:
        parser.add_argument("id", metavar="RUN", help="id of the run, as `runs list` shows it")
    parser.add_argument("--home", metavar="DIR", help="where your runs live")
    parser.add_argument("--json", action="store_true", help="JSON, one object a line")
    parser.set_defaults(run=run_verb)
    return parser


def list_(arguments: argparse.Namespace) -> int:
    """A line a run; folders that are none are told on standard error."""
    from training.runs.directory import list_runs
    from training.task.records import to_json

    home = _home(arguments)
    _queue(arguments).reconcile()
    runs, notices = list_runs(home)
    for status in runs:
        if arguments.json:
            say_json(to_json(status))
        else:
            length = f"step {status.step}/{status.steps}" if status.steps else "not begun"
            say(f"{status.run}  {status.state}  {length}  {status.seconds:.0f} s  {status.created}")
    for notice in notices:
        sys.stderr.write(notice + "\n")
    return 0


def show(arguments: argparse.Namespace) -> int:
    """Status, facts, settings and the last step."""
    from training.cli_train import figure_lines, step_line
    from training.runs.config_file import config_yaml
    from training.runs.directory import read_facts, read_metrics, read_status, run_folder
    from training.task.records import to_json

    _queue(arguments).reconcile()
    folder = run_folder(_home(arguments), arguments.id)
    status, facts, steps = read_status(folder), read_facts(folder), read_metrics(folder)
    if arguments.json:
        last = to_json(steps[-1]) if steps else None
        facts_json = {**to_json(facts), "config": facts.config.to_json()}
        say_json({"status": to_json(status), "facts": facts_json, "last_step": last, "folder": str(folder)})
        return 0
    say(f"{status.run}: {status.state}{f', {status.phase}' if status.phase else ''}  {folder}")
    for words in (status.error, status.fix, f"adapter: {status.adapter}" if status.adapter else ""):
        if words:
            say(words)
    if steps:
        say(step_line(steps[-1], status.steps))
    for line in figure_lines(folder):
        say(line)
    say(config_yaml(facts.config).rstrip())
    return 0


def log_(arguments: argparse.Namespace) -> int:
    from training.errors import InputError
    from training.runs.directory import log_tail, run_folder

    if arguments.lines < 1:
        raise InputError(f"--lines is {arguments.lines}.", fix="Give a whole number from 1 on.")
    lines = log_tail(run_folder(_home(arguments), arguments.id), arguments.lines)
    for line in lines:
        say_json({"line": line}) if arguments.json else say(line)
    return 0


def stop(arguments: argparse.Namespace) -> int:
    _queue(arguments).stop(arguments.id)
    return _told(arguments)


def kill(arguments: argparse.Namespace) -> int:
    _queue(arguments).kill(arguments.id)
    return _told(arguments)


def resume(arguments: argparse.Namespace) -> int:
    queue = _queue(arguments)
    queue.resume(arguments.id)
    queue.reconcile()
    return _told(arguments)


def delete(arguments: argparse.Namespace) -> int:
    _queue(arguments).delete(arguments.id)
    say_json({"deleted": arguments.id}) if arguments.json else say(f"{arguments.id} is deleted.")
    return 0


def _told(arguments: argparse.Namespace) -> int:
    """How the run stands now."""
    from training.runs.directory import read_status, run_folder
    from training.task.records import to_json

    status = read_status(run_folder(_home(arguments), arguments.id))
    say_json(to_json(status)) if arguments.json else say(f"{status.run}: {status.state}")
    return 0


def _home(arguments: argparse.Namespace) -> Path:
    from training.home import home_dir

    return home_dir(arguments.home)


def _queue(arguments: argparse.Namespace) -> Any:
    from training.runs.queue import Queue

    return Queue(_home(arguments))
