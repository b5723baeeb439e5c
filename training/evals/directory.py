"""The folder of an evaluation: where it lies, what was asked, how it stands. Its files are listed in evals.records.

Own evaluations lie in HOME/evals/<id>/, those that ship in assets/evaluations/<id>/ and are only read; anywhere else
is as good for the command line. Promise: every JSON file is whole or not there. Limits: nothing here knows a process.
"""

import json
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from training.background import now
from training.disk import disk, write_whole
from training.errors import InputError
from training.evals.records import AGGREGATES, GEN, JOB, STATUS, EvalJob, EvalStatus
from training.task.records import Sampling, to_json
from training.typed_path import typed_path

SHIPPED = Path(__file__).resolve().parents[2] / "assets" / "evaluations"
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")


def evals_root(home: Path) -> Path:
    return home / "evals"


def new_id() -> str:
    """Sorts by time; never the same twice."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def find_evaluation(home: Path, evaluation: str) -> Path:
    """An own evaluation's folder, else a shipped one's. InputError where there is none; a path is never followed."""
    for root in (evals_root(home), SHIPPED) if ID.fullmatch(evaluation) else ():
        if (root / evaluation / STATUS).is_file() or (root / evaluation / AGGREGATES).is_file():
            return root / evaluation
    raise InputError(f"There is no evaluation {evaluation!r}.", fix="Choose one from the list, or start a new one.")


def open_evaluation(home: Path, text: str) -> Path:
    """The same for what a person typed: a folder, or an evaluation's id."""
    folder = typed_path(text, "The evaluation")
    if (folder / STATUS).is_file() or (folder / AGGREGATES).is_file():
        return folder
    return find_evaluation(home, text)


def own_copy(home: Path, folder: Path) -> Path:
    """The folder that may be written to: a shipped evaluation's copy among a person's own ones, made where there is
    none yet; any other folder itself. It hides the shipped one of its id until it is deleted.

    InputError where an own evaluation of that id holds other answers.
    """
    if folder.resolve().parent != SHIPPED.resolve():
        return folder
    mine = evals_root(home) / folder.name
    with disk("copy the evaluation", mine):
        if mine.is_dir():
            if (mine / GEN).is_file() and (mine / GEN).read_bytes() == (folder / GEN).read_bytes():
                return mine
            raise InputError(
                f"{mine} holds other answers than the evaluation {folder.name} that ships.",
                fix="Delete or rename that folder, then ask again.",
            )
        beside = mine.with_name(f".{mine.name}.{secrets.token_hex(3)}")
        shutil.copytree(folder, beside)
        beside.rename(mine)
    return mine


def write_job(folder: Path, job: EvalJob) -> None:
    with disk("keep what was asked", folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / JOB, json.dumps(to_json(job), indent=1) + "\n")


def read_job(folder: Path) -> EvalJob:
    """What an evaluation asks. InputError where its job.json is none of this studio's."""
    path = folder / JOB
    with disk("read what was asked", path):
        text = path.read_text("utf-8")
    try:
        return job_from(json.loads(text))
    except (ValueError, TypeError, AttributeError) as err:
        raise InputError(f"{path} is no evaluation of this studio: {err}.", fix="Start a new evaluation.") from err


def job_from(values: Mapping[str, Any]) -> EvalJob:
    """A job from its JSON form. TypeError for a key that it lacks or has too many."""
    sampling = values.get("sampling")
    given = {**values, "arms": tuple(values.get("arms") or ())}
    return EvalJob(**{**given, "sampling": Sampling(**sampling) if sampling else None})


def write_status(folder: Path, status: EvalStatus) -> EvalStatus:
    """Keep a status with the time of this moment; returns it with that time."""
    stamped = replace(status, updated=now())
    with disk("keep the evaluation's status", folder):
        write_whole(folder / STATUS, json.dumps(to_json(stamped)))
    return stamped


def read_status(folder: Path) -> EvalStatus:
    """The status as it was written last; what another version wrote beside it is left aside."""
    path = folder / STATUS
    with disk("read the evaluation's status", path):
        values: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
    known = {field.name for field in fields(EvalStatus)}
    return EvalStatus(**{**{key: value for key, value in values.items() if key in known}, "id": folder.name})
