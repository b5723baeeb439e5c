"""Where runs are worked on: the one interface that queue and window know. The local machine is the first of its kind.

A launcher starts what a run directory describes and answers for the process; what the run itself says (status, metrics,
samples) is read from its directory, wherever that lies.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Protocol

ProcessState = Literal["none", "alive", "gone"]


class Launcher(Protocol):
    """Safe to call from several processes and threads. StorageError or RunError where something is refused."""

    def submit(self, run: str) -> None:
        """Start the process of a run that is `starting`; returns at once. A second call does nothing."""
        ...

    def status(self, run: str) -> ProcessState:
        """Whether a process works on the run: none was started, it lives, or it is gone."""
        ...

    def cancel(self, run: str, *, kill: bool = False) -> None:
        """Ask the run to finish its step, save and stop; `kill` ends its whole process tree now."""
        ...

    def logs(self, run: str, lines: int = 200) -> list[str]:
        """The last lines of its log, oldest first; none where there is none."""
        ...

    def artifacts(self, run: str) -> Iterator[Path]:
        """The files it has left so far: adapter, evaluation."""
        ...
