"""The word of a run's process while it works: status.json, written at a steady pace by a thread of its own.

Promise: whatever is told is on the disk within a second, a sign of life comes every few seconds however long a step
takes, and the loop that trains never waits for the disk. A disk that refuses is told in the log once and tried again:
what the run itself can't save will end it.
"""

import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.errors import StorageError
from training.runs.directory import KILL, STOP, write_status
from training.runs.records import RunStatus
from training.runs.states import RUNNING, STARTING, STOPPED, STOPPING, check_move

BEAT_S = 0.5
SIGN_S = 5.0
END_TRIES = 4


class Heartbeat:
    """Keeps `status` on the disk between `start` and `end`; the only writer of it meanwhile."""

    def __init__(self, folder: Path, status: RunStatus, asked: Callable[[], bool] = lambda: False) -> None:
        self._folder, self._status, self._asked = folder, status, asked
        self._lock, self._over = threading.Lock(), threading.Event()
        self._changed, self._refused, self._written = False, False, 0.0
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    @property
    def status(self) -> RunStatus:
        return self._status

    def start(self) -> None:
        self._thread.start()

    def tell(self, **changes: Any) -> None:
        """Change fields of the status, a state by the table."""
        with self._lock:
            self._change(changes)

    def stopping(self) -> bool:
        """Whether someone wants the run to end."""
        return self._asked() or any((self._folder / name).exists() for name in (STOP, KILL))

    def end(self, **changes: Any) -> None:
        """The last word, tried a few times: some systems refuse a file that someone reads just then.

        StorageError where the disk refuses it for good.
        """
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        self.tell(**changes)
        for left in reversed(range(END_TRIES)):
            try:
                write_status(self._folder, self._status)
                return
            except StorageError:
                if not left:
                    raise
                time.sleep(BEAT_S)

    def _change(self, changes: dict[str, Any]) -> None:
        state = changes.get("state", self._status.state)
        if state == STOPPED and self._status.state == RUNNING:  # the wish was heard before it was written down
            self._status = replace(self._status, state=STOPPING)
        if state != self._status.state:
            check_move(self._status.run, self._status.state, state)
        self._status = replace(self._status, **changes)
        self._changed = True

    def _beat(self) -> None:
        while not self._over.wait(BEAT_S):
            with self._lock:
                if self._status.state in (STARTING, RUNNING) and self.stopping():
                    self._change({"state": STOPPING})
                due = self._changed or time.monotonic() - self._written > SIGN_S
                status, self._changed = self._status, self._changed and not due
            if due:
                self._write(status)

    def _write(self, status: RunStatus) -> None:
        try:
            write_status(self._folder, status)
            self._refused, self._written = False, time.monotonic()
        except StorageError:
            if not self._refused:
                traceback.print_exc(file=sys.stderr)
            self._refused = True
            with self._lock:
                self._changed = True
