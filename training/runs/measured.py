"""What measured steps found that stops a run, kept until they are measured anew: HOME/runs/.measured/<key>.json.

Promise: a run whose steps could not be run on this machine is not started, by the window or by the command line, before
they could; the newest measurement counts, and one that goes well clears it. Nothing else removes it. Limits: known by
what the steps hang on, which is the run but for its length and what is watched. What else held the memory then is not
known, so it can always be measured anew; a file that can't be read counts as none.
"""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from training.disk import disk, write_whole
from training.engine.calibrate import calibration_config
from training.runs.config import RunConfig
from training.runs.records import Check

FOLDER = ".measured"
AGAIN = "Check first, or `train --check`, measures anew."


def remember(config: RunConfig, dataset_sha256: str, home: Path, stop: Check | None) -> None:
    """Keep what stopped the steps of this run, in place of what was known; None: they ran. StorageError."""
    path = _path(config, dataset_sha256, home)
    with disk("keep what was measured", path):
        if stop is None:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        when = datetime.now(UTC).isoformat(timespec="seconds")
        write_whole(path, json.dumps({"name": stop.name, "words": stop.words, "fix": stop.fix, "measured": when}))


def remembered(config: RunConfig, dataset_sha256: str, home: Path) -> Check | None:
    """The stop that was measured last, with its day; None where the steps ran, or were never measured."""
    try:
        told = json.loads(_path(config, dataset_sha256, home).read_text("utf-8"))
        when = datetime.fromisoformat(told["measured"])
        words = f"Measured on {when:%d %B %Y at %H:%M} UTC: {told['words']}"
        return Check(told["name"], "stop", words, f"{told['fix']} {AGAIN}".strip())
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _path(config: RunConfig, dataset_sha256: str, home: Path) -> Path:
    steps = replace(calibration_config(config), dataset="")  # it goes by several names, and by one hash
    told = f"{steps.sha256} {config.gradient_checkpointing} {dataset_sha256}"  # the second: memory, and no weight
    return home / "runs" / FOLDER / f"{hashlib.sha256(told.encode()).hexdigest()[:32]}.json"
