"""Is the process that wrote this still the one that runs? Told by its id and the moment it began, as ids come again."""

import json
import os
from pathlib import Path
from typing import Any

import psutil

from training.disk import disk
from training.errors import BusyError


def mark_of(pid: int) -> dict[str, Any]:
    """A process as a record for a file. psutil.NoSuchProcess where it is gone."""
    return {"pid": pid, "began": psutil.Process(pid).create_time()}


def alive(mark: dict[str, Any] | None) -> bool:
    """True while the process of a mark runs. False for None, a finished process, and another one with its id."""
    if mark is None:
        return False
    try:
        process = psutil.Process(int(mark["pid"]))
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return abs(process.create_time() - float(mark["began"])) < 1
    except (KeyError, ValueError, psutil.NoSuchProcess):
        return False


def read_mark(path: Path) -> dict[str, Any] | None:
    """The mark in a file; None where there is none, or one that was cut off while it was written."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None


class Claim:
    """A folder that one process works in at a time. A dead process' claim is taken over. BusyError while one lives."""

    def __init__(self, folder: Path, what: str) -> None:
        self._path, self._what = folder / "claim.json", what

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
