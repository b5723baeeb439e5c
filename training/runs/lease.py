"""Who holds what there is one of in a home: the accelerator, and the window that may change runs.

Promise: one holder at a time among all processes of the machine; a holder whose process is gone holds nothing. Who
wants what another one holds says so, and the holder can read it and give way: a run asks, the studio's engine gives
its memory back first. Limits: nobody is forced; leases are of one machine, see training.processes.
"""

import json
import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from training.processes import Mark, alive, mark_of
from training.runs.directory import now
from training.runs.index import reading, transaction

Kind = Literal["run", "engine", "window"]
ACCELERATOR, WINDOW = "accelerator", "window"
POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lease, or wants it: a run's id or a part of the studio, and the process it lives in."""

    holder: str
    kind: str
    pid: int
    since: str

    @property
    def words(self) -> str:
        what = f"the run {self.holder}" if self.kind == "run" else self.holder
        return f"{what} (process {self.pid})"


class Lease:
    """The lease of a home by name; by default the accelerator, which runs and the Compare engine share."""

    def __init__(self, home: Path, name: str = ACCELERATOR) -> None:
        self._home, self._name = home, name
        self._mark: Mark = mark_of(os.getpid())
        self._held = ""

    def acquire(
        self, holder: str, kind: Kind, wait_s: float = 0.0, given_up: Callable[[], bool] = lambda: False
    ) -> bool:
        """Take it, or wish for it until it is free. False when `wait_s` passed or `given_up` before that.

        Whoever has it in this process under the same name has it still. StorageError where the index refuses.
        """
        deadline = time.monotonic() + wait_s
        try:
            while not self._take(holder, kind, wish=wait_s > 0):
                if given_up() or time.monotonic() >= deadline:
                    return False
                time.sleep(min(POLL_S, max(0.0, deadline - time.monotonic())))
        finally:
            if wait_s > 0:
                self._forget(holder)
        self._held = holder
        return True

    def release(self) -> None:
        """Give back what this object acquired; nothing where it holds nothing."""
        if not self._held:
            return
        with transaction(self._home) as db:
            mine = [self._name, self._held, json.dumps(self._mark)]
            db.execute("DELETE FROM leases WHERE name = ? AND holder = ? AND mark = ?", mine)
        self._held = ""

    def holder(self) -> Holder | None:
        """Who has it now."""
        with reading(self._home) as db:
            return next(iter(_living(db, "leases", self._name)), None)

    def wanted(self) -> Holder | None:
        """Who waits for it the longest: what the holder should give way to."""
        with reading(self._home) as db:
            return next(iter(_living(db, "wishes", self._name)), None)

    def _take(self, holder: str, kind: str, *, wish: bool) -> bool:
        values = [self._name, holder, kind, json.dumps(self._mark), now()]
        with transaction(self._home) as db:
            row = db.execute("SELECT holder, mark FROM leases WHERE name = ?", [self._name]).fetchone()
            if row is not None and alive(json.loads(row[1])):
                if row[0] == holder and json.loads(row[1]) == self._mark:
                    return True
                if wish:
                    db.execute("INSERT OR IGNORE INTO wishes VALUES (?, ?, ?, ?, ?)", values)
                return False
            db.execute("INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?)", values)
        return True

    def _forget(self, holder: str) -> None:
        """Take the wish back, and those of processes that are gone."""
        with transaction(self._home) as db:
            for name, mark in db.execute("SELECT holder, mark FROM wishes WHERE name = ?", [self._name]).fetchall():
                if not alive(json.loads(mark)) or (name == holder and json.loads(mark) == self._mark):
                    db.execute(
                        "DELETE FROM wishes WHERE name = ? AND holder = ? AND mark = ?", [self._name, name, mark]
                    )


class Owner:
    """The window that may change the runs of a home. The first one is it; later ones only read, and say so.

    A window that ends leaves its place to the one that asks next.
    """

    def __init__(self, home: Path, holder: str = "the studio") -> None:
        self._lease, self._holder = Lease(home, WINDOW), holder

    def take(self) -> bool:
        """Become the owner where nobody else is; may be asked again at any time."""
        return self._lease.acquire(self._holder, "window")

    def release(self) -> None:
        self._lease.release()

    @property
    def read_only(self) -> str:
        """Why this window may change nothing; empty where it is the owner, or becomes it just now."""
        if self.take():
            return ""
        owner = self._lease.holder()
        who = owner.words if owner else "another studio"
        return f"Runs are read only here: {who} has the same home open. Close it, or start with another --home."


def _living(db: sqlite3.Connection, table: Literal["leases", "wishes"], name: str) -> list[Holder]:
    rows = db.execute(f"SELECT holder, kind, mark, since FROM {table} WHERE name = ? ORDER BY since, rowid", [name])
    found = [(holder, kind, json.loads(mark), since) for holder, kind, mark, since in rows.fetchall()]
    return [Holder(holder, kind, int(mark["pid"]), since) for holder, kind, mark, since in found if alive(mark)]
