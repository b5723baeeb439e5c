"""A run's directory, which is the run: HOME/runs/<id>/ says what it does, how it stands and what it left.

    config.yaml     what was asked, for people           metrics.jsonl   a line a step (training.engine.train)
    run.json        RunFacts, the complete config        samples.jsonl   answers while it learns
    status.json     RunStatus                            log.txt         what its process printed
    notes.json      tags and text of a person            checkpoints/    where a stopped run goes on
    process.json    the mark of its process              adapter/ model/ what it made
    queue.json      the key it was submitted under       evaluation.json its figures on dev rows
    stop, kill      empty: please stop, or be ended      exit.json       how its process ended

Promise: every JSON file is whole or not there, and a run is listed when all of it is written. While a process works on
a run that process alone writes status.json; before and after it is written inside a transaction of the queue, so that
no two writers meet. A wish to stop is a file of its own, and `read_status` shows it as the state `stopping`.
Limits: nothing here knows about processes or order, see training.runs.queue.
"""

import json
import re
import secrets
import shutil
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from training.disk import disk, write_whole
from training.engine.train_checkpoints import last_whole, step_of
from training.errors import RunError, StudioError
from training.runs.config import RunConfig
from training.runs.config_file import command as command_of
from training.runs.config_file import config_from, config_yaml
from training.runs.record_files import checked, damaged, lines_of, read_json, write_json
from training.runs.records import RunFacts, RunNotes, RunStatus, Sample, Step
from training.runs.states import ACTIVE, QUEUED, RUNNING, STARTING, STATES, STOPPING, check_move
from training.task.records import to_json

CONFIG, FACTS, STATUS, NOTES, PROCESS = "config.yaml", "run.json", "status.json", "notes.json", "process.json"
METRICS, SAMPLES, LOG, EXIT, KEY = "metrics.jsonl", "samples.jsonl", "log.txt", "exit.json", "queue.json"
STOP, KILL, CHECKPOINTS = "stop", "kill", "checkpoints"
ID = re.compile(r"[a-z0-9][a-z0-9-]{0,79}-[0-9a-f]{6}")
SLUG_CHARS = 60
TAIL_BYTES = 400  # a line of a log, about


def now() -> str:
    """ISO 8601 UTC, to the microsecond: what was made in the same blink still has an order."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def runs_folder(home: Path) -> Path:
    return home / "runs"


def run_folder(home: Path, run: str) -> Path:
    """The directory of a run. RunError where there is none of that name."""
    folder = runs_folder(home) / run
    if not ID.fullmatch(run) or not (folder / FACTS).is_file():
        raise RunError(f"There is no run {run!r} on this machine.", fix="Look at the list of runs.")
    return folder


def run_names(home: Path) -> list[str]:
    """The ids of all runs, in the order of the alphabet."""
    with disk("look for runs", runs_folder(home)):
        return sorted(path.name for path in _subfolders(home) if ID.fullmatch(path.name) and (path / FACTS).is_file())


def create_run(
    home: Path, config: RunConfig, *, command: str = "", dataset_sha256: str = "", sweep: str = "", key: str = ""
) -> RunFacts:
    """A new directory with a queued run in it, under an id of its own. StorageError where the disk refuses.

    `command` is the line that does the same, made from the config where it is not given; `key` is what a second
    submission of the same run is known by.
    """
    root = runs_folder(home)
    run = f"{slug(config.label)}-{secrets.token_hex(3)}"
    line = command or command_of(config, home=home)
    facts = RunFacts(run, config, config.sha256, config.dataset, dataset_sha256, now(), line, sweep=sweep)
    making = root / f".new-{run}"
    with disk("make the run's folder", root / run):
        root.mkdir(parents=True, exist_ok=True)
        making.mkdir()
        try:
            write_whole(making / CONFIG, config_yaml(config))
            write_facts(making, facts)
            write_whole(making / KEY, json.dumps({"key": key}))
            write_status(making, RunStatus(run, QUEUED, steps=config.max_steps, created=facts.created))
            making.rename(root / run)
        except BaseException:
            shutil.rmtree(making, ignore_errors=True)  # nothing in it was told to anyone; the error itself goes on
            raise
    return facts


def delete_run(home: Path, run: str) -> None:
    """Remove a run and all it made. RunError while it is worked on."""
    folder = run_folder(home, run)
    if (state := read_status(folder).state) in ACTIVE:
        raise RunError(f"The run {run} is {state}.", fix="Stop it first.")
    with disk("delete the run", folder):
        gone = folder.with_name(f".gone-{run}")
        folder.rename(gone)  # at once out of every list, however long its files take
        shutil.rmtree(gone)


def list_runs(home: Path) -> tuple[list[RunStatus], list[str]]:
    """Every run, the newest first, and a line for each folder that can't be read as one."""
    found: list[RunStatus] = []
    notices: list[str] = []
    with disk("list the runs", runs_folder(home)):
        folders = [path for path in _subfolders(home) if not path.name.startswith(".")]
    for folder in folders:
        try:
            found.append(read_status(run_folder(home, folder.name)))
        except RunError:
            notices.append(f"{folder.name} in {folder.parent} is no run, and was left as it is.")
        except StudioError as err:
            notices.append(f"{err} {err.fix}")
    return sorted(found, key=lambda status: (status.created, status.run), reverse=True), notices


def read_status(folder: Path) -> RunStatus:
    """How a run stands; `stopping` as soon as it was asked to. StorageError for a file that can't be read."""
    path = folder / STATUS
    status = RunStatus(**checked(RunStatus, path, read_json(path)))
    if status.state not in STATES:
        raise damaged(path, f"it says {status.state!r}, which is no state of a run")
    if status.state in (STARTING, RUNNING) and any((folder / name).exists() for name in (STOP, KILL)):
        return replace(status, state=STOPPING)
    return status


def write_status(folder: Path, status: RunStatus) -> RunStatus:
    """Keep how a run stands, with the time of now; returns what was written."""
    status = replace(status, updated=now())
    write_json(folder / STATUS, to_json(status))
    return status


def change_status(folder: Path, state: str, **changes: Any) -> RunStatus:
    """Move a run to another state, with other fields changed as well. RunError where the table has no such move."""
    before = read_status(folder)
    check_move(before.run, before.state, state)
    return write_status(folder, replace(before, state=state, **changes))


def read_facts(folder: Path) -> RunFacts:
    """What a run was given. ConfigError, an InputError, where its config was written by another studio."""
    path = folder / FACTS
    data = read_json(path)
    if isinstance(data.get("config"), dict):  # anything else is told with the other fields
        data["config"] = config_from(data["config"], f"{folder.name}/{FACTS}")
    return RunFacts(**checked(RunFacts, path, data))


def write_facts(folder: Path, facts: RunFacts) -> None:
    write_json(folder / FACTS, to_json(facts))


def read_config_of(folder: Path) -> RunConfig:
    """The complete config, defaults of the day it was submitted included: from run.json, config.yaml is for people."""
    return read_facts(folder).config


def read_key(folder: Path) -> str:
    """What the run was submitted under; empty for none."""
    return str(read_json(folder / KEY).get("key", "")) if (folder / KEY).exists() else ""


def read_notes(folder: Path) -> RunNotes:
    if not (folder / NOTES).exists():
        return RunNotes()
    data = checked(RunNotes, folder / NOTES, read_json(folder / NOTES))
    tags = data.get("tags", ())
    if not isinstance(tags, list | tuple) or not all(isinstance(tag, str) for tag in tags):
        raise damaged(folder / NOTES, f"tags is {tags!r}")
    return RunNotes(tuple(tags), data.get("text", ""))


def write_notes(folder: Path, notes: RunNotes) -> None:
    write_json(folder / NOTES, to_json(notes))


def read_metrics(folder: Path, after: int = 0) -> list[Step]:
    """The steps above `after`, in the order of the file; see `lines_of` for what is left out."""
    return [Step(**data) for data in lines_of(folder / METRICS, Step) if data["step"] > after]


def read_samples(folder: Path) -> list[Sample]:
    return [Sample(**data) for data in lines_of(folder / SAMPLES, Sample)]


def append_sample(folder: Path, sample: Sample) -> None:
    with disk("keep a sample", folder / SAMPLES), (folder / SAMPLES).open("a", encoding="utf-8") as file:
        file.write(json.dumps(to_json(sample)) + "\n")


def cut_samples(folder: Path, step: int) -> None:
    """Leave out the samples past `step`, which a run that goes on from there makes anew; all of them with -1."""
    if (folder / SAMPLES).exists():
        kept = [json.dumps(to_json(sample)) + "\n" for sample in read_samples(folder) if sample.step <= step]
        with disk("keep the run's samples", folder / SAMPLES):
            write_whole(folder / SAMPLES, "".join(kept))


def log_tail(folder: Path, lines: int = 200) -> list[str]:
    """The last lines of the log, oldest first; none where there is none yet."""
    path = folder / LOG
    if not path.exists() or lines < 1:
        return []
    with disk("read the run's log", path), path.open("rb") as file:
        size = file.seek(0, 2)
        start = max(0, size - lines * TAIL_BYTES)
        file.seek(start)
        found = file.read().decode("utf-8", "replace").splitlines()
    return (found[1:] if start else found)[-lines:]


def write_exit(folder: Path, code: int, state: str) -> None:
    """How the process ended: the last thing it says."""
    write_json(folder / EXIT, {"code": code, "state": state, "ended": now()})


def last_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint; one that was cut off while it was written does not count."""
    return last_whole(folder / CHECKPOINTS)


def last_step(folder: Path) -> int:
    """The step of the newest whole checkpoint, -1 where there is none."""
    checkpoint = last_checkpoint(folder)
    return -1 if checkpoint is None else step_of(checkpoint)


def slug(label: str) -> str:
    """A label as the start of a folder's name: small letters, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:SLUG_CHARS].strip("-") or "run"


def _subfolders(home: Path) -> list[Path]:
    root = runs_folder(home)
    return [path for path in root.iterdir() if path.is_dir()] if root.is_dir() else []
