"""Checkpoints that can be trusted: only one that was marked whole, of the same run, is gone on from."""

import json
import logging
import re
import shutil
from pathlib import Path

from training.disk import disk, write_whole
from training.engine.hashes import hash_files
from training.engine.train_job import TrainJob
from training.errors import InputError

_NAME = re.compile(r"checkpoint-(\d+)")
_MARK = "whole"
_OF = "of.json"  # in checkpoints/: what they are checkpoints of
_HARMLESS = frozenset({
    "name", "report_to", "evaluate_rows", "save_steps", "sample_steps", "threads", "save_dtype",
    "gradient_checkpointing",
})  # fmt: skip
log = logging.getLogger(__name__)


def mark_whole(folder: Path) -> None:
    """Say that every file of a checkpoint is written."""
    write_whole(folder / _MARK, "\n")


def step_of(folder: Path) -> int:
    """The step a checkpoint's name says, -1 where it is none."""
    found = _NAME.fullmatch(folder.name)
    return int(found[1]) if found else -1


def last_whole(checkpoints: Path) -> Path | None:
    """The newest checkpoint that was written to its end, None where there is none."""
    whole = [path for path in _all(checkpoints) if (path / _MARK).is_file()]
    return max(whole, key=step_of, default=None)


def begin_with(job: TrainJob, rows_sha256: str) -> Path | None:
    """The checkpoint to go on from, None to begin anew; what belongs to no part of this run is removed.

    InputError where the checkpoint is of other rows, another base or other settings: its curve would not go on.
    """
    now = {key: value for key, value in job.config.to_json().items() if key not in _HARMLESS}
    now |= {"rows": rows_sha256, "base": hash_files(sorted(job.base.glob("*.safetensors")))}
    found = last_whole(job.checkpoints) if job.resume else None
    if found is not None:
        _check_same(job.checkpoints / _OF, now)
    clear_after(job.checkpoints, step_of(found) if found else -1)
    with disk("write what the checkpoints are of", job.checkpoints):
        write_whole(job.checkpoints / _OF, json.dumps(now, indent=1) + "\n")
    return found


def _check_same(path: Path, now: dict[str, object]) -> None:
    if not path.is_file():
        return
    then = json.loads(path.read_text("utf-8"))
    if changed := sorted(key for key in now if then.get(key) != now[key]):
        raise InputError(
            f"{path.parent} holds checkpoints of other rows or settings: {', '.join(changed)} changed.",
            fix="Start a new run with the new settings, or resume with the old ones.",
        )


def clear_after(checkpoints: Path, step: int) -> None:
    """Remove checkpoints past `step` and unfinished ones: they are not of the run that goes on from there.

    With step -1 all go: the run begins anew.
    """
    _remove([path for path in _all(checkpoints) if step_of(path) > step or not (path / _MARK).is_file()])


def clear_unfinished(checkpoints: Path) -> None:
    """Remove what a save that failed has left."""
    _remove([path for path in _all(checkpoints) if not (path / _MARK).is_file()])


def _all(checkpoints: Path) -> list[Path]:
    return sorted(path for path in checkpoints.iterdir() if step_of(path) >= 0) if checkpoints.is_dir() else []


def _remove(folders: list[Path]) -> None:
    for path in folders:
        log.info("removing %s", path)
        with disk("remove an old checkpoint", path):
            shutil.rmtree(path)
