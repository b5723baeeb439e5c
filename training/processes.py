"""Is the process that wrote this still the one that runs? Told by its id and the moment it began, as ids come again.

Where the system names its boots (Linux), that moment is counted from the boot, so that a clock that is set anew makes
no living process look dead; elsewhere it is the time of day. A mark of another boot is dead. Limits: this machine only;
a mark that another machine wrote on a shared disk looks dead here.
"""

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from training.disk import disk
from training.errors import BusyError

Mark = dict[str, Any]
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_SLACK_S = {True: 0.02, False: 1.0}  # counted from the boot to 1/100 s; times of day are rounded by some systems


class _Began(NamedTuple):
    """When a process began: seconds since the boot that `boot` names, or since 1970 where it is empty."""

    at: float
    boot: str


def mark_of(pid: int) -> Mark:
    """A process as a record for a file. psutil.NoSuchProcess where it is gone."""
    began = _began(pid)
    return {"pid": pid, "began": began.at, "boot": began.boot}


def alive(mark: Mark | None) -> bool:
    """True while the process of a mark runs. False for None, a finished process, and another one with its id."""
    if mark is None:
        return False
    try:
        pid, at = int(mark["pid"]), float(mark["began"])
        if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return False
        began = _began(pid)
        if mark.get("boot", "") != began.boot:
            return False
        return abs(began.at - at) < _SLACK_S[bool(began.boot)]
    except (KeyError, TypeError, ValueError, OverflowError, psutil.Error):
        return False


def read_mark(path: Path) -> Mark | None:
    """The mark in a file; None where there is none, or one that was cut off while it was written."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def _began(pid: int) -> _Began:
    try:
        boot = _BOOT.read_text("ascii").strip()
        words = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return _Began(int(words[19]) / os.sysconf("SC_CLK_TCK"), boot)
    except (OSError, IndexError, ValueError):
        return _Began(psutil.Process(pid).create_time(), "")


class Claim:
    """A folder that one process works in at a time. A dead process' claim is taken over. BusyError while one lives.

    `name` is the file that says who: another one where it is not the whole folder that is claimed.
    """

    def __init__(self, folder: Path, what: str, name: str = "claim.json") -> None:
        self._path, self._what = folder / name, what

    def __enter__(self) -> None:
        with disk("claim the build's folder", self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            for _ in range(3):
                try:
                    file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
                except FileExistsError:
                    mark = read_mark(self._path)
                    if alive(mark):
                        raise BusyError(
                            f"{self._what} is being built by process {(mark or {})['pid']}.",
                            fix="Wait until it is done, or cancel it.",
                        ) from None
                    self._path.unlink(missing_ok=True)
                    continue
                with os.fdopen(file, "w", encoding="utf-8") as open_file:
                    json.dump(mark_of(os.getpid()), open_file)
                return
        raise BusyError(f"{self._what} is being built by someone else.", fix="Wait until it is done, then try again.")

    def __exit__(self, *_: object) -> None:
        self._path.unlink(missing_ok=True)
