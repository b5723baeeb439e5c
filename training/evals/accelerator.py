"""The accelerator while models answer: asked for, waited for in words, given back between arms when a run waits.

Promise: an evaluation holds the lease that runs and the Compare engine share only while a model of it is in memory; it
tells what it waits for, and never takes it from anybody. A run that asks gets it when the arm that answers is done.
"""

import time
from collections.abc import Callable
from pathlib import Path

from training.evals.progress import Progress
from training.runs.lease import Lease

FOREVER_S = 10**9
GIVING_S = 10.0  # so long a process that waits may take to look again
POLL_S = 0.05


class Accelerator:
    """The lease as one evaluation uses it."""

    def __init__(self, home: Path, evaluation: str, progress: Progress) -> None:
        self._lease, self._name, self._progress = Lease(home), f"the evaluation {evaluation}", progress
        self.waited = 0

    def take(self) -> bool:
        """Have it, however long that takes. False where the evaluation was asked to stop before."""
        if self._lease.acquire(self._name, "engine"):
            return True
        self.waited += 1
        self._say()
        return self._lease.acquire(self._name, "engine", FOREVER_S, self._given_up())

    def give_back(self) -> None:
        """Hold it no more. A run that waits for it is given the time to take it."""
        self._lease.release()
        deadline = time.monotonic() + GIVING_S
        while self.wanted() and not self._progress.stop() and time.monotonic() < deadline:
            time.sleep(POLL_S)

    def wanted(self) -> bool:
        """Whether a run waits for it."""
        found = self._lease.wanted()
        return found is not None and found.kind == "run"

    def _say(self) -> None:
        holder = self._lease.holder()
        words = f"waiting until {holder.words} gives the machine back" if holder else "waiting for the machine"
        if words != self._progress.status.phase:
            self._progress.tell(phase=words, eta_s=None)

    def _given_up(self) -> Callable[[], bool]:
        looks = 0

        def asked() -> bool:
            nonlocal looks
            looks += 1
            if looks % 25 == 0:  # every five seconds: another one may hold it by now
                self._say()
            return self._progress.stop()

        return asked
