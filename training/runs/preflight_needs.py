"""The part of a preflight on what a run needs beside memory: packages to report to, and room on the disk."""

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from training.runs.config import RunConfig
from training.runs.preflight_memory import gb
from training.runs.records import Check

if TYPE_CHECKING:
    from training.engine.run_needs import BaseSeen

ROOM = 1.1  # times what is reckoned must be free on the disk
PACKAGES = {"tensorboard": ("tensorboard", "tensorboardX")}  # a mirror needs one of them; else the one of its name
FREE = "Free some space, set save_steps to 0, or move the home with --home."


def mirror_checks(config: RunConfig) -> Iterator[Check]:
    """Whom the run is to tell: each of them has a package, which is not among ours."""
    if not config.report_to:
        return
    missing = [name for name in config.report_to if not _installed(name)]
    if missing:
        one = len(missing) == 1
        words = f"report_to names {' and '.join(missing)}, which {'is' if one else 'are'} not installed here."
        fix = f"Run `python -m pip install {' '.join(missing)}`, or take {'it' if one else 'them'} out of report_to."
        yield Check("report_to", "stop", words, fix)
    else:
        yield Check("report_to", "ok", f"Also told: {', '.join(config.report_to)}.")


def _installed(mirror: str) -> bool:
    """Whether its package can be found; nothing is imported."""
    return any(importlib.util.find_spec(name) is not None for name in PACKAGES.get(mirror, (mirror,)))


def disk_checks(config: RunConfig, base: "BaseSeen", home: Path, trainable: int | None) -> Iterator[Check]:
    """Room for checkpoints and result in the home, and for weights that are yet to be fetched in the hub's cache."""
    from training.engine.hub_facts import cache_folder
    from training.engine.run_needs import disk_bytes

    if trainable is None:
        words = f"How much room download and checkpoints take is not known until the weights of {base.name} are here"
        yield Check("disk", "wait", f"{words}: the hub does not say. {gb(_free(cache_folder()))} are free for them.")
        return
    wanted, there = disk_bytes(config, trainable), _existing(home)
    words = f"Checkpoints and result take about {gb(wanted)}"
    fetched = base.remote.fetched if base.files is None and base.remote else 0
    if fetched:
        cache = _existing(cache_folder())
        if _same_disk(there, cache):
            wanted += fetched
            words += f", the weights that are fetched before {gb(fetched)}"
        else:
            yield _room("download", f"The weights take {gb(fetched)} in {cache}", fetched, cache)
    yield _room("disk", words, wanted, there)


def _room(name: str, words: str, wanted: int, folder: Path) -> Check:
    free = _free(folder)
    words = f"{words}; {gb(free)} are free."
    fix = "Free some space, or set HF_HOME to a folder on a larger disk." if name == "download" else FREE
    return Check(name, "stop", words, fix) if free < wanted * ROOM else Check(name, "ok", words)


def _same_disk(one: Path, other: Path) -> bool:
    return one.stat().st_dev == other.stat().st_dev


def _free(folder: Path) -> int:
    return shutil.disk_usage(_existing(folder)).free


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    return next(place for place in (folder, *folder.parents) if place.exists())
